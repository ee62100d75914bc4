"""How both clients open a WebSocket, and what its failures mean."""

from typing import Any

from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from scoreboard.client.follow import Closed, Open, Refused
from scoreboard.client.problem import NOT_A_SCOREBOARD, ClientProblem, problem_from, retry_after_s
from scoreboard.client.reconnect import ABNORMAL, OPENING_MS

MESSAGE_MAX_BYTES = 64 * 1024
CLOSE_S = 1.0
TOO_MANY_REQUESTS = 429


def options(step: Open) -> dict[str, Any]:
    """Keyword arguments of ``connect``, which are the same for threads and asyncio."""
    return {
        "additional_headers": step.headers,
        "subprotocols": ["scoreboard.v1"],
        "compression": None,
        "max_size": MESSAGE_MAX_BYTES,
        "open_timeout": OPENING_MS / 1000,
        "close_timeout": CLOSE_S,
        # The service breaks its silence by ticks: those are listened for.
        "ping_interval": None,
    }


def refused(error: Exception, uri: str) -> Refused:
    """Why no connection came about.

    Raises:
        Exception: it is neither the service's nor the network's doing.
    """
    if isinstance(error, InvalidStatus):
        answer = error.response
        wait_s = retry_after_s(answer.headers.get("Retry-After"))
        if answer.status_code == TOO_MANY_REQUESTS or process_exception(error) is None:
            return Refused(retry_after_s=wait_s)
        return Refused(problem_from(answer.status_code, bytes(answer.body or b"")))
    if process_exception(error) is None:
        return Refused()
    if isinstance(error, InvalidHandshake):
        place = uri.partition("?")[0]
        return Refused(ClientProblem(0, NOT_A_SCOREBOARD, f"No live board answers at {place}"))
    raise error


def closed(error: ConnectionClosed) -> Closed:
    """How a connection ended."""
    frame = error.rcvd
    return Closed(ABNORMAL, "") if frame is None else Closed(frame.code, frame.reason)
