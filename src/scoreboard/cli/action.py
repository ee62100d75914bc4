"""``scoreboard action``: what is worth points, and how many."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scoreboard import assembly, wire
from scoreboard.cli.action_file import Line, read_actions
from scoreboard.cli.catalogue import caller, contradicted, explained, moment_of
from scoreboard.cli.moderation import sound_reason
from scoreboard.cli.options import REASON, Data, Json, Reason, load, load_kept
from scoreboard.cli.terminal import ERR, Failure, print_json, print_table, say
from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.moment import rfc3339
from scoreboard.core.rule import Caps
from scoreboard.errors import InvalidPayload, ScoreboardError
from scoreboard.ports import Change, Ledger

SHOWN_MAX = 50

app = App(name="action", help="Actions: what is worth points. Set, list and import them.")

_CAP = "The most awards of it that a user gets in any {}; 0: no cap."
NEVER = "none"
MOMENTS = ("active_from", "active_until")


@app.command(name="set")
async def set_action(  # noqa: PLR0913 - each is a setting of the action
    action: Annotated[str, Parameter(help="Its name in requests.")],
    points: Annotated[
        int, Parameter(help="What it is worth; may be negative.", allow_leading_hyphen=True)
    ],
    /,
    *,
    board: Annotated[str | None, Parameter(help="Board it counts on. Default: default.")] = None,
    cooldown_s: Annotated[
        int | None, Parameter(help="The least time between two awards of it to a user.")
    ] = None,
    cap_minute: Annotated[int | None, Parameter(help=_CAP.format("minute"))] = None,
    cap_hour: Annotated[int | None, Parameter(help=_CAP.format("hour"))] = None,
    cap_day: Annotated[int | None, Parameter(help=_CAP.format("24 hours"))] = None,
    requires_signature: Annotated[
        bool | None, Parameter(help="Whether a trusted backend has to sign it.")
    ] = None,
    active_from: Annotated[
        str | None, Parameter(help="First moment, such as 2027-01-01T00:00:00Z, or none.")
    ] = None,
    active_until: Annotated[
        str | None, Parameter(help="Moment from which on it is refused again, or none.")
    ] = None,
    shadow: Annotated[
        bool | None, Parameter(help="Whether its rules only count what they would refuse.")
    ] = None,
    reason: Reason = REASON,
    data: Data = None,
) -> None:
    """Make an action, or change one; what is not given stays as it is.

    A running service knows of it within five seconds. Awards of the past keep their points.
    """
    given = {
        "action_id": action,
        "points": points,
        "board": board,
        "cooldown_s": cooldown_s,
        "requires_signature": requires_signature,
        "shadow": shadow,
        **_moments(active_from=active_from, active_until=active_until),
    }
    caps = {"minute": cap_minute, "hour": cap_hour, "day": cap_day}
    async with assembly.open_ledger(load(data=data)) as ledger:
        catalogue = await ledger.catalogue()
        after = _merged(catalogue.actions.get(action), given, caps)
        _ensure_board(after, catalogue.boards)
        await ledger.change(Change(after, caller(), sound_reason(reason)))
    say(f"Action {action}: {after.points:+,} on board {after.board}{_rules(after, ', ')}.")


@app.command(name="list")
async def list_actions(*, json: Json = False, data: Data = None) -> None:
    """List all actions."""
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        actions = tuple((await ledger.catalogue()).actions.values())
    if json:
        print_json(tuple(map(wire.action, actions)))
    elif actions:
        print_table(
            ("action", "points", "board", "rules"),
            ((a.action_id, f"{a.points:,}", a.board, _rules(a)) for a in actions),
            numbers="points",
        )
    else:
        say("There are no actions yet: `scoreboard action set quiz 50` makes one.")


@app.command(name="import")
async def import_actions(
    file: Annotated[Path, Parameter(help="CSV with a header, a JSON array, or JSON lines.")],
    /,
    *,
    all_or_nothing: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Change nothing when any line is bad."),
    ] = False,
    reason: Reason = "imported on the command line",
    data: Data = None,
) -> None:
    """Set many actions from a file.

    Columns or members: action_id, points, and where wanted board, cooldown_s, cap_minute,
    cap_hour, cap_day, active_from, active_until, requires_signature, shadow. Bad lines are named
    and skipped; exit code 1 says that there were some.
    """
    sound_reason(reason)
    lines = read_actions(file)
    async with assembly.open_ledger(load(data=data)) as ledger:
        boards = (await ledger.catalogue()).boards
        good = [line for line in lines if not _problem(line, boards)]
        bad = len(lines) - len(good)
        _complain(file, lines, boards)
        if bad and all_or_nothing:
            raise Failure(f"Nothing was changed: {bad} of {len(lines)} lines are bad.")
        await _put(ledger, good, reason)
    if bad:
        raise Failure(f"{len(good)} of {len(lines)} actions were imported; {bad} lines are bad.")
    say(f"{len(good)} actions imported.")


async def _put(ledger: Ledger, lines: list[Line], reason: str) -> None:
    columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        for line in progress.track(lines):
            if line.action is not None:
                try:
                    await ledger.change(Change(line.action, caller(), reason))
                except ScoreboardError as error:
                    raise Failure(
                        f"Line {line.number} and all after it were not imported: {error.detail()}"
                    ) from error


def _complain(file: Path, lines: list[Line], boards: Mapping[str, Board]) -> None:
    bad = [(line.number, said) for line in lines if (said := _problem(line, boards))]
    for number, said in bad[:SHOWN_MAX]:
        ERR.print(f"{file}:{number}: {said}", markup=False, soft_wrap=True)
    if len(bad) > SHOWN_MAX:
        ERR.print(f"... and {len(bad) - SHOWN_MAX} more bad lines.")


def _problem(line: Line, boards: Mapping[str, Board]) -> str | None:
    if line.action is None:
        return line.problem
    if line.action.board not in boards:
        return f"there is no board {line.action.board}."
    return None


def _merged(
    before: Action | None, given: Mapping[str, object], caps: Mapping[str, int | None]
) -> Action:
    known = {} if before is None else msgspec.to_builtins(before)
    wanted = {
        name: None if name in MOMENTS and value == NEVER else value
        for name, value in given.items()
        if value is not None
    }
    merged = msgspec.to_builtins(before.caps if before else Caps())
    merged |= {name: cap for name, cap in caps.items() if cap is not None}
    try:
        return msgspec.convert(known | wanted | {"caps": merged}, Action)
    except msgspec.ValidationError as error:
        raise Failure(explained("action", error)) from None
    except InvalidPayload as error:
        raise Failure(contradicted("action", error)) from None


def _moments(**given: str | None) -> dict[str, object]:
    moments: dict[str, object] = dict(given)
    for name, text in given.items():
        if text is not None and text != NEVER:
            moments[name] = moment_of(text)
            if moments[name] is None:
                option = name.replace("_", "-")
                raise Failure(f"--{option} is a moment such as 2027-01-01T00:00:00Z, or none.")
    return moments


def _ensure_board(action: Action, boards: Mapping[str, Board]) -> None:
    if action.board not in boards:
        raise Failure(
            f"There is no board {action.board}: `scoreboard board set {action.board}` makes it."
        )


def _rules(action: Action, before: str = "") -> str:
    rules = [
        f"{cap} a {span}"
        for span, cap in (
            ("minute", action.caps.minute),
            ("hour", action.caps.hour),
            ("day", action.caps.day),
        )
        if cap
    ]
    if action.cooldown_s:
        rules.insert(0, f"cooldown {action.cooldown_s} s")
    if action.active_from is not None:
        rules.append(f"from {rfc3339(action.active_from)}")
    if action.active_until is not None:
        rules.append(f"until {rfc3339(action.active_until)}")
    if action.requires_signature:
        rules.append("signed")
    if action.shadow:
        rules.append("in the shadow")
    return before + ", ".join(rules) if rules else ""
