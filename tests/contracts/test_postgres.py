"""What only PostgreSQL can be asked: what the database itself refuses, and faults."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

asyncpg = pytest.importorskip("asyncpg")

from scoreboard.adapters.postgres import PostgresLedger, reader, rights  # noqa: E402 - needs the driver
from scoreboard.adapters.postgres.ordinary import ordinary  # noqa: E402
from scoreboard.adapters.postgres.schema import migrate  # noqa: E402
from scoreboard.core.action import Action  # noqa: E402
from scoreboard.core.award import Outcome, Recorded, Refused, Repeated  # noqa: E402
from scoreboard.core.posting import Kind  # noqa: E402
from scoreboard.core.reversal import OneAward  # noqa: E402
from scoreboard.core.window import ALL  # noqa: E402
from scoreboard.errors import (  # noqa: E402
    CatalogueMoved,
    Misconfigured,
    Outage,
    OutcomeUnknown,
    PeriodMoved,
    Unavailable,
    UserSuspended,
)
from scoreboard.ports import (  # noqa: E402
    Ledger,
    Moderation,
    Opening,
    Prepared,
    Reversal,
)
from tests.conftest import Require  # noqa: E402
from tests.servers.pgbouncer import PgBouncer, installed_bouncer  # noqa: E402
from tests.servers.postgres import (  # noqa: E402
    PostgresServer,
    installed,
    make_template,
    running,
)
from tests.servers.tcp_proxy import Loss, proxy_to  # noqa: E402

from .material import (  # noqa: E402
    DEFAULT,
    FALL,
    FOUL,
    GOAL,
    LEAGUE,
    PRIZE,
    QUIZ,
    Clock,
    all_postings,
    all_scores,
    append,
    award,
    ensure_sums,
    error_of,
    posting_of,
    put,
)

PATIENCE_S = 30


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[PostgresLedger]:
    ledger = await PostgresLedger.open(url, **options)
    try:
        yield ledger
    finally:
        await ledger.close()


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - what is awaited is elsewhere
            await asyncio.sleep(0.01)


@pytest.fixture
def url(postgres: PostgresServer, tmp_path: Path) -> str:
    return postgres.database_of(tmp_path)


@pytest_asyncio.fixture
async def ledger(url: str, clock: Clock) -> AsyncIterator[PostgresLedger]:
    async with opened(url, clock_ms=clock) as made:
        yield made


@pytest_asyncio.fixture
async def raw(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Another program on the same database: a superuser, who also owns it."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def own_postgres(postgres_programs: Path) -> Iterator[PostgresServer]:
    """A server to kill and to misconfigure."""
    with running(postgres_programs) as server:
        make_template(server)
        server.clone("own")
        yield server


# --- the ledger is append-only, whoever asks

ONE_MORE = (
    "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at) "
    "VALUES ({seq}, 1, '{award_id}', 'period', 'default', 0, 1)"
)
OF_NO_AWARD = (
    "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, reverses) "
    "VALUES (4, 1, 'r', 'reverse', 'default', -5, 1, 1)"
)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET points = 500 WHERE seq = 2",
        "UPDATE ledger SET award_id = 'b' WHERE seq = 2",
        "DELETE FROM ledger",
        "DELETE FROM ledger WHERE seq = 3",
        "TRUNCATE ledger",
        "SET session_replication_role = replica; DELETE FROM ledger",
        "SET session_replication_role = replica; " + ONE_MORE.format(seq=9, award_id="gap"),
        ONE_MORE.format(seq=4, award_id="a1"),
        ONE_MORE.format(seq=5, award_id="gap"),
        ONE_MORE.format(seq=0, award_id="early"),
        ONE_MORE.format(seq=-1, award_id="negative"),
        ONE_MORE.format(seq=4, award_id="x") + ", (6, 1, 'y', 'period', 'default', 0, 1)",
        ONE_MORE.format(seq=3, award_id="x") + " ON CONFLICT (seq) DO UPDATE SET points = 9",
        OF_NO_AWARD,
        "UPDATE audit SET reason = 'other'",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
async def test_the_database_itself_keeps_the_ledger_append_only(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection, statement: str
) -> None:
    await append(ledger, clock, award("a1"), award("a2"))
    before = await raw.fetch("SELECT * FROM ledger ORDER BY seq")
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await raw.execute(statement)
    assert await raw.fetch("SELECT * FROM ledger ORDER BY seq") == before


async def test_one_award_is_reversed_at_most_once(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    await append(ledger, clock, award("a1"))
    reversal = (
        "INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, reverses) "
        "VALUES ({}, 1, '{}', 'reverse', 'default', -5, 1, 2)"
    )
    await raw.execute(reversal.format(3, "r1"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await raw.execute(reversal.format(4, "r2"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO scores VALUES ('default', 'all', 'u9', 9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', 'u9', -9007199254740992, 1, 1)",
        "INSERT INTO scores VALUES ('default', 'all', NULL, 1, 1, 1)",
        "INSERT INTO ledger_head VALUES (2, 1, 1, NULL)",
        "UPDATE users SET status = 'gone'",
        "INSERT INTO actions VALUES ('a', 9007199254740992, 'default', 0, 0, 0, 0, false)",
    ],
)
async def test_columns_refuse_what_is_not_theirs(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection, statement: str
) -> None:
    await append(ledger, clock, award("a1"))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await raw.execute(statement)


# --- rights


@pytest_asyncio.fixture
async def role(postgres: PostgresServer, tmp_path: Path, url: str) -> AsyncIterator[str]:
    """A role that the ledger's owner has granted the rights."""
    name = f"service_{tmp_path.name[:20].replace('-', '_')}"
    postgres.psql(f"CREATE ROLE {name} LOGIN")
    async with opened(url) as owners:
        await owners.grant(name)
    yield name
    postgres.psql(f"DROP OWNED BY {name}", url.rpartition("/")[2])
    postgres.psql(f"DROP ROLE {name}")


