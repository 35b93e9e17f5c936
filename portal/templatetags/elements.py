"""The elements every page is built from: tiny templates in `templates/elements/`, and how values are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.loader import get_template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.unseen import is_unseen

register = template.Library()

_DAY, _HOUR, _MINUTE = 86400, 3600, 60
# Line ends, tabs, and what picks the coloured or the plain look of an emoji.
_HARMLESS = "\n\t\ufe0e\ufe0f"


@register.simple_tag
def icon(name: str) -> str:
    """An inline SVG from `elements/icons/`, hidden from screen readers: the text beside it says it all."""
    return get_template(f"elements/icons/{name}.svg").render()


@register.inclusion_tag("elements/badge.html")
def badge(value: Any) -> dict[str, Any]:
    """Anything with `label` and `look` (and perhaps `icon`): a member of approvals.choices."""
    return {"label": value.label, "look": value.look, "icon": getattr(value, "icon", "")}


@register.inclusion_tag("elements/moment.html")
def moment(at: datetime | None) -> dict[str, Any]:
    """A point in time in the reader's zone; machines and the tooltip get UTC."""
    if at is None:
        return {}
    local, utc = timezone.localtime(at), at.astimezone(UTC)
    return {
        "local": local,
        "zone": offset(local),
        "iso": f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        "utc": f"{utc:%Y-%m-%d %H:%M} UTC",
    }


def offset(local: datetime) -> str:
    """UTC, UTC+8, UTC-3:30: an offset means the same to everybody, an abbreviation does not."""
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02d}" if rest else "")


@register.inclusion_tag("elements/left.html")
def left(until: datetime | None, now: datetime) -> dict[str, Any]:
    """How long until then, in words."""
    rest = until - now if until else None
    return {
        "until": until,
        "rest": rest,
        "late": rest is not None and rest < timedelta(0),
        "soon": rest is not None and rest < timedelta(hours=1),
    }


@register.inclusion_tag("elements/empty.html")
def empty(title: str, text: str = "", picture: str = "tray", url: str = "", action: str = "") -> dict[str, str]:
    """Where a list is empty: `text` says what to do next, and a button may lead there."""
    return {"title": title, "text": text, "picture": picture, "url": url, "action": action}


@register.inclusion_tag("elements/note.html")
def note(text: str, look: str = "quiet", picture: str = "info") -> dict[str, str]:
    return {"text": text, "look": look, "picture": picture}


@register.inclusion_tag("elements/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """One form field: label, widget, help and errors, tied together for screen readers."""
    attributes = bound.field.widget.attrs
    if str(attributes.get("placeholder", "")) == str(bound.label):
        del attributes["placeholder"]  # What stands above the field already.
    return {"field": bound, "is_choice": isinstance(bound.field.widget, CheckboxInput)}


@register.filter
def span(length: timedelta) -> str:
    """A length of time in at most two units: "2 days 3 hours", "12 minutes", "less than a minute"."""
    seconds = int(length.total_seconds())
    days, hours, minutes = seconds // _DAY, seconds % _DAY // _HOUR, seconds % _HOUR // _MINUTE
    if seconds < _MINUTE:
        return _("less than a minute")
    parts = []
    if days:
        parts.append(ngettext("%(n)d day", "%(n)d days", days) % {"n": days})
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    if minutes and not days:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes})
    return " ".join(parts)


@register.filter
def plain(text: object) -> str:
    """Text of strangers with its invisible characters made visible: nothing can be hidden in a value, and no
    direction mark can reorder what stands around it."""
    return "".join(f"⟨U+{ord(c):04X}⟩" if is_unseen(c) and c not in _HARMLESS else c for c in str(text))


@register.inclusion_tag("elements/part.html")
def part(live: Any, name: str) -> dict[str, Any]:
    """One part of approvals.views.live.Live where it stands on the page; the first one polls."""
    return {"name": name, "body": live.parts[name], "url": live.url if name == live.first else ""}
