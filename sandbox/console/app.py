"""The console's routes. A page knows who is in front of it; a form is taken from our own pages only."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.console import products, provisioned, session
from sandbox.console.rendering import render
from sandbox.demo.people import ACCOUNT, REGION, REQUESTERS
from sandbox.servicecatalog.entities import Caller
from sandbox.servicecatalog.errors import CatalogueError, ResourceNotFoundError

Page = Callable[[Request, Caller], Awaitable[Response]]
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class OurPagesOnly(BaseHTTPMiddleware):
    """Refuses forms sent from another site, and adds the headers every page has."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        source = urlsplit(request.headers.get("origin") or request.headers.get("referer", "")).netloc
        if request.method == "POST" and source != request.headers.get("host"):
            text = "The form did not come from this console."
            response: Response = render(request, "message.html", 403, title="Refused", text=text)
        else:
            response = await call_next(request)
        response.headers.update(HEADERS)
        return response


def page(path: str, show: Page, *, form: bool = False) -> Route:
    """A route for somebody who has said who they are; Service Catalog's refusals become pages."""

    async def endpoint(request: Request) -> Response:
        found = session.current(request)
        if not found:
            return RedirectResponse("/console/who", 303)
        try:
            return await show(request, found.caller(request))
        except ResourceNotFoundError as error:
            return render(request, "message.html", 404, title="Not found", text=str(error))
        except CatalogueError as error:
            return render(request, "message.html", 400, title="That did not work", text=str(error))

    return Route(path, endpoint, methods=["GET", "POST"] if form else ["GET"])


async def who(request: Request) -> Response:
    """Choose a person, an account and a region."""
    errors: dict[str, str] = {}
    now = session.current(request)
    values = {
        "who": now.who.email if now else REQUESTERS[0].email,
        "account": now.account if now else ACCOUNT,
        "region": now.region if now else REGION,
    }
    if request.method == "POST":
        sent = await request.form()
        values = {name: str(sent.get(name, "")).strip() for name in values}
        chosen, errors = session.make(values["who"], values["account"], values["region"])
        if chosen:
            response = RedirectResponse("/console/products", 303)
            chosen.keep(response)
            return response
    return render(
        request,
        "who.html",
        422 if errors else 200,
        people=REQUESTERS,
        regions=session.REGIONS,
        values=values,
        errors=errors,
    )


async def start(_: Request) -> Response:
    return RedirectResponse("/console/products", 303)


async def missing(request: Request, _: Exception) -> Response:
    return render(request, "message.html", 404, title="Not found", text="There is no such page in this console.")


app = Starlette(
    routes=[
        Route("/", start),
        Route("/who", who, methods=["GET", "POST"]),
        page("/products", products.listing),
        page("/products/{product}/launch", products.launch, form=True),
        page("/provisioned", provisioned.listing),
        page("/provisioned/{provisioned}", provisioned.detail),
        page("/provisioned/{provisioned}/update", provisioned.update, form=True),
        page("/provisioned/{provisioned}/terminate", provisioned.terminate, form=True),
        Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ],
    middleware=[Middleware(OurPagesOnly)],
    exception_handlers={404: missing},
)
