"""What the service's role may do, and what it may not."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from scoreboard.adapters.postgres import rights
from scoreboard.adapters.postgres.schema import migrate
from scoreboard.errors import Misconfigured
from tests.servers.postgres import PostgresServer

from .conftest import do_everything, opened, wall_ms


@pytest_asyncio.fixture
async def role(postgres: PostgresServer, tmp_path: Path, url: str) -> AsyncIterator[str]:
    """A role that the ledger's owner has granted the rights."""
    name = f"service_{tmp_path.name[:20].replace('-', '_')}"
    postgres.psql(f"CREATE ROLE {name} LOGIN")
    async with opened(url) as owners:
        await owners.grant(name)
    yield name
    postgres.psql(f"DROP OWNED BY {name}", url.rpartition("/")[2])
    postgres.psql(f"DROP ROLE {name}")


async def test_a_role_without_more_rights_than_needed_runs_the_service_and_cannot_rewrite(
    role: str, url: str
) -> None:
    async with opened(url) as owners:
        assert any("--grant" in sentence for sentence in owners.cautions)
        with pytest.raises(Misconfigured):
            await owners.grant("nobody-there")
    as_role = url.replace("scoreboard@", f"{role}@")
    async with opened(as_role) as service:
        assert service.cautions == ()
        await do_everything(service)
    await ensure_no_rights(as_role)


async def test_a_role_that_was_granted_before_gets_what_is_new_with_the_migration(
    role: str, url: str, raw: asyncpg.Connection
) -> None:
    # As far as its rights go, tables that a migration adds.
    await raw.execute(f"REVOKE ALL ON tiles, findings, users FROM {role}")
    await raw.execute(f"CREATE ROLE {role}_reader")
    await raw.execute(f"GRANT SELECT ON ledger TO {role}_reader")
    try:
        await migrate(url, wall_ms)
        assert await rights.missing(raw, role) == ()
        assert "SELECT ON tiles" in await rights.missing(raw, f"{role}_reader")
        assert "INSERT ON ledger" in await rights.missing(raw, f"{role}_reader")
    finally:
        await raw.execute(f"DROP OWNED BY {role}_reader; DROP ROLE {role}_reader")
    as_role = url.replace("scoreboard@", f"{role}@")
    assert await migrate(as_role, wall_ms) == ()  # it may not grant, and need not
    async with opened(as_role) as service:
        await do_everything(service)
    await ensure_no_rights(as_role)


async def test_a_node_says_which_rights_its_role_lacks(
    role: str, url: str, raw: asyncpg.Connection
) -> None:
    await raw.execute(f"REVOKE INSERT ON tiles FROM {role}")
    await raw.execute(f"REVOKE UPDATE (salt) ON users FROM {role}")
    async with opened(url.replace("scoreboard@", f"{role}@")) as service:
        [caution] = service.cautions
        assert "lacks rights (INSERT ON tiles, UPDATE ON users)" in caution
        assert "scoreboard migrate --grant" in caution


async def ensure_no_rights(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in (
            "UPDATE ledger SET points = 1",
            "DELETE FROM ledger",
            "TRUNCATE ledger",
            "UPDATE audit SET reason = ''",
            "DELETE FROM audit",
            "ALTER TABLE ledger DISABLE TRIGGER ALL",
            "DELETE FROM migrations",
            "UPDATE ledger_head SET epoch = 1",
            "DELETE FROM users",
            "UPDATE users SET user_ref = 77",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        for statement in (
            "UPDATE users SET user_id = 'someone'",
            "UPDATE users SET salt = '123'",
            "UPDATE users SET user_id = NULL",
            "UPDATE users SET commitment = sha256('1')",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()
