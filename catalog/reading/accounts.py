"""Whose account a principal or an ARN is of."""

from __future__ import annotations

import re

_ACCOUNT = re.compile(r"\d{12}\Z")
_ARN = re.compile(r"arn:aws[a-z-]*:[^:]*:[^:]*:(\d{12}):")
# AWS's own accounts, which deliver the logs of load balancers, per region (Elastic Load Balancing's user guide).
AWS_OWN = frozenset(
    (
        "127311923021",
        "033677994240",
        "027434742980",
        "797873946194",
        "098369216593",
        "754344448648",
        "589379963580",
        "718504428378",
        "383597477331",
        "600734575887",
        "114774131450",
        "783225319266",
        "582318560864",
        "985666609251",
        "054676820928",
        "156460612806",
        "652711504416",
        "635631232127",
        "009996457667",
        "897822967062",
        "076674570225",
        "507241528517",
        "048591011584",
        "190560391635",
        "638102146993",
        "037604701340",
        "859597730677",
        "131808417461",
    )
)


def account_in(text: str) -> str:
    """The account of a principal: an ARN, or its twelve digits alone. Empty where it names none."""
    if _ACCOUNT.match(text):
        return text
    found = _ARN.match(text)
    return found[1] if found else ""


def is_foreign(text: str, own: str) -> bool:
    """Whether it names an account that is neither the launch's own nor one of AWS's log deliveries."""
    account = account_in(text)
    return bool(account) and account != own and account not in AWS_OWN
