"""It is promised that what audits store comes back, and that findings follow from the ledger."""

import contextlib
import sqlite3
from collections.abc import Sequence

import asyncpg
import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.activity import HOUR_MS, Activity, KeyActivity
from scoreboard.core.finding import Finding, Irregularity, Noted
from scoreboard.core.reversal import OneAward
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.core.window import Window, period_at
from scoreboard.errors import NotFound
from scoreboard.ports import Change, Dismissal, Ledger, Reversal
from scoreboard.ports.findings import KEY_OPEN_MS, OPEN_PLACE

from .material import DAY_MS, FALL, FOUL, GOAL, LEAGUE, NOON, PRIZE, Clock, append, award, put

HOUR = NOON // HOUR_MS


def hour_of(user_ref: int, hour: int, awards: int = 3) -> Activity:
    return Activity(user_ref, hour, awards, 30, (1 << 60) - 1, 2, 1, 1)


def finding(user_ref: int | None = None, key: str | None = None, day: int = 20_000) -> Finding:
    kind = Irregularity.SPIKE if key is None else Irregularity.KEY
    return Finding(
        irregularity=kind,
        day=day,
        user_ref=user_ref,
        key=key,
        says="Much.",
        numbers={"z": 6.5, "awards": 80},
    )


def opened(listed: Sequence[Noted]) -> list[Finding]:
    return [noted.finding for noted in listed if noted.is_open]


