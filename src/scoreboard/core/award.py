"""An award: points asked for one finished action, and its id, which is the replay guard."""

import hashlib

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.posting import Posting
from scoreboard.core.rule import Rule
from scoreboard.errors import ScoreboardError


class Award(Struct, frozen=True, kw_only=True):
    """What the ledger is asked to record.

    ``named`` says that the caller named the award (a key or a nonce), so that it may be a repeat.
    ``caller`` is who asked, when that was not the user; ``key`` signed the action. One that is
    ``over_rate`` is never recorded: it is asked for what goes before the rate, a repeat or a rule.
    """

    award_id: str
    user_id: str
    action: Action
    named: bool
    caller: str | None = None
    key: str | None = None
    over_rate: bool = False


class Recorded(Struct, frozen=True, gc=False):
    """The award is committed and flushed; this is its posting.

    ``shadows`` are the rules in the shadow that would have refused it.
    """

    posting: Posting
    shadows: tuple[Rule, ...] = ()


class Repeated(Struct, frozen=True, gc=False):
    """The award was recorded before; this is the posting it got then."""

    posting: Posting


class Refused(Struct, frozen=True):
    """The award was not recorded, and why."""

    error: ScoreboardError


Outcome = Recorded | Repeated | Refused


def new_award_id(at_ms: int, random: bytes) -> str:
    """An award id of version 7 (RFC 9562): 48 bits of time, then 10 random bytes.

    Ids made one after the other are neighbours in the index that keeps them unique.
    """
    made = bytearray(at_ms.to_bytes(6, "big") + random)
    made[6] = 0x70 | made[6] & 0x0F
    made[8] = 0x80 | made[8] & 0x3F
    return _as_uuid(made)


def idempotent_award_id(issuer: str, subject: str, idempotency_key: str) -> str:
    """The award id of an ``Idempotency-Key``, in the scope of the token that sent it."""
    return derived_id("award", f"idem:{issuer}\n{subject}", idempotency_key)


def opening_id(board: str, period: str) -> str:
    """The id of the posting that opened a period: there is one for ever."""
    return derived_id("period", board, period)


def derived_id(purpose: str, scope: str, name: str) -> str:
    """SHA-256 of purpose, scope and name, its first 16 bytes as a UUID of version 8 (RFC 9562)."""
    digest = bytearray(hashlib.sha256(f"{purpose}\n{scope}\n{name}".encode()).digest()[:16])
    digest[6] = 0x80 | digest[6] & 0x0F
    digest[8] = 0x80 | digest[8] & 0x3F
    return _as_uuid(digest)


def _as_uuid(data: bytearray) -> str:
    # uuid.UUID takes longer than the digest.
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
