"""Whoever gives up while a connection is made leaves none open."""

import asyncio

import pytest

asyncpg = pytest.importorskip("asyncpg")

from scoreboard.adapters.postgres import connection  # noqa: E402 - needs the driver

STEPS = 12


class Made:
    """A connection that is there at once."""

    def __init__(self) -> None:
        self.ended = False

    def terminate(self) -> None:
        self.ended = True


@pytest.mark.parametrize("steps", range(STEPS))
async def test_at_whatever_moment(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    made: list[Made] = []

    async def connect(*_: object, **__: object) -> Made:
        await asyncio.sleep(0)
        made.append(Made())
        return made[-1]

    monkeypatch.setattr(asyncpg, "connect", connect)
    first = asyncio.ensure_future(connection._first_of(["postgresql://one"]))
    for _ in range(steps):
        await asyncio.sleep(0)
    first.cancel()
    (answer,) = await asyncio.gather(first, return_exceptions=True)
    for _ in range(STEPS):
        await asyncio.sleep(0)
    assert all(each.ended or each is answer for each in made)
