"""It is promised that from a freeze to its reveal nobody sees what happens behind it."""

import asyncio
import contextlib
import http.client
import json
import re
from collections.abc import Callable
from itertools import cycle
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.acceptance.crowd import until
from tests.cluster import Cluster
from tests.service_process import Service

Make = Callable[..., Cluster]

HIDDEN = 1_000_000
"""What an award behind the freeze is worth: any greater score is one that nobody should see."""

SCORES = re.compile(r'"score":\s*(-?\d+)|<td[^>]*>\s*([\d,]+)\s*</td>')
USERS = [f"user-{number}" for number in range(15)]
LATE = "somebody-late"
PATHS = (
    "/v1/scoreboard",
    "/v1/boards/default/top?limit=100",
    "/v1/boards/default/top?period=day",
    "/v1/boards/default/users/user-3",
    f"/v1/boards/default/users/{LATE}",
    "/v1/boards/default/users/user-4/around?radius=20",
    f"/v1/boards/default/users/{LATE}/around",
    "/v1/boards/default",
    "/",
)


class Witness:
    """Watches a node by all ways there are, comes back when it is cut off, and keeps every word."""

    def __init__(self, node: Service, users: tuple[str, ...] = ("user-3", LATE)) -> None:
        self.node = node
        self.said: list[tuple[str, str]] = []
        self.answers = 0
        ways = [self._watch(node.token(user)) for user in users]
        ways += [self._listen(), self._read(None), self._read(node.token("user-5"))]
        self._tasks = [asyncio.create_task(way) for way in ways]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leaks(self) -> list[tuple[str, str]]:
        """What should not have been said."""
        return [(way, text) for way, text in self.said if LATE in text or _greatest(text) >= HIDDEN]

    def shows(self, way: str, score: int) -> bool:
        """Whether the last frame on this way has this score at its top."""
        frames = [text for told, text in self.said if told == way and '"type":"top"' in text]
        return bool(frames) and json.loads(frames[-1])["rows"][0]["score"] == score

    async def _watch(self, token: str) -> None:
        hello = json.dumps({"type": "hello", "me": True, "token": token})
        url = f"ws://127.0.0.1:{self.node.port}/ws/scoreboard"
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(url, compression=None) as websocket:
                    await websocket.send(hello)
                    async for text in websocket:
                        # `me` names nobody else; a null standing is all that somebody late gets.
                        self.said.append(("websocket", str(text)))
            await asyncio.sleep(0.02)

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(OSError, ValueError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.node.port)
                writer.write(b"GET /v1/boards/default/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                with contextlib.closing(writer):
                    while line := await reader.readline():
                        if line.startswith(b"data: "):
                            self.said.append(("stream", line[6:].decode()))
            await asyncio.sleep(0.02)

    async def _read(self, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        for path in cycle(PATHS):
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = await asyncio.to_thread(self.node.get, path, **headers)
                self.answers += 1
                if answer.status == 200:
                    self.said.append((path, answer.body.decode()))
            await asyncio.sleep(0.002)


def _greatest(text: str) -> int:
    found = [first or second for first, second in SCORES.findall(text)]
    return max((int(number.replace(",", "")) for number in found), default=0)


def play(node: Service, users: list[str], action: str, first: int = 0) -> None:
    for number, user in enumerate(users):
        key = f"{action}-{user}-{number + first:08d}"
        assert node.award(user, action, key=key).status == 200


def turn(node: Service, *, frozen: bool) -> None:
    node.put("boards/default", {"windows": ["all", "day"], "frozen": frozen})


def live_top(node: Service) -> dict[str, Any]:
    token = node.token("mo", "scores:read")
    answer: dict[str, Any] = node.get("/v1/scoreboard", Authorization=f"Bearer {token}").json()
    return answer


def prepare(node: Service) -> None:
    node.put("boards/default", {"windows": ["all", "day"]})
    node.put("actions/early", {"points": 10})
    node.put("actions/hidden", {"points": HIDDEN})


async def everybody_reads(witnesses: list[Witness]) -> None:
    """Until each has read every path anew."""
    before = [witness.answers for witness in witnesses]
    often = 3 * len(PATHS)
    await until(lambda: all(w.answers >= n + often for w, n in zip(witnesses, before, strict=True)))


def ensure_nothing_leaked(witnesses: list[Witness]) -> None:
    for witness in witnesses:
        assert witness.leaks()[:1] == []
        assert {way for way, _ in witness.said} >= {"websocket", "stream", PATHS[0], PATHS[1]}


async def test_one_process_leaks_nothing_not_even_when_it_is_killed(
    service_factory: Callable[..., Service],
) -> None:
    node = await asyncio.to_thread(service_factory, {"SCOREBOARD_REFRESH_MS": "20"})
    await asyncio.to_thread(prepare, node)
    await asyncio.to_thread(play, node, [*USERS, *USERS[:5]], "early")
    witness = Witness(node)
    try:
        await until(lambda: witness.shows("websocket", 20) and witness.shows("stream", 20))
        await asyncio.to_thread(turn, node, frozen=True)
        await asyncio.to_thread(play, node, [LATE, *USERS], "hidden")
        await until(lambda: live_top(node)["rows"][0]["score"] > HIDDEN)
        await everybody_reads([witness])
        frozen = node.get("/v1/boards/default/top?limit=100")
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        await everybody_reads([witness])
        again = node.get("/v1/boards/default/top?limit=100")
        assert (again.body, again.headers["etag"]) == (frozen.body, frozen.headers["etag"])
        await asyncio.to_thread(play, node, [LATE], "hidden", 1)
        await everybody_reads([witness])
        ensure_nothing_leaked([witness])
        await asyncio.to_thread(turn, node, frozen=False)
        for way in ("websocket", "stream"):
            await until(lambda way=way: witness.shows(way, 2 * HIDDEN))
        await until(lambda: _greatest(node.get(PATHS[4]).body.decode()) == 2 * HIDDEN)
    finally:
        await witness.leave()


async def test_three_nodes_leak_nothing_from_the_moment_of_the_freeze(
    cluster_factory: Make,
) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    nodes = list(await asyncio.to_thread(cluster.started, 3))
    await asyncio.to_thread(prepare, nodes[0])
    await until(lambda: all(node.award("user-0", "early").status == 200 for node in nodes))
    await asyncio.to_thread(play, nodes[0], USERS, "early")
    await until(lambda: all(node.award("nobody", "hidden").status == 200 for node in nodes))
    await asyncio.to_thread(moderate, nodes[1], "nobody", "erase")
    gateway = await asyncio.to_thread(lambda: cluster.node(role="gateway"))
    witnesses = [Witness(node) for node in (*nodes, gateway)]
    try:
        await until(lambda: all(w.shows("websocket", 40) for w in witnesses))
        for witness in witnesses:
            witness.said.clear()
        await asyncio.to_thread(turn, nodes[0], frozen=True)
        # At once, on a node that may not have heard of it yet.
        for number in range(5):
            await asyncio.to_thread(play, nodes[number % 3], [LATE, *USERS[:5]], "hidden", number)
        await until(lambda: live_top(nodes[0])["rows"][0]["score"] >= 5 * HIDDEN)
        await everybody_reads(witnesses)
        await asyncio.to_thread(moderate, nodes[1], "user-0", "ban")
        for witness in witnesses:
            await until(lambda w=witness: w.shows("websocket", 10) and w.shows("stream", 10))
        for node in nodes:
            await until(lambda node=node: node.get(f"{PATHS[3][:-1]}0").status == 404)
        await everybody_reads(witnesses)
        assert gateway.get("/v1/boards/default/top?limit=100").status == 503
        assert gateway.get(PATHS[3]).status == 503
        assert gateway.get("/v1/boards/default").json()["total_users"] == len(USERS)
        bodies = {node.get(PATHS[1]).body for node in nodes}
        assert len(bodies) == 1
        leader = cluster.leader()
        assert leader is not None
        await asyncio.to_thread(leader.kill)
        await asyncio.to_thread(leader.start)
        await everybody_reads(witnesses)
        ensure_nothing_leaked(witnesses)
        await asyncio.to_thread(turn, nodes[2], frozen=False)
        for witness in witnesses:
            await until(lambda w=witness: w.shows("websocket", 5 * HIDDEN + 10))
        await until(lambda: {scored(node, PATHS[4]) for node in nodes} == {5 * HIDDEN})
    finally:
        for witness in witnesses:
            await witness.leave()


def scored(node: Service, path: str) -> int | None:
    score: int | None = node.get(path).json().get("score")
    return score


def moderate(node: Service, user_id: str, kind: str) -> None:
    headers = {
        "Authorization": f"Bearer {node.token('mo', 'scores:admin')}",
        "Content-Type": "application/json",
    }
    body = json.dumps({"reason": "for a test"}).encode()
    path = f"/v1/admin/users/{user_id}/{kind}"
    answer = node.request("POST", path, body=body, headers=headers)
    assert answer.status == 200, answer.body
