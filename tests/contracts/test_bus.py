"""What every bus promises: whoever listens ends up with the newest tops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from scoreboard.core.standing import Row, Snapshot
from scoreboard.ports import Bus

Span = tuple[str, str]

PATIENCE_S = 5


def top(seq: int, board: str = "one", period: str = "all", epoch: int = 1) -> Snapshot:
    return Snapshot(board, period, epoch, seq, 10 * seq, (Row(1, f"u{seq}", seq, 10 * seq),))


class Listener:
    """Keeps the newest top of each span, as every listener has to."""

    def __init__(self, tops: AsyncIterator[Sequence[Snapshot]]) -> None:
        self.tops = tops
        self.newest: dict[Span, Snapshot] = {}

    async def hear(self) -> Sequence[Snapshot]:
        async with asyncio.timeout(PATIENCE_S):
            batch = await anext(self.tops)
        for snapshot in batch:
            span = (snapshot.board, snapshot.period)
            known = self.newest.get(span)
            if known is None or known.place() < snapshot.place():
                self.newest[span] = snapshot
        return batch

    async def hear_until(self, *expected: Snapshot) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while any(self.newest.get((each.board, each.period)) != each for each in expected):
                await self.hear()


@contextlib.asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Listener]:
    tops = bus.news()
    try:
        yield Listener(tops)
    finally:
        await tops.aclose()  # type: ignore[attr-defined]


async def test_the_first_batch_has_the_newest_known_top_of_every_span(bus: Bus) -> None:
    await bus.publish([top(1), top(2, "two")])
    await bus.publish([top(3), top(4, "one", "2026-11-23")])
    async with listening(bus) as listener:
        first = await listener.hear()
        expected = [top(3), top(2, "two"), top(4, "one", "2026-11-23")]
        assert sorted(first, key=Snapshot.place) == sorted(expected, key=Snapshot.place)


async def test_what_is_published_is_heard_by_every_listener(bus: Bus) -> None:
    async with listening(bus) as one, listening(bus) as two:
        waiting = [asyncio.create_task(each.hear_until(top(1))) for each in (one, two)]
        await asyncio.sleep(0)
        await bus.publish([top(1)])
        await asyncio.gather(*waiting)
        await bus.publish([top(2), top(1, "two")])
        await one.hear_until(top(2), top(1, "two"))
        await two.hear_until(top(2), top(1, "two"))


async def test_the_newest_wins_whatever_the_order_of_arrival(bus: Bus) -> None:
    async with listening(bus) as early:
        await bus.publish([top(5)])
        await bus.publish([top(4)])
        await bus.publish([top(5), top(9, epoch=0)])
        await early.hear_until(top(5))
        async with listening(bus) as late:
            assert list(await late.hear()) == [top(5)]
        await bus.publish([top(1, epoch=2)])
        await early.hear_until(top(1, epoch=2))


async def test_a_slow_listener_sees_the_newest(bus: Bus) -> None:
    async with listening(bus) as slow:
        await bus.publish([top(1)])
        await slow.hear_until(top(1))
        for seq in range(2, 200):
            await bus.publish([top(seq), top(seq, "two")])
        await slow.hear_until(top(199), top(199, "two"))


async def test_a_listener_that_leaves_holds_nobody_up(bus: Bus) -> None:
    await bus.publish([top(1)])
    async with listening(bus) as gone:
        await gone.hear_until(top(1))
    await bus.publish([top(2)])
    async with listening(bus) as other:
        await other.hear_until(top(2))


async def test_a_cancelled_listener_leaves_cleanly(bus: Bus) -> None:
    async with listening(bus) as listener:
        task = asyncio.create_task(listener.hear())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await bus.publish([top(1)])
    async with listening(bus) as other:
        await other.hear_until(top(1))


async def test_whoever_comes_after_a_period_is_over_does_not_get_its_top(bus: Bus) -> None:
    await bus.publish([top(1, "one", "2026-11-22"), top(2)])
    await bus.close_period("one", "2026-11-22")
    await bus.close_period("one", "never-published")
    async with listening(bus) as listener:
        assert list(await listener.hear()) == [top(2)]


async def test_publishing_nothing_is_nothing(bus: Bus) -> None:
    await bus.publish([])
    await bus.publish([top(1)])
    async with listening(bus) as listener:
        assert list(await listener.hear()) == [top(1)]
