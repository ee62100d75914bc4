"""It is promised that one node leads, and that another takes over when it stops."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from scoreboard.core.standing import Snapshot
from scoreboard.errors import Deposed, Unavailable
from scoreboard.service import leadership as module
from scoreboard.service.leadership import LEASE_MS, Alone, Lease
from scoreboard.telemetry import Telemetry
from tests.contracts.material import PRIZE, QUIZ, append, award, put


def lease(world: Any, holder: str) -> Lease:
    return Lease(world.ledger, holder, Telemetry())


async def test_the_first_to_ask_leads_and_the_second_stands_by(world: Any) -> None:
    first, second = lease(world, "first"), lease(world, "second")
    await first.renew()
    await second.renew()
    assert first.term is not None
    assert second.term is None


async def test_a_node_that_resigns_is_followed_at_once(world: Any) -> None:
    first, second = lease(world, "first"), lease(world, "second")
    await first.renew()
    term = first.term
    await first.resign()
    assert first.term is None
    await second.renew()
    assert term is not None
    assert second.term is not None
    assert second.term > term


async def test_a_node_that_was_not_heard_of_is_followed_when_its_lease_has_run_out(
    world: Any,
) -> None:
    first, second = lease(world, "first"), lease(world, "second")
    await first.renew()
    world.clock.now_ms += LEASE_MS + 1
    await second.renew()
    assert second.term is not None
    await first.renew()
    assert first.term is None


async def test_an_outage_is_said_once_and_the_next_one_again(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_EVERY_S", 0)
    node, real, asked = lease(world, "node"), world.ledger.lead, 0

    async def lost(_: str, __: int) -> int | None:
        nonlocal asked
        asked += 1
        raise Unavailable

    world.ledger.lead = lost
    with capture_logs() as logs:
        running = asyncio.ensure_future(node.run())
        for _ in range(2):
            before, world.ledger.lead = asked, lost
            await until(lambda before=before: asked > before + 3)
            world.ledger.lead = real
            await until(lambda: node.term is not None)
            node._until_s = float("-inf")
        running.cancel()
        await asyncio.wait([running])
    assert [entry["event"] for entry in logs].count("lease.failed") == 2


async def test_the_lease_ends_here_before_it_ends_in_the_ledger(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    asked_s = now_s = loop.time()
    node, real = lease(world, "node"), loop.time
    monkeypatch.setattr(loop, "time", lambda: now_s)
    slow = world.ledger.lead

    async def lead(holder: str, lease_ms: int) -> int | None:
        nonlocal now_s
        term: int | None = await slow(holder, lease_ms)
        now_s += 2  # the answer was on its way for two seconds
        return term

    world.ledger.lead = lead
    await node.renew()
    now_s = asked_s + LEASE_MS / 1000 - 0.001
    assert node.term is not None
    now_s = asked_s + LEASE_MS / 1000
    assert node.term is None
    monkeypatch.setattr(loop, "time", real)


async def test_whoever_waits_to_lead_is_told(world: Any, until: Any) -> None:
    first, second = lease(world, "first"), lease(world, "second")
    await first.renew()
    waiting = asyncio.ensure_future(second.gained())
    await second.renew()
    assert not waiting.done()
    await first.resign()
    await second.renew()
    assert await waiting == second.term


async def test_an_outage_of_the_ledger_is_waited_out(
    world: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_EVERY_S", 0.001)
    node, failures, lead = lease(world, "node"), 0, world.ledger.lead

    async def fail(holder: str, lease_ms: int) -> int | None:
        nonlocal failures
        failures += 1
        if failures < 4:
            raise Unavailable
        term: int | None = await lead(holder, lease_ms)
        return term

    world.ledger.lead = fail
    task = asyncio.ensure_future(node.run())
    await until(lambda: node.term is not None)
    task.cancel()
    assert failures >= 4


async def test_a_node_that_shares_with_nobody_leads_always() -> None:
    alone = Alone()
    await alone.run()
    await alone.resign()
    assert await alone.gained() == alone.term


class Turns:
    """A leadership that is given and taken by the test."""

    def __init__(self, term: int | None) -> None:
        self.term = term

    async def gained(self) -> int:
        while self.term is None:  # noqa: ASYNC110 - the test turns it
            await asyncio.sleep(0)
        return self.term

    async def run(self) -> None: ...
    async def resign(self) -> None: ...


async def test_only_the_node_that_leads_changes_the_ranking(world: Any, until: Any) -> None:
    await put(world.ledger, QUIZ, PRIZE)
    turns = Turns(None)
    task = asyncio.ensure_future(world.relay(turns).run())
    await append(world.ledger, world.clock, award("one"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert await world.ranking.place() is None
    turns.term = 1
    await until(lambda: _ranks(world, 1))
    turns.term = None
    await append(world.ledger, world.clock, award("two", "u2"))
    await asyncio.sleep(0.3)  # three looks of a follower
    assert not await _ranks(world, 2)
    turns.term = 2
    await until(lambda: _ranks(world, 2))
    assert world.metric("scoreboard_rebuilds_total") == 1
    task.cancel()


async def test_whoever_takes_over_tells_every_top_again(world: Any) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    first = world.relay()
    await first.rebuild()
    # It dies between applying and publishing.
    await append(world.ledger, world.clock, award("two", "u2"))
    await first.follow()
    world.publisher.forget()
    await world.relay().take_over(2)
    await world.publisher.publish()
    (news,) = [
        each
        for each in await anext(aiter(world.bus.news()))
        if isinstance(each, Snapshot) and each.period == "all" and each.board == "default"
    ]
    assert {row.user_id for row in news.rows} == {"u1", "u2"}


async def test_a_leader_of_an_earlier_term_gives_up(world: Any) -> None:
    await put(world.ledger, QUIZ)
    await world.ranking.lead(5)
    with pytest.raises(Deposed):
        await world.relay().take_over(4)


async def test_a_ranking_of_another_history_or_of_the_future_is_rebuilt(world: Any) -> None:
    await put(world.ledger, QUIZ)
    await append(world.ledger, world.clock, award("one"))
    relay = world.relay()
    await relay.rebuild()
    epoch, seq = await world.ranking.place()
    for wrong in ((epoch, seq + 1), (epoch - 1, seq), (epoch + 1, 1)):
        await world.ranking.rebuild(wrong)
        await world.ranking.switch()
        await relay.take_over(1)
        assert await world.ranking.place() == (epoch, seq)
        assert await _ranks(world, 1)


async def _ranks(world: Any, users: int) -> bool:
    return await world.ranking.total((await world.ledger.catalogue()).boards["default"], "all") == (
        users
    )
