"""It is promised that an award gets its own answer, though a key is revoked under way."""

import asyncio
from typing import Any

from scoreboard.core.award import Recorded, Refused
from scoreboard.errors import ActionRejected
from tests.contracts.material import QUIZ, award, put


async def test_a_key_revoked_during_the_commit_gives_nobody_anothers_answer(world: Any) -> None:
    await put(world.ledger, QUIZ)
    await world.catalogue.load()
    commit, revoked = world.commit(), set()
    commit._present = lambda one: Refused(ActionRejected()) if one.award_id in revoked else one

    async def revoke() -> None:
        revoked.add("one")

    world.ledger.before["append"] = revoke
    asked = [award("one", "u1"), award("two", "u2")]
    outcomes = await asyncio.gather(*(commit.record(one) for one in asked))
    assert all(isinstance(outcome, Recorded) for outcome in outcomes)
    assert [outcome.posting.award_id for outcome in outcomes] == ["one", "two"]
