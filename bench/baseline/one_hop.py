"""The variant without SQLAlchemy: the whole transaction in one call of one thread."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.baseline.database import DATABASE, PRAGMAS
from bench.baseline.tables import now

ADD_POINTS = """
INSERT INTO scores (user_id, score, updated_at) VALUES (?, ?, ?)
ON CONFLICT (user_id) DO UPDATE
SET score = scores.score + excluded.score, updated_at = excluded.updated_at
RETURNING score
"""
ADD_AWARD = """
INSERT INTO awards (award_id, user_id, action_id, points, score_after, at)
VALUES (?, ?, ?, ?, ?, ?)
"""
AWARD_SCORE = "SELECT score_after FROM awards WHERE award_id = ?"


@dataclass(frozen=True)
class Asked:
    """An award to record."""

    user_id: str
    action_id: str
    points: int
    award_id: str
    keyed: bool


class OneHop:
    """One thread with one connection."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._db: sqlite3.Connection | None = None

    async def record(self, asked: Asked) -> int:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._record, asked)

    def close(self) -> None:
        self._thread.shutdown()

    def _record(self, asked: Asked) -> int:
        db = self._db = self._db or self._connect()
        db.execute("BEGIN IMMEDIATE")
        try:
            score = self._write(db, asked)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return score

    def _write(self, db: sqlite3.Connection, asked: Asked) -> int:
        if asked.keyed:
            before = db.execute(AWARD_SCORE, (asked.award_id,)).fetchone()
            if before is not None:
                return int(before[0])
        # The text that SQLAlchemy stores, so that both variants read each other's rows.
        at = now().strftime("%Y-%m-%d %H:%M:%S.%f")
        score = db.execute(ADD_POINTS, (asked.user_id, asked.points, at)).fetchone()[0]
        row = (asked.award_id, asked.user_id, asked.action_id, asked.points, score, at)
        db.execute(ADD_AWARD, row)
        return int(score)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(DATABASE, isolation_level=None, cached_statements=256)
        for pragma in PRAGMAS:
            db.execute(pragma)
        return db
