"""One WebSocket viewer: the frames it is shown, and the few messages it may send."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from scoreboard import wire
from scoreboard.core.standing import Standing
from scoreboard.errors import InvalidPayload, InvalidToken, ScoreboardError, TooManyConnections
from scoreboard.service.frame import Frame, message_frame
from scoreboard.service.hub import Channel, Hub
from scoreboard.telemetry import Event, Telemetry, log
from scoreboard.web.seats import Seats
from scoreboard.web.strict import strict_json
from scoreboard.web.tokens import LEEWAY_S, Caller

BAD_MESSAGE = 4000
BAD_TOKEN = 4001
FORBIDDEN = 4003
TOKEN_EXPIRED = 4101
TOO_MANY = 4129

OWN_EVERY_S = 1.0
MINUTE_S = 60.0
NOWHERE = (-1, -1)

_MESSAGES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wire.ClientMessage)


class LiveSettings(Struct, frozen=True, kw_only=True):
    """Limits and times of live connections; ``origins`` are those whose pages may connect."""

    origins: frozenset[str] = frozenset()
    heartbeat_ms: int = 15_000
    viewers_max: int = 20_000
    viewers_per_address: int = 1_000
    viewers_per_user: int = 20
    messages_per_minute: int = 20
    retry_spread_ms: int = 5_000


class Verifier(Protocol):
    """Says who holds a token."""

    async def verify(self, token: str) -> Caller:
        """Raises: InvalidToken."""
        ...


class Socket(Protocol):
    """What a viewer needs of its connection."""

    def offer(self, frame: bytes) -> bool:
        """Write a WebSocket frame now; False when that is not possible, ``ready`` follows."""
        ...

    def farewell(self, frame: bytes, code: int) -> None:
        """Write a last frame, ready or not, and close with this code within seconds."""
        ...

    def abort(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


OwnStanding = Callable[[str, str, str], Awaitable[tuple[Standing | None, int, int]]]
"""A user's standing on a board in a period, and the epoch and seq it is true at."""


