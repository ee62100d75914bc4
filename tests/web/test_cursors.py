"""A cursor is good for the board and period it was made for, and for nothing else."""

import string
from base64 import urlsafe_b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.errors import InvalidParameter
from scoreboard.web.cursors import Cursors

CURSORS = Cursors(b"k" * 32)
PLACES = st.tuples(st.integers(-(2**53), 2**53), st.integers(0, 2**63 - 1))
ALPHABET = string.ascii_letters + string.digits + "-_"


@given(PLACES)
def test_a_cursor_leads_back_to_its_place(place: tuple[int, int]) -> None:
    text = CURSORS.sign("default", "2026-W48", place)
    assert set(text) <= set(ALPHABET)
    assert CURSORS.read(text, "default", "2026-W48") == place


@pytest.mark.parametrize(
    ("cursors", "board", "period"),
    [
        (CURSORS, "other", "all"),
        (CURSORS, "default", "2026-11"),
        (Cursors(b"x" * 32), "default", "all"),
    ],
    ids=["another board", "another period", "another secret"],
)
def test_a_cursor_is_refused_elsewhere(cursors: Cursors, board: str, period: str) -> None:
    text = CURSORS.sign("default", "all", (-5, 7))
    with pytest.raises(InvalidParameter):
        cursors.read(text, board, period)


def test_the_line_between_board_and_period_cannot_be_moved() -> None:
    text = CURSORS.sign("a\nb", "c", (-5, 7))
    assert text != CURSORS.sign("a", "b\nc\n", (-5, 7))


@given(st.integers(0, 42), st.sampled_from(ALPHABET))
def test_no_character_of_a_cursor_can_be_changed(place: int, character: str) -> None:
    text = CURSORS.sign("default", "all", (-1_000, 77))
    if text[place] == character:
        return
    changed = text[:place] + character + text[place + 1 :]
    with pytest.raises(InvalidParameter):
        CURSORS.read(changed, "default", "all")


def test_a_cursor_has_one_spelling() -> None:
    text = CURSORS.sign("default", "all", (-1_000, 77))
    twins = [
        text[:-1] + other
        for other in ALPHABET
        if other != text[-1] and urlsafe_b64decode(f"{text[:-1]}{other}=") == _decoded(text)
    ]
    assert len(twins) == 3
    for twin in twins:
        with pytest.raises(InvalidParameter):
            CURSORS.read(twin, "default", "all")


@pytest.mark.parametrize(
    "text",
    ["", "a", "A" * 42, "A" * 44, "!" * 43, "A" * 43, "é" * 43, "=" * 43, "A" * 40 + "\n\n\n"],
)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        CURSORS.read(text, "default", "all")


@given(st.text(max_size=60))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    with pytest.raises(InvalidParameter):
        CURSORS.read(text, "default", "all")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(f"{text}=")
