"""It is promised that behind nginx a node can die or leave and nothing is lost or counted twice."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from scoreboard import errors
from tests.acceptance import evidence
from tests.acceptance.crowd import Crowd, Watcher, until
from tests.deploy.conftest import Cluster, Make
from tests.deploy.test_nginx import BOARD, refused

PLAYERS = 8
WATCHERS = 6
NO_LIMIT = {"USER_RATE": "0", "IP_RATE": "0"}


class DyingNode:
    """A node that reads an award and dies without an answer, every time."""

    def __init__(self) -> None:
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{1}".format(*self._listener.getsockname())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                peer.recv(65_536)
                self.asked += 1


@pytest.fixture
def dying() -> Iterator[DyingNode]:
    node = DyingNode()
    yield node
    node.close()


async def test_a_killed_node_loses_no_award_and_no_viewer(cluster_factory: Make) -> None:
    front, (victim, _) = cluster_factory(**NO_LIMIT)
    crowd = Crowd(front, players=PLAYERS, users=PLAYERS)
    crowd.up.set()
    watchers = [Watcher(front) for _ in range(WATCHERS)]
    try:
        await until(lambda: all(watcher.tops for watcher in watchers))
        await until(lambda: len(crowd.acknowledged) > 4 * PLAYERS)
        await asyncio.to_thread(victim.kill)
        before = len(crowd.acknowledged)
        await until(lambda: len(crowd.acknowledged) > before + 8 * PLAYERS)
        await crowd.finish()
        evidence.ensure_acknowledged(front.data, crowd.acknowledged)
        truth = evidence.true_top(front.data)
        await until(lambda: all(watcher.tops[-1].rows == truth for watcher in watchers))
    finally:
        for watcher in watchers:
            await watcher.leave()
        await crowd.leave()
    evidence.ensure_whole(front.data)
    for watcher in watchers:
        evidence.ensure_frames(front.data, watcher.tops)


async def test_viewers_of_a_node_that_leaves_move_to_the_others(cluster_factory: Make) -> None:
    front, (leaving, staying) = cluster_factory(**NO_LIMIT)
    watchers = [Watcher(front) for _ in range(WATCHERS)]
    try:
        await until(lambda: all(watcher.tops for watcher in watchers))
        seats = [node.metric("scoreboard_viewers") for node in (leaving, staying)]
        assert seats == [WATCHERS / 2, WATCHERS / 2]
        assert await asyncio.to_thread(leaving.stop) == 0
        sent_away = [watcher for watcher in watchers if watcher.close_codes]
        assert [watcher.close_codes[0] for watcher in sent_away] == [1012] * (WATCHERS // 2)
        await until(lambda: staying.metric("scoreboard_viewers") == WATCHERS)
        answer = await asyncio.to_thread(front.award, "ada", "quiz")
        assert answer.status == 200
        await until(lambda: all(watcher.tops[-1].rows for watcher in watchers))
    finally:
        for watcher in watchers:
            await watcher.leave()


def test_an_award_with_an_id_goes_on_to_another_node(
    cluster_factory: Make, dying: DyingNode
) -> None:
    front, _ = cluster_factory(1, first=[dying.address])
    answers = [front.award("ada", "quiz", key=f"award-of-ada-{turn:04d}") for turn in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert dying.asked > 0
    assert len(evidence.awards(front.data)) == 2


def test_an_award_without_an_id_is_never_sent_twice(
    cluster_factory: Make, dying: DyingNode
) -> None:
    front, _ = cluster_factory(1, first=[dying.address])
    answers = [front.award("ada", "quiz") for _ in range(2)]
    lost = [answer for answer in answers if answer.status != 200]
    assert len(lost) == dying.asked == 1
    assert refused(lost[0], errors.OutcomeUnknown())
    assert len(evidence.awards(front.data)) == 1


def test_an_award_that_could_not_be_sent_goes_to_another_node(cluster_factory: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = "127.0.0.1:{1}".format(*closed.getsockname())
    front, _ = cluster_factory(1, first=[nobody])
    assert [front.award("ada", "quiz").status for _ in range(4)] == [200] * 4
    assert len(evidence.awards(front.data)) == 4


def test_a_read_goes_on_to_another_node(cluster_factory: Make, dying: DyingNode) -> None:
    front, _ = cluster_factory(1, first=[dying.address])
    assert [front.get(BOARD).status for _ in range(4)] == [200] * 4
    assert dying.asked > 0


def test_with_no_node_left_nginx_answers_like_the_service(cluster_factory: Make) -> None:
    cluster: Cluster = cluster_factory(1)
    cluster.nodes[0].stop()
    assert refused(cluster.front.get(BOARD), errors.Unavailable())
    assert refused(cluster.front.award("ada", "quiz"), errors.OutcomeUnknown())
    assert refused(
        cluster.front.award("ada", "quiz", key="a-key-of-16-bytes"), errors.OutcomeUnknown()
    )
