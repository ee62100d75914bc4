"""uvicorn's WebSocket protocol with prepared frames: bytes that are written as they are.

ASGI keeps the handshake, routing and authentication. An endpoint that finds ``EXTENSION`` in its
scope accepts, attaches a listener and returns; the connection goes on without a task, a queue or an
event. Frames go to the socket by ``os.write`` as long as the transport holds nothing back, so that
at most one unfinished frame waits in it.
"""

import asyncio
import functools
import os
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from scoreboard.errors import InvalidParameter
from scoreboard.web.problems import answer
from scoreboard.web.receipt import receipt_of

EXTENSION = "scoreboard.prepared_frames"

READ_SLICE_BYTES = 4_096
"""A hostile read of 256 KiB holds 40,000 frames: look at the budget this often."""

FRAMES_PER_MINUTE = 256
"""Frames of any kind, fragments, pings and pongs included, before the connection is ended."""

CLOSE_WITHIN_S = 2.0
"""From our close frame to the end of the connection, whatever the peer does."""

POLICY_VIOLATION = 1008
INVALID_DATA = 1007


class Listener(Protocol):
    """Who is told of what an attached connection receives."""

    def received(self, text: str | None) -> None:
        """A message; None for a binary one."""
        ...

    def overrun(self) -> None:
        """The peer sends more frames than a connection may."""
        ...

    def ready(self) -> None:
        """Everything was taken by the socket: it can be offered the next frame."""
        ...

    def closed(self, ended_by: str = "") -> None:
        """The connection is over; what ended it, if it was not the peer or the listener.

        ``timeout``: the peer did not read, or is out of reach; ``protocol``: it broke the rules.
        """
        ...


class _Nowhere:
    """Stands for the queue and the event of a connection without a task."""

    def put_nowait(self, item: object) -> None: ...

    def set(self) -> None: ...

    def clear(self) -> None: ...


_NOWHERE: Any = _Nowhere()
_NO_HEADERS: list[tuple[bytes, bytes]] = []


