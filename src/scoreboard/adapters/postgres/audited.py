"""What an audit asks of a ledger in PostgreSQL, and tells it."""

from collections.abc import Sequence

from scoreboard.adapters.postgres import audits, decisions, incidents
from scoreboard.adapters.postgres.sessions import Sessions
from scoreboard.core.activity import Activity, KeyActivity, Sighting
from scoreboard.core.finding import Finding, Noted
from scoreboard.core.incident import Incident
from scoreboard.core.window import Period
from scoreboard.ports import ComparedSums, Decided, Dismissal, Queue, Undone


class Audited(Sessions):
    """``ports`` of activities, findings, sums and decisions."""

    async def sightings(self, after: int, limit: int) -> Sequence[Sighting]:
        return await self._readers.read(lambda db: audits.sightings(db, after, limit))

    async def seq_before(self, at_ms: int) -> int:
        return await self._readers.read(lambda db: audits.seq_before(db, at_ms))

    async def newest_user(self, seq: int) -> int:
        return await self._readers.read(lambda db: audits.newest_user(db, seq))

    async def put_activities(
        self, activities: Sequence[Activity], keys: Sequence[KeyActivity]
    ) -> None:
        await self._readers.write(lambda db: audits.put(db, activities, keys))

    async def activities(
        self, after: tuple[int, int], since_hour: int, limit: int
    ) -> Sequence[Activity]:
        return await self._readers.read(lambda db: audits.activities(db, after, since_hour, limit))

    async def key_activities(self, since_hour: int) -> Sequence[KeyActivity]:
        return await self._readers.read(lambda db: audits.key_activities(db, since_hour))

    async def forget_activities(self, before_hour: int) -> None:
        while await self._readers.write(lambda db: audits.forget(db, before_hour)):
            pass

    async def note_findings(self, findings: Sequence[Finding]) -> Sequence[Finding]:
        return await self._readers.write(lambda db: audits.note(db, findings))

    async def findings(self, before: int | None, limit: int) -> Sequence[Noted]:
        return await self._readers.read(lambda db: audits.listed(db, before, limit))

    async def dismiss_finding(self, dismissal: Dismissal) -> Noted:
        return await self._readers.write(
            lambda db: audits.dismiss(db, dismissal, self._writer.clock())
        )

    async def dismiss_incident(self, dismissal: Dismissal) -> Incident:
        return await self._readers.write(
            lambda db: incidents.dismiss(db, dismissal, self._writer.clock())
        )

    async def review(self) -> Queue:
        return await self._readers.read(audits.review)

    async def spans(self) -> Sequence[tuple[str, str]]:
        return await self._readers.read(audits.spans)

    async def compare_sums(self, board: str, period: Period) -> ComparedSums:
        return await audits.compare_apart(self._url, board, period)

    async def decided(self, after: int, limit: int) -> Sequence[Decided]:
        return await decisions.decided(self._url, after, limit)

    async def unrecorded_keys(self) -> Sequence[str]:
        return await decisions.unrecorded_keys(self._url)

    async def undone(self) -> Undone:
        return await decisions.undone(self._url)