class Live(Struct, frozen=True, eq=False):
    """What all viewers of a node share; ``clock_ms`` is the time of day."""

    settings: LiveSettings
    hub: Hub
    verifier: Verifier
    standing: OwnStanding
    seats: Seats
    telemetry: Telemetry
    clock_ms: Callable[[], int]
    tasks: set[asyncio.Task[None]] = msgspec.field(default_factory=set)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine on the side, and keep it from being collected."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class Viewer:
    """A connection that watches one channel.

    It holds back at most one frame, one standing and one answer, however much happens.
    """

    __slots__ = (
        "_backlog", "_channel", "_expires_ms", "_expiry", "_leave", "_live", "_own", "_place",
        "_said_at", "_slot", "_socket", "_tick_owed", "_user", "over",
    )  # fmt: skip

    def __init__(
        self, live: Live, channel: Channel, caller: Caller | None, leave: Callable[[], None]
    ) -> None:
        """``caller`` has been counted by the seats already."""
        self.over = False
        self._live = live
        self._channel = channel
        self._leave = leave
        self._socket: Socket | None = None
        self._place = NOWHERE
        self._slot: Frame | None = None
        self._tick_owed = False
        self._own: _Own | None = None
        self._said_at: list[float] | None = None
        self._backlog: list[wire.ClientMessage] | None = None
        self._user: tuple[str, str] | None = None
        self._expires_ms = 0
        self._expiry: asyncio.TimerHandle | None = None
        if caller is not None:
            self._recognise(caller)

    def watch(self, socket: Socket, frame: Frame, *, resumed: bool) -> None:
        """Say welcome and show the board, unless the peer has it; then whatever comes."""
        self._socket = socket
        self._live.hub.attach(self, self._channel)
        heartbeat_ms = self._live.settings.heartbeat_ms
        socket.offer(message_frame(wire.Welcome(*frame.place, heartbeat_ms, resumed)))
        if resumed:
            self._place = frame.place
        elif self.show(frame):
            self._live.hub.delivered()
        self._watch_expiry()

    # --- from the hub

    def show(self, frame: Frame) -> bool:
        if self.over or self._socket is None or frame.place <= self._place:
            return False
        if self._expires_ms and self._is_expired():
            return False
        if self._socket.offer(frame.websocket):
            self._place = frame.place
            self._slot = None
            return True
        if self._slot is not None and self._slot is not frame:
            self._live.hub.skipped()
        self._slot = frame
        return False

    def tick(self, frame: Frame) -> None:
        # What waits to be written says more than a tick.
        if not self.over and self._socket is not None and self._slot is None:
            self._socket.offer(frame.tick)

    def bye(self, code: int, retry_after_ms: int) -> None:
        if self.over or self._socket is None:
            return
        self.over = True
        self._slot = None
        self._socket.farewell(message_frame(wire.Bye(code, retry_after_ms)), code)

    def abort(self) -> None:
        self.over = True
        if self._socket is not None:
            self._socket.abort()

    # --- from the socket

    def ready(self) -> None:
        if self._slot is not None and self.show(self._slot):
            self._live.hub.delivered()
        if self._tick_owed:
            self._answer_ping()
        if self._own is not None:
            self._own.send(self)

    def closed(self) -> None:
        self.over = True
        self._slot = None
        self._live.hub.detach(self, self._channel)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._own is not None:
            self._own.stop()
        if self._user is not None:
            self._live.seats.leave_user(_seat(self._user))
            self._user = None
        self._leave()

    def overrun(self) -> None:
        self._too_many()

    def received(self, text: str | None) -> None:
        if self.over or self._is_expired():
            return
        if not self._may_speak():
            self._too_many()
            return
        try:
            message = _parse(text)
        except InvalidPayload:
            self.bye(BAD_MESSAGE, 0)
            return
        if self._backlog is not None:
            self._backlog.append(message)  # at most a minute's worth: it was counted above
        else:
            self._answer(message)

    # --- messages

    def _answer(self, message: wire.ClientMessage) -> None:
        match message:
            case wire.Ping():
                self._answer_ping()
            case wire.Resync():
                self._show_again()
            case wire.Hello() | wire.Auth():
                self._backlog = []
                if self._socket is not None:
                    self._socket.pause_reading()
                self._live.start(self._authenticate(message))

    def _answer_ping(self) -> None:
        frame = self._live.hub.newest(self._channel)
        if self.over or self._socket is None or frame is None:
            return
        self._tick_owed = not self._socket.offer(frame.tick)

    def _show_again(self) -> None:
        frame = self._live.hub.newest(self._channel)
        if frame is not None:
            self._place = NOWHERE
            if self.show(frame):
                self._live.hub.delivered()

    async def _authenticate(self, message: wire.Hello | wire.Auth) -> None:
        try:
            await self._identify(message)
        except InvalidToken:
            self.bye(BAD_TOKEN, 0)
        except TooManyConnections:
            self._too_many()
        except Exception:  # noqa: BLE001 - the connection's fault, and its end
            log().exception(Event.VIEWER_FAILED)
            self.bye(1011, self._soon_ms())
        self._go_on()

    def _go_on(self) -> None:
        """Answer what came meanwhile, in order."""
        backlog, self._backlog = self._backlog or [], None
        while backlog and not self.over:
            self._answer(backlog.pop(0))
            if self._wait_with(backlog):
                return
        if not self.over and self._socket is not None:
            self._socket.resume_reading()

    def _wait_with(self, messages: list[wire.ClientMessage]) -> bool:
        """Keep these for after the present one, if it takes time."""
        if self._backlog is None:
            return False
        self._backlog.extend(messages)
        return True

    async def _identify(self, message: wire.Hello | wire.Auth) -> None:
        if message.token is not None:
            caller = await self._live.verifier.verify(message.token)
            if self.over:
                return
            if self._user is None:
                self._live.seats.take_user(_seat((caller.issuer, caller.subject)))
            elif self._user != (caller.issuer, caller.subject):
                self.bye(FORBIDDEN, 0)
                return
            self._recognise(caller)
            self._watch_expiry()
        if isinstance(message, wire.Hello) and message.me:
            if self._user is None:
                raise InvalidToken("missing")
            if self._own is None:
                self._own = _Own(self._user[1])
                self._own.start(self, self._live, self._channel)

    def _may_speak(self) -> bool:
        now = asyncio.get_running_loop().time()
        said = [at for at in self._said_at or () if at > now - MINUTE_S]
        said.append(now)
        self._said_at = said
        return len(said) <= self._live.settings.messages_per_minute

    def _too_many(self) -> None:
        self._live.telemetry.child("scoreboard_viewers_refused_total", "rate").inc()
        self.bye(TOO_MANY, int(MINUTE_S * 1000) + self._soon_ms())

    # --- who it is, and until when

    def _recognise(self, caller: Caller) -> None:
        self._user = (caller.issuer, caller.subject)
        expires_ms = caller.expires_at * 1000
        # A token of the leeway's last seconds was let in, and is good for these seconds.
        if expires_ms <= self._live.clock_ms():
            expires_ms += LEEWAY_S * 1000
        self._expires_ms = expires_ms

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if self._expires_ms and not self._is_expired():
            wait_s = (self._expires_ms - self._live.clock_ms()) / 1000
            loop = asyncio.get_running_loop()
            self._expiry = loop.call_later(wait_s, self._watch_expiry)

    def _is_expired(self) -> bool:
        if not self._expires_ms or self._live.clock_ms() < self._expires_ms:
            return False
        self.bye(TOKEN_EXPIRED, self._soon_ms())
        return True

    def _soon_ms(self) -> int:
        return random.randrange(self._live.settings.retry_spread_ms + 1)  # noqa: S311 - no secret

    def send_own(self, me: bytes) -> bool:
        """Write a ``me`` message now, after the board; False when the socket is not ready."""
        if self.over or self._socket is None or self._slot is not None or self._is_expired():
            return False
        return self._socket.offer(me)


