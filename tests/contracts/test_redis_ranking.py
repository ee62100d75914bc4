"""A ranking on Redis: what it makes of lost, foreign and old keys, of leaders, and of numbers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreboard.adapters.memory import MemoryRanking
from scoreboard.adapters.redis.ranking import RedisRanking
from scoreboard.core.score import SCORE_MAX, Score
from scoreboard.errors import Deposed, OutOfPlace
from scoreboard.ports import Mark, Ranking
from tests.servers.valkey import ValkeyServer

from . import ranking_model as shared
from .material import WITHOUT_SHRINKING
from .redis_material import (
    ALL,
    DAY,
    DEFAULT,
    EPOCH,
    LOADED,
    START,
    Hands,
    answers,
    build,
    group,
    hands,
    move,
    opened,
    top,
)

KEYS = [
    "head", "generation", "unseen", "all:order", "all:users", "all:unseen",
    "2026-11-23:order", "2026-11-23:users",
]  # fmt: skip
FULL = [("cy", 5), ("ada", 5), ("ben", -2)]


@pytest.fixture
def url(valkey: ValkeyServer) -> str:
    return valkey.url()


@pytest_asyncio.fixture
async def ranking(url: str) -> AsyncIterator[RedisRanking]:
    async with opened(url) as found:
        await found.lead(3)
        await build(found)
        yield found


@pytest.fixture
def keys(url: str) -> Iterator[Hands]:
    with hands(url) as found:
        yield found


def named(keys: Hands, name: str) -> bytes:
    if name == "head":
        return keys.head
    if name == "generation":
        (generation,) = keys.generations()
        return keys.head + b":" + generation
    if name == "unseen":
        (generation,) = keys.generations()
        return keys.head + b":" + generation + b":unseen"
    (found,) = [key for key in keys.present() if key.endswith(f"default:{name}".encode())]
    return found


async def ensure_damaged_then_healed(ranking: RedisRanking, keys: Hands) -> None:
    assert await ranking.place() is None
    with pytest.raises(OutOfPlace):
        await ranking.apply(group(START, move(START + 1, "ada", 1), move(START + 1, "ada", 1, DAY)))
    assert await ranking.place() is None
    assert await top(ranking) is None
    assert await ranking.standing(DEFAULT, "all", "ada") is None
    assert await ranking.scores_of(*ALL, ["ada"]) is None
    assert await ranking.periods() == []
    await build(ranking)
    assert await ranking.place() == (EPOCH, START)
    assert await top(ranking) == FULL
    assert len(keys.generations()) == 1


# --- keys that are lost, foreign or old


@pytest.mark.parametrize("name", KEYS)
async def test_a_lost_key_is_noticed_and_rebuilt(
    ranking: RedisRanking, keys: Hands, name: str
) -> None:
    keys.client.delete(named(keys, name))
    await ensure_damaged_then_healed(ranking, keys)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("kind", ["string", "list", "hash"])
async def test_a_key_of_a_wrong_type_is_noticed_and_rebuilt(
    ranking: RedisRanking, keys: Hands, name: str, kind: str
) -> None:
    key = named(keys, name)
    keys.client.delete(key)
    match kind:
        case "string":
            keys.client.set(key, "planted")
        case "list":
            keys.client.rpush(key, "planted")
        case "hash":
            fields = ["read", "default:all", "term", "ada", "ben"]
            keys.client.hset(key, mapping=dict.fromkeys(fields, "planted"))
    await ensure_damaged_then_healed(ranking, keys)


async def test_freezes_that_cannot_be_read_hold_nobody_up(
    ranking: RedisRanking, keys: Hands
) -> None:
    """Whoever asks goes on to the ledger: what the public may see of a board is not known here."""
    keys.client.hset(keys.head, "read.frozen", "planted")
    async with asyncio.timeout(30):
        assert await top(ranking) is None
        assert await ranking.standing(DEFAULT, "all", "ada") is None
    await build(ranking)
    assert await top(ranking) == FULL


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda keys: keys.client.zincrby(named(keys, "all:order"), 90, at(3, "ada")),
                     id="another score"),
        pytest.param(lambda keys: keys.client.hset(named(keys, "all:users"), "ada", "x"),
                     id="no score"),
        pytest.param(lambda keys: keys.client.hset(named(keys, "all:users"), "ada",
                                                   "5 0000000000000009 30"), id="another seq"),
        pytest.param(lambda keys: swap(keys, b"stranger"), id="another member"),
    ],
)  # fmt: skip
async def test_an_order_that_is_not_that_of_the_scores_is_not_shown(
    ranking: RedisRanking, keys: Hands, plant: Callable[[Hands], object]
) -> None:
    plant(keys)
    assert await top(ranking) is None
    assert await ranking.around(DEFAULT, "all", "cy", 2) is None
    assert await ranking.total(DEFAULT, "all") == 3


def at(seq: int, user_id: str) -> bytes:
    return f"{seq:016d}{user_id}".encode()


def swap(keys: Hands, member: bytes) -> None:
    keys.client.zrem(named(keys, "all:order"), at(3, "ada"), b"stranger")
    keys.client.zadd(named(keys, "all:order"), {member: -5})


async def test_a_place_in_the_order_that_is_not_the_users_ends_the_ranking(
    ranking: RedisRanking, keys: Hands
) -> None:
    swap(keys, b"stranger")
    assert await ranking.page(DEFAULT, "all", (-5, 1), 2) is None
    swap(keys, at(9, "ada"))
    with pytest.raises(OutOfPlace):
        await ranking.apply(group(START, move(START + 1, "ada", 1)))
    assert await ranking.place() is None
    await build(ranking)
    assert await top(ranking) == FULL


LIFE: list[Callable[[Ranking], Awaitable[object]]] = [
    lambda ranking: ranking.lead(3),
    lambda ranking: ranking.rebuild((EPOCH, START)),
    lambda ranking: ranking.load(Mark(*ALL, 1, 10), LOADED[:2]),
    lambda ranking: ranking.load(Mark(*ALL, 1, 10), LOADED[2:]),
    lambda ranking: ranking.apply(group(START, move(START + 1, "ada", -4))),
    lambda ranking: ranking.switch(),
    lambda ranking: ranking.apply(group(START + 1, move(START + 2, "ada", 4))),
    lambda ranking: ranking.snapshot(DEFAULT, "all"),
    lambda ranking: ranking.forget("default", "never"),
    lambda ranking: ranking.periods(),
    lambda ranking: ranking.place(),
]


@pytest.mark.parametrize("lost_before", range(len(LIFE)))
async def test_all_keys_lost_between_any_two_calls_cost_a_rebuild_and_no_wrong_answer(
    url: str, keys: Hands, lost_before: int
) -> None:
    async with opened(url) as ranking:
        for step, call in enumerate(LIFE):
            if step == lost_before:
                keys.lose()
            with contextlib.suppress(OutOfPlace):
                await call(ranking)
        place, shown = await ranking.place(), await top(ranking)
        if lost_before <= 1:
            assert (place, shown) == ((EPOCH, START + 2), FULL)
        else:
            assert (place, shown) == (None, None)
        await ranking.lead(4)
        await build(ranking)
        assert (await ranking.place(), await top(ranking)) == ((EPOCH, START), FULL)


async def test_an_old_copy_is_at_its_old_place_and_follows_from_there(
    ranking: RedisRanking, keys: Hands
) -> None:
    copy = keys.dump()
    steps = [group(START + n, move(START + n + 1, "ben", 4), move(START + n + 1, "cy", -1, DAY))
             for n in range(3)]  # fmt: skip
    for step in steps:
        await ranking.apply(step)
    shown = [await answers(ranking, span, ["ada", "ben", "cy"]) for span in (ALL, DAY)]
    keys.restore(copy)
    assert await ranking.place() == (EPOCH, START)
    assert await top(ranking) == FULL
    for step in steps:
        await ranking.apply(step)
    assert [await answers(ranking, span, ["ada", "ben", "cy"]) for span in (ALL, DAY)] == shown


@pytest.mark.parametrize("name", ["head", "all:order", "all:users"])
async def test_one_old_key_among_new_ones_is_followed_up_or_noticed(
    ranking: RedisRanking, keys: Hands, name: str
) -> None:
    key = named(keys, name)
    copy = {key: keys.dump()[key]}
    step = group(START, move(START + 1, "ben", 9))
    await ranking.apply(step)
    keys.restore(copy)
    if name == "head":
        await ranking.apply(step)
    else:
        assert await top(ranking) is None
        with pytest.raises(OutOfPlace):
            await ranking.apply(group(START + 1, move(START + 2, "ben", -9)))
        await build(ranking)
        await ranking.apply(step)
    assert await top(ranking) == [("ben", 7), ("cy", 5), ("ada", 5)]
    assert await ranking.total(DEFAULT, "all") == 3


# --- leaders


@pytest.mark.parametrize(
    "change",
    [
        lambda ranking: ranking.lead(2),
        lambda ranking: ranking.apply(group(START, move(START + 1, "ada", 1))),
        lambda ranking: ranking.rebuild((EPOCH, START)),
        lambda ranking: ranking.load(Mark(*ALL, 1, 10), LOADED),
        lambda ranking: ranking.switch(),
        lambda ranking: ranking.forget(*DAY),
    ],
    ids=["lead", "apply", "rebuild", "load", "switch", "forget"],
)
async def test_a_leader_that_wakes_up_in_a_later_term_changes_nothing(
    url: str, keys: Hands, change: Callable[[Ranking], Awaitable[object]]
) -> None:
    async with opened(url) as stale, opened(url) as leader:
        await stale.lead(2)
        await leader.lead(3)
        await build(leader)
        before = keys.dump()
        with pytest.raises(Deposed):
            await change(stale)
        assert keys.dump() == before
        assert await stale.place() == (EPOCH, START)


async def test_a_leader_that_wakes_up_in_its_rebuild_leaves_the_new_one_alone(
    url: str, keys: Hands
) -> None:
    async with opened(url) as stale, opened(url) as leader:
        await stale.lead(2)
        await stale.rebuild((EPOCH, START))
        await leader.lead(3)
        assert await stale.place() is None
        await leader.rebuild((EPOCH, START))
        await leader.load(Mark(*ALL, 1, 10), LOADED)
        for change in (LIFE[2], LIFE[5], LIFE[4]):
            with pytest.raises(Deposed):
                await change(stale)
        assert await stale.place() is None
        await leader.switch()
        assert await top(leader) == FULL
        assert len(keys.generations()) == 1


async def test_what_a_crashed_rebuild_left_is_deleted_by_the_next_one(
    ranking: RedisRanking, url: str, keys: Hands
) -> None:
    async with opened(url) as crashed:
        await crashed.lead(4)
        await crashed.rebuild((EPOCH, 20))
        await crashed.load(Mark(*ALL, 1, 10), [Score("ghost", 99, 20, 20)])
    async with opened(url) as leader:
        await leader.lead(5)
        assert await leader.place() == (EPOCH, START)
        assert await top(leader) == FULL
        await leader.apply(group(START, move(START + 1, "ben", 9)))
        before = keys.generations()
        assert len(before) == 2
        await leader.rebuild((EPOCH, START))
        await leader.load(Mark(*ALL, 1, 10), LOADED)
        assert len(keys.generations()) == 2
        assert keys.generations() != before
        await build(leader)
        assert len(keys.generations()) == 1
        assert await top(leader) == FULL


async def test_other_nodes_are_told_of_the_index_that_they_read(url: str) -> None:
    async with opened(url) as leader, opened(url) as other:
        await leader.lead(3)
        await build(leader)
        await leader.rebuild((EPOCH, 99))
        assert await leader.place() == (EPOCH, 99)
        assert await other.place() == (EPOCH, START)


# --- numbers, and the memory's ranking as the measure


@pytest.mark.parametrize("score", [SCORE_MAX, SCORE_MAX - 1, 2**52 + 1, 10**15, 0, -1, -SCORE_MAX])
async def test_scores_are_exact_to_the_last_digit(ranking: RedisRanking, score: int) -> None:
    seq, step = SCORE_MAX - 1, 1 if score > 0 else -1
    await build(ranking, [Score("loaded", score, 5, 50)])
    await ranking.apply(group(START, move(seq - 1, "moved", score - step)))
    await ranking.apply(group(seq - 1, move(seq, "moved", step)))
    found = await ranking.scores_of(*ALL, ["loaded", "moved"])
    assert found is not None
    assert found[0] == (EPOCH, seq)
    expected = [Score("loaded", score, 5, 50), Score("moved", score, seq, 10 * seq)]
    assert sorted(found[1], key=Score.key) == expected
    assert await top(ranking) == [("loaded", score), ("moved", score)]


@settings(max_examples=60, phases=WITHOUT_SHRINKING)
@given(shared.rebuilds(), st.integers(1, 9))
def test_it_answers_as_the_ranking_in_memory_does(
    valkey: ValkeyServer, case: shared.Reads, size: int
) -> None:
    lines, start, marks_read, users_read, statuses_read = case
    models = shared.after_each(lines)

    async def fill(ranking: Ranking) -> list[object]:
        seen: list[object] = []
        unseen = [user for user, seq in statuses_read.items() if user in models[seq].unseen]
        await ranking.rebuild((shared.EPOCH, start), unseen)
        for span in shared.SPANS:
            known = [(seq, models[seq].users[span]) for seq in users_read.values()]
            users = zip(users_read, known, strict=True)
            scores = [users_at[user] for user, (_, users_at) in users if user in users_at]
            await ranking.load(shared.marked(lines, span, marks_read[span]), scores)
        ahead = max(users_read.values())
        for after in range(start, ahead, size):
            await shared.apply(ranking, lines, after, min(after + size, ahead))
        await ranking.switch()
        for after in range(ahead, len(lines) + size, size):
            seen += [await answers(ranking, span, shared.USERS[:6]) for span in shared.SPANS]
            for step in shared.groups(lines, after, min(after + size, len(lines))):
                seen.append(set(await ranking.apply(step)))
            seen.append(await ranking.unseen())
        return seen

    async def live() -> None:
        async with opened(valkey.url()) as ranking:
            assert await fill(ranking) == await fill(MemoryRanking())

    asyncio.run(live())
