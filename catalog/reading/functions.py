"""CloudFormation's functions, worked out as far as the parameters of one launch allow. See catalog.reading.values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from catalog.reading.shapes import mapping
from catalog.reading.values import GONE, NO_VALUE, Either, Unknown, is_known, text_of

_HOLE = re.compile(r"\$\{(!?)([^{}]*)\}")
# Of a list function's argument no more is written out.
_MOST = 1000
# Texts put together that are longer are not known: small ones within each other could become any size.
LONGEST = 65_536


class Resolver:
    """Works values out. `given` holds parameters and pseudo parameters; a parameter that is not in it is unknown."""

    def __init__(self, tree: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        self._given = given
        self._mappings = mapping(tree.get("Mappings"))
        self._conditions = mapping(tree.get("Conditions"))
        self._judged: dict[str, bool | None] = {}
        # Values that aliases share are worked out once; the value itself is kept, so that no id is used again.
        self._known: dict[int, tuple[Any, Any]] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.judge,
            "Fn::If": self._if,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": _get_att,
            "Fn::Base64": self.value,
            "Fn::ToJsonString": self._to_json,
        }

    def value(self, raw: Any) -> Any:
        """The value, without functions; see `catalog.reading.values` for what is not known."""
        if not isinstance(raw, dict | list):
            return raw
        if id(raw) not in self._known:
            self._known[id(raw)] = (raw, self._worked_out(raw))
        return self._known[id(raw)][1]

    def judge(self, name: Any) -> bool | None:
        """Whether this condition holds; None if that is not known."""
        if not isinstance(name, str) or name not in self._conditions:
            return None
        if name not in self._judged:
            # A condition that leads back to itself is unknown.
            self._judged[name] = None
            self._judged[name] = self._holds(self._conditions[name])
        return self._judged[name]

    def _worked_out(self, raw: Any) -> Any:
        if isinstance(raw, list):
            return [one for item in raw if (one := self.value(item)) is not GONE]
        if len(raw) == 1:
            name, argument = next(iter(raw.items()))
            if name in self._functions and (name != "Condition" or isinstance(argument, str)):
                return self._functions[name](argument)
            if isinstance(name, str) and name.startswith("Fn::"):
                return Unknown(f"${{{name}}}")
        return {key: value for key, item in raw.items() if (value := self.value(item)) is not GONE}

    def _holds(self, raw: Any) -> bool | None:
        if not isinstance(raw, dict) or len(raw) != 1:
            return None
        name, argument = next(iter(raw.items()))
        if name == "Condition":
            return self.judge(argument)
        if not isinstance(argument, list):
            return None
        if name == "Fn::Equals" and len(argument) == 2:
            left, right = (self.value(one) for one in argument)
            return text_of(left) == text_of(right) if is_known(left) and is_known(right) else None
        parts = [self._holds(one) for one in argument]
        if name == "Fn::Not" and len(parts) == 1:
            return None if parts[0] is None else not parts[0]
        if name in ("Fn::And", "Fn::Or"):
            decides = name == "Fn::Or"
            return decides if decides in parts else None if None in parts else not decides
        return None

    def _ref(self, name: Any) -> Any:
        if name == NO_VALUE:
            return GONE
        given = self._given.get(str(name))
        return Unknown(f"${{{name}}}") if given is None else given

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            return Unknown("${Fn::If}")
        holds = self.judge(argument[0])
        if holds is None:
            return Either((self.value(argument[1]), self.value(argument[2])))
        return self.value(argument[1] if holds else argument[2])

    def _sub(self, argument: Any) -> Any:
        text, own = argument, {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            text, own = argument[0], {name: self.value(value) for name, value in argument[1].items()}
        if not isinstance(text, str):
            return Unknown("${Fn::Sub}")
        known, last, made = True, 0, _Text()
        for found in _HOLE.finditer(text):
            part, sure = _filling(found, own, self._ref)
            known = known and sure
            if not made.takes(text[last : found.start()], part):
                return Unknown("${Fn::Sub}")
            last = found.end()
        if not made.takes(text[last:]):
            return Unknown("${Fn::Sub}")
        return str(made) if known else Unknown(made)

    def _join(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return Unknown("${Fn::Join}")
        parts = self.value(argument[1])
        if not isinstance(parts, list) or any(isinstance(part, dict | list | Either) for part in parts):
            return Unknown("${Fn::Join}")
        made = _Text()
        for number, part in enumerate(parts[:_MOST]):
            if not made.takes(argument[0] if number else "", text_of(part)):
                return Unknown("${Fn::Join}")
        return str(made) if all(is_known(part) for part in parts) else Unknown(made)

    def _select(self, argument: Any) -> Any:
        chosen = self.value(argument)
        match chosen:
            case [str() | int() as index, list(items)] if text_of(index).isdecimal() and int(index) < len(items):
                return items[int(index)]
        return Unknown("${Fn::Select}")

    def _split(self, argument: Any) -> Any:
        match self.value(argument):
            case [str(mark), str(text)] if mark:
                parts = text.split(mark, _MOST)[:_MOST]
                return parts if is_known(text) else [Unknown(part) if "${" in part else part for part in parts]
        return Unknown("${Fn::Split}")

    def _find_in_map(self, argument: Any) -> Any:
        keys = self.value(argument)
        if isinstance(keys, list) and len(keys) >= 3 and all(is_known(key) for key in keys[:3]):
            found: Any = self._mappings
            for key in keys[:3]:
                found = found.get(text_of(key)) if isinstance(found, dict) else None
            if found is not None:
                return found
            if len(keys) > 3 and isinstance(keys[3], dict):
                return keys[3].get("DefaultValue", Unknown("${Fn::FindInMap}"))
        return Unknown("${Fn::FindInMap}")

    def _to_json(self, argument: Any) -> Any:
        made = _Text()
        try:
            whole = all(made.takes(chunk) for chunk in json.JSONEncoder().iterencode(self.value(argument)))
        except (TypeError, ValueError):
            whole = False
        if not whole:
            return Unknown("${Fn::ToJsonString}")
        return Unknown(made) if "${" in str(made) else str(made)


class _Text:
    """A text that is put together, up to LONGEST."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def takes(self, *parts: str) -> bool:
        """Add these; false, and nothing added, if it would be too long."""
        self._size += sum(len(part) for part in parts)
        if self._size > LONGEST:
            return False
        self._parts += parts
        return True

    def __str__(self) -> str:
        return "".join(self._parts)


def _filling(found: re.Match[str], own: Mapping[str, Any], ref: Callable[[str], Any]) -> tuple[str, bool]:
    """What stands in a hole of Fn::Sub, and whether it is known."""
    name = found[2].strip()
    if found[1]:
        return f"${{{name}}}", True
    value = own[name] if name in own else ref(name)
    if not is_known(value) or isinstance(value, dict | list):
        return value if isinstance(value, Unknown) else f"${{{name}}}", False
    return text_of(value), True


def _get_att(argument: Any) -> Any:
    parts = argument if isinstance(argument, list) else [argument]
    return Unknown(f"${{{'.'.join(text_of(part) for part in parts)}}}")
