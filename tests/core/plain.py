"""The plainest order of scores: a list, sorted on every question."""

from collections.abc import Iterable, Sequence

from scoreboard.core.score import Score

Key = tuple[int, int]


class PlainOrder:
    """Scores in their order, each question answered by looking at all of them."""

    def __init__(self, scores: Iterable[Score]) -> None:
        self.scores = sorted(scores, key=lambda score: (-score.score, score.seq))

    def score(self, user_id: str) -> Score | None:
        return next((score for score in self.scores if score.user_id == user_id), None)

    def before(self, key: Key) -> int:
        return sum((-score.score, score.seq) < key for score in self.scores)

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        rest = [score for score in self.scores if key is None or (-score.score, score.seq) > key]
        return rest[:limit]

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        ahead = [score for score in self.scores if (-score.score, score.seq) < key]
        return ahead[max(0, len(ahead) - limit) :]

    def total(self) -> int:
        return len(self.scores)
