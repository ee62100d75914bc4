"""It is promised that a board which is frozen against its postings is noticed."""

import pytest

from scoreboard.core.board import Board, Freeze
from scoreboard.core.freezes import Freezes
from scoreboard.core.history import Line
from scoreboard.core.posting import Kind

LIVE = Board(board="cup")


def frozen(seq: int, at: int = 100, users: int = 4) -> Board:
    return Board(board="cup", frozen=Freeze(seq=seq, at=at, users=users))


def differing(board: Board, *kinds: Kind, of: str = "cup") -> list[str]:
    freezes = Freezes()
    for seq, kind in enumerate(kinds, 1):
        freezes.add(Line(seq, 1, f"id-{seq}", kind, of, 100))
    return freezes.differing([board])


@pytest.mark.parametrize(
    ("board", "kinds"),
    [
        (LIVE, [Kind.BOARD, Kind.AWARD]),
        (frozen(2), [Kind.BOARD, Kind.FREEZE, Kind.AWARD, Kind.BAN]),
        (LIVE, [Kind.FREEZE, Kind.REVEAL]),
        (LIVE, [Kind.REVEAL]),
        (frozen(3), [Kind.FREEZE, Kind.REVEAL, Kind.FREEZE]),
    ],
)
def test_what_its_postings_say_is_in_order(board: Board, kinds: list[Kind]) -> None:
    assert differing(board, *kinds) == []


@pytest.mark.parametrize(
    ("board", "kinds"),
    [
        (frozen(2), [Kind.BOARD, Kind.AWARD]),
        (LIVE, [Kind.BOARD, Kind.FREEZE]),
        (frozen(1), [Kind.FREEZE, Kind.REVEAL]),
        (frozen(1), [Kind.FREEZE, Kind.REVEAL, Kind.FREEZE]),
        (frozen(1, at=101), [Kind.FREEZE]),
    ],
)
def test_what_they_do_not_say_is_named(board: Board, kinds: list[Kind]) -> None:
    assert differing(board, *kinds) == ["cup"]


def test_a_freeze_is_of_its_own_board() -> None:
    assert differing(LIVE, Kind.FREEZE, of="league") == []
    assert differing(frozen(1), Kind.FREEZE, of="league") == ["cup"]
