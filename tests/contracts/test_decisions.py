"""It is promised that an audit notices who stands against the postings, and what has no record."""

import msgspec
import pytest

from scoreboard.core.posting import Kind
from scoreboard.core.reversal import AwardsOf, OneAward
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.ports import Decided, Ledger, Moderation, Reversal, Undone
from scoreboard.service import decisions as module
from scoreboard.service.decisions import Decisions, compare_decisions

from .material import Clock, append, award, put
from .superuser import Superuser

DECISIONS = (
    ("u1", Kind.HOLD),
    ("u1", Kind.BAN),
    ("u2", Kind.HOLD),
    ("u3", Kind.HIDE),
    ("u3", Kind.ERASE),
    ("u4", Kind.BAN),
    ("u4", Kind.RELEASE),
)


async def lived(ledger: Ledger, clock: Clock) -> None:
    """Five users, four of them decided about, and two awards taken back."""
    await append(ledger, clock, *(award(f"a{n}", f"u{1 + n % 5}") for n in range(10)))
    for user_id, kind in DECISIONS:
        await ledger.moderate(Moderation(user_id, kind, "mo", "why not"))
    await ledger.reverse(Reversal(OneAward("a4"), "mo", "a bug"))
    await ledger.reverse(Reversal(AwardsOf("u5", 0), "mo", "a bug"))


async def compared(ledger: Ledger) -> Decisions:
    return await compare_decisions(ledger, lambda _, __: None)


async def test_decisions_are_told_with_their_postings_and_records(
    ledger: Ledger, clock: Clock
) -> None:
    assert await compared(ledger) == Decisions(0, (), Undone(0, 0))
    await lived(ledger, clock)
    found = await ledger.decided(0, 10)
    assert list(found) == [
        Decided(1, "u1", "banned", Kind.BAN, 2, 2),  # type: ignore[arg-type]
        Decided(2, "u2", "held", Kind.HOLD, 1, 1),  # type: ignore[arg-type]
        Decided(3, None, "hidden", Kind.HIDE, 2, 2),  # type: ignore[arg-type]
        Decided(4, "u4", "active", Kind.RELEASE, 2, 2),  # type: ignore[arg-type]
    ]
    assert list(await ledger.decided(1, 2)) == list(found[1:3])
    assert await ledger.undone() == Undone(2, 2)


@pytest.mark.parametrize("page", [1, 3, 4, 100])
async def test_what_nobody_touched_is_in_order(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(module, "PAGE", page)
    await lived(ledger, clock)
    found = await compared(ledger)
    assert (found.users, found.different) == (4, 0)


@pytest.mark.parametrize(
    ("statement", "refs"),
    [
        ("UPDATE users SET status = 'active' WHERE user_id IN ('u1', 'u2')", [1, 2]),
        ("UPDATE users SET status = 'banned' WHERE user_id = 'u4'", [4]),
        ("UPDATE users SET status = 'hidden' WHERE user_id = 'u5'", [5]),
        ("DELETE FROM audit WHERE subject = 'user:1' AND operation = 'user.hold'", [1]),
        ("DELETE FROM audit WHERE operation = 'user.erase'", [3]),
        ("UPDATE audit SET subject = 'user:2' WHERE operation = 'user.release'", [2, 4]),
    ],
)
async def test_who_stands_or_is_recorded_otherwise_is_named(
    ledger: Ledger, clock: Clock, superuser: Superuser, statement: str, refs: list[int]
) -> None:
    await lived(ledger, clock)
    await superuser.does(statement)
    found = await compared(ledger)
    if refs == [2, 4]:
        # A release more than was posted is as wrong as one less.
        assert [(each.decisions, each.recorded) for each in found.differing] == [(1, 2), (2, 1)]
    assert [each.user_ref for each in found.differing] == refs
    assert found.different == len(refs)


@pytest.mark.parametrize(
    ("statement", "keys"),
    [
        ("UPDATE signing_keys SET revoked_at = NULL", ("game.two",)),
        ("UPDATE signing_keys SET revoked_at = 1 WHERE revoked_at IS NULL", ("game.one",)),
        ("UPDATE signing_keys SET key = 'game.six' WHERE key = 'game.one'", ("game.six",)),
        ("DELETE FROM audit WHERE operation = 'key.revoke'", ("game.two",)),
    ],
)
async def test_a_key_that_is_not_as_it_was_recorded_is_named(
    ledger: Ledger, superuser: Superuser, statement: str, keys: tuple[str, ...]
) -> None:
    one = SigningKey(key="game.one", algorithm=SigningAlgorithm.HMAC_SHA256, material=bytes(40))
    two = msgspec.structs.replace(one, key="game.two")
    await put(ledger, one, two, msgspec.structs.replace(two, revoked_at=1_795_435_200_000))
    assert (await compared(ledger)).different == 0
    await superuser.does(statement)
    found = await compared(ledger)
    assert (found.keys, found.different) == (keys, 1)


async def test_reversals_without_a_record_are_counted(
    ledger: Ledger, clock: Clock, superuser: Superuser
) -> None:
    await lived(ledger, clock)
    await superuser.does(
        "DELETE FROM audit WHERE entry = (SELECT max(entry) FROM audit)",
    )
    found = await compared(ledger)
    assert (found.undone, found.different) == (Undone(2, 1), 1)
