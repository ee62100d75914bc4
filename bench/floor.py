"""The floor of fan-out: nothing but a loop of `send(2)` over connected sockets.

    python -m bench.floor COUNT FRAME_FILE

Prints its port, lets COUNT viewers in, and then sends the frame to all of them RATE times a second
for SECONDS, as often as it is asked to by a line `RATE SECONDS`.
"""

import contextlib
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Floor:
    """A running floor."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self.pid = child.pid
        self.port = int(self._line())

    def pace(self, rate: float, seconds: float) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(f"{rate} {seconds}\n")
        self._child.stdin.flush()
        self._line()

    def _line(self) -> str:
        assert self._child.stdout is not None
        return self._child.stdout.readline()


@contextlib.contextmanager
def running(count: int, frame_file: Path) -> Iterator[Floor]:
    command = [sys.executable, "-m", "bench.floor", str(count), str(frame_file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield Floor(child)
        finally:
            child.terminate()


def main() -> None:
    count, frame = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(listener.getsockname()[1], flush=True)
        viewers = [_let_in(listener, frame) for _ in range(count)]
    for line in sys.stdin:
        rate, seconds = map(float, line.split())
        _pace(viewers, frame, rate, seconds)
        print("done", flush=True)


def _let_in(listener: socket.socket, frame: bytes) -> socket.socket:
    viewer, _ = listener.accept()
    viewer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asked = b""
    while not asked.endswith(b"\r\n\r\n"):
        asked += viewer.recv(4096)
    viewer.sendall(SWITCHING + frame)
    return viewer


def _pace(viewers: list[socket.socket], frame: bytes, rate: float, seconds: float) -> None:
    began = time.monotonic()
    for turn in range(round(rate * seconds)):
        time.sleep(max(0.0, began + turn / rate - time.monotonic()))
        for viewer in viewers:
            viewer.send(frame)


if __name__ == "__main__":
    main()
