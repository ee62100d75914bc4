"""What anybody may ask of boards."""

from scoreboard import errors, wire
from scoreboard.web.contract.operation import ADMINISTRATOR, NAMED, Operation, Tag
from scoreboard.web.queries import (
    AroundQuery,
    PeriodQuery,
    StandingQuery,
    TopQuery,
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
        errors=NAMED,
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/top",
        name="top",
        tag=Tag.BOARDS,
        summary="A board from the top, page by page",
        description="Ties go to whoever got there first. `next` is the cursor of the next page, "
        "bound to a place in the order: a user whose score stands still is neither skipped nor "
        "repeated. It is valid on the board and period it came from. `as_of` shows the first rows "
        "as they were, computed from the ledger: not with a cursor, and 503 when more than a "
        "million postings lie between the period's start and then.",
        query=TopQuery,
        answer=wire.Top,
        asked=("If-None-Match",),
        told=("ETag",),
        errors=(*NAMED, *ADMINISTRATOR),
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/users/{user_id}",
        name="standing",
        tag=Tag.BOARDS,
        summary="Where a user stands",
        description="`percentile` is the share of users that stand behind, in percent; `to_next` "
        "is the next better rank and the fewest points that reach it. A user who is held, hidden "
        "or banned is 404 to others; with a token of the user, the answer is the place that it "
        "would have.",
        query=StandingQuery,
        answer=wire.UserStanding,
        errors=(*NAMED, *ADMINISTRATOR),
    ),
    Operation(
        method="GET",
        path="/v1/boards/{board}/users/{user_id}/around",
        name="around",
        tag=Tag.BOARDS,
        summary="A user between its neighbours",
        query=AroundQuery,
        answer=wire.Around,
        errors=NAMED,
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
        errors=(*NAMED, errors.OriginNotAllowed, errors.TooManyConnections),
    ),
)
