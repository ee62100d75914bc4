"""``scoreboard import``: users with their scores, from another system."""

import secrets
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct
from msgspec.structs import replace
from rich.progress import Progress

from scoreboard import assembly
from scoreboard.cli.balance_file import Balances, Columns, read_balances
from scoreboard.cli.balance_preview import present_from, preview_of, print_preview
from scoreboard.cli.catalogue import caller, moment_of
from scoreboard.cli.moderation import now_ms, sound_reason
from scoreboard.cli.options import Data, Json, load
from scoreboard.cli.remark import counted
from scoreboard.cli.terminal import ERR, Failure, print_json, say
from scoreboard.core.action import Action
from scoreboard.core.balance import in_order
from scoreboard.core.history import Line
from scoreboard.core.identifier import is_action_id, is_board
from scoreboard.core.moment import rfc3339
from scoreboard.ports import Catalogue, History, Ledger
from scoreboard.service.balances import Arrival, Arrived, Beginning, award

SHOWN_MAX = 50
NAME_MAX = 200


class Imported(Struct, frozen=True, kw_only=True):
    """What an import did, for machines.

    So many ``users`` were imported now and ``before``; lines of those who were imported earlier
    with another score, and lines and error codes of those whom the ledger refused.
    """

    board: str
    action: str
    users: int
    before: int
    differing: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]
    sha256: str


