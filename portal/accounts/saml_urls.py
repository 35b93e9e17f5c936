"""The doors of SAML, where a provider is configured."""

from django.urls import path

from portal.accounts.signin import saml_views
from portal.views import not_found

urlpatterns = [
    path("<slug:organization_slug>/login/", saml_views.login, name="saml_login"),
    path("<slug:organization_slug>/acs/", saml_views.acs, name="saml_acs"),
    path("<slug:organization_slug>/acs/finish/", saml_views.finish, name="saml_finish_acs"),
    path("<slug:organization_slug>/metadata/", saml_views.metadata, name="saml_metadata"),
    # The metadata name it; signing out at the desk ends the desk's session and nobody else's.
    path("<slug:organization_slug>/sls/", not_found, name="saml_sls"),
]
