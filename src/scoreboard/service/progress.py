"""How far the ranking is behind the ledger, as the node that leads shows it."""

from collections.abc import Callable, Sequence

from scoreboard.core.posting import Posting
from scoreboard.errors import ScoreboardError
from scoreboard.ports import APPLY_MAX, Ledger
from scoreboard.service.gains import Gains
from scoreboard.telemetry import Telemetry

LOOK_EVERY_MS = 500
"""How often the head is asked for while more than one batch waits, or nothing can be applied."""


class Progress:
    """The gauges of the relay.

    The lag goes on growing while a call to the ranking hangs, and while each of them fails: it is
    the age of a posting, asked for when the metrics are read.
    """

    def __init__(self, ledger: Ledger, clock_ms: Callable[[], int], telemetry: Telemetry) -> None:
        self._ledger = ledger
        self._clock_ms = clock_ms
        self._reached: int | None = None
        self._oldest_at: int | None = None
        self._next_look_ms = 0
        self._gains = Gains()
        self._seq = telemetry.child("scoreboard_ranking_seq")
        self._ledger_seq = telemetry.child("scoreboard_ledger_seq")
        self._backlog = telemetry.child("scoreboard_relay_backlog")
        lag = telemetry.child("scoreboard_relay_lag_seconds")
        lag.set_function(self._lag_s)
        gain = telemetry.child("scoreboard_user_gain_max_points")
        gain.set_function(lambda: self._gains.most(clock_ms()))

    async def taking(self, after: int, postings: Sequence[Posting]) -> None:
        """The ranking stands at ``after``, and is about to be given these."""
        self._reached = after
        self._oldest_at = postings[0].at
        self._ledger_seq.set(postings[-1].seq)
        if len(postings) < APPLY_MAX:
            self._backlog.set(len(postings))
        else:
            await self.look()

    def taken(self, postings: Sequence[Posting]) -> None:
        """The ranking has these."""
        self._reached = postings[-1].seq
        self._gains.take(postings)

    def caught_up(self, seq: int) -> None:
        """The ranking has all that there is."""
        self._reached = seq
        self._oldest_at = None
        self._backlog.set(0)
        self._ledger_seq.set(seq)
        self._seq.set(seq)

    async def look(self) -> None:
        """Measure against the ledger itself, not more often than ``LOOK_EVERY_MS``."""
        now_ms = self._clock_ms()
        if now_ms < self._next_look_ms:
            return
        self._next_look_ms = now_ms + LOOK_EVERY_MS
        try:
            head = await self._ledger.head()
            if self._reached is None:
                self._reached = head.seq  # it was never reached from here: count from now on
            waiting = await self._ledger.postings(self._reached, 1)
        except ScoreboardError:
            return
        self._oldest_at = waiting[0].at if waiting else None
        self._backlog.set(max(0, head.seq - self._reached))

    def stand_down(self) -> None:
        """Another node leads, and measures."""
        self._reached = self._oldest_at = None
        self._backlog.set(0)
        self._gains.forget()

    def _lag_s(self) -> float:
        if self._oldest_at is None:
            return 0.0
        return max(0, self._clock_ms() - self._oldest_at) / 1000
