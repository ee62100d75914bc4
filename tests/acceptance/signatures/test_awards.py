"""A signed award counts once, by whoever signed it; what is signed wrongly counts never."""

import hmac
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scoreboard.client.signing import HEADER, Signer
from scoreboard.core.signature import base64url, from_base64url, message
from tests.service_process import Answer, Service

from .conftest import AUDIENCE, add_key, award, code, head, seconds_ago, signer


@pytest.mark.parametrize("key", ["game.k1", "other.k1"], ids=["ed25519", "hmac-sha256"])
def test_a_signed_award_counts_once_and_says_who_signed_it(
    signed_service: Service, key: str
) -> None:
    signature = signer(signed_service, key).sign("alice", "boss")
    first = award(signed_service, signature)
    assert (first.status, first.body) == (200, b'{"success":true,"new_score":500}')
    again = award(signed_service, signature)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["award-id"] == first.headers["award-id"]
    token = {"Authorization": f"Bearer {signed_service.token('alice')}"}
    posting = signed_service.request("GET", first.headers["location"], headers=token).json()
    assert posting["key"] == key
    assert "caller" not in posting


def test_the_award_id_is_that_of_the_known_answers(signed_service: Service) -> None:
    path = Path(__file__).parents[2] / "vectors" / "action_signature.json"
    known = json.loads(path.read_text("utf-8"))["cases"][0]
    add_key(signed_service, known["key"], "ed25519", [])
    made = signer(signed_service, known["key"]).sign("alice", "boss", nonce=known["nonce"])
    assert award(signed_service, made).headers["award-id"] == known["award_id"]


def test_the_known_keys_are_taken_by_the_administrator(signed_service: Service) -> None:
    path = Path(__file__).parents[2] / "vectors" / "action_signature.json"
    known = json.loads(path.read_text("utf-8"))
    for case, material in (
        (known["cases"][0], {"public": known["ed25519_public"]}),
        (known["cases"][2], {"algorithm": "hmac-sha256", "secret": known["hmac_secret"]}),
    ):
        body = {"key": case["key"], "reason": "known", **material}
        assert signed_service.as_admin("POST", "keys", body).status == 200
        # Signed in another year: believed, and too old.
        answer = award(signed_service, case["header"], case["user_id"], case["action_id"])
        assert code(answer) == (403, "signature-expired")
        other = award(signed_service, case["header"], "u_43", case["action_id"])
        assert code(other) == (403, "action-rejected")


def test_a_rotated_key_of_the_same_issuer_repeats_the_same_award(signed_service: Service) -> None:
    nonce = "rotation-0000000001"
    first = award(signed_service, signer(signed_service).sign("alice", "boss", nonce=nonce))
    rotated = signer(signed_service, "game.k2").sign("alice", "boss", nonce=nonce)
    again = award(signed_service, rotated)
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    other = signer(signed_service, "other.k1").sign("alice", "boss", nonce=nonce)
    assert award(signed_service, other).json()["new_score"] == 1000


def test_a_nonce_signed_again_for_something_else_is_a_conflict(signed_service: Service) -> None:
    nonce = "conflict-0000000001"
    award(signed_service, signer(signed_service).sign("alice", "boss", nonce=nonce))
    for user, action in (("alice", "quiz"), ("bob", "boss")):
        other = signer(signed_service).sign(user, action, nonce=nonce)
        assert code(award(signed_service, other, user, action)) == (409, "award-conflict")


def test_scores_write_needs_no_signature_but_one_that_is_sent_is_verified(
    signed_service: Service,
) -> None:
    backend = signed_service.token("backend", "scores:write")
    assert signed_service.award("alice", "boss", token=backend).status == 200
    wrong = signer(signed_service, audience="elsewhere").sign("alice", "boss")
    assert code(award(signed_service, wrong, token=backend)) == (403, "action-rejected")
    right = signer(signed_service).sign("alice", "boss")
    assert award(signed_service, right, token=backend).json()["new_score"] == 1000
    assert award(signed_service, right).json()["new_score"] == 1000


def variants(header: str) -> Iterator[tuple[str, str]]:
    """The header with each character replaced by two others, and its members mixed up."""
    for place, character in enumerate(header):
        for other in {chr(ord(character) ^ 1), chr(ord(character) ^ 2)} - {"\n", "\r", "\0"}:
            if " " <= other <= "~":
                changed = header[:place] + other + header[place + 1 :]
                yield f"{place}: {character!r} to {other!r}", changed
    for place in range(len(header)):
        yield f"without {place}", header[:place] + header[place + 1 :]


def test_no_flipped_character_of_the_header_is_believed(signed_service: Service) -> None:
    header = signer(signed_service).sign("alice", "boss")
    token = signed_service.token("alice")
    before = head(signed_service)

    def attempt(pair: tuple[str, str]) -> tuple[str, int, str]:
        answer = award(signed_service, pair[1], token=token)
        return pair[0], answer.status, answer.json().get("code", "")

    with ThreadPoolExecutor(8) as pool:
        for name, status, problem in pool.map(attempt, variants(header)):
            expected = {(400, "signature-malformed"), (403, "action-rejected")}
            assert (status, problem) in expected, name
    assert head(signed_service) == before
    assert award(signed_service, header, token=token).json()["new_score"] == 500


