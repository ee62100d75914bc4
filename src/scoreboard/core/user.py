"""A user's status, what changes it, and what is left of a user who was erased."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from scoreboard.core.award import derived_id
from scoreboard.core.posting import Kind


class Status(StrEnum):
    """How a user stands; all but active are in no top, rank, count or neighbourhood.

    Scores go on growing unseen, except those of a banned user, who gets no points any more. Held
    is hidden until somebody has looked: a held user is an item of the review queue.
    """

    ACTIVE = "active"
    HELD = "held"
    HIDDEN = "hidden"
    BANNED = "banned"


LEADS_TO: Mapping[Kind, Status] = MappingProxyType(
    {
        Kind.HOLD: Status.HELD,
        Kind.HIDE: Status.HIDDEN,
        Kind.BAN: Status.BANNED,
        Kind.RELEASE: Status.ACTIVE,
    }
)
"""The status after each kind of posting that changes one, whatever it was before."""


class User(Struct, frozen=True):
    """A user whom the ledger knows; ``user_ref`` stands for the user in postings."""

    user_ref: int
    user_id: str
    status: Status


class StatusRecord(Struct, frozen=True):
    """What the record of changes keeps of a user before and after a moderation."""

    status: Status


def record_subject(user_ref: int) -> str:
    """What the record of changes calls a user: never by name, so that it need not be rewritten."""
    return f"user:{user_ref}"


def status_posting_id(kind: Kind, seq: int) -> str:
    """The id of a posting about a user's status: its place is its own already."""
    return derived_id(kind.value, "user", str(seq))


def moderated(status: Status, kind: Kind, only_from: Status | None = None) -> Status | None:
    """The status after a moderation, or None when that, or not ``only_from``, is the status.

    Then nothing happened: there is no posting and no entry in the record of changes.
    """
    after = LEADS_TO[kind]
    return None if after is status or only_from not in {None, status} else after


def commitment(salt: bytes, user_id: str) -> bytes:
    """SHA-256 of the salt and the user id: what postings commit to a user by.

    It is all that is kept of a user who was erased. Nobody finds the name to it without the salt,
    which is erased with the name.
    """
    return hashlib.sha256(salt + user_id.encode()).digest()
