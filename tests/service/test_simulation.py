"""A replay under other rules, against a model that looks at everything each time."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.core.action import Action
from scoreboard.core.board import Board, Tie
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.rule import Caps
from scoreboard.core.score import SCORE_MAX
from scoreboard.core.window import Window
from scoreboard.service import simulation
from scoreboard.service.simulation import Proposal, Refusals, Simulated, Simulation

NOON = 1_795_435_200_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
BOARDS = {
    "default": Board(board="default", windows=(Window.ALL, Window.DAY)),
    "league": Board(board="league", tie=Tie.SHARED, points_per_hour=9),
}
POINTS = {"quiz": 5, "fall": -3, "nothing": 0, "lap": 4}
HOME = {"quiz": "default", "fall": "default", "nothing": "default", "lap": "league"}


def simulate(
    postings: Sequence[Posting], proposal: Proposal, as_of_ms: int, page: int = 3
) -> Simulated:
    replay = Simulation(BOARDS, proposal, as_of_ms)
    pages = [postings[start : start + page] for start in range(0, len(postings), page)]
    for take in (replay.foresee, replay.add):
        for each in pages:
            take(each)
    return replay.result(1_000)


def posting(seq: int, at: int, **more: object) -> Posting:
    facts: dict = {"epoch": 1, "award_id": f"a{seq}", "kind": Kind.AWARD, "board": "default"}
    return Posting(seq=seq, at=at, **({"counts_at": at} | facts | more))


def award(seq: int, at: int, user_id: str | None = "u1", action_id: str = "quiz") -> Posting:
    return posting(
        seq,
        at,
        user_id=user_id,
        user_ref=1,
        action_id=action_id,
        points=POINTS[action_id],
        board=HOME[action_id],
    )


def reversal(seq: int, at: int, of: Posting) -> Posting:
    return posting(
        seq,
        at,
        kind=Kind.REVERSE,
        user_id=of.user_id,
        board=of.board,
        action_id=of.action_id,
        points=-of.points,
        counts_at=of.counts_at,
        reverses=of.seq,
    )


# --- the model


def model(
    postings: Sequence[Posting], proposal: Proposal, as_of_ms: int
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], dict[str, tuple[int, int]]]]:
    """How often what was refused, and rank and score of everybody afterwards."""
    refused: dict[tuple[str, str], int] = {}
    kept: dict[int, tuple[str, int]] = {}
    boards = {**BOARDS, **proposal.boards}
    touched = set(proposal.boards) | {action.board for action in proposal.actions.values()}
    for each in postings:
        if each.kind is not Kind.AWARD or each.user_id is None:
            continue
        action = proposal.actions.get(each.action_id or "")
        board = action.board if action else each.board
        points = action.points if action else each.points
        rule = None
        earlier = [
            before
            for before in postings
            if before.seq in kept and before.seq < each.seq and before.user_id == each.user_id
        ]
        if action:
            own = [before for before in earlier if before.action_id == each.action_id]
            rule = broken(action, [before.at for before in own], each.at)
        limit = boards[board].points_per_hour
        if rule is None and board in touched and limit and points > 0:
            there = [kept[before.seq] for before in earlier if each.at - before.at < HOUR_MS]
            gained = sum(given for on, given in there if on == board and given > 0)
            rule = "points-hour" if gained + points > limit else None
        if rule is None:
            kept[each.seq] = (board, points)
        else:
            key = (each.action_id or "", rule)
            refused[key] = refused.get(key, 0) + 1
    return refused, standings(postings, kept, boards, as_of_ms)


def broken(action: Action, moments: list[int], at: int) -> str | None:
    if action.active_from is not None and at < action.active_from:
        return "time-span"
    if action.active_until is not None and at >= action.active_until:
        return "time-span"
    if any(at - moment < action.cooldown_s * 1000 for moment in moments):
        return "cooldown"
    for name, span in (("minute", MINUTE_MS), ("hour", HOUR_MS), ("day", DAY_MS)):
        cap = getattr(action.caps, name)
        if cap and sum(at - moment < span for moment in moments) >= cap:
            return f"cap-{name}"
    return None


def standings(
    postings: Sequence[Posting],
    kept: dict[int, tuple[str, int]],
    boards: dict[str, Board],
    as_of_ms: int,
) -> dict[tuple[str, str], dict[str, tuple[int, int]]]:
    gone = {
        each.user_id
        for each in postings
        if each.kind in (Kind.HOLD, Kind.HIDE, Kind.BAN)
        and not any(
            later.seq > each.seq and later.user_id == each.user_id and later.kind is Kind.RELEASE
            for later in postings
        )
    }
    found = {}
    for name, board in boards.items():
        for period in board.periods_at(as_of_ms):
            totals: dict[str, tuple[int, int]] = {}
            for each in postings:
                source = each.reverses if each.kind is Kind.REVERSE else each.seq
                if each.user_id is None or source not in kept or kept[source][0] != name:
                    continue
                if not period.contains(each.counts_at):
                    continue
                points = kept[source][1] * (-1 if each.kind is Kind.REVERSE else 1)
                score, seq = totals.get(each.user_id, (0, each.seq))
                totals[each.user_id] = (score + points, each.seq if points else seq)
            shown = {user: total for user, total in totals.items() if user not in gone}
            found[name, period.name] = {
                user: (1 + sum(_before(other, total, board) for other in shown.values()), total[0])
                for user, total in shown.items()
            }
    return found


def _before(other: tuple[int, int], own: tuple[int, int], board: Board) -> bool:
    if board.tie is Tie.SHARED:
        return other[0] > own[0]
    return (-other[0], other[1]) < (-own[0], own[1])


# --- the law


gaps = st.sampled_from([0, 1, 999, 30_000, MINUTE_MS, HOUR_MS - 1, HOUR_MS, DAY_MS - 1, DAY_MS])
happenings = st.lists(
    st.tuples(
        gaps,
        st.sampled_from(["u1", "u2", "u3", None]),
        st.sampled_from([*POINTS, "reverse", "hold", "hide", "ban", "release"]),
        st.integers(0, 30),
    ),
    max_size=30,
)
proposals = st.builds(
    lambda actions, cap, other: Proposal(
        {action.action_id: action for action in actions},
        {} if cap is None else {other: msgspec.structs.replace(BOARDS[other], points_per_hour=cap)},
    ),
    st.lists(
        st.builds(
            Action,
            action_id=st.sampled_from([*POINTS]),
            points=st.sampled_from([5, 7, -2, 0]),
            board=st.sampled_from([*BOARDS]),
            cooldown_s=st.sampled_from([0, 1, 60, 86_400]),
            caps=st.builds(
                Caps,
                minute=st.integers(0, 2),
                hour=st.integers(0, 3),
                day=st.integers(0, 3),
            ),
            active_from=st.sampled_from([None, NOON + HOUR_MS]),
            active_until=st.sampled_from([None, NOON + DAY_MS]),
            shadow=st.booleans(),
        ),
        max_size=3,
    ),
    st.sampled_from([None, 0, 5, 12]),
    st.sampled_from([*BOARDS]),
)


def ledger(happened: list[tuple[int, str | None, str, int]]) -> list[Posting]:
    postings: list[Posting] = []
    at, undone = NOON, set()
    for gap, user_id, what, pick in happened:
        at += gap
        seq = len(postings) + 1
        if what in POINTS:
            postings.append(award(seq, at, user_id, what))
            continue
        if what != "reverse":
            postings.append(posting(seq, at, kind=Kind(what), user_id=user_id))
            continue
        open_ = [each for each in postings if each.kind is Kind.AWARD and each.seq not in undone]
        if open_:
            undone.add(open_[pick % len(open_)].seq)
            postings.append(reversal(seq, at, open_[pick % len(open_)]))
    return postings


@settings(max_examples=200, deadline=None)
@given(happenings, proposals)
def test_a_replay_finds_what_a_look_at_everything_finds(
    happened: list[tuple[int, str | None, str, int]], proposal: Proposal
) -> None:
    postings = ledger(happened)
    as_of_ms = postings[-1].at if postings else NOON
    simulated = simulate(postings, proposal, as_of_ms)
    refused, after = model(postings, proposal, as_of_ms)
    _, before = model(postings, Proposal(), as_of_ms)
    assert {(each.action_id, each.rule): each.awards for each in simulated.refused} == refused
    assert {(shift.board, shift.period) for shift in simulated.shifts} == set(after)
    for shift in simulated.shifts:
        was, becomes = before[shift.board, shift.period], after[shift.board, shift.period]
        users = was.keys() | becomes.keys()
        nowhere = (None, None)
        expected = {
            user: (was.get(user, nowhere), becomes.get(user, nowhere))
            for user in users
            if was.get(user, nowhere)[0] != becomes.get(user, nowhere)[0]
        }
        found = {
            mover.user_id: (
                (mover.rank_before, mover.score_before),
                (mover.rank_after, mover.score_after),
            )
            for mover in shift.movers
        }
        assert found == expected
        assert (shift.users, shift.moved) == (len(users), len(expected))
        assert shift.changed == sum(
            was.get(user, nowhere)[1] != becomes.get(user, nowhere)[1] for user in users
        )


@given(happenings)
def test_without_a_change_nothing_changes(
    happened: list[tuple[int, str | None, str, int]],
) -> None:
    postings = ledger(happened)
    as_of_ms = postings[-1].at if postings else NOON
    simulated = simulate(postings, Proposal(), as_of_ms)
    assert simulated.refused == ()
    assert simulated.repriced == 0
    assert simulated.points_before == simulated.points_after
    assert all((shift.changed, shift.moved) == (0, 0) for shift in simulated.shifts)


# --- what the law does not say


def test_a_score_out_of_range_would_have_been_refused() -> None:
    most = Proposal({"quiz": Action(action_id="quiz", points=SCORE_MAX)})
    simulated = simulate([award(1, NOON), award(2, NOON)], most, NOON)
    assert simulated.refused == (Refusals("quiz", "score-limit", 1),)
    assert simulated.points_after == SCORE_MAX
    assert simulated.repriced == 1


def test_those_who_go_the_longest_way_come_first() -> None:
    awards = [award(place, NOON, f"u{place}") for place in range(1, 7)]
    awards.append(award(7, NOON, "u6", "lap"))
    first = Proposal({"quiz": Action(action_id="quiz", points=5, active_from=NOON + 1)})
    late = Proposal({"lap": Action(action_id="lap", points=4)})
    lost = simulate(awards, first, NOON)
    assert [mover.user_id for mover in lost.shifts[0].movers][:2] == ["u1", "u2"]
    moved = simulate(awards, late, NOON).shifts
    assert moved[0].movers[0].user_id == "u6"
    replay = Simulation(BOARDS, late, NOON)
    replay.add(awards)
    assert [len(shift.movers) for shift in replay.result(1).shifts] == [1, 1, 1]


@pytest.mark.parametrize("every", [1, 2])
def test_what_no_rule_looks_back_at_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(simulation, "FORGET_EVERY", every)
    rules = Action(action_id="quiz", points=5, caps=Caps(minute=1), cooldown_s=5)
    capped = msgspec.structs.replace(BOARDS["default"], points_per_hour=100)
    replay = Simulation(BOARDS, Proposal({"quiz": rules}, {"default": capped}), NOON)
    replay.add(award(place, NOON + place * DAY_MS, f"u{place}") for place in range(1, 50))
    assert len(replay._with_action) <= every
    assert len(replay._on_board) <= every
