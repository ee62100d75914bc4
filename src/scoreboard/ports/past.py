"""What a ledger tells of the past: how scores came about, and where users stood."""

from collections.abc import Sequence
from typing import Protocol

from scoreboard.core.board import Board
from scoreboard.core.past import Account
from scoreboard.core.posting import Posting
from scoreboard.core.score import Score
from scoreboard.core.standing import Standing
from scoreboard.core.window import Period

ACCOUNT_MAX = 100_000
"""How many of a user's newest postings are added up to explain a score."""

PAST_MAX = 1_000_000
"""Between how many postings the past is looked for, from the period's start up to the place."""


class Past(Protocol):
    """Reads of the postings themselves, for the few who ask; each true at one place.

    Users who were erased since are in no answer: nobody knows their names.
    """

    async def account_of(self, board: str, period: Period, user_id: str) -> Account:
        """How a user's score came about, shown or not.

        From at most ``ACCOUNT_MAX`` postings of the user on the board, the newest.

        Raises:
            NotFound: the user has no score in it.
        """
        ...

    async def posting_at(self, at_ms: int) -> Posting:
        """The last posting up to a moment.

        Raises:
            NotFound: the ledger begins later.
        """
        ...

    async def top_at(self, board: Board, period: Period, seq: int, limit: int) -> Sequence[Score]:
        """The first scores as they stood at a seq, of those who were shown then.

        Raises:
            Unavailable: also, when it would take over ``PAST_MAX`` postings.
        """
        ...

    async def standing_at(self, board: Board, period: Period, seq: int, user_id: str) -> Standing:
        """A user's standing at a seq.

        Raises:
            NotFound: the user had no score in it, or was not shown then.
            Unavailable: also, when it would take over ``PAST_MAX`` postings.
        """
        ...
