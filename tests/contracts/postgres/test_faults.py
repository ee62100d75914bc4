"""What becomes of awards when a server, a node or a caller is lost."""

import asyncio
import contextlib
import time
from typing import Any

import asyncpg
import pytest

from scoreboard.adapters.postgres import PostgresLedger
from scoreboard.core.award import Recorded, Repeated
from scoreboard.errors import CatalogueMoved, Outage, OutcomeUnknown, PeriodMoved, Unavailable
from scoreboard.ports import Prepared
from tests.contracts.material import DEFAULT, Clock, append, award, ensure_sums, posting_of
from tests.servers.postgres import PostgresServer
from tests.servers.tcp_proxy import Loss, proxy_to

from .conftest import PATIENCE_S, opened, until, wall_ms


async def test_a_locked_head_is_unavailable_and_nothing_is_half_written(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    await append(ledger, clock, award("a1"))
    async with raw.transaction():
        await raw.execute("SELECT FROM ledger_head FOR UPDATE")
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Unavailable):
                await append(ledger, clock, award("a2"), award("a3", "u2"))
        assert (await ledger.head()).seq == 2
        assert (await ledger.snapshot(DEFAULT, "all")).rows[0].score == 5
        assert await ledger.lead("me", 5_000) is not None
    [outcome] = await append(ledger, clock, award("a2"))
    assert isinstance(outcome, Recorded)
    await ensure_sums(ledger)


