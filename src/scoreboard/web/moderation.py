"""``/v1/admin/users`` and ``/v1/admin/reversals``: what moderators do."""

from functools import partial

from scoreboard import wire
from scoreboard.core.identifier import is_user_id
from scoreboard.core.posting import Kind
from scoreboard.core.token import Scope
from scoreboard.core.user import LEADS_TO
from scoreboard.errors import InvalidParameter, NotFound
from scoreboard.ports import Ledger, Moderation, Reversal
from scoreboard.service.moderator import Moderator
from scoreboard.service.preview import Foresight
from scoreboard.web.admin import audit_entry
from scoreboard.web.auth import Authenticator
from scoreboard.web.contract import PageQuery, UsersQuery, read_query
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.strict import strict_json
from scoreboard.web.tokens import Caller

BODY_MAX_BYTES = 16_384

REVERSE_MAX = 10_000
"""The most awards that one request reverses: it has to be answered in time."""

SCAN, SCANS_MAX = 1_000, 20
"""How many users one request looks through for a status, page by page; ``next`` goes on."""

_PRIVATE = (b"cache-control", b"no-store")
_KINDS = (*LEADS_TO, Kind.ERASE)


class ModerationHandler:
    """Every call needs the scope ``scores:admin``."""

    def __init__(
        self, ledger: Ledger, moderator: Moderator, foresight: Foresight, auth: Authenticator
    ) -> None:
        self._ledger = ledger
        self._moderator = moderator
        self._foresight = foresight
        self._auth = auth

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "unseen_users": self.unseen,
            "user_record": self.record,
            "reverse_awards": self.reverse,
            **{f"{kind.value}_user": partial(self.moderate, kind) for kind in _KINDS},
        }

    async def unseen(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        query = read_query(exchange.query, UsersQuery)
        found, following = await self._unseen(query)
        return json_reply(wire.UnseenUsers(tuple(found), following), _PRIVATE)

    async def _unseen(self, query: UsersQuery) -> tuple[list[wire.UnseenUser], str | None]:
        found: list[wire.UnseenUser] = []
        after = query.after
        for _ in range(SCANS_MAX):
            page = (await self._ledger.statuses(after, SCAN)).users
            for user in page:
                if len(found) == query.limit:
                    return found, after
                after = user.user_id
                if query.status in (None, user.status.value):
                    found.append(wire.UnseenUser(user.user_id, user.status.value))
            if len(page) < SCAN:
                return found, None
        return found, after

    async def record(self, exchange: Exchange) -> Reply:
        await self._auth.caller_with(exchange, Scope.ADMIN)
        user_id, query = _user_id(exchange), read_query(exchange.query, PageQuery)
        user = await self._ledger.user(user_id)
        if user is None:
            raise NotFound
        entries = await self._ledger.record_of(user_id, query.before, query.limit)
        following = entries[-1].entry if len(entries) == query.limit else None
        told = tuple(map(audit_entry, entries))
        return json_reply(wire.UserRecord(user_id, user.status.value, told, following), _PRIVATE)

    async def moderate(self, kind: Kind, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.ModerationPost)
        wanted = Moderation(_user_id(exchange), kind, caller.subject, body.reason)
        if body.preview:
            return json_reply(await self._previewed(wanted), _PRIVATE)
        done = await self._moderator.moderate(wanted)
        seq = None if done.posting is None else done.posting.seq
        told = wire.Moderated(done.user_id, _status(kind), seq is not None, seq)
        return json_reply(told, _PRIVATE)

    async def reverse(self, exchange: Exchange) -> Reply:
        caller = await self._auth.caller_with(exchange, Scope.ADMIN)
        body = strict_json(await exchange.json_body(BODY_MAX_BYTES), wire.ReversalPost)
        if body.preview:
            would, moves = await self._foresight.of_reversal(body.awards())
            told = wire.Undone(would.awards, would.points, complete=False, moves=tuple(moves))
            return json_reply(told, _PRIVATE)
        return json_reply(await self._reversed(body, caller), _PRIVATE)

    async def _reversed(self, body: wire.ReversalPost, caller: Caller) -> wire.Undone:
        wanted = Reversal(body.awards(), caller.subject, body.reason)
        undone = await self._moderator.reverse(wanted, most=REVERSE_MAX)
        return wire.Undone(undone.awards, undone.points, complete=undone.before is None)

    async def _previewed(self, wanted: Moderation) -> wire.Moderated:
        moves = tuple(await self._foresight.of_moderation(wanted))
        before = await self._ledger.status_of(wanted.user_id)
        changes = LEADS_TO.get(wanted.kind) is not before
        return wire.Moderated(wanted.user_id, _status(wanted.kind), changes, None, moves)


def _status(kind: Kind) -> wire.UserStatus:
    return "erased" if kind is Kind.ERASE else LEADS_TO[kind].value


def _user_id(exchange: Exchange) -> str:
    user_id = exchange.parameters["user_id"]
    if not is_user_id(user_id):
        raise InvalidParameter
    return user_id
