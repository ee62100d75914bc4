"""What is counted, timed and logged of an answer."""

from typing import Any

from scoreboard.telemetry import Telemetry, exemplar, now_s
from scoreboard.telemetry.request import RequestContext
from scoreboard.web.access import AccessLog, Seen

ADMIN = "/v1/admin"
"""Below it many routes are seldom asked: one histogram for all of them."""


class Answered:
    """The answers of one route; its series are bound once for each method and status."""

    def __init__(self, route: str, access: AccessLog, telemetry: Telemetry) -> None:
        self._route = route
        self._access = access
        self._telemetry = telemetry
        timed = ADMIN if route.startswith(ADMIN) else route
        self._seconds = telemetry.child("scoreboard_http_request_seconds", timed)
        self._requests: dict[tuple[str, int], Any] = {}

    def note(self, method: str, status: int, began_s: float, request: RequestContext) -> None:
        """The last byte is handed to the socket; ``method`` is one of a closed set."""
        requests = self._requests.get((method, status))
        if requests is None:
            requests = self._requests[method, status] = self._telemetry.child(
                "scoreboard_http_requests_total", self._route, method, str(status)
            )
        requests.inc()
        self._seconds.observe(now_s() - began_s, exemplar(request.span))
        if request.span is not None:
            request.span.answered(status, request.code)
        self._access.note(Seen(self._route, method, status, began_s, request.code, request.seq))
