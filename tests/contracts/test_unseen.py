"""It is promised that a ledger's own reads leave out whoever is not shown, as the ranking does."""

import random

import pytest

from scoreboard.core.action import Action
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.score import Score
from scoreboard.core.standing import Row, placed_by_sorting
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import Ledger, Moderation

from .material import DEFAULT, QUIZ, Clock, append, award, posting_of, put

USERS = [f"u{number:02}" for number in range(14)]
STEPS = (Action(action_id="one", points=1), Action(action_id="two", points=2))


async def moderate(ledger: Ledger, user_id: str, kind: Kind) -> int:
    """Answers the posting's seq, 0 for none."""
    posting = await ledger.moderate(Moderation(user_id, kind, "tester", "for a test"))
    return posting.seq if posting else 0


class Model:
    """The scores of one board, and who of them is not shown."""

    def __init__(self) -> None:
        self.scores: dict[str, Score] = {}
        self.unseen: set[str] = set()

    def rows(self, tie: Tie, and_also: str = "") -> tuple[Row, ...]:
        hidden = self.unseen - {and_also}
        seen = [score for user_id, score in self.scores.items() if user_id not in hidden]
        return placed_by_sorting(seen, tie)

    async def add(self, ledger: Ledger, clock: Clock, number: int, user_id: str) -> None:
        action = STEPS[number % 2]
        (outcome,) = await append(ledger, clock, award(f"award-{number}", user_id, action))
        posting = posting_of(outcome)
        before = self.scores.get(user_id, Score(user_id, 0, 0, 0))
        self.scores[user_id] = before.plus(action.points, posting.seq, posting.at)

    async def turn(self, ledger: Ledger, user_id: str, kind: Kind) -> None:
        if user_id not in self.scores:
            return
        await moderate(ledger, user_id, kind)
        match kind:
            case Kind.RELEASE:
                self.unseen.discard(user_id)
            case Kind.ERASE:
                self.unseen.discard(user_id)
                del self.scores[user_id]
            case _:
                self.unseen.add(user_id)


async def ensure_shows(ledger: Ledger, model: Model) -> None:
    for tie in Tie:
        board, rows = Board(board="default", tie=tie), model.rows(tie)
        snapshot = await ledger.snapshot(board, "all")
        assert snapshot is not None
        assert snapshot.rows == rows[:10]
        assert await ledger.total(board, "all") == len(rows)
        first = await ledger.page(board, "all", None, 4)
        assert first is not None
        assert first.rows == rows[:4]
        if first.end is not None:
            second = await ledger.page(board, "all", first.end, 4)
            assert second is not None
            assert second.rows == rows[4:8]
        for row in rows:
            await ensure_stands(ledger, board, rows, row, own=False)
        for user_id in sorted(model.unseen):
            await ensure_stands_beside(ledger, board, model.rows(tie, user_id), user_id)


async def ensure_stands(
    ledger: Ledger, board: Board, rows: tuple[Row, ...], row: Row, *, own: bool
) -> None:
    standing = await ledger.standing(board, "all", row.user_id, own=own)
    assert standing is not None
    assert Row(standing.rank, standing.user_id, standing.score, standing.at) == row
    assert standing.total_users == len(rows)
    assert (standing.to_next is None) == (row.rank == 1)
    if standing.to_next is not None:
        above = min(each.score for each in rows if each.rank < row.rank)
        reached = above + (1 if board.tie is Tie.FIRST_REACHED else 0)
        assert standing.to_next.points == reached - row.score
    now = await ledger.head()
    assert await ledger.own_standing(board, "all", row.user_id) == (
        (now.epoch, now.seq),
        standing,
    )
    index = rows.index(row)
    around = await ledger.around(board, "all", row.user_id, 2, own=own)
    assert tuple(around or ()) == rows[max(0, index - 2) : index + 3]


async def ensure_stands_beside(
    ledger: Ledger, board: Board, rows: tuple[Row, ...], user_id: str
) -> None:
    for read in (
        ledger.standing(board, "all", user_id),
        ledger.around(board, "all", user_id, 2),
    ):
        with pytest.raises(NotFound):
            await read
    row = next(row for row in rows if row.user_id == user_id)
    await ensure_stands(ledger, board, rows, row, own=True)


KINDS = ("award",) * 5 + ("hold", "hide", "ban", "release", "release", "erase")


@pytest.mark.parametrize("seed", range(3))
async def test_every_read_is_that_of_a_plain_sort_of_those_who_are_shown(
    ledger: Ledger, clock: Clock, seed: int
) -> None:
    rng, model = random.Random(seed), Model()
    await put(ledger, *STEPS)
    for number in range(1, 81):
        what, user_id = rng.choice(KINDS), rng.choice(USERS)
        if what != "award":
            await model.turn(ledger, user_id, Kind(what))
        elif await is_counted(ledger, user_id):
            await model.add(ledger, clock, number, user_id)
        if number % 20 == 0:
            await ensure_shows(ledger, model)


async def is_counted(ledger: Ledger, user_id: str) -> bool:
    return (await ledger.status_of(user_id)).value != "banned"


async def test_a_top_that_somebody_left_has_the_seq_of_the_leaving(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one", "u1"), award("two", "u2"))
    gone = await moderate(ledger, "u1", Kind.HIDE)
    left = await ledger.snapshot(DEFAULT, "all")
    assert left is not None
    assert (left.seq, [row.user_id for row in left.rows]) == (gone, ["u2"])
    back = await moderate(ledger, "u1", Kind.RELEASE)
    whole = await ledger.snapshot(DEFAULT, "all")
    assert whole is not None
    assert (whole.seq, [row.user_id for row in whole.rows]) == (back, ["u1", "u2"])
    erased = await moderate(ledger, "u2", Kind.ERASE)
    page = await ledger.page(DEFAULT, "all", None, 5)
    assert page is not None
    assert (page.seq, [row.user_id for row in page.rows]) == (erased, ["u1"])


async def test_a_period_in_which_nobody_is_shown_is_not_opened_over_its_scores(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ)
    await append(ledger, clock, award("one", "u1"))
    assert await moderate(ledger, "u1", Kind.BAN)
    snapshot = await ledger.snapshot(DEFAULT, "all")
    assert snapshot is not None
    assert snapshot.rows == ()
    assert [score.user_id for score in await ledger.scores("default", "all", None, 5)] == ["u1"]


async def test_those_who_are_not_shown_do_not_use_up_what_is_counted(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count that was cut off is never taken for the number of those who are shown."""
    from scoreboard.adapters.postgres import reader  # noqa: PLC0415 - its driver may be missing

    monkeypatch.setattr(reader, "COUNT_MAX", 2)
    await put(ledger, QUIZ)
    await append(ledger, clock, *(award(f"a{n}", f"u{n}") for n in range(1, 7)))
    for user_id in ("u1", "u2"):
        await moderate(ledger, user_id, Kind.HIDE)
    standing = await ledger.standing(DEFAULT, "all", "u5")
    assert standing is not None
    assert standing.rank == 3
    try:
        sixth = await ledger.standing(DEFAULT, "all", "u6")
    except Unavailable:
        return
    assert sixth is not None
    assert sixth.rank == 4
