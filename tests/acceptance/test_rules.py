"""It is promised that nobody gets past a rule by asking two nodes at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance import evidence
from tests.cluster import Cluster
from tests.service_process import Service, eventually

Make = Callable[..., Cluster]

ASKED = 50
CAP = 7


@pytest.mark.parametrize("what", ["cap", "points"])
def test_fifty_at_once_through_two_nodes_never_pass_a_rule_by_one(
    cluster_factory: Make, what: str
) -> None:
    cluster = cluster_factory("redis")
    nodes = cluster.started(2, {"SCOREBOARD_USER_RATE": "0"})
    if what == "cap":
        nodes[0].put("actions/quiz", {"points": 10, "caps": {"day": CAP}})
    else:
        nodes[0].put("boards/default", {"points_per_hour": 10 * CAP + 9})
    tokens = {user: nodes[0].token(user) for user in ("ada", "ben")}

    def ask(place: int) -> tuple[str, int]:
        user = ("ada", "ben")[place // 2 % 2]
        return user, nodes[place % 2].award(user, "quiz", token=tokens[user]).status

    with ThreadPoolExecutor(ASKED) as pool:
        answers = Counter(pool.map(ask, range(2 * ASKED)))
    given = {(user, 200): CAP for user in tokens}
    assert answers == given | {(user, 403): ASKED - CAP for user in tokens}
    assert len(evidence.awards(cluster.database)) == 2 * CAP
    evidence.ensure_whole(cluster.database)
    eventually(lambda: refusals(nodes) == 2 * (ASKED - CAP))
    kept = nodes[1].command("rules", "incidents", "--json").stdout
    assert kept.count('"rule"') in (2, 3, 4)  # a minute may have ended in between


def refusals(nodes: list[Service]) -> float:
    return sum(node.metric("scoreboard_rule_refusals_total") for node in nodes)
