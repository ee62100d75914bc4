"""A line of the log about a request: always for our own failures, rarely for the rest."""

import itertools
from typing import NamedTuple

from scoreboard.telemetry import Event, log, now_s

REFUSALS_PER_S = 50
"""Lines about refused requests: somebody who is refused often must not fill the log."""

SERVER_ERRORS = 500
REFUSED = 400


class Seen(NamedTuple):
    """A request and its answer; ``code`` is that of a problem, ``seq`` an award's posting."""

    route: str
    method: str
    status: int
    began_s: float
    code: str | None = None
    seq: int | None = None

    def fields(self) -> dict[str, object]:
        """What the log tells of it."""
        told: dict[str, object] = {"route": self.route, "method": self.method}
        told |= {"status": self.status, "ms": round((now_s() - self.began_s) * 1000, 2)}
        more = {"code": self.code, "seq": self.seq}
        return told | {name: value for name, value in more.items() if value is not None}


class AccessLog:
    """``one_in``: of so many requests that were answered well one gets a line; 0 is none."""

    def __init__(self, one_in: int) -> None:
        self._one_in = one_in
        self._answered = itertools.count(1)
        self._second = 0
        self._refused = 0

    def note(self, seen: "Seen") -> None:
        """One request was answered: a warning for a failure of ours, info for all others."""
        if seen.status < REFUSED or seen.code is None:  # a probe is told 503, and is no failure
            if not self._one_in or next(self._answered) % self._one_in:
                return
            log().info(Event.REQUEST_ANSWERED, **seen.fields(), one_in=self._one_in)
        elif seen.status >= SERVER_ERRORS:
            log().warning(Event.REQUEST_FAILED, **seen.fields())
        elif (skipped := self._skipped()) is not None:
            log().info(Event.REQUEST_REFUSED, **seen.fields(), **skipped)

    def _skipped(self) -> dict[str, int] | None:
        """None while this second has its lines; else how many had none in the second before."""
        second = int(now_s())
        if second != self._second:
            skipped = max(0, self._refused - REFUSALS_PER_S)
            self._second, self._refused = second, 1
            return {"skipped": skipped} if skipped else {}
        self._refused += 1
        return None if self._refused > REFUSALS_PER_S else {}
