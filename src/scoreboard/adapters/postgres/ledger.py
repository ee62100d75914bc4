"""``ports.Ledger`` on PostgreSQL: one session writes, a few read, one listens."""

import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from scoreboard.adapters.postgres import (
    catalogue,
    frozen,
    history,
    moderation,
    past,
    proof,
    reader,
    reversals,
    rules,
    schema,
)
from scoreboard.adapters.postgres.audited import Audited
from scoreboard.adapters.postgres.connection import (
    BROKEN,
    CALL_S,
    SQL,
    Connection,
    Session,
    connect,
)
from scoreboard.adapters.postgres.writer import Clock, Stage, Writer
from scoreboard.core.award import Award, Outcome
from scoreboard.core.board import Board
from scoreboard.core.incident import Incident
from scoreboard.core.merkle import Run, TileKey
from scoreboard.core.past import Account
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import Awards
from scoreboard.core.score import Score
from scoreboard.core.standing import Page, Row, Snapshot, Standing
from scoreboard.core.user import Status, User
from scoreboard.core.window import Period
from scoreboard.errors import Unavailable
from scoreboard.ports import (
    REVERSE_MAX,
    AuditEntry,
    Catalogue,
    Change,
    Condition,
    Head,
    History,
    Key,
    Moderation,
    Opening,
    Place,
    Prepared,
    Reversal,
    Reversed,
    Sealing,
    Sought,
    StatusPage,
)

T = TypeVar("T")


