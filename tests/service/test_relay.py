"""It is promised that the ranking follows the ledger, whatever happens to either."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.standing import Snapshot, placed_by_sorting
from scoreboard.core.window import Window
from scoreboard.errors import Unavailable
from scoreboard.service import relay as module
from tests.contracts.material import (
    DAY_MS,
    FALL,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOTHING,
    PRIZE,
    QUIZ,
    all_postings,
    append,
    award,
    put,
    sums,
)

ACTIONS = (QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL)
MIDNIGHT_MS = 12 * HOUR_MS  # after noon
DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))


class Awards:
    """Random awards, each with a name of its own."""

    def __init__(self, world: Any, seed: int, users: int = 25) -> None:
        self.world = world
        self._random = Random(seed)
        self._users = users
        self._made = 0

    async def append(self, size: int) -> None:
        made = range(self._made, self._made + size)
        self._made += size
        group = [
            award(
                f"award-{number}",
                f"user-{self._random.randrange(self._users):02d}",
                self._random.choice(ACTIONS),
            )
            for number in made
        ]
        await append(self.world.ledger, self.world.clock, *group)


class Screen:
    """Keeps every snapshot that the bus brings."""

    def __init__(self, world: Any) -> None:
        self.shown: list[Snapshot] = []
        self._world = world
        self._task = asyncio.ensure_future(self._watch())

    async def _watch(self) -> None:
        async for news in self._world.bus.news():
            self.shown.extend(each for each in news if isinstance(each, Snapshot))

    def last(self, board: str, period: str) -> Snapshot | None:
        found = [top for top in self.shown if (top.board, top.period) == (board, period)]
        return found[-1] if found else None

    async def leave(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


@pytest.fixture(autouse=True)
async def catalogue(world: Any) -> None:
    await put(world.ledger, QUIZ, PRIZE, FALL, NOTHING, LEAGUE, GOAL, FOUL)


@pytest.fixture
async def screen(world: Any) -> AsyncIterator[Screen]:
    screen = Screen(world)
    yield screen
    await screen.leave()


@contextlib.asynccontextmanager
async def running(world: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(each.run()) for each in (world.relay(), world.publisher)]
    try:
        async with asyncio.timeout(30):
            default = Board(board="default")
            while await world.ranking.total(default, "all") is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def follow(world: Any, relay: Any) -> None:
    """Take what the ledger has, and tell it."""
    await relay.follow()
    await world.publisher.publish()
    await asyncio.sleep(0)


async def ensure_follows(world: Any) -> None:
    """Every period that the ranking holds is what follows from the postings alone."""
    postings = await all_postings(world.ledger)
    boards = dict((await world.ledger.catalogue()).boards)
    expected = sums(postings, boards)
    assert await world.ranking.place() == (postings[-1].epoch, postings[-1].seq)
    for board, period in await world.ranking.periods():
        page = await world.ranking.page(boards[board], period, None, 1_000)
        scores = list(expected.get((board, period), {}).values())
        assert page.rows == placed_by_sorting(scores, boards[board].tie), (board, period)
        snapshot = await world.ranking.snapshot(boards[board], period)
        stored = await world.ledger.snapshot(boards[board], period)
        assert snapshot.rows == stored.rows == page.rows[:10]


async def ensure_shown_was_true(world: Any, shown: list[Snapshot]) -> None:
    """Each snapshot is the top at its seq, recomputed from the postings up to there."""
    postings = await all_postings(world.ledger)
    boards = dict((await world.ledger.catalogue()).boards)
    places: dict[tuple[str, str], tuple[int, int]] = {}
    for top in shown:
        upto = [posting for posting in postings if posting.seq <= top.seq]
        scores = sums(upto, boards).get((top.board, top.period), {})
        tie = boards[top.board].tie
        assert top.rows == placed_by_sorting(list(scores.values()), tie)[:10], top
        span = (top.board, top.period)
        assert places.get(span, (0, 0)) < top.place()
        places[span] = top.place()


@pytest.mark.parametrize("seed", range(4))
async def test_every_top_that_is_told_is_true_at_its_seq(
    world: Any, screen: Screen, seed: int
) -> None:
    awards, random = Awards(world, seed), Random(seed)
    relay = world.relay()
    await relay.rebuild()
    for _ in range(40):
        for _ in range(random.randrange(1, 4)):
            world.clock.now_ms += random.randrange(1_000)
            await awards.append(random.randrange(1, 30))
        await follow(world, relay)
    await ensure_follows(world)
    assert len(screen.shown) > 40
    await ensure_shown_was_true(world, screen.shown)


async def test_a_fall_out_of_the_top_after_a_rise_is_when_the_top_changed(
    world: Any, screen: Screen
) -> None:
    relay = world.relay()
    users = [f"user-{number:02d}" for number in range(11)]
    await append(world.ledger, world.clock, *(award(user, user, PRIZE) for user in users))
    await relay.rebuild()
    rise = award("rise", "user-05", QUIZ)
    fall = award("fall", "user-00", FALL)
    *_, fallen = await append(world.ledger, world.clock, rise, fall)
    await follow(world, relay)
    top = screen.last("default", "all")
    assert top is not None
    assert top.seq == fallen.posting.seq
    assert "user-00" not in {row.user_id for row in top.rows}
    await ensure_shown_was_true(world, screen.shown)


@pytest.mark.parametrize("seed", range(4))
async def test_a_rebuild_while_awards_go_on_misses_and_doubles_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch, screen: Screen, seed: int
) -> None:
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    awards = Awards(world, seed)
    await awards.append(60)

    async def go_on() -> None:
        await awards.append(7)

    world.ledger.before["scores"] = go_on
    relay = world.relay()
    await relay.rebuild()
    world.ledger.before.clear()
    await ensure_follows(world)
    await awards.append(30)
    await follow(world, relay)
    await ensure_follows(world)
    await ensure_shown_was_true(world, screen.shown)


async def test_a_rebuild_takes_what_its_pages_know_and_its_own_process_does_not(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: Screen
) -> None:
    """Labelled without the fall that a page had in it, the top would be untrue at its seq."""
    users = [f"user-{number:02d}" for number in range(11)]
    await append(world.ledger, world.clock, *(award(user, user, PRIZE) for user in users))
    other = await SqliteLedger.open(tmp_path / "scoreboard.db", clock_ms=world.clock)
    marked = world.ledger.marked

    async def then_awards_go_on(board: str, period: str) -> Any:
        mark = await marked(board, period)
        if (board, period) == ("default", "all"):
            await append(world.ledger, world.clock, award("rise", "user-05", QUIZ))
            await append(other, world.clock, award("fall", "user-00", FALL))
        return mark

    monkeypatch.setattr(world.ledger, "marked", then_awards_go_on, raising=False)
    try:
        await world.relay().rebuild()
        await world.publisher.publish()
        await asyncio.sleep(0)
        await ensure_shown_was_true(world, screen.shown)
        await ensure_follows(world)
    finally:
        await other.close()


async def test_a_rebuild_beside_the_old_ranking_is_not_seen_before_it_is_whole(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    awards = Awards(world, 1)
    await awards.append(60)
    relay = world.relay()
    await relay.rebuild()
    board = world.catalogue.board("default")
    before = await world.ranking.snapshot(board, "all")
    seen: list[Snapshot] = []

    async def look() -> None:
        seen.append(await world.ranking.snapshot(board, "all"))

    world.ledger.before["scores"] = look
    await relay.rebuild()
    assert len(seen) > 4
    assert set(seen) == {before}


async def test_a_rebuild_that_fails_leaves_no_page_behind_that_is_still_taken(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go into the rebuild after it, over scores that are newer."""
    monkeypatch.setattr(module, "LOAD_PAGE", 4)
    await Awards(world, 1).append(60)
    load, under_way, reads = world.ranking.load, 0, 0

    async def slowly(*page: Any) -> None:
        nonlocal under_way
        under_way += 1
        await asyncio.sleep(0.05)
        await load(*page)
        under_way -= 1

    async def fail() -> None:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise Unavailable

    monkeypatch.setattr(world.ranking, "load", slowly)
    world.ledger.before["scores"] = fail
    with pytest.raises(Unavailable):
        await world.relay().rebuild()
    assert (reads, under_way) == (2, 0)


