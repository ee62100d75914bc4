"""What can go wrong, as a tree of types.

A class's docstring is the ``detail`` a caller reads: constant, and free of input, SQL and
exceptions. ``temporary`` says that asking again can help. HTTP statuses are in
``web/problems.py``.

    ScoreboardError
    +-- Refusal               the caller has to change something
    |   +-- InvalidPayload, InvalidParameter, UnknownAction, SignatureMalformed
    |   +-- InvalidToken
    |   +-- ForbiddenUser, InsufficientScope, ActionRejected, SignatureRequired,
    |   |   SignatureExpired, SuspiciousActivity, UserSuspended, OriginNotAllowed
    |   +-- NotFound, MethodNotAllowed, AwardConflict, ScoreLimit, TooLarge, UriTooLong,
    |   |   UnsupportedMediaType, HeadersTooLarge
    |   +-- Limited           RateLimited, TooManyConnections
    +-- Outage                we have to change something: Unavailable, OutcomeUnknown, Overloaded
    +-- Misconfigured         the operator has to change something: refuses to start
    |   +-- HistoryRefused    ... or to take over another ledger's history
    +-- PeriodMoved           inside only: the group was prepared for periods that have ended
    +-- CatalogueMoved        inside only: the group was prepared with settings that have changed
    +-- OutOfPlace            inside only: a group does not begin right after the ranking's place
    +-- Deposed               inside only: another node leads, with a later term
    +-- CheckpointRefused     inside only: signing now would contradict what was signed before
"""

from typing import ClassVar


class ScoreboardError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    temporary: ClassVar[bool] = False

    @classmethod
    def detail(cls) -> str:
        """The constant sentence of this class, on one line."""
        return " ".join((cls.__doc__ or "").split())


class Refusal(ScoreboardError):
    """The request cannot be carried out as it stands."""


class InvalidPayload(Refusal):
    """The body is not exactly what this operation takes."""

    code = "invalid-payload"

    def __init__(self, pointer: str = "") -> None:
        super().__init__(self.code, pointer)
        self.pointer = pointer


class InvalidParameter(Refusal):
    """A parameter in the path, the query or a header is not valid."""

    code = "invalid-parameter"


class UnknownAction(Refusal):
    """No such action is in the catalogue."""

    code = "unknown-action"


class SignatureMalformed(Refusal):
    """The Action-Signature header is not of the documented form."""

    code = "signature-malformed"


class InvalidToken(Refusal):
    """A valid bearer token is required."""

    code = "invalid-token"

    def __init__(self, reason: str) -> None:
        super().__init__(self.code, reason)
        self.reason = reason


class ForbiddenUser(Refusal):
    """This token may not act for this user."""

    code = "forbidden-user"


class InsufficientScope(Refusal):
    """This token lacks the scope that the operation requires."""

    code = "insufficient-scope"


class ActionRejected(Refusal):
    """The action's signature was not accepted."""

    code = "action-rejected"


class SignatureRequired(Refusal):
    """This action has to be signed by a trusted backend."""

    code = "signature-required"


class SignatureExpired(Refusal):
    """The action was signed too long ago, or too far ahead of time."""

    code = "signature-expired"


class SuspiciousActivity(Refusal):
    """A rule of this action, of its board or of the key that signed it refused the award."""

    code = "suspicious-activity"

    def __init__(self, rule: str) -> None:
        super().__init__(self.code, rule)
        self.rule = rule


class UserSuspended(Refusal):
    """This user may not collect points."""

    code = "user-suspended"


class OriginNotAllowed(Refusal):
    """Pages of this origin may not connect."""

    code = "origin-not-allowed"


class NotFound(Refusal):
    """There is nothing here."""

    code = "not-found"


class MethodNotAllowed(Refusal):
    """This resource does not know that method."""

    code = "method-not-allowed"

    def __init__(self, allow: tuple[str, ...] = ()) -> None:
        super().__init__(self.code)
        self.allow = allow


class AwardConflict(Refusal):
    """This award id was used before for something else."""

    code = "award-conflict"


class ScoreLimit(Refusal):
    """The score would leave the range of exact integers, -(2^53-1) to 2^53-1."""

    code = "score-limit"


class TooLarge(Refusal):
    """The body is larger than this operation takes."""

    code = "too-large"


class UriTooLong(Refusal):
    """The request target is too long."""

    code = "uri-too-long"


class UnsupportedMediaType(Refusal):
    """The body has to be application/json."""

    code = "unsupported-media-type"


class HeadersTooLarge(Refusal):
    """The request head is too large."""

    code = "headers-too-large"


class Limited(Refusal):
    """Too much was asked at once."""

    temporary = True

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__(self.code)
        self.retry_after_s = retry_after_s


class RateLimited(Limited):
    """The rate limit is used up; nothing was consumed by this request."""

    code = "rate-limited"

    def __init__(
        self, retry_after_s: int = 1, policy: str = "", limit: int = 0, window_s: int = 0
    ) -> None:
        super().__init__(retry_after_s)
        self.policy = policy
        self.limit = limit
        self.window_s = window_s


class TooManyConnections(Limited):
    """Too many live connections are open for this user or address."""

    code = "too-many-connections"


class Outage(ScoreboardError):
    """The service cannot do this now."""

    temporary = True

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__(self.code)
        self.retry_after_s = retry_after_s


class Unavailable(Outage):
    """The service cannot do this now; nothing was recorded."""

    code = "unavailable"


class OutcomeUnknown(Outage):
    """The award may or may not have been recorded; ask again with the same id to settle it."""

    code = "outcome-unknown"


class Overloaded(Outage):
    """Too many awards wait here, or too many viewers watch; nothing was recorded."""

    code = "overloaded"


class Misconfigured(ScoreboardError):
    """The service cannot start like this."""

    code = "misconfigured"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)


class HistoryRefused(Misconfigured):
    """The history cannot become that of this ledger."""

    code = "history-refused"


class PeriodMoved(ScoreboardError):
    """A period ended between preparing the group and writing it; prepare it again."""

    code = "period-moved"
    temporary = True

    def __init__(self, at_ms: int) -> None:
        """``at_ms`` is the ledger's time, for which to prepare it."""
        super().__init__(self.code, at_ms)
        self.at_ms = at_ms


class CatalogueMoved(ScoreboardError):
    """The catalogue changed between preparing the group and writing it; prepare it again."""

    code = "catalogue-moved"
    temporary = True


class OutOfPlace(ScoreboardError):
    """The group does not begin right after the place that the ranking has reached."""

    code = "out-of-place"

    def __init__(self, place: int) -> None:
        super().__init__(self.code, place)
        self.place = place


class Deposed(ScoreboardError):
    """Another node leads now, with a later term."""

    code = "deposed"
    temporary = True


class CheckpointRefused(ScoreboardError):
    """The ledger is not a continuation of what was signed of it before."""

    code = "checkpoint-refused"

    def __init__(self, reason: str) -> None:
        """``reason`` is rolled-back, contradiction, gap, key or unreadable."""
        super().__init__(self.code, reason)
        self.reason = reason
