"""It is promised that everything has a limit, and that at the limit nothing is lost or invented."""

import asyncio
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.acceptance import evidence
from tests.acceptance.crowd import Crowd, Watcher, until
from tests.acceptance.faults import failing_flush, full, lock, small_disk
from tests.conftest import Require
from tests.service_process import Answer, Service, eventually

MOST = 9_007_199_254_740_991
AWARDS_MAX = 3_000

Make = Callable[..., Service]


def code(answer: Answer) -> str:
    return str(answer.json()["code"])


# --- storage


def test_no_award_is_acknowledged_on_a_full_disk_and_reads_go_on(
    service_factory: Make, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        service = service_factory({"SCOREBOARD_LEDGER": f"sqlite:{disk}/scoreboard.db"})
        token = service.token("alice")
        assert service.award("alice", "quiz", token=token).status == 200
        before = len(evidence.awards(disk))
        applied = 0
        with full(disk):
            for number in range(AWARDS_MAX):
                refused = service.award("alice", "quiz", token=token, key=f"full-{number:016d}")
                if refused.status != 200:
                    break
                applied += 1
            assert (refused.status, code(refused)) == (503, "unavailable")
            assert refused.headers["retry-after"]
            again = service.award("alice", "quiz", token=token)
            assert (again.status, code(again)) == (503, "unavailable")
            assert len(evidence.awards(disk)) == before + applied
            assert service.get("/v1/scoreboard").json()["rows"][0]["user_id"] == "alice"
            assert service.get("/v1/boards/default/users/alice").status == 200
            assert service.get("/readyz").json()["degraded"] == ["ledger"]
        retry = service.award("alice", "quiz", token=token, key=f"full-{applied:016d}")
        assert retry.json()["new_score"] == 10 * (before + applied + 1)
        assert service.get("/readyz").json()["degraded"] == []
        evidence.ensure_whole(disk)
        service.end()


def test_no_award_is_acknowledged_that_could_not_be_flushed(
    service: Service, require: Require
) -> None:
    require("strace", shutil.which("strace"), "install strace")
    token = service.token("alice")
    assert service.award("alice", "quiz", token=token).status == 200
    assert service.process is not None
    with failing_flush(service.process.pid):
        asked = [
            service.award("alice", "quiz", token=token, key=f"flush-{n:016d}") for n in range(3)
        ]
        assert {answer.status for answer in asked} == {503}
        assert {code(answer) for answer in asked} <= {"outcome-unknown", "unavailable"}
        assert service.get("/v1/scoreboard").json()["rows"][0]["score"] == 10
    settled = [service.award("alice", "quiz", token=token, key=f"flush-{n:016d}") for n in range(3)]
    assert [answer.json()["new_score"] for answer in settled] == [20, 30, 40]
    service.end()
    evidence.ensure_whole(service.data)


def test_a_queue_that_is_full_refuses_and_records_nothing(service_factory: Make) -> None:
    service = service_factory({"SCOREBOARD_QUEUE_MAX": "1", "SCOREBOARD_GROUP_MAX": "1"})
    users = {f"user-{number}": service.token(f"user-{number}") for number in range(12)}
    key = "award-0000000000000001"

    def ask(user: str) -> Answer:
        return service.award(user, "quiz", token=users[user], key=key)

    with ThreadPoolExecutor(len(users)) as pool:
        with lock(service):
            asked = {user: pool.submit(ask, user) for user in users}
            eventually(lambda: sum(task.done() for task in asked.values()) >= len(users) - 2)
        answers = {user: task.result() for user, task in asked.items()}
    refused = {user for user, answer in answers.items() if answer.status == 503}
    overloaded = {user for user in refused if code(answers[user]) == "overloaded"}
    assert len(overloaded) >= len(users) - 2
    assert all(answers[user].headers["retry-after"] for user in overloaded)
    assert {line.user for line in evidence.awards(service.data)} == users.keys() - refused
    for user in refused:
        retry = ask(user)
        assert (retry.status, "idempotency-replayed" in retry.headers) == (200, False)


# --- numbers


@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
def test_scores_are_exact_to_the_last_integer_and_end_there(service: Service, sign: int) -> None:
    service.put("actions/most", {"points": sign * MOST})
    service.put("actions/step", {"points": sign})
    service.put("actions/back", {"points": -sign})
    assert service.award("alice", "most").body == b'{"success":true,"new_score":%d}' % (sign * MOST)
    beyond = service.award("alice", "step")
    assert (beyond.status, code(beyond)) == (409, "score-limit")
    assert service.award("alice", "back").json()["new_score"] == sign * (MOST - 1)
    assert service.award("alice", "step").json()["new_score"] == sign * MOST
    assert service.award("alice", "most").status == 409
    exact = b'"score":%d,' % (sign * MOST)
    eventually(lambda: exact in service.get("/v1/scoreboard").body)
    assert exact in service.get("/v1/boards/default/users/alice").body
    service.kill()
    service.start()
    assert exact in service.get("/v1/scoreboard").body
    assert evidence.ask(service.data, "SELECT score, typeof(score) FROM scores") == [
        (sign * MOST, "integer")
    ]


def test_no_action_is_worth_more_than_the_last_integer(service: Service) -> None:
    token = service.token("admin", "scores:admin")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for points in (MOST + 1, -MOST - 1, 2**63, 10**400, 1.5, 1e300, True, "1"):
        body = json.dumps({"reason": "too much", "points": points}).encode()
        answer = service.request("PUT", "/v1/admin/actions/most", body=body, headers=headers)
        assert (answer.status, code(answer)) == (400, "invalid-payload"), points


# --- strangers

HOSTILE_IDS = (
    "",
    " ",
    "\0",
    "a\0b",
    "a\r\nSet-Cookie: x=1",
    "a\n",
    "\u202egnp.exe",
    "\ufeffalice",
    "ａｌｉｃｅ",
    "é",
    "a" * 129,
    "a" * 10_000,
    "' OR 1=1 --",
    "'; DROP TABLE ledger; --",
    "<script>alert(1)</script>",
    '{"event":"service.stopped"}',
    "\x1b[2J\x1b[31m",
    "../../etc/passwd",
    "%s%n${jndi:ldap://x}",
    "-alice",
)

HOSTILE_BODIES = (
    b"",
    b"null",
    b"[]",
    b'"alice"',
    b"\xef\xbb\xbf" + b'{"user_id":"alice","action_id":"quiz"}',
    b'{"user_id":"alice","action_id":"quiz"} x',
    b'{"user_id":"alice","user_id":"bob","action_id":"quiz"}',
    b'{"user_id":"alice","action_id":"quiz","points":1000000}',
    b'{"user_id":"alice","action_id":NaN}',
    b'{"user_id":"\\ud800","action_id":"quiz"}',
    b'{"user_id":"\xed\xa0\x80","action_id":"quiz"}',
    b'{"user_id":"alice\xff","action_id":"quiz"}',
    b'{"user_id":1e999,"action_id":"quiz"}',
    b'{"user_id":["alice"],"action_id":"quiz"}',
    b"[" * 1_000,
    b'{"user_id":' * 90,
    b"\0" * 1_000,
    '{"user_id":"alice","action_id":"quiz"}'.encode("utf-16"),
)


def test_strangers_get_no_500_and_leave_no_trace(service: Service) -> None:
    token = service.token("alice", "scores:write", "scores:read")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    head = service.get("/v1/ledger/head").json()

    def ask(method: str, path: str, body: bytes | None = None) -> Answer:
        answer = service.request(method, path, body=body, headers=headers)
        assert 400 <= answer.status < 500, (path, body, answer)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer

    finished = [{"user_id": hostile, "action_id": "quiz"} for hostile in HOSTILE_IDS]
    finished += [{"user_id": "alice", "action_id": hostile} for hostile in HOSTILE_IDS]
    bodies = [json.dumps(members).encode() for members in finished]
    bodies += [json.dumps(members, ensure_ascii=False).encode() for members in finished]
    for body in (*bodies, *HOSTILE_BODIES):
        ask("POST", "/v1/scores", body)
    for hostile in filter(str.strip, HOSTILE_IDS):
        escaped = quote(hostile, safe="")
        ask("GET", f"/v1/boards/{escaped}/top")
        ask("GET", f"/v1/boards/default/users/{escaped}")
        ask("GET", f"/v1/boards/default/top?period={escaped}")
        ask("GET", f"/v1/boards/default/top?cursor={escaped}")
        ask("GET", f"/v1/awards/{escaped}")
    assert service.get("/v1/ledger/head").json() == head
    assert service.award("alice", "quiz").status == 200
    lines = [json.loads(line) for line in service.log().splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert not any(line["level"] in ("error", "critical") for line in lines)


def test_hostile_headers_get_no_500(service: Service) -> None:
    token = service.token("alice")
    for value in ("", "short", "x" * 129, "a b" * 8, "é" * 20, "'; DROP TABLE ledger; --"):
        latin = value.encode("utf-8").decode("latin-1")
        answer = service.award("alice", "quiz", token=token, headers={"Idempotency-Key": latin})
        assert (answer.status, code(answer)) == (400, "invalid-parameter"), value
    for value in ("Bearer", "Basic eDp5", "Bearer \xff\xfe", f"Bearer {token}x", "Bearer " * 99):
        answer = service.award("alice", "quiz", headers={"Authorization": value})
        assert (answer.status, code(answer)) == (401, "invalid-token"), value
    assert evidence.awards(service.data) == []


# --- one database


def test_a_database_is_refused_with_another_secret_and_none_is_shown(service: Service) -> None:
    service.award("alice", "quiz")
    assert service.stop() == 0
    file = service.data / "secret"
    own = file.read_text()
    other = own[::-1]
    file.write_text(other)
    service.log_path.unlink()
    service.spawn()
    assert service.process is not None
    assert service.process.wait(30) not in (0, None)
    said = service.log()
    assert "belongs to another secret" in said
    assert "Traceback" not in said
    ((fingerprint,),) = evidence.ask(service.data, "SELECT fingerprint FROM ledger_head")
    assert not any(secret.strip() in said for secret in (own, other, fingerprint))
    file.write_text(own)
    service.start()
    assert service.award("alice", "quiz").json()["new_score"] == 20


async def test_two_services_on_one_file_count_each_award_once(service_factory: Make) -> None:
    rates = {"SCOREBOARD_USER_RATE": "0", "SCOREBOARD_IP_RATE": "0"}
    first = service_factory(rates)
    shared = {
        "SCOREBOARD_LEDGER": f"sqlite:{first.data}/scoreboard.db",
        "SCOREBOARD_SECRET_FILE": f"{first.data}/secret",
    }
    second = service_factory(rates | shared)
    # Both are asked for the same awards, under the same keys, at the same time.
    crowds = [Crowd(service, players=8, users=6) for service in (first, second)]
    watchers = [Watcher(service) for service in (first, second)]
    try:
        for crowd in crowds:
            crowd.up.set()
        await until(lambda: all(len(crowd.acknowledged) > 200 for crowd in crowds))
        for crowd in crowds:
            await crowd.finish()
        ensure_one_credit(first.data, *crowds)
        rows = evidence.true_top(first.data)
        for service in (first, second):
            await asyncio.to_thread(eventually, lambda: shown(service) == rows)  # noqa: B023 - awaited
            # What the other wrote is followed; only what cannot be followed is read anew.
            assert service.metric("scoreboard_rebuilds_total") == 1
    finally:
        for crowd in crowds:
            await crowd.leave()
        for watcher in watchers:
            await watcher.leave()
    for watcher in watchers:
        evidence.ensure_frames(first.data, watcher.tops)


def ensure_one_credit(data: Path, one: Crowd, two: Crowd) -> None:
    evidence.ensure_whole(data)
    both = one.acknowledged.keys() & two.acknowledged.keys()
    assert len(both) > 100
    for award_id in both:
        answers = (one.acknowledged[award_id], two.acknowledged[award_id])
        assert answers[0].body == answers[1].body
        assert not all(answer.asked == 1 and not answer.replayed for answer in answers)
    evidence.ensure_acknowledged(data, one.acknowledged | two.acknowledged)


def shown(service: Service) -> list[tuple[int, str, int]]:
    rows = service.get("/v1/scoreboard").json()["rows"]
    return [(row["rank"], row["user_id"], row["score"]) for row in rows]
