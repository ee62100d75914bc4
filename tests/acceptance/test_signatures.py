"""It is promised that points which need a signature cannot be faked, stolen or counted twice."""

import base64
import hmac
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scoreboard.client.signing import HEADER, Signer, new_private, public_of
from scoreboard.core.signature import base64url, from_base64url, message
from scoreboard.core.signing_key import SigningAlgorithm
from tests.cluster import Cluster
from tests.service_process import Answer, Service, eventually

AUDIENCE = "https://scores.example"
ENV = {"SCOREBOARD_AUDIENCE": AUDIENCE}
HMAC_SECRET = "planted-hmac-secret-000000000000"
REPLAYS = 50


@pytest.fixture
def signed_service(service_factory: Callable[..., Service]) -> Service:
    service = service_factory(ENV)
    prepare(service)
    return service


def prepare(service: Service) -> None:
    """Two keys of one issuer, one of another, one for quizzes alone; an action that wants one."""
    service.put("actions/boss", {"points": 500, "requires_signature": True})
    for name, algorithm, actions in (
        ("game.k1", "ed25519", []),
        ("game.k2", "ed25519", []),
        ("other.k1", "hmac-sha256", []),
        ("quiz.k1", "ed25519", ["quiz"]),
    ):
        add_key(service, name, algorithm, actions)


def add_key(service: Service, name: str, algorithm: str, actions: list[str]) -> None:
    """What ``scoreboard key new`` does, without a process of its own."""
    private = new_private(SigningAlgorithm(algorithm))
    place = "public" if algorithm == "ed25519" else "secret"
    body = {
        "key": name,
        "algorithm": algorithm,
        place: base64url(public_of(private)),
        "actions": actions,
        "reason": "for a test",
    }
    assert admin(service, "POST", "keys", body).status == 200
    file = service.data / "keys" / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(private)


def signer(service: Service, key: str = "game.k1", *, audience: str = AUDIENCE) -> Signer:
    return Signer.from_file(key, service.data / "keys" / key, audience=audience)


def award(
    service: Service,
    signature: str,
    user: str = "alice",
    action: str = "boss",
    **options: Any,
) -> Answer:
    return service.award(user, action, headers={HEADER: signature}, **options)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def seconds_ago(age_s: int) -> int:
    return int(time.time()) - age_s


# --- what is right


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
    path = Path(__file__).parents[1] / "vectors" / "action_signature.json"
    known = json.loads(path.read_text("utf-8"))["cases"][0]
    add_key(signed_service, known["key"], "ed25519", [])
    made = signer(signed_service, known["key"]).sign("alice", "boss", nonce=known["nonce"])
    assert award(signed_service, made).headers["award-id"] == known["award_id"]


def test_the_known_keys_are_taken_by_the_administrator(signed_service: Service) -> None:
    path = Path(__file__).parents[1] / "vectors" / "action_signature.json"
    known = json.loads(path.read_text("utf-8"))
    for case, material in (
        (known["cases"][0], {"public": known["ed25519_public"]}),
        (known["cases"][2], {"algorithm": "hmac-sha256", "secret": known["hmac_secret"]}),
    ):
        body = {"key": case["key"], "reason": "known", **material}
        assert admin(signed_service, "POST", "keys", body).status == 200
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


# --- every field and header, flipped


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
    public = admin(service, "GET", "keys").json()["keys"]
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


# --- time


def test_a_signature_is_good_from_300_s_ago_to_30_s_ahead(signed_service: Service) -> None:
    for age_s, expected in ((-40, 403), (-20, 200), (0, 200), (290, 200), (310, 403)):
        made = signer(signed_service).sign("alice", "boss", ts=seconds_ago(age_s))
        answer = award(signed_service, made)
        assert answer.status == expected, age_s
        if expected == 403:
            assert code(answer) == (403, "signature-expired")


