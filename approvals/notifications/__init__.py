"""Telling people: Notice (one happening) → Delivery (one message to one person through one channel) →
channel.

Who is told is decided in `recipients`, at once or in a digest in `wishes`, what they read in `content` and `digest`,
how it travels in one module per channel. A message is rendered when it is sent, in the reader's language and time zone,
so nothing stale or secret is kept; what is no longer news by then (`news`) is not sent.
"""
