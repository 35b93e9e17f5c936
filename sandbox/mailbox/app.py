"""The mailbox pages: everything SES and SNS sent, newest first; `messages.json` for tests; a reply form."""

from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.mailbox import inbound, store

POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "frame-src 'self'; form-action 'self'; base-uri *; frame-ancestors 'none'"
)
PUBLIC = ("id", "kind", "to", "from", "subject", "text", "html", "at", "confirm_url")
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(default=True)
)


def _page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    html = _pages.get_template(name).render(**values)
    return HTMLResponse(html, status, {"content-security-policy": POLICY, "referrer-policy": "same-origin"})


def _found(request: Request) -> store.Mail:
    mail = store.find(request.path_params["mail_id"])
    if mail is None:
        raise HTTPException(404)
    return mail


async def overview(request: Request) -> Response:
    """All mail, or that of `?to=`."""
    chosen = request.query_params.get("to", "")
    mails = store.everything(chosen)[::-1]
    return _page("overview.html", mails=mails, recipients=store.recipients(), chosen=chosen)


async def messages(request: Request) -> Response:
    """The same as JSON, newest first."""
    mails = store.everything(request.query_params.get("to", ""))[::-1]
    return JSONResponse([{name: mail[name] for name in PUBLIC} for mail in mails])


async def message(request: Request) -> Response:
    """One mail with its reply form."""
    return _page("message.html", mail=_found(request), said=request.query_params.get("said", ""))


async def reply(request: Request) -> Response:
    """Deliver a reply as inbound mail and show the mail again, with what became of it."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403)
    mail, form = _found(request), await request.form()
    sender, text = " ".join(str(form.get("from", "")).split()), str(form.get("text", "")).strip()
    if not sender or not text:
        return _page("message.html", 400, mail=mail, said="empty")
    said = "delivered" if inbound.deliver(mail, sender, text) else "nobody"
    return RedirectResponse(f"{request.scope.get('root_path', '')}/{mail['id']}?said={said}", 303)


app = Starlette(
    routes=[
        Route("/", overview),
        Route("/messages.json", messages),
        Route("/{mail_id}", message),
        Route("/{mail_id}/reply", reply, methods=["POST"]),
    ]
)
