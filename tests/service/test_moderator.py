"""What a preview tells is what happens; a reversal goes on where it was cut off."""

from collections.abc import Awaitable, Callable
from random import Random

import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.posting import Kind
from scoreboard.core.preview import PeriodMoves, RankMove
from scoreboard.core.reversal import AwardsBy, AwardsOf, OneAward
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.standing import placed_by_sorting
from scoreboard.core.user import Status
from scoreboard.errors import NotFound, ScoreLimit, Unavailable
from scoreboard.ports import Ledger, Moderation, Reversal
from scoreboard.service.moderator import Moderator
from scoreboard.service.preview import Foresight
from tests.contracts.material import (
    DAY_MS,
    FALL,
    FOUL,
    GOAL,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    append,
    award,
    put,
)

from .conftest import World

OPEN = [
    ("default", "all"),
    ("league", "2026-11"),
    ("league", "2026-11-25"),
    ("league", "2026-W48"),
    ("league", "all"),
]
KINDS = (Kind.HOLD, Kind.HIDE, Kind.BAN, Kind.RELEASE, Kind.ERASE)


async def ranks(ledger: Ledger, span: tuple[str, str]) -> dict[str, int]:
    board = (await ledger.catalogue()).boards[span[0]]
    scores: list[Score] = list(await ledger.in_order(*span, None, 1_000))
    return {row.user_id: row.rank for row in placed_by_sorting(scores, board.tie)}


async def three_days(world: World, random: Random) -> None:
    await put(world.ledger, LEAGUE, QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL)
    actions = (QUIZ, PRIZE, FALL, NOTHING, GOAL, GOAL, FOUL)
    for number in range(90):
        made = Award(
            award_id=f"a{number}",
            user_id=f"u{random.randrange(9)}",
            action=random.choice(actions),
            named=True,
            key=random.choice((None, "acme.one")),
        )
        await append(world.ledger, world.clock, made)
        world.clock.now_ms += DAY_MS // 40
    for user, kind in (("u0", Kind.HIDE), ("u1", Kind.BAN), ("u2", Kind.HOLD)):
        await world.ledger.moderate(Moderation(user, kind, "mo", "odd"))


async def ensure_foreseen(
    world: World, foreseen: list[PeriodMoves], work: Callable[[], Awaitable[object]]
) -> None:
    before = {span: await ranks(world.ledger, span) for span in OPEN}
    await work()
    expected = {}
    for span, old in before.items():
        new = await ranks(world.ledger, span)
        moved = {
            RankMove(user, old.get(user), new.get(user))
            for user in old.keys() | new.keys()
            if old.get(user) != new.get(user)
        }
        if moved:
            expected[span] = moved
    assert {(each.board, each.period): set(each.moves) for each in foreseen} == expected


@pytest.mark.parametrize("seed", range(4))
async def test_a_moderation_moves_the_ranks_that_were_foreseen(world: World, seed: int) -> None:
    random = Random(seed)
    await three_days(world, random)
    moderator, foresight = Moderator(world.ledger), Foresight(world.ledger, world.clock)
    for user in random.sample(range(9), 9):
        wanted = Moderation(f"u{user}", random.choice(KINDS), "mo", "why")
        foreseen = list(await foresight.of_moderation(wanted))
        await ensure_foreseen(world, foreseen, lambda: moderator.moderate(wanted))  # noqa: B023


@pytest.mark.parametrize("seed", range(4))
async def test_a_reversal_moves_the_ranks_that_were_foreseen(world: World, seed: int) -> None:
    random = Random(seed)
    await three_days(world, random)
    moderator, foresight = Moderator(world.ledger), Foresight(world.ledger, world.clock)
    for awards in (
        OneAward("a7"),
        OneAward("a7"),
        AwardsOf("u3", NOON + DAY_MS),
        AwardsBy("acme.one", NOON + DAY_MS // 2),
        AwardsOf("u4", 0),
    ):
        undone, foreseen = await foresight.of_reversal(awards)
        wanted = Reversal(awards, "mo", "why")
        points = await sum_of_points(world)
        await ensure_foreseen(world, list(foreseen), lambda: moderator.reverse(wanted))  # noqa: B023
        assert await sum_of_points(world) == points + undone.points


async def sum_of_points(world: World) -> int:
    spans = (("default", "all"), ("league", "all"))
    return sum(
        [score.score for span in spans for score in await world.ledger.scores(*span, None, 99)]
    )


async def test_what_is_unknown_cannot_be_foreseen(world: World) -> None:
    foresight = Foresight(world.ledger, world.clock)
    with pytest.raises(NotFound):
        await foresight.of_moderation(Moderation("nobody", Kind.HIDE, "mo", "why"))
    for awards in (OneAward("a7"), AwardsOf("nobody", 0)):
        with pytest.raises(NotFound):
            await foresight.of_reversal(awards)


async def test_a_reversal_beyond_the_range_is_foreseen(world: World) -> None:
    most = Action(action_id="most", points=SCORE_MAX)
    least = Action(action_id="least", points=-SCORE_MAX)
    await put(world.ledger, most, least)
    for name, action in (("a1", most), ("a2", least), ("a3", least)):
        await append(world.ledger, world.clock, award(name, "u1", action))
    with pytest.raises(ScoreLimit):
        await Foresight(world.ledger, world.clock).of_reversal(OneAward("a1"))


async def test_a_moderation_answers_the_status_and_whether_it_is_new(world: World) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("a1"))
    moderator = Moderator(world.ledger)
    first = await moderator.moderate(Moderation("u1", Kind.BAN, "mo", "why"))
    again = await moderator.moderate(Moderation("u1", Kind.BAN, "mo", "why"))
    assert first.status is again.status is Status.BANNED
    assert first.posting is not None
    assert again.posting is None
    assert (await moderator.moderate(Moderation("u1", Kind.ERASE, "mo", "why"))).status is None


async def test_a_reversal_that_was_cut_off_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, *(award(f"a{n}", f"u{n % 7}") for n in range(50)))
    monkeypatch.setattr("scoreboard.service.moderator.REVERSE_MAX", 8)
    wanted = Reversal(AwardsOf("u1", 0), "mo", "why")
    moderator = Moderator(world.ledger)
    part = await moderator.reverse(wanted, most=3)
    assert (part.awards, part.points) == (3, -15)
    assert part.before is not None

    def cut(_: int) -> None:
        raise Unavailable

    everything = Reversal(AwardsOf("u2", 0), "mo", "why")
    await append(world.ledger, world.clock, *(award(f"b{n}", "u2") for n in range(30)))
    with pytest.raises(Unavailable):
        await moderator.reverse(everything, seen=cut)
    sizes: list[int] = []
    rest = await moderator.reverse(everything, seen=sizes.append)
    assert rest.awards == 37 - 8
    assert sizes == [8, 8, 8, 5]
    last = await moderator.reverse(wanted, most=4)
    assert (last.awards, last.before) == (4, None)
    [score] = await world.ledger.scores_of("default", "all", ["u2"])
    assert score.score == 0
