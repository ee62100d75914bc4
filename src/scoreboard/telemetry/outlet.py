"""Where lines of the log leave the process: a bounded queue, and a thread that writes.

Whoever logs never waits. If the other end of a pipe does not read, the thread does; the queue
fills, what comes then is dropped and counted, and a line says so once there is room.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable

QUEUE_MAX_BYTES = 1 << 20
WRITE_MAX_BYTES = 1 << 16
FLUSH_WITHIN_S = 1.0
"""How long the end of the process waits for a reader."""


class Outlet:
    """A text file to ``structlog`` and ``logging``; written to the descriptor ``fd``.

    ``dropped`` is told of each line that was lost; ``says`` makes the line about so many.
    """

    def __init__(self, fd: int, *, dropped: Callable[[], None], says: Callable[[int], str]) -> None:
        self._fd = fd
        self._dropped = dropped
        self._says = says
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._changed = threading.Condition()
        self._writing = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="log-write", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue a line; never waits, never fails."""
        line = text.encode("utf-8", "backslashreplace")
        with self._changed:
            lost = self._bytes + len(line) > QUEUE_MAX_BYTES or self._ended
            if lost:
                self._lost += 1
            else:
                self._put(line)
        if lost:
            self._dropped()
        return len(text)

    def flush(self) -> None:
        """For those who call it after each line: the thread is on its way."""

    def close(self, within_s: float = FLUSH_WITHIN_S) -> None:
        """Write what waits, if somebody reads it within this time; then take no more."""
        deadline = time.monotonic() + within_s
        with self._changed:
            while self._lines or self._writing:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(left_s)
            self._ended = True
            self._changed.notify_all()

    def _put(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        self._changed.notify_all()

    def _run(self) -> None:
        while (part := self._taken()) is not None:
            try:
                _write_all(self._fd, part)
            except OSError:
                self._dropped()  # nobody is there any more; whoever comes back reads on
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _taken(self) -> bytes | None:
        """What waits, as far as it is written at once; None at the end."""
        with self._changed:
            while not self._lines:
                if self._ended:
                    return None
                self._changed.wait()
            part = b""
            while self._lines and len(part) < WRITE_MAX_BYTES:
                part += self._lines.popleft()
            self._bytes -= len(part)
            if self._lost and not self._lines:
                lost, self._lost = self._lost, 0
                part += self._says(lost).encode()
            self._writing = True
            return part


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
