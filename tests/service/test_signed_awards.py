"""It is promised that a signature is judged in its place, and by keys that are still good."""

import asyncio
import hashlib
from collections.abc import Callable
from itertools import product
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoreboard.client.signing import Signer, new_private, public_of
from scoreboard.core.action import Action
from scoreboard.core.signature import Signature, parsed
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.errors import (
    ActionRejected,
    AwardConflict,
    ForbiddenUser,
    RateLimited,
    ScoreboardError,
    SignatureExpired,
    SignatureRequired,
    UnknownAction,
)
from scoreboard.ports import Change, Rate
from scoreboard.service.scorer import Request
from tests.contracts.material import NOON, QUIZ, put
from tests.service.test_scorer import AUDIENCE, RATE, SIGNED, SIGNING, scorer

PRIVATE = new_private(SigningAlgorithm.ED25519)
KEY = SigningKey(key="game.k1", algorithm=SigningAlgorithm.ED25519, material=public_of(PRIVATE))
SIGNER = Signer("game.k1", PRIVATE, audience=AUDIENCE)
NONCE = "nonce-0000000000001"
NOW_S = NOON // 1000
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

ORDER: dict[str, type[ScoreboardError] | None] = {
    "another user": ForbiddenUser,
    "not genuine": ActionRejected,
    "nonce used for something else": AwardConflict,
    "recorded before": None,
    "too old": SignatureExpired,
    "no such action": UnknownAction,
    "rate": RateLimited,
}


def revoked(at: int = NOON) -> SigningKey:
    return msgspec.structs.replace(KEY, revoked_at=at)


def signed(
    action_id: str = "quiz",
    *,
    subject: str = "alice",
    trusted: bool = False,
    by: Signer = SIGNER,
    nonce: str | None = NONCE,
    ts: int = NOW_S,
) -> Request:
    header = by.sign("alice", action_id, nonce=nonce, ts=ts)
    signature = parsed(header.encode())
    return Request(subject, "", trusted, "alice", action_id, signature=signature)


@pytest.fixture
async def score(world: Any) -> Callable[[Request], Any]:
    await put(world.ledger, QUIZ, SIGNED, Action(action_id="other", points=1), KEY)
    await world.catalogue.load()
    return scorer(world, RATE).score


def cases() -> list[frozenset[str]]:
    chosen = (
        frozenset(name for name, there in zip(ORDER, bits, strict=True) if there)
        for bits in product((False, True), repeat=len(ORDER))
    )
    both = {"nonce used for something else", "recorded before"}
    never = {"recorded before", "no such action"}
    return [each for each in chosen if each and not both <= each and not never <= each]


@pytest.mark.parametrize("matters", cases(), ids=lambda matters: " and ".join(sorted(matters)))
async def test_the_first_matter_in_the_order_is_the_answer(
    world: Any, score: Any, matters: frozenset[str]
) -> None:
    action_id = "nope" if "no such action" in matters else "quiz"
    free = scorer(world, Rate(0, 60))
    if "recorded before" in matters:
        await free.score(signed(action_id))
    if "nonce used for something else" in matters:
        await free.score(signed("other"))
    for _ in range(RATE.limit if "rate" in matters else 0):
        await world.limiter.hit("user:alice", RATE)
    asked = signed(
        action_id,
        subject="mallory" if "another user" in matters else "alice",
        by=Signer("game.k1", PRIVATE, audience="x") if "not genuine" in matters else SIGNER,
        ts=NOW_S - 301 if "too old" in matters else NOW_S,
    )
    expected = next(error for matter, error in ORDER.items() if matter in matters)
    if expected is None:
        assert (await score(asked)).repeated
        return
    with pytest.raises(expected):
        await score(asked)


async def test_an_action_may_require_a_signature_of_whom_it_does_not_trust(
    world: Any, score: Any
) -> None:
    bare = Request("alice", "", False, "alice", "signed")
    with pytest.raises(SignatureRequired):
        await score(bare)
    assert world.metric("scoreboard_signature_failures_total", "missing") == 1
    answer = await score(signed("signed"))
    assert (answer.posting.key, answer.posting.caller) == ("game.k1", None)
    assert not (
        await score(msgspec.structs.replace(bare, subject="backend", trusted=True))
    ).repeated


async def test_a_signature_of_a_trusted_caller_is_verified_too(world: Any, score: Any) -> None:
    with pytest.raises(ActionRejected):
        await score(signed(trusted=True, subject="backend", by=Signer("game.k1", PRIVATE)))
    answer = await score(signed(trusted=True, subject="backend"))
    assert (answer.posting.key, answer.posting.caller) == ("game.k1", "backend")
    assert (await score(signed())).repeated


