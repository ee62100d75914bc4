"""Compares every score of every board and period with the sum of its postings."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from scoreboard.core.board import Board
from scoreboard.core.window import Period, Window, period_at, period_named, window_named
from scoreboard.errors import InvalidParameter
from scoreboard.ports import Difference, Ledger

Span = tuple[str, str]


class Summed(Struct, frozen=True):
    """How many periods and scores were compared, and what is wrong.

    ``strange`` are periods with scores that no board has.
    """

    periods: int
    scores: int
    differences: tuple[Difference, ...]
    strange: tuple[Span, ...] = ()

    @property
    def right(self) -> bool:
        return not self.differences and not self.strange


async def compare_all(ledger: Ledger, seen: Callable[[int, int], None]) -> Summed:
    """Compare each period as of one moment of its own; ``seen`` is told how many are done.

    Raises:
        Unavailable: a period could not be read.
    """
    there = await ledger.spans()
    # Boards and windows only come: read later, none that is new makes a period strange.
    boards, head = (await ledger.catalogue()).boards, await ledger.head()
    known = {span: period for span in there if (period := _period(span, boards))}
    spans = _expected(known, boards, head.at)
    scores, differences = 0, list[Difference]()
    for number, (board, period) in enumerate(spans):
        seen(number, len(spans))
        compared = await ledger.compare_sums(board, period)
        scores += compared.scores
        differences += compared.differences
    seen(len(spans), len(spans))
    strange = tuple(span for span in there if span not in known)
    return Summed(len(spans), scores, tuple(differences), strange)


def _period(span: Span, boards: Mapping[str, Board]) -> Period | None:
    board = boards.get(span[0])
    if board is None or window_named(span[1]) not in board.windows:
        return None
    try:
        return period_named(span[1], board.time_zone)
    except InvalidParameter:
        return None


def _expected(
    known: Mapping[Span, Period], boards: Mapping[str, Board], now_ms: int
) -> list[tuple[str, Period]]:
    """The periods that are there, and those after them that would be missing."""
    first: dict[tuple[str, Window], Period] = {}
    for (name, _), period in known.items():
        before = first.get((name, period.window))
        if before is None or period.start_ms < before.start_ms:
            first[name, period.window] = period
    found: list[tuple[str, Period]] = []
    for (name, window), period in sorted(first.items()):
        following = period
        while following.start_ms <= now_ms:
            found.append((name, following))
            if window is Window.ALL:
                break
            following = period_at(window, following.end_ms, boards[name].time_zone)
    return found
