"""``/v1/admin``: the catalogue, changed with a reason and on the record."""

from typing import Any

import msgspec

from scoreboard import wire
from scoreboard.core.board import Board
from scoreboard.core.identifier import is_action_id, is_board
from scoreboard.core.moment import rfc3339
from scoreboard.core.token import Scope
from scoreboard.errors import InvalidParameter, NotFound
from scoreboard.ports import AuditEntry, Change, Ledger
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.reader import Reader
from scoreboard.web.auth import Authenticator
from scoreboard.web.board_views import BoardViews
from scoreboard.web.contract import PageQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.strict import strict_json

BODY_MAX_BYTES = 16_384

_PRIVATE = (b"cache-control", b"no-store")


class AdminHandler:
    """Every call needs the scope ``scores:admin``."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: CurrentCatalogue,
        reader: Reader,
        auth: Authenticator,
        views: BoardViews,
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._reader = reader
        self._auth = auth
        self._views = views

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "admin_actions": self.actions,
            "admin_action": self.action,
            "put_action": self.put_action,
            "admin_boards": self.boards,
            "admin_board": self.board,
            "put_board": self.put_board,
            "audit": self.audit,
        }

    async def actions(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        actions = tuple(map(wire.action, self._catalogue.actions.values()))
        return json_reply(wire.Actions(actions), _PRIVATE)

    async def action(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        action = self._catalogue.actions.get(_action_id(exchange))
        if action is None:
            raise NotFound
        return json_reply(wire.action(action), _PRIVATE)

    async def put_action(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.ActionPut)
        action = body.action(_action_id(exchange))
        await self._change(Change(action, caller.subject, body.reason))
        return json_reply(wire.action(action), _PRIVATE)

    async def boards(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        shown = [await self._shown(board) for board in self._reader.boards()]
        return json_reply(wire.AdminBoards(tuple(shown)), _PRIVATE)

    async def board(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        board = self._catalogue.board(_board_id(exchange))
        return json_reply(await self._shown(board), _PRIVATE)

    async def put_board(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.BoardPut)
        board = body.settings(_board_id(exchange))
        await self._change(Change(board, caller.subject, body.reason, body.frozen))
        return json_reply(await self._shown(self._catalogue.board(board.board)), _PRIVATE)

    async def audit(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        query = read_query(exchange.query, PageQuery)
        entries = await self._reader.audit(query.before, query.limit)
        following = entries[-1].entry if len(entries) == query.limit else None
        return json_reply(wire.Audit(tuple(map(audit_entry, entries)), following), _PRIVATE)

    async def _shown(self, board: Board) -> wire.AdminBoard:
        view = msgspec.structs.asdict(await self._views.of(board))
        return wire.AdminBoard(**view, points_per_hour=board.points_per_hour, shadow=board.shadow)

    async def _change(self, change: Change) -> None:
        await self._ledger.change(change)
        await self._catalogue.load()


def _action_id(exchange: Exchange) -> str:
    action_id = exchange.parameters["id"]
    if not is_action_id(action_id):
        raise InvalidParameter
    return action_id


def _board_id(exchange: Exchange) -> str:
    board = exchange.parameters["id"]
    if not is_board(board):
        raise InvalidParameter
    return board


def audit_entry(entry: AuditEntry) -> wire.AuditEntry:
    """What is told of an entry of the record of changes."""
    return wire.AuditEntry(
        entry=entry.entry,
        at=rfc3339(entry.at),
        caller=entry.caller,
        operation=entry.operation,
        subject=entry.subject,
        reason=entry.reason,
        before=_settings(entry.before),
        after=_settings(entry.after),
    )


def _settings(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
