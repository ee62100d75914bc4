"""One process's services and handlers, made and wired."""

import contextlib
import os
import time
from typing import Any, Self

from msgspec import Struct

from scoreboard.adapters.keys import JwksUrl, KeyChain, KeyFile, LocalKeys, derive
from scoreboard.adapters.memory import LocalBus, MemoryLimiter, MemoryRanking
from scoreboard.ports import Ledger, Limiter
from scoreboard.service.announcer import Announcer
from scoreboard.service.catalogue import CurrentCatalogue
from scoreboard.service.group_commit import GroupCommit
from scoreboard.service.health import Health
from scoreboard.service.hub import Hub
from scoreboard.service.reader import Reader
from scoreboard.service.relay import Relay
from scoreboard.service.scorer import Scorer
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log
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
from scoreboard.web.live import LiveEndpoint
from scoreboard.web.live_node import Live, LiveSettings
from scoreboard.web.scores import ScoresHandler
from scoreboard.web.seats import Seats
from scoreboard.web.site import SiteHandler, security_text
from scoreboard.web.stream import StreamEndpoint
from scoreboard.web.tokens import KeySource, TokenVerifier


class Node(Struct):
    """Everything of a process that has a life of its own, and the application in front of it."""

    settings: Settings
    telemetry: Telemetry
    health: Health
    catalogue: CurrentCatalogue
    commit: GroupCommit
    scorer: Scorer
    relay: Relay
    reader: Reader
    hub: Hub
    announcer: Announcer
    app: Any = None

    @classmethod
    async def made(
        cls,
        settings: Settings,
        ledger: Ledger,
        secret: bytes,
        url: str,
        stack: contextlib.AsyncExitStack,
    ) -> Self:
        """Ready to run; what has to be closed is on the stack."""
        telemetry = Telemetry()
        limiter = MemoryLimiter(time.monotonic)
        node = await cls._services(settings, ledger, limiter, telemetry)
        verifier = TokenVerifier(
            await _keys(settings, secret, telemetry, stack),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            clock=time.time,
            observe=lambda reason: telemetry.child("scoreboard_token_failures_total", reason).inc(),
        )
        gate = Gate(
            limiter=limiter,
            ip_rate=settings.ip_rate,
            origins=frozenset(settings.origins) | _own_origins(url),
            address=lambda scope: client_address(scope, settings.trusted_proxies),
            telemetry=telemetry,
        )
        cursors = Cursors(derive(secret, "cursor"))
        node.app = _application(node, ledger, gate, verifier, cursors)
        return node

    @classmethod
    async def _services(
        cls, settings: Settings, ledger: Ledger, limiter: Limiter, telemetry: Telemetry
    ) -> Self:
        health = Health("ranking")
        catalogue = CurrentCatalogue(ledger)
        await catalogue.load()
        ranking, bus = MemoryRanking(), LocalBus()
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
        hub = Hub(heartbeat_ms=settings.heartbeat_ms, telemetry=telemetry, clock_ms=clock_ms)
        return cls(
            settings=settings,
            telemetry=telemetry,
            health=health,
            catalogue=catalogue,
            commit=commit,
            scorer=scorer,
            relay=Relay(ledger, ranking, bus, catalogue, clock_ms=clock_ms, telemetry=telemetry),
            reader=Reader(ledger, ranking, bus, catalogue, clock_ms=clock_ms),
            hub=hub,
            announcer=Announcer(bus, hub, refresh_ms=settings.refresh_ms, telemetry=telemetry),
        )


def clock_ms() -> int:
    """The time of day in milliseconds."""
    return time.time_ns() // 1_000_000


def _application(
    node: Node, ledger: Ledger, gate: Gate, verifier: TokenVerifier, cursors: Cursors
) -> Any:
    telemetry = node.telemetry
    live = _live(node, verifier, gate.origins)
    admission = Admission(live, snapshot=node.reader.snapshot, address=gate.address)
    auth = Authenticator(verifier, telemetry)
    boards = BoardsHandler(node.reader, cursors)
    mounted = Mounted(
        {
            **ScoresHandler(auth, node.scorer, telemetry).handlers(),
            **boards.handlers(),
            **HistoryHandler(node.reader, auth).handlers(),
            **AdminHandler(ledger, node.catalogue, node.reader, auth, boards.view).handlers(),
            **HealthHandler(node.health, telemetry).handlers(),
            **_site(node.reader, node.settings.security_contact).handlers(),
        },
        {"stream": StreamEndpoint(admission, headers=gate.cross_origin)},
        LiveEndpoint(admission),
    )
    return application(OPERATIONS, mounted, gate, telemetry)


def _live(node: Node, verifier: TokenVerifier, origins: frozenset[str]) -> Live:
    settings = node.settings
    return Live(
        settings=LiveSettings(
            origins=origins,
            heartbeat_ms=settings.heartbeat_ms,
            viewers_max=settings.viewers_max,
            viewers_per_address=settings.viewers_per_address,
            viewers_per_user=settings.viewers_per_user,
        ),
        hub=node.hub,
        verifier=verifier,
        standing=node.reader.own_standing,
        seats=Seats(
            total=settings.viewers_max,
            per_address=settings.viewers_per_address,
            per_user=settings.viewers_per_user,
            telemetry=node.telemetry,
        ),
        telemetry=node.telemetry,
        clock_ms=clock_ms,
    )


async def _keys(
    settings: Settings, secret: bytes, telemetry: Telemetry, stack: contextlib.AsyncExitStack
) -> KeySource:
    sources: list[KeySource] = []
    if settings.jwt_keys:
        sources.append(KeyFile(settings.jwt_keys, clock=time.monotonic, observe=_log_keys))
    if settings.jwks_url:
        failures = telemetry.child("scoreboard_jwks_failures_total")

        def observe(event: str) -> None:
            failures.inc(event == "failed")
            _log_keys(event)

        jwks = JwksUrl(settings.jwks_url, clock=time.monotonic, observe=observe)
        telemetry.child("scoreboard_jwks_age_seconds").set_function(lambda: jwks.age_s or 0)
        await jwks.start()
        stack.push_async_callback(jwks.stop)
        sources.append(jwks)
    return KeyChain(*sources) if sources else LocalKeys(secret)


def _log_keys(event: str) -> None:
    if event == "failed":
        log().warning(Event.JWKS_FAILED)
    else:
        log().info(Event.JWKS_REFRESHED)


def _own_origins(url: str) -> frozenset[str]:
    port = url.rsplit(":", 1)[1]
    return frozenset(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))


def _site(reader: Reader, security_contact: str | None) -> SiteHandler:
    documents = {
        "openapi": ("application/json", openapi()),
        "asyncapi": ("application/json", asyncapi()),
        "docs": ("text/html; charset=utf-8", docs_page()),
    }
    if security_contact:
        text = security_text(security_contact, clock_ms())
        documents["security"] = ("text/plain; charset=utf-8", text)
    return SiteHandler(reader, documents)
