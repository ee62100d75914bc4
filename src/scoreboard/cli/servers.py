"""What ``check`` says of the servers that nodes share."""

from scoreboard import assembly
from scoreboard.cli.database import State
from scoreboard.cli.remark import Remark
from scoreboard.cli.terminal import sentence_of
from scoreboard.errors import ScoreboardError
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked


async def servers(settings: Settings, state: State | None) -> list[Remark]:
    """One remark for each of ranking, bus and limiter that is a server."""
    try:
        found = await assembly.probe(settings)
    except ScoreboardError as error:
        return [Remark("servers", "bad", sentence_of(error), "Do so, or change the setting.")]
    remarks = []
    if found.ranking is not None:
        remarks.append(_ranking(settings, found, state))
    if found.bus is not None:
        lost = "does not answer: nodes look at the ranking instead, once a second."
        remarks.append(_remark("bus", settings.bus, found.bus, lost))
    if found.limiter is not None:
        lost = "does not answer: each node grants the whole rate."
        remarks.append(_remark("limiter", settings.limiter, found.limiter, lost))
    if settings.ranking.shared != settings.bus.shared:
        says = "only one of RANKING and BUS is a server: one node alone can run like this."
        remarks.append(Remark("bus", "look", says, "Name a server in both, or in neither."))
    if settings.role == "all" and settings.ranking.shared and not settings.limiter.shared:
        says = "LIMITER is memory: while RANKING is shared; each node grants the whole rate."
        remarks.append(Remark("limiter", "look", says, "Name the same server in LIMITER."))
    return remarks


def _ranking(settings: Settings, found: assembly.Probe, state: State | None) -> Remark:
    lost = "does not answer: ranks are counted in the database, slowly."
    if found.ranking and found.place is None:
        says = f"{masked(str(settings.ranking))} answers and is empty."
        return Remark("ranking", "look", says, "The node that leads fills it: start one.")
    reached = ""
    if found.place is not None:
        epoch, seq = found.place
        reached = f"has reached posting {seq:,}"
        reached += f" of {state.head.seq:,}." if state else "."
        if state is not None and (epoch != state.head.epoch or state.is_late(seq)):
            of = "" if epoch == state.head.epoch else ", of another epoch"
            says = f"{masked(str(settings.ranking))} {reached.rstrip('.')}{of}."
            advice = "The node that leads brings it up to date: start one, or read its log."
            return Remark("ranking", "look", says, advice)
    return _remark("ranking", settings.ranking, bool(found.ranking), lost, reached)


def _remark(
    subject: str,
    backend: object,
    there: bool,  # noqa: FBT001 - the one thing that was found
    lost: str,
    says: str = "answers.",
) -> Remark:
    where = masked(str(backend))
    if there:
        return Remark(subject, "good", f"{where} {says}")
    return Remark(subject, "bad", f"{where} {lost}", f"Start it, or correct {subject.upper()}.")
