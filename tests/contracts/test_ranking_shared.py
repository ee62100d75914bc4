"""What every ranking promises to nodes that share it: only the newest leader changes it."""

import pytest

from scoreboard.core.score import Score
from scoreboard.errors import Deposed
from scoreboard.ports import Exit, Group, Mark, Move, Ranking

from .material import DEFAULT

EPOCH = 1


async def filled(ranking: Ranking, *scores: Score) -> None:
    await ranking.rebuild((EPOCH, 10))
    await ranking.load(Mark("default", "all", 1, 1), scores)
    await ranking.switch()


async def test_a_leader_of_an_earlier_term_is_refused(ranking: Ranking) -> None:
    await ranking.lead(2)
    await filled(ranking)
    with pytest.raises(Deposed):
        await ranking.lead(1)


async def test_the_same_leader_may_come_again(ranking: Ranking) -> None:
    await ranking.lead(2)
    await filled(ranking, Score("ada", 5, 3, 30))
    await ranking.lead(2)
    assert await ranking.place() == (EPOCH, 10)
    await ranking.lead(3)
    assert await ranking.place() == (EPOCH, 10)


async def test_a_new_leader_drops_what_was_half_rebuilt(ranking: Ranking) -> None:
    await ranking.lead(1)
    await filled(ranking, Score("ada", 5, 3, 30))
    await ranking.rebuild((EPOCH, 20))
    await ranking.load(Mark("default", "all", 1, 1), [Score("ben", 9, 4, 40)])
    await ranking.lead(2)
    assert await ranking.place() == (EPOCH, 10)
    await ranking.apply(Group(EPOCH, 10, 11, (Move("default", "all", "cy", 1, 11, 110),)))
    snapshot = await ranking.snapshot(DEFAULT, "all")
    assert snapshot is not None
    assert [row.user_id for row in snapshot.rows] == ["ada", "cy"]


async def test_the_scores_of_some_users_come_with_the_place_they_are_true_at(
    ranking: Ranking,
) -> None:
    await ranking.lead(1)
    assert await ranking.scores_of("default", "all", ["ada"]) is None
    await filled(ranking, Score("ada", 5, 3, 30), Score("ben", -2, 4, 40))
    await ranking.apply(Group(EPOCH, 10, 12, (Move("default", "all", "ada", 2, 12, 120),)))
    found = await ranking.scores_of("default", "all", ["nobody", "ben", "ada"])
    assert found is not None
    place, scores = found
    assert place == (EPOCH, 12)
    assert sorted(scores, key=Score.key) == [Score("ada", 7, 12, 120), Score("ben", -2, 4, 40)]
    assert await ranking.scores_of("default", "2026-11-23", ["ada"]) is None
    assert await ranking.scores_of("default", "all", []) == ((EPOCH, 12), [])


async def test_each_answer_tells_which_boards_are_frozen(ranking: Ranking) -> None:
    async def told() -> dict[str, int]:
        await ranking.standing(DEFAULT, "all", "ada")
        return dict(ranking.frozen)

    await ranking.lead(1)
    await filled(ranking, Score("ada", 5, 3, 30))
    assert await told() == {}
    marks = (Mark("default", "all", 11, 110),)
    await ranking.apply(Group(EPOCH, 10, 11, marks=marks, frozen={"default": 11, "other": 4}))
    assert await told() == {"default": 11, "other": 4}
    await ranking.apply(Group(EPOCH, 11, 12, (Move("default", "all", "ada", 2, 12, 120),)))
    await ranking.apply(Group(EPOCH, 12, 13, turns=(Exit("ben", 13, 130),)))
    await ranking.lead(2)
    assert await told() == {"default": 11, "other": 4}
    await ranking.apply(Group(EPOCH, 13, 14, marks=(Mark("default", "all", 14, 140),), frozen={}))
    assert await told() == {}
    await ranking.rebuild((EPOCH, 20), (), {"default": 15})
    await ranking.load(Mark("default", "all", 15, 150), [Score("ada", 9, 4, 40)])
    assert await told() == {}
    await ranking.switch()
    assert await told() == {"default": 15}