async def test_an_own_standing_has_the_place_of_what_is_read_and_not_of_what_is_built(
    world: Any,
) -> None:
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay, reader = world.relay(), world.reader()
    await relay.rebuild()
    before = await reader.own_standing("default", "all", "u2")
    told: list[Any] = []

    async def look() -> None:
        told.append(await reader.own_standing("default", "all", "u2"))

    await append(world.ledger, world.clock, award("a3", "u2", PRIZE))
    world.ledger.before["scores"] = look
    await relay.rebuild()
    assert set(told) == {before}
    standing, *place = await reader.own_standing("default", "all", "u2")
    assert (standing.rank, place) == (1, list(await world.ranking.place()))


async def test_an_old_place_is_refused_and_a_new_ranking_is_made(world: Any, until: Any) -> None:
    awards = Awards(world, 2)
    await awards.append(20)
    async with running(world):
        epoch, seq = await world.ranking.place()
        await world.ranking.rebuild((epoch - 1, seq))
        await world.ranking.switch()
        await awards.append(1)
        await until(lambda: world.metric("scoreboard_rebuilds_total") == 2)
        await awards.append(20)
        await until(lambda: _caught_up(world))
        await ensure_follows(world)


@pytest.mark.parametrize("odd", [Unavailable, ZeroDivisionError])
async def test_an_outage_of_the_ledger_is_waited_out(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch, odd: type[Exception]
) -> None:
    even = ({Unavailable, ZeroDivisionError} - {odd}).pop()
    monkeypatch.setattr(module, "RETRY_S", 0.001)
    awards, failures = Awards(world, 3), 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        if failures < 5:
            raise odd if failures % 2 else even
        world.ledger.before.clear()

    async with running(world):
        world.ledger.before["postings"] = fail
        await awards.append(20)
        await until(lambda: _caught_up(world))
        assert failures == 5
        await ensure_follows(world)


