"""What every bus promises: whoever listens ends up with the newest tops and boards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.standing import Row, Snapshot
from scoreboard.core.window import Window
from scoreboard.ports import Bus, News

Subject = str | tuple[str, str]

PATIENCE_S = 20


def top(seq: int, board: str = "one", period: str = "all", epoch: int = 1) -> Snapshot:
    return Snapshot(board, period, epoch, seq, 10 * seq, (Row(1, f"u{seq}", seq, 10 * seq),))


def board(name: str = "one", title: str = "") -> Board:
    return Board(
        board=name,
        title=title,
        tie=Tie.SHARED,
        windows=(Window.ALL, Window.DAY),
        time_zone="America/New_York",
    )


def posting(seq: int) -> Posting:
    return Posting(
        seq=seq,
        epoch=1,
        award_id=f"award-{seq}",
        kind=Kind.AWARD,
        board="one",
        at=10 * seq,
        counts_at=10 * seq,
        user_ref=1,
        user_id="u1",
        action_id="quiz",
        points=5,
        score_after=5 * seq,
    )


def subject(news: News) -> Subject:
    return news.board if isinstance(news, Board) else (news.board, news.period)


class Listener:
    """Keeps the newest of everything, as every listener has to."""

    def __init__(self, news: AsyncIterator[Sequence[News]]) -> None:
        self.news = news
        self.newest: dict[Subject, News] = {}

    async def hear(self) -> Sequence[News]:
        async with asyncio.timeout(PATIENCE_S):
            batch = await anext(self.news)
        for each in batch:
            known = self.newest.get(subject(each))
            if not isinstance(known, Snapshot) or known.place() < each.place():
                self.newest[subject(each)] = each
        return batch

    async def hear_until(self, *expected: News) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while any(self.newest.get(subject(each)) != each for each in expected):
                await self.hear()


@contextlib.asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Listener]:
    news = bus.news()
    try:
        yield Listener(news)
    finally:
        await news.aclose()  # type: ignore[attr-defined]


async def test_the_first_batch_comes_at_once_and_may_be_empty(bus: Bus) -> None:
    async with listening(bus) as listener:
        assert list(await listener.hear()) == []
        await bus.publish([top(1)])
        await listener.hear_until(top(1))


async def test_the_first_batch_has_boards_and_their_tops(bus: Bus) -> None:
    await bus.publish([board("one"), board("two"), top(1)])
    await bus.publish([board("one", "renamed"), top(2)])
    async with listening(bus) as listener:
        first = {subject(each): each for each in await listener.hear()}
        assert first == {
            "one": board("one", "renamed"),
            "two": board("two"),
            ("one", "all"): top(2),
        }


async def test_of_a_board_the_last_one_counts(bus: Bus) -> None:
    async with listening(bus) as listener:
        for title in ("first", "second", "first"):
            await bus.publish([board("one", title)])
            await listener.hear_until(board("one", title))


async def test_news_arrive_as_they_were(bus: Bus) -> None:
    rows = tuple(Row(rank, f"u{rank}@|+", 2**53 - rank, 2**50 + rank) for rank in range(1, 11))
    news = Snapshot("one", "2026-W48", 1_795_435_200_000, 2**53 - 1, 2**50, rows, (-(2**53) + 1, 7))
    last = Board(board="two", title='"\u2603" \n\t')
    async with listening(bus) as listener:
        await listener.hear()
        await bus.publish([news, last])
        await listener.hear_until(news, last)
    async with listening(bus) as late:
        assert {subject(each): each for each in await late.hear()} == {
            ("one", "2026-W48"): news,
            "two": last,
        }


async def test_many_news_at_once_all_arrive(bus: Bus) -> None:
    news = [top(seq, f"board-{seq}") for seq in range(1, 301)]
    async with listening(bus) as listener:
        await listener.hear()
        await bus.publish(news)
        await listener.hear_until(*news)
    async with listening(bus) as late:
        assert sorted(await late.hear(), key=Snapshot.place) == news


async def test_postings_can_be_fed_to_other_systems(bus: Bus) -> None:
    await bus.feed([])
    await bus.feed([posting(1), posting(2)])


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
