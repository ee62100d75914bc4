"""Boards frozen and revealed over HTTP: by an administrator, seen by everybody."""

import json
import time
from collections.abc import Iterator

import pytest

from scoreboard.core.checkpoint import checkpoint_in
from tests.service_process import Service

WITHIN_S = 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = Service(tmp_path_factory.mktemp("freezing"), {"SCOREBOARD_USER_RATE": "0"})
    running.start()
    yield running
    running.end()


def board(service: Service, name: str) -> dict:
    found: dict = service.get(f"/v1/boards/{name}").json()
    return found


def test_a_board_is_frozen_and_revealed_and_everybody_sees_that(service: Service) -> None:
    live = service.put("boards/ctf", {"title": "Flags"}).json()
    assert (live["frozen_at"], live["frozen_checkpoint"]) == (None, None)
    service.put("actions/flag", {"points": 10, "board": "ctf"})
    assert service.award("ada", "flag").status == 200

    frozen = service.put("boards/ctf", {"title": "Flags", "frozen": True}).json()
    assert frozen["frozen_at"] is not None
    assert service.as_admin("GET", "boards/ctf").json()["frozen_at"] == frozen["frozen_at"]
    assert board(service, "ctf")["frozen_at"] == frozen["frozen_at"]
    [listed] = [
        each for each in service.get("/v1/boards").json()["boards"] if each["board"] == "ctf"
    ]
    assert listed["frozen_at"] == frozen["frozen_at"]
    assert board(service, "default")["frozen_at"] is None
    assert service.award("ada", "flag").json()["new_score"] == 20

    for kept in ({"title": "Flags!"}, {"frozen": None}, {"frozen": True}):
        assert service.put("boards/ctf", kept).json()["frozen_at"] == frozen["frozen_at"]
    revealed = service.put("boards/ctf", {"frozen": False}).json()
    assert (revealed["frozen_at"], revealed["frozen_checkpoint"]) == (None, None)
    assert board(service, "ctf")["frozen_at"] is None


def test_the_record_has_who_froze_it_and_why(service: Service) -> None:
    service.put("boards/recorded", {"frozen": True, "reason": "the last hour"})
    service.put("boards/recorded", {"frozen": False, "reason": "the prizes"})
    entries = service.as_admin("GET", "audit?limit=3").json()["entries"]
    assert [(each["operation"], each["subject"], each["reason"]) for each in entries] == [
        ("board.reveal", "recorded", "the prizes"),
        ("board.freeze", "recorded", "the last hour"),
        ("board.put", "recorded", "the last hour"),
    ]
    freeze = entries[1]
    assert (freeze["before"]["frozen"], freeze["after"]["frozen"]["users"]) == (None, 0)
    assert entries[0]["before"] == freeze["after"]


def test_the_checkpoint_of_a_freeze_is_told_once_it_is_signed(service: Service) -> None:
    service.put("boards/proved", {"frozen": True})
    seq = service.as_admin("GET", "audit?limit=1").json()["entries"][0]["after"]["frozen"]["seq"]
    service.put("actions/later", {"points": 1, "board": "proved"})
    note, deadline_s = None, time.monotonic() + WITHIN_S
    while note is None and time.monotonic() < deadline_s:
        note = board(service, "proved")["frozen_checkpoint"]
        time.sleep(0.05)
    assert note is not None
    first = checkpoint_in(note)
    assert first.size >= seq
    for number in range(3):
        service.award(f"u{number}", "later")
    while checkpoint_in(service.get("/v1/ledger/checkpoint").body.decode()).size <= first.size:
        assert time.monotonic() < deadline_s + WITHIN_S
        time.sleep(0.05)
    assert board(service, "proved")["frozen_checkpoint"] == note


@pytest.mark.parametrize("frozen", ["true", 1, {"seq": 1, "at": 1, "users": 1}])
def test_a_wish_that_is_none_is_refused(service: Service, frozen: object) -> None:
    answer = service.as_admin("PUT", "boards/none", {"reason": "test", "frozen": frozen})
    assert (answer.status, answer.json()["pointer"]) == (400, "/frozen")
    assert service.get("/v1/boards/none").status == 404


def test_nobody_else_freezes(service: Service) -> None:
    for scopes, status in (((), 403), (("scores:read", "scores:write"), 403)):
        headers = {
            "Authorization": f"Bearer {service.token('eve', *scopes)}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"reason": "mine", "frozen": True}).encode()
        path = "/v1/admin/boards/default"
        assert service.request("PUT", path, body=body, headers=headers).status == status
    assert board(service, "default")["frozen_at"] is None


def test_the_command_line_freezes_beside_a_running_service(service: Service) -> None:
    said = service.command("board", "set", "default", "--freeze", "--reason", "now").stdout
    assert "Frozen since 2" in said
    assert "awards go on" in said
    assert "Frozen since 2" in service.command("board", "set", "default", "--title", "T").stdout
    listed = json.loads(service.command("board", "list", "--json").stdout)
    [default] = [each for each in listed if each["board"] == "default"]
    assert default["frozen"]["users"] == 0
    deadline_s = time.monotonic() + WITHIN_S
    while board(service, "default")["frozen_at"] is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    said = service.command("board", "set", "default", "--reveal").stdout
    assert "Everybody sees it live." in said
    both = service.command("board", "set", "default", "--freeze", "--reveal", check=False)
    assert both.returncode != 0
