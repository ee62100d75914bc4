"""The catalogue in PostgreSQL: actions, boards and keys, changed with a record of who and why."""

from typing import Any

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.core.action import Action
from scoreboard.core.award import derived_id
from scoreboard.core.board import Board
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import period_at
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Catalogue, Change, Head

FILL_S = 60.0
"""How long filling a new window may take; awards are unavailable meanwhile."""

# Here a whole table may be read.
_UNHURRIED = f"""
SET LOCAL statement_timeout = {int(FILL_S * 1000)};
SET LOCAL enable_seqscan = on;
SET LOCAL enable_hashjoin = on;
"""


async def read_catalogue(connection: Connection) -> Catalogue:
    """Everything with its version."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    version = (await connection.fetchrow(SQL["head"]))["catalogue"]
    actions = [rows.action(row) for row in await connection.fetch(SQL["actions"])]
    boards = [rows.board(row) for row in await connection.fetch(SQL["boards"])]
    keys = [rows.signing_key(row) for row in await connection.fetch(SQL["keys"])]
    await connection.execute("COMMIT")
    return Catalogue(
        version,
        {action.action_id: action for action in actions},
        {board.board: board for board in boards},
        {key.key: key for key in keys},
    )


async def change(writer: Writer, wanted: Change) -> Posting | None:
    """Put what is wanted, unless it is there already; answers the posting of a board."""

    async def work(connection: Connection) -> Posting | None:
        await connection.execute("BEGIN")
        await connection.execute(_UNHURRIED)
        head, version = await notes.lock_head(connection, writer.clock())
        posting = None
        match wanted.subject:
            case Action() as action:
                await _put_action(connection, wanted, action, head)
            case SigningKey() as key:
                await _put_key(connection, wanted, key, head)
            case Board() as board:
                posting = await _put_board(connection, wanted, board, (head, version))
        if posting is not None:
            await connection.execute(SQL["notify"], writer.node)
        await connection.execute("COMMIT")
        return posting

    return await writer.session.write(work, FILL_S)


async def _put_action(connection: Connection, wanted: Change, action: Action, head: Head) -> None:
    boards = await connection.fetch(SQL["boards"])
    if action.board not in {row["board"] for row in boards}:
        raise InvalidPayload("/board")
    found = await connection.fetch(SQL["actions"])
    before = {row["action_id"]: rows.action(row) for row in found}.get(action.action_id)
    if before == action:
        return
    await connection.execute(SQL["put_action"], *rows.action_row(action).values())
    await _record(connection, wanted, head, ("action.put", action.action_id, before))


async def _put_key(connection: Connection, wanted: Change, key: SigningKey, head: Head) -> None:
    found = await connection.fetch(SQL["keys"])
    before = {row["key"]: rows.signing_key(row) for row in found}.get(key.key)
    after = key.following(before)
    if after == before:
        return
    await connection.execute(SQL["put_key"], *rows.signing_key_row(after).values())
    operation = "key.put" if after.revoked_at is None else "key.revoke"
    await _record(connection, wanted, head, (operation, key.key, before))


async def _put_board(
    connection: Connection, wanted: Change, board: Board, place: tuple[Head, int]
) -> Posting | None:
    found = await connection.fetch(SQL["boards"])
    before = {row["board"]: rows.board(row) for row in found}.get(board.board)
    if before == board:
        return None
    fresh = board.added_windows(before)
    head, version = place
    await connection.execute(SQL["put_board"], *rows.board_row(board).values())
    await _record(connection, wanted, head, ("board.put", board.board, before))
    award_id = derived_id("board", board.board, str(version + 1))
    posting = notes.note(head, Kind.BOARD, board.board, award_id, caller=wanted.caller)
    await notes.add(connection, posting)
    for window in fresh:
        period = period_at(window, posting.at, board.time_zone)
        await connection.execute(SQL["fill_period"], board.board, period.name, period.start_ms)
    tops = [(board.board, period.name) for period in board.periods_at(posting.at)]
    await notes.mark(connection, tops, posting)
    return posting


async def _record(
    connection: Connection, wanted: Change, head: Head, what: tuple[str, str, Any]
) -> None:
    operation, subject, before = what
    await connection.execute(SQL["catalogue_changed"])
    await connection.execute(
        SQL["add_audit"],
        head.at,
        wanted.caller,
        operation,
        subject,
        wanted.reason,
        rows.recorded(before) if before is not None else None,
        rows.recorded(wanted.subject),
    )
