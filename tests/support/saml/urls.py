"""The desk's URLs where a SAML provider is configured."""

from django.urls import include, path

from portal.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("accounts/saml/", include("portal.accounts.saml_urls")), *urlpatterns]
