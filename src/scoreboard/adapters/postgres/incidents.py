"""What moderators do to the incidents of the PostgreSQL ledger."""

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.rules import incidents
from scoreboard.core.incident import Incident
from scoreboard.errors import NotFound
from scoreboard.ports import Dismissal, Sought


async def dismiss(connection: Connection, dismissal: Dismissal, clock: int | None) -> Incident:
    """Record that somebody has looked, and let it go."""
    async with connection.transaction():
        head, _ = await notes.lock_head(connection, clock)
        incident = await _one(connection, dismissal.entry)
        if incident.is_open:
            entry = rows.incident_dismissal_row(dismissal, incident)
            at = max(head.at, incident.last_at)
            await connection.execute(SQL["add_audit"], at, *entry.values())
        return await _one(connection, dismissal.entry)


async def _one(connection: Connection, number: int) -> Incident:
    found = await incidents(connection, Sought(before=number + 1), 1)
    if not found or found[0].incident != number:
        raise NotFound
    return found[0]
