"""Drives HTTP load with wrk."""

import json
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACTION = "quiz.correct"


class LoadError(RuntimeError):
    """The service refused, failed or dropped requests, so that its figures mean nothing."""


@dataclass(frozen=True)
class Load:
    """What to send: how many connections for how long, with which share of repeats."""

    port: int
    connections: int
    duration_s: float
    repeats: float = 0.0
    key_prefix: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came back; times in milliseconds."""

    requests: int
    duration_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    loader_cpu_s: float
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.requests / self.duration_s


def award(load: Load, tokens: Path) -> Outcome:
    """Awards by random users of the tokens file; a share of them is sent again with its key."""
    words = ["--", str(tokens), ACTION, str(load.repeats), load.key_prefix.ljust(16, "k")]
    return _wrk(load, HERE / "award.lua", "/v1/scores", words)


def award_once(load: Load, awards: Path) -> Outcome:
    """The awards of a file, each once: user, token and perhaps a header a line."""
    return _wrk(load, HERE / "award_once.lua", "/v1/scores", ["--", str(awards), ACTION])


def award_all(loads: Sequence[Load], tokens: Path) -> Outcome:
    """Awards to many nodes at once; percentiles are those of the slowest node."""
    before = _children_s()
    with ThreadPoolExecutor(len(loads)) as threads:
        found = list(threads.map(lambda load: award(load, tokens), loads))
    return Outcome(
        requests=sum(each.requests for each in found),
        duration_s=max(each.duration_s for each in found),
        p50_ms=max(each.p50_ms for each in found),
        p90_ms=max(each.p90_ms for each in found),
        p99_ms=max(each.p99_ms for each in found),
        loader_cpu_s=_children_s() - before,
    )


def read_users(load: Load, users: int, path: str = "/v1/boards/default/users") -> Outcome:
    """Standings of random users; answers other than a 200 are told in ``refused``, by status."""
    return _wrk(load, HERE / "read_users.lua", path, ["--", str(users)])


def read(load: Load, path: str) -> Outcome:
    """The same GET again and again."""
    return _wrk(load, HERE / "read.lua", path, [])


def _wrk(load: Load, script: Path, path: str, words: list[str]) -> Outcome:
    if shutil.which("wrk") is None:
        raise LoadError("wrk makes the load: install it, for example with apt-get install wrk")
    command = [
        "wrk",
        "--threads=1",
        f"--connections={load.connections}",
        f"--duration={max(1, round(load.duration_s))}s",
        "--timeout=10s",
        f"--script={script}",
        f"http://127.0.0.1:{load.port}{path}",
        *words,
    ]
    return _run(command, load)


def _run(command: list[str], load: Load) -> Outcome:
    before = _children_s()
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=load.duration_s + 60,
            check=False,
        )
        errors.seek(0)
        said = errors.read()
    after = _children_s()
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not found:
        raise LoadError(f"wrk failed: {said}\n{done.stdout}")
    result = json.loads(found[-1].removeprefix("RESULT "))
    _refuse_errors(result)
    return Outcome(
        requests=result["requests"],
        duration_s=result["duration_us"] / 1e6,
        p50_ms=result["p50_us"] / 1e3,
        p90_ms=result["p90_us"] / 1e3,
        p99_ms=result["p99_us"] / 1e3,
        loader_cpu_s=after - before,
        refused=result.get("refused", {}),
    )


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _refuse_errors(result: dict[str, Any]) -> None:
    bad = {name: result[name] for name in ("status", "connect", "read", "write", "timeout")}
    bad["status"] -= sum(result.get("refused", {}).values())
    if any(bad.values()) or result["requests"] == 0:
        raise LoadError(
            f"wrk sent {result['requests']} requests and counted {bad}: "
            "every answer has to be a 2xx"
        )
