"""Incidents: what was refused as suspicious."""

from msgspec import Struct

from scoreboard.core.identifier import ActionId, BoardId, UserId
from scoreboard.core.incident import Incident as Kept
from scoreboard.core.moment import rfc3339
from scoreboard.core.rule import Rule
from scoreboard.wire.fields import Time


class Incident(Struct, frozen=True, kw_only=True):
    """Who broke which rule, with what, and by what numbers.

    ``count`` hits between ``at`` and ``last_at``, within one minute; the last of them tells the
    rest. ``limit`` and ``seen`` are awards for caps, points for `points-hour`, milliseconds for
    `cooldown`, and milliseconds since 1970 for `time-span`; ``span_s`` is how far back was looked.
    What is in the ``shadow`` was recorded all the same. ``user_id`` is null once the user is
    erased. It is ``open`` until somebody has dealt with it: dismissed it or a later one of the same
    user (for a key's rule: of the key), decided about the user, or revoked the key.
    """

    incident: int
    open: bool
    at: Time
    last_at: Time
    count: int
    rule: Rule
    shadow: bool
    user_id: UserId | None
    action_id: ActionId
    board: BoardId
    key: str | None
    caller: str | None
    limit: int
    seen: int
    span_s: int


class Incidents(Struct, frozen=True):
    """Incidents, newest first; ``next`` is the next ``before``."""

    incidents: tuple[Incident, ...]
    next: int | None


def incident(kept: Kept) -> Incident:
    return Incident(
        incident=kept.incident,
        open=kept.is_open,
        at=rfc3339(kept.at),
        last_at=rfc3339(kept.last_at),
        count=kept.count,
        rule=kept.hit.rule,
        shadow=kept.shadow,
        user_id=kept.user_id,
        action_id=kept.action_id,
        board=kept.board,
        key=kept.key,
        caller=kept.caller,
        limit=kept.hit.limit,
        seen=kept.hit.seen,
        span_s=kept.hit.span_s,
    )
