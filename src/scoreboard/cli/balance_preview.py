"""What ``import --preview`` says of a file: how many, how much, who is first, what is wrong."""

from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest

from msgspec import Struct

from scoreboard.cli.balance_file import Balances, Problem
from scoreboard.cli.remark import counted
from scoreboard.cli.terminal import print_json, print_table, say
from scoreboard.core.balance import Balance
from scoreboard.core.moment import rfc3339
from scoreboard.core.window import Window, period_at

FIRST = 10
COLUMNS_MAX = 20
EASTERNMOST_MS = 14 * 3_600_000
"""So far ahead of UTC is the first time zone in which a day begins."""


class Row(Struct, frozen=True):
    """One of the first."""

    rank: int
    user_id: str
    score: int
    at: str


class Preview(Struct, frozen=True, kw_only=True):
    """A file of balances, as it would be imported; ``tied`` users share their score with others."""

    file: str
    sha256: str
    users: int
    points: int
    lowest: int | None
    highest: int | None
    tied: int
    timed: bool
    unused: Sequence[str]
    bad: int
    problems: Sequence[Problem]
    first: Sequence[Row]


def preview_of(found: Balances, balances: Sequence[Balance]) -> Preview:
    """``balances`` are those of the file in the ledger's order."""
    counts = Counter(balance.score for balance in balances)
    first = nsmallest(FIRST, enumerate(balances), key=lambda placed: (-placed[1].score, placed[0]))
    return Preview(
        file=found.file,
        sha256=found.sha256,
        users=len(balances),
        points=sum(balance.score for balance in balances),
        lowest=min(counts, default=None),
        highest=max(counts, default=None),
        tied=sum(count for count in counts.values() if count > 1),
        timed=found.timed,
        unused=found.unused,
        bad=found.bad,
        problems=found.problems,
        first=[
            Row(rank, balance.user_id, balance.score, rfc3339(balance.at))
            for rank, (_, balance) in enumerate(first, 1)
        ],
    )


def print_preview(preview: Preview, *, json: bool) -> None:
    """For a person or a machine."""
    if json:
        print_json(preview)
        return
    say(
        f"{counted(preview.users, 'user')} with {counted(preview.points, 'point')} in "
        f"{preview.file}; {counted(preview.bad, 'bad line')}."
    )
    if not preview.users:
        return
    order = "by time" if preview.timed else "as in the file, which has no times"
    say(
        f"Scores from {preview.lowest:,} to {preview.highest:,}; {preview.tied:,} of them are "
        f"shared with others, who stand {order}."
    )
    if preview.unused:
        names = (name if name.isprintable() else ascii(name) for name in preview.unused)
        say(f"Columns not used: {', '.join(list(names)[:COLUMNS_MAX])}.")
    print_table(
        ("rank", "user", "score", "last change"),
        ((str(row.rank), row.user_id, f"{row.score:,}", row.at) for row in preview.first),
        numbers="rank score",
    )


def present_from(at_ms: int) -> int:
    """A moment before which no present period of any window in any time zone has begun."""
    periods = (period_at(window, at_ms, "UTC") for window in Window if window is not Window.ALL)
    return min(period.start_ms for period in periods) - EASTERNMOST_MS
