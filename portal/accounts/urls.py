"""Sign-in pages, picked one by one: there is no sign-up, and nobody changes the address they are known by
(decisions compare addresses)."""

from allauth.account import views
from django.conf import settings
from django.urls import include, path, re_path

from portal.accounts import connected
from portal.accounts.proving import ProveByCode
from portal.accounts.signin import views as signin
from portal.views import not_found

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("login/code/", views.request_login_code, name="account_request_login_code"),
    path("login/code/confirm/", views.confirm_login_code, name="account_confirm_login_code"),
    path("logout/", views.logout, name="account_logout"),
    # allauth's mails ask for this name.
    path("signup/", not_found, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("reauthenticate/code/", ProveByCode.as_view(), name="account_prove_by_code"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("oidc/<slug:provider_id>/login/", signin.oidc_login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", signin.oidc_callback, name="openid_connect_callback"),
    path("oidc/<slug:provider_id>/again/", signin.oidc_again, name="openid_connect_again"),
    path("connected/", connected.page, name="connected_signins"),
    path("connected/<int:pk>/remove/", connected.remove, name="connected_remove"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]

if settings.GATEHOUSE_SAML:
    urlpatterns.append(path("saml/", include("portal.accounts.saml_urls")))
