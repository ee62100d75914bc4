"""Finds irregular users and keys: keeps a summary of hours, and judges it."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from scoreboard.core.activity import DAY_HOURS, HOUR_MS, Activity, KeyActivity, Summary
from scoreboard.core.finding import Finding
from scoreboard.core.irregular_key import Asked, judge_keys, refused_keys
from scoreboard.core.irregular_user import Judge
from scoreboard.core.lockstep import Lockstep
from scoreboard.core.rule import Caps
from scoreboard.core.thresholds import BASE_DAYS, STANDARD, Thresholds
from scoreboard.core.usual import Crowd
from scoreboard.ports import Head, Ledger, Sought

JUDGED_DAYS = 7
"""The days that an audit judges, today's included; those before are what it compares with."""
WINDOW_DAYS = BASE_DAYS + JUDGED_DAYS
PAGE = 2_000
"""Rows between two turns of the event loop, and in one transaction."""
PUT_AT = 100_000
"""So many hours are put in the order of users, so that neighbours in the table come together."""
FINDINGS_MAX = 10_000
"""The most findings of one audit: of more, those of the first days and users."""

_VERSION = "1"

Seen = Callable[[int, int], None]
"""Told how far the work has come, and of how much."""


class Stretch(Struct, frozen=True):
    """The whole hours that an audit looks at."""

    since: int
    until: int

    @classmethod
    def upto(cls, head: Head) -> "Stretch":
        """Up to the hour of the last posting, which is still under way."""
        until = head.at // HOUR_MS
        return cls((until // DAY_HOURS - WINDOW_DAYS + 1) * DAY_HOURS, until)

    @property
    def first_judged_day(self) -> int:
        return self.since // DAY_HOURS + BASE_DAYS


class Irregularities:
    """A function of ledger, incidents and configuration: asked twice, it answers the same."""

    def __init__(self, ledger: Ledger, thresholds: Thresholds = STANDARD) -> None:
        self._ledger = ledger
        self._thresholds = thresholds

    async def summarise(self, head: Head, caps: Mapping[str, Caps], seen: Seen) -> None:
        """Bring the summary of hours up to the head; what is summarised already is left alone.

        Raises:
            Unavailable: what was written is right, and the next time goes on from there.
        """
        stretch = Stretch.upto(head)
        follower = _follower(caps)
        first, after = await self._start(stretch, follower)
        summary = Summary(caps, await self._ledger.newest_user(after))
        while page := await self._ledger.sightings(after, PAGE):
            whole = [sighting for sighting in page if sighting[1] < stretch.until * HOUR_MS]
            summary.add(whole)
            after = whole[-1][0] if whole else after
            if len(whole) < len(page):
                break
            if len(summary.activities) >= PUT_AT and await self._put(summary, first):
                # Its hour is told again from the beginning of the day when this ends here.
                await self._ledger.move_bookmark(follower, after)
            seen(after, head.seq)
            await asyncio.sleep(0)
        summary.finish()
        await self._put(summary, first)
        await self._ledger.move_bookmark(follower, after)
        await self._ledger.forget_activities(stretch.since)
        seen(head.seq, head.seq)

    async def find(self, head: Head, seen: Seen) -> list[Finding]:
        """What is irregular in the summary, in the order of days, kinds and users."""
        stretch = Stretch.upto(head)
        first_day, newest = stretch.first_judged_day, await self._ledger.newest_user(head.seq)
        crowd, lockstep = Crowd(first_day, self._thresholds), Lockstep(first_day)
        async for hours in self._users(stretch):
            crowd.add(hours)
            lockstep.count(hours)
            seen(hours[0].user_ref, 3 * newest)
        judge, found = Judge(crowd, first_day, self._thresholds), []
        async for hours in self._users(stretch):
            found += judge.judge(hours)
            lockstep.mark(hours)
            seen(newest + hours[0].user_ref, 3 * newest)
        judged = msgspec.structs.replace(stretch, since=first_day * DAY_HOURS)
        async for hours in self._users(judged):
            lockstep.keep(hours)
            seen(2 * newest + hours[0].user_ref, 3 * newest)
        found += lockstep.rings()
        keys = await self._keys(stretch)
        found += judge_keys(keys, first_day, self._thresholds)
        found += refused_keys(await self._asked(stretch, keys), self._thresholds)
        seen(1, 1)
        return sorted(found, key=_order)[:FINDINGS_MAX]

    async def _start(self, stretch: Stretch, follower: str) -> tuple[int, int]:
        """The first hour that is missing, and the seq after which its day begins."""
        done = await self._ledger.bookmark(follower)
        first = stretch.since
        if done:
            (posting,) = await self._ledger.postings(done - 1, 1)
            first = max(first, posting.at // HOUR_MS)
        day = first // DAY_HOURS * DAY_HOURS
        return first, await self._ledger.seq_before(day * HOUR_MS)

    async def _put(self, summary: Summary, first: int) -> bool:
        users, keys = summary.taken()
        users = sorted((row for row in users if row.hour >= first), key=_place)
        keys = [row for row in keys if row.hour >= first]
        for start in range(0, max(len(users), len(keys)), PAGE):
            page = slice(start, start + PAGE)
            await self._ledger.put_activities(users[page], keys[page])
        return bool(users or keys)

    async def _users(self, stretch: Stretch) -> AsyncIterator[list[Activity]]:
        """Each user's hours; between two pages others have their turn."""
        hours: list[Activity] = []
        after = (0, 0)
        while page := await self._ledger.activities(after, stretch.since, PAGE):
            for row in page:
                if hours and row.user_ref != hours[0].user_ref:
                    yield hours
                    hours = []
                if row.hour < stretch.until:
                    hours.append(row)
            after = (page[-1].user_ref, page[-1].hour)
            await asyncio.sleep(0)
        if hours:
            yield hours

    async def _keys(self, stretch: Stretch) -> dict[str, Sequence[KeyActivity]]:
        keys: dict[str, list[KeyActivity]] = {}
        for row in await self._ledger.key_activities(stretch.since):
            if row.hour < stretch.until:
                keys.setdefault(row.key, []).append(row)
        return dict(keys)

    async def _asked(
        self, stretch: Stretch, keys: Mapping[str, Sequence[KeyActivity]]
    ) -> list[Asked]:
        """What each key asked for on the judged days, and how much of it was refused."""
        first = stretch.first_judged_day
        recorded = Counter[tuple[str, int]]()
        for key, hours in keys.items():
            for hour in hours:
                recorded[key, hour.hour // DAY_HOURS] += hour.awards
        refused = await self._refused(first * DAY_HOURS * HOUR_MS, stretch.until * HOUR_MS)
        return [
            Asked(key, day, recorded[key, day], refused[key, day])
            for key, day in sorted(recorded.keys() | refused.keys())
            if day >= first
        ]

    async def _refused(self, since_ms: int, until_ms: int) -> Counter[tuple[str, int]]:
        """Refusals by key and day; what a rule in the shadow let through is none."""
        refused = Counter[tuple[str, int]]()
        before: int | None = None
        while page := await self._ledger.incidents(Sought(before=before), PAGE):
            for incident in page:
                if incident.key and not incident.shadow and since_ms <= incident.at < until_ms:
                    refused[incident.key, incident.at // HOUR_MS // DAY_HOURS] += incident.count
            if page[-1].at < since_ms:
                break
            before = page[-1].incident
            await asyncio.sleep(0)
        return refused


def _follower(caps: Mapping[str, Caps]) -> str:
    """The bookmark's name: with other caps, or told otherwise, hours have to be summarised anew."""
    told = msgspec.json.encode([_VERSION, sorted(caps.items())])
    return f"activity-{hashlib.sha256(told).hexdigest()[:12]}"


def _place(row: Activity) -> tuple[int, int]:
    return row.user_ref, row.hour


def _order(finding: Finding) -> tuple[int, str, int, str]:
    return finding.day, finding.irregularity.value, finding.user_ref or 0, finding.key or ""
