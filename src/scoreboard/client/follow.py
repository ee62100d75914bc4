"""A live board: every newer top, through reconnections, never an older one. Decisions, no I/O."""

import time
from collections.abc import Callable, Generator
from enum import StrEnum
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from scoreboard import wire
from scoreboard.client.credential import bearer
from scoreboard.client.line import Line
from scoreboard.client.problem import ClientProblem
from scoreboard.client.reconnect import (
    ABNORMAL,
    HEARTBEAT_MS,
    MISSED_HEARTBEATS,
    SETTLED_MS,
    STOP,
    Place,
    delay_ms,
    is_newer,
)
from scoreboard.client.talk import Answer, Pause

_DECODER = msgspec.json.Decoder(wire.ServerMessage)


class Link(StrEnum):
    """How a live connection is."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"


class Watched(Struct, frozen=True):
    """A board in a period, and whom to tell of the connection and of the caller's own standing."""

    board: str
    period: str
    on_link: Callable[[Link], None]
    on_me: Callable[[wire.Me], None] | None


class Open(Struct, frozen=True):
    """Open a connection; heard is ``Opened`` or ``Refused``."""

    uri: str
    headers: dict[str, str]


class Say(Struct, frozen=True):
    """Send a message; one that is lost is noticed by the next ``Listen``."""

    text: bytes


class Listen(Struct, frozen=True):
    """Wait for a message; heard is its text, or ``Closed``, also after so much silence."""

    silence_s: float


class Show(Struct, frozen=True):
    """Hand this to the application."""

    top: wire.TopMessage


class Opened(Struct, frozen=True):
    """There is a connection."""


class Refused(Struct, frozen=True):
    """There is none: what to raise, or nothing when trying again may help."""

    problem: Exception | None = None
    retry_after_s: float = 0


class Closed(Struct, frozen=True):
    """The connection has ended."""

    code: int = ABNORMAL
    reason: str = ""


LiveStep = Open | Say | Listen | Pause
LiveHeard = Opened | Refused | Closed | str | bytes | None
LiveTalk = Generator[LiveStep | Show, LiveHeard, Answer]


def follow(line: Line, watched: Watched) -> LiveTalk[None]:
    """Each newer top, for ever.

    Raises:
        ClientProblem: the service will not have this viewer, now or later.
    """
    viewer = _Viewer(line, watched)
    watched.on_link(Link.CONNECTING)
    while True:
        heard = yield Open(viewer.uri(), viewer.headers())
        if isinstance(heard, Refused):
            watched.on_link(Link.RECONNECTING)
            if heard.problem is not None:
                raise heard.problem
            yield Pause(viewer.pause_s(ABNORMAL, heard.retry_after_s * 1000 or None))
            continue
        closed = yield from viewer.listen()
        watched.on_link(Link.RECONNECTING)
        if closed.code in STOP:
            reason = closed.reason or "The service closed the live connection for good"
            raise ClientProblem(closed.code, "closed", reason)
        yield Pause(viewer.pause_s(closed.code, viewer.asked_ms))


class _Viewer:
    """What outlives a connection: the place reached, and how often it failed."""

    def __init__(self, line: Line, watched: Watched) -> None:
        self.asked_ms: float | None = None
        self._line = line
        self._watched = watched
        self._place: Place | None = None
        self._failures = 0
        self._live_at_s: float | None = None
        self._heartbeat_ms = HEARTBEAT_MS

    def uri(self) -> str:
        query = {"board": self._watched.board, "period": self._watched.period}
        if self._place is not None:
            query["since"] = f"{self._place[0]}-{self._place[1]}"
        return f"ws{self._line.url.removeprefix('http')}/ws/scoreboard?{urlencode(query)}"

    def headers(self) -> dict[str, str]:
        token = bearer(self._line.token)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def listen(self) -> LiveTalk[Closed]:
        """Show what is newer until the connection closes."""
        self.asked_ms = self._live_at_s = None
        if self._watched.on_me is not None:
            yield Say(wire.ENCODER.encode(wire.Hello(me=True)))
        while True:
            heard = yield Listen(MISSED_HEARTBEATS * self._heartbeat_ms / 1000)
            if isinstance(heard, Closed):
                return heard
            assert isinstance(heard, str | bytes)
            yield from self._hear(heard)

    def _hear(self, text: str | bytes) -> LiveTalk[None]:
        match _message(text):
            case wire.Welcome(heartbeat_ms=heartbeat_ms):
                self._heartbeat_ms = heartbeat_ms
                self._live_at_s = time.monotonic()
                self._watched.on_link(Link.LIVE)
            case wire.TopMessage() as top if is_newer((top.epoch, top.seq), self._place):
                self._place = (top.epoch, top.seq)
                yield Show(top)
            case wire.Tick(epoch, seq) if is_newer((epoch, seq), self._place):
                yield Say(wire.ENCODER.encode(wire.Resync()))
            case wire.Me() as me if self._watched.on_me is not None:
                self._watched.on_me(me)
            case wire.Bye(_, retry_after_ms):
                self.asked_ms = retry_after_ms

    def pause_s(self, code: int, asked_ms: float | None) -> float:
        """How long to stay away."""
        stood_s = 0.0 if self._live_at_s is None else time.monotonic() - self._live_at_s
        self._failures = 0 if stood_s * 1000 > SETTLED_MS else self._failures + 1
        self._live_at_s = None
        return delay_ms(code, self._failures, asked_ms) / 1000


def _message(text: str | bytes) -> object:
    """A message of the server, or None for one that this version does not know, or that is none."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
