"""``scoreboard user``: how a user stands, and what moderators do about it."""

import contextlib
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import Struct

from scoreboard import assembly, wire
from scoreboard.cli.catalogue import caller
from scoreboard.cli.moderation import (
    Preview,
    Why,
    now_ms,
    print_moves,
    sound_reason,
    sound_user,
)
from scoreboard.cli.options import Data, Json, load_kept
from scoreboard.cli.terminal import Failure, print_json, print_table, say
from scoreboard.core.board import Board
from scoreboard.core.moment import rfc3339
from scoreboard.core.posting import Kind
from scoreboard.core.preview import PeriodMoves
from scoreboard.core.user import Status
from scoreboard.core.user import User as KnownUser
from scoreboard.errors import NotFound, Unavailable
from scoreboard.ports import AuditEntry, Ledger, Moderation
from scoreboard.service.moderator import Moderator
from scoreboard.service.preview import Foresight

app = App(name="user", help="Users: show, hold, hide, ban, release, erase.")

User = Annotated[str, Parameter(help="User id.")]

SHOWN = 10
_MODERATIONS = {
    Kind.HOLD: (
        "Put a user out of sight until somebody has looked: an item of the review queue.",
        "is held: out of sight until somebody has looked",
    ),
    Kind.HIDE: (
        "Put a user out of sight; the score goes on growing.",
        "is hidden: out of sight, and the score goes on growing",
    ),
    Kind.BAN: (
        "Put a user out of sight and refuse more points.",
        "is banned: out of sight, and gets no more points",
    ),
    Kind.RELEASE: (
        "Bring a user back, with score and place unchanged.",
        "is active: back in sight, score and place unchanged",
    ),
    Kind.ERASE: (
        "Forget a user for ever: name and scores go, the ledger stands. There is no way back.",
        "is forgotten",
    ),
}
"""What a command does, and what it says once it is done."""


class Place(Struct, frozen=True):
    """A score in an open period; no rank for a user who is out of sight, or too far down."""

    board: str
    period: str
    score: int
    rank: int | None


class Shown(Struct, frozen=True):
    """What is known of a user: scores now, the last postings, what moderators did."""

    user_id: str
    status: str
    scores: tuple[Place, ...]
    postings: tuple[wire.Posting, ...]
    record: tuple[AuditEntry, ...]


@app.command
async def show(user: User, /, *, json: Json = False, data: Data = None) -> None:
    """Print a user's status, scores and ranks, last postings, and what moderators did."""
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        shown = await _shown(ledger, sound_user(user))
    if json:
        print_json(shown)
        return
    say(f"{shown.user_id} is {shown.status}.", "bold")
    ranks = [(p.board, p.period, f"{p.score:,}", _number(p.rank)) for p in shown.scores]
    _section("Scores", ("board", "period", "score", "rank"), ranks, "score rank")
    postings = [(p.award_id, _second(p.at), _what(p), _points(p)) for p in shown.postings]
    _section("Last postings", ("award", "at", "what", "points"), postings, "points")
    record = [(_second(rfc3339(e.at)), e.operation, e.caller, e.reason) for e in shown.record]
    _section("Moderated", ("at", "what", "by", "why"), record)


def _add(kind: Kind, does: str) -> None:
    async def command(
        user: User,
        /,
        *,
        reason: Why,
        preview: Preview = False,
        json: Json = False,
        data: Data = None,
    ) -> None:
        await _moderate(kind, user, reason, (preview, json, data))

    app.command(command, name=kind.value, help=does)


for _kind, (_does, _) in _MODERATIONS.items():
    _add(_kind, _does)


async def _moderate(
    kind: Kind, user: str, reason: str, options: tuple[bool, bool, str | None]
) -> None:
    preview, json, data = options
    wanted = Moderation(sound_user(user), kind, caller(), sound_reason(reason))
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        try:
            if preview:
                _tell_moves(await Foresight(ledger, now_ms).of_moderation(wanted), json=json)
                return
            done = await Moderator(ledger).moderate(wanted)
        except NotFound:
            raise _unknown(user) from None
    seq = None if done.posting is None else done.posting.seq
    if json:
        status: wire.UserStatus = "erased" if done.status is None else done.status.value
        print_json(wire.Moderated(user, status, seq is not None, seq))
    elif seq is None:
        say(f"{user} is {done.status} already: nothing was changed.")
    else:
        _, done_now = _MODERATIONS[kind]
        say(f"{user} {done_now} (posting {seq:,}).")


def _tell_moves(found: Sequence[PeriodMoves], *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        print_moves(found)


async def _shown(ledger: Ledger, user_id: str) -> Shown:
    user = await ledger.user(user_id)
    if user is None:
        raise _unknown(user_id)
    return Shown(
        user_id,
        user.status.value,
        tuple(await _places(ledger, user)),
        tuple(map(wire.posting, await ledger.postings_of(user_id, None, SHOWN))),
        tuple(await ledger.record_of(user_id, None, SHOWN)),
    )


async def _places(ledger: Ledger, user: KnownUser) -> list[Place]:
    places = []
    for board in (await ledger.catalogue()).boards.values():
        for period in board.periods_at(now_ms()):
            for score in await ledger.scores_of(board.board, period.name, [user.user_id]):
                rank = await _rank(ledger, user, board, period.name)
                places.append(Place(board.board, period.name, score.score, rank))
    return places


async def _rank(ledger: Ledger, user: KnownUser, board: Board, period: str) -> int | None:
    if user.status is Status.ACTIVE:
        with contextlib.suppress(NotFound, Unavailable):
            standing = await ledger.standing(board, period, user.user_id)
            return standing.rank if standing else None
    return None


def _section(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], numbers: str = ""
) -> None:
    say("")
    if rows:
        say(title, "bold")
        print_table(head, rows, numbers)
    else:
        say(f"{title}: none.")


def _second(at: str) -> str:
    return at[:19].replace("T", " ")


def _what(posting: wire.Posting) -> str:
    return f"{posting.kind} {posting.action_id or ''}".strip()


def _points(posting: wire.Posting) -> str:
    return f"{posting.points:+,}" if posting.kind in (Kind.AWARD, Kind.REVERSE) else ""


def _number(rank: int | None) -> str:
    return "-" if rank is None else f"{rank:,}"


def _unknown(user: str) -> Failure:
    return Failure(
        f"The ledger does not know {user}: nobody is moderated before the first award, and an "
        "erased user is nobody."
    )
