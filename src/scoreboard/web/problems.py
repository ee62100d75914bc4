"""Every error a caller can meet, as an answer: one table (RFC 9457)."""

from msgspec import Struct

from scoreboard import errors, wire
from scoreboard.errors import ScoreboardError
from scoreboard.web.rates import rate_headers

TYPE = "urn:scoreboard:problem:"
MEDIA_TYPE = "application/problem+json"

Headers = list[tuple[bytes, bytes]]


class Shape(Struct, frozen=True):
    """What all problems of one error have in common.

    ``ends`` says that the rest of the request is not read, so the connection cannot be used again.
    """

    error: type[ScoreboardError]
    status: int
    title: str
    ends: bool = False


SHAPES = (
    Shape(errors.InvalidPayload, 400, "Invalid payload"),
    Shape(errors.UnknownAction, 400, "Unknown action"),
    Shape(errors.InvalidParameter, 400, "Invalid parameter"),
    Shape(errors.SignatureMalformed, 400, "Malformed signature"),
    Shape(errors.InvalidToken, 401, "Invalid token"),
    Shape(errors.ForbiddenUser, 403, "Forbidden user"),
    Shape(errors.InsufficientScope, 403, "Insufficient scope"),
    Shape(errors.ActionRejected, 403, "Action rejected"),
    Shape(errors.SignatureRequired, 403, "Signature required"),
    Shape(errors.SignatureExpired, 403, "Signature expired"),
    Shape(errors.SuspiciousActivity, 403, "Suspicious activity"),
    Shape(errors.UserSuspended, 403, "User suspended"),
    Shape(errors.OriginNotAllowed, 403, "Origin not allowed"),
    Shape(errors.NotFound, 404, "Not found"),
    Shape(errors.MethodNotAllowed, 405, "Method not allowed"),
    Shape(errors.AwardConflict, 409, "Award conflict"),
    Shape(errors.ScoreLimit, 409, "Score limit"),
    Shape(errors.TooLarge, 413, "Body too large", ends=True),
    Shape(errors.UriTooLong, 414, "URI too long", ends=True),
    Shape(errors.UnsupportedMediaType, 415, "Unsupported media type"),
    Shape(errors.RateLimited, 429, "Rate limited"),
    Shape(errors.TooManyConnections, 429, "Too many connections"),
    Shape(errors.HeadersTooLarge, 431, "Headers too large", ends=True),
    Shape(errors.Unavailable, 503, "Unavailable"),
    Shape(errors.OutcomeUnknown, 503, "Outcome unknown"),
    Shape(errors.Overloaded, 503, "Overloaded"),
)

TABLE = {shape.error: shape for shape in SHAPES}
_DETAILS = {shape.error: shape.error.detail() for shape in SHAPES}


def status(error: type[ScoreboardError]) -> int:
    """The HTTP status of an error."""
    return TABLE[error].status


def problem(error: ScoreboardError, request_id: str) -> wire.Problem:
    """The error as its caller reads it; nothing in it comes from the request."""
    kind = type(error)
    shape = TABLE[kind]
    return wire.Problem(
        type=TYPE + kind.code,
        title=shape.title,
        status=shape.status,
        code=kind.code,
        detail=_DETAILS[kind],
        instance=f"urn:uuid:{request_id}",
        pointer=(error.pointer or None) if isinstance(error, errors.InvalidPayload) else None,
    )


def answer(error: ScoreboardError, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of an error.

    An error outside the table was never meant for a caller; it is answered as Unavailable.
    """
    if type(error) not in TABLE:
        error = errors.Unavailable()
    body = wire.ENCODER.encode(problem(error, request_id))
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    headers.extend(_own_headers(error))
    return status(type(error)), headers, body


def _own_headers(error: ScoreboardError) -> Headers:
    match error:
        case errors.InvalidToken():
            return [(b"www-authenticate", b"Bearer")]
        case errors.MethodNotAllowed():
            return [(b"allow", ", ".join(error.allow).encode())]
        case errors.RateLimited() if error.limit:
            wait_s = error.retry_after_s
            rate = rate_headers(error.policy, error.limit, error.window_s, 0, wait_s)
            return [(b"retry-after", str(wait_s).encode()), *rate]
        case errors.Limited() | errors.Outage():
            return [(b"retry-after", str(error.retry_after_s).encode())]
        case _ if TABLE[type(error)].ends:
            return [(b"connection", b"close")]
        case _:
            return []
