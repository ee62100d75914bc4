"""The only place that picks adapters, and owns every task's life and death."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from msgspec import Struct

from scoreboard.adapters.keys import (
    JwksUrl,
    KeyChain,
    KeyFile,
    LocalKeys,
    derive,
    local_secret,
    mint,
)
from scoreboard.adapters.memory import LocalBus, MemoryLimiter, MemoryRanking
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.errors import Misconfigured
from scoreboard.ports import Ledger
from scoreboard.service.announcer import Announcer
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.group_commit import GroupCommit
from scoreboard.service.health import Health
from scoreboard.service.hub import Hub
from scoreboard.service.reader import Reader
from scoreboard.service.relay import Relay
from scoreboard.service.scorer import Scorer
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, configure_log, log
from scoreboard.web.address import client_address
from scoreboard.web.admin import AdminHandler
from scoreboard.web.admission import Admission
from scoreboard.web.app import Gate, Mounted, application
from scoreboard.web.auth import Authenticator
from scoreboard.web.boards import BoardsHandler, HistoryHandler
from scoreboard.web.contract import OPERATIONS
from scoreboard.web.cursors import Cursors
from scoreboard.web.documents import asyncapi, docs_page, openapi
from scoreboard.web.health import HealthHandler
from scoreboard.web.live import MESSAGE_MAX_BYTES, LiveEndpoint
from scoreboard.web.protocol import HttpLimits, http_protocol, listen
from scoreboard.web.scores import ScoresHandler
from scoreboard.web.seats import Seats
from scoreboard.web.site import SiteHandler
from scoreboard.web.stream import StreamEndpoint
from scoreboard.web.tokens import KeySource, TokenVerifier
from scoreboard.web.viewer import Live, LiveSettings
from scoreboard.web.websocket import websocket_protocol

FAILPOINT = "SCOREBOARD_FAILPOINT"
SWITCH_INTERVAL_S = 0.001
LOOP_LOOK_S = 1.0
DRAIN_SPREAD_MS = 5_000


def clock_ms() -> int:
    """The time of day in milliseconds."""
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger that the settings name, closed at the end.

    Raises:
        Misconfigured, Unavailable: it cannot be used.
    """
    path = Path(settings.ledger.location)
    _make_folder(path.parent)
    stage = failpoint(os.environ.get(FAILPOINT, ""))
    ledger = await SqliteLedger.open(
        path, clock_ms=clock_ms, stage=stage, may_migrate=settings.migrate
    )
    try:
        yield ledger
    finally:
        await ledger.close()


def local_token(settings: Settings, subject: str, scopes: frozenset[str], ttl_s: int) -> str:
    """A token of the local secret, which the first use makes.

    Raises:
        Misconfigured: the service would not accept it.
    """
    if settings.jwt_keys or settings.jwks_url:
        raise Misconfigured(
            "Tokens of the local secret are not accepted while JWT_KEYS or JWKS_URL is set: "
            "ask your own issuer for one."
        )
    _make_folder(settings.secret_file.parent)
    return mint(
        local_secret(settings.secret_file),
        subject,
        scopes=scopes,
        ttl_s=ttl_s,
        now=time.time(),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


async def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Run the service until SIGTERM or SIGINT; ``ready`` is told its URL.

    Raises:
        Misconfigured, Unavailable: it cannot start.
    """
    configure_log(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _make_folder(settings.data)
    async with contextlib.AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(settings))
        _make_folder(settings.secret_file.parent)
        secret = local_secret(settings.secret_file)
        await _bind(ledger, secret)
        listener = _listen(settings)
        stack.callback(listener.close)
        node = await _node(settings, ledger, secret, listener, stack)
        log().info(Event.SERVICE_STARTED, url=_url(listener), ledger=settings.ledger.location)
        await node.run(listener, ready)
    log().info(Event.SERVICE_STOPPED)


class _Node(Struct):
    """One process's services, wired."""

    settings: Settings
    catalogue: CurrentCatalogue
    commit: GroupCommit
    relay: Relay
    announcer: Announcer
    reader: Reader
    hub: Hub
    health: Health
    telemetry: Telemetry
    app: Any

    async def run(self, listener: socket.socket, ready: Callable[[str], None] | None) -> None:
        server = _Server(self._config(), self._drain)
        tasks = [
            _own(task, server)
            for task in (
                self.catalogue.run(),
                self.announcer.run(),
                self.reader.run(),
                _watch_loop(self.telemetry),
                self._follow(listener, ready),
            )
        ]
        try:
            await server.serve(sockets=[listener])
        finally:
            await self.commit.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            http=http_protocol(HttpLimits(), self.telemetry),
            ws=websocket_protocol(),
            ws_max_size=MESSAGE_MAX_BYTES,
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=self.settings.drain_s,
        )

    async def _follow(self, listener: socket.socket, ready: Callable[[str], None] | None) -> None:
        await self.relay.rebuild()
        gc.collect()
        gc.freeze()  # a million scores need not be looked at again and again
        self.health.cleared("ranking")
        log().info(Event.SERVICE_READY, url=_url(listener))
        if ready is not None:
            ready(_url(listener))
        await self.relay.run()

    async def _drain(self) -> None:
        log().info(Event.SERVICE_DRAINING, viewers=self.hub.viewers())
        self.health.blocked("draining")
        await self.hub.drain(
            spread_ms=DRAIN_SPREAD_MS, within_s=max(1.0, self.settings.drain_s / 2)
        )


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


