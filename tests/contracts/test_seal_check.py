"""It is promised that each audit finds what was sealed and changed, without recomputing it all."""

from pathlib import Path

import pytest

from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import is_signature
from scoreboard.ports import Ledger
from scoreboard.service import seal_check as module
from scoreboard.service.seal_check import DAY_MS, Checked, SealCheck

from .material import Clock, append, award
from .superuser import Superuser
from .tampering import HEAD, TAMPERING, filled, portable, seal

SEALED = {how for how in TAMPERING if not how.startswith(("unsealed", "score", "freeze"))}
"""What an audit finds by the seals; the rest is found by the sums."""


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 90)


async def checked(ledger: Ledger, kept: Path | None = None) -> Checked:
    published = CheckpointFile(kept) if kept else None
    seals = SealCheck(ledger, published, is_signature)
    return await seals.check(await ledger.head(), lambda _, __: None)


async def sealed_more(ledger: Ledger, clock: Clock, folder: Path, name: str, number: int) -> None:
    awards = (award(f"{name}-{place}", f"u{place % 9}") for place in range(number))
    await append(ledger, clock, *awards)
    await seal(ledger, clock, folder)


async def test_a_ledger_without_checkpoints_has_nothing_to_compare(ledger: Ledger) -> None:
    assert await checked(ledger) == Checked(
        sealed=0, sealed_at=None, recomputed=0, checkpoints=0, first_bad_seq=None, faults=()
    )


async def test_what_nobody_touched_is_right_in_pages_of_any_size(
    ledger: Ledger, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(ledger, clock, tmp_path)
    size = (await ledger.head()).seq - 7
    for page in (1_000, 50, 7):
        monkeypatch.setattr(module, "PAGE", page)
        found = await checked(ledger, tmp_path / "checkpoint")
        assert (found.faults, found.sealed, found.recomputed) == ((), size, size)
        assert found.checkpoints == 2


async def test_only_what_is_new_and_a_slice_of_the_rest_is_recomputed(
    ledger: Ledger, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN", 150)
    await filled(ledger, clock, tmp_path)
    whole = (await checked(ledger)).sealed
    again = []
    for day in range(-(-whole // 150)):
        clock.now_ms += DAY_MS
        await append(ledger, clock, award(f"day-{day}"))
        again.append((await checked(ledger)).recomputed)
    # A slice begins and ends with a checkpoint, so that some are empty.
    assert sum(again) == whole
    assert max(again) < whole
    await sealed_more(ledger, clock, tmp_path, "new", 20)
    found = await checked(ledger)
    assert found.faults == ()
    new = found.sealed - whole
    assert found.recomputed in {new + each for each in again}


@pytest.mark.parametrize("how", sorted(SEALED))
async def test_what_was_right_before_and_was_changed_is_found_at_every_audit(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser, how: str
) -> None:
    await filled(ledger, clock, tmp_path)
    assert (await checked(ledger)).faults == ()
    first_bad, statements = TAMPERING[how]
    await superuser.does(*portable(statements, superuser))
    found = await checked(ledger)
    assert found.faults
    if first_bad is not None:
        assert found.first_bad_seq == first_bad, found.faults
    assert (await checked(ledger)).faults == found.faults


@pytest.mark.parametrize("how", ["points", "deleted", "rolled-back", "two", "tiles", "checkpoint"])
async def test_what_is_new_and_was_changed_is_found_at_the_first_audit(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser, how: str
) -> None:
    await filled(ledger, clock, tmp_path)
    first_bad, statements = TAMPERING[how]
    await superuser.does(*portable(statements, superuser))
    found = await checked(ledger)
    assert found.faults
    assert found.first_bad_seq == first_bad, found.faults


async def test_what_an_audit_has_seen_cannot_be_taken_away(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser
) -> None:
    await filled(ledger, clock, tmp_path)
    size = (await checked(ledger)).sealed
    first = await ledger.sealing_at(1)
    assert first is not None
    await superuser.does(
        f"DELETE FROM ledger WHERE seq > {first.size}",
        f"DELETE FROM checkpoints WHERE size > {first.size}",
        f"DELETE FROM tiles WHERE level > 0 OR first >= {first.size}",
        *portable([HEAD], superuser),
    )
    found = await checked(ledger, tmp_path / "checkpoint")
    assert found.first_bad_seq == first.size + 1
    assert f"a checkpoint of {size:,} postings" in found.faults[0].what
    assert (
        found.faults[1].what == f"The checkpoint of {size:,} postings, seen by an audit, is gone."
    )
    # Without the file it is still known that there was more.
    assert len((await checked(ledger)).faults) == 1


async def test_a_checkpoint_outside_that_says_otherwise_is_told(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    await filled(ledger, clock, tmp_path)
    other = tmp_path / "other"
    newest = await ledger.newest_sealing()
    assert newest is not None
    root = newest.note.split("\n")[2]
    other.write_text(newest.note.replace(root, root[1:-1].swapcase() + "A="))
    (fault,) = (await checked(ledger, other)).faults
    assert "is not what the published checkpoint says" in fault.what
    other.write_text("nonsense")
    (fault,) = (await checked(ledger, other)).faults
    assert fault.what == "The checkpoint in the file cannot be read."
    assert (await checked(ledger, tmp_path / "missing")).faults == ()


async def test_a_checkpoint_that_was_published_is_missed_by_the_first_audit_too(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser
) -> None:
    await filled(ledger, clock, tmp_path)
    await superuser.does("DELETE FROM tiles", "DELETE FROM checkpoints")
    (fault,) = (await checked(ledger, tmp_path / "checkpoint")).faults
    assert "was published, and is not in the ledger" in fault.what


async def test_a_checkpoint_of_a_history_that_was_replaced_is_no_fault(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    await filled(ledger, clock, tmp_path)
    old = tmp_path / "old"
    old.write_text((tmp_path / "checkpoint").read_text())
    clock.now_ms += DAY_MS
    await ledger.new_epoch("mo", "a restored backup")
    assert (await checked(ledger, old)).faults == ()
    await sealed_more(ledger, clock, tmp_path, "new", 30)
    found = await checked(ledger, old)
    assert (found.faults, found.checkpoints) == ((), 3)
