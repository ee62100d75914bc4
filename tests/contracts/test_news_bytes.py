"""What every bus carries: news come out of the bytes exactly as they went in."""

import msgspec
import pytest

from scoreboard import wire
from scoreboard.core.board import Board, Freeze, Tie
from scoreboard.core.standing import Row, Snapshot
from scoreboard.core.window import Window

NEWS = {
    "top": Snapshot("one", "2026-11-23", 7, 2**53, 9, (Row(1, "ü@|+", -(2**53) + 1, 3),), (-4, 5)),
    "empty top": Snapshot("one", "all", 7, 1, 1, ()),
    "board": Board(
        board="one",
        title='"ü"\n',
        tie=Tie.SHARED,
        windows=(Window.DAY, Window.ALL),
        time_zone="America/New_York",
    ),
    "plain board": Board(board="one"),
    "frozen board": Board(board="one", frozen=Freeze(seq=7, at=2**53, users=3)),
}

JUNK = {
    "nothing": b"",
    "not JSON": b"\x00\xff",
    "another type": b'"top"',
    "a kind from the future": b'{"type":"later","board":"one"}',
    "no type": b'{"board":"one"}',
    "a string that is not UTF-8": b'{"type":"board","board":"one","title":"\xff"}',
    "too deep": b'{"type":"board","board":"one","x":' + b"[" * 100_000,
    "a missing member": b'{"type":"top","board":"one","period":"all"}',
    "a wrong type": b'{"type":"board","board":1}',
    "a board that cannot be": b'{"type":"board","board":"one","time_zone":"Nowhere/At/All"}',
    "a board without a window": b'{"type":"board","board":"one","windows":[]}',
    "a freeze without a place": b'{"type":"board","board":"one","frozen":{"at":1,"users":1}}',
    "an identifier that cannot be": b'{"type":"board","board":"../one"}',
}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS.keys())
def test_news_come_out_as_they_went_in(news: Snapshot | Board) -> None:
    assert wire.news_from(wire.news_bytes(news)) == news


def test_members_of_a_later_version_are_skipped() -> None:
    data = b'{"type":"board","board":"one","prize":{"gold":[1]}}'
    assert wire.news_from(data) == Board(board="one")


def test_a_board_that_is_not_frozen_says_nothing_of_it() -> None:
    assert b"frozen" not in wire.news_bytes(Board(board="one"))


@pytest.mark.parametrize("data", JUNK.values(), ids=JUNK.keys())
def test_junk_is_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.news_from(data)
