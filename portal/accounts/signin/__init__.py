"""Sign-in at a provider: OpenID Connect (`oidc`, `tokens`) and SAML (`saml`) say who somebody is, `matching` says
whether the desk lets them in and as whom, `groups` what their groups make of them."""

# In the session: through which provider the person came, and when they last proved themselves there.
PROVIDER, PROVED_AT = "provider", "provider_proved_at"
