"""It is promised that the log holds up nobody, gives nobody away, and names every request."""

import base64
import fcntl
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scoreboard.telemetry import Event
from tests.acceptance.faults import lock
from tests.service_process import Answer, Service

Make = Callable[..., Service]

PLANTED = "zaphod-beeblebrox"
UNKNOWN = "trillian.of.earth"
PIPE_BYTES = 4_096
BATCH = 16


def test_a_busy_and_abused_service_logs_no_user_no_token_and_no_secret(
    service_factory: Make,
) -> None:
    service = service_factory({"SCOREBOARD_LOG_SAMPLE": "1", "SCOREBOARD_LOG_LEVEL": "debug"})
    token = service.token(PLANTED)
    secret = (service.data / "secret").read_text().strip()
    hmac_key = base64.urlsafe_b64encode(b"planted-hmac-secret-of-32-bytes!!").decode().rstrip("=")
    admin = {"Authorization": f"Bearer {service.token('admin', 'scores:admin')}"}
    as_json = {"Content-Type": "application/json"}
    answers = [
        service.award(PLANTED, "quiz", key="planted-idempotency-key"),
        service.award(PLANTED, UNKNOWN),
        service.award(PLANTED, "quiz", token=f"{token}x"),
        service.award(UNKNOWN, "quiz", token=token),
        service.award(PLANTED, "quiz", headers={"Action-Signature": f"planted;{hmac_key}"}),
        service.get(f"/v1/boards/default/users/{PLANTED}"),
        service.get(f"/v1/boards/{UNKNOWN}/top?cursor={token}"),
        service.get(f"/v1/users/{PLANTED}/awards", Authorization=f"Bearer {token}"),
        service.get(f"/{PLANTED}?token={token}"),
        service.get(f"/ws/scoreboard?token={token}"),
        service.get(f"/v1/boards/default/stream?period={UNKNOWN}", Authorization=token),
        service.request("PUT", f"/v1/admin/actions/{PLANTED}", body=b"{", headers=admin | as_json),
        service.request(
            "POST",
            "/v1/admin/keys",
            headers=admin | as_json,
            body=json.dumps(
                {"key": "game.h1", "algorithm": "hmac-sha256", "secret": hmac_key, "reason": "x"}
            ).encode(),
        ),
    ]
    with lock(service):
        answers.append(service.award(PLANTED, "quiz"))
    assert {answer.status for answer in answers} >= {200, 400, 401, 403, 404, 503}
    service.stop()
    said = service.log()
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["event"] for line in lines} >= {
        Event.REQUEST_ANSWERED, Event.REQUEST_REFUSED, Event.REQUEST_FAILED, Event.LEDGER_FAILED,
    }  # fmt: skip
    assert {line["event"] for line in lines} <= {event.value for event in Event}
    for planted in (
        PLANTED, UNKNOWN, token, *token.split("."), secret, hmac_key, "planted", "Bearer",
    ):  # fmt: skip
        assert planted not in said, planted
    ensure_named(lines, answers)
    # Which posting it became, as groups, rankings, frames and the feed go by it.
    awarded = [line for line in lines if line["event"] == Event.REQUEST_ANSWERED and "seq" in line]
    page = json.loads(service.command("ledger", "verify", "--json").stdout)
    assert [line["route"] for line in awarded] == ["/v1/scores"]
    assert 1 <= awarded[0]["seq"] <= page["postings"]


def ensure_named(lines: list[dict[str, object]], answers: list[Answer]) -> None:
    """Each refusal's ``instance`` is in the log, and the failed group names its request."""
    logged = {line.get("request_id") for line in lines}
    refused = [answer for answer in answers if answer.status >= 400]
    for answer in refused:
        instance = answer.json()["instance"].removeprefix("urn:uuid:")
        assert instance in logged, answer
    (failed,) = (line for line in lines if line["event"] == Event.LEDGER_FAILED)
    last = answers[-1].json()["instance"].removeprefix("urn:uuid:")
    assert failed["requests"] == [last]
    assert "request_id" not in failed
    users = {line["user"] for line in lines if "user" in line}
    assert all(re.fullmatch(r"[0-9a-f]{16}", str(user)) for user in users)


class Piped(Service):
    """A service whose log goes to a pipe that nobody reads."""

    def spawn(self) -> None:
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scoreboard", "serve"],
            env={**os.environ, **self.env, "SCOREBOARD_LOG_SAMPLE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=writer,
            stdin=subprocess.DEVNULL,
        )
        os.close(writer)

    def log(self) -> str:
        return "nobody reads it"


@pytest.fixture
def piped(tmp_path: Path) -> Iterator[Piped]:
    service = Piped(tmp_path, {})
    service.start()
    yield service
    service.end()
    os.close(service.reader)


def test_a_pipe_that_nobody_reads_holds_up_no_request_and_no_stop(piped: Piped) -> None:
    piped.put("actions/quiz", {"points": 10})
    ask = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", piped.port), 10) as peer:
        while not piped.metric("scoreboard_log_dropped_total"):
            for _ in range(60):
                peer.sendall(ask * BATCH)
                ensure_answered(peer, BATCH)
    assert piped.award("ada", "quiz").json()["new_score"] == 10
    assert piped.stop() == 0


def ensure_answered(peer: socket.socket, count: int) -> None:
    seen = b""
    while seen.count(b"HTTP/1.1 200 OK") < count or not seen.endswith(b"ok\n"):
        part = peer.recv(65_536)
        assert part
        seen += part
