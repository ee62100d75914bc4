"""It is promised that an incident is open until somebody has dealt with it, or more is refused."""

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.incident import Incident
from scoreboard.core.posting import Kind
from scoreboard.core.rule import Caps
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.errors import NotFound
from scoreboard.ports import Dismissal, Ledger, Moderation, Sought

from .material import QUIZ, Clock, append, award, put

MINUTE_MS = 60_000
ONCE = Action(action_id="once", points=1, caps=Caps(day=1))
KEY = SigningKey(
    key="game.one",
    algorithm=SigningAlgorithm.HMAC_SHA256,
    material=bytes(40),
    actions=(),
    caps=Caps(day=1),
)


async def refused(ledger: Ledger, clock: Clock, name: str, user_id: str = "u1") -> None:
    """A minute on, twice what is allowed once."""
    clock.now_ms += MINUTE_MS
    await append(ledger, clock, *(award(f"{name}{n}", user_id, ONCE) for n in range(2)))


async def signed(ledger: Ledger, clock: Clock, name: str) -> None:
    clock.now_ms += MINUTE_MS
    awards = (award(f"{name}{n}", f"s{n}") for n in range(2))
    await append(ledger, clock, *(msgspec.structs.replace(each, key=KEY.key) for each in awards))


async def listed(ledger: Ledger) -> list[tuple[str | None, bool]]:
    """Whose incidents there are, and whether they are open, the oldest first."""
    found = await ledger.incidents(Sought(), 100)
    return [
        (each.subject if each.hit.rule.of_key else each.user_id, each.is_open) for each in found
    ][::-1]


async def newest(ledger: Ledger) -> Incident:
    return (await ledger.incidents(Sought(), 1))[0]


async def test_to_dismiss_one_closes_those_before_it_of_the_same_user(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, ONCE)
    for name, user_id in (("a", "u1"), ("b", "u2"), ("c", "u1"), ("d", "u1")):
        await refused(ledger, clock, name, user_id)
    second = (await ledger.incidents(Sought(user_id="u1"), 10))[1]
    dismissal = Dismissal(second.incident, "mo", "a broken button")
    closed = await ledger.dismiss_incident(dismissal)
    assert closed == msgspec.structs.replace(second, is_open=False)
    assert await ledger.dismiss_incident(dismissal) == closed
    assert await listed(ledger) == [("u1", False), ("u2", True), ("u1", False), ("u1", True)]
    record = await ledger.record_of("u1", None, 10)
    assert [(each.operation, each.caller, each.reason) for each in record] == [
        ("incident.dismiss", "mo", "a broken button")
    ]


async def test_what_is_refused_after_that_opens_it_again(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, ONCE)
    await refused(ledger, clock, "a")
    dismissed = await ledger.dismiss_incident(Dismissal((await newest(ledger)).incident, "mo", "!"))
    assert not dismissed.is_open
    clock.now_ms += 1  # in the same minute: the same incident
    await append(ledger, clock, award("more", action=ONCE))
    again = await newest(ledger)
    assert (again.incident, again.count, again.is_open) == (dismissed.incident, 2, True)
    assert not (await ledger.dismiss_incident(Dismissal(again.incident, "mo", "!"))).is_open


async def test_a_clock_that_goes_back_leaves_it_closed(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, ONCE, QUIZ)
    await append(ledger, clock, award("a", action=ONCE))
    clock.now_ms += 5_000
    await append(ledger, clock, award("b", action=ONCE))  # nothing is posted: the head stays behind
    clock.now_ms -= 4_000
    number = (await newest(ledger)).incident
    assert not (await ledger.dismiss_incident(Dismissal(number, "mo", "!"))).is_open


async def test_a_key_s_incidents_are_closed_by_key(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, ONCE, KEY)
    await signed(ledger, clock, "a")
    await refused(ledger, clock, "b", "s1")
    assert await listed(ledger) == [("game.one", True), ("s1", True)]
    first = (await ledger.incidents(Sought(), 2))[1]
    await ledger.dismiss_incident(Dismissal(first.incident, "mo", "a campaign"))
    assert await listed(ledger) == [("game.one", False), ("s1", True)]
    await signed(ledger, clock, "c")
    assert (await listed(ledger))[-1] == ("game.one", True)
    revoked = msgspec.structs.replace(KEY, revoked_at=clock.now_ms)
    await put(ledger, revoked)
    assert await listed(ledger) == [("game.one", False), ("s1", True), ("game.one", False)]


@pytest.mark.parametrize(
    ("kind", "is_open"),
    [(Kind.HOLD, True), (Kind.HIDE, False), (Kind.BAN, False), (Kind.ERASE, False)],
)
async def test_a_decision_about_the_user_closes_what_was_before_it(
    ledger: Ledger, clock: Clock, kind: Kind, *, is_open: bool
) -> None:
    await put(ledger, ONCE)
    for name, user_id in (("a", "u1"), ("b", "u2")):
        await refused(ledger, clock, name, user_id)
    await ledger.moderate(Moderation("u1", kind, "mo", "seen"))
    assert [is_it for _, is_it in await listed(ledger)] == [is_open, True]
    if kind is Kind.HIDE:
        await refused(ledger, clock, "c")
        assert await listed(ledger) == [("u1", False), ("u2", True), ("u1", True)]


async def test_there_is_nothing_to_dismiss_without_a_number(ledger: Ledger, clock: Clock) -> None:
    await put(ledger, ONCE)
    await refused(ledger, clock, "a")
    for number in (1 + (await newest(ledger)).incident, 10**15 - 1):
        with pytest.raises(NotFound):
            await ledger.dismiss_incident(Dismissal(number, "mo", "!"))
