"""The table of operations: what every request of the HTTP interface takes and answers."""

from enum import StrEnum

from msgspec import Struct

from scoreboard import errors, wire
from scoreboard.core.action import Action
from scoreboard.errors import ScoreboardError
from scoreboard.web.queries import (
    AroundQuery,
    LiveQuery,
    PageQuery,
    PeriodQuery,
    TopQuery,
    read_query,
)

__all__ = [
    "OPERATIONS",
    "Access",
    "AroundQuery",
    "LiveQuery",
    "Operation",
    "PageQuery",
    "PeriodQuery",
    "TopQuery",
    "read_query",
]

Errors = tuple[type[ScoreboardError], ...]


class Access(StrEnum):
    """Who may ask."""

    ANYONE = "anyone"
    AWARDER = "a token whose `sub` is the `user_id`, or with the scope `scores:write`"
    OWNER = "a token of the user, or with the scope `scores:read`"
    ADMIN = "a token with the scope `scores:admin`"
    OPERATOR = "the operator"


class Tag(StrEnum):
    """The chapters of the documentation."""

    AWARDS = "Awards"
    BOARDS = "Boards"
    HISTORY = "History"
    ADMIN = "Administration"
    OPERATION = "Operation"
    PAGES = "Pages"


class Operation(Struct, frozen=True, kw_only=True):
    """One request and everything that can come back.

    ``answer`` is a type of ``wire`` or a media type; ``asked`` and ``told`` are the header fields
    that a request may and a 200 does carry, explained in ``documents/fields.py``; ``errors`` come
    on top of what any request can meet. What is not ``documented`` is a page, not an interface.
    """

    method: str
    path: str
    name: str
    tag: Tag
    summary: str
    answer: type[Struct] | str
    description: str = ""
    access: Access = Access.ANYONE
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    asked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    errors: Errors = ()

    @property
    def documented(self) -> bool:
        return self.tag is not Tag.PAGES

    @property
    def ops(self) -> bool:
        """Whether it moves to the operator's own port when there is one."""
        return self.access in (Access.ADMIN, Access.OPERATOR)


EVERYWHERE: Errors = (
    errors.InvalidPayload,
    errors.InvalidParameter,
    errors.RateLimited,
    errors.TooLarge,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Unavailable,
)
_NAMED: Errors = (errors.InvalidParameter, errors.NotFound)
_TOKEN: Errors = (errors.InvalidToken,)
_ADMIN: Errors = (errors.InvalidToken, errors.InsufficientScope)
_BODY: Errors = (
    errors.InvalidPayload,
    errors.TooLarge,
    errors.UnsupportedMediaType,
)

AWARDS = (
    Operation(
        method="POST",
        path="/v1/scores",
        name="award",
        tag=Tag.AWARDS,
        summary="A user finished an action: award its points",
        description="The points come from the catalogue of actions, never from the request. A 200 "
        "says that the award is committed and flushed to disk. With an `Idempotency-Key` a retry "
        "gets the first answer again, byte for byte, and counts once. So does a repeat of an "
        "`Action-Signature`, which the backend that saw the action has made. Without either, each "
        "request is a new award.",
        access=Access.AWARDER,
        body=wire.Finished,
        answer=wire.Awarded,
        asked=("Idempotency-Key", "Action-Signature"),
        told=("Location", "Award-Id", "RateLimit", "RateLimit-Policy", "Idempotency-Replayed"),
        errors=(
            *_TOKEN,
            *_BODY,
            errors.InvalidParameter,
            errors.ForbiddenUser,
            errors.SignatureMalformed,
            errors.ActionRejected,
            errors.UnknownAction,
            errors.SignatureRequired,
            errors.SignatureExpired,
            errors.UserSuspended,
            errors.SuspiciousActivity,
            errors.AwardConflict,
            errors.ScoreLimit,
            errors.OutcomeUnknown,
            errors.Overloaded,
        ),
    ),
)

BOARDS = (
    Operation(
        method="GET",
        path="/v1/scoreboard",
        name="scoreboard",
        tag=Tag.BOARDS,
        summary="The top ten of the board `default`, all time",
        answer=wire.Top,
        asked=("If-None-Match",),
        told=("ETag",),
    ),
    Operation(
        method="GET",
        path="/v1/boards",
        name="boards",
        tag=Tag.BOARDS,
        summary="All boards, with their current periods",
        answer=wire.Boards,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}",
        name="board",
        tag=Tag.BOARDS,
        summary="One board, with its current periods",
        answer=wire.BoardView,
        errors=_NAMED,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/top",
        name="top",
        tag=Tag.BOARDS,
        summary="A board from the top, page by page",
        description="Ties go to whoever got there first. `next` is the cursor of the next page, "
        "bound to a place in the order: a user whose score stands still is neither skipped nor "
        "repeated. It is valid on the board and period it came from.",
        query=TopQuery,
        answer=wire.Top,
        asked=("If-None-Match",),
        told=("ETag",),
        errors=_NAMED,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/users/{user_id}",
        name="standing",
        tag=Tag.BOARDS,
        summary="Where a user stands",
        description="`percentile` is the share of users that stand behind, in percent; `to_next` "
        "is the next better rank and the fewest points that reach it.",
        query=PeriodQuery,
        answer=wire.UserStanding,
        errors=_NAMED,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/users/{user_id}/around",
        name="around",
        tag=Tag.BOARDS,
        summary="A user between its neighbours",
        query=AroundQuery,
        answer=wire.Around,
        errors=_NAMED,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/stream",
        name="stream",
        tag=Tag.BOARDS,
        summary="The top ten as Server-Sent Events, each time it changes",
        description="Each event `top` carries the whole top ten; its id is `epoch-seq`. A browser "
        "that comes back says which one it has, and gets only what is newer.",
        query=PeriodQuery,
        answer="text/event-stream",
        asked=("Last-Event-ID",),
        errors=(*_NAMED, errors.OriginNotAllowed, errors.TooManyConnections),
    ),
)