def test_a_replay_after_it_expired_gets_the_stored_answer(signed_service: Service) -> None:
    # Nobody waits here for five minutes: the same award, signed as it would have been long ago.
    nonce = "replayed-after-0001"
    first = award(signed_service, signer(signed_service).sign("alice", "boss", nonce=nonce))
    old = signer(signed_service).sign("alice", "boss", nonce=nonce, ts=seconds_ago(10_000))
    again = award(signed_service, old)
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    forged_old = old[:-6] + ("AAAAAA" if not old.endswith("AAAAAA") else "BBBBBA")
    assert award(signed_service, forged_old).status in (400, 403)
    fresh = signer(signed_service).sign("alice", "boss", ts=seconds_ago(10_000))
    assert code(award(signed_service, fresh)) == (403, "signature-expired")


def test_a_key_signs_in_its_time_only(signed_service: Service) -> None:
    key = "late.k1"
    private = new_private(SigningAlgorithm.ED25519)
    made, own = Signer(key, private, audience=AUDIENCE), base64url(public_of(private))
    body = {"key": key, "public": own, "reason": "a season", "not_after": utc(seconds_ago(5))}
    assert admin(signed_service, "POST", "keys", body).status == 200
    assert code(award(signed_service, made.sign("alice", "boss"))) == (403, "action-rejected")
    in_time = made.sign("alice", "boss", ts=seconds_ago(30))
    assert award(signed_service, in_time).status == 200


