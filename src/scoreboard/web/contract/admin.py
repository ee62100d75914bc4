"""What an administrator may do."""

from msgspec import Struct

from scoreboard import wire
from scoreboard.errors import NotFound, OutcomeUnknown, ScoreLimit
from scoreboard.web.contract.operation import (
    ADMINISTRATOR,
    BODY,
    NAMED,
    Access,
    Errors,
    Operation,
    Tag,
)
from scoreboard.web.queries import (
    IncidentsQuery,
    PageQuery,
    UsersQuery,
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
    errors: Errors = (),
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
        errors=(
            *ADMINISTRATOR,
            *(NAMED if "{" in place else ()),
            *(BODY if body else ()),
            *errors,
        ),
    )


def _moderation(verb: str, summary: str) -> Operation:
    return _admin(
        "POST",
        f"users/{{user_id}}/{verb}",
        f"{verb}_user",
        summary,
        wire.Moderated,
        body=wire.ModerationPost,
        errors=(OutcomeUnknown,),
    )


ADMIN = (
    _admin("GET", "actions", "admin_actions", "All actions", wire.Actions),
    _admin("GET", "actions/{id}", "admin_action", "One action", wire.Action),
    _admin("PUT", "actions/{id}", "put_action", "Set an action", wire.Action, body=wire.ActionPut),
    _admin(
        "POST",
        "actions/{id}/trial",
        "try_action",
        "What settings would have made of the newest 10,000 postings",
        wire.ActionTrial,
        body=wire.ActionPut,
    ),
    _admin(
        "GET",
        "findings",
        "findings",
        "What audits noticed, open findings first",
        wire.FindingList,
        query=PageQuery,
    ),
    _admin(
        "POST",
        "findings/{entry}/dismiss",
        "dismiss_finding",
        "Close a finding about which nothing has to be done",
        wire.Finding,
        body=wire.Dismissal,
        errors=(OutcomeUnknown,),
    ),
    _admin("GET", "boards", "admin_boards", "All boards", wire.AdminBoards),
    _admin("GET", "boards/{id}", "admin_board", "One board", wire.AdminBoard),
    _admin("PUT", "boards/{id}", "put_board", "Set a board", wire.AdminBoard, body=wire.BoardPut),
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
    _admin(
        "GET",
        "incidents",
        "incidents",
        "What was refused as suspicious",
        wire.Incidents,
        query=IncidentsQuery,
    ),
    _admin(
        "POST",
        "incidents/{incident}/dismiss",
        "dismiss_incident",
        "Close an incident, and those before it of the same user or key",
        wire.Incident,
        body=wire.Dismissal,
        errors=(OutcomeUnknown,),
    ),
    _admin(
        "GET",
        "users",
        "unseen_users",
        "Users who are held, hidden or banned",
        wire.UnseenUsers,
        query=UsersQuery,
    ),
    _admin(
        "GET",
        "users/{user_id}",
        "user_record",
        "A user's status, and what moderators did",
        wire.UserRecord,
        query=PageQuery,
    ),
    _moderation("hold", "Hide a user until somebody has looked"),
    _moderation("hide", "Hide a user, whose score goes on growing"),
    _moderation("ban", "Hide a user, and refuse awards"),
    _moderation("release", "Show a user again, score and place unchanged"),
    _moderation("erase", "Forget a user, for ever"),
    _admin(
        "POST",
        "reversals",
        "reverse_awards",
        "Take back an award, or many, once each",
        wire.Undone,
        body=wire.ReversalPost,
        errors=(NotFound, ScoreLimit, OutcomeUnknown),
    ),
    _admin("GET", "audit", "audit", "Who changed what, and why", wire.Audit, query=PageQuery),
)