class PostgresLedger(Audited):
    """Made by ``open``; ``close`` waits for the write under way.

    ``cautions`` are sentences on what works and should not stay.
    """

    @classmethod
    async def open(  # noqa: PLR0913 - what it is, and whom it tells
        cls,
        url: str,
        *,
        clock_ms: Clock = None,
        stage: Stage = lambda _: None,
        may_migrate: bool = False,
        observe: Callable[[bool], None] = lambda _: None,
        waited: Callable[[float], None] = lambda _: None,
    ) -> "PostgresLedger":
        """Check the database, and migrate it if that is allowed.

        Without ``clock_ms`` the database's clock counts, so that nodes need not agree on one.
        ``observe`` is told False when a connection that writes, or that a node's own duties go
        over, is found lost, True when one is back; ``waited`` the seconds that each read waited for
        a connection.

        Raises:
            Misconfigured: the URL, the server's settings or the schema will not do.
            Unavailable: the database cannot be reached.
        """
        if may_migrate:
            await schema.migrate(url, clock_ms)
        cautions = await _checked(url)
        session = Session(url, _ensure_fit, observe)
        return cls(url, Writer(session, clock_ms, stage, secrets.token_hex(8)), cautions, waited)

    async def grant(self, role: str) -> None:
        """Give a role the rights that the service needs, and none to rewrite the ledger.

        Raises:
            Misconfigured: there is no such role, or this user may not grant.
        """
        await schema.grant(self._url, role)

    # --- writes

    async def append(self, awards: Sequence[Award], prepared: Prepared) -> Sequence[Outcome]:
        judgement = await self._to_the_end(self._writer.append(awards, prepared))
        self._committed(judgement.postings)
        return judgement.outcomes

    async def open_periods(self, openings: Sequence[Opening]) -> Sequence[Posting]:
        postings = await self._to_the_end(self._writer.open(openings))
        self._committed(postings)
        return postings

    async def change(self, change: Change) -> None:
        self._committed(await self._to_the_end(catalogue.change(self._writer, change)))

    async def bound(self) -> str | None:
        async def work(connection: Connection) -> str | None:
            fingerprint: str | None = (await connection.fetchrow(SQL["head"]))["fingerprint"]
            return fingerprint

        return await self._readers.read(work)

    async def bind(self, fingerprint: str) -> str:
        async def work(connection: Connection) -> str:
            await connection.execute(SQL["set_fingerprint"], fingerprint)
            return str((await connection.fetchrow(SQL["head"]))["fingerprint"])

        return await self._to_the_end(self._writer.session.write(work))

    async def lead(self, holder: str, lease_ms: int) -> int | None:
        parameters = (holder, lease_ms, self._writer.clock())
        return await self._duties.write(lambda db: db.fetchval(SQL["lead"], *parameters))

    async def resign(self, holder: str) -> None:
        await self._duties.write(lambda db: db.execute(SQL["resign"], holder))

    async def bookmark(self, follower: str) -> int:
        found = await self._duties.read(lambda db: db.fetchval(SQL["bookmark"], follower))
        return found or 0

    async def move_bookmark(self, follower: str, seq: int) -> None:
        await self._duties.write(lambda db: db.execute(SQL["move_bookmark"], follower, seq))

    # --- the catalogue and the order of postings

    async def catalogue(self) -> Catalogue:
        return await self._duties.read(catalogue.read_catalogue)

    async def condition(self) -> Condition:
        return await self._duties.read(schema.condition)

    async def head(self) -> Head:
        return await self._duties.read(reader.head)

    async def postings(self, after: int, limit: int) -> Sequence[Posting]:
        kept = self._tail.after(after, limit)
        if kept is not None:
            return kept
        return self._tail.heard(
            await self._duties.read(lambda db: reader.postings(db, after, limit))
        )

    async def own_awards_since(self, at_ms: int) -> Sequence[tuple[str, int]]:
        return await self._duties.read(lambda db: reader.own_awards_since(db, at_ms))

    async def postings_of(self, user_id: str, before: int | None, limit: int) -> Sequence[Posting]:
        return await self._readers.read(lambda db: reader.postings_of(db, user_id, before, limit))

    async def posting(self, award_id: str) -> Posting | None:
        if "\0" in award_id:
            return None  # PostgreSQL has no such text, not even to compare with
        return await self._readers.read(lambda db: reader.posting(db, award_id))

    async def audit(self, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return await self._readers.read(lambda db: reader.audit(db, before, limit))

    async def incidents(self, sought: Sought, limit: int) -> Sequence[Incident]:
        return await self._readers.read(lambda db: rules.incidents(db, sought, limit))

    # --- scores in their order

    async def scores(
        self, board: str, period: str, after: str | None, limit: int
    ) -> Sequence[Score]:
        return await self._duties.read(lambda db: reader.scores(db, (board, period), after, limit))

    async def scores_of(self, board: str, period: str, user_ids: Sequence[str]) -> Sequence[Score]:
        return await self._readers.read(lambda db: reader.scores_of(db, (board, period), user_ids))

    async def marked(self, board: str, period: str) -> tuple[int, int]:
        return await self._duties.read(lambda db: reader.marked(db, board, period))

    async def snapshot(self, board: Board, period: str) -> Snapshot:
        return await self._readers.read(lambda db: reader.snapshot(db, board, period))

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page:
        return await self._readers.read(lambda db: reader.page(db, board, period, after, limit))

    async def standing(
        self, board: Board, period: str, user_id: str, *, own: bool = False
    ) -> Standing:
        return await self._readers.read(
            lambda db: reader.standing(db, board, period, user_id, own=own)
        )

    async def own_standing(
        self, board: Board, period: str, user_id: str
    ) -> tuple[Place, Standing | None]:
        return await self._readers.read(lambda db: reader.own_standing(db, board, period, user_id))

    async def around(
        self, board: Board, period: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row]:
        return await self._readers.read(
            lambda db: reader.around(db, (board, period), user_id, radius, own=own)
        )

    async def total(self, board: Board, period: str) -> int:
        return await self._readers.read(lambda db: reader.total(db, board.board, period))

    # --- the tree

    async def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        return await self._duties.read(lambda db: proof.read_leaves(db, after, limit))

    async def salt(self, user_ref: int) -> bytes | None:
        return await self._readers.read(lambda db: proof.salt(db, user_ref))

    async def tiles(self, keys: Collection[TileKey]) -> Mapping[TileKey, bytes]:
        return await self._readers.read(lambda db: proof.tiles(db, keys))

    async def seals(self, after: int, upto: int) -> tuple[Sequence[Run], Sequence[Sealing]]:
        return await self._readers.read(lambda db: proof.seals(db, after, upto))

    async def seal(self, runs: Sequence[Run], sealing: Sealing) -> None:
        await self._duties.write(lambda db: proof.seal(db, runs, sealing))

    async def newest_sealing(self) -> Sealing | None:
        return await self._duties.read(proof.newest)

    async def sealing_at(self, size: int) -> Sealing | None:
        return await self._readers.read(lambda db: proof.covering(db, size))

    # --- moderation

    async def moderate(self, moderation_: Moderation) -> Posting | None:
        posting = await self._to_the_end(moderation.moderate(self._writer, moderation_))
        self._committed([posting] if posting else [])
        if moderation_.kind is Kind.ERASE:
            self._tail.forget()
        return posting

    async def forget_erased(self, upto: int) -> None:
        await self._duties.write(lambda db: db.execute(SQL["forget_erased"], upto))

    async def reverse(
        self, reversal: Reversal, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Reversed:
        taken = await self._to_the_end(reversals.reverse(self._writer, reversal, before, limit))
        self._committed(taken.postings)
        return taken

    async def reversible(
        self, awards: Awards, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Sequence[Posting]:
        return await self._readers.read(lambda db: reversals.reversible(db, awards, before, limit))

    async def user(self, user_id: str) -> User | None:
        return await self._readers.read(lambda db: moderation.user(db, user_id))

    async def status_of(self, user_id: str) -> Status:
        known = await self.user(user_id)
        return Status.ACTIVE if known is None else known.status

    async def statuses(self, after: str | None, limit: int) -> StatusPage:
        return await self._duties.read(lambda db: moderation.statuses(db, after, limit))

    async def in_order(
        self, board: str, period: str, after: Key | None, limit: int
    ) -> Sequence[Score]:
        return await self._readers.read(
            lambda db: moderation.in_order(db, (board, period), after, limit)
        )

    async def record_of(self, user_id: str, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return await self._readers.read(lambda db: moderation.record_of(db, user_id, before, limit))

    # --- frozen boards

    async def scores_at(
        self, board: str, period: Period, seq: int, after: str | None, limit: int
    ) -> Sequence[Score]:
        asked = ((board, period), seq, after, limit)
        return await self._readers.read(lambda db: frozen.scores_at(db, *asked))

    async def turns(self, after: int, upto: int) -> Sequence[Posting]:
        return await self._duties.read(lambda db: frozen.turns(db, after, upto))

    # --- the past

    async def account_of(self, board: str, period: Period, user_id: str) -> Account:
        return await self._readers.read(lambda db: past.account_of(db, board, period, user_id))

    async def posting_at(self, at_ms: int) -> Posting:
        return await self._readers.read(lambda db: past.posting_at(db, at_ms))

    async def top_at(self, board: Board, period: Period, seq: int, limit: int) -> Sequence[Score]:
        return await self._readers.read(lambda db: past.top_at(db, board, period, seq, limit))

    async def standing_at(self, board: Board, period: Period, seq: int, user_id: str) -> Standing:
        asked = (board, period, seq, user_id)
        return await self._readers.read(lambda db: past.standing_at(db, *asked))

    # --- the whole

    def history(self) -> History:
        return history.pages(self._url)

    async def restore(self, history_: History) -> None:
        await history.restore(self._url, history_)

    async def new_epoch(self, caller: str, reason: str) -> Head:
        return await self._to_the_end(history.new_epoch(self._writer, caller, reason))


async def _checked(url: str) -> tuple[str, ...]:
    connection = await connect(url, 2 * CALL_S)
    try:
        settings = await connection.fetchrow(SQL["settings"])
        schema.ensure_fit(settings)
        await schema.ensure_schema(connection)
        return await schema.cautions(connection, settings)
    except BROKEN as error:
        raise Unavailable from error
    finally:
        with contextlib.suppress(*BROKEN):
            await connection.close(timeout=CALL_S)


async def _ensure_fit(connection: Connection) -> None:
    schema.ensure_fit(await connection.fetchrow(SQL["settings"]))
