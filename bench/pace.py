"""Awards at a steady rate, sent when they are due and not when the last answer came."""

import selectors
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import ACTION, LoadError

CONNECTIONS = 64
LAST_ANSWER_WITHIN_S = 10


@dataclass
class Sent:
    """One award: when it was sent, when its answer came (monotonic), and its id."""

    sent_s: float
    answered_s: float = 0.0
    award_id: str = ""


@dataclass
class _Link:
    socket: socket.socket
    award: Sent | None = None
    got: bytes = b""


@dataclass
class Pacer:
    """Awards by the first `users` of a tokens file, each in turn: all of them in the top ten.

    With `others` the connections are spread over the ports of many nodes.
    """

    port: int
    tokens: Path
    users: int = 10
    others: tuple[int, ...] = ()
    _links: list[_Link] = field(default_factory=list)

    def run(self, rate: float, seconds: float) -> list[Sent]:
        """Raises: LoadError: an answer is missing, or is not a 200."""
        requests = self._requests()
        awards: list[Sent] = []
        with selectors.DefaultSelector() as selector:
            idle = self._connect(selector, min(CONNECTIONS, max(1, round(rate))))
            began = time.monotonic()
            total = round(rate * seconds)
            deadline = began + seconds + LAST_ANSWER_WITHIN_S
            answered = 0
            while answered < total:
                now = time.monotonic()
                if now > deadline:
                    raise LoadError(f"{total - answered} of {total} awards have no answer")
                while len(awards) < total and idle and began + len(awards) / rate <= now:
                    link = idle.pop(0)  # each in turn: one that never speaks is closed
                    link.award = Sent(time.monotonic())
                    link.socket.sendall(requests[len(awards) % len(requests)])
                    awards.append(link.award)
                due = began + len(awards) / rate - time.monotonic()
                wait = due if len(awards) < total and idle else 0.05
                for key, _ in selector.select(max(0.0, wait)):
                    if self._answered(key.data):
                        idle.append(key.data)
                        answered += 1
        for link in self._links:
            link.socket.close()
        self._links.clear()
        return awards

    def _connect(self, selector: selectors.BaseSelector, count: int) -> list[_Link]:
        ports = (self.port, *self.others)
        for number in range(count):
            address = ("127.0.0.1", ports[number % len(ports)])
            link = _Link(socket.create_connection(address, timeout=10))
            link.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(link.socket, selectors.EVENT_READ, link)
            self._links.append(link)
        return list(self._links)

    def _answered(self, link: _Link) -> bool:
        data = link.socket.recv(1 << 16)
        link.got += data
        head, end, body = link.got.partition(b"\r\n\r\n")
        if not data or (end and not head.startswith(b"HTTP/1.1 200")):
            raise LoadError(f"an award was answered with {link.got!r}")
        fields = _fields(head)
        if not end or len(body) < int(fields[b"content-length"]):
            return False
        assert link.award is not None
        link.award.answered_s = time.monotonic()
        link.award.award_id = fields.get(b"award-id", b"").decode()
        link.award, link.got = None, b""
        return True

    def _requests(self) -> list[bytes]:
        with self.tokens.open() as lines:
            pairs = [next(lines).split() for _ in range(self.users)]
        return [self._request(user, token) for user, token in pairs]

    def _request(self, user: str, token: str) -> bytes:
        body = f'{{"user_id":"{user}","action_id":"{ACTION}"}}'
        return (
            f"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def _fields(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    return {name.lower(): value for name, value in pairs}
