"""What moderators do: a user's status changed, awards taken back, group after group."""

from collections.abc import Callable

from msgspec import Struct

from scoreboard.core.posting import Kind, Posting
from scoreboard.core.user import LEADS_TO, Status
from scoreboard.ports import REVERSE_MAX, Ledger, Moderation, Reversal


class Moderated(Struct, frozen=True):
    """A user's status now, None for an erased user, and the posting that changed it.

    Without a posting it was so already.
    """

    user_id: str
    status: Status | None
    posting: Posting | None


class Undone(Struct, frozen=True):
    """How many awards, what that adds to scores, and the seq to go on before; None at the end."""

    awards: int
    points: int
    before: int | None = None


class Moderator:
    """Moderates by the ledger alone, with a service running or without."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def moderate(self, moderation: Moderation) -> Moderated:
        """Hold, hide, ban, release or erase a user.

        Raises:
            NotFound: the ledger does not know the user.
        """
        posting = await self._ledger.moderate(moderation)
        status = None if moderation.kind is Kind.ERASE else LEADS_TO[moderation.kind]
        return Moderated(moderation.user_id, status, posting)

    async def reverse(
        self,
        reversal: Reversal,
        *,
        most: int | None = None,
        seen: Callable[[int], object] = lambda _: None,
    ) -> Undone:
        """Take back awards, at most so many; ``seen`` is told the size of each group.

        What fails half-way is asked again from the start, and goes on.

        Raises:
            NotFound, ScoreLimit: as of the ledger; the groups before are reversed.
        """
        awards = points = 0
        before: int | None = None
        while most is None or awards < most:
            limit = REVERSE_MAX if most is None else min(REVERSE_MAX, most - awards)
            taken = await self._ledger.reverse(reversal, before, limit)
            awards += len(taken.postings)
            points += sum(posting.points for posting in taken.postings)
            before = taken.before
            seen(len(taken.postings))
            if before is None:
                return Undone(awards, points)
        more = await self._ledger.reversible(reversal.awards, before, 1)
        return Undone(awards, points, before if more else None)
