"""``/livez``, ``/readyz``, ``/version`` and ``/metrics``: for those who operate the service."""

import platform

import msgspec

from scoreboard import __version__, wire
from scoreboard.core.token import Scope
from scoreboard.service.health import Health
from scoreboard.telemetry import Telemetry
from scoreboard.web.auth import Authenticator
from scoreboard.web.exchange import Exchange, Handler, Reply, json_reply
from scoreboard.web.node_detail import NodeDetail

_NEVER_KEPT = (b"cache-control", b"no-store")
_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
_OPEN = b"application/openmetrics-text"


class HealthHandler:
    """Answers without touching a dependency."""

    def __init__(
        self, health: Health, telemetry: Telemetry, auth: Authenticator, detail: NodeDetail
    ) -> None:
        self._health = health
        self._auth = auth
        self._detail = detail
        self._telemetry = telemetry

    def handlers(self) -> dict[str, Handler]:
        """The methods, by operation name."""
        return {
            "livez": self.livez,
            "readyz": self.readyz,
            "version": self.version,
            "metrics": self.metrics,
        }

    async def livez(self, _: Exchange) -> Reply:
        return Reply(200, [(b"content-type", b"text/plain; charset=utf-8"), _NEVER_KEPT], b"ok\n")

    async def readyz(self, exchange: Exchange) -> Reply:
        # Probes have no token; who shows one wants to know more.
        node: wire.NodeDetail | msgspec.UnsetType = msgspec.UNSET
        if exchange.header(b"authorization") is not None:
            await self._auth.caller_with(exchange, Scope.ADMIN)
            node = self._detail.read()
        readiness = wire.Readiness(
            ready=self._health.ready,
            reasons=self._health.reasons,
            degraded=self._health.degraded,
            node=node,
        )
        return json_reply(readiness, _NEVER_KEPT, status=200 if readiness.ready else 503)

    async def version(self, _: Exchange) -> Reply:
        version = wire.Version("scoreboard", __version__, platform.python_version())
        return json_reply(version, _NEVER_KEPT)

    async def metrics(self, exchange: Exchange) -> Reply:
        if _OPEN in (exchange.header(b"accept") or b""):
            media_type, body = _OPENMETRICS, self._telemetry.open_exposition()
        else:
            media_type, body = _TEXT, self._telemetry.exposition()
        headers = [(b"content-type", media_type), (b"vary", b"Accept"), _NEVER_KEPT]
        return Reply(200, headers, body)
