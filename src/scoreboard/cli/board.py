"""``scoreboard board``: competitions, their ties, windows and time zone."""

from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec
from cyclopts import App, Parameter

from scoreboard import assembly
from scoreboard.cli.catalogue import caller, explained
from scoreboard.cli.moderation import sound_reason
from scoreboard.cli.options import REASON, Data, Json, Reason, load, load_kept
from scoreboard.cli.terminal import Failure, print_json, print_table, say
from scoreboard.core.board import Board, Freeze
from scoreboard.core.moment import rfc3339
from scoreboard.core.window import Window
from scoreboard.ports import Change

app = App(name="board", help="Boards: make and change them, list them.")


@app.command(name="set")
async def set_board(  # noqa: PLR0913 - each is an option
    board: Annotated[str, Parameter(help="The board's name in URLs.")],
    /,
    *,
    title: Annotated[str | None, Parameter(help="What people read above it.")] = None,
    tie: Annotated[
        str | None,
        Parameter(help="first-reached (1 2 3 4, the default) or shared (1 2 2 4)."),
    ] = None,
    windows: Annotated[
        str | None,
        Parameter(help="all,day,week,month: those to keep; they can be added, never taken away."),
    ] = None,
    time_zone: Annotated[
        str | None, Parameter(help="Whose midnight resets it, such as Europe/Berlin.")
    ] = None,
    points_per_hour: Annotated[
        int | None,
        Parameter(help="The most points that a user may gain on it in any hour; 0: no cap."),
    ] = None,
    shadow: Annotated[
        bool | None, Parameter(help="Whether that cap only counts what it would refuse.")
    ] = None,
    frozen: Annotated[
        bool | None,
        Parameter(
            name="--freeze",
            negative="--reveal",
            help="Show everybody the board as it is now, from now on; or show it live again.",
        ),
    ] = None,
    reason: Reason = REASON,
    data: Data = None,
) -> None:
    """Make a board, or change one; what is not given stays as it is."""
    async with assembly.open_ledger(load(data=data)) as ledger:
        before = (await ledger.catalogue()).boards.get(board)
        given: dict[str, Any] = {
            "board": board,
            "title": title,
            "tie": tie,
            "time_zone": time_zone,
            "windows": None if windows is None else _windows(windows),
            "points_per_hour": points_per_hour,
            "shadow": shadow,
        }
        after = _merged(before, {name: value for name, value in given.items() if value is not None})
        _ensure_compatible(before, after)
        await ledger.change(Change(after, caller(), sound_reason(reason), frozen))
        after = (await ledger.catalogue()).boards[board]
    shown = ", ".join(window.value for window in after.windows)
    zone, rule = f"time zone {after.time_zone}", _rule(after, ", ")
    say(f"Board {board}: ties {after.tie.value}, windows {shown}, {zone}{rule}.")
    if after.frozen is not None:
        say(_frozen(after.frozen))
    elif frozen is False:
        say("Everybody sees it live.")


@app.command(name="list")
async def list_boards(*, json: Json = False, data: Data = None) -> None:
    """List all boards."""
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        boards = tuple((await ledger.catalogue()).boards.values())
    if json:
        print_json(boards)
        return
    print_table(
        ("board", "ties", "windows", "time zone", "rule", "frozen since", "title"),
        (
            (
                b.board,
                b.tie.value,
                ", ".join(w.value for w in b.windows),
                b.time_zone,
                _rule(b),
                f"{rfc3339(b.frozen.at)[:19]}Z" if b.frozen else "",
                b.title,
            )
            for b in boards
        ),
    )


def _rule(board: Board, before: str = "") -> str:
    if not board.points_per_hour:
        return ""
    shadow = " in the shadow" if board.shadow else ""
    return f"{before}{board.points_per_hour:,} points an hour{shadow}"


def _frozen(freeze: Freeze) -> str:
    users = "1 user" if freeze.users == 1 else f"{freeze.users:,} users"
    return (
        f"Frozen since {rfc3339(freeze.at)} (posting {freeze.seq:,}), with {users} on it: "
        "everybody sees it as it was then, and awards go on. Show it live again with --reveal."
    )


def _windows(given: str) -> list[str]:
    named = {each.strip() for each in given.split(",")} | {Window.ALL.value}
    unknown = sorted(named - {window.value for window in Window})
    if unknown:
        raise Failure(f"There is no window {unknown[0]!r}; there are all, day, week and month.")
    return [window.value for window in Window if window.value in named]


def _merged(before: Board | None, given: dict[str, Any]) -> Board:
    known = {} if before is None else msgspec.to_builtins(before)
    zone = given.get("time_zone", "UTC")
    if zone not in available_timezones():
        raise Failure(f"There is no time zone {zone!r}; Europe/Berlin and UTC are two.")
    try:
        return msgspec.convert(known | given, Board)
    except msgspec.ValidationError as error:
        raise Failure(explained("board", error)) from None


def _ensure_compatible(before: Board | None, after: Board) -> None:
    if before is None:
        return
    if not set(before.windows) <= set(after.windows):
        kept = ",".join(window.value for window in before.windows)
        raise Failure(f"A board keeps its windows: name at least {kept}.")
    if before.time_zone != after.time_zone and len(before.windows) > 1:
        raise Failure(
            f"The time zone of {after.board} is {before.time_zone} and stays, as its windows reset "
            "by it: make a new board."
        )
