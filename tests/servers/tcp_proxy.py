"""A proxy between a client and a server that loses what a test wants lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import Enum


class Loss(Enum):
    """What is lost with the connection: the request, or the answer to it."""

    REQUEST = "request"
    ANSWER = "answer"


class TcpProxy:
    """Passes everything on, until a client sends what ``lose`` was told to look for."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.lost = 0
        self._target = port
        self._mark: bytes | None = None
        self._loss = Loss.REQUEST
        self._tasks: set[asyncio.Task[None]] = set()

    def lose(self, mark: bytes, loss: Loss) -> None:
        """Cut the connection of the next request that holds ``mark``, once."""
        self._mark, self._loss = mark, loss

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await self._pass_on(reader, writer, there, to_server)
            finally:
                for end in (writer, to_server):
                    end.transport.abort()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        back = asyncio.create_task(copy(there, writer))
        try:
            while data := await reader.read(65_536):
                if self._mark is not None and self._mark in data:
                    self._mark = None
                    self.lost += 1
                    if self._loss is Loss.ANSWER:
                        back.cancel()
                        await asyncio.wait([back])
                        to_server.write(data)
                        await there.read(65_536)
                    return
                to_server.write(data)
                await to_server.drain()
        finally:
            back.cancel()
            await asyncio.wait([back])


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[TcpProxy]:
    proxy = TcpProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
