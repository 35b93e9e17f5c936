"""Replies by e-mail: SES stores a mail and says so through a topic of the desk's own account; intake makes a row of it
(`received`), the worker reads the mail itself (`taking`), and what it says is said by the same verbs as on a page.

A mail never decides, is never answered by a mail, and its files are not taken.
"""
