"""``ports.Ledger`` on one SQLite file: one thread writes, a few read."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from scoreboard.adapters.migrations import ensure_current
from scoreboard.adapters.sqlite import (
    catalogue,
    frozen,
    history,
    leases,
    moderation,
    past,
    proof,
    reader,
    reversals,
    rules,
)
from scoreboard.adapters.sqlite.audited import Audited
from scoreboard.adapters.sqlite.file import (
    SQL,
    STEPS,
    applied,
    migrate,
    newest_schema,
    transaction,
)
from scoreboard.adapters.sqlite.writer import Stage, Writer
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

P = ParamSpec("P")
T = TypeVar("T")


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteLedger(Audited):
    """Made by ``open``; ``close`` waits for the write under way."""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock_ms: Callable[[], int] = wall_clock_ms,
        stage: Stage = lambda _: None,
        may_migrate: bool = True,
        waited: Callable[[float], None] = lambda _: None,
    ) -> "SqliteLedger":
        """Open, and by default migrate, the database file; it is made when there is none.

        ``waited`` is told, on the thread of each read, how many seconds it waited for that.

        Raises:
            Misconfigured: the schema is unknown, or old and not to be migrated.
            Unavailable: the file cannot be opened or written.
        """

        def make() -> Writer:
            writer = Writer(path, clock_ms, stage)
            try:
                _ensure_schema(writer, clock_ms, may_migrate=may_migrate)
            except BaseException:
                writer.close()
                raise
            return writer

        return cls(path, await asyncio.to_thread(make), waited)

    # --- writes

    async def append(self, awards: Sequence[Award], prepared: Prepared) -> Sequence[Outcome]:
        judgement = await self._write(self._writer.append, awards, prepared)
        self._committed(judgement.postings)
        return judgement.outcomes

    async def open_periods(self, openings: Sequence[Opening]) -> Sequence[Posting]:
        postings = await self._write(self._writer.open, openings)
        self._committed(postings)
        return postings

    async def change(self, change: Change) -> None:
        self._committed(await self._write(catalogue.change, self._writer, change))

    async def bound(self) -> str | None:
        return await self._read(lambda db: db.execute(SQL["head"]).fetchone()[4])

    async def bind(self, fingerprint: str) -> str:
        return await self._write(_bind, self._writer, fingerprint)

    async def lead(self, holder: str, lease_ms: int) -> int | None:
        return await self._write(leases.lead, self._writer, holder, lease_ms)

    async def resign(self, holder: str) -> None:
        await self._write(leases.resign, self._writer, holder)

    async def bookmark(self, follower: str) -> int:
        return await self._read(leases.bookmark, follower)

    async def move_bookmark(self, follower: str, seq: int) -> None:
        await self._write(leases.move_bookmark, self._writer, follower, seq)

    async def history(self) -> History:
        pages = history.pages(self._path)
        try:
            while (page := await self._to_the_end(next, pages, None)) is not None:
                yield page
        finally:
            await self._to_the_end(pages.close)

    async def restore(self, history_: History) -> None:
        restoring = history.Restoring(self._writer)
        try:
            await self._write(restoring.begin)
            async for page in history_:
                await self._write(restoring.put, page)
            await self._write(restoring.finish)
        except BaseException as error:
            await self._write(restoring.abandon, error)
            raise

    async def new_epoch(self, caller: str, reason: str) -> Head:
        return await self._write(history.new_epoch, self._writer, caller, reason)

    # --- moderation

    async def moderate(self, moderation_: Moderation) -> Posting | None:
        posting = await self._write(moderation.moderate, self._writer, moderation_)
        self._committed([posting] if posting else [])
        if moderation_.kind is Kind.ERASE:
            self._tail.forget()
        return posting

    async def forget_erased(self, upto: int) -> None:
        await self._write(moderation.forget_erased, self._writer, upto)

    async def reverse(
        self, reversal: Reversal, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Reversed:
        taken = await self._write(reversals.reverse, self._writer, reversal, before, limit)
        self._committed(taken.postings)
        return taken

    async def reversible(
        self, awards: Awards, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Sequence[Posting]:
        return await self._read(reversals.reversible, awards, before, limit)

    async def user(self, user_id: str) -> User | None:
        return await self._read(moderation.user, user_id)

    async def status_of(self, user_id: str) -> Status:
        known = await self.user(user_id)
        return Status.ACTIVE if known is None else known.status

    async def statuses(self, after: str | None, limit: int) -> StatusPage:
        return await self._read(moderation.statuses, after, limit)

    async def in_order(
        self, board: str, period: str, after: Key | None, limit: int
    ) -> Sequence[Score]:
        return await self._read(moderation.in_order, (board, period), after, limit)

    async def record_of(self, user_id: str, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return await self._read(moderation.record_of, user_id, before, limit)

    # --- the catalogue and the order of postings

    async def catalogue(self) -> Catalogue:
        return await self._read(catalogue.read_catalogue)

    async def condition(self) -> Condition:
        return Condition(await self._read(newest_schema), self._writer.clock_ms())

    async def head(self) -> Head:
        return await self._read(reader.head)

    async def postings(self, after: int, limit: int) -> Sequence[Posting]:
        kept = self._tail.after(after, limit)
        if kept is not None:
            return kept
        return self._tail.heard(await self._read(reader.postings, after, limit))

    async def own_awards_since(self, at_ms: int) -> Sequence[tuple[str, int]]:
        return await self._read(reader.own_awards_since, at_ms)

    async def postings_of(self, user_id: str, before: int | None, limit: int) -> Sequence[Posting]:
        return await self._read(reader.postings_of, user_id, before, limit)

    async def posting(self, award_id: str) -> Posting | None:
        return await self._read(reader.posting, award_id)

    async def audit(self, before: int | None, limit: int) -> Sequence[AuditEntry]:
        return await self._read(reader.audit, before, limit)

    async def incidents(self, sought: Sought, limit: int) -> Sequence[Incident]:
        return await self._read(rules.incidents, sought, limit)

    # --- scores in their order

    async def scores(
        self, board: str, period: str, after: str | None, limit: int
    ) -> Sequence[Score]:
        return await self._read(
            lambda db: reader.TableOrder(db, board, period).by_user(after, limit)
        )

    async def scores_of(self, board: str, period: str, user_ids: Sequence[str]) -> Sequence[Score]:
        return await self._read(lambda db: reader.TableOrder(db, board, period).scores_of(user_ids))

    async def marked(self, board: str, period: str) -> tuple[int, int]:
        return await self._read(lambda db: reader.TableOrder(db, board, period).marked())

    async def snapshot(self, board: Board, period: str) -> Snapshot:
        return await self._read(reader.snapshot, board, period)

    async def page(self, board: Board, period: str, after: Key | None, limit: int) -> Page:
        return await self._read(reader.page, board, period, after, limit)

    async def standing(
        self, board: Board, period: str, user_id: str, *, own: bool = False
    ) -> Standing:
        return await self._read(reader.standing, board, period, user_id, own=own)

    async def own_standing(
        self, board: Board, period: str, user_id: str
    ) -> tuple[Place, Standing | None]:
        return await self._read(reader.own_standing, board, period, user_id)

    async def around(
        self, board: Board, period: str, user_id: str, radius: int, *, own: bool = False
    ) -> Sequence[Row]:
        return await self._read(reader.around, (board, period), user_id, radius, own=own)

    async def total(self, board: Board, period: str) -> int:
        return await self._read(lambda db: reader.TableOrder(db, board.board, period).total())

    # --- the tree

    async def leaves(self, after: int, limit: int) -> Sequence[bytes]:
        return await self._read(proof.read_leaves, after, limit)

    async def salt(self, user_ref: int) -> bytes | None:
        return await self._read(proof.salt, user_ref)

    async def tiles(self, keys: Collection[TileKey]) -> Mapping[TileKey, bytes]:
        return await self._read(proof.tiles, keys)

    async def seals(self, after: int, upto: int) -> tuple[Sequence[Run], Sequence[Sealing]]:
        return await self._read(proof.seals, after, upto)

    async def seal(self, runs: Sequence[Run], sealing: Sealing) -> None:
        await self._write(proof.seal, self._writer, runs, sealing)

    async def newest_sealing(self) -> Sealing | None:
        return await self._read(proof.newest)

    async def sealing_at(self, size: int) -> Sealing | None:
        return await self._read(proof.covering, size)

    # --- frozen boards

    async def scores_at(
        self, board: str, period: Period, seq: int, after: str | None, limit: int
    ) -> Sequence[Score]:
        return await self._read(frozen.scores_at, (board, period), seq, after, limit)

    async def turns(self, after: int, upto: int) -> Sequence[Posting]:
        return await self._read(frozen.turns, after, upto)

    # --- the past

    async def account_of(self, board: str, period: Period, user_id: str) -> Account:
        return await self._read(past.account_of, board, period, user_id)

    async def posting_at(self, at_ms: int) -> Posting:
        return await self._read(past.posting_at, at_ms)

    async def top_at(self, board: Board, period: Period, seq: int, limit: int) -> Sequence[Score]:
        return await self._read(past.top_at, board, period, seq, limit)

    async def standing_at(self, board: Board, period: Period, seq: int, user_id: str) -> Standing:
        return await self._read(past.standing_at, board, period, seq, user_id)


def _ensure_schema(writer: Writer, clock_ms: Callable[[], int], *, may_migrate: bool) -> None:
    if may_migrate:
        migrate(writer.db, clock_ms())
    else:
        ensure_current(STEPS, applied(writer.db))


def _bind(writer: Writer, fingerprint: str) -> str:
    with transaction(writer.db, committing=writer.before_commit):
        writer.db.execute(SQL["set_fingerprint"], {"fingerprint": fingerprint})
        bound: Any = writer.db.execute(SQL["head"]).fetchone()[4]
    return str(bound)
