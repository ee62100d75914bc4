"""``scoreboard rules``: what they refused, and what others would."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from scoreboard import assembly, wire
from scoreboard.cli import simulate as simulating
from scoreboard.cli.catalogue import caller
from scoreboard.cli.moderation import sound_number, sound_reason
from scoreboard.cli.options import Data, Json, load_kept
from scoreboard.cli.terminal import Failure, print_json, print_table, say
from scoreboard.core.board import DEFAULT_BOARD
from scoreboard.core.incident import Incident
from scoreboard.core.moment import rfc3339
from scoreboard.core.rule import Rule
from scoreboard.errors import NotFound
from scoreboard.ports import Dismissal, Sought

LIMIT_MAX = 1_000

MOVERS_MAX = 100_000

app = App(name="rules", help="Rules: what they refused, and what others would.")


@app.command
async def simulate(
    file: Annotated[
        Path | None, Parameter(help="Actions as they would be: what `action import` takes.")
    ] = None,
    /,
    *,
    points_per_hour: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", show_default=False, help="BOARD=POINTS: the cap of a board as it would be."
        ),
    ] = (),
    top: Annotated[int, Parameter(help="The most movers to print of a board and period.")] = 10,
    json: Json = False,
    data: Data = None,
) -> None:
    """Replay the ledger under other rules or points: who would stand where? Changes nothing.

    Actions that are not in the file keep their awards. Runs beside a service.
    """
    if not 0 <= top <= MOVERS_MAX:
        raise Failure(f"--top is 0 to {MOVERS_MAX:,}.")
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        boards = (await ledger.catalogue()).boards
        wanted = simulating.proposal(file, points_per_hour, boards)
        simulated = await simulating.replayed(ledger, wanted, top)
    if json:
        print_json(simulated)
    else:
        simulating.show(simulated)


@app.command
async def incidents(  # noqa: PLR0913 - each is an option
    *,
    user: Annotated[str | None, Parameter(help="Only this user's.")] = None,
    rule: Annotated[
        str | None, Parameter(help="Only of this rule, such as cooldown or cap-day.")
    ] = None,
    limit: Annotated[int, Parameter(help="The most to print, newest first.")] = 50,
    before: Annotated[int | None, Parameter(help="Only older ones than this number.")] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """List what rules refused, or would have refused in the shadow, the newest first."""
    if not 1 <= limit <= LIMIT_MAX:
        raise Failure(f"--limit is 1 to {LIMIT_MAX:,}.")
    if before is not None:
        sound_number(before, "--before is the number of an incident.")
    sought = Sought(before, user, _rule(rule))
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        found = await ledger.incidents(sought, limit)
    if json:
        following = found[-1].incident if len(found) == limit else None
        print_json(wire.Incidents(tuple(map(wire.incident, found)), following))
    elif found:
        print_table(
            ("number", "", "last hit", "count", "rule", "user", "action", "numbers"),
            map(_row, found),
            numbers="number count",
        )
    else:
        say("There are no such incidents.")


@app.command
async def dismiss(
    incident: Annotated[int, Parameter(help="Its number: `rules incidents` has them.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why, for the record of changes. Name nobody in it.")],
    json: Json = False,
    data: Data = None,
) -> None:
    """Close an incident about which nothing has to be done, and those before it of the same user.

    For a rule of a key: those of the key. What is refused from now on is a new incident.
    """
    missing = f"There is no incident {incident}: `rules incidents` has them."
    dismissal = Dismissal(sound_number(incident, missing), caller(), sound_reason(reason))
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        try:
            closed = await ledger.dismiss_incident(dismissal)
        except NotFound:
            raise Failure(missing) from None
    if json:
        print_json(wire.incident(closed))
    else:
        about = closed.user_id or "somebody who was erased" if closed.who else f"key {closed.key}"
        say(f"Incident {closed.incident} and those before it of {about} are closed.")


def _rule(name: str | None) -> Rule | None:
    if name is None:
        return None
    if name not in set(Rule):
        raise Failure(f"There is no rule {name!r}; there are {', '.join(Rule)}.")
    return Rule(name)


def _row(incident: Incident) -> tuple[str, ...]:
    shadow = " (shadow)" if incident.shadow else ""
    return (
        f"{incident.incident}",
        "open" if incident.is_open else "",
        rfc3339(incident.last_at)[:19].replace("T", " "),
        f"{incident.count:,}",
        f"{incident.hit.rule.value}{shadow}",
        incident.user_id or "(erased)",
        _what(incident),
        _numbers(incident),
    )


def _what(incident: Incident) -> str:
    board = "" if incident.board == DEFAULT_BOARD else f" on {incident.board}"
    key = "" if incident.key is None else f" by {incident.key}"
    return f"{incident.action_id}{board}{key}"


def _numbers(incident: Incident) -> str:
    hit = incident.hit
    match hit.rule:
        case Rule.TIME_SPAN:
            side = "begins" if hit.seen < hit.limit else "ended"
            return f"it {side} {rfc3339(hit.limit)}"
        case Rule.COOLDOWN:
            return f"{hit.seen / 1000:,.1f} s after the last, not {hit.span_s:,}"
        case Rule.POINTS_HOUR:
            return f"{hit.seen:,} points, not {hit.limit:,}"
    return f"more than {hit.limit:,}"
