"""``/admin``: a page without secrets; what it shows, its reader's token has to ask for."""

from scoreboard.errors import NotFound
from scoreboard.web.exchange import Exchange, Handler, Headers, Reply
from scoreboard.web.pages import ADMIN_FILES, ADMIN_PAGE

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)
_KEPT = (b"cache-control", b"no-cache")
_HTML: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    _KEPT,
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", _POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


class AdminSiteHandler:
    """Needs no token: the page is the same for everybody."""

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"admin_page": self.page, "admin_static": self.static}

    async def page(self, _: Exchange) -> Reply:
        return Reply(200, _HTML, ADMIN_PAGE)

    async def static(self, exchange: Exchange) -> Reply:
        file = ADMIN_FILES.get(exchange.parameters["name"])
        if file is None:
            raise NotFound
        tag = file.etag.encode()
        headers: Headers = [(b"content-type", file.media_type.encode()), (b"etag", tag), _KEPT]
        if exchange.header(b"if-none-match") == tag:
            return Reply(304, headers)
        return Reply(200, headers, file.body)
