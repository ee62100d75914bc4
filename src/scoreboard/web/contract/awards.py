"""Awards, and the history that they make."""

from scoreboard import errors, wire
from scoreboard.web.contract.operation import BODY, NAMED, TOKEN, Access, Operation, Tag
from scoreboard.web.queries import (
    ExplainQuery,
    PageQuery,
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
            *TOKEN,
            *BODY,
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


HISTORY = (
    Operation(
        method="GET",
        path="/v1/awards/{award_id}",
        name="posting",
        tag=Tag.HISTORY,
        summary="What the ledger recorded for an award",
        access=Access.OWNER,
        answer=wire.Posting,
        errors=(*NAMED, *TOKEN),
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
        path="/v1/users/{user_id}/explain",
        name="explain",
        tag=Tag.HISTORY,
        summary="Why a user's score is what it is",
        description="The postings that count, added up by action; the rule for ties and who is "
        "tied; the gap to the next rank. Of very many postings the newest 100,000 are added up; "
        "then `complete` is false.",
        access=Access.OWNER,
        query=ExplainQuery,
        answer=wire.Explanation,
        errors=(*NAMED, errors.InvalidToken, errors.InsufficientScope),
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
