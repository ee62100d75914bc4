"""The request that is being answered, as the log and the traces name it."""

import uuid
from contextvars import ContextVar
from typing import Any


class RequestContext:
    """One request: its id, made when somebody asks for it; who calls, once that is known.

    ``code`` is that of the problem it was answered with; ``seq`` is that of the posting, if it was
    an award.

    ``span`` belongs to the traces, and is None where there are none.
    """

    __slots__ = ("_request_id", "caller", "code", "seq", "span")

    def __init__(self) -> None:
        self._request_id = ""
        self.caller: str | None = None
        self.code: str | None = None
        self.seq: int | None = None
        self.span: Any = None

    @property
    def request_id(self) -> str:
        """A UUID: what problems call ``instance``."""
        if not self._request_id:
            self._request_id = str(uuid.uuid4())
        return self._request_id


_CURRENT: ContextVar[RequestContext | None] = ContextVar("scoreboard_request", default=None)


def begin_request() -> RequestContext:
    """A new request, current in this task from now on."""
    request = RequestContext()
    _CURRENT.set(request)
    return request


def current_request() -> RequestContext | None:
    """The request that this task answers, if it does."""
    return _CURRENT.get()


def refused_request(code: str) -> str:
    """Note that it is answered with a problem; its id, or a new one where there is no request."""
    request = _CURRENT.get() or RequestContext()
    request.code = code
    return request.request_id
