"""It is promised that settings are tried on the newest awards, and that a trial changes nothing."""

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.reversal import OneAward
from scoreboard.core.rule import Caps
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Reversal
from scoreboard.service import trial
from scoreboard.service.moderator import Moderator
from scoreboard.service.simulation import Refusals
from scoreboard.service.trial import Trial, Trials
from tests.contracts.material import PRIZE, QUIZ, append, award, put

from .conftest import World


async def play(world: World, *awards: tuple[str, Action]) -> None:
    """One award after the other, a second apart."""
    for number, (user_id, action) in enumerate(awards):
        name = f"{user_id}-{action.action_id}-{number}-{world.clock.now_ms}"
        await append(world.ledger, world.clock, award(name, user_id, action))
        world.clock.now_ms += 1_000


async def tried(world: World, action: Action) -> Trial:
    before = await world.ledger.head(), await world.ledger.catalogue()
    found = await Trials(world.ledger).of_action(action)
    assert (await world.ledger.head(), await world.ledger.catalogue()) == before
    return found


def changed(action: Action, **settings: object) -> Action:
    return msgspec.structs.replace(action, **settings)


async def test_it_tells_refusals_and_points_of_what_was_awarded(world: World) -> None:
    await put(world.ledger, QUIZ, PRIZE)
    await play(world, ("ada", QUIZ), ("ada", QUIZ), ("ben", QUIZ), ("ada", PRIZE), ("ada", QUIZ))
    found = await tried(world, changed(QUIZ, points=50, caps=Caps(day=1)))
    assert found.awards == 4
    assert found.simulated.refused == (Refusals("quiz", "cap-day", 2),)
    assert (found.simulated.points_before, found.simulated.points_after) == (32, 112)
    assert (await tried(world, QUIZ)).simulated.points_after == 32


async def test_only_the_newest_postings_are_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "POSTINGS_MAX", 5)
    monkeypatch.setattr(trial, "PAGE", 2)
    await put(world.ledger, QUIZ)
    await play(world, *[("ada", QUIZ)] * 4)
    oldest = (await world.ledger.postings_of("ada", None, 10))[-1]
    since = world.clock.now_ms
    await play(world, *[("ben", QUIZ)] * 4)
    await Moderator(world.ledger).reverse(Reversal(OneAward(oldest.award_id), "mo", "a mistake"))
    found = await tried(world, changed(QUIZ, points=7))
    # The reversal is of an award from before, and no difference that the settings make.
    assert (found.postings, found.since, found.awards) == (4, since, 4)
    assert (found.simulated.points_before, found.simulated.points_after) == (20, 28)


async def test_a_board_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(InvalidPayload) as caught:
        await tried(world, changed(QUIZ, board="nowhere"))
    assert caught.value.pointer == "/board"


async def test_nothing_comes_of_an_empty_ledger(world: World) -> None:
    found = await tried(world, QUIZ)
    assert (found.awards, found.simulated.points_after) == (0, 0)
