"""What the process is called where processes are listed (Linux)."""

import contextlib
import ctypes
import sys
import threading

PR_SET_NAME = 15
"""prctl(2): the name of the calling thread, which for the main thread is that of the process."""

TITLE_MAX_BYTES = 15


def name_process(role: str) -> None:
    """``scoreboard``, or ``scoreboard-api``: what `top`, `ps -o comm` and `pkill` see.

    Nothing happens on other systems. Its arguments stay as they are, for those who look for them.
    """
    if not sys.platform.startswith("linux"):
        return
    title = "scoreboard" if role == "all" else f"scoreboard-{role}"
    if threading.current_thread() is threading.main_thread():
        _name(title)


def _name(title: str) -> None:
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_NAME, title.encode()[:TITLE_MAX_BYTES], 0, 0, 0)


def name_threads() -> None:
    """Give the system the names of threads that begin from now on: Python before 3.14 does not."""
    if sys.platform.startswith("linux") and sys.version_info < (3, 14):
        threading.setprofile(_begin)


def _begin(*_: object) -> None:
    """The first event of a new thread: name it, and watch no more of it."""
    sys.setprofile(None)
    _name(threading.current_thread().name)
