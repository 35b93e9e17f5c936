"""What became of a mail. Everything but the first two was refused; nobody is told by mail, or mails would go round."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    QUEUED = "queued"
    TAKEN = "taken"
    ADDRESS = "no address of ours"
    SPAM = "spam or virus"
    UNPROVEN = "sender not proven"
    SENDER = "another sender"
    AUTOMATIC = "automatic mail"
    NOT_ALLOWED = "may not write here"
    TOO_MANY = "too many mails"
    TOO_LARGE = "mail too large"
    TOO_COSTLY = "mail too costly to read"
    BROKEN = "mail not readable"
    EMPTY = "mail without text"
    UNREACHABLE = "mail not found in its bucket"
