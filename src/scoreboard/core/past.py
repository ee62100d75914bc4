"""How a score came about, and where users stood at an earlier place of the ledger."""

from msgspec import Struct

from scoreboard.core.board import Tie
from scoreboard.core.score import Score
from scoreboard.core.standing import Next, Row, Standing


class ActionSum(Struct, frozen=True, gc=False):
    """What a user's postings of one action come to; times in milliseconds, of what counts."""

    action_id: str
    awards: int
    reversed: int
    points: int
    first_at: int
    last_at: int


class Account(Struct, frozen=True):
    """A score and the postings behind it, by action, the most points first; true at a place."""

    epoch: int
    seq: int
    score: Score
    actions: tuple[ActionSum, ...]

    @property
    def complete(self) -> bool:
        """Whether every posting that counts is in it."""
        return sum(action.points for action in self.actions) == self.score.score


class Explanation(Struct, frozen=True):
    """How a score came about, where it stands, and who has the same, in order."""

    board: str
    period: str
    tie: Tie
    account: Account
    standing: Standing | None
    tied: tuple[Row, ...]


class Counted(Struct, frozen=True, gc=False):
    """A score among others, by counting.

    ``above`` are greater; ``equals`` are equal and were there first; ``next_score`` is the least
    that is greater, and ``next_above`` are greater than that.
    """

    own: Score
    above: int
    equals: int
    total: int
    next_score: int | None
    next_above: int


def standing_of(counted: Counted, tie: Tie) -> Standing:
    """The standing that follows; the same as ``core.standing.standing_in`` of the whole order."""
    own, to_the_first = counted.own, tie is Tie.FIRST_REACHED
    ahead = counted.above + (counted.equals if to_the_first else 0)
    above: Next | None = None
    if to_the_first and counted.equals:
        above = Next(counted.above + 1, 1)
    elif counted.next_score is not None:
        reached = counted.next_score + (1 if to_the_first else 0)
        above = Next(counted.next_above + 1, reached - own.score)
    return Standing(ahead + 1, own.user_id, own.score, own.at, counted.total, above)
