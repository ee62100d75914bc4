"""Which servers a ledger runs on, and which it refuses."""

import asyncio
import socket
from pathlib import Path

import pytest

from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.errors import Misconfigured, Unavailable
from tests.conftest import Require
from tests.contracts.material import append, award
from tests.servers.pgbouncer import PgBouncer, installed_bouncer
from tests.servers.postgres import PostgresServer, installed, running

from .conftest import PATIENCE_S, do_everything, opened, wall_ms


async def test_the_same_through_pgbouncer_in_session_mode(
    require: Require, postgres: PostgresServer, url: str
) -> None:
    program = installed_bouncer()
    require("pgbouncer", program, "apt-get install pgbouncer")
    assert program is not None
    with PgBouncer(program, postgres.port) as bouncer:
        async with opened(bouncer.url(url.rpartition("/")[2])) as ledger:
            await do_everything(ledger)
            woken = asyncio.Event()
            ledger.on_commit(woken.set)
            async with opened(url) as other:
                await append(other, wall_ms, award("elsewhere"))
                async with asyncio.timeout(PATIENCE_S):
                    await woken.wait()


@pytest.mark.parametrize("version", [14, 15, 16, 17])
async def test_the_same_on_an_older_postgresql(version: int) -> None:
    programs = installed(version)
    if programs is None:
        pytest.skip(f"needs PostgreSQL {version} in /usr/lib/postgresql")
    with running(programs) as server:
        async with opened(server.url(), may_migrate=True) as ledger:
            await do_everything(ledger)


@pytest.mark.parametrize(
    "setting", ["synchronous_commit = off", "default_transaction_read_only = on"]
)
async def test_a_database_that_would_not_keep_awards_is_refused(
    postgres: PostgresServer, url: str, setting: str
) -> None:
    postgres.psql(f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting}")
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(url)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_would_not_keep_awards_is_refused(
    postgres_programs: Path, setting: str
) -> None:
    with (
        running(postgres_programs, {setting: "off"}) as server,
        pytest.raises(Misconfigured, match=setting),
    ):
        await PostgresLedger.open(server.url(), may_migrate=True)


async def test_another_encoding_is_refused(postgres: PostgresServer) -> None:
    name = "latin"
    postgres.psql(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with pytest.raises(Misconfigured, match="LATIN1"):
            await PostgresLedger.open(postgres.url(name), may_migrate=True)
    finally:
        postgres.psql(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "change", ["mysql://host/name", "postgresql://nobody@", "postgresql://scoreboard@/none"]
)
async def test_an_address_that_leads_nowhere_is_refused(
    postgres: PostgresServer, change: str
) -> None:
    host = f"@127.0.0.1:{postgres.port}"
    address = change.replace("@/", f"{host}/")
    if address.endswith("@"):
        address = f"{address[:-1]}{host}/postgres"
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(address)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await PostgresLedger.open("postgresql://scoreboard@127.0.0.1:1/none")


@pytest.mark.parametrize("answers", [False, True], ids=["closed", "hanging"])
async def test_the_primary_is_found_beside_a_host_that_is_lost(
    postgres: PostgresServer, url: str, answers: bool
) -> None:
    with socket.socket() as lost:
        lost.bind(("127.0.0.1", 0))
        if answers:
            lost.listen()
        name = url.rpartition("/")[2]
        hosts = f"127.0.0.1:{lost.getsockname()[1]},127.0.0.1:{postgres.port}"
        async with opened(f"postgresql://scoreboard@{hosts}/{name}") as ledger:
            await append(ledger, wall_ms, award("a1"))
            assert (await ledger.head()).seq == 2
