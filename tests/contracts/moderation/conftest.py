"""A ledger with boards and actions, and what a moderator does to it."""

import pytest_asyncio

from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import Awards
from scoreboard.core.score import Score
from scoreboard.ports import Ledger, Moderation, Reversal
from tests.contracts.material import FALL, FOUL, GOAL, LEAGUE, NOTHING, PRIZE, QUIZ, put

ALL = ("default", "all")
LEAGUE_SPANS = (
    ("league", "2026-11"),
    ("league", "2026-11-23"),
    ("league", "2026-W48"),
    ("league", "all"),
)


@pytest_asyncio.fixture(autouse=True)
async def catalogue(ledger: Ledger) -> None:
    await put(ledger, LEAGUE, QUIZ, PRIZE, FALL, NOTHING, GOAL, FOUL)


async def moderate(ledger: Ledger, kind: Kind, user_id: str = "u1") -> Posting | None:
    return await ledger.moderate(Moderation(user_id, kind, "mo", f"why {kind}"))


async def take_back(ledger: Ledger, awards: Awards, limit: int = 1_000) -> list[Posting]:
    postings: list[Posting] = []
    before: int | None = None
    while True:
        taken = await ledger.reverse(Reversal(awards, "mo", "why reverse"), before, limit)
        postings += taken.postings
        before = taken.before
        if before is None:
            return postings


async def score_of(ledger: Ledger, user_id: str, span: tuple[str, str] = ALL) -> Score | None:
    found = await ledger.scores_of(*span, [user_id])
    return found[0] if found else None


def signed(award_id: str, user_id: str, key: str, action: Action = QUIZ) -> Award:
    return Award(award_id=award_id, user_id=user_id, action=action, named=True, key=key)
