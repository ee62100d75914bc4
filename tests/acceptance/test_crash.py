"""It is promised that no kill, at any moment, loses an award or counts one twice."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.acceptance import evidence
from tests.acceptance.crowd import Connection, Crowd, Watcher, award_request, until
from tests.service_process import Service, eventually

LIVES = 5
KILLS = 10
KILLS_IN_EACH_STAGE = 2  # in each of five tests: ten in all
STAGES = ("begin", "commit", "committed")
IN_FLIGHT = 16
PLAYERS = 64
USERS = 40
ENV = {
    "SCOREBOARD_USER_RATE": "0",
    "SCOREBOARD_IP_RATE": "0",
    "SCOREBOARD_GROUP_MAX": "8",  # so that most awards wait while a group is written
}

Make = Callable[..., Service]


@pytest.mark.parametrize("seed", range(LIVES))
async def test_what_was_acknowledged_survives_kills_at_any_stage_of_the_commit(
    service_factory: Make, tmp_path: Path, seed: int
) -> None:
    trace = tmp_path / "stage"
    service = service_factory({**ENV, "SCOREBOARD_FAILPOINT": f"trace:{trace}"})
    service.put("boards/default", {"windows": ["all", "day"]})
    crowd = Crowd(service, players=PLAYERS, users=USERS, run=f"seed-{seed}")
    watcher = Watcher(service)
    killer = Killer(service, crowd, trace, Random(seed))
    try:
        crowd.up.set()
        for _ in range(KILLS):
            await lively(crowd, watcher)
            await killer.strike()
            await start(service, crowd)
        await crowd.finish()
        await ensure_nothing_lost(service, crowd, watcher)
    finally:
        await watcher.leave()
        await crowd.leave()
    assert len(killer.stages) == KILLS
    assert min(killer.in_flight) >= IN_FLIGHT
    counts = Counter(killer.stages)
    assert all(counts[stage] >= KILLS_IN_EACH_STAGE for stage in STAGES), counts


@pytest.mark.parametrize("stage", STAGES)
async def test_a_retry_settles_what_a_kill_left_open(service_factory: Make, stage: str) -> None:
    service = service_factory({**ENV, "SCOREBOARD_GROUP_MAX": "1024"})
    assert service.stop() == 0
    service.env["SCOREBOARD_FAILPOINT"] = f"kill:{stage}"
    service.start()
    keys = {f"user-{number}": f"award-{number:014d}" for number in range(IN_FLIGHT)}
    requests = [award_request(service.token(user), user, "quiz", key) for user, key in keys.items()]
    connections = [await Connection.open(service.port) for _ in requests]
    asked = [
        connection.ask(request) for connection, request in zip(connections, requests, strict=True)
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, OSError) for answer in answers), answers
    assert service.process is not None
    assert service.process.wait(10) == -signal.SIGKILL
    recorded = {line.user for line in evidence.awards(service.data)}
    assert bool(recorded) == (stage == "committed")
    del service.env["SCOREBOARD_FAILPOINT"]
    service.start()
    for user, key in keys.items():
        answer = service.award(user, "quiz", key=key)
        assert answer.body == b'{"success":true,"new_score":10}'
        assert ("idempotency-replayed" in answer.headers) == (user in recorded)
    assert sorted(line.user for line in evidence.awards(service.data)) == sorted(keys)
    evidence.ensure_whole(service.data)


class Killer:
    """Freezes the service, looks where it is, and kills it there or lets it go on."""

    def __init__(self, service: Service, crowd: Crowd, trace: Path, random: Random) -> None:
        self.stages: list[str] = []
        self.in_flight: list[int] = []
        self._service = service
        self._crowd = crowd
        self._trace = trace
        self._random = random

    async def strike(self) -> None:
        aims = self._aims()
        async with asyncio.timeout(30):
            await asyncio.sleep(self._random.uniform(0, 0.15))
            while not self._kill_in(aims):  # noqa: ASYNC110 - each look freezes the service
                await asyncio.sleep(self._random.uniform(0, 0.005))

    def _aims(self) -> tuple[str, ...]:
        """The stages that were hit too seldom; every second kill is wherever it falls."""
        counts = Counter(self.stages)
        if len(self.stages) % 2:
            return tuple(s for s in STAGES if counts[s] < KILLS_IN_EACH_STAGE) or STAGES
        return STAGES

    def _kill_in(self, aims: tuple[str, ...]) -> bool:
        process = self._service.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        stage = self._trace.read_text().strip()
        in_flight = self._crowd.in_flight()
        if in_flight < IN_FLIGHT or stage not in aims:
            process.send_signal(signal.SIGCONT)
            return False
        self._crowd.up.clear()
        self._service.kill()
        self.stages.append(stage)
        self.in_flight.append(in_flight)
        return True


async def lively(crowd: Crowd, watcher: Watcher) -> None:
    """Return when this life of the service has answered every player and shown a frame."""
    answers, frames = len(crowd.acknowledged) + PLAYERS, len(watcher.tops)
    await until(lambda: len(crowd.acknowledged) >= answers and len(watcher.tops) > frames)


async def start(service: Service, crowd: Crowd) -> None:
    """Let the players in as soon as the port is open, before the service is ready."""
    service.spawn()
    async with asyncio.timeout(30):
        while True:
            try:
                (await Connection.open(service.port)).close()
            except OSError:
                await asyncio.sleep(0.01)
            else:
                break
    crowd.up.set()


async def ensure_nothing_lost(service: Service, crowd: Crowd, watcher: Watcher) -> None:
    assert crowd.unanswered >= KILLS * IN_FLIGHT
    await asyncio.to_thread(service.wait_until_ready)
    evidence.ensure_acknowledged(service.data, crowd.acknowledged)
    evidence.ensure_whole(service.data)
    await asyncio.to_thread(ensure_same_answers, service, crowd)
    await asyncio.to_thread(ensure_api_agrees, service)
    final = service.get("/v1/scoreboard").json()
    await until(lambda: watcher.tops[-1].place() == (final["epoch"], final["seq"]))
    evidence.ensure_frames(service.data, watcher.tops)
    verdict = await asyncio.to_thread(service.command, "rebuild", "--json")
    assert json.loads(verdict.stdout)["differences"] == []


def ensure_same_answers(service: Service, crowd: Crowd) -> None:
    """Asking again, long after, brings the stored answer."""
    asked_again = [answer for answer in crowd.acknowledged.values() if answer.asked > 1]
    assert len(asked_again) >= IN_FLIGHT
    for answer in asked_again[:: max(1, len(asked_again) // 100)]:
        replay = service.award(answer.user, answer.action, key=answer.key)
        assert replay.body == answer.body
        assert replay.headers["idempotency-replayed"] == "true"


def ensure_api_agrees(service: Service) -> None:
    statement = "SELECT user_id, sum(points) FROM ledger JOIN users USING (user_ref) GROUP BY 1"
    sums = dict(evidence.ask(service.data, statement))

    def agrees() -> bool:
        rows = service.get("/v1/boards/default/top?limit=1000").json()["rows"]
        return {row["user_id"]: row["score"] for row in rows} == sums

    eventually(agrees)
    for user, total in sums.items():
        assert service.get(f"/v1/boards/default/users/{user}").json()["score"] == total
