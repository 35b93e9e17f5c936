from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # These register the system checks, and the Celery application that tasks belong to.
        from portal import celery, checks  # noqa: F401
