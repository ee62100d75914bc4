"""What the Kafka bus promises on a real Apache Kafka: topics, crashes, hangs, refusals."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoreboard.errors import Misconfigured, Unavailable
from tests.conftest import Require
from tests.servers.kafka import KafkaServer, kafka_server, missing, records, topic_of

from .test_bus import top
from .test_kafka import (
    PATIENCE_S,
    KafkaBus,
    again,
    first_of,
    listening,
    opened,
    posting,
    until,
)

pytest.importorskip("confluent_kafka")

from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

pytestmark = pytest.mark.xdist_group("kafka")

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
GUARDED = {
    "listener.security.protocol.map": (
        "INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:SASL_PLAINTEXT"
    ),
    "inter.broker.listener.name": "INSIDE",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.outside.plain.sasl.jaas.config": (
        f'{PLAIN} user_chief="secret" user_guest="word";'
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:chief;User:ANONYMOUS",
}


@pytest.fixture(scope="module")
def broker(require: Require) -> Iterator[KafkaServer]:
    require("kafka", not missing(), missing())
    with kafka_server() as server:
        yield server


@pytest.fixture
def url(broker: KafkaServer, request: pytest.FixtureRequest) -> str:
    return broker.url(request.node.name[:100].replace("[", "-").replace("]", ""))


@pytest.fixture
def admin(broker: KafkaServer) -> Iterator[AdminClient]:
    with AdminClient({"bootstrap.servers": broker.servers}) as client:
        yield client


def settings(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    found = admin.describe_configs([resource])[resource].result(PATIENCE_S)
    return {name: entry.value for name, entry in found.items()}


def make(admin: AdminClient, topic: str, partitions: int, **config: str) -> None:
    named = {name.replace("_", "."): value for name, value in config.items()}
    admin.create_topics([NewTopic(topic, partitions, 1, config=named)])[topic].result(PATIENCE_S)


async def test_topics_are_made_with_the_right_settings(url: str, admin: AdminClient) -> None:
    async with opened(url) as bus:
        assert await bus.started(PATIENCE_S)
    tops, postings = topic_of(url, "tops"), topic_of(url, "postings")
    topics = admin.list_topics(timeout=PATIENCE_S).topics
    assert len(topics[tops].partitions) == 1
    assert len(topics[postings].partitions) == 6
    assert settings(admin, tops).items() >= {
        ("cleanup.policy", "compact"),
        ("min.insync.replicas", "1"),
        ("segment.bytes", str(16 << 20)),
    }
    assert settings(admin, postings)["cleanup.policy"] == "delete"


async def test_many_nodes_that_start_at_once_make_the_topics_once(url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        buses = [await stack.enter_async_context(opened(url)) for _ in range(4)]
        assert all(await asyncio.gather(*(bus.started(PATIENCE_S) for bus in buses)))
        await buses[0].publish([top(1)])
        for bus in buses:
            assert await first_of(bus) == [top(1)]


async def test_a_topic_that_would_forget_tops_is_refused_until_it_is_mended(
    url: str, admin: AdminClient
) -> None:
    tops = topic_of(url, "tops")
    make(admin, tops, 1, cleanup_policy="delete")
    async with opened(url) as bus:
        with pytest.raises(Misconfigured, match=r"cleanup\.policy=compact"):
            await bus.started(PATIENCE_S)
        change = ConfigEntry(
            "cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET
        )
        resource = ConfigResource(ResourceType.TOPIC, tops, incremental_configs=[change])
        admin.incremental_alter_configs([resource])[resource].result(PATIENCE_S)
        assert await first_of(bus) == []
        assert await bus.started(PATIENCE_S)


async def test_tops_in_several_partitions_are_refused(url: str, admin: AdminClient) -> None:
    make(admin, topic_of(url, "tops"), 3, cleanup_policy="compact")
    async with opened(url) as bus:
        with pytest.raises(Misconfigured, match="3 partitions and must have one"):
            await bus.started(PATIENCE_S)


async def test_postings_that_would_be_compacted_are_refused(url: str, admin: AdminClient) -> None:
    make(admin, topic_of(url, "postings"), 2, cleanup_policy="compact")
    async with opened(url) as bus:
        with pytest.raises(Misconfigured, match=r"cleanup\.policy=delete"):
            await bus.started(PATIENCE_S)


async def test_topics_that_are_deleted_under_way_are_made_and_read_anew(
    url: str, admin: AdminClient
) -> None:
    tops, postings = topic_of(url, "tops"), topic_of(url, "postings")
    seen: list[bool] = []
    async with opened(url, seen.append) as bus, listening(bus) as heard:
        for seq in range(1, 20):
            await bus.publish([top(seq)])
        await heard.hear_until(top(19))
        admin.delete_topics([tops])[tops].result(PATIENCE_S)
        await again(lambda: bus.publish([top(20)]))
        async with asyncio.timeout(PATIENCE_S):
            await heard.hear_until(top(20))
        assert settings(admin, tops)["cleanup.policy"] == "compact"
        assert seen == [True, False, True]
        admin.delete_topics([postings])[postings].result(PATIENCE_S)
        await again(lambda: bus.feed([posting(1)]))
        assert len(admin.list_topics(timeout=PATIENCE_S).topics[postings].partitions) == 6


async def test_a_crash_of_the_broker_is_survived_by_every_node(
    broker: KafkaServer, url: str
) -> None:
    async with opened(url) as one, opened(url) as two, listening(two) as heard:
        await one.publish([top(1)])
        await heard.hear_until(top(1))
        broker.kill()
        async with asyncio.timeout(15):
            with pytest.raises(Unavailable):
                await one.publish([top(2)])
        await asyncio.to_thread(broker.start)
        await again(lambda: one.publish([top(3)]))
        async with asyncio.timeout(PATIENCE_S):
            await heard.hear_until(top(3))
        async with opened(url) as late:
            assert await first_of(late) == [top(3)]


async def test_the_feed_leaves_nothing_out_and_keeps_each_key_in_order_over_a_crash(
    broker: KafkaServer, url: str
) -> None:
    postings = [posting(seq, seq % 23) for seq in range(1, 20_001)]
    failures = 0
    async with opened(url) as bus:
        assert await bus.started(PATIENCE_S)
        crash: asyncio.Task[None] | None = None
        for start in range(0, 20_000, 500):
            if start == 5_000:
                await asyncio.to_thread(broker.kill)
                crash = asyncio.create_task(asyncio.to_thread(broker.start))
            batch = postings[start : start + 500]
            failures += await again(lambda: bus.feed(batch))  # noqa: B023 - awaited at once
        assert crash is not None
        await crash
    assert failures > 0
    found = records(url, topic_of(url, "postings"), 6)
    for user in range(23):
        seqs = [int(dict(message.headers())["seq"]) for message in found[str(user)]]
        newest = 0
        kept = [newest := seq for seq in seqs if seq > newest]
        assert kept == [each.seq for each in postings if each.user_ref == user]


async def test_a_broker_that_hangs_is_noticed_and_holds_nothing_up(
    broker: KafkaServer, url: str
) -> None:
    seen: list[bool] = []
    async with opened(url, seen.append) as bus, listening(bus) as heard:
        await bus.publish([top(1)])
        await heard.hear_until(top(1))
        broker.pause()
        try:
            async with asyncio.timeout(15):
                work = (bus.publish([top(2)]), bus.publish([top(3)]), bus.feed([posting(1)]))
                failed = await asyncio.gather(*work, return_exceptions=True)
            assert [type(each) for each in failed] == [Unavailable] * 3
            await until(lambda: seen == [True, False])
            async with asyncio.timeout(15):
                other = await KafkaBus.open(url)
                assert await other.started(0.1) is False
                await other.close()
        finally:
            broker.resume()
        await again(lambda: bus.publish([top(4)]))
        async with asyncio.timeout(PATIENCE_S):
            await heard.hear_until(top(4))
        await until(lambda: seen[-1])


async def test_users_passwords_and_rights_are_the_brokers_to_judge(
    require: Require, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    require("kafka", not missing(), missing())
    with kafka_server(GUARDED, listener="OUTSIDE") as server:
        sasl = "?security.protocol=sasl_plaintext&sasl.mechanism=PLAIN&sasl.username="
        file = tmp_path / "client.properties"
        file.write_text("sasl.password=secret\n", "utf-8")
        async with opened(server.url("ours", f"{sasl}guest&sasl.password=word")) as bus:
            with pytest.raises(Misconfigured, match=r"ours\.tops"):
                await bus.started(PATIENCE_S)
        async with opened(server.url("ours", f"{sasl}chief&config={file}")) as bus:
            assert await bus.started(PATIENCE_S)
            await bus.publish([top(1)])
            assert await first_of(bus) == [top(1)]
        async with opened(server.url("ours", f"{sasl}chief&sasl.password=wrong")) as bus:
            assert await bus.started(3) is False
            await until(lambda: "uthentication" in caplog.text)
    assert "secret" not in caplog.text
