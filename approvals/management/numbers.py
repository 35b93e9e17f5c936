"""How commands read the numbers people use."""

import re
from argparse import ArgumentTypeError


def request_number(text: str) -> int:
    """GH-12, gh-12 or 12 → 12."""
    found = re.fullmatch(r"(?:GH-)?(\d{1,18})", text.strip(), re.IGNORECASE | re.ASCII)
    if not found:
        raise ArgumentTypeError(f"{text!r} is not a request number such as GH-12")
    return int(found[1])
