"""The repository's nginx configuration, run in front of real nodes."""

import contextlib
import http.client
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.service_process import Answer, Service, eventually

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "deploy" / "nginx"
NODE = re.compile(r"node(\d):8000")
STOP_WITHIN_S = 30
SWITCHING = 101
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


class Front(Service):
    """nginx, spoken to like the nodes behind it; only addresses are put into its configuration."""

    def __init__(self, data: Path, env: Mapping[str, str], upstreams: Sequence[str]) -> None:
        super().__init__(data, env)
        self._prefix = data / "nginx"
        self._prefix.mkdir()
        for file in CONFIGURATION.iterdir():
            shutil.copy(file, self._prefix)
        self._render(
            "scoreboard.listen", lambda text: text.replace("8080", f"127.0.0.1:{self.port}")
        )
        self._render("scoreboard.upstreams", lambda text: with_nodes(text, upstreams))

    def spawn(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self) -> None:
        eventually(self._answers, within_s=STOP_WITHIN_S)

    def end(self) -> None:
        # A master that is killed leaves its workers behind.
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(STOP_WITHIN_S)
        self.process = None

    def accepts(self) -> subprocess.CompletedProcess[str]:
        """``nginx -t``."""
        command = [*self._command(), "-t"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @property
    def log_path(self) -> Path:
        return self.data / "nginx.log"

    def ask_from(self, address: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A GET of another client, who has this loopback address."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=20, source_address=(address, 0)
        )
        with contextlib.closing(connection):
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            body = b"" if answer.status == SWITCHING else answer.read()
            return Answer(answer.status, found, body)

    @contextlib.contextmanager
    def viewer(self) -> Iterator[None]:
        """A viewer that has been let in and reads nothing."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as peer:
            fields = "".join(f"{name}: {value}\r\n" for name, value in HANDSHAKE.items())
            head = f"GET /ws/scoreboard HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n"
            peer.sendall(head.encode())
            assert peer.recv(12) == b"HTTP/1.1 101"
            yield

    def _command(self) -> list[str]:
        return ["nginx", "-p", f"{self._prefix}/", "-c", str(self._prefix / "nginx.conf")]

    def _render(self, name: str, change: Callable[[str], str]) -> None:
        file = self._prefix / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def with_nodes(text: str, upstreams: Sequence[str]) -> str:
    """The lists of nodes with these addresses; a line of a node that there is not goes."""
    lines = []
    for line in text.splitlines(keepends=True):
        named = NODE.search(line)
        if named is None:
            lines.append(line)
        elif int(named[1]) <= len(upstreams):
            lines.append(line.replace(named[0], upstreams[int(named[1]) - 1]))
    return "".join(lines)
