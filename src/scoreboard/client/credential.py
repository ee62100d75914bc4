"""The token of a client, and whose it is."""

import hashlib
from collections.abc import Callable

import msgspec
from msgspec import Struct

from scoreboard.core.signature import from_base64url

Token = str | Callable[[], str] | None
"""A bearer token, or what answers the current one: it is called before each request."""

JWT_PARTS = 3


class _Claims(Struct):
    iss: str = ""
    sub: str = ""


def bearer(token: Token) -> str:
    """The token to send now; empty without one."""
    return (token() if callable(token) else token) or ""


def caller_of(token: str) -> str:
    """Stands for issuer and subject of a token; the same for a fresh token of the same caller.

    The service remembers an ``Idempotency-Key`` under these two, so an award has to be sent again
    by whoever sent it first. Nothing is verified here: that is the service's business.
    """
    parts = token.split(".")
    payload = from_base64url(parts[1]) if len(parts) == JWT_PARTS else None
    name = token.encode()
    if payload is not None:
        try:
            claims = msgspec.json.decode(payload, type=_Claims)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        else:
            name = msgspec.json.encode((claims.iss, claims.sub))
    return hashlib.sha256(name).hexdigest()[:32]
