"""Who may watch what: asked before a live connection of either transport is opened."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec import Struct

from scoreboard.core.identifier import is_board
from scoreboard.core.standing import Snapshot
from scoreboard.core.window import Window, period_named
from scoreboard.errors import (
    InvalidParameter,
    InvalidToken,
    OriginNotAllowed,
    ScoreboardError,
    Unavailable,
)
from scoreboard.service.frame import Frame, frame_of
from scoreboard.service.hub import Channel
from scoreboard.telemetry import refused_request
from scoreboard.web.live_node import Live
from scoreboard.web.problems import Headers, answer
from scoreboard.web.seats import user_seat
from scoreboard.web.tokens import Caller

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PROTOCOL = "scoreboard.v1"
_BEARER = "scoreboard.bearer."
_WINDOWS = frozenset(window.value for window in Window)
_PLACE = re.compile(r"([0-9]{1,16})-([0-9]{1,19})", re.ASCII)


class Watched(Struct, frozen=True):
    """What a request asks for; ``since`` is the (epoch, seq) that the caller has."""

    channel: Channel
    since: tuple[int, int] | None


class Admission:
    """Answers the questions before a connection is opened.

    ``snapshot`` is asked for what the bus has not brought; ``address`` says whose connection a
    scope is.
    """

    def __init__(
        self,
        live: Live,
        *,
        snapshot: Callable[[str, str], Awaitable[Snapshot]],
        address: Callable[[Scope], str],
    ) -> None:
        self.live = live
        self._snapshot = snapshot
        self._address = address
        self._reads: dict[Channel, asyncio.Task[Frame]] = {}

    def take_seat(self, scope: Scope, transport: str) -> Callable[[], None]:
        """A seat for this connection.

        Raises:
            Unavailable: the node is draining.
            Overloaded, TooManyConnections: it is full.
        """
        if self.live.hub.draining:
            raise Unavailable
        return self.live.seats.take(self._address(scope), transport)

    def check_origin(self, scope: Scope) -> None:
        """Raises: OriginNotAllowed: a page that is not ours opened this."""
        origins = fields(scope, b"origin")
        if any(origin.lower() not in self.live.settings.origins for origin in origins):
            self.live.telemetry.child("scoreboard_viewers_refused_total", "origin").inc()
            raise OriginNotAllowed

    async def caller(self, scope: Scope) -> Caller | None:
        """Raises: InvalidToken: credentials were sent and are not valid."""
        tokens = _header_tokens(scope) + [
            offered.removeprefix(_BEARER)
            for offered in scope.get("subprotocols", ())
            if offered.startswith(_BEARER)
        ]
        if not tokens:
            return None
        if len(set(tokens)) > 1:
            raise InvalidToken("malformed")
        return await self.live.verifier.verify(tokens[0])

    async def frame(self, channel: Channel) -> Frame:
        """The channel's newest frame; what nobody watches yet is read once for all who ask.

        Raises:
            NotFound: there is no such board or period.
        """
        frame = self.live.hub.frame(channel)
        if frame is not None:
            return frame
        read = self._reads.get(channel)
        if read is None:
            read = self._reads[channel] = asyncio.create_task(self._read(channel))
            read.add_done_callback(lambda done: self._forget(channel, done))
        frame = await asyncio.shield(read)
        # The bus may have brought a newer one meanwhile.
        return self.live.hub.frame(channel) or frame

    async def _read(self, channel: Channel) -> Frame:
        snapshot = await self._snapshot(*channel)
        return self.live.hub.keep(channel, frame_of(snapshot))

    def _forget(self, channel: Channel, done: asyncio.Task[Frame]) -> None:
        del self._reads[channel]
        if not done.cancelled():
            done.exception()  # each who waited has got it


def watched(board: str, period: str, since: str | None = None) -> Watched:
    """What these parameters ask for.

    Raises:
        InvalidParameter: one of them is not of its form, or there is no such day, week or month.
    """
    if not is_board(board):
        raise InvalidParameter
    if period not in _WINDOWS:
        period_named(period, "UTC")
    place = None if since is None else place_of(since)
    if since is not None and place is None:
        raise InvalidParameter
    return Watched((board, period), place)


def place_of(text: str) -> tuple[int, int] | None:
    """The (epoch, seq) in ``epoch-seq``."""
    match = _PLACE.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def fields(scope: Scope, name: bytes) -> list[str]:
    """The values of a header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def problem(error: Exception) -> tuple[int, Headers, bytes]:
    """A refusal, as an HTTP answer."""
    known = error if isinstance(error, ScoreboardError) else Unavailable()
    return answer(known, refused_request(known.code))


def take_user(live: Live, caller: Caller | None) -> None:
    """Raises: TooManyConnections: the caller has as many as one may."""
    if caller is not None:
        live.seats.take_user(user_seat(caller.issuer, caller.subject))


def _header_tokens(scope: Scope) -> list[str]:
    tokens = []
    for value in fields(scope, b"authorization"):
        scheme, _, token = value.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken("malformed")
        tokens.append(token.strip(" "))
    return tokens