async def _caught_up(world: Any) -> bool:
    head = await world.ledger.head()
    return await world.ranking.place() == (head.epoch, head.seq)


# --- periods


async def periods_opened(world: Any) -> list[str]:
    postings = await all_postings(world.ledger)
    return [
        posting.detail
        for posting in postings
        if posting.kind is Kind.PERIOD and posting.board == "default"
    ]


async def test_a_new_period_is_shown_empty_at_its_boundary_though_nothing_was_posted(
    world: Any, until: Any, screen: Screen
) -> None:
    await put(world.ledger, DAILY)
    await append(world.ledger, world.clock, award("one"))
    async with running(world):
        await until(lambda: screen.last("default", "2026-11-23"))
        world.clock.now_ms += MIDNIGHT_MS - 1
        await until(lambda: _caught_up(world))
        assert screen.last("default", "2026-11-24") is None
        world.clock.now_ms += 1
        await until(lambda: screen.last("default", "2026-11-24"))
        top = screen.last("default", "2026-11-24")
        assert top is not None
        assert (top.rows, top.at) == ((), world.clock.now_ms)
        assert top.seq == (await world.ledger.head()).seq
        await append(world.ledger, world.clock, award("two"))
        await until(lambda: screen.last("default", "2026-11-24").rows)  # type: ignore[union-attr]
    yesterday = screen.last("default", "2026-11-23")
    assert yesterday is not None
    assert yesterday.rows[0].score == QUIZ.points
    await ensure_follows(world)
    await ensure_shown_was_true(world, screen.shown)


async def test_a_period_is_opened_once_for_ever(world: Any, until: Any) -> None:
    await put(world.ledger, DAILY)
    for _ in range(3):
        async with running(world):
            await until(lambda: _caught_up(world))
    world.clock.now_ms += DAY_MS
    for _ in range(3):
        async with running(world):
            await until(lambda: _holds(world, ("default", "2026-11-24")))
    assert await periods_opened(world) == ["2026-11-23", "2026-11-24"]


async def test_a_period_that_is_over_is_kept_a_while_and_then_only_in_the_ledger(
    world: Any, until: Any
) -> None:
    await put(world.ledger, DAILY)
    await append(world.ledger, world.clock, award("one"))
    board, old, new = DAILY, ("default", "2026-11-23"), ("default", "2026-11-24")
    async with running(world):
        world.clock.now_ms += MIDNIGHT_MS + module.KEEP_CLOSED_MS - 1
        await until(lambda: _holds(world, new))
        assert await _holds(world, old)
        world.clock.now_ms += 1_000
        await until(lambda: _holds_not(world, old))
        assert await _holds(world, new)
        assert await world.ranking.snapshot(board, "2026-11-23") is None
        await until(lambda: _told_not(world, old))
        await append(world.ledger, world.clock, award("two"))
        await until(lambda: _caught_up(world))
        assert not await _holds(world, old)
    stored = await world.ledger.snapshot(board, "2026-11-23")
    assert stored.rows[0].score == QUIZ.points


async def test_a_window_added_to_a_board_with_scores_is_filled_and_shown(
    world: Any, until: Any, screen: Screen
) -> None:
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2", PRIZE))
    async with running(world):
        await until(lambda: _caught_up(world))
        await put(world.ledger, DAILY)
        await until(lambda: screen.last("default", "2026-11-23"))
        await append(world.ledger, world.clock, award("three", "u1"))
        await until(lambda: _caught_up(world))
        await ensure_follows(world)
    top = screen.last("default", "2026-11-23")
    assert top is not None
    assert [(row.user_id, row.score) for row in top.rows] == [("u2", 12), ("u1", 10)]


async def test_another_tie_style_is_shown_at_once(world: Any, until: Any, screen: Screen) -> None:
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2"))

    def ranks() -> list[int]:
        top = screen.last("default", "all")
        return [row.rank for row in top.rows] if top else []

    async with running(world):
        await until(lambda: ranks() == [1, 2])
        await put(world.ledger, Board(board="default", tie=Tie.SHARED))
        await until(lambda: ranks() == [1, 1])


async def _holds(world: Any, span: tuple[str, str]) -> bool:
    return span in await world.ranking.periods()


async def _told_not(world: Any, span: tuple[str, str]) -> bool:
    first = await anext(aiter(world.bus.news()))
    return span not in {(each.board, each.period) for each in first if isinstance(each, Snapshot)}


async def _holds_not(world: Any, span: tuple[str, str]) -> bool:
    return not await _holds(world, span)
