"""Awards and reads over HTTP, with retries that never count twice."""

import asyncio
import random
import secrets
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx2
import msgspec
from msgspec import Struct

from scoreboard import wire
from scoreboard.client.problem import (
    RETRYABLE,
    UNREACHABLE,
    ClientProblem,
    problem_from,
    retry_after_s,
)
from scoreboard.core.signature import HEADER

ATTEMPTS = 8
FIRST_WAIT_S = 0.1
WAIT_MAX_S = 5.0
TIMEOUT_S = 10.0

Answer = TypeVar("Answer")


class Receipt(Struct, frozen=True):
    """An award that is recorded for ever; ``replayed`` says that it had been before.

    A signed one has no ``idempotency_key``: the signature names it.
    """

    new_score: int
    award_id: str
    idempotency_key: str
    replayed: bool


class ScoreboardClient:
    """One service, and at most one token. An async context manager; safe for concurrent use.

    Temporary failures (429, 502 to 504, a lost connection) are asked again, ``attempts`` times in
    all, after what ``Retry-After`` says plus a random wait that doubles up to five seconds.
    """

    def __init__(self, url: str, token: str | None = None, *, attempts: int = ATTEMPTS) -> None:
        """Raise ValueError when ``url`` is not of the form ``http(s)://host[:port]``."""
        self.url = service_url(url)
        self._attempts = attempts
        self._http = httpx2.AsyncClient(
            base_url=self.url,
            timeout=TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def award(
        self,
        user_id: str,
        action_id: str,
        idempotency_key: str | None = None,
        *,
        signature: str | None = None,
    ) -> Receipt:
        """Report that a user finished an action; counted once, however often it is sent.

        ``signature`` is what a ``Signer`` made for this user and action; then it is the name.

        Raises:
            ValueError: both a key and a signature were given.
            ClientProblem: it was refused, or no attempt got an answer. Then its
                ``idempotency_key`` (or the signature), given here, settles whether it was recorded.
        """
        if signature and idempotency_key:
            raise ValueError("a signature names the award already: give no idempotency_key")
        key = "" if signature else idempotency_key or secrets.token_urlsafe(18)
        answer = await self._send(
            "POST",
            "/v1/scores",
            headers={HEADER: signature} if signature else {"Idempotency-Key": key},
            body=wire.Finished(user_id, action_id),
        )
        awarded = _decode(answer, wire.Awarded)
        replayed = answer.headers.get("Idempotency-Replayed") == "true"
        return Receipt(awarded.new_score, answer.headers.get("Award-Id", ""), key, replayed)

    async def top(
        self,
        board: str = "default",
        period: str = "all",
        *,
        limit: int = 10,
        cursor: str | None = None,
    ) -> wire.Top:
        """The first ``limit`` (1 to 1000) users of a board, or those after a cursor."""
        params = {"period": period, "limit": str(limit)}
        if cursor is not None:
            params["cursor"] = cursor
        answer = await self._send("GET", f"/v1/boards/{_part(board)}/top", params=params)
        return _decode(answer, wire.Top)

    async def standing(
        self, user_id: str, board: str = "default", period: str = "all"
    ) -> wire.UserStanding:
        """Where a user stands."""
        path = f"/v1/boards/{_part(board)}/users/{_part(user_id)}"
        answer = await self._send("GET", path, params={"period": period})
        return _decode(answer, wire.UserStanding)

    async def around(
        self, user_id: str, board: str = "default", period: str = "all", *, radius: int = 5
    ) -> wire.Around:
        """A user between at most ``radius`` (0 to 100) neighbours on either side."""
        path = f"/v1/boards/{_part(board)}/users/{_part(user_id)}/around"
        params = {"period": period, "radius": str(radius)}
        return _decode(await self._send("GET", path, params=params), wire.Around)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: wire.Finished | None = None,
    ) -> httpx2.Response:
        content = None
        sent = dict(headers or {})
        if body is not None:
            content = wire.ENCODER.encode(body)
            sent["Content-Type"] = "application/json"
        key = sent.get("Idempotency-Key")
        request = self._http.build_request(
            method, path, params=params, headers=sent, content=content
        )
        for attempt in range(1, self._attempts + 1):
            wait_s = 0.0
            try:
                answer = await self._http.send(request)
            except httpx2.TransportError:
                problem = ClientProblem(
                    0, UNREACHABLE, f"No scoreboard service answers at {self.url}", key
                )
            else:
                if answer.is_success:
                    return answer
                problem = problem_from(answer.status_code, answer.content, key)
                if answer.status_code not in RETRYABLE:
                    raise problem
                wait_s = retry_after_s(answer.headers.get("Retry-After"))
            if attempt == self._attempts:
                raise problem
            await asyncio.sleep(wait_s + jitter_s(attempt))
        raise AssertionError("attempts is at least 1")


def service_url(url: str) -> str:
    """The URL of a service without a final slash.

    Raises:
        ValueError: it is not of the form ``http(s)://host[:port][/path]``.
    """
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        parts = httpx2.URL("")
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise ValueError(
            f"{url!r} is not the URL of a service; give one like http://127.0.0.1:8000"
        )
    return str(parts).rstrip("/")


def jitter_s(attempt: int) -> float:
    """Full jitter: a random wait below a ceiling that doubles with each attempt, from 1 on.

    So clients that failed together do not come back together.
    """
    return random.uniform(0, min(WAIT_MAX_S, FIRST_WAIT_S * 2 ** min(attempt - 1, 16)))  # noqa: S311


def _part(identifier: str) -> str:
    return quote(identifier, safe="")


def _decode(answer: httpx2.Response, kind: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise problem_from(answer.status_code, b"") from None
