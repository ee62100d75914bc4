"""It is promised that no kill, of the service or of a client, loses an award or doubles one."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scoreboard.client import Client, Patience, SqliteOutbox
from tests.acceptance import evidence
from tests.conftest import Require
from tests.service_process import Service, eventually

CLIENT = Path(__file__).parents[2] / "clients" / "js"
PROGRAM = Path(__file__).with_name("javascript_client.mjs")
WEBSOCKET_SINCE = 22
PATIENT = Patience(attempts=100, deadline_s=60)
ENV = {"SCOREBOARD_USER_RATE": "0", "SCOREBOARD_IP_RATE": "0"}

# An application that knows what it asked for, and leaves the rest to its outbox.
APPLICATION = r"""
import sys
from concurrent.futures import ThreadPoolExecutor
from scoreboard.client import Client, SqliteOutbox

url, token, folder, life = sys.argv[1:]
client = Client(url, token, outbox=SqliteOutbox(folder))
client.resend()

def play(number):
    user = f"user-{life}-{number}"
    client.award(user, "quiz")
    sys.stdout.write(f"got {user}\n")
    sys.stdout.flush()

with ThreadPoolExecutor(8) as threads:
    list(threads.map(play, range(100_000)))
"""
LIVES = 2


def test_a_client_that_is_killed_loses_nothing_and_doubles_nothing(
    service_factory: Callable[..., Service], tmp_path: Path
) -> None:
    service = service_factory(ENV)
    token = service.token("backend", "scores:write")
    folder = tmp_path / "outbox"
    acknowledged: set[str] = set()
    left: set[str] = set()
    for life in range(LIVES):
        command = [sys.executable, "-c", APPLICATION, service.url, token, str(folder), str(life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as application:
            assert application.stdout is not None
            for number, line in enumerate(application.stdout):
                acknowledged.update(line.split()[1:2])
                if number == 40:
                    break
            application.kill()
            acknowledged.update(*(line.split()[1:2] for line in application.stdout))
        left |= {each.user_id for each in whole(folder).pending()}
    assert len(left) >= LIVES, "the kills hit nothing"
    with Client(service.url, token, outbox=whole(folder)) as client:
        resent = client.resend()
    assert all(each.receipt is not None for each in resent)
    assert whole(folder).pending() == ()
    recorded = Counter(line.user for line in evidence.awards(service.data))
    assert set(recorded) >= acknowledged | left
    assert set(recorded.values()) == {1}
    evidence.ensure_whole(service.data)


def whole(folder: Path) -> SqliteOutbox:
    return SqliteOutbox(folder)


JAVASCRIPT_APPLICATION = r"""
import { Scoreboard, fileOutbox } from "./scoreboard.js";

const [url, token, folder, life] = process.argv.slice(1);
const client = new Scoreboard(url, { token, outbox: fileOutbox(folder), attempts: 100 });
await client.resend();
let number = 0;
await Promise.all(Array.from({ length: 8 }, async () => {
  for (;;) {
    const user = `user-${life}-${number++}`;
    await client.award(user, "quiz");
    console.log(`got ${user}`);
  }
}));
"""


def test_a_client_in_javascript_is_killed_while_the_service_is(
    service_factory: Callable[..., Service], tmp_path: Path, require: Require
) -> None:
    require("node", shutil.which("node"), "install Node.js 20.16 or later")
    service = service_factory(ENV)
    token = service.token("backend", "scores:write")
    folder = tmp_path / "outbox"
    acknowledged: set[str] = set()
    left: set[str] = set()
    for life in range(LIVES):
        arguments = (service.url, token, str(folder), str(life))
        command = ["node", "--input-type=module", "--eval", JAVASCRIPT_APPLICATION, *arguments]
        with subprocess.Popen(
            command, cwd=CLIENT, stdout=subprocess.PIPE, text=True
        ) as application:
            assert application.stdout is not None
            for number, line in enumerate(application.stdout):
                acknowledged.update(line.split()[1:2])
                if number == 40:
                    break
            # Nearly all wait for an answer that will not come when they are killed.
            service.kill()
            eventually(lambda: len(list(folder.glob("*.json"))) == WORKERS)
            application.kill()
            acknowledged.update(*(line.split()[1:2] for line in application.stdout))
        pending = users_in(folder)
        left |= pending
        service.start()
    assert len(left) >= LIVES * WORKERS / 2, "the kills hit nothing"
    said = subprocess.run(
        [
            "node",
            "--input-type=module",
            "--eval",
            JAVASCRIPT_RETURN,
            service.url,
            token,
            str(folder),
        ],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(said.stdout) == {"resent": len(pending), "refused": 0, "left": 0}
    recorded = Counter(line.user for line in evidence.awards(service.data))
    assert set(recorded) >= acknowledged | left
    assert set(recorded.values()) == {1}
    evidence.ensure_whole(service.data)


JAVASCRIPT_RETURN = r"""
import { Scoreboard, fileOutbox } from "./scoreboard.js";

