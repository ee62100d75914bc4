"""``/v1/admin/findings``: what audits noticed."""

from scoreboard import wire
from scoreboard.core.token import Scope
from scoreboard.ports import Ledger
from scoreboard.web.auth import Authenticator
from scoreboard.web.contract import PageQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply

_PRIVATE = (b"cache-control", b"no-store")


class FindingsHandler:
    """Needs the scope ``scores:admin``."""

    def __init__(self, ledger: Ledger, auth: Authenticator) -> None:
        self._ledger = ledger
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"findings": self.findings}

    async def findings(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        query = read_query(exchange.query, PageQuery)
        listed = await self._ledger.findings(query.before, query.limit)
        following = listed[-1].place if len(listed) == query.limit else None
        return json_reply(wire.FindingList(tuple(map(wire.finding, listed)), following), _PRIVATE)
