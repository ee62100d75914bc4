"""Keys from an issuer that is slow, down, wrong, rotated or flooded: a real server on loopback."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable

import pytest

from scoreboard.adapters.keys import JwksUrl
from scoreboard.core.token import Algorithm
from scoreboard.errors import Misconfigured
from tests.adapters.test_keys import (
    ALGORITHMS,
    ED_KEY,
    RSA_KEY,
    SECRET,
    jwk,
    jwks,
    private_pem,
    secret_jwk,
    subject,
    token,
)

OLD = jwk("RS256", RSA_KEY, kid="old")
NEW = jwk("EdDSA", ED_KEY, kid="new")
OLD_TOKEN, NEW_TOKEN = token("RS256", RSA_KEY, "old"), token("EdDSA", ED_KEY, "new")
DEADLINE_S = 20


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


class Issuer:
    """An HTTP server that answers with the bytes it was told, counts, and can be held."""

    def __init__(self) -> None:
        self.says = answer(jwks(OLD))
        self.heads: list[bytes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.trickle = False
        self.url = ""
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/jwks"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.open.set()
        for writer, ended in list(self._connections.items()):
            writer.transport.abort()
            await ended.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = self._connections[writer] = asyncio.Event()
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await self.open.wait()
                for byte in self.says if self.trickle else ():
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.01)
                writer.write(self.says)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            del self._connections[writer]
            ended.set()


class Stage:
    """An issuer, the source that asks it, a clock, and the events that were observed."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.now = 1000.0
        self.events: list[str] = []
        self.source = self.made(issuer.url)

    def made(self, url: str, timeout_s: float = 5.0) -> JwksUrl:
        return JwksUrl(url, clock=lambda: self.now, observe=self.events.append, timeout_s=timeout_s)

    @property
    def fetches(self) -> int:
        return len(self.issuer.heads)

    async def knows(self, text: str) -> bool:
        async with asyncio.timeout(DEADLINE_S):
            return await subject(self.source, text) == "alice"

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110 - the server knows nothing of its readers
                await asyncio.sleep(0.001)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    issuer = Issuer()
    await issuer.start()
    stage = Stage(issuer)
    yield stage
    await stage.source.stop()
    await issuer.stop()


async def test_published_keys_are_fetched_once_and_kept(stage: Stage) -> None:
    stage.issuer.says = answer(jwks(*(jwk(alg, key, kid=alg) for alg, key in ALGORITHMS.items())))
    await stage.source.start()
    for stage.now in (1000.0, 1100.0, 1239.0):
        for alg, key in ALGORITHMS.items():
            assert await stage.knows(token(alg, key, alg))
    assert stage.fetches == 1
    assert stage.source.age_s == 239.0
    assert not stage.source.failing
    assert stage.events == ["refreshed"]


async def test_the_first_token_fetches_when_nothing_was_started(stage: Stage) -> None:
    assert stage.source.age_s is None
    assert await stage.knows(OLD_TOKEN)
    assert stage.fetches == 1


async def test_keys_in_use_are_renewed_ahead_without_waiting(stage: Stage) -> None:
    await stage.source.start()
    stage.issuer.open.clear()
    stage.now += 240
    assert await stage.knows(OLD_TOKEN), "while the issuer has not answered"
    await stage.until(lambda: stage.fetches == 2)
    stage.issuer.open.set()
    await stage.until(lambda: stage.source.age_s == 0)


async def test_old_keys_are_not_used_before_looking_again(stage: Stage) -> None:
    await stage.source.start()
    stage.issuer.says = answer(jwks(NEW))
    stage.now += 300
    assert not await stage.knows(OLD_TOKEN)
    assert stage.fetches == 2


async def test_a_rotated_key_is_found_by_its_kid(stage: Stage) -> None:
    await stage.source.start()
    stage.issuer.says = answer(jwks(OLD, NEW))
    stage.now += 29
    assert not await stage.knows(NEW_TOKEN), "the last fetch was less than 30 s ago"
    stage.now += 1
    assert await stage.knows(NEW_TOKEN)
    assert await stage.knows(OLD_TOKEN)
    assert stage.fetches == 2


async def test_a_flood_of_unknown_kids_fetches_twice_a_minute_at_most(stage: Stage) -> None:
    await stage.source.start()
    stage.now += 30
    began = stage.fetches
    for second in range(60):
        for kid in range(20):
            assert not await stage.knows(token("RS256", RSA_KEY, f"{second}-{kid}"))
        assert await stage.knows(OLD_TOKEN)
        stage.now += 1
    assert stage.fetches - began == 2


async def test_a_flood_while_the_issuer_fails_fetches_no_more_often(stage: Stage) -> None:
    stage.issuer.says = answer(b"", "500 Oops")
    await stage.source.start()
    stage.now += 30
    began = stage.fetches
    for _ in range(60):
        assert not await stage.knows(OLD_TOKEN)
        assert not await stage.knows(NEW_TOKEN)
        stage.now += 1
    assert stage.fetches - began == 2


async def test_a_hundred_unknown_kids_at_once_are_one_fetch(stage: Stage) -> None:
    await stage.source.start()
    stage.issuer.says = answer(jwks(OLD, NEW))
    stage.issuer.open.clear()
    stage.now += 30
    tokens = [token("RS256", RSA_KEY, f"unknown-{n}") for n in range(100)]
    waiting = [asyncio.create_task(stage.knows(each)) for each in [*tokens, NEW_TOKEN]]
    await stage.until(lambda: stage.fetches == 2)
    assert await stage.knows(OLD_TOKEN), "a known kid does not wait for them"
    stage.issuer.open.set()
    assert await asyncio.gather(*waiting) == [False] * 100 + [True]
    assert stage.fetches == 2


