"""An HTTP answer that is written at once, where the server lets it."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from scoreboard.web.problems import Headers

REPLY = "scoreboard.reply"
"""The extension of an HTTP scope that takes status, fields and body of a whole answer."""


def write_reply(cycle: RequestResponseCycle, status: int, headers: Headers, body: bytes) -> bool:
    """Write a whole answer at once: ASGI's two messages are two writes and a check of each field.

    False, when the peer is slow or gone, leaves it to ASGI. The fields are the service's own.
    """
    if cycle.flow.write_paused or cycle.disconnected or cycle.response_started:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    if (b"connection", b"close") in headers:
        cycle.keep_alive = False
    elif not cycle.keep_alive:
        headers = [*headers, (b"connection", b"close")]
    fields = [b"%b: %b\r\n" % field for field in (*cycle.default_headers, *headers)]
    cycle.transport.write(b"".join([STATUS_LINE[status], *fields, b"\r\n", body]))
    cycle.response_complete = True
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True
