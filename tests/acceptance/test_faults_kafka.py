"""It is promised that without Kafka everything else goes on, and that Kafka gets all in the end."""

import asyncio
from collections.abc import Callable

import pytest

from tests.acceptance import evidence
from tests.acceptance.crowd import until
from tests.acceptance.traffic import Traffic, degraded
from tests.cluster import Cluster
from tests.servers.kafka import records, topic_of

DOWN_S = 10
PARTITIONS = 6
FED_WITHIN_S = 30

Make = Callable[..., Cluster]


@pytest.mark.parametrize("bus", ["mock", "kafka"])
async def test_awards_ranks_and_screens_go_on_without_kafka_and_it_misses_nothing(
    cluster_factory: Make, bus: str
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, bus)
    await asyncio.to_thread(cluster.started, 2)
    assert cluster.broker is not None
    async with Traffic.on(cluster) as traffic:
        await asyncio.to_thread(cluster.broker.down)
        await until(lambda: all("bus" in degraded(node) for node in cluster.nodes))
        deadline = asyncio.get_running_loop().time() + DOWN_S
        while asyncio.get_running_loop().time() < deadline:
            await traffic.lively()  # viewers too: each node looks at the ranking itself
        assert backlog(cluster) > 0
        await asyncio.to_thread(cluster.broker.up)
        await traffic.lively()
        await traffic.settle()
    assert traffic.crowd.refused == 0
    assert {status for each in traffic.lookers for status in each.statuses} == {200}
    await ensure_fed(cluster)


async def test_without_redis_tops_reach_viewers_through_kafka(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "mock")
    await asyncio.to_thread(cluster.started, 1)
    gateway = await asyncio.to_thread(lambda: cluster.node(role="gateway"))
    async with Traffic.on(cluster) as traffic:
        cluster.valkey.kill()
        await until(lambda: "ranking" in degraded(gateway))
        # The gateway has no ledger: what its viewers see came through Kafka.
        await traffic.lively()
        await traffic.lively()
        await asyncio.to_thread(cluster.valkey.start)
        await traffic.lively()
        await traffic.settle()
    assert traffic.crowd.refused == 0
    await ensure_fed(cluster)


async def ensure_fed(cluster: Cluster) -> None:
    """The feed has every posting at least once, and in order of seq for each key."""
    assert cluster.broker is not None
    url = cluster.broker.url
    awarded = {line.seq for line in evidence.awards(cluster.database)}
    await until(lambda: not backlog(cluster), FED_WITHIN_S)
    found = await asyncio.to_thread(records, url, topic_of(url, "postings"), PARTITIONS)
    fed: set[int] = set()
    for key, messages in found.items():
        seqs = [int(dict(message.headers())["seq"]) for message in messages]
        # A batch may come twice; what is new in it comes in order.
        firsts = list(dict.fromkeys(seqs))
        assert firsts == sorted(firsts), key
        fed |= set(firsts)
    assert awarded <= fed


def backlog(cluster: Cluster) -> float:
    return sum(node.metric("scoreboard_feed_backlog") for node in cluster.nodes)
