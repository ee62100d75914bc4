"""Hears the bus and shows new tops on its node: at most one frame a channel per ``refresh_ms``."""

import asyncio
from collections.abc import Sequence

from scoreboard.core.standing import Snapshot
from scoreboard.core.window import window_named
from scoreboard.ports import Bus
from scoreboard.service.frame import Frame, frame_of
from scoreboard.service.hub import Channel, Hub
from scoreboard.telemetry import Telemetry

HEARD_MAX = 4096
"""Periods whose newest top is remembered; older periods are forgotten first."""

Span = tuple[str, str]


class _Pace:
    """When a channel was last shown, and what waits to be."""

    __slots__ = ("shown_at", "timer", "waiting")

    def __init__(self) -> None:
        self.shown_at = float("-inf")
        self.waiting: Snapshot | None = None
        self.timer: asyncio.TimerHandle | None = None


class Announcer:
    """Keeps the newest top of every board and period that was heard, and paces the channels.

    A window's channel shows its current period: the one with the greatest name, since the names
    of a window's periods sort as their moments do. It moves there when that period is first heard.
    """

    def __init__(self, bus: Bus, hub: Hub, *, refresh_ms: int, telemetry: Telemetry) -> None:
        self._bus = bus
        self._hub = hub
        self._refresh_s = refresh_ms / 1000
        self._newest: dict[Span, Snapshot] = {}
        self._frames: dict[Span, Frame] = {}
        self._current: dict[Channel, tuple[int, str]] = {}
        self._paces: dict[Channel, _Pace] = {}
        self._published = telemetry.child("scoreboard_frames_total", "published")

    async def run(self) -> None:
        """Announce for ever."""
        try:
            async for news in self._bus.news():
                self.hear([each for each in news if isinstance(each, Snapshot)])
        finally:
            for pace in self._paces.values():
                if pace.timer is not None:
                    pace.timer.cancel()

    def hear(self, snapshots: Sequence[Snapshot]) -> None:
        """Take what is newer, in any order, and show it when its channels are due."""
        newer = [snapshot for snapshot in snapshots if self._is_newer(snapshot)]
        # First where every window stands, then its frame: a late change of the period that has
        # ended must not come before the new period's smaller seq.
        for snapshot in newer:
            self._move_window(snapshot)
        for snapshot in newer:
            if self._is_newer(snapshot):
                self._newest[snapshot.board, snapshot.period] = snapshot
                for channel in self._channels(snapshot):
                    self._announce(channel, snapshot)
        self._forget()

    def _is_newer(self, snapshot: Snapshot) -> bool:
        known = self._newest.get((snapshot.board, snapshot.period))
        return known is None or known.place() < snapshot.place()

    def _move_window(self, snapshot: Snapshot) -> None:
        window = window_named(snapshot.period)
        if window is None:
            return
        channel = (snapshot.board, window.value)
        present = (snapshot.epoch, snapshot.period)
        if present > self._current.get(channel, (0, "")):
            self._current[channel] = present

    def _channels(self, snapshot: Snapshot) -> list[Channel]:
        channels = [(snapshot.board, snapshot.period)]
        window = window_named(snapshot.period)
        if window is not None and window.value != snapshot.period:
            channel = (snapshot.board, window.value)
            if self._current.get(channel) == (snapshot.epoch, snapshot.period):
                channels.append(channel)
        return channels

    def _announce(self, channel: Channel, snapshot: Snapshot) -> None:
        pace = self._paces.get(channel)
        if pace is None:
            pace = self._paces[channel] = _Pace()
        pace.waiting = snapshot
        if pace.timer is not None:
            return
        loop = asyncio.get_running_loop()
        due_s = pace.shown_at + self._refresh_s - loop.time()
        if due_s <= 0:
            self._show(channel, pace)
        else:
            pace.timer = loop.call_later(due_s, self._show, channel, pace)

    def _show(self, channel: Channel, pace: _Pace) -> None:
        snapshot, pace.waiting, pace.timer = pace.waiting, None, None
        pace.shown_at = asyncio.get_running_loop().time()
        if snapshot is not None:
            self._hub.show(channel, self._frame(snapshot))

    def _frame(self, snapshot: Snapshot) -> Frame:
        """Encoded when it is shown, not when it is heard: most are replaced before they are due."""
        span = (snapshot.board, snapshot.period)
        frame = self._frames.get(span)
        if frame is None or frame.place != snapshot.place():
            frame = self._frames[span] = frame_of(snapshot)
            self._published.inc()
        return frame

    def _forget(self) -> None:
        """Drop the oldest periods; a frame of theirs that comes again is only shown again."""
        surplus = len(self._newest) - HEARD_MAX
        if surplus <= 0:
            return
        current = {(channel[0], period) for channel, (_, period) in self._current.items()}
        past = [span for span in self._newest if span not in current]
        for span in sorted(past, key=lambda span: span[1])[:surplus]:
            del self._newest[span]
            self._frames.pop(span, None)
            pace = self._paces.get(span)
            if pace is not None and pace.timer is None:
                del self._paces[span]
