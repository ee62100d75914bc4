"""One example of every message: what the service would really take or answer."""

from collections.abc import Mapping

from msgspec import Struct

from scoreboard import __version__, wire
from scoreboard.core.action import Action, Caps
from scoreboard.core.board import Tie
from scoreboard.core.signing_key import SigningAlgorithm
from scoreboard.core.window import Window

REQUEST_ID = "5f2d5c0e-6f0b-4c53-9a37-0f6f3f1f9c11"
AWARD_ID = "019ab3a5-2f4e-7c31-9d55-3b8de2a1c904"
PUBLIC = "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"
SIGNATURE = (
    "key=game-eu.k1,ts=1795425600,nonce=AAAAAAAAAAAAAAAAAAAAAA,"
    "v1=03uM0oTlePx0nDiZpLaZrzLHQf5TCoSLWvnTlhGX8PQtOswjuE32jT1JM2GxlRV_2iI2dk0PHDh7ecNaryWxAQ"
)
EPOCH = 1_764_000_000_000

_AT = "2026-11-24T09:30:00.125Z"
_ROWS = (
    wire.Row(1, "ada", 1_250, "2026-11-24T09:12:41.301Z"),
    wire.Row(2, "u_42", 1_190, _AT),
)
_STANDING = wire.UserStanding(2, "u_42", 1_190, _AT, 350, 99.43, wire.ToNext(1, 61))
_BOARD = wire.BoardView(
    board="default",
    title="All games",
    tie=Tie.FIRST_REACHED,
    time_zone="UTC",
    windows=(
        wire.CurrentWindow(Window.ALL, "all", None),
        wire.CurrentWindow(Window.DAY, "2026-11-24", "2026-11-25T00:00:00.000Z"),
    ),
    total_users=350,
)
_ACTION = Action(
    action_id="quiz.correct", points=10, cooldown_s=5, caps=Caps(day=200), requires_signature=False
)
_POSTING = wire.Posting(
    award_id=AWARD_ID,
    seq=8_041,
    epoch=EPOCH,
    kind="award",
    board="default",
    at=_AT,
    user_id="u_42",
    action_id="quiz.correct",
    points=10,
    score_after=1_190,
)
_AUDITED = wire.AuditEntry(
    entry=3,
    at=_AT,
    caller="cli:root",
    operation="action.put",
    subject="quiz.correct",
    reason="harder questions",
    before={"action_id": "quiz.correct", "points": 5},
    after={"action_id": "quiz.correct", "points": 10},
)

_KEY = wire.Key(
    key="game-eu.k1",
    algorithm=SigningAlgorithm.ED25519,
    public=PUBLIC,
    actions=("boss.kill",),
    not_before=None,
    not_after="2027-01-01T00:00:00.000Z",
    revoked_at=None,
)

_ALL: tuple[Struct, ...] = (
    wire.Finished("u_42", "quiz.correct"),
    wire.Awarded(success=True, new_score=1_190),
    wire.ActionPut(points=10, reason="harder questions", cooldown_s=5, caps=Caps(day=200)),
    wire.BoardPut(
        reason="a daily board", title="All games", windows=(Window.ALL, Window.DAY), time_zone="UTC"
    ),
    _ACTION,
    wire.Actions((_ACTION,)),
    _BOARD,
    wire.Boards((_BOARD,)),
    wire.Top(board="default", period="all", epoch=EPOCH, seq=8_041, at=_AT, rows=_ROWS, next=None),
    _STANDING,
    wire.Around(_ROWS),
    _POSTING,
    wire.Postings((_POSTING,), None),
    wire.LedgerHead(EPOCH, 8_041),
    wire.KeyPost(
        key="game-eu.k1", reason="the new game server", public=PUBLIC, actions=("boss.kill",)
    ),
    wire.Revocation("it was in a public repository"),
    _KEY,
    wire.Keys((_KEY,)),
    wire.Audit((_AUDITED,), None),
    wire.Readiness(ready=True),
    wire.Version("scoreboard", __version__, "3.13.9"),
    wire.Problem(
        type="urn:scoreboard:problem:invalid-payload",
        title="Invalid payload",
        status=400,
        code="invalid-payload",
        detail="The body is not exactly what this operation takes.",
        instance=f"urn:uuid:{REQUEST_ID}",
        pointer="/user_id",
    ),
    wire.Welcome(EPOCH, 8_041, 15_000, resumed=False),
    wire.TopMessage(board="default", period="all", epoch=EPOCH, seq=8_041, at=_AT, rows=_ROWS),
    wire.Me(board="default", period="all", epoch=EPOCH, seq=8_041, standing=_STANDING),
    wire.Tick(EPOCH, 8_041),
    wire.Bye(1_012, 2_350),
    wire.Hello(me=False),
    wire.Auth("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1XzQyIn0.c2lnbmF0dXJl"),
    wire.Resync(),
    wire.Ping(),
)

EXAMPLES: Mapping[type[Struct], Struct] = {type(example): example for example in _ALL}
