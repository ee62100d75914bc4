"""Keys that are right, who may see and change them, and the commands that sign."""

import base64
import json
import sqlite3
from contextlib import closing

import pytest

from scoreboard.core.signature import base64url
from tests.service_process import Service

from .conftest import code

HMAC_SECRET = "planted-hmac-secret-000000000000"


def test_keys_that_anybody_could_sign_for_are_refused(signed_service: Service) -> None:
    for number, material in enumerate((bytes(32), b"\1" + bytes(31), b"\xff" * 32, b"short")):
        body = {"key": f"weak.k{number}", "public": base64url(material), "reason": "weak"}
        answer = signed_service.as_admin("POST", "keys", body)
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
    assert code(service.as_admin("POST", "keys", good | body)) == (400, "invalid-payload")
    assert service.as_admin("GET", "keys").json() == {"keys": []}


def test_only_an_administrator_sees_and_changes_keys(service: Service) -> None:
    for method, path in (("GET", "keys"), ("POST", "keys"), ("POST", "keys/game.k1/revoke")):
        token = {"Authorization": f"Bearer {service.token('alice', 'scores:write')}"}
        answer = service.request(method, f"/v1/admin/{path}", headers=token)
        assert code(answer) == (403, "insufficient-scope")
    missing = service.as_admin("POST", "keys/game.k1/revoke", {"reason": "?"})
    assert code(missing) == (404, "not-found")


def test_a_secret_is_in_no_answer_no_record_no_log_and_no_file_of_the_database(
    service: Service,
) -> None:
    secret = base64url(HMAC_SECRET.encode())
    body = {"key": "game.h1", "algorithm": "hmac-sha256", "secret": secret, "reason": "planted"}
    told = service.as_admin("POST", "keys", body).body
    told += service.as_admin("POST", "keys/game.h1/revoke", {"reason": "over"}).body
    told += service.as_admin("GET", "keys").body + service.as_admin("GET", "audit").body
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
