"""The ledger's tree in PostgreSQL: leaves, tiles and checkpoints."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import asyncpg
import msgspec

from scoreboard.adapters.leaves import leaves
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.merkle import LEVELS, TILE_WIDTH, Run, TileKey
from scoreboard.errors import Deposed, OutOfPlace
from scoreboard.ports import Part, Sealing

NEVER_SEQ = 2**63 - 1


async def read_leaves(connection: Connection, after: int, limit: int) -> Sequence[bytes]:
    return leaves(map(tuple, await connection.fetch(SQL["leaves"], after, limit)))


async def salt(connection: Connection, user_ref: int) -> bytes | None:
    found: bytes | None = await connection.fetchval(SQL["salt"], user_ref)
    return found


async def tiles(connection: Connection, keys: Collection[TileKey]) -> Mapping[TileKey, bytes]:
    levels, firsts = [key.level for key in keys], [key.number * TILE_WIDTH for key in keys]
    found: dict[TileKey, bytes] = dict.fromkeys(keys, b"")
    for level, first, hashes in await connection.fetch(SQL["tiles"], levels, firsts):
        found[TileKey(level, first // TILE_WIDTH)] += hashes
    return found


async def newest(connection: Connection) -> Sealing | None:
    return _sealing(await connection.fetchrow(SQL["newest_sealing"]))


async def covering(connection: Connection, size: int) -> Sealing | None:
    return _sealing(await connection.fetchrow(SQL["sealing_at"], size))


def _sealing(row: asyncpg.Record | None) -> Sealing | None:
    return None if row is None else _made(row)


def _made(row: asyncpg.Record) -> Sealing:
    return Sealing(size=row["size"], note=row["note"], key=row["key"], term=row["term"])


async def seal(connection: Connection, runs: Sequence[Run], sealing: Sealing) -> None:
    """Append hashes and the checkpoint over them."""
    await connection.execute("BEGIN")
    await connection.execute(SQL["lock_sealing"])
    before = await newest(connection)
    if before and before.term > sealing.term:
        raise Deposed
    end: int = await connection.fetchval(SQL["tiles_end"])
    if before and before.size >= sealing.size:
        raise OutOfPlace(end)
    try:
        await connection.executemany(SQL["add_run"], map(msgspec.structs.astuple, runs))
    except asyncpg.IntegrityConstraintViolationError as error:
        raise OutOfPlace(end) from error
    if await connection.fetchval(SQL["tiles_end"]) != sealing.size:
        raise OutOfPlace(end)
    await connection.execute(SQL["add_sealing"], *msgspec.structs.astuple(sealing))
    await connection.execute("COMMIT")


async def with_seals(
    connection: Connection, lines: AsyncIterator[Sequence[Part]]
) -> AsyncIterator[Sequence[Part]]:
    """Pages of postings, after each the tiles and checkpoints of them; at the end the rest."""
    after = 0
    async for page in lines:
        yield page
        upto: int = page[-1].seq  # type: ignore[union-attr]
        for kept in await seals(connection, after, upto):
            yield kept
        after = upto
    for kept in await seals(connection, after, NEVER_SEQ):
        yield kept


async def seals(
    connection: Connection, after: int, upto: int
) -> tuple[Sequence[Run], Sequence[Sealing]]:
    """The hashes in the tiles, level by level, and the checkpoints."""
    runs: list[Run] = []
    first, last = after, upto
    for level in range(LEVELS):
        runs += [Run(*row) for row in await connection.fetch(SQL["runs"], level, first, last)]
        first, last = first // TILE_WIDTH, last // TILE_WIDTH
    rows = await connection.fetch(SQL["sealings"], after, upto)
    return runs, [_made(row) for row in rows]
