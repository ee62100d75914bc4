"""It is promised that keys are kept with a record of who put and who revoked them, and why."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from scoreboard.core.action import Action
from scoreboard.core.award import Award, Repeated
from scoreboard.core.rule import Caps
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.errors import CatalogueMoved, InvalidPayload
from scoreboard.ports import Change, Ledger, Prepared

from .conftest import sqlite_ledger
from .material import DEFAULT, QUIZ, Clock, all_postings, append, posting_of, put

PUBLIC = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
SEALED = b"planted-secret-that-nobody-may-see"
KEY = SigningKey(key="game.k1", algorithm=SigningAlgorithm.ED25519, material=PUBLIC)
HMAC = SigningKey(
    key="game.h1",
    algorithm=SigningAlgorithm.HMAC_SHA256,
    material=SEALED,
    actions=("quiz", "capped"),
    not_before=1,
    not_after=2**53 - 1,
)
CAPPED = Action(action_id="capped", points=1, caps=Caps(day=9))


def revoked(key: SigningKey, at: int = 7) -> SigningKey:
    return msgspec.structs.replace(key, revoked_at=at)


def signed(award_id: str, action: Action = QUIZ, key: str | None = KEY.key) -> Award:
    return Award(award_id=award_id, user_id="u1", action=action, named=True, key=key)


async def test_keys_come_back_as_they_were_put(ledger: Ledger) -> None:
    await put(ledger, KEY, HMAC)
    assert (await ledger.catalogue()).keys == {"game.k1": KEY, "game.h1": HMAC}


async def test_a_change_of_keys_is_recorded_without_its_secret(ledger: Ledger) -> None:
    await ledger.change(Change(HMAC, "alice", "a new game"))
    await ledger.change(Change(revoked(HMAC), "bob", "it leaked"))
    end, start = await ledger.audit(None, 10)
    assert (start.caller, start.operation, start.subject) == ("alice", "key.put", "game.h1")
    assert (end.caller, end.operation, end.reason) == ("bob", "key.revoke", "it leaked")
    assert start.before is None
    assert end.before == start.after
    assert '"revoked_at":7' in str(end.after)
    told = str(start) + str(end)
    assert SEALED.decode() not in told
    assert "material" not in told


async def test_a_key_is_put_once_and_revoked_once(ledger: Ledger) -> None:
    await put(ledger, KEY, KEY)
    before = await ledger.catalogue(), await ledger.audit(None, 10)
    for other in (
        msgspec.structs.replace(KEY, material=SEALED[:32]),
        msgspec.structs.replace(KEY, actions=("quiz",)),
        msgspec.structs.replace(KEY, not_after=5),
    ):
        with pytest.raises(InvalidPayload):
            await put(ledger, other)
    assert (await ledger.catalogue(), await ledger.audit(None, 10)) == before
    await put(ledger, revoked(KEY), revoked(KEY, 99))
    assert (await ledger.catalogue()).keys["game.k1"].revoked_at == 7
    with pytest.raises(InvalidPayload):
        await put(ledger, KEY)
    assert len(await ledger.audit(None, 10)) == 2


async def test_a_key_that_anybody_can_sign_for_is_refused(ledger: Ledger) -> None:
    with pytest.raises(InvalidPayload) as refused:
        await put(ledger, msgspec.structs.replace(KEY, material=bytes(32)))
    assert refused.value.pointer == "/public"
    assert (await ledger.catalogue()).keys == {}


async def test_a_group_prepared_before_a_revocation_is_refused_whole(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, QUIZ, KEY)
    version = (await ledger.catalogue()).version
    await put(ledger, revoked(KEY))
    periods = {"default": DEFAULT.periods_at(clock())}
    with pytest.raises(CatalogueMoved):
        await ledger.append([signed("a1")], Prepared(version, periods))
    assert await ledger.posting("a1") is None


@pytest.mark.parametrize("action", [QUIZ, CAPPED], ids=["ordinary", "judged"])
async def test_an_award_is_recorded_with_its_key(
    ledger: Ledger, clock: Clock, action: Action
) -> None:
    await put(ledger, QUIZ, CAPPED, KEY)
    outcomes = await append(
        ledger, clock, signed("a1", action), signed("a2", action, None), signed("a1", action)
    )
    assert [posting_of(each).key for each in outcomes[:2]] == ["game.k1", None]
    assert isinstance(outcomes[2], Repeated)
    assert outcomes[2].posting.key == "game.k1"
    stored = await ledger.posting("a1")
    assert stored is not None
    assert stored.key == "game.k1"
    kept = [posting.key for posting in await all_postings(ledger) if posting.user_id]
    assert kept == ["game.k1", None]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM signing_keys",
        "UPDATE signing_keys SET material = x'00'",
        "UPDATE signing_keys SET not_after = NULL",
        "UPDATE signing_keys SET revoked_at = NULL",
    ],
)
async def test_sql_cannot_change_a_key_by_accident(
    tmp_path: Path, clock: Clock, statement: str
) -> None:
    async with sqlite_ledger(tmp_path, clock) as ledger:
        await put(ledger, revoked(HMAC))
        with (
            closing(sqlite3.connect(tmp_path / "scoreboard.db")) as db,
            pytest.raises(sqlite3.IntegrityError),
        ):
            db.execute(statement)
        assert (await ledger.catalogue()).keys == {"game.h1": revoked(HMAC)}


async def test_two_nodes_see_a_revocation_with_the_next_catalogue(
    open_ledger: Callable[..., object], tmp_path: Path, clock: Clock
) -> None:
    async with open_ledger(tmp_path, clock) as one, open_ledger(tmp_path, clock) as two:  # type: ignore[attr-defined]
        await put(one, KEY)
        assert (await two.catalogue()).keys == {"game.k1": KEY}
        await put(two, revoked(KEY))
        assert (await one.catalogue()).keys["game.k1"].revoked_at == 7
