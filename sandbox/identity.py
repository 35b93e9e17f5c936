"""Who is calling: the account and principal behind a request's credential. Signatures are not checked here."""

import re
from collections.abc import Mapping

DEFAULT_ACCOUNT = "000000000000"
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(?:\d{8})/([^/]+)/")


def credential(headers: Mapping[str, str]) -> tuple[str, str]:
    """(access key id, region) of a SigV4 Authorization header; empty strings when there is none."""
    value = next((v for k, v in headers.items() if k.lower() == "authorization"), "")
    found = _CREDENTIAL.search(value)
    return (found[1], found[2]) if found else ("", "")


def caller(headers: Mapping[str, str]) -> tuple[str, str]:
    """(account, principal ARN): a 12-digit key is that account's root, an AssumeRole key its session.

    Anything else is the root of the default account, as MiniStack itself takes it.
    """
    from ministack.services import sts

    key, _ = credential(headers)
    session = sts._sessions.get(key)  # noqa: SLF001 - MiniStack offers no reader
    if session and session.get("Arn", "").startswith("arn:"):
        arn = str(session["Arn"])
        return arn.split(":")[4], arn
    account = key if re.fullmatch(r"\d{12}", key) else DEFAULT_ACCOUNT
    return account, f"arn:aws:iam::{account}:root"


def region(headers: Mapping[str, str], default: str = "us-east-1") -> str:
    """The region the request is signed for."""
    return credential(headers)[1] or default
