"""Providers and groups as the environment writes them; what cannot be right is said with the variable's name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import providers
from tests.support.run import ROOT

OIDC = {"ISSUER": "https://sso.example.com/", "CLIENT_ID": "desk", "CLIENT_SECRET": "secret"}
SAML = {"ENTITY_ID": "https://idp.example.com/e", "METADATA_URL": "https://idp.example.com/m"}


def given(monkeypatch: pytest.MonkeyPatch, prefix: str, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"{prefix}{name}", value)


def test_without_variables_there_is_no_provider() -> None:
    assert providers.oidc() == providers.saml() == []
    assert providers.groups("GATEHOUSE_GROUPS") == {}


def test_several_providers_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "GATEHOUSE_OIDC_", OIDC)
    given(
        monkeypatch, "GATEHOUSE_OIDC_2_", OIDC | {"NAME": "Other", "GROUPS_CLAIM": "groups", "SCOPES": "openid email"}
    )
    first, second = providers.oidc()
    assert (first["provider_id"], first["name"], second["provider_id"]) == ("oidc", "sso.example.com", "oidc-2")
    assert first["settings"]["server_url"] == "https://sso.example.com"
    assert first["settings"]["groups_claim"] == ""
    assert not first["settings"]["trusts_addresses"]
    assert second["settings"]["scope"] == ["openid", "email"]


@pytest.mark.parametrize("missing", ["CLIENT_ID", "CLIENT_SECRET"])
def test_half_a_provider_is_refused_with_the_variable_s_name(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    given(monkeypatch, "GATEHOUSE_OIDC_", {name: value for name, value in OIDC.items() if name != missing})
    with pytest.raises(ImproperlyConfigured, match=f"GATEHOUSE_OIDC_{missing}"):
        providers.oidc()


@pytest.mark.parametrize("issuer", ["http://sso.example.com", "sso.example.com", "ftp://x", "http://127.0.0.1.example"])
def test_an_issuer_without_tls_is_refused(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    given(monkeypatch, "GATEHOUSE_OIDC_", OIDC | {"ISSUER": issuer})
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_OIDC_ISSUER must begin with https"):
        providers.oidc()


def test_saml_wants_signed_assertions(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "GATEHOUSE_SAML_", SAML)
    (app,) = providers.saml()
    assert app["settings"]["idp"] == {"entity_id": SAML["ENTITY_ID"], "metadata_url": SAML["METADATA_URL"]}
    assert app["settings"]["advanced"]["want_assertion_signed"]


def test_saml_that_is_not_installed_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "GATEHOUSE_SAML_", SAML)
    monkeypatch.setattr(providers, "find_spec", lambda _name: None)
    with pytest.raises(ImproperlyConfigured, match=r"GATEHOUSE_SAML_ENTITY_ID.*requirements/saml\.txt.*LOCK=saml"):
        providers.saml()


def test_the_lock_with_saml_is_the_desk_s_own_with_saml() -> None:
    def pinned(name: str) -> set[str]:
        lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line.split(";")[0]}

    assert pinned("app") < pinned("saml") < pinned("dev")
    assert {one.split("==")[0] for one in pinned("saml") - pinned("app")} >= {"python3-saml", "xmlsec", "lxml"}


@pytest.mark.parametrize(
    "raw", ["admins", "=administrator", "a=", "a=owner", "a=team:", "a=team: ", '{"a": "owner"}', '{"a": [1]}', "{"]
)
def test_groups_that_mean_nothing_are_refused(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("GATEHOUSE_GROUPS", raw)
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_GROUPS"):
        providers.groups("GATEHOUSE_GROUPS")
