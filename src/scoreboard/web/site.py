"""The pages and documents: nothing in them is loaded from elsewhere."""

from collections.abc import Callable, Mapping

from scoreboard import wire
from scoreboard.core.identifier import is_user_id
from scoreboard.core.moment import rfc3339
from scoreboard.errors import NotFound, Unavailable
from scoreboard.service.reader import Reader
from scoreboard.web.board_page import RADIUS, BoardPage, Followed, Form
from scoreboard.web.exchange import Exchange, Handler, Headers, Reply
from scoreboard.web.pages import STATIC_FILES
from scoreboard.web.queries import SiteQuery, read_query

_POLICY = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
        b"require-trusted-types-for 'script'; trusted-types 'none'"
    ),
)
_HTML: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"referrer-policy", b"no-referrer"),
    _POLICY,
]
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_SHARED = (b"cross-origin-resource-policy", b"cross-origin")

SECURITY_TTL_MS = 364 * 86_400_000
"""How long a contact is good for: RFC 9116 (2.5.5) asks for less than a year."""


class SiteHandler:
    """``documents`` are rendered once, by operation name: media type and body.

    All but ``security`` have to be there.
    """

    def __init__(
        self,
        reader: Reader,
        documents: Mapping[str, tuple[str, bytes]],
        clock_ms: Callable[[], int],
    ) -> None:
        self._reader = reader
        self._clock_ms = clock_ms
        self._documents = {
            name: self._document(media_type, body) for name, (media_type, body) in documents.items()
        }

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "page": self.page,
            "static": self.static,
            "openapi": self.openapi,
            "asyncapi": self.asyncapi,
            "docs": self.docs,
            "security": self.security,
        }

    async def page(self, exchange: Exchange) -> Reply:
        query = read_query(exchange.query, SiteQuery)
        board = self._reader.board(query.board)
        snapshot = await self._reader.snapshot(query.board, query.period)
        page = BoardPage(
            board=board,
            period=query.period,
            top=wire.top(snapshot),
            boards=self._reader.boards(),
            current=self._reader.current(board),
            now_ms=self._clock_ms(),
            form=_form(query),
            limit=query.limit,
            followed=await self._followed(query) if query.user else None,
        )
        return Reply(200, _HTML, page.render())

    async def _followed(self, query: SiteQuery) -> Followed:
        """Whoever was looked for: what no user can be called is a user without a score."""
        if not is_user_id(query.user):
            return Followed(query.user)
        asked = query.board, query.period, query.user
        try:
            standing = await self._reader.standing(*asked)
            rows = await self._reader.around(*asked, RADIUS)
        except NotFound:
            return Followed(query.user)
        except Unavailable:
            return Followed(query.user, known=False)
        return Followed(query.user, wire.user_standing(standing), wire.rows(tuple(rows)))

    async def static(self, exchange: Exchange) -> Reply:
        file = STATIC_FILES.get(exchange.parameters["name"])
        if file is None:
            raise NotFound
        tag = file.etag.encode()
        headers: Headers = [
            (b"content-type", file.media_type.encode()),
            (b"etag", tag),
            (b"cache-control", b"no-cache"),
            _ANY_ORIGIN,
            _SHARED,
        ]
        if exchange.header(b"if-none-match") == tag:
            return Reply(304, headers)
        return Reply(200, headers, file.body)

    async def openapi(self, _: Exchange) -> Reply:
        return self._documents["openapi"]

    async def asyncapi(self, _: Exchange) -> Reply:
        return self._documents["asyncapi"]

    async def docs(self, _: Exchange) -> Reply:
        return self._documents["docs"]

    async def security(self, _: Exchange) -> Reply:
        if "security" not in self._documents:
            raise NotFound
        return self._documents["security"]

    def _document(self, media_type: str, body: bytes) -> Reply:
        if media_type.startswith("text/html"):
            return Reply(200, _HTML, body)
        headers: Headers = [
            (b"content-type", media_type.encode()),
            (b"cache-control", b"no-cache"),
            _ANY_ORIGIN,
        ]
        return Reply(200, headers, body)


def _form(query: SiteQuery) -> Form:
    if query.overlay is not None:
        return Form.OVERLAY
    return Form.PAGE if query.kiosk is None else Form.KIOSK


def security_text(contact: str, now_ms: int) -> bytes:
    """Whom to tell of a weakness (RFC 9116).

    There is no ``Canonical``: behind a proxy the service does not know its own address.
    """
    lines = (
        f"Contact: {contact}",
        f"Expires: {rfc3339(now_ms + SECURITY_TTL_MS)}",
        "Preferred-Languages: en",
    )
    return "".join(f"{line}\n" for line in lines).encode("ascii")
