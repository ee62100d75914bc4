"""The ASGI application: every operation of the contract, behind one gate."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute

from scoreboard.errors import (
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    OutcomeUnknown,
    RateLimited,
    ScoreboardError,
    Unavailable,
)
from scoreboard.ports import Limiter, Rate
from scoreboard.telemetry import (
    Event,
    Telemetry,
    begin_request,
    log,
    now_s,
    refused_request,
)
from scoreboard.web import problem_page, problems
from scoreboard.web.access import AccessLog, Seen
from scoreboard.web.answered import Answered
from scoreboard.web.contract import Operation
from scoreboard.web.exchange import Exchange, Handler, Headers, Receive, Reply, Scope, Send
from scoreboard.web.whole_reply import REPLY

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
PREFLIGHT_MAX_AGE_S = 600

LIVE = "/ws/scoreboard"

_SAFE: Headers = [(b"x-content-type-options", b"nosniff")]
_EXPOSED = (
    b"Award-Id, ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After"
)
_ASKED = b"Authorization, Content-Type, Idempotency-Key, Action-Signature, If-None-Match"


class Gate:
    """What every request passes: origin, the address's rate, errors as problems, metrics."""

    def __init__(  # noqa: PLR0913 - what it asks, and what it tells
        self,
        *,
        limiter: Limiter,
        ip_rate: Rate,
        origins: frozenset[str],
        address: Callable[[Scope], str],
        telemetry: Telemetry,
        access: AccessLog | None = None,
    ) -> None:
        self._limiter = limiter
        self._ip_rate = ip_rate
        self.origins = origins
        self.address = address
        self.access = access or AccessLog(0)
        self._telemetry = telemetry

    def cross_origin(self, scope: Scope) -> Headers:
        """The headers that let a page of an allowed origin read the answer."""
        for key, value in scope["headers"]:
            if key == b"origin":
                if value.decode("latin-1").lower() not in self.origins:
                    return [(b"vary", b"Origin")]
                return [
                    (b"access-control-allow-origin", value),
                    (b"access-control-expose-headers", _EXPOSED),
                    (b"vary", b"Origin"),
                ]
        return []

    async def count(self, scope: Scope) -> None:
        """Raises: RateLimited: the address has asked too often."""
        if self._ip_rate.limit:
            verdict = await self._limiter.hit(f"ip:{self.address(scope)}", self._ip_rate)
            if not verdict.allowed:
                self._telemetry.child("scoreboard_rate_limited_total", "address").inc()
                rate = self._ip_rate
                raise RateLimited(max(1, verdict.reset_s), "requests", rate.limit, rate.window_s)


