"""What every limiter promises, against a list of every hit."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.ports import Limiter, Rate, Verdict

from .material import ManualSeconds

OpenLimiter = Callable[[ManualSeconds], AbstractAsyncContextManager[Limiter]]

TEN = Rate(10, 60)


class PlainLog:
    """Every hit that was granted, for ever."""

    def __init__(self) -> None:
        self.hits: dict[str, list[float]] = {}

    def inside(self, key: str, rate: Rate, now_s: float) -> list[float]:
        return [at_s for at_s in self.hits.get(key, []) if at_s > now_s - rate.window_s]

    def hit(self, key: str, rate: Rate, now_s: float) -> tuple[bool, int]:
        inside = self.inside(key, rate, now_s)
        if len(inside) >= rate.limit:
            return False, 0
        self.hits.setdefault(key, []).append(now_s)
        return True, rate.limit - len(inside) - 1

    def give_back(self, key: str) -> None:
        if self.hits.get(key):
            self.hits[key].pop()


# Quarters of a second are exact in binary: an edge is an edge.
waits = st.sampled_from([0, 0, 0, 0.25, 1, 2.5, 9.75, 10, 10.25, 30])
steps = st.lists(
    st.tuples(
        waits,
        st.sampled_from(["u1", "u1", "u2"]),
        st.sampled_from(["hit", "hit", "hit", "hit", "give back"]),
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=200)
@given(steps, st.integers(1, 5))
def test_a_hit_is_granted_exactly_when_a_slot_is_free(
    open_limiter: OpenLimiter, asked: list[tuple[float, str, str]], limit: int
) -> None:
    rate = Rate(limit, 10)

    async def live() -> None:
        clock, plain = ManualSeconds(), PlainLog()
        async with open_limiter(clock) as limiter:
            for wait_s, key, what in asked:
                clock.now_s += wait_s
                if what == "give back":
                    await limiter.give_back(key)
                    plain.give_back(key)
                    continue
                verdict = await limiter.hit(key, rate)
                assert (verdict.allowed, verdict.remaining) == plain.hit(key, rate, clock.now_s)
                ensure_reset(plain.inside(key, rate, clock.now_s), rate, clock.now_s, verdict)

    asyncio.run(live())


def ensure_reset(inside: list[float], rate: Rate, now_s: float, verdict: Verdict) -> None:
    """``reset_s`` is the fewest whole seconds after which one more hit is free."""

    def left(later_s: float) -> int:
        return sum(at_s > later_s - rate.window_s for at_s in inside)

    assert left(now_s + verdict.reset_s) < len(inside)
    assert left(now_s + verdict.reset_s - 1) == len(inside)


@settings(max_examples=100)
@given(st.lists(waits, min_size=20, max_size=80), st.integers(1, 6))
def test_no_span_of_the_window_ever_holds_more_than_the_limit(
    open_limiter: OpenLimiter, pauses: list[float], limit: int
) -> None:
    rate = Rate(limit, 10)

    async def live() -> list[float]:
        clock, granted = ManualSeconds(), []
        async with open_limiter(clock) as limiter:
            for pause_s in pauses:
                clock.now_s += pause_s
                if (await limiter.hit("u1", rate)).allowed:
                    granted.append(clock.now_s)
        return granted

    granted = asyncio.run(live())
    for start_s in granted:
        assert sum(start_s <= at_s < start_s + 10 for at_s in granted) <= limit


async def test_ten_a_minute_is_never_nineteen(limiter: Limiter, seconds: ManualSeconds) -> None:
    first = seconds.now_s
    granted = []
    for quarter in range(4 * 119):
        seconds.now_s = first + quarter / 4
        if (await limiter.hit("u1", TEN)).allowed:
            granted.append(quarter / 4)
    assert len(granted) == 20
    assert granted[:10] == [quarter / 4 for quarter in range(10)]
    assert granted[10] == 60


async def test_what_is_left_and_when_more_will_be(limiter: Limiter, seconds: ManualSeconds) -> None:
    rate = Rate(2, 60)
    assert await limiter.hit("u1", rate) == Verdict(True, 1, 60)
    seconds.now_s += 10
    assert await limiter.hit("u1", rate) == Verdict(True, 0, 50)
    seconds.now_s += 0.25
    assert await limiter.hit("u1", rate) == Verdict(False, 0, 50)
    seconds.now_s += 49.5
    assert await limiter.hit("u1", rate) == Verdict(False, 0, 1)
    seconds.now_s += 0.25
    assert await limiter.hit("u1", rate) == Verdict(True, 0, 10)


async def test_a_large_limit_is_as_exact(limiter: Limiter, seconds: ManualSeconds) -> None:
    rate = Rate(700, 60)
    for hits, then_s in ((500, 20), (200, 20)):
        for _ in range(hits):
            assert (await limiter.hit("u1", rate)).allowed
        seconds.now_s += then_s
    assert await limiter.hit("u1", rate) == Verdict(False, 0, 20)
    seconds.now_s += 20.1
    assert [(await limiter.hit("u1", rate)).remaining for _ in range(500)] == [*range(499, -1, -1)]
    assert not (await limiter.hit("u1", rate)).allowed


async def test_a_refused_hit_consumes_nothing(limiter: Limiter, seconds: ManualSeconds) -> None:
    rate = Rate(1, 10)
    await limiter.hit("u1", rate)
    for _ in range(39):
        seconds.now_s += 0.25
        assert not (await limiter.hit("u1", rate)).allowed
    seconds.now_s += 0.25
    assert (await limiter.hit("u1", rate)).allowed


async def test_keys_have_each_their_own_slots(limiter: Limiter) -> None:
    rate = Rate(1, 60)
    for key in ("u1", "u2", "user:u1", "u1 "):
        assert (await limiter.hit(key, rate)).allowed
        assert not (await limiter.hit(key, rate)).allowed


async def test_a_slot_given_back_is_free_at_once(limiter: Limiter) -> None:
    rate = Rate(2, 60)
    await limiter.hit("u1", rate)
    await limiter.hit("u1", rate)
    await limiter.give_back("u1")
    assert (await limiter.hit("u1", rate)).allowed
    assert not (await limiter.hit("u1", rate)).allowed


async def test_the_slot_given_back_is_the_newest(limiter: Limiter, seconds: ManualSeconds) -> None:
    rate = Rate(2, 60)
    await limiter.hit("u1", rate)
    seconds.now_s += 30
    await limiter.hit("u1", rate)
    await limiter.give_back("u1")
    seconds.now_s += 30
    assert await limiter.hit("u1", rate) == Verdict(True, 1, 60)


async def test_giving_back_what_was_never_taken_gives_nothing(limiter: Limiter) -> None:
    rate = Rate(1, 60)
    await limiter.give_back("u1")
    await limiter.give_back("u1")
    assert (await limiter.hit("u1", rate)).allowed
    assert not (await limiter.hit("u1", rate)).allowed


async def test_a_limit_of_zero_is_off(limiter: Limiter) -> None:
    for _ in range(100):
        assert (await limiter.hit("u1", Rate(0, 60))).allowed
    assert (await limiter.hit("u1", Rate(1, 60))).allowed


async def test_hits_before_a_restart_still_count(limiter: Limiter, seconds: ManualSeconds) -> None:
    rate = Rate(3, 60)
    for age_s in (70, 60, 59.75, 20):
        await limiter.remember("u1", rate, age_s)
    assert await limiter.hit("u1", rate) == Verdict(True, 0, 1)
    assert await limiter.hit("u1", rate) == Verdict(False, 0, 1)
    seconds.now_s += 0.25
    assert (await limiter.hit("u1", rate)).allowed
    assert await limiter.hit("u1", rate) == Verdict(False, 0, 40)


async def test_a_lowered_limit_holds_at_once(limiter: Limiter, seconds: ManualSeconds) -> None:
    for _ in range(4):
        assert (await limiter.hit("u1", Rate(4, 60))).allowed
        seconds.now_s += 10
    verdict = await limiter.hit("u1", Rate(2, 60))
    assert verdict == Verdict(False, 0, 40)
    seconds.now_s += 39.75
    assert not (await limiter.hit("u1", Rate(2, 60))).allowed
    seconds.now_s += 0.25
    assert (await limiter.hit("u1", Rate(2, 60))).allowed
