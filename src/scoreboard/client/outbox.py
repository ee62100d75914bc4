"""Awards that were asked for and are not settled, kept safe from a crash of the application."""

import sqlite3
import threading
import time
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from scoreboard.errors import ScoreboardError

PENDING_MAX = 10_000
BUSY_S = 10.0
FILE = "outbox.db"


class OutboxFull(ScoreboardError):
    """The outbox holds as many awards as it may: send them again before you ask for more."""

    code = "outbox-full"


class Pending(Struct, frozen=True, kw_only=True):
    """An award on its way: named by its key, or by its signature, and whose token asked for it."""

    user_id: str
    action_id: str
    caller: str
    idempotency_key: str = ""
    signature: str = ""

    @property
    def name(self) -> str:
        return self.idempotency_key or self.signature


class Outbox(Protocol):
    """Where awards wait until they are settled. Called from any thread; each call may block."""

    def keep(self, pending: Pending) -> None:
        """Remember an award, also after a crash that follows the return. A repeat changes nothing.

        Raises:
            OutboxFull: it holds as many as it may. Nothing was kept, and nothing is sent.
        """

    def settle(self, name: str) -> None:
        """Forget the award of this name, if there is one. May be lost in a crash."""

    def pending(self) -> tuple[Pending, ...]:
        """What is not settled, oldest first."""


class SqliteOutbox:
    """An ``Outbox`` in a folder of its own, flushed to disk; several processes may share it."""

    def __init__(self, folder: Path | str, *, pending_max: int = PENDING_MAX) -> None:
        """Make the folder if need be; only its owner may read it.

        Raises:
            OSError, sqlite3.Error: it cannot be used.
        """
        self._pending_max = pending_max
        self._lock = threading.Lock()
        place = Path(folder)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = place / FILE
        file.touch(mode=0o600)
        # Each statement is a transaction of its own.
        self._db = sqlite3.connect(
            file, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(_TABLE)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file. What is pending stays."""
        with self._lock:
            self._db.close()

    def keep(self, pending: Pending) -> None:
        row = (
            pending.name,
            pending.user_id,
            pending.action_id,
            pending.caller,
            pending.idempotency_key,
            pending.signature,
            int(time.time() * 1000),
        )
        with self._lock:
            self._db.execute("PRAGMA synchronous = FULL")
            kept = self._db.execute(_KEEP, (*row, self._pending_max)).rowcount
            if not kept and not self._db.execute(_IS_KEPT, (pending.name,)).fetchone():
                raise OutboxFull

    def settle(self, name: str) -> None:
        with self._lock:
            # Not flushed: an award that comes back from the dead is a replay, and counts once.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("DELETE FROM pending WHERE name = ?", (name,))

    def pending(self) -> tuple[Pending, ...]:
        with self._lock:
            rows = self._db.execute(_PENDING).fetchall()
        return tuple(
            Pending(
                user_id=user_id,
                action_id=action_id,
                caller=caller,
                idempotency_key=key,
                signature=signature,
            )
            for user_id, action_id, caller, key, signature in rows
        )


_TABLE = """
CREATE TABLE IF NOT EXISTS pending (
  place           INTEGER PRIMARY KEY,
  name            TEXT    NOT NULL UNIQUE,
  user_id         TEXT    NOT NULL,
  action_id       TEXT    NOT NULL,
  caller          TEXT    NOT NULL,
  idempotency_key TEXT    NOT NULL,
  signature       TEXT    NOT NULL,
  kept_at_ms      INTEGER NOT NULL
) STRICT
"""
_KEEP = """
INSERT OR IGNORE INTO pending
  (name, user_id, action_id, caller, idempotency_key, signature, kept_at_ms)
SELECT ?, ?, ?, ?, ?, ?, ?
WHERE (SELECT count(*) FROM pending) < ?
"""
_IS_KEPT = "SELECT 1 FROM pending WHERE name = ?"
_PENDING = (
    "SELECT user_id, action_id, caller, idempotency_key, signature FROM pending ORDER BY place"
)