class _Own:
    """The ``me`` messages of one viewer: at most one a second, only when something changed."""

    __slots__ = ("_standing", "_task", "_user_id", "_waiting")

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._standing: object = _Own  # equal to no standing
        self._waiting: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, viewer: Viewer, live: Live, channel: Channel) -> None:
        """Look once a second until the viewer is gone."""
        self._task = live.start(self._keep_telling(viewer, live, channel))

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _keep_telling(self, viewer: Viewer, live: Live, channel: Channel) -> None:
        while not viewer.over:
            frame = live.hub.newest(channel)
            if frame is not None:
                with suppress(ScoreboardError):  # the ranking cannot say now: ask again
                    await self._look(live, frame)
                self.send(viewer)
            await asyncio.sleep(OWN_EVERY_S)

    def send(self, viewer: Viewer) -> None:
        """Send what waits, if the socket is ready."""
        if self._waiting is not None and viewer.send_own(self._waiting):
            self._waiting = None

    async def _look(self, live: Live, frame: Frame) -> None:
        standing, epoch, seq = await live.standing(frame.board, frame.period, self._user_id)
        if (frame.period, standing) == self._standing:
            return
        self._standing = (frame.period, standing)
        me = wire.Me(
            board=frame.board,
            period=frame.period,
            epoch=epoch,
            seq=seq,
            standing=None if standing is None else wire.user_standing(standing),
        )
        self._waiting = message_frame(me)


def seat_of(caller: Caller) -> str:
    """The name under which a caller's connections are counted."""
    return _seat((caller.issuer, caller.subject))


def _seat(user: tuple[str, str]) -> str:
    return f"{user[0]}\n{user[1]}"


def _parse(text: str | None) -> wire.ClientMessage:
    """Raises: InvalidPayload."""
    if text is None:
        raise InvalidPayload
    body = text.encode()
    try:
        message: wire.ClientMessage = _MESSAGES.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidPayload from None
    return strict_json(body, type(message))