async def import_(  # noqa: PLR0913 - each is an option
    file: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True,
            help="CSV with a header, packed or not; - for stdin. Comma, semicolon or tab.",
        ),
    ],
    /,
    *,
    board: Annotated[str, Parameter(help="Board on which the scores are.")] = "default",
    action: Annotated[
        str, Parameter(help="Name of this import: the action of its postings.")
    ] = "imported",
    user: Annotated[str, Parameter(help="What the column of users is called.")] = "user_id",
    score: Annotated[str, Parameter(help="What the column of scores is called.")] = "score",
    time: Annotated[
        str | None,
        Parameter(help="What the column of last changes is called. Default: updated_at, if any."),
    ] = None,
    at: Annotated[
        str | None,
        Parameter(help="One moment for all, such as 2026-10-31T00:00:00Z, whatever the file says."),
    ] = None,
    now: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Award the scores now, into a ledger with a history; their times are not kept.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Read the file, say what is in it, and change nothing.",
        ),
    ] = False,
    reason: Annotated[
        str | None, Parameter(help="Why, for the record of changes. Default: what was imported.")
    ] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Bring users with their scores from another system: one posting each, never edited again.

    Into a database without a history, whole or not at all: each posting has the time of the file,
    and equal scores keep that order (or the file's, where it has no times). With --now into any
    other: in groups, each user once; what is cut off is given again and goes on.
    """
    settings = load(data=data)
    _ensure_names(board, action)
    if now and at is not None:
        raise Failure("--now and --at exclude each other: what is awarded now has the time of now.")
    found = read_balances(file, Columns(user, score, time), now_ms())
    arrival = _arrival(found, Action(action_id=action, points=0, board=board), at, reason)
    if preview:
        print_preview(preview_of(found, arrival.balances), json=json)
    _ensure_good(found, silent=preview and json)
    if not preview:
        async with assembly.open_ledger(settings) as ledger:
            arrived = await (_awarded if now else _begun)(ledger, arrival)
        _report(found, arrival, arrived, json=json)
    if not (json or now):
        _caution(arrival)


def _arrival(found: Balances, action: Action, at: str | None, reason: str | None) -> Arrival:
    balances, at_ms = in_order(found.good), now_ms()
    if at is not None:
        moment = moment_of(at)
        if moment is None or not 0 <= moment <= at_ms:
            raise Failure("--at is a moment of the past, such as 2026-10-31T00:00:00Z.")
        balances = [replace(balance, at=moment) for balance in balances]
    return Arrival(
        balances=balances,
        action=replace(action, active_until=at_ms),
        caller=caller(),
        reason=_default_reason(found) if reason is None else sound_reason(reason),
        at=at_ms,
    )


def _default_reason(found: Balances) -> str:
    name = Path(found.file).name
    shown = name if name.isprintable() and len(name) <= NAME_MAX else "a file"
    points = sum(balance.score for balance in found.good)
    return (
        f"{counted(len(found.good), 'user')} with {counted(points, 'point')} imported from "
        f"{shown}, SHA-256 {found.sha256}"
    )


def _ensure_names(board: str, action: str) -> None:
    if not is_board(board) or not is_action_id(action):
        raise Failure(
            "--board and --action are 1 to 64 letters, digits and . _ -, a letter or digit first."
        )


def _ensure_good(found: Balances, *, silent: bool) -> None:
    if not silent:
        for problem in found.problems:
            ERR.print(f"{found.file}:{problem.line}: {problem.says}", markup=False, soft_wrap=True)
        if found.bad > len(found.problems):
            ERR.print(f"... and {found.bad - len(found.problems):,} more bad lines.")
    if found.bad:
        lines = found.bad + len(found.good)
        raise Failure(f"Nothing is imported while lines are bad: {found.bad:,} of {lines:,} are.")
    if not found.good:
        raise Failure(f"There are no users in {found.file}.")


async def _begun(ledger: Ledger, arrival: Arrival) -> Arrived:
    if (await ledger.head()).seq != 1 or (await ledger.catalogue()).version != 1:
        raise Failure(
            "This ledger has a history already, and its clock never runs back: name a database "
            "without one (--data, or SCOREBOARD_LEDGER) to keep the times of the file, or say "
            "--now to award the scores as of now."
        )
    users = len(arrival.balances)
    beginning = Beginning(arrival, secrets.token_bytes)
    with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("Importing", total=users)

        async def seen() -> History:
            async for page in beginning.history():
                yield page
                if isinstance(page[0], Line):
                    progress.advance(task, len(page))

        await ledger.restore(seen())
    return Arrived(users, 0, (), ())


async def _awarded(ledger: Ledger, arrival: Arrival) -> Arrived:
    wanted = replace(arrival, action=_agreed(await ledger.catalogue(), arrival))
    with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("Awarding", total=len(arrival.balances))
        return await award(ledger, wanted, lambda count: progress.advance(task, count))


def _agreed(catalogue: Catalogue, arrival: Arrival) -> Action:
    """The import's action as it is in the catalogue, or as it shall be."""
    wanted = arrival.action
    if wanted.board not in catalogue.boards:
        raise Failure(
            f"There is no board {wanted.board}: `scoreboard board set {wanted.board}` makes it."
        )
    there = catalogue.actions.get(wanted.action_id)
    if there is None:
        return wanted
    ended = there.active_until is not None and there.active_until <= arrival.at
    if there.board != wanted.board or there.points or not ended:
        raise Failure(
            f"There is an action {wanted.action_id} already, which is no import onto board "
            f"{wanted.board}: give this import another name with --action."
        )
    return there


def _report(found: Balances, arrival: Arrival, arrived: Arrived, *, json: bool) -> None:
    action, board = arrival.action.action_id, arrival.action.board
    if json:
        print_json(
            Imported(
                board=board,
                action=action,
                users=arrived.recorded,
                before=arrived.repeated,
                differing=tuple(balance.line for balance in arrived.differing),
                refused=tuple((each.line, error.code) for each, error in arrived.refused),
                sha256=found.sha256,
            )
        )
    else:
        before = f" {arrived.repeated:,} were imported before." if arrived.repeated else ""
        users = counted(arrived.recorded, "user")
        say(f"{users} imported onto board {board}, by action {action}.{before}")
        _tell_others(found.file, arrived)
    if arrived.differing or arrived.refused:
        raise Failure(
            f"{len(arrived.differing):,} users were imported earlier with another score, which "
            f"stays; {len(arrived.refused):,} were refused. A further import has a name of its "
            "own (--action) and adds to the scores."
        )


def _tell_others(file: str, arrived: Arrived) -> None:
    told = [(each.line, "imported earlier with another score.") for each in arrived.differing]
    told += [(each.line, error.detail()) for each, error in arrived.refused]
    for line, says in told[:SHOWN_MAX]:
        ERR.print(f"{file}:{line}: {says}", markup=False, soft_wrap=True)


def _caution(arrival: Arrival) -> None:
    began_ms = present_from(arrival.at)
    recent = sum(balance.at >= began_ms for balance in arrival.balances)
    if recent:
        say(
            f"{recent:,} of them changed since {rfc3339(began_ms)}. If the board gets windows "
            "(day, week, month) now, their whole score counts in the present ones as well; with "
            "--at and an earlier moment none does."
        )
