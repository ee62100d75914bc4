"""What the suites are made of: clocks that stand still, boards, actions, awards, plain models."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from hypothesis import Phase

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome, Recorded, Refused
from scoreboard.core.board import Board, Freeze, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rules import Rules
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import Window
from scoreboard.errors import ScoreboardError
from scoreboard.ports import Change, Ledger, Prepared

NOON = 1_795_435_200_000  # 2026-11-23T12:00:00Z, a Monday
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

QUIZ = Action(action_id="quiz", points=5)
PRIZE = Action(action_id="prize", points=12)
FALL = Action(action_id="fall", points=-7)
NOTHING = Action(action_id="nothing", points=0)
DEFAULT = Board(board="default")
LEAGUE = Board(board="league", tie=Tie.SHARED, windows=tuple(Window), time_zone="America/New_York")
GOAL = Action(action_id="goal", points=3, board="league")
FOUL = Action(action_id="foul", points=-2, board="league")

Span = tuple[str, str]

WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""Making a long failing history shorter takes longer than the two minutes of a test."""


class Clock:
    """A ledger's clock in milliseconds, moved by hand."""

    def __init__(self, now_ms: int = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


class ManualSeconds:
    """A limiter's clock in seconds, moved by hand in steps that are exact in binary."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def award(
    award_id: str, user_id: str = "u1", action: Action = QUIZ, *, named: bool = True
) -> Award:
    return Award(award_id=award_id, user_id=user_id, action=action, named=named)


async def put(ledger: Ledger, *subjects: Action | Board | SigningKey) -> None:
    for subject in subjects:
        await ledger.change(Change(subject, "tester", "for a test"))


async def turn(ledger: Ledger, board: str, *, frozen: bool) -> Freeze | None:
    """Freeze a board or reveal it; answers since when it is frozen."""
    before = (await ledger.catalogue()).boards[board]
    await ledger.change(Change(before, "tester", "the last hour", frozen))
    return (await ledger.catalogue()).boards[board].frozen


async def append(ledger: Ledger, clock: Clock, *awards: Award) -> tuple[Outcome, ...]:
    catalogue = await ledger.catalogue()
    at = max(clock(), (await ledger.head()).at)
    named = {award.action.board for award in awards}
    periods = {board: catalogue.boards[board].periods_at(at) for board in named}
    rules = Rules.of(catalogue.boards.values(), catalogue.keys.values())
    return tuple(await ledger.append(awards, Prepared(catalogue.version, periods, rules)))


def posting_of(outcome: Outcome) -> Posting:
    assert isinstance(outcome, Recorded), outcome
    return outcome.posting


def error_of(outcome: Outcome) -> ScoreboardError:
    assert isinstance(outcome, Refused), outcome
    return outcome.error


async def all_postings(ledger: Ledger, page: int = 1_000) -> list[Posting]:
    found: list[Posting] = []
    while more := await ledger.postings(found[-1].seq if found else 0, page):
        found.extend(more)
    return found


async def all_scores(ledger: Ledger, span: Span, page: int = 1_000) -> list[Score]:
    found: list[Score] = []
    while more := await ledger.scores(*span, found[-1].user_id if found else None, page):
        found.extend(more)
    return found


def sums(postings: Iterable[Posting], boards: dict[str, Board]) -> dict[Span, dict[str, Score]]:
    """Every score there should be, from the postings alone."""
    scores: dict[Span, dict[str, Score]] = defaultdict(dict)
    for posting in postings:
        if posting.kind not in (Kind.AWARD, Kind.REVERSE) or posting.user_id is None:
            continue
        for period in boards[posting.board].periods_at(posting.counts_at):
            users = scores[posting.board, period.name]
            before = users.get(posting.user_id)
            if before is None:
                users[posting.user_id] = Score(
                    posting.user_id, posting.points, posting.seq, posting.at
                )
            elif posting.points:
                users[posting.user_id] = Score(
                    posting.user_id, before.score + posting.points, posting.seq, posting.at
                )
    return dict(scores)


async def ensure_sums(ledger: Ledger) -> Sequence[Posting]:
    """The scores are exactly the sums of the postings, which have no gap; answers the postings."""
    postings = await all_postings(ledger)
    assert [posting.seq for posting in postings] == list(range(1, len(postings) + 1))
    assert (await ledger.head()).seq == len(postings)
    boards = dict((await ledger.catalogue()).boards)
    for span, users in sums(postings, boards).items():
        found = {score.user_id: score for score in await all_scores(ledger, span)}
        assert found == users, span
    return postings
