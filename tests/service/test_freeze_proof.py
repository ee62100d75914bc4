"""It is promised that the checkpoint of a freeze costs the ledger next to nothing."""

import asyncio
from typing import Any

import pytest

from scoreboard.core.board import Board, Freeze
from scoreboard.errors import Unavailable
from scoreboard.ports import Sealing
from scoreboard.service import freeze_proof as module

FROZEN = Board(board="cup", frozen=Freeze(seq=7, at=1, users=2))


class Ledger:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.sealed: dict[int, str] = {}
        self.lost = False

    async def sealing_at(self, size: int) -> Sealing | None:
        self.asked.append(size)
        if self.lost:
            raise Unavailable
        note = self.sealed.get(size)
        return note and Sealing(size=size, note=note, key=b"", term=1)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def proof_of(ledger: Any) -> module.FreezeProof:
    return module.FreezeProof(ledger)


async def test_a_board_that_is_live_asks_for_nothing(ledger: Ledger) -> None:
    assert await proof_of(ledger).note(Board(board="cup")) is None
    assert ledger.asked == []


async def test_what_was_signed_is_read_once(ledger: Ledger) -> None:
    ledger.sealed[7] = "signed"
    proof = proof_of(ledger)
    assert [await proof.note(FROZEN) for _ in range(5)] == ["signed"] * 5
    assert ledger.asked == [7]


async def test_what_is_not_signed_yet_is_asked_for_now_and_then(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = proof_of(ledger)
    now_s = [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s[0])
    assert [await proof.note(FROZEN) for _ in range(5)] == [None] * 5
    assert ledger.asked == [7]
    ledger.sealed[7] = "signed"
    assert await proof.note(FROZEN) is None
    now_s[0] += module.LOOK_EVERY_S
    assert await proof.note(FROZEN) == "signed"


async def test_another_freeze_has_another_checkpoint(ledger: Ledger) -> None:
    ledger.sealed |= {7: "first", 9: "second"}
    proof = proof_of(ledger)
    assert await proof.note(FROZEN) == "first"
    again = Board(board="cup", frozen=Freeze(seq=9, at=2, users=2))
    assert await proof.note(again) == "second"


async def test_a_board_is_shown_without_it_while_the_ledger_is_lost(ledger: Ledger) -> None:
    ledger.lost = True
    assert await proof_of(ledger).note(FROZEN) is None
