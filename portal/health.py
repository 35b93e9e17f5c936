"""`/healthz` and `/readyz`: what load balancers and containers ask, by address and over plain HTTP.

So they are answered before the host check and the redirect to https, and they tell nobody anything.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = {"/healthz": alive, "/readyz": ready}.get(request.path)
        if answer is None:
            return self.get_response(request)
        response = answer() if request.method in ("GET", "HEAD") else HttpResponseNotAllowed(["GET", "HEAD"])
        response["Cache-Control"] = "no-store"
        return response


def alive() -> HttpResponse:
    """The process answers. Nothing else is asked, so a database that is away never gets it restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready() -> HttpResponse:
    """The process can work: 200, or 503 while the database is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("database away\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")
