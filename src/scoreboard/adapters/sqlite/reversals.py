"""Awards taken back in the SQLite ledger, on the writer thread."""

import sqlite3
from collections.abc import Sequence

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, named, transaction
from scoreboard.adapters.sqlite.moderation import known_user
from scoreboard.adapters.sqlite.reader import NEVER_SEQ
from scoreboard.adapters.sqlite.writer import Writer, to_json
from scoreboard.core.judgement import ScoreKey
from scoreboard.core.posting import Posting
from scoreboard.core.reversal import (
    Awards,
    AwardsBy,
    AwardsFor,
    Base,
    OneAward,
    TakenBack,
    record,
    score_keys,
    take_back,
)
from scoreboard.core.score import Score
from scoreboard.errors import NotFound
from scoreboard.ports import Reversal, Reversed


def reverse(writer: Writer, reversal: Reversal, before: int | None, limit: int) -> Reversed:
    """Take back the newest of the awards."""
    db = writer.db
    with transaction(db, committing=writer.before_commit):
        awards = reversible(db, reversal.awards, before, limit)
        if not awards:
            return Reversed((), None)
        head, _ = writer.head()
        boards = {row[0]: rows.board(row) for row in db.execute(SQL["boards"])}
        bases = _bases(db, score_keys(awards, boards))
        base = Base(head.epoch, head.seq, writer.now(), bases)
        taken = take_back(awards, boards, base, reversal.caller)
        _write(db, taken, base, reversal.caller)
        _record(writer, reversal, taken)
    return Reversed(tuple(taken.postings), awards[-1].seq if len(awards) == limit else None)


def reversible(
    db: sqlite3.Connection, awards: Awards, before: int | None, limit: int
) -> list[Posting]:
    """What can be taken back of the awards, the newest first."""
    if isinstance(awards, OneAward):
        return _reversible_one(db, awards.award_id)
    bounds = {
        "after": db.execute(SQL["seq_before"], {"at": awards.since_ms}).fetchone()[0],
        "before": before or NEVER_SEQ,
        "limit": limit,
    }
    if isinstance(awards, AwardsBy):
        return _postings(db.execute(SQL["reversible_by"], bounds | {"key": awards.key}))
    if isinstance(awards, AwardsFor):
        named_by = {"action_id": awards.action_id}
        return _postings(db.execute(SQL["reversible_for"], bounds | named_by))
    user_ref = known_user(db, awards.user_id).user_ref
    return _postings(db.execute(SQL["reversible_of"], bounds | {"user_ref": user_ref}))


def _reversible_one(db: sqlite3.Connection, award_id: str) -> list[Posting]:
    cursor = db.execute(SQL["reversible_one"], {"award_id": award_id})
    row = cursor.fetchone()
    if row is None:
        raise NotFound
    columns = named(cursor, row)
    return [] if columns["reversed"] else [rows.posting(columns)]


def _postings(cursor: sqlite3.Cursor) -> list[Posting]:
    return [rows.posting(named(cursor, row)) for row in cursor.fetchall()]


def _bases(db: sqlite3.Connection, keys: Sequence[ScoreKey]) -> dict[ScoreKey, Score]:
    cursor = db.execute(SQL["bases"], {"keys": to_json(keys)})
    return {(row[0], row[1], row[2]): Score(*row[2:]) for row in cursor.fetchall()}


def _write(db: sqlite3.Connection, taken: TakenBack, base: Base, caller: str) -> None:
    postings = [
        (
            posting.seq,
            posting.award_id,
            posting.board,
            posting.user_ref,
            posting.action_id,
            posting.points,
            posting.score_after,
            posting.reverses,
        )
        for posting in taken.postings
    ]
    parameters = {"epoch": base.epoch, "at": base.at, "caller": caller}
    db.execute(SQL["add_reversals"], parameters | {"postings": to_json(postings)})
    scores = [(*key, score.score, score.seq, score.at) for key, score in taken.scores.items()]
    db.execute(SQL["put_scores"], {"scores": to_json(scores)})
    marks = [(*span, posting.seq) for span, posting in taken.fallen.items()]
    db.execute(SQL["mark_each"], {"marks": to_json(marks), "at": base.at})
    db.execute(SQL["move_head"], {"seq": taken.postings[-1].seq, "at": base.at})


def _record(writer: Writer, reversal: Reversal, taken: TakenBack) -> None:
    subject, numbers = record(reversal.awards, taken.postings)
    entry = {
        "at": writer.now(),
        "caller": reversal.caller,
        "operation": "award.reverse",
        "subject": subject,
        "reason": reversal.reason,
        "before": None,
        "after": to_json(numbers),
    }
    writer.db.execute(SQL["add_audit"], entry)
