"""It is promised that many nodes act as one."""

from collections.abc import Callable
from typing import Any

from tests.cluster import Cluster
from tests.service_process import eventually


def test_an_award_on_one_node_is_seen_and_ranked_on_all(
    cluster_factory: Callable[..., Cluster],
) -> None:
    cluster = cluster_factory("redis")
    first, second, third = cluster.started(3)
    assert first.award("alice", "quiz").json() == {"success": True, "new_score": 10}
    assert second.award("alice", "quiz").json() == {"success": True, "new_score": 20}
    assert third.award("bob", "quiz").json() == {"success": True, "new_score": 10}
    expected = [("alice", 20, 1), ("bob", 10, 2)]
    for node in cluster.nodes:
        eventually(lambda node=node: _rows(node) == expected)
        assert node.get("/v1/boards/default/users/bob").json()["rank"] == 2


def _rows(node: Any) -> list[tuple[str, int, int]]:
    rows = node.get("/v1/scoreboard").json()["rows"]
    return [(row["user_id"], row["score"], row["rank"]) for row in rows]
