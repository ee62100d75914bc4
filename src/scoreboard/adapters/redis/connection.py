"""One Redis server: its address, its scripts, and what its errors mean to us."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004 - the driver's name for it
)

from scoreboard.errors import Misconfigured, Unavailable

SOCKET_TIMEOUT_S = 2.0
CALL_TIMEOUT_S = 2.5
"""One call with all it takes, a new connection and a lost script included."""

CONNECTIONS_MAX = 32
HOPS_MAX = 3
"""How often one call is sent on by nodes of a cluster."""

KEEP = "noeviction"

_PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
# What a script stumbles over when keys were written by somebody else, as Redis 6 and 7 put it.
_STUMBLED = re.compile(r"WRONGTYPE|user_script:|Error running script")

Argument = str | bytes | int


class WrongData(Exception):
    """A key holds something that is not ours, or not ours any more."""


class Script(Struct, frozen=True):
    """Lua that runs as one step of the server; ``reads`` when it changes nothing."""

    text: str
    sha: str
    reads: bool


@cache
def script(*names: str, reads: bool = False) -> Script:
    """The files ``lua/NAME.lua``, one after the other, as one script."""
    folder = files("scoreboard.adapters") / "lua"
    text = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
    # The server names a script by its SHA-1: no secret hangs on it.
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest(), reads)


def connect(url: str, *, observe: Callable[[bool], None] = lambda _: None) -> "Connection":
    """A server by its address; nothing is sent before the first call.

    ``redis://[user:password@]host:port/db?prefix=scoreboard``, or ``rediss://`` for TLS; what else
    is in the query goes to the driver. ``observe`` hears False when the server is lost and True
    when it is back.

    Raises:
        Misconfigured: this is no such address.
    """
    address, prefix = _split(url)
    return Connection(address, prefix, observe)


def _client(address: str) -> "Redis":
    try:
        client = Redis.from_url(
            address,
            # Every call is bounded here. With a time-out of its own the driver writes through
            # asyncio.wait_for, which before Python 3.12 loses a cancellation that comes as it ends.
            socket_timeout=None,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            max_connections=CONNECTIONS_MAX,
            # A call may have been carried out when its answer is lost: whoever knows that it is
            # harmless asks again, not the driver.
            retry=Retry(NoBackoff(), 0),
        )
        make: Callable[[], object] = client.connection_pool.make_connection
        make()  # refuses names that it does not know
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"not an address of Redis: {error}") from error
    return client


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", "scoreboard")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        raise Misconfigured("an address of Redis is redis://HOST:PORT/DB, or rediss:// with TLS")
    if not _PREFIX.fullmatch(prefix):
        raise Misconfigured("the prefix of keys is 1 to 64 of A-Z a-z 0-9 . _ -")
    return urlunsplit(parts._replace(query=urlencode(query))), prefix


class Connection:
    """Calls to one server; each is bounded in time and answers in the types of Python.

    All keys begin with ``{prefix}``: in braces, so that Redis Cluster keeps them on one node, the
    one that this goes to when another says so. While a server hangs, one call at a time waits for
    it and the others are told at once.
    """

    def __init__(self, address: str, prefix: str, observe: Callable[[bool], None]) -> None:
        self.prefix = prefix
        self.client = _client(address)
        self._observe = observe
        self._address = address
        self._at = address
        self._hung = False
        self._tried = False
        self._lost = False
        self._read_only = True

    def key(self, *names: str) -> str:
        """A key of ours."""
        return ":".join((f"{{{self.prefix}}}", *names))

    async def verify(self) -> None:
        """Look at the server once; one that cannot be reached now may be right.

        Raises:
            Misconfigured: it refuses us, or throws keys away when it is full.
        """
        try:
            await self.command("PING")
        except Unavailable as error:
            if isinstance(error.__cause__, AuthenticationError | NoPermissionError):
                raise Misconfigured("Redis refuses this user or password") from error
            return
        await self._ensure_keeps()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Argument]) -> Any:
        """Run a script, which the server may not have seen yet.

        Raises:
            Unavailable: the server did not answer; the script may have run all the same.
            WrongData: a key is of another type than the script expects.
        """
        return await self._bounded(lambda: self._evaluate(script, keys, args))

    async def command(self, *words: Argument) -> Any:
        """One command; raises as ``run``."""
        return await self._bounded(lambda: self._execute(*words))

    async def close(self) -> None:
        """End all connections; calls under way fail."""
        await self.client.aclose()

    async def _evaluate(
        self, script: Script, keys: Sequence[str], args: Sequence[Argument]
    ) -> object:
        words = (script.sha, len(keys), *keys, *args)
        try:
            return await self._execute(self._verb(script), *words)
        except NoScriptError:
            await self._execute("SCRIPT LOAD", script.text)
        except ResponseError as error:
            # Servers before Redis 7 have no EVALSHA_RO.
            if not (script.reads and self._read_only and "unknown command" in str(error)):
                raise
            self._read_only = False
            return await self._evaluate(script, keys, args)
        return await self._execute(self._verb(script), *words)

    def _verb(self, script: Script) -> str:
        return "EVALSHA_RO" if script.reads and self._read_only else "EVALSHA"

    async def _execute(self, *words: Argument) -> Any:
        for _ in range(HOPS_MAX):
            call: Callable[..., Awaitable[Any]] = self.client.execute_command
            try:
                return await call(*words)
            except MovedError as moved:
                await self._go_to(f"{moved.host}:{moved.port}")
        raise Unavailable

    async def _bounded(self, call: Callable[[], Awaitable[Any]]) -> Any:
        if self._hung and self._tried:
            raise Unavailable
        self._tried = True
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                answer = await call()
        except NoPermissionError as error:
            raise Unavailable from error
        except (RedisError, OSError) as error:
            if type(error) is ResponseError and _STUMBLED.match(str(error)):
                self._found()
                raise WrongData from error
            self._hung = isinstance(error, TimeoutError | asyncio.TimeoutError)
            self._tell(lost=True)
            if self._at != self._address:
                await self._go_to(urlsplit(self._address).netloc.rpartition("@")[2])
            raise Unavailable from error
        finally:
            self._tried = False
        self._found()
        return answer

    async def _go_to(self, place: str) -> None:
        """Call another node of the cluster from now on."""
        parts = urlsplit(self._address)
        user, at, _ = parts.netloc.rpartition("@")
        address = urlunsplit(parts._replace(netloc=f"{user}{at}{place}"))
        if address != self._at:
            self._at, before, self.client = address, self.client, _client(address)
            await before.aclose()

    def _found(self) -> None:
        self._hung = False
        self._tell(lost=False)

    def _tell(self, *, lost: bool) -> None:
        if lost != self._lost:
            self._lost = lost
            self._observe(not lost)

    async def _ensure_keeps(self) -> None:
        try:
            memory = cast("dict[str, Any]", await self.command("INFO", "memory"))
        except Unavailable:
            return  # a hosted server may not say
        policy = memory.get("maxmemory_policy", KEEP)
        if int(memory.get("maxmemory", 0)) > 0 and policy != KEEP:
            raise Misconfigured(
                f"Redis has maxmemory-policy {policy}: set it to {KEEP}, "
                "or it throws away what is ranked and counted when its memory is full"
            )
