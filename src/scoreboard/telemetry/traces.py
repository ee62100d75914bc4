"""What traces are made of here: a request, its group, the relay's batch, the frame on the screen.

A group joins many requests, a batch many groups, a frame stands for many postings: these spans are
roots of their own, and linked. A span is made only for what leads back to a request that was drawn.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from scoreboard.telemetry.request import RequestContext


class Span(Protocol):
    """A span under way."""

    trace_id: str

    def wrote(self, first: int, last: int) -> None:
        """It stands for these postings from now on."""
        ...

    def answered(self, status: int, code: str | None) -> None:
        """End it: a request, with its answer."""
        ...


class Traces(Protocol):
    """Makes spans; all but ``request`` answer None where there is nothing to link to."""

    on: bool

    def request(self, method: str, route: str, parent: bytes | None) -> Span | None:
        """The span of a request, if it is drawn; ``parent`` is its ``traceparent``."""
        ...

    def group(
        self, requests: Sequence[RequestContext | None]
    ) -> AbstractContextManager[Span | None]:
        """One transaction, linked to its requests and they to it."""
        ...

    def batch(self, first: int, last: int) -> AbstractContextManager[Span | None]:
        """What the relay hands the ranking at once, linked to the groups that wrote it."""
        ...

    def frame(self, seq: int) -> AbstractContextManager[Span | None]:
        """A round over the viewers, linked to the batch that changed the top."""
        ...


class NoTraces:
    """``Traces`` of a process that makes none."""

    on = False

    def __init__(self) -> None:
        self._nothing: AbstractContextManager[None] = nullcontext()

    def request(self, method: str, route: str, parent: bytes | None) -> None:
        """There is none."""

    def group(self, requests: Sequence[RequestContext | None]) -> AbstractContextManager[None]:  # noqa: ARG002
        return self._nothing

    def batch(self, first: int, last: int) -> AbstractContextManager[None]:  # noqa: ARG002
        return self._nothing

    def frame(self, seq: int) -> AbstractContextManager[None]:  # noqa: ARG002
        return self._nothing


def exemplar(span: Span | None) -> dict[str, str] | None:
    """What a histogram keeps of a span."""
    return None if span is None else {"trace_id": span.trace_id}
