"""The schema: made, brought up to date, checked, and opened to a role that cannot rewrite it."""

import asyncio
from collections.abc import Callable

import asyncpg

from scoreboard.adapters import rows
from scoreboard.adapters.migrations import Migration, ensure_current, migrations, pending
from scoreboard.adapters.postgres import rights
from scoreboard.adapters.postgres.connection import BROKEN, SQL, Connection, connect
from scoreboard.core.award import derived_id
from scoreboard.core.board import DEFAULT_BOARD, Board
from scoreboard.core.posting import Kind
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.ports import Condition

STEPS = migrations("postgres")
MIGRATE_S = 600.0
MIGRATION_LOCK = 0x5C04_EB0A_4D16_4A7E  # any number that nobody else locks
OLDEST = 140_000

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    version    INTEGER NOT NULL CONSTRAINT migrations_key PRIMARY KEY,
    name       TEXT    NOT NULL,
    checksum   TEXT    NOT NULL,
    applied_at BIGINT  NOT NULL
)
"""
_TOO_MANY_RIGHTS = (
    "The service's database user is a superuser or owns the ledger, and could rewrite it: "
    "run `scoreboard migrate --grant ROLE` as the owner, and the service as that role."
)
_TOO_FEW_RIGHTS = (
    "The service's database user lacks rights ({}), and what needs them will fail: "
    "run `scoreboard migrate --grant ROLE` as the owner."
)


async def migrate(url: str, clock_ms: Callable[[], int] | None) -> tuple[Migration, ...]:
    """Bring the schema up to date, one step a transaction; answers the steps that were applied.

    Roles that were granted the service's rights before get those on what is new.

    Raises:
        Misconfigured: the database has a schema that this version does not know, or may not be
            changed by this user.
        Unavailable: it cannot be reached, or a step failed.
    """
    connection = await connect(url, seconds=10)
    try:
        async with asyncio.timeout(MIGRATE_S):
            await connection.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            # Of many nodes that start at once, one migrates.
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
            ensure_fit(await connection.fetchrow(SQL["settings"]))
            steps = await _apply(connection, clock_ms)
            await rights.grant_again(connection)
            return steps
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"This user may not change the schema ({error}): migrate as the database's owner."
        ) from error
    except BROKEN as error:
        raise Unavailable from error
    finally:
        connection.terminate()


async def _apply(
    connection: Connection, clock_ms: Callable[[], int] | None
) -> tuple[Migration, ...]:
    steps = pending(STEPS, await applied(connection))
    if steps:
        await connection.execute(_TABLE)
    for step in steps:
        async with connection.transaction():
            await connection.execute(step.sql)
            await connection.execute(
                "INSERT INTO migrations VALUES ($1, $2, $3, $4)",
                step.version,
                step.name,
                step.checksum,
                clock_ms() if clock_ms else await _clock(connection),
            )
    async with connection.transaction():
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM ledger_head)"):
            now_ms = clock_ms() if clock_ms else await connection.fetchval("SELECT clock_ms()")
            await _begin_history(connection, now_ms)
    return steps


async def _clock(connection: Connection) -> int:
    seconds: float = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())")
    return int(seconds * 1000)


async def _begin_history(connection: Connection, now_ms: int) -> None:
    board = rows.board_row(Board(board=DEFAULT_BOARD))
    await connection.execute(SQL["put_board"], *board.values())
    await connection.execute(SQL["begin_history"], now_ms)
    await connection.execute(
        SQL["add_posting"],
        1,
        now_ms,
        derived_id("board", DEFAULT_BOARD, "1"),
        Kind.BOARD.value,
        DEFAULT_BOARD,
        now_ms,
        "scoreboard",
        None,
    )
    await connection.execute(SQL["mark"], [DEFAULT_BOARD], ["all"], 1, now_ms)


async def applied(connection: Connection) -> dict[int, str]:
    """The checksums of the steps that a database has had."""
    try:
        return dict(await connection.fetch(SQL["applied"]))
    except asyncpg.UndefinedTableError:
        return {}


async def ensure_schema(connection: Connection) -> None:
    """Refuse a schema that is not this version's.

    Raises:
        Misconfigured: it is old, or unknown.
    """
    ensure_current(STEPS, await applied(connection))


async def condition(connection: Connection) -> Condition:
    clock_ms: int = await connection.fetchval(SQL["clock"])
    return Condition(max(await applied(connection)), clock_ms)


def ensure_fit(settings: asyncpg.Record) -> None:
    """Refuse a server that cannot keep what it has acknowledged, or cannot write.

    Raises:
        Misconfigured: with what to change.
    """
    if settings["version"] < OLDEST:
        raise Misconfigured("PostgreSQL is too old: scoreboard needs version 14 or later.")
    if settings["encoding"] != "UTF8":
        raise Misconfigured(
            f"The database's encoding is {settings['encoding']}: "
            f"make one with CREATE DATABASE ... ENCODING 'UTF8'."
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if settings[name] == "off":
            raise Misconfigured(
                f"PostgreSQL runs with {name} = off and would lose acknowledged awards in a "
                f"crash: turn it on."
            )
    if settings["standby"] or settings["read_only"] == "on":
        raise Misconfigured(
            "This PostgreSQL only reads: name the primary, or several hosts and "
            "target_session_attrs=read-write."
        )


async def cautions(connection: Connection, settings: asyncpg.Record) -> tuple[str, ...]:
    """What works and should not stay, each as a sentence."""
    if settings["superuser"] == "on" or settings["owner"]:
        return (_TOO_MANY_RIGHTS,)
    missing = await rights.missing(connection)
    return (_TOO_FEW_RIGHTS.format(", ".join(missing)),) if missing else ()


async def grant(url: str, role: str) -> None:
    """Give a role just the rights that the service needs: none to rewrite the ledger.

    Raises:
        Misconfigured: there is no such role, or this user may not grant.
        Unavailable: it cannot be reached.
    """
    connection = await connect(url, seconds=10)
    try:
        await rights.grant(connection, role)
    except (asyncpg.UndefinedObjectError, asyncpg.InsufficientPrivilegeError) as error:
        raise Misconfigured(f"The rights cannot be granted: {error}.") from error
    except BROKEN as error:
        raise Unavailable from error
    finally:
        connection.terminate()
