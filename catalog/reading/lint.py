"""What cfn-lint says of a template.

It runs in a process of its own (catalog.reading.apart): it is large, slow, and reads what anybody wrote. That process
gets no credentials, no configuration of anybody's, also not the template's own, and limits of memory and time.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from typing import Any

from catalog.reading.apart import run
from catalog.reading.rules.secrets import SECRETS
from catalog.reading.shapes import mapping
from catalog.reading.stack import gate_parts
from catalog.templates import Document, plain

SECONDS = 60.0
MEMORY = 2 << 30
_MOST = 50
_LEVELS = ("Error", "Warning")
_LONGEST = 500
# Aliases written out may be more than cfn-lint should be given.
_LARGEST = 2_000_000
_MAIN = "import sys; from cfnlint.runner import main; sys.exit(main())"


class NotLinted(Exception):
    """cfn-lint said nothing: it took too long, broke down, or is not there. The text says which, in a word."""


@dataclass(frozen=True, slots=True)
class Remark:
    """`level` is "Error" or "Warning", `rule` cfn-lint's id, `resource` a logical id or empty."""

    rule: str
    level: str
    title: str
    resource: str
    sentence: str

    def kept(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def lint(document: Document, region: str, seconds: float = SECONDS) -> list[Remark]:
    """Errors first, 50 at most. Raises NotLinted."""
    tree = plain(document.root)
    text = json.dumps(_without_settings(tree))
    if len(text) > _LARGEST:
        raise NotLinted("too large")
    gate = gate_parts(mapping(tree.get("Resources")))
    remarks = [_remark(said) for said in _run(text, region, seconds) if _is_meant(said, gate)]
    return sorted(remarks, key=lambda one: (_LEVELS.index(one.level), one.rule, one.resource))[:_MOST]


def _run(text: str, region: str, seconds: float) -> list[dict[str, Any]]:
    arguments = ["--format", "json", "--regions", region or "us-east-1"]
    try:
        done = run(_MAIN, arguments, text.encode(), seconds=seconds, memory=MEMORY)
    except subprocess.TimeoutExpired:
        raise NotLinted("too slow") from None
    except OSError as error:
        raise NotLinted(type(error).__name__) from None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise NotLinted(f"exit {done.returncode}") from None
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _without_settings(tree: Any) -> Any:
    """A template may tell cfn-lint what to leave out and whose rules to load; here it may not."""
    kept = dict(tree) | {"Resources": {name: _unset(raw) for name, raw in mapping(tree.get("Resources")).items()}}
    return _unset(kept)


def _unset(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("Metadata"), dict):
        return value
    return value | {"Metadata": {name: one for name, one in value["Metadata"].items() if name != "cfn-lint"}}


def _is_meant(said: dict[str, Any], gate: frozenset[str]) -> bool:
    """Not what is only information, the gate's, or about a value that must not be shown."""
    path = _path(said)
    return said.get("Level") in _LEVELS and _resource(path) not in gate and not {*SECRETS, "Default"} & {*path}


def _remark(said: dict[str, Any]) -> Remark:
    rule = mapping(said.get("Rule"))
    return Remark(
        str(rule.get("Id", ""))[:20],
        str(said["Level"]),
        str(rule.get("ShortDescription", ""))[:_LONGEST],
        _resource(_path(said))[:255],
        str(said.get("Message", ""))[:_LONGEST],
    )


def _path(said: dict[str, Any]) -> list[str]:
    path = mapping(said.get("Location")).get("Path")
    return [str(one) for one in path] if isinstance(path, list) else []


def _resource(path: list[str]) -> str:
    return path[1] if len(path) > 1 and path[0] == "Resources" else ""
