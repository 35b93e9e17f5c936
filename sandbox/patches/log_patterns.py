"""Filter patterns of CloudWatch Logs with `?`: any of these terms (MiniStack: a wildcard, and all)."""
# ruff: noqa: SLF001 - MiniStack's private names

import shlex
from collections.abc import Callable

from sandbox.patches.engine import ministack, replace


def install() -> None:
    """Answer patterns whose terms all begin with `?`; leave every other pattern to MiniStack."""
    logs = ministack("services.cloudwatch_logs")
    compiled = logs._compile_filter_pattern

    def compile_pattern(raw: str) -> Callable[[str], bool]:
        terms = _any_of(raw or "")
        if terms:
            return lambda message: any(term in message for term in terms)
        plain: Callable[[str], bool] = compiled(raw)
        return plain

    replace(compiled, compile_pattern)


def _any_of(raw: str) -> list[str]:
    """The terms of a pattern like `?ERROR ?"Task timed out"`; none for any other."""
    if not raw.strip().startswith("?"):
        return []
    try:
        terms = shlex.split(raw)
    except ValueError:
        return []
    return [term[1:] for term in terms] if all(term.startswith("?") for term in terms) else []
