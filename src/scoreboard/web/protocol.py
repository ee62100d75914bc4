"""uvicorn's HTTP protocol with limits and deadlines.

A request that breaks a limit gets one answer, a problem, in its turn; then nothing more is read as
HTTP on that connection. Bytes that are still on their way are thrown away for a moment, because
closing at once would reset the connection before the answer was read.
"""

import asyncio
import functools
from typing import Any

import httptools
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from scoreboard.errors import (
    HeadersTooLarge,
    InvalidParameter,
    InvalidPayload,
    ScoreboardError,
    TooLarge,
    UriTooLong,
)
from scoreboard.telemetry import Telemetry
from scoreboard.web.refusals import Broken, Lingering, refusal_words
from scoreboard.web.whole_reply import REPLY, write_reply

READ_SLICE_BYTES = 4_096
"""How much is parsed between two looks at what an unfinished head or body has come to."""

HANDSHAKE_FIELD_MAX_BYTES = 8_000
"""The WebSocket parser takes no longer line."""


class HttpLimits(Struct, frozen=True):
    """What one connection may ask for. ``body_max_bytes`` counts chunk headers and trailers."""

    head_max_bytes: int = 16_384
    fields_max: int = 64
    target_max_bytes: int = 4_096
    body_max_bytes: int = 65_536
    pipeline_max: int = 64
    head_within_s: float = 5.0
    request_within_s: float = 10.0
    idle_s: float = 30.0
    linger_s: float = 2.0