class PreparedFrameProtocol(WebSocketsSansIOProtocol):
    """A WebSocket connection; ``websocket_protocol`` makes the class uvicorn is given."""

    def __init__(self, *, frames_per_minute: int = FRAMES_PER_MINUTE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._listener: Listener | None = None
        self._blocked = False
        self._ended = False
        self._fd = -1
        self._ended_by = ""
        self._frames_max = frames_per_minute
        self._frames_seen = 0
        self._minute_began = self.loop.time()

    # --- for the endpoint

    def attach(self, listener: Listener) -> None:
        """Hand the accepted connection over; the endpoint returns without closing it."""
        self._listener = listener
        # From here on the transport holds nothing, or says so by pause_writing.
        self.transport.set_write_buffer_limits(high=0)
        self._blocked = self._blocked or self.transport.get_write_buffer_size() > 0
        self._fd = _plain_fd(self.transport)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self._forget_handshake()

    def offer(self, frame: bytes) -> bool:
        """Write a prepared frame; False when the socket has not yet taken the one before."""
        if self._blocked:
            return False
        if self._fd < 0:
            self.transport.write(frame)
            return True
        try:
            # Ours until connection_lost returns, which blocks this: never somebody else's.
            sent = os.write(self._fd, frame)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._note(error)
            self.abort()
            return False
        if sent < len(frame):
            self.transport.write(frame[sent:])
        return True

    def farewell(self, frame: bytes, code: int) -> None:
        """Write a last frame and the close frame; the connection ends within CLOSE_WITHIN_S."""
        if self.close_sent or self.transport.is_closing():
            return
        self.transport.write(frame)
        self._end(code)

    def abort(self) -> None:
        """End the connection without a word."""
        self._stop()
        self.transport.abort()

    def receipt(self) -> Callable[[], bool | None] | None:
        """How to find out that the peer has what was written until now."""
        return receipt_of(self.transport)

    def pause_reading(self) -> None:
        """Let the peer's messages wait in its own buffers."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # --- for the transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._note(exc)
        self._fd = -1
        super().connection_lost(exc)
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.closed(self._ended_by)

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), READ_SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + READ_SLICE_BYTES])

    def pause_writing(self) -> None:
        self._blocked = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._blocked = self._ended
        super().resume_writing()
        if self._listener is not None and not self._ended:
            self._listener.ready()

    def eof_received(self) -> None:
        self._stop()

    def shutdown(self) -> None:
        self._stop()
        try:
            super().shutdown()
        except InvalidState:  # the peer is closing already
            self.transport.close()

    # --- for the parser

    def handle_events(self) -> None:
        self._frames_seen += len(self.conn.events)
        if self._frames_seen > self._frames_max and self._is_overrun():
            self.conn.events_received()
            self._refuse_overrun()
            return
        super().handle_events()

    def handle_connect(self, event: Request) -> None:
        if self.conn.accept(event).status_code != 101:  # noqa: PLR2004 - Switching Protocols
            self._refuse_handshake()
            return
        super().handle_connect(event)
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self

    def handle_ping(self) -> None:
        pong = self.conn.data_to_send()
        # A peer that pings and does not read would fill the buffer with pongs.
        if not self._blocked:
            self.transport.write(b"".join(pong))

    def handle_close(self, event: Frame) -> None:
        self._stop()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self._ended_by = "protocol"
        self._stop()
        super().handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        if self._listener is None or self.close_sent:
            super().send_receive_event_to_app()
            return
        data, self.frames = b"".join(self.frames), []
        if self.curr_msg_data_type != "text":
            self._listener.received(None)
            return
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            self._ended_by = "protocol"
            self._end(INVALID_DATA)
            return
        self._listener.received(text)

    async def run_asgi(self) -> None:
        """As the base class, but an attached connection outlives its endpoint."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except OSError:  # ClientDisconnected
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application")
            self.send_500_response()
        else:
            if self._listener is not None:
                return
            if not self.handshake_complete:
                self.send_500_response()
        if self.close_timer is None:
            self.transport.close()

    # --- private

    def _forget_handshake(self) -> None:
        """Half of a connection's memory is its handshake, and what served its task."""
        self.queue = self.writable = _NOWHERE
        self.scope = self.request = self.response = None  # type: ignore[assignment]
        self.server = self.client = None
        self.default_headers = _NO_HEADERS
        self.conn.id = None  # type: ignore[assignment]
        self.conn.extensions = []

    def _note(self, error: Exception | None) -> None:
        if isinstance(error, TimeoutError):  # TCP_USER_TIMEOUT, web/listener.py
            self._ended_by = "timeout"

    def _stop(self) -> None:
        """No prepared frame after this."""
        self._ended = self._blocked = True

    def _end(self, code: int) -> None:
        self._stop()
        try:
            self.conn.send_close(code)
        except InvalidState:
            self.transport.close()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CLOSE_WITHIN_S, self.transport.abort)

    def _is_overrun(self) -> bool:
        now = self.loop.time()
        if now - self._minute_began < 60:  # noqa: PLR2004 - seconds in a minute
            return True
        self._minute_began = now
        self._frames_seen = 0
        return False

    def _refuse_overrun(self) -> None:
        if self._listener is not None:
            self._listener.overrun()
        elif not self.close_sent:
            self._end(POLICY_VIOLATION)

    def _refuse_handshake(self) -> None:
        _, headers, body = answer(InvalidParameter(), str(uuid.uuid4()))
        lines = [b"%b: %b\r\n" % header for header in (*headers, (b"connection", b"close"))]
        head = b"HTTP/1.1 400 Bad Request\r\n" + b"".join(lines)
        self.handshake_complete = self.close_sent = True
        self.transport.write(head + b"\r\n" + body)
        self.transport.close()


def websocket_protocol(*, frames_per_minute: int = FRAMES_PER_MINUTE) -> Any:
    """What ``uvicorn.Config`` takes as ``ws``."""
    return functools.partial(PreparedFrameProtocol, frames_per_minute=frames_per_minute)


def _plain_fd(transport: asyncio.Transport) -> int:
    """The descriptor of a plain TCP transport; -1 where bytes may not go past the transport."""
    if transport.get_extra_info("sslcontext") is not None:
        return -1
    connection = transport.get_extra_info("socket")
    return -1 if connection is None else int(connection.fileno())
