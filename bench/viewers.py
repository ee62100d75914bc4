"""Many viewers in one process: WebSockets by hand, every board counted and timed on arrival.

    python -m bench.viewers PORT[,PORT] COUNT

Prints a line when every viewer has a board. Then answers the lines `count`, `frame` (the newest
frame in hexadecimal), `reset` and `save PREFIX` with one line of JSON each.
"""

import contextlib
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

OPEN_AT_ONCE = 100
OPEN_WITHIN_S = 120
DESCRIPTORS_TO_SPARE = 100
TEXT, CLOSE, PING = 1, 8, 9
LENGTH_16_BITS, LENGTH_64_BITS = 126, 127
UPGRADE = (
    "GET /ws/scoreboard HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: c2NvcmVib2FyZC1iZW5jaA==\r\n\r\n"
)


class ViewersError(RuntimeError):
    """A viewer was refused, cut off, or never got a board."""


class Crowd:
    """The viewers, and what they were sent."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._upgrading: set[int] = set()
        self._rest: dict[int, bytes] = {}
        self.newest = b""
        self.reset()

    def reset(self) -> None:
        self.frames = 0
        self.bytes = 0
        self._who = array("q")
        self._seqs = array("q")
        self._times = array("d")

    def open(self, count: int) -> None:
        """Return when every viewer has its first board."""
        deadline = time.monotonic() + OPEN_WITHIN_S
        while self.frames < count:
            if time.monotonic() > deadline:
                raise ViewersError(f"{self.frames} of {count} viewers have a board")
            while len(self._sockets) < min(count, self.frames + OPEN_AT_ONCE):
                self._connect(self._ports[len(self._sockets) % len(self._ports)])
            self.turn(0.1)

    def _connect(self, port: int) -> None:
        link = socket.create_connection(("127.0.0.1", port), timeout=10)
        link.sendall(UPGRADE.format(port).encode())
        link.settimeout(0)
        self._sockets[link.fileno()] = link
        self._upgrading.add(link.fileno())
        self._poll.register(link, select.EPOLLIN)

    def listen_to_stdin(self) -> None:
        self._poll.register(0, select.EPOLLIN)

    def turn(self, timeout_s: float) -> bool:
        """Take in what has come; answers whether standard input is one of those."""
        asked = False
        for fd, _ in self._poll.poll(timeout_s):
            if fd == 0:
                asked = True
                continue
            data = self._sockets[fd].recv(1 << 16)
            if not data:
                raise ViewersError("the service closed a connection")
            if fd in self._upgrading:
                data = self._upgraded(fd, data)
            self._take(fd, data)
        return asked

    def _upgraded(self, fd: int, data: bytes) -> bytes:
        data = self._rest.pop(fd, b"") + data
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            self._rest[fd] = data
            return b""
        if not head.startswith(b"HTTP/1.1 101"):
            raise ViewersError(data.decode())
        self._upgrading.discard(fd)
        return rest

    def _take(self, fd: int, data: bytes) -> None:
        if fd in self._upgrading:
            return
        if fd in self._rest:
            data = self._rest.pop(fd) + data
        at, size = 0, len(data)
        while size - at >= 4:
            length, head = data[at + 1], 2
            if length == LENGTH_16_BITS:
                length, head = (data[at + 2] << 8) | data[at + 3], 4
            elif length == LENGTH_64_BITS:
                raise ViewersError("a frame of 64 KiB or more")
            end = at + head + length
            if end > size:
                break
            self._frame(fd, data, (at, at + head, end))
            at = end
        if at < size:
            self._rest[fd] = data[at:]

    def _frame(self, fd: int, data: bytes, bounds: tuple[int, int, int]) -> None:
        begin, text, end = bounds
        kind = data[begin] & 15
        if kind == TEXT:
            if data.startswith(b'{"type":"top"', text):
                self._board(fd, data, bounds)
        elif kind == PING:
            self._sockets[fd].send(
                b"\x8a" + bytes((0x80 | (end - text),)) + bytes(4) + data[text:end]
            )
        elif kind == CLOSE:
            raise ViewersError(f"closed: {data[text:end]!r}")

    def _board(self, fd: int, data: bytes, bounds: tuple[int, int, int]) -> None:
        begin, text, end = bounds
        seq_at = data.find(b'"seq":', text, end) + 6
        seq = int(data[seq_at : data.find(b",", seq_at, end)])
        self.frames += 1
        self.bytes += end - begin
        self._who.append(fd)
        self._seqs.append(seq)
        self._times.append(time.monotonic())
        self.newest = data[begin:end]

    def save(self, prefix: str) -> None:
        for name, values in (("who", self._who), ("seq", self._seqs), ("time", self._times)):
            with Path(f"{prefix}.{name}").open("wb") as file:
                values.tofile(file)


class Audience:
    """A crowd in another process, asked over its pipes."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child

    def ask(self, line: str) -> dict[str, Any]:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise ViewersError("the process of the viewers has ended; see above")
        found: dict[str, Any] = json.loads(line)
        return found

    def settled(self) -> int:
        """The frames counted, once no more arrive."""
        before, frames = -1, self.ask("count")["frames"]
        deadline = time.monotonic() + 30
        while before != frames and time.monotonic() < deadline:
            time.sleep(0.2)
            before, frames = frames, self.ask("count")["frames"]
        return int(frames)


@contextlib.contextmanager
def watching(port: int | Sequence[int], count: int) -> Iterator[Audience]:
    """That many viewers, each with a board; of many nodes each has its share."""
    ports = [port] if isinstance(port, int) else port
    words = (",".join(map(str, ports)), str(count))
    command = [sys.executable, "-m", "bench.viewers", *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            audience = Audience(child)
            audience.answer()
            yield audience
        finally:
            child.terminate()


def main() -> None:
    ports, count = [int(port) for port in sys.argv[1].split(",")], int(sys.argv[2])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < count + DESCRIPTORS_TO_SPARE:
        raise ViewersError(f"{count} viewers need more file descriptors: ulimit -n is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(ports)
    crowd.open(count)
    _say({"open": count})
    crowd.listen_to_stdin()
    while True:
        if crowd.turn(1.0):
            asked = os.read(0, 4096).decode().split()
            if not asked:
                return
            _answer(crowd, asked)


def _answer(crowd: Crowd, asked: list[str]) -> None:
    match asked:
        case ["save", prefix]:
            crowd.save(prefix)
        case ["reset"]:
            crowd.reset()
        case ["frame"]:
            _say({"frame": crowd.newest.hex()})
            return
    _say({"frames": crowd.frames, "bytes": crowd.bytes})


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
