"""It is promised that users of another system stand here as they stood there, and count once."""

import io
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scoreboard.core.action import Action
from scoreboard.core.balance import Balance, in_order
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.core.window import Window
from scoreboard.errors import HistoryRefused, ScoreLimit, UserSuspended
from scoreboard.ports import Ledger, Moderation, Part
from scoreboard.service import balances as module
from scoreboard.service import history as format_of
from scoreboard.service.balances import Arrival, Beginning

from .material import (
    DAY_MS,
    LEAGUE,
    NOON,
    QUIZ,
    Clock,
    all_scores,
    append,
    award,
    ensure_sums,
    put,
)
from .test_tampering import seal, verified

IMPORTED = Action(action_id="imported", points=0, active_until=NOON)
OLD = NOON - 100 * DAY_MS
BALANCES = (
    Balance("ada", 50, OLD + 2),
    Balance("ben", 50, OLD + 1),
    Balance("cleo", -7, OLD),
    Balance("dan", 0, OLD + 1),
    Balance("eve", SCORE_MAX, OLD + 9),
    Balance("finn", -SCORE_MAX, OLD + 9),
)


def arrival(balances: Sequence[Balance] = BALANCES, board: str = "default") -> Arrival:
    return Arrival(
        balances=in_order(balances),
        action=replace(IMPORTED, board=board),
        caller="cli:tester",
        reason="moved",
        at=NOON,
    )


async def begun(ledger: Ledger, wanted: Arrival) -> None:
    await ledger.restore(Beginning(wanted, secrets.token_bytes).history())


def standing(scores: Sequence[Score]) -> list[tuple[str, int]]:
    return [(score.user_id, score.score) for score in sorted(scores, key=Score.key)]


@pytest.mark.parametrize("board", ["default", "veterans"])
async def test_a_new_ledger_has_the_scores_the_order_and_the_times(
    ledger: Ledger, clock: Clock, board: str
) -> None:
    await begun(ledger, arrival(board=board))
    postings = await ensure_sums(ledger)
    scores = await all_scores(ledger, (board, "all"))
    assert standing(scores) == [
        ("eve", SCORE_MAX), ("ben", 50), ("ada", 50), ("dan", 0), ("cleo", -7),
        ("finn", -SCORE_MAX),
    ]  # fmt: skip
    assert {s.user_id: s.at for s in scores} == {b.user_id: b.at for b in BALANCES}
    carried = [posting for posting in postings if posting.kind is Kind.AWARD]
    assert {posting.caller for posting in carried} == {"cli:tester"}
    assert {posting.action_id for posting in carried} == {"imported"}
    entries = await ledger.audit(None, 10)
    assert {entry.reason for entry in entries} == {"moved"}
    assert [entry.operation for entry in entries][:1] == ["action.put"]


async def test_it_is_a_ledger_like_any_other(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    wanted = arrival(board="veterans")
    out = io.BytesIO()
    await format_of.write(Beginning(wanted, secrets.token_bytes).history(), out.write, len)
    out.seek(0)
    await ledger.restore(format_of.read(out))
    await put(ledger, QUIZ, LEAGUE, replace(QUIZ, action_id="duel", board="veterans"))
    duel = (await ledger.catalogue()).actions["duel"]
    await append(ledger, clock, award("a", "ada", duel), award("b", "gus", duel), award("c"))
    await ensure_sums(ledger)
    await seal(ledger, clock, tmp_path)
    verdict = await verified(ledger)
    assert (verdict.ok, verdict.sealed) == (True, verdict.postings)
    found = {s.user_id: s.score for s in await all_scores(ledger, ("veterans", "all"))}
    assert (found["ada"], found["gus"]) == (55, 5)
    exported: list[Part] = [part async for page in ledger.history() for part in page]
    again = io.BytesIO()
    await format_of.write(ledger.history(), again.write, len)
    again.seek(0)
    assert [part async for page in format_of.read(again) for part in page] == exported


async def test_a_window_that_is_added_counts_what_is_of_its_present_period(
    ledger: Ledger, clock: Clock
) -> None:
    await begun(ledger, arrival([Balance("ada", 5, OLD), Balance("ben", 7, NOON)]))
    await put(ledger, Board(board="default", windows=tuple(Window)))
    for period, users in {"2026-11-23": ["ben"], "2026-11": ["ben"], "all": ["ben", "ada"]}.items():
        scores = await all_scores(ledger, ("default", period))
        assert [user for user, _ in standing(scores)] == users


async def test_a_ledger_with_a_history_is_not_begun_again(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, QUIZ)
    with pytest.raises(HistoryRefused, match="history already"):
        await begun(ledger, arrival())
    assert await all_scores(ledger, ("default", "all")) == []


async def test_balances_are_awarded_once_however_often_they_are_given(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GROUP", 2)
    await put(ledger, QUIZ)
    await append(ledger, clock, award("first", "ada"))
    sizes: list[int] = []
    wanted = arrival(BALANCES[:4])
    done = await module.award(ledger, wanted, sizes.append)
    assert (done.recorded, done.repeated, sizes) == (4, 0, [2, 2])
    assert standing(await all_scores(ledger, ("default", "all"))) == [
        ("ada", 55), ("ben", 50), ("dan", 0), ("cleo", -7),
    ]  # fmt: skip
    head = await ledger.head()
    more = arrival([*BALANCES[:3], Balance("dan", 1, OLD), Balance("gus", 2, OLD)])
    done = await module.award(ledger, more)
    assert (done.recorded, done.repeated) == (1, 3)
    assert [balance.user_id for balance in done.differing] == ["dan"]
    assert (await ledger.head()).seq == head.seq + 1
    await ensure_sums(ledger)


async def test_whoever_cannot_get_the_points_is_named_and_the_others_get_theirs(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ, Board(board="default", points_per_hour=1))
    await put(ledger, replace(QUIZ, points=1))
    one = replace(QUIZ, points=1)
    await append(ledger, clock, award("a", "ada", one), award("e", "eve", one))
    await ledger.moderate(Moderation("ada", Kind.BAN, "tester", "for a test"))
    done = await module.award(ledger, arrival())
    assert (done.recorded, len(done.refused)) == (4, 2)
    refused = {balance.user_id: type(error) for balance, error in done.refused}
    assert refused == {"ada": UserSuspended, "eve": ScoreLimit}
    await ensure_sums(ledger)


async def test_nothing_is_awarded_into_the_present_period_of_a_window(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, LEAGUE)
    head = await ledger.head()
    with pytest.raises(HistoryRefused, match="has windows"):
        await module.award(ledger, arrival(board="league"))
    assert await ledger.head() == head


lists = st.lists(st.tuples(st.integers(-3, 3), st.integers(OLD, OLD + 3)), max_size=12)


@settings(max_examples=25)
@given(rows=lists)
async def test_any_file_is_taken_over_as_the_plain_order_of_its_rows(
    rows: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from .conftest import sqlite_ledger  # noqa: PLC0415 - PostgreSQL has the same histories above

    balances = [Balance(f"u{n}", score, at, n) for n, (score, at) in enumerate(rows)]
    async with sqlite_ledger(tmp_path_factory.mktemp("any"), Clock()) as ledger:
        await begun(ledger, arrival(balances))
        found = standing(await all_scores(ledger, ("default", "all")))
    plain = sorted(balances, key=lambda b: (-b.score, b.at, b.line))
    assert found == [(b.user_id, b.score) for b in plain]
