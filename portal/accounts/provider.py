"""Where allauth looks for the kinds of providers there are."""

from portal.accounts.signin.oidc import OIDCProvider
from portal.accounts.signin.saml import DeskSAMLProvider

provider_classes = [OIDCProvider, DeskSAMLProvider]
