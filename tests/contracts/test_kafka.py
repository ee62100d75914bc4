"""What the Kafka bus promises beyond the port, on librdkafka's mock cluster."""

import asyncio
import contextlib
import signal
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.errors import Unavailable
from scoreboard.ports import Bus, News
from tests.servers.kafka import MockCluster, records, topic_of

from .test_bus import Listener, top

kafka = pytest.importorskip("confluent_kafka")

from scoreboard.adapters.kafka import KafkaBus  # noqa: E402 - its driver may be missing

PATIENCE_S = 20
PRODUCE = 0
INIT_PRODUCER_ID = 22
NOT_ENOUGH_REPLICAS, OUT_OF_ORDER, CLUSTER_AUTHORIZATION_FAILED = 19, 45, 31
TOPIC_AUTHORIZATION_FAILED = 29

QUICK = "?fetch.wait.max.ms=20"


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    made = MockCluster()
    yield made
    made.close()


@pytest.fixture
def url(cluster: MockCluster) -> str:
    return cluster.bus_url(QUICK)


@contextlib.asynccontextmanager
async def opened(
    url: str, observe: Callable[[bool], None] = lambda _: None
) -> AsyncIterator[KafkaBus]:
    bus = await KafkaBus.open(url, observe=observe)
    try:
        yield bus
    finally:
        async with asyncio.timeout(15):
            await bus.close()


@contextlib.asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Listener]:
    news = bus.news()
    try:
        yield Listener(news)
    finally:
        await news.aclose()


async def first_of(bus: Bus) -> Sequence[News]:
    async with listening(bus) as listener:
        return await listener.hear()


async def until_known(bus: Bus, *news: News) -> None:
    """Until a node that was there before they were told knows these and no others."""
    async with asyncio.timeout(PATIENCE_S):
        known: list[News] = []
        while known != sorted(news, key=repr):
            await asyncio.sleep(0.01)
            known = sorted(await first_of(bus), key=repr)


async def again(work: Callable[[], object]) -> int:
    """Do it until it is not unavailable; answers how often it was."""
    failures = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await work()
            except Unavailable:
                failures += 1
            else:
                return failures


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - threads do not set events of a loop
            await asyncio.sleep(0.01)


def posting(seq: int, user: int | None = 1, kind: Kind = Kind.AWARD) -> Posting:
    return Posting(
        seq=seq,
        epoch=7,
        award_id=f"a{seq}",
        kind=kind,
        board="default",
        at=1_000 * seq,
        counts_at=1_000 * seq,
        user_ref=user,
        user_id=None if user is None else f"u{user}",
    )


async def test_what_one_node_tells_every_node_hears(url: str) -> None:
    board = Board(board="one", title="First", tie=Tie.SHARED)
    async with opened(url) as one, opened(url) as two, listening(two) as heard:
        assert await heard.hear() == []
        await one.publish([board, top(1)])
        await heard.hear_until(top(1))
        await two.publish([top(2)])
        await heard.hear_until(top(2))
        async with opened(url) as late:
            assert sorted(await first_of(late), key=repr) == sorted([board, top(2)], key=repr)
            renamed = Board(board="one", title="Second")
            await late.publish([renamed])
            await until_known(one, renamed, top(2))


async def test_a_period_closed_by_one_node_is_closed_for_all(url: str) -> None:
    async with opened(url) as one, opened(url) as two:
        await one.publish([top(1, period="2026-11-22"), top(2)])
        await until_known(two, top(1, period="2026-11-22"), top(2))
        await one.close_period("one", "2026-11-22")
        await until_known(two, top(2))
        await until_known(one, top(2))
    async with opened(url) as late:
        assert await first_of(late) == [top(2)]


async def test_postings_are_keyed_by_user_and_in_order_with_their_place_in_headers(
    url: str,
) -> None:
    postings = [posting(seq, seq % 97) for seq in range(1, 3_001)]
    opening = posting(3_001, None, Kind.PERIOD)
    async with opened(url) as bus:
        for start in range(0, 3_000, 1_000):
            await bus.feed(postings[start : start + 1_000])
        await bus.feed([opening])
    found = records(url, topic_of(url, "postings"), 6)
    assert set(found) == {str(user) for user in range(97)} | {"board:default"}
    for user in range(97):
        seqs = [int(dict(message.headers())["seq"]) for message in found[str(user)]]
        assert seqs == [each.seq for each in postings if each.user_ref == user]
    (message,) = found["board:default"]
    assert dict(message.headers()) == {"seq": b"3001", "epoch": b"7", "kind": b"period"}
    value = msgspec.json.decode(found["5"][0].value())
    assert (value["seq"], value["user_id"], value["kind"]) == (5, "u5", "award")


