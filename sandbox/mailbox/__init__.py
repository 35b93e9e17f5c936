"""Every mail the sandbox was asked to send, and a way to answer it."""
