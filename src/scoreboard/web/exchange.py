"""One HTTP request and its reply, as thin as ASGI allows."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec import Struct

from scoreboard import wire
from scoreboard.errors import InvalidPayload, TooLarge, UnsupportedMediaType

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = b"application/json"


class Reply(Struct, frozen=True):
    """What is sent back; ``content-length`` is added."""

    status: int
    headers: Headers
    body: bytes = b""


class Exchange:
    """A request whose body is read when it is asked for."""

    __slots__ = ("_receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters in the path."""
        found: dict[str, str] = self.scope["path_params"]
        return found

    @property
    def query(self) -> bytes:
        found: bytes = self.scope["query_string"]
        return found

    def header(self, name: bytes) -> bytes | None:
        """The first field of this lower-case name."""
        for key, value in self.scope["headers"]:
            if key == name:
                found: bytes = value
                return found
        return None

    def fields(self, name: bytes) -> list[bytes]:
        """All fields of this lower-case name."""
        return [value for key, value in self.scope["headers"] if key == name]

    async def json_body(self, max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            UnsupportedMediaType: it does not say that it is JSON.
            TooLarge: it is longer than ``max_bytes``.
            InvalidPayload: the caller went away in the middle of it.
        """
        media_type = self.header(b"content-type") or b""
        if media_type.partition(b";")[0].strip().lower() != JSON:
            raise UnsupportedMediaType
        body = b""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise InvalidPayload
            part: bytes = message.get("body", b"")
            body += part
            if len(body) > max_bytes:
                raise TooLarge
            if not message.get("more_body", False):
                return body


Handler = Callable[[Exchange], Awaitable[Reply]]


def json_reply(value: object, *headers: tuple[bytes, bytes], status: int = 200) -> Reply:
    """A value of ``wire`` as JSON."""
    return Reply(status, [(b"content-type", JSON), *headers], wire.ENCODER.encode(value))
