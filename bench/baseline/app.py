"""The endpoints: award points, read the board, watch the board."""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import jwt
import orjson
from fastapi import (
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Response,
    WebSocket,
    WebSocketDisconnect,
)
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import Counter, Histogram, make_asgi_app
from pydantic import BaseModel, ConfigDict, Field

from bench.baseline.database import reader, writer
from bench.baseline.limits import SlidingWindow
from bench.baseline.live import ConnectionManager
from bench.baseline.one_hop import Asked, OneHop
from bench.baseline.statements import (
    ACTIONS,
    ADD_AWARD,
    ADD_POINTS,
    AWARD_SCORE,
    TOP_TEN,
    insert,
)
from bench.baseline.tables import Action, Base, now

SECRET = Path(os.environ["BASELINE_SECRET_FILE"]).read_text().strip()

AWARDS = Counter("awards", "Awards recorded")
VERIFIED_MAX = 20_000
VERIFIED_FOR_S = 60
LATENCY = Histogram("award_seconds", "Time to record an award")

limiter = SlidingWindow(limit=1_000_000, window_s=60)
manager = ConnectionManager()
one_hop = OneHop() if os.environ.get("BASELINE_VARIANT") == "one-hop" else None
actions: dict[str, int] = {}
verified: dict[str, tuple[str, float]] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    async with writer.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with writer.begin() as connection:
        await connection.execute(
            insert(Action).on_conflict_do_nothing(), {"action_id": "quiz.correct", "points": 10}
        )
        actions.update({row.action_id: row.points for row in await connection.execute(ACTIONS)})
    yield
    if one_hop is not None:
        one_hop.close()
    await writer.dispose()
    await reader.dispose()


app = FastAPI(lifespan=lifespan)
app.mount("/metrics", make_asgi_app())
bearer = HTTPBearer(auto_error=False)


class ScoreUpdate(BaseModel):
    """What a client may send, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@|+-]{0,127}$")
    action_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


class ScoreUpdated(BaseModel):
    """The answer to an award."""

    success: bool
    new_score: int


class Row(BaseModel):
    """One place of the board."""

    rank: int
    user_id: str
    score: int
    updated_at: datetime


class Board(BaseModel):
    """The board as HTTP and WebSocket show it."""

    type: str = "top"
    seq: int
    rows: list[Row]


async def current_user(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str:
    if credentials is None:
        raise HTTPException(401, "missing token")
    token = credentials.credentials
    user_id, expires_at = verified.get(token, ("", 0))
    if time.time() < expires_at:
        return user_id
    try:
        claims = jwt.decode(
            token,
            SECRET,
            algorithms=["HS256"],
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    if len(verified) >= VERIFIED_MAX:
        verified.clear()
    verified[token] = (claims["sub"], min(claims["exp"], time.time() + VERIFIED_FOR_S))
    return claims["sub"]


async def top_ten() -> list[Row]:
    async with reader.connect() as connection:
        found = await connection.execute(TOP_TEN)
    return [
        Row(rank=rank, user_id=row.user_id, score=row.score, updated_at=row.updated_at)
        for rank, row in enumerate(found, 1)
    ]


async def show_if_changed() -> None:
    rows = await top_ten()
    key = [(row.user_id, row.score) for row in rows]
    if key != manager.shown:
        manager.shown = key
        manager.seq += 1
        await manager.broadcast(Board(seq=manager.seq, rows=rows).model_dump_json())


async def record(user_id: str, action_id: str, points: int, award_id: str, *, keyed: bool) -> int:
    if one_hop is not None:
        return await one_hop.record(Asked(user_id, action_id, points, award_id, keyed))
    async with writer.connect() as connection:
        if keyed:
            before = await connection.scalar(AWARD_SCORE, {"award_id": award_id})
            if before is not None:
                return before
        at = now()
        new_score = await connection.scalar(
            ADD_POINTS, {"user_id": user_id, "points": points, "at": at}
        )
        await connection.execute(
            ADD_AWARD,
            {
                "award_id": award_id,
                "user_id": user_id,
                "action_id": action_id,
                "points": points,
                "score_after": new_score,
                "at": at,
            },
        )
        await connection.commit()
        return new_score


@app.post("/v1/scores", response_model=ScoreUpdated)
async def post_score(
    body: ScoreUpdate,
    user_id: Annotated[str, Depends(current_user)],
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    with LATENCY.time():
        if body.user_id != user_id:
            raise HTTPException(403, "not your score")
        if not limiter.allow(user_id):
            raise HTTPException(429, "too many requests", {"Retry-After": "60"})
        points = actions.get(body.action_id)
        if points is None:
            raise HTTPException(400, "unknown action")
        award_id = f"{user_id}:{idempotency_key}" if idempotency_key else uuid4().hex
        new_score = await record(
            user_id, body.action_id, points, award_id, keyed=idempotency_key is not None
        )
        AWARDS.inc()
        if len(manager.shown) < 10 or new_score >= manager.shown[-1][1]:
            await show_if_changed()
        return Response(
            orjson.dumps({"success": True, "new_score": new_score}), media_type="application/json"
        )


@app.get("/v1/scoreboard")
async def scoreboard() -> Board:
    return Board(seq=manager.seq, rows=await top_ten())


@app.websocket("/ws/scoreboard")
async def watch(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    rows = await top_ten()
    await websocket.send_text(Board(seq=manager.seq, rows=rows).model_dump_json())
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)
