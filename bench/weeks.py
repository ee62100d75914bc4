"""Five weeks of awards written straight into an SQLite ledger: millions in a minute or two."""

import contextlib
import math
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from scoreboard.core.window import Window, period_at

DAYS = 35
HOURS = DAYS * 24
HOUR_MS = 3_600_000
POINTS = 10
AN_HOUR = 4.0
"""Awards in a user's active hour, on average."""

Row = tuple[int, int, int, str, int, int, int]


def fill(database: Path, postings: int, users: int, now_ms: int) -> None:
    """Write awards of the hours before now: everything that follows from them too.

    Users are active in hours that are drawn, and their awards in an hour are drawn too: most have
    one or two, some a dozen.
    """
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.executescript(
            "PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY;"
        )
        with _unguarded(db):
            weeks = _Weeks(db, postings, users, now_ms)
            db.execute("BEGIN")
            db.execute("UPDATE ledger SET at = ?", (weeks.begin_ms,))
            db.executemany(
                "INSERT INTO users (user_ref, user_id, salt) VALUES (?, ?, ?)", weeks.users()
            )
            db.executemany(AWARDS, weeks.awards())
            db.execute(
                "UPDATE ledger_head SET (seq, at) = "
                "(SELECT seq, at FROM ledger ORDER BY seq DESC LIMIT 1)"
            )
            for window in Window:
                db.executemany(SCORES, weeks.periods(window))
            db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


AWARDS = """
INSERT INTO ledger (
    seq, epoch, at, award_id, user_ref, points, score_after, kind, board, action_id
)
VALUES (?, ?, ?, ?, ?, ?, ?, 'award', 'default', 'quiz')
"""
SCORES = """
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT 'default', ?, u.user_id, m.total, m.seq, m.at
FROM (
    SELECT user_ref, sum(points) AS total, max(seq) AS seq, max(at) AS at
    FROM ledger
    WHERE seq > ? AND seq <= ? AND kind = 'award'
    GROUP BY user_ref
) AS m
JOIN users AS u USING (user_ref)
"""


@contextlib.contextmanager
def _unguarded(db: sqlite3.Connection) -> Iterator[None]:
    """Without what slows a bulk of rows down: triggers, and indexes until the end."""
    found = db.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = 'ledger' AND sql IS NOT NULL "
        "AND type IN ('trigger', 'index')"
    ).fetchall()
    for kind, name, _ in found:
        db.execute(f"DROP {kind} {name}")
    yield
    for _, _, made in found:
        db.execute(made)


class _Weeks:
    """Who has how many awards when."""

    def __init__(self, db: sqlite3.Connection, postings: int, users: int, now_ms: int) -> None:
        self._epoch, self._seq = db.execute("SELECT epoch, seq FROM ledger_head").fetchone()
        self._number = postings - self._seq
        self._users = users
        self.begin_ms = (now_ms // HOUR_MS - HOURS) * HOUR_MS
        self._ends = [self._seq]  # the last posting before each hour

    def users(self) -> Iterator[tuple[int, str, bytes]]:
        for ref in range(1, self._users + 1):
            yield ref, f"user-{ref:07d}", random.randbytes(16)

    def awards(self) -> Iterator[Row]:
        dice = random.Random("weeks")
        seq, scores = self._seq, [0] * (self._users + 1)
        for hour in range(HOURS):
            wanted = self._number * (hour + 1) // HOURS - self._number * hour // HOURS
            start_ms = self.begin_ms + hour * HOUR_MS
            for at, ref in sorted(self._hour(dice, wanted)):
                seq += 1
                scores[ref] += POINTS
                yield seq, self._epoch, start_ms + at, f"{seq:024x}", ref, POINTS, scores[ref]
            self._ends.append(seq)

    def _hour(self, dice: random.Random, left: int) -> Iterator[tuple[int, int]]:
        """Moments within an hour, and whose."""
        while left > 0:
            ref = 1 + int(self._users * dice.random())
            many = min(left, 1 + int(-math.log(1 - dice.random()) * (AN_HOUR - 0.5)))
            left -= many
            for _ in range(many):
                yield int(HOUR_MS * dice.random()), ref

    def periods(self, window: Window) -> Iterator[tuple[str, int, int]]:
        """Each period, with the posting after which it begins and the last one in it."""
        at_ms = self.begin_ms
        while at_ms < self.begin_ms + HOURS * HOUR_MS:
            period = period_at(window, at_ms, "UTC")
            yield period.name, self._end(period.start_ms), self._end(period.end_ms)
            at_ms = period.end_ms

    def _end(self, at_ms: int) -> int:
        hour = (at_ms - self.begin_ms) // HOUR_MS
        return self._ends[max(0, min(HOURS, hour))]
