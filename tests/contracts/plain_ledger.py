"""The plainest ledger: one list of postings, from which everything else is told anew each time."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from scoreboard.core.award import Award
from scoreboard.core.board import Board, Freeze
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.score import Score
from scoreboard.core.user import LEADS_TO, Status
from scoreboard.errors import AwardConflict, UserSuspended

from .material import Clock, Span, sums

Answer = tuple[str | type[Exception], int]
"""What became of an award: ``recorded`` or ``repeated`` and its seq, or the refusal."""


class PlainLedger:
    """What a ledger has to know after a history of calls, each of which happens whole or not."""

    def __init__(self, boards: Mapping[str, Board], clock: Clock, began: Sequence[Posting]) -> None:
        self.boards = dict(boards)
        self.clock = clock
        self.names: dict[int, str] = {}
        self.status: dict[str, Status] = {}
        self.unforgotten: set[int] = set()
        self.gone: set[str] = set()
        self._postings = list(began)

    # --- what is done to it

    def append(self, awards: Sequence[Award]) -> list[Answer]:
        return [self._award(award) for award in awards]

    def moderate(self, user_id: str, kind: Kind) -> Posting | None:
        ref = self._ref(user_id)
        assert ref is not None
        if LEADS_TO.get(kind) is self.status[user_id]:
            return None
        posting = self._post(kind, board="default", user_ref=ref)
        if kind is Kind.ERASE:
            del self.names[ref], self.status[user_id]
            self.unforgotten.add(posting.seq)
            self._postings[-1] = msgspec.structs.replace(posting, user_id=user_id)
        else:
            self.status[user_id] = LEADS_TO[kind]
        return posting

    def turn(self, name: str, *, frozen: bool) -> None:
        board = self.boards[name]
        kind = board.turn(frozen=frozen)
        if kind is None:
            return
        stood = self.shown(self.scores().get((name, "all"), {}).values())
        posting = self._post(kind, board=name)
        since = Freeze(seq=posting.seq, at=posting.at, users=len(stood))
        self.boards[name] = msgspec.structs.replace(board, frozen=since if frozen else None)

    def reverse(self, is_meant: Callable[[Posting], bool]) -> list[Posting]:
        """Take back all awards that are meant, the newest first."""
        done = {posting.reverses for posting in self._postings}
        meant = [
            posting
            for posting in reversed(self._postings)
            if posting.kind is Kind.AWARD
            and posting.seq not in done
            and posting.user_ref in self.names
            and is_meant(posting)
        ]
        return [
            self._post(
                Kind.REVERSE,
                board=award.board,
                counts_at=award.counts_at,
                user_ref=award.user_ref,
                action_id=award.action_id,
                points=-award.points,
                reverses=award.seq,
            )
            for award in meant
        ]

    def forget(self) -> None:
        """Followers have heard who was erased."""
        erased = {self._postings[seq - 1].user_id or "" for seq in self.unforgotten}
        self.gone |= erased
        self.unforgotten.clear()

    # --- what it knows

    @property
    def head(self) -> Posting:
        return self._postings[-1]

    def knows(self, user_id: str) -> bool:
        return self._ref(user_id) is not None

    def find(self, award_id: str) -> Posting | None:
        return next((each for each in self._postings if each.award_id == award_id), None)

    def nobody(self) -> set[str]:
        """Names that are to be found nowhere."""
        return self.gone - set(self.names.values())

    def postings(self) -> list[Posting]:
        """With users by their names of now, and scores added up anew."""
        totals: dict[tuple[str, int], int] = {}
        told = []
        for posting in self._postings:
            name = posting.user_id if posting.seq in self.unforgotten else None
            after = None
            if posting.user_ref is not None:
                name = name or self.names.get(posting.user_ref)
                if posting.kind in (Kind.AWARD, Kind.REVERSE):
                    key = posting.board, posting.user_ref
                    after = totals[key] = totals.get(key, 0) + posting.points
            told.append(msgspec.structs.replace(posting, user_id=name, score_after=after))
        return told

    def scores(self) -> dict[Span, dict[str, Score]]:
        return sums(self.postings(), self.boards)

    def shown(self, scores: Iterable[Score]) -> list[Score]:
        """The scores of active users."""
        return [each for each in scores if self.status[each.user_id] is Status.ACTIVE]

    # --- one posting

    def _award(self, award: Award) -> Answer:
        known = self.find(award.award_id)
        action = award.action
        if known is not None:
            name = self.names.get(known.user_ref or 0)
            if (name, known.action_id) != (award.user_id, action.action_id):
                return AwardConflict, 0
            return "repeated", known.seq
        if self.status.get(award.user_id) is Status.BANNED:
            return UserSuspended, 0
        ref = self._ref(award.user_id)
        if ref is None:
            ref = self.head.seq + 1  # any number that nobody has
            self.names[ref] = award.user_id
            self.status[award.user_id] = Status.ACTIVE
        posting = self._post(
            Kind.AWARD,
            award_id=award.award_id,
            board=action.board,
            user_ref=ref,
            action_id=action.action_id,
            points=action.points,
        )
        return "recorded", posting.seq

    def _ref(self, user_id: str) -> int | None:
        return next((ref for ref, name in self.names.items() if name == user_id), None)

    def _post(self, kind: Kind, **rest: object) -> Posting:
        seq, at = self.head.seq + 1, max(self.clock(), self.head.at)
        told = {"award_id": f"{kind} at {seq}", "counts_at": at} | rest
        posting = Posting(seq=seq, epoch=self.head.epoch, kind=kind, at=at, **told)  # type: ignore[arg-type]
        self._postings.append(posting)
        return posting