class LimitedHttpProtocol(HttpToolsProtocol):
    """An HTTP connection; ``http_protocol`` makes the class uvicorn is given."""

    def __init__(self, *, limits: HttpLimits, telemetry: Telemetry, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._limits = limits
        self._telemetry = telemetry
        self._broken: Broken | None = None
        self._deaf = False
        self._lingering = False
        self._last_words = b""
        self._in_head = self._in_body = False
        self._began = 0.0
        self._raw_bytes = self._head_bytes = self._fields = self._hosts = 0
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._due = self.loop.time() + self._limits.head_within_s
        self._arm(self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if len(data) <= READ_SLICE_BYTES:
            self._feed(data)
        else:
            view = memoryview(data)
            for start in range(0, len(data), READ_SLICE_BYTES):
                self._feed(view[start : start + READ_SLICE_BYTES])
        if (self._in_head or self._in_body) and self._due is not None:
            self._arm(self._due)

    def _feed(self, data: bytes | memoryview) -> None:
        if self._deaf:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:
            self._refuse(self._broken or self._malformed())
        else:
            self._count_unfinished(len(data))

    def _count_unfinished(self, length: int) -> None:
        if not (self._in_head or self._in_body):
            return
        self._raw_bytes += length
        if self._in_head and self._raw_bytes > self._limits.head_max_bytes + READ_SLICE_BYTES:
            self._refuse(Broken(HeadersTooLarge(), "head-size"))
        if self._in_body and self._raw_bytes > self._limits.body_max_bytes + READ_SLICE_BYTES:
            self._refuse(Broken(TooLarge(), "body-size"))

    def _is_too_long(self, length: bytes) -> bool:
        return length.isdigit() and int(length[:20]) > self._limits.body_max_bytes

    def _malformed(self) -> Broken:
        error = InvalidPayload() if self._in_body else InvalidParameter()
        return Broken(error, "malformed")

    # --- the parser's callbacks

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= self._limits.pipeline_max:
            self._break(TooLarge(), "pipeline")
        super().on_message_begin()
        self._in_head = True
        self._raw_bytes = self._head_bytes = self._fields = self._hosts = 0
        self._began = self.loop.time()
        self._due = self._began + self._limits.head_within_s

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self._limits.target_max_bytes:
            self._break(UriTooLong(), "target-size")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        self._head_bytes += len(name) + len(value) + 4
        if (
            self._fields > self._limits.fields_max
            or self._head_bytes + len(self.url) > self._limits.head_max_bytes
        ):
            self._break(HeadersTooLarge(), "head-size")
        if self._in_body:
            return  # a trailer: it must not become a header after the fact
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length" and self._is_too_long(value):
            self._break(TooLarge(), "body-size")
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._hosts > 1 or (not self._hosts and self.parser.get_http_version() == "1.1"):
            self._break(InvalidParameter(), "malformed")
        super().on_headers_complete()
        self._in_head, self._in_body = False, True
        self._raw_bytes = 0
        self._due = self._began + self._limits.request_within_s
        latest = self._latest()
        if latest is not None:
            latest.transport = Lingering(self)  # type: ignore[assignment]
            latest.scope["extensions"] = {REPLY: functools.partial(write_reply, latest)}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_body = False
        self._due = None
        latest = self._latest()
        if latest is not None:
            latest.transport = self.transport
            if latest.response_complete:
                self._due = self.loop.time() + self._limits.idle_s

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self.flow.resume_reading()
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words:
            self.transport.write(self._last_words)
            self.linger()
        elif not self._lingering:
            self.flow.resume_reading()
            if not (self._in_head or self._in_body):
                self._due = self.loop.time() + self._limits.idle_s
                self._arm(self._due)

    # --- refusing

    def linger(self) -> None:
        """Say no more, and throw away what still comes, for a moment."""
        self._deaf = self._lingering = True
        if self.transport.is_closing():
            return
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self._due = self.loop.time() + self._limits.linger_s
        self._arm(self._due)

    def _break(self, error: ScoreboardError, reason: str) -> None:
        self._broken = Broken(error, reason)
        raise self._broken

    def _refuse(self, broken: Broken) -> None:
        if self._deaf:
            return
        self._deaf = True
        self._telemetry.child("scoreboard_connections_refused_total", broken.reason).inc()
        words = refusal_words(broken.error, self.server_state.default_headers)
        latest = self._latest()
        own = latest if self._in_body else None
        if own is not None and self.pipeline and self.pipeline[0][0] is own:
            self.pipeline.popleft()  # it waits for its turn: what waits now is its refusal
            self._last_words = words
        elif own is not None:
            self._cut_in(own, words)
        elif latest is not None and not latest.response_complete:
            self._last_words = words
        else:
            self.transport.write(words)
            self.linger()

    def _latest(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first request, whatever its annotation says

    def _cut_in(self, own: RequestResponseCycle, words: bytes) -> None:
        """Answer instead of the application, unless it has begun to."""
        answered = own.response_started
        own.disconnected = True
        own.message_event.set()
        if not answered:
            self.transport.write(words)
        self.linger()

    # --- upgrading

    def _upgrade(self) -> None:
        self._in_head = self._in_body = False
        latest = self._latest()
        if not self._should_upgrade():
            # Answered as if it had not asked; what follows may be any protocol.
            self._deaf = True
            if latest is not None:
                latest.keep_alive = False
        elif latest is not None and not latest.response_complete:
            self._refuse(Broken(InvalidParameter(), "malformed"))
        elif any(len(n) + len(v) > HANDSHAKE_FIELD_MAX_BYTES for n, v in self.headers):
            self._refuse(Broken(HeadersTooLarge(), "head-size"))
        else:
            self._disarm()
            self._due = None
            self.handle_websocket_upgrade()
            # The parser and its callbacks hold each other: a viewer would keep both.
            self.parser = self.cycle = None  # type: ignore[assignment]

    # --- deadlines

    def _arm(self, due: float) -> None:
        """Look at the deadline in time; an earlier look arms itself again, so most calls do not."""
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self.loop.call_at(due, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._due is None or (self.transport.is_closing() and not self._lingering):
            return
        if self._due > self.loop.time():
            self._arm(self._due)
        elif self._lingering:
            self.transport.abort()
        elif self.flow.read_paused and not self._deaf:
            # We do not read, so the peer cannot be late.
            self._due = self.loop.time() + 1.0
            self._arm(self._due)
        else:
            self._expire()

    def _expire(self) -> None:
        if self._in_head or self._in_body:
            reason = "head-deadline" if self._in_head else "request-deadline"
            self._telemetry.child("scoreboard_connections_refused_total", reason).inc()
            self.transport.abort()
        else:
            self.transport.close()


def http_protocol(limits: HttpLimits, telemetry: Telemetry) -> Any:
    """What ``uvicorn.Config`` takes as ``http``."""
    return functools.partial(LimitedHttpProtocol, limits=limits, telemetry=telemetry)
