"""Who uses the console and where: one of the demo's people, an account and a region, kept in a cookie.

It is a costume, not a sign-in: the sandbox is development only and anybody may be anybody.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.demo.people import ACCOUNT, REGION, REQUESTERS, Requester
from sandbox.servicecatalog.entities import Caller

COOKIE = "console"
REGIONS = ("us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-southeast-1", "cn-north-1")
_WEEK = 7 * 24 * 3600


@dataclass(frozen=True)
class Session:
    """A person at work in one account and region."""

    who: Requester
    account: str = ACCOUNT
    region: str = REGION

    def caller(self, request: Request) -> Caller:
        """As Service Catalog sees them."""
        arn = self.who.session_arn(self.account)
        return Caller(self.account, self.region, arn, f"{request.url.scheme}://{request.url.netloc}")

    def keep(self, response: Response) -> None:
        value = f"{self.who.email}|{self.account}|{self.region}"
        response.set_cookie(COOKIE, value, max_age=_WEEK, path="/console", httponly=True, samesite="lax")


def make(email: str, account: str, region: str) -> tuple[Session | None, dict[str, str]]:
    """A session, or what is wrong by field name."""
    errors = {}
    who = next((person for person in REQUESTERS if person.email == email), None)
    if not who:
        errors["who"] = "Choose one of the people."
    if not re.fullmatch(r"\d{12}", account):
        errors["account"] = "An account number has 12 digits."
    if region not in REGIONS:
        errors["region"] = "Choose one of the regions."
    return (Session(who, account, region), {}) if who and not errors else (None, errors)


def current(request: Request) -> Session | None:
    """The session in the cookie; None without a valid one."""
    parts = request.cookies.get(COOKIE, "").strip('"').split("|")
    return make(*parts)[0] if len(parts) == 3 else None
