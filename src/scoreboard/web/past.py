"""Reads of the past, for those who may: explanations, and boards as they were."""

from datetime import UTC, datetime

from scoreboard import wire
from scoreboard.core.identifier import is_user_id
from scoreboard.core.moment import milliseconds, rfc3339
from scoreboard.core.token import Scope
from scoreboard.errors import InsufficientScope, InvalidParameter
from scoreboard.service.reader import Sight
from scoreboard.service.retrospect import Moment, Retrospect
from scoreboard.web.auth import Authenticator
from scoreboard.web.contract import ExplainQuery, StandingQuery, TopQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply

_PRIVATE = (b"cache-control", b"no-store")


class PastHandler:
    """Answers from the ledger's postings; nothing of it is cached anywhere."""

    def __init__(self, retrospect: Retrospect, auth: Authenticator) -> None:
        self._retrospect = retrospect
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"explain": self.explain}

    async def explain(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller(exchange)
        user_id = exchange.parameters["user_id"]
        if not is_user_id(user_id):
            raise InvalidParameter
        query = read_query(exchange.query, ExplainQuery)
        if user_id != caller.subject and Scope.READ not in caller.scopes:
            raise InsufficientScope
        sight = Sight(own=True, live=caller.sees_live())
        told = await self._retrospect.explain(query.board, query.period, user_id, sight)
        return json_reply(wire.explanation(told), _PRIVATE)

    async def top(self, exchange: Exchange, board: str, query: TopQuery, as_of: str) -> Reply:
        """The first rows as they were."""
        await self._auth.caller_with(exchange, Scope.READ)
        if query.cursor is not None:
            raise InvalidParameter
        moment = _moment(as_of)
        period, page = await self._retrospect.top(board, query.period, moment, query.limit)
        top = wire.Top(
            board=board,
            period=period,
            epoch=page.epoch,
            seq=page.seq,
            at=rfc3339(page.at),
            rows=wire.rows(page.rows),
        )
        return json_reply(top, _PRIVATE)

    async def standing(
        self, exchange: Exchange, where: tuple[str, str], query: StandingQuery, as_of: str
    ) -> Reply:
        """A user of a board as it stood."""
        await self._auth.caller_with(exchange, Scope.READ)
        board, user_id = where
        standing = await self._retrospect.standing(board, query.period, _moment(as_of), user_id)
        return json_reply(wire.user_standing(standing), _PRIVATE)


def _moment(as_of: str) -> Moment:
    if as_of.isdigit():
        return Moment(seq=int(as_of))
    try:
        return Moment(at_ms=milliseconds(datetime.fromisoformat(as_of).astimezone(UTC)))
    except (ValueError, OverflowError):
        raise InvalidParameter from None
