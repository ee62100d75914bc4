"""Hears of other nodes' commits: hints that come as soon as the database can tell."""

import asyncio
import contextlib
from collections.abc import Callable

from scoreboard.adapters.postgres.connection import BACKOFF_MAX_S, BROKEN, Connection, connect
from scoreboard.errors import Misconfigured, Unavailable

CHANNEL = "scoreboard"


class Listener:
    """Calls ``wake`` after each commit of a node other than this one."""

    def __init__(self, url: str, node: str, wake: Callable[[], None]) -> None:
        self._url = url
        self._node = node
        self._wake = wake
        self._task = asyncio.create_task(self._listen(), name="ledger-listener")

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(Unavailable, Misconfigured, *BROKEN):
                await self._listen_on(await connect(self._url))
            await asyncio.sleep(BACKOFF_MAX_S)
            self._wake()  # for what was committed while nobody listened

    async def _listen_on(self, connection: Connection) -> None:
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._hear)
            await lost.wait()
        finally:
            connection.terminate()

    def _hear(self, _: Connection, _pid: int, _channel: str, node: str) -> None:
        if node != self._node:
            self._wake()
