"""It is promised that the tree's hashes and checkpoints only grow, and that leaves never change."""

from collections.abc import Sequence

import pytest

from scoreboard.core.checkpoint import Checkpoint, note
from scoreboard.core.leaf import line_in
from scoreboard.core.merkle import Run, TileKey, Tree, edge_tiles, leaf_hash
from scoreboard.core.user import commitment
from scoreboard.errors import Deposed, OutOfPlace, ScoreboardError
from scoreboard.ports import Ledger, Sealing

from .material import FALL, Clock, all_postings, append, award

KEY = bytes(range(32))
HASHES = [leaf_hash(b"%d" % number) for number in range(600)]


def sealing(size: int, term: int = 5) -> Sealing:
    point = Checkpoint(origin="test/1", size=size, root=bytes(32), epoch=1, at=size)
    return Sealing(size=size, note=note(point, KEY, bytes(64)), key=KEY, term=term)


async def sealed(ledger: Ledger, *sizes: int) -> Tree:
    tree = Tree()
    for size in sizes:
        await ledger.seal(tree.grow(HASHES[tree.size : size]), sealing(size))
    return tree


async def test_leaves_say_what_the_postings_say(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, award("a1"), award("a2", "u2", FALL), award("a3"))
    postings = await all_postings(ledger)
    leaves = await ledger.leaves(0, 100)
    assert len(leaves) == len(postings) == 4
    for posting, leaf in zip(postings, leaves, strict=True):
        line, user = line_in(leaf)
        for field in ("seq", "epoch", "award_id", "kind", "board", "at", "points", "action_id"):
            assert getattr(line, field) == getattr(posting, field)
        for field in ("score_after", "key", "caller", "reverses", "detail"):
            assert getattr(line, field) == getattr(posting, field)
        if posting.user_ref is None or posting.user_id is None:
            assert user is None
            continue
        salt = await ledger.salt(posting.user_ref)
        assert salt is not None
        assert user == commitment(salt, posting.user_id)


async def test_leaves_come_in_pages(ledger: Ledger, clock: Clock) -> None:
    await append(ledger, clock, *(award(f"a{number}") for number in range(5)))
    leaves = await ledger.leaves(0, 100)
    assert await ledger.leaves(2, 3) == leaves[2:5]
    assert await ledger.leaves(6, 3) == []
    assert await ledger.salt(4711) is None


async def test_tiles_and_checkpoints_come_back(ledger: Ledger) -> None:
    assert await ledger.newest_sealing() is None
    assert await ledger.sealing_at(1) is None
    tree = await sealed(ledger, 1, 200, 300, 600)
    assert await ledger.newest_sealing() == sealing(600)
    assert await ledger.sealing_at(200) == sealing(200)
    assert await ledger.sealing_at(201) == sealing(300)
    assert await ledger.sealing_at(601) is None
    tiles = await ledger.tiles([TileKey(0, 0), TileKey(0, 1), TileKey(1, 0), TileKey(0, 9)])
    assert tiles[TileKey(0, 0)] == b"".join(HASHES[:256])
    assert tiles[TileKey(0, 1)] == b"".join(HASHES[256:512])
    assert len(tiles[TileKey(1, 0)]) == 64
    assert tiles[TileKey(0, 9)] == b""
    again = Tree.at(600, await ledger.tiles(edge_tiles(600)))
    assert again.root() == tree.root()


@pytest.mark.parametrize(
    ("runs", "size"),
    [
        ([Run(0, 301, HASHES[301])], 302),  # a gap
        ([Run(0, 299, HASHES[299])], 300),  # once more
        ([Run(0, 300, HASHES[300])], 302),  # fewer hashes than the checkpoint covers
        ([], 301),
        ([], 300),
        ([], 200),
        ([Run(0, 300, HASHES[300]), Run(1, 2, HASHES[0])], 301),  # a gap above
        ([Run(0, 300, b"".join(HASHES[300:520]))], 520),  # over the end of a tile
    ],
)
async def test_what_does_not_go_on_where_the_tree_ends_is_refused(
    ledger: Ledger, runs: Sequence[Run], size: int
) -> None:
    await sealed(ledger, 300)
    with pytest.raises(OutOfPlace):
        await ledger.seal(runs, sealing(size))
    assert await ledger.newest_sealing() == sealing(300)
    assert (await ledger.tiles([TileKey(0, 1)]))[TileKey(0, 1)] == b"".join(HASHES[256:300])


async def test_a_leader_that_was_replaced_seals_nothing(ledger: Ledger) -> None:
    tree = await sealed(ledger, 300)
    runs = tree.grow(HASHES[300:301])
    with pytest.raises(Deposed):
        await ledger.seal(runs, sealing(301, term=4))
    await ledger.seal(runs, sealing(301, term=6))


async def test_two_that_seal_at_once_do_not_both(ledger: Ledger) -> None:
    tree = await sealed(ledger, 300)
    runs = tree.grow(HASHES[300:301])
    await ledger.seal(runs, sealing(301))
    with pytest.raises(ScoreboardError):
        await ledger.seal(runs, sealing(301))
