"""What ``check`` says of the servers that nodes share."""

from scoreboard import assembly
from scoreboard.cli.finding import Finding
from scoreboard.cli.terminal import sentence_of
from scoreboard.errors import ScoreboardError
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked


async def servers(settings: Settings) -> list[Finding]:
    """One finding for each of ranking, bus and limiter that is a server."""
    try:
        found = await assembly.probe(settings)
    except ScoreboardError as error:
        return [Finding("servers", "bad", sentence_of(error))]
    findings = []
    if found.ranking is not None:
        findings.append(_ranking(settings, found))
    if found.bus is not None:
        lost = "does not answer: nodes look at the ranking instead, once a second."
        findings.append(_finding("bus", settings.bus, found.bus, lost))
    if found.limiter is not None:
        lost = "does not answer: each node grants the whole rate."
        findings.append(_finding("limiter", settings.limiter, found.limiter, lost))
    if settings.ranking.shared != settings.bus.shared:
        says = "only one of RANKING and BUS is a server: one node alone can run like this."
        findings.append(Finding("bus", "look", says))
    if settings.role == "all" and settings.ranking.shared and not settings.limiter.shared:
        says = "LIMITER is memory: while RANKING is shared; each node grants the whole rate."
        findings.append(Finding("limiter", "look", says))
    return findings


def _ranking(settings: Settings, found: assembly.Probe) -> Finding:
    lost = "does not answer: ranks are counted in the database, slowly."
    if found.ranking and found.place is None:
        says = (
            f"{masked(str(settings.ranking))} answers and is empty; the node that leads fills it."
        )
        return Finding("ranking", "look", says)
    reached = f"has reached posting {found.place[1]:,}." if found.place else ""
    return _finding("ranking", settings.ranking, bool(found.ranking), lost, reached)


def _finding(
    subject: str,
    backend: object,
    there: bool,  # noqa: FBT001 - the one thing that was found
    lost: str,
    says: str = "answers.",
) -> Finding:
    where = masked(str(backend))
    return Finding(subject, "good" if there else "bad", f"{where} {says if there else lost}")
