"""The bus on Redis: what is lost with the connection is read again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from scoreboard import wire
from scoreboard.adapters.redis.bus import RedisBus
from scoreboard.errors import Misconfigured, Unavailable
from scoreboard.ports import News
from tests.servers.valkey import ValkeyServer

from .test_bus import Listener, board, listening, top
from .test_redis_limiter import PATIENCE_S, until


def pings(server: ValkeyServer) -> int:
    with contextlib.closing(server.client()) as client:
        return int(client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0))


@contextlib.asynccontextmanager
async def node(
    url: str, observe: Callable[[bool], None] = lambda _: None
) -> AsyncIterator[RedisBus]:
    bus = await RedisBus.open(url, observe=observe)
    try:
        yield bus
    finally:
        await bus.close()


async def publish(bus: RedisBus, *news: News) -> None:
    """Again until the bus has them, as publishers do."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await bus.publish(news)
            except Unavailable:
                await asyncio.sleep(0.01)


async def hears(listener: Listener, *news: News) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while any(each not in listener.newest.values() for each in news):
            await listener.hear()


async def test_what_one_node_publishes_every_node_hears(valkey: ValkeyServer) -> None:
    url = valkey.url()
    async with (
        node(url) as one,
        node(url) as two,
        node(valkey.url()) as stranger,
        listening(one) as own,
        listening(two) as near,
    ):
        for listener in (own, near):
            assert list(await listener.hear()) == []
        await one.publish([top(1), board()])
        await own.hear_until(top(1), board())
        await near.hear_until(top(1), board())
        async with listening(stranger) as far:
            assert list(await far.hear()) == []


async def test_a_closed_period_is_closed_for_every_node(valkey: ValkeyServer) -> None:
    url = valkey.url()
    async with node(url) as one, node(url) as two, listening(two) as early:
        await one.publish([top(1, "one", "2026-11-22"), top(2)])
        await early.hear_until(top(2))
        await one.close_period("one", "2026-11-22")
        async with listening(two) as late:
            assert list(await late.hear()) == [top(2)]


async def test_all_listeners_of_a_process_share_one_subscription(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url("here")) as bus, contextlib.AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(listening(bus)) for _ in range(5)]
        await asyncio.gather(*(listener.hear() for listener in listeners))
        with contextlib.closing(own_valkey.client()) as client:
            channel = "{here}:bus:news"
            assert client.execute_command("PUBSUB", "SHARDNUMSUB", channel) == [channel, 1]


async def test_a_slow_listener_holds_no_more_than_the_newest(valkey: ValkeyServer) -> None:
    async with node(valkey.url()) as bus, listening(bus) as slow, listening(bus) as quick:
        await asyncio.gather(slow.hear(), quick.hear())
        for seq in range(1, 200):
            await bus.publish([top(seq), top(seq, "two"), board("one", str(seq))])
        await quick.hear_until(top(199), top(199, "two"), board("one", "199"))
        assert all(len(listener.waiting) <= 3 for listener in bus._listeners)
        assert sorted(map(str, await slow.hear())) == sorted(
            map(str, [top(199), top(199, "two"), board("one", "199")])
        )


async def test_what_was_published_while_disconnected_is_heard_after(
    own_valkey: ValkeyServer,
) -> None:
    heard: list[bool] = []
    url = own_valkey.url("same")
    async with node(url, heard.append) as bus, node(url) as other, listening(bus) as listener:
        await publish(other, top(1), board())
        await hears(listener, top(1), board())
        with contextlib.closing(own_valkey.client()) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await publish(other, top(2), top(1, "two"))
        await hears(listener, top(2), top(1, "two"))
        await publish(other, top(3))
        await hears(listener, top(3))
        assert heard == [True, False, True]


async def test_killed_and_started_empty_it_begins_with_nothing(own_valkey: ValkeyServer) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url("same"), heard.append) as bus, listening(bus) as listener:
        await bus.publish([top(1)])
        await hears(listener, top(1))
        own_valkey.kill()
        await until(lambda: heard[-1:] == [False])
        with pytest.raises(Unavailable):
            await bus.publish([top(2)])
        with pytest.raises(Unavailable):
            await bus.close_period("one", "all")
        async with listening(bus) as waiting:
            first = asyncio.ensure_future(waiting.hear())
            await asyncio.sleep(0)
            own_valkey.start()
            assert list(await first) == []
            await publish(bus, top(3))
            await hears(waiting, top(3))
            await hears(listener, top(3))


