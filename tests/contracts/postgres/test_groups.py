"""How groups of awards are written, by several nodes and however long the history."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from scoreboard.adapters.postgres import PostgresLedger, reader
from scoreboard.adapters.postgres.ordinary import ordinary
from scoreboard.core.action import Action
from scoreboard.core.award import Outcome, Recorded, Repeated
from scoreboard.errors import Unavailable, UserSuspended
from tests.contracts.material import (
    DEFAULT,
    FALL,
    FOUL,
    GOAL,
    LEAGUE,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    error_of,
    put,
)
from tests.servers.postgres import PostgresServer

from .conftest import opened, until, wall_ms


async def test_a_banned_user_is_refused_and_the_others_are_not(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    await append(ledger, clock, award("a1", "bad"), award("a2", "good"))
    await raw.execute("UPDATE users SET status = 'banned' WHERE user_id = 'bad'")
    slow = Action(action_id="slow", points=1, cooldown_s=1)
    for group in (
        [award("b1", "bad"), award("b2", "good"), award("a1", "bad"), award("b2", "good")],
        [
            award("c1", "bad", slow),
            award("c2", "good", slow),
            award("a1", "bad"),
            award("c2", "good", slow),
        ],
    ):
        refused, recorded, known, again = await append(ledger, clock, *group)
        assert isinstance(error_of(refused), UserSuspended)
        assert isinstance(recorded, Recorded)
        assert isinstance(known, Repeated)
        assert again == Repeated(recorded.posting)
    await ensure_sums(ledger)


async def test_a_group_recorded_without_judging_is_what_judging_would_have_made_of_it(
    postgres: PostgresServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [
        [award(f"{number}-{index}", f"u{index * 7 % 5}", (QUIZ, PRIZE, GOAL)[index % 3])
         for index in range(20)]
        + [award(f"{number}-f", "u8", FOUL), award(f"{number}-g", "u9", FALL)]
        for number in range(4)
    ]  # fmt: skip
    assert all(ordinary(group) for group in groups)
    seen = []
    for judged in (False, True):
        home = tmp_path / str(judged)
        if judged:
            monkeypatch.setattr("scoreboard.adapters.postgres.ordinary.ordinary", lambda *_: None)
        async with opened(postgres.database_of(home), clock_ms=clock) as ledger:
            await put(ledger, LEAGUE)
            outcomes = [await append(ledger, clock, *group) for group in groups]
        # Another node reads what was written, not what this one remembers.
        async with opened(postgres.database_of(home), clock_ms=clock) as ledger:
            spans = [("default", "all"), *(("league", name) for name in ("all", "2026-11-23"))]
            scores = [await all_scores(ledger, span) for span in spans]
            marks = [await ledger.marked(*span) for span in spans]
            seen.append((outcomes, scores, marks, await all_postings(ledger)))
            await ensure_sums(ledger)
    assert seen[0] == seen[1]


async def test_two_nodes_that_award_the_same_to_the_same_credit_it_once(url: str) -> None:
    shared = [award(f"s{index}", f"u{index % 7}") for index in range(60)]

    async def node(name: str, ledger: PostgresLedger) -> list[Outcome]:
        answers: list[Outcome] = []
        for index in range(20):
            own = [award(f"{name}{index}-{each}", f"u{each}", PRIZE) for each in range(5)]
            answers += await append(ledger, wall_ms, *shared[index * 3 : index * 3 + 3], *own)
        return answers

    async with opened(url) as one, opened(url) as two:
        answers = await asyncio.gather(node("one", one), node("two", two))
        postings = await ensure_sums(one)
    kinds = [type(answer) for each in answers for answer in each]
    assert kinds.count(Recorded) == len(postings) - 1 == 60 + 200
    assert kinds.count(Repeated) == 60


async def test_at_every_moment_scores_are_the_sums_of_postings(
    url: str, raw: asyncpg.Connection
) -> None:
    both = (
        "SELECT (SELECT sum(points) FROM ledger), (SELECT sum(score) FROM scores), "
        "(SELECT count(*) FROM ledger), (SELECT max(seq) FROM ledger)"
    )
    async with opened(url) as one, opened(url) as two:

        async def write(name: str, ledger: PostgresLedger) -> None:
            for index in range(40):
                await append(
                    ledger, wall_ms,
                    *[award(f"{name}{index}-{each}", f"u{each}") for each in range(index % 9 + 1)],
                )  # fmt: skip

        writing = asyncio.gather(write("one", one), write("two", two))
        while not writing.done():
            points, scores, count, last = await raw.fetchrow(both)
            assert (points or 0, count) == (scores or 0, last)
        await writing


async def test_a_commit_of_another_node_wakes(
    url: str, ledger: PostgresLedger, clock: Clock
) -> None:
    woken = asyncio.Event()
    async with opened(url, clock_ms=clock) as other:
        other.on_commit(woken.set)

        async def heard() -> bool:
            await append(ledger, clock, award(f"a{(await ledger.head()).seq}"))
            return woken.is_set()

        await until(heard)


async def test_standings_say_when_they_cannot_count(
    ledger: PostgresLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(ledger, clock, *[award(f"a{index}", f"u{index:02}") for index in range(20)])
    monkeypatch.setattr(reader, "COUNT_MAX", 10)
    assert (await ledger.standing(DEFAULT, "all", "u10")).rank == 11
    assert (await ledger.around(DEFAULT, "all", "u12", 2))[0].rank == 11
    assert len((await ledger.page(DEFAULT, "all", (-5, 11), 5)).rows) == 5
    for answer in (
        ledger.standing(DEFAULT, "all", "u11"),
        ledger.around(DEFAULT, "all", "u13", 2),
        ledger.page(DEFAULT, "all", (-5, 12), 5),
    ):
        with pytest.raises(Unavailable):
            await answer


@pytest.mark.parametrize("cooldown_s", [0, 1], ids=["ordinary", "judged"])
async def test_a_group_reads_a_few_rows_an_award_however_long_the_history(
    url: str, raw: asyncpg.Connection, cooldown_s: int
) -> None:
    action = Action(action_id="again", points=1, cooldown_s=cooldown_s)
    clock = Clock()

    async def play(first: int, groups: int) -> int:
        before = await entries_read(raw)
        async with opened(url, clock_ms=clock) as ledger:
            for number in range(first, first + groups):
                clock.now_ms += 1_000
                users = [award(f"{number}-{each}", f"u{each}", action) for each in range(10)]
                assert all(type(each) is Recorded for each in await append(ledger, clock, *users))
        await until(lambda: alone(raw))
        return await entries_read(raw) - before

    # A transaction that sees an old state keeps every version since then alive.
    held = await asyncpg.connect(url, server_settings={"application_name": "held"})
    try:
        await held.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await held.fetch("SELECT FROM ledger")
        await play(0, 100)
        assert await play(100, 10) < 10 * 10 * 12
    finally:
        await held.close()


async def entries_read(raw: asyncpg.Connection) -> int:
    await raw.execute("SELECT pg_stat_clear_snapshot()")
    return await raw.fetchval(
        "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"
        " + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
        " WHERE relname IN ('ledger', 'scores', 'users'))"
    )


async def alone(raw: asyncpg.Connection) -> bool:
    return not await raw.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'scoreboard'"
    )
