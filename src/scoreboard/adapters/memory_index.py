"""The orders of the ranking in memory: sorted lists, and beside them the scores not shown."""

from collections.abc import Collection, Mapping, Sequence

from sortedcontainers import SortedList

from scoreboard.core.score import Score
from scoreboard.core.standing import TOP_SIZE
from scoreboard.errors import OutOfPlace
from scoreboard.ports import Exit, Group, Key, Mark, Move, Place, Return, Turn

Span = tuple[str, str]
"""Board and period."""


class SortedOrder:
    """One board's period: ``core.standing.Order`` on a sorted list.

    While it is ``loading`` its scores are of different moments: then every fall, and whoever went
    or came back, may have changed the top. ``unseen`` are the scores that are not in the order.
    """

    def __init__(self, mark: tuple[int, int], *, loading: bool) -> None:
        self.loading = loading
        self.scores: dict[str, Score] = {}
        self.unseen: dict[str, Score] = {}
        self._keys: SortedList[tuple[int, int, str]] | None = None
        self.mark = mark
        self.last = mark
        self.top: tuple[Score, ...] = ()
        self.changed = mark
        self.fell = (0, 0)

    @property
    def keys(self) -> "SortedList[tuple[int, int, str]]":
        """Sorted once, after all pages are loaded: one by one they cost ten times as much."""
        if self._keys is None:
            self._keys = SortedList([_line(each) for each in self.scores.values()])
        return self._keys

    def load(self, scores: Sequence[Score], hidden: Collection[str]) -> None:
        self.scores.update((each.user_id, each) for each in scores if each.user_id not in hidden)
        if hidden:
            found = ((each.user_id, each) for each in scores if each.user_id in hidden)
            self.unseen.update(found)
        self._keys = None
        self.last = max([self.last, *((score.seq, score.at) for score in scores)])

    def move(self, move: Move, hidden: Collection[str]) -> None:
        keys = self.keys
        before = self.scores.get(move.user_id)
        if before is None:
            if move.user_id in hidden:
                self._move_unseen(move)
                return
            after = Score(move.user_id, move.points, move.seq, move.at)
        elif move.seq <= before.seq:
            # The score was read from the ledger after this posting; where it fell from is unknown.
            if move.points < 0:
                self.fell = max(self.fell, (move.seq, move.at))
            return
        else:
            after = before.plus(move.points, move.seq, move.at)
            if after is before:
                return
            if move.points < 0 and self._may_be_in_top(before):
                self.fell = (move.seq, move.at)
            keys.remove((-before.score, before.seq, before.user_id))
        self.scores[move.user_id] = after
        keys.add((-after.score, after.seq, after.user_id))
        self.last = (move.seq, move.at)

    def _move_unseen(self, move: Move) -> None:
        before = self.unseen.get(move.user_id)
        if before is None:
            after = Score(move.user_id, move.points, move.seq, move.at)
        elif move.seq <= before.seq:
            return
        else:
            after = before.plus(move.points, move.seq, move.at)
        if after is not before:
            self.unseen[move.user_id] = after
            self.last = (move.seq, move.at)

    def turn(self, turn: Turn) -> None:
        """Take a user out of the order, or put it back where its score stands by now."""
        if isinstance(turn, Return):
            self._put_back(turn)
        elif turn.user_id in self.scores:
            self._take_out(turn)
        else:
            known = self.unseen
            was_here = turn.user_id in known
            if turn.forever:
                known.pop(turn.user_id, None)
            # Pages that were read after it may have the user no more.
            self._note_in_pages(turn, happened=was_here or turn.forever)

    def _take_out(self, turn: Exit) -> None:
        score = self.scores[turn.user_id]
        if self._may_be_in_top(score):
            self.fell = (turn.seq, turn.at)
        self.keys.remove(_line(score))
        del self.scores[turn.user_id]
        if not turn.forever:
            self.unseen[turn.user_id] = score
        self.last = (turn.seq, turn.at)

    def _put_back(self, turn: Return) -> None:
        score = self.unseen.pop(turn.user_id, None)
        if score is None:
            self._note_in_pages(turn, happened=turn.user_id in self.scores)
            return
        keys = self.keys
        self.scores[turn.user_id] = score
        keys.add(_line(score))
        if self._may_be_in_top(score):
            self.fell = (turn.seq, turn.at)
        self.last = (turn.seq, turn.at)

    def _note_in_pages(self, turn: Turn, *, happened: bool) -> None:
        """What was loaded already has the turn in it."""
        if self.loading and happened:
            self.fell = (turn.seq, turn.at)

    def _may_be_in_top(self, score: Score) -> bool:
        return self.loading or self.before(score.key()) < TOP_SIZE

    def settle(self, mark: tuple[int, int]) -> bool:
        """Take note of the new top; ``mark`` is what happened last, (0, 0) for no mark.

        The top was changed by the newest posting in it or by the last that took a row out of it,
        down in it or back into it, whichever is later: labelled with the earlier, it would not be
        the top at that seq.
        """
        self.mark = max(self.mark, mark)
        if self.loading:
            return False
        top = tuple(self.after(None, TOP_SIZE))
        if top == self.top and mark <= self.changed:
            return False
        self._label(top)
        return True

    def loaded(self) -> None:
        """All scores are of one moment now: label the top for the first time."""
        self.loading = False
        self.changed = (0, 0)
        self._label(tuple(self.after(None, TOP_SIZE)))

    def _label(self, top: tuple[Score, ...]) -> None:
        rows = ((score.seq, score.at) for score in top)
        self.changed = max([self.mark, self.changed, self.fell, *rows])
        self.top = top

    def score(self, user_id: str) -> Score | None:
        return self.scores.get(user_id)

    def before(self, key: Key) -> int:
        place: int = self.keys.bisect_left(key)
        return place

    def after(self, key: Key | None, limit: int) -> Sequence[Score]:
        # (-score, seq) < (-score, seq, user): the user at the key itself is skipped by its id.
        first = 0 if key is None else self.keys.bisect_left((key[0], key[1] + 1))
        return [self.scores[user_id] for _, _, user_id in self.keys.islice(first, first + limit)]

    def last_before(self, key: Key, limit: int) -> Sequence[Score]:
        end = self.keys.bisect_left(key)
        begin = max(0, end - limit)
        return [self.scores[user_id] for _, _, user_id in self.keys.islice(begin, end)]

    def total(self) -> int:
        return len(self.keys)


