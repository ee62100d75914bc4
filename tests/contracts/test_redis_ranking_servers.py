"""A ranking on Redis, and what its server can do: hang, die, come back, fill up, refuse."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.crc import key_slot

from scoreboard.adapters.redis.ranking import RedisRanking
from scoreboard.errors import Misconfigured, OutOfPlace, Unavailable
from scoreboard.ports import Mark
from tests.servers.valkey import ValkeyServer, free_port, running

from .redis_material import (
    ALL,
    DAY,
    DEFAULT,
    EPOCH,
    LOADED,
    START,
    Hands,
    build,
    group,
    hands,
    move,
    opened,
    top,
)

FULL = [("cy", 5), ("ada", 5), ("ben", -2)]
SOON_S = 10
CANCELLED = 240
CANCELLED_AFTER = 12
STEP = group(START, move(START + 1, "ada", 1), move(START + 1, "ada", 1, DAY))


async def until_back(call: Callable[[], Awaitable[object]]) -> object:
    """Ask again until the server answers; each call is bounded by itself."""
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.01)


async def test_a_server_that_hangs_is_unavailable_and_comes_back_by_itself(
    own_valkey: ValkeyServer,
) -> None:
    heard: list[bool] = []
    ranking = await RedisRanking.open(own_valkey.url(), observe=heard.append)
    try:
        await build(ranking)
        own_valkey.pause()
        async with asyncio.timeout(SOON_S):
            reads = [ranking.snapshot(DEFAULT, "all") for _ in range(200)]
            calls = [ranking.place(), ranking.apply(STEP), *reads]
            found = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in found} == {Unavailable}
        assert heard == [False]
        trying = asyncio.create_task(ranking.place())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await ranking.snapshot(DEFAULT, "all")
        assert not trying.done(), "only one waits for a server that is known to hang"
        trying.cancel()
        own_valkey.resume()
        assert await until_back(lambda: top(ranking)) in (FULL, [("ada", 6), *FULL[::2]])
        assert heard == [False, True]
        # The group was with the server when it hung: it may be in the ranking by now.
        if await ranking.place() == (EPOCH, START):
            await ranking.apply(STEP)
        assert await top(ranking) == [("ada", 6), ("cy", 5), ("ben", -2)]
    finally:
        await ranking.close()


async def test_a_server_that_died_and_forgot_has_to_be_filled_again(
    own_valkey: ValkeyServer,
) -> None:
    async with opened(own_valkey.url()) as ranking:
        await build(ranking)
        own_valkey.kill()
        for call in (ranking.place, lambda: top(ranking), lambda: ranking.apply(STEP)):
            with pytest.raises(Unavailable):
                await call()
        own_valkey.start()
        assert await until_back(ranking.place) is None
        assert await top(ranking) is None
        with pytest.raises(OutOfPlace):
            await ranking.apply(STEP)
        await build(ranking)
        assert await top(ranking) == FULL


async def test_a_server_that_died_and_kept_its_data_goes_on(valkey_program: Path) -> None:
    kept = {"appendonly": "yes", "appendfsync": "always"}
    with running(valkey_program, kept) as server:
        async with opened(server.url()) as ranking:
            await build(ranking)
            await ranking.apply(STEP)
            before = await top(ranking)
            server.kill()
            server.start()
            assert await until_back(ranking.place) == (EPOCH, START + 1)
            assert await top(ranking) == before
            await ranking.apply(group(START + 1, move(START + 2, "ada", 1)))
            assert await ranking.place() == (EPOCH, START + 2)


async def test_it_opens_while_the_server_is_down(own_valkey: ValkeyServer) -> None:
    own_valkey.kill()
    async with opened(own_valkey.url()) as ranking:
        with pytest.raises(Unavailable):
            await ranking.place()
        own_valkey.start()
        assert await until_back(ranking.place) is None


async def test_scripts_that_the_server_forgot_are_given_again(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url()
    async with opened(url) as ranking:
        await build(ranking)
        with hands(url) as keys:
            keys.client.script_flush()
        assert await top(ranking) == FULL
        with hands(url) as keys:
            keys.client.script_flush()
        assert list(await ranking.apply(STEP)) == [ALL, DAY]


async def test_a_full_server_takes_no_part_of_a_group(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url()
    async with opened(url) as ranking:
        await build(ranking)
        with hands(url) as keys:
            before = keys.dump()
            newcomer = (move(START + 1, "dee", 1), move(START + 1, "dee", 1, DAY))
            keys.client.config_set("maxmemory", 1)
            with pytest.raises(Unavailable):
                await ranking.apply(group(START, *newcomer))
            with pytest.raises(Unavailable):
                await ranking.rebuild((EPOCH, START))
            assert await top(ranking) == FULL
            assert keys.dump() == before
            keys.client.config_set("maxmemory", 0)
        await ranking.apply(STEP)
        assert await ranking.place() == (EPOCH, START + 1)


async def test_a_replica_is_read_and_takes_no_part_of_a_group(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url()
    async with opened(url) as ranking:
        await build(ranking)
        with hands(url) as keys:
            keys.client.replicaof("127.0.0.1", 1)
            assert await top(ranking) == FULL
            assert await ranking.place() == (EPOCH, START)
            with pytest.raises(Unavailable):
                await ranking.apply(STEP)
            keys.client.replicaof("NO", "ONE")
        await ranking.apply(STEP)
        assert await ranking.place() == (EPOCH, START + 1)


async def test_whoever_may_only_read_can_read(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url()
    with hands(url) as keys:
        words = ["on", ">secret", "~*", "+@read", "+@connection", "+evalsha_ro", "+script|load"]
        keys.client.execute_command("ACL", "SETUSER", "viewer", *words)
    viewer_url = url.replace("redis://", "redis://viewer:secret@")
    async with opened(url) as ranking, opened(viewer_url) as viewer:
        await build(ranking)
        assert await top(viewer) == FULL
        assert await viewer.place() == (EPOCH, START)
        assert set(await viewer.periods()) == {ALL, DAY}
        with pytest.raises(Unavailable):
            await viewer.apply(STEP)


async def test_a_server_before_redis_7_is_read_all_the_same(valkey_program: Path) -> None:
    with running(valkey_program, {"rename-command": "EVALSHA_RO hidden"}) as server:
        async with opened(server.url()) as ranking:
            await build(ranking)
            assert await top(ranking) == FULL
            assert await ranking.place() == (EPOCH, START)


async def test_reads_that_come_together_go_together(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url()
    async with opened(url) as ranking:
        await build(ranking)
        with hands(url) as keys:
            keys.client.config_resetstat()
            found = await asyncio.gather(*(top(ranking) for _ in range(300)))
            assert found == [FULL] * 300
            calls = keys.client.info("commandstats")["cmdstat_evalsha_ro"]["calls"]
        assert calls < 10


async def test_a_read_that_is_given_up_takes_nobody_with_it(own_valkey: ValkeyServer) -> None:
    async with opened(own_valkey.url()) as ranking:
        await build(ranking)
        reads = [asyncio.create_task(top(ranking)) for _ in range(3)]
        await asyncio.sleep(0)
        reads[0].cancel()
        assert await asyncio.gather(*reads[1:]) == [FULL, FULL]
        assert await top(ranking) == FULL


# --- settings


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_server_that_throws_keys_away_is_refused(valkey_program: Path, policy: str) -> None:
    settings = {"maxmemory": "100mb", "maxmemory-policy": policy}
    with running(valkey_program, settings) as server:
        with pytest.raises(Misconfigured, match=policy):
            await RedisRanking.open(server.url())
        with hands(server.url()) as keys:
            keys.client.config_set("maxmemory-policy", "noeviction")
        async with opened(server.url()) as ranking:
            assert await ranking.place() is None


async def test_a_wrong_password_is_refused(own_valkey: ValkeyServer) -> None:
    with pytest.raises(Misconfigured, match="user or password"):
        await RedisRanking.open(own_valkey.url().replace("redis://", "redis://nobody:x@"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:6379",
        "redis://",
        "redis://127.0.0.1:port",
        "redis://127.0.0.1/0?prefix=a{b}",
        "redis://127.0.0.1/0?prefix=",
        "redis://127.0.0.1/0?socket_timeout=soon",
        "redis://127.0.0.1/0?nonsense=1",
    ],
)
async def test_what_is_no_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        await RedisRanking.open(url)
    assert len(str(refused.value)) > 20


# --- Redis Cluster


@pytest.fixture
def cluster(valkey_program: Path) -> Iterator[tuple[ValkeyServer, ValkeyServer]]:
    """Two nodes with half of the slots each: they refuse what is not in theirs."""
    settings = [{"cluster-enabled": "yes", "cluster-port": str(free_port())} for _ in range(2)]
    halves = [("0", "8191"), ("8192", "16383")]
    with running(valkey_program, settings[0]) as one, running(valkey_program, settings[1]) as two:
        with hands(one.url()) as first, hands(two.url()) as second:
            for keys, half in zip((first, second), halves, strict=True):
                keys.client.execute_command("CLUSTER", "ADDSLOTSRANGE", *half)
            at = ("127.0.0.1", str(two.port), settings[1]["cluster-port"])
            first.client.execute_command("CLUSTER", "MEET", *at)
            deadline = time.monotonic() + 30
            while not (is_whole(first) and is_whole(second)):
                assert time.monotonic() < deadline, "the nodes do not find each other"
                time.sleep(0.01)
        yield one, two


def is_whole(keys: Hands) -> bool:
    state = keys.client.execute_command("CLUSTER", "INFO")
    return b"cluster_state:ok" in state and b"cluster_slots_ok:16384" in state


@pytest.mark.parametrize("asked", [0, 1])
async def test_in_a_cluster_all_keys_are_in_one_slot_on_whichever_node_has_it(
    cluster: tuple[ValkeyServer, ValkeyServer], asked: int
) -> None:
    slot = key_slot(b"{here}")
    async with opened(cluster[asked].url("here")) as ranking:
        await ranking.lead(1)
        await build(ranking)
        await ranking.apply(STEP)
        await ranking.rebuild((EPOCH, START))
        await ranking.load(Mark(*ALL, 1, 10), LOADED)
        with hands(cluster[0 if slot < 8192 else 1].url("here")) as keys:
            assert {key_slot(key) for key in keys.present()} == {slot}
            assert len(keys.present()) == 11
        await ranking.switch()
        assert await top(ranking) == FULL
        await ranking.forget(*ALL)
        assert await ranking.periods() == []


async def test_it_goes_back_to_its_address_when_another_node_is_lost(
    cluster: tuple[ValkeyServer, ValkeyServer],
) -> None:
    owner = 0 if key_slot(b"{here}") < 8192 else 1
    heard: list[bool] = []
    url = cluster[1 - owner].url("here")
    ranking = await RedisRanking.open(url, observe=heard.append)
    try:
        await build(ranking)
        cluster[owner].kill()
        with pytest.raises(Unavailable):
            await ranking.place()
        cluster[owner].start()
        assert await until_back(ranking.place) is None
        assert heard == [False, True]
    finally:
        await ranking.close()


async def test_whoever_is_told_to_end_in_the_middle_of_a_call_ends(
    own_valkey: ValkeyServer,
) -> None:
    ranking = await RedisRanking.open(own_valkey.url())

    async def ask() -> None:
        while True:
            await ranking.place()

    try:
        await build(ranking)
        for turns in range(CANCELLED):
            task = asyncio.create_task(ask())
            for _ in range(turns % CANCELLED_AFTER):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=SOON_S)
            assert done, "it goes on as if nothing had been said"
            assert task.cancelled()
    finally:
        await ranking.close()
