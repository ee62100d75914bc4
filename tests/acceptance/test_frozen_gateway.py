"""It is promised that a node without a database shows of a frozen board what was told, no more."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import connect

from tests.acceptance.crowd import until
from tests.cluster import Cluster
from tests.service_process import Answer, Service

Make = Callable[..., Cluster]

BOARD = "/v1/boards/default"
TOPS = ("/v1/scoreboard", f"{BOARD}/top", f"{BOARD}/top?period=day")
WINDOWS = {"windows": ["all", "day"]}
USERS = [f"user-{number:02}" for number in range(12)]
LATE = "somebody-late"
HIDDEN = 1_000_000


def names(answer: Answer) -> list[str]:
    return [row["user_id"] for row in answer.json()["rows"]]


async def first_frame(node: Service) -> dict[str, Any]:
    async with connect(f"ws://127.0.0.1:{node.port}/ws/scoreboard", compression=None) as socket:
        async for text in socket:
            message: dict[str, Any] = json.loads(text)
            if message["type"] == "top":
                return message
    raise AssertionError


async def first_event(node: Service) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    try:
        writer.write(f"GET {BOARD}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        while not (line := await reader.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
        told: dict[str, Any] = json.loads(line[6:])
        return told
    finally:
        writer.close()


def prepare(node: Service) -> None:
    node.put("boards/default", WINDOWS)
    node.put("actions/hidden", {"points": HIDDEN})
    for user in USERS:
        assert node.award(user, "quiz").status == 200
    node.put("boards/default", {**WINDOWS, "frozen": True})
    for user in (LATE, USERS[-1]):
        assert node.award(user, "hidden").status == 200


async def test_a_gateway_that_has_just_begun_shows_a_frozen_board(cluster_factory: Make) -> None:
    cluster = await asyncio.to_thread(cluster_factory, "redis")
    (node,) = await asyncio.to_thread(cluster.started, 1)
    await asyncio.to_thread(prepare, node)
    gateway = await asyncio.to_thread(lambda: cluster.node(role="gateway"))
    await until(lambda: gateway.get(BOARD).json().get("frozen_at"))
    for path in TOPS:
        await until(lambda path=path: names(gateway.get(path)) == USERS[:10])
        answer = gateway.get(path)
        assert answer.body == node.get(path).body
        assert gateway.get(path, **{"If-None-Match": answer.headers["etag"]}).status == 304
    for told in (await first_frame(gateway), await first_event(gateway)):
        assert [row["user_id"] for row in told["rows"]] == USERS[:10]
    ensure_beyond_the_top_nothing_is_told(gateway)
    said = await asyncio.to_thread(gateway.command, "watch", "--frames", "1", "--url", gateway.url)
    assert "frozen since" in said.stdout
    live = {"Authorization": f"Bearer {gateway.token('mo', 'scores:read')}"}
    assert names(gateway.get(f"{BOARD}/top?limit=2", **live)) == [USERS[-1], LATE]
    await asyncio.to_thread(node.put, "boards/default", {**WINDOWS, "frozen": False})
    await until(lambda: names(gateway.get("/v1/scoreboard"))[:2] == [USERS[-1], LATE])
    assert gateway.get(f"{BOARD}/users/{LATE}").json()["score"] == HIDDEN


def ensure_beyond_the_top_nothing_is_told(gateway: Service) -> None:
    for path in (
        f"{BOARD}/top?limit=100",
        f"{BOARD}/users/user-03",
        f"{BOARD}/users/{LATE}/around",
    ):
        answer = gateway.get(path)
        assert (answer.status, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["cache-control"] == "no-store"
        assert int(answer.headers["retry-after"]) > 0
    for user in ("user-03", LATE):
        page = gateway.get(f"/?user={user}").body.decode()
        assert f"Where {user} stands cannot be told now." in page
        assert "No points here yet" not in page
