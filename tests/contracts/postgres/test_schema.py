"""How a ledger's tables come to be, and when they are refused."""

import asyncio

import pytest

from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.adapters.postgres.schema import migrate
from scoreboard.errors import Misconfigured
from tests.servers.postgres import PostgresServer

from .conftest import opened


async def test_migrating_again_changes_nothing(url: str) -> None:
    async with opened(url) as ledger:
        before = await ledger.head(), await ledger.catalogue()
        assert await migrate(url, None) == ()
        assert (await ledger.head(), await ledger.catalogue()) == before


@pytest.mark.parametrize("may_migrate", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE migrations SET checksum = 'other' WHERE version = 1",
        "INSERT INTO migrations VALUES (9999, 'later', 'abc', 0)",
    ],
    ids=["altered", "newer"],
)
async def test_a_schema_it_does_not_know_is_refused(
    postgres: PostgresServer, url: str, change: str, may_migrate: bool
) -> None:
    postgres.psql(change, url.rpartition("/")[2])
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(url, may_migrate=may_migrate)


async def test_an_old_schema_is_migrated_only_when_allowed(postgres: PostgresServer) -> None:
    url = postgres.clone("empty", "template1")
    with pytest.raises(Misconfigured, match="scoreboard migrate"):
        await PostgresLedger.open(url)
    async with opened(url, may_migrate=True):
        pass
    async with opened(url):
        pass


async def test_nodes_that_start_at_once_make_one_ledger(postgres: PostgresServer) -> None:
    url = postgres.clone("at_once", "template1")
    steps = await asyncio.gather(*[migrate(url, None) for _ in range(4)])
    assert sorted(map(len, steps))[:3] == [0, 0, 0]
    async with opened(url) as ledger:
        assert (await ledger.head()).seq == 1
