"""Sign-in at a provider: OpenID Connect (`oidc`, `tokens`) and SAML (`saml`) say who somebody is, `matching` says
whether the desk lets them in and as whom, `groups` what their groups make of them. `stage` writes it down
at the end."""

# In the session: through which provider the person came, and when they last proved themselves there.
PROVIDER, PROVED_AT = "provider", "provider_proved_at"
# In the state of a sign-in that is under way: what the provider said, for the steps that follow a second factor.
SAID = "said"
