"""The console over HTTP, as a browser without JavaScript uses it."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest

from tests.sandbox.servicecatalog_support import Place, template, until


@dataclass
class Page:
    status: int
    text: str
    location: str
    headers: dict[str, str]

    def value(self, name: str) -> str:
        """Of a form's input."""
        found = re.search(rf'name="{re.escape(name)}"[^>]*value="([^"]*)"', self.text)
        assert found, f"there is no {name} on the page"
        return found[1]


@dataclass
class Browser:
    place: Place
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> Page:
        return self._ask("GET", path, b"")

    def post(self, path: str, origin: str | None = None, **fields: str) -> Page:
        more = {"Origin": self.place.url if origin is None else origin}
        return self._ask("POST", path, urlencode(fields).encode(), **more)

    def become(self, who: str = "rita@example.com") -> Browser:
        page = self.post("/console/who", who=who, account=self.place.account, region="us-east-1")
        assert page.location == "/console/products"
        self.headers["Cookie"] = page.headers["set-cookie"].split(";")[0]
        return self

    def _ask(self, method: str, path: str, body: bytes, **headers: str) -> Page:
        connection = http.client.HTTPConnection(urlsplit(self.place.url).netloc)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, body, {**self.headers, **kind, **headers})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        page = Page(answer.status, answer.read().decode(), found.get("location", ""), found)
        connection.close()
        return page


@pytest.fixture
def place(sandbox: str) -> Place:
    return Place(sandbox)


@pytest.fixture
def rita(place: Place) -> Browser:
    return Browser(place).become()


def launch(browser: Browser, product: str, **fields: str) -> Page:
    path = f"/console/products/{product}/launch"
    form = browser.get(path)
    given = {"token": form.value("token"), "name": "mine", "p.Size": "small", "p.Password": "abcdefgh1"}
    return browser.post(path, **{**given, **fields})


def settled(browser: Browser, path: str) -> Page:
    """The page once nothing is under change."""

    def page() -> Page | None:
        found = browser.get(path)
        return None if "data-refresh" in found.text else found

    shown: Page = until(page)
    return shown


def test_stranger_is_asked_who_they_are(place: Place) -> None:
    browser = Browser(place)
    assert browser.get("/console/products").location == "/console/who"
    page = browser.get("/console/who")
    assert "Sandbox</strong> – plays the AWS Service Catalog console" in page.text
    wrong = browser.post("/console/who", who="mallory@example.com", account="12", region="mars-1")
    assert wrong.status == 422
    assert "An account number has 12 digits." in wrong.text


def test_forged_cookie_is_nobody(place: Place) -> None:
    browser = Browser(place, {"Cookie": 'console="mallory@example.com|111122223333|us-east-1"'})
    assert browser.get("/console/products").location == "/console/who"


@pytest.mark.parametrize("origin", ["", "http://evil.example", "null"])
def test_form_from_elsewhere_is_refused(place: Place, rita: Browser, origin: str) -> None:
    product, _ = place.product()
    assert rita.post(f"/console/products/{product}/launch", origin, name="mine").status == 403
    assert place.cloudformation.describe_stacks()["Stacks"] == []


def test_pages_allow_no_foreign_content(rita: Browser) -> None:
    headers = rita.get("/console/products").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_products_are_listed_and_found(place: Place, rita: Browser) -> None:
    assert "There are no products" in rita.get("/console/products").text
    place.product("<b>Queue</b> & co")
    page = rita.get("/console/products")
    assert "&lt;b&gt;Queue&lt;/b&gt; &amp; co" in page.text
    assert "Messaging team" in page.text
    assert "No product matches “xyz”" in rita.get("/console/products?q=xyz").text


def test_launch_names_the_person_and_shows_outputs(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    page = launch(rita, product)
    assert page.status == 303
    shown = settled(rita, page.location)
    assert "Available" in shown.text
    assert "QueueName" in shown.text
    assert "rita@example.com" in shown.text
    assert "abcdefgh1" not in shown.text
    found = place.catalogue.search_provisioned_products()["ProvisionedProducts"][0]
    assert found["UserArnSession"].endswith("/rita@example.com")


def test_errors_stand_beside_the_fields_and_nothing_is_launched(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    page = launch(rita, product, **{"p.Size": "", "name": "no spaces please"})
    assert page.status == 422
    assert 'id="p.Size-problem">Enter a value.' in page.text
    assert 'id="name-problem">Use letters' in page.text
    assert place.cloudformation.describe_stacks()["Stacks"] == []


def test_form_sent_twice_launches_once(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    token = rita.get(f"/console/products/{product}/launch").value("token")
    first, second = (launch(rita, product, token=token).location for _ in range(2))
    assert first == second
    assert "A provisioned product of this name exists already." in launch(rita, product).text


def test_waiting_launch_refreshes_itself_and_never_shows_the_wait_url(place: Place, rita: Browser) -> None:
    document = template(waits=True)
    document["Outputs"]["Where"] = {"Value": {"Ref": "Handle"}}
    product, _ = place.product(document=document)
    path = launch(rita, product).location
    record = place.catalogue.list_record_history(AccessLevelFilter={"Key": "Account", "Value": "self"})
    url = place.wait_url(record["RecordDetails"][0])
    waiting = rita.get(path).text
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert "data-refresh" in waiting
    assert "/update" not in waiting
    place.signal(record["RecordDetails"][0], "SUCCESS")
    done = settled(rita, path).text
    assert "(signed URL hidden)" in done
    for page in (waiting, done):
        assert url not in page
        assert "waitcondition" not in page


def test_denied_launch_shows_the_reason_and_offers_only_to_terminate(place: Place, rita: Browser) -> None:
    product, _ = place.product(document=template(waits=True))
    path = launch(rita, product).location
    record = place.catalogue.list_record_history(AccessLevelFilter={"Key": "Account", "Value": "self"})
    place.signal(record["RecordDetails"][0], "FAILURE", "GH-7: <no>")
    page = settled(rita, path).text
    assert "Launch failed" in page
    assert "GH-7: &lt;no&gt;" in page
    assert f"{path}/update" not in page
    assert f"{path}/terminate" in page


def test_update_offers_versions_and_present_values(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    path = launch(rita, product).location
    settled(rita, path)
    new = place.version(product, template("two", VisibilityTimeout=60), "second")
    form = rita.get(f"{path}/update?version={new}")
    assert "Update to version second" in form.text
    page = rita.post(f"{path}/update?version={new}", token=form.value("token"), **{"p.Size": "large", "p.Password": ""})
    assert page.location == path
    shown = settled(rita, path).text
    assert ">second<" in shown
    assert ">large<" in shown


def test_terminate_asks_first(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    path = launch(rita, product).location
    settled(rita, path)
    question = rita.get(f"{path}/terminate")
    assert "This cannot be undone." in question.text
    assert rita.post(f"{path}/terminate", token=question.value("token")).location == path
    gone = until(lambda: page if "It has been terminated" in (page := rita.get(path)).text else None)
    assert "Termination" in gone.text


def test_list_shows_mine_or_the_account(place: Place, rita: Browser) -> None:
    product, _ = place.product()
    launch(Browser(place).become("ravi@example.com"), product, name="ravis")
    assert "You have no provisioned products" in rita.get("/console/provisioned").text
    assert "ravis" in rita.get("/console/provisioned?level=Account").text


def test_what_is_not_there_is_a_page_too(rita: Browser) -> None:
    for path in ("nonsense", "provisioned/pp-none", "products/prod-none/launch", "products/a;b/launch"):
        page = rita.get(f"/console/{path}")
        assert page.status in (400, 404)
        assert "<h1>" in page.text
