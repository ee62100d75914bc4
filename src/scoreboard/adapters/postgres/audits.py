"""What audits read and write in PostgreSQL: activity by hour, sums, findings."""

from collections.abc import Sequence

import asyncpg
import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes, reader
from scoreboard.adapters.postgres.connection import BROKEN, SQL, Connection
from scoreboard.adapters.postgres.history import unhurried
from scoreboard.core.activity import Activity, KeyActivity, Sighting
from scoreboard.core.finding import Finding, Irregularity, Noted
from scoreboard.core.window import Period
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import ComparedSums, Difference, Dismissal, Queue
from scoreboard.ports.findings import KEY_OPEN_MS, OPEN_PLACE
from scoreboard.ports.sums import DIFFERENCES_MAX

FORGOTTEN_AT_ONCE = 5_000
EVERY = 2**62


async def sightings(connection: Connection, after: int, limit: int) -> Sequence[Sighting]:
    found: Sequence[Sighting] = await connection.fetch(SQL["sightings"], after, limit)
    return found


async def seq_before(connection: Connection, at_ms: int) -> int:
    found: int = await connection.fetchval(SQL["seq_before"], at_ms)
    return found


async def newest_user(connection: Connection, seq: int) -> int:
    found: int = await connection.fetchval(SQL["newest_user"], seq)
    return found


async def put(
    connection: Connection, activities: Sequence[Activity], keys: Sequence[KeyActivity]
) -> None:
    async with connection.transaction():
        for statement, given in (("put_activities", activities), ("put_key_activities", keys)):
            if given:
                columns = zip(*map(msgspec.structs.astuple, given), strict=True)
                await connection.execute(SQL[statement], *map(list, columns))


async def activities(
    connection: Connection, after: tuple[int, int], since_hour: int, limit: int
) -> list[Activity]:
    found = await connection.fetch(SQL["activities"], *after, since_hour, limit)
    return [Activity(*row) for row in found]


async def key_activities(connection: Connection, since_hour: int) -> list[KeyActivity]:
    return [KeyActivity(*row) for row in await connection.fetch(SQL["key_activities"], since_hour)]


async def forget(connection: Connection, before_hour: int) -> bool:
    """Leave some out; answers whether there may be more."""
    gone: int = await connection.fetchval(SQL["forget_activities"], before_hour, FORGOTTEN_AT_ONCE)
    await connection.execute(SQL["forget_key_activities"], before_hour)
    return gone == FORGOTTEN_AT_ONCE


async def spans(connection: Connection) -> list[tuple[str, str]]:
    return [(row["board"], row["period"]) for row in await connection.fetch(SQL["spans"])]


async def compare_apart(url: str, board: str, period: Period) -> ComparedSums:
    """With a connection of its own, which may take its time."""
    async with unhurried(url) as connection:
        try:
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return await _compare(connection, board, period)
        except BROKEN as error:
            raise Unavailable from error


async def _compare(connection: Connection, board: str, period: Period) -> ComparedSums:
    found = await connection.fetch(
        SQL["unequal"],
        board,
        period.name,
        await seq_before(connection, period.start_ms),
        await seq_before(connection, period.end_ms),
        DIFFERENCES_MAX,
    )
    scores: int = await connection.fetchval(SQL["scores_there"], board, period.name)
    return ComparedSums(scores, tuple(_difference(board, period.name, row) for row in found))


def _difference(board: str, period: str, row: asyncpg.Record) -> Difference:
    total = row["total"]
    return Difference(
        board, period, row["user_id"], row["score"], None if total is None else int(total)
    )


async def note(connection: Connection, findings: Sequence[Finding]) -> list[Finding]:
    """Store what is not there yet."""
    async with connection.transaction():
        head = await reader.head(connection)
        new = []
        for finding in findings:
            identity, *rest = rows.finding_row(finding).values()
            entry = await connection.fetchval(
                SQL["note_finding"], identity, head.seq, head.at, *rest
            )
            new += [finding] if entry is not None else []
        return new


async def dismiss(connection: Connection, dismissal: Dismissal, clock: int | None) -> Noted:
    """Record that somebody has looked, and let it go."""
    async with connection.transaction():
        head, _ = await notes.lock_head(connection, clock)
        noted = await _one(connection, dismissal.entry)
        if noted.is_open:
            entry = rows.dismissal_row(dismissal, noted.finding)
            await connection.execute(SQL["add_audit"], head.at, *entry.values())
        return await _one(connection, dismissal.entry)


async def _one(connection: Connection, entry: int) -> Noted:
    found = await listed(connection, None, 1, entry)
    if not found:
        raise NotFound
    return found[0]


async def listed(
    connection: Connection, before: int | None, limit: int, entry: int | None = None
) -> list[Noted]:
    since = await _open_since(connection)
    place = EVERY if before is None else before
    found = await connection.fetch(SQL["findings"], OPEN_PLACE, since, place, limit, entry)
    return [rows.noted(tuple(row)) for row in found]


async def review(connection: Connection) -> Queue:
    held: int = await connection.fetchval(SQL["held"])
    since = await _open_since(connection)
    found = dict(await connection.fetch(SQL["open_findings"], since))
    return Queue({kind: found.get(kind.value, 0) for kind in Irregularity}, held)


async def _open_since(connection: Connection) -> int:
    return (await reader.head(connection)).at - KEY_OPEN_MS