async def _node(
    settings: Settings,
    ledger: Ledger,
    secret: bytes,
    listener: socket.socket,
    stack: contextlib.AsyncExitStack,
) -> _Node:
    telemetry = Telemetry()
    health = Health("ranking")
    catalogue = CurrentCatalogue(ledger)
    await catalogue.load()
    ranking, bus = MemoryRanking(), LocalBus()
    limiter = MemoryLimiter(time.monotonic)
    commit = GroupCommit(
        ledger,
        catalogue,
        group_max=settings.group_max,
        queue_max=settings.queue_max,
        clock_ms=clock_ms,
        health=health,
        telemetry=telemetry,
    )
    scorer = Scorer(
        ledger,
        commit,
        limiter,
        catalogue,
        user_rate=settings.user_rate,
        service_rate=settings.service_rate,
        clock_ms=clock_ms,
        random=os.urandom,
        telemetry=telemetry,
    )
    await scorer.remember()
    relay = Relay(ledger, ranking, bus, catalogue, clock_ms=clock_ms, telemetry=telemetry)
    reader = Reader(ledger, ranking, bus, catalogue, clock_ms=clock_ms)
    hub = Hub(heartbeat_ms=settings.heartbeat_ms, telemetry=telemetry, clock_ms=clock_ms)
    announcer = Announcer(bus, hub, refresh_ms=settings.refresh_ms, telemetry=telemetry)
    verifier = TokenVerifier(
        await _keys(settings, secret, telemetry, stack),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        clock=time.time,
    )
    origins = frozenset(settings.origins) | _own_origins(listener)

    def address(scope: Any) -> str:
        return client_address(scope, settings.trusted_proxies)

    gate = Gate(
        limiter=limiter,
        ip_rate=settings.ip_rate,
        origins=origins,
        address=address,
        telemetry=telemetry,
    )
    live = Live(
        settings=LiveSettings(
            origins=origins,
            heartbeat_ms=settings.heartbeat_ms,
            viewers_max=settings.viewers_max,
            viewers_per_address=settings.viewers_per_address,
            viewers_per_user=settings.viewers_per_user,
        ),
        hub=hub,
        verifier=verifier,
        standing=reader.own_standing,
        seats=Seats(
            total=settings.viewers_max,
            per_address=settings.viewers_per_address,
            per_user=settings.viewers_per_user,
            telemetry=telemetry,
        ),
        telemetry=telemetry,
        clock_ms=clock_ms,
    )
    admission = Admission(live, snapshot=reader.snapshot, address=address)
    auth = Authenticator(verifier, telemetry)
    boards = BoardsHandler(reader, Cursors(derive(secret, "cursor")))
    mounted = Mounted(
        {
            **ScoresHandler(auth, scorer, telemetry).handlers(),
            **boards.handlers(),
            **HistoryHandler(reader, auth).handlers(),
            **AdminHandler(ledger, catalogue, reader, auth, boards.view).handlers(),
            **HealthHandler(health, telemetry).handlers(),
            **_site(reader).handlers(),
        },
        {"stream": StreamEndpoint(admission, headers=gate.cross_origin)},
        LiveEndpoint(admission),
    )
    return _Node(
        settings,
        catalogue,
        commit,
        relay,
        announcer,
        reader,
        hub,
        health,
        telemetry,
        application(OPERATIONS, mounted, gate, telemetry),
    )


async def _keys(
    settings: Settings, secret: bytes, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> KeySource:
    sources: list[KeySource] = []
    if settings.jwt_keys:
        sources.append(KeyFile(settings.jwt_keys, clock=time.monotonic, observe=_ignore))
    if settings.jwks_url:
        failures = telemetry.child("scoreboard_jwks_failures_total")

        def observe(event: str) -> None:
            if event == "failed":
                failures.inc()
                log().warning(Event.JWKS_FAILED)
            else:
                log().info(Event.JWKS_REFRESHED)

        jwks = JwksUrl(settings.jwks_url, clock=time.monotonic, observe=observe)
        telemetry.child("scoreboard_jwks_age_seconds").set_function(lambda: jwks.age_s or 0)
        await jwks.start()
        stack.push_async_callback(jwks.stop)
        sources.append(jwks)
    return KeyChain(*sources) if sources else LocalKeys(secret)


def _ignore(_: str) -> None: ...


async def _bind(ledger: Ledger, secret: bytes) -> None:
    fingerprint = derive(secret, "fingerprint").hex()
    if await ledger.bind(fingerprint) != fingerprint:
        raise Misconfigured(
            "This database belongs to another secret: bring back the SECRET_FILE it was made with."
        )


def failpoint(text: str) -> Callable[[str], None]:
    """What is told the stages of every commit, for tests that kill the service.

    ``trace:FILE`` writes each stage's first two letters over the file; ``kill:STAGE`` ends the
    process there, as kill -9 would; nothing does nothing.
    """
    what, _, rest = text.partition(":")
    match what:
        case "trace":
            fd = os.open(rest, os.O_CREAT | os.O_WRONLY, 0o600)
            return lambda stage: (os.pwrite(fd, f"{stage:<10}".encode(), 0), None)[1]
        case "kill":
            return lambda stage: os.kill(os.getpid(), signal.SIGKILL) if stage == rest else None
        case _:
            return lambda _: None


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


def _listen(settings: Settings) -> socket.socket:
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise Misconfigured(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. "
            "Choose another --port, or 0 for a free one."
        ) from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _own_origins(listener: socket.socket) -> frozenset[str]:
    port = listener.getsockname()[1]
    return frozenset(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(f"The folder {folder} cannot be made: {error.strerror}.") from None


def _site(reader: Reader) -> SiteHandler:
    return SiteHandler(
        reader,
        {
            "openapi": ("application/json", openapi()),
            "asyncapi": ("application/json", asyncapi()),
            "docs": ("text/html; charset=utf-8", docs_page()),
        },
    )
