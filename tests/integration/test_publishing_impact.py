"""Who is affected is said where one confirms, for one product and for a portfolio, and what cannot be told, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]
from django.test import Client
from django.urls import reverse

from catalog.models import Constraint, Portfolio, Product, Publication
from catalog.models.publishing import Status
from catalog.sync.trouble import Denied
from portal import clock
from portal.accounts.models import User
from tests.integration.test_publishing_pages import asked, shown_on, text_of
from tests.lambdas.resolving import LAMBDAS
from tests.sandbox.servicecatalog_support import Place as Account
from tests.sandbox.servicecatalog_support import template
from tests.support import mirror
from tests.support import publishing as desk
from tests.support.cast import Cast
from tests.support.proving import prove

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def account(sandbox: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Account]:
    yield from desk.account(sandbox, monkeypatch, settings)


@pytest.fixture
def admin(cast: Cast, client_for: SignIn) -> Client:
    client: Client = prove(client_for(cast.administrator))
    return client


def shop(account: Account, *products: str) -> tuple[Portfolio, str]:
    """A portfolio of these products that a role may launch from; the role's ARN."""
    portfolio = account.portfolio("Shop")
    role = f"arn:aws:iam::{account.account}:role/Developers"
    account.catalogue.associate_principal_with_portfolio(PortfolioId=portfolio, PrincipalARN=role, PrincipalType="IAM")
    for name in products:
        product, version = account.product(name, template(name.lower()), portfolio)
        account.ended(account.launch(product, version, f"{name.lower()}-of-bob"))
    desk.read()
    return Portfolio.objects.get(portfolio_id=portfolio), role


def planned(admin: Client, form: str, given: dict[str, Any]) -> str:
    url = str(admin.post(f"{form}plan/", given)["Location"])
    desk.work()
    return url


def rollout(admin: Client, portfolio: Portfolio, retire: str = "inactive") -> str:
    return planned(admin, f"/catalogue/portfolios/{portfolio.pk}/publish/", {"retire": retire, "gate_updates": "on"})


def confirmation(answer: Any) -> str:
    """What is said in the section with the button."""
    page = text_of(answer)
    return page[page.rindex("Who is affected") :]


def test_confirming_a_portfolio_names_people_runs_and_what_stays_open(account: Account, admin: Client) -> None:
    portfolio, role = shop(account, "First", "Second")
    said = confirmation(admin.get(rollout(admin, portfolio)))
    for part in (role, "First : 1 provisioned product", "first-of-bob", "second-of-bob", "stay open none"):
        assert part in said
    assert "cannot be told" not in said
    said = confirmation(admin.get(rollout(admin, portfolio, "none")))
    versions = [one.artifact_id for one in Product.objects.get(name="First").versions.all()]
    assert f"stay open First : v1 {versions[0]}" in said
    assert "versions that are retired" not in said


def test_confirming_one_product_names_them_too(account: Account, admin: Client) -> None:
    _portfolio, role = shop(account, "First")
    product = Product.objects.get()
    page = admin.get(planned(admin, f"/catalogue/products/{product.product_id}/publish/", asked(product)))
    said = confirmation(page)
    for part in (role, "1 provisioned product", "first-of-bob", "stay open none"):
        assert part in said


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("search_provisioned_products", "cannot be told: the publishing role may not search provisioned products"),
        ("list_principals_for_portfolio", "cannot be told: the publishing role may not list portfolios or their prin"),
        ("list_portfolio_access", "cannot be told: the publishing role may not list portfolios or their shares"),
        ("list_portfolios_for_product", "cannot be told: the publishing role may not list portfolios or their prin"),
    ],
)
def test_what_cannot_be_told_is_said(account: Account, admin: Client, operation: str, words: str) -> None:
    portfolio, _role = shop(account, "First")
    with mirror.calls(mirror.fails(operation, Denied(f"servicecatalog:{operation}"))):
        url = rollout(admin, portfolio)
        product = Product.objects.get()
    assert words in confirmation(admin.get(url))
    assert f": {product.name}" in confirmation(admin.get(url))
    assert words in confirmation(admin.get(reverse("publication", args=[Publication.objects.get().uuid])))


def test_launch_roles_that_may_not_call_the_gate_are_named_before_the_button(account: Account, admin: Client) -> None:
    portfolio, _role = shop(account, "First")
    arn = f"arn:aws:iam::{account.account}:role/Launch"
    common = {"place": portfolio.place, "portfolio": portfolio, "product": Product.objects.get(), "type": "LAUNCH"}
    weak = Constraint.objects.create(**common, constraint_id="cons-1", role_arn=arn, role_asked_at=clock.now())
    url = rollout(admin, portfolio)
    one = reverse("publication", args=[Publication.objects.get().uuid])
    for path in (url, one):
        assert "lambda:InvokeFunction" not in text_of(admin.get(path))
    Constraint.objects.filter(pk=weak.pk).update(role_refuses=["gatehouse-verify"])
    for path in (url, one):
        said = text_of(admin.get(path))
        assert f"{arn} It may not call gatehouse-verify" in said
        assert said.index("Let them call the functions (lambda:InvokeFunction) before") < said.index("Who is affected")
    Constraint.objects.filter(pk=weak.pk).update(role_refuses=[], role_unasked="denied:iam:SimulatePrincipalPolicy")
    for path in (url, one):
        said = text_of(admin.get(path))
        assert "it cannot be told whether they may call" in said
        assert "before you have versions retired, or nobody" not in said


def test_where_nothing_had_to_be_done_nothing_is_called_done(account: Account, admin: Client) -> None:
    portfolio, _role = shop(account, "First")
    url = rollout(admin, portfolio)
    admin.post(f"{url}confirm/", {"shown": shown_on(admin.get(url))})
    desk.work()
    assert "done" in text_of(admin.get(url))
    assert "Nothing to do" not in text_of(admin.get(url))
    desk.read()
    again = rollout(admin, portfolio)
    assert Publication.objects.latest("pk").status == Status.DONE
    newest = Publication.objects.latest("pk").uuid
    for path in (again, reverse("publication", args=[newest]), "/catalogue/publishing/"):
        assert "Nothing to do: already gated" in text_of(admin.get(path))
    assert ">done<" not in admin.get(again).content.decode()


def test_rows_say_nothing_of_commands_or_their_options(account: Account, admin: Client, settings: Any) -> None:
    portfolio = account.portfolio("Shop")
    account.product("First", cfn_yaml.load(str(LAMBDAS / "samples" / "data-sandbox.yaml")), portfolio)
    desk.read()
    shop_ = Portfolio.objects.get()
    said = text_of(admin.get(rollout(admin, shop_)))
    assert "written by hand" in said
    assert "upgrade" not in said
    settings.GATEHOUSE_PUBLISHER_ROLE = "arn:aws:iam::999999999999:role/other"
    said = text_of(admin.get(rollout(admin, shop_)))
    assert "another account than the publishing role" in said
    assert "manage.py" not in said


def test_the_form_says_what_its_choices_mean(account: Account, admin: Client) -> None:
    portfolio, _role = shop(account, "First")
    said = text_of(admin.get(f"/catalogue/portfolios/{portfolio.pk}/publish/"))
    assert "What shall become of versions that no gate holds?" in said
    assert "Inactive: nobody can launch or update to them any more" in said
    assert "is asked by nobody" in said
    assert "and no new version is made of it" in said
