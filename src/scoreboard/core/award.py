"""An award: points asked for one finished action, and its id, which is the replay guard."""

import hashlib
import uuid

from msgspec import Struct

from scoreboard.core.action import Action


class Award(Struct, frozen=True, kw_only=True):
    """What the ledger is asked to record.

    ``named`` says that the caller named the award (a key or a nonce), so that it may be a repeat.
    ``caller`` is who asked, when that was not the user.
    """

    award_id: str
    user_id: str
    action: Action
    named: bool
    caller: str | None = None


def new_award_id(random: bytes) -> str:
    """An award id from 16 random bytes (RFC 9562, version 4)."""
    return str(uuid.UUID(bytes=random, version=4))


def idempotent_award_id(issuer: str, subject: str, idempotency_key: str) -> str:
    """The award id of an ``Idempotency-Key``, in the scope of the token that sent it."""
    return derived_id("award", f"idem:{issuer}\n{subject}", idempotency_key)


def derived_id(purpose: str, scope: str, name: str) -> str:
    """SHA-256 of purpose, scope and name, its first 16 bytes as a UUID of version 8 (RFC 9562)."""
    digest = bytearray(hashlib.sha256(f"{purpose}\n{scope}\n{name}".encode()).digest()[:16])
    digest[6] = 0x80 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(digest)))
