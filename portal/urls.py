from django.urls import include, path

from portal.accounts.views import language, preferences

urlpatterns = [
    path("accounts/", include("portal.accounts.urls")),
    path("language/", language, name="language"),
    path("preferences/", preferences, name="preferences"),
    path("", include("approvals.urls")),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
