"""How sessions are named, and what the sign-in page says."""

from __future__ import annotations

import re

from django import template
from django.utils.translation import gettext as _

from portal.accounts import bound

register = template.Library()

# The first that fits: each of them pretends to be the ones below it.
_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("iPhone|iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@register.simple_tag
def only_through() -> str:
    """Providers without which people they know do not come in; empty where other ways are open to everybody."""
    return bound.through() if bound.is_on() else ""


@register.filter
def browser(user_agent: str) -> str:
    """“Firefox on Windows”, as far as the browser says the truth; else what it says, shortened."""
    name = next((label for sign, label in _BROWSERS if re.search(rf"\b{sign}\w*/", user_agent)), "")
    system = next((label for sign, label in _SYSTEMS if re.search(sign, user_agent)), "")
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return user_agent[:80] or _("an unnamed program")