async def test_a_node_may_start_before_redis_does(own_valkey: ValkeyServer) -> None:
    own_valkey.kill()
    async with node(own_valkey.url()) as bus, listening(bus) as listener:
        first = asyncio.ensure_future(listener.hear())
        await asyncio.sleep(0)
        own_valkey.start()
        assert list(await first) == []
        await publish(bus, top(1))
        await hears(listener, top(1))


async def test_a_server_that_hangs_is_noticed_and_heard_again(own_valkey: ValkeyServer) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url("same"), heard.append) as bus, listening(bus) as listener:
        bus.silence_s = 0.1
        await bus.publish([top(1)])
        await hears(listener, top(1))
        own_valkey.pause()
        await until(lambda: heard[-1:] == [False])
        own_valkey.resume()
        bus.silence_s = PATIENCE_S
        await until(lambda: heard[-1:] == [True])
        await publish(bus, top(2))
        await hears(listener, top(2))


async def test_a_quiet_server_is_not_a_lost_one(own_valkey: ValkeyServer) -> None:
    heard: list[bool] = []
    async with node(own_valkey.url(), heard.append) as bus, listening(bus) as listener:
        bus.silence_s = 0.2
        await listener.hear()
        asked = pings(own_valkey)
        await until(lambda: pings(own_valkey) >= asked + 4)
        assert heard == [True]


async def test_junk_is_skipped_and_counted(own_valkey: ValkeyServer) -> None:
    junk = [b"", b"junk", b"\xff\x00", b'{"type":"later"}', b"[" * 50_000]
    async with node(own_valkey.url("same")) as bus, listening(bus) as listener:
        await bus.publish([top(1)])
        await hears(listener, top(1))
        with contextlib.closing(own_valkey.client()) as client:
            for number, data in enumerate(junk):
                client.execute_command("SPUBLISH", "{same}:bus:news", data)
                client.hset("{same}:bus:newest", f"junk {number}", data)
            mixed = b"\n".join([b"junk", wire.news_bytes(top(2)), b"junk"])
            client.execute_command("SPUBLISH", "{same}:bus:news", mixed)
        await hears(listener, top(2))
        assert bus.skipped == len(junk) + 2
        async with listening(bus) as late:
            assert list(await late.hear()) == [top(1)]
        assert bus.skipped == 2 * len(junk) + 2


async def test_a_hash_of_another_type_is_made_again(own_valkey: ValkeyServer) -> None:
    async with node(own_valkey.url("same")) as bus:
        with contextlib.closing(own_valkey.client()) as client:
            client.set("{same}:bus:newest", "junk")
        async with listening(bus) as listener:
            assert list(await listener.hear()) == []
            with pytest.raises(Unavailable):
                await bus.close_period("one", "all")
            await bus.publish([top(1)])
            await hears(listener, top(1))
        async with listening(bus) as late:
            assert list(await late.hear()) == [top(1)]


async def test_an_older_top_neither_replaces_nor_is_told(valkey: ValkeyServer) -> None:
    url = valkey.url()
    async with node(url) as one, node(url) as two, listening(two) as listener:
        await listener.hear()
        await one.publish([top(9, epoch=1_795_435_200_001)])
        await one.publish([top(10, epoch=1_795_435_200_000), top(8, epoch=1_795_435_200_001)])
        await one.publish([top(1, "two")])
        told = [*await listener.hear()]
        while top(1, "two") not in told:
            told += await listener.hear()
        assert told == [top(9, epoch=1_795_435_200_001), top(1, "two")]
        async with listening(one) as late:
            assert top(9, epoch=1_795_435_200_001) in await late.hear()


async def test_what_was_read_late_does_not_bring_back_an_older_board(
    valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that has just started would think a frozen board live until it is told again."""
    url = valkey.url()
    async with node(url) as one, node(url) as two, listening(two) as first:
        before, after = board(), msgspec.structs.replace(board(), title="later")
        await one.publish([before])
        await hears(first, before)
        read = two._read

        async def slowly() -> Any:
            known = await read()
            await one.publish([after])
            await hears(first, after)
            return known

        monkeypatch.setattr(two, "_read", slowly)
        async with listening(two) as late:
            assert list(await late.hear()) == [after]


async def test_nonsense_for_an_address_is_refused() -> None:
    with pytest.raises(Misconfigured):
        await RedisBus.open("http://127.0.0.1/")


async def test_a_server_that_was_never_there_is_said_to_be_lost() -> None:
    seen: list[bool] = []
    async with node("redis://127.0.0.1:1", seen.append) as bus:
        waiting = asyncio.ensure_future(anext(bus.news()))  # type: ignore[arg-type]
        await until(lambda: seen == [False])
        waiting.cancel()
        await asyncio.wait([waiting])
