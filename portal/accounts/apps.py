from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from portal.accounts import attempts, changes, journal, middleware, stepup  # noqa: F401 - they listen to people signing in
