"""One process: its services, and the applications in front of them."""

import contextlib
import time
from typing import Any, Self

from msgspec import Struct

from scoreboard.adapters.keys import derive
from scoreboard.assembly.services import GATEWAY, Services, clock_ms
from scoreboard.assembly.token_keys import key_source
from scoreboard.service.freeze_proof import FreezeProof
from scoreboard.service.moderator import Moderator
from scoreboard.service.preview import Foresight
from scoreboard.service.proofs import Proofs
from scoreboard.service.retrospect import Retrospect
from scoreboard.service.trial import Trials
from scoreboard.settings import Settings
from scoreboard.web.access import AccessLog
from scoreboard.web.address import client_address
from scoreboard.web.admin import AdminHandler
from scoreboard.web.admin_site import AdminSiteHandler
from scoreboard.web.admission import Admission
from scoreboard.web.app import Gate, Mounted, application
from scoreboard.web.auth import Authenticator
from scoreboard.web.board_views import BoardViews
from scoreboard.web.boards import BoardsHandler, HistoryHandler
from scoreboard.web.contract import (
    ADMIN_PAGE,
    BESIDE_ADMIN,
    BOARDS,
    OPERATION,
    OPERATIONS,
    PAGES,
    Operation,
)
from scoreboard.web.cursors import Cursors
from scoreboard.web.documents import asyncapi, docs_page, openapi
from scoreboard.web.findings import FindingsHandler
from scoreboard.web.health import HealthHandler
from scoreboard.web.incidents import IncidentsHandler
from scoreboard.web.live import LiveEndpoint
from scoreboard.web.live_node import Live, LiveSettings
from scoreboard.web.moderation import ModerationHandler
from scoreboard.web.node_detail import NodeDetail
from scoreboard.web.past import PastHandler
from scoreboard.web.proofs import ProofsHandler
from scoreboard.web.scores import ScoresHandler
from scoreboard.web.seats import Seats
from scoreboard.web.signing_keys import SigningKeysHandler
from scoreboard.web.site import SiteHandler, security_text
from scoreboard.web.stream import StreamEndpoint
from scoreboard.web.tokens import TokenVerifier
from scoreboard.web.trial import TrialHandler

OFFERED: dict[str, tuple[Operation, ...]] = {
    "all": OPERATIONS,
    "api": OPERATIONS,
    GATEWAY: (*BOARDS, *OPERATION, *PAGES),
    "relay": OPERATION,
}
"""What a role answers; the rest it does not know."""


class Node(Struct):
    """``app`` is for everybody; ``ops`` for the operator, where that has a port of its own."""

    services: Services
    app: Any
    ops: Any = None

    @classmethod
    async def made(
        cls, services: Services, secret: bytes, url: str, stack: contextlib.AsyncExitStack
    ) -> Self:
        """Ready to run; what has to be closed is on the stack.

        Raises:
            Misconfigured: a key cannot be used.
        """
        settings, telemetry = services.settings, services.telemetry
        verifier = TokenVerifier(
            await key_source(settings, secret, telemetry, stack),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            clock=time.time,
            observe=lambda reason: telemetry.child("scoreboard_token_failures_total", reason).inc(),
        )
        gate = Gate(
            limiter=services.backends.limiter,
            ip_rate=settings.ip_rate,
            origins=frozenset(settings.origins) | _own_origins(url),
            address=lambda scope: client_address(scope, settings.trusted_proxies),
            telemetry=telemetry,
            access=AccessLog(settings.log_sample),
        )
        offered = OFFERED[settings.role]
        mounted = _mounted(services, gate, verifier, Cursors(derive(secret, "cursor")))
        if settings.ops_listen is None:
            return cls(services, application(offered, mounted, gate, telemetry))
        front = [operation for operation in offered if not operation.ops]
        beside = BESIDE_ADMIN if ADMIN_PAGE[0] in offered else ()
        back = [each for each in offered if each.ops or each.name in beside]
        behind = Mounted(mounted.handlers)
        return cls(
            services,
            application(front, mounted, gate, telemetry),
            application(back, behind, gate, telemetry),
        )


