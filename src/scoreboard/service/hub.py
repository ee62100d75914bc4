"""All viewers of a node: each channel's newest frame is written to every one of them.

A viewer has no queue. It is offered the newest frame; if its socket is not ready it keeps that one
and forgets the one before. A round over many viewers yields to the event loop between slices, and
a frame that arrives in the middle replaces the one that is being shown.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

from scoreboard.core.window import Window
from scoreboard.service.delivery import Delivery, Receipt
from scoreboard.service.frame import Frame
from scoreboard.telemetry import Event, Span, Telemetry, exemplar, log

Channel = tuple[str, str]
"""A board, and a window (its current period) or the name of a period."""

SLICE = 128
"""Viewers between two looks at the event loop: about a millisecond."""

ARCHIVE_MAX = 1024
"""Periods without viewers whose frames are kept."""

ARCHIVE_TTL_S = 60.0
"""How long a frame that the bus did not bring is shown to new viewers."""

BYE_BASE_MS = 500
BYE_RESTART = 1012

_WINDOWS = frozenset(window.value for window in Window)


class Viewer(Protocol):
    """One connection that watches one channel."""

    def show(self, frame: Frame) -> bool:
        """Write the frame now, or keep it as the newest one; answers whether it was written.

        A frame that is not newer than the last one is passed over.
        """
        ...

    def receipt(self, frame: Frame) -> Receipt | None:
        """How to find out that the frame has arrived; None where that cannot be known."""
        ...

    def tick(self, frame: Frame) -> None:
        """Say that ``frame`` is still the newest, unless the socket is not ready."""
        ...

    def bye(self, code: int, retry_after_ms: int) -> None:
        """Say when to come back, show nothing more, and close; detaches once it is closed."""
        ...

    def abort(self) -> None:
        """Cut the connection; detaches."""
        ...


class _Room:
    """A channel's frame and viewers."""

    __slots__ = ("beat", "frame", "quiet_since", "round", "stale_at", "viewers")

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.stale_at: float | None = None
        self.viewers: dict[Viewer, None] = {}
        self.round: asyncio.Task[None] | None = None
        self.quiet_since = 0.0
        self.beat: asyncio.TimerHandle | None = None


