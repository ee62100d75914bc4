"""Who signs checkpoints of the ledger, with which key, and where they are published."""

from collections.abc import Callable

from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import CheckpointKey, is_signature
from scoreboard.errors import Misconfigured
from scoreboard.ports import Ledger
from scoreboard.service.leadership import Leadership
from scoreboard.service.seal_check import SealCheck
from scoreboard.service.sealer import Sealer
from scoreboard.settings import Settings
from scoreboard.telemetry import Event, Telemetry, log

CHECKPOINT_FILE = "checkpoint"


async def sealer_of(
    settings: Settings,
    ledger: Ledger,
    leadership: Leadership,
    *,
    clock_ms: Callable[[], int],
    telemetry: Telemetry,
) -> Sealer:
    """The sealer of a node that may lead; it seals nothing if there is no key to sign with."""
    return Sealer(
        ledger,
        leadership,
        await _key(settings, ledger),
        CheckpointFile(settings.data / CHECKPOINT_FILE),
        verify=is_signature,
        clock_ms=clock_ms,
        telemetry=telemetry,
    )


def seal_check_of(settings: Settings, ledger: Ledger) -> SealCheck:
    """What audits compare tree and checkpoints with: also with the checkpoint in ``DATA``."""
    return SealCheck(ledger, CheckpointFile(settings.data / CHECKPOINT_FILE), is_signature)


async def key_fault(settings: Settings, ledger: Ledger) -> str:
    """Why this node could not seal the ledger if it led, as a sentence; empty when it could.

    Nothing is made.
    """
    newest = await ledger.newest_sealing()
    if newest is None or not await _has_key(ledger):
        return ""
    path = settings.checkpoint_key_file
    try:
        key = CheckpointKey.opened(settings.audience, path, may_make=False)
    except Misconfigured as error:
        return str(error)
    if key.public != newest.key:
        return f"CHECKPOINT_KEY_FILE {path} is not the key that the ledger is signed with."
    return ""


async def next_term(ledger: Ledger, now_ms: int) -> int:
    """A term later than those of all checkpoints, for a node that has the ledger to itself."""
    newest = await ledger.newest_sealing()
    return max(now_ms, newest.term + 1 if newest else 1)


async def _key(settings: Settings, ledger: Ledger) -> CheckpointKey | None:
    """The key, made for a ledger whose epoch has no checkpoint yet.

    Awards do not wait for it: what is wrong with it is said, and nothing is signed.
    """
    path = settings.checkpoint_key_file
    try:
        may_make = not await _has_key(ledger)
        return CheckpointKey.opened(settings.audience, path, may_make=may_make)
    except Misconfigured as error:
        log().error(Event.CHECKPOINT_REFUSED, reason="key", says=str(error))
        return None


async def _has_key(ledger: Ledger) -> bool:
    newest, head = await ledger.newest_sealing(), await ledger.head()
    try:
        return newest is not None and newest.checkpoint().epoch == head.epoch
    except ValueError:
        return True
