"""It is promised that from a freeze to its reveal nothing of what happens is seen by the public."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.standing import Snapshot
from scoreboard.core.window import Window
from scoreboard.errors import NotFound, OutOfPlace, Unavailable
from scoreboard.ports import Change, Moderation, News
from scoreboard.service import frozen as module
from scoreboard.service import publisher as publishing
from scoreboard.service.reader import LIVE, OWN, Sight
from tests.contracts.material import DAY_MS, PRIZE, QUIZ, append, award, put

from .conftest import FaultyLedger, World

ALL = ("default", "all")
DAILY = Board(board="default", windows=(Window.ALL, Window.DAY))
TODAY, TOMORROW = "2026-11-23", "2026-11-24"
Until = Callable[[Callable[[], Any]], Awaitable[None]]


class Heard:
    """Everything that was ever published, also what a bus would pass over as known."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tops: list[Snapshot] = []
        self._publish = world.bus.publish
        monkeypatch.setattr(world.bus, "publish", self.publish)

    async def publish(self, news: Sequence[News]) -> None:
        self.tops += [each for each in news if isinstance(each, Snapshot)]
        await self._publish(news)

    def of(self, period: str) -> list[Snapshot]:
        return [top for top in self.tops if (top.board, top.period) == ("default", period)]


@pytest.fixture
async def heard(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Heard]:
    """A world at work, with three users: u1 has 22, u2 and u3 have 5."""
    monkeypatch.setattr(publishing, "RETRY_S", 0.001)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    steps = [award("a1", "u1", PRIZE), award("a2", "u2"), award("a3", "u3"), award("a4", "u1")]
    await append(world.ledger, world.clock, *steps, award("a5", "u1"))
    heard = Heard(world, monkeypatch)
    tasks = [asyncio.ensure_future(each.run()) for each in (world.relay(), world.publisher)]
    tasks.append(asyncio.ensure_future(world.frozen.run(world.catalogue)))
    yield heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def turn(world: World, *, frozen: bool) -> None:
    """Freeze the board, or reveal it."""
    await world.catalogue.load()
    await world.ledger.change(Change(world.catalogue.board("default"), "mo", "contest", frozen))


async def moderate(world: World, user_id: str, kind: Kind) -> int:
    posting = await world.ledger.moderate(Moderation(user_id, kind, "mo", "odd"))
    assert posting is not None
    return posting.seq


def place(top: Snapshot) -> list[tuple[int, str, int]]:
    return [(row.rank, row.user_id, row.score) for row in top.rows]


WAS = [(1, "u1", 22), (2, "u2", 5), (3, "u3", 5)]
IS = [(1, "u4", 120), (2, "u2", 29), (3, "u1", 22), (4, "u3", 5)]


async def frozen_at(world: World, heard: Heard, until: Until) -> int:
    """The board is frozen, and much happens behind it; answers the seq of the freeze."""
    await until(lambda: heard.of("all") and place(heard.of("all")[-1]) == WAS)
    await turn(world, frozen=True)
    await world.catalogue.load()
    freeze = world.catalogue.board("default").frozen
    assert freeze is not None
    for number in range(10):
        await append(world.ledger, world.clock, award(f"b{number}", "u4", PRIZE))
    await append(world.ledger, world.clock, award("c1", "u2", PRIZE), award("c2", "u2", PRIZE))
    await until(lambda: ranked(world))
    return freeze.seq


async def ranked(world: World) -> bool:
    head = await world.ledger.head()
    return await world.ranking.place() == (head.epoch, head.seq)


