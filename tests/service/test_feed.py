"""It is promised that other systems get every posting at least once, in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from scoreboard.core.posting import Posting
from scoreboard.errors import Unavailable
from scoreboard.service import feed as module
from scoreboard.service.feed import FOLLOWER, Feed
from tests.contracts.material import HOUR_MS, QUIZ, append, award, put
from tests.servers.kafka import MockCluster, records, topic_of


class FaultyBus:
    """Keeps what it is fed; it can be down, or cut a batch off in the middle."""

    def __init__(self) -> None:
        self.heard: list[Posting] = []
        self.batches: list[int] = []
        self.attempts = 0
        self.down = False
        self.cut_after: int | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def feed(self, postings: Sequence[Posting]) -> None:
        self.attempts += 1
        if self.down:
            raise Unavailable
        if self.cut_after is not None:
            self.heard += postings[: self.cut_after]
            raise Unavailable
        await self.gate.wait()
        self.heard += postings
        self.batches.append(len(postings))

    def seqs(self) -> list[int]:
        return [posting.seq for posting in self.heard]


class Lead:
    """A leadership that is given and taken by hand."""

    def __init__(self) -> None:
        self.term: int | None = None
        self.given = asyncio.Event()
        self.asked = 0

    def give(self) -> None:
        self.term = (self.term or 0) + 1
        self.given.set()

    def take(self) -> None:
        self.term = None
        self.given.clear()

    async def gained(self) -> int:
        self.asked += 1
        await self.given.wait()
        assert self.term is not None
        return self.term


@pytest.fixture
def bus() -> FaultyBus:
    return FaultyBus()


@pytest.fixture
def lead() -> Lead:
    given = Lead()
    given.give()
    return given


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.005)


@contextlib.asynccontextmanager
async def feeding(world: Any, bus: Any, lead: Any) -> AsyncIterator[Feed]:
    feed = Feed(world.ledger, bus, lead, clock_ms=world.clock, telemetry=world.telemetry)
    task = asyncio.ensure_future(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


BOARD = 1
"""The default board is the first posting."""


async def award_some(world: Any, first: int, count: int) -> None:
    await put(world.ledger, QUIZ)
    for start in range(first, first + count, 200):
        names = range(start, min(start + 200, first + count))
        await append(world.ledger, world.clock, *(award(f"a{name}", f"u{name}") for name in names))


async def head(world: Any) -> int:
    return (await world.ledger.head()).seq


async def test_every_posting_is_fed_in_order_and_the_bookmark_follows(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    await award_some(world, 0, 2_500)
    async with feeding(world, bus, lead):
        await until(lambda: len(bus.heard) == BOARD + 2_500)
        assert bus.batches == [1_000, 1_000, BOARD + 500]
        await award_some(world, 2_500, 3)

        async def marked() -> bool:
            return await world.ledger.bookmark(FOLLOWER) == BOARD + 2_503

        await until(marked)
    assert bus.seqs() == list(range(1, BOARD + 2_504))
    assert world.metric("scoreboard_feed_backlog") == 0
    assert world.metric("scoreboard_feed_lag_seconds") == 0


async def test_a_new_feed_goes_on_where_the_last_one_stopped(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    await award_some(world, 0, 5)
    async with feeding(world, bus, lead):
        await until(lambda: len(bus.heard) == BOARD + 5)
    await award_some(world, 5, 5)
    async with feeding(world, bus, lead):
        await until(lambda: len(bus.heard) == BOARD + 10)
    assert bus.seqs() == list(range(1, BOARD + 11))


async def test_while_the_bus_is_down_the_backlog_grows_and_is_followed_up(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    bus.down = True
    with capture_logs() as logs:
        async with feeding(world, bus, lead):
            await award_some(world, 0, 1_200)
            world.clock.now_ms += HOUR_MS
            await until(lambda: world.metric("scoreboard_feed_backlog") == BOARD + 1_200)
            await until(lambda: world.metric("scoreboard_feed_lag_seconds") == 3_600)
            assert await world.ledger.bookmark(FOLLOWER) == 0
            attempts = bus.attempts
            await until(lambda: bus.attempts > attempts + 3)
            bus.down = False
            await until(lambda: len(bus.heard) == BOARD + 1_200)
            await until(lambda: world.metric("scoreboard_feed_backlog") == 0)
    assert bus.seqs() == list(range(1, BOARD + 1_201))
    events = [entry["event"] for entry in logs if entry["event"].startswith("feed.")]
    assert events == ["feed.failed", "feed.recovered"]


async def test_a_batch_that_arrived_in_part_is_fed_again_from_its_beginning(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    await award_some(world, 0, 10 - BOARD)
    bus.cut_after = 4
    async with feeding(world, bus, lead):
        await until(lambda: len(bus.heard) >= 8)
        bus.cut_after = None
        await until(lambda: bus.batches == [10])
    *parts, whole = (bus.seqs()[:-10], bus.seqs()[-10:])
    assert whole == list(range(1, 11))
    assert parts[0] == [1, 2, 3, 4] * (len(parts[0]) // 4)


async def test_nothing_is_fed_without_the_lead(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    lead.take()
    await award_some(world, 0, 3)
    async with feeding(world, bus, lead):
        lead.give()
        await until(lambda: len(bus.heard) == BOARD + 3)
        lead.take()
        await award_some(world, 3, 3)
        await until(lambda: lead.asked == 2)
        assert bus.attempts == 1
        lead.give()
        await until(lambda: len(bus.heard) == BOARD + 6)
    assert bus.seqs() == list(range(1, BOARD + 7))


async def test_the_lead_is_looked_at_between_reading_and_feeding(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    await award_some(world, 0, 3)

    async def lose() -> None:
        lead.take()

    world.ledger.before["postings"] = lose
    async with feeding(world, bus, lead):
        await until(lambda: lead.asked == 2)
        assert bus.attempts == 0
        world.ledger.before.clear()
        lead.give()
        await until(lambda: len(bus.heard) == BOARD + 3)


async def test_two_nodes_that_both_feed_leave_nothing_out(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    other = FaultyBus()
    async with feeding(world, bus, lead), feeding(world, other, lead):
        await award_some(world, 0, 400)
        await until(lambda: all(BOARD + 400 in each.seqs() for each in (bus, other)))
    # One may have begun where the other had come to by then.
    for heard in (set(bus.seqs()), set(other.seqs())):
        assert heard == set(range(min(heard), BOARD + 401))
    assert set(bus.seqs()) | set(other.seqs()) == set(range(1, BOARD + 401))
    assert await world.ledger.bookmark(FOLLOWER) == await head(world)


async def test_what_was_acknowledged_is_remembered_at_the_end(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    async with feeding(world, bus, lead):
        for name in range(20):
            await award_some(world, name, 1)
            await until(lambda: len(bus.heard) == BOARD + name + 1)  # noqa: B023 - awaited at once
    assert await world.ledger.bookmark(FOLLOWER) == BOARD + 20
    assert world.metric("scoreboard_feed_backlog") == 0


async def test_a_batch_under_way_is_not_marked(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    bus.gate.clear()
    await award_some(world, 0, 3)
    async with feeding(world, bus, lead):
        await until(lambda: bus.attempts == 1)
    assert await world.ledger.bookmark(FOLLOWER) == 0


async def test_a_ledger_that_fails_holds_the_feed_up_for_as_long_as_it_does(
    world: Any, bus: FaultyBus, lead: Lead, until: Callable[..., Any]
) -> None:
    failures = 0

    async def fail() -> None:
        nonlocal failures
        failures += 1
        if failures < 4:
            raise Unavailable if failures < 3 else ValueError("a bug")

    await award_some(world, 0, 3)
    world.ledger.before["postings"] = fail
    async with feeding(world, bus, lead):
        await until(lambda: len(bus.heard) == BOARD + 3)
    assert bus.seqs() == list(range(1, BOARD + 4))


async def test_kafka_gets_every_posting_of_the_ledger_over_an_outage(
    world: Any, lead: Lead, until: Callable[..., Any]
) -> None:
    pytest.importorskip("confluent_kafka")
    from scoreboard.adapters.kafka import KafkaBus  # noqa: PLC0415 - its driver may be missing

    cluster = MockCluster()
    url = cluster.bus_url()
    bus = await KafkaBus.open(url)
    try:
        assert await bus.started(10)
        async with feeding(world, bus, lead):
            await award_some(world, 0, 1_500)
            await until(lambda: world.metric("scoreboard_feed_backlog") == 0)
            for broker in (1, 2, 3):
                cluster.down(broker)
            await award_some(world, 1_500, 1_500)
            await until(lambda: world.metric("scoreboard_feed_backlog") >= 1_000)
            for broker in (1, 2, 3):
                cluster.up(broker)

            async def marked() -> bool:
                return await world.ledger.bookmark(FOLLOWER) == BOARD + 3_000

            await until(marked)
        found = records(url, topic_of(url, "postings"), 6)
    finally:
        await bus.close()
        cluster.close()
    assert len(found) == BOARD + 3_000
    seqs = {int(dict(each.headers())["seq"]) for kept in found.values() for each in kept}
    assert seqs == set(range(1, BOARD + 3_001))
