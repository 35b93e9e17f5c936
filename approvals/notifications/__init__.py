"""Telling people: Notice (one happening) → Delivery (one message to one person through one channel) →
channel.

Who is told is decided in `recipients`, what they read in `content`, how it travels in one module per
channel. A message is rendered when it is sent, in the reader's language and time zone, so nothing stale or
secret is kept.
"""
