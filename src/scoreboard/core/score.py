"""A score, and the one order in which scores stand."""

from msgspec import Struct

SCORE_MAX = 2**53 - 1


class Score(Struct, frozen=True, gc=False):
    """A user's total on a board in a period.

    ``seq`` and ``at`` (milliseconds) are those of the last posting that changed the total.
    """

    user_id: str
    score: int
    seq: int
    at: int

    def key(self) -> tuple[int, int]:
        """The sort key: more is better, and ties go to whoever got there first.

        No two users have the same key on one board and period: a posting changes one user.
        """
        return (-self.score, self.seq)

    def plus(self, points: int, seq: int, at: int) -> "Score":
        """The score after a posting; zero points keep the place in the order."""
        if points == 0:
            return self
        return Score(self.user_id, self.score + points, seq, at)


def in_range(score: int) -> bool:
    """Whether a score is within the exact integers of a double, the ceiling of Redis and JSON."""
    return -SCORE_MAX <= score <= SCORE_MAX
