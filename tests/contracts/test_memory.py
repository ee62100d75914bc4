"""What only the adapters in memory can be asked: that memory has a limit."""

from scoreboard.adapters.memory import SWEEP_EVERY, LocalBus, MemoryLimiter
from scoreboard.ports import Rate

from .material import ManualSeconds
from .test_bus import listening, top


async def test_keys_that_went_idle_are_dropped() -> None:
    clock = ManualSeconds()
    limiter = MemoryLimiter(clock)
    for index in range(20_000):
        clock.now_s += 0.25
        await limiter.hit(f"u{index}", Rate(10, 60))
        assert len(limiter._logs) <= 240 + 2 * SWEEP_EVERY


async def test_a_key_in_use_is_never_dropped() -> None:
    clock = ManualSeconds()
    limiter = MemoryLimiter(clock)
    await limiter.hit("busy", Rate(1, 60))
    for index in range(3 * SWEEP_EVERY):
        await limiter.hit(f"u{index}", Rate(1, 1))
    assert not (await limiter.hit("busy", Rate(1, 60))).allowed


async def test_a_log_holds_no_more_than_its_limit() -> None:
    clock = ManualSeconds()
    limiter = MemoryLimiter(clock)
    for _ in range(1_000):
        clock.now_s += 0.25
        await limiter.hit("u1", Rate(10, 60))
        assert len(limiter._logs["u1"][1]) <= 10


async def test_a_bus_without_listeners_keeps_one_top_a_span() -> None:
    bus = LocalBus()
    for seq in range(1, 500):
        await bus.publish([top(seq)])
    async with listening(bus) as listener:
        assert list(await listener.hear()) == [top(499)]
    assert bus._listeners == []
