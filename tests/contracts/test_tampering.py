"""It is promised that whoever rewrites the ledger with SQL is found, at the first bad posting."""

from pathlib import Path

import pytest

from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import is_signature
from scoreboard.adapters.postgres import history as postgres_history
from scoreboard.adapters.sqlite import history as sqlite_history
from scoreboard.core.checkpoint import checkpoint_in
from scoreboard.core.posting import Kind
from scoreboard.ports import Ledger, Moderation
from scoreboard.service.verification import Verdict, Verification

from .material import Clock
from .superuser import Superuser
from .tampering import HEAD, TAMPERING, filled, portable, seal


async def verified(ledger: Ledger, kept: Path | None = None) -> Verdict:
    text = await CheckpointFile(kept).read() if kept else None
    checkpoint = checkpoint_in(text) if text else None
    verification = Verification(is_signature, checkpoint)
    async for page in ledger.history():
        verification.see(page)
    return verification.verdict()


async def test_a_ledger_that_nobody_touched_is_in_order(
    ledger: Ledger, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(ledger, clock, tmp_path)
    for page in (5_000, 50, 1):  # tiles and checkpoints go over the ends of pages
        for pages in (sqlite_history, postgres_history):
            monkeypatch.setattr(pages, "PAGE", page)
        verdict = await verified(ledger, tmp_path / "checkpoint")
        assert verdict.ok, verdict.faults
    assert verdict.postings == (await ledger.head()).seq
    assert verdict.sealed == verdict.postings - 7
    assert verdict.checkpoints == 2
    assert verdict.first_bad_seq is None


@pytest.mark.parametrize("how", TAMPERING)
async def test_the_first_bad_posting_is_named(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser, how: str
) -> None:
    await filled(ledger, clock, tmp_path)
    first_bad, statements = TAMPERING[how]
    await superuser.does(*portable(statements, superuser))
    verdict = await verified(ledger)
    assert not verdict.ok
    if first_bad is not None:
        assert verdict.first_bad_seq == first_bad, verdict.faults


async def test_a_posting_changed_with_its_hash_is_found_among_few(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser
) -> None:
    await filled(ledger, clock, tmp_path)
    await superuser.does("UPDATE ledger SET caller = 'x' WHERE seq = 300", "DELETE FROM tiles")
    verdict = await verified(ledger)
    size = (await ledger.sealing_at(1)).size  # type: ignore[union-attr]
    assert verdict.first_bad_seq == size + 1
    assert not verdict.ok


async def test_a_ledger_rolled_back_with_its_checkpoints_is_found_by_one_kept_elsewhere(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser
) -> None:
    await filled(ledger, clock, tmp_path)
    size = (await ledger.sealing_at(1)).size  # type: ignore[union-attr]
    await superuser.does(
        f"DELETE FROM ledger WHERE seq > {size}",
        f"DELETE FROM checkpoints WHERE size > {size}",
        f"DELETE FROM tiles WHERE level > 0 OR first >= {size}",
        *portable([HEAD], superuser),
    )
    assert (await verified(ledger, tmp_path / "checkpoint")).first_bad_seq == size + 1


async def test_erasing_a_user_keeps_every_proof(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    await filled(ledger, clock, tmp_path)
    before = await ledger.leaves(0, 1_000)
    await ledger.moderate(Moderation("u3", Kind.ERASE, "mo", "asked for it"))
    assert (await ledger.leaves(0, 1_000))[: len(before)] == before
    verdict = await verified(ledger, tmp_path / "checkpoint")
    assert verdict.ok, verdict.faults
    await seal(ledger, clock, tmp_path)
    verdict = await verified(ledger, tmp_path / "checkpoint")
    assert verdict.ok, verdict.faults
    assert verdict.sealed == verdict.postings
