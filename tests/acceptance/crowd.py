"""A crowd on real sockets: players that ask again until they are answered, and who watches them."""

import asyncio
import contextlib
import json
import select
import socket
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.service_process import Service

PAUSE_S = 0.02
"""What a client that was refused leaves the service to recover."""

HEAD_END = b"\r\n\r\n"
REPLAYED = b"idempotency-replayed: true"


async def until(holds: Callable[[], object], within_s: float = 30) -> None:
    """Return once it holds, without keeping the event loop from the crowd."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - the condition may be another process's
            await asyncio.sleep(0.005)


class Acknowledged(NamedTuple):
    """An award and the one answer it got."""

    user: str
    action: str
    key: str
    body: bytes
    replayed: bool
    asked: int


class Reply(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def field(self, name: bytes) -> str:
        start = self.head.lower().index(b"\r\n" + name + b": ") + len(name) + 4
        return self.head[start:].split(b"\r\n", 1)[0].decode()


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self) -> None:
        self._received = b""
        self._reply: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        opened: socket.socket = transport.get_extra_info("socket")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionResetError("no answer"))
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(HEAD_END)
        if not found or self._reply is None:
            return
        reply = Reply(int(head[9:12]), head, rest)
        length = int(reply.field(b"content-length"))
        if len(rest) >= length and not self._reply.done():
            self._received = b""
            self._reply.set_result(reply)

    async def ask(self, request: bytes) -> Reply:
        """Raises: ConnectionError: it was closed before it answered."""
        if self._transport is None:
            raise ConnectionResetError
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._reply

    def waiting_fd(self) -> int | None:
        """The socket of a request that has no answer yet, as far as this end has read."""
        if self._transport is None or self._reply is None or self._reply.done():
            return None
        fd: int = self._transport.get_extra_info("socket").fileno()
        return fd

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Crowd:
    """Players that award, each award under a key of its own; without a pause, unless told.

    Whoever gets no answer from one node asks the next.
    """

    def __init__(
        self,
        nodes: Service | Sequence[Service],
        *,
        players: int,
        users: int,
        run: str = "run",
        pause_s: float = 0.0,
    ) -> None:
        nodes = [nodes] if isinstance(nodes, Service) else nodes
        self.up = asyncio.Event()
        self.acknowledged: dict[str, Acknowledged] = {}
        self.unanswered = 0
        self.refused = 0
        self._run = run
        self._pause_s = pause_s
        self._closing = False
        self._connections: dict[int, Connection] = {}
        self._ports = [
            islice(cycle([node.port for node in nodes]), number, None) for number in range(players)
        ]
        self._tokens = [nodes[0].token(f"user-{number}") for number in range(users)]
        self._tasks = [asyncio.create_task(self._play(number)) for number in range(players)]

    def in_flight(self) -> int:
        """How many requests are with the service: sent, and no byte of an answer has come."""
        waiting = [connection.waiting_fd() for connection in self._connections.values()]
        poll = select.poll()
        asked = [fd for fd in waiting if fd is not None]
        for fd in asked:
            poll.register(fd, select.POLLIN)
        return len(asked) - len(poll.poll(0))

    async def finish(self) -> None:
        """Return when every award that was begun is acknowledged."""
        self._closing = True
        async with asyncio.timeout(60):
            await asyncio.gather(*self._tasks)
        for connection in self._connections.values():
            connection.close()

    async def leave(self) -> None:
        """Go, whatever is under way."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._connections.values():
            connection.close()

    async def _play(self, number: int) -> None:
        for turn in self._turns():
            await self._award(number, turn)
            if self._pause_s:
                await asyncio.sleep(self._pause_s)

    def _turns(self) -> Iterator[int]:
        turn = 0
        while not self._closing:
            yield turn
            turn += 1

    async def _award(self, number: int, turn: int) -> None:
        place = number % len(self._tokens)
        user, action = f"user-{place}", "slip" if (number + turn) % 4 == 0 else "quiz"
        key = f"{self._run}-player-{number:04d}-award-{turn:06d}"
        request = award_request(self._tokens[place], user, action, key)
        asked = 0
        while True:
            asked += 1
            try:
                reply = await self._ask(number, request)
            except OSError:
                await self.up.wait()
                await asyncio.sleep(PAUSE_S)
                continue
            if reply.status == 200:
                break
            assert reply.status == 503, reply
            assert int(reply.field(b"retry-after")) > 0
            self.refused += 1
            await asyncio.sleep(PAUSE_S)
        award_id = reply.field(b"award-id")
        assert award_id not in self.acknowledged, "two awards got one id"
        replayed = REPLAYED in reply.head.lower()
        self.acknowledged[award_id] = Acknowledged(user, action, key, reply.body, replayed, asked)

    async def _ask(self, number: int, request: bytes) -> Reply:
        connection = self._connections.get(number)
        if connection is None:
            connection = await Connection.open(next(self._ports[number]))
            self._connections[number] = connection
        try:
            return await connection.ask(request)
        except OSError:
            del self._connections[number]
            self.unanswered += 1
            raise


def award_request(token: str, user: str, action: str, key: str) -> bytes:
    body = json.dumps({"user_id": user, "action_id": action}).encode()
    lines = [
        "POST /v1/scores HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Idempotency-Key: {key}",
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


class Top(NamedTuple):
    """One frame as a viewer got it."""

    epoch: int
    seq: int
    rows: list[tuple[int, str, int]]

    def place(self) -> tuple[int, int]:
        return (self.epoch, self.seq)


class Watcher:
    """A viewer that comes back whenever it is cut off, and keeps all it was shown."""

    def __init__(self, service: Service) -> None:
        self.tops: list[Top] = []
        self.byes: list[dict[str, int]] = []
        self.close_codes: list[int | None] = []
        self._url = f"ws://127.0.0.1:{service.port}/ws/scoreboard"
        self._task = asyncio.create_task(self._watch())

    async def leave(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _watch(self) -> None:
        while True:
            since = "?since={}-{}".format(*self.tops[-1].place()) if self.tops else ""
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(self._url + since, compression=None) as websocket:
                    try:
                        async for text in websocket:
                            self._take(json.loads(text))
                    finally:
                        self.close_codes.append(websocket.close_code)
            await asyncio.sleep(PAUSE_S)

    def _take(self, message: dict) -> None:
        match message["type"]:
            case "top":
                rows = [(row["rank"], row["user_id"], row["score"]) for row in message["rows"]]
                self.tops.append(Top(message["epoch"], message["seq"], rows))
            case "bye":
                self.byes.append(message)
