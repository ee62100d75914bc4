"""The process: the listening socket, the server on it, and the tasks beside it."""

import asyncio
import contextlib
import gc
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import uvicorn
from msgspec import Struct

from scoreboard.assembly.node import Node
from scoreboard.assembly.services import GATEWAY, Services
from scoreboard.core.board import DEFAULT_BOARD, Board
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log, now_s
from scoreboard.web.listener import listen
from scoreboard.web.live import MESSAGE_MAX_BYTES
from scoreboard.web.protocol import HttpLimits, http_protocol
from scoreboard.web.websocket import websocket_protocol

LOOP_LOOK_S = 0.1
DRAIN_SPREAD_MS = 5_000


READY_LOOK_S = 0.02
BUS_WITHIN_S = 10.0
"""How long to wait for what the bus knows; a node that reads the ledger can do without."""


class Listeners(Struct):
    """Where the process listens; ``ops`` is the operator's own socket, if any."""

    main: socket.socket
    ops: socket.socket | None = None

    def close(self) -> None:
        for listener in (self.main, self.ops):
            if listener is not None:
                listener.close()


async def run(node: Node, listeners: Listeners, ready: Callable[[str], None] | None) -> None:
    """Serve until a signal; then drain, and end every task."""
    services = node.services
    allow_viewers()
    server = _Server(_config(node, node.app), lambda: _drain(services))
    tasks = [
        _own(task, server)
        for task in (
            *services.tasks(),
            _watch_loop(services.telemetry),
            _announce_ready(services, url_of(listeners.main), ready),
        )
    ]
    try:
        async with _operators_server(node, listeners.ops):
            await server.serve(sockets=[listeners.main])
    finally:
        if services.writing:
            await services.writing.commit.drain()
        if services.leading:
            await services.leading.sealer.finish()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def allow_viewers() -> None:
    """As many open files as the system grants: every viewer is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.asynccontextmanager
async def _operators_server(node: Node, listener: socket.socket | None) -> AsyncIterator[None]:
    """Answers the operator from before the first request to after the last."""
    if listener is None:
        yield
        return
    server = _Quiet(_config(node, node.ops))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def listeners_of(settings: Settings) -> Listeners:
    """The sockets to listen on.

    Raises:
        Misconfigured: an address or a port cannot be had.
    """
    listeners = Listeners(_listen(settings.host, settings.port, "--port"))
    if settings.ops_listen is not None:
        try:
            listeners.ops = _listen(*settings.ops_listen, "OPS_LISTEN")
        except Misconfigured:
            listeners.close()
            raise
    return listeners


def _listen(host: str, port: int, setting: str) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            f"Choose another {setting}, or port 0 for a free one."
        ) from None


def url_of(listener: socket.socket) -> str:
    """Where the service is, as this machine reaches it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(node: Node, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=http_protocol(HttpLimits(), node.services.telemetry),
        ws=websocket_protocol(),
        ws_max_size=MESSAGE_MAX_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, node.services.settings.drain_s // 2),
    )


async def _announce_ready(
    services: Services, url: str, ready: Callable[[str], None] | None
) -> None:
    while not await _can_rank(services):  # noqa: ASYNC110 - another node may rank
        await asyncio.sleep(READY_LOOK_S)
    await _hear(services)
    gc.collect()
    gc.freeze()  # a million scores need not be looked at again and again
    services.health.cleared("ranking")
    log().info(Event.SERVICE_READY, url=url, role=services.settings.role)
    if ready is not None:
        ready(url)


async def _can_rank(services: Services) -> bool:
    """Whether ranks can be read: not while they are being made, but when Redis is lost."""
    try:
        return await services.backends.ranking.total(Board(board=DEFAULT_BOARD), "all") is not None
    except Unavailable:
        return True


async def _hear(services: Services) -> None:
    """Wait for what the bus knows: it is all that a gateway has."""
    within_s = None if services.settings.role == GATEWAY else BUS_WITHIN_S
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await services.reader.heard.wait()


async def _drain(services: Services) -> None:
    log().info(Event.SERVICE_DRAINING, viewers=services.hub.viewers())
    services.health.blocked("draining")
    # The other half is for the requests that are under way.
    within_s = max(1.0, services.settings.drain_s / 2)
    await services.hub.drain(spread_ms=DRAIN_SPREAD_MS, within_s=within_s)


class _Quiet(uvicorn.Server):
    """uvicorn that leaves the signals to somebody else."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Server(uvicorn.Server):
    """uvicorn, stopped by a signal without being killed by it."""

    def __init__(
        self, config: uvicorn.Config, drain: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        super().__init__(config)
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for name in signals:
            loop.add_signal_handler(name, self.handle_exit, name, None)
        try:
            yield
        finally:
            for name in signals:
                loop.remove_signal_handler(name)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._drain()
        await super().shutdown(sockets)


def _own(work: Coroutine[Any, Any, None], server: _Server) -> asyncio.Task[None]:
    """A task that must not end before the server: if it does, the service stops."""
    task = asyncio.ensure_future(work)

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and done.exception() is not None:
            log().error(Event.TASK_FAILED, exc_info=done.exception())
            server.should_exit = True

    task.add_done_callback(ended)
    return task


async def _watch_loop(telemetry: Telemetry) -> None:
    lag = telemetry.child("scoreboard_event_loop_lag_seconds")
    while True:
        began_s = now_s()
        await asyncio.sleep(LOOP_LOOK_S)
        lag.observe(max(0.0, now_s() - began_s - LOOP_LOOK_S))
