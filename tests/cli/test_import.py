"""It is promised that whoever comes from Redis, Nakama or a CSV stands here as there, and once."""

import csv
import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from scoreboard import cli
from tests.cli.test_commands import DEADLINE_S, free_port, ok, scoreboard, serving
from tests.docs.pages import DOCS, fences
from tests.servers.postgres import PostgresServer, postgres, postgres_programs
from tests.servers.valkey import ValkeyServer, valkey, valkey_program

__all__ = ["postgres", "postgres_programs", "valkey", "valkey_program"]

PAGE = DOCS / "how-to" / "import.md"
TIED = {f"user-{number:03}": number // 7 * 10 for number in range(200)}

# As the migrations of Nakama 3 make it.
NAKAMA = """
CREATE TABLE leaderboard_record (
    leaderboard_id VARCHAR(128) NOT NULL,
    owner_id UUID NOT NULL,
    username VARCHAR(128),
    score BIGINT NOT NULL DEFAULT 0 CHECK (score >= 0),
    subscore BIGINT NOT NULL DEFAULT 0 CHECK (subscore >= 0),
    num_score INT NOT NULL DEFAULT 1 CHECK (num_score >= 0),
    metadata JSONB NOT NULL DEFAULT '{}',
    create_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    update_time TIMESTAMPTZ NOT NULL DEFAULT now(),
    expiry_time TIMESTAMPTZ NOT NULL DEFAULT '1970-01-01 00:00:00 UTC',
    max_num_score INT NOT NULL DEFAULT 1000000,
    PRIMARY KEY (leaderboard_id, expiry_time, score, subscore, owner_id),
    UNIQUE (owner_id, leaderboard_id, expiry_time)
);
INSERT INTO leaderboard_record (leaderboard_id, owner_id, score, subscore, update_time)
SELECT
    'points', md5(n::TEXT)::UUID, n / 3, n % 2,
    '2026-03-29 02:30:00+02'::TIMESTAMPTZ + n % 11 * INTERVAL '1.25 s'
FROM generate_series(1, 100) AS n;
INSERT INTO leaderboard_record (leaderboard_id, owner_id, score, expiry_time)
VALUES ('points', md5('1')::UUID, 999, '2026-12-01 00:00:00 UTC'), ('else', md5('2')::UUID, 999,
    '1970-01-01 00:00:00 UTC');
"""


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """A command in this process: many are too many processes."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Said:
        code = 0
        try:
            cli.main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


def of_page(language: str) -> str:
    (found,) = (fence.text for fence in fences(PAGE) if fence.language == language)
    return found


def standing(folder: Path) -> list[tuple[str, int]]:
    db = sqlite3.connect(folder / "scoreboard-data" / "scoreboard.db")
    order = "SELECT user_id, score FROM scores WHERE period = 'all' ORDER BY score DESC, seq"
    found = db.execute(order).fetchall()
    db.close()
    return found


def write(file: Path, rows: list[tuple[str, int]]) -> Path:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([("user_id", "score"), *rows])
    return file


def test_a_sorted_set_of_redis_stands_as_it_stood(tmp_path: Path, valkey: ValkeyServer) -> None:
    with valkey.client() as client:
        key = f"leaderboard-{os.getpid()}"
        client.zadd(key, TIED)
        there = [
            (user, int(score)) for user, score in client.zrevrange(key, 0, -1, withscores=True)
        ]
        client.zadd(key, {"half": 0.5, "endless": "inf"})
        script = tmp_path / "from_redis.py"
        script.write_text(of_page("python"))
        command = [sys.executable, str(script), f"redis://127.0.0.1:{valkey.port}/0", key]

        def export() -> str:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            (tmp_path / "scores.csv").write_text(done.stdout)
            return done.stdout

        export()
        said = refused_plainly(tmp_path, "import", "scores.csv")
        assert "2 of 202 are" in said
        client.zrem(key, "half", "endless")
        export()
    ok(tmp_path, "import", "scores.csv")
    assert standing(tmp_path) == there
    assert "in order" in ok(tmp_path, "ledger", "verify")
    port = free_port()
    ok(tmp_path, "action", "set", "win", "5")
    with serving(tmp_path, port):
        assert "user-199 now has 285 points" in ok(
            tmp_path, "award", "user-199", "win", SCOREBOARD_PORT=str(port)
        )
        url = f"http://127.0.0.1:{port}/v1/boards/default/top?limit=200"
        with urllib.request.urlopen(url) as answer:
            rows = json.load(answer)["rows"]
    after = sorted(there, key=lambda row: row[0] != "user-199")
    assert [(row["user_id"], row["score"]) for row in rows] == [("user-199", 285), *after[1:]]


def refused_plainly(folder: Path, *arguments: str) -> str:
    """Refused after some lines about the file."""
    done = scoreboard(folder, *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_leaderboard_of_nakama_becomes_a_ledger_on_postgresql(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    name = f"import_{os.getpid()}"
    source = postgres.clone(f"{name}_source", "template0").rpartition("/")[2]
    postgres.psql(NAKAMA, source)
    copy = of_page("sql").strip().replace("'scores.csv'", f"'{tmp_path / 'scores.csv'}'")
    postgres.psql(copy, source)
    order = "FROM leaderboard_record WHERE leaderboard_id = 'points' AND score < 900 ORDER BY score"
    by_time = f"SELECT owner_id {order} DESC, update_time, subscore DESC, owner_id DESC"
    environ = {"SCOREBOARD_LEDGER": postgres.clone(f"{name}_target", "template0")}
    ok(tmp_path, "migrate", **environ)
    preview = json.loads(ok(tmp_path, "import", "scores.csv", "--preview", "--json", **environ))
    assert (preview["users"], preview["timed"], preview["bad"]) == (100, True, 0)
    ok(tmp_path, "import", "scores.csv", "--board", "points", **environ)
    target = f"{name}_target"
    found = "SELECT user_id FROM scores WHERE board = 'points' ORDER BY score DESC, seq"
    assert postgres.psql(found, target) == postgres.psql(by_time, source)
    moments = "SELECT DISTINCT at FROM ledger WHERE kind = 'award' ORDER BY at"
    there = "SELECT DISTINCT (extract(epoch FROM update_time) * 1000)::BIGINT AS at "
    there += "FROM leaderboard_record WHERE score < 900 ORDER BY at"
    assert postgres.psql(moments, target) == postgres.psql(there, source)
    assert "in order" in ok(tmp_path, "ledger", "verify", **environ)
    ok(tmp_path, "rebuild", **environ)
    again = ok(tmp_path, "import", "scores.csv", "--board", "points", "--now", **environ)
    assert "0 users imported" in again
    assert "100 were imported before" in again
    # In the order of Nakama itself, without the times.
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    (tmp_path / "order.csv").write_text("".join(f"{each.rpartition(',')[0]}\n" for each in lines))
    ok(tmp_path, "import", "order.csv")
    theirs = postgres.psql(f"SELECT owner_id {order} DESC, subscore DESC, owner_id DESC", source)
    assert "\n".join(user for user, _ in standing(tmp_path)) == theirs
    postgres.drop_databases()


def test_while_a_line_is_bad_nothing_happens(tmp_path: Path, command: Command) -> None:
    (tmp_path / "a.csv").write_text("user_id,score\nada,1\nben,x\nada,2\n")
    code, _, said = command("import", "a.csv")
    assert code == 1
    assert "a.csv:3: the score is not a whole number" in said
    assert "a.csv:4: the user is in line 2 already." in said
    assert "Nothing is imported while lines are bad: 2 of 3 are." in said
    assert not (tmp_path / "scoreboard-data").exists()
    previewed = command("import", "a.csv", "--preview", "--json")
    assert previewed.code == 1
    assert [each["line"] for each in json.loads(previewed.out)["problems"]] == [3, 4]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.csv",), "cannot be read"),
        (("empty.csv",), "There are no users"),
        (("good.csv", "--at", "2999-01-01T00:00:00Z"), "--at is a moment of the past"),
        (("good.csv", "--at", "monday"), "--at is a moment of the past"),
        (("good.csv", "--at", "2026-01-01T00:00:00Z", "--now"), "exclude each other"),
        (("good.csv", "--board", "a b"), "--board and --action"),
        (("good.csv", "--reason", ""), "--reason"),
        (("good.csv", "--now", "--board", "none"), "scoreboard board set none"),
        (("good.csv", "--time", "when"), "--time says"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, command: Command, arguments: tuple[str, ...], says: str
) -> None:
    write(tmp_path / "good.csv", [("ada", 1)])
    write(tmp_path / "empty.csv", [])
    code, _, said = command("import", *arguments)
    assert (code, said[:7]) == (1, "Error: ")
    assert says in said


def test_one_moment_for_all_keeps_the_order_of_the_times(tmp_path: Path, command: Command) -> None:
    (tmp_path / "a.csv").write_text("user_id,score,updated_at\nada,5,9\nben,5,8\ncleo,6,9\n")
    at = "2026-10-31T00:00:00Z"
    said = command("import", "a.csv", "--at", at, "--preview").out
    assert [line.split()[1] for line in said.splitlines()[-3:]] == ["cleo", "ben", "ada"]
    assert "counts in the present" not in said
    write(tmp_path / "untimed.csv", [("ada", 1)])
    assert "counts in the present" in command("import", "untimed.csv", "--preview").out
    assert command("import", "a.csv", "--at", at).code == 0
    assert [user for user, _ in standing(tmp_path)] == ["cleo", "ben", "ada"]


def test_a_name_that_is_taken_by_an_action_is_refused(tmp_path: Path, command: Command) -> None:
    write(tmp_path / "a.csv", [("ada", 1)])
    assert command("action", "set", "imported", "5").code == 0
    assert "history already" in command("import", "a.csv").err
    assert "another name with --action" in command("import", "a.csv", "--now").err
    assert command("import", "a.csv", "--now", "--action", "carried").code == 0
    write(tmp_path / "a.csv", [("ada", 2), ("ben", 2)])
    done = command("import", "a.csv", "--now", "--action", "carried", "--json")
    assert done.code == 1
    answer = json.loads(done.out)
    assert (answer["users"], answer["before"], answer["differing"]) == (1, 0, [2])
    assert standing(tmp_path) == [("ben", 2), ("ada", 1)]


def test_an_import_is_taken_back_as_a_whole(tmp_path: Path, command: Command) -> None:
    assert command("action", "set", "win", "5").code == 0
    write(tmp_path / "a.csv", [("ada", 7), ("ben", 3)])
    assert command("import", "a.csv", "--now", "--action", "carried").code == 0
    reverse = ("reverse", "--action", "carried", "--since", "1h", "--reason", "the wrong file")
    assert "2 awards would be taken back: -10 points" in command(*reverse, "--preview").out
    assert "2 awards taken back: -10 points" in command(*reverse).out
    assert standing(tmp_path) == [("ben", 0), ("ada", 0)]
    # The name is used up: the next import has another one.
    assert (
        "2 were imported before" in command("import", "a.csv", "--now", "--action", "carried").out
    )


def test_an_import_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    rows = [(f"user-{number}", number % 50) for number in range(6_000)]
    write(tmp_path / "a.csv", rows)
    ok(tmp_path, "action", "set", "win", "5")
    database = tmp_path / "scoreboard-data" / "scoreboard.db"

    def recorded() -> int:
        db = sqlite3.connect(database)
        (count,) = db.execute("SELECT count(*) FROM ledger WHERE kind = 'award'").fetchone()
        db.close()
        return int(count)

    command = [sys.executable, "-m", "scoreboard", "import", "a.csv", "--now"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + DEADLINE_S
        while recorded() == 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.kill()
    assert 0 < recorded() < len(rows)
    assert recorded() % 1_000 == 0
    answer = json.loads(ok(tmp_path, "import", "a.csv", "--now", "--json"))
    assert answer["users"] + answer["before"] == len(rows)
    assert answer["before"] > 0
    assert standing(tmp_path) == sorted(rows, key=lambda row: -row[1])
    assert "in order" in ok(tmp_path, "ledger", "verify")
