"""Every request of the HTTP interface that a client makes, with its retries: decisions, no I/O.

Each function is a method of ``Client`` and of ``AsyncClient``, with these arguments and this
answer; there, the line is the client itself.
"""

import secrets
import time
from typing import TypeVar

import msgspec
from msgspec import Struct

from scoreboard import wire
from scoreboard.client.address import path_part
from scoreboard.client.credential import Token, bearer, caller_of
from scoreboard.client.outbox import Outbox, Pending
from scoreboard.client.patience import PATIENCE, Patience
from scoreboard.client.problem import (
    NOTHING_RECORDED,
    RETRYABLE,
    UNREACHABLE,
    ClientProblem,
    problem_from,
    retry_after_s,
)
from scoreboard.client.talk import Keep, Pause, Recall, Reply, Send, Settle, Talk
from scoreboard.core.signature import HEADER

KEY_BYTES = 18

Answer = TypeVar("Answer", bound=Struct)


class Line(Struct, frozen=True):
    """To whom a client talks, as whom, how patiently, and what it keeps."""

    url: str
    token: Token = None
    outbox: Outbox | None = None
    patience: Patience = PATIENCE


class Receipt(Struct, frozen=True):
    """An award that is recorded for ever; ``replayed`` says that it had been before.

    A signed one has no ``idempotency_key``: the signature names it.
    """

    new_score: int
    award_id: str
    idempotency_key: str
    replayed: bool


class Resent(Struct, frozen=True):
    """What became of an award that was pending: its receipt, or the problem that it met."""

    pending: Pending
    receipt: Receipt | None
    problem: ClientProblem | None


# --- awards


def award(
    line: Line,
    user_id: str,
    action_id: str,
    idempotency_key: str | None = None,
    *,
    signature: str | None = None,
) -> Talk[Receipt]:
    """Report that a user finished an action; counted once, however often it is sent.

    ``signature`` is what a ``Signer`` made for this user and action; then it is the name.
    With an outbox the award is on disk before it is sent, and leaves it when it is settled.

    Raises:
        ValueError: both a key and a signature were given.
        ClientProblem: it was refused, or no attempt got an answer. Then its ``idempotency_key``
            (or the signature), given here, settles whether it was recorded; so does ``resend``.
        OutboxFull: nothing was sent.
    """
    if signature and idempotency_key:
        raise ValueError("a signature names the award already: give no idempotency_key")
    key = "" if signature else idempotency_key or secrets.token_urlsafe(KEY_BYTES)
    pending = Pending(
        user_id=user_id,
        action_id=action_id,
        caller=caller_of(bearer(line.token)),
        idempotency_key=key,
        signature=signature or "",
    )
    if line.outbox is not None:
        yield Keep(pending)
    return (yield from _deliver(line, pending, in_doubt=False))


def resend(line: Line) -> Talk[tuple[Resent, ...]]:
    """Send again what the outbox still holds of this caller, oldest first, and say what came of it.

    Call it when the application starts, and now and then while it runs. It stops at the first
    temporary problem: the rest would meet it too. Awards asked for with a token of another caller
    are left alone, because the service would take them for new ones.
    """
    if line.outbox is None:
        return ()
    kept = yield Recall()
    assert isinstance(kept, tuple)
    caller = caller_of(bearer(line.token))
    done: list[Resent] = []
    for pending in kept:
        if pending.caller != caller:
            continue
        try:
            receipt = yield from _deliver(line, pending, in_doubt=True)
        except ClientProblem as problem:
            done.append(Resent(pending, None, problem))
            if problem.temporary:
                break
        else:
            done.append(Resent(pending, receipt, None))
    return tuple(done)


def _deliver(line: Line, pending: Pending, *, in_doubt: bool) -> Talk[Receipt]:
    named = (
        {HEADER: pending.signature}
        if pending.signature
        else {"Idempotency-Key": pending.idempotency_key}
    )
    body = wire.Finished(pending.user_id, pending.action_id)
    try:
        reply = yield from _ask(
            line, "POST", "/v1/scores", headers=named, body=body, in_doubt=in_doubt
        )
        awarded = _decoded(reply, wire.Awarded)
    except ClientProblem as problem:
        if line.outbox is not None and problem.settles:
            yield Settle(pending.name)
        raise
    if line.outbox is not None:
        yield Settle(pending.name)
    return Receipt(
        awarded.new_score,
        reply.headers.get("award-id", ""),
        pending.idempotency_key,
        reply.headers.get("idempotency-replayed") == "true",
    )


# --- boards


def top(
    line: Line,
    board: str = "default",
    period: str = "all",
    *,
    limit: int = 10,
    cursor: str | None = None,
) -> Talk[wire.Top]:
    """The first ``limit`` (1 to 1000) users of a board, or those after a cursor, its ``next``."""
    params = {"period": period, "limit": str(limit)}
    if cursor is not None:
        params["cursor"] = cursor
    return _read(line, f"/v1/boards/{path_part(board)}/top", wire.Top, params)


def standing(
    line: Line, user_id: str, board: str = "default", period: str = "all"
) -> Talk[wire.UserStanding]:
    """Where a user stands; a problem ``not-found`` without a score."""
    path = f"/v1/boards/{path_part(board)}/users/{path_part(user_id)}"
    return _read(line, path, wire.UserStanding, {"period": period})


def around(
    line: Line, user_id: str, board: str = "default", period: str = "all", *, radius: int = 5
) -> Talk[wire.Around]:
    """A user between at most ``radius`` (0 to 100) neighbours on either side."""
    path = f"/v1/boards/{path_part(board)}/users/{path_part(user_id)}/around"
    return _read(line, path, wire.Around, {"period": period, "radius": str(radius)})


def boards(line: Line) -> Talk[wire.Boards]:
    """All boards, with their current periods."""
    return _read(line, "/v1/boards", wire.Boards)


def board(line: Line, board: str = "default") -> Talk[wire.BoardView]:
    """One board, with its current periods."""
    return _read(line, f"/v1/boards/{path_part(board)}", wire.BoardView)


# --- history


def posting(line: Line, award_id: str) -> Talk[wire.Posting]:
    """What the ledger recorded for an award; for its user, or the scope ``scores:read``."""
    return _read(line, f"/v1/awards/{path_part(award_id)}", wire.Posting)


def postings(
    line: Line, user_id: str, *, before: int | None = None, limit: int = 50
) -> Talk[wire.Postings]:
    """A user's postings, newest first; ``before`` is the ``next`` of the page before."""
    params = {"limit": str(limit)}
    if before is not None:
        params["before"] = str(before)
    return _read(line, f"/v1/users/{path_part(user_id)}/awards", wire.Postings, params)


def head(line: Line) -> Talk[wire.LedgerHead]:
    """How far the ledger has come."""
    return _read(line, "/v1/ledger/head", wire.LedgerHead)


# --- how all of them are asked


def _read(
    line: Line, path: str, kind: type[Answer], params: dict[str, str] | None = None
) -> Talk[Answer]:
    reply = yield from _ask(line, "GET", path, params=params)
    return _decoded(reply, kind)


def _ask(  # noqa: PLR0913 - a request has so many parts
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


def _problem(line: Line, reply: Reply | None, key: str | None) -> ClientProblem:
    if reply is not None:
        return problem_from(reply.status, reply.body, key)
    return ClientProblem(0, UNREACHABLE, f"No scoreboard service answers at {line.url}", key)


def _decoded(reply: Reply, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise problem_from(reply.status, b"") from None