async def test_a_role_without_more_rights_than_needed_runs_the_service_and_cannot_rewrite(
    role: str, url: str
) -> None:
    async with opened(url) as owners:
        assert any("--grant" in sentence for sentence in owners.cautions)
        with pytest.raises(Misconfigured):
            await owners.grant("nobody-there")
    as_role = url.replace("scoreboard@", f"{role}@")
    async with opened(as_role) as service:
        assert service.cautions == ()
        await do_everything(service)
    await ensure_no_rights(as_role)


async def test_a_role_that_was_granted_before_gets_what_is_new_with_the_migration(
    role: str, url: str, raw: asyncpg.Connection
) -> None:
    # As far as its rights go, tables that a migration adds.
    await raw.execute(f"REVOKE ALL ON tiles, findings, users FROM {role}")
    await raw.execute(f"CREATE ROLE {role}_reader")
    await raw.execute(f"GRANT SELECT ON ledger TO {role}_reader")
    try:
        await migrate(url, wall_ms)
        assert await rights.missing(raw, role) == ()
        assert "SELECT ON tiles" in await rights.missing(raw, f"{role}_reader")
        assert "INSERT ON ledger" in await rights.missing(raw, f"{role}_reader")
    finally:
        await raw.execute(f"DROP OWNED BY {role}_reader; DROP ROLE {role}_reader")
    as_role = url.replace("scoreboard@", f"{role}@")
    assert await migrate(as_role, wall_ms) == ()  # it may not grant, and need not
    async with opened(as_role) as service:
        await do_everything(service)
    await ensure_no_rights(as_role)


async def test_a_node_says_which_rights_its_role_lacks(
    role: str, url: str, raw: asyncpg.Connection
) -> None:
    await raw.execute(f"REVOKE INSERT ON tiles FROM {role}")
    await raw.execute(f"REVOKE UPDATE (salt) ON users FROM {role}")
    async with opened(url.replace("scoreboard@", f"{role}@")) as service:
        [caution] = service.cautions
        assert "lacks rights (INSERT ON tiles, UPDATE ON users)" in caution
        assert "scoreboard migrate --grant" in caution