async def test_an_erased_user_is_a_nameless_posting_and_a_tombstone(url: str) -> None:
    async with opened(url) as bus:
        await bus.feed([posting(1, 5), posting(2, 6), posting(3, 5, Kind.ERASE), posting(4, 6)])
    found = records(url, topic_of(url, "postings"), 6)
    award, erased, tombstone = found["5"]
    assert msgspec.json.decode(award.value())["user_id"] == "u5"
    told = msgspec.json.decode(erased.value())
    assert (told["kind"], told["seq"]) == ("erase", 3)
    assert b"u5" not in erased.value()
    assert tombstone.value() is None
    assert dict(tombstone.headers()) == {"seq": b"3", "epoch": b"7", "kind": b"erase"}
    assert len(found["6"]) == 2


async def test_a_bus_without_a_feed_feeds_nobody(url: str) -> None:
    bus = await KafkaBus.open(url, feeds=False)
    await bus.feed([posting(1)])
    await bus.close()
    assert records(url, topic_of(url, "postings"), 6) == {}


async def test_with_all_brokers_lost_publishing_fails_and_what_was_missed_comes_later(
    cluster: MockCluster, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[bool] = []
    async with opened(url, seen.append) as bus, opened(url) as other, listening(bus) as heard:
        await other.publish([top(1)])
        await heard.hear_until(top(1))
        for broker in (1, 2, 3):
            cluster.down(broker)
        async with asyncio.timeout(15):
            with pytest.raises(Unavailable):
                await bus.publish([top(2)])
        async with asyncio.timeout(15):
            with pytest.raises(Unavailable):
                await bus.feed([posting(1)])
        await until(lambda: seen == [True, False])
        for broker in (1, 2, 3):
            cluster.up(broker)
        await again(lambda: other.publish([top(3)]))
        async with asyncio.timeout(PATIENCE_S):
            await heard.hear_until(top(3))
        await again(lambda: bus.publish([top(4)]))
        await heard.hear_until(top(4))
        await until(lambda: seen == [True, False, True])
    assert capfd.readouterr().err == ""


async def test_one_broker_of_three_lost_is_nothing_to_notice(
    cluster: MockCluster, url: str
) -> None:
    topic = topic_of(url, "tops")
    cluster.lead(topic, 0, 1)
    async with opened(url) as bus, listening(bus) as heard:
        await bus.publish([top(1)])
        await heard.hear_until(top(1))
        cluster.down(1)
        cluster.lead(topic, 0, 2)
        await again(lambda: bus.publish([top(2)]))
        async with asyncio.timeout(PATIENCE_S):
            await heard.hear_until(top(2))


async def test_a_passing_error_of_the_brokers_is_not_seen(cluster: MockCluster, url: str) -> None:
    async with opened(url) as bus:
        await bus.publish([top(1)])
        cluster.fail(PRODUCE, NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS)
        await bus.publish([top(2)])
        assert await first_of(bus) == [top(2)]


async def test_a_producer_that_has_failed_for_good_is_replaced(
    cluster: MockCluster, url: str
) -> None:
    async with opened(url) as bus:
        await bus.publish([top(1)])
        cluster.fail(PRODUCE, *[OUT_OF_ORDER] * 3)
        assert await again(lambda: bus.publish([top(2)])) <= 3
        assert top(2) in await first_of(bus)


async def test_what_the_brokers_refuse_is_said_once(
    cluster: MockCluster, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(url) as bus:
        for _ in range(3):
            cluster.fail(PRODUCE, TOPIC_AUTHORIZATION_FAILED)
            with pytest.raises(Unavailable):
                await bus.publish([top(1)])
        await again(lambda: bus.publish([top(1)]))
    (line,) = [each for each in caplog.messages if "cannot be written" in each]
    assert "authorization failed" in line


async def test_a_producer_that_is_refused_its_identity_is_replaced(
    cluster: MockCluster, url: str
) -> None:
    cluster.fail(INIT_PRODUCER_ID, *[CLUSTER_AUTHORIZATION_FAILED] * 3)
    async with opened(url) as bus:
        assert await again(lambda: bus.publish([top(1)])) in {1, 2, 3}
        assert await first_of(bus) == [top(1)]
    cluster.fail(INIT_PRODUCER_ID, *[CLUSTER_AUTHORIZATION_FAILED] * 3)
    async with opened(url) as refused:
        assert await refused.started(PATIENCE_S)


async def test_brokers_that_come_later_than_the_node_are_found(cluster: MockCluster) -> None:
    url = cluster.bus_url(QUICK)
    for broker in (1, 2, 3):
        cluster.down(broker)
    seen: list[bool] = []
    async with opened(url, seen.append) as bus:
        assert await bus.started(0.2) is False
        first = asyncio.ensure_future(first_of(bus))
        await until(lambda: seen == [False])
        assert not first.done()
        for broker in (1, 2, 3):
            cluster.up(broker)
        assert await bus.started(PATIENCE_S) is True
        assert await first == []
        await again(lambda: bus.publish([top(1)]))
        assert await first_of(bus) == [top(1)]


@pytest.mark.parametrize("lost", [False, True], ids=["in touch", "brokers lost"])
async def test_closing_leaves_no_thread_and_takes_no_longer_than_allowed(
    cluster: MockCluster, url: str, lost: bool
) -> None:
    threads, tasks = set(threading.enumerate()), native_threads()
    bus = await KafkaBus.open(url)
    assert await bus.started(PATIENCE_S)
    await bus.publish([top(1)])
    await bus.feed([posting(1)])
    publishing: list[asyncio.Task[None]] = []
    if lost:
        for broker in (1, 2, 3):
            cluster.down(broker)
        publishing.append(asyncio.ensure_future(bus.publish([top(2)])))
        await asyncio.sleep(0)
    async with asyncio.timeout(15):
        await bus.close()
    assert [str(each) for each in await asyncio.gather(*publishing, return_exceptions=True)] == (
        ["unavailable"] if lost else []
    )
    ours = [thread for thread in set(threading.enumerate()) - threads if "kafka" in thread.name]
    assert ours == []
    # One thread of the loop's own pool stays; librdkafka's leave none behind.
    await until(lambda: native_threads() <= tasks + 1)


async def test_a_record_that_nobody_understands_is_passed_over(url: str) -> None:
    producer = kafka.Producer({"bootstrap.servers": urlsplit(url).netloc})
    for key, value in ((b"one/all", b"{"), (None, b"{}"), (b"\xff", None), (b"x", b"\xff")):
        producer.produce(topic_of(url, "tops"), value, key)
    assert producer.flush(PATIENCE_S) == 0
    producer.close()
    async with opened(url) as bus:
        await bus.publish([top(1)])
        assert await first_of(bus) == [top(1)]


STOPPED_LEADER = """
import asyncio, sys
from scoreboard.adapters.kafka import KafkaBus
from scoreboard.core.standing import Snapshot
from scoreboard.errors import Unavailable

async def main():
    bus = await KafkaBus.open(sys.argv[1])
    await bus.publish([Snapshot("one", "all", 1, 1, 0, ())])
    print("published", flush=True)
    sys.stdin.readline()
    publishing = asyncio.ensure_future(bus.publish([Snapshot("one", "all", 1, 2, 0, ())]))
    await asyncio.sleep(0.1)
    print("publishing", flush=True)
    try:
        await publishing
    except Unavailable:
        print("unavailable", flush=True)
    await bus.close()

asyncio.run(main())
"""


async def test_what_a_stopped_leader_had_in_its_queue_dies_while_it_sleeps(
    cluster: MockCluster, url: str
) -> None:
    leader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STOPPED_LEADER, url, stdin=PIPE, stdout=PIPE
    )
    assert leader.stdin is not None
    assert leader.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await leader.stdout.readline() == b"published\n"
            for broker in (1, 2, 3):
                cluster.down(broker)
            leader.stdin.write(b"go on\n")
            assert await leader.stdout.readline() == b"publishing\n"
            leader.send_signal(signal.SIGSTOP)
            for broker in (1, 2, 3):
                cluster.up(broker)
            await asyncio.sleep(5)  # the fault itself: it sleeps through its lease
            async with opened(url) as successor:
                await again(lambda: successor.publish([top(3)]))
            leader.send_signal(signal.SIGCONT)
            assert await leader.stdout.readline() == b"unavailable\n"
            await leader.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            leader.kill()
    values = records(url, topic_of(url, "tops"), 1)["one/all"]
    assert [msgspec.json.decode(each.value())["seq"] for each in values] == [1, 3]


def native_threads() -> int:
    """Threads of every kind; 0 where the system does not say."""
    return len([*Path("/proc/self/task").glob("*")])
