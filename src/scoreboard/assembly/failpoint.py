"""Where tests make the service die or leave a trace: off unless the environment says so."""

import os
import signal
from collections.abc import Callable

FAILPOINT = "SCOREBOARD_FAILPOINT"


def failpoint(text: str) -> Callable[[str], None]:
    """What is told the stages of a group's commit, for tests that kill the service.

    The stages are ``begin``, ``commit`` and ``committed``. ``trace:FILE`` keeps the name of the
    latest one, padded to ten letters, at the start of a file; ``kill:STAGE`` ends the process as
    kill -9 would when a group first gets there; any other text does nothing.
    """
    what, _, rest = text.partition(":")
    match what:
        case "trace":
            fd = os.open(rest, os.O_CREAT | os.O_WRONLY, 0o600)
            return lambda stage: (os.pwrite(fd, f"{stage:<10}".encode(), 0), None)[1]
        case "kill":
            return lambda stage: os.kill(os.getpid(), signal.SIGKILL) if stage == rest else None
        case _:
            return lambda _: None