async def test_reads_that_hang_keep_no_node_from_leading_and_following(
    ledger: PostgresLedger,
) -> None:
    async def hang(_: asyncpg.Connection) -> None:
        await asyncio.Event().wait()

    asked = [asyncio.ensure_future(ledger._readers.read(hang)) for _ in range(12)]
    await asyncio.sleep(0)
    assert await ledger.lead("me", 5_000) is not None
    assert [each.seq for each in await ledger.postings(0, 10)] == [1]
    assert (await ledger.catalogue()).boards
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_a_node_that_stops_in_its_transaction_frees_the_head(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    holder = await asyncpg.connect(ledger._url)
    try:
        # What a node's session sets, so that the server ends a transaction nobody goes on with.
        async def timeout(connection: asyncpg.Connection) -> str:
            return await connection.fetchval("SHOW idle_in_transaction_session_timeout")

        own = await ledger._writer.session.read(timeout)
        await holder.execute(f"SET idle_in_transaction_session_timeout = '{own}'")
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM ledger_head FOR UPDATE")

        async def recorded() -> bool:
            with contextlib.suppress(Unavailable):
                return bool(await append(ledger, clock, award("a1")))
            return False

        await until(recorded)
    finally:
        holder.terminate()


@pytest.mark.parametrize("loss", Loss)
async def test_a_lost_answer_is_settled_by_asking_again(
    postgres: PostgresServer, url: str, clock: Clock, loss: Loss
) -> None:
    async with proxy_to(postgres.port) as proxy:
        through = url.replace(str(postgres.port), str(proxy.port))
        seen: list[bool] = []
        async with opened(through, clock_ms=clock, observe=seen.append) as ledger:
            await append(ledger, clock, award("a1"))
            proxy.lose(b"the-lost", loss)
            group = [award("a1"), award("the-lost", "u2"), award("a3")]
            if loss is Loss.ANSWER:
                # The repeat was found first; what was lost is the answer to the rest.
                known, lost, last = await append(ledger, clock, *group[1:], award("a4"))
                assert [posting_of(each).award_id for each in (known, lost, last)] == [
                    "the-lost", "a3", "a4",
                ]  # fmt: skip
            else:
                with pytest.raises(OutcomeUnknown):
                    await append(ledger, clock, *group[1:])
                assert await ledger.posting("the-lost") is None
                again = await append(ledger, clock, *group[1:])
                assert [type(each) for each in again] == [Recorded, Recorded]
            assert proxy.lost == 1
            await ensure_sums(ledger)


async def test_a_settled_group_with_an_award_of_another_node_hides_nothing_between(
    url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows the ledger would never hear of the postings in the gap."""
    async with opened(url, clock_ms=clock) as ledger, opened(url, clock_ms=clock) as other:
        await append(ledger, clock, award("a1"))
        await append(other, clock, award("shared", "u2"), award("between", "u3"))
        session = ledger._writer.session
        write = session.write

        async def loses_its_answer(*asked: Any) -> None:
            monkeypatch.undo()
            await write(*asked)
            raise OutcomeUnknown

        monkeypatch.setattr(session, "write", loses_its_answer)
        await append(ledger, clock, award("shared", "u2"), award("own", "u4"))
        told = [posting.seq for posting in await ledger.postings(2, 10)]
        assert told == [3, 4, 5]


async def test_a_commit_that_no_standby_has_is_not_a_success(
    own_postgres: PostgresServer,
) -> None:
    async with opened(own_postgres.url("own")) as ledger:
        await append(ledger, wall_ms, award("a1"))
        configure(own_postgres, "standby")
        prepared = Prepared(
            (await ledger.catalogue()).version, {"default": DEFAULT.periods_at(wall_ms())}
        )
        asked = asyncio.create_task(ledger.append([award("a2")], prepared))

        async def cancelled() -> bool:
            return "t" in await asyncio.to_thread(
                own_postgres.psql,
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
            )

        await until(cancelled)
        with pytest.raises(OutcomeUnknown):
            await asked
        configure(own_postgres, "")
        [again] = await append(ledger, wall_ms, award("a2"))
        assert isinstance(again, Repeated)


def configure(server: PostgresServer, standbys: str) -> None:
    server.psql(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
    server.psql("SELECT pg_reload_conf()")
    deadline = time.monotonic() + PATIENCE_S
    while server.psql("SHOW synchronous_standby_names") != standbys:
        assert time.monotonic() < deadline


async def test_a_server_that_hangs_hangs_nobody(own_postgres: PostgresServer) -> None:
    async with opened(own_postgres.url("own")) as ledger:
        await append(ledger, wall_ms, award("a1"))
        prepared = Prepared(
            (await ledger.catalogue()).version, {"default": DEFAULT.periods_at(wall_ms())}
        )
        try:
            own_postgres.pause()
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(OutcomeUnknown):
                    await ledger.append([award("a2")], prepared)
                with pytest.raises(Unavailable):
                    await ledger.head()
        finally:
            own_postgres.resume()
        await until(lambda: settled(ledger, "a2"))
        await ensure_sums(ledger)


async def settled(ledger: PostgresLedger, award_id: str) -> bool:
    with contextlib.suppress(Outage):
        await append(ledger, wall_ms, award(award_id))
        return await ledger.posting(award_id) is not None
    return False


async def test_a_killed_server_loses_nothing_that_was_answered_for(
    own_postgres: PostgresServer,
) -> None:
    seen: list[bool] = []
    answered: dict[str, int] = {}
    over = asyncio.Event()

    async def play(ledger: PostgresLedger, name: str) -> None:
        number = 0
        while not over.is_set():
            group = [award(f"{name}{number}-{each}", f"u{each}") for each in range(8)]
            try:
                outcomes = await append(ledger, wall_ms, *group)
            except (Outage, PeriodMoved, CatalogueMoved):
                await asyncio.sleep(0.01)
                continue
            for asked, outcome in zip(group, outcomes, strict=True):
                assert isinstance(outcome, Recorded | Repeated)
                answered[asked.award_id] = outcome.posting.seq
            number += 1

    url = own_postgres.url("own")
    async with opened(url, observe=seen.append) as one, opened(url) as two:
        playing = asyncio.gather(play(one, "one"), play(two, "two"))
        for _ in range(3):
            reached = len(answered) + 40
            await until(lambda reached=reached: soon(len(answered) >= reached))
            await asyncio.to_thread(own_postgres.kill)
            await asyncio.to_thread(own_postgres.start)
        reached = len(answered) + 40
        await until(lambda: soon(len(answered) >= reached))
        over.set()
        await playing
        postings = {posting.award_id: posting.seq for posting in await ensure_sums(one)}
        assert answered.items() <= postings.items()
    # Each session that finds out tells it: lost first, then back.
    assert seen.index(True) > 0


async def test_a_node_that_nobody_asks_for_anything_finds_out_that_its_server_is_gone(
    own_postgres: PostgresServer,
) -> None:
    seen: list[bool] = []
    async with opened(own_postgres.url("own"), observe=seen.append) as ledger:

        async def told(there: bool) -> bool:
            with contextlib.suppress(Outage):
                await ledger.lead("me", 5_000)
            return seen[-1:] == [there]

        assert await ledger.lead("me", 5_000) is not None
        await asyncio.to_thread(own_postgres.kill)
        await until(lambda: told(False))
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: told(True))


async def soon(value: bool) -> bool:
    return value


async def test_an_award_whose_caller_left_is_recorded_all_the_same(
    ledger: PostgresLedger, clock: Clock
) -> None:
    periods = {"default": DEFAULT.periods_at(clock())}
    prepared = Prepared((await ledger.catalogue()).version, periods)
    task = asyncio.create_task(ledger.append([award("a1")], prepared))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await append(ledger, clock, award("a2"))
    assert [posting.award_id for posting in await ensure_sums(ledger)][1:] == ["a1", "a2"]


@pytest.mark.parametrize("stage", ["begin", "commit"])
async def test_a_fault_before_the_commit_records_nothing(
    url: str, clock: Clock, stage: str
) -> None:
    class FaultError(Exception):
        """Planted."""

    faulty = False

    def fail(at: str) -> None:
        if faulty and at == stage:
            raise FaultError

    async with opened(url, clock_ms=clock, stage=fail) as ledger:
        await append(ledger, clock, award("a1"))
        faulty = True
        with pytest.raises(FaultError):
            await append(ledger, clock, award("a2"), award("a3"))
        faulty = False
        assert (await ledger.head()).seq == 2
        await append(ledger, clock, award("a3"))
        await ensure_sums(ledger)
