"""Responses of an identity provider, honest and forged, signed with python3-saml and xmlsec."""

from __future__ import annotations

import base64
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from portal import clock

ENTITY = "https://idp.example.com/entity"
SSO = "https://idp.example.com/sso"
HERE = "http://testserver/accounts/saml/saml/"
ACS, AUDIENCE = f"{HERE}acs/", f"{HERE}metadata/"
_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@dataclass(frozen=True)
class Signer:
    """A key with its certificate."""

    key: str
    certificate: str

    @classmethod
    def make(cls) -> Signer:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
            .sign(key, hashes.SHA256())
        )
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        return cls(pem.decode(), made.public_bytes(serialization.Encoding.PEM).decode())

    def sign(self, xml: str) -> str:
        signed = OneLogin_Saml2_Utils.add_sign(xml, self.key, self.certificate)
        return signed.decode() if isinstance(signed, bytes) else str(signed)


def settings(signer: Signer, **more: Any) -> dict[str, Any]:
    """The provider as the desk's settings have it."""
    own = {
        "idp": {"entity_id": ENTITY, "sso_url": SSO, "x509cert": signer.certificate},
        "attribute_mapping": {"email": ["email"], "name": ["name"]},
        "advanced": {
            "want_assertion_signed": True,
            "want_name_id": True,
            "want_attribute_statement": False,
            "allow_single_label_domains": True,
        },
        "groups_claim": "groups",
        "trusts_addresses": True,
        "second_factor": False,
    }
    return {"provider_id": "saml", "client_id": "saml", "name": "Example IdP", "settings": own | more}


def request_id(location: str) -> str:
    """The id of the AuthnRequest in the desk's redirect."""
    raw = parse_qs(urlsplit(location).query)["SAMLRequest"][0]
    found: str = etree.fromstring(zlib.decompress(base64.b64decode(raw), -15)).get("ID")
    return found


def assertion(
    answers: str,
    address: str,
    *,
    audience: str = AUDIENCE,
    late: bool = False,
    groups: tuple[str, ...] = (),
    attribute: str = "groups",
    confirmed: str | None = None,
) -> str:
    at = clock.now() - (timedelta(hours=2) if late else timedelta(0))
    begin, end = (f"{at + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}" for minutes in (-1, 5))
    values = "".join(f"<saml:AttributeValue>{group}</saml:AttributeValue>" for group in groups)
    listed = f'<saml:Attribute Name="{attribute}">{values}</saml:Attribute>' if groups else ""
    confirmed = f' InResponseTo="{answers}"' if confirmed is None else confirmed
    return (
        f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_{secrets.token_hex(16)}"'
        f' Version="2.0" IssueInstant="{begin}"><saml:Issuer>{ENTITY}</saml:Issuer>'
        f'<saml:Subject><saml:NameID Format="{_EMAIL}">{address}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData NotOnOrAfter="{end}" Recipient="{ACS}"{confirmed}/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}"><saml:AudienceRestriction>'
        f"<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{begin}" SessionNotOnOrAfter="{end}"><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>"
        "</saml:AuthnContext></saml:AuthnStatement>"
        "<saml:AttributeStatement>"
        f'<saml:Attribute Name="email"><saml:AttributeValue>{address}</saml:AttributeValue></saml:Attribute>'
        f"{listed}</saml:AttributeStatement></saml:Assertion>"
    )


def response(answers: str, body: str) -> str:
    """Around `body`, base64 as a browser posts it."""
    xml = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        f' ID="_{secrets.token_hex(16)}" Version="2.0" IssueInstant="{clock.now():%Y-%m-%dT%H:%M:%SZ}"'
        f' Destination="{ACS}" InResponseTo="{answers}">'
        f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{ENTITY}</saml:Issuer>'
        '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
        f"{body}</samlp:Response>"
    )
    return base64.b64encode(xml.encode()).decode()


def inner(signed: str) -> str:
    """A signed element without its XML declaration."""
    return signed.partition("?>\n")[2] if signed.startswith("<?xml") else signed
