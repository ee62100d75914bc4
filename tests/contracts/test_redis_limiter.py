"""The limiter on Redis: exact over many nodes, and never in the way when Redis is not there."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from scoreboard.adapters.memory import MemoryLimiter
from scoreboard.adapters.redis import connection
from scoreboard.adapters.redis.limiter import BATCH_MAX, RedisLimiter
from scoreboard.errors import Misconfigured
from scoreboard.ports import Rate, Verdict
from tests.servers.valkey import ValkeyServer

from .material import ManualSeconds

PATIENCE_S = 30
"""Longer than a busy machine takes, where the server is not to be lost."""

THREE = Rate(3, 60)


@contextlib.asynccontextmanager
async def node(
    url: str,
    clock: ManualSeconds | None = None,
    observe: Callable[[bool], None] = lambda _: None,
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[RedisLimiter]:
    fallback = MemoryLimiter(clock or time.monotonic)
    limiter = await RedisLimiter.open(url, fallback=fallback, observe=observe, clock=clock)
    limiter.patience_s = patience_s
    try:
        yield limiter
    finally:
        await limiter.close()


async def granted(limiter: RedisLimiter, key: str, rate: Rate, asked: int) -> int:
    return sum([(await limiter.hit(key, rate)).allowed for _ in range(asked)])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is awaited is in a server
            await asyncio.sleep(0.005)


def without_waiting(call: Coroutine[Any, Any, Verdict]) -> Verdict:
    """What a coroutine answers that never gives the event loop a turn."""
    with pytest.raises(StopIteration) as done:
        call.send(None)
    verdict: Verdict = done.value.value
    return verdict


def keys(server: ValkeyServer, pattern: str = "*") -> list[str]:
    with contextlib.closing(server.client()) as client:
        return client.keys(pattern)


async def test_eight_nodes_together_never_grant_more_than_the_limit(valkey: ValkeyServer) -> None:
    rate, url = Rate(7, 1), valkey.url()
    moments: list[int] = []

    async def ask(limiter: RedisLimiter) -> None:
        enter = limiter._memory.enter

        def noted(key: str, rate: Rate, moment: int, *rest: int) -> None:
            moments.append(moment)
            enter(key, rate, moment, *rest)

        limiter._memory.enter = noted
        while len(moments) < 4 * rate.limit:
            await limiter.hit("u1", rate)

    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        nodes = [await stack.enter_async_context(node(url)) for _ in range(8)]
        await asyncio.gather(*map(ask, nodes))
    moments.sort()
    for first, after in zip(moments, moments[rate.limit :], strict=False):
        assert after - first >= rate.window_s * 1_000_000


async def test_what_waits_goes_into_one_call(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url()) as limiter:
        await limiter.hit("u1", THREE)
        with contextlib.closing(own_valkey.client()) as client:
            client.config_resetstat()
            verdicts = await asyncio.gather(
                *(limiter.hit(f"u{number % 500}", Rate(2, 60)) for number in range(2000))
            )
            calls = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    # u1 had been hit before.
    assert sum(verdict.allowed for verdict in verdicts) == 2 * 500 - 1
    assert calls <= 2000 / BATCH_MAX + 2


async def test_a_key_lives_as_long_as_its_hits_count(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url("here")) as limiter:
        assert await granted(limiter, "u1", THREE, 5) == 3
        with contextlib.closing(own_valkey.client()) as client:
            assert all(key.startswith("{here}:") for key in client.keys("*"))
            (key,) = keys(own_valkey, "*u1")
            assert 59_000 < client.pttl(key) <= 60_001
            assert client.llen(key) == 3
        assert (await limiter.hit("u2", Rate(1, 1))).allowed
        await until(lambda: not keys(own_valkey, "*log:u2"))


async def test_a_node_gives_back_its_own_hit_and_nobody_elses(valkey: ValkeyServer) -> None:
    url, clock = valkey.url(), ManualSeconds()
    async with node(url, clock) as one, node(url, clock) as two, node(url, clock) as idle:
        rate = Rate(2, 60)
        await one.hit("u1", rate)
        clock.now_s += 30
        await two.hit("u1", rate)
        await idle.give_back("u1")
        assert not (await idle.hit("u1", rate)).allowed
        await one.give_back("u1")
        await one.give_back("u1")
        assert await idle.hit("u1", rate) == Verdict(True, 0, 60)
        assert not (await one.hit("u1", rate)).allowed


async def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_window(
    valkey: ValkeyServer,
) -> None:
    clock = ManualSeconds()
    async with node(valkey.url(), clock) as limiter:
        clock.now_s += 86_400
        assert await granted(limiter, "u1", THREE, 4) == 3
        clock.now_s -= 86_400
        assert await limiter.hit("u1", THREE) == Verdict(False, 0, 60)
        clock.now_s += 59.75
        assert await limiter.hit("u1", THREE) == Verdict(False, 0, 1)
        clock.now_s += 0.25
        assert await granted(limiter, "u1", THREE, 4) == 3


# --- Redis is lost


async def test_without_redis_the_fallback_decides_at_once_with_the_same_limits(
    own_valkey: ValkeyServer,
) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url(), observe=heard.append) as limiter:
        assert await granted(limiter, "u1", THREE, 2) == 2
        own_valkey.kill()
        assert (await limiter.hit("u1", THREE)).allowed
        assert heard == [False]
        # What was granted before counts here too.
        assert not without_waiting(limiter.hit("u1", THREE)).allowed
        allowed = [without_waiting(limiter.hit("u2", THREE)).allowed for _ in range(4)]
        assert allowed == [True, True, True, False]
        await limiter.give_back("u2")
        assert without_waiting(limiter.hit("u2", THREE)).allowed


async def test_back_again_redis_counts_and_has_what_was_granted_without_it(
    own_valkey: ValkeyServer,
) -> None:
    heard: list[bool] = []
    url = own_valkey.url("same")
    async with node(url, observe=heard.append) as limiter:
        assert await granted(limiter, "u1", THREE, 1) == 1
        own_valkey.kill()
        assert await granted(limiter, "u1", THREE, 1) == 1
        own_valkey.start()
        await until(lambda: heard == [False, True])
        assert await granted(limiter, "u1", THREE, 3) == 1
        async with node(url) as other:
            assert not (await other.hit("u1", THREE)).allowed
            assert (await other.hit("u2", THREE)).remaining == 2
            assert (await limiter.hit("u2", THREE)).remaining == 1
    assert heard == [False, True]


async def test_a_server_that_hangs_holds_nobody_up(
    own_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the limiter's patience ends a call here.
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT_S", 600)
    monkeypatch.setattr(connection, "CALL_TIMEOUT_S", 600)
    heard: list[bool] = []
    async with node(own_valkey.url(), observe=heard.append, patience_s=0.25) as limiter:
        await limiter.hit("u1", THREE)
        own_valkey.pause()
        async with asyncio.timeout(PATIENCE_S):
            verdicts = await asyncio.gather(*(limiter.hit("u2", THREE) for _ in range(600)))
        assert sum(verdict.allowed for verdict in verdicts) == 3
        assert not heard[-1]
        assert not without_waiting(limiter.hit("u2", THREE)).allowed
        own_valkey.resume()
        limiter.patience_s = PATIENCE_S
        await until(lambda: heard[-1])
        async with node(own_valkey.url()) as other:
            assert (await other.hit("u3", THREE)).allowed


async def test_a_node_may_start_before_redis_does(own_valkey: ValkeyServer) -> None:
    heard: list[bool] = []
    own_valkey.kill()
    async with node(own_valkey.url("same"), observe=heard.append) as limiter:
        await limiter.remember("u1", THREE, 5)
        assert await granted(limiter, "u1", THREE, 3) == 2
        own_valkey.start()
        await until(lambda: heard == [False, True])
        await until(lambda: keys(own_valkey, "*log:u1"))
        async with node(own_valkey.url("same")) as other:
            assert not (await other.hit("u1", THREE)).allowed


async def test_what_waits_when_the_limiter_is_closed_is_decided(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url()) as limiter:
        await limiter.hit("u1", THREE)
        own_valkey.pause()
        waiting = [asyncio.ensure_future(limiter.hit("u1", THREE))]
        await until(lambda: limiter._asked)
        waiting += [asyncio.ensure_future(limiter.hit("u1", THREE)) for _ in range(2)]
        await until(lambda: len(limiter._waiting) == 2)
    async with asyncio.timeout(PATIENCE_S):
        verdicts = await asyncio.gather(*waiting)
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]


async def test_nonsense_for_an_address_is_refused() -> None:
    with pytest.raises(Misconfigured):
        await RedisLimiter.open("redis://?", fallback=MemoryLimiter(time.monotonic))


# --- Redis forgets


async def test_a_flush_in_mid_run_grants_nothing_twice(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url("same")
    async with node(url) as one, node(url) as two:
        with contextlib.closing(own_valkey.client()) as client:
            total = 0
            for _ in range(5):
                for limiter in (one, two):
                    total += (await limiter.hit("u1", Rate(6, 60))).allowed
                client.flushall()
            # Each node tells what it granted itself; together that is all there was.
            assert total >= 6
            total += await granted(one, "u1", Rate(6, 60), 6)
            assert await granted(two, "u1", Rate(6, 60), 6) == 0
            assert await granted(one, "u1", Rate(6, 60), 6) == 0


async def test_a_long_log_is_told_again_too(own_valkey: ValkeyServer) -> None:
    rate = Rate(2_000, 60)
    async with node(own_valkey.url()) as limiter:
        with contextlib.closing(own_valkey.client()) as client:
            assert await granted(limiter, "u1", rate, 1_500) == 1_500
            client.flushall()
            assert await granted(limiter, "u1", rate, 600) == 500
            (key,) = keys(own_valkey, "*u1")
            assert client.llen(key) == 2_000


async def test_one_node_alone_is_exact_whatever_redis_forgets(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url()) as limiter:
        with contextlib.closing(own_valkey.client()) as client:
            allowed = []
            for _ in range(20):
                allowed.append((await limiter.hit("u1", THREE)).allowed)
                client.flushall()
    assert allowed == [True] * 3 + [False] * 17


@pytest.mark.parametrize(
    "plant",
    [
        ("SET", "junk"),
        ("HSET", "a", "b"),
        ("RPUSH", "a"),
        ("RPUSH", "nan", "inf"),
        ("RPUSH", "nan"),
        ("RPUSH", "9" * 40),
    ],
    ids=lambda plant: " ".join(plant)[:16],
)
async def test_what_is_no_log_of_ours_is_mended(
    own_valkey: ValkeyServer, plant: tuple[str, ...]
) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url(), observe=heard.append) as limiter:
        await limiter.hit("u1", THREE)
        key = keys(own_valkey, "*u1")[0]
        with contextlib.closing(own_valkey.client()) as client:
            client.delete(key)
            client.execute_command(plant[0], key, *plant[1:])
        assert 2 <= await granted(limiter, "u1", THREE, 5) <= 3
        assert not (await limiter.hit("u1", THREE)).allowed
    assert heard == []


@pytest.mark.parametrize("plant", [("RPUSH", "a"), ("SET", "junk")], ids=lambda plant: plant[0])
async def test_a_broken_mark_of_the_beginning_is_made_again(
    own_valkey: ValkeyServer, plant: tuple[str, ...]
) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url(), observe=heard.append) as limiter:
        await limiter.hit("u1", THREE)
        key = keys(own_valkey, "*began")[0]
        with contextlib.closing(own_valkey.client()) as client:
            client.delete(key)
            client.execute_command(plant[0], key, *plant[1:])
        assert await granted(limiter, "u1", THREE, 5) == 2
    assert heard == []


# --- what starting nodes remember out of the ledger


async def test_a_living_redis_knows_already_what_a_starting_node_remembers(
    valkey: ValkeyServer,
) -> None:
    url, clock = valkey.url(), ManualSeconds()
    async with node(url, clock) as one:
        await one.hit("u0", THREE)
        clock.now_s += 10
        assert await granted(one, "u1", THREE, 2) == 2
        clock.now_s += 5
        async with node(url, clock) as starting:
            for age_s in (5.25, 5):
                await starting.remember("u1", THREE, age_s)
            assert await starting.hit("u1", THREE) == Verdict(True, 0, 55)


async def test_an_empty_redis_is_filled_once_however_many_nodes_start(
    own_valkey: ValkeyServer,
) -> None:
    url, clock = own_valkey.url(), ManualSeconds()
    async with node(url, clock) as one, node(url, clock) as two, node(url, clock) as idle:
        for limiter, skew_s in ((one, 0.0), (two, 0.03)):
            for age_s in (70, 50, 40):
                await limiter.remember("u1", Rate(4, 60), age_s + skew_s)
                await asyncio.sleep(0.01)
        await until(lambda: keys(own_valkey, "*log:u1"))
        assert (await two.hit("u1", Rate(4, 60))).remaining == 1
        assert (await one.hit("u1", Rate(4, 60))).remaining == 0
        assert not (await idle.hit("u1", Rate(4, 60))).allowed


async def test_a_hit_that_its_node_remembers_replaces_the_ledgers_copy(
    own_valkey: ValkeyServer,
) -> None:
    url, clock, rate = own_valkey.url(), ManualSeconds(), Rate(5, 60)
    async with node(url, clock) as living, node(url, clock) as starting:
        assert await granted(living, "u1", rate, 2) == 2
        clock.now_s += 1
        with contextlib.closing(own_valkey.client()) as client:
            client.flushall()
        for age_s in (1.01, 0.99):
            await starting.remember("u1", rate, age_s)
        assert (await starting.hit("u1", rate)).remaining == 2
        assert (await living.hit("u1", rate)).remaining == 1


async def test_many_remembered_hits_are_entered_before_long(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url()) as limiter:
        for number in range(2 * BATCH_MAX + 10):
            await limiter.remember(f"user:{number}", THREE, 10)
        await until(lambda: len(keys(own_valkey)) == 2 * BATCH_MAX + 11)
        assert await granted(limiter, "user:0", THREE, 3) == 2
