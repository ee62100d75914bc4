"""Reads: boards, tops, standings and history."""

from scoreboard import wire
from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.identifier import is_award_id, is_board, is_user_id
from scoreboard.core.moment import rfc3339
from scoreboard.core.standing import TOP_SIZE, Snapshot
from scoreboard.core.token import Scope
from scoreboard.core.window import Window
from scoreboard.errors import InsufficientScope, InvalidParameter, NotFound
from scoreboard.service.reader import LIVE, PUBLIC, Reader, Sight
from scoreboard.web.auth import Authenticator
from scoreboard.web.board_views import BoardViews
from scoreboard.web.contract import (
    AroundQuery,
    PageQuery,
    StandingQuery,
    TopQuery,
    read_query,
)
from scoreboard.web.cursors import Cursors
from scoreboard.web.exchange import JSON, Exchange, Handler, Headers, Reply, json_reply
from scoreboard.web.past import PastHandler

_FRESH = (b"cache-control", b"no-cache")  # may be kept, has to be revalidated by its ETag
_PRIVATE = (b"cache-control", b"no-store")

ALL_TIME = TopQuery(period=Window.ALL.value)


class BoardsHandler:
    """Everything about boards that anyone may read."""

    def __init__(
        self,
        reader: Reader,
        cursors: Cursors,
        auth: Authenticator,
        past: PastHandler,
        views: BoardViews,
    ) -> None:
        self._reader = reader
        self._views = views
        self._past = past
        self._cursors = cursors
        self._auth = auth
        self._encoded: dict[tuple[str, str], tuple[Snapshot, Reply]] = {}

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "scoreboard": self.scoreboard,
            "top": self.top,
            "standing": self.standing,
            "around": self.around,
            "boards": self.boards,
            "board": self.board,
            "head": self.head,
        }

    async def scoreboard(self, exchange: Exchange) -> Reply:
        if exchange.query:
            raise InvalidParameter
        return await self._top(exchange, DEFAULT_BOARD, ALL_TIME)

    async def top(self, exchange: Exchange) -> Reply:
        board = _board(exchange)
        query = read_query(exchange.query, TopQuery)
        if query.as_of is not None:
            return await self._past.top(exchange, board, query, query.as_of)
        return await self._top(exchange, board, query)

    async def standing(self, exchange: Exchange) -> Reply:
        board, user_id = _board(exchange), _user(exchange)
        query = read_query(exchange.query, StandingQuery)
        if query.as_of is not None:
            return await self._past.standing(exchange, (board, user_id), query, query.as_of)
        sight, asked = await self._sight(exchange, board), (board, query.period, user_id)
        try:
            standing, kept = await self._reader.standing(*asked, sight), _kept(sight)
        except NotFound:
            kept = await self._kept_by(exchange, user_id)
            standing = await self._reader.standing(*asked, Sight(own=True, live=sight.live))
        return json_reply(wire.user_standing(standing), kept)

    async def around(self, exchange: Exchange) -> Reply:
        board, user_id = _board(exchange), _user(exchange)
        query = read_query(exchange.query, AroundQuery)
        sight = await self._sight(exchange, board)
        asked = (board, query.period, user_id, query.radius)
        try:
            rows, kept = await self._reader.around(*asked, sight), _kept(sight)
        except NotFound:
            kept = await self._kept_by(exchange, user_id)
            rows = await self._reader.around(*asked, Sight(own=True, live=sight.live))
        return json_reply(wire.Around(wire.rows(tuple(rows))), kept)

    async def boards(self, exchange: Exchange) -> Reply:
        _no_query(exchange)
        views = [await self._views.of(board) for board in self._reader.boards()]
        return json_reply(wire.Boards(tuple(views)), _FRESH)

    async def board(self, exchange: Exchange) -> Reply:
        _no_query(exchange)
        return json_reply(await self._views.of(self._reader.board(_board(exchange))), _FRESH)

    async def head(self, exchange: Exchange) -> Reply:
        _no_query(exchange)
        head = await self._reader.head()
        return json_reply(wire.LedgerHead(head.epoch, head.seq), _FRESH)

    async def _kept_by(self, exchange: Exchange, user_id: str) -> tuple[bytes, bytes]:
        """Of a user who is not shown, others learn nothing; what it learns itself is not kept."""
        if not await self._auth.is_user(exchange, user_id):
            raise NotFound
        return _PRIVATE

    async def _sight(self, exchange: Exchange, board: str) -> Sight:
        """Past a freeze see those who may read everybody's awards; others need no token."""
        if self._reader.board(board).frozen is None:
            return PUBLIC
        caller = await self._auth.perhaps(exchange)
        return LIVE if caller is not None and caller.sees_live() else PUBLIC

    async def _top(self, exchange: Exchange, board: str, query: TopQuery) -> Reply:
        sight = await self._sight(exchange, board)
        if sight.live:
            return json_reply(await self._page(board, query, sight), _PRIVATE)
        if query.limit == TOP_SIZE and query.cursor is None:
            return _unless_known(exchange, await self._top_ten(board, query.period))
        page = await self._page(board, query, sight)
        return _unless_known(exchange, _tagged(page, f"page{query.limit}"))

    async def _top_ten(self, board: str, period_name: str) -> Reply:
        period = self._reader.period(board, period_name)
        snapshot = self._reader.known(board, period)
        if snapshot is None:
            snapshot = await self._reader.snapshot(board, period)
        kept = self._encoded.get((board, period))
        if kept is not None and kept[0] is snapshot:
            return kept[1]
        cursor = self._cursors.sign(board, period, snapshot.end) if snapshot.end else None
        reply = _tagged(wire.top(snapshot, cursor), "top")
        if len(self._encoded) > ENCODED_MAX:
            self._encoded.clear()
        self._encoded[board, period] = (snapshot, reply)
        return reply

    async def _page(self, board: str, query: TopQuery, sight: Sight) -> wire.Top:
        period = self._reader.period(board, query.period)
        after = self._cursors.read(query.cursor, board, period) if query.cursor else None
        period, page = await self._reader.page(board, period, after, query.limit, sight)
        cursor = self._cursors.sign(board, period, page.end) if page.end else None
        return wire.Top(
            board=board,
            period=period,
            epoch=page.epoch,
            seq=page.seq,
            at=rfc3339(page.at),
            rows=wire.rows(page.rows),
            next=cursor,
        )


