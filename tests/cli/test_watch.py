"""What a board in the terminal says beside its rows."""

import io

import pytest
from rich.console import Console

from scoreboard import wire
from scoreboard.cli import watch
from scoreboard.client import AsyncClient
from scoreboard.client.problem import ClientProblem

EARLY, LATE, LATER = (f"2026-11-23T12:00:0{second}.000Z" for second in (0, 1, 2))


def frame(seq: int, at: str, changed: str) -> wire.TopMessage:
    row = wire.Row(1, "ada", 10, changed)
    return wire.TopMessage(board="b", period="all", epoch=1, seq=seq, at=at, rows=(row,))


def shown(screen: watch._Screen) -> str:
    text = io.StringIO()
    Console(file=text, width=100).print(screen)
    return text.getvalue()


class Service(AsyncClient):
    """Answers what a board is; counts how often it was asked."""

    def __init__(self, frozen_at: str | None) -> None:
        super().__init__("http://127.0.0.1:1")
        self.frozen_at = frozen_at
        self.asked = 0

    async def board(self, board: str = "default") -> wire.BoardView:
        self.asked += 1
        if self.frozen_at == "down":
            raise ClientProblem(503, "unavailable", "Not now")
        return wire.BoardView(
            board=board,
            title="",
            tie="first-reached",  # type: ignore[arg-type]
            time_zone="UTC",
            windows=(),
            total_users=1,
            frozen_at=self.frozen_at,
        )


async def see(screen: watch._Screen, service: Service, told: wire.TopMessage) -> int:
    """How often the service was asked because of a frame."""
    before = service.asked
    if screen.may_be_turned_by(told):
        await watch._look(service, screen)
    screen.show(told)
    return service.asked - before


async def test_a_frame_without_a_new_row_is_looked_into() -> None:
    screen, service = watch._Screen("b", "all"), Service(None)
    assert await see(screen, service, frame(1, EARLY, EARLY)) == 1
    assert await see(screen, service, frame(2, LATE, LATE)) == 0  # an award
    assert "frozen" not in shown(screen)
    service.frozen_at = LATER
    assert await see(screen, service, frame(3, LATER, LATE)) == 1  # the freeze
    assert "frozen since 2026-11-23" in shown(screen)
    service.frozen_at = "down"
    assert await see(screen, service, frame(4, LATER, LATE)) == 1
    assert "frozen since" in shown(screen)
    # The reveal and an award behind it are one frame.
    service.frozen_at = None
    assert await see(screen, service, frame(5, LATER, LATER)) == 1
    assert "frozen" not in shown(screen)
    assert await see(screen, service, frame(6, LATER, LATER)) == 0


@pytest.mark.parametrize("rows", [(), (wire.Row(1, "ada", 10, EARLY),)])
def test_a_board_without_rows_says_so_and_that_it_is_frozen(rows: tuple[wire.Row, ...]) -> None:
    screen = watch._Screen("b", "all")
    screen.frozen_at = LATE
    screen.show(wire.TopMessage(board="b", period="all", epoch=1, seq=1, at=LATE, rows=rows))
    assert "frozen since" in shown(screen)
    assert ("Nobody has points" in shown(screen)) == (not rows)
