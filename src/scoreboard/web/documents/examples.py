"""One example of every message: what the service would really take or answer."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from scoreboard import __version__, wire
from scoreboard.core.board import Tie
from scoreboard.core.preview import PeriodMoves, RankMove
from scoreboard.core.rule import Caps, Rule
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
    frozen_at=None,
    frozen_checkpoint=None,
)
_ADMIN_BOARD = wire.AdminBoard(
    **msgspec.structs.asdict(_BOARD), points_per_hour=5_000, shadow=False
)
_ACTION = wire.Action(
    action_id="quiz.correct",
    points=10,
    board="default",
    cooldown_s=5,
    caps=Caps(day=200),
    requires_signature=False,
    active_from=None,
    active_until="2027-01-01T00:00:00.000Z",
    shadow=False,
)
_INCIDENT = wire.Incident(
    incident=312,
    open=True,
    at=_AT,
    last_at="2026-11-24T09:30:41.907Z",
    count=17,
    rule=Rule.CAP_DAY,
    shadow=False,
    user_id="u_42",
    action_id="quiz.correct",
    board="default",
    key=None,
    caller=None,
    limit=200,
    seen=201,
    span_s=86_400,
)
_FINDING = msgspec.convert(
    {
        "entry": 12,
        "at": _AT,
        "irregularity": "spike",
        "day": "2026-11-23",
        "user_id": "u_42",
        "status": "active",
        "key": None,
        "open": True,
        "says": "83 awards in an hour, where 4 an hour are usual (the user's own 61 active hours "
        "before): 7.9 deviations above the median of the logs, and by a negative binomial a chance "
        "of 2.1e-19.",
        "numbers": {"awards": 83, "hours": 1, "usual": 4, "z": 7.9, "tail": 2.1e-19, "samples": 61},
    },
    wire.Finding,
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
_PROOF = wire.AwardProof(
    award_id="019aaf3c-2a00-7b11-8c22-3d44e5f60718",
    seq=2,
    size=2,
    leaf=(
        "AQMAAAAAAAAAAgAAAaIIRv4AAAABoghG/nsAAAAAAAAABQAAAAAAAAAFAAAAAAAAAABLrncxOnC4cy"
        "/XFE1kalz4v09Br0uR6hW8tV+VtCIGugAAACQwMTlhYWYzYy0yYTAwLTdiMTEtOGMyMi0zZDQ0ZTVm"
        "NjA3MTgAAAAFYXdhcmQAAAAHZGVmYXVsdAAAAARxdWl6////////////////"
    ),
    hashes=("pnBLcqsot6Y+K+aGoaP5g8NjRB4S1zx458hd626Vlqg=",),
    checkpoint=(
        "scoreboard/1795435200000\n"
        "2\n"
        "3EP+dZvRaHXVlbEqmQFsoWU8j9PC8TCEHCx7Y8X7qes=\n"
        "epoch 1795435200000\n"
        "time 1795435210000\n"
        "\n"
        "— scoreboard/1795435200000 "
        "3TVjt+WJ0kfERaXRSPch9oF8Kd3AADRTxG6atlD8TvITrVD5tFUqU+AJEGwhSLhJX+Cr/qevie1EzRMj/IQKFZ4uXw0=\n"
    ),
    key=("scoreboard/1795435200000+dd3563b7+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
    user_id="alice",
    salt="AAECAwQFBgcICQoLDA0ODw==",
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
_MODERATED = wire.AuditEntry(
    entry=4,
    at=_AT,
    caller="moderator-7",
    operation="user.hide",
    subject="u_42",
    reason="1,000 quizzes in a minute",
    before={"status": "active"},
    after={"status": "hidden"},
)

_KEY = wire.Key(
    key="game-eu.k1",
    algorithm=SigningAlgorithm.ED25519,
    public=PUBLIC,
    actions=("boss.kill",),
    not_before=None,
    not_after="2027-01-01T00:00:00.000Z",
    revoked_at=None,
    caps=Caps(hour=10_000),
    shadow=False,
)

_EXPLANATION = wire.Explanation(
    board="default",
    period="all",
    epoch=EPOCH,
    seq=8_041,
    score=1_190,
    actions=(wire.ActionSum("quiz.correct", 120, 1, 1_190, "2026-11-01T08:00:00.000Z", _AT),),
    complete=True,
    standing=_STANDING,
    tie=Tie.FIRST_REACHED,
    tied=(_ROWS[1],),
)

_NODE = wire.NodeDetail(
    name="board-1:4711:5f2c9a01",
    role="all",
    version="0.1.0",
    at=_AT,
    uptime_s=86_400,
    leading=True,
    term=7,
    ledger_seq=48_211,
    ranking_seq=48_211,
    relay_lag_s=0.0,
    relay_backlog=0,
    feed_backlog=0,
    waiting_awards=0,
    recorded_awards=12_020,
    viewers=312,
    data_free_bytes=42_000_000_000,
    data_size_bytes=100_000_000_000,
)

_ALL: tuple[Struct, ...] = (
    _EXPLANATION,
    _EXPLANATION.actions[0],
    wire.Finished("u_42", "quiz.correct"),
    wire.Awarded(success=True, new_score=1_190),
    wire.ActionPut(
        points=10,
        reason="harder questions",
        cooldown_s=5,
        caps=Caps(day=200),
        active_until=datetime(2027, 1, 1, tzinfo=UTC),
    ),
    wire.BoardPut(
        reason="a daily board", title="All games", windows=(Window.ALL, Window.DAY), time_zone="UTC"
    ),
    _ACTION,
    wire.Actions((_ACTION,)),
    wire.TrialRefusals("quiz.correct", "cap-day", 12),
    wire.ActionTrial(
        action_id="quiz.correct",
        postings=10_000,
        since="2026-11-21T18:04:12.530Z",
        awards=1_234,
        refused=(wire.TrialRefusals("quiz.correct", "cap-day", 12),),
        points_before=98_410,
        points_after=147_290,
    ),
    _BOARD,
    wire.Boards((_BOARD,)),
    _ADMIN_BOARD,
    wire.AdminBoards((_ADMIN_BOARD,)),
    wire.Top(board="default", period="all", epoch=EPOCH, seq=8_041, at=_AT, rows=_ROWS, next=None),
    _STANDING,
    wire.Around(_ROWS),
    _POSTING,
    wire.Postings((_POSTING,), None),
    wire.LedgerHead(EPOCH, 8_041),
    wire.Consistency(1, 2, ("zGKgQBn6evLJWASesUMZvTolahGpXZQG1Z+/MNEPbQE=",)),
    _PROOF,
    wire.KeyPost(
        key="game-eu.k1", reason="the new game server", public=PUBLIC, actions=("boss.kill",)
    ),
    wire.Revocation("it was in a public repository"),
    wire.Dismissal("a tournament"),
    _KEY,
    wire.Keys((_KEY,)),
    _INCIDENT,
    wire.Incidents((_INCIDENT,), None),
    wire.Audit((_AUDITED,), None),
    wire.ModerationPost("1,000 quizzes in a minute"),
    wire.Moderated("u_42", "hidden", changed=True, seq=8_042),
    wire.ReversalPost(reason="a bug in the quiz", award_id=AWARD_ID),
    wire.Undone(1, -10, complete=True),
    wire.UnseenUser("u_42", "held"),
    wire.UnseenUsers((wire.UnseenUser("u_42", "held"),), None),
    wire.UserRecord("u_42", "hidden", (_MODERATED,), None),
    PeriodMoves("default", "all", 1, (RankMove("u_43", 3, 2),)),
    wire.Readiness(ready=True),
    _NODE,
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
    _FINDING,
    wire.FindingList((_FINDING,), None),
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
