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


def test_the_types_are_those_of_the_module() -> None:
    made_from = hashlib.sha256((CLIENT / "scoreboard.js").read_bytes()).hexdigest()
    types = (CLIENT / "scoreboard.d.ts").read_text("utf-8")
    assert types.endswith(f"// made from scoreboard.js {made_from}\n"), "run `make js`"


def node_env() -> dict[str, str]:
    """With a WebSocket, which Node 20 keeps behind a flag."""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    old = int(said[1:].partition(".")[0]) < WEBSOCKET_SINCE
    return {**os.environ, **({"NODE_OPTIONS": "--experimental-websocket"} if old else {})}
