"""It is promised that whatever becomes of Redis, no award is lost and no wrong top is shown."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import redis

from tests.acceptance import evidence
from tests.acceptance.crowd import until
from tests.acceptance.traffic import Traffic, degraded
from tests.cluster import Cluster

FLUSHES = 10
FLUSH_EVERY_S = 1.0
HANG_S = 5.0
STRANGE = "not ours"

Make = Callable[..., Cluster]
Fault = Callable[[Traffic], Awaitable[None]]


async def killed_and_back_empty(traffic: Traffic) -> None:
    valkey = traffic.cluster.valkey
    valkey.kill()
    await lost(traffic)
    await traffic.lively()
    await asyncio.to_thread(valkey.start)


async def flushed_every_second(traffic: Traffic) -> None:
    client = traffic.cluster.valkey.client()
    for _ in range(FLUSHES):
        client.flushall()
        await traffic.answered(1, FLUSH_EVERY_S * 10)
        await asyncio.sleep(FLUSH_EVERY_S)
    client.close()


async def hung(traffic: Traffic) -> None:
    valkey = traffic.cluster.valkey
    valkey.pause()
    await lost(traffic)
    await asyncio.sleep(HANG_S)
    await traffic.answered(1)
    valkey.resume()


async def filled_with_strange_keys(traffic: Traffic) -> None:
    client = traffic.cluster.valkey.client()
    for key in keys(traffic.cluster, client):
        kind = client.type(key)
        with client.pipeline(transaction=True) as steps:
            steps.delete(key)
            if kind == "string":
                steps.rpush(key, STRANGE)
            else:
                steps.set(key, STRANGE)
            steps.execute()
    await traffic.answered(1)
    client.close()


async def replaced_by_an_old_copy(traffic: Traffic) -> None:
    server = traffic.cluster.valkey
    client = redis.Redis(port=server.port, protocol=2)
    old = keys(traffic.cluster, client)
    with client.pipeline(transaction=True) as steps:
        for key in old:
            steps.dump(key)
        copies = dict(zip(old, steps.execute(), strict=True))
    await traffic.lively()
    with client.pipeline(transaction=True) as steps:
        steps.flushall()
        for key, copy in copies.items():
            if copy is not None:
                steps.restore(key, 0, copy)
        steps.execute()
    client.close()


FAULTS = (
    killed_and_back_empty,
    flushed_every_second,
    hung,
    filled_with_strange_keys,
    replaced_by_an_old_copy,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_no_award_is_lost_and_no_wrong_top_is_shown(
    cluster_factory: Make, fault: Fault
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    await asyncio.to_thread(cluster.started, 2)
    async with Traffic.on(cluster) as traffic:
        await fault(traffic)
        await traffic.lively()
        await traffic.settle()
    # Awards do not need Redis, and reads have the ledger.
    assert traffic.crowd.refused == 0
    assert traffic.crowd.unanswered == 0
    assert {status for each in traffic.lookers for status in each.statuses} == {200}


def keys(cluster: Cluster, client: redis.Redis) -> list[str]:
    """The keys of the cluster; it alone uses the server."""
    found = list(client.scan_iter("*"))
    assert len(found) > 3
    assert evidence.awards(cluster.database)
    return found


async def lost(traffic: Traffic) -> None:
    """Return when every node has noticed."""
    nodes = traffic.cluster.nodes
    await until(lambda: all("ranking" in degraded(node) for node in nodes))
