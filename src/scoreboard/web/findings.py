"""``/v1/admin/findings``: what audits noticed."""

import re

from scoreboard import wire
from scoreboard.core.token import Scope
from scoreboard.errors import InvalidParameter
from scoreboard.ports import Dismissal, Ledger
from scoreboard.web.auth import Authenticator
from scoreboard.web.contract import PageQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.strict import strict_json

BODY_MAX_BYTES = 16_384

_ENTRY = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)
_PRIVATE = (b"cache-control", b"no-store")


class FindingsHandler:
    """Every call needs the scope ``scores:admin``."""

    def __init__(self, ledger: Ledger, auth: Authenticator) -> None:
        self._ledger = ledger
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {"findings": self.findings, "dismiss_finding": self.dismiss}

    async def findings(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        query = read_query(exchange.query, PageQuery)
        listed = await self._ledger.findings(query.before, query.limit)
        following = listed[-1].place if len(listed) == query.limit else None
        return json_reply(wire.FindingList(tuple(map(wire.finding, listed)), following), _PRIVATE)

    async def dismiss(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.Dismissal)
        dismissal = Dismissal(entry_in(exchange, "entry"), caller.subject, body.reason)
        return json_reply(wire.finding(await self._ledger.dismiss_finding(dismissal)), _PRIVATE)


def entry_in(exchange: Exchange, name: str) -> int:
    """The number of a finding or an incident in the path.

    Raises:
        InvalidParameter: it is none.
    """
    text = exchange.parameters[name]
    if not _ENTRY.fullmatch(text):
        raise InvalidParameter
    return int(text)
