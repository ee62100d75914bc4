"""``scoreboard audit``: whether everything adds up, and who is irregular."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import structlog
from cyclopts import Parameter
from msgspec import Struct
from rich.progress import Progress, TaskID

from scoreboard import wire
from scoreboard.assembly import open_ledger
from scoreboard.assembly.audits import open_auditor
from scoreboard.cli.catalogue import caller
from scoreboard.cli.moderation import sound_number, sound_reason
from scoreboard.cli.options import Data, Json, load_kept
from scoreboard.cli.remark import counted
from scoreboard.cli.terminal import ERR, Failure, print_json, print_table, say
from scoreboard.core.finding import Noted
from scoreboard.core.moment import rfc3339
from scoreboard.errors import NotFound
from scoreboard.ports import Decided, Difference, Dismissal
from scoreboard.service.auditor import SHOWN_MAX as SHOWN_AT_ONCE
from scoreboard.service.auditor import Audit, Seen
from scoreboard.service.decisions import Decisions, decided_status
from scoreboard.service.drift import Compared
from scoreboard.service.seal_check import Checked
from scoreboard.settings import Settings

SHOWN_MAX = 10

_STEPS = {
    "scores": "Adding scores up",
    "ranking": "Comparing the ranking",
    "decisions": "Comparing decisions",
    "seals": "Comparing the seals",
    "activity": "Summarising activity",
    "users": "Judging users",
}


class Report(Struct, frozen=True, kw_only=True):
    """What an audit found, for machines; ``ranking`` is null where it is in another process."""

    seq: int
    right: bool
    periods: int
    scores: int
    differences: tuple[Difference, ...]
    strange: tuple[tuple[str, str], ...]
    ranking: Compared | None
    decisions: Decisions
    seals: Checked
    findings: tuple[wire.Finding, ...]


async def audit(
    *,
    listed: Annotated[
        bool,
        Parameter(
            name="--list",
            negative="",
            show_default=False,
            help="Only list open findings, audit nothing.",
        ),
    ] = False,
    dismiss: Annotated[
        int | None,
        Parameter(help="Close this finding, for which nothing has to be done, and audit nothing."),
    ] = None,
    reason: Annotated[
        str | None, Parameter(help="Why, for the record of changes. Name nobody in it.")
    ] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Compare scores, ranking and seals with the ledger, and look for irregular users and keys.

    Runs beside a service. Exit code 1 when something does not add up; irregular users are no error,
    they are listed for review. A ranking in memory is compared by its own service.
    """
    # Events are told apart from the answer, which a machine may read.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if dismiss is not None:
        dismissal = Dismissal(dismiss, caller(), sound_reason(reason or ""))
        await _dismiss(dismissal, load_kept(data=data), json=json)
        return
    async with open_auditor(load_kept(data=data)) as auditor:
        if listed:
            _list(await auditor.open_findings(), json=json)
            return
        with _progress() as seen:
            done = await auditor.audit(seen)
        noted = await auditor.open_findings()
    if json:
        print_json(_report(done, noted))
    else:
        _tell(done)
        _list(noted, json=False)
    if not done.right:
        raise Failure(
            "Not everything adds up: keep this database as evidence, and see docs/audit.md."
        )


async def _dismiss(dismissal: Dismissal, settings: Settings, *, json: bool) -> None:
    missing = f"There is no finding {dismissal.entry}: `audit --list` has them."
    sound_number(dismissal.entry, missing)
    async with open_ledger(settings) as ledger:
        try:
            noted = await ledger.dismiss_finding(dismissal)
        except NotFound:
            raise Failure(missing) from None
    if json:
        print_json(wire.finding(noted))
        return
    about = noted.finding.key or noted.user_id or "somebody who was erased"
    say(f"Finding {noted.entry} ({noted.finding.irregularity}) about {about} is closed.")


def _report(done: Audit, noted: Sequence[Noted]) -> Report:
    return Report(
        seq=done.seq,
        right=done.right,
        periods=done.sums.periods,
        scores=done.sums.scores,
        differences=done.sums.differences,
        strange=done.sums.strange,
        ranking=done.ranking,
        decisions=done.decisions,
        seals=done.seals,
        findings=tuple(map(wire.finding, noted)),
    )


