"""What rules look back at in SQLite, and who broke them."""

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL
from scoreboard.core.incident import Incident, together
from scoreboard.core.rule import HOUR_MS, SPANS_MS, Past
from scoreboard.core.rules import Needs, Subject
from scoreboard.ports import INCIDENTS_MAX, RETENTION_MS, Sought

NEVER = 2**63 - 1


def past(
    db: sqlite3.Connection, needs: Needs, users: Mapping[str, tuple[int, str]], at: int
) -> dict[Subject, Past]:
    """The past that a group needs, in at most eight calls."""
    after = _Places(db, at)
    counts = [
        (users[user_id][0], action_id, after[SPANS_MS[span]])
        for user_id, action_id, span, _ in needs.counts
    ]
    reach_ms = max((span_ms for _, _, span_ms in needs.lasts), default=0)
    lasts = [
        (users[user_id][0], action_id, after[reach_ms]) for user_id, action_id, _ in needs.lasts
    ]
    points = [(users[user_id][0], board) for user_id, board in needs.points]
    keys = [(key, after[SPANS_MS[span]]) for key, span, _ in needs.key_counts]
    return needs.past(
        _asked(db, "count_awards", counts, most=_most(needs.counts)),
        _asked(db, "last_awards", lasts),
        _asked(db, "sum_points", points, after=after[HOUR_MS] if points else 0),
        _asked(db, "count_signed", keys, most=_most(needs.key_counts)),
    )


def _most(counts: Sequence[tuple[Any, ...]]) -> int:
    """The greatest cap: a LIMIT cannot be another one for each line."""
    return max((need[-1] for need in counts), default=0)


class _Places(dict[int, int]):
    """The place of the last posting that a span, in milliseconds back from a moment, leaves out."""

    def __init__(self, db: sqlite3.Connection, at: int) -> None:
        super().__init__()
        self._db = db
        self._at = at

    def __missing__(self, span_ms: int) -> int:
        since = {"at": self._at - span_ms + 1}
        self[span_ms] = int(self._db.execute(SQL["seq_before"], since).fetchone()[0])
        return self[span_ms]


def _asked(db: sqlite3.Connection, statement: str, asked: Sequence[Any], **rest: Any) -> list[Any]:
    if not asked:
        return []
    parameters = {"asked": msgspec.json.encode(asked).decode(), **rest}
    return [answer for (answer,) in db.execute(SQL[statement], parameters)]


def keep_incidents(db: sqlite3.Connection, incidents: Sequence[Incident]) -> None:
    """Keep the incidents of a group; what cannot be kept changes nothing else."""
    grouped = together(incidents)
    lines = [
        (
            each.minute,
            each.hit.rule.value,
            int(each.shadow),
            each.subject,
            each.who,
            each.at,
            count,
            each.user_ref,
            each.action_id,
            each.board,
            each.caller,
            each.key,
            each.hit.limit,
            each.hit.seen,
            each.hit.span_s,
        )
        for each, count in grouped
    ]
    oldest = {
        "some": 2 * len(lines),
        "since": incidents[-1].at - RETENTION_MS,
        "most": INCIDENTS_MAX,
    }
    # A statement that fails is undone by itself, and the group goes on.
    with contextlib.suppress(sqlite3.Error):
        db.execute(SQL["put_incidents"], {"incidents": msgspec.json.encode(lines).decode()})
        db.execute(SQL["prune_incidents"], oldest)


def incidents(db: sqlite3.Connection, sought: Sought, limit: int) -> list[Incident]:
    page = {"before": NEVER if sought.before is None else sought.before, "limit": limit}
    rule = {"rule": None if sought.rule is None else sought.rule.value}
    if sought.user_id is not None:
        found = db.execute(SQL["incidents_of_user"], page | rule | {"user_id": sought.user_id})
    elif sought.rule is not None:
        found = db.execute(SQL["incidents_of_rule"], page | rule)
    else:
        found = db.execute(SQL["incidents"], page)
    some = found.fetchall()
    still_open = _open(db, [row[-1] for row in some])
    return [rows.incident(row, still_open) for row in some]


def _open(db: sqlite3.Connection, numbers: Sequence[int]) -> set[int]:
    some = {"incidents": msgspec.json.encode(numbers).decode()}
    return {number for (number,) in db.execute(SQL["open_incidents"], some)}