ENCODED_MAX = 1_024
"""Tops kept as bytes."""


class HistoryHandler:
    """Awards, for those they belong to."""

    def __init__(self, reader: Reader, auth: Authenticator) -> None:
        self._reader = reader
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"posting": self.award, "postings": self.awards}

    async def award(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller(exchange)
        _no_query(exchange)
        award_id = exchange.parameters["award_id"]
        if not is_award_id(award_id):
            raise InvalidParameter
        posting = await self._reader.posting(award_id)
        if posting is None:
            raise NotFound
        # Others learn nothing, not even that there is such an award.
        if posting.user_id != caller.subject and Scope.READ not in caller.scopes:
            raise NotFound
        return json_reply(wire.posting(posting), _PRIVATE)

    async def awards(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller(exchange)
        user_id = _user(exchange)
        query = read_query(exchange.query, PageQuery)
        if user_id != caller.subject and Scope.READ not in caller.scopes:
            raise InsufficientScope
        postings = await self._reader.postings_of(user_id, query.before, query.limit)
        following = postings[-1].seq if len(postings) == query.limit else None
        shown = tuple(wire.posting(posting) for posting in postings)
        return json_reply(wire.Postings(shown, following), _PRIVATE)


def _board(exchange: Exchange) -> str:
    board = exchange.parameters["board"]
    if not is_board(board):
        raise InvalidParameter
    return board


def _user(exchange: Exchange) -> str:
    user_id = exchange.parameters["user_id"]
    if not is_user_id(user_id):
        raise InvalidParameter
    return user_id


def _no_query(exchange: Exchange) -> None:
    if exchange.query:
        raise InvalidParameter


def _kept(sight: Sight) -> tuple[bytes, bytes]:
    """What is not for everybody is in no cache."""
    return _PRIVATE if sight.live else _FRESH


def _tagged(top: wire.Top, kind: str) -> Reply:
    tag = f'"{top.epoch}-{top.seq}-{kind}"'.encode()
    headers: Headers = [(b"content-type", JSON), (b"etag", tag), _FRESH]
    return Reply(200, headers, wire.ENCODER.encode(top))


def _unless_known(exchange: Exchange, reply: Reply) -> Reply:
    """The reply, or 304 when the caller has it (RFC 9110, 13.1.2)."""
    known = exchange.header(b"if-none-match")
    if known is None:
        return reply
    tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
    if reply.headers[1][1] in tags or tags == {b"*"}:
        return Reply(304, reply.headers[1:])
    return reply
