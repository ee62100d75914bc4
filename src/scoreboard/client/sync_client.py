"""``Client``: for threads and scripts."""

# ruff: noqa: SLF001 - what is carried out is a method of the client

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from functools import wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, assert_never

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from scoreboard import wire
from scoreboard.client import calls, dialling, reads
from scoreboard.client.address import service_url
from scoreboard.client.credential import Token
from scoreboard.client.follow import (
    Closed,
    Link,
    Listen,
    LiveHeard,
    LiveStep,
    Open,
    Opened,
    Refused,
    Say,
    Show,
    Watched,
    follow,
)
from scoreboard.client.line import Line
from scoreboard.client.outbox import Outbox
from scoreboard.client.patience import PATIENCE, Patience
from scoreboard.client.talk import Heard, Keep, Pause, Recall, Reply, Send, Settle, Step, Talk

P = ParamSpec("P")
T = TypeVar("T")


def _carried_out(
    call: Callable[Concatenate[Line, P], Talk[T]],
) -> Callable[Concatenate["Client", P], T]:
    """A method that has the talk of a call, step by step."""

    @wraps(call)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        talk = call(client._line, *args, **kwargs)
        heard: Heard = None
        while True:
            try:
                step = talk.send(heard)
            except StopIteration as done:
                answer: T = done.value
                return answer
            heard = client._carry_out(step)

    return method


class Client:
    """One service, and at most one caller. A context manager; may be shared by threads.

    Temporary failures (429, 502 to 504, a lost connection) are asked again as long as the patience
    lasts, each time after what ``Retry-After`` says and a random wait that doubles up to 5 s.
    """

    def __init__(
        self,
        url: str,
        token: Token = None,
        *,
        outbox: Outbox | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """Raise ValueError when ``url`` is not of the form ``http(s)://host[:port][/path]``."""
        self._line = Line(service_url(url), token, outbox, patience)
        self._http = httpx2.Client(base_url=self._line.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the outbox belongs to whoever opened it."""
        self._http.close()

    award = _carried_out(calls.award)
    resend = _carried_out(calls.resend)
    top = _carried_out(reads.top)
    standing = _carried_out(reads.standing)
    around = _carried_out(reads.around)
    boards = _carried_out(reads.boards)
    board = _carried_out(reads.board)
    posting = _carried_out(reads.posting)
    postings = _carried_out(reads.postings)
    explain = _carried_out(reads.explain)
    head = _carried_out(reads.head)
    award_proof = _carried_out(reads.award_proof)
    checkpoint = _carried_out(reads.checkpoint)
    consistency = _carried_out(reads.consistency)

    def watch(
        self,
        board: str = "default",
        period: str = "all",
        *,
        on_link: Callable[[Link], None] = lambda _: None,
        on_me: Callable[[wire.Me], None] | None = None,
    ) -> Generator[wire.TopMessage, None, None]:
        """The board's top whenever it changes, each newer than the one before; for ever.

        It reconnects by itself and resumes where it was. ``on_me`` hears where the caller stands.
        ``contextlib.closing`` leaves it and the socket at once.

        Raises:
            ClientProblem: the service will not have this viewer, now or later.
        """
        talk = follow(self._line, Watched(board, period, on_link, on_me))
        connection = _Connection()
        heard: LiveHeard = None
        try:
            while True:
                step = talk.send(heard)
                if isinstance(step, Show):
                    heard = None
                    yield step.top
                else:
                    heard = connection.carry_out(step)
        finally:
            connection.close()

    def _carry_out(self, step: Step) -> Heard:
        """Do what a call wants done."""
        outbox = self._line.outbox
        match step:
            case Send():
                return self._send(step)
            case Pause(wait_s):
                time.sleep(wait_s)
            case Keep(pending) if outbox is not None:
                outbox.keep(pending)
            case Settle(name) if outbox is not None:
                outbox.settle(name)
            case Recall():
                return () if outbox is None else outbox.pending()
        return None

    def _send(self, step: Send) -> Reply | None:
        try:
            answer = self._http.request(
                step.method,
                step.path,
                params=step.params,
                headers=step.headers,
                content=step.content,
                timeout=step.timeout_s,
            )
        except httpx2.TransportError:
            return None
        return Reply(answer.status_code, answer.headers, answer.content)


class _Connection:
    """The connection of one viewer."""

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._socket: ClientConnection | None = None

    def carry_out(self, step: LiveStep) -> LiveHeard:
        match step:
            case Open():
                return self._open(step)
            case Listen(silence_s):
                return self._listen(silence_s)
            case Say(text):
                self._say(text)
            case Pause(wait_s):
                time.sleep(wait_s)
            case _:
                assert_never(step)
        return None

    def close(self) -> None:
        self._exits.close()

    def _open(self, step: Open) -> Opened | Refused:
        self.close()
        try:
            dialled = connect(step.uri, **dialling.options(step))
            self._socket = self._exits.enter_context(dialled)
        except Exception as error:  # noqa: BLE001 - judged there, and raised when it is not ours
            return dialling.refused(error, step.uri)
        return Opened()

    def _say(self, text: bytes) -> None:
        assert self._socket is not None
        with suppress(ConnectionClosed):
            self._socket.send(text, text=True)

    def _listen(self, silence_s: float) -> str | bytes | Closed:
        assert self._socket is not None
        try:
            return self._socket.recv(timeout=silence_s)
        except ConnectionClosed as error:
            return dialling.closed(error)
        except TimeoutError:
            self.close()
            return Closed()
