"""Awards as a client reports them, with its outbox: decisions, no I/O.

Each function is a method of ``Client`` and of ``AsyncClient``, with these arguments and this
answer; there, the line is the client itself.
"""

import secrets

from msgspec import Struct

from scoreboard import wire
from scoreboard.client.credential import bearer, caller_of
from scoreboard.client.line import Line, ask, decoded
from scoreboard.client.outbox import Pending
from scoreboard.client.problem import ClientProblem
from scoreboard.client.talk import Keep, Recall, Settle, Talk
from scoreboard.core.signature import HEADER

KEY_BYTES = 18


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
        reply = yield from ask(
            line, "POST", "/v1/scores", headers=named, body=body, in_doubt=in_doubt
        )
        awarded = decoded(reply, wire.Awarded)
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
