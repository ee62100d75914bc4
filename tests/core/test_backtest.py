"""It is promised that cheats of every kind are caught and honest users are left alone: in small.

`python -m bench backtest` is the same in large, on other seeds and with other cheats.
"""

from bench.backtest import KINDS, Score, add
from bench.corpus import Mix


def test_cheats_are_caught_and_honest_users_are_left_alone() -> None:
    score = Score()
    add(score, Mix(seed="small", users=300, days=22, cases=3))
    assert score.honest_days > 900
    assert score.false_share <= 2 / score.honest_days
    assert score.recall() >= 0.8
    for kind in KINDS:
        assert score.caught[kind] >= 1, kind
