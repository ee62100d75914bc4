"""What the ledger's tree costs whoever grows it, and how fast it is verified; in one process."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from bench.plan import Plan, Section, table, whole
from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import CheckpointKey, is_signature
from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.core.action import Action
from scoreboard.core.award import Award, new_award_id
from scoreboard.ports import Change, Ledger, Prepared
from scoreboard.service.leadership import Alone
from scoreboard.service.sealer import Sealer
from scoreboard.service.verification import Verification
from scoreboard.telemetry import Telemetry

POSTINGS, QUICK_POSTINGS = 200_000, 50_000
USERS = 10_000
GROUP = 1_000
ROUNDS = 3
QUIZ = Action(action_id="quiz", points=5)


def proof(plan: Plan) -> Section:
    postings = QUICK_POSTINGS if plan.quick else POSTINGS
    seal, verify = asyncio.run(_measured(plan.root, postings))
    head = ("what", "us CPU a posting", "postings/s a core")
    rows = [_row("sealed: read, hashed, kept, signed", seal), _row("verified", verify)]
    text = (
        f"{whole(postings)} awards of {whole(USERS)} users in an SQLite ledger, sealed by the "
        f"sealer and verified as `scoreboard ledger verify` does, best of {ROUNDS} for the latter; "
        "CPU of the whole process, so of all its threads. An award pays nothing: its transaction "
        "is the same with and without a sealer.\n\n"
    )
    return Section("Proof", text + table(head, rows))


def _row(what: str, cpu_us: float) -> tuple[str, str, str]:
    return what, f"{cpu_us:.1f}", whole(round(1e6 / cpu_us))


async def _measured(root: Path, postings: int) -> tuple[float, float]:
    ledger = await SqliteLedger.open(root / "proof.db")
    try:
        await _fill(ledger, postings)
        seal = await _cpu_us(postings, lambda: sealed(ledger, root))
        verify = [await _cpu_us(postings, lambda: _verify(ledger)) for _ in range(ROUNDS)]
        return seal, min(verify)
    finally:
        await ledger.close()


async def _cpu_us(postings: int, work: Callable[[], object]) -> float:
    began = time.process_time()
    await work()  # type: ignore[misc]
    return (time.process_time() - began) / postings * 1e6


async def _fill(ledger: Ledger, postings: int) -> None:
    await ledger.change(Change(QUIZ, "bench", "bench"))
    catalogue = await ledger.catalogue()
    at = time.time_ns() // 1_000_000
    prepared = Prepared(catalogue.version, {"default": catalogue.boards["default"].periods_at(at)})
    for start in range(0, postings, GROUP):
        await ledger.append([_award(at, start + place) for place in range(GROUP)], prepared)


def _award(at: int, number: int) -> Award:
    award_id = new_award_id(at, number.to_bytes(10, "big"))
    user_id = f"user-{number * 7919 % USERS:07d}"
    return Award(award_id=award_id, user_id=user_id, action=QUIZ, named=False)


async def sealed(ledger: Ledger, root: Path) -> None:
    """Seal all that is there, with a key of the folder."""
    sealer = Sealer(
        ledger,
        Alone(),
        CheckpointKey.opened("bench", root / "checkpoint-key", may_make=True),
        CheckpointFile(root / "checkpoint"),
        verify=is_signature,
        clock_ms=lambda: time.time_ns() // 1_000_000,
        telemetry=Telemetry(),
    )
    await sealer.look(finishing=True)


async def _verify(ledger: Ledger) -> None:
    verification = Verification(is_signature)
    async for page in ledger.history():
        verification.see(page)
    verdict = verification.verdict()
    assert verdict.ok, verdict.faults
