"""What somebody may ask of the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalog.gating.errors import BadOption
from catalog.gating.tokens import Token, token_of
from portal.phrases import Phrase

# aws-facts §1.2: a wait URL may die 12 hours after its handle was made, which is before the wait begins.
DEFAULT_TIMEOUT_S = 42_600
LONGEST_TIMEOUT_S = 43_200
SHORTEST_TIMEOUT_S = 10

# Takes the template's bytes and their sha256, stores them where nobody can change them, and returns the URL.
Upload = Callable[[bytes, str], str]


@dataclass(frozen=True, slots=True)
class Options:
    """`timeout`: seconds. Tokens: an ARN, `REGION=ARN,…`, `import:EXPORT` or the JSON of a function; None for the
    function gatehouse-notify or -verify beside the stack. `wrap`: a URL with {sha256} in it, or what uploads.

    Raises BadOption.
    """

    classic: bool = False
    timeout: int = DEFAULT_TIMEOUT_S
    gate_updates: bool = True
    service_token: str | None = None
    verify_token: str | None = None
    email_parameter: str = ""
    wrap: str | Upload | None = None
    upgrade: bool = False

    def __post_init__(self) -> None:
        if not SHORTEST_TIMEOUT_S <= self.timeout <= LONGEST_TIMEOUT_S:
            what = Phrase(
                "A timeout of %(seconds)d seconds is not possible: %(least)d to %(most)d.",
                seconds=self.timeout,
                least=SHORTEST_TIMEOUT_S,
                most=LONGEST_TIMEOUT_S,
            )
            raise BadOption(what)
        if self.classic and self.verify_token:
            raise BadOption(Phrase("A classic gate asks no verify function: leave the verify token out."))
        self.notify, self.verify  # noqa: B018 - what cannot be read is refused before any template is

    @property
    def notify(self) -> Token:
        return token_of(self.service_token, "gatehouse-notify", "Notify")

    @property
    def verify(self) -> Token:
        return token_of(self.verify_token, "gatehouse-verify", "Verify")
