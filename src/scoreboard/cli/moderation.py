"""What commands of moderators share: moments in the past, and ranks that would move."""

import re
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from scoreboard.cli.terminal import Failure, print_table, say
from scoreboard.core.identifier import is_user_id
from scoreboard.core.moment import milliseconds
from scoreboard.core.preview import PeriodMoves

REASON_MAX = 500
NUMBER_MAX = 2**63 - 1
"""No database counts further."""

Preview = Annotated[
    bool,
    Parameter(
        name="--preview", negative="", show_default=False, help="Change nothing; print what moves."
    ),
]
Why = Annotated[str, Parameter(help="Why, for the record of changes. Name nobody in it.")]

_SPANS_S = {"m": 60, "h": 3_600, "d": 86_400}
_SHOWN_MAX = 10


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def past_moment(text: str) -> int:
    """A moment in milliseconds: so long ago, or a date and time with its zone.

    Raises:
        Failure: it is neither.
    """
    match = re.fullmatch(r"(\d{1,5})([mhd])", text.strip(), re.ASCII)
    if match:
        return now_ms() - int(match[1]) * _SPANS_S[match[2]] * 1000
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Failure("--since is 90m, 12h or 7d ago, or a moment such as 2026-11-24T09:30:00Z.")
    return milliseconds(moment)


def sound_reason(reason: str) -> str:
    """A reason as the record of changes takes it.

    Raises:
        Failure: it is empty, too long, or not plain text.
    """
    if not 0 < len(reason) <= REASON_MAX or not reason.isprintable():
        raise Failure(f"--reason is 1 to {REASON_MAX} characters on one line.")
    return reason


def sound_number(number: int, refusal: str) -> int:
    """The number of an entry, which a database can be asked for.

    Raises:
        Failure: none has such a number, in the words of ``refusal``.
    """
    if not 0 < number <= NUMBER_MAX:
        raise Failure(refusal)
    return number


def sound_user(user: str) -> str:
    """A user id.

    Raises:
        Failure: nobody can have it.
    """
    if not is_user_id(user):
        raise Failure(
            "A user is 1 to 128 letters, digits and . _ : @ | + -, a letter or digit first."
        )
    return user


def print_moves(found: Sequence[PeriodMoves]) -> None:
    """A table for each period in which ranks would move."""
    if not found:
        say("No rank would move in any open period.")
    for period in found:
        moved = "1 rank" if period.count == 1 else f"{period.count:,} ranks"
        say(f"{moved} would move on board {period.board}, {period.period}:")
        shown = period.moves[:_SHOWN_MAX]
        print_table(
            ("user", "rank", "then"),
            [(move.user_id, _rank(move.before), _rank(move.after)) for move in shown],
            numbers="rank then",
        )
        if period.count > len(shown):
            say(f"... and {period.count - len(shown):,} more; --json lists up to 100.", "dim")


def _rank(rank: int | None) -> str:
    return "-" if rank is None else f"{rank:,}"
