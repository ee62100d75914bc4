"""Everything that a client reads over HTTP, once: decisions, no I/O.

Each function is a method of ``Client`` and of ``AsyncClient``, with these arguments and this
answer; there, the line is the client itself.
"""

from scoreboard import wire
from scoreboard.client.address import path_part
from scoreboard.client.line import Line, ask, read
from scoreboard.client.problem import problem_from
from scoreboard.client.talk import Talk
from scoreboard.core.checkpoint import checkpoint_in

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
    return read(line, f"/v1/boards/{path_part(board)}/top", wire.Top, params)


def standing(
    line: Line, user_id: str, board: str = "default", period: str = "all"
) -> Talk[wire.UserStanding]:
    """Where a user stands; a problem ``not-found`` without a score."""
    path = f"/v1/boards/{path_part(board)}/users/{path_part(user_id)}"
    return read(line, path, wire.UserStanding, {"period": period})


def around(
    line: Line, user_id: str, board: str = "default", period: str = "all", *, radius: int = 5
) -> Talk[wire.Around]:
    """A user between at most ``radius`` (0 to 100) neighbours on either side."""
    path = f"/v1/boards/{path_part(board)}/users/{path_part(user_id)}/around"
    return read(line, path, wire.Around, {"period": period, "radius": str(radius)})


def boards(line: Line) -> Talk[wire.Boards]:
    """All boards, with their current periods."""
    return read(line, "/v1/boards", wire.Boards)


def board(line: Line, board: str = "default") -> Talk[wire.BoardView]:
    """One board, with its current periods."""
    return read(line, f"/v1/boards/{path_part(board)}", wire.BoardView)


# --- history


def posting(line: Line, award_id: str) -> Talk[wire.Posting]:
    """What the ledger recorded for an award; for its user, or the scope ``scores:read``."""
    return read(line, f"/v1/awards/{path_part(award_id)}", wire.Posting)


def postings(
    line: Line, user_id: str, *, before: int | None = None, limit: int = 50
) -> Talk[wire.Postings]:
    """A user's postings, newest first; ``before`` is the ``next`` of the page before."""
    params = {"limit": str(limit)}
    if before is not None:
        params["before"] = str(before)
    return read(line, f"/v1/users/{path_part(user_id)}/awards", wire.Postings, params)


def explain(
    line: Line, user_id: str, board: str = "default", period: str = "all"
) -> Talk[wire.Explanation]:
    """Why a user's score is what it is, for the user's own token or ``scores:read``."""
    params = {"board": board, "period": period}
    return read(line, f"/v1/users/{path_part(user_id)}/explain", wire.Explanation, params)


def head(line: Line) -> Talk[wire.LedgerHead]:
    """How far the ledger has come."""
    return read(line, "/v1/ledger/head", wire.LedgerHead)


# --- proofs, which ``verification`` verifies


def award_proof(line: Line, award_id: str) -> Talk[wire.AwardProof]:
    """That an award is under the newest checkpoint, for its user or ``scores:read``.

    A problem ``not-found`` until a checkpoint covers it, ten seconds at most.
    """
    return read(line, f"/v1/awards/{path_part(award_id)}/proof", wire.AwardProof)


def checkpoint(line: Line) -> Talk[str]:
    """The newest signed checkpoint: a note, to be verified, and kept elsewhere as it is.

    A problem ``not-found`` as long as nothing was signed.
    """
    reply = yield from ask(line, "GET", "/v1/ledger/checkpoint")
    try:
        note = reply.body.decode()
        checkpoint_in(note)
    except ValueError:
        raise problem_from(reply.status, b"") from None
    return note


def consistency(line: Line, old: int, new: int | None = None) -> Talk[wire.Consistency]:
    """That the ledger of ``new`` postings (of the newest checkpoint) begins with ``old`` ones."""
    params = {"from": str(old)}
    if new is not None:
        params["to"] = str(new)
    return read(line, "/v1/ledger/consistency", wire.Consistency, params)
