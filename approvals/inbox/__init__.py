"""The inbox: which requests a person looks at, by filters that live in the URL, and what is done with many at once.

Invariant: a filter only narrows what somebody may see anyway, an unknown value narrows nothing and says so, and no
first page costs more the more old requests there are.
"""
