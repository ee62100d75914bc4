"""What every ledger promises of its boards, actions and first secret."""

from pathlib import Path

import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Recorded
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.window import Window
from scoreboard.errors import CatalogueMoved, InvalidPayload
from scoreboard.ports import Change, Ledger, Prepared

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    DEFAULT,
    FALL,
    FOUL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOON,
    NOTHING,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    posting_of,
    put,
)


async def test_the_catalogue_is_changed_with_a_record_of_who_and_why(
    ledger: Ledger, clock: Clock
) -> None:
    clock.now_ms += 5
    await ledger.change(Change(QUIZ, "alice", "a new quiz"))
    dearer = Action(action_id="quiz", points=6)
    await ledger.change(Change(dearer, "bob", "it was too cheap"))
    assert (await ledger.catalogue()).actions == {"quiz": dearer}
    newest, oldest = await ledger.audit(None, 10)
    assert (newest.caller, newest.reason, newest.subject) == ("bob", "it was too cheap", "quiz")
    assert (oldest.caller, oldest.reason, oldest.at) == ("alice", "a new quiz", NOON + 5)
    assert oldest.before is None
    assert newest.before == oldest.after
    assert newest.before != newest.after
    assert list(await ledger.audit(newest.entry, 10)) == [oldest]
    assert list(await ledger.audit(None, 1)) == [newest]


async def test_a_group_prepared_with_an_older_catalogue_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    periods = {"default": DEFAULT.periods_at(clock())}
    before = (await ledger.catalogue()).version
    await put(ledger, QUIZ)
    after = (await ledger.catalogue()).version
    assert after > before
    with pytest.raises(CatalogueMoved):
        await ledger.append([award("a1")], Prepared(before, periods))
    assert await ledger.posting("a1") is None
    (outcome,) = await ledger.append([award("a1")], Prepared(after, periods))
    assert isinstance(outcome, Recorded)


async def test_putting_what_is_there_changes_and_records_nothing(ledger: Ledger) -> None:
    await put(ledger, QUIZ, LEAGUE)
    before = await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)
    await put(ledger, QUIZ, LEAGUE, DEFAULT)
    assert (await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)) == before


async def test_settings_come_back_as_they_were_put(ledger: Ledger) -> None:
    strict = Action(
        action_id="strict",
        points=-SCORE_MAX,
        board="league",
        cooldown_s=31_536_000,
        caps=Caps(minute=1, hour=2, day=3),
        requires_signature=True,
    )
    board = Board(
        board="league",
        title="Ligue des œufs 🥚 'quoted' \"twice\"",
        tie=Tie.SHARED,
        windows=(Window.MONTH, Window.ALL),
        time_zone="Europe/Berlin",
    )
    await put(ledger, board, strict)
    catalogue = await ledger.catalogue()
    assert catalogue.actions["strict"] == strict
    assert catalogue.boards["league"] == board


async def test_an_action_needs_a_board_that_exists(ledger: Ledger) -> None:
    before = await ledger.catalogue()
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, GOAL)
    assert refused.value.pointer == "/board"
    assert await ledger.catalogue() == before


async def test_a_board_keeps_its_windows_and_its_time_zone(ledger: Ledger) -> None:
    await put(ledger, LEAGUE)
    before = await ledger.catalogue(), await ledger.head()
    fewer = Board(board="league", windows=(Window.ALL, Window.DAY), time_zone="America/New_York")
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, fewer)
    assert refused.value.pointer == "/windows"
    elsewhere = Board(board="league", windows=tuple(Window), time_zone="Europe/Berlin")
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, elsewhere)
    assert refused.value.pointer == "/time_zone"
    assert (await ledger.catalogue(), await ledger.head()) == before


async def test_a_board_without_resets_may_still_choose_its_time_zone(ledger: Ledger) -> None:
    moved = Board(board="default", windows=(Window.ALL, Window.DAY), time_zone="Asia/Tokyo")
    await put(ledger, moved)
    assert (await ledger.catalogue()).boards["default"] == moved


async def test_a_new_window_is_filled_from_the_ledger(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2", PRIZE))
    clock.now_ms += 7 * DAY_MS
    await append(ledger, clock, award("a3", "u1", PRIZE), award("a4", "u3", NOTHING))
    later = clock.now_ms + HOUR_MS
    clock.now_ms = later
    await append(ledger, clock, award("a5", "u1", NOTHING), award("a6", "u3", FALL))
    await put(ledger, Board(board="default", windows=tuple(Window)))
    day = await all_scores(ledger, ("default", "2026-11-30"))
    assert day == [Score("u1", 12, 4, later - HOUR_MS), Score("u3", -7, 7, later)]
    assert await all_scores(ledger, ("default", "2026-W49")) == day
    assert await all_scores(ledger, ("default", "2026-W48")) == []
    assert {score.user_id for score in await all_scores(ledger, ("default", "2026-11"))} == {
        "u1", "u2", "u3",
    }  # fmt: skip
    await append(ledger, clock, award("a7"))
    assert (await all_scores(ledger, ("default", "2026-11-30")))[0].score == 17


async def test_a_changed_board_marks_its_tops(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    clock.now_ms += 7
    await put(ledger, Board(board="default", tie=Tie.SHARED))
    head = await ledger.head()
    assert await ledger.marked("default", "all") == (head.seq, NOON + 7)
    newest = (await all_postings(ledger))[-1]
    assert (newest.kind, newest.board) == (Kind.BOARD, "default")


async def test_a_fall_marks_the_tops_it_may_have_changed(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, LEAGUE, GOAL, FOUL)
    await append(ledger, clock, award("a1", action=GOAL), award("a2", action=QUIZ))
    before = await ledger.marked("default", "all")
    [fallen] = await append(ledger, clock, award("a3", action=FOUL))
    for period in ("all", "2026-11-23", "2026-W48", "2026-11"):
        assert await ledger.marked("league", period) == (posting_of(fallen).seq, NOON)
    assert await ledger.marked("default", "all") == before


async def test_a_ledger_stays_with_its_first_secret(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    assert await ledger.bound() is None
    assert await ledger.bind("one") == "one"
    assert await ledger.bound() == "one"
    assert await ledger.bind("other") == "one"
    async with open_ledger(tmp_path, clock) as later:
        assert await later.bind("other") == "one"
