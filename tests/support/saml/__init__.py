"""An identity provider of SAML, as far as a browser carries its answers."""
