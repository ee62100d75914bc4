"""It is promised that the log tells what happened and to which request, and nobody's business."""

import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from scoreboard.errors import Unavailable
from scoreboard.telemetry import Event, Log, Telemetry, begin_request, log, outlet, request
from scoreboard.telemetry.logs import pseudonym
from scoreboard.telemetry.outlet import Outlet
from scoreboard.web import access
from scoreboard.web.access import AccessLog, Seen


class Told:
    """A log that is written to a file."""

    def __init__(self, file: Path, level: str = "info", form: str = "json") -> None:
        self.file = file
        self.telemetry = Telemetry()
        self.fd = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.log = Log(level, form, self.telemetry, self.fd)
        self.log.configure()

    def text(self) -> str:
        self.log.outlet.close(5)
        return self.file.read_text("utf-8")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Any]:
    made: list[Told] = []

    def make(**how: str) -> Told:
        made.append(Told(tmp_path / "log", **how))
        return made[-1]

    handlers, level = logging.root.handlers, logging.root.level
    yield make
    structlog.reset_defaults()
    request._CURRENT.set(None)
    logging.root.handlers, logging.root.level = handlers, level
    for each in made:
        each.log.outlet.close(0)
        os.close(each.fd)


def count(telemetry: Telemetry, name: str, *labels: str) -> float:
    return float(telemetry.child(name, *labels)._value.get())


def test_every_line_of_a_request_has_its_id_and_the_hash_of_its_caller(told: Any) -> None:
    out = told()
    out.log.name_users_by(b"k" * 32)
    log().info(Event.SERVICE_READY)
    here = begin_request()
    log().info(Event.REQUEST_REFUSED)
    here.caller = "ada"
    log().warning(Event.REQUEST_FAILED)
    first, second, third = out.lines()
    assert "request_id" not in first
    assert second["request_id"] == third["request_id"] == here.request_id
    assert "user" not in second
    assert third["user"] == pseudonym(b"k" * 32, "ada") != pseudonym(b"l" * 32, "ada")
    assert re.fullmatch(r"[0-9a-f]{16}", third["user"])
    assert "ada" not in out.text()


def test_nobody_is_named_before_there_is_a_key(told: Any) -> None:
    out = told()
    begin_request().caller = "ada"
    log().info(Event.REQUEST_REFUSED)
    (line,) = out.lines()
    assert "user" not in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_text_makes_a_second_line_or_moves_the_cursor(told: Any, form: str) -> None:
    out = told(form=form)
    hostile = 'x\r\n{"event":"forged"}\x1b[2J\x9b31m\u2028\u202eend'
    log().info(Event.SERVICE_READY, url=hostile, more=[hostile], deep={"a": hostile})
    logging.getLogger("elsewhere").error("100 %\r\nforged")
    text = out.text()
    assert len(text.splitlines()) == 2
    shown = re.sub(r"\x1b\[\d+m", "", text)  # the renderer's own colours
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", shown)


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_told_by_its_kind_and_place_not_by_its_words(told: Any, form: str) -> None:
    out = told(form=form)

    def lose() -> None:
        try:
            {}["planted-user"]
        except KeyError as error:
            raise Unavailable from error

    try:
        lose()
    except Unavailable:
        log().exception(Event.REQUEST_FAILED)
    text = out.text()
    assert "planted-user" not in text
    for said in ("Unavailable", "unavailable", "KeyError", "test_logs.py", "lose"):
        assert said in text


def test_its_words_are_there_at_level_debug(told: Any) -> None:
    out = told(level="debug")
    try:
        {}["planted-user"]
    except KeyError:
        log().exception(Event.REQUEST_FAILED)
    (line,) = out.lines()
    assert line["exception"][0]["says"] == "'planted-user'"


def test_a_library_is_told_by_its_template(told: Any) -> None:
    out = told()
    logging.getLogger("driver").error("cannot write %s", "planted-user")
    (line,) = out.lines()
    assert line["event"] == Event.LIBRARY_FAILED
    assert (line["logger"], line["says"]) == ("driver", "cannot write %s")


