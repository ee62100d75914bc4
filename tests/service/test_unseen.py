"""It is promised that whoever is not shown is in no rank, whatever happens between two steps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.posting import Kind
from scoreboard.errors import NotFound
from scoreboard.ports import Moderation
from scoreboard.service import relay as module
from scoreboard.service import turns
from scoreboard.service.reader import OWN
from tests.contracts.material import (
    DEFAULT,
    FALL,
    PRIZE,
    QUIZ,
    WITHOUT_SHRINKING,
    Clock,
    all_postings,
    append,
    award,
    put,
)

from .conftest import World

USERS = [f"u{number:02}" for number in range(13)]
ACTIONS = {"quiz": QUIZ, "prize": PRIZE, "fall": FALL}

Step = tuple[str, str]
"""What happens, and to whom."""


class Story:
    """Steps on a ledger, each with the top that it left behind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tops: dict[int, object] = {}
        self._number = 0

    async def tell(self, what: str, user_id: str) -> None:
        self._number += 1
        ledger, clock = self.world.ledger, self.world.clock
        if what in ACTIONS:
            await append(ledger, clock, award(f"award-{self._number}", user_id, ACTIONS[what]))
        else:
            with contextlib.suppress(NotFound):
                await moderate(self.world, user_id, Kind(what))
        snapshot = await ledger.snapshot(DEFAULT, "all")
        self.tops[(await ledger.head()).seq] = snapshot.rows


async def moderate(world: World, user_id: str, kind: Kind) -> Any:
    return await world.ledger.moderate(Moderation(user_id, kind, "tester", "for a test"))


async def caught_up(world: World) -> bool:
    last = (await all_postings(world.ledger))[-1]
    return (await world.ranking.place()) == (last.epoch, last.seq)


async def shown(world: World, *users: str) -> bool:
    rows = (await world.ranking.snapshot(DEFAULT, "all")).rows
    return [row.user_id for row in rows] == [*users]


async def ensure_agrees(world: World) -> None:
    """The ranking answers as the ledger does, about everybody."""
    ledger, ranking = world.ledger, world.ranking
    ranked, kept = await ranking.snapshot(DEFAULT, "all"), await ledger.snapshot(DEFAULT, "all")
    assert ranked.rows == kept.rows
    assert await ranking.total(DEFAULT, "all") == await ledger.total(DEFAULT, "all")
    assert (await ranking.page(DEFAULT, "all", None, 50)).rows == (
        await ledger.page(DEFAULT, "all", None, 50)
    ).rows
    assert (await ranking.unseen())[1] == await turns.unseen_in(ledger)
    for user_id in USERS:
        for own in (False, True):
            assert await standing(ranking, user_id, own) == await standing(ledger, user_id, own)


async def standing(where: Any, user_id: str, own: bool) -> object:
    try:
        around = await where.around(DEFAULT, "all", user_id, 2, own=own)
        return await where.standing(DEFAULT, "all", user_id, own=own), tuple(around)
    except NotFound:
        return None


@contextlib.asynccontextmanager
async def worlds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    clock = Clock()
    home = tmp_path_factory.mktemp("unseen")
    ledger = await SqliteLedger.open(home / "scoreboard.db", clock_ms=clock)
    try:
        world = World(ledger, clock)
        await put(world.ledger, *ACTIONS.values())
        yield world
    finally:
        await ledger.close()


steps = st.tuples(
    st.sampled_from(
        ["quiz", "prize", "fall", "quiz", "hold", "hide", "ban", "release", "release", "erase"]
    ),
    st.sampled_from(USERS),
)
STORIES = settings(
    max_examples=25,
    deadline=None,
    phases=WITHOUT_SHRINKING,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@STORIES
@given(
    st.lists(steps, min_size=5, max_size=30),
    st.lists(st.tuples(st.sampled_from(["statuses", "marked", "scores"]), steps), max_size=12),
    st.lists(steps, max_size=6),
)
def test_whoever_goes_or_comes_while_pages_load_ends_right(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[Step],
    meanwhile: list[tuple[str, Step]],
    after: list[Step],
) -> None:
    async def live() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "LOAD_PAGE", 3)
            patch.setattr(turns, "STATUS_PAGE", 2)
            async with worlds(tmp_path_factory) as world:
                await tell(world)

    async def tell(world: World) -> None:
        story = Story(world)
        for step in before:
            await story.tell(*step)
        waiting = list(meanwhile)

        def between(call: str) -> Any:
            read = getattr(world.ledger, call)

            async def reads(*words: Any) -> Any:
                found = await read(*words)
                while waiting and waiting[0][0] == call:
                    await story.tell(*waiting.pop(0)[1])
                return found

            return reads

        for call in ("statuses", "marked", "scores"):
            setattr(world.ledger, call, between(call))
        relay = world.relay()
        await relay.rebuild()
        waiting.clear()
        for step in after:
            await story.tell(*step)
            await relay.follow()
            await ensure_true(world, story)
        await relay.follow()
        await ensure_agrees(world)
        await ensure_true(world, story)

    asyncio.run(live())


