"""What rules look back at in PostgreSQL, and who broke them."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from scoreboard.adapters import rows
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.core.incident import Incident, together
from scoreboard.core.rule import SPANS_MS, Past
from scoreboard.core.rules import Needs, Subject
from scoreboard.ports import INCIDENTS_MAX, RETENTION_MS, Sought

NEVER = 2**63 - 1


def asked(needs: Needs, places: Mapping[str, int]) -> tuple[Any, ...]:
    """What ``know_rules`` takes; ``places`` are the users' subscripts."""
    return (
        [places[user_id] for user_id, _, _, _ in needs.counts],
        [action_id for _, action_id, _, _ in needs.counts],
        [SPANS_MS[span] for _, _, span, _ in needs.counts],
        [cap for _, _, _, cap in needs.counts],
        [places[user_id] for user_id, _, _ in needs.lasts],
        [action_id for _, action_id, _ in needs.lasts],
        max((span_ms for _, _, span_ms in needs.lasts), default=0),
        [places[user_id] for user_id, _ in needs.points],
        [board for _, board in needs.points],
        [key for key, _, _ in needs.key_counts],
        [SPANS_MS[span] for _, span, _ in needs.key_counts],
        [cap for _, _, cap in needs.key_counts],
    )


def past(needs: Needs, found: asyncpg.Record) -> dict[Subject, Past]:
    """What ``know_rules`` answered."""
    return needs.past(*(found[name] or () for name in ("counts", "lasts", "points", "key_counts")))


async def keep_incidents(connection: Connection, incidents: Sequence[Incident]) -> None:
    """Keep the incidents of a group; what cannot be kept changes nothing else."""
    grouped = together(incidents)
    found = [each for each, _ in grouped]
    await connection.execute(
        SQL["keep_incidents"],
        incidents[-1].at - RETENTION_MS,
        INCIDENTS_MAX,
        [each.minute for each in found],
        [each.hit.rule.value for each in found],
        [each.shadow for each in found],
        [each.subject for each in found],
        [each.who for each in found],
        [each.at for each in found],
        [count for _, count in grouped],
        [each.user_ref for each in found],
        [each.action_id for each in found],
        [each.board for each in found],
        [each.caller for each in found],
        [each.key for each in found],
        [each.hit.limit for each in found],
        [each.hit.seen for each in found],
        [each.hit.span_s for each in found],
    )


async def incidents(connection: Connection, sought: Sought, limit: int) -> list[Incident]:
    page = (NEVER if sought.before is None else sought.before, limit)
    rule = None if sought.rule is None else sought.rule.value
    if sought.user_id is not None:
        found = await connection.fetch(SQL["incidents_of_user"], *page, rule, sought.user_id)
    elif rule is not None:
        found = await connection.fetch(SQL["incidents_of_rule"], *page, rule)
    else:
        found = await connection.fetch(SQL["incidents"], *page)
    opened = await connection.fetch(SQL["open_incidents"], [row["incident"] for row in found])
    still_open = {row["incident"] for row in opened}
    return [rows.incident(tuple(row), still_open) for row in found]
