"""What a client is told when its request fails for good."""

import msgspec

from scoreboard import wire
from scoreboard.errors import (
    AwardConflict,
    InvalidToken,
    Overloaded,
    RateLimited,
    ScoreboardError,
    ScoreLimit,
    SignatureExpired,
    SuspiciousActivity,
    TooManyConnections,
    Unavailable,
    UnknownAction,
    UserSuspended,
)

UNREACHABLE = "unreachable"
NOT_A_SCOREBOARD = "not-a-scoreboard"
RETRYABLE = frozenset({429, 502, 503, 504})
RETRY_AFTER_MAX_S = 60
CLIENT_ERRORS = range(400, 500)

NOTHING_RECORDED = frozenset(
    error.code for error in (Unavailable, Overloaded, RateLimited, TooManyConnections)
)
"""Temporary problems that leave no doubt: this attempt recorded nothing."""

LEDGER_ASKED = frozenset(
    error.code
    for error in (
        AwardConflict,
        ScoreLimit,
        SignatureExpired,
        SuspiciousActivity,
        UnknownAction,
        UserSuspended,
    )
)
"""Refusals of an award that the ledger does not hold, whatever became of earlier attempts.

Others, an expired token for one, come before the ledger is asked.
"""


class ClientProblem(ScoreboardError):
    """The service refused the request, or could not be reached.

    ``status`` is that of HTTP, or the close code of a live connection, or 0 when nothing answered.
    ``idempotency_key`` settles an award that is ``in_doubt``, which means that some attempt may
    have been recorded: ask again with it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        idempotency_key: str | None = None,
        *,
        in_doubt: bool = False,
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code  # type: ignore[misc]
        self.reason = detail
        self.idempotency_key = idempotency_key
        self.in_doubt = in_doubt

    @property
    def temporary(self) -> bool:  # type: ignore[override]
        """Whether asking again can help."""
        return self.code == UNREACHABLE or self.status in RETRYABLE

    @property
    def settles(self) -> bool:
        """Whether an award is refused for good, so that nothing is left to ask.

        A token that has expired settles nothing: a fresh one may find the award recorded.
        """
        if self.code in LEDGER_ASKED:
            return True
        ours = self.code not in (NOT_A_SCOREBOARD, InvalidToken.code)
        return ours and not self.temporary and not self.in_doubt and self.status in CLIENT_ERRORS

    def __str__(self) -> str:
        said = self.reason.rstrip(".")
        return f"{said} ({self.status} {self.code})." if self.status else f"{said}."


def problem_from(status: int, body: bytes, idempotency_key: str | None = None) -> ClientProblem:
    """The problem of an HTTP answer, also when something else than the service answered."""
    try:
        problem = msgspec.json.decode(body, type=wire.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        detail = "The answer is not one of a scoreboard service"
        return ClientProblem(status, NOT_A_SCOREBOARD, detail, idempotency_key)
    return ClientProblem(status, problem.code, problem.detail, idempotency_key)


def retry_after_s(header: str | None) -> float:
    """The seconds of a ``Retry-After`` header, at most a minute; 0 when there are none."""
    if header is None or not header.isascii() or not header.isdigit():
        return 0
    return min(int(header[:6]), RETRY_AFTER_MAX_S)
