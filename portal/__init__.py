"""The Django project and the face of the desk. Importing it makes the Celery application known."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
