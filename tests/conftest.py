"""What every test starts from: a clean environment, and one way to say that a server is missing."""

import os
from collections import defaultdict
from typing import Protocol

import pytest

pytest_plugins = (
    "tests.service_process",
    "tests.servers.postgres",
    "tests.servers.valkey",
    "tests.cluster",
)

REQUIRE = "SCOREBOARD_TEST_REQUIRE"
SERVERS = frozenset(
    {
        "amtool",
        "chromium",
        "history",
        "kafka",
        "kubectl",
        "netns",
        "nginx",
        "node",
        "npm",
        "openssl",
        "pgbouncer",
        "postgres",
        "prometheus",
        "promtool",
        "redis",
        "strace",
        "systemd",
    }
)


class Require(Protocol):
    """Skip the test when a server is absent; fail it where the run has promised that server."""

    def __call__(self, name: str, present: object, why: str) -> None: ...


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("SCOREBOARD_")]:
        if name != REQUIRE:
            del os.environ[name]
    if unknown := promised() - SERVERS:
        raise pytest.UsageError(f"{REQUIRE} names {sorted(unknown)}; known are {sorted(SERVERS)}")


@pytest.fixture(scope="session")
def require() -> Require:
    def check(name: str, present: object, why: str) -> None:
        assert name in SERVERS, f"{name!r} is not in {sorted(SERVERS)}"
        if present:
            return
        if name in promised():
            pytest.fail(f"{REQUIRE} promises {name}: {why}", pytrace=False)
        pytest.skip(f"needs {name}: {why}")

    return check


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing: defaultdict[str, int] = defaultdict(int)
    for report in terminalreporter.getreports("skipped"):
        # A skip's place and reason, the only part of it that xdist workers send back.
        _, _, reason = report.longrepr
        if reason.startswith("Skipped: needs "):
            missing[reason.removeprefix("Skipped: ")] += 1
    if missing:
        terminalreporter.section("not tested, a server is missing")
    for need, count in sorted(missing.items()):
        terminalreporter.line(f"{need} ({count} tests)")


def promised() -> frozenset[str]:
    names = os.environ.get(REQUIRE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())
