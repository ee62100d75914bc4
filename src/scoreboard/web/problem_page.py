"""A problem as a page, for people who opened an address that leads nowhere."""

from html import escape

import msgspec

from scoreboard import wire
from scoreboard.web.exchange import Exchange, Headers, Reply
from scoreboard.web.pages import template

TEMPORARY = frozenset({429, 503})
AGAIN_S = 10
"""A wall that was switched on too early comes to its board by itself."""

_PAGE = template("problem")
_DETAILS = {404: "No board, period or page has this address."}
_HTML: Headers = [(b"content-type", b"text/html; charset=utf-8"), (b"vary", b"Accept")]
_POLICY = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'self'"
)


def wanted(exchange: Exchange) -> bool:
    """Whether a person looks at the answer: a browser does, that was not sent to the API."""
    return not exchange.scope["path"].startswith("/v1/") and any(
        b"text/html" in each for each in exchange.fields(b"accept")
    )


def shown(refusal: Reply, exchange: Exchange) -> Reply:
    """The same refusal as a page: its status and its headers, but for the type."""
    problem = msgspec.json.decode(refusal.body, type=wire.Problem)
    again = f'<meta http-equiv="refresh" content="{AGAIN_S}">'
    body = _PAGE.substitute(
        title=escape(problem.title),
        detail=escape(_DETAILS.get(problem.status, problem.detail)),
        status=problem.status,
        code=escape(problem.code),
        again=again if problem.status in TEMPORARY else "",
        up="../" * (exchange.scope["path"].count("/") - 1) or "./",
    )
    kept = [field for field in refusal.headers if field[0] != b"content-type"]
    headers = [*_HTML, *kept, (b"content-security-policy", _POLICY)]
    return Reply(refusal.status, headers, body.encode())
