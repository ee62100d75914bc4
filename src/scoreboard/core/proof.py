"""Proofs about the ledger's tree, verified (RFC 9162, sections 2.1.3.2 and 2.1.4.2)."""

from collections.abc import Sequence

from scoreboard.core.merkle import EMPTY_ROOT, node_hash


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf's hash is at this index, from 0, of the tree with this size and root."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(beside, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, beside)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def is_consistent(old: tuple[int, bytes], new: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Whether the tree of a size and root grew into the other one."""
    (old_size, old_root), (new_size, new_root) = old, new
    if not 0 <= old_size <= new_size:
        return False
    if old_size in (0, new_size):
        grown = old_root == (EMPTY_ROOT if old_size == 0 else new_root)
        return grown and not path
    hashes = list(path)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    return _grew(hashes, old_size, new_size) == (old_root, new_root)


def _grew(hashes: Sequence[bytes], old_size: int, new_size: int) -> tuple[bytes, bytes] | None:
    """The two roots that these hashes come to."""
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    before = after = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            after = node_hash(after, beside)
        place >>= 1
        last >>= 1
    return (before, after) if last == 0 else None
