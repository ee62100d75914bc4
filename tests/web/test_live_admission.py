"""It is promised that a refusal comes before the upgrade, as a problem."""

import json
import time
import uuid
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from scoreboard.web.live_node import LiveSettings
from tests.web.live_server import (
    ORIGIN,
    heard_type,
    live_server,
    say,
    until,
)


def settings(**more: object) -> LiveSettings:
    return LiveSettings(**{"origins": frozenset({ORIGIN}), **more})


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?token=x", 400, "invalid-parameter"),
        ("?access_token=x", 400, "invalid-parameter"),
        ("?period=all&period=all", 400, "invalid-parameter"),
        ("?period=yesterday", 400, "invalid-parameter"),
        ("?period=2026-02-30", 400, "invalid-parameter"),
        ("?board=", 400, "invalid-parameter"),
        ("?board=a%00b", 400, "invalid-parameter"),
        ("?board=%ff", 400, "invalid-parameter"),
        ("?since=1", 400, "invalid-parameter"),
        ("?since=1-2-3", 400, "invalid-parameter"),
        ("?since=-1-2", 400, "invalid-parameter"),
        ("?board", 400, "invalid-parameter"),
        ("?board=unknown", 404, "not-found"),
        ("?period=2020-01-01", 404, "not-found"),
        ("?period=week", 404, "not-found"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_the_upgrade(
    query: str, status: int, code: int | str
) -> None:
    async with live_server() as live:
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(query).__aenter__()
        response = refused.value.response
        problem = json.loads(response.body)
        assert (response.status_code, problem["code"]) == (status, code)
        assert response.headers["content-type"] == "application/problem+json"
        uuid.UUID(problem["instance"].removeprefix("urn:uuid:"))
        assert live.count("scoreboard_viewers", "websocket") == 0


@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "asgi"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        ORIGIN + ".evil.example",
        ORIGIN + ":81",
        "https://board.example",
    ],
)
async def test_a_page_of_another_origin_is_refused(origin: str, prepared: bool) -> None:
    async with live_server(prepared=prepared) as live:
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(origin=origin).__aenter__()
        assert json.loads(refused.value.response.body)["code"] == "origin-not-allowed"
        assert refused.value.response.status_code == 403
        assert live.count("scoreboard_frames_total", "delivered") == 0


async def test_a_page_of_an_allowed_origin_may_watch() -> None:
    async with live_server() as live, live.connect(origin=ORIGIN) as viewer:
        await heard_type(viewer, "top")


@pytest.mark.parametrize(
    "more",
    [
        {"additional_headers": {"Authorization": "Bearer bad"}},
        {"additional_headers": {"Authorization": "Basic YTpi"}},
        {"additional_headers": {"Authorization": "Bearer"}},
        {"subprotocols": ["scoreboard.v1", "scoreboard.bearer.bad"]},
        {
            "additional_headers": {"Authorization": "Bearer good"},
            "subprotocols": ["scoreboard.bearer.other"],
        },
    ],
    ids=["header", "basic", "empty", "subprotocol", "two different ones"],
)
async def test_invalid_credentials_are_refused_with_401(more: dict[str, Any]) -> None:
    async with live_server() as live:
        for token in ("good", "other"):
            live.tokens.issue(token, "anna", time.time() + 60)
        with pytest.raises(InvalidStatus) as refused:
            await live.connect(**more).__aenter__()
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        ({"viewers_max": 2}, 503, "overloaded"),
        ({"viewers_per_address": 2}, 429, "too-many-connections"),
    ],
)
async def test_more_viewers_than_allowed_are_refused_until_one_leaves(
    limits: dict[str, Any], status: int, code: int | str
) -> None:
    async with live_server(settings=settings(**limits)) as live:
        async with live.connect():
            async with live.connect():
                with pytest.raises(InvalidStatus) as refused:
                    await live.connect().__aenter__()
                response = refused.value.response
                assert (response.status_code, json.loads(response.body)["code"]) == (status, code)
                assert int(response.headers["retry-after"]) > 0
            await until(lambda: live.count("scoreboard_viewers", "websocket") == 1)
            async with live.connect() as viewer:
                await heard_type(viewer, "top")
        await until(lambda: live.count("scoreboard_viewers", "websocket") == 0)


async def test_more_connections_of_a_user_than_allowed_are_refused() -> None:
    async with live_server(settings=settings(viewers_per_user=1)) as live:
        live.tokens.issue("good", "anna", time.time() + 60)
        headers = {"Authorization": "Bearer good"}
        async with live.connect(additional_headers=headers):
            with pytest.raises(InvalidStatus) as refused:
                await live.connect(additional_headers=headers).__aenter__()
            assert refused.value.response.status_code == 429
            async with live.connect() as viewer:
                await say(viewer, "hello", token="good")
                assert (await heard_type(viewer, "bye"))["code"] == 4129
        await until(lambda: live.hub.viewers() == 0)
        async with live.connect(additional_headers=headers) as viewer:
            await heard_type(viewer, "top")