async def test_the_public_sees_the_board_as_it_was_until_it_is_revealed(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    reader = world.reader()
    await until(lambda: heard.of("all")[-1].seq == seq)
    for period in ("all", "day"):
        top = await reader.snapshot("default", period)
        name, page = await reader.page("default", period, None, 100)
        assert (place(top), top.seq) == (WAS, seq)
        assert (page.rows, page.seq, name) == (top.rows, seq, top.period)
    standing = await reader.standing(*ALL, "u2")
    assert (standing.rank, standing.total_users, standing.score) == (2, 3, 5)
    assert standing.to_next is not None
    assert (standing.to_next.rank, standing.to_next.points) == (1, 18)
    assert standing.percentile() == pytest.approx(100 / 3)
    assert [row.user_id for row in await reader.around(*ALL, "u2", 1)] == ["u1", "u2", "u3"]
    for sight in (Sight(), OWN):
        with pytest.raises(NotFound):
            await reader.standing(*ALL, "u4", sight)
    assert await reader.own_standing(*ALL, "u4") == (None, top.epoch, seq)
    assert await reader.own_standing(*ALL, "u2") == (standing, top.epoch, seq)
    assert await reader.total("default") == 3
    await turn(world, frozen=False)
    await until(lambda: place(heard.of("all")[-1]) == IS)
    told = {tuple(place(top)) for top in heard.of("all")}
    assert not [rows for rows in told if rows != tuple(IS) and any(row[1] == "u4" for row in rows)]
    await until(lambda: shows(reader, IS))
    assert await reader.total("default") == 4


async def shows(reader: Any, rows: list[tuple[int, str, int]]) -> bool:
    return place(await reader.snapshot(*ALL)) == rows


async def test_who_may_see_it_sees_it_live(world: World, heard: Heard, until: Until) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    assert place(await reader.snapshot(*ALL, LIVE)) == IS
    _, page = await reader.page(*ALL, None, 10, LIVE)
    assert [row.user_id for row in page.rows] == ["u4", "u2", "u1", "u3"]
    assert (await reader.standing(*ALL, "u4", LIVE)).rank == 1
    assert [row.user_id for row in await reader.around(*ALL, "u4", 1, LIVE)] == ["u4", "u2"]


async def test_awards_behind_a_freeze_are_not_told_at_all(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    await until(lambda: heard.of("all")[-1].seq == seq)
    told = len(heard.of("all"))
    await append(world.ledger, world.clock, award("late", "u3", PRIZE))
    await until(lambda: ranked(world))
    await moderate(world, "u4", Kind.HIDE)  # nobody has seen u4
    await until(lambda: ranked(world))
    gone = await moderate(world, "u1", Kind.BAN)
    await until(lambda: heard.of("all")[-1].seq == gone)
    assert place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)]
    assert len(heard.of("all")) == told + 1
    back = await moderate(world, "u1", Kind.RELEASE)
    await until(lambda: heard.of("all")[-1].seq == back)
    assert place(heard.of("all")[-1]) == WAS
    await moderate(world, "u1", Kind.ERASE)
    await until(lambda: place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)])


