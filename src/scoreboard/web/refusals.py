"""How a request that breaks a limit of its connection is refused."""

import asyncio
import uuid
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from scoreboard.errors import ScoreboardError
from scoreboard.web.problems import Headers, answer


class Connection(Protocol):
    """What can wait a moment before it closes."""

    transport: asyncio.Transport

    def linger(self) -> None: ...


class Broken(Exception):
    """A limit was broken while parsing."""

    def __init__(self, error: ScoreboardError, reason: str) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason


class Lingering:
    """The transport of a request whose body is not complete: it does not close at once."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Connection) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.linger()


def refusal_words(error: ScoreboardError, default_headers: Headers) -> bytes:
    """The whole answer to a request that broke a limit."""
    status, headers, body = answer(error, str(uuid.uuid4()))
    fields = [*default_headers, *headers]
    if (b"connection", b"close") not in fields:
        fields.append((b"connection", b"close"))
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    return STATUS_LINE[status] + head + b"\r\n" + body
