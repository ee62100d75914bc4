"""It is promised that whoever is banned is gone from every node and screen at once."""

import asyncio
from collections.abc import Callable

from scoreboard.core.posting import Kind
from tests.acceptance import evidence
from tests.acceptance.crowd import Watcher, until
from tests.acceptance.traffic import rows
from tests.cluster import Cluster
from tests.service_process import Service

Make = Callable[..., Cluster]

WHOLE = [(1, "ada", 20), (2, "ben", 10), (3, "cy", 10)]
WITHOUT_ADA = [(1, "ben", 10), (2, "cy", 10)]


async def test_a_ban_empties_the_row_on_every_node_and_a_release_brings_it_back(
    cluster_factory: Make,
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    nodes = await asyncio.to_thread(cluster.started, 3)
    for user in ("ada", "ben", "cy", "ada"):
        assert nodes[0].award(user, "quiz").status == 200
    watchers = [Watcher(node) for node in nodes]
    try:
        await until(lambda: all_show(watchers, WHOLE))
        await moderate(cluster, "ada", Kind.BAN)
        await until(lambda: all_show(watchers, WITHOUT_ADA))
        await until(lambda: all(rows(node) == WITHOUT_ADA for node in nodes))
        for node in nodes:
            await asyncio.to_thread(ensure_gone, node)
        await moderate(cluster, "ada", Kind.RELEASE)
        await until(lambda: all_show(watchers, WHOLE))
        assert nodes[1].get("/v1/boards/default/users/ben").json()["rank"] == 2
        assert nodes[1].award("ada", "quiz").json()["new_score"] == 30
    finally:
        for watcher in watchers:
            await watcher.leave()
    for watcher in watchers:
        evidence.ensure_frames(cluster.database, watcher.tops)


def ensure_gone(node: Service) -> None:
    """For others there is nobody; the user itself is told where it would stand."""
    path = "/v1/boards/default/users/ada"
    for asked in (path, f"{path}/around"):
        assert node.get(asked).status == 404
        assert node.get(asked, Authorization=f"Bearer {node.token('ben')}").status == 404
        assert node.get(asked, Authorization="Bearer nonsense").status == 404
    own = node.get(path, Authorization=f"Bearer {node.token('ada')}")
    assert own.headers["cache-control"] == "no-store"
    assert (own.json()["rank"], own.json()["total_users"]) == (1, 3)
    around = node.get(f"{path}/around", Authorization=f"Bearer {node.token('ada')}").json()
    assert [row["user_id"] for row in around["rows"]] == ["ada", "ben", "cy"]
    ben = node.get("/v1/boards/default/users/ben").json()
    assert (ben["rank"], ben["total_users"], ben["to_next"]) == (1, 2, None)
    assert node.get("/v1/boards/default").json()["total_users"] == 2
    refused = node.award("ada", "quiz")
    assert (refused.status, refused.json()["code"]) == (403, "user-suspended")


def all_show(watchers: list[Watcher], expected: list[tuple[int, str, int]]) -> bool:
    return all(watcher.tops and watcher.tops[-1].rows == expected for watcher in watchers)


async def moderate(cluster: Cluster, user_id: str, kind: Kind) -> None:
    """By somebody who writes beside the service."""
    from scoreboard.adapters.postgres import PostgresLedger  # noqa: PLC0415 - it needs a driver
    from scoreboard.ports import Moderation  # noqa: PLC0415 - after the environment is scrubbed

    ledger = await PostgresLedger.open(cluster.env["SCOREBOARD_LEDGER"])
    try:
        assert await ledger.moderate(Moderation(user_id, kind, "moderator", "for a test"))
    finally:
        await ledger.close()