async def test_who_goes_away_does_not_take_the_fetch_along(stage: Stage) -> None:
    stage.issuer.open.clear()
    first = asyncio.create_task(stage.knows(OLD_TOKEN))
    await stage.until(lambda: stage.fetches == 1)
    second = asyncio.create_task(stage.knows(OLD_TOKEN))
    first.cancel()
    await asyncio.wait([first])
    stage.issuer.open.set()
    assert await second
    assert stage.fetches == 1


async def test_keys_outlive_a_day_without_the_issuer_and_no_longer(stage: Stage) -> None:
    await stage.source.start()
    await stage.issuer.stop()
    for stage.now in (1300.0, 1331.0, 40_000.0, 1000 + 86_399.0):
        assert await stage.knows(OLD_TOKEN)
        await stage.until(lambda: stage.source.failing)
    stage.now = 1000 + 86_400.0
    assert not await stage.knows(OLD_TOKEN)
    assert set(stage.events[1:]) == {"failed"}


async def test_known_keys_do_not_wait_for_an_issuer_that_fails(stage: Stage) -> None:
    await stage.source.start()
    stage.issuer.says = answer(b"", "503 Later")
    stage.now += 300
    assert await stage.knows(OLD_TOKEN)
    stage.issuer.open.clear()
    stage.now += 30
    assert await stage.knows(OLD_TOKEN), "while the next attempt hangs"
    await stage.until(lambda: stage.fetches == 3)
    stage.issuer.says = answer(jwks(OLD))
    stage.issuer.open.set()
    await stage.until(lambda: not stage.source.failing)


@pytest.mark.parametrize(
    "says",
    [
        answer(jwks(NEW), "500 Internal Server Error"),
        answer(b"", "404 Not Found"),
        answer(b"", "204 No Content"),
        answer(b"", "302 Found", "Location: /elsewhere"),
        answer(b"", "301 Moved", "Location: http://127.0.0.1:1/"),
        answer(jwks(OLD)[:-1]),
        answer(b"<html></html>"),
        answer(b""),
        answer(jwks()),
        answer(jwks(secret_jwk(SECRET, kid="old"))),
        answer(jwks(jwk("RS256", RSA_KEY, private=True, kid="old"))),
        answer(private_pem(RSA_KEY)),
        answer(jwks(OLD) + b" " * 65_536),
        answer(gzip.compress(jwks(OLD)), "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + b" " * 65_535
        + b"\r\nffff\r\n" + b" " * 65_535 + b"\r\n0\r\n\r\n",
        b"SSH-2.0-x\r\n\r\n",
    ],
    ids=["500", "404", "204", "302", "301", "cut", "html", "empty", "no-keys", "secret", "private",
         "pem", "huge", "gzip", "huge-chunked", "not-http"],
)  # fmt: skip
async def test_a_wrong_answer_changes_nothing(stage: Stage, says: bytes) -> None:
    await stage.source.start()
    stage.issuer.says = says
    stage.now += 300
    assert await stage.knows(OLD_TOKEN)
    assert stage.source.failing
    assert stage.fetches == 2, "a redirect is not followed"
    assert stage.events == ["refreshed", "failed"]


async def test_a_strange_key_spoils_no_other(stage: Stage) -> None:
    strange = [1, {"kty": "AKP"}, jwk("RS256", RSA_KEY, kid="e", use="enc"), {"kty": "EC"}, None]
    leaked = [secret_jwk(SECRET, kid="s"), jwk("EdDSA", ED_KEY, private=True, kid="new")]
    stage.issuer.says = answer(json.dumps({"keys": [*strange, *leaked, OLD]}).encode())
    assert await stage.knows(OLD_TOKEN)
    assert not await stage.knows(token("HS256", SECRET, "s"))
    assert not await stage.knows(NEW_TOKEN), "whose private half everybody has seen"
    assert len(await stage.source.candidates(None, Algorithm.RS256)) == 1


@pytest.mark.parametrize("trickle", [False, True])
async def test_a_slow_issuer_is_given_up(stage: Stage, trickle: bool) -> None:
    source = stage.made(stage.issuer.url, timeout_s=0.2)
    stage.issuer.trickle = trickle
    if not trickle:
        stage.issuer.open.clear()
    async with asyncio.timeout(DEADLINE_S):
        await source.start()
    assert source.failing
    assert stage.events == ["failed"]
    await source.stop()


async def test_a_source_that_was_stopped_asks_no_more(stage: Stage) -> None:
    stage.issuer.open.clear()
    waiting = asyncio.create_task(stage.knows(OLD_TOKEN))
    await stage.until(lambda: stage.fetches == 1)
    await stage.source.stop()
    assert not await waiting
    stage.now += 60
    assert not await stage.knows(OLD_TOKEN)
    assert stage.fetches == 1


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/jwks", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "file:///etc",
     "", "jwks", "https://", "http://10.0.0.1/", "https://user:word@issuer.example/", "http://[::",
     "http://localhost.example/", "https://issuer.example:port/"],
)  # fmt: skip
def test_an_unsafe_url_refuses_to_start(stage: Stage, url: str) -> None:
    with pytest.raises(Misconfigured, match="JWKS_URL") as refusal:
        stage.made(url)
    assert "word" not in str(refusal.value).replace("password", "")


@pytest.mark.parametrize(
    "url",
    ["https://issuer.example/jwks", "http://localhost:1/", "http://127.9.9.9/", "http://[::1]:80/"],
)
def test_https_and_this_machine_are_safe(stage: Stage, url: str) -> None:
    stage.made(url)
