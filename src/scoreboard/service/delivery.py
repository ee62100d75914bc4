"""How long a frame takes to its viewers, from their own acknowledgements, of a few of them.

A write says that our kernel has the bytes. When the peer's TCP has acknowledged the last of them,
they are on the machine at the other end of the connection: the viewer's, or a proxy's. Nothing is
asked of the viewer, and what its program does with them is not known. An acknowledgement may be
held back by the receiver (up to 40 ms on Linux), and it takes the way back: an upper bound.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from scoreboard.service.frame import Frame
from scoreboard.telemetry import Telemetry

SAMPLE = 4
"""Viewers of one round that are looked at."""

SAMPLE_EVERY_S = 0.25
"""The least time between two rounds that are looked at."""

LOOK_EVERY_S = 0.005
"""The resolution of what is measured."""

GIVE_UP_S = 15.0
"""Such a frame counts as later than every bucket; a later one has replaced it anyway."""

Receipt = Callable[[], bool | None]
"""Whether what was written has been acknowledged; None once the connection is gone."""


class Receiver(Protocol):
    """A viewer, as far as it is looked at here."""

    def receipt(self, frame: Frame) -> Receipt | None:
        """The receipt of everything up to this frame; None if it was not written, or none is had.

        What was written after the frame counts too.
        """
        ...


class Delivery:
    """Observes ``scoreboard_freshness_delivered_seconds``; ``clock_ms`` is the time of day."""

    def __init__(self, telemetry: Telemetry, clock_ms: Callable[[], int]) -> None:
        self._seconds = telemetry.child("scoreboard_freshness_delivered_seconds")
        self._clock_ms = clock_ms
        self._watching: asyncio.Task[None] | None = None
        self._next_s = float("-inf")

    def sample(self, receivers: Sequence[Receiver], frame: Frame) -> None:
        """The frame has just been written to these: follow it to a few, unless one is followed."""
        loop = asyncio.get_running_loop()
        if self._watching is not None or loop.time() < self._next_s:
            return
        self._next_s = loop.time() + SAMPLE_EVERY_S
        drawn = random.sample(receivers, min(SAMPLE, len(receivers)))
        receipts = [each.receipt(frame) for each in drawn]
        found = [receipt for receipt in receipts if receipt is not None]
        if found:
            self._watching = loop.create_task(self._watch(found, frame.at))

    def stop(self) -> None:
        """Follow nothing any more."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self, receipts: list[Receipt], at_ms: int) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + GIVE_UP_S
        try:
            while receipts and loop.time() < give_up_s:
                receipts = self._looked(receipts, at_ms)
                await asyncio.sleep(LOOK_EVERY_S)
            for _ in receipts:
                self._seconds.observe(GIVE_UP_S)
        finally:
            self._watching = None

    def _looked(self, receipts: list[Receipt], at_ms: int) -> list[Receipt]:
        """Observe those that are there; answers those that are still to come."""
        left = []
        for receipt in receipts:
            acknowledged = receipt()
            if acknowledged:
                self._seconds.observe(max(0, self._clock_ms() - at_ms) / 1000)
            elif acknowledged is False:
                left.append(receipt)
        return left
