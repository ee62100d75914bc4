"""Proofs about the ledger; binary values are in Base64."""

from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct, field

from scoreboard.core.identifier import UserId


class Consistency(Struct, frozen=True):
    """The ledger of `to` postings begins with the one of `from`: RFC 9162, section 2.1.4."""

    from_: int = field(name="from")
    to: int
    hashes: tuple[str, ...]


class AwardProof(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The posting of an award is under a signed checkpoint: RFC 9162, section 2.1.3.

    `leaf` is the posting's bytes, at index `seq` - 1 of a tree with `size` leaves. Its user is
    SHA-256 of `salt` and `user_id`. `checkpoint` is a note signed with `key`.
    """

    award_id: str
    seq: int
    size: int
    leaf: str
    hashes: tuple[str, ...]
    checkpoint: str
    key: str
    user_id: UserId | None = None
    salt: str | None = None


def base64s(hashes: Sequence[bytes]) -> tuple[str, ...]:
    """Hashes as a message has them."""
    return tuple(b64encode(each).decode() for each in hashes)
