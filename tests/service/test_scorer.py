"""It is promised in which order an award is refused, and that a refusal uses nothing."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import pytest

from scoreboard.adapters.keys import SigningKeys
from scoreboard.core.action import Action
from scoreboard.core.rule import Caps
from scoreboard.errors import (
    AwardConflict,
    ForbiddenUser,
    OutcomeUnknown,
    Overloaded,
    RateLimited,
    ScoreboardError,
    ScoreLimit,
    SignatureRequired,
    SuspiciousActivity,
    Unavailable,
    UnknownAction,
    UserSuspended,
)
from scoreboard.ports import Rate
from scoreboard.service.scorer import Answer, Request, Scorer
from scoreboard.service.signatures import Signatures
from tests.contracts.material import QUIZ, put

RATE = Rate(3, 60)
KEY = "award-0000000000000001"
AUDIENCE = "https://scores.example"
SIGNING = SigningKeys(b"the secret of this service, for tests")
CAPPED = Action(action_id="capped", points=1, caps=Caps(day=1))
SIGNED = Action(action_id="signed", points=1, requires_signature=True)
MOST = Action(action_id="most", points=2**53 - 1)

ORDER: dict[str, type[ScoreboardError] | None] = {
    "another user": ForbiddenUser,
    "no signature": SignatureRequired,
    "id used for something else": AwardConflict,
    "recorded before": None,
    "no such action": UnknownAction,
    "suspended": UserSuspended,
    "rule": SuspiciousActivity,
    "rate": RateLimited,
    "score limit": ScoreLimit,
}
"""What can be the matter with an award, first the one that is answered."""

CANNOT_BE_BOTH = (
    {"id used for something else", "recorded before"},
    {"no such action", "no signature"},
    {"no such action", "recorded before"},
    {"no such action", "rule"},
    {"no such action", "score limit"},
    {"no signature", "rule"},
    {"no signature", "score limit"},
    {"rule", "score limit"},
    # Nobody can be suspended yet; whoever lets a moderator do it takes this line out.
    {"suspended", "rate"},
)


def cases() -> list[frozenset[str]]:
    chosen = chain(*(combinations(ORDER, size) for size in (1, 2, 3)))
    return [
        frozenset(matters)
        for matters in chosen
        if not any(pair <= set(matters) for pair in CANNOT_BE_BOTH)
    ]


def request(action_id: str = "quiz", *, subject: str = "alice", key: str | None = None) -> Request:
    return Request(subject, "", False, "alice", action_id, key)


@pytest.fixture
async def score(world: Any) -> Callable[[Request], Any]:
    await put(world.ledger, QUIZ, CAPPED, SIGNED, MOST)
    await world.catalogue.load()
    return scorer(world, RATE).score


def scorer(world: Any, rate: Rate, **limits: int) -> Scorer:
    return Scorer(
        world.ledger,
        world.commit(**limits),
        world.limiter,
        world.catalogue,
        Signatures(world.catalogue, AUDIENCE, SIGNING.verify, world.telemetry),
        user_rate=rate,
        service_rate=Rate(0, 60),
        clock_ms=world.clock,
        random=lambda size: next(world.random).to_bytes(size, "big"),
        telemetry=world.telemetry,
    )


@pytest.mark.parametrize("matters", cases(), ids=lambda matters: " and ".join(sorted(matters)))
async def test_the_first_matter_in_the_order_is_the_answer(
    world: Any, tmp_path: Path, score: Any, matters: frozenset[str]
) -> None:
    asked = await arrange(world, tmp_path, matters)
    used = len(world.limiter._logs.get("user:alice", (0, ()))[1])
    expected = next(error for matter, error in ORDER.items() if matter in matters)
    if expected is None:
        answer = await score(asked)
        assert answer.repeated
    else:
        with pytest.raises(expected):
            await score(asked)
    assert len(world.limiter._logs.get("user:alice", (0, ()))[1]) == used


async def arrange(world: Any, home: Path, matters: frozenset[str]) -> Request:
    """Bring about everything that is the matter; answers the request that meets it."""
    action_id = wanted_action(matters)
    free = scorer(world, Rate(0, 60))
    if "recorded before" in matters:
        await earlier(world, action_id)
    if "id used for something else" in matters:
        other = "capped" if action_id == "quiz" else "quiz"
        await free.score(request(other, key=KEY))
    if "recorded before" not in matters:  # which uses up the cap, or the range, itself
        for matter, used in (("rule", "capped"), ("score limit", "quiz")):
            if matter in matters:
                await free.score(request(used))
    if "suspended" in matters:
        suspend(home / "scoreboard.db")
    for _ in range(RATE.limit if "rate" in matters else 0):
        await world.limiter.hit("user:alice", RATE)
    subject = "mallory" if "another user" in matters else "alice"
    named = {"recorded before", "id used for something else"} & matters
    return request(action_id, subject=subject, key=KEY if named else None)


def wanted_action(matters: frozenset[str]) -> str:
    for matter, action_id in (
        ("no such action", "nope"),
        ("no signature", "signed"),
        ("rule", "capped"),
        ("score limit", "most"),
    ):
        if matter in matters:
            return action_id
    return "quiz"


async def earlier(world: Any, action_id: str) -> None:
    """The same award, recorded; where a signature is required, before it was."""
    free = scorer(world, Rate(0, 60))
    if action_id == "signed":
        await put(world.ledger, Action(action_id="signed", points=1))
        await world.catalogue.load()
    await free.score(request(action_id, key=KEY))
    if action_id == "signed":
        await put(world.ledger, SIGNED)
        await world.catalogue.load()


def suspend(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("INSERT OR IGNORE INTO users (user_id, salt) VALUES ('alice', x'00')")
        db.execute("UPDATE users SET status = 'banned' WHERE user_id = 'alice'")


# --- slots of the rate


async def left(world: Any) -> int:
    verdict = await world.limiter.hit("user:alice", RATE)
    await world.limiter.give_back("user:alice")
    return verdict.remaining + 1


async def test_an_award_takes_one_slot_and_says_what_is_left(world: Any, score: Any) -> None:
    answers: list[Answer] = [await score(request()) for _ in range(RATE.limit)]
    assert [answer.verdict.remaining for answer in answers] == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        await score(request())
    assert 1 <= refused.value.retry_after_s <= RATE.window_s


async def test_repeats_are_free_however_many(world: Any, score: Any) -> None:
    first = await score(request(key=KEY))
    repeats = [await score(request(key=KEY)) for _ in range(3 * RATE.limit)]
    assert {repeat.posting for repeat in repeats} == {first.posting}
    assert all(repeat.repeated for repeat in repeats)
    assert await left(world) == RATE.limit - 1


@pytest.mark.parametrize(
    ("failure", "used"),
    [(Unavailable(), 0), (Overloaded(), 0), (OutcomeUnknown(), 1)],
    ids=["unavailable", "overloaded", "outcome-unknown"],
)
async def test_only_an_award_that_may_be_recorded_keeps_its_slot(
    world: Any, score: Any, failure: Exception, used: int
) -> None:
    world.ledger.failures = [failure]
    with pytest.raises(type(failure)):
        await score(request())
    assert await left(world) == RATE.limit - used


async def test_a_restart_grants_nothing_twice(world: Any, score: Any) -> None:
    for _ in range(2):
        await score(request())
    trusted = Request("backend", "", True, "alice", "quiz")
    await score(trusted)
    world.limiter._logs.clear()
    world.clock.now_ms += 10_000
    again = scorer(world, RATE)
    await again.remember()
    assert await left(world) == RATE.limit - 2
    world.seconds.now_s += RATE.window_s - 10
    assert await left(world) == RATE.limit


async def test_a_trusted_caller_has_a_rate_of_its_own_and_needs_no_signature(
    world: Any, score: Any
) -> None:
    for _ in range(2 * RATE.limit):
        await score(Request("backend", "", True, "alice", "signed"))
    assert await left(world) == RATE.limit


async def test_a_key_belongs_to_the_token_that_sent_it(world: Any, score: Any) -> None:
    own = await score(request(key=KEY))
    other = await score(Request("backend", "", True, "alice", "quiz", KEY))
    elsewhere = await score(Request("backend", "issuer", True, "alice", "quiz", KEY))
    ids = {answer.posting.award_id for answer in (own, other, elsewhere)}
    assert len(ids) == 3
    assert not any(answer.repeated for answer in (own, other, elsewhere))
