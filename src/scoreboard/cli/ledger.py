"""``scoreboard ledger``: the whole history out of one database and into another."""

import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from msgspec import Struct
from msgspec.structs import replace
from rich.progress import Progress

from scoreboard import assembly
from scoreboard.cli.catalogue import caller
from scoreboard.cli.history_file import opened, written
from scoreboard.cli.options import Data, Json, load, load_kept
from scoreboard.cli.terminal import ERR, Failure, print_json, say
from scoreboard.cli.verdict import last_published, read_checkpoint, told
from scoreboard.core.history import Counts, Line, Origin
from scoreboard.core.moment import rfc3339
from scoreboard.ports import History, Part
from scoreboard.service import history as format_of
from scoreboard.service.verification import Verification

app = App(name="ledger", help="The whole history: verify, export, import, begin a new epoch.")

STDIO = "-"


class Summary(Struct, frozen=True):
    """What was moved; ``at`` is the time of the last posting, ``epoch`` what it is now."""

    file: str
    epoch: int
    seq: int
    at: str
    counts: Counts


class NewEpoch(Struct, frozen=True):
    """The ledger's place from now on."""

    epoch: int
    seq: int


@app.command
async def export(
    file: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True,
            help="File to write; - for stdout; packed if named .gz.",
        ),
    ],
    /,
    *,
    force: Annotated[
        bool, Parameter(negative="", show_default=False, help="Overwrite the file.")
    ] = False,
    json: Json = False,
    data: Data = None,
) -> None:
    """Write the whole ledger to a file, as of one moment; awards may go on.

    Whoever reads the file knows every user and every award. For a move, stop the service first.
    """
    progress = _Progress("Writing")
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        with progress.shown(), written(file, force=force) as put:
            await format_of.write(ledger.history(), put, progress.see)
    _report("exported to", progress.summary(file), json=json, stdout=file != STDIO)


@app.command(name="import")
async def import_(
    file: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="File that `export` wrote; - for stdin."),
    ],
    /,
    *,
    json: Json = False,
    data: Data = None,
) -> None:
    """Take over the ledger in a file, whole or not at all, into a database without a history.

    Every score is added up anew from the postings and compared with what was exported.
    """
    progress = _Progress("Reading")
    async with assembly.open_ledger(load(data=data)) as ledger:
        with progress.shown(), opened(file) as source:
            await ledger.restore(progress.through(format_of.read(source)))
        epoch = (await ledger.head()).epoch
    summary = replace(progress.summary(file), epoch=epoch)
    _report("imported from", summary, json=json, stdout=True)
    if not json:
        say(
            "All scores are the same. The database now belongs to the secret that it is first "
            "served with: give it the SECRET_FILE of the old one, or its tokens and page cursors "
            "are worth nothing."
        )


@app.command
async def verify(
    file: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="File that `export` wrote, - for stdin; by default the database.",
        ),
    ] = None,
    /,
    *,
    checkpoint: Annotated[
        str | None,
        Parameter(help="A checkpoint that was kept elsewhere; by default the file in DATA."),
    ] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Recompute the leaves, the tree, the order, the sums and the checkpoints of the ledger.

    Names the first posting that is not what was signed. The service may run meanwhile.
    """
    settings = load_kept(data=data) if file is None else load(data=data)
    wanted = None if checkpoint is None else read_checkpoint(Path(checkpoint))
    progress = _Progress("Verifying")
    if file is not None:
        verification = Verification(assembly.is_signature, wanted)
        with progress.shown(), opened(file) as source:
            async for page in progress.through(format_of.read(source)):
                verification.see(page)
    else:
        async with assembly.open_ledger(settings) as ledger:
            epoch = (await ledger.head()).epoch
            verification = Verification(
                assembly.is_signature,
                wanted or last_published(settings, epoch),
                published=True,
            )
            with progress.shown():
                async for page in progress.through(ledger.history()):
                    verification.see(page)
    verdict = verification.verdict()
    if json:
        print_json(verdict)
    else:
        for sentence in told(verdict):
            say(sentence)
    if not verdict.ok:
        sys.exit(1)


@app.command
async def new_epoch(
    *,
    reason: Annotated[str, Parameter(help="Why, for the record of changes: a restored backup?")],
    json: Json = False,
    data: Data = None,
) -> None:
    """Tell everybody that this ledger is another one, after a backup was brought back.

    Viewers, caches and rankings keep the greatest (epoch, seq) that they have seen.
    """
    if not reason.strip():
        raise Failure("Say why: the reason is kept in the record of changes.")
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        head = await ledger.new_epoch(caller(), reason)
    if json:
        print_json(NewEpoch(head.epoch, head.seq))
    else:
        say(f"The ledger's epoch is {head.epoch} now; the next posting is {head.seq + 1:,}.")


def _report(done: str, summary: Summary, *, json: bool, stdout: bool) -> None:
    if json and stdout:
        print_json(summary)
        return
    counts = summary.counts
    sentence = (
        f"{counts.postings:,} postings, {counts.users:,} users, {counts.boards:,} boards, "
        f"{counts.actions:,} actions {done} {summary.file}: epoch {summary.epoch}, up to "
        f"{summary.seq:,} of {summary.at}."
    )
    if stdout:
        say(sentence)
    else:
        ERR.print(sentence, markup=False, soft_wrap=True)


class _Progress:
    """Sees the parts go by: a bar for people, and what the summary is made of."""

    def __init__(self, verb: str) -> None:
        self._origin: Origin | None = None
        self._bar = Progress(console=ERR, transient=True, disable=not ERR.is_terminal)
        self._task = self._bar.add_task(verb, total=None)

    @contextmanager
    def shown(self) -> Iterator[None]:
        with self._bar:
            yield

    def see(self, page: Sequence[Part]) -> None:
        match page[0]:
            case Origin() as origin:
                self._origin = origin
                self._bar.update(self._task, total=origin.seq)
            case Line():
                self._bar.advance(self._task, len(page))

    async def through(self, pages: History) -> AsyncIterator[Sequence[Part]]:
        async for page in pages:
            yield page
            self.see(page)

    def summary(self, file: str) -> Summary:
        origin = self._origin
        assert origin is not None
        return Summary(file, origin.epoch, origin.seq, rfc3339(origin.at), origin.counts)
