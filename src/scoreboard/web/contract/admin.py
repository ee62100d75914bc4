"""What an administrator may do."""

from msgspec import Struct

from scoreboard import wire
from scoreboard.web.contract.operation import ADMINISTRATOR, BODY, NAMED, Access, Operation, Tag
from scoreboard.web.queries import (
    IncidentsQuery,
    PageQuery,
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
        errors=(*ADMINISTRATOR, *(NAMED if "{" in place else ()), *(BODY if body else ())),
    )


ADMIN = (
    _admin("GET", "actions", "admin_actions", "All actions", wire.Actions),
    _admin("GET", "actions/{id}", "admin_action", "One action", wire.Action),
    _admin("PUT", "actions/{id}", "put_action", "Set an action", wire.Action, body=wire.ActionPut),
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
    _admin("GET", "audit", "audit", "Who changed what, and why", wire.Audit, query=PageQuery),
)
