"""What moderators do to the incidents of the SQLite ledger."""

import sqlite3

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, transaction
from scoreboard.adapters.sqlite.rules import incidents
from scoreboard.adapters.sqlite.writer import Writer
from scoreboard.core.incident import Incident
from scoreboard.errors import NotFound
from scoreboard.ports import Dismissal, Sought


def dismiss(writer: Writer, dismissal: Dismissal) -> Incident:
    """Record that somebody has looked, and let it go."""
    with transaction(writer.db, committing=writer.before_commit):
        incident = _one(writer.db, dismissal.entry)
        if incident.is_open:
            entry = rows.incident_dismissal_row(dismissal, incident)
            at = max(writer.now(), incident.last_at)
            writer.db.execute(SQL["add_audit"], entry | {"at": at})
        return _one(writer.db, dismissal.entry)


def _one(db: sqlite3.Connection, number: int) -> Incident:
    found = incidents(db, Sought(before=number + 1), 1)
    if not found or found[0].incident != number:
        raise NotFound
    return found[0]
