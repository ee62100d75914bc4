"""``/v1/admin/incidents``: what was refused as suspicious."""

from scoreboard import wire
from scoreboard.core.token import Scope
from scoreboard.ports import Dismissal, Incidents, Sought
from scoreboard.web.auth import Authenticator
from scoreboard.web.contract import IncidentsQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.findings import BODY_MAX_BYTES, entry_in
from scoreboard.web.strict import strict_json

_PRIVATE = (b"cache-control", b"no-store")


class IncidentsHandler:
    """Every call needs the scope ``scores:admin``."""

    def __init__(self, ledger: Incidents, auth: Authenticator) -> None:
        self._ledger = ledger
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"incidents": self.incidents, "dismiss_incident": self.dismiss}

    async def incidents(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        query = read_query(exchange.query, IncidentsQuery)
        sought = Sought(query.before, query.user_id, query.rule)
        found = await self._ledger.incidents(sought, query.limit)
        following = found[-1].incident if len(found) == query.limit else None
        shown = tuple(map(wire.incident, found))
        return json_reply(wire.Incidents(shown, following), _PRIVATE)

    async def dismiss(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.Dismissal)
        dismissal = Dismissal(entry_in(exchange, "incident"), caller.subject, body.reason)
        return json_reply(wire.incident(await self._ledger.dismiss_incident(dismissal)), _PRIVATE)