def _tell(done: Audit) -> None:
    sums, ranking = done.sums, done.ranking
    for wrong in sums.differences[:SHOWN_MAX]:
        ERR.print(told(wrong), markup=False)
    for board, period in sums.strange[:SHOWN_MAX]:
        ERR.print(f"{board} {period}: scores of a period that no board has", markup=False)
    if sums.right:
        added = f"{counted(sums.scores, 'score')} in {counted(sums.periods, 'period')}"
        say(f"All {added} are the sums of their postings, up to {done.seq:,}.")
    if ranking is None:
        say(
            "The ranking was not compared: it is in the memory of the service, which does so by "
            "itself, or it is being rebuilt."
        )
    elif ranking.different:
        ERR.print(f"{ranking.different:,} scores are ranked otherwise than the ledger says.")
    else:
        say(f"All {ranking.same + ranking.moving:,} ranked scores are those of the ledger.")
    _tell_decisions(done.decisions)
    _tell_seals(done.seals)


def _tell_decisions(decisions: Decisions) -> None:
    for user in decisions.differing[:SHOWN_MAX]:
        ERR.print(told_of(user), markup=False)
    for key in decisions.keys[:SHOWN_MAX]:
        ERR.print(f"{key}: the key is not as the record of changes says", markup=False)
    undone = decisions.undone
    if undone.posted != undone.recorded:
        ERR.print(
            f"Of {counted(undone.posted, 'award')} that the ledger takes back, "
            f"{undone.recorded:,} are on the record of changes.",
            markup=False,
        )
    if decisions.users and not decisions.different:
        say(
            f"{counted(decisions.users, 'user')} whom moderators decided about stand as the "
            "ledger says, and every decision is on the record of changes."
        )


def told_of(user: Decided) -> str:
    """What is wrong with a user, as a sentence."""
    name, status = user.user_id or f"user:{user.user_ref}", decided_status(user)
    if user.status is not status:
        return f"{name}: the user is {user.status.value}, the ledger says {status.value}"
    return (
        f"{name}: {counted(user.decisions, 'decision')} in the ledger, {user.recorded:,} on the "
        "record of changes"
    )


def _tell_seals(seals: Checked) -> None:
    for fault in seals.faults[:SHOWN_MAX]:
        ERR.print(fault.what, markup=False)
    if seals.faults:
        ERR.print("`scoreboard ledger verify` looks at everything.", markup=False)
    elif seals.sealed_at is None:
        say("No checkpoint was signed yet: nothing vouches for the postings but their sums.")
    else:
        say(
            f"The first {counted(seals.sealed, 'posting')} are sealed as of "
            f"{rfc3339(seals.sealed_at)}; {seals.recomputed:,} of them were recomputed now, under "
            f"{counted(seals.checkpoints, 'checkpoint')}, and are what was signed."
        )


def told(wrong: Difference) -> str:
    """A difference as a sentence."""
    return (
        f"{wrong.board} {wrong.period} {wrong.user_id}: the score is {_number(wrong.score)}, "
        f"the ledger says {_number(wrong.sum)}"
    )


def _number(points: int | None) -> str:
    return "missing" if points is None else f"{points:,}"


def _list(noted: Sequence[Noted], *, json: bool) -> None:
    findings = [wire.finding(one) for one in noted]
    if json:
        print_json(findings)
        return
    if not findings:
        say("No finding is open.")
        return
    print_table(
        ("finding", "day", "what", "whose", "status", "says"),
        (
            (
                str(one.entry),
                one.day,
                one.irregularity.value,
                one.user_id or one.key or "erased",
                one.status.value if one.status else "",
                one.says,
            )
            for one in findings
        ),
        "finding",
    )
    if len(findings) == SHOWN_AT_ONCE:
        say(f"These are the newest {SHOWN_AT_ONCE}; GET /v1/admin/findings has them all.")


@contextmanager
def _progress() -> Iterator[Seen]:
    tasks: dict[str, TaskID] = {}
    with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:

        def seen(name: str, done: int, of: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(_STEPS[name])
            progress.update(tasks[name], completed=done, total=of)

        yield seen
