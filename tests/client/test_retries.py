"""The HTTP client against a server that fails as asked: what is retried, and what is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from scoreboard.client import AsyncClient, Patience
from scoreboard.client.address import service_url
from scoreboard.client.problem import ClientProblem

AWARDED = b'{"success":true,"new_score":50}'
PROBLEM = (
    b'{"type":"urn:scoreboard:problem:%b","title":"t","status":1,"code":"%b","detail":"No.",'
    b'"instance":"urn:uuid:0"}'
)
HANG_UP = b""

Answers = list[bytes]


def answer(status: int, body: bytes, *headers: bytes) -> bytes:
    head = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def problem(status: int, code: bytes, *headers: bytes) -> bytes:
    return answer(status, PROBLEM % (code, code), *headers)


@asynccontextmanager
async def server(answers: Answers) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers one request after the other, an empty answer by hanging up; keeps the heads."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while answers:
                head = await reader.readuntil(b"\r\n\r\n")
                heads.append(head)
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        await reader.readexactly(int(line.split(b":")[1]))
                said = answers.pop(0)
                if said == HANG_UP:
                    return
                writer.write(said)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", heads


def keys(heads: list[bytes]) -> list[bytes]:
    return [
        line.split(b": ")[1]
        for head in heads
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"idempotency-key")
    ]


@pytest.mark.parametrize(
    "failure",
    [
        HANG_UP,
        problem(503, b"unavailable", b"Retry-After: 0"),
        problem(503, b"outcome-unknown", b"Retry-After: 0"),
        problem(429, b"rate-limited", b"Retry-After: 0"),
        answer(502, b"<html>bad gateway</html>"),
    ],
    ids=["hang-up", "unavailable", "outcome-unknown", "rate-limited", "gateway"],
)
async def test_a_temporary_failure_is_asked_again_with_the_same_key(failure: bytes) -> None:
    replayed = answer(200, AWARDED, b"Award-Id: a", b"Idempotency-Replayed: true")
    async with (
        server([failure, failure, replayed]) as (url, heads),
        AsyncClient(url, "token") as client,
    ):
        receipt = await client.award("ada", "quiz")
    assert receipt.new_score == 50
    assert receipt.award_id == "a"
    assert receipt.replayed
    assert keys(heads) == [receipt.idempotency_key.encode()] * 3
    assert all(b"Authorization: Bearer token\r\n" in head for head in heads)


async def test_two_awards_have_two_keys_and_a_given_key_is_kept() -> None:
    async with (
        server([answer(200, AWARDED)] * 3) as (url, heads),
        AsyncClient(url) as client,
    ):
        await client.award("ada", "quiz")
        await client.award("ada", "quiz")
        await client.award("ada", "quiz", "k" * 16)
    assert len(set(keys(heads))) == 3
    assert keys(heads)[2] == b"k" * 16


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, b"unknown-action"), (401, b"invalid-token"), (409, b"award-conflict")],
)
async def test_a_refusal_is_not_asked_again(status: int, code: bytes) -> None:
    async with (
        server([problem(status, code), answer(200, AWARDED)]) as (url, heads),
        AsyncClient(url) as client,
    ):
        with pytest.raises(ClientProblem) as caught:
            await client.award("ada", "quiz")
    assert (caught.value.status, caught.value.code) == (status, code.decode())
    assert str(caught.value) == f"No ({status} {code.decode()})."
    assert len(heads) == 1


async def test_it_gives_up_after_its_attempts_and_says_how_to_settle_it() -> None:
    async with (
        server([HANG_UP] * 9) as (url, heads),
        AsyncClient(url, patience=Patience(attempts=3)) as client,
    ):
        with pytest.raises(ClientProblem) as caught:
            await client.award("ada", "quiz")
    assert caught.value.code == "unreachable"
    assert keys(heads) == [str(caught.value.idempotency_key).encode()] * 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.top("a b", "day", limit=3, cursor="x"),
        lambda client: client.standing("a|b@c"),
        lambda client: client.around("a/b", radius=2),
    ],
    ids=["top", "standing", "around"],
)
async def test_a_read_is_asked_again_and_its_path_is_quoted(
    ask: Callable[[AsyncClient], object],
) -> None:
    async with (
        server([HANG_UP, problem(404, b"not-found")]) as (url, heads),
        AsyncClient(url) as client,
    ):
        with pytest.raises(ClientProblem, match="not-found"):
            await ask(client)  # type: ignore[misc]
    assert len(heads) == 2
    assert len(heads[1].split(b"\r\n")[0].split(b" ")) == 3


async def test_an_answer_of_something_else_is_said_so() -> None:
    async with (
        server([answer(200, b"<html>"), answer(404, b"<html>")]) as (url, _),
        AsyncClient(url) as client,
    ):
        for _attempt in range(2):
            with pytest.raises(ClientProblem, match="not-a-scoreboard"):
                await client.top()


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://a", "http://", "http://a?b=c"])
def test_what_is_no_url_of_a_service_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"http://127\.0\.0\.1:8000"):
        service_url(url)
