"""The ``me`` messages of one viewer: the caller's own standing, as it changes."""

import asyncio
from contextlib import suppress
from typing import Protocol

from scoreboard import wire
from scoreboard.errors import ScoreboardError
from scoreboard.service.frame import Frame, message_frame
from scoreboard.service.hub import Channel
from scoreboard.web.live_node import Live

OWN_EVERY_S = 1.0


class Viewer(Protocol):
    """Whom the messages are for."""

    over: bool

    def send_own(self, me: bytes) -> bool:
        """Write a ``me`` message now; False when the socket is not ready for it."""
        ...


class OwnFeed:
    """The ``me`` messages of one viewer: at most one a second, only when something changed."""

    __slots__ = ("_standing", "_task", "_user_id", "_waiting")

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._standing: object = OwnFeed  # equal to no standing
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
