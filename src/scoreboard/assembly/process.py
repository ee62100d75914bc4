"""The process: the listening socket, the server on it, and the tasks beside it."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import uvicorn

from scoreboard.assembly.node import Node
from scoreboard.errors import Misconfigured
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log
from scoreboard.web.listener import listen
from scoreboard.web.live import MESSAGE_MAX_BYTES
from scoreboard.web.protocol import HttpLimits, http_protocol
from scoreboard.web.websocket import websocket_protocol

LOOP_LOOK_S = 1.0
DRAIN_SPREAD_MS = 5_000


async def run(node: Node, listener: socket.socket, ready: Callable[[str], None] | None) -> None:
    """Serve until a signal; then drain, and end every task."""
    server = _Server(_config(node), lambda: _drain(node))
    tasks = [
        _own(task, server)
        for task in (
            node.catalogue.run(),
            node.announcer.run(),
            node.reader.run(),
            _watch_loop(node.telemetry),
            _follow(node, url_of(listener), ready),
        )
    ]
    try:
        await server.serve(sockets=[listener])
    finally:
        await node.commit.drain()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def listener_of(settings: Settings) -> socket.socket:
    """The socket to listen on.

    Raises:
        Misconfigured: the address or the port cannot be had.
    """
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Choose another --port, or 0 for a free one."
        ) from None


def url_of(listener: socket.socket) -> str:
    """Where the service is, as this machine reaches it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(node: Node) -> uvicorn.Config:
    return uvicorn.Config(
        node.app,
        http=http_protocol(HttpLimits(), node.telemetry),
        ws=websocket_protocol(),
        ws_max_size=MESSAGE_MAX_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=node.settings.drain_s,
    )


async def _follow(node: Node, url: str, ready: Callable[[str], None] | None) -> None:
    await node.relay.rebuild()
    gc.collect()
    gc.freeze()  # a million scores need not be looked at again and again
    node.health.cleared("ranking")
    log().info(Event.SERVICE_READY, url=url)
    if ready is not None:
        ready(url)
    await node.relay.run()


async def _drain(node: Node) -> None:
    log().info(Event.SERVICE_DRAINING, viewers=node.hub.viewers())
    node.health.blocked("draining")
    await node.hub.drain(spread_ms=DRAIN_SPREAD_MS, within_s=max(1.0, node.settings.drain_s / 2))


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
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(LOOP_LOOK_S)
        lag.set(max(0.0, loop.time() - began - LOOP_LOOK_S))
