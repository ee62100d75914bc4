"""A ledger on a database of its own, another program beside it, and a server to break."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Recorded, Refused, Repeated
from scoreboard.core.posting import Kind
from scoreboard.core.reversal import OneAward
from scoreboard.core.window import ALL
from scoreboard.ports import Ledger, Moderation, Opening, Reversal
from tests.contracts.material import (
    DEFAULT,
    FOUL,
    GOAL,
    LEAGUE,
    QUIZ,
    Clock,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
)
from tests.servers.postgres import PostgresServer, make_template, running

PATIENCE_S = 30


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[PostgresLedger]:
    ledger = await PostgresLedger.open(url, **options)
    try:
        yield ledger
    finally:
        await ledger.close()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - what is awaited is elsewhere
            await asyncio.sleep(0.01)


@pytest.fixture
def url(postgres: PostgresServer, tmp_path: Path) -> str:
    return postgres.database_of(tmp_path)


@pytest_asyncio.fixture
async def ledger(url: str, clock: Clock) -> AsyncIterator[PostgresLedger]:
    async with opened(url, clock_ms=clock) as made:
        yield made


@pytest_asyncio.fixture
async def raw(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another program on the same database: a superuser, who also owns it."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def own_postgres(postgres_programs: Path) -> Iterator[PostgresServer]:
    """A server to kill and to misconfigure."""
    with running(postgres_programs) as server:
        make_template(server)
        server.clone("own")
        yield server


async def do_everything(ledger: Ledger) -> None:
    """Each operation of a ledger once, with the database's own clock."""
    rare = Action(action_id="rare", points=5, cooldown_s=600)
    await put(ledger, LEAGUE, QUIZ, GOAL, FOUL, rare)
    assert await ledger.bind("secret") == "secret"
    first, _, third = await append(
        ledger, wall_ms, award("a1"), award("a2", "u2", GOAL), award("a3", "u2", FOUL)
    )
    assert posting_of(third).score_after == 1
    again, new = await append(ledger, wall_ms, award("a1"), award("a4", "u3"))
    assert again == Repeated(posting_of(first))
    assert isinstance(new, Recorded)
    allowed, refused = await append(
        ledger, wall_ms, award("a5", action=rare), award("a6", action=rare)
    )
    assert (type(allowed), type(refused)) == (Recorded, Refused)
    assert len(await ledger.open_periods([Opening("league", "2030-01-01")])) == 1
    term = await ledger.lead("me", 5_000)
    assert await ledger.lead("me", 5_000) == term
    await ledger.resign("me")
    await ledger.move_bookmark("feed", 3)
    assert await ledger.bookmark("feed") == 3
    assert (await ledger.snapshot(DEFAULT, "all")).rows[0].score == 10
    assert (await ledger.standing(DEFAULT, "all", "u3")).rank == 2
    assert len(await ledger.around(DEFAULT, "all", "u3", 1)) == 2
    assert len((await ledger.page(DEFAULT, "all", None, 1)).rows) == 1
    assert len(await ledger.own_awards_since(0)) == 5
    assert len(await ledger.postings_of("u1", None, 10)) == 2
    assert len(await ledger.audit(None, 10)) == 5
    assert (await ledger.moderate(Moderation("u3", Kind.HOLD, "mo", "odd"))) is not None
    assert len((await ledger.statuses(None, 10)).users) == 1
    assert len((await ledger.reverse(Reversal(OneAward("a1"), "mo", "odd"))).postings) == 1
    erased = await ledger.moderate(Moderation("u3", Kind.ERASE, "mo", "asked for"))
    assert erased is not None
    await ledger.forget_erased(erased.seq)
    assert len(await ledger.scores_at("default", ALL, erased.seq, None, 9)) == 1
    turns = [each.kind for each in await ledger.turns(0, erased.seq)]
    assert turns == [Kind.BOARD, Kind.BOARD, Kind.HOLD, Kind.ERASE]
    await ensure_sums(ledger)
