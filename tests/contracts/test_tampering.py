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
from .tampering import COLUMNS, HEAD, TAMPERING, filled, portable, seal


async def verified(ledger: Ledger, kept: Path | None = None, *, published: bool = False) -> Verdict:
    text = await CheckpointFile(kept).read() if kept else None
    checkpoint = checkpoint_in(text) if text else None
    verification = Verification(is_signature, checkpoint, published=published)
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


@pytest.mark.parametrize("tables", [("checkpoints",), ("tiles", "checkpoints")])
async def test_a_checkpoint_that_was_published_is_missed(
    ledger: Ledger, clock: Clock, tmp_path: Path, superuser: Superuser, tables: tuple[str, ...]
) -> None:
    await filled(ledger, clock, tmp_path)
    assert (await verified(ledger, tmp_path / "checkpoint", published=True)).ok
    await superuser.does(*(f"DELETE FROM {table}" for table in tables))
    verdict = await verified(ledger, tmp_path / "checkpoint", published=True)
    assert not verdict.ok
    assert "was published, and is not in the ledger" in verdict.faults[-1].what
    # An export may be older than what was published.
    assert (await verified(ledger, tmp_path / "checkpoint")).ok


async def moderated(ledger: Ledger, clock: Clock, folder: Path) -> None:
    """u1 is banned, u2 held, u3 erased, u4 banned and released again."""
    await filled(ledger, clock, folder)
    for user_id, kind in (
        ("u1", Kind.BAN),
        ("u2", Kind.HOLD),
        ("u3", Kind.ERASE),
        ("u4", Kind.BAN),
        ("u4", Kind.RELEASE),
    ):
        await ledger.moderate(Moderation(user_id, kind, "mo", "why not"))
    await seal(ledger, clock, folder)


@pytest.mark.parametrize(
    ("statement", "who"),
    [
        ("UPDATE users SET status = 'active' WHERE user_id = 'u1'", "u1"),
        ("UPDATE users SET status = 'hidden' WHERE user_id = 'u2'", "u2"),
        ("UPDATE users SET status = 'banned' WHERE user_id = 'u4'", "u4"),
        ("UPDATE users SET status = 'held' WHERE user_id = 'u5'", "u5"),
    ],
)
async def test_who_stands_against_the_postings_is_named(  # noqa: PLR0917
    ledger: Ledger,
    clock: Clock,
    tmp_path: Path,
    superuser: Superuser,
    statement: str,
    who: str,
) -> None:
    await moderated(ledger, clock, tmp_path)
    assert (await verified(ledger)).ok
    await superuser.does(statement)
    (fault,) = (await verified(ledger)).faults
    assert fault.what == f"User {who} stands otherwise than the postings say."


@pytest.mark.parametrize(
    ("user_id", "score_after", "says"),
    [
        ("u1", "score + 5", "is of somebody who was banned or erased by then"),
        ("u5", "NULL", "says another score than the sum so far"),
    ],
)
async def test_an_award_that_no_ledger_makes_is_named_though_it_adds_up(  # noqa: PLR0917
    ledger: Ledger,
    clock: Clock,
    tmp_path: Path,
    superuser: Superuser,
    user_id: str,
    score_after: str,
    says: str,
) -> None:
    await moderated(ledger, clock, tmp_path)
    await superuser.does(
        f"INSERT INTO ledger (seq, {COLUMNS}) SELECT h.seq + 1, h.epoch, 'forged', 'award', "
        f"'default', u.user_ref, 'quiz', 5, {score_after}, h.at, NULL, NULL, NULL, NULL "
        "FROM users AS u JOIN scores AS s ON s.user_id = u.user_id AND s.board = 'default' "
        "CROSS JOIN (SELECT seq, epoch, at FROM ledger ORDER BY seq DESC LIMIT 1) AS h "
        f"WHERE u.user_id = '{user_id}' AND s.period = 'all'",
        "UPDATE scores SET score = score + 5, seq = (SELECT max(seq) FROM ledger) "
        f"WHERE user_id = '{user_id}' AND board = 'default'",
        *portable([HEAD], superuser),
    )
    verdict = await verified(ledger)
    (fault,) = verdict.faults
    assert (fault.seq, verdict.postings) == (verdict.first_bad_seq, fault.seq)
    assert says in fault.what
