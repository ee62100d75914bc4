"""Bearer tokens: the good ones are understood, and nothing else is believed."""

import asyncio
from collections.abc import Sequence
from typing import Any, get_args

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.core.token import Algorithm, VerificationKey
from scoreboard.errors import InvalidToken
from scoreboard.web.tokens import KEYS_HELD_MAX, Caller, Reason, TokenVerifier
from tests.web.token_attacks import (
    AUDIENCE,
    CLAIMS,
    DAY_S,
    ED_KEY,
    HEADERS,
    ISSUER,
    KEYS,
    NOW,
    attacks,
    compact,
    good,
)

ATTACKS = attacks()


class Held:
    """A source with keys in hand that counts how often it is asked."""

    def __init__(self, *keys: VerificationKey) -> None:
        self.keys = keys
        self.asked = 0

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        self.asked += 1
        return [key for key in self.keys if key.serves(kid, algorithm)]


class Careless(Held):
    """A source that hands out all its keys, whatever was asked for."""

    async def candidates(self, kid: str | None, algorithm: Algorithm) -> Sequence[VerificationKey]:
        return self.keys


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def verifier(
    source: Held | None = None, clock: Time | None = None, **changed: Any
) -> TokenVerifier:
    settings = {"issuer": ISSUER, "audience": AUDIENCE} | changed
    return TokenVerifier(source or Held(*KEYS), clock=clock or Time(), **settings)


def caller(token: str, **changed: Any) -> Caller:
    return asyncio.run(verifier(**changed).verify(token))


def reason(token: object, **changed: Any) -> str:
    with pytest.raises(InvalidToken) as refusal:
        caller(token, **changed)  # type: ignore[arg-type]
    assert type(refusal.value) is InvalidToken
    assert refusal.value.reason in get_args(Reason)
    return refusal.value.reason


@pytest.mark.parametrize("name", HEADERS)
def test_a_token_of_another_library_is_understood(name: str) -> None:
    assert caller(good(name)) == Caller("alice", ISSUER, frozenset(), NOW + 3600)


def test_ed25519_may_be_called_by_its_new_name() -> None:
    header = {"alg": "Ed25519", "kid": "ed"}
    assert caller(compact(header, CLAIMS, ED_KEY.sign)).subject == "alice"


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_is_believed(attack: str) -> None:
    reason(ATTACKS[attack])


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "confused" in name])
def test_a_careless_source_does_not_confuse_algorithms(attack: str) -> None:
    reason(ATTACKS[attack], source=Careless(*KEYS))


def test_all_refusals_look_the_same_but_for_the_reason() -> None:
    refusals = []
    for token in ATTACKS.values():
        with pytest.raises(InvalidToken) as refusal:
            caller(token)
        refusals.append(refusal.value)
    assert {(each.code, each.detail()) for each in refusals} == {
        (InvalidToken.code, InvalidToken.detail())
    }
    assert {each.reason for each in refusals} == set(get_args(Reason)) - {"missing"}


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        ("encoding-too-long", "too-long"),
        ("encoding-jwe", "malformed"),
        ("encoding-trailing-bits-1", "malformed"),
        ("header-jku-'https://evil.example/jwks'", "header"),
        ("alg-'none'", "algorithm"),
        ("kid-'HS'", "unknown-key"),
        ("hs-stranger", "signature"),
        ("claims-duplicate-sub", "claims"),
        ("exp-at-leeway", "expired"),
        ("nbf-after-leeway", "not-yet-valid"),
        ("iat-after-leeway", "not-yet-valid"),
        ("life-over-a-day", "lifetime"),
        ("iss-missing", "issuer"),
        ("aud-missing", "audience"),
        ("sub-missing", "subject"),
    ],
)
def test_a_refusal_names_its_reason_for_the_log(attack: str, expected: str) -> None:
    assert reason(ATTACKS[attack]) == expected


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 29, "iat": NOW - 60},
        {"exp": NOW + 60.5, "iat": NOW - 0.5},
        {"iat": NOW + 30},
        {"nbf": NOW + 30},
        {"iat": NOW - DAY_S + 5, "exp": NOW + 5},
        {"iat": None, "exp": NOW + DAY_S},
        {"aud": ["other", AUDIENCE]},
        {"anything": {"else": [None]}},
    ],
)
def test_the_edge_of_what_is_allowed_is_allowed(claims: dict[str, Any]) -> None:
    assert caller(good(**claims)).subject == "alice"


def test_a_token_of_exactly_4_kib_is_read() -> None:
    length = max(n for n in range(2500, 3200) if len(good(pad="x" * n)) <= 4096)
    assert len(good(pad="x" * length)) >= 4095
    assert caller(good(pad="x" * length)).subject == "alice"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT"])
def test_the_type_may_be_said(typ: str) -> None:
    assert caller(compact(HEADERS["hs"] | {"typ": typ}, CLAIMS)).subject == "alice"


def test_header_members_that_ask_for_nothing_are_ignored() -> None:
    header = {"alg": "HS256", "x5t": "abc", "nonce": "n", "zoneinfo": 3}
    assert caller(compact(header, CLAIMS)).subject == "alice"


