"""A live board over the WebSocket: every newer top, through reconnections, never an older one."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from enum import StrEnum
from typing import cast
from urllib.parse import urlencode

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.uri import parse_uri

from scoreboard import wire
from scoreboard.client.api import jitter_s, service_url
from scoreboard.client.problem import ClientProblem, problem_from, retry_after_s

MESSAGE_MAX_BYTES = 64 * 1024
TOO_MANY_REQUESTS = 429
ABNORMAL = 1006
STOP_CODES = frozenset({1002, 1003, 1007, 1008, 1009, 1010, *range(4000, 4100)})
SOON_CODES = range(4200, 4300)

_Reconnections = AsyncGenerator[ClientConnection, None]
_DECODER = msgspec.json.Decoder(wire.ServerMessage)


class Link(StrEnum):
    """How a live connection is."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"


async def watch(
    url: str,
    board: str = "default",
    period: str = "all",
    token: str | None = None,
    *,
    on_link: Callable[[Link], None] = lambda _: None,
) -> AsyncGenerator[wire.TopMessage, None]:
    """The board's top whenever it changes, each newer than the one before; for ever.

    It reconnects by itself, when the server said so or after a random wait, and resumes where it
    was. Leave it with ``contextlib.aclosing`` so that the socket closes at once.

    Raises:
        ClientProblem: the service will not have this viewer, now or later.
        ValueError: ``url`` is not that of a service.
    """
    viewer = _Viewer(url, board, period, on_link)
    headers = {"Authorization": f"Bearer {token}"} if token else None
    connections = connect(
        viewer.uri(),
        additional_headers=headers,
        subprotocols=["scoreboard.v1"],  # type: ignore[list-item]
        compression=None,
        max_size=MESSAGE_MAX_BYTES,
        process_exception=viewer.judge,
        reconnect_delays=viewer.delays_s,
    )
    async with aclosing(cast("_Reconnections", aiter(connections))) as reconnections:
        async for websocket in reconnections:
            async with aclosing(viewer.follow(websocket)) as tops:
                async for top in tops:
                    yield top
            viewer.ensure_welcome(websocket)
            await asyncio.sleep(viewer.pause_s(websocket))
            connections.ws_uri = parse_uri(viewer.uri())


class _Viewer:
    """What outlives a connection: the place reached, and when to come back."""

    def __init__(self, url: str, board: str, period: str, on_link: Callable[[Link], None]) -> None:
        self._base = "ws" + service_url(url).removeprefix("http") + "/ws/scoreboard"
        self._query = {"board": board, "period": period}
        self._on_link = on_link
        self._place: tuple[int, int] | None = None
        self._retry_after_s: float | None = None
        on_link(Link.CONNECTING)

    def uri(self) -> str:
        since = {} if self._place is None else {"since": f"{self._place[0]}-{self._place[1]}"}
        return f"{self._base}?{urlencode(self._query | since)}"

    async def follow(self, websocket: ClientConnection) -> AsyncGenerator[wire.TopMessage, None]:
        """Newer tops until the connection closes."""
        self._retry_after_s = None
        try:
            async for text in websocket:
                match _message(text):
                    case wire.Welcome():
                        self._on_link(Link.LIVE)
                    case wire.TopMessage() as top if self._is_newer((top.epoch, top.seq)):
                        self._place = (top.epoch, top.seq)
                        yield top
                    case wire.Tick(epoch, seq) if self._is_newer((epoch, seq)):
                        await websocket.send(wire.ENCODER.encode(wire.Resync()), text=True)
                    case wire.Bye(_, retry_after_ms):
                        self._retry_after_s = retry_after_ms / 1000
        except ConnectionClosed:
            pass
        self._on_link(Link.RECONNECTING)

    def ensure_welcome(self, websocket: ClientConnection) -> None:
        """Raise ClientProblem when the close code says that coming back is pointless."""
        code = websocket.close_code or ABNORMAL
        if code in STOP_CODES:
            reason = websocket.close_reason or "The service closed the live connection for good"
            raise ClientProblem(code, "closed", reason)

    def pause_s(self, websocket: ClientConnection) -> float:
        """How long to stay away after a connection that had been established."""
        if self._retry_after_s is not None:
            return self._retry_after_s
        soon = (websocket.close_code or ABNORMAL) in SOON_CODES
        return jitter_s(1 if soon else 4)

    def judge(self, error: Exception) -> Exception | None:
        """For the reconnect loop: None to try again, or what to raise."""
        self._on_link(Link.RECONNECTING)
        self._retry_after_s = None
        if isinstance(error, InvalidStatus):
            response = error.response
            self._retry_after_s = retry_after_s(response.headers.get("Retry-After"))
            if response.status_code == TOO_MANY_REQUESTS or process_exception(error) is None:
                return None
            return problem_from(response.status_code, bytes(response.body or b""))
        if process_exception(error) is None:
            return None
        if isinstance(error, InvalidHandshake):
            return ClientProblem(0, "not-a-scoreboard", f"No live board answers at {self._base}")
        return error

    def delays_s(self) -> Generator[float, None, None]:
        """Waits between attempts that fail: what the server asks for, and full jitter."""
        attempt = 1
        while True:
            yield (self._retry_after_s or 0) + jitter_s(attempt)
            attempt += 1

    def _is_newer(self, place: tuple[int, int]) -> bool:
        return self._place is None or place > self._place


def _message(text: str | bytes) -> object:
    """A message of the server, or None for one that this version does not know."""
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        return None
