"""A small identity provider: allauth.idp in a process and a database of its own, answering on a loopback port."""
