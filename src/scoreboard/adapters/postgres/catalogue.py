"""The catalogue in PostgreSQL: actions, boards and keys, changed with a record of who and why."""

from collections.abc import Sequence

import msgspec

from scoreboard.adapters import rows
from scoreboard.adapters.postgres import notes, reader
from scoreboard.adapters.postgres.connection import SQL, Connection
from scoreboard.adapters.postgres.writer import Writer
from scoreboard.core.action import Action
from scoreboard.core.award import derived_id
from scoreboard.core.board import Board, Freeze
from scoreboard.core.posting import Kind, Posting
from scoreboard.core.signing_key import SigningKey
from scoreboard.core.window import Window, period_at
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

Settings = Action | Board | SigningKey


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


async def change(writer: Writer, wanted: Change) -> Sequence[Posting]:
    """Put what is wanted, unless it is there already; answers the postings of a board."""

    async def work(connection: Connection) -> Sequence[Posting]:
        await connection.execute("BEGIN")
        await connection.execute(_UNHURRIED)
        head, version = await notes.lock_head(connection, writer.clock())
        postings: Sequence[Posting] = ()
        match wanted.subject:
            case Action() as action:
                await _put_action(connection, wanted, action, head)
            case SigningKey() as key:
                await _put_key(connection, wanted, key, head)
            case Board() as board:
                postings = await _Boards(connection, wanted, head, version).put(board)
        if postings:
            await connection.execute(SQL["notify"], writer.node)
        await connection.execute("COMMIT")
        return postings

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
    what = "action.put", action.action_id
    await _record(connection, wanted, head.at, what, (before, action))


async def _put_key(connection: Connection, wanted: Change, key: SigningKey, head: Head) -> None:
    found = await connection.fetch(SQL["keys"])
    before = {row["key"]: rows.signing_key(row) for row in found}.get(key.key)
    after = key.following(before)
    if after == before:
        return
    await connection.execute(SQL["put_key"], *rows.signing_key_row(after).values())
    operation = "key.put" if after.revoked_at is None else "key.revoke"
    await _record(connection, wanted, head.at, (operation, key.key), (before, after))


class _Boards:
    """Under the lock: each posting of a board with its entry in the record of changes."""

    def __init__(self, connection: Connection, wanted: Change, head: Head, version: int) -> None:
        self._connection = connection
        self._wanted = wanted
        self._head = head
        self._version = version

    async def put(self, board: Board) -> Sequence[Posting]:
        found = await self._connection.fetch(SQL["boards"])
        before = {row["board"]: rows.board(row) for row in found}.get(board.board)
        board = msgspec.structs.replace(board, frozen=before.frozen if before else None)
        postings = []
        if before != board:
            postings.append(await self._set(before, board))
        kind = board.turn(frozen=self._wanted.frozen)
        if kind is not None:
            postings.append(await self._turn(board, kind))
        return postings

    async def _set(self, before: Board | None, board: Board) -> Posting:
        fresh = board.added_windows(before)
        await self._connection.execute(SQL["put_board"], *rows.board_row(board).values())
        posting = await self._note(board, Kind.BOARD)
        await self._record("board.put", before, board)
        for window in fresh:
            period = period_at(window, posting.at, board.time_zone)
            span = board.board, period.name, period.start_ms
            await self._connection.execute(SQL["fill_period"], *span)
        return posting

    async def _turn(self, board: Board, kind: Kind) -> Posting:
        """Freeze or reveal it."""
        posting = await self._note(board, kind)
        frozen = None
        if kind is Kind.FREEZE:
            users = await reader.total(self._connection, board.board, Window.ALL.value)
            frozen = Freeze(seq=posting.seq, at=posting.at, users=users)
        after = msgspec.structs.replace(board, frozen=frozen)
        await self._connection.execute(SQL["put_board"], *rows.board_row(after).values())
        await self._record(f"board.{kind}", board, after)
        return posting

    async def _note(self, board: Board, kind: Kind) -> Posting:
        """A posting of what the record is told next, and a mark on every top that it changes."""
        award_id = derived_id(kind.value, board.board, str(self._version + 1))
        posting = notes.note(self._head, kind, board.board, award_id, caller=self._wanted.caller)
        await notes.add(self._connection, posting)
        tops = [(board.board, period.name) for period in board.periods_of(posting)]
        await notes.mark(self._connection, tops, posting)
        self._head = msgspec.structs.replace(self._head, seq=posting.seq)
        return posting

    async def _record(self, operation: str, before: Board | None, after: Board) -> None:
        what = operation, after.board
        await _record(self._connection, self._wanted, self._head.at, what, (before, after))
        self._version += 1


async def _record(
    connection: Connection,
    wanted: Change,
    at: int,
    what: tuple[str, str],
    settings: tuple[Settings | None, Settings],
) -> None:
    before, after = settings
    await connection.execute(SQL["catalogue_changed"])
    await connection.execute(
        SQL["add_audit"],
        at,
        wanted.caller,
        *what,
        wanted.reason,
        rows.recorded(before) if before is not None else None,
        rows.recorded(after),
    )