def forged(service: Service) -> dict[str, tuple[str, str, str]]:
    """Signatures that are somebody's, but not for this award: header, user, action."""
    good = signer(service)
    mine = good.sign("alice", "boss")
    key, ts, nonce, proof = (part.partition("=")[2] for part in mine.split(","))
    hmac_key = (service.data / "keys" / "other.k1").read_text().strip()
    public = service.as_admin("GET", "keys").json()["keys"]
    (material,) = [each["public"] for each in public if each["key"] == "game.k1"]

    def header(proof: str, key: str = key) -> str:
        return f"key={key},ts={ts},nonce={nonce},v1={proof}"

    def confused(secret: str, key: str) -> str:
        """An HMAC with what is known to everybody, or to another key."""
        data = message(AUDIENCE, key, int(ts), nonce, ("alice", "boss"))
        return header(base64url(hmac.digest(from_base64url(secret) or b"", data, "sha256")), key)

    order = 2**252 + 27742317777372353535851937790883648493
    raw = from_base64url(proof) or b""
    second = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
    stolen = (service.data / "keys" / "game.k2").read_text()
    return {
        "of another user": (good.sign("bob", "boss"), "alice", "boss"),
        "of another action": (good.sign("alice", "quiz"), "alice", "boss"),
        "for another audience": (
            signer(service, audience="https://staging.example").sign("alice", "boss"),
            "alice",
            "boss",
        ),
        "for the audience by default": (
            signer(service, audience="scoreboard").sign("alice", "boss"),
            "alice",
            "boss",
        ),
        "of another key of the issuer": (header(proof, "game.k2"), "alice", "boss"),
        "under another key's name": (
            Signer("game.k1", stolen, audience=AUDIENCE).sign("alice", "boss"),
            "alice",
            "boss",
        ),
        "of a key that does not exist": (
            Signer("game.k9", stolen, audience=AUDIENCE).sign("alice", "boss"),
            "alice",
            "boss",
        ),
        "of a key that may not": (
            signer(service, "quiz.k1").sign("alice", "boss"),
            "alice",
            "boss",
        ),
        "the public key as a secret": (confused(material, "game.k1"), "alice", "boss"),
        "HMAC under an Ed25519 key": (confused(hmac_key, "game.k1"), "alice", "boss"),
        "Ed25519 under an HMAC key": (header(proof, "other.k1"), "alice", "boss"),
        "a second spelling of the numbers": (header(base64url(second)), "alice", "boss"),
        "nothing but zeros": (header(base64url(bytes(64))), "alice", "boss"),
        "of one byte": (header(base64url(b"\0")), "alice", "boss"),
        "cut short": (header(base64url(raw[:-1])), "alice", "boss"),
        "with something behind": (header(base64url(raw + b"\0")), "alice", "boss"),
    }


def test_every_forged_signature_gets_the_same_answer(signed_service: Service) -> None:
    before = head(signed_service)
    bodies = set()
    for name, (header, user, action) in forged(signed_service).items():
        answer = award(signed_service, header, user, action)
        assert code(answer) == (403, "action-rejected"), name
        bodies.add(re.sub(rb"urn:uuid:[0-9a-f-]+", b"", answer.body))
        shown = {field for field in answer.headers if field != "date"}
        assert shown == {"content-type", "content-length", "cache-control", *safe(answer)}, name
    assert len(bodies) == 1
    assert head(signed_service) == before
    reasons = {
        reason: float(count)
        for reason, count in re.findall(
            r'scoreboard_signature_failures_total\{reason="([a-z-]+)"\} (\S+)',
            signed_service.get("/metrics").body.decode(),
        )
        if float(count)
    }
    assert reasons == {"unknown-key": 1, "mismatch": 14, "action-not-allowed": 1}


def safe(answer: Answer) -> set[str]:
    return {"x-content-type-options", "vary", "server"} & set(answer.headers)


def test_what_else_is_wrong_comes_in_the_order_of_the_contract(signed_service: Service) -> None:
    good = signer(signed_service).sign("alice", "boss")
    bad = signer(signed_service, audience="x").sign("alice", "boss")
    both = award(signed_service, good, key="order-0000000000000001")
    assert code(both) == (400, "invalid-parameter")
    assert code(award(signed_service, good, token="x.y.z")) == (401, "invalid-token")
    mallory = signed_service.token("mallory")
    assert code(award(signed_service, "key=1", token=mallory)) == (400, "signature-malformed")
    assert code(award(signed_service, bad, token=mallory)) == (403, "forbidden-user")
    assert code(award(signed_service, bad, action="nope")) == (403, "action-rejected")
    nope = signer(signed_service).sign("alice", "nope")
    assert code(award(signed_service, nope, action="nope")) == (400, "unknown-action")
    old = signer(signed_service).sign("alice", "nope", ts=seconds_ago(1000))
    assert code(award(signed_service, old, action="nope")) == (403, "signature-expired")
    twice = signed_service.request(
        "POST",
        "/v1/scores",
        body=b'{"user_id":"alice","action_id":"boss"}',
        headers={
            "Authorization": f"Bearer {signed_service.token('alice')}",
            "Content-Type": "application/json",
            HEADER: good,
            HEADER.lower(): good,
        },
    )
    assert code(twice) == (400, "signature-malformed")
    assert code(signed_service.award("alice", "boss")) == (403, "signature-required")
