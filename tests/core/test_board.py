"""Boards and the periods in which their points count."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.board import Board, Freeze
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.window import ALL, Window, period_at, period_named
from scoreboard.errors import InvalidParameter, InvalidPayload, NotFound

from .zones import ZONES

NOON = 1_795_435_200_000  # 2026-11-23T12:00:00Z
BERLIN = Board(board="league", windows=tuple(Window), time_zone="Europe/Berlin")


def test_a_board_is_for_all_time_unless_told_otherwise() -> None:
    assert Board(board="default").periods_at(NOON) == (ALL,)


def test_points_count_in_one_period_of_each_window() -> None:
    names = [period.name for period in BERLIN.periods_at(NOON)]
    assert names == ["all", "2026-11-23", "2026-W48", "2026-11"]


@given(st.sampled_from(ZONES), st.integers(0, 4_102_444_800_000))
def test_the_periods_of_a_moment_contain_it(zone: str, at_ms: int) -> None:
    board = Board(board="league", windows=tuple(Window), time_zone=zone)
    assert all(period.contains(at_ms) for period in board.periods_at(at_ms))


@given(st.integers(0, 4_102_444_800_000))
def test_a_windows_name_means_its_current_period(at_ms: int) -> None:
    for window in Window:
        assert BERLIN.period(window.value, at_ms) == period_at(window, at_ms, "Europe/Berlin")


@pytest.mark.parametrize("name", ["all", "2026-11-22", "2020-W53", "1999-12"])
def test_a_concrete_name_means_that_period_whenever_it_is_asked_for(name: str) -> None:
    assert BERLIN.period(name, NOON) == period_named(name, "Europe/Berlin")


@pytest.mark.parametrize("name", ["day", "2026-11-23", "week", "2026-W48"])
def test_a_window_that_the_board_lacks_is_not_found(name: str) -> None:
    monthly = Board(board="monthly", windows=(Window.ALL, Window.MONTH))
    with pytest.raises(NotFound):
        monthly.period(name, NOON)
    assert monthly.period("month", NOON).name == "2026-11"


@pytest.mark.parametrize("name", ["", "year", "2026-13", "2026-11-23\n", "2026-W54", "../all"])
def test_what_cannot_be_a_period_is_an_invalid_parameter(name: str) -> None:
    with pytest.raises(InvalidParameter):
        BERLIN.period(name, NOON)


def test_periods_come_with_all_time_first_however_the_windows_are_written() -> None:
    board = Board(board="league", windows=(Window.MONTH, Window.ALL, Window.DAY))
    assert [period.name for period in board.periods_at(NOON)] == ["all", "2026-11-23", "2026-11"]


@pytest.mark.parametrize(
    "windows", [(), (Window.DAY,), (Window.ALL, Window.ALL), (Window.ALL, Window.DAY, Window.DAY)]
)
def test_a_board_has_every_window_once_and_all_time_always(windows: tuple[Window, ...]) -> None:
    with pytest.raises(InvalidPayload) as refused:
        Board(board="league", windows=windows)
    assert refused.value.pointer == "/windows"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Nowhere/City",
        "Europe",
        "../../etc/passwd",
        "/etc/passwd",
        "Europe/Berlin\n",
        "a\x00b",
        "é",
    ],
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        Board(board="league", time_zone=zone)
    assert refused.value.pointer == "/time_zone"


DAILY = Board(board="league", windows=(Window.ALL, Window.DAY), time_zone="UTC")


def test_a_new_board_has_all_of_its_windows_added() -> None:
    assert DAILY.added_windows(None) == (Window.ALL, Window.DAY)


def test_windows_may_be_added_and_are_named() -> None:
    grown = Board(board="league", windows=tuple(Window), time_zone="UTC")
    assert grown.added_windows(DAILY) == (Window.WEEK, Window.MONTH)
    assert DAILY.added_windows(DAILY) == ()


def test_a_window_may_not_be_taken_away() -> None:
    with pytest.raises(InvalidPayload) as refused:
        Board(board="league").added_windows(DAILY)
    assert refused.value.pointer == "/windows"


def test_the_time_zone_stands_once_a_window_resets() -> None:
    moved = Board(board="league", windows=(Window.ALL, Window.DAY), time_zone="Asia/Tokyo")
    with pytest.raises(InvalidPayload) as refused:
        moved.added_windows(DAILY)
    assert refused.value.pointer == "/time_zone"
    assert moved.added_windows(Board(board="league")) == (Window.DAY,)


FROZEN = msgspec.structs.replace(DAILY, frozen=Freeze(seq=7, at=NOON, users=3))


@pytest.mark.parametrize(
    ("board", "frozen", "kind"),
    [
        (DAILY, True, Kind.FREEZE),
        (DAILY, False, None),
        (DAILY, None, None),
        (FROZEN, True, None),
        (FROZEN, False, Kind.REVEAL),
        (FROZEN, None, None),
    ],
)
def test_a_board_turns_only_into_what_it_is_not(
    board: Board, frozen: bool | None, kind: Kind | None
) -> None:
    assert board.turn(frozen=frozen) is kind


def posting(kind: Kind, at_ms: int) -> Posting:
    return Posting(
        seq=9, epoch=1, award_id="a", kind=kind, board="league", at=at_ms, counts_at=at_ms
    )


def test_to_reveal_changes_every_top_since_the_freeze() -> None:
    later = NOON + 2 * 24 * 3_600_000
    names = [period.name for period in FROZEN.periods_of(posting(Kind.REVEAL, later))]
    today = FROZEN.periods_at(NOON)[1].name
    assert names[:2] == ["all", today]
    assert names == ["all", *(f"{today[:8]}{int(today[8:]) + days:02d}" for days in range(3))]
    for kind in (Kind.BOARD, Kind.FREEZE):
        assert FROZEN.periods_of(posting(kind, later)) == FROZEN.periods_at(later)
    assert DAILY.periods_of(posting(Kind.REVEAL, later)) == DAILY.periods_at(later)