def _line(score: Score) -> tuple[int, int, str]:
    return (-score.score, score.seq, score.user_id)


class Index:
    """The orders of all open periods, who is not shown, and the place of the last posting in it."""

    def __init__(
        self, place: Place, unseen: Collection[str] = (), frozen: Mapping[str, int] | None = None
    ) -> None:
        self.place = place
        self.frozen = dict(frozen or {})
        self.loading = True
        self.unseen = set(unseen)
        self.orders: dict[Span, SortedOrder] = {}

    def load(self, mark: Mark, scores: Sequence[Score]) -> None:
        fresh = SortedOrder((mark.seq, mark.at), loading=True)
        order = self.orders.setdefault((mark.board, mark.period), fresh)
        order.load(scores, self.unseen)

    def loaded(self) -> None:
        self.loading = False
        for order in self.orders.values():
            order.loaded()

    def apply(self, group: Group) -> list[Span]:
        if self.place != (group.epoch, group.after):
            raise OutOfPlace(self.place[1])
        touched: dict[Span, tuple[int, int]] = {}
        for mark in group.marks:
            span = (mark.board, mark.period)
            self.orders.setdefault(span, SortedOrder((0, 0), loading=self.loading))
            touched[span] = (mark.seq, mark.at)
        for move in group.moves:
            order = self.orders.get((move.board, move.period))
            if order is not None:
                order.move(move, self.unseen)
                touched.setdefault((move.board, move.period), (0, 0))
        for turn in group.turns:
            self._turn(turn)
        if group.turns:
            touched = dict.fromkeys(self.orders, (0, 0)) | touched
        self.place = (group.epoch, group.upto)
        if group.frozen is not None:
            self.frozen = dict(group.frozen)
        return [span for span, mark in touched.items() if self.orders[span].settle(mark)]

    def _turn(self, turn: Turn) -> None:
        if isinstance(turn, Exit) and not turn.forever:
            self.unseen.add(turn.user_id)
        else:
            self.unseen.discard(turn.user_id)
        for order in self.orders.values():
            order.turn(turn)
