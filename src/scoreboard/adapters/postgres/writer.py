"""Writes of postings: a group a call, and a lost answer settled by asking again."""

from collections.abc import Callable, Sequence

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes
from scoreboard.adapters.postgres.connection import SQL, Connection, Session, Unsynchronised
from scoreboard.adapters.postgres.judged import append_judged
from scoreboard.adapters.postgres.ordinary import Origin, append_ordinary
from scoreboard.core.award import Award, Recorded, opening_id
from scoreboard.core.judgement import Judgement, Knowledge, judge
from scoreboard.core.posting import Kind, Posting
from scoreboard.errors import Outage, OutcomeUnknown
from scoreboard.ports import Opening, Prepared

SETTLE_S = 0.6

Clock = Callable[[], int] | None
Stage = Callable[[str], None]
"""Told how far a group has come (``begin``, ``commit``, ``committed``), for fault injection."""


class Writer:
    """The one session that writes postings; ``node`` is whom its commits are told from."""

    def __init__(self, session: Session, clock_ms: Clock, stage: Stage, node: str) -> None:
        self.session = session
        self.node = node
        self._clock_ms = clock_ms
        self._stage = stage
        self._seen = 0

    def clock(self) -> int | None:
        """What stands in for the database's clock."""
        return self._clock_ms() if self._clock_ms else None

    async def append(self, awards: Sequence[Award], prepared: Prepared) -> Judgement:
        """Judge and record a group."""
        self._stage("begin")

        async def work(connection: Connection) -> Judgement:
            origin = Origin(self.node, self.clock())
            self._stage("commit")
            judgement = await append_ordinary(connection, awards, prepared, origin)
            return judgement or await append_judged(connection, awards, prepared, origin)

        try:
            judgement = await self.session.write(work)
        except Unsynchronised:
            raise
        except OutcomeUnknown:
            settled = await self._settled(awards)
            if settled is None:
                raise
            judgement = settled
        if judgement.postings:
            self._seen = judgement.postings[-1].seq
        self._stage("committed")
        return judgement

    async def open(self, openings: Sequence[Opening]) -> list[Posting]:
        """Record periods that were not opened before."""
        wanted = {opening_id(opening.board, opening.period): opening for opening in openings}

        async def work(connection: Connection) -> list[Posting]:
            await connection.execute("BEGIN")
            head, _ = await notes.lock_head(connection, self.clock())
            known = await connection.fetch(SQL["known_ids"], list(wanted))
            for (award_id,) in known:
                del wanted[award_id]
            opened = []
            for award_id, opening in wanted.items():
                posting = notes.note(
                    head, Kind.PERIOD, opening.board, award_id, detail=opening.period
                )
                head = msgspec.structs.replace(head, seq=posting.seq)
                await self._open(connection, opening, posting)
                opened.append(posting)
            if opened:
                await connection.execute(SQL["notify"], self.node)
            await connection.execute("COMMIT")
            return opened

        return await self.session.write(work)

    async def _open(self, connection: Connection, opening: Opening, posting: Posting) -> None:
        await notes.add(connection, posting)
        if not await connection.fetchval(SQL["has_scores"], opening.board, opening.period):
            await notes.mark(connection, [(opening.board, opening.period)], posting)

    async def _settled(self, awards: Sequence[Award]) -> Judgement | None:
        """What became of a group whose answer was lost, or None when nobody can say.

        A group is recorded whole or not at all, but one that is not there yet may still come.
        """
        self.session.hurry()
        try:
            known = await self.session.read(lambda connection: _known(connection, awards), SETTLE_S)
        except Outage:
            return None
        if not all(award.award_id in known for award in awards):
            return None
        fresh = {
            posting.award_id: posting for posting in known.values() if posting.seq > self._seen
        }
        judgement = judge(awards, {}, Knowledge(0, 0, 0, known, {}, {}, {}))
        for place, award in enumerate(awards):
            posting = fresh.pop(award.award_id, None)
            if posting is not None:
                judgement.outcomes[place] = Recorded(posting)
                judgement.postings.append(posting)
        judgement.postings.sort(key=lambda posting: posting.seq)
        return judgement


async def _known(connection: Connection, awards: Sequence[Award]) -> dict[str, Posting]:
    await connection.execute("BEGIN")
    # Whoever holds the head may be what is left of the lost call.
    await notes.lock_head(connection, None)
    found = await connection.fetch(SQL["known"], [award.award_id for award in awards])
    await connection.execute("ROLLBACK")
    return {row["award_id"]: rows.posting(row) for row in found}
