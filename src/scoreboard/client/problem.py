"""What a client is told when its request fails for good."""

import msgspec

from scoreboard import wire
from scoreboard.errors import ScoreboardError

UNREACHABLE = "unreachable"
RETRYABLE = frozenset({429, 502, 503, 504})


class ClientProblem(ScoreboardError):
    """The service refused the request, or could not be reached.

    ``status`` is that of HTTP, or the close code of a live connection, or 0 when nothing answered.
    ``idempotency_key`` settles an award whose outcome is unknown: ask again with it.
    """

    def __init__(
        self, status: int, code: str, detail: str, idempotency_key: str | None = None
    ) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code  # type: ignore[misc]
        self.reason = detail
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        said = self.reason.rstrip(".")
        return f"{said} ({self.status} {self.code})." if self.status else f"{said}."


def problem_from(status: int, body: bytes, idempotency_key: str | None = None) -> ClientProblem:
    """The problem of an HTTP answer, also when something else than the service answered."""
    try:
        problem = msgspec.json.decode(body, type=wire.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        detail = "The answer is not one of a scoreboard service"
        return ClientProblem(status, "not-a-scoreboard", detail, idempotency_key)
    return ClientProblem(status, problem.code, problem.detail, idempotency_key)


def retry_after_s(header: str | None) -> float:
    """The seconds of a ``Retry-After`` header, at most a minute; 0 when there are none."""
    if header is None or not header.isascii() or not header.isdigit():
        return 0
    return min(int(header[:6]), 60)
