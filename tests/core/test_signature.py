"""A signature has one spelling, covers everything, and names the award."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.award import idempotent_award_id
from scoreboard.core.identifier import is_key_name
from scoreboard.core.signature import Signature, base64url, from_base64url, message, parsed
from scoreboard.core.signing_key import ACTIONS_MAX, Fault, SigningAlgorithm, SigningKey
from scoreboard.errors import InvalidPayload, SignatureMalformed

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "action_signature.json").read_text("utf-8")
)
CASES = VECTORS["cases"]
MATERIAL = bytes(range(32))
PRIVATE = Ed25519PrivateKey.from_private_bytes(MATERIAL)
PUBLIC = PRIVATE.public_key().public_bytes_raw()
TS = 1_795_425_600

each_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['algorithm']}-{case['nonce'][:4]}"
)


def key(**changes: Any) -> SigningKey:
    made = SigningKey(key="game-eu.k1", algorithm=SigningAlgorithm.ED25519, material=PUBLIC)
    return msgspec.structs.replace(made, **changes)


def holds(algorithm: str, data: bytes, proof: bytes) -> bool:
    if algorithm == "hmac-sha256":
        return hmac.compare_digest(hmac.digest(MATERIAL, data, "sha256"), proof)
    try:
        PRIVATE.public_key().verify(proof, data)
    except InvalidSignature:
        return False
    return True


# --- known answers


def test_the_known_public_key_and_secret_are_those_of_the_known_seed() -> None:
    assert base64url(PUBLIC) == VECTORS["ed25519_public"]
    assert base64url(MATERIAL) == VECTORS["hmac_secret"]


@each_case
def test_the_known_headers_are_read_verified_and_written_again(case: dict[str, Any]) -> None:
    signature = parsed(case["header"].encode())
    assert (signature.key, signature.ts, signature.nonce) == (
        case["key"],
        case["ts"],
        case["nonce"],
    )
    assert base64url(signature.proof) == case["signature"]
    assert signature.header() == case["header"]
    assert signature.award_id == case["award_id"]
    data = signature.message(case["audience"], case["user_id"], case["action_id"])
    assert hashlib.sha256(data).hexdigest() == case["canonical_sha256"]
    assert holds(case["algorithm"], data, signature.proof)


def test_the_known_award_id_of_an_idempotency_key() -> None:
    known = VECTORS["idempotency_award_id"]
    found = idempotent_award_id(known["iss"], known["sub"], known["idempotency_key"])
    assert found == known["award_id"]


# --- one spelling


def malformed() -> dict[str, str]:
    good = CASES[0]["header"]
    start, proof = good.rsplit("=", 1)
    nonce = CASES[0]["nonce"]
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(proof[-1])
    parts = good.split(",")
    return {
        "empty": "",
        "no members": "key=",
        "space": good.replace(",", ", "),
        "space before": " " + good,
        "line feed after": good + "\n",
        "comma after": good + ",",
        "another order": ",".join([parts[1], parts[0], *parts[2:]]),
        "member twice": f"{parts[0]},{good}",
        "member missing": ",".join(parts[:2] + parts[3:]),
        "member more": good + ",v2=AAAA",
        "upper case": good.replace("key=", "Key="),
        "key without dot": good.replace("game-eu.k1", "game-eu"),
        "key with nothing before its dot": good.replace("game-eu.k1", ".k1"),
        "key with nothing after its dot": good.replace("game-eu.k1", "game-eu."),
        "key too long": good.replace("game-eu", "g" * 65),
        "negative time": good.replace("ts=", "ts=-"),
        "time with a plus": good.replace("ts=", "ts=+"),
        "time with leading zero": good.replace("ts=", "ts=0"),
        "time with fraction": good.replace(str(TS), f"{TS}.0"),
        "time too long": good.replace(str(TS), "1" * 13),
        "time in other digits": good.replace(str(TS), "١٧٩٥٤٢٥٦٠٠"),
        "nonce too short": good.replace(nonce, nonce[:15]),
        "nonce too long": good.replace(nonce, "n" * 65),
        "nonce with a dot": good.replace(nonce, nonce.replace("-", ".")),
        "no signature": start + "=",
        "padding": good + "==",
        "plain base64": f"{start}={proof[:-1]}+",
        "length of no base64": f"{start}={proof[:-1]}",
        "unused bits": f"{start}={proof[:-1]}"
        + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1],
    }


@pytest.mark.parametrize("header", malformed().values(), ids=malformed().keys())
def test_any_other_spelling_is_malformed(header: str) -> None:
    with pytest.raises(SignatureMalformed):
        parsed(header.encode())


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail_otherwise(data: bytes) -> None:
    with pytest.raises(SignatureMalformed):
        parsed(data)


@given(st.binary(max_size=90))
def test_base64url_has_one_spelling(data: bytes) -> None:
    assert from_base64url(base64url(data)) == data


@given(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_what_is_read_is_written_the_same(text: str) -> None:
    data = from_base64url(text)
    assert data is None or base64url(data) == text


# --- everything is covered


@each_case
@given(bit=st.integers(min_value=0))
def test_a_flipped_bit_of_the_header_is_never_the_same_accepted_award(
    case: dict[str, Any], bit: int
) -> None:
    header = bytearray(case["header"].encode())
    header[bit // 8 % len(header)] ^= 1 << bit % 8
    try:
        signature = parsed(bytes(header))
    except SignatureMalformed:
        return
    data = signature.message(case["audience"], case["user_id"], case["action_id"])
    assert not holds(case["algorithm"], data, signature.proof)


@each_case
@given(bit=st.integers(min_value=0))
def test_a_flipped_bit_of_what_is_signed_is_refused(case: dict[str, Any], bit: int) -> None:
    signature = parsed(case["header"].encode())
    data = bytearray(signature.message(case["audience"], case["user_id"], case["action_id"]))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    assert not holds(case["algorithm"], bytes(data), signature.proof)


_WORD = st.text(alphabet="ab.-_1", min_size=1, max_size=4)
_FIELDS = st.tuples(_WORD, _WORD, st.integers(0, 11), _WORD, _WORD, _WORD)


@given(_FIELDS, _FIELDS)
def test_different_fields_never_make_the_same_bytes(
    one: tuple[str, str, int, str, str, str], other: tuple[str, str, int, str, str, str]
) -> None:
    first, second = (message(*fields[:4], fields[4:]) for fields in (one, other))
    assert (first == second) == (one == other)


# --- the award


def test_the_keys_of_one_issuer_share_its_nonces() -> None:
    first = Signature("game-eu.k1", TS, "n" * 16, b"1")
    rotated = Signature("game-eu.k2.b", TS + 5, "n" * 16, b"2")
    stranger = Signature("game-us.k1", TS, "n" * 16, b"1")
    assert first.award_id == rotated.award_id
    assert first.award_id != stranger.award_id


@pytest.mark.parametrize(
    ("offset_ms", "timely"),
    [(-30_001, False), (-30_000, True), (0, True), (300_000, True), (300_001, False)],
)
def test_a_signature_is_accepted_from_300_s_ago_to_30_s_ahead(offset_ms: int, timely: bool) -> None:
    signature = Signature("game-eu.k1", TS, "n" * 16, b"")
    assert signature.is_timely(TS * 1000 + offset_ms) is timely


# --- keys


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, None),
        ({"actions": ("quiz", "boss")}, None),
        ({"actions": ("quiz",)}, Fault.ACTION_NOT_ALLOWED),
        ({"not_before": TS * 1000}, None),
        ({"not_before": TS * 1000 + 1}, Fault.KEY_OUT_OF_TIME),
        ({"not_after": TS * 1000 + 1}, None),
        ({"not_after": TS * 1000}, Fault.KEY_OUT_OF_TIME),
        ({"revoked_at": 2**53}, Fault.KEY_REVOKED),
        ({"revoked_at": 0, "actions": ("quiz",)}, Fault.KEY_REVOKED),
    ],
)
def test_what_a_key_may_sign(changes: dict[str, Any], fault: Fault | None) -> None:
    assert key(**changes).fault("boss", TS) is fault


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_a_key_never_shows_its_material(algorithm: SigningAlgorithm) -> None:
    made = key(algorithm=algorithm, material=b"do-not-print-me-do-not-print-me!")
    assert "print" not in repr(made) + str(made) + str(made.__rich_repr__())
    public = made.record().public
    assert (public is None) == (algorithm is SigningAlgorithm.HMAC_SHA256)


def test_a_key_is_put_once_and_revoked_once() -> None:
    fresh = key(actions=("quiz",), not_before=1, not_after=2)
    assert fresh.following(None) is fresh
    assert fresh.following(fresh) == fresh
    revoked = msgspec.structs.replace(fresh, revoked_at=5)
    assert revoked.following(fresh) == revoked
    later = msgspec.structs.replace(fresh, revoked_at=9)
    assert later.following(revoked) == revoked


@pytest.mark.parametrize(
    "changes",
    [
        {"material": bytes(32)},
        {"algorithm": SigningAlgorithm.HMAC_SHA256},
        {"actions": ("quiz",)},
        {"not_before": 1},
        {"not_after": 1},
    ],
    ids=str,
)
def test_a_key_never_becomes_another_one(changes: dict[str, Any]) -> None:
    for revoked_at in (None, 5):
        before = key(revoked_at=revoked_at)
        with pytest.raises(InvalidPayload) as caught:
            msgspec.structs.replace(before, **changes).following(before)
        assert caught.value.pointer == "/key"


def test_a_revoked_key_stays_revoked() -> None:
    with pytest.raises(InvalidPayload):
        key().following(key(revoked_at=5))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"material": bytes(32)}, "/public"),
        ({"material": b"\1" + bytes(31)}, "/public"),
        ({"material": PUBLIC[:31]}, "/public"),
        ({"actions": ("quiz", "quiz")}, "/actions"),
        ({"actions": tuple(f"a{n}" for n in range(ACTIONS_MAX + 1))}, "/actions"),
        ({"not_before": 5, "not_after": 5}, "/not_after"),
        ({"not_after": 0}, "/not_after"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_key_that_cannot_be_right_is_refused(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidPayload) as caught:
        key(**changes).following(None)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("name", "good"),
    [("game.k1", True), ("g.1.2", True), ("game", False), ("../x", False), ("g./", False)],
)
def test_what_a_key_may_be_called(name: str, good: bool) -> None:
    assert is_key_name(name) is good
