"""SAML 2.0: what an identity provider's assertion says. python3-saml checks signature, audience, times and recipient;
portal.accounts.signin.saml_views that it answers a sign-in which this browser began, once."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from portal.accounts.addresses import address_of
from portal.accounts.names import name_of
from portal.accounts.signin.claims import Claims, listed, uid

_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
# Longer than any assertion is good for.
_ONCE = 24 * 3600
_ELSEWHERE = "http://schemas.microsoft.com/claims/groups.link"
_SUBJECT = "urn:oasis:names:tc:SAML:attribute:subject-id"


class DeskSAMLProvider(SAMLProvider):
    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_redirect_from_request_kwargs(request) | {"process": "login"}

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        _for_this_sign_in(response)
        login = super().sociallogin_from_response(request, response)
        login.claims = self._claims(response)
        return login

    def extract_uid(self, data: Any) -> str:
        return uid(self.app.settings["idp"]["entity_id"], *self._subject(data))

    def _subject(self, data: Any) -> tuple[str, str]:
        """Kind and value: what one kind calls somebody, another may call somebody else. A transient NameID is another
        one each time; then the address has to do, while the provider is trusted for addresses."""
        if lasting := (data.get_attributes().get(_SUBJECT) or [""])[0]:
            return _SUBJECT, str(lasting)
        kind = str(data.get_nameid_format() or "")
        return (kind, self._claims(data).address if kind == _TRANSIENT else str(data.get_nameid()))

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        return {"email": address_of(self._extract(data).get("email"))}

    def extract_common_fields(self, data: Any) -> dict[str, Any]:
        return {"email": address_of(self._extract(data).get("email"))}

    def extract_email_addresses(self, data: Any) -> list[EmailAddress]:
        return []

    def _claims(self, data: Any) -> Claims:
        settings, found = self.app.settings, self._extract(data)
        claim = settings["groups_claim"]
        return Claims(
            # SAML has no common word for a verified address: an administrator has to vouch for the provider.
            address=address_of(found.get("email")) if settings["trusts_addresses"] else "",
            name=name_of(found.get("name")),
            groups=_groups(data.get_attributes(), claim),
        )


def _groups(said: dict[str, Any], claim: str) -> frozenset[str] | None:
    """None where nobody was asked, or Entra says only where the groups of people who have very many can be read."""
    if not claim or (claim not in said and _ELSEWHERE in said):
        return None
    return listed(said.get(claim))


def _for_this_sign_in(data: Any) -> None:
    """Where only the assertion is signed, anybody can put it into a response of their own: that it answers the
    request named there must stand inside the assertion, and each is taken once. Raises PermissionDenied."""
    from lxml import etree  # comes with python3-saml, which is optional

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    answers = data.get_last_response_in_response_to()
    document = etree.fromstring(data.get_last_response_xml().encode(), parser)
    confirmed = {one.get("InResponseTo") for one in document.iter(f"{{{_SAML}}}SubjectConfirmationData")}
    if confirmed != {answers}:
        raise PermissionDenied
    if not cache.add(f"saml-assertion-{uid('', data.get_last_assertion_id())}", 1, _ONCE):
        raise PermissionDenied