def test_known_scopes_are_kept_and_others_ignored() -> None:
    scope = "openid scores:write  scores:admin scores:admin admin Scores:read"
    assert caller(good(scope=scope)).scopes == {"scores:write", "scores:admin"}


def test_issuer_and_audience_are_free_when_not_configured() -> None:
    token = good(iss=None, aud=["whoever"])
    assert caller(token, issuer=None, audience=None).issuer == ""
    hostile = compact(HEADERS["hs"], CLAIMS | {"iss": "\ud800"})
    assert reason(hostile, issuer=None, audience=None) == "issuer"
    assert reason(compact(HEADERS["hs"], CLAIMS | {"iss": "x" * 257}), issuer=None) == "issuer"


def test_without_a_kid_every_key_of_the_algorithm_is_tried() -> None:
    strangers = [VerificationKey(str(n), Algorithm.HS256, bytes([n]) * 40) for n in range(5)]
    token = jwt.encode(CLAIMS, KEYS[3].material, "HS256")
    assert caller(token, source=Held(*strangers, *KEYS)).subject == "alice"
    assert reason(token, source=Held(*strangers)) == "signature"


def test_more_keys_than_are_held_still_verify() -> None:
    strangers = [
        VerificationKey(None, Algorithm.HS256, n.to_bytes(40, "big"))
        for n in range(KEYS_HELD_MAX + 1)
    ]
    assert caller(good(), source=Held(*strangers, *KEYS)).subject == "alice"


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_changing_one_character_never_makes_another_caller(data: st.DataObject) -> None:
    token = good(data.draw(st.sampled_from(sorted(HEADERS))))
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    reason(token[:place] + other + token[place + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(st.text("Aw.-_=e30", max_size=8)).map(".".join))
def test_any_text_is_refused_and_never_an_accident(text: str) -> None:
    reason(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "zip", "x5c", "x5t"]), JSON),
    st.dictionaries(st.sampled_from([*CLAIMS, "nbf", "scope"]), JSON),
)
def test_any_signed_content_is_understood_or_refused(header: Any, claims: Any) -> None:
    token = compact(HEADERS["hs"] | header, CLAIMS | claims)
    try:
        found = caller(token)
    except InvalidToken as refusal:
        assert refusal.reason in get_args(Reason)  # noqa: PT017 - both ends are fine
    else:
        assert found.subject == (CLAIMS | claims)["sub"]


async def test_a_verified_token_is_remembered_for_a_minute() -> None:
    clock, source = Time(), Held(*KEYS)
    subject = verifier(source, clock)
    token = good()
    assert subject.cached(token) is None
    first = await subject.verify(token)
    clock.now += 59.9
    assert subject.cached(token) is first
    assert await subject.verify(token) is first
    assert source.asked == 1
    clock.now += 0.1
    assert subject.cached(token) is None
    assert await subject.verify(token) == first
    assert source.asked == 2


async def test_a_remembered_token_is_forgotten_when_it_expires() -> None:
    clock = Time()
    subject = verifier(clock=clock)
    token = good(exp=NOW + 10)
    await subject.verify(token)
    clock.now = NOW + 10
    assert subject.cached(token) is None
    assert (await subject.verify(token)).subject == "alice"
    assert subject.cached(token) is None
    clock.now = NOW + 40
    with pytest.raises(InvalidToken):
        await subject.verify(token)


async def test_a_clock_set_back_prolongs_nothing() -> None:
    clock = Time()
    subject = verifier(clock=clock)
    token = good()
    await subject.verify(token)
    clock.now -= 3600
    assert subject.cached(token) is None


async def test_a_key_that_is_gone_is_believed_for_a_minute_at_most() -> None:
    clock, source = Time(), Held(*KEYS)
    subject = verifier(source, clock)
    token = good()
    await subject.verify(token)
    source.keys = ()
    assert (await subject.verify(token)).subject == "alice"
    clock.now += 60
    with pytest.raises(InvalidToken):
        await subject.verify(token)


async def test_the_memory_is_bounded_and_drops_the_oldest() -> None:
    subject = verifier(cache_max=3)
    tokens = [good(jti=str(n)) for n in range(5)]
    for token in tokens:
        await subject.verify(token)
    assert [subject.cached(token) is not None for token in tokens] == [
        False,
        False,
        True,
        True,
        True,
    ]


async def test_refused_tokens_are_not_remembered() -> None:
    subject = verifier(cache_max=1)
    token = good()
    await subject.verify(token)
    for attack in ("hs-stranger", "aud-missing", "exp-at-leeway"):
        with pytest.raises(InvalidToken):
            await subject.verify(ATTACKS[attack])
        assert subject.cached(ATTACKS[attack]) is None
    assert subject.cached(token) is not None


async def test_memory_can_be_switched_off() -> None:
    subject = verifier(cache_max=0)
    token = good()
    await subject.verify(token)
    assert subject.cached(token) is None
