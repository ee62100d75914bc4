"""Reads of the PostgreSQL ledger that lay decisions, postings and records side by side.

Each has a connection of its own, which may take its time.
"""

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import BROKEN, SQL
from scoreboard.adapters.postgres.history import unhurried
from scoreboard.errors import Unavailable
from scoreboard.ports import Decided, Undone


async def decided(url: str, after: int, limit: int) -> list[Decided]:
    async with unhurried(url) as connection:
        try:
            found = await connection.fetch(SQL["decided"], after, limit)
        except BROKEN as error:
            raise Unavailable from error
    return [rows.decided(tuple(row)) for row in found]


async def unrecorded_keys(url: str) -> list[str]:
    async with unhurried(url) as connection:
        try:
            return [row["key"] for row in await connection.fetch(SQL["unrecorded_keys"])]
        except BROKEN as error:
            raise Unavailable from error


async def undone(url: str) -> Undone:
    async with unhurried(url) as connection:
        try:
            return Undone(*await connection.fetchrow(SQL["undone"]))
        except BROKEN as error:
            raise Unavailable from error