def utc(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


# --- at once, on two nodes


def replayed_at_once(nodes: list[Service], signature: str) -> None:
    token = nodes[0].token("alice")

    def replay(number: int) -> tuple[int, bytes, str]:
        answer = award(nodes[number % len(nodes)], signature, token=token)
        return answer.status, answer.body, answer.headers.get("award-id", "")

    with ThreadPoolExecutor(REPLAYS) as pool:
        answers = set(pool.map(replay, range(4 * REPLAYS)))
    assert len(answers) == 1
    ((status, body, _),) = answers
    assert (status, body) == (200, b'{"success":true,"new_score":500}')


def revoked_on_the_other_node(one: Service, two: Service) -> None:
    """The first award after a revocation anywhere is refused; replays are within seconds."""
    made = signer(one)
    signature = made.sign("alice", "boss")
    assert award(two, signature).status == 200
    answer = admin(one, "POST", "keys/game.k1/revoke", {"reason": "it leaked"})
    assert answer.status == 200
    assert code(award(two, made.sign("alice", "boss"))) == (403, "action-rejected")
    assert code(award(one, made.sign("alice", "boss"))) == (403, "action-rejected")
    eventually(lambda: award(two, signature).status == 403)
    assert award(two, signer(one, "game.k2").sign("alice", "boss")).status == 200
    again = admin(one, "POST", "keys/game.k1/revoke", {"reason": "again"})
    assert again.json() == answer.json()


def test_two_nodes_on_one_file_count_a_replay_once_and_see_a_revocation(
    service_factory: Callable[..., Service],
) -> None:
    one = service_factory(ENV)
    prepare(one)
    two = service_factory(
        {
            **ENV,
            "SCOREBOARD_LEDGER": f"sqlite:{one.data / 'scoreboard.db'}",
            "SCOREBOARD_SECRET_FILE": str(one.data / "secret"),
        }
    )
    replayed_at_once([one, two], signer(one).sign("alice", "boss"))
    revoked_on_the_other_node(one, two)


def test_two_nodes_on_postgres_count_a_replay_once_and_see_a_revocation(
    cluster_factory: Callable[..., Cluster],
) -> None:
    one, two = cluster_factory("redis").started(2, ENV)
    prepare(one)
    replayed_at_once([one, two], signer(one).sign("alice", "boss"))
    revoked_on_the_other_node(one, two)


# --- keys


def admin(service: Service, method: str, path: str, body: object = None) -> Answer:
    token = service.token("admin", "scores:admin")
    return service.request(
        method,
        f"/v1/admin/{path}",
        body=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )


def head(service: Service) -> Any:
    return service.get("/v1/ledger/head").json()


def test_keys_that_anybody_could_sign_for_are_refused(signed_service: Service) -> None:
    for number, material in enumerate((bytes(32), b"\1" + bytes(31), b"\xff" * 32, b"short")):
        body = {"key": f"weak.k{number}", "public": base64url(material), "reason": "weak"}
        answer = admin(signed_service, "POST", "keys", body)
        assert code(answer) == (400, "invalid-payload")
        assert answer.json()["pointer"] == "/public"


@pytest.mark.parametrize(
    "body",
    [
        {"public": None},
        {"secret": base64url(b"s" * 32)},
        {"public": base64url(b"k" * 32) + "="},
        {"algorithm": "hmac-sha256", "public": base64url(b"k" * 32)},
        {"algorithm": "hmac-sha256", "secret": base64url(b"too short")},
        {"algorithm": "rs256"},
        {"key": "nodot"},
        {"actions": ["a", "a"]},
        {"not_before": "2027-01-01T00:00:00Z", "not_after": "2026-01-01T00:00:00Z"},
        {"not_after": "2027-01-01T00:00:00"},
        {"reason": ""},
        {"revoked_at": None},
    ],
    ids=str,
)
def test_a_key_that_is_not_right_is_refused(service: Service, body: dict[str, object]) -> None:
    good = {"key": "game.k7", "reason": "new", "public": base64url(b"k" * 32)}
    assert code(admin(service, "POST", "keys", good | body)) == (400, "invalid-payload")
    assert admin(service, "GET", "keys").json() == {"keys": []}


def test_only_an_administrator_sees_and_changes_keys(service: Service) -> None:
    for method, path in (("GET", "keys"), ("POST", "keys"), ("POST", "keys/game.k1/revoke")):
        token = {"Authorization": f"Bearer {service.token('alice', 'scores:write')}"}
        answer = service.request(method, f"/v1/admin/{path}", headers=token)
        assert code(answer) == (403, "insufficient-scope")
    missing = admin(service, "POST", "keys/game.k1/revoke", {"reason": "?"})
    assert code(missing) == (404, "not-found")


def test_a_secret_is_in_no_answer_no_record_no_log_and_no_file_of_the_database(
    service: Service,
) -> None:
    secret = base64url(HMAC_SECRET.encode())
    body = {"key": "game.h1", "algorithm": "hmac-sha256", "secret": secret, "reason": "planted"}
    told = admin(service, "POST", "keys", body).body
    told += admin(service, "POST", "keys/game.h1/revoke", {"reason": "over"}).body
    told += admin(service, "GET", "keys").body + admin(service, "GET", "audit").body
    told += service.get("/metrics").body + service.command("key", "list", "--json").stdout.encode()
    with closing(sqlite3.connect(service.data / "scoreboard.db")) as db:
        told += "\n".join(db.iterdump()).encode()
    told += service.log().encode()
    for file in service.data.glob("scoreboard.db*"):
        told += file.read_bytes()
    for spelling in (HMAC_SECRET, secret, HMAC_SECRET.encode().hex()):
        assert spelling.encode() not in told
        assert spelling.upper().encode() not in told
    assert base64.b64encode(HMAC_SECRET.encode()) not in told


def test_the_commands_sign_award_list_and_revoke(service: Service) -> None:
    service.put("actions/boss", {"points": 500, "requires_signature": True})
    service.command("key", "new", "game", "--actions", "boss", "--expires", "90d")
    file = service.data / "keys" / "game"
    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    again = service.command("key", "new", "game", check=False)
    assert (again.returncode, "another key of this name" in again.stderr) == (1, True)
    signature = service.command("sign", "alice", "boss").stdout.strip()
    assert signature.startswith("key=game.main,ts=")
    done = service.command("award", "alice", "boss", "--signature", signature, "--url", service.url)
    assert "500 points" in done.stdout
    assert "game.main" in service.command("key", "list").stdout
    service.command("key", "revoke", "game", "--reason", "over")
    (listed,) = json.loads(service.command("key", "list", "--json").stdout)
    assert listed["revoked_at"] is not None
    refused = service.command(
        "award", "alice", "boss", "--url", service.url, "--signature",
        service.command("sign", "alice", "boss", "--key", "game").stdout.strip(), check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert service.command("sign", "alice", "boss", "--key", "nobody", check=False).returncode == 1
