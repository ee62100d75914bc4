"""It is promised that a board is frozen and revealed once, in its place, and kept so."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from scoreboard.core.board import Board, Freeze
from scoreboard.core.leaf import line_in
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.window import Window
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Change, Ledger, Moderation

from .conftest import OpenLedger
from .material import (
    DAY_MS,
    DEFAULT,
    FALL,
    GOAL,
    HOUR_MS,
    LEAGUE,
    NOON,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    posting_of,
    put,
    turn,
)
from .superuser import Superuser

LAST_HOUR = "the last hour"


async def board(ledger: Ledger, name: str) -> Board:
    return (await ledger.catalogue()).boards[name]


async def newest(ledger: Ledger, count: int) -> Sequence[Posting]:
    return (await all_postings(ledger))[-count:]


async def test_a_freeze_is_one_posting_of_the_board_and_says_how_many_stood_on_it(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("a", "u1", GOAL), award("b", "u2", GOAL), award("c", "u3"))
    await ledger.moderate(Moderation("u2", Kind.HIDE, "mo", "odd"))
    clock.now_ms += 7
    before = await ledger.head()
    frozen = await turn(ledger, "league", frozen=True)
    [posting] = await newest(ledger, 1)
    assert frozen == Freeze(seq=before.seq + 1, at=NOON + 7, users=1)
    assert posting == Posting(
        seq=before.seq + 1,
        epoch=before.epoch,
        award_id=posting.award_id,
        kind=Kind.FREEZE,
        board="league",
        at=NOON + 7,
        counts_at=NOON + 7,
        caller="tester",
    )
    assert await ledger.posting(posting.award_id) == posting
    assert (await board(ledger, "default")).frozen is None
    await ensure_sums(ledger)


@pytest.mark.parametrize("frozen", [True, False])
async def test_asking_again_records_nothing(ledger: Ledger, frozen: bool) -> None:
    for turned in (True, frozen):
        since = await turn(ledger, "default", frozen=turned)
    kept = await ledger.head(), await ledger.audit(None, 10), (await ledger.catalogue()).version
    assert await turn(ledger, "default", frozen=frozen) == since
    assert (await ledger.head(), await ledger.audit(None, 10)) == kept[:2]
    assert (await ledger.catalogue()).version == kept[2]


async def test_it_is_revealed_and_frozen_again_with_ids_of_their_own(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ)
    first = await turn(ledger, "default", frozen=True)
    await append(ledger, clock, award("a"))
    assert await turn(ledger, "default", frozen=False) is None
    clock.now_ms += HOUR_MS
    second = await turn(ledger, "default", frozen=True)
    assert first == Freeze(seq=2, at=NOON, users=0)
    assert second == Freeze(seq=5, at=NOON + HOUR_MS, users=1)
    turns = [each for each in await all_postings(ledger) if each.kind in (Kind.FREEZE, Kind.REVEAL)]
    assert [each.kind for each in turns] == [Kind.FREEZE, Kind.REVEAL, Kind.FREEZE]
    assert len({each.award_id for each in turns}) == 3


async def test_awards_go_on_and_count_on_a_frozen_board(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a"))
    await turn(ledger, "default", frozen=True)
    [after] = await append(ledger, clock, award("b"))
    assert posting_of(after).score_after == 10
    [score] = await all_scores(ledger, ("default", "all"))
    assert score.score == 10
    await ensure_sums(ledger)


async def test_every_current_top_is_marked_and_no_other(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, LEAGUE, GOAL)
    await append(ledger, clock, award("a", "u1", GOAL), award("b"))
    past, other = await ledger.marked("league", "2026-11-23"), await ledger.marked("default", "all")
    clock.now_ms += DAY_MS
    for frozen in (True, False):
        clock.now_ms += 1
        await turn(ledger, "league", frozen=frozen)
        seq = (await ledger.head()).seq
        for period in ("all", "2026-11-24", "2026-W48", "2026-11"):
            assert await ledger.marked("league", period) == (seq, clock.now_ms), period
        assert (await ledger.snapshot(LEAGUE, "all")).seq == seq
    assert await ledger.marked("league", "2026-11-23") == past
    assert await ledger.marked("default", "all") == other


async def test_settings_and_freeze_are_two_postings_of_one_change(ledger: Ledger) -> None:
    before = await ledger.head()
    await ledger.change(Change(LEAGUE, "ada", LAST_HOUR, True))
    set_, freeze = await newest(ledger, 2)
    assert [(each.seq, each.kind) for each in (set_, freeze)] == [
        (before.seq + 1, Kind.BOARD),
        (before.seq + 2, Kind.FREEZE),
    ]
    since = Freeze(seq=freeze.seq, at=freeze.at, users=0)
    assert await board(ledger, "league") == msgspec.structs.replace(LEAGUE, frozen=since)
    entries = await ledger.audit(None, 2)
    assert [each.operation for each in entries] == ["board.freeze", "board.put"]
    assert {(each.caller, each.subject, each.reason) for each in entries} == {
        ("ada", "league", LAST_HOUR)
    }


async def test_the_record_says_since_when_it_was_frozen(ledger: Ledger) -> None:
    since = await turn(ledger, "default", frozen=True)
    await turn(ledger, "default", frozen=False)
    reveal, freeze = await ledger.audit(None, 2)
    live, frozen = (
        msgspec.json.encode(each).decode()
        for each in (DEFAULT, msgspec.structs.replace(DEFAULT, frozen=since))
    )
    assert (freeze.operation, freeze.before, freeze.after) == ("board.freeze", live, frozen)
    assert (reveal.operation, reveal.before, reveal.after) == ("board.reveal", frozen, live)


async def test_other_changes_of_it_leave_it_frozen_whatever_they_know_of_it(
    ledger: Ledger,
) -> None:
    since = await turn(ledger, "default", frozen=True)
    stale = Freeze(seq=1, at=1, users=9)
    for title, frozen in (("One", None), ("Two", stale)):
        await put(ledger, Board(board="default", title=title, frozen=frozen))
        assert await board(ledger, "default") == Board(board="default", title=title, frozen=since)
    await turn(ledger, "default", frozen=False)
    await put(ledger, Board(board="default", title="Two", frozen=since))
    assert (await board(ledger, "default")).frozen is None


async def test_a_window_that_is_added_while_it_is_frozen_is_filled(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a"))
    await turn(ledger, "default", frozen=True)
    await append(ledger, clock, award("b"))
    await put(ledger, Board(board="default", windows=(Window.ALL, Window.DAY)))
    [score] = await all_scores(ledger, ("default", "2026-11-23"))
    assert score.score == 10


async def test_a_change_that_is_refused_freezes_nothing(ledger: Ledger) -> None:
    await put(ledger, LEAGUE)
    before = await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)
    with pytest.raises(InvalidPayload):
        await ledger.change(Change(Board(board="league"), "ada", LAST_HOUR, True))
    assert (await ledger.catalogue(), await ledger.head(), await ledger.audit(None, 10)) == before


async def test_of_many_that_freeze_at_once_one_does(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as other:
        asked = [
            node.change(Change(DEFAULT, f"caller-{n}", LAST_HOUR, True))
            for n in range(10)
            for node in (ledger, other)
        ]
        await asyncio.gather(*asked)
        freezes = [each for each in await all_postings(other) if each.kind is Kind.FREEZE]
        assert len(freezes) == 1
        assert len(await ledger.audit(None, 100)) == 1
        since = Freeze(seq=freezes[0].seq, at=freezes[0].at, users=0)
        assert (await board(ledger, "default")).frozen == since
        assert (await board(other, "default")).frozen == since


async def test_it_is_frozen_after_a_restart(
    open_ledger: OpenLedger, tmp_path: Path, clock: Clock
) -> None:
    home = tmp_path / "other"
    home.mkdir()
    async with open_ledger(home, clock) as node:
        since = await turn(node, "default", frozen=True)
        assert since is not None
    async with open_ledger(home, clock) as node:
        assert (await board(node, "default")).frozen == since


async def test_its_leaf_says_what_the_posting_says(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a", "u1", FALL))
    await turn(ledger, "default", frozen=True)
    await turn(ledger, "default", frozen=False)
    postings = await newest(ledger, 2)
    leaves = await ledger.leaves(postings[0].seq - 1, 10)
    for posting, data in zip(postings, leaves, strict=True):
        line, user = line_in(data)
        assert user is None
        told = {
            name: getattr(posting, name) for name in ("seq", "award_id", "kind", "at", "caller")
        }
        assert {name: getattr(line, name) for name in told} == told


async def test_a_node_of_the_version_before_keeps_it_frozen(
    ledger: Ledger, superuser: Superuser
) -> None:
    """It puts a board by the columns that it knows."""
    since = await turn(ledger, "default", frozen=True)
    await superuser.does(
        "INSERT INTO boards (board, title, tie, windows, time_zone, points_per_hour) "
        "VALUES ('default', 'Old', 'shared', '[\"all\"]', 'UTC', 7) ON CONFLICT (board) DO UPDATE "
        "SET title = excluded.title, tie = excluded.tie, windows = excluded.windows, "
        "time_zone = excluded.time_zone, points_per_hour = excluded.points_per_hour"
    )
    kept = await board(ledger, "default")
    assert (kept.title, kept.points_per_hour, kept.frozen) == ("Old", 7, since)
