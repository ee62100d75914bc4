"""What one node knows of the hits in its limiter: to give them back, and to tell a server again."""

from bisect import insort
from collections import OrderedDict
from collections.abc import Mapping

from scoreboard.ports import Rate

SWEEP_EVERY = 1024
"""Hits between two looks at the keys that were idle longest."""

UNKNOWN = 0
"""No data began then: a caller that says so is told when it did."""

US = 1_000_000


class _Log:
    """What this node knows of one key: its own hits (even us) and the ledger's (odd), in order.

    ``told`` is when the data began into which these moments were entered.
    """

    __slots__ = ("idle_at", "moments", "rate", "told")

    def __init__(self, rate: Rate, told: int) -> None:
        self.moments: list[int] = []
        self.rate = rate
        self.told = told
        self.idle_at = 0


class HitMemory:
    """The logs of one node: what it can give back, and what a server that lost its data is told.

    Bounded by the hits granted here within their window; idle keys leave, oldest first.
    """

    def __init__(self) -> None:
        self._logs: OrderedDict[str, _Log] = OrderedDict()
        self._until_sweep = SWEEP_EVERY

    def enter(self, key: str, rate: Rate, moment: int, now: int, told: int = UNKNOWN) -> None:
        """Add a moment, which is in the data that began when ``told``; what is too old goes."""
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = _Log(rate, told)
        else:
            self._logs.move_to_end(key)
            _forget(log.moments, now - rate.window_s * US)
        insort(log.moments, moment)
        log.idle_at = now + rate.window_s * US
        if told == UNKNOWN:
            log.told = UNKNOWN
        self._sweep(now)

    def take_back(self, key: str) -> tuple[Rate, int] | None:
        """The moment of the newest hit that was granted here, which counts no more."""
        log = self._logs.get(key)
        for at in reversed(range(len(log.moments) if log else 0)):
            if log and log.moments[at] % 2 == 0:
                return log.rate, log.moments.pop(at)
        return None

    def untold(self, key: str, began: int) -> str:
        """The moments of a key that data begun then may lack, for the script."""
        log = self._logs.get(key)
        if log is None or log.told == began:
            return ""
        return " ".join(map(str, log.moments))

    def tell(self, told: Mapping[str, str], began: int) -> None:
        """Note that data begun then has these moments, unless there are others by now."""
        for key, text in told.items():
            if self.untold(key, began) == text:
                self._logs[key].told = began

    def _sweep(self, now: int) -> None:
        self._until_sweep -= 1
        if self._until_sweep:
            return
        self._until_sweep = SWEEP_EVERY
        while self._logs:
            key, log = next(iter(self._logs.items()))
            if log.idle_at > now:
                return
            del self._logs[key]


def _forget(moments: list[int], until: int) -> None:
    gone = 0
    while gone < len(moments) and moments[gone] <= until:
        gone += 1
    del moments[:gone]
