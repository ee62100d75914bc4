"""The tables: scores and actions as asked for, and a history row for every award."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """The root of the mapping."""


class Action(Base):
    """Something worth points."""

    __tablename__ = "actions"

    action_id: Mapped[str] = mapped_column(primary_key=True)
    points: Mapped[int]


class Score(Base):
    """A user's total."""

    __tablename__ = "scores"

    user_id: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now, onupdate=now)

    __table_args__ = (Index("scores_by_rank", score.desc(), updated_at),)


class Award(Base):
    """One finished action; its id makes a retry harmless."""

    __tablename__ = "awards"

    award_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    action_id: Mapped[str] = mapped_column(ForeignKey("actions.action_id"))
    points: Mapped[int]
    score_after: Mapped[int]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now)
