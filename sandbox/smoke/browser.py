"""As much of a browser as the desk's forms need: cookies, hidden fields, redirects."""

import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from http.cookiejar import CookieJar

from sandbox.problems import ProblemError

_LOOKS = 3


class PageError(ProblemError):
    """The desk answered something else than the page we needed."""


class StaleError(PageError):
    """The desk decides nothing on a page that no longer shows what is so."""


@dataclass
class Form:
    """Where it goes, by itself or with one of its buttons, and what it would send untouched."""

    actions: list[str]
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form([given.get("action", "")]))
        elif self.found and "formaction" in given:
            self.found[-1].actions.append(given["formaction"])
        elif self.found and tag == "input" and given.get("type") == "hidden":
            self.found[-1].fields[given["name"]] = given.get("value", "")


@dataclass(frozen=True)
class Page:
    """What came back, after redirects."""

    url: str
    text: str

    def form(self, ending: str) -> tuple[str, dict[str, str]]:
        """Address and hidden fields of the form that goes to an address like this. Raises PageError."""
        parser = _Forms()
        parser.feed(self.text)
        for form in parser.found:
            for action in form.actions:
                url = urllib.parse.urljoin(self.url, action)
                if urllib.parse.urlsplit(url).path.endswith(ending):
                    return url, form.fields
        raise PageError(f"{urllib.parse.urlsplit(self.url).path} has no form for {ending}")


class Browser:
    """One person's session."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Page:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self._base, path)))  # noqa: S310

    def submit(self, page: Page, ending: str, **values: str) -> Page:
        """Fill in the page's form for this address and send it."""
        url, hidden = page.form(ending)
        body = urllib.parse.urlencode(hidden | values).encode()
        return self._open(urllib.request.Request(url, body, {"Referer": page.url}))  # noqa: S310

    def decide(self, path: str, verb: str, **values: str) -> Page:
        """Open the page of a request and decide there; where it changed in between, look again and decide then."""
        for _ in range(_LOOKS):
            with suppress(StaleError):
                return self.submit(self.get(path), f"/{verb}/", **values)
        return self.submit(self.get(path), f"/{verb}/", **values)

    def sign_in(self, email: str, password: str) -> None:
        """With a password, as the sign-in page offers it. Raises PageError when that does not work."""
        page = self.get("/accounts/login/")
        after = self.submit(page, "/login/", login=email, password=password)
        if urllib.parse.urlsplit(after.url).path.startswith("/accounts/"):
            raise PageError(f"the desk did not let {email} in")

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=20) as answer:
                return Page(answer.geturl(), answer.read().decode())
        except urllib.error.HTTPError as error:
            path = urllib.parse.urlsplit(request.full_url).path
            refused = StaleError if error.code == HTTPStatus.CONFLICT else PageError
            raise refused(f"{request.get_method()} {path} answered {error.code}") from None