const [url, token, folder] = process.argv.slice(1);
const outbox = fileOutbox(folder);
const resent = await new Scoreboard(url, { token, outbox }).resend();
const refused = resent.filter(({ problem }) => problem).length;
console.log(JSON.stringify({ resent: resent.length, refused, left: outbox.pending().length }));
"""
WORKERS = 8


def users_in(folder: Path) -> set[str]:
    """Who waits in an outbox of files."""
    return {json.loads(file.read_text("utf-8"))["user_id"] for file in folder.glob("*.json")}


AWARDS = 150


def test_both_clients_outlive_a_kill_of_the_service(
    service_factory: Callable[..., Service], tmp_path: Path, require: Require
) -> None:
    require("node", shutil.which("node"), "install Node.js 20.16 or later")
    service = service_factory(ENV)
    token = service.token("backend", "scores:write")
    outbox = SqliteOutbox(tmp_path / "outbox")
    arguments = (service.url, token, "grace", str(AWARDS), str(tmp_path / "node"))
    command = ["node", str(PROGRAM), *arguments]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=node_env()) as javascript,
        Client(service.url, token, outbox=outbox, patience=PATIENT) as client,
        ThreadPoolExecutor(9) as threads,
    ):
        assert javascript.stdout is not None
        javascript.stdout.readline()
        viewer = threads.submit(follow, client)
        asked = [threads.submit(client.award, "ada", "quiz") for _ in range(AWARDS)]
        eventually(lambda: sum(each.done() for each in asked) > AWARDS // 5)
        service.kill()
        service.start()
        assert sorted(each.result(60).new_score for each in asked) == SCORES
        places = viewer.result(60)
        said = json.loads(javascript.communicate(timeout=60)[0].splitlines()[-1])
    assert said["scores"] == SCORES
    for seen in (places, said["places"]):
        assert seen == sorted(seen)
        assert len({tuple(place) for place in seen}) == len(seen) > 1
    assert outbox.pending() == ()
    assert list((tmp_path / "node").iterdir()) == []
    assert len(evidence.awards(service.data)) == 2 * AWARDS
    evidence.ensure_whole(service.data)


SCORES = [10 * number for number in range(1, AWARDS + 1)]


def follow(client: Client) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    for top in client.watch():
        seen.append((top.epoch, top.seq))
        if any(row.user_id == "ada" and row.score == SCORES[-1] for row in top.rows):
            break
    return seen


def test_the_client_in_javascript(
    service_factory: Callable[..., Service], require: Require
) -> None:
    require("node", shutil.which("node"), "install Node.js 20.16 or later")
    service = service_factory(ENV)
    # What an orderly stop has sealed is proven.
    assert service.award("ada", "quiz").status == 200
    service.stop()
    service.start()
    tokens = {"TOKEN": service.token("ada"), "BACKEND": service.token("b", "scores:write")}
    done = subprocess.run(
        ["node", "--test", "--test-timeout=30000", str(CLIENT / "test")],
        env={**node_env(), **tokens, "SCOREBOARD_URL": service.url},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "\n# skipped 0\n" in done.stdout


@pytest.mark.parametrize("name", ["scoreboard", "verify"])
def test_the_types_are_those_of_the_module(name: str) -> None:
    made_from = hashlib.sha256((CLIENT / f"{name}.js").read_bytes()).hexdigest()
    types = (CLIENT / f"{name}.d.ts").read_text("utf-8")
    assert types.endswith(f"// made from {name}.js {made_from}\n"), "run `make js`"


def node_env() -> dict[str, str]:
    """With a WebSocket, which Node 20 keeps behind a flag."""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    old = int(said[1:].partition(".")[0]) < WEBSOCKET_SINCE
    return {**os.environ, **({"NODE_OPTIONS": "--experimental-websocket"} if old else {})}
