"""How the patches reach into MiniStack: modules as `Any`, and names replaced wherever they were imported.

MiniStack is untyped and offers no hooks; it is pinned exactly, so what is patched here is what was read.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def ministack(name: str) -> Any:
    """A module of MiniStack, e.g. `ministack("services.sns")`."""
    return import_module(f"ministack.{name}")


def cloudformation(name: str = "") -> Any:
    """A module of its CloudFormation engine, e.g. `cloudformation("stacks")`."""
    return ministack(f"services.cloudformation.{name}".rstrip("."))


def replace(original: Callable[..., Any], wrapper: Callable[..., Any]) -> None:
    """Put `wrapper` in the place of `original` in every loaded module of MiniStack, and in its action tables."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("ministack."):
            continue
        for attribute, value in list(vars(module).items()):
            if value is original:
                setattr(module, attribute, wrapper)
            elif isinstance(value, dict) and attribute == "_ACTION_HANDLERS":
                value.update({action: wrapper for action, handler in value.items() if handler is original})