class Resource:
    """The operations of one path."""

    def __init__(
        self,
        path: str,
        handlers: Mapping[str, Handler],
        gate: Gate,
        telemetry: Telemetry,
        *,
        counted: bool,
    ) -> None:
        self._path = path
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._methods = {each: "GET" if each == "HEAD" else each for each in self._handlers}
        self._allow = tuple(sorted({*self._handlers, "OPTIONS"}))
        self._gate = gate
        self._counted = counted
        self._telemetry = telemetry
        self._answered = Answered(path, gate.access, telemetry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = now_s()
        request = begin_request()
        method: str = scope["method"]
        known = self._methods.get(method, "other")
        exchange = Exchange(scope, receive)
        traces = self._telemetry.traces
        if traces.on:
            request.span = traces.request(known, self._path, exchange.header(b"traceparent"))
        reply = await self._reply(method, exchange)
        headers = [
            *reply.headers,
            (b"content-length", b"%d" % len(reply.body)),
            *_SAFE,
        ]
        # Two of these headers are as good as none: what is open to all pages stays so.
        if not any(name == b"access-control-allow-origin" for name, _ in headers):
            headers += self._gate.cross_origin(scope)
        if reply.status == 304:  # noqa: PLR2004 - the one status without a body of ours
            headers = [field for field in headers if field[0] != b"content-length"]
        body = b"" if method == "HEAD" else reply.body
        whole = scope.get("extensions", {}).get(REPLY)
        if whole is None or not whole(reply.status, headers, body):
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        self._answered.note(known, reply.status, began_s, request)

    async def _reply(self, method: str, exchange: Exchange) -> Reply:
        try:
            if self._counted:
                await self._gate.count(exchange.scope)
            handler = self._handlers.get(method)
            return await handler(exchange) if handler else self._unhandled(method, exchange)
        except ScoreboardError as error:
            return _told(refusal(error), exchange)
        except Exception:  # noqa: BLE001 - a bug must be an answer, and on record
            log().exception(Event.REQUEST_FAILED, route=self._path)
            # The handler may have got as far as the ledger: only a read has surely done nothing.
            said = refusal(Unavailable() if method in _READS else OutcomeUnknown())
            return _told(said, exchange)

    def _unhandled(self, method: str, exchange: Exchange) -> Reply:
        if not self._handlers:
            raise NotFound
        if method == "OPTIONS":
            return self._preflight(exchange)
        raise MethodNotAllowed(self._allow)

    def _preflight(self, exchange: Exchange) -> Reply:
        asked = exchange.header(b"access-control-request-method")
        if asked is not None and not any(
            name == b"access-control-allow-origin"
            for name, _ in self._gate.cross_origin(exchange.scope)
        ):
            raise OriginNotAllowed
        methods = ", ".join(self._allow).encode()
        headers = [(b"allow", methods)]
        if asked is not None:
            headers += [
                (b"access-control-allow-methods", methods),
                (b"access-control-allow-headers", _ASKED),
                (b"access-control-max-age", b"%d" % PREFLIGHT_MAX_AGE_S),
            ]
        return Reply(204, headers)


def _told(refused: Reply, exchange: Exchange) -> Reply:
    return problem_page.shown(refused, exchange) if problem_page.wanted(exchange) else refused


def refusal(error: ScoreboardError) -> Reply:
    """An error as a problem document."""
    status, headers, body = problems.answer(error, refused_request(error.code))
    kept = [field for field in headers if field[0] != b"content-length"]
    return Reply(status, kept, body)


class Mounted(Struct, frozen=True):
    """The handlers by operation name, and the endpoints that speak ASGI themselves.

    ``live`` is None where nobody may watch.
    """

    handlers: Mapping[str, Handler]
    streams: Mapping[str, Application] = {}
    live: Application | None = None


def application(
    operations: Sequence[Operation], mounted: Mounted, gate: Gate, telemetry: Telemetry
) -> Router:
    """Routes for every operation; a path nobody knows is a problem too.

    Raises:
        KeyError: an operation has no handler.
    """
    by_path: dict[str, dict[str, Handler]] = {}
    counted: dict[str, bool] = {}
    streams: list[BaseRoute] = []
    if mounted.live is not None:
        counted_live = Counted(mounted.live, LIVE, gate, telemetry)
        streams.append(WebSocketRoute(LIVE, counted_live))
    for operation in operations:
        if operation.name in mounted.streams:
            stream = Counted(mounted.streams[operation.name], operation.path, gate, telemetry)
            endpoint = Stream(stream, operation.path, gate, telemetry)
            streams.append(Route(operation.path, endpoint))
            continue
        handlers = by_path.setdefault(operation.path, {})
        handlers[operation.method] = mounted.handlers[operation.name]
        counted[operation.path] = operation.path.startswith("/v1/")
    routes: list[BaseRoute] = [
        Route(path, Resource(path, handlers, gate, telemetry, counted=counted[path]))
        for path, handlers in by_path.items()
    ]
    nowhere = Resource("other", {}, gate, telemetry, counted=True)
    return Router([*routes, *streams], redirect_slashes=False, default=Elsewhere(nowhere))


class Stream:
    """An endpoint that answers as long as it likes, behind the same gate."""

    def __init__(self, endpoint: Application, path: str, gate: Gate, telemetry: Telemetry) -> None:
        self._endpoint = endpoint
        self._gate = gate
        self._refusing = Resource(path, {"GET": _refused}, gate, telemetry, counted=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await self._refusing(scope, receive, send)
            return
        try:
            await self._gate.count(scope)
        except ScoreboardError:
            await self._refusing(scope, receive, send)
            return
        await self._endpoint(scope, receive, send)


class Counted:
    """An endpoint that speaks ASGI itself; its answer's status is seen as it passes."""

    def __init__(self, endpoint: Application, path: str, gate: Gate, telemetry: Telemetry) -> None:
        self._endpoint = endpoint
        self._path = path
        self._gate = gate
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_s = now_s()
        request = begin_request()
        seen = False

        async def count(message: MutableMapping[str, Any]) -> None:
            nonlocal seen
            status = None if seen else _status(message)
            if status is not None:
                seen = True
                self._telemetry.child(
                    "scoreboard_http_requests_total", self._path, "GET", str(status)
                ).inc()
                self._gate.access.note(Seen(self._path, "GET", status, began_s, request.code))
            await send(message)

        await self._endpoint(scope, receive, count)


def _status(message: MutableMapping[str, Any]) -> int | None:
    match message["type"]:
        case "http.response.start" | "websocket.http.response.start":
            return int(message["status"])
        case "websocket.accept":
            return 101
        case "websocket.close":  # before it was accepted: servers answer so
            return 403
    return None


class Elsewhere:
    """What no route knows."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await _refuse_websocket(send)
            return
        await self._resource(scope, receive, send)


async def _refused(_: Exchange) -> Reply:
    raise RateLimited


async def _refuse_websocket(send: Send) -> None:
    reply = refusal(NotFound())
    start = {"type": "websocket.http.response.start", "status": 404, "headers": reply.headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": reply.body})
