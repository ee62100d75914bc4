"""``scoreboard rules simulate``: what other rules or points would have changed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.progress import Progress

from scoreboard.cli.action_file import read_actions
from scoreboard.cli.terminal import ERR, Failure, print_table, say
from scoreboard.core.action import Action
from scoreboard.core.board import Board
from scoreboard.core.posting import Posting
from scoreboard.ports import Ledger
from scoreboard.service.simulation import Proposal, Shift, Simulated, Simulation

PAGE = 5_000


def proposal(
    file: Path | None, points_per_hour: Sequence[str], boards: Mapping[str, Board]
) -> Proposal:
    """What the command was given, checked.

    Raises:
        Failure: a line is bad, a board is unknown, or there is nothing to try.
    """
    actions = {} if file is None else _actions(file, boards)
    capped = dict(_capped(given, boards) for given in points_per_hour)
    if not actions and not capped:
        raise Failure("Name a file of actions, or --points-per-hour BOARD=POINTS: what to try?")
    return Proposal(actions, capped)


async def replayed(ledger: Ledger, wanted: Proposal, movers_max: int) -> Simulated:
    """The ledger up to now, replayed in two passes."""
    head = await ledger.head()
    simulation = Simulation((await ledger.catalogue()).boards, wanted, head.at)
    bar = Progress(console=ERR, transient=True, disable=not ERR.is_terminal)
    with bar:
        task = bar.add_task("Replaying", total=2 * head.seq)
        for take in (simulation.foresee, simulation.add):
            async for page in _pages(ledger, head.seq):
                take(page)
                bar.advance(task, len(page))
    return simulation.result(movers_max)


async def _pages(ledger: Ledger, upto: int) -> AsyncIterator[Sequence[Posting]]:
    after = 0
    while after < upto:
        page = await ledger.postings(after, min(PAGE, upto - after))
        if not page:
            raise Failure(f"The ledger ends after posting {after:,}, before its head {upto:,}.")
        yield page
        after = page[-1].seq


def show(simulated: Simulated) -> None:
    """For people."""
    refused = sum(each.awards for each in simulated.refused)
    say(
        f"Of {simulated.awards:,} awards {refused:,} would have been refused, and "
        f"{simulated.repriced:,} would have had other points: {simulated.points_before:,} points "
        f"would have been {simulated.points_after:,}."
    )
    if simulated.refused:
        print_table(
            ("action", "rule", "refused"),
            ((each.action_id, each.rule, f"{each.awards:,}") for each in simulated.refused),
            numbers="refused",
        )
    for shift in simulated.shifts:
        _show_shift(shift)
    say("Nothing was changed.")


def _show_shift(shift: Shift) -> None:
    where = f"Board {shift.board}, {shift.period}"
    if not shift.changed and not shift.moved:
        say(f"{where}: the same for all {shift.users:,} users.")
        return
    say(
        f"{where}: of {shift.users:,} users {shift.changed:,} would have another score, "
        f"{shift.moved:,} another rank."
    )
    if shift.movers:
        print_table(
            ("user", "rank", "becomes", "score", "becomes"),
            (
                (
                    each.user_id,
                    _number(each.rank_before),
                    _number(each.rank_after),
                    _number(each.score_before),
                    _number(each.score_after),
                )
                for each in shift.movers
            ),
            numbers="rank score becomes",
        )
    if len(shift.movers) < shift.moved:
        say(f"... and {shift.moved - len(shift.movers):,} more.")


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _actions(file: Path, boards: Mapping[str, Board]) -> dict[str, Action]:
    actions = {}
    for line in read_actions(file):
        if line.action is None:
            raise Failure(f"{file}:{line.number}: {line.problem}")
        if line.action.board not in boards:
            raise Failure(f"{file}:{line.number}: there is no board {line.action.board}.")
        actions[line.action.action_id] = line.action
    return actions


def _capped(given: str, boards: Mapping[str, Board]) -> tuple[str, Board]:
    name, _, points = given.partition("=")
    board = boards.get(name)
    if board is None:
        raise Failure(f"--points-per-hour is BOARD=POINTS, and there is no board {name!r}.")
    wanted = msgspec.to_builtins(board) | {"points_per_hour": points}
    try:
        return name, msgspec.convert(wanted, Board, strict=False)
    except msgspec.ValidationError:
        raise Failure(f"{points!r} is no number of points, 0 or more.") from None