async def test_a_day_that_begins_behind_a_freeze_opens_empty(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    reader = world.reader()
    world.clock.now_ms += DAY_MS // 2  # midnight: what is over is held for a minute
    await append(world.ledger, world.clock, award("next", "u2"))
    await until(lambda: heard.of(TOMORROW))
    assert {top.rows for top in heard.of(TOMORROW)} == {()}
    assert heard.of(TOMORROW)[-1].seq > seq
    assert (await reader.snapshot("default", "day")).rows == ()
    assert (await reader.page("default", "day", None, 10))[1].rows == ()
    assert place(await reader.snapshot("default", TODAY)) == WAS
    with pytest.raises(NotFound):
        await reader.page("default", "2031-01-01", None, 10)
    await turn(world, frozen=False)
    await until(lambda: heard.of(TOMORROW)[-1].rows)
    assert place(heard.of(TOMORROW)[-1]) == [(1, "u2", 5)]
    # What ended meanwhile has been shown as of then until now.
    await until(lambda: place(heard.of(TODAY)[-1]) == IS)
    assert place(await reader.snapshot("default", TODAY)) == IS


async def test_a_day_that_an_award_has_begun_is_opened_behind_a_freeze(world: World) -> None:
    await put(world.ledger, DAILY, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await relay.follow()
    world.clock.now_ms += DAY_MS // 2
    await append(world.ledger, world.clock, award("two"))
    await relay.follow()
    await relay._turn_periods()
    assert (await world.reader().snapshot("default", TOMORROW)).rows == ()


async def test_a_day_that_had_ended_before_is_as_it_is(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    world.clock.now_ms += DAY_MS
    await frozen_at(world, heard, until)
    assert place(await world.reader().snapshot("default", TODAY)) == WAS


async def test_a_reader_that_did_not_know_of_the_freeze_throws_away_what_it_has_read(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    late = type(world.catalogue)(world.ledger)
    await late.load()
    await frozen_at(world, heard, until)
    world.catalogue = late
    world.answers = world.answers_of(world.ledger)
    reader = world.reader()
    assert (await reader.standing(*ALL, "u2")).score == 5
    assert place(await reader.snapshot(*ALL)) == WAS


async def test_the_ledger_does_not_leak_what_the_ranking_would_not(
    world: World, heard: Heard, until: Until
) -> None:
    await until(lambda: heard.of("all"))
    late = type(world.catalogue)(world.ledger)
    await late.load()
    await frozen_at(world, heard, until)
    world.catalogue = late

    async def lost(*_: Any, **__: Any) -> None:
        raise Unavailable

    for name in ("snapshot", "page", "standing", "around", "total"):
        setattr(world.ranking, name, lost)
    reader = world.reader()
    assert (await reader.page(*ALL, None, 5))[1].rows[0].user_id == "u1"
    with pytest.raises(NotFound):
        await reader.standing(*ALL, "u4")


async def test_what_is_frozen_is_loaded_once_for_all_who_ask(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reads: list[object] = []

    async def read() -> None:
        reads.append(None)

    world.ledger.before["scores_at"] = read
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    board = world.catalogue.board("default")
    period = board.periods_at(world.clock())[0]
    found = await asyncio.gather(*(fresh.standings(board, period) for _ in range(20)))
    assert len(set(map(id, found))) == 1
    assert len(reads) == len(board.windows)


async def test_ties_are_numbered_by_the_settings_of_now(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    shared = Board(board="default", windows=DAILY.windows, tie=Tie.SHARED)
    await put(world.ledger, shared)
    reader = world.reader()
    await until(lambda: shows(reader, [(1, "u1", 22), (2, "u2", 5), (2, "u3", 5)]))


async def test_a_window_that_is_new_behind_a_freeze_shows_the_freeze(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    weekly = Board(board="default", windows=(*DAILY.windows, Window.WEEK))
    await put(world.ledger, weekly)
    await world.catalogue.load()
    assert place(await world.reader().snapshot("default", "week")) == WAS


async def test_a_frozen_board_is_the_same_after_a_new_beginning(
    world: World, heard: Heard, until: Until
) -> None:
    seq = await frozen_at(world, heard, until)
    gone = await moderate(world, "u3", Kind.HOLD)
    await until(lambda: heard.of("all")[-1].seq == gone)
    before = heard.of("all")[-1]
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    world.answers = world.answers_of(world.ledger)
    assert await world.reader().snapshot(*ALL) == before
    assert seq < before.seq


async def test_a_ledger_that_was_restored_is_another_one(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    before = (await world.reader().snapshot(*ALL)).epoch
    head = await world.ledger.new_epoch("mo", "a backup")
    assert head.epoch > before
    reader = world.reader()

    async def anew() -> bool:
        top = await reader.snapshot(*ALL)
        return top.epoch == head.epoch and place(top) == WAS

    await until(anew)


async def test_screens_hear_of_another_ledger_though_nothing_happens_in_it(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    await frozen_at(world, heard, until)
    seq = await moderate(world, "u1", Kind.HIDE)
    await until(lambda: heard.of("all")[-1].seq == seq)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 3_600)  # the leader's word comes before the look
    await asyncio.sleep(0.01)
    head = await world.ledger.new_epoch("mo", "a backup")
    world.clock.now_ms += 2_000
    await until(lambda: heard.of("all")[-1].epoch == head.epoch)
    assert place(heard.of("all")[-1]) == [(1, "u2", 5), (2, "u3", 5)]


async def test_who_was_erased_leaves_also_where_the_name_was_not_heard(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    assert (await reader.page(*ALL, None, 9))[1].rows[0].user_id == "u1"
    seq = await moderate(world, "u1", Kind.ERASE)
    await world.ledger.forget_erased(seq)

    async def gone() -> bool:
        _, page = await reader.page(*ALL, None, 9)
        return [row.user_id for row in page.rows] == ["u2", "u3"]

    await until(gone)


async def test_a_lost_ledger_takes_nothing_from_who_has_loaded_already(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    reader = world.reader()
    await reader.snapshot(*ALL)

    async def lost() -> None:
        raise Unavailable

    world.ledger.before["scores_at"] = lost
    assert place(await reader.snapshot(*ALL)) == WAS
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    board = world.catalogue.board("default")
    with pytest.raises(Unavailable):
        await fresh.standings(board, board.periods_at(world.clock())[0])
    await fresh.look(world.catalogue)  # asked again later, and nothing is raised
    del world.ledger.before["scores_at"]
    assert await fresh.standings(board, board.periods_at(world.clock())[0]) is not None


async def test_what_is_revealed_is_let_go(world: World, heard: Heard, until: Until) -> None:
    await frozen_at(world, heard, until)
    await until(lambda: bool(world.frozen._kept))
    await turn(world, frozen=False)
    await until(lambda: not world.frozen._kept)


async def test_what_is_frozen_hears_nothing_of_what_comes_after_its_reveal(
    world: World, heard: Heard, until: Until
) -> None:
    """Frozen rows with a later seq would be kept by who has them, and the revealed ones dropped."""
    await frozen_at(world, heard, until)
    late = type(world.catalogue)(world.ledger)
    await late.load()
    board, period = late.board("default"), DAILY.period("all", 0)
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    kept = await fresh.standings(board, period)
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await moderate(world, "u3", Kind.HIDE)
    await fresh.look(late)
    top = await kept.snapshot(board, "all")
    assert (place(top), top.seq < revealed) == (WAS, True)
    with pytest.raises(OutOfPlace):
        await fresh.standings(board, period)
    # Nor does who loads it now, or opens a day that began since.
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    with pytest.raises(OutOfPlace):
        await world.frozen.standings(board, period)
    world.catalogue = late
    world.answers = world.answers_of(world.ledger)
    await until(lambda: ranked(world))
    shown = await world.answers.public("default", period, snapshot_of)
    assert shown is not None
    assert place(shown) == [row for row in IS if row[1] != "u3"]


async def test_what_a_ranking_shows_that_has_not_come_to_the_reveal_is_not_told(
    world: World,
) -> None:
    """It would have an earlier seq than what was shown of the freeze."""
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await append(world.ledger, world.clock, award("a3", "u3"))
    await moderate(world, "u1", Kind.HIDE)
    await relay.follow()
    reader = world.reader()
    frozen = await reader.snapshot(*ALL)
    await append(world.ledger, world.clock, award("a4", "u4", PRIZE))
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await world.catalogue.load()
    top, (_, page) = await reader.snapshot(*ALL), await reader.page(*ALL, None, 9)
    assert frozen.seq < revealed == top.seq == page.seq
    assert place(top) == [(1, "u4", 12), (2, "u2", 5), (3, "u3", 5)]
    await relay.follow()
    assert await reader.snapshot(*ALL) == top


async def test_what_a_ranking_told_just_before_the_reveal_is_not_told_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(world.ledger, DAILY, QUIZ, PRIZE)
    await append(world.ledger, world.clock, award("a1", "u1", PRIZE), award("a2", "u2"))
    relay = world.relay()
    await relay.rebuild()
    await turn(world, frozen=True)
    await append(world.ledger, world.clock, award("a3", "u3"))
    await relay.follow()
    await turn(world, frozen=False)
    revealed = (await world.ledger.head()).seq
    await world.catalogue.load()
    load = world.catalogue.load

    async def while_the_relay_goes_on() -> None:
        await load()
        await relay.follow()

    monkeypatch.setattr(world.catalogue, "load_anew", while_the_relay_goes_on)
    assert (await world.reader().snapshot(*ALL)).seq == revealed


async def test_a_day_that_began_after_the_reveal_is_not_opened_as_frozen(
    world: World, heard: Heard, until: Until
) -> None:
    await frozen_at(world, heard, until)
    late = type(world.catalogue)(world.ledger)
    await late.load()
    board = late.board("default")
    fresh = module.FrozenBoards(world.ledger, type(world.ranking))
    await fresh.standings(board, DAILY.period("all", 0))
    await turn(world, frozen=False)
    world.clock.now_ms += DAY_MS // 2
    await append(world.ledger, world.clock, award("next", "u2"))
    await until(lambda: heard.of(TOMORROW))
    with pytest.raises((OutOfPlace, NotFound)):
        await fresh.standings(board, DAILY.period(TOMORROW, 0))


async def test_of_too_many_frozen_boards_those_that_are_asked_for_stay_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FROZEN_MAX", 2)
    loads = 0

    async def count() -> None:
        nonlocal loads
        loads += 1

    for name in "abc":
        await world.ledger.change(Change(Board(board=name), "mo", "contest", True))
    await world.catalogue.load()
    world.ledger.before["scores_at"] = count
    asked = world.catalogue.board("c")
    for _ in range(4):
        await world.frozen.look(world.catalogue)
        assert await world.frozen.standings(asked, asked.period("all", 0)) is not None
    assert loads == 3


async def test_what_is_erased_while_it_is_loaded_is_told_in_its_label(
    world: World, heard: Heard, until: Until
) -> None:
    """Whoever has loaded before labels the same rows with the erasure, and shows others before."""
    frozen = await frozen_at(world, heard, until)
    gone: list[int] = []

    async def erase() -> None:
        del world.ledger.before["scores_at"]  # others may read as well
        gone.append(await moderate(world, "u1", Kind.ERASE))

    world.ledger.before["scores_at"] = erase
    world.frozen = module.FrozenBoards(world.ledger, type(world.ranking))
    world.answers = world.answers_of(world.ledger)
    top = await world.answers.public("default", DAILY.period("all", 0), snapshot_of)
    assert top is not None
    assert place(top) == [(1, "u2", 5), (2, "u3", 5)]
    assert top.seq == gone[0] > frozen


async def test_who_is_erased_behind_a_page_and_forgotten_is_not_shown(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has a user whose name the posting does not tell any more: it is read again."""
    await frozen_at(world, heard, until)
    watched: Any = FaultyLedger(world.ledger._ledger)  # others read as well
    gone = list[int]()

    async def then_somebody_is_erased(*asked: Any) -> Any:
        page = await world.ledger.scores_at(*asked)
        if not gone:
            gone.append(await moderate(world, "u1", Kind.ERASE))
            await world.ledger.forget_erased(gone[0])
        return page

    monkeypatch.setattr(watched, "scores_at", then_somebody_is_erased)
    board = world.catalogue.board("default")
    fresh = module.FrozenBoards(watched, type(world.ranking))
    kept = await fresh.standings(board, board.period("all", 0))
    assert kept is not None
    top = await kept.snapshot(board, "all")
    assert top is not None
    assert (place(top), top.seq) == ([(1, "u2", 5), (2, "u3", 5)], gone[0])


async def test_who_leaves_while_a_board_is_loaded_is_not_shown_to_who_asks_for_that(
    world: World, heard: Heard, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher is told once: a top without the turn would stay on the screens."""
    await frozen_at(world, heard, until)
    watched: Any = FaultyLedger(world.ledger._ledger)  # others look at turns as well
    fresh, gone = module.FrozenBoards(watched, type(world.ranking)), list[int]()

    async def then_somebody_leaves(after: int, upto: int) -> Any:
        found = await world.ledger.turns(after, upto)
        if not gone:
            gone.append(await moderate(world, "u1", Kind.HIDE))
            fresh.turned(((await world.ledger.head()).epoch, gone[0]))
        return found

    monkeypatch.setattr(watched, "turns", then_somebody_leaves, raising=False)
    board = world.catalogue.board("default")
    kept = await fresh.standings(board, board.period("all", 0))
    assert kept is not None
    top = await kept.snapshot(board, "all")
    assert top is not None
    assert (place(top), top.seq) == ([(1, "u2", 5), (2, "u3", 5)], gone[0])


async def snapshot_of(source: Any, board: Board, period: str) -> Snapshot | None:
    return await source.snapshot(board, period)
