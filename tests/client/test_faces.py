"""Both clients do the same: one blocks, the other is awaited."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing, closing
from pathlib import Path

import pytest

import scoreboard.client
from scoreboard import wire
from scoreboard.client import AsyncClient, Client, ClientProblem, Link, SqliteOutbox
from tests.client.test_live import WELCOME, Script, top
from tests.client.test_live import server as live_server
from tests.client.test_retries import AWARDED, HANG_UP, Answers, answer, keys, problem, server

pytestmark = pytest.mark.usefixtures("soon")
ROOT = Path(__file__).parents[2]
CALLS = sorted(name for name in vars(Client) if not name.startswith("_"))


def arguments(method: Callable[..., object]) -> list[tuple[str, object, object]]:
    parameters = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.annotation) for each in parameters]


def test_they_have_the_same_methods_with_the_same_arguments() -> None:
    assert sorted(name for name in vars(AsyncClient) if not name.startswith("_")) == CALLS
    assert {"award", "resend", "top", "standing", "watch", "close"} <= set(CALLS)
    for name in CALLS:
        blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
        assert arguments(blocking) == arguments(awaited)
        assert blocking.__doc__


def test_everything_named_is_there() -> None:
    for name in scoreboard.client.__all__:
        assert getattr(scoreboard.client, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = scoreboard.client.nothing  # type: ignore[attr-defined]


TEMPORARY = [HANG_UP, problem(503, b"outcome-unknown", b"Retry-After: 0")]


async def test_the_blocking_one_asks_again_with_the_same_key_and_settles(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path)
    answers: Answers = [*TEMPORARY, answer(200, AWARDED, b"Award-Id: a")]

    def ask(url: str) -> str:
        with Client(url, "token", outbox=outbox) as client:
            return client.award("ada", "quiz").idempotency_key

    async with server(answers) as (url, heads):
        key = await asyncio.to_thread(ask, url)
    assert keys(heads) == [key.encode()] * 3
    assert outbox.pending() == ()
    outbox.close()


async def test_an_award_that_got_no_answer_stays_and_is_sent_again(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path)
    patience = scoreboard.client.Patience(attempts=2)
    answers: Answers = [HANG_UP] * 2
    async with (
        server(answers) as (url, heads),
        AsyncClient(url, "token", outbox=outbox, patience=patience) as client,
    ):
        with pytest.raises(ClientProblem) as caught:
            await client.award("ada", "quiz")
        assert caught.value.in_doubt
        assert [each.name for each in outbox.pending()] == [caught.value.idempotency_key]
        answers.append(answer(200, AWARDED, b"Idempotency-Replayed: true"))
        (resent,) = await client.resend()
    assert resent.receipt is not None
    assert resent.receipt.replayed
    assert len(set(keys(heads))) == 1
    assert outbox.pending() == ()
    outbox.close()


async def test_the_blocking_one_watches_resumes_and_hears_of_itself() -> None:
    me = wire.Me(board="b", period="day", epoch=1, seq=5, standing=None)
    script: Script = [
        [WELCOME, None, top(5), me, wire.Bye(1012, 1), 1012],
        503,
        [WELCOME, None, top(5), wire.Tick(1, 6), None, top(7)],
    ]
    links: list[Link] = []
    heard_of: list[wire.Me] = []

    def watch(url: str) -> list[int]:
        seen: list[int] = []
        watched = Client(url).watch("b", "day", on_link=links.append, on_me=heard_of.append)
        with closing(watched) as tops:
            for each in tops:
                seen.append(each.seq)
                if len(seen) == 2:
                    break
        return seen

    async with live_server(script) as (url, paths, heard), asyncio.timeout(20):
        assert await asyncio.to_thread(watch, url) == [5, 7]
    assert [path.partition("since=")[2] for path in paths] == ["", "1-5", "1-5"]
    hello = b'{"type":"hello","token":null,"me":true}'
    assert heard == [hello, hello, b'{"type":"resync"}']
    assert heard_of == [me]
    assert links[:4] == [Link.CONNECTING, Link.LIVE, Link.RECONNECTING, Link.RECONNECTING]


@pytest.mark.parametrize("face", ["blocking", "awaited"])
async def test_a_silent_connection_is_given_up(face: str) -> None:
    silent = wire.Welcome(epoch=1, seq=1, heartbeat_ms=40, resumed=False)
    script: Script = [[silent, top(5)], [WELCOME, top(6)]]

    def watch(url: str) -> list[int]:
        with closing(Client(url).watch()) as tops:
            return [next(tops).seq, next(tops).seq]

    async with live_server(script) as (url, _, _), asyncio.timeout(20):
        if face == "blocking":
            assert await asyncio.to_thread(watch, url) == [5, 6]
            return
        async with AsyncClient(url) as client, aclosing(client.watch()) as tops:
            assert [(await anext(tops)).seq, (await anext(tops)).seq] == [5, 6]


async def test_a_token_is_asked_for_before_each_connection() -> None:
    tokens = iter(["first", "second"])
    script: Script = [[WELCOME, top(5), 4101], [WELCOME, top(6)]]
    async with live_server(script) as (url, _, _), asyncio.timeout(20):
        client = AsyncClient(url, lambda: next(tokens))
        async with client, aclosing(client.watch()) as tops:
            assert [(await anext(tops)).seq, (await anext(tops)).seq] == [5, 6]
    assert next(tokens, None) is None


def test_the_examples_are_typed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "examples/quiz.py", "examples/quiz_async.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
