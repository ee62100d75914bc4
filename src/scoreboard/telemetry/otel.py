"""Traces over OpenTelemetry; imported only where TRACES_URL asks for it (extra ``otel``)."""

import random
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenSpan

from scoreboard import __version__
from scoreboard.telemetry.request import RequestContext

LINKS_MAX = 128
"""OpenTelemetry's own default: of a group with more requests that were drawn, the first ones."""

REMEMBERED = 1024
"""Groups, and batches, that later spans can be linked to."""

QUEUE_MAX = 2_048
SEND_WITHIN_S = 5.0
LEAVE_WITHIN_MS = 2_000

_PARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ROOT = set_span_in_context(NonRecordingSpan(INVALID_SPAN_CONTEXT))

Seqs = tuple[int, int, SpanContext]


class OtelSpan:
    """``traces.Span``; ``remembered`` is where it is found by the postings it wrote."""

    __slots__ = ("_remembered", "open", "trace_id")

    def __init__(self, span: OpenSpan, remembered: deque[Seqs] | None = None) -> None:
        self.open = span
        self.trace_id = format_trace_id(span.get_span_context().trace_id)
        self._remembered = remembered

    def wrote(self, first: int, last: int) -> None:
        self.open.set_attribute("scoreboard.seq.first", first)
        self.open.set_attribute("scoreboard.seq.last", last)
        if self._remembered is not None:
            self._remembered.append((first, last, self.open.get_span_context()))

    def answered(self, status: int, code: str | None) -> None:
        self.open.set_attribute("http.response.status_code", status)
        if code is not None:
            self.open.set_attribute("error.type", code)
        if status >= 500:  # noqa: PLR2004 - a refusal is no error of ours
            self.open.set_status(Status(StatusCode.ERROR))
        self.open.end()


class OtelTraces:
    """``traces.Traces``, sent over OTLP to ``url`` by a thread; a full queue drops spans."""

    on = True

    def __init__(self, url: str, share: float, instance: str) -> None:
        self._share = share
        self._groups: deque[Seqs] = deque(maxlen=REMEMBERED)
        self._batches: deque[Seqs] = deque(maxlen=REMEMBERED)
        about = {
            "service.name": "scoreboard",
            "service.version": __version__,
            "service.instance.id": instance,
        }
        # Drawn here, and then all that follows from it: the SDK must not draw again.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, resource=Resource.create(about), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=url, timeout=SEND_WITHIN_S)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=QUEUE_MAX, schedule_delay_millis=1_000)
        )
        self._tracer = self._provider.get_tracer("scoreboard", __version__)

    def close(self) -> None:
        """Send what waits, if that is soon done. Blocks."""
        self._provider.force_flush(LEAVE_WITHIN_MS)
        self._provider.shutdown()

    def request(self, method: str, route: str, parent: bytes | None) -> OtelSpan | None:
        remote = _remote(parent)
        if not self._is_drawn(remote):
            return None
        context = _ROOT if remote is None else set_span_in_context(NonRecordingSpan(remote))
        attributes = {"http.request.method": method, "http.route": route}
        span = self._tracer.start_span(
            f"{method} {route}", context, kind=SpanKind.SERVER, attributes=attributes
        )
        return OtelSpan(span)

    @contextmanager
    def group(self, requests: Sequence[RequestContext | None]) -> Iterator[OtelSpan | None]:
        spans: list[OpenSpan] = [
            each.span.open for each in requests if each is not None and each.span is not None
        ]
        links = [span.get_span_context() for span in spans[:LINKS_MAX]]
        with self._linked("ledger.append", links, self._groups) as span:
            if span is not None:
                span.open.set_attribute("scoreboard.group.size", len(requests))
                for each in spans:
                    each.add_link(span.open.get_span_context())
            yield span

    @contextmanager
    def batch(self, first: int, last: int) -> Iterator[OtelSpan | None]:
        links = [context for low, high, context in self._groups if low <= last and first <= high]
        with self._linked("ranking.apply", links, self._batches) as span:
            if span is not None:
                span.wrote(first, last)
            yield span

    @contextmanager
    def frame(self, seq: int) -> Iterator[OtelSpan | None]:
        links = [context for low, high, context in self._batches if low <= seq <= high]
        with self._linked("frame.show", links, None) as span:
            if span is not None:
                span.wrote(seq, seq)
            yield span

    @contextmanager
    def _linked(
        self, name: str, links: Sequence[SpanContext], remembered: deque[Seqs] | None
    ) -> Iterator[OtelSpan | None]:
        if not links:
            yield None
            return
        to = [Link(context) for context in links[:LINKS_MAX]]
        open_span = self._tracer.start_span(name, _ROOT, links=to)
        try:
            yield OtelSpan(open_span, remembered)
        except BaseException as error:
            # Its words may hold what a caller sent.
            open_span.set_attribute("error.type", type(error).__qualname__)
            open_span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            open_span.end()

    def _is_drawn(self, remote: SpanContext | None) -> bool:
        if remote is None:
            return random.random() < self._share  # noqa: S311 - no secret
        # All who draw by the id draw the same ones. What the caller wishes is not asked.
        return (remote.trace_id & (2**64 - 1)) < self._share * 2**64


def _remote(parent: bytes | None) -> SpanContext | None:
    """The caller's span, by W3C Trace Context; None where there is none to speak of."""
    match = _PARENT.fullmatch(parent) if parent is not None else None
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None
