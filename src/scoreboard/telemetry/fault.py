"""An exception as the log tells it: what kind, and where; not with what.

What an exception says of itself may hold what a caller sent: a key that was not found, a row that
was refused. It is told at level debug alone.
"""

import traceback
from types import TracebackType

from msgspec import Struct, to_builtins

from scoreboard.errors import ScoreboardError

FRAMES_MAX = 40
CHAIN_MAX = 8


class Fault(Struct, frozen=True, omit_defaults=True):
    """One exception of a chain: the newest first, each with the one it came from after it."""

    type: str
    code: str | None = None
    says: str | None = None
    frames: tuple[str, ...] = ()


def faults(error: BaseException, *, aloud: bool) -> list[dict[str, object]]:
    """The exception and what it came from; ``aloud`` with their own words."""
    chain: list[Fault] = []
    seen: set[int] = set()
    left: BaseException | None = error
    while left is not None and id(left) not in seen and len(chain) < CHAIN_MAX:
        seen.add(id(left))
        chain.append(_fault(left, aloud=aloud))
        left = left.__cause__ or (None if left.__suppress_context__ else left.__context__)
    found: list[dict[str, object]] = to_builtins(chain)
    return found


def _fault(error: BaseException, *, aloud: bool) -> Fault:
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return Fault(name, _code(error), str(error) if aloud else None, _frames(error.__traceback__))


def _code(error: BaseException) -> str | None:
    match error:
        case ScoreboardError():
            return getattr(error, "code", None)
        case OSError():
            return error.strerror
        case _:
            return getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)


def _frames(trace: TracebackType | None) -> tuple[str, ...]:
    summary = traceback.extract_tb(trace, limit=-FRAMES_MAX)
    return tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in summary)
