"""An award, from the request to every screen, through the real process."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.service_process import Service, eventually


def test_an_award_answers_exactly_what_the_brief_says(service: Service) -> None:
    answer = service.award("alice", "quiz")
    assert answer.status == 200
    assert answer.body == b'{"success":true,"new_score":10}'
    assert answer.headers["location"] == f"/v1/awards/{answer.headers['award-id']}"


def test_an_award_is_on_the_board_and_in_the_history(service: Service) -> None:
    award = service.award("alice", "quiz")

    def rows() -> list[dict[str, object]]:
        return service.get("/v1/scoreboard").json()["rows"]

    (row,) = eventually(rows)
    assert (row["rank"], row["user_id"], row["score"]) == (1, "alice", 10)
    token = {"Authorization": f"Bearer {service.token('alice')}"}
    posting = service.request("GET", award.headers["location"], headers=token).json()
    assert (posting["user_id"], posting["action_id"], posting["points"]) == ("alice", "quiz", 10)
    assert posting["score_after"] == 10


def test_a_retry_with_the_same_key_gets_the_same_bytes_and_counts_once(service: Service) -> None:
    first = service.award("alice", "quiz", key="order-0000000000000001")
    service.award("alice", "quiz")
    again = service.award("alice", "quiz", key="order-0000000000000001")
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    assert service.award("alice", "quiz").json()["new_score"] == 30


def test_a_key_used_again_for_something_else_is_a_conflict(service: Service) -> None:
    service.award("alice", "quiz", key="order-0000000000000001")
    other = service.award("alice", "slip", key="order-0000000000000001")
    assert (other.status, other.json()["code"]) == (409, "award-conflict")


def test_a_thousand_replays_at_once_count_once(service: Service) -> None:
    token = service.token("alice")

    def replay(_: int) -> bytes:
        return service.award("alice", "quiz", token=token, key="order-0000000000000001").body

    with ThreadPoolExecutor(16) as pool:
        bodies = set(pool.map(replay, range(200)))
    assert bodies == {b'{"success":true,"new_score":10}'}


def test_the_rate_is_kept_over_a_restart_and_refusals_use_nothing(
    service_factory: Callable[..., Service],
) -> None:
    service = service_factory({"SCOREBOARD_USER_RATE": "3/60s"})
    assert [service.award("alice", "nope").status for _ in range(4)] == [400] * 4
    key = "order-0000000000000001"
    statuses = [service.award("alice", "quiz", key=key).status for _ in range(5)]
    assert statuses == [200] * 5
    assert [service.award("alice", "quiz").status for _ in range(3)] == [200, 200, 429]
    refused = service.award("alice", "quiz")
    assert refused.json()["code"] == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert service.award("alice", "quiz", key=key).status == 200
    assert service.award("bob", "quiz").status == 200
    assert service.stop() == 0
    service.start()
    assert service.award("alice", "quiz").status == 429


def test_an_address_has_a_rate_of_its_own(service_factory: Callable[..., Service]) -> None:
    service = service_factory({"SCOREBOARD_IP_RATE": "20/60s"})
    statuses = [service.get("/v1/scoreboard").status for _ in range(25)]
    assert statuses.count(429) >= 5
    assert service.get("/readyz").status == 200


def test_rules_of_an_action_refuse_with_403(service: Service) -> None:
    service.put("actions/daily", {"points": 5, "caps": {"day": 2}})
    service.put("actions/slow", {"points": 5, "cooldown_s": 3600})
    assert [service.award("alice", "daily").status for _ in range(3)] == [200, 200, 403]
    assert service.award("alice", "slow").status == 200
    refused = service.award("alice", "slow")
    assert (refused.status, refused.json()["code"]) == (403, "suspicious-activity")
    assert service.award("bob", "slow").status == 200


def test_who_may_award_whom(service: Service) -> None:
    other = service.award("bob", "quiz", token=service.token("alice"))
    assert (other.status, other.json()["code"]) == (403, "forbidden-user")
    backend = service.token("backend", "scores:write")
    assert service.award("bob", "quiz", token=backend).status == 200
    nobody = service.award("bob", "quiz", token="x.y.z")
    assert (nobody.status, nobody.headers["www-authenticate"]) == (401, "Bearer")


def test_a_signed_action_is_never_believed_without_a_key(service: Service) -> None:
    service.put("actions/boss", {"points": 500, "requires_signature": True})
    bare = service.award("alice", "boss")
    assert (bare.status, bare.json()["code"]) == (403, "signature-required")
    signature = f"key=game.k1,ts=1795425600,nonce={'A' * 22},v1={'A' * 86}"
    signed = service.award("alice", "quiz", headers={"Action-Signature": signature})
    assert (signed.status, signed.json()["code"]) == (403, "action-rejected")
    broken = service.award("alice", "quiz", headers={"Action-Signature": "key=1"})
    assert (broken.status, broken.json()["code"]) == (400, "signature-malformed")


def test_nothing_is_acknowledged_while_the_database_is_locked(service: Service) -> None:
    before = service.get("/v1/ledger/head").json()["seq"]
    lock = sqlite3.connect(service.data / "scoreboard.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    refused = service.award("alice", "quiz")
    assert (refused.status, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["retry-after"]
    ready = service.get("/readyz")
    assert (ready.status, ready.json()["degraded"]) == (200, ["ledger"])
    assert service.get("/v1/scoreboard").status == 200
    lock.execute("ROLLBACK")
    lock.close()
    assert service.get("/v1/ledger/head").json()["seq"] == before
    assert service.award("alice", "quiz").json()["new_score"] == 10
    assert service.get("/readyz").json()["degraded"] == []


def test_nothing_is_acknowledged_once_the_file_is_gone(service: Service) -> None:
    service.award("alice", "quiz")
    (service.data / "scoreboard.db").rename(service.data / "elsewhere.db")
    refused = service.award("alice", "quiz")
    assert (refused.status, refused.json()["code"]) == (503, "unavailable")
    (service.data / "elsewhere.db").rename(service.data / "scoreboard.db")
    assert service.award("alice", "quiz").json()["new_score"] == 20


def test_a_new_window_is_filled_and_shown_at_once(service: Service) -> None:
    service.award("alice", "quiz")
    service.put("boards/default", {"windows": ["all", "day"]})
    service.award("bob", "quiz")

    def today() -> list[tuple[str, int]]:
        answer = service.get("/v1/boards/default/top?period=day")
        rows = answer.json().get("rows", [])
        return [(row["user_id"], row["score"]) for row in rows] if len(rows) == 2 else []

    assert eventually(today) == [("alice", 10), ("bob", 10)]


def test_the_ranking_after_a_restart_is_the_same_to_the_byte(service: Service) -> None:
    for user in ("alice", "bob", "carol"):
        service.award(user, "quiz")
    service.award("alice", "slip")

    def settled() -> bytes | None:
        answer = service.get("/v1/scoreboard")
        return answer.body if answer.json()["seq"] == 5 else None

    seen = eventually(settled)
    assert service.stop() == 0
    service.start()
    after = json.loads(service.get("/v1/scoreboard").body)
    assert after == json.loads(seen)


def test_changes_of_the_catalogue_are_on_record(service: Service) -> None:
    service.put("actions/quiz", {"points": 11, "reason": "too easy"})
    token = {"Authorization": f"Bearer {service.token('admin', 'scores:admin')}"}
    entry = service.request("GET", "/v1/admin/audit?limit=1", headers=token).json()["entries"][0]
    assert (entry["caller"], entry["reason"]) == ("admin", "too easy")
    assert (entry["before"]["points"], entry["after"]["points"]) == (10, 11)
    bare = {"Authorization": f"Bearer {service.token('admin')}"}
    assert service.request("GET", "/v1/admin/audit", headers=bare).status == 403
