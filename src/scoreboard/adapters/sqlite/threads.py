"""The threads of a ledger in SQLite: one writes, a few read, each with its own connection."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from scoreboard.adapters.sqlite import reader
from scoreboard.adapters.sqlite.file import connect
from scoreboard.adapters.sqlite.writer import Writer
from scoreboard.adapters.tail import Tail
from scoreboard.core.posting import Posting

READERS = 2

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Work goes to the thread that may do it; ``close`` waits for the write under way."""

    def __init__(
        self, path: Path, writer: Writer, waited: Callable[[float], None] = lambda _: None
    ) -> None:
        self._path = path
        self._writer = writer
        self._waited = waited
        self._writing = ThreadPoolExecutor(1, "ledger-write")
        self._reading = ThreadPoolExecutor(READERS, "ledger-read")
        self._own = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._wakes: list[Callable[[], None]] = []
        self._tail = Tail()

    async def close(self) -> None:
        await asyncio.to_thread(self._writing.shutdown)
        await asyncio.to_thread(self._reading.shutdown)
        for db in self._readers:
            db.close()
        self._writer.close()

    def on_commit(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def _committed(self, postings: Sequence[Posting]) -> None:
        if not postings:
            return
        self._tail.extend(postings)
        for wake in self._wakes:
            wake()

    async def _write(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._writing, lambda: work(*args, **kwargs))
        # A cancelled request must not make the group's outcome unknown to the others.
        return await asyncio.shield(future)

    async def _read(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        asked_s = time.perf_counter()

        def read() -> T:
            self._waited(time.perf_counter() - asked_s)
            return reader.at_once(self._reader(), lambda db: work(db, *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._reading, read)

    async def _to_the_end(self, work: Callable[..., T], *args: Any) -> T:
        # What a thread is at cannot be cancelled, and a generator takes one call at a time.
        future = asyncio.get_running_loop().run_in_executor(self._reading, work, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise

    def _reader(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._own, "db", None)
        if db is None:
            db = self._own.db = connect(self._path, readonly=True)
            self._readers.append(db)
        return db
