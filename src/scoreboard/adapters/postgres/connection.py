"""A connection to PostgreSQL that is opened when it is needed, and again when it was lost."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg

from scoreboard.adapters.migrations import statements
from scoreboard.errors import Misconfigured, OutcomeUnknown, Unavailable

SQL = statements("postgres")
CONNECT_S = 1.0
CALL_S = 2.4
"""How long a call may take; with the time to settle its outcome, three seconds."""
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 3_000
BACKOFF_S = 0.05
BACKOFF_MAX_S = 1.0
CLOSE_S = 2.0

Connection = Any
"""An ``asyncpg.Connection``; the driver publishes no types."""
Prepare = Callable[[Connection], Awaitable[None]]
T = TypeVar("T")

BROKEN = (
    OSError,
    EOFError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What goes wrong with a server; the last two are what the driver makes of its sudden death."""
_UNFIT = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidPasswordError,
)

# In a transaction that a stopped node left open, others would wait for the head until the end of
# time. Plans: the functions look up a few rows by key, whatever the tables' sizes were when the
# plan was made and kept; a hash or a merge reads a whole table, a compiled plan costs more than it
# saves. `SET`, because PgBouncer passes hardly any setting on at the start of a connection.
_SETTINGS = {
    "application_name": "scoreboard",
    "lock_timeout": str(LOCK_TIMEOUT_MS),
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_MS),
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


class Unsynchronised(OutcomeUnknown):
    """Committed here, and on no standby that was to have it."""


async def connect(url: str, seconds: float = CONNECT_S) -> Connection:
    """A new connection with our settings.

    Raises:
        Misconfigured: the URL is none, or the server knows no such user, password or database.
        Unavailable: there is no connection to be had.
    """
    try:
        async with asyncio.timeout(seconds):
            connection = await _first_of(_hosts(url))
    except _UNFIT as error:
        raise Misconfigured(f"The database refuses to be opened: {error}.") from error
    except ValueError as error:
        raise Misconfigured(f"The ledger's address is not a PostgreSQL URL: {error}.") from error
    except BROKEN as error:
        raise Unavailable from error
    try:
        names, values = list(_SETTINGS), list(_SETTINGS.values())
        async with asyncio.timeout(seconds):
            await connection.execute(
                "SELECT set_config(s.name, s.value, false) "
                "FROM unnest($1::TEXT[], $2::TEXT[]) AS s (name, value)",
                names,
                values,
            )
    except BaseException as error:
        connection.terminate()
        if isinstance(error, BROKEN):
            raise Unavailable from error
        raise
    return connection


def _hosts(url: str) -> list[str]:
    """The URL of each host; of several, the one that takes writes is wanted."""
    user, at, rest = url.rpartition("@") if "@" in url else url.partition("//")
    hosts, slash, name = rest.partition("/")
    if "," not in hosts:
        return [url]
    if "target_session_attrs" not in name:
        name += ("&" if "?" in name else "?") + "target_session_attrs=read-write"
    return [f"{user}{at}{host}{slash or '/'}{name}" for host in hosts.split(",")]


async def _first_of(urls: Sequence[str]) -> Connection:
    # The driver asks one host after the other, and waits for ever for one that is cut off.
    asked = [
        asyncio.ensure_future(asyncpg.connect(url, max_cached_statement_lifetime=0)) for url in urls
    ]
    chosen: Connection | None = None
    try:
        for answer in asyncio.as_completed(asked):
            with contextlib.suppress(*(BROKEN if len(asked) > 1 else ())):
                chosen = await answer
                return chosen
        raise Unavailable
    finally:
        # Without waiting: whoever gave up meanwhile would leave the chosen one open.
        for task in asked:
            task.cancel()
            task.add_done_callback(lambda done: _let_go(done, chosen))


def _let_go(asked: asyncio.Task[Connection], chosen: Connection | None) -> None:
    if not asked.cancelled() and not asked.exception() and asked.result() is not chosen:
        asked.result().terminate()


def is_definite(error: BaseException) -> bool:
    """Whether the server itself said that a statement failed, and lives on: nothing happened."""
    return (
        isinstance(error, asyncpg.PostgresError)
        and not isinstance(error, asyncpg.PostgresConnectionError)
        and getattr(error, "severity_en", None) == "ERROR"
    )


