"""It is promised that the tree is RFC 6962's, whatever the steps in which it grew."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from scoreboard.core.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_WIDTH,
    Run,
    Span,
    TileKey,
    Tree,
    consistency_spans,
    edge_tiles,
    inclusion_spans,
    joined,
    leaf_hash,
    node_hash,
    split,
    subtree_hash,
    tiles_of,
)
from scoreboard.core.proof import is_consistent, is_included

MOST = 70_000
"""A little more than two levels of tiles."""

LEAVES = [b"%d" % number for number in range(1_000)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SIZES = st.integers(1, 700)


def tiles_from(runs: Iterable[Run]) -> dict[TileKey, bytes]:
    """The tiles that runs make, each run right after the one before it."""
    tiles: dict[TileKey, bytes] = {}
    for run in runs:
        key = TileKey(run.level, run.first // TILE_WIDTH)
        held = tiles.get(key, b"")
        assert run.first % TILE_WIDTH == len(held) // HASH_BYTES
        assert len(held + run.hashes) <= TILE_WIDTH * HASH_BYTES
        tiles[key] = held + run.hashes
    return tiles


def grown(hashes: Sequence[bytes]) -> tuple[Tree, dict[TileKey, bytes]]:
    tree = Tree()
    return tree, tiles_from(tree.grow(hashes))


def root_of(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    power = 1
    while power * 2 < len(hashes):
        power *= 2
    return node_hash(root_of(hashes[:power]), root_of(hashes[power:]))


TREE, TILES = grown(HASHES)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_it_does_not_matter_in_which_steps_a_tree_grew(steps: Sequence[int]) -> None:
    tree, runs, place = Tree(), [], 0
    for step in steps:
        taken = HASHES[place : place + step]
        runs += tree.grow(taken)
        place += len(taken)
        assert tree.root() == root_of(HASHES[:place])
        assert tree.size == place
    tiles = grown(HASHES[:place])[1]
    assert tiles_from(runs) == tiles
    few = joined(runs)
    assert tiles_from(few) == tiles
    # One run a tile, however many steps it took.
    assert len({(run.level, run.first // TILE_WIDTH) for run in few}) == len(few)


@given(SIZES)
def test_a_tree_goes_on_from_its_tiles(size: int) -> None:
    tiles = grown(HASHES[:size])[1]
    tree = Tree.at(size, {key: tiles[key] for key in edge_tiles(size)})
    assert tree.root() == root_of(HASHES[:size])
    tree.grow(HASHES[size:])
    assert tree.root() == TREE.root()


@given(SIZES)
def test_an_older_tree_is_found_in_the_tiles_of_a_newer_one(size: int) -> None:
    assert Tree.at(size, TILES).root() == root_of(HASHES[:size])


@given(SIZES, st.data())
def test_a_leaf_is_proven_as_by_another_implementation(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    spans = inclusion_spans(index, size)
    path = [subtree_hash(span, TILES) for span in spans]
    other = InmemoryTree.init_from_entries(LEAVES[:size], algorithm="sha256")
    theirs = other.prove_inclusion(index + 1).serialize()["path"]
    assert [HASHES[index], *path] == [bytes.fromhex(step) for step in theirs]
    root = other.get_root()
    assert is_included(HASHES[index], index, size, path, root)
    assert tiles_of(spans) <= TILES.keys()


@given(SIZES, SIZES)
def test_growth_is_proven_and_the_roots_are_those_of_another_implementation(
    one: int, two: int
) -> None:
    old, new = sorted((one, two))
    other = InmemoryTree.init_from_entries(LEAVES[:new], algorithm="sha256")
    path = [subtree_hash(span, TILES) for span in consistency_spans(old, new)]
    assert is_consistent((old, other.get_root(old)), (new, other.get_root(new)), path)


def test_proofs_are_those_of_the_standard() -> None:
    """RFC 6962, section 2.1.3: the tree of seven leaves."""
    a, b, c, d, e, f, j = HASHES[:7]
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, ll = node_hash(g, h), node_hash(i, j)

    def hashes(spans: Sequence[Span]) -> list[bytes]:
        return [subtree_hash(span, TILES) for span in spans]

    assert hashes(inclusion_spans(0, 7)) == [b, h, ll]
    assert hashes(inclusion_spans(3, 7)) == [c, g, ll]
    assert hashes(inclusion_spans(4, 7)) == [f, j, k]
    assert hashes(inclusion_spans(6, 7)) == [i, k]
    assert hashes(consistency_spans(3, 7)) == [c, d, g, ll]
    assert hashes(consistency_spans(4, 7)) == [ll]
    assert hashes(consistency_spans(6, 7)) == [i, j, k]


@settings(max_examples=20)
@given(st.integers(66_000, MOST - 1))
def test_a_tree_of_three_levels_proves_too(index: int) -> None:
    tree, tiles = big()
    spans = inclusion_spans(index, MOST)
    path = [subtree_hash(span, tiles) for span in spans]
    assert is_included(HASHES[index % 1000], index, MOST, path, tree.root())
    assert len(tiles_of(spans)) <= 6  # what a proof reads, however large the ledger


def big() -> tuple[Tree, dict[TileKey, bytes]]:
    if not BIG:
        BIG.append(grown([HASHES[number % 1000] for number in range(MOST)]))
    return BIG[0]


BIG: list[tuple[Tree, dict[TileKey, bytes]]] = []


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == Tree.at(0, {}).root() == EMPTY_ROOT
    assert Tree().grow([]) == []
    assert edge_tiles(0) == []
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c14")


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (7, 7)])
def test_nothing_has_to_be_shown_of_what_is_plain(old: int, new: int) -> None:
    assert consistency_spans(old, new) == []


def test_runs_stop_at_the_end_of_a_tile() -> None:
    runs = Tree().grow(HASHES[:600])
    places = [(run.level, run.first, len(split(run.hashes))) for run in runs]
    assert places == [(0, 0, 256), (0, 256, 256), (0, 512, 88), (1, 0, 2)]


def test_spans_cover_everything_but_the_leaf() -> None:
    for index in range(100):
        spans = sorted([*inclusion_spans(index, 100), (index, index + 1)])
        assert spans[0][0] == 0
        assert spans[-1][1] == 100
        assert all(before[1] == after[0] for before, after in pairwise(spans))
