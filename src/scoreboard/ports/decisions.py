"""What moderators decided, as it is kept, posted and recorded: for audits."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.posting import Kind
from scoreboard.core.user import Status


class Decided(Struct, frozen=True):
    """A user whom moderators decided about, or who is not active.

    ``kind`` is that of the last posting which decided how the user stands. Of all ``decisions``,
    by postings and with an erasure, so many are ``recorded`` in the record of changes.
    """

    user_ref: int
    user_id: str | None
    status: Status
    kind: Kind | None
    decisions: int
    recorded: int


class Undone(Struct, frozen=True):
    """How many awards are taken back by postings, and how many by the record of changes."""

    posted: int
    recorded: int


class Decisions(Protocol):
    """Lays users, postings and the record of changes side by side, as of one moment each time.

    Raises:
        Unavailable: there is no answer.
    """

    async def decided(self, after: int, limit: int) -> Sequence[Decided]:
        """Users with a greater reference, in order."""
        ...

    async def unrecorded_keys(self) -> Sequence[str]:
        """Signing keys that were not added, or are revoked or not, as the record says."""
        ...

    async def undone(self) -> Undone:
        """What was reversed, counted."""
        ...
