"""Every statement, built once so that its compiled form is found by identity."""

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from bench.baseline.database import URL
from bench.baseline.tables import Action, Award, Score

insert = postgresql.insert if URL else sqlite.insert

_upsert = insert(Score).values(
    user_id=bindparam("user_id"), score=bindparam("points"), updated_at=bindparam("at")
)
ADD_POINTS = _upsert.on_conflict_do_update(
    index_elements=[Score.user_id],
    set_={
        "score": Score.score + _upsert.excluded.score,
        "updated_at": _upsert.excluded.updated_at,
    },
).returning(Score.score)

ADD_AWARD = insert(Award.__table__)

AWARD_SCORE = select(Award.score_after).where(Award.award_id == bindparam("award_id"))

ACTIONS = select(Action.action_id, Action.points)

TOP_TEN = (
    select(Score.user_id, Score.score, Score.updated_at)
    .order_by(Score.score.desc(), Score.updated_at)
    .limit(10)
)
