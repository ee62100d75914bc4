"""What moderators do to users and awards: by postings, never by edits."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from scoreboard.core.posting import Kind, Posting
from scoreboard.core.reversal import Awards
from scoreboard.core.score import Score
from scoreboard.core.user import Status, User
from scoreboard.ports.catalogue import AuditEntry
from scoreboard.ports.standings import Key

REVERSE_MAX = 1_000
"""The most awards that one call should reverse: others wait while it is under way."""


class Moderation(Struct, frozen=True):
    """A change of a user's status (hold, hide, ban, release), or the user's erasure (erase).

    With ``only_from`` the status is changed only if it is that one by then: what nobody has asked
    for undoes no decision.
    """

    user_id: str
    kind: Kind
    caller: str
    reason: str
    only_from: Status | None = None


class Reversal(Struct, frozen=True):
    """Awards to take back, who asks for it, and why."""

    awards: Awards
    caller: str
    reason: str


class Reversed(Struct, frozen=True):
    """The postings of one call, and the seq to go on before; None when nothing is left."""

    postings: tuple[Posting, ...]
    before: int | None


class StatusPage(Struct, frozen=True):
    """Some of the users who are not active, by user id; true at ``seq``."""

    epoch: int
    seq: int
    users: tuple[User, ...]


class Moderated(Protocol):
    """Statuses, reversals and erasures: what a ledger lets moderators do.

    Everything is committed and flushed before it is answered. The reason goes to the record of
    changes alone, where the subject is the user's reference: it is told as a user id as long as
    the user has one.

    Raises:
        NotFound: the ledger knows no such user or award; nobody is banned beforehand.
        Unavailable: nothing was recorded.
        OutcomeUnknown: the commit's answer was lost; ask again, it happens once.
    """

    async def moderate(self, moderation: Moderation) -> Posting | None:
        """Change a user's status, or erase the user; answers the posting.

        The posting is on the board ``default`` and concerns all boards. None: the user has that
        status already, nothing was recorded.

        To erase is to forget name and salt (``core.user.commitment`` is kept in their place) and
        to delete every score. Postings stay and name nobody any more, awards keep their ids. A
        user id that comes again is a new user, with status and scores of its own, and asking again
        raises NotFound. Rankings still have to remove the name: postings of this kind tell it in
        ``user_id`` until ``forget_erased`` says that they have.
        """
        ...

    async def forget_erased(self, upto: int) -> None:
        """Keep the names of those erased by postings up to this seq no longer.

        Said by whoever leads, once every ranking that may have them, and every feed that has to
        tell them, is past that seq.
        """
        ...

    async def reverse(
        self, reversal: Reversal, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Reversed:
        """Take awards back, the newest first, at most ``limit`` of them, in one transaction.

        Each gets one posting for ever, ``reverse``, with its points negated, which counts in the
        periods of the award; what was reversed before is passed over, and so are users who were
        erased. ``before`` is the seq that the call before answered; asking again from the start
        is slower and does the same.

        Raises:
            NotFound: also, of one award, when it is another kind of posting or its user was
                erased.
            ScoreLimit: a score would leave its range; nothing of this call was recorded.
        """
        ...

    async def reversible(
        self, awards: Awards, before: int | None = None, limit: int = REVERSE_MAX
    ) -> Sequence[Posting]:
        """The awards that ``reverse`` would take back now; empty when nothing is left."""
        ...

    async def user(self, user_id: str) -> User | None:
        """A user, or None when the ledger does not know one of this id."""
        ...

    async def status_of(self, user_id: str) -> Status:
        """A user's status; somebody whom the ledger does not know is active."""
        ...

    async def statuses(self, after: str | None, limit: int) -> StatusPage:
        """Users who are not active, by user id, after a user id; each page true at its seq.

        Whoever loads them page by page, and then applies the postings after the head that was
        read before the first page, has the right statuses: a later page only knows more.
        """
        ...

    async def in_order(
        self, board: str, period: str, after: Key | None, limit: int
    ) -> Sequence[Score]:
        """Scores of active users in their order, after a sort key."""
        ...

    async def record_of(self, user_id: str, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """What moderators did to a user and why, newest first."""
        ...
