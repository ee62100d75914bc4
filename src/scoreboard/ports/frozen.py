"""What a ledger tells of frozen boards: scores as they were, and who came or went since."""

from collections.abc import Sequence
from typing import Protocol

from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.window import Period


class Frozen(Protocol):
    """Reads that make a ranking as of a seq, and keep it right about who is shown.

    Raises:
        Unavailable: it cannot be read.
    """

    async def scores_at(
        self, board: str, period: Period, seq: int, after: str | None, limit: int
    ) -> Sequence[Score]:
        """Scores by user id, after a user id, exactly as they stood at a seq: shown or not.

        From the scores of now, less what came since: it costs a look at the postings after the
        seq of those users whose score has changed since. Whoever got the first points later is
        not in it, nor who was erased since: nobody knows their names. In this order nobody is
        missed or met twice, however scores move while pages are read.
        """
        ...

    async def turns(self, after: int, upto: int) -> Sequence[Posting]:
        """What may change a frozen board, with after < seq <= upto, in order.

        All postings about users (hold ... erase), of boards' settings (board) and of their reveals:
        few.
        """
        ...
