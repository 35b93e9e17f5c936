"""What a template's values become with the parameters of one launch.

Nobody but CloudFormation knows everything: the name a resource will get, an import, a hidden parameter. Such a value
is `Unknown`, a text with holes written as `${Name}`; where only the condition is unknown, both branches are kept as
`Either`. Rules read through `options` and `at`, which say of each value whether it is certain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

NO_VALUE = "AWS::NoValue"
HIDDEN = "****"


class Unknown(str):
    """A text that is not known, or not all of it: `arn:aws:s3:::${Bucket}/*`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Either:
    """One of these; which one depends on what is not known."""

    values: tuple[Any, ...]


class Gone:
    """AWS::NoValue: the property is not there."""


GONE = Gone()


class Seen(NamedTuple):
    """A value, and whether it is certain that it will be there."""

    value: Any
    sure: bool


def options(value: Any, *, sure: bool = True) -> Iterator[Seen]:
    """The values a value may have; those of a list one after the other."""
    if isinstance(value, Either):
        for one in value.values:
            yield from options(one, sure=False)
    elif isinstance(value, list):
        for one in value:
            yield from options(one, sure=sure)
    elif value is not None and value is not GONE:
        yield Seen(value, sure)


def at(value: Any, *path: str, sure: bool = True) -> Iterator[Seen]:
    """The values under these keys, through every list and every alternative on the way."""
    for one in options(value, sure=sure):
        if not path:
            yield one
        elif isinstance(one.value, dict):
            yield from at(one.value.get(path[0]), *path[1:], sure=one.sure)
        elif isinstance(one.value, Unknown):
            yield Seen(Unknown(f"{one.value}.{path[0]}"), False)


def is_known(value: Any) -> bool:
    return not isinstance(value, Unknown | Either | Gone)


def text_of(value: Any) -> str:
    """As CloudFormation writes a scalar into a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_true(value: Any) -> bool:
    """Whether CloudFormation takes it for true; an unknown value is not."""
    return value is True or (is_known(value) and isinstance(value, str) and value.lower() == "true")


def is_false(value: Any) -> bool:
    return value is False or (is_known(value) and isinstance(value, str) and value.lower() == "false")


def pseudo(stack_id: str) -> Mapping[str, str]:
    """The pseudo parameters a stack's ARN tells; nothing for a text that is none."""
    parts = stack_id.split(":", 5)
    if len(parts) < 6 or not parts[5].startswith("stack/"):
        return {}
    return {
        "AWS::Partition": parts[1],
        "AWS::Region": parts[3],
        "AWS::AccountId": parts[4],
        "AWS::StackId": stack_id,
        "AWS::StackName": parts[5].split("/")[1],
        "AWS::URLSuffix": "amazonaws.com.cn" if parts[1] == "aws-cn" else "amazonaws.com",
    }
