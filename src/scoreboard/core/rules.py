"""The rules of a group of awards: what has to be known of the past, and who breaks one."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scoreboard.core.action import Action
from scoreboard.core.award import Award
from scoreboard.core.board import Board
from scoreboard.core.rule import NO_PAST, Hit, Past
from scoreboard.core.signing_key import SigningKey

Subject = tuple[str, str, str]
"""Whose past: a user and an action, a user and a board, or a key."""


def past_with_action(user_id: str, action_id: str) -> Subject:
    return ("action", user_id, action_id)


def past_on_board(user_id: str, board: str) -> Subject:
    return ("board", user_id, board)


def past_of_key(key: str) -> Subject:
    return ("key", key, "")


class Needs(Struct, frozen=True):
    """What a group asks of the ledger: at most one line a rule, user and action, board or key.

    ``counts`` are (user, action, span, cap) and ``key_counts`` (key, span, cap): awards in the
    span, counted no further than the cap. ``lasts`` are (user, action, milliseconds): the moment
    of the last award, if it is no older. ``points`` are (user, board): points gained in the hour.
    """

    counts: Sequence[tuple[str, str, str, int]] = ()
    lasts: Sequence[tuple[str, str, int]] = ()
    points: Sequence[tuple[str, str]] = ()
    key_counts: Sequence[tuple[str, str, int]] = ()

    def __bool__(self) -> bool:
        return bool(self.counts or self.lasts or self.points or self.key_counts)

    def past(
        self,
        counts: Iterable[int],
        lasts: Iterable[int | None],
        points: Iterable[int],
        key_counts: Iterable[int],
    ) -> dict[Subject, Past]:
        """The answers, each in the order asked, by whose past they are of."""
        found: dict[Subject, Past] = {}
        for (user_id, action_id, span, _), count in zip(self.counts, counts, strict=True):
            setattr(_of(found, past_with_action(user_id, action_id)), span, count)
        for (user_id, action_id, _), last_ms in zip(self.lasts, lasts, strict=True):
            _of(found, past_with_action(user_id, action_id)).last_ms = last_ms
        for (user_id, board), gained in zip(self.points, points, strict=True):
            _of(found, past_on_board(user_id, board)).points = gained
        for (key, span, _), count in zip(self.key_counts, key_counts, strict=True):
            setattr(_of(found, past_of_key(key)), span, count)
        return found


class Rules(Struct, frozen=True):
    """The boards and the keys that have rules, by name; those of an action are in the action."""

    boards: Mapping[str, Board] = {}
    keys: Mapping[str, SigningKey] = {}

    @staticmethod
    def of(boards: Iterable[Board], keys: Iterable[SigningKey]) -> "Rules":
        """Those of the catalogue that have any."""
        return Rules(
            {board.board: board for board in boards if board.points_per_hour},
            {key.key: key for key in keys if key.caps.spans()},
        )

    def apply_to(self, award: Award) -> bool:
        """Whether an award has to be judged at all."""
        return (
            award.action.has_rules
            or award.action.board in self.boards
            or award.key in self.keys
            or award.over_rate
        )

    def needs(self, awards: Iterable[Award]) -> Needs:
        """What has to be known of the past to judge these awards."""
        counts: dict[tuple[str, str, str, int], None] = {}
        lasts: dict[tuple[str, str, int], None] = {}
        points: dict[tuple[str, str], None] = {}
        key_counts: dict[tuple[str, str, int], None] = {}
        for award in awards:
            action = award.action
            counts |= dict.fromkeys(_counts_of(award.user_id, action))
            if action.cooldown_s:
                lasts[award.user_id, action.action_id, action.cooldown_s * 1000] = None
            if action.board in self.boards:
                points[award.user_id, action.board] = None
            if award.key is not None and (key := self.keys.get(award.key)):
                key_counts |= dict.fromkeys((key.key, *span) for span in key.caps.spans())
        return Needs(list(counts), list(lasts), list(points), list(key_counts))

    def broken(
        self, award: Award, past: Mapping[Subject, Past], at_ms: int
    ) -> tuple[Hit | None, tuple[Hit, ...]]:
        """The first rule that refuses an award, or those in the shadow that would have.

        In the order of ``Rule``: the action's, the key's, the board's. What one refuses hits
        nothing in the shadow: that counts what would be refused on top.
        """
        shadows: list[Hit] = []
        for hit, shadow in self._hits(award, past, at_ms):
            if hit is None:
                continue
            if not shadow:
                return hit, ()
            shadows.append(hit)
        return None, tuple(shadows)

    def _hits(
        self, award: Award, past: Mapping[Subject, Past], at_ms: int
    ) -> Iterable[tuple[Hit | None, bool]]:
        action = award.action
        if action.has_rules:
            own = past.get(past_with_action(award.user_id, action.action_id), NO_PAST)
            yield action.broken_rule(own, at_ms), action.shadow
        key = self.keys.get(award.key) if award.key is not None else None
        if key is not None:
            yield key.broken_rule(past.get(past_of_key(key.key), NO_PAST)), key.shadow
        board = self.boards.get(action.board)
        if board is not None:
            there = past.get(past_on_board(award.user_id, board.board), NO_PAST)
            yield board.broken_rule(there, action.points), board.shadow

    def remember(self, award: Award, past: dict[Subject, Past], at_ms: int) -> None:
        """Add a recorded award to the past that later ones of its group are judged by."""
        action = award.action
        if action.has_rules:
            subject = past_with_action(award.user_id, action.action_id)
            _of(past, subject).add(at_ms, action.points)
        if award.key in self.keys:
            _of(past, past_of_key(award.key or "")).add(at_ms, action.points)
        if action.board in self.boards:
            _of(past, past_on_board(award.user_id, action.board)).add(at_ms, action.points)


NO_RULES = Rules()


def _of(past: dict[Subject, Past], subject: Subject) -> Past:
    return past.setdefault(subject, Past())


def _counts_of(user_id: str, action: Action) -> Iterable[tuple[str, str, str, int]]:
    return ((user_id, action.action_id, *span) for span in action.caps.spans())