async def ensure_no_rights(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in (
            "UPDATE ledger SET points = 1",
            "DELETE FROM ledger",
            "TRUNCATE ledger",
            "UPDATE audit SET reason = ''",
            "DELETE FROM audit",
            "ALTER TABLE ledger DISABLE TRIGGER ALL",
            "DELETE FROM migrations",
            "UPDATE ledger_head SET epoch = 1",
            "DELETE FROM users",
            "UPDATE users SET user_ref = 77",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        for statement in (
            "UPDATE users SET user_id = 'someone'",
            "UPDATE users SET salt = '123'",
            "UPDATE users SET user_id = NULL",
            "UPDATE users SET commitment = sha256('1')",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def do_everything(ledger: Ledger) -> None:
    """Each operation of a ledger once, with the database's own clock."""
    rare = Action(action_id="rare", points=5, cooldown_s=600)
    await put(ledger, LEAGUE, QUIZ, GOAL, FOUL, rare)
    assert await ledger.bind("secret") == "secret"
    first, _, third = await append(
        ledger, wall_ms, award("a1"), award("a2", "u2", GOAL), award("a3", "u2", FOUL)
    )
    assert posting_of(third).score_after == 1
    again, new = await append(ledger, wall_ms, award("a1"), award("a4", "u3"))
    assert again == Repeated(posting_of(first))
    assert isinstance(new, Recorded)
    allowed, refused = await append(
        ledger, wall_ms, award("a5", action=rare), award("a6", action=rare)
    )
    assert (type(allowed), type(refused)) == (Recorded, Refused)
    assert len(await ledger.open_periods([Opening("league", "2030-01-01")])) == 1
    term = await ledger.lead("me", 5_000)
    assert await ledger.lead("me", 5_000) == term
    await ledger.resign("me")
    await ledger.move_bookmark("feed", 3)
    assert await ledger.bookmark("feed") == 3
    assert (await ledger.snapshot(DEFAULT, "all")).rows[0].score == 10
    assert (await ledger.standing(DEFAULT, "all", "u3")).rank == 2
    assert len(await ledger.around(DEFAULT, "all", "u3", 1)) == 2
    assert len((await ledger.page(DEFAULT, "all", None, 1)).rows) == 1
    assert len(await ledger.own_awards_since(0)) == 5
    assert len(await ledger.postings_of("u1", None, 10)) == 2
    assert len(await ledger.audit(None, 10)) == 5
    assert (await ledger.moderate(Moderation("u3", Kind.HOLD, "mo", "odd"))) is not None
    assert len((await ledger.statuses(None, 10)).users) == 1
    assert len((await ledger.reverse(Reversal(OneAward("a1"), "mo", "odd"))).postings) == 1
    erased = await ledger.moderate(Moderation("u3", Kind.ERASE, "mo", "asked for"))
    assert erased is not None
    await ledger.forget_erased(erased.seq)
    assert len(await ledger.scores_at("default", ALL, erased.seq, None, 9)) == 1
    assert [each.kind for each in await ledger.turns(0, erased.seq)] == [Kind.HOLD, Kind.ERASE]
    await ensure_sums(ledger)


# --- where it runs


async def test_the_same_through_pgbouncer_in_session_mode(
    require: Require, postgres: PostgresServer, url: str
) -> None:
    program = installed_bouncer()
    require("pgbouncer", program, "apt-get install pgbouncer")
    assert program is not None
    with PgBouncer(program, postgres.port) as bouncer:
        async with opened(bouncer.url(url.rpartition("/")[2])) as ledger:
            await do_everything(ledger)
            woken = asyncio.Event()
            ledger.on_commit(woken.set)
            async with opened(url) as other:
                await append(other, wall_ms, award("elsewhere"))
                async with asyncio.timeout(PATIENCE_S):
                    await woken.wait()


@pytest.mark.parametrize("version", [14, 15, 16, 17])
async def test_the_same_on_an_older_postgresql(version: int) -> None:
    programs = installed(version)
    if programs is None:
        pytest.skip(f"needs PostgreSQL {version} in /usr/lib/postgresql")
    with running(programs) as server:
        async with opened(server.url(), may_migrate=True) as ledger:
            await do_everything(ledger)


# --- settings


@pytest.mark.parametrize(
    "setting", ["synchronous_commit = off", "default_transaction_read_only = on"]
)
async def test_a_database_that_would_not_keep_awards_is_refused(
    postgres: PostgresServer, url: str, setting: str
) -> None:
    postgres.psql(f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting}")
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(url)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_a_server_that_would_not_keep_awards_is_refused(
    postgres_programs: Path, setting: str
) -> None:
    with (
        running(postgres_programs, {setting: "off"}) as server,
        pytest.raises(Misconfigured, match=setting),
    ):
        await PostgresLedger.open(server.url(), may_migrate=True)


async def test_another_encoding_is_refused(postgres: PostgresServer) -> None:
    name = "latin"
    postgres.psql(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with pytest.raises(Misconfigured, match="LATIN1"):
            await PostgresLedger.open(postgres.url(name), may_migrate=True)
    finally:
        postgres.psql(f"DROP DATABASE {name}")


@pytest.mark.parametrize(
    "change", ["mysql://host/name", "postgresql://nobody@", "postgresql://scoreboard@/none"]
)
async def test_an_address_that_leads_nowhere_is_refused(
    postgres: PostgresServer, change: str
) -> None:
    host = f"@127.0.0.1:{postgres.port}"
    address = change.replace("@/", f"{host}/")
    if address.endswith("@"):
        address = f"{address[:-1]}{host}/postgres"
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(address)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await PostgresLedger.open("postgresql://scoreboard@127.0.0.1:1/none")


@pytest.mark.parametrize("answers", [False, True], ids=["closed", "hanging"])
async def test_the_primary_is_found_beside_a_host_that_is_lost(
    postgres: PostgresServer, url: str, answers: bool
) -> None:
    with socket.socket() as lost:
        lost.bind(("127.0.0.1", 0))
        if answers:
            lost.listen()
        name = url.rpartition("/")[2]
        hosts = f"127.0.0.1:{lost.getsockname()[1]},127.0.0.1:{postgres.port}"
        async with opened(f"postgresql://scoreboard@{hosts}/{name}") as ledger:
            await append(ledger, wall_ms, award("a1"))
            assert (await ledger.head()).seq == 2


# --- the schema


async def test_migrating_again_changes_nothing(url: str) -> None:
    async with opened(url) as ledger:
        before = await ledger.head(), await ledger.catalogue()
        assert await migrate(url, None) == ()
        assert (await ledger.head(), await ledger.catalogue()) == before


@pytest.mark.parametrize("may_migrate", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE migrations SET checksum = 'other' WHERE version = 1",
        "INSERT INTO migrations VALUES (9999, 'later', 'abc', 0)",
    ],
    ids=["altered", "newer"],
)
async def test_a_schema_it_does_not_know_is_refused(
    postgres: PostgresServer, url: str, change: str, may_migrate: bool
) -> None:
    postgres.psql(change, url.rpartition("/")[2])
    with pytest.raises(Misconfigured):
        await PostgresLedger.open(url, may_migrate=may_migrate)


async def test_an_old_schema_is_migrated_only_when_allowed(postgres: PostgresServer) -> None:
    url = postgres.clone("empty", "template1")
    with pytest.raises(Misconfigured, match="scoreboard migrate"):
        await PostgresLedger.open(url)
    async with opened(url, may_migrate=True):
        pass
    async with opened(url):
        pass


async def test_nodes_that_start_at_once_make_one_ledger(postgres: PostgresServer) -> None:
    url = postgres.clone("at_once", "template1")
    steps = await asyncio.gather(*[migrate(url, None) for _ in range(4)])
    assert sorted(map(len, steps))[:3] == [0, 0, 0]
    async with opened(url) as ledger:
        assert (await ledger.head()).seq == 1


# --- groups


async def test_a_banned_user_is_refused_and_the_others_are_not(
    ledger: PostgresLedger, clock: Clock, raw: asyncpg.Connection
) -> None:
    await append(ledger, clock, award("a1", "bad"), award("a2", "good"))
    await raw.execute("UPDATE users SET status = 'banned' WHERE user_id = 'bad'")
    slow = Action(action_id="slow", points=1, cooldown_s=1)
    for group in (
        [award("b1", "bad"), award("b2", "good"), award("a1", "bad"), award("b2", "good")],
        [
            award("c1", "bad", slow),
            award("c2", "good", slow),
            award("a1", "bad"),
            award("c2", "good", slow),
        ],
    ):
        refused, recorded, known, again = await append(ledger, clock, *group)
        assert isinstance(error_of(refused), UserSuspended)
        assert isinstance(recorded, Recorded)
        assert isinstance(known, Repeated)
        assert again == Repeated(recorded.posting)
    await ensure_sums(ledger)


async def test_a_group_recorded_without_judging_is_what_judging_would_have_made_of_it(
    postgres: PostgresServer, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [
        [award(f"{number}-{index}", f"u{index * 7 % 5}", (QUIZ, PRIZE, GOAL)[index % 3])
         for index in range(20)]
        + [award(f"{number}-f", "u8", FOUL), award(f"{number}-g", "u9", FALL)]
        for number in range(4)
    ]  # fmt: skip
    assert all(ordinary(group) for group in groups)
    seen = []
    for judged in (False, True):
        home = tmp_path / str(judged)
        if judged:
            monkeypatch.setattr("scoreboard.adapters.postgres.ordinary.ordinary", lambda *_: None)
        async with opened(postgres.database_of(home), clock_ms=clock) as ledger:
            await put(ledger, LEAGUE)
            outcomes = [await append(ledger, clock, *group) for group in groups]
        # Another node reads what was written, not what this one remembers.
        async with opened(postgres.database_of(home), clock_ms=clock) as ledger:
            spans = [("default", "all"), *(("league", name) for name in ("all", "2026-11-23"))]
            scores = [await all_scores(ledger, span) for span in spans]
            marks = [await ledger.marked(*span) for span in spans]
            seen.append((outcomes, scores, marks, await all_postings(ledger)))
            await ensure_sums(ledger)
    assert seen[0] == seen[1]


async def test_two_nodes_that_award_the_same_to_the_same_credit_it_once(url: str) -> None:
    shared = [award(f"s{index}", f"u{index % 7}") for index in range(60)]

    async def node(name: str, ledger: PostgresLedger) -> list[Outcome]:
        answers: list[Outcome] = []
        for index in range(20):
            own = [award(f"{name}{index}-{each}", f"u{each}", PRIZE) for each in range(5)]
            answers += await append(ledger, wall_ms, *shared[index * 3 : index * 3 + 3], *own)
        return answers

    async with opened(url) as one, opened(url) as two:
        answers = await asyncio.gather(node("one", one), node("two", two))
        postings = await ensure_sums(one)
    kinds = [type(answer) for each in answers for answer in each]
    assert kinds.count(Recorded) == len(postings) - 1 == 60 + 200
    assert kinds.count(Repeated) == 60


async def test_at_every_moment_scores_are_the_sums_of_postings(
    url: str, raw: asyncpg.Connection
) -> None:
    both = (
        "SELECT (SELECT sum(points) FROM ledger), (SELECT sum(score) FROM scores), "
        "(SELECT count(*) FROM ledger), (SELECT max(seq) FROM ledger)"
    )
    async with opened(url) as one, opened(url) as two:

        async def write(name: str, ledger: PostgresLedger) -> None:
            for index in range(40):
                await append(
                    ledger, wall_ms,
                    *[award(f"{name}{index}-{each}", f"u{each}") for each in range(index % 9 + 1)],
                )  # fmt: skip

        writing = asyncio.gather(write("one", one), write("two", two))
        while not writing.done():
            points, scores, count, last = await raw.fetchrow(both)
            assert (points or 0, count) == (scores or 0, last)
        await writing


async def test_a_commit_of_another_node_wakes(
    url: str, ledger: PostgresLedger, clock: Clock
) -> None:
    woken = asyncio.Event()
    async with opened(url, clock_ms=clock) as other:
        other.on_commit(woken.set)

        async def heard() -> bool:
            await append(ledger, clock, award(f"a{(await ledger.head()).seq}"))
            return woken.is_set()

        await until(heard)


async def test_standings_say_when_they_cannot_count(
    ledger: PostgresLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(ledger, clock, *[award(f"a{index}", f"u{index:02}") for index in range(20)])
    monkeypatch.setattr(reader, "COUNT_MAX", 10)
    assert (await ledger.standing(DEFAULT, "all", "u10")).rank == 11
    assert (await ledger.around(DEFAULT, "all", "u12", 2))[0].rank == 11
    assert len((await ledger.page(DEFAULT, "all", (-5, 11), 5)).rows) == 5
    for answer in (
        ledger.standing(DEFAULT, "all", "u11"),
        ledger.around(DEFAULT, "all", "u13", 2),
        ledger.page(DEFAULT, "all", (-5, 12), 5),
    ):
        with pytest.raises(Unavailable):
            await answer


@pytest.mark.parametrize("cooldown_s", [0, 1], ids=["ordinary", "judged"])
async def test_a_group_reads_a_few_rows_an_award_however_long_the_history(
    url: str, raw: asyncpg.Connection, cooldown_s: int
) -> None:
    action = Action(action_id="again", points=1, cooldown_s=cooldown_s)
    clock = Clock()

    async def play(first: int, groups: int) -> int:
        before = await entries_read(raw)
        async with opened(url, clock_ms=clock) as ledger:
            for number in range(first, first + groups):
                clock.now_ms += 1_000
                users = [award(f"{number}-{each}", f"u{each}", action) for each in range(10)]
                assert all(type(each) is Recorded for each in await append(ledger, clock, *users))
        await until(lambda: alone(raw))
        return await entries_read(raw) - before

    # A transaction that sees an old state keeps every version since then alive.
    held = await asyncpg.connect(url, server_settings={"application_name": "held"})
    try:
        await held.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await held.fetch("SELECT FROM ledger")
        await play(0, 100)
        assert await play(100, 10) < 10 * 10 * 12
    finally:
        await held.close()


async def entries_read(raw: asyncpg.Connection) -> int:
    await raw.execute("SELECT pg_stat_clear_snapshot()")
    return await raw.fetchval(
        "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)"
        " + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables"
        " WHERE relname IN ('ledger', 'scores', 'users'))"
    )


async def alone(raw: asyncpg.Connection) -> bool:
    return not await raw.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'scoreboard'"
    )


# --- faults


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
    assert seen[:2] == [False, True]


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
