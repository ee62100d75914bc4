"""``/ws/scoreboard``: a viewer is let in, told the newest frame, and left to the hub."""

import asyncio
from collections.abc import Callable
from typing import Any

from scoreboard.errors import ScoreboardError
from scoreboard.service.frame import Frame
from scoreboard.telemetry import Event, log
from scoreboard.web.admission import (
    PROTOCOL,
    Admission,
    Receive,
    Scope,
    Send,
    Watched,
    problem,
    take_user,
    watched,
)
from scoreboard.web.queries import LiveQuery, read_query
from scoreboard.web.tokens import Caller
from scoreboard.web.viewer import TOO_BIG, Viewer
from scoreboard.web.websocket import EXTENSION

MESSAGE_MAX_BYTES = 8_192
"""``ws_max_size`` of the server: a longer message ends the connection with 1009."""

_REFUSAL = "websocket.http.response"


class LiveEndpoint:
    """The ASGI application of the route.

    On our protocol class it returns as soon as the viewer is attached; on any other server it stays
    and carries the frames through ASGI.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._live = admission.live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        try:
            leave = self._admission.take_seat(scope, "websocket")
        except ScoreboardError as error:
            await _refuse(error, scope, send)
            return
        try:
            asked, caller, frame = await self._let_in(scope)
        except ScoreboardError as error:
            leave()
            await _refuse(error, scope, send)
            return
        except BaseException:
            leave()
            raise
        viewer = Viewer(self._live, asked.channel, caller, leave)
        await self._open(viewer, asked, frame, (scope, receive, send))

    async def _let_in(self, scope: Scope) -> tuple[Watched, Caller | None, Frame]:
        """Raises: whatever refuses this viewer; the first of several is the contract's."""
        caller = await self._admission.caller(scope)
        query = read_query(scope.get("query_string", b""), LiveQuery)
        asked = watched(query.board, query.period, query.since)
        self._admission.check_origin(scope)
        frame = await self._admission.frame(asked.channel)
        take_user(self._live, caller)
        return asked, caller, frame

    async def _open(
        self, viewer: Viewer, asked: Watched, frame: Frame, asgi: tuple[Scope, Receive, Send]
    ) -> None:
        scope, receive, send = asgi
        accept: dict[str, Any] = {"type": "websocket.accept"}
        if PROTOCOL in scope.get("subprotocols", ()):
            accept["subprotocol"] = PROTOCOL
        try:
            await send(accept)
        except BaseException:
            viewer.closed()
            raise
        # From here to the hub nothing awaits: no frame can come in between.
        frame = self._live.hub.frame(asked.channel) or frame
        resumed = asked.since is not None and _has(asked.since, frame)
        prepared = scope.get("extensions", {}).get(EXTENSION)
        if prepared is not None:
            prepared.attach(viewer)
            viewer.watch(prepared, frame, resumed=resumed)
            return
        socket = AsgiSocket(send, viewer.ready)
        viewer.watch(socket, frame, resumed=resumed)
        try:
            await socket.serve(viewer, receive)
        finally:
            viewer.closed()


class AsgiSocket:
    """``viewer.Socket`` on a server that knows nothing of prepared frames."""

    def __init__(self, send: Send, ready: Callable[[], None]) -> None:
        self._send = send
        self._ready = ready
        self._outbox: list[bytes] = []
        self._waiting = asyncio.Event()
        self._readable = asyncio.Event()
        self._readable.set()
        self._code: int | None = None
        self._open = True

    def offer(self, frame: bytes) -> bool:
        if self._outbox or not self._open:
            # The welcome's frame follows it at once.
            return False
        self._put(frame)
        return True

    def farewell(self, frame: bytes, code: int) -> None:
        self._code = code
        self._put(frame)
        self._readable.set()

    def abort(self) -> None:
        self._open = False
        self._waiting.set()
        self._readable.set()

    def receipt(self) -> None:
        """The server's connection is out of reach."""

    def pause_reading(self) -> None:
        self._readable.clear()

    def resume_reading(self) -> None:
        self._readable.set()

    async def serve(self, viewer: Viewer, receive: Receive) -> None:
        """Carry messages both ways until one side is gone."""
        reading = asyncio.create_task(self._read(viewer, receive))
        writing = asyncio.create_task(self._write())
        try:
            await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reading.cancel()
            writing.cancel()
            for ended in await asyncio.gather(reading, writing, return_exceptions=True):
                if isinstance(ended, Exception) and not isinstance(ended, OSError):
                    log().warning(Event.VIEWER_FAILED, error=type(ended).__name__)

    def _put(self, frame: bytes) -> None:
        self._outbox.append(frame)
        self._waiting.set()

    async def _read(self, viewer: Viewer, receive: Receive) -> None:
        while True:
            await self._readable.wait()
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if len(text or message.get("bytes") or "") > MESSAGE_MAX_BYTES:
                viewer.bye(TOO_BIG, 0)
                continue
            viewer.received(text)

    async def _write(self) -> None:
        while self._open:
            await self._waiting.wait()
            self._waiting.clear()
            while self._outbox:
                text = _payload(self._outbox[0]).decode()
                await self._send({"type": "websocket.send", "text": text})
                del self._outbox[0]
            if self._code is not None:
                await self._send({"type": "websocket.close", "code": self._code})
                return
            self._ready()


async def _refuse(error: ScoreboardError, scope: Scope, send: Send) -> None:
    """Answer as HTTP where the server can; else the server's plain 403."""
    if _REFUSAL not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    status, headers, body = problem(error)
    await send({"type": f"{_REFUSAL}.start", "status": status, "headers": headers})
    await send({"type": f"{_REFUSAL}.body", "body": body, "more_body": False})


def _has(since: tuple[int, int], frame: Frame) -> bool:
    return since[0] == frame.place[0] and since[1] >= frame.place[1]


def _payload(frame: bytes) -> bytes:
    """What is in one of our own frames."""
    match frame[1]:
        case 126:
            return frame[4:]
        case 127:
            return frame[10:]
        case _:
            return frame[2:]