async def ensure_true(world: World, story: Story) -> None:
    snapshot = await world.ranking.snapshot(DEFAULT, "all")
    if snapshot.seq in story.tops:  # else it is as old as the actions
        assert snapshot.rows == story.tops[snapshot.seq]


async def test_a_ranking_that_comes_too_late_for_the_name_of_the_erased_is_made_anew(
    world: World, until: Any
) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2"))
    relay = world.relay()
    await relay.rebuild()
    await moderate(world, "u1", Kind.ERASE)
    await world.ledger._ledger.forget_erased((await world.ledger.head()).seq)
    world.ledger._ledger._tail = type(world.ledger._ledger._tail)()

    async def forget(_: int) -> None:
        return None

    world.ledger.forget_erased = forget
    task = asyncio.ensure_future(relay.run())
    try:
        await until(lambda: shown(world, "u2"))
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_names_of_the_erased_are_kept_until_the_ranking_has_dropped_them(
    world: World, until: Any
) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one", "u1"), award("two", "u2"))
    forgotten: list[int] = []
    forget = world.ledger.forget_erased

    async def forgetting(upto: int) -> None:
        forgotten.append(upto)
        await forget(upto)

    world.ledger.forget_erased = forgetting
    task = asyncio.ensure_future(world.relay().run())
    try:
        await until(lambda: caught_up(world))
        posting = await moderate(world, "u1", Kind.ERASE)
        await until(lambda: forgotten[-1:] == [posting.seq])
        assert await world.ranking.scores_of("default", "all", ["u1"]) == (
            (posting.epoch, posting.seq),
            [],
        )
        quiet = len(forgotten)
        await append(world.ledger, world.clock, award("three", "u2"))
        await until(lambda: caught_up(world))
        assert len(forgotten) == quiet
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_names_of_the_erased_are_kept_until_the_feed_has_told_them(world: World) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one", "u1"))
    forgotten: list[int] = []

    async def forgetting(upto: int) -> None:
        forgotten.append(upto)

    world.ledger.forget_erased = forgetting
    relay = world.relay()
    relay._tells_names = ("feed",)
    await relay.rebuild()
    posting = await moderate(world, "u1", Kind.ERASE)
    await world.ledger.move_bookmark("feed", posting.seq - 1)
    await relay.follow()
    for _ in range(2):
        await relay._forget_erased()
    assert forgotten == [posting.seq - 1] * 2
    await world.ledger.move_bookmark("feed", posting.seq)
    for _ in range(2):
        await relay._forget_erased()
    assert forgotten[2:] == [posting.seq]


async def test_a_user_who_is_not_shown_learns_the_place_it_would_have(world: World) -> None:
    await put(world.ledger, QUIZ, PRIZE)
    await append(world.ledger, world.clock, award("one", "u1", PRIZE), award("two", "u2"))
    await world.relay().rebuild()
    reader = world.reader()
    await moderate(world, "u1", Kind.HOLD)
    await world.relay().follow()
    with pytest.raises(NotFound):
        await reader.standing("default", "all", "u1")
    with pytest.raises(NotFound):
        await reader.around("default", "all", "u1", 1)
    own, _, _ = await reader.own_standing("default", "all", "u1")
    assert own is not None
    assert (own.rank, own.total_users) == (1, 2)
    rows = await reader.around("default", "all", "u1", 1, OWN)
    assert [(row.rank, row.user_id) for row in rows] == [(1, "u1"), (2, "u2")]
    assert (await reader.standing("default", "all", "u2")).rank == 1
    assert await reader.total("default") == 1
