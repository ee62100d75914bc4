"""Players, viewers and readers on every node, and what they must have been told in the end."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self

from scoreboard.adapters.redis import RedisRanking
from scoreboard.core.board import DEFAULT_BOARD, Board
from tests.acceptance import evidence
from tests.acceptance.crowd import PAUSE_S, Connection, Crowd, Top, Watcher, until
from tests.cluster import Cluster
from tests.service_process import Service

PLAYERS = 24
USERS = 16
PLAYER_PAUSE_S = 0.02
CONVERGED_WITHIN_S = 30
PAGE = 50


class Looker:
    """Asks one node for the top and for a page, again and again; keeps the answers."""

    def __init__(self, node: Service) -> None:
        self.tops: list[Top] = []
        self.pages: list[Top] = []
        self.statuses: Counter[int] = Counter()
        self._node = node
        self._task = asyncio.create_task(self._look())

    async def leave(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                connection = await Connection.open(self._node.port)
                try:
                    while True:
                        await self._ask(connection, "/v1/scoreboard", self.tops)
                        page = f"/v1/boards/{DEFAULT_BOARD}/top?limit={PAGE}"
                        await self._ask(connection, page, self.pages)
                        await asyncio.sleep(PAUSE_S)
                finally:
                    connection.close()
            await asyncio.sleep(PAUSE_S)

    async def _ask(self, connection: Connection, path: str, kept: list[Top]) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        reply = await connection.ask(request.encode())
        self.statuses[reply.status] += 1
        if reply.status == 200:
            kept.append(top_of(json.loads(reply.body)))


class Traffic:
    """What goes on while servers fail; ``settle`` ends it and judges all that was said."""

    def __init__(self, cluster: Cluster, crowd: Crowd, watchers: Sequence[Watcher]) -> None:
        self.cluster = cluster
        self.crowd = crowd
        self.watchers = watchers
        self.lookers = [Looker(node) for node in cluster.nodes]

    @classmethod
    @contextlib.asynccontextmanager
    async def on(
        cls, cluster: Cluster, players: int = PLAYERS, watchers: int = 2
    ) -> AsyncIterator[Self]:
        """Begin on all nodes, and return when every viewer has seen a frame."""
        awarding = [node for node in cluster.nodes if node.env["SCOREBOARD_ROLE"] in ("all", "api")]
        crowd = Crowd(awarding, players=players, users=USERS, pause_s=PLAYER_PAUSE_S)
        crowd.up.set()
        watching = [Watcher(node) for node in cluster.nodes for _ in range(watchers)]
        traffic = cls(cluster, crowd, watching)
        try:
            await traffic.lively()
            yield traffic
        finally:
            for guest in (*traffic.watchers, *traffic.lookers):
                await guest.leave()
            await crowd.leave()

    async def lively(self, within_s: float = CONVERGED_WITHIN_S) -> None:
        """Return when more awards were answered and every viewer was shown what followed."""
        await self.answered(PLAYERS, within_s)
        seq = max((int(each.seq) for watcher in self.watchers for each in watcher.tops), default=0)
        await until(lambda: all(w.tops and w.tops[-1].seq > seq for w in self.watchers), within_s)

    async def answered(self, more: int, within_s: float = CONVERGED_WITHIN_S) -> None:
        """Return when so many more awards were acknowledged."""
        enough = len(self.crowd.acknowledged) + more
        await until(lambda: len(self.crowd.acknowledged) >= enough, within_s)

    async def settle(self) -> None:
        """ACK, ONCE, SUM, MONO and CONV: of all that was acknowledged, shown and read."""
        await self.crowd.finish()
        database = self.cluster.database
        evidence.ensure_acknowledged(database, self.crowd.acknowledged)
        evidence.ensure_whole(database)
        await self._converged()
        for watcher in self.watchers:
            evidence.ensure_frames(database, watcher.tops)
        evidence.ensure_true(database, [top for each in self.lookers for top in each.tops])
        evidence.ensure_true(database, [page for each in self.lookers for page in each.pages], PAGE)

    async def _converged(self) -> None:
        database = self.cluster.database
        truth, everybody = evidence.true_top(database), evidence.true_top(database, PAGE)
        for node in self.cluster.nodes:
            await _holds(node, lambda node=node: not degraded(node))
            await _holds(node, lambda node=node: rows(node) == truth)
            await _holds(node, lambda node=node: rows(node, PAGE) == everybody)
        await until(
            lambda: all(w.tops[-1].rows == truth for w in self.watchers), CONVERGED_WITHIN_S
        )
        await ensure_ranked(self.cluster)


async def _holds(node: Service, what: Callable[[], bool]) -> None:
    async with asyncio.timeout(CONVERGED_WITHIN_S):
        while not await asyncio.to_thread(what):
            assert node.process is not None
            await asyncio.sleep(0.05)


async def ensure_ranked(cluster: Cluster) -> None:
    """Redis itself holds what the ledger says, up to its head."""
    everybody = evidence.true_top(cluster.database, PAGE)
    ((epoch, seq),) = evidence.ask(
        cluster.database, "SELECT epoch, seq FROM ledger ORDER BY seq DESC LIMIT 1"
    )
    ranking = await RedisRanking.open(cluster.env["SCOREBOARD_RANKING"])
    try:
        async with asyncio.timeout(CONVERGED_WITHIN_S):
            while await ranking.place() != (epoch, seq):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.05)
        page = await ranking.page(Board(board=DEFAULT_BOARD), "all", None, PAGE)
        assert page is not None
        assert [(row.rank, row.user_id, row.score) for row in page.rows] == everybody
    finally:
        await ranking.close()


def degraded(node: Service) -> list[str]:
    """What a node says it has to do without; a node that does not answer has nothing."""
    try:
        found: list[str] = node.get("/readyz").json()["degraded"]
    except OSError:
        return ["node"]
    return found


def rows(node: Service, limit: int = 10) -> list[tuple[int, str, int]]:
    """The top that a node answers with."""
    answer = node.get(f"/v1/boards/{DEFAULT_BOARD}/top?limit={limit}").json()
    return top_of(answer).rows if "rows" in answer else []


def top_of(answer: dict) -> Top:
    found = [(row["rank"], row["user_id"], row["score"]) for row in answer["rows"]]
    return Top(answer["epoch"], answer["seq"], found)
