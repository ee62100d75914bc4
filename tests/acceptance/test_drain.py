"""It is promised that a stop in order loses nothing, tells everybody, and comes to an end."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance import evidence
from tests.acceptance.crowd import Connection, Crowd, Reply, Watcher, award_request, until
from tests.acceptance.faults import lock
from tests.service_process import Service

OUT_WITHIN_S = 25  # half a minute is what orchestrators commonly grant
PLAYERS = 32
WATCHERS = 20
BYE_MS = range(500, 5_501)
ENV = {"SCOREBOARD_USER_RATE": "0", "SCOREBOARD_IP_RATE": "0"}

Make = Callable[..., Service]


async def test_a_stop_under_load_loses_no_award_and_sends_viewers_away(
    service_factory: Make,
) -> None:
    service = service_factory(ENV)
    process = service.process
    assert process is not None
    crowd = Crowd(service, players=PLAYERS, users=20)
    crowd.up.set()
    watchers = [Watcher(service) for _ in range(WATCHERS)]
    try:
        await until(lambda: all(watcher.tops for watcher in watchers))
        await until(lambda: len(crowd.acknowledged) > 4 * PLAYERS)
        crowd.up.clear()
        with deaf_viewer(service.port), half_a_request(service.port):
            process.send_signal(signal.SIGTERM)
            await until(lambda: "service.draining" in service.log())
            # The deaf viewer holds the drain for as long as a viewer may take to leave.
            readiness = await asyncio.to_thread(service.get, "/readyz")
            assert readiness.status == 503
            assert readiness.json()["reasons"] == ["draining"]
            answered = len(crowd.acknowledged)
            await until(lambda: len(crowd.acknowledged) > answered + PLAYERS)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, OUT_WITHIN_S) == 0
        ensure_sent_away(watchers)
        recorded = {line.award_id for line in evidence.awards(service.data)}
        assert crowd.acknowledged.keys() <= recorded
        evidence.ensure_whole(service.data)
        await asyncio.to_thread(service.start)
        crowd.up.set()
        await crowd.finish()
        evidence.ensure_acknowledged(service.data, crowd.acknowledged)
    finally:
        for watcher in watchers:
            await watcher.leave()
        await crowd.leave()
    for watcher in watchers:
        evidence.ensure_frames(service.data, watcher.tops)


@pytest.mark.parametrize("signals", [1, 2], ids=["once", "twice"])
async def test_awards_under_way_are_answered_before_the_service_goes(
    service_factory: Make, signals: int
) -> None:
    service = service_factory({**ENV, "SCOREBOARD_GROUP_MAX": "4"})
    process = service.process
    assert process is not None
    keys = {f"user-{number}": f"award-{number:014d}" for number in range(PLAYERS)}
    connections = [await Connection.open(service.port) for _ in keys]
    with lock(service):
        asked = [
            asyncio.ensure_future(
                connection.ask(award_request(service.token(user), user, "quiz", key))
            )
            for connection, (user, key) in zip(connections, keys.items(), strict=True)
        ]
        await until(lambda: any(task.done() for task in asked) or waiting(service) >= PLAYERS - 4)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
        await until(lambda: "service.draining" in service.log())
    # A slow machine may let the lock outlast the first groups: a definite no is an answer too.
    answers = dict(zip(keys, await asyncio.gather(*asked), strict=True))
    assert {answer.status for answer in answers.values()} <= {200, 503}
    assert await asyncio.to_thread(process.wait, OUT_WITHIN_S) == 0
    applied = {user for user, answer in answers.items() if answer.status == 200}
    assert {line.user for line in evidence.awards(service.data)} == applied
    evidence.ensure_whole(service.data)
    for line in service.log().splitlines():
        json.loads(line)


def ensure_sent_away(watchers: list[Watcher]) -> None:
    for watcher in watchers:
        assert watcher.close_codes[0] == 1012
        assert watcher.byes[0]["code"] == 1012
        assert watcher.byes[0]["retry_after_ms"] in BYE_MS
    delays = [watcher.byes[0]["retry_after_ms"] for watcher in watchers]
    assert len(set(delays)) > WATCHERS // 2
    assert max(delays) - min(delays) > 1_000


def waiting(service: Service) -> float:
    return service.metric("scoreboard_waiting_awards")


@contextlib.contextmanager
def deaf_viewer(port: int) -> Iterator[None]:
    """A viewer that never reads, and so never answers the close frame."""
    head = (
        b"GET /ws/scoreboard HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(head)
        assert peer.recv(12) == b"HTTP/1.1 101"
        yield


@contextlib.contextmanager
def half_a_request(port: int) -> Iterator[None]:
    """A request whose head never ends."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.sendall(b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        yield


async def test_what_the_end_of_grace_leaves_open_is_settled_by_a_retry(
    service_factory: Make,
) -> None:
    service = service_factory({**ENV, "SCOREBOARD_DRAIN_S": "0"})
    process = service.process
    assert process is not None
    keys = {f"user-{number}": f"award-{number:014d}" for number in range(4)}
    connections = [await Connection.open(service.port) for _ in keys]
    with lock(service):
        asked = [
            asyncio.ensure_future(
                connection.ask(award_request(service.token(user), user, "quiz", key))
            )
            for connection, (user, key) in zip(connections, keys.items(), strict=True)
        ]
        await until(lambda: any(task.done() for task in asked) or waiting(service) >= 1)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, OUT_WITHIN_S) == 0
    answers = await asyncio.gather(*asked, return_exceptions=True)
    applied = [answer for answer in answers if isinstance(answer, Reply) and answer.status == 200]
    assert len(evidence.awards(service.data)) >= len(applied)
    for line in service.log().splitlines():
        json.loads(line)
    await asyncio.to_thread(service.start)
    for user, key in keys.items():
        answer = await asyncio.to_thread(service.award, user, "quiz", key=key)
        assert answer.body == b'{"success":true,"new_score":10}'
    assert len(evidence.awards(service.data)) == len(keys)
    evidence.ensure_whole(service.data)
