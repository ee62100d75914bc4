"""A real Prometheus on a loopback port of its own, and what it knows."""

import contextlib
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.service_process import eventually, free_port

JOB = "scoreboard"


class Prometheus:
    """Asked over its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self._url}/-/ready") as answer:
            return bool(answer.status == 200)
        return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of now.

        Raises:
            ValueError: Prometheus does not understand the expression; with what it says.
        """
        question = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{question}") as answer:
                found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None
        return found

    def alerts(self) -> dict[str, set[str]]:
        """The states of each alert that is pending or firing."""
        with urllib.request.urlopen(f"{self._url}/api/v1/alerts") as answer:
            states: dict[str, set[str]] = {}
            for alert in json.load(answer)["data"]["alerts"]:
                states.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
        return states


def program() -> str | None:
    return shutil.which("prometheus")


@contextlib.contextmanager
def running(
    folder: Path, ports: Sequence[int], rules: Sequence[Path], every: str = "250ms"
) -> Iterator[Prometheus]:
    """Scrapes the nodes on these ports as often as it judges the rules."""
    folder.mkdir(exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {
                    "scrape_interval": every,
                    "scrape_timeout": every,
                    "evaluation_interval": every,
                },
                "rule_files": [str(path) for path in rules],
                "scrape_configs": [
                    {
                        "job_name": JOB,
                        "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}],
                    }
                ],
            }
        )
    )
    port = free_port()
    command = [
        str(program()),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as child,
    ):
        try:
            server = Prometheus(port)
            eventually(server.ready, within_s=30)
            yield server
        finally:
            child.terminate()
