"""``scoreboard rebuild``: whether every score is the sum of its postings."""

from msgspec import Struct
from rich.progress import Progress

from scoreboard import assembly
from scoreboard.cli.audit import SHOWN_MAX, told
from scoreboard.cli.options import Data, Json, load_kept
from scoreboard.cli.terminal import ERR, Failure, print_json, say
from scoreboard.ports import Difference
from scoreboard.service.agreement import compare_all


class Verdict(Struct, frozen=True):
    """What was compared, and every difference."""

    seq: int
    scores: int
    differences: tuple[Difference, ...]


async def rebuild(*, json: Json = False, data: Data = None) -> None:
    """Add the whole ledger up again and compare it with every score.

    The ranking in memory needs no command: each start rebuilds it. Runs beside a service.
    """
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        seq = (await ledger.head()).seq
        with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
            task = progress.add_task("Adding up")
            summed = await compare_all(
                ledger, lambda done, of: progress.update(task, completed=done, total=of)
            )
    if json:
        print_json(Verdict(seq, summed.scores, summed.differences))
    for wrong in () if json else summed.differences[:SHOWN_MAX]:
        ERR.print(told(wrong), markup=False)
    if not summed.right:
        raise Failure(
            f"{len(summed.differences):,} of {summed.scores:,} scores are not the sum of their "
            "postings: keep this database as evidence and restore a backup."
        )
    if not json:
        say(f"All {summed.scores:,} scores are the sums of their postings, up to {seq:,}.")
