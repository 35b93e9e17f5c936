"""Forms: what is typed, and what it must look like. What it may change, the verbs say."""
