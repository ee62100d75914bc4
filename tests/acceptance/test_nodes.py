"""It is promised that many nodes act as one, and that each does what its role says."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.request import urlopen

from websockets.asyncio.client import connect

from tests.acceptance import evidence
from tests.acceptance.crowd import Watcher, until
from tests.acceptance.traffic import Traffic, ensure_ranked, rows
from tests.cluster import DATABASE, Cluster
from tests.service_process import Answer, eventually, free_port

Make = Callable[..., Cluster]

RACES = 20
RATE = 10
ASKED = 40


async def test_an_award_on_one_node_is_seen_and_ranked_on_all(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    nodes = await asyncio.to_thread(cluster.started, 3)
    watchers = [Watcher(node) for node in nodes]
    try:
        total = 0
        for node in nodes:
            total += 10
            answer = await asyncio.to_thread(node.award, "ada", "quiz")
            assert answer.json() == {"success": True, "new_score": total}
            await until(lambda total=total: all(shown(w) == [(1, "ada", total)] for w in watchers))
        assert nodes[0].award("ben", "quiz").status == 200
        expected = [(1, "ada", 30), (2, "ben", 10)]
        await until(lambda: all(rows(node) == expected for node in nodes))
        for node in nodes:
            assert node.get("/v1/boards/default/users/ben").json()["rank"] == 2
    finally:
        for watcher in watchers:
            await watcher.leave()
    for watcher in watchers:
        evidence.ensure_frames(cluster.database, watcher.tops[1:])


async def test_all_that_happens_on_three_nodes_adds_up(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    await asyncio.to_thread(cluster.started, 3)
    async with Traffic.on(cluster, players=48) as traffic:
        for _ in range(5):
            await traffic.lively()
        await traffic.settle()
    assert traffic.crowd.refused == 0


def test_the_same_award_on_two_nodes_at_the_same_instant_counts_once(
    cluster_factory: Make,
) -> None:
    cluster = cluster_factory("redis")
    first, second = cluster.started(2)
    for race in range(RACES):
        key = f"award-of-ada-{race:06d}"
        answers = at_once(
            lambda key=key: first.award("ada", "quiz", key=key),
            lambda key=key: second.award("ada", "quiz", key=key),
        )
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].body == answers[1].body
        assert answers[0].body == b'{"success":true,"new_score":%d}' % (10 * race + 10)
        replays = ["idempotency-replayed" in answer.headers for answer in answers]
        assert sorted(replays) == [False, True]
    assert len(evidence.awards(cluster.database)) == RACES
    evidence.ensure_whole(cluster.database)


def test_different_awards_to_one_user_on_two_nodes_all_count(cluster_factory: Make) -> None:
    cluster = cluster_factory("redis")
    first, second = cluster.started(2)
    answers: list[Answer] = []
    for _ in range(RACES):
        answers += at_once(lambda: first.award("ada", "quiz"), lambda: second.award("ada", "slip"))
    assert {answer.status for answer in answers} == {200}
    lines = evidence.awards(cluster.database)
    assert sorted(answer.json()["new_score"] for answer in answers) == sorted(
        line.score_after for line in lines
    )
    assert lines[-1].score_after == RACES * 7
    evidence.ensure_whole(cluster.database)
    asyncio.run(ensure_ranked(cluster))


def test_a_users_rate_is_one_rate_on_all_nodes(cluster_factory: Make) -> None:
    cluster = cluster_factory("redis")
    nodes = cluster.started(2, {"SCOREBOARD_USER_RATE": f"{RATE}/60s"})
    token = nodes[0].token("ada")
    asked = [nodes[turn % 2] for turn in range(ASKED)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda node: node.award("ada", "quiz", token=token), asked))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * RATE + [429] * (ASKED - RATE)
    assert len(evidence.awards(cluster.database)) == RATE


async def test_a_gateway_shows_frames_and_has_no_database(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    (node,) = await asyncio.to_thread(cluster.started, 1)
    before = sessions(cluster)
    gateway = await asyncio.to_thread(
        lambda: cluster.node({"SCOREBOARD_LEDGER": nowhere()}, role="gateway")
    )
    watcher = Watcher(gateway)
    try:
        assert (await asyncio.to_thread(node.award, "ada", "quiz")).status == 200
        await until(lambda: shown(watcher) == [(1, "ada", 10)])
    finally:
        await watcher.leave()
    assert rows(gateway) == [(1, "ada", 10)]
    assert gateway.get("/v1/boards/default/users/ada").json()["rank"] == 1
    assert gateway.award("ada", "quiz").status in (404, 405)
    assert gateway.get("/v1/awards/unknown").status == 404
    assert sessions(cluster) <= before


async def test_only_nodes_that_may_lead_do(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    api = await asyncio.to_thread(lambda: cluster.node(role="api", start=False))
    api.spawn()
    relay = await asyncio.to_thread(lambda: cluster.node(role="relay"))
    await asyncio.to_thread(api.wait_until_ready)  # which takes somebody who ranks
    api.put("actions/quiz", {"points": 10})
    assert api.award("ada", "quiz").status == 200
    assert (relay.metric("scoreboard_leader"), api.metric("scoreboard_leader")) == (1, 0)
    watcher = Watcher(api)
    try:
        await until(lambda: shown(watcher) == [(1, "ada", 10)])
    finally:
        await watcher.leave()
    for path in ("/readyz", "/livez", "/version", "/metrics"):
        assert relay.get(path).status == 200
    for path in ("/", "/v1/scoreboard", "/v1/boards/default/users/ada", "/ws/scoreboard"):
        assert relay.get(path).status == 404
    assert relay.award("ada", "quiz").status in (404, 405)


def test_operators_paths_move_to_a_port_of_their_own(cluster_factory: Make) -> None:
    cluster = cluster_factory("redis")
    port = free_port()
    node = cluster.node({"SCOREBOARD_OPS_LISTEN": f"127.0.0.1:{port}"}, start=False)
    node.spawn()
    eventually(lambda: is_ready(port), within_s=30)
    for path in ("/readyz", "/livez", "/version", "/metrics", "/admin", "/v1/admin/keys"):
        assert node.get(path).status == 404
    # The page for moderators, and the reads that it needs, are all there.
    beside = ("/admin", "/admin/admin.js", "/static/site.css", "/v1/boards", "/v1/ledger/head")
    for path in ("/livez", "/version", "/metrics", *beside):
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            assert answer.status == 200
    assert node.get("/v1/boards").status == 200


async def test_a_viewer_that_comes_back_to_another_node_goes_on_where_it_was(
    cluster_factory: Make,
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    first, second = await asyncio.to_thread(cluster.started, 2)
    assert (await asyncio.to_thread(first.award, "ada", "quiz")).status == 200
    await until(lambda: rows(first) == rows(second) == [(1, "ada", 10)])
    async with connect(f"ws://127.0.0.1:{first.port}/ws/scoreboard") as websocket:
        welcome = json.loads(await websocket.recv())
    since = f"{welcome['epoch']}-{welcome['seq']}"
    url = f"ws://127.0.0.1:{second.port}/ws/scoreboard?since={since}"
    async with connect(url) as websocket:
        assert json.loads(await websocket.recv())["resumed"] is True
        assert (await asyncio.to_thread(first.award, "ada", "quiz")).status == 200
        top = json.loads(await websocket.recv())
    assert (top["type"], top["rows"][0]["score"]) == ("top", 20)


def at_once(*works: Callable[[], Answer]) -> list[Answer]:
    barrier = Barrier(len(works))

    def run(work: Callable[[], Answer]) -> Answer:
        barrier.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def shown(watcher: Watcher) -> list[tuple[int, str, int]]:
    return watcher.tops[-1].rows if watcher.tops else []


def sessions(cluster: Cluster) -> int:
    """How many connections the database has."""
    statement = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
    return int(cluster.postgres.psql(statement))


def nowhere() -> str:
    return f"postgresql://nobody@127.0.0.1:{free_port()}/none"


def is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
