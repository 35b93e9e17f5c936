"""Where people start."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from approvals.context import sections_of
from approvals.views.base import PersonRequest, for_people


@require_safe
@for_people
def home(request: PersonRequest) -> HttpResponse:
    """Everybody starts where their work is."""
    sections = sections_of(request.user)
    return redirect(next(name for name in ("desk", "requests") if name in sections))
