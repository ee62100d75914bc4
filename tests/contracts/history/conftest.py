"""A ledger to move, one to move it to, and histories made by hand."""

import contextlib
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from scoreboard.core.board import Board
from scoreboard.core.history import Count, Counts, Line, Origin, Person, Tally
from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsOf, OneAward
from scoreboard.core.score import Score
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.window import Window
from scoreboard.errors import NotFound
from scoreboard.ports import Ledger, Moderation, Opening, Part, Reversal
from scoreboard.service import history as format_of
from tests.contracts.conftest import LEDGERS, OpenLedger, on_server
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
    Clock,
    append,
    award,
    put,
    turn,
)

SEALED = SigningKey(
    key="game.h1",
    algorithm=SigningAlgorithm.HMAC_SHA256,
    material=bytes(range(60)),
    actions=("quiz", "goal"),
    not_after=2**53 - 1,
)


@pytest.fixture(scope="session", params=LEDGERS.values(), ids=[f"to-{name}" for name in LEDGERS])
def open_target(request: pytest.FixtureRequest) -> OpenLedger:
    return on_server(request)


@pytest_asyncio.fixture
async def target(open_target: OpenLedger, tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    home = tmp_path / "target"
    home.mkdir()
    async with open_target(home, clock) as opened:
        yield opened


async def parts_of(ledger: Ledger) -> list[Part]:
    return [part async for page in ledger.history() for part in page]


async def paged(parts: Iterable[Part]) -> AsyncIterator[Sequence[Part]]:
    page: list[Part] = []
    for part in parts:
        if page and type(part) is not type(page[0]):
            yield page
            page = []
        page.append(part)
    if page:
        yield page


async def exported(ledger: Ledger) -> bytes:
    out = io.BytesIO()
    await format_of.write(ledger.history(), out.write, lambda _: None)
    return out.getvalue()


async def live(ledger: Ledger, clock: Clock) -> None:
    """Two days with everything in them that a ledger knows today."""
    await put(ledger, msgspec.structs.replace(LEAGUE, windows=(Window.ALL, Window.WEEK)), GOAL)
    await put(ledger, QUIZ, PRIZE, FALL, NOTHING, FOUL, SEALED)
    await put(ledger, msgspec.structs.replace(SEALED, revoked_at=NOON))
    actions = (QUIZ, GOAL, NOTHING, FALL, PRIZE, FOUL, GOAL)
    for day in range(3):
        for number in range(12):
            users = (f"user-{number % (7 + day)}", f"Ünïque@{day}"[1:].replace("ï", "i"), "Zed")
            group = [
                award(f"{day}-{number}-{place}", user, actions[(number + place) % len(actions)])
                for place, user in enumerate(users)
            ]
            await append(ledger, clock, *group)
            clock.now_ms += 1_000
        if day == 1:
            await put(ledger, LEAGUE, msgspec.structs.replace(QUIZ, points=6, cooldown_s=1))
        await ledger.open_periods([Opening("league", f"2026-11-{24 + day}")])
        clock.now_ms += DAY_MS
        await moderated(ledger, day)
        await turn(ledger, "league", frozen=day != 1)
    await ledger.new_epoch("tester", "in the middle of it")
    await append(ledger, clock, award("of-the-new-epoch", "user-1"))


async def moderated(ledger: Ledger, day: int) -> None:
    for kind, user_id in (
        (Kind.HOLD, f"user-{day}"),
        (Kind.BAN, f"user-{day + 4}"),
        (Kind.RELEASE, "user-0"),
        (Kind.ERASE, "user-6"),
    ):
        with contextlib.suppress(NotFound):
            await ledger.moderate(Moderation(user_id, kind, "mo", f"day {day}"))
    await ledger.forget_erased((await ledger.head()).seq)
    for awards in (OneAward(f"{day}-2-2"), AwardsOf("user-4", NOON + DAY_MS // 2)):
        await ledger.reverse(Reversal(awards, "mo", f"day {day}"))


def line(seq: int, kind: Kind = Kind.AWARD, *, at: int = NOON, **columns: Any) -> Line:
    award_id = columns.pop("award_id", f"award-{seq}")
    return Line(seq=seq, epoch=NOON, award_id=award_id, kind=kind, at=at, **columns)


def crafted(
    boards: Iterable[Board],
    people: Sequence[Person],
    scores: dict[tuple[str, str], list[Score]],
    lines: Sequence[Line],
) -> list[Part]:
    """A history with the tallies of these scores."""
    boards = list(boards)
    counts = Counts(
        boards=len(boards),
        actions=0,
        audit=0,
        users=len(people),
        periods=len(scores),
        postings=len(lines),
    )
    origin = Origin(epoch=NOON, seq=lines[-1].seq, at=lines[-1].at, catalogue=3, counts=counts)
    return [origin, *boards, *people, *(tallied(*span, scores[span]) for span in scores), *lines]


def tallied(board: str, period: str, scores: Sequence[Score]) -> Tally:
    count = Count()
    count.add(scores)
    return count.tally(board, period, (0, 0))


LITTLE = [
    line(1, Kind.BOARD, board="default"),
    line(2, points=5, user_ref=1, board="default"),
    line(3, points=5, user_ref=1, board="default"),
]
ADA = [Person(1, "ada", b"salt", "active")]
DEFAULT = [Board(board="default")]
TEN = {("default", "all"): [Score("ada", 10, 3, NOON)]}
