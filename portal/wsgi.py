"""The web server's way in. A desk with a mistake in its configuration does not start."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()

from portal.checks import refuse_mistakes  # noqa: E402 - needs the settings

refuse_mistakes()
