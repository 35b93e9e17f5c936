"""The web server's way in. A desk with a mistake in its configuration does not start."""

import os

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


def refuse_mistakes() -> None:
    """Only management commands run the system checks by themselves; a server has to ask for them."""
    if mistakes := [message for message in run_checks() if message.is_serious()]:
        raise ImproperlyConfigured("\n".join(str(message) for message in mistakes))


application = get_wsgi_application()
refuse_mistakes()
