"""What `ledger verify` compares with, and what it says."""

from collections.abc import Iterator
from pathlib import Path

from scoreboard import assembly
from scoreboard.cli.terminal import ERR, Failure
from scoreboard.core.checkpoint import NOTE_MAX_BYTES, Checkpoint, checkpoint_in
from scoreboard.core.moment import rfc3339
from scoreboard.service.verification import Verdict
from scoreboard.settings import Settings


def last_published(settings: Settings, epoch: int) -> Checkpoint | None:
    """The checkpoint in DATA, unless it is of a history that this one has replaced.

    That is said: whoever begins an epoch past the command line has a history replaced as well.

    Raises:
        Failure: it cannot be read, or is none.
    """
    file = settings.data / assembly.CHECKPOINT_FILE
    published = read_checkpoint(file) if file.exists() else None
    if published is None or published.epoch >= epoch:
        return published
    ERR.print(
        f"The checkpoint in {file} is of epoch {published.epoch}, before that of the ledger, and "
        f"is not compared. If nobody began a new epoch: --checkpoint {file}",
        markup=False,
        soft_wrap=True,
    )
    return None


def read_checkpoint(file: Path) -> Checkpoint:
    """Raises: Failure: the file cannot be read, or is no checkpoint."""
    try:
        with file.open("rb") as opened:
            return checkpoint_in(opened.read(NOTE_MAX_BYTES + 1).decode())
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise Failure(f"{file} is no checkpoint: `/v1/ledger/checkpoint` answers one.") from None


def told(verdict: Verdict) -> Iterator[str]:
    """The verdict in sentences."""
    for fault in verdict.faults:
        yield fault.what
    if verdict.ok:
        yield f"All {verdict.postings:,} postings of epoch {verdict.epoch} are in order."
    elif verdict.first_bad_seq is not None:
        yield f"The first bad posting is {verdict.first_bad_seq:,}."
    if verdict.sealed_at is None:
        yield "No checkpoint was signed that could vouch for any of them: only sums were checked."
        return
    rest = max(0, verdict.postings - verdict.sealed)
    yield (
        f"{verdict.sealed:,} are sealed by {verdict.checkpoints:,} checkpoints, the last of "
        f"{rfc3339(verdict.sealed_at)} with the key {verdict.key}; the {rest:,} after them were "
        "checked by sums."
    )
