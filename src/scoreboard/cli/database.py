"""What ``check`` says of the database: how old it is, and how far its followers are behind."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from scoreboard import assembly
from scoreboard.cli.remark import Remark, counted, span
from scoreboard.cli.terminal import sentence_of
from scoreboard.errors import Misconfigured, ScoreboardError
from scoreboard.ports import AuditEntry, Catalogue, Condition, Head, Ledger, Queue, Sealing
from scoreboard.settings import Settings
from scoreboard.settings.parse import masked

PATIENCE_MS = 60_000
"""How old a posting may be before a follower that has not got it is behind."""

CLOCK_LOOK_MS, CLOCK_BAD_MS = 1_000, 30_000
KEY_ENDS_MS = 14 * 86_400_000
KEY_OLD_MS = 365 * 86_400_000
FROZEN_LONG_MS = 3 * 86_400_000
"""Longer than the last hours of a contest: somebody may have forgotten to reveal the board."""

ENTRIES_MAX = 1_000
FEED = "feed"

GATEWAY = "gateway"
ROLES_THAT_LEAD = ("all", "relay")
_KEY_ADVICE = (
    "Give all nodes one CHECKPOINT_KEY_FILE: if this one leads some day, it seals nothing."
)
_UNFIT = "the database belongs to another secret."
_UNFIT_ADVICE = "Bring back the SECRET_FILE that it was first served with."


class State(Struct, frozen=True, kw_only=True):
    """A ledger as it was read; ``ahead_ms`` is this machine's clock less the database's."""

    head: Head
    catalogue: Catalogue
    condition: Condition
    ahead_ms: int
    sealing: Sealing | None
    review: Queue
    fed: int
    entries: Sequence[AuditEntry]

    def is_late(self, seq: int) -> bool:
        """Whether a follower that has reached ``seq`` should be further by now."""
        return seq < self.head.seq and self.condition.clock_ms - self.head.at > PATIENCE_MS


async def database(settings: Settings) -> tuple[list[Remark], State | None]:
    """Findings, and what was read, unless nothing could be."""
    if settings.role == GATEWAY:
        return [Remark("database", "good", "a gateway needs none, and none is asked.")], None
    file = place(settings)
    if not exists(settings):
        says = f"{file} does not exist."
        advice = "`scoreboard serve` makes it at its first start."
        return [Remark("database", "look", says, advice)], None
    try:
        async with assembly.open_ledger(msgspec.structs.replace(settings, migrate=False)) as ledger:
            state = await _read(ledger)
            said = [
                Remark("database", "look", each.partition(": ")[0] + ".", each.partition(": ")[2])
                for each in assembly.cautions(ledger)
            ]
            if not await assembly.fits(settings, ledger):
                said.append(Remark("secret", "bad", _UNFIT, _UNFIT_ADVICE))
            if settings.role in ROLES_THAT_LEAD:
                says = await assembly.key_fault(settings, ledger)
                said += [Remark("checkpoint", "look", says, _KEY_ADVICE)] if says else []
    except ScoreboardError as error:
        return [Remark("database", "bad", sentence_of(error), _mend(error))], None
    return [_kept(file, state), *said, *_followers(settings, state), *_trust(state)], state


async def _read(ledger: Ledger) -> State:
    asked_ms = time.time() * 1000
    condition = await ledger.condition()
    ahead_ms = int((asked_ms + time.time() * 1000) / 2 - condition.clock_ms)
    return State(
        # The followers first: what is posted meanwhile must not look as if they were ahead of it.
        fed=await ledger.bookmark(FEED),
        sealing=await ledger.newest_sealing(),
        head=await ledger.head(),
        catalogue=await ledger.catalogue(),
        condition=condition,
        ahead_ms=ahead_ms,
        review=await ledger.review(),
        entries=await ledger.audit(None, ENTRIES_MAX),
    )


def _mend(error: ScoreboardError) -> str:
    if isinstance(error, Misconfigured):
        return "Mend that, or name another database in LEDGER, and check again."
    return "Start the database, or name in LEDGER where it is."


def _kept(file: str, state: State) -> Remark:
    head, catalogue = state.head, state.catalogue
    says = (
        f"{file}, schema version {state.condition.schema}, no migration pending; "
        f"{counted(head.seq, 'posting')}, the last {_ago(state, head.at)}; "
        f"actions {len(catalogue.actions):,}, boards {len(catalogue.boards):,}, epoch {head.epoch}."
    )
    if not catalogue.actions:
        return Remark("database", "look", says, "`scoreboard action set quiz 50` adds an action.")
    return Remark("database", "good", says)


def _followers(settings: Settings, state: State) -> list[Remark]:
    remarks = [_clock(state)] if settings.ledger.shared else []
    remarks.append(_checkpoint(state))
    if settings.bus.scheme == "kafka":
        remarks.append(_feed(state))
    return remarks


def _clock(state: State) -> Remark:
    off_ms = abs(state.ahead_ms)
    if off_ms < CLOCK_LOOK_MS:
        return Remark("clock", "good", f"within {CLOCK_LOOK_MS // 1000} s of the database's.")
    way = "ahead of" if state.ahead_ms > 0 else "behind"
    return Remark(
        "clock",
        "bad" if off_ms >= CLOCK_BAD_MS else "look",
        f"this machine's is {off_ms / 1000:,.1f} s {way} the database's.",
        "Let both machines follow a time server: tokens and signatures end by this clock.",
    )


def _checkpoint(state: State) -> Remark:
    size = 0
    says = "the ledger has no checkpoint yet."
    if state.sealing is not None:
        size, at = state.sealing.size, state.sealing.checkpoint().at
        says = f"the newest is over {counted(size, 'posting')}, signed {_ago(state, at)}"
        says += f"; {state.head.seq - size:,} are not sealed." if size < state.head.seq else "."
    if not state.is_late(size):
        return Remark("checkpoint", "good", says)
    advice = "A node that leads seals them: start one, or look for checkpoint.failed in its log."
    return Remark("checkpoint", "look", says, advice)


def _feed(state: State) -> Remark:
    behind = state.head.seq - state.fed
    if not behind:
        return Remark("feed", "good", "the bus has every posting.")
    says = f"the bus has acknowledged {state.fed:,} of {counted(state.head.seq, 'posting')}."
    if not state.is_late(state.fed):
        return Remark("feed", "good", says)
    advice = "The node that leads sends them: start one, or look for feed.failed in its log."
    return Remark("feed", "look", says, advice)


def _trust(state: State) -> list[Remark]:
    return [_review(state.review), *_frozen(state), *_keys(state)]


def _review(queue: Queue) -> Remark:
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in queue.open.items() if number)
    if not kinds and not queue.held:
        return Remark("review", "good", "no remark is open, and no user is held.")
    says = f"open remarks: {kinds or 'none'}; users held: {queue.held:,}."
    advice = "`scoreboard audit --list` tells which; release, hide or ban those users."
    return Remark("review", "look", says, advice)


def _frozen(state: State) -> list[Remark]:
    remarks = []
    for board in state.catalogue.boards.values():
        if board.frozen is None:
            continue
        name, since_ms = board.board, board.frozen.at
        says = f"{name} was frozen {_ago(state, since_ms)}: everybody sees it as it was then."
        if state.condition.clock_ms - since_ms < FROZEN_LONG_MS:
            remarks.append(Remark("boards", "good", says))
        else:
            advice = f"`scoreboard board set {name} --reveal` shows it live again."
            remarks.append(Remark("boards", "look", says, advice))
    return remarks


def _keys(state: State) -> list[Remark]:
    now_ms = state.condition.clock_ms
    keys = [key for key in state.catalogue.keys.values() if key.revoked_at is None]
    if not keys:
        return []
    made = {each.subject: each.at for each in state.entries if each.operation == "key.put"}
    remarks = []
    for key in keys:
        left_ms = None if key.not_after is None else key.not_after - now_ms
        age_ms = now_ms - made.get(key.key, now_ms)
        advice = f"Make a new one (`scoreboard key new`), then `scoreboard key revoke {key.key}`."
        if left_ms is not None and left_ms < KEY_ENDS_MS:
            when = f"ends in {span(left_ms / 1000)}" if left_ms > 0 else "has ended"
            remarks.append(Remark("keys", "look", f"{key.key} {when}.", advice))
        elif age_ms > KEY_OLD_MS:
            says = f"{key.key} is {span(age_ms / 1000)} old."
            remarks.append(Remark("keys", "look", says, advice))
    oldest_ms = now_ms - min((made.get(key.key, now_ms) for key in keys), default=now_ms)
    says = f"{counted(len(keys), 'key')} may sign actions, the oldest {span(oldest_ms / 1000)} old."
    return remarks or [Remark("keys", "good", says)]


def _ago(state: State, at_ms: int) -> str:
    return f"{span((state.condition.clock_ms - at_ms) / 1000)} ago"


def exists(settings: Settings) -> bool:
    """Whether there is a database; a server's may be there or not."""
    return settings.ledger.shared or Path(settings.ledger.location).exists()


def place(settings: Settings) -> str:
    """The database, as it may be shown."""
    ledger = settings.ledger
    return masked(str(ledger)) if ledger.shared else ledger.location
