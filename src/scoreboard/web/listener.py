"""The socket that the service listens on."""

import socket

SEND_BUFFER_BYTES = 65_536
"""A peer that does not read holds this much of the kernel, not the megabytes it would grow to."""

USER_TIMEOUT_MS = 12_000
"""With a heartbeat of 15 s, a peer that vanished without a word is let go within 30 s."""

BACKLOG = 2_048


def listen(
    host: str,
    port: int,
    *,
    backlog: int = BACKLOG,
    user_timeout_ms: int = USER_TIMEOUT_MS,
) -> socket.socket:
    """A listening socket whose connections end when a peer acknowledges nothing for so long.

    Neither pings nor time-outs on sending free a peer that does not read: the close frame waits
    behind the full buffer. The kernel does, and connections inherit it from their listener.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, user_timeout_ms)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)  # noqa: FBT003 - the method has no keyword
    return listener
