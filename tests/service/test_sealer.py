"""It is promised that checkpoints follow the ledger, and that none contradicts an earlier one."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from scoreboard.adapters.checkpoint_file import CheckpointFile
from scoreboard.adapters.keys import CheckpointKey, is_signature
from scoreboard.core.checkpoint import Checkpoint, checkpoint_in, is_signed, note
from scoreboard.core.merkle import (
    Tree,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    subtree_hash,
    tiles_of,
)
from scoreboard.core.proof import is_consistent, is_included
from scoreboard.errors import Unavailable
from scoreboard.ports import Ledger, Sealing
from scoreboard.service import sealer as module
from scoreboard.service.leadership import Alone, Leadership
from scoreboard.service.sealer import Sealer
from scoreboard.telemetry import Telemetry
from tests.contracts.conftest import sqlite_ledger
from tests.contracts.material import Clock, append, award

OWN = CheckpointKey("test", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = CheckpointKey("test", Ed25519PrivateKey.from_private_bytes(bytes(32)))


class Place:
    """A ledger, its clock, the file beside it, and sealers on them."""

    def __init__(self, ledger: Ledger, clock: Clock, folder: Path) -> None:
        self.ledger = ledger
        self.clock = clock
        self.file = folder / "checkpoint"
        self.telemetry = Telemetry()

    def sealer(
        self, key: CheckpointKey | None = OWN, leadership: Leadership | None = None
    ) -> Sealer:
        return Sealer(
            self.ledger,
            leadership or Alone(),
            key,
            CheckpointFile(self.file),
            verify=is_signature,
            clock_ms=self.clock,
            telemetry=self.telemetry,
        )

    async def award(self, count: int, prefix: str = "a") -> None:
        awards = [award(f"{prefix}{number}", f"u{number % 7}") for number in range(count)]
        await append(self.ledger, self.clock, *awards)

    async def newest(self) -> Checkpoint | None:
        sealing = await self.ledger.newest_sealing()
        if sealing is None:
            return None
        assert is_signed(sealing.note, sealing.key, is_signature)
        return sealing.checkpoint()

    async def root(self, size: int) -> bytes:
        tree = Tree()
        tree.grow([leaf_hash(leaf) for leaf in await self.ledger.leaves(0, size)])
        return tree.root()

    def failures(self, reason: str) -> float:
        return self.shown(f'scoreboard_checkpoint_failures_total{{reason="{reason}"}}')

    def shown(self, name: str) -> float:
        lines = self.telemetry.exposition().decode().splitlines()
        return float(next((x for x in lines if x.startswith(f"{name} ")), "0").split()[-1])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    async with sqlite_ledger(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def place(ledger: Ledger, clock: Clock, tmp_path: Path) -> Place:
    return Place(ledger, clock, tmp_path)


async def finished(place: Place, key: CheckpointKey | None = OWN) -> Checkpoint | None:
    await place.sealer(key).finish()
    return await place.newest()


async def test_a_stop_seals_everything(place: Place) -> None:
    await place.award(700)
    checkpoint = await finished(place)
    assert checkpoint is not None
    assert checkpoint.size == 701
    assert checkpoint.root == await place.root(701)
    assert checkpoint_in(place.file.read_text("utf-8")) == checkpoint


async def test_a_thousand_postings_do_not_wait(place: Place) -> None:
    sealer = place.sealer()
    await place.award(998)
    await sealer.look()
    assert await place.newest() is None
    await place.award(1, "b")
    await sealer.look()
    checkpoint = await place.newest()
    assert checkpoint is not None
    assert checkpoint.size == 1_000


async def test_one_posting_waits_so_long_and_no_longer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = place.sealer()
    await sealer.look()
    assert await place.newest() is None
    monkeypatch.setattr(module, "SEAL_EVERY_S", 0.0)
    await sealer.look()
    checkpoint = await place.newest()
    assert checkpoint is not None
    assert checkpoint.size == 1


async def test_checkpoints_grow_out_of_each_other_over_restarts(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEAL_MAX", 300)
    made = []
    for number, count in enumerate((3, 299, 520, 1)):
        await place.award(count, f"r{number}-")
        made.append(await finished(place))
    last = made[-1]
    assert last is not None
    assert last.root == await place.root(last.size)
    leaves = await place.ledger.leaves(0, 2_000)
    for earlier in made:
        assert earlier is not None
        spans = consistency_spans(earlier.size, last.size)
        tiles = await place.ledger.tiles(tiles_of(spans))
        path = [subtree_hash(span, tiles) for span in spans]
        assert is_consistent((earlier.size, earlier.root), (last.size, last.root), path)
    for index in (0, 255, 256, 511, last.size - 1):
        spans = inclusion_spans(index, last.size)
        tiles = await place.ledger.tiles(tiles_of(spans))
        path = [subtree_hash(span, tiles) for span in spans]
        assert is_included(leaf_hash(leaves[index]), index, last.size, path, last.root)


async def refused(place: Place, reason: str, key: CheckpointKey | None = OWN) -> None:
    before = await place.ledger.newest_sealing()
    sealer = place.sealer(key)
    with capture_logs() as logs:
        await sealer.look(finishing=True)
        await sealer.look(finishing=True)
    assert [entry["reason"] for entry in logs if entry["event"] == "checkpoint.refused"] == [reason]
    assert place.failures(reason) == 2
    assert await place.ledger.newest_sealing() == before
    await place.award(1, "still-awarded")


async def test_without_a_key_nothing_is_signed(place: Place) -> None:
    await refused(place, "key", None)


async def test_another_key_signs_nothing_in_the_same_epoch(place: Place) -> None:
    await finished(place)
    place.file.unlink()
    await place.award(1)
    await refused(place, "key", OTHER)


async def test_another_key_may_sign_in_another_epoch(place: Place) -> None:
    await finished(place)
    place.clock.now_ms += 1
    await place.ledger.new_epoch("tester", "another key")
    await place.award(1)
    checkpoint = await finished(place, OTHER)
    assert checkpoint is not None
    assert checkpoint.size == 2
    assert checkpoint.epoch == (await place.ledger.head()).epoch
    assert checkpoint.origin == f"test/{checkpoint.epoch}"


def published(place: Place, epoch: int, size: int, root: bytes, key: CheckpointKey = OWN) -> None:
    point = Checkpoint(origin=f"test/{epoch}", size=size, root=root, epoch=epoch, at=1)
    text = note(point, key.public, key.sign(point.text().encode()))
    place.file.write_text(text, "utf-8")


async def test_a_published_checkpoint_of_more_postings_than_there_are_is_a_rollback(
    place: Place,
) -> None:
    epoch = (await place.ledger.head()).epoch
    published(place, epoch, 2, bytes(32))
    await refused(place, "rolled-back")


async def test_a_published_checkpoint_of_a_later_epoch_is_a_rollback(place: Place) -> None:
    epoch = (await place.ledger.head()).epoch
    published(place, epoch + 1, 1, await place.root(1))
    await refused(place, "rolled-back")


async def test_a_published_checkpoint_of_an_earlier_epoch_is_history(place: Place) -> None:
    epoch = (await place.ledger.head()).epoch
    published(place, epoch - 1, 99, bytes(32))
    assert await finished(place) is not None


async def test_a_published_checkpoint_with_another_root_is_a_contradiction(place: Place) -> None:
    await place.award(20)
    await finished(place)
    published(place, (await place.ledger.head()).epoch, 9, bytes(32))
    await refused(place, "contradiction")


async def test_what_was_published_and_not_kept_is_met_on_the_way(place: Place) -> None:
    await place.award(20)
    epoch = (await place.ledger.head()).epoch
    published(place, epoch, 9, await place.root(9))
    assert await finished(place) is not None
    sealing = await place.ledger.sealing_at(1)
    assert sealing is not None
    assert sealing.size == 9


async def test_what_was_published_and_not_kept_may_contradict_too(place: Place) -> None:
    await place.award(20)
    published(place, (await place.ledger.head()).epoch, 9, bytes(32))
    await refused(place, "contradiction")


async def test_a_published_checkpoint_of_another_key_is_not_overwritten(place: Place) -> None:
    published(place, (await place.ledger.head()).epoch, 1, await place.root(1), OTHER)
    await refused(place, "key")


async def test_a_file_that_is_no_checkpoint_is_not_overwritten(place: Place) -> None:
    place.file.write_bytes(b"\xff something else")
    await refused(place, "unreadable")


async def test_a_folder_that_cannot_be_written_is_said_and_tried_again(place: Place) -> None:
    place.file.mkdir()
    await place.sealer().look(finishing=True)
    assert place.failures("file") == 1
    place.file.rmdir()
    assert await finished(place) is not None
    await place.award(1)
    assert await finished(place) is not None
    assert place.file.exists()


async def test_a_checkpoint_in_the_ledger_that_is_not_of_its_postings_is_a_contradiction(
    place: Place,
) -> None:
    point = Checkpoint(origin="test/1", size=1, root=bytes(32), epoch=1, at=1)
    text = note(point, OWN.public, OWN.sign(point.text().encode()))
    runs = Tree().grow([leaf_hash(b"forged")])
    await place.ledger.seal(runs, Sealing(size=1, note=text, key=OWN.public, term=1))
    await refused(place, "contradiction")


def rewritten(path: Path, *statements: str) -> None:
    """Change an SQLite ledger behind its back."""
    with closing(sqlite3.connect(path)) as db, db:
        found = db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in found:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM ledger WHERE seq > 5", "rolled-back"),
        ("UPDATE checkpoints SET note = replace(note, 'test', 'best')", "contradiction"),
        ("UPDATE checkpoints SET note = 'x'", "contradiction"),
        ("UPDATE tiles SET hashes = zeroblob(length(hashes))", "contradiction"),
        ("DELETE FROM tiles", "contradiction"),
        ("DELETE FROM ledger WHERE seq = 12", "gap"),
    ],
)
async def test_a_ledger_that_was_rewritten_is_not_signed(
    tmp_path: Path, clock: Clock, statement: str, reason: str
) -> None:
    async with sqlite_ledger(tmp_path, clock) as ledger:
        place = Place(ledger, clock, tmp_path)
        await place.award(9)
        assert await finished(place) is not None
        await place.award(5, "later")
        head = "UPDATE ledger_head SET seq = (SELECT max(seq) FROM ledger)"
        rewritten(tmp_path / "scoreboard.db", statement, head)
        sealer = place.sealer()
        await sealer.look(finishing=True)
        assert place.failures(reason) == 1
        sealing = await ledger.newest_sealing()
        assert sealing is not None
        assert sealing.size == 10


async def test_a_node_that_does_not_lead_seals_nothing(place: Place) -> None:
    class Follower(Alone):
        term = None  # type: ignore[assignment]

        def __init__(self) -> None:
            pass

    sealer = place.sealer(leadership=Follower())
    await sealer.finish()
    await sealer.look(finishing=True)
    assert await place.newest() is None


async def test_two_sealers_take_turns(place: Place) -> None:
    one, two = place.sealer(leadership=Alone(5)), place.sealer(leadership=Alone(6))
    await one.look(finishing=True)
    await two.look(finishing=True)
    await place.award(3)
    await two.look(finishing=True)
    await place.award(3, "b")
    await one.look(finishing=True)
    checkpoint = await place.newest()
    assert checkpoint is not None
    assert checkpoint.size == 4  # the one with the earlier term was deposed
    await two.look(finishing=True)
    checkpoint = await place.newest()
    assert checkpoint is not None
    assert checkpoint.size == 7
    assert checkpoint.root == await place.root(7)


async def test_an_outage_is_said_once_and_over_when_it_is_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer = place.sealer()

    async def fails(*_: object) -> None:
        raise Unavailable

    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(place.ledger, "seal", fails)
            await sealer.look(finishing=True)
            await sealer.look(finishing=True)
        await sealer.look(finishing=True)
    said = [entry["event"] for entry in logs if entry["event"] != "checkpoint.key"]
    assert said == ["checkpoint.failed", "checkpoint.recovered"]
    assert place.failures("unavailable") == 2


async def test_it_runs_until_it_is_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(module, "SEAL_EVERY_S", 0.0)
    task = asyncio.ensure_future(place.sealer().run())
    try:
        async with asyncio.timeout(30):
            await place.award(5)
            while place.shown("scoreboard_checkpoint_size") != 6:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    newest = await place.newest()
    assert newest is not None
    assert newest.size == 6
