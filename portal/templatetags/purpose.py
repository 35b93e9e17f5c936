"""What somebody is about to do who is asked to prove once more who they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import template
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

register = template.Library()

# By the name of the page that follows.
_PURPOSES = {
    "people_invite": gettext_lazy("You are about to invite somebody."),
    "person": gettext_lazy("You are about to change what somebody may do here."),
    "teams": gettext_lazy("You are about to change who decides."),
    "publication": gettext_lazy("You are about to change what everybody can launch."),
    "rollout": gettext_lazy("You are about to change what everybody can launch."),
    "sensitive": gettext_lazy("You are about to change what is sensitive."),
    "request": gettext_lazy("You are about to approve something sensitive."),
}


@register.simple_tag(takes_context=True)
def purpose(context: dict[str, Any]) -> str:
    """One sentence. Of a page it does not know, what is true of all of them."""
    following = urlsplit(context["request"].GET.get("next", "")).path
    try:
        name = resolve(following).url_name or ""
    except Resolver404:
        name = ""
    return str(_PURPOSES.get(name) or _("You are about to change how you sign in, or something as important."))