class Session:
    """One connection, used by one call at a time."""

    def __init__(
        self,
        url: str,
        prepare: Prepare | None = None,
        observe: Callable[[bool], None] | None = None,
    ) -> None:
        self._url = url
        self._prepare = prepare
        self.observe = observe or (lambda _: None)
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._up = True
        self._failures = 0
        self._again_at = 0.0
        self._warned = False

    async def write(self, work: Callable[[Connection], Awaitable[T]], seconds: float = CALL_S) -> T:
        """Do what either happens as a whole or not at all.

        Raises:
            Unavailable: it did not happen.
            OutcomeUnknown: it may have.
        """
        async with self._taken(seconds) as deadline:
            self._warned = False
            answer = await self._done(work, deadline)
            if self._warned:
                raise Unsynchronised
            return answer

    async def read(self, work: Callable[[Connection], Awaitable[T]], seconds: float = CALL_S) -> T:
        """Do what changes nothing.

        Raises:
            Unavailable: there is no answer.
        """
        try:
            async with self._taken(seconds) as deadline:
                return await self._done(work, deadline)
        except OutcomeUnknown as error:
            raise Unavailable from error

    def hurry(self) -> None:
        """Connect at the next call, however often that has failed."""
        self._again_at = 0.0

    def drop(self) -> None:
        """Cut the connection, whatever is under way."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Wait for the call under way, and say goodbye."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(*BROKEN):
                    await connection.close(timeout=CLOSE_S)

    @contextlib.asynccontextmanager
    async def _taken(self, seconds: float) -> AsyncIterator[float]:
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Unavailable from error
        try:
            yield deadline
        finally:
            self._turn.release()

    async def _done(self, work: Callable[[Connection], Awaitable[T]], deadline: float) -> T:
        connection = await self._ready(deadline)
        try:
            async with asyncio.timeout_at(deadline):
                return await work(connection)
        except BROKEN as error:
            if is_definite(error) and await self._rolled_back(connection):
                self._leave_standby(error)
                raise Unavailable from error
            self.drop()
            raise OutcomeUnknown from error
        except Exception:
            await self._rolled_back(connection)
            raise
        except BaseException:
            self.drop()
            raise

    async def _ready(self, deadline: float) -> Connection:
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        loop = asyncio.get_running_loop()
        if self._connection is not None:
            self._connection = None
            self._see(up=False)
        if loop.time() < self._again_at:
            raise Unavailable
        try:
            self._connection = await self._connect(min(CONNECT_S, deadline - loop.time()))
        except (Unavailable, Misconfigured) as error:
            self._again_at = loop.time() + min(BACKOFF_S * 2**self._failures, BACKOFF_MAX_S)
            self._failures = min(self._failures + 1, 10)
            self._see(up=False)
            raise Unavailable from error
        self._failures = 0
        self._see(up=True)
        return self._connection

    async def _connect(self, seconds: float) -> Connection:
        connection = await connect(self._url, seconds)
        connection.add_log_listener(self._listen)
        try:
            if self._prepare is not None:
                async with asyncio.timeout(seconds):
                    await self._prepare(connection)
        except BaseException as error:
            connection.terminate()
            if isinstance(error, BROKEN):
                raise Unavailable from error
            raise
        return connection

    async def _rolled_back(self, connection: Connection) -> bool:
        if connection.is_closed():
            return False
        if not connection.is_in_transaction():
            return True
        try:
            async with asyncio.timeout(CONNECT_S):
                await connection.execute("ROLLBACK")
        except BROKEN:
            self.drop()
        return True

    def _leave_standby(self, error: BaseException) -> None:
        # What was the primary is none any more: look for it again.
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            self.drop()

    def _listen(self, _: Connection, message: Any) -> None:
        # "canceling wait for synchronous replication" comes in the server's own language; a write
        # gives no other reason for a warning.
        self._warned = self._warned or message.severity_en == "WARNING"

    def _see(self, *, up: bool) -> None:
        if up != self._up:
            self._up = up
            self.observe(up)


class Pool:
    """A few sessions, for calls that may run beside each other."""

    def __init__(
        self,
        url: str,
        size: int,
        waited: Callable[[float], None] = lambda _: None,
        observe: Callable[[bool], None] | None = None,
    ) -> None:
        self._waited = waited
        self._sessions = [Session(url, observe=observe) for _ in range(size)]
        self._free: asyncio.LifoQueue[Session] = asyncio.LifoQueue()
        for session in self._sessions:
            self._free.put_nowait(session)

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._one() as session:
            return await session.read(work)

    async def write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._one() as session:
            return await session.write(work)

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()

    @contextlib.asynccontextmanager
    async def _one(self) -> AsyncIterator[Session]:
        asked_s = time.perf_counter()
        try:
            async with asyncio.timeout(CALL_S):
                session = await self._free.get()
        except TimeoutError as error:
            raise Unavailable from error
        finally:
            self._waited(time.perf_counter() - asked_s)
        try:
            yield session
        finally:
            self._free.put_nowait(session)
