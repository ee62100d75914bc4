"""A real server with the live endpoints on a free loopback port, in the test's own event loop."""

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect

from scoreboard.adapters.memory import LocalBus
from scoreboard.core.standing import Row, Snapshot, Standing
from scoreboard.errors import InvalidToken, NotFound
from scoreboard.service.announcer import Announcer
from scoreboard.service.hub import Hub
from scoreboard.telemetry import Telemetry
from scoreboard.web.admission import Admission
from scoreboard.web.listener import listen
from scoreboard.web.live import MESSAGE_MAX_BYTES, LiveEndpoint
from scoreboard.web.live_node import Live, LiveSettings
from scoreboard.web.protocol import HttpLimits, http_protocol
from scoreboard.web.seats import Seats
from scoreboard.web.stream import StreamEndpoint
from scoreboard.web.tokens import Caller
from scoreboard.web.websocket import websocket_protocol

PATIENCE_S = 20.0
EPOCH = 1_700_000_000_000
ORIGIN = "http://board.example"


class Clock:
    """The time of day, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms


class Tokens:
    """A verifier that knows the tokens it is told."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.gate: asyncio.Event | None = None

    def issue(self, token: str, user: str, expires_at: float) -> str:
        self.callers[token] = Caller(user, "", frozenset(), int(expires_at))
        return token

    async def verify(self, token: str) -> Caller:
        if self.gate is not None:
            await self.gate.wait()
        if token not in self.callers:
            raise InvalidToken("unknown-key")
        return self.callers[token]


class LiveServer:
    """Everything downstream of the bus, and the knobs of a test."""

    def __init__(self, settings: LiveSettings, refresh_ms: int) -> None:
        self.settings = settings
        self.clock = Clock()
        self.tokens = Tokens()
        self.telemetry = Telemetry()
        self.bus = LocalBus()
        self.hub = Hub(
            heartbeat_ms=settings.heartbeat_ms, telemetry=self.telemetry, clock_ms=self.clock
        )
        self.announcer = Announcer(
            self.bus, self.hub, refresh_ms=refresh_ms, telemetry=self.telemetry
        )
        self.archive: dict[tuple[str, str], Snapshot] = {}
        self.reads: list[tuple[str, str]] = []
        self.standings: dict[str, Standing] = {}
        self.protocols: list[Any] = []
        self.port = 0
        self.server: uvicorn.Server | None = None
        self.live = Live(
            settings=settings,
            hub=self.hub,
            verifier=self.tokens,
            standing=self.standing,
            seats=Seats(
                total=settings.viewers_max,
                per_address=settings.viewers_per_address,
                per_user=settings.viewers_per_user,
                telemetry=self.telemetry,
            ),
            telemetry=self.telemetry,
            clock_ms=self.clock,
        )
        self.admission = Admission(
            self.live, snapshot=self.snapshot, address=lambda scope: scope["client"][0]
        )

    async def snapshot(self, board: str, period: str) -> Snapshot:
        self.reads.append((board, period))
        await asyncio.sleep(0)
        if (board, period) not in self.archive:
            raise NotFound
        return self.archive[board, period]

    async def standing(self, board: str, period: str, user: str) -> tuple[Any, int, int]:
        return self.standings.get(user), EPOCH, 1

    async def show(self, seq: int, **more: Any) -> Snapshot:
        shown = snapshot(seq, **more)
        await self.bus.publish([shown])
        return shown

    def count(self, name: str, *labels: str) -> float:
        return self.telemetry.child(name, *labels)._value.get()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                WebSocketRoute("/ws/scoreboard", LiveEndpoint(self.admission)),
                Route("/v1/boards/{board}/stream", StreamEndpoint(self.admission)),
            ]
        )

    def url(self, query: str = "") -> str:
        return f"ws://127.0.0.1:{self.port}/ws/scoreboard{query}"

    def connect(self, query: str = "", **more: Any) -> connect:
        more.setdefault("compression", None)
        more.setdefault("ping_interval", None)
        return connect(self.url(query), **more)


class SignallessServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def live_server(
    *,
    settings: LiveSettings | None = None,
    limits: HttpLimits | None = None,
    refresh_ms: int = 1,
    prepared: bool = True,
    first_seq: int | None = 1,
) -> AsyncIterator[LiveServer]:
    """A server whose default board has been heard at ``first_seq``."""
    live = LiveServer(settings or LiveSettings(origins=frozenset({ORIGIN})), refresh_ms)
    if first_seq is not None:
        await live.show(first_seq)
    announcing = asyncio.create_task(live.announcer.run())
    if first_seq is not None:
        await until(lambda: live.hub.frame(("default", "all")) is not None)

    def recorded(**arguments: Any) -> Any:
        protocol = websocket_protocol()(**arguments)
        live.protocols.append(protocol)
        return protocol

    ws: Any = recorded if prepared else "websockets-sansio"
    http = http_protocol(limits or HttpLimits(), live.telemetry) if prepared else "httptools"
    async with serving(live.app(), http=http, ws=ws) as (port, server):
        live.port, live.server = port, server
        yield live
    announcing.cancel()
    await asyncio.gather(announcing, return_exceptions=True)


@asynccontextmanager
async def serving(
    app: Any, *, http: Any, ws: Any, ws_max_size: int = MESSAGE_MAX_BYTES
) -> AsyncIterator[tuple[int, uvicorn.Server]]:
    config = uvicorn.Config(
        app,
        http=http,
        ws=ws,
        ws_max_size=ws_max_size,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    server = SignallessServer(config)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    running = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield port, server
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, PATIENCE_S)


async def until(holds: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition; fail when it does not come."""
    async with asyncio.timeout(patience_s):
        while not holds():  # noqa: ASYNC110 - the condition is anybody's
            await asyncio.sleep(0.002)


def snapshot(
    seq: int,
    *,
    board: str = "default",
    period: str = "all",
    epoch: int = EPOCH,
    users: int = 3,
    name: str = "user",
) -> Snapshot:
    rows = tuple(
        Row(rank, f"{name}{rank}", seq * 100 - rank, EPOCH) for rank in range(1, users + 1)
    )
    return Snapshot(board, period, epoch, seq, EPOCH, rows)


async def heard(viewer: ClientConnection) -> dict[str, Any]:
    """The next message."""
    return json.loads(await asyncio.wait_for(viewer.recv(), PATIENCE_S))


async def heard_type(viewer: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a type."""
    while (message := await heard(viewer))["type"] != kind:
        pass
    return message


async def say(viewer: ClientConnection, kind: str, **members: Any) -> None:
    await viewer.send(json.dumps({"type": kind, **members}))


async def close_code(viewer: ClientConnection) -> int | None:
    """The code with which the server closes; what it says before is read."""
    await asyncio.wait_for(viewer.wait_closed(), PATIENCE_S)
    return viewer.close_code


HANDSHAKE = (
    b"GET /ws/scoreboard%b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n"
)


@contextmanager
def raw_connection(port: int, *, receive_bytes: int | None = None) -> Iterator[socket.socket]:
    peer = socket.socket()
    if receive_bytes is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    peer.connect(("127.0.0.1", port))
    peer.setblocking(False)
    try:
        yield peer
    finally:
        peer.close()


async def shake_hands(peer: socket.socket) -> bytes:
    """Open a WebSocket by hand; answers the head, and drops what came with it."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, HANDSHAKE % (b"", b""))
    return await read_until(peer, b"\r\n\r\n")


async def read_until(peer: socket.socket, end: bytes) -> bytes:
    loop, seen = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE_S):
        while end not in seen and (data := await loop.sock_recv(peer, 65536)):
            seen += data
    return seen


async def read_all(peer: socket.socket) -> bytes:
    """Everything until the other side ends the connection; a reset ends it too."""
    loop, seen = asyncio.get_running_loop(), b""
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionError):
            while data := await loop.sock_recv(peer, 65536):
                seen += data
    return seen


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A client's frame."""
    first = (0x80 if fin else 0) | opcode
    if len(payload) < 126:
        head = struct.pack("!BB", first, 0x80 | len(payload))
    else:
        head = struct.pack("!BBH", first, 0x80 | 126, len(payload))
    return head + b"\0\0\0\0" + payload


def close_code_in(received: bytes) -> int | None:
    """The code of the close frame at the end of what a server sent."""
    at = received.rfind(b"\x88")
    return int.from_bytes(received[at + 2 : at + 4]) if at >= 0 else None
