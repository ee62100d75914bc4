"""One WebSocket viewer: the frames it is shown, and the few messages it may send."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from scoreboard import wire
from scoreboard.errors import InvalidPayload, InvalidToken, TooManyConnections
from scoreboard.service.delivery import Receipt
from scoreboard.service.frame import Frame, message_frame
from scoreboard.service.hub import BYE_RESTART, Channel
from scoreboard.telemetry import Event, log
from scoreboard.web.live_node import Live
from scoreboard.web.own_feed import OwnFeed
from scoreboard.web.seats import user_seat
from scoreboard.web.strict import strict_json
from scoreboard.web.tokens import LEEWAY_S, Caller

BAD_MESSAGE = 4000
BAD_TOKEN = 4001
FORBIDDEN = 4003
TOKEN_EXPIRED = 4101
TOO_MANY = 4129
TOO_BIG = 1009
FAULT = 1011

EVICTIONS = {
    BAD_MESSAGE: "message", BAD_TOKEN: "token", FORBIDDEN: "user", TOKEN_EXPIRED: "expired",
    TOO_MANY: "rate", TOO_BIG: "message", FAULT: "fault", BYE_RESTART: "drain",
}  # fmt: skip
"""What the metric of evictions calls the close codes."""

MINUTE_S = 60.0
NOWHERE = (-1, -1)

_MESSAGES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(wire.ClientMessage)


class Socket(Protocol):
    """What a viewer needs of its connection."""

    def offer(self, frame: bytes) -> bool:
        """Write a WebSocket frame now; False when that is not possible, ``ready`` follows."""
        ...

    def farewell(self, frame: bytes, code: int) -> None:
        """Write a last frame, ready or not, and close with this code within seconds."""
        ...

    def abort(self) -> None: ...

    def receipt(self) -> Receipt | None:
        """How to find out that the peer has what was written until now."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


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
        self._own: OwnFeed | None = None
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

    def receipt(self, frame: Frame) -> Receipt | None:
        if self.over or self._socket is None or self._place != frame.place:
            return None
        return self._socket.receipt()

    def tick(self, frame: Frame) -> None:
        # What waits to be written says more than a tick.
        if not self.over and self._socket is not None and self._slot is None:
            self._socket.offer(frame.tick)

    def bye(self, code: int, retry_after_ms: int) -> None:
        if self.over or self._socket is None:
            return
        self.over = True
        self._slot = None
        self._live.hub.evicted(EVICTIONS[code])
        self._socket.farewell(message_frame(wire.Bye(code, retry_after_ms)), code)

    def abort(self) -> None:
        if not self.over:
            self._live.hub.evicted("fault")
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

    def closed(self, ended_by: str = "") -> None:
        if ended_by and not self.over:
            self._live.hub.evicted(ended_by)
        self.over = True
        self._slot = None
        self._live.hub.detach(self, self._channel)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._own is not None:
            self._own.stop()
        if self._user is not None:
            self._live.seats.leave_user(user_seat(*self._user))
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
            self.bye(FAULT, self._soon_ms())
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
                self._live.seats.take_user(user_seat(caller.issuer, caller.subject))
            elif self._user != (caller.issuer, caller.subject):
                self.bye(FORBIDDEN, 0)
                return
            self._recognise(caller)
            self._watch_expiry()
        if isinstance(message, wire.Hello) and message.me:
            if self._user is None:
                raise InvalidToken("missing")
            if self._own is None:
                self._own = OwnFeed(self._user[1])
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