HISTORY = (
    Operation(
        method="GET",
        path="/v1/awards/{award_id}",
        name="posting",
        tag=Tag.HISTORY,
        summary="What the ledger recorded for an award",
        access=Access.OWNER,
        answer=wire.Posting,
        errors=(*_NAMED, *_TOKEN),
    ),
    Operation(
        method="GET",
        path="/v1/users/{user_id}/awards",
        name="postings",
        tag=Tag.HISTORY,
        summary="A user's postings, newest first",
        access=Access.OWNER,
        query=PageQuery,
        answer=wire.Postings,
        errors=(errors.InvalidParameter, errors.InvalidToken, errors.InsufficientScope),
    ),
    Operation(
        method="GET",
        path="/v1/ledger/head",
        name="head",
        tag=Tag.HISTORY,
        summary="How far the ledger has come",
        answer=wire.LedgerHead,
    ),
)


def _admin(  # noqa: PLR0913 - a line of the table
    method: str,
    place: str,
    name: str,
    summary: str,
    answer: type[Struct],
    *,
    body: type[Struct] | None = None,
    query: type[Struct] | None = None,
) -> Operation:
    return Operation(
        method=method,
        path=f"/v1/admin/{place}",
        name=name,
        tag=Tag.ADMIN,
        summary=summary,
        access=Access.ADMIN,
        query=query,
        body=body,
        answer=answer,
        errors=(*_ADMIN, *(_NAMED if "{" in place else ()), *(_BODY if body else ())),
    )


ADMIN = (
    _admin("GET", "actions", "admin_actions", "All actions", wire.Actions),
    _admin("GET", "actions/{id}", "admin_action", "One action", Action),
    _admin("PUT", "actions/{id}", "put_action", "Set an action", Action, body=wire.ActionPut),
    _admin("GET", "boards", "admin_boards", "All boards", wire.Boards),
    _admin("GET", "boards/{id}", "admin_board", "One board", wire.BoardView),
    _admin("PUT", "boards/{id}", "put_board", "Set a board", wire.BoardView, body=wire.BoardPut),
    _admin("GET", "keys", "signing_keys", "All keys that sign actions", wire.Keys),
    _admin("POST", "keys", "add_signing_key", "Add a key", wire.Key, body=wire.KeyPost),
    _admin(
        "POST",
        "keys/{key}/revoke",
        "revoke_signing_key",
        "Revoke a key, for ever",
        wire.Key,
        body=wire.Revocation,
    ),
    _admin("GET", "audit", "audit", "Who changed what, and why", wire.Audit, query=PageQuery),
)


def _plain(  # noqa: PLR0913 - a line of the table
    path: str,
    name: str,
    tag: Tag,
    summary: str,
    answer: type[Struct] | str,
    *,
    access: Access = Access.ANYONE,
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        tag=tag,
        summary=summary,
        answer=answer,
        access=access,
    )


_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

OPERATION = (
    _plain("/livez", "livez", Tag.OPERATION, "The process runs", _TEXT, access=Access.OPERATOR),
    _plain(
        "/readyz",
        "readyz",
        Tag.OPERATION,
        "Whether requests should be sent here; 503 when not",
        wire.Readiness,
        access=Access.OPERATOR,
    ),
    _plain(
        "/metrics",
        "metrics",
        Tag.OPERATION,
        "Metrics in the Prometheus text format",
        _EXPOSITION,
        access=Access.OPERATOR,
    ),
    _plain(
        "/version",
        "version",
        Tag.OPERATION,
        "What is running",
        wire.Version,
        access=Access.OPERATOR,
    ),
)

PAGES = (
    _plain("/", "page", Tag.PAGES, "The live board", _HTML),
    _plain("/docs", "docs", Tag.PAGES, "This page", _HTML),
    _plain("/static/{name}", "static", Tag.PAGES, "A file of the pages", "*/*"),
    _plain("/openapi.json", "openapi", Tag.PAGES, "The HTTP interface", "application/json"),
    _plain("/asyncapi.json", "asyncapi", Tag.PAGES, "The live interface", "application/json"),
    _plain("/.well-known/security.txt", "security", Tag.PAGES, "Whom to tell of a weakness", _TEXT),
)

OPERATIONS = (*AWARDS, *BOARDS, *HISTORY, *ADMIN, *OPERATION, *PAGES)
