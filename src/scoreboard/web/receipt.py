"""How far the peer's TCP has acknowledged what was written to a connection (Linux)."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable

_INFO_BYTES = 128
_ACKED_AT = 120
"""Where ``tcpi_bytes_acked`` is in ``struct tcp_info`` (linux/tcp.h, since 4.1)."""

TRIES = 3


def receipt_of(transport: asyncio.Transport) -> Callable[[], bool | None] | None:
    """Whether the peer has acknowledged everything that was written until now; asked later.

    None on a system that does not tell, or over TLS of our own. The receipt answers None once the
    connection is gone.
    """
    if not sys.platform.startswith("linux") or transport.get_extra_info("sslcontext") is not None:
        return None
    connection = transport.get_extra_info("socket")
    if connection is None:
        return None
    try:
        end = _end(transport, connection)
    except OSError:
        return None
    if end is None:
        return None

    def received() -> bool | None:
        try:
            return None if transport.is_closing() else _acknowledged(connection) >= end
        except (OSError, struct.error):
            return None

    return received


def _end(transport: asyncio.Transport, connection: socket.socket) -> int | None:
    """The place in the stream of the last byte that was written."""
    for _ in range(TRIES):
        try:
            before = _acknowledged(connection)
            waiting = transport.get_write_buffer_size() + _unacknowledged(connection)
            if _acknowledged(connection) == before:
                return before + waiting
        except struct.error:
            return None
    return None


def _acknowledged(connection: socket.socket) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
    (acked,) = struct.unpack_from("=Q", info, _ACKED_AT)
    return int(acked)


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes in the kernel that the peer has not acknowledged (SIOCOUTQ, tcp(7))."""
    (count,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
    return int(count)
