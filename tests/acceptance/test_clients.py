"""It is promised that no kill, of the service or of a client, loses an award or doubles one."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scoreboard.client import Client, Patience, SqliteOutbox
from tests.acceptance import evidence
from tests.service_process import Service, eventually

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


def test_awards_and_a_viewer_outlive_kills_of_the_service(
    service_factory: Callable[..., Service], tmp_path: Path
) -> None:
    service = service_factory(ENV)
    token = service.token("backend", "scores:write")
    outbox = SqliteOutbox(tmp_path / "outbox")
    seen: list[tuple[int, int, int]] = []
    enough = threading.Event()

    def follow() -> None:
        for top in client.watch():
            seen.append((top.epoch, top.seq, top.rows[0].score if top.rows else 0))
            if seen[-1][2] == 200 * 10:
                enough.set()
                return

    with (
        Client(service.url, token, outbox=outbox, patience=PATIENT) as client,
        ThreadPoolExecutor(17) as threads,
    ):
        viewer = threads.submit(follow)
        asked = [threads.submit(client.award, "ada", "quiz") for _ in range(200)]
        eventually(lambda: sum(each.done() for each in asked) > 20)
        service.kill()
        service.start()
        scores = sorted(each.result(60).new_score for each in asked)
        assert scores == [10 * n for n in range(1, 201)]
        assert enough.wait(60)
        viewer.result(10)
        assert client.standing("ada").score == 2000
    assert outbox.pending() == ()
    places = [each[:2] for each in seen]
    assert places == sorted(set(places))
    evidence.ensure_whole(service.data)
