"""The catalogue in SQLite: actions, boards and keys, changed with a record of who and why."""

import sqlite3
from collections.abc import Sequence

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.sqlite.file import SQL, transaction
from scoreboard.adapters.sqlite.reader import TableOrder
from scoreboard.adapters.sqlite.writer import Writer
from scoreboard.core.action import Action
from scoreboard.core.award import derived_id
from scoreboard.core.board import Board, Freeze
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import Window, period_at
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Catalogue, Change

Settings = Action | Board | SigningKey


def read_catalogue(db: sqlite3.Connection) -> Catalogue:
    """Everything with its version."""
    version = db.execute(SQL["head"]).fetchone()[3]
    actions = [rows.action(row) for row in db.execute(SQL["actions"])]
    boards = [rows.board(row) for row in db.execute(SQL["boards"])]
    keys = [rows.signing_key(row) for row in db.execute(SQL["keys"])]
    return Catalogue(
        version,
        {action.action_id: action for action in actions},
        {board.board: board for board in boards},
        {key.key: key for key in keys},
    )


def change(writer: Writer, wanted: Change) -> Sequence[Posting]:
    """Put what is wanted, unless it is there already; answers the postings of a board."""
    with transaction(writer.db, committing=writer.before_commit):
        match wanted.subject:
            case Action() as action:
                _put_action(writer, wanted, action)
            case SigningKey() as key:
                _put_key(writer, wanted, key)
            case Board() as board:
                return _put_board(writer, wanted, board)
    return ()


def _put_action(writer: Writer, wanted: Change, action: Action) -> None:
    existing = {row[0]: rows.action(row) for row in writer.db.execute(SQL["actions"])}
    if action.board not in {row[0] for row in writer.db.execute(SQL["boards"])}:
        raise InvalidPayload("/board")
    before = existing.get(action.action_id)
    if before == action:
        return
    writer.db.execute(SQL["put_action"], rows.action_row(action))
    _record(writer, wanted, ("action.put", action.action_id), (before, action))


def _put_key(writer: Writer, wanted: Change, key: SigningKey) -> None:
    existing = {row[0]: rows.signing_key(row) for row in writer.db.execute(SQL["keys"])}
    before = existing.get(key.key)
    after = key.following(before)
    if after == before:
        return
    writer.db.execute(SQL["put_key"], rows.signing_key_row(after))
    operation = "key.put" if after.revoked_at is None else "key.revoke"
    _record(writer, wanted, (operation, key.key), (before, after))


def _put_board(writer: Writer, wanted: Change, board: Board) -> Sequence[Posting]:
    existing = {row[0]: rows.board(row) for row in writer.db.execute(SQL["boards"])}
    before = existing.get(board.board)
    board = msgspec.structs.replace(board, frozen=before.frozen if before else None)
    postings = []
    if before != board:
        postings.append(_set_board(writer, wanted, before, board))
    kind = board.turn(frozen=wanted.frozen)
    if kind is not None:
        postings.append(_turn_board(writer, wanted, board, kind))
    return postings


def _set_board(writer: Writer, wanted: Change, before: Board | None, board: Board) -> Posting:
    fresh = board.added_windows(before)
    writer.db.execute(SQL["put_board"], rows.board_row(board))
    posting = _note(writer, wanted, board, Kind.BOARD)
    _record(writer, wanted, ("board.put", board.board), (before, board))
    for window in fresh:
        period = period_at(window, posting.at, board.time_zone)
        writer.db.execute(
            SQL["fill_period"],
            {"board": board.board, "period": period.name, "start": period.start_ms},
        )
    return posting


def _turn_board(writer: Writer, wanted: Change, board: Board, kind: Kind) -> Posting:
    """Freeze or reveal it."""
    posting = _note(writer, wanted, board, kind)
    frozen = None
    if kind is Kind.FREEZE:
        users = TableOrder(writer.db, board.board, Window.ALL.value).total()
        frozen = Freeze(seq=posting.seq, at=posting.at, users=users)
    after = msgspec.structs.replace(board, frozen=frozen)
    writer.db.execute(SQL["put_board"], rows.board_row(after))
    _record(writer, wanted, (f"board.{kind}", board.board), (board, after))
    return posting


def _note(writer: Writer, wanted: Change, board: Board, kind: Kind) -> Posting:
    """A posting of what the record is told next, and a mark on every top that it changes."""
    _, version = writer.head()
    award_id = derived_id(kind.value, board.board, str(version + 1))
    posting = writer.note(kind, board.board, award_id, caller=wanted.caller)
    tops = [(board.board, period.name) for period in board.periods_of(posting)]
    writer.mark(tops, posting)
    return posting


def _record(
    writer: Writer,
    wanted: Change,
    what: tuple[str, str],
    settings: tuple[Settings | None, Settings],
) -> None:
    (operation, subject), (before, after) = what, settings
    writer.db.execute(SQL["catalogue_changed"])
    writer.db.execute(
        SQL["add_audit"],
        {
            "at": writer.now(),
            "caller": wanted.caller,
            "operation": operation,
            "subject": subject,
            "reason": wanted.reason,
            "before": rows.recorded(before) if before is not None else None,
            "after": rows.recorded(after),
        },
    )