class Hub:
    """Shows frames to viewers; everything happens on one event loop.

    ``clock_ms`` is the time of day in milliseconds.
    """

    def __init__(
        self, *, heartbeat_ms: int, telemetry: Telemetry, clock_ms: Callable[[], int]
    ) -> None:
        self.draining = False
        self._heartbeat_s = heartbeat_ms / 1000
        self._clock_ms = clock_ms
        self._rooms: OrderedDict[Channel, _Room] = OrderedDict()
        self._viewers = 0
        self._deserted = asyncio.Event()
        self._deserted.set()
        self._delivered = telemetry.child("scoreboard_frames_total", "delivered")
        self._skipped = telemetry.child("scoreboard_frames_total", "skipped")
        self._freshness = telemetry.child("scoreboard_freshness_seconds")
        self._telemetry = telemetry
        self._delivery = Delivery(telemetry, clock_ms)

    def show(self, channel: Channel, frame: Frame) -> None:
        """Make this the channel's frame and show it; an older one than it has is passed over."""
        room = self._room(channel)
        room.stale_at = None
        self._take(room, frame)

    def keep(self, channel: Channel, frame: Frame) -> Frame:
        """Remember a frame that the bus did not bring; answers the newest of the channel."""
        room = self._room(channel)
        room.stale_at = asyncio.get_running_loop().time() + ARCHIVE_TTL_S
        self._take(room, frame)
        return room.frame or frame

    def frame(self, channel: Channel) -> Frame | None:
        """The channel's newest frame for a new viewer; None when it has to be read elsewhere."""
        room = self._rooms.get(channel)
        if room is None or _is_stale(room):
            return None
        return room.frame

    def newest(self, channel: Channel) -> Frame | None:
        """The newest frame that the channel's viewers were shown."""
        room = self._rooms.get(channel)
        return room.frame if room else None

    def attach(self, viewer: Viewer, channel: Channel) -> None:
        """Show the channel's frames from now on; the present one is for the viewer to send."""
        room = self._room(channel)
        room.viewers[viewer] = None
        self._viewers += 1
        self._deserted.clear()
        if room.beat is None:
            room.quiet_since = asyncio.get_running_loop().time()
            self._arm(room, self._heartbeat_s)

    def detach(self, viewer: Viewer, channel: Channel) -> None:
        """Show it no more; detaching twice is fine."""
        room = self._rooms.get(channel)
        if room is None or viewer not in room.viewers:
            return
        del room.viewers[viewer]
        self._viewers -= 1
        if not self._viewers:
            self._deserted.set()
        if not room.viewers and room.beat is not None:
            room.beat.cancel()
            room.beat = None

    def delivered(self) -> None:
        """A viewer has written, later, the frame that it had kept."""
        self._delivered.inc()

    def skipped(self) -> None:
        """A viewer replaced the frame that it had kept."""
        self._skipped.inc()

    def evicted(self, reason: str) -> None:
        """A viewer was sent away, or cut off."""
        self._telemetry.child("scoreboard_evictions_total", reason).inc()

    def viewers(self) -> int:
        """How many are attached."""
        return self._viewers

    async def drain(self, *, spread_ms: int = 5_000, within_s: float = 10.0) -> None:
        """Send every viewer away, to come back at moments spread over ``spread_ms``.

        Returns once all are gone; after ``within_s`` the rest is cut off.
        """
        self.draining = True
        self._delivery.stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        for part in _slices(self._everybody()):
            for viewer in part:
                viewer.bye(BYE_RESTART, BYE_BASE_MS + random.randrange(spread_ms + 1))  # noqa: S311 - no secret
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._deserted.wait()
        for viewer in self._everybody():
            viewer.abort()
        for room in self._rooms.values():
            if room.round is not None:
                room.round.cancel()
            if room.beat is not None:
                room.beat.cancel()

    def _everybody(self) -> list[Viewer]:
        return [viewer for room in self._rooms.values() for viewer in room.viewers]

    def _room(self, channel: Channel) -> _Room:
        room = self._rooms.get(channel)
        if room is None:
            room = self._rooms[channel] = _Room()
            self._forget_idle()
        elif channel[1] not in _WINDOWS:
            self._rooms.move_to_end(channel)
        return room

    def _forget_idle(self) -> None:
        """Drop the frames of periods that nobody has asked for longest; they can be read again."""
        surplus = len(self._rooms) - ARCHIVE_MAX
        if surplus <= 0:
            return
        newest = next(reversed(self._rooms))
        idle = [
            channel
            for channel, room in self._rooms.items()
            if channel[1] not in _WINDOWS and not room.viewers and channel != newest
        ]
        for channel in idle[:surplus]:
            del self._rooms[channel]

    def _take(self, room: _Room, frame: Frame) -> None:
        if room.frame is not None and room.frame.place >= frame.place:
            return
        room.frame = frame
        loop = asyncio.get_running_loop()
        room.quiet_since = loop.time()
        if room.viewers and room.round is None:
            room.round = loop.create_task(self._go_round(room))

    async def _go_round(self, room: _Room) -> None:
        """Show the newest frame to everybody, as often as there is a newer one at the end."""
        shown = None
        try:
            while shown is not room.frame and room.frame is not None:
                shown = room.frame
                await self._show_to_all(room, shown)
        finally:
            room.round = None

    async def _show_to_all(self, room: _Room, first: Frame) -> None:
        with self._telemetry.traces.frame(first.place[1]) as span:
            await self._go_to_all(room, first, span)

    async def _go_to_all(self, room: _Room, first: Frame, span: Span | None) -> None:
        frame, written = first, 0
        viewers = list(room.viewers)
        for part in _slices(viewers):
            frame = room.frame or frame
            count = _show(part, frame)
            self._delivered.inc(count)
            written += count
            await asyncio.sleep(0)
        if written:
            age_s = max(0, self._clock_ms() - frame.at) / 1000
            self._freshness.observe(age_s, exemplar(span))
            self._delivery.sample(viewers, frame)

    def _arm(self, room: _Room, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        room.beat = loop.call_later(delay_s, self._beat, room)

    def _beat(self, room: _Room) -> None:
        loop = asyncio.get_running_loop()
        silence_s = loop.time() - room.quiet_since
        if silence_s < self._heartbeat_s:
            self._arm(room, self._heartbeat_s - silence_s)
            return
        room.quiet_since = loop.time()
        self._arm(room, self._heartbeat_s)
        if room.frame is not None and room.round is None:
            room.round = loop.create_task(self._tick_round(room))

    async def _tick_round(self, room: _Room) -> None:
        try:
            for part in _slices(list(room.viewers)):
                for viewer in part:
                    if room.frame is not None:
                        viewer.tick(room.frame)
                await asyncio.sleep(0)
        finally:
            room.round = None
        await self._show_missed(room)

    async def _show_missed(self, room: _Room) -> None:
        """A frame that came during the ticks found the round taken."""
        if room.viewers and room.round is None and room.frame is not None:
            room.round = asyncio.current_task()
            await self._go_round(room)


def _is_stale(room: _Room) -> bool:
    return room.stale_at is not None and asyncio.get_running_loop().time() >= room.stale_at


def _slices(viewers: list[Viewer]) -> Iterator[list[Viewer]]:
    for start in range(0, len(viewers), SLICE):
        yield viewers[start : start + SLICE]


def _show(viewers: list[Viewer], frame: Frame) -> int:
    """Show a frame to each; answers how many were written."""
    written = 0
    for viewer in viewers:
        try:
            if viewer.show(frame):
                written += 1
        except Exception:  # noqa: BLE001 - one viewer's fault is not the others'
            log().exception(Event.VIEWER_FAILED)
            viewer.abort()
    return written
