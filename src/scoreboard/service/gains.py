"""The most that one user gained within a minute: what a sudden spike is seen by."""

from collections.abc import Sequence

from scoreboard.core.posting import Kind, Posting

MINUTE_MS = 60_000

USERS_MAX = 100_000
"""Users counted in one minute; more are not looked at."""


class Gains:
    """Adds up the points of each user in the present minute of the ledger's clock."""

    def __init__(self) -> None:
        self._minute = 0
        self._gained: dict[str, int] = {}
        self._most = self._most_before = 0

    def take(self, postings: Sequence[Posting]) -> None:
        """Count these postings, which come in the ledger's order."""
        for posting in postings:
            if posting.kind is Kind.AWARD and posting.user_id is not None and posting.points > 0:
                self._turn(posting.at // MINUTE_MS)
                self._add(posting.user_id, posting.points)

    def most(self, now_ms: int) -> int:
        """The greatest gain of one user in the present minute or in the one before."""
        self._turn(now_ms // MINUTE_MS)
        return max(self._most, self._most_before)

    def forget(self) -> None:
        """Another node counts now."""
        self._gained.clear()
        self._most = self._most_before = 0

    def _turn(self, minute: int) -> None:
        if minute <= self._minute:
            return
        self._most_before = self._most if minute == self._minute + 1 else 0
        self._most = 0
        self._minute = minute
        self._gained.clear()

    def _add(self, user_id: str, points: int) -> None:
        gained = self._gained.get(user_id, 0)
        if gained == 0 and len(self._gained) >= USERS_MAX:
            return
        self._gained[user_id] = gained + points
        self._most = max(self._most, gained + points)
