"""What every ledger promises of rules, and of the incidents that they leave."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import msgspec
import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Award, Outcome, Recorded, Refused, Repeated
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps, Rule
from scoreboard.core.rules import Rules
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.errors import SuspiciousActivity
from scoreboard.ports import Ledger, Moderation, Prepared, Sought

from .material import DAY_MS, HOUR_MS, NOON, QUIZ, Clock, append, ensure_sums, put

OpenLedger = Callable[[Path, Clock], AbstractAsyncContextManager[Ledger]]

MINUTE_MS = 60_000
CAPPED = Action(action_id="capped", points=1, caps=Caps(minute=2, hour=3, day=4))
SLOW = Action(action_id="slow", points=1, cooldown_s=60)
HOURLY = Board(board="default", points_per_hour=10)
KEY = SigningKey(
    key="game.k1",
    algorithm=SigningAlgorithm.ED25519,
    material=bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"),
    caps=Caps(minute=2),
)


def award(award_id: str, user_id: str = "u1", action: Action = QUIZ, *, key: str = "") -> Award:
    return Award(award_id=award_id, user_id=user_id, action=action, named=True, key=key or None)


def told(outcomes: tuple[Outcome, ...]) -> list[str | None]:
    """The rule that refused each award; None for what was recorded."""
    rules: list[str | None] = []
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            assert isinstance(outcome.error, SuspiciousActivity), outcome
            rules.append(outcome.error.rule)
        else:
            assert isinstance(outcome, Recorded), outcome
            rules.append(None)
    return rules


# --- exact, at the edges of their spans


async def test_a_cap_opens_again_exactly_a_span_after_the_award(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, CAPPED)
    seen = []
    for number, moment in enumerate(
        (
            0,
            1,
            MINUTE_MS - 1,
            MINUTE_MS,
            HOUR_MS - 1,
            HOUR_MS,
            DAY_MS - 1,
            DAY_MS,
        )
    ):
        clock.now_ms = NOON + moment
        seen += told(await append(ledger, clock, award(f"a{number}", action=CAPPED)))
    assert seen == [None, None, "cap-minute", None, "cap-hour", None, "cap-day", None]
    await ensure_sums(ledger)


async def test_a_cooldown_ends_at_its_last_millisecond(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, SLOW, QUIZ)
    assert told(await append(ledger, clock, award("a1", action=SLOW), award("q1"))) == [None, None]
    clock.now_ms += MINUTE_MS - 1
    assert told(await append(ledger, clock, award("a2", action=SLOW))) == ["cooldown"]
    clock.now_ms += 1
    assert told(await append(ledger, clock, award("a3", action=SLOW))) == [None]


async def test_an_action_is_awarded_in_its_span_alone(ledger: Ledger, clock: Clock) -> None:
    event = Action(action_id="event", points=1, active_from=NOON + 10, active_until=NOON + 20)
    await put(ledger, event)
    seen = []
    for moment in (9, 10, 19, 20):
        clock.now_ms = NOON + moment
        seen += told(await append(ledger, clock, award(f"a{moment}", action=event)))
    assert seen == ["time-span", None, None, "time-span"]
    assert (await ledger.catalogue()).actions["event"] == event


async def test_points_an_hour_are_of_a_user_on_a_board_over_all_actions(
    ledger: Ledger, clock: Clock
) -> None:
    fall, prize = Action(action_id="fall", points=-4), Action(action_id="prize", points=3)
    other = Action(action_id="other", points=9, board="other")
    await put(ledger, HOURLY, Board(board="other"), QUIZ, fall, prize, other)
    assert (await ledger.catalogue()).boards["default"] == HOURLY
    group = [
        award("a1"),
        award("a2", action=fall),
        award("a3", action=other),
        award("a4", action=prize),
        award("a5"),
        award("b1", "u2"),
    ]
    rules = told(await append(ledger, clock, *group))
    assert rules == [None, None, None, None, "points-hour", None]
    clock.now_ms += HOUR_MS - 1
    rules = told(await append(ledger, clock, award("a6", action=prize), award("a7")))
    assert rules == ["points-hour", "points-hour"]
    clock.now_ms += 1
    rules = told(await append(ledger, clock, award("a8"), award("a9"), award("a10")))
    assert rules == [None, None, "points-hour"]
    await ensure_sums(ledger)


async def test_a_key_is_capped_over_all_users_and_others_are_not(
    ledger: Ledger, clock: Clock
) -> None:
    free = msgspec.structs.replace(KEY, key="game.k2", caps=Caps())
    await put(ledger, QUIZ, KEY, free)
    assert (await ledger.catalogue()).keys == {"game.k1": KEY, "game.k2": free}
    await append(ledger, clock, award("a1", key="game.k1"))
    clock.now_ms += MINUTE_MS - 1
    group = [
        award("a2", "u2", key="game.k1"),
        award("a3", "u3", key="game.k1"),
        award("a4", "u3", key="game.k2"),
        award("a5", "u3"),
    ]
    assert told(await append(ledger, clock, *group)) == [None, "key-minute", None, None]
    clock.now_ms += 1
    assert told(await append(ledger, clock, award("a6", key="game.k1"))) == [None]
    assert told(await append(ledger, clock, award("a7", key="game.k1"))) == ["key-minute"]


async def test_a_repeat_counts_once_and_is_never_refused(ledger: Ledger, clock: Clock) -> None:
    once = Action(action_id="once", points=1, caps=Caps(day=1))
    await put(ledger, once)
    first, again, other = await append(
        ledger,
        clock,
        award("a1", action=once),
        award("a1", action=once),
        award("a2", action=once),
    )
    assert isinstance(first, Recorded)
    assert isinstance(again, Repeated)
    assert told((other,)) == ["cap-day"]
    [later] = await append(ledger, clock, award("a1", action=once))
    assert isinstance(later, Repeated)
    [incident] = await ledger.incidents(Sought(), 10)
    assert incident.count == 1


@pytest.mark.parametrize("limit", ["cap", "points", "key"])
async def test_two_nodes_at_once_never_pass_a_rule_by_one(
    open_ledger: OpenLedger, tmp_path: Path, clock: Clock, limit: str
) -> None:
    """Fifty awards in groups of five through two nodes, all at the same moment."""
    action = Action(action_id="race", points=2, caps=Caps(day=7 if limit == "cap" else 0))
    async with open_ledger(tmp_path, clock) as one, open_ledger(tmp_path, clock) as two:
        await put(one, action, QUIZ)
        if limit == "points":
            await put(one, msgspec.structs.replace(HOURLY, points_per_hour=15))
        if limit == "key":
            await put(one, msgspec.structs.replace(KEY, caps=Caps(hour=7)))
        catalogue = await one.catalogue()
        rules = Rules.of(catalogue.boards.values(), catalogue.keys.values())
        periods = {"default": catalogue.boards["default"].periods_at(NOON)}
        prepared = Prepared(catalogue.version, periods, rules)
        key = "game.k1" if limit == "key" else ""
        groups = [
            [award(f"a{group}-{place}", action=action, key=key) for place in range(5)]
            for group in range(10)
        ]
        outcomes = await asyncio.gather(
            *((one, two)[place % 2].append(group, prepared) for place, group in enumerate(groups))
        )
        seen = told(tuple(outcome for group in outcomes for outcome in group))
        assert seen.count(None) == 7
        assert len(await ensure_sums(two)) == 8 + (limit == "points")
        found = await one.incidents(Sought(), 10)
        assert [incident.count for incident in found] == [43]


# --- in the shadow


async def test_in_the_shadow_everything_is_recorded_and_every_hit_kept(
    ledger: Ledger, clock: Clock
) -> None:
    once = Action(action_id="once", points=6, caps=Caps(day=1), shadow=True)
    shaded = msgspec.structs.replace(HOURLY, shadow=True)
    key = msgspec.structs.replace(KEY, shadow=True)
    await put(ledger, once, shaded, key)
    group = [award(f"a{place}", action=once, key="game.k1") for place in range(3)]
    outcomes = await append(ledger, clock, *group)
    assert told(outcomes) == [None, None, None]
    assert [outcome.shadows for outcome in outcomes if isinstance(outcome, Recorded)] == [
        (),
        (Rule.CAP_DAY, Rule.POINTS_HOUR),
        (Rule.CAP_DAY, Rule.KEY_MINUTE, Rule.POINTS_HOUR),
    ]
    found = {each.hit.rule: each for each in await ledger.incidents(Sought(), 10)}
    assert {rule: each.count for rule, each in found.items()} == {
        Rule.CAP_DAY: 2,
        Rule.KEY_MINUTE: 1,
        Rule.POINTS_HOUR: 2,
    }
    assert all(each.shadow for each in found.values())
    assert found[Rule.POINTS_HOUR].hit.seen == 18
    await ensure_sums(ledger)


# --- incidents


async def test_a_refusal_is_kept_with_who_what_and_the_numbers(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, SLOW)
    await append(ledger, clock, award("a1", action=SLOW))
    clock.now_ms += 1_500
    asked = msgspec.structs.replace(award("a2", action=SLOW, key="game.k9"), caller="game")
    await append(ledger, clock, asked)
    [incident] = await ledger.incidents(Sought(), 10)
    assert (incident.user_id, incident.action_id, incident.board) == ("u1", "slow", "default")
    assert (incident.caller, incident.key) == ("game", "game.k9")
    assert (incident.hit.rule, incident.hit.limit, incident.hit.seen, incident.hit.span_s) == (
        Rule.COOLDOWN,
        60_000,
        1_500,
        60,
    )
    assert (incident.at, incident.last_at, incident.count) == (NOON + 1_500, NOON + 1_500, 1)
    assert incident.shadow is False


async def test_hits_within_a_minute_are_one_incident(ledger: Ledger, clock: Clock) -> None:
    once = Action(action_id="once", points=1, caps=Caps(day=1))
    await put(ledger, once)
    await append(ledger, clock, award("a0", action=once))
    for number in range(4):
        await append(ledger, clock, *(award(f"b{number}-{n}", action=once) for n in range(5)))
        clock.now_ms += 1_000
    clock.now_ms = NOON + MINUTE_MS
    await append(ledger, clock, award("c1", action=once), award("c2", "u2", once))
    await append(ledger, clock, award("c3", "u2", once))
    found = await ledger.incidents(Sought(), 10)
    assert [(each.user_id, each.count) for each in found] == [("u2", 1), ("u1", 1), ("u1", 20)]
    assert (found[-1].at, found[-1].last_at) == (NOON, NOON + 3_000)


async def test_incidents_are_read_by_page_user_and_rule(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, CAPPED, SLOW)
    for user in ("u1", "u2"):
        for place in range(3):
            await append(ledger, clock, award(f"{user}-{place}", user, CAPPED))
            await append(ledger, clock, award(f"{user}-s{place}", user, SLOW))
    every = await ledger.incidents(Sought(), 100)
    assert [(each.user_id, each.hit.rule) for each in every] == [
        ("u2", Rule.CAP_MINUTE),
        ("u2", Rule.COOLDOWN),
        ("u1", Rule.CAP_MINUTE),
        ("u1", Rule.COOLDOWN),
    ]
    first = await ledger.incidents(Sought(), 3)
    assert [*first, *await ledger.incidents(Sought(first[-1].incident), 3)] == every
    assert await ledger.incidents(Sought(user_id="u1"), 10) == every[2:]
    assert await ledger.incidents(Sought(user_id="u1", rule=Rule.COOLDOWN), 10) == every[3:]
    assert await ledger.incidents(Sought(rule=Rule.COOLDOWN), 10) == every[1::2]
    assert await ledger.incidents(Sought(every[1].incident, rule=Rule.COOLDOWN), 10) == every[3:]
    assert await ledger.incidents(Sought(user_id="nobody"), 10) == []


async def test_old_incidents_go_when_new_ones_come(ledger: Ledger, clock: Clock) -> None:
    once = Action(action_id="once", points=1, caps=Caps(day=1))
    await put(ledger, once)
    users = [f"u{place}" for place in range(6)]
    await append(ledger, clock, *(award(f"a-{user}", user, once) for user in users))
    await append(ledger, clock, *(award(f"b-{user}", user, once) for user in users))
    assert len(await ledger.incidents(Sought(), 100)) == 6
    clock.now_ms += 90 * DAY_MS + 1
    for number in range(3):
        pair = (award(f"c{number}-{place}", f"v{number}", once) for place in range(2))
        await append(ledger, clock, *pair)
    found = await ledger.incidents(Sought(), 100)
    assert [each.user_id for each in found] == ["v2", "v1", "v0"]


async def test_an_erased_user_leaves_no_name_in_incidents(ledger: Ledger, clock: Clock) -> None:
    once = Action(action_id="once", points=1, caps=Caps(day=1))
    await put(ledger, once)
    await append(ledger, clock, award("a1", action=once), award("a2", action=once))
    await ledger.moderate(Moderation("u1", Kind.ERASE, "tester", "asked to be forgotten"))
    [incident] = await ledger.incidents(Sought(), 10)
    assert incident.user_id is None
    assert await ledger.incidents(Sought(user_id="u1"), 10) == []


async def test_an_incident_that_cannot_be_kept_changes_no_answer(
    request: pytest.FixtureRequest, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    once = Action(action_id="once", points=1, caps=Caps(day=1))
    await put(ledger, once)
    statement = "ALTER TABLE incidents RENAME TO elsewhere"
    if isinstance(ledger, SqliteLedger):
        with closing(sqlite3.connect(tmp_path / "scoreboard.db")) as db:
            db.execute(statement)
    else:
        server = request.getfixturevalue("postgres")
        server.psql(statement, server.database_of(tmp_path).rpartition("/")[2])
    group = [award("a1", action=once), award("a2", action=once), award("a3", "u2", once)]
    assert told(await append(ledger, clock, *group)) == [None, "cap-day", None]
    assert told(await append(ledger, clock, award("a4", action=once))) == ["cap-day"]
    assert len(await ensure_sums(ledger)) == 3


async def test_rules_travel_with_the_history(
    open_ledger: OpenLedger, ledger: Ledger, tmp_path: Path, clock: Clock
) -> None:
    event = Action(action_id="event", points=1, active_from=5, active_until=NOON, shadow=True)
    await put(ledger, event, msgspec.structs.replace(HOURLY, shadow=True), KEY)
    before = await ledger.catalogue()
    home = tmp_path / "other"
    home.mkdir()
    async with open_ledger(home, clock) as other:
        await other.restore(ledger.history())
        after = await other.catalogue()
    assert (after.actions, after.boards, after.keys) == (
        before.actions,
        before.boards,
        before.keys,
    )


async def test_a_change_of_rules_is_on_record(ledger: Ledger) -> None:
    await put(ledger, HOURLY, KEY, CAPPED)
    action, key, board = await ledger.audit(None, 10)
    assert '"points_per_hour":10' in (board.after or "")
    assert '"caps":{"minute":2,"hour":0,"day":0},"shadow":false' in (key.after or "")
    assert '"active_from":null' in (action.after or "")
