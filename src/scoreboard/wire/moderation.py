"""What moderators ask for, and what they are told."""

from typing import Literal

from msgspec import Struct

from scoreboard.core.identifier import ActionId, AwardId, KeyName, UserId
from scoreboard.core.moment import milliseconds
from scoreboard.core.preview import PeriodMoves
from scoreboard.core.reversal import Awards, AwardsBy, AwardsFor, AwardsOf, OneAward
from scoreboard.errors import InvalidPayload
from scoreboard.wire.catalogue import AuditEntry
from scoreboard.wire.fields import Moment, Reason

UserStatus = Literal["active", "held", "hidden", "banned", "erased"]


class ModerationPost(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a user's status changes; with ``preview`` nothing does, and the ranks are told."""

    reason: Reason
    preview: bool = False


class Moderated(Struct, frozen=True):
    """The user's status now, and whether this call changed it, by the posting ``seq``.

    ``moves`` are those of a preview: the ranks that would move in open periods.
    """

    user_id: UserId
    status: UserStatus
    changed: bool
    seq: int | None = None
    moves: tuple[PeriodMoves, ...] | None = None


class ReversalPost(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which awards to take back, and why: one, or a user's, a key's or an action's since a moment.

    With ``preview`` none is, and the ranks are told that would move.
    """

    reason: Reason
    award_id: AwardId | None = None
    user_id: UserId | None = None
    key: KeyName | None = None
    action_id: ActionId | None = None
    since: Moment | None = None
    preview: bool = False

    def awards(self) -> Awards:
        """What to reverse.

        Raises:
            InvalidPayload: not exactly one of the four, or with the wrong ``since``.
        """
        names = ("award_id", "user_id", "key", "action_id")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidPayload(f"/{given[1]}" if given else "/award_id")
        if (self.since is None) is (self.award_id is None):
            raise InvalidPayload("/since")
        if self.award_id is not None:
            return OneAward(self.award_id)
        assert self.since is not None
        since_ms = milliseconds(self.since)
        if self.user_id is not None:
            return AwardsOf(self.user_id, since_ms)
        if self.key is not None:
            return AwardsBy(self.key, since_ms)
        assert self.action_id is not None
        return AwardsFor(self.action_id, since_ms)


class Undone(Struct, frozen=True):
    """How many awards were taken back, and what that adds to scores.

    ``complete`` says that none is left: if not, ask again. ``moves`` are those of a preview.
    """

    awards: int
    points: int
    complete: bool
    moves: tuple[PeriodMoves, ...] | None = None


class UnseenUser(Struct, frozen=True):
    """A user who is not shown, and why."""

    user_id: UserId
    status: UserStatus


class UnseenUsers(Struct, frozen=True):
    """Users who are not shown, by user id; ``next`` is the next ``after``."""

    users: tuple[UnseenUser, ...]
    next: UserId | None


class UserRecord(Struct, frozen=True):
    """A user's status, and what moderators did to the user, newest first."""

    user_id: UserId
    status: UserStatus
    entries: tuple[AuditEntry, ...]
    next: int | None
