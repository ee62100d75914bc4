"""What an audit asks of a ledger in SQLite, and tells it."""

import asyncio
from collections.abc import Sequence

from scoreboard.adapters.sqlite import audits, decisions, incidents
from scoreboard.adapters.sqlite.threads import Threads
from scoreboard.core.activity import Activity, KeyActivity, Sighting
from scoreboard.core.finding import Finding, Noted
from scoreboard.core.incident import Incident
from scoreboard.core.window import Period
from scoreboard.ports import ComparedSums, Decided, Dismissal, Queue, Undone


class Audited(Threads):
    """``ports`` of activities, findings, sums and decisions."""

    async def sightings(self, after: int, limit: int) -> Sequence[Sighting]:
        return await self._read(audits.sightings, after, limit)

    async def seq_before(self, at_ms: int) -> int:
        return await self._read(audits.seq_before, at_ms)

    async def newest_user(self, seq: int) -> int:
        return await self._read(audits.newest_user, seq)

    async def put_activities(
        self, activities: Sequence[Activity], keys: Sequence[KeyActivity]
    ) -> None:
        await self._write(audits.put, self._writer, activities, keys)

    async def activities(
        self, after: tuple[int, int], since_hour: int, limit: int
    ) -> Sequence[Activity]:
        return await self._read(audits.activities, after, since_hour, limit)

    async def key_activities(self, since_hour: int) -> Sequence[KeyActivity]:
        return await self._read(audits.key_activities, since_hour)

    async def forget_activities(self, before_hour: int) -> None:
        while await self._write(audits.forget, self._writer, before_hour):
            pass

    async def note_findings(self, findings: Sequence[Finding]) -> Sequence[Finding]:
        return await self._write(audits.note, self._writer, findings)

    async def findings(self, before: int | None, limit: int) -> Sequence[Noted]:
        return await self._read(audits.listed, before, limit)

    async def dismiss_finding(self, dismissal: Dismissal) -> Noted:
        return await self._write(audits.dismiss, self._writer, dismissal)

    async def dismiss_incident(self, dismissal: Dismissal) -> Incident:
        return await self._write(incidents.dismiss, self._writer, dismissal)

    async def review(self) -> Queue:
        return await self._read(audits.review)

    async def spans(self) -> Sequence[tuple[str, str]]:
        return await self._read(audits.spans)

    async def compare_sums(self, board: str, period: Period) -> ComparedSums:
        return await asyncio.to_thread(audits.compare_apart, self._path, board, period)

    async def decided(self, after: int, limit: int) -> Sequence[Decided]:
        return await self._read(decisions.decided, after, limit)

    async def unrecorded_keys(self) -> Sequence[str]:
        return await self._read(decisions.unrecorded_keys)

    async def undone(self) -> Undone:
        return await self._read(decisions.undone)
