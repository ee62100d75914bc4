"""It is promised that an audit finds every way in which a ranking differs from the ledger."""

from collections.abc import Collection
from typing import Any

import pytest

from scoreboard.adapters.keys import is_signature
from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.ports import Group, Mark, Moderation, Return
from scoreboard.service import comparison as module
from scoreboard.service import drift
from scoreboard.service.auditor import Auditor
from scoreboard.service.comparison import Comparison
from scoreboard.service.drift import Compared
from scoreboard.service.seal_check import SealCheck
from tests.contracts.material import PRIZE, QUIZ, append, award, put

ALL = ("default", "all")
HIDDEN = "user-03"
LAP = Action(action_id="lap", points=1, board="side")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(module, "SHOWN_PAGE", 7)
    monkeypatch.setattr(module, "PAGE", 9)


@pytest.fixture
async def ranked(world: Any) -> Any:
    """Thirty users, one of them hidden, ranked."""
    await put(world.ledger, QUIZ, PRIZE)
    awards = [award(f"a{number}", f"user-{number:02d}", PRIZE) for number in range(30)]
    await append(world.ledger, world.clock, *awards)
    await world.ledger.moderate(Moderation(HIDDEN, Kind.HIDE, "tester", "for a test"))
    world.relay_of_mine = world.relay()
    await world.relay_of_mine.rebuild()
    return world


def auditor_of(world: Any) -> Auditor:
    seals = SealCheck(world.ledger, None, is_signature)
    return Auditor(world.ledger, world.ranking, seals)


async def look(world: Any) -> Compared | None:
    boards = (await world.ledger.catalogue()).boards
    return await Comparison(world.ledger, world.ranking, boards).whole(lambda _, __: None)


async def spoil(
    world: Any, *scores: Score, missing: str = "", unseen: Collection[str] = (HIDDEN,)
) -> None:
    """Put other scores into the ranking, behind the back of the ledger."""
    place = await world.ranking.place()
    known = await world.ledger.scores(*ALL, None, 100)
    wrong = {score.user_id: score for score in (*known, *scores)}
    wrong.pop(missing, None)
    await world.ranking.rebuild(place, unseen)
    await world.ranking.load(Mark(*ALL, 1, 1), list(wrong.values()))
    await world.ranking.switch()


async def test_a_ranking_that_agrees_is_the_same_hidden_users_and_all(ranked: Any) -> None:
    assert await look(ranked) == Compared(same=31)


@pytest.mark.parametrize(
    ("wrong", "missing", "unseen"),
    [
        ([Score("user-07", 13, 9, 0)], "", [HIDDEN]),
        ([Score("ghost", 1, 9, 0)], "", [HIDDEN]),
        ([], "user-29", [HIDDEN]),
        ([Score(HIDDEN, 13, 9, 0)], "", [HIDDEN]),
        ([], HIDDEN, [HIDDEN]),
        ([], "", [HIDDEN, "user-04"]),
    ],
    ids=[
        "another score",
        "somebody whom the ledger does not know",
        "somebody left out",
        "another score of somebody hidden",
        "somebody hidden left out",
        "hidden by the ranking alone",
    ],
)
async def test_a_difference_is_found(
    ranked: Any, wrong: list[Score], missing: str, unseen: list[str]
) -> None:
    await spoil(ranked, *wrong, missing=missing, unseen=unseen)
    found = await look(ranked)
    assert found is not None
    assert found.different == 1
    audit = await auditor_of(ranked).audit()
    assert audit.ranking == found
    assert not audit.right


async def test_somebody_hidden_who_is_shown_is_found(ranked: Any) -> None:
    place = await ranked.ranking.place()
    await ranked.ranking.apply(Group(*place, place[1] + 1, turns=(Return(HIDDEN, 0, 0),)))
    found = await look(ranked)
    assert found is not None
    # Once for being among the shown, once for the row.
    assert found.different == 2


async def test_a_score_left_of_somebody_hidden_is_found_though_nobody_sees_it(ranked: Any) -> None:
    await put(ranked.ledger, Board(board="side"), LAP)
    await append(ranked.ledger, ranked.clock, award("elsewhere", "zoe", LAP))
    await ranked.ledger.moderate(Moderation("zoe", Kind.HIDE, "tester", "for a test"))
    await ranked.relay_of_mine.follow()
    await spoil(ranked, Score("zoe", 1, 9, 0), unseen=[HIDDEN, "zoe"])
    # And the other board, which the spoilt ranking does not hold.
    assert await look(ranked) == Compared(same=32, different=2)


async def test_an_open_period_that_the_ranking_lost_is_found(ranked: Any) -> None:
    await ranked.ranking.forget(*ALL)
    assert await look(ranked) == Compared(same=1, different=30)


async def test_what_is_on_its_way_is_no_difference(ranked: Any) -> None:
    await append(ranked.ledger, ranked.clock, award("late", "user-05"), award("new", "zoe"))
    for user_id, kind in (("user-06", Kind.HIDE), ("user-07", Kind.ERASE)):
        await ranked.ledger.moderate(Moderation(user_id, kind, "tester", "for a test"))
    found = await look(ranked)
    assert found is not None
    assert found.different == 0
    assert found.moving >= 2
    await ranked.relay_of_mine.follow()
    assert await look(ranked) == Compared(same=32)


async def test_a_ranking_that_has_to_be_rebuilt_is_not_compared(world: Any) -> None:
    assert await look(world) is None
    audit = await auditor_of(world).audit()
    assert audit.ranking is None
    assert audit.right
