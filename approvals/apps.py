from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = _("Approvals")

    def ready(self) -> None:
        from approvals.actions import grouping  # noqa: F401 - it listens to people signing in
        from approvals.database import prepare
        from approvals.rules import is_approver
        from portal.accounts import second_factor

        post_migrate.connect(prepare, sender=self)
        second_factor.deciders.append(is_approver)