def _mounted(services: Services, gate: Gate, verifier: TokenVerifier, cursors: Cursors) -> Mounted:
    telemetry, reader = services.telemetry, services.reader
    auth = Authenticator(verifier, telemetry)
    past = PastHandler(Retrospect(services.backends.ledger, reader), auth)
    views = BoardViews(reader, FreezeProof(services.backends.ledger))
    boards = BoardsHandler(reader, cursors, auth, past, views)
    handlers = {
        **past.handlers(),
        **boards.handlers(),
        **HistoryHandler(reader, auth).handlers(),
        **HealthHandler(services.health, telemetry, auth, _detail(services)).handlers(),
        **_site(services).handlers(),
    }
    writing = services.writing
    if writing:
        ledger = services.backends.ledger
        admin = AdminHandler(ledger, writing.catalogue, reader, auth, views)
        handlers |= FindingsHandler(ledger, auth).handlers()
        handlers |= ScoresHandler(auth, writing.scorer, telemetry).handlers()
        handlers |= admin.handlers()
        handlers |= ProofsHandler(Proofs(ledger), reader, auth).handlers()
        keys = SigningKeysHandler(ledger, writing.catalogue, auth, writing.keys.sealed, clock_ms)
        handlers |= keys.handlers()
        moderator, foresight = Moderator(ledger), Foresight(ledger, clock_ms)
        handlers |= ModerationHandler(ledger, moderator, foresight, auth).handlers()
        handlers |= TrialHandler(Trials(ledger), auth).handlers()
        handlers |= IncidentsHandler(ledger, auth).handlers()
        handlers |= AdminSiteHandler().handlers()
    if services.settings.role == "relay":
        return Mounted(handlers)
    live = _live(services, verifier, gate.origins)
    admission = Admission(live, snapshot=reader.snapshot, address=gate.address)
    stream = StreamEndpoint(admission, headers=gate.cross_origin)
    return Mounted(handlers, {"stream": stream}, LiveEndpoint(admission))


def _detail(services: Services) -> NodeDetail:
    leading = services.leading
    return NodeDetail(
        services.name,
        services.settings.role,
        lambda: leading.leadership.term if leading else None,
        clock_ms,
        services.telemetry,
    )


def _live(services: Services, verifier: TokenVerifier, origins: frozenset[str]) -> Live:
    settings = services.settings
    return Live(
        settings=LiveSettings(
            origins=origins,
            heartbeat_ms=settings.heartbeat_ms,
            viewers_max=settings.viewers_max,
            viewers_per_address=settings.viewers_per_address,
            viewers_per_user=settings.viewers_per_user,
        ),
        hub=services.hub,
        verifier=verifier,
        standing=services.reader.own_standing,
        seats=Seats(
            total=settings.viewers_max,
            per_address=settings.viewers_per_address,
            per_user=settings.viewers_per_user,
            telemetry=services.telemetry,
        ),
        telemetry=services.telemetry,
        clock_ms=clock_ms,
    )


def _own_origins(url: str) -> frozenset[str]:
    port = url.rsplit(":", 1)[1]
    return frozenset(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]"))


def _site(services: Services) -> SiteHandler:
    documents = {
        "openapi": ("application/json", openapi()),
        "asyncapi": ("application/json", asyncapi()),
        "docs": ("text/html; charset=utf-8", docs_page()),
    }
    contact = _contact(services.settings)
    if contact:
        documents["security"] = ("text/plain; charset=utf-8", contact)
    return SiteHandler(services.reader, documents, clock_ms)


def _contact(settings: Settings) -> bytes:
    contact = settings.security_contact
    return security_text(contact, clock_ms()) if contact else b""