def test_events_are_counted_by_level_and_those_below_are_not(told: Any) -> None:
    out = told(level="warning")
    log().info(Event.SERVICE_READY)
    log().warning(Event.BUS_FAILED)
    assert [line["event"] for line in out.lines()] == [Event.BUS_FAILED]
    assert count(out.telemetry, "scoreboard_log_events_total", "warning") == 1
    assert count(out.telemetry, "scoreboard_log_events_total", "info") == 0


# --- what gets a line


def noted(told: Any, one_in: int, status: int, times: int) -> list[dict[str, Any]]:
    out = told()
    lines = AccessLog(one_in)
    for _ in range(times):
        lines.note(Seen("/v1/scores", "POST", status, 0.0, "code" if status >= 400 else None))
    found: list[dict[str, Any]] = out.lines()
    return found


@pytest.mark.parametrize(("one_in", "lines"), [(0, 0), (1, 10), (4, 2)])
def test_of_good_answers_as_many_as_asked_for(told: Any, one_in: int, lines: int) -> None:
    found = noted(told, one_in, 200, 10)
    assert len(found) == lines
    for line in found:
        assert line["event"] == Event.REQUEST_ANSWERED
        assert (line["one_in"], line["route"], line["status"]) == (one_in, "/v1/scores", 200)


def test_our_failures_are_always_told(told: Any) -> None:
    found = noted(told, 0, 503, 200)
    assert [line["level"] for line in found] == ["warning"] * 200


def test_a_probe_that_is_told_not_to_send_requests_is_no_failure(told: Any) -> None:
    out = told()
    AccessLog(0).note(Seen("/readyz", "GET", 503, 0.0))
    assert out.lines() == []


def test_somebody_who_is_refused_often_does_not_fill_the_log(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(access, "now_s", lambda: now[0])
    out, lines = told(), AccessLog(0)
    for _ in range(access.REFUSALS_PER_S + 7):
        lines.note(Seen("other", "GET", 404, 0.0, "not-found"))
    now[0] += 1
    lines.note(Seen("other", "GET", 404, 0.0, "not-found"))
    found = out.lines()
    assert len(found) == access.REFUSALS_PER_S + 1
    assert found[-1]["skipped"] == 7
    assert not any("skipped" in line for line in found[:-1])


# --- a pipe that nobody reads


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_lost_is_counted(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = pipe
    monkeypatch.setattr(outlet, "QUEUE_MAX_BYTES", 10_000)
    lost: list[None] = []
    made = Outlet(writer, dropped=lambda: lost.append(None), says=lambda n: f"lost {n}\n")
    written = 0
    while not lost:
        made.write(f"{written:099d}\n")
        written += 1
        assert written < 10_000
    for _ in range(5):
        made.write("x" * 99 + "\n")
    assert len(lost) == 6
    read: list[bytes] = []
    reading = threading.Thread(target=lambda: read.extend(read_to(reader, b"lost 6\n")))
    reading.start()
    reading.join(10)
    made.close(5)
    lines = b"".join(read).decode().splitlines()
    assert lines == [*(f"{number:099d}" for number in range(written - 1)), "lost 6"]


def read_to(fd: int, end: bytes) -> list[bytes]:
    parts = [b""]
    while not parts[-1].endswith(end):
        parts.append(os.read(fd, 4_096))
    return parts


def test_leaving_does_not_wait_for_a_reader_for_ever(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    made = Outlet(writer, dropped=lambda: None, says=str)
    for _ in range(2_000):
        made.write("x" * 99 + "\n")
    made.close(0.05)
    made.write("after the end\n")
    assert made._ended


def test_a_reader_that_left_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    lost: list[None] = []
    made = Outlet(writer, dropped=lambda: lost.append(None), says=str)
    made.write("nobody\n")
    made.close(5)
    assert lost == [None]
    os.close(writer)
