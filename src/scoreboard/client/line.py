"""How every request is asked, with its retries: decisions, no I/O."""

import time
from typing import TypeVar

import msgspec
from msgspec import Struct

from scoreboard import wire
from scoreboard.client.credential import Token, bearer
from scoreboard.client.outbox import Outbox
from scoreboard.client.patience import PATIENCE, Patience
from scoreboard.client.problem import (
    NOTHING_RECORDED,
    RETRYABLE,
    UNREACHABLE,
    ClientProblem,
    problem_from,
    retry_after_s,
)
from scoreboard.client.talk import Pause, Reply, Send, Talk

Answer = TypeVar("Answer", bound=Struct)


class Line(Struct, frozen=True):
    """To whom a client talks, as whom, how patiently, and what it keeps."""

    url: str
    token: Token = None
    outbox: Outbox | None = None
    patience: Patience = PATIENCE


def read(
    line: Line, path: str, kind: type[Answer], params: dict[str, str] | None = None
) -> Talk[Answer]:
    """What a path answers."""
    reply = yield from ask(line, "GET", path, params=params)
    return decoded(reply, kind)


def ask(  # noqa: PLR0913 - a request has so many parts
    line: Line,
    method: str,
    path: str,
    *,
    params: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    body: Struct | None = None,
    in_doubt: bool = False,
) -> Talk[Reply]:
    """The answer of a success, after as many attempts as the patience allows."""
    tries = line.patience.tries(time.monotonic)
    sent = dict(headers or {})
    if body is not None:
        sent["Content-Type"] = "application/json"
    key = sent.get("Idempotency-Key")
    while True:
        if token := bearer(line.token):
            sent["Authorization"] = f"Bearer {token}"
        reply = yield Send(
            method=method,
            path=path,
            params=params or {},
            headers=dict(sent),
            content=None if body is None else wire.ENCODER.encode(body),
            timeout_s=tries.timeout_s(),
        )
        assert reply is None or isinstance(reply, Reply)
        if reply is not None and reply.is_success:
            return reply
        problem = _problem(line, reply, key)
        in_doubt |= problem.temporary and problem.code not in NOTHING_RECORDED
        problem.in_doubt = in_doubt
        if reply is not None and reply.status not in RETRYABLE:
            raise problem
        wait_s = tries.wait_s(retry_after_s(reply.headers.get("retry-after")) if reply else 0)
        if wait_s is None:
            raise problem
        yield Pause(wait_s)


def decoded(reply: Reply, kind: type[Answer]) -> Answer:
    """The answer in a reply, or a problem when something else than the service made it."""
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise problem_from(reply.status, b"") from None


def _problem(line: Line, reply: Reply | None, key: str | None) -> ClientProblem:
    if reply is not None:
        return problem_from(reply.status, reply.body, key)
    return ClientProblem(0, UNREACHABLE, f"No scoreboard service answers at {line.url}", key)
