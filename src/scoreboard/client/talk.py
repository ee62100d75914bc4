"""What a client wants done, and what it hears: the steps between decisions and I/O.

A talk is a generator. It yields steps and is sent what came of them, so that it can be carried
out by a thread, by asyncio, or by a test. Nothing in it opens a socket or waits.
"""

from collections.abc import Generator, Mapping
from typing import TypeVar

from msgspec import Struct

from scoreboard.client.outbox import Pending

Answer = TypeVar("Answer")


class Send(Struct, frozen=True, kw_only=True):
    """Send this request; heard is a ``Reply``, or None when none came."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes | None
    timeout_s: float


class Pause(Struct, frozen=True):
    """Wait."""

    wait_s: float


class Keep(Struct, frozen=True):
    """Keep this award in the outbox, safe from a crash, before it is sent."""

    pending: Pending


class Settle(Struct, frozen=True):
    """Take an award of this name out of the outbox."""

    name: str


class Recall(Struct, frozen=True):
    """Look what is in the outbox; heard is a tuple of ``Pending``."""


class Reply(Struct, frozen=True):
    """An answer; names of header fields are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP


Step = Send | Pause | Keep | Settle | Recall
Heard = Reply | tuple[Pending, ...] | None
Talk = Generator[Step, Heard, Answer]
