"""Whether users stand as moderators decided, and every decision is on the record of changes."""

from collections.abc import Callable

from msgspec import Struct

from scoreboard.core.user import LEADS_TO, Status
from scoreboard.ports import Decided, Ledger, Undone

PAGE = 2_000
DIFFERENCES_MAX = 100
"""The most users who are told; one is enough to know."""

Seen = Callable[[int, int], None]
"""Told how far the work has come, and of how much."""


class Decisions(Struct, frozen=True):
    """How many users were decided about, those with whom something is wrong, and reversals.

    ``keys`` sign actions and were added, or are revoked or not, otherwise than was recorded.
    """

    users: int
    differing: tuple[Decided, ...]
    undone: Undone
    keys: tuple[str, ...] = ()

    @property
    def different(self) -> int:
        """How much is wrong."""
        unequal = self.undone.posted != self.undone.recorded
        return len(self.differing) + len(self.keys) + unequal


def decided_status(user: Decided) -> Status:
    """How somebody stands by the last posting that decided it."""
    return Status.ACTIVE if user.kind is None else LEADS_TO[user.kind]


async def compare_decisions(ledger: Ledger, seen: Seen) -> Decisions:
    """Compare everybody, each page as of one moment; awards and moderators go on meanwhile.

    Raises:
        Unavailable: something could not be read.
    """
    users, after, newest = 0, 0, await ledger.newest_user((await ledger.head()).seq)
    differing: list[Decided] = []
    while page := await ledger.decided(after, PAGE):
        users, after = users + len(page), page[-1].user_ref
        differing += (user for user in page if _differs(user))
        seen(after, newest)
    undone, keys = await ledger.undone(), await ledger.unrecorded_keys()
    return Decisions(users, tuple(differing[:DIFFERENCES_MAX]), undone, tuple(keys))


def _differs(user: Decided) -> bool:
    return user.status is not decided_status(user) or user.decisions != user.recorded
