"""Writes to the SQLite ledger: everything here runs on the one writer thread."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite import rules
from scoreboard.adapters.sqlite.file import SQL, connect, named, transaction
from scoreboard.core.award import Award, opening_id
from scoreboard.core.judgement import Judgement, Knowledge, ScoreKey, ensure_current, judge
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.errors import CatalogueMoved, Unavailable
from scoreboard.ports import Head, Opening, Prepared

Stage = Callable[[str], None]
"""Told how far a group has come (``begin``, ``commit``, ``committed``), for fault injection."""


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class Writer:
    """The one connection that writes."""

    def __init__(self, path: Path, clock_ms: Callable[[], int], stage: Stage) -> None:
        self._path = path
        self.clock_ms = clock_ms
        self._stage = stage
        self.db = connect(path)
        self._inode = path.stat().st_ino

    def close(self) -> None:
        self.db.close()

    def append(self, awards: Sequence[Award], prepared: Prepared) -> Judgement:
        """Judge and record a group."""
        periods = prepared.periods
        self._stage("begin")
        with transaction(self.db, committing=self._before_group):
            head, catalogue = self.head()
            if catalogue != prepared.catalogue_version:
                raise CatalogueMoved
            at = self._now(head)
            ensure_current(periods, at)
            knowledge = self._knowledge(awards, prepared, head, at)
            judgement = judge(awards, periods, knowledge, prepared.rules)
            if judgement.postings:
                self._write(judgement, knowledge)
            if judgement.incidents:
                rules.keep_incidents(self.db, judgement.incidents)
        self._stage("committed")
        return judgement

    def open(self, openings: Sequence[Opening]) -> list[Posting]:
        """Record periods that were not opened before."""
        with transaction(self.db, committing=self.before_commit):
            ids = {opening_id(opening.board, opening.period): opening for opening in openings}
            known = self._known(ids)
            opened = []
            for award_id, opening in ids.items():
                if award_id not in known:
                    posting = self.note(Kind.PERIOD, opening.board, award_id, detail=opening.period)
                    if not self._has_scores(opening):
                        self.mark([(opening.board, opening.period)], posting)
                    opened.append(posting)
        return opened

    def head(self) -> tuple[Head, int]:
        epoch, seq, at, catalogue, _ = self.db.execute(SQL["head"]).fetchone()
        return Head(epoch, seq, at), catalogue

    def note(
        self,
        kind: Kind,
        board: str,
        award_id: str,
        *,
        caller: str = "scoreboard",
        detail: str | None = None,
    ) -> Posting:
        """Record a posting without points, within the caller's transaction."""
        head, _ = self.head()
        at = self._now(head)
        posting = Posting(
            seq=head.seq + 1,
            epoch=head.epoch,
            award_id=award_id,
            kind=kind,
            board=board,
            at=at,
            counts_at=at,
            caller=caller,
            detail=detail,
        )
        self.db.execute(
            SQL["add_posting"],
            {
                "seq": posting.seq,
                "epoch": posting.epoch,
                "award_id": award_id,
                "kind": kind.value,
                "board": board,
                "at": at,
                "caller": caller,
                "detail": detail,
            },
        )
        self.db.execute(SQL["move_head"], {"seq": posting.seq, "at": at})
        return posting

    def mark(self, tops: Sequence[tuple[str, str]], posting: Posting) -> None:
        """Note that a posting changed tops without leaving a row in them."""
        self.db.execute(SQL["mark"], {"marks": to_json(tops), "seq": posting.seq, "at": posting.at})

    def _before_group(self) -> None:
        self.before_commit()
        self._stage("commit")

    def before_commit(self) -> None:
        """Refuse to commit to a file that is no longer there.

        Raises:
            Unavailable: the file was deleted, moved or replaced.
        """
        # SQLite goes on writing to a file that was unlinked: an award there would be lost.
        try:
            present = self._path.stat().st_ino == self._inode
        except OSError:
            present = False
        if not present:
            raise Unavailable

    def now(self) -> int:
        """The ledger's clock: never earlier than its last posting."""
        return self._now(self.head()[0])

    def _now(self, head: Head) -> int:
        return max(self.clock_ms(), head.at)

    def _knowledge(
        self,
        awards: Sequence[Award],
        prepared: Prepared,
        head: Head,
        at: int,
    ) -> Knowledge:
        known = self._known(award.award_id for award in awards if award.named)
        fresh = [award for award in awards if award.award_id not in known]
        users = self._users({award.user_id for award in fresh})
        keys = {
            (award.action.board, period.name, award.user_id)
            for award in fresh
            for period in prepared.periods[award.action.board]
        }
        needs = prepared.rules.needs(fresh)
        return Knowledge(
            epoch=head.epoch,
            seq=head.seq,
            at=at,
            known=known,
            users=users,
            scores=self._bases(keys),
            past=rules.past(self.db, needs, users, at) if needs else {},
        )

    def _known(self, award_ids: Iterable[str]) -> dict[str, Posting]:
        ids = list(award_ids)
        if not ids:
            return {}
        cursor = self.db.execute(SQL["known"], {"ids": to_json(ids)})
        found = [rows.posting(named(cursor, row)) for row in cursor.fetchall()]
        return {posting.award_id: posting for posting in found}

    def _users(self, user_ids: set[str]) -> dict[str, tuple[int, str]]:
        known = self._user_rows("users", user_ids)
        missing = user_ids - known.keys()
        return known | self._user_rows("new_users", missing) if missing else known

    def _user_rows(self, statement: str, user_ids: set[str]) -> dict[str, tuple[int, str]]:
        cursor = self.db.execute(SQL[statement], {"users": to_json(sorted(user_ids))})
        return {user_id: (user_ref, status) for user_id, user_ref, status in cursor.fetchall()}

    def _bases(self, keys: set[ScoreKey]) -> dict[ScoreKey, Score]:
        cursor = self.db.execute(SQL["bases"], {"keys": to_json(sorted(keys))})
        return {(row[0], row[1], row[2]): Score(*row[2:]) for row in cursor.fetchall()}

    def _write(self, judgement: Judgement, knowledge: Knowledge) -> None:
        self.db.execute(
            SQL["add_postings"],
            {
                "epoch": knowledge.epoch,
                "at": knowledge.at,
                "postings": to_json(
                    [
                        (
                            posting.seq,
                            posting.award_id,
                            posting.board,
                            posting.user_ref,
                            posting.action_id,
                            posting.points,
                            posting.score_after,
                            posting.caller,
                            posting.key,
                        )
                        for posting in judgement.postings
                    ]
                ),
            },
        )
        self._write_scores(judgement, knowledge)
        self.db.execute(SQL["move_head"], {"seq": knowledge.seq, "at": knowledge.at})

    def _write_scores(self, judgement: Judgement, knowledge: Knowledge) -> None:
        changed = [
            (board, period, user_id, score.score, score.seq, score.at)
            for board, period, user_id in sorted(judgement.changed)
            for score in (knowledge.scores[board, period, user_id],)
        ]
        self.db.execute(SQL["put_scores"], {"scores": to_json(changed)})
        fallen = [posting for posting in judgement.postings if posting.points < 0]
        if fallen:
            boards = {posting.board for posting in fallen}
            tops = sorted({key[:2] for key in judgement.changed if key[0] in boards})
            self.mark(tops, fallen[-1])

    def _has_scores(self, opening: Opening) -> bool:
        parameters = {"board": opening.board, "period": opening.period}
        return bool(self.db.execute(SQL["has_scores"], parameters).fetchone()[0])
