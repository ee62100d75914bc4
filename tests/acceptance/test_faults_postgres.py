"""It is promised that whatever becomes of PostgreSQL, an answer is true and a retry settles."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator

from tests.acceptance import evidence
from tests.acceptance.crowd import until
from tests.acceptance.traffic import Traffic
from tests.cluster import DATABASE, Cluster
from tests.servers.postgres import PostgresServer
from tests.servers.tcp_proxy import Loss, TcpProxy, proxy_to
from tests.service_process import Service

KILLS = 8
BACK_WITHIN_S = 10
LOSSES = 10
HELD_S = 30
KEY = "award-of-ada-0001"
IN_GROUP = b"quiz"
"""Only the call that records a group sends the name of an action."""

Make = Callable[..., Cluster]


async def test_what_was_acknowledged_survives_kills_of_postgres(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    await asyncio.to_thread(cluster.started, 2)
    async with Traffic.on(cluster) as traffic:
        for _ in range(KILLS):
            cluster.postgres.kill()
            refused = traffic.crowd.refused
            await until(lambda refused=refused: traffic.crowd.refused > refused)
            await asyncio.to_thread(cluster.postgres.start)
            await traffic.lively(BACK_WITHIN_S)
        await traffic.settle()
    assert traffic.crowd.unanswered == 0
    assert all(set(looker.statuses) <= {200, 503} for looker in traffic.lookers)


async def test_answers_to_a_commit_that_are_lost_are_settled(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    async with through_a_proxy(cluster) as proxy, Traffic.on(cluster) as traffic:
        for loss in range(LOSSES):
            proxy.lose(IN_GROUP, Loss.ANSWER)
            await until(lambda loss=loss: proxy.lost > loss)
            await traffic.answered(24)
        await traffic.settle()
    assert proxy.lost == LOSSES


async def test_an_outcome_that_nobody_knows_is_said_to_be_unknown_and_a_retry_settles_it(
    cluster_factory: Make,
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    async with through_a_proxy(cluster) as proxy:
        first, second = cluster.nodes
        assert (await asyncio.to_thread(first.award, "ada", "quiz")).status == 200
        with nobody_is_let_in(cluster.postgres):
            proxy.lose(IN_GROUP, Loss.ANSWER)
            lost = await asyncio.to_thread(first.award, "ada", "quiz", key=KEY)
        assert (lost.status, lost.json()["code"]) == (503, "outcome-unknown")
        assert int(lost.headers["retry-after"]) > 0
        retry = await asyncio.to_thread(second.award, "ada", "quiz", key=KEY)
        assert retry.body == b'{"success":true,"new_score":20}'
        assert retry.headers["idempotency-replayed"] == "true"
        assert len(evidence.awards(cluster.database)) == 2
        evidence.ensure_whole(cluster.database)


async def test_a_head_that_somebody_else_holds_refuses_awards_in_time_and_no_reads(
    cluster_factory: Make,
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    (node,) = await asyncio.to_thread(cluster.started, 1)
    assert node.award("ada", "quiz").status == 200
    await until(lambda: standing(node) == 200)
    async with head_held(cluster.postgres):
        refused = await asyncio.to_thread(node.award, "ada", "quiz", key=KEY)
        # Refused while the head is still held: nobody waited for that to end.
        assert holders(cluster.postgres) == 1
        assert (refused.status, refused.json()["code"]) == (503, "unavailable")
        assert node.get("/v1/scoreboard").status == 200
        assert standing(node) == 200
    answer = await asyncio.to_thread(node.award, "ada", "quiz", key=KEY)
    assert answer.body == b'{"success":true,"new_score":20}'
    assert len(evidence.awards(cluster.database)) == 2


async def test_a_node_refuses_a_schema_that_is_not_its_own(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    node = await asyncio.to_thread(lambda: cluster.node(start=False))
    cluster.postgres.psql(
        "INSERT INTO migrations VALUES (9999, 'of the future', 'unknown', 0)", DATABASE
    )
    assert "run a newer version" in await refusal(node)
    cluster.postgres.psql("DELETE FROM migrations WHERE version > 1", DATABASE)
    assert "scoreboard migrate" in await refusal(node)


@contextlib.asynccontextmanager
async def through_a_proxy(cluster: Cluster) -> AsyncIterator[TcpProxy]:
    """Two nodes that reach their PostgreSQL by way of a proxy."""
    async with proxy_to(cluster.postgres.port) as proxy:
        direct = cluster.env["SCOREBOARD_LEDGER"]
        through = direct.replace(f":{cluster.postgres.port}/", f":{proxy.port}/")
        await asyncio.to_thread(cluster.started, 2, {"SCOREBOARD_LEDGER": through})
        try:
            yield proxy
        finally:
            await asyncio.to_thread(cluster.end)


@contextlib.contextmanager
def nobody_is_let_in(server: PostgresServer) -> Iterator[None]:
    """Sessions that are open go on; a new one gets no answer."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def head_held(server: PostgresServer) -> AsyncIterator[None]:
    """Another session has locked the ledger's head and does something slow."""
    hold = f"BEGIN; SELECT FROM ledger_head FOR UPDATE; SELECT pg_sleep({HELD_S}); ROLLBACK"
    holding = asyncio.create_task(asyncio.to_thread(_hold, server, hold))
    await until(lambda: holders(server) == 1)
    try:
        yield
    finally:
        server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' "
            "AND pid <> pg_backend_pid()"
        )
        await holding


def _hold(server: PostgresServer, statements: str) -> None:
    with contextlib.suppress(AssertionError):  # it is terminated
        server.psql(statements, DATABASE)


def holders(server: PostgresServer) -> int:
    return int(
        server.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
            f"AND datname = '{DATABASE}'"
        )
    )


def standing(node: Service) -> int:
    return node.get("/v1/boards/default/users/ada").status


async def refusal(node: Service) -> str:
    """What a node says that ends instead of serving."""
    node.spawn()
    assert node.process is not None
    code = await asyncio.to_thread(node.process.wait, 30)
    assert code not in (0, None)
    return node.log()
