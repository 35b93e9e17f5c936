"""What all pages have in common: plain HTML without a script, for a phone as for a desk, light and dark.

The invariant: every value enters through `fill`, which escapes whatever is not markup made here; the headers
forbid scripts, frames, caches and everything from elsewhere.
"""

import base64
import hashlib
import html
from dataclasses import dataclass
from datetime import UTC, datetime

STYLE = """
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--sunken:#eef0f4;--ink:#1a2130;--soft:#525c6e;--line:#d9dde5;
--edge:#868fa0;--accent:#2450b8;--good:#146c40;--bad:#b3262f;--badtext:#a3242c;--badsoft:#fbe4e4;--goodsoft:#dcf3e6;
--goodtext:#12663c;--wait:#7a4d00;--waitsoft:#fdf0d5}
@media (prefers-color-scheme:dark){:root{--ground:#12161e;--card:#1a202b;--sunken:#232a37;--ink:#e8ebf1;--soft:#a9b3c4;
--line:#333c4c;--edge:#7d889b;--accent:#9dbcff;--good:#1d7a4b;--bad:#c0343c;--badtext:#ff9d9d;--badsoft:#47211f;
--goodsoft:#17382a;--goodtext:#7fdca8;--wait:#f5c76b;--waitsoft:#3c2f12}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
main,header{max-width:46rem;margin:auto;padding:0 1rem}
header{padding-top:1.25rem;color:var(--soft);font-weight:600;letter-spacing:.02em}
main{padding-bottom:3rem}
h1{font-size:1.6rem;line-height:1.25;text-wrap:balance;margin:.75rem 0 .5rem}
h2{font-size:1.1rem;margin:0 0 .75rem}
p{margin:0 0 1rem}
a{color:var(--accent)}
.lead,.hint{color:var(--soft)}
.hint{font-size:.875rem;margin:.1rem 0 .35rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1.1rem 1.25rem;margin:1rem 0}
dl+.hint,ul+.hint{margin:.75rem 0 0}
.note{border-radius:.6rem;padding:.8rem 1rem;margin:1rem 0;background:var(--waitsoft);color:var(--wait)}
.note.bad{background:var(--badsoft);color:var(--badtext)}
.note.good{background:var(--goodsoft);color:var(--goodtext)}
.note p:last-child{margin-bottom:0}
.note a{color:inherit;font-weight:600;white-space:nowrap}
dl{margin:0;display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.5rem 1.25rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
dd small,li small{color:var(--soft);font-size:.875rem}
.values dt{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9rem;overflow-wrap:anywhere}
ul{margin:0;padding:0;list-style:none}
li{padding:.2rem 0;overflow-wrap:anywhere}
label{display:block;font-weight:600;margin-top:1.1rem}
input,textarea{width:100%;font:inherit;color:inherit;background:var(--ground);border:1px solid var(--edge);
border-radius:.4rem;padding:.6rem .7rem}
textarea{min-height:5.5rem;resize:vertical}
input[name=code]{max-width:14rem;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:1.25rem;letter-spacing:.12em;
text-transform:uppercase}
[aria-invalid=true]{border:2px solid var(--badtext)}
.wrong{color:var(--badtext);font-size:.925rem;margin:.1rem 0 .35rem}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
button{flex:1 1 11rem;min-height:3rem;font:inherit;font-weight:600;color:#fff;background:var(--good);border:0;
border-radius:.4rem;cursor:pointer}
button.reject{background:var(--bad)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.7rem}.card{padding:1rem}}
"""
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "vary": "Accept-Language",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
DOCUMENT = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · Gatehouse</title>
<style>{style}</style>
</head>
<body>
<header>Gatehouse</header>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


class Markup(str):
    """HTML that needs no escaping."""

    __slots__ = ()


@dataclass(frozen=True)
class Page:
    """`content` goes below the title. `why` is what the log calls a refusal, "" for none."""

    status: int
    title: str
    content: Markup
    why: str = ""


def fill(markup: str, **values: object) -> Markup:
    """The markup with each {name} replaced by its value, escaped unless it is markup."""
    safe = {n: v if isinstance(v, Markup) else html.escape(str(v)) for n, v in values.items()}
    return Markup(markup.format_map(safe))


def joined(*parts: Markup) -> Markup:
    return Markup("\n".join(part for part in parts if part))


def document(page: Page, language: str) -> str:
    return fill(DOCUMENT, language=language, title=page.title, content=page.content, style=Markup(STYLE))


def note(words: str, look: str = "") -> Markup:
    role = "alert" if look == "bad" else "note"
    return fill('<div class="note {look}" role="{role}"><p>{words}</p></div>', look=look, role=role, words=words)


def moment(at: datetime) -> Markup:
    at = at.astimezone(UTC)
    stamp = f"{at:%Y-%m-%dT%H:%MZ}"
    return fill('<time datetime="{stamp}">{shown} UTC</time>', stamp=stamp, shown=f"{at:%Y-%m-%d %H:%M}")


def rows(pairs: list[tuple[str, object]], look: str = "") -> Markup:
    lines = [fill("<dt>{term}</dt><dd>{value}</dd>", term=term, value=value) for term, value in pairs if value]
    return fill('<dl class="{look}">{lines}</dl>', look=look, lines=joined(*lines))


def card(title: str, content: Markup) -> Markup:
    return fill('<section class="card"><h2>{title}</h2>{content}</section>', title=title, content=content)