async def test_sightings_are_the_awards_in_order(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2", PRIZE))
    found = [tuple(sighting) for sighting in await ledger.sightings(0, 10)]
    assert found == [(2, NOON, 1, 5, "quiz", None), (3, NOON, 2, 12, "prize", None)]
    assert [seq for seq, *_ in await ledger.sightings(2, 10)] == [3]
    assert len(await ledger.sightings(0, 1)) == 1


async def test_a_moment_has_a_last_posting_before_it(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    assert await ledger.seq_before(NOON) == 0
    assert await ledger.seq_before(NOON + 1) == 2


async def test_users_are_numbered_as_they_come(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"), award("a3", "u1"))
    assert [await ledger.newest_user(seq) for seq in (1, 2, 3, 4)] == [0, 1, 2, 2]


async def test_hours_come_back_by_user(ledger: Ledger) -> None:
    hours = [hour_of(2, HOUR), hour_of(1, HOUR + 1), hour_of(1, HOUR), hour_of(3, HOUR - 9)]
    await ledger.put_activities(hours, [])
    assert list(await ledger.activities((0, 0), HOUR, 10)) == [hours[2], hours[1], hours[0]]
    assert list(await ledger.activities((1, HOUR), HOUR, 1)) == [hours[1]]


async def test_an_hour_that_is_put_again_is_replaced(ledger: Ledger) -> None:
    await ledger.put_activities([hour_of(1, HOUR)], [KeyActivity("game.one", HOUR, 3, 1)])
    await ledger.put_activities([hour_of(1, HOUR, 9)], [KeyActivity("game.one", HOUR, 4, 2)])
    assert list(await ledger.activities((0, 0), 0, 10)) == [hour_of(1, HOUR, 9)]
    assert list(await ledger.key_activities(HOUR)) == [KeyActivity("game.one", HOUR, 4, 2)]
    assert list(await ledger.key_activities(HOUR + 1)) == []


async def test_old_hours_are_forgotten(ledger: Ledger) -> None:
    old = [hour_of(ref, HOUR - 1) for ref in range(1, 6_001)]
    await ledger.put_activities([*old, hour_of(7, HOUR)], [KeyActivity("a.b", HOUR - 1, 1, 0)])
    await ledger.forget_activities(HOUR)
    assert list(await ledger.activities((0, 0), 0, 10)) == [hour_of(7, HOUR)]
    assert list(await ledger.key_activities(0)) == []


async def test_a_finding_is_stored_once_and_comes_back_whole(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"))
    assert list(await ledger.note_findings([finding(1), finding(1)])) == [finding(1)]
    assert list(await ledger.note_findings([finding(1), finding(1, day=20_001)])) == [
        finding(1, day=20_001)
    ]
    newest, first = await ledger.findings(None, 10)
    assert (first.finding, first.user_id, first.status, first.at) == (
        finding(1),
        "u1",
        "active",
        NOON,
    )
    assert newest.place > first.place > OPEN_PLACE
    assert list(await ledger.findings(newest.place, 10)) == [first]
    queue = await ledger.review()
    assert (queue.open[Irregularity.SPIKE], queue.open[Irregularity.RING], queue.held) == (2, 0, 0)


async def test_a_key_s_finding_is_open_until_the_key_is_revoked(
    ledger: Ledger, clock: Clock
) -> None:
    key = SigningKey(
        key="game.one",
        algorithm=SigningAlgorithm.HMAC_SHA256,
        material=bytes(40),
        actions=(),
    )
    await put(ledger, key)
    await ledger.note_findings([finding(key="game.one"), finding(key="game.two")])
    assert len(opened(await ledger.findings(None, 10))) == 2
    revoked = SigningKey(
        key="game.one",
        algorithm=SigningAlgorithm.HMAC_SHA256,
        material=bytes(40),
        actions=(),
        revoked_at=NOON,
    )
    await ledger.change(Change(revoked, "tester", "lost"))
    first, second = await ledger.findings(None, 10)
    assert (first.finding.key, first.is_open) == ("game.two", True)
    assert (second.finding.key, second.is_open) == ("game.one", False)
    assert second.place < OPEN_PLACE
    clock.now_ms += KEY_OPEN_MS + DAY_MS
    await append(ledger, clock, award("a1"))
    assert opened(await ledger.findings(None, 10)) == []
    assert (await ledger.review()).open[Irregularity.KEY] == 0


async def test_a_finding_that_was_looked_at_is_dismissed_once_and_for_ever(
    ledger: Ledger, clock: Clock
) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2"))
    await ledger.note_findings([finding(1), finding(2), finding(1, day=20_001), finding(key="a.b")])
    entries = {noted.finding.identity: noted.entry for noted in await ledger.findings(None, 10)}
    clock.now_ms += HOUR_MS
    for found in (finding(1), finding(1), finding(key="a.b")):
        dismissal = Dismissal(entries[found.identity], "mo", "a tournament")
        noted = await ledger.dismiss_finding(dismissal)
        assert (noted.finding, noted.is_open, noted.place) == (found, False, noted.entry)
    assert opened(await ledger.findings(None, 10)) == [finding(1, day=20_001), finding(2)]
    queue = await ledger.review()
    assert (queue.open[Irregularity.SPIKE], queue.open[Irregularity.KEY]) == (2, 0)
    (record,) = await ledger.record_of("u1", None, 10)
    assert (record.operation, record.caller, record.reason) == (
        "finding.dismiss",
        "mo",
        "a tournament",
    )
    assert record.at == NOON + HOUR_MS
    assert [entry.subject for entry in await ledger.audit(None, 2)] == ["a.b", "u1"]
    # An audit that sees it again does not open it.
    await ledger.note_findings([finding(1)])
    assert finding(1) not in opened(await ledger.findings(None, 10))
    with pytest.raises(NotFound):
        await ledger.dismiss_finding(Dismissal(99, "mo", "why"))


async def test_findings_come_page_by_page_each_once(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, *(award(f"a{ref}", f"u{ref}") for ref in range(1, 8)))
    await ledger.note_findings([finding(ref) for ref in range(1, 8)])
    whole = list(await ledger.findings(None, 10))
    for noted in whole[::3]:
        await ledger.dismiss_finding(Dismissal(noted.entry, "mo", "why"))
    paged: list[Noted] = []
    before = None
    while page := await ledger.findings(before, 2):
        paged += page
        before = page[-1].place
    assert [noted.is_open for noted in paged] == [True] * 4 + [False] * 3
    assert sorted(noted.entry for noted in paged) == sorted(noted.entry for noted in whole)
    for part in (paged[:4], paged[4:]):
        assert [noted.entry for noted in part] == sorted(
            (noted.entry for noted in part), reverse=True
        )


@pytest.mark.parametrize("window", [Window.ALL, Window.DAY])
async def test_right_scores_are_the_sums(ledger: Ledger, clock: Clock, window: Window) -> None:
    await put(ledger, LEAGUE, GOAL, FOUL)
    clock.now_ms += HOUR_MS
    await append(
        ledger, clock, award("a1", "u1", GOAL), award("a2", "u2", FOUL), award("a3", "u1", FALL)
    )
    clock.now_ms += DAY_MS
    await append(ledger, clock, award("a4", "u1", GOAL))
    period = period_at(window, NOON + HOUR_MS, LEAGUE.time_zone)
    compared = await ledger.compare_sums("league", period)
    assert (compared.scores, compared.differences) == (2, ())
    spans = await ledger.spans()
    assert {("default", "all"), ("league", "all"), ("league", period.name)} <= set(spans)


async def changed_by_hand(ledger: Ledger, statement: str) -> None:
    """As somebody with the database's password would."""
    if isinstance(ledger, SqliteLedger):
        with contextlib.closing(sqlite3.connect(ledger._path, isolation_level=None)) as db:
            db.execute(statement)
        return
    connection = await asyncpg.connect(ledger._url)  # type: ignore[attr-defined]
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE scores SET score = score + 1 WHERE user_id = 'u2'", ("u2", 13, 12)),
        ("DELETE FROM scores WHERE user_id = 'u2'", ("u2", None, 12)),
        ("INSERT INTO scores VALUES ('default', 'all', 'ghost', 7, 1, 1)", ("ghost", 7, None)),
    ],
)
async def test_scores_that_were_changed_by_hand_are_named(
    ledger: Ledger,
    clock: Clock,
    statement: str,
    told: tuple[str, int | None, int | None],
) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2", PRIZE), award("a3"))
    await ledger.reverse(Reversal(OneAward("a1"), "mo", "a mistake"), None, 10)
    period = period_at(Window.ALL, NOON, "UTC")
    assert (await ledger.compare_sums("default", period)).differences == ()
    await changed_by_hand(ledger, statement)
    (wrong,) = (await ledger.compare_sums("default", period)).differences
    assert (wrong.user_id, wrong.score, wrong.sum) == told
