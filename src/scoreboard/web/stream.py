"""``/v1/boards/{board}/stream``: the same tops as Server-Sent Events."""

import asyncio
import random
from collections.abc import Callable

from scoreboard.errors import ScoreboardError
from scoreboard.service.frame import Frame
from scoreboard.service.hub import Channel, Hub
from scoreboard.web.admission import (
    Admission,
    Receive,
    Scope,
    Send,
    fields,
    place_of,
    problem,
    watched,
)
from scoreboard.web.problems import Headers
from scoreboard.web.queries import PeriodQuery, read_query

RETRY_MS = 1_000
"""How long a browser waits before it comes back, when nobody told it otherwise."""

_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamEndpoint:
    """The ASGI application of the route; the board is its path parameter."""

    def __init__(
        self, admission: Admission, *, headers: Callable[[Scope], Headers] = lambda _: []
    ) -> None:
        """``headers`` are what else an answer carries, CORS among it."""
        self._admission = admission
        self._hub = admission.live.hub
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            leave = self._admission.take_seat(scope, "sse")
        except ScoreboardError as error:
            await self._refuse(error, scope, send)
            return
        try:
            await self._stream(scope, receive, send)
        except ScoreboardError as error:
            await self._refuse(error, scope, send)
        finally:
            leave()

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = read_query(scope.get("query_string", b""), PeriodQuery)
        asked = watched(scope["path_params"]["board"], query.period)
        self._admission.check_origin(scope)
        await self._admission.frame(asked.channel)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [*_HEADERS, *self._headers(scope)],
            }
        )
        viewer = StreamViewer(self._hub, asked.channel)
        viewer.begin(await self._admission.frame(asked.channel), _last_seen(scope))
        try:
            await viewer.serve(receive, send)
        finally:
            self._hub.detach(viewer, asked.channel)

    async def _refuse(self, error: ScoreboardError, scope: Scope, send: Send) -> None:
        status, headers, body = problem(error)
        headers = [*headers, *self._headers(scope)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class StreamViewer:
    """``hub.Viewer`` over ASGI: what is newest when the last write is done is written next."""

    def __init__(self, hub: Hub, channel: Channel) -> None:
        self._hub = hub
        self._channel = channel
        self._place = (-1, -1)
        self._slot: Frame | None = None
        self._note = b""
        self._waiting = asyncio.Event()
        self._over = False

    def begin(self, frame: Frame, last_seen: tuple[int, int] | None) -> None:
        """Show the board, unless the peer has it, and whatever comes."""
        self._note = b"retry: %d\n\n" % RETRY_MS
        self._waiting.set()
        if last_seen is not None and last_seen[0] == frame.place[0] and last_seen >= frame.place:
            self._place = frame.place
        else:
            self.show(frame)
        self._hub.attach(self, self._channel)

    def show(self, frame: Frame) -> bool:
        if self._over or frame.place <= self._place:
            return False
        if self._slot is not None and self._slot is not frame:
            self._hub.skipped()
        self._slot = frame
        self._waiting.set()
        return False

    def receipt(self, _: Frame) -> None:
        """The server's connection is out of reach."""

    def tick(self, frame: Frame) -> None:
        if self._slot is None and not self._note:
            self._note = b": tick %s\n\n" % frame.event_id.encode()
            self._waiting.set()

    def bye(self, code: int, retry_after_ms: int) -> None:  # noqa: ARG002 - no codes here
        if not self._over:
            self._hub.evicted("drain")
        # The browser keeps this time for its next attempt.
        self._note = b"retry: %d\n\n" % retry_after_ms
        self._over = True
        self._waiting.set()

    def abort(self) -> None:
        if not self._over:
            self._hub.evicted("fault")
        self._over = True
        self.bye(0, RETRY_MS + random.randrange(RETRY_MS))  # noqa: S311 - no secret
        self._hub.detach(self, self._channel)

    async def serve(self, receive: Receive, send: Send) -> None:
        """Write until either side ends it."""
        leaving = asyncio.create_task(_gone(receive))
        writing = asyncio.create_task(self._write(send))
        try:
            await asyncio.wait((leaving, writing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone = leaving.done()
            leaving.cancel()
            writing.cancel()
            await asyncio.gather(leaving, writing, return_exceptions=True)
        if not gone:
            await send({"type": "http.response.body", "body": b""})

    async def _write(self, send: Send) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            frame, self._slot = self._slot, None
            note, self._note = self._note, b""
            body = note
            if frame is not None and not self._over:
                self._place = frame.place
                body += frame.event
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            if frame is not None:
                self._hub.delivered()
            if self._over:
                return


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _last_seen(scope: Scope) -> tuple[int, int] | None:
    ids = fields(scope, b"last-event-id")
    # A browser that holds an id we do not know cannot drop it: it gets the whole board.
    return place_of(ids[0]) if len(ids) == 1 else None
