"""The command line as people meet it: a real process, beside a real service."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.service_process import eventually

DEADLINE_S = 60

Done = subprocess.CompletedProcess[str]


def scoreboard(folder: Path, *arguments: str, **environ: str) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "scoreboard", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"} | environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def ok(folder: Path, *arguments: str, **environ: str) -> str:
    done = scoreboard(folder, *arguments, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(folder: Path, *arguments: str, code: int = 1, **environ: str) -> str:
    done = scoreboard(folder, *arguments, **environ)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    return " ".join(done.stderr.split())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "scoreboard", "serve", "--port", str(port)]
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        until(lambda: is_ready(port), process)
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def until(condition: object, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():  # type: ignore[operator]
        assert process.poll() is None, "the service stopped"
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def test_the_catalogue_is_set_listed_and_kept(tmp_path: Path) -> None:
    assert "+50 on board default, 3 a day" in ok(
        tmp_path, "action", "set", "quiz", "50", "--cap-day", "3"
    )
    assert "-5" in ok(tmp_path, "action", "set", "quiz", "-5")
    (quiz,) = json.loads(ok(tmp_path, "action", "list", "--json"))
    assert (quiz["points"], quiz["caps"]["day"]) == (-5, 3)
    ok(tmp_path, "board", "set", "race", "--tie", "shared", "--windows", "day")
    ok(tmp_path, "board", "set", "race", "--title", "Race [x]")
    assert "Race [x]" in ok(tmp_path, "board", "list")
    boards = {each["board"]: each for each in json.loads(ok(tmp_path, "board", "list", "--json"))}
    assert boards["race"]["windows"] == ["all", "day"]
    assert boards["race"]["tie"] == "shared"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("action", "set", "a b", "1"), "action_id is not valid"),
        (("action", "set", "quiz", "9007199254740992"), "points is not valid"),
        (("action", "set", "quiz", "1", "--board", "none"), "scoreboard board set none"),
        (("board", "set", "default", "--windows", "hour"), "no window 'hour'"),
        (("board", "set", "default", "--time-zone", "Mars/Base"), "no time zone 'Mars/Base'"),
        (("board", "set", "default", "--tie", "coin"), "tie is not valid"),
        (("token", "a b"), "A user is"),
        (("token", "ada", "--scope", "root"), "no scope root"),
        (("token", "ada", "--ttl", "25h"), "at most 24h"),
        (("award", "ada", "quiz", "--key", "short"), "16 to 128"),
        (("award", "ada", "quiz"), "no secret"),
        (("top", "--url", "localhost"), "http://127.0.0.1:8000"),
        (("top", "--limit", "0"), "1 to 1000"),
        (("watch", "--frames", "0"), "from 1 on"),
        (("board", "set", "race", "--freeze", "--reason", ""), "--reason is 1 to 500"),
        (("action", "set", "quiz", "1", "--reason", "a\nb"), "--reason is 1 to 500"),
        (("key", "new", "game", "--reason", "x" * 501), "--reason is 1 to 500"),
        (("action", "import", "none.csv"), "cannot be read"),
        (("demo", "--players", "-1"), "0 to 200"),
        (("demo", "--origins", "foo"), "--origins is 'foo'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert says in refused(tmp_path, *arguments)


@pytest.mark.parametrize(
    "arguments", [("frob",), ("token",), ("token", "a", "--frob"), ("action", "set", "a", "x")]
)
def test_misuse_is_exit_code_2_and_names_the_help(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert "--help` shows how." in refused(tmp_path, *arguments, code=2)


def test_a_wrong_setting_stops_every_command(tmp_path: Path) -> None:
    assert "SCOREBOARD_PORT is 'x'" in refused(tmp_path, "serve", SCOREBOARD_PORT="x")
    assert "did you mean SCOREBOARD_DATA" in refused(tmp_path, "token", "a", SCOREBOARD_DATE="x")
    assert "--user-rate is '10'" in refused(tmp_path, "serve", "--user-rate", "10")


def test_help_names_every_command(tmp_path: Path) -> None:
    text = ok(tmp_path, "--help")
    commands = "demo serve award top watch action board token settings check migrate rebuild"
    for name in (*commands.split(), "openapi", "asyncapi", "bench"):
        assert re.search(rf"│ {name} +[A-Z]", text), name
    assert ok(tmp_path, "--version").startswith("scoreboard ")
    assert "Stop by itself" in ok(tmp_path, "demo", "--help")


def test_settings_say_what_is_in_force_and_where_it_comes_from(tmp_path: Path) -> None:
    (tmp_path / "scoreboard.toml").write_text("refresh_ms = 70\n")
    rows = json.loads(ok(tmp_path, "settings", "--json", SCOREBOARD_PORT="9"))
    by_name = {row["name"]: row for row in rows}
    assert by_name["SCOREBOARD_PORT"]["value"] == "9"
    assert by_name["SCOREBOARD_REFRESH_MS"]["source"] == "scoreboard.toml"
    assert "70 ms (scoreboard.toml)" in ok(tmp_path, "settings")
    assert ok(tmp_path, "settings", "--markdown").startswith("| setting |")


def test_documents_are_json(tmp_path: Path) -> None:
    assert isinstance(json.loads(ok(tmp_path, "openapi")), dict)
    assert isinstance(json.loads(ok(tmp_path, "asyncapi")), dict)


def test_an_import_keeps_good_lines_and_names_bad_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("action_id,points,board\na,1,\nb,x,\nc,3,none\nd,4,\n")
    done = scoreboard(tmp_path, "action", "import", "a.csv", "--all-or-nothing")
    assert done.returncode == 1
    assert "Nothing was changed: 2 of 4 lines are bad." in done.stderr
    assert json.loads(ok(tmp_path, "action", "list", "--json")) == []
    done = scoreboard(tmp_path, "action", "import", "a.csv")
    assert done.returncode == 1
    assert "a.csv:3: points is not valid: expected a whole number." in done.stderr
    assert "a.csv:4: there is no board none." in done.stderr
    assert "2 of 4 actions were imported" in done.stderr
    listed = json.loads(ok(tmp_path, "action", "list", "--json"))
    assert [each["action_id"] for each in listed] == ["a", "d"]
    (tmp_path / "b.json").write_text('[{"action_id":"e","points":5}]')
    assert "1 actions imported" in ok(tmp_path, "action", "import", "b.json")


def test_commands_work_beside_a_service(tmp_path: Path) -> None:
    port = free_port()
    here = {"SCOREBOARD_PORT": str(port)}
    ok(tmp_path, "action", "set", "quiz", "50")
    with serving(tmp_path, port):
        assert "ada now has 50 points." in ok(tmp_path, "award", "ada", "quiz", **here)
        key = ("award", "ada", "quiz", "--key", "k" * 16, "--json")
        first, again = (json.loads(ok(tmp_path, *key, **here)) for _ in range(2))
        assert (first["new_score"], again["new_score"]) == (100, 100)
        assert (first["replayed"], again["replayed"]) == (False, True)
        page = json.loads(ok(tmp_path, "top", "--json", **here))
        assert [(row["user_id"], row["score"]) for row in page["rows"]] == [("ada", 100)]
        assert re.search(r"1\s+ada\s+100", ok(tmp_path, "top", **here))
        ok(tmp_path, "board", "set", "default", "--freeze", "--reason", "test")
        eventually(lambda: "frozen since" in ok(tmp_path, "top", **here))
        assert "frozen since" in ok(tmp_path, "watch", "--frames", "1", **here)
        ok(tmp_path, "board", "set", "default", "--reveal", "--reason", "test")
        frame = json.loads(ok(tmp_path, "watch", "--json", "--frames", "1", **here))
        assert frame["rows"] == page["rows"]
        shown = ok(tmp_path, "watch", "--frames", "1", **here)
        assert "ada" in shown
        assert "frozen" not in shown
        assert "unknown-action" in refused(tmp_path, "award", "ada", "none", **here)
        token = ok(tmp_path, "token", "bob").strip()
        assert "forbidden-user" in refused(
            tmp_path, "award", "ada", "quiz", "--token", token, **here
        )
        assert "There is no board none. `" in refused(tmp_path, "top", "--board", "none", **here)
        assert "no board none" in refused(tmp_path, "watch", "--board", "none", **here)
        assert "All 1 scores are the sums" in ok(tmp_path, "rebuild")
        findings = json.loads(ok(tmp_path, "check", "--json", **here))
        assert {each["verdict"] for each in findings} == {"good"}
    assert "was up to date" in ok(tmp_path, "migrate")


def test_rebuild_finds_a_score_that_is_not_the_sum_of_its_postings(tmp_path: Path) -> None:
    port = free_port()
    ok(tmp_path, "action", "set", "quiz", "50")
    with serving(tmp_path, port):
        ok(tmp_path, "award", "ada", "quiz", SCOREBOARD_PORT=str(port))
    tamper = "import sqlite3; d = sqlite3.connect('scoreboard-data/scoreboard.db'); "
    tamper += "d.execute('UPDATE scores SET score = 51'); d.commit()"
    subprocess.run([sys.executable, "-c", tamper], cwd=tmp_path, check=True)
    done = scoreboard(tmp_path, "rebuild")
    assert done.returncode == 1
    assert "default all ada: the score is 51, the ledger says 50" in done.stderr


def test_check_says_what_is_wrong(tmp_path: Path) -> None:
    findings = json.loads(ok(tmp_path, "check", "--json", SCOREBOARD_PORT=str(free_port())))
    assert {each["subject"]: each["verdict"] for each in findings} == {
        "settings": "good",
        "secret": "look",
        "disk": findings[2]["verdict"],
        "database": "look",
        "service": "look",
    }
    assert all(each["advice"] for each in findings if each["verdict"] != "good")
    assert not (tmp_path / "scoreboard-data").exists()
    ok(tmp_path, "token", "ada")
    (tmp_path / "scoreboard-data/secret").chmod(0o644)
    (tmp_path / "scoreboard-data/scoreboard.db").write_text("no database" * 100)
    done = scoreboard(tmp_path, "check", "--json", SCOREBOARD_HOST="0.0.0.0")  # noqa: S104
    assert done.returncode == 1
    verdicts = {each["subject"]: each["verdict"] for each in json.loads(done.stdout)}
    assert verdicts["secret"] == verdicts["database"] == "bad"
    assert verdicts["settings"] == "look"


def test_a_demo_runs_stops_by_itself_and_leaves_nothing(tmp_path: Path) -> None:
    port = str(free_port())
    text = ok(tmp_path, "demo", "--seconds", "8", "--port", port, TMPDIR=str(tmp_path))
    assert f"http://127.0.0.1:{port}" in text
    assert "curl" in text
    (line,) = (line for line in text.splitlines() if "Authorization" in line)
    assert re.fullmatch(r"  -H 'Authorization: Bearer \S+' \\", line)
    assert re.search(r"Stopped\. The players got [1-9]\d* awards", text)
    assert list(tmp_path.iterdir()) == []


def may_read(page: str, port: int) -> bool:
    ask = urllib.request.Request(f"http://127.0.0.1:{port}/v1/boards", headers={"Origin": page})
    with urllib.request.urlopen(ask, timeout=5) as answer:
        return bool(answer.headers["Access-Control-Allow-Origin"] == page)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_is_stopped_cleanly_and_its_curl_works(tmp_path: Path, name: int) -> None:
    port = free_port()
    command = [sys.executable, "-m", "scoreboard", "demo", "--no-players", "--port", str(port)]
    environ = os.environ | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            shown = b""
            while b"boss-defeated" not in shown:
                line = process.stdout.readline()
                assert line, "the demo ended"
                shown += line
            curl = shown[shown.index(b"curl ") :].decode()
            answer = subprocess.run(curl, shell=True, capture_output=True, check=True)  # noqa: S602
            assert answer.stdout == b'{"success":true,"new_score":300}'
            for page, may in (
                ("http://localhost:5173", True),
                ("https://elsewhere.example", False),
            ):
                assert may_read(page, port) is may
        finally:
            process.send_signal(name)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert b"Stopped." in out
    assert err == b""
    assert not is_ready(port)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = str(listener.getsockname()[1])
        assert f"Port {port} cannot be used" in refused(tmp_path, "demo", "--port", port)
        assert f"port {port}" in refused(tmp_path, "serve", "--port", port)


def test_a_command_on_the_database_loads_no_server_no_http_and_no_jose(tmp_path: Path) -> None:
    program = (
        "import atexit, sys; from scoreboard.cli import main\n"
        "atexit.register(lambda: print(*sys.modules)); main()"
    )
    ok(tmp_path, "action", "set", "quiz", "50")
    command = [sys.executable, "-c", program, "action", "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "sqlite3" in loaded
    assert loaded & {"httpx2", "joserfc", "pygments", "starlette", "structlog", "uvicorn"} == set()


@pytest.mark.parametrize(
    "command",
    [
        "action list", "board list", "key list", "key revoke game --reason R", "user show ada",
        "user ban ada --reason R", "reverse --user ada --since 1h --reason R", "rules incidents",
        "rules simulate --points-per-hour default=9", "audit", "audit --list", "rebuild",
        "ledger verify", "ledger export all.ndjson", "ledger new-epoch --reason R",
    ],
)  # fmt: skip
def test_what_looks_at_a_database_makes_none(tmp_path: Path, command: str) -> None:
    said = refused(tmp_path, *command.split())
    assert "There is no database at" in said
    assert "give --data with the folder of the service" in said
    assert list(tmp_path.iterdir()) == []
