"""What an event looks like, and who may say what in it."""

import atexit
import hashlib
import hmac
import logging
import sys
from typing import Any, cast

import structlog
from structlog.typing import EventDict

from scoreboard.telemetry.events import Event
from scoreboard.telemetry.fault import faults
from scoreboard.telemetry.outlet import Outlet
from scoreboard.telemetry.registry import Telemetry
from scoreboard.telemetry.request import current_request

USER_HEX = 16
"""Digits of a user's name in the log: enough that two of a service never share one."""

_LEVELS = ("debug", "info", "warning", "error")


class Log:
    """The log of a process: on standard error, as JSON lines or, for a person, in colour."""

    def __init__(self, level: str, form: str, telemetry: Telemetry, fd: int | None = None) -> None:
        self._level = level
        self._key = b""
        self._counts = {
            each: telemetry.child("scoreboard_log_events_total", each) for each in _LEVELS
        }
        console = form == "console" or (form == "auto" and sys.stderr.isatty())
        self._last: list[Any] = (
            [_visible, structlog.dev.ConsoleRenderer(exception_formatter=_no_traceback)]
            if console
            else [structlog.processors.JSONRenderer()]
        )
        self.outlet = Outlet(
            sys.stderr.fileno() if fd is None else fd,
            dropped=telemetry.child("scoreboard_log_dropped_total").inc,
            says=self._dropped,
        )

    def configure(self) -> None:
        """Make it the log of this process, for the libraries too."""
        structlog.configure(
            processors=[*self._shared(), *self._last],
            wrapper_class=structlog.make_filtering_bound_logger(_number(self._level)),
            logger_factory=structlog.WriteLoggerFactory(file=cast("Any", self.outlet)),
            cache_logger_on_first_use=False,
        )
        handler = logging.StreamHandler(cast("Any", self.outlet))
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[self._foreign, *self._shared()],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *self._last,
                ],
            )
        )
        logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
        atexit.register(self.outlet.close)

    def name_users_by(self, key: bytes) -> None:
        """From now on a caller is told by a hash with this key, the same for the same user."""
        self._key = key

    def _shared(self) -> list[Any]:
        return [
            self._of_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            self._fault,
            self._count,
        ]

    def _of_request(self, _: Any, __: str, event: EventDict) -> EventDict:
        request = current_request()
        if request is None:
            return event
        event.setdefault("request_id", request.request_id)
        if request.caller is not None and self._key:
            event["user"] = pseudonym(self._key, request.caller)
        if request.span is not None:
            event["trace_id"] = request.span.trace_id
        return event

    def _fault(self, _: Any, __: str, event: EventDict) -> EventDict:
        info = event.pop("exc_info", None)
        if info is True:
            info = sys.exc_info()
        error = info[1] if isinstance(info, tuple) else info
        if isinstance(error, BaseException):
            event["exception"] = faults(error, aloud=self._level == "debug")
        return event

    def _count(self, _: Any, __: str, event: EventDict) -> EventDict:
        level = event["level"]
        self._counts[level if level in self._counts else "error"].inc()
        return event

    def _foreign(self, _: Any, __: str, event: EventDict) -> EventDict:
        """What a library has to say: its template, since what fills it may be a caller's."""
        record: logging.LogRecord = event["_record"]
        said = event.pop("event")
        event["event"] = Event.LIBRARY_FAILED
        event["logger"] = record.name
        event["says"] = said if self._level == "debug" else str(record.msg)
        return event

    def _dropped(self, lines: int) -> str:
        """The line about lines that are not there; made by the outlet's own thread."""
        event: Any = {"event": Event.LOG_DROPPED, "lines": lines, "level": "warning"}
        for processor in (structlog.processors.TimeStamper(fmt="iso", utc=True), *self._last):
            event = processor(None, "warning", event)
        return f"{event}\n"


def pseudonym(key: bytes, user_id: str) -> str:
    """The same for the same user, and worth nothing without the key."""
    return hmac.digest(key, user_id.encode(), hashlib.sha256).hex()[:USER_HEX]


def _number(level: str) -> int:
    number: int = getattr(logging, level.upper())
    return number


def _visible(_: Any, __: str, event: EventDict) -> EventDict:
    """No text may move a terminal's cursor, or look like another line."""
    seen = {key: _printable(value) for key, value in event.items()}
    if "exception" in seen:
        seen["exception"] = _as_text(seen["exception"])
    return seen


def _as_text(chain: list[dict[str, Any]]) -> str:
    lines = []
    for fault in chain:
        words = (fault["type"], fault.get("code"), fault.get("says"))
        lines.append(": ".join(str(word) for word in words if word))
        lines += [f"    {frame}" for frame in fault.get("frames", ())]
    return "\n".join(lines)


def _printable(value: Any) -> Any:
    match value:
        case str() if not value.isprintable():
            return "".join(each if each.isprintable() else _escaped(each) for each in value)
        case list() | tuple():
            return [_printable(each) for each in value]
        case dict():
            return {key: _printable(each) for key, each in value.items()}
        case _:
            return value


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _no_traceback(*_: Any) -> None:
    """Tracebacks have become fields by now."""
