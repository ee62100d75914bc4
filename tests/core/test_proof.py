"""It is promised that a proof of anything but the truth is refused."""

from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoreboard.core.merkle import (
    EMPTY_ROOT,
    Span,
    Tree,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    node_hash,
    subtree_hash,
)
from scoreboard.core.proof import is_consistent, is_included

from .test_merkle import HASHES, TILES, root_of

SIZES = st.integers(1, 300)
OTHER = leaf_hash(b"another")


def hashes_of(spans: Sequence[Span]) -> list[bytes]:
    return [subtree_hash(span, TILES) for span in spans]


def root(size: int) -> bytes:
    return Tree.at(size, TILES).root() if size else EMPTY_ROOT


def spoilt(path: Sequence[bytes], place: int) -> list[list[bytes]]:
    """The same path with one hash more, one fewer, one changed."""
    wrong = [[*path, OTHER], [OTHER, *path]]
    if path:
        place %= len(path)
        wrong.append([*path[:place], *path[place + 1 :]])
        wrong.append([*path[:place], OTHER, *path[place + 1 :]])
    return wrong


@given(SIZES, st.data())
def test_a_leaf_is_included_only_where_it_is(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    elsewhere = data.draw(st.integers(-1, size + 1))
    path = hashes_of(inclusion_spans(index, size))
    assert is_included(HASHES[index], index, size, path, root(size))
    assert not is_included(OTHER, index, size, path, root(size))
    assert not is_included(HASHES[index], index, size, path, OTHER)
    if elsewhere != index:
        assert not is_included(HASHES[index], elsewhere, size, path, root(size))
    for wrong in spoilt(path, data.draw(SIZES)):
        assert not is_included(HASHES[index], index, size, wrong, root(size))


@given(st.integers(0, 300), SIZES, st.data())
def test_a_tree_grew_only_out_of_what_it_was(one: int, two: int, data: st.DataObject) -> None:
    old, new = sorted((one, two))
    path = hashes_of(consistency_spans(old, new))
    before, after = (old, root(old)), (new, root(new))
    assert is_consistent(before, after, path)
    assert not is_consistent((old, OTHER), after, path)
    if old:
        assert not is_consistent(before, (new, OTHER), path)
    for wrong in spoilt(path, data.draw(SIZES)):
        assert not is_consistent(before, after, wrong)


@given(SIZES, SIZES, st.data())
def test_a_posting_changed_before_a_checkpoint_is_noticed(
    one: int, two: int, data: st.DataObject
) -> None:
    old, new = sorted((one, two))
    assume(old < new)
    place = data.draw(st.integers(0, old - 1))
    changed = [*HASHES[:place], OTHER, *HASHES[place + 1 : new]]
    path = hashes_of(consistency_spans(old, new))
    assert not is_consistent((old, root(old)), (new, root_of(changed)), path)


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2)])
def test_a_ledger_never_shrinks(old: int, new: int) -> None:
    assert not is_consistent((old, root(2)), (new, root(2)), [])


def test_a_proof_without_hashes_shows_nothing() -> None:
    assert not is_consistent((3, root(3)), (5, root(5)), [])


def test_nothing_is_included_in_nothing() -> None:
    assert not is_included(HASHES[0], 0, 0, [], EMPTY_ROOT)
    assert is_included(HASHES[0], 0, 1, [], HASHES[0])
    assert is_included(HASHES[1], 1, 2, [HASHES[0]], node_hash(HASHES[0], HASHES[1]))
