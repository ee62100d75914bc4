"""The sessions of a ledger in PostgreSQL: one writes, one listens, the others read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from scoreboard.adapters.postgres.connection import Pool
from scoreboard.adapters.postgres.listener import Listener
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.adapters.tail import Tail
from scoreboard.core.posting import Posting

READERS = 4
"""For what is asked from outside; however much that is, a node's own duties do not wait for it."""

DUTIES = 2
"""For what the node itself has to do: lead, follow the ledger, rank, seal, know the catalogue."""

T = TypeVar("T")


class Sessions:
    """Work goes to the session that may do it; ``close`` waits for the write under way."""

    def __init__(
        self,
        url: str,
        writer: Writer,
        cautions: Sequence[str],
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.cautions = cautions
        self._url = url
        self._writer = writer
        self._readers = Pool(url, READERS, waited)
        # What writes has nothing to do while nobody awards: these find out that it is lost.
        self._duties = Pool(url, DUTIES, waited, writer.session.observe)
        self._wakes: list[Callable[[], None]] = []
        self._tail = Tail()
        self._listener = Listener(url, writer.node, self._wake)
        self._under_way: set[asyncio.Task[object]] = set()

    async def close(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._listener.close()
        await self._readers.close()
        await self._duties.close()
        await self._writer.session.close()

    def on_commit(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def _committed(self, postings: Sequence[Posting]) -> None:
        if postings:
            self._tail.extend(postings)
            self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()

    async def _to_the_end(self, work: Awaitable[T]) -> T:
        # A cancelled request must not make the group's outcome unknown to the others.
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)