async def test_a_key_of_another_process_is_known_at_once(world: Any, score: Any) -> None:
    private = new_private(SigningAlgorithm.HMAC_SHA256)
    sealed = SIGNING.sealed("game.h1", public_of(private))
    key = SigningKey(key="game.h1", algorithm=SigningAlgorithm.HMAC_SHA256, material=sealed)
    await world.ledger._ledger.change(Change(key, "tester", "beside the service"))
    answer = await score(signed(by=Signer("game.h1", private, audience=AUDIENCE)))
    assert answer.posting.key == "game.h1"


async def test_a_key_of_another_process_is_known_to_all_who_come_at_once(
    world: Any, score: Any
) -> None:
    private = new_private(SigningAlgorithm.ED25519)
    key = SigningKey(key="game.k2", algorithm=SigningAlgorithm.ED25519, material=public_of(private))
    await world.ledger._ledger.change(Change(key, "tester", "beside the service"))
    by = Signer("game.k2", private, audience=AUDIENCE)
    free = scorer(world, Rate(0, 60))
    answers = await asyncio.gather(*(free.score(signed(by=by)) for _ in range(20)))
    assert len({answer.posting.award_id for answer in answers}) == 1
    assert sum(not answer.repeated for answer in answers) == 1


async def test_a_secret_sealed_for_another_key_or_service_signs_nothing(
    world: Any, score: Any
) -> None:
    private = new_private(SigningAlgorithm.HMAC_SHA256)
    secret = public_of(private)
    for name, material in (
        ("game.h1", SIGNING.sealed("game.h2", secret)),
        ("game.h3", secret),
        ("game.h4", b""),
    ):
        await put(
            world.ledger,
            SigningKey(key=name, algorithm=SigningAlgorithm.HMAC_SHA256, material=material),
        )
        await world.catalogue.load()
        with pytest.raises(ActionRejected):
            await score(signed(by=Signer(name, private, audience=AUDIENCE)))


async def test_what_the_decoy_would_have_signed_is_of_an_unknown_key(
    world: Any, score: Any
) -> None:
    # Its private half is the number 1: with R as the base point too, S is 1 + SHA-512(R, A, M).
    base = b"\x58" + b"\x66" * 31
    unsigned = Signature("nobody.k1", NOW_S, NONCE, b"")
    data = unsigned.message(AUDIENCE, "alice", "quiz")
    challenge = int.from_bytes(hashlib.sha512(base + base + data).digest(), "little")
    proof = base + ((1 + challenge) % GROUP_ORDER).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(base).verify(proof, data)
    for name in ("nobody.k1", "nobody.0"):
        forged = msgspec.structs.replace(unsigned, key=name, proof=proof)
        with pytest.raises(ActionRejected):
            await score(Request("alice", "", False, "alice", "quiz", signature=forged))
    assert world.metric("scoreboard_signature_failures_total", "unknown-key") == 2


async def test_the_first_award_after_a_revocation_elsewhere_is_refused(
    world: Any, score: Any
) -> None:
    await score(signed())
    await world.ledger._ledger.change(Change(revoked(), "tester", "on another node"))
    with pytest.raises(ActionRejected):
        await score(signed(nonce=None))
    assert (await world.ledger.head()).seq == 2
    with pytest.raises(ActionRejected):  # and from now on what is recorded, too
        await score(signed())


async def test_a_key_revoked_while_its_award_waits_fails_no_other_award(
    world: Any, score: Any, until: Callable[..., Any]
) -> None:
    world.ledger.gate.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(score(Request("alice", "", False, "alice", "quiz")))
        await until(lambda: world.ledger.groups)
        waiting = group.create_task(_caught(score, signed()))
        beside = group.create_task(score(Request("alice", "", False, "alice", "other")))
        await until(lambda: world.waiting() == 2)
        await world.ledger._ledger.change(Change(revoked(), "tester", "on another node"))
        world.ledger.gate.set()
    assert isinstance(waiting.result(), ActionRejected)
    assert not first.result().repeated
    assert beside.result().posting.action_id == "other"
    assert world.metric("scoreboard_signature_failures_total", "mismatch") == 0


async def _caught(score: Any, request: Request) -> Exception | None:
    try:
        await score(request)
    except ScoreboardError as error:
        return error
    return None


async def test_a_retry_after_the_end_of_its_key_gets_the_stored_answer(
    world: Any, score: Any
) -> None:
    private = new_private(SigningAlgorithm.ED25519)
    key = SigningKey(
        key="season.k1",
        algorithm=SigningAlgorithm.ED25519,
        material=public_of(private),
        not_after=NOON + 10_000,
    )
    await put(world.ledger, key)
    await world.catalogue.load()
    by = Signer("season.k1", private, audience=AUDIENCE)
    first = await score(signed(by=by))
    world.clock.now_ms += 3_600_000
    again = await score(signed(by=by))
    assert (again.posting, again.repeated) == (first.posting, True)
    with pytest.raises(ActionRejected):
        await score(signed(by=by, nonce=None, ts=NOW_S + 3_600))
    with pytest.raises(SignatureExpired):
        await score(signed(by=by, nonce=None))
