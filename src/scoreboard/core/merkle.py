"""The ledger's Merkle tree (RFC 6962, section 2.1): its hashes, its growth, its tiles."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
LEVELS = 8
EMPTY_ROOT = sha256(b"").digest()


class TileKey(NamedTuple):
    """A tile: ``number`` counts tiles of this level from 0.

    A tile of level 0 has the hashes of 256 leaves, one of level L + 1 the roots of 256 full tiles
    of level L.
    """

    level: int
    number: int


class Run(Struct, frozen=True):
    """Hashes that stand beside each other in a tile.

    ``first`` is the place of the first of them among all hashes of the level.
    """

    level: int
    first: int
    hashes: bytes

    @property
    def end(self) -> int:
        """The place after the last one."""
        return self.first + len(self.hashes) // HASH_BYTES


class Span(NamedTuple):
    """The leaves from ``begin`` on, before ``end``."""

    begin: int
    end: int


Tiles = Mapping[TileKey, bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node with two children."""
    return sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows at its right edge, and keeps nothing but its unfinished tiles."""

    def __init__(self, size: int = 0, edges: Sequence[Sequence[bytes]] = ()) -> None:
        self._size = size
        self._edges = [list(edge) for edge in edges]

    @classmethod
    def at(cls, size: int, tiles: Tiles) -> "Tree":
        """The tree as it was at a size, from the tiles that ``edge_tiles`` names."""
        edges = []
        for key, width in _edges(size):
            edges.append(split(tiles[key])[:width] if width else [])
        return cls(size, edges)

    @property
    def size(self) -> int:
        """How many leaves it has."""
        return self._size

    def grow(self, hashes: Sequence[bytes]) -> list[Run]:
        """Take the hashes of new leaves; answers what is new in the tiles, level by level."""
        self._size += len(hashes)
        runs: list[Run] = []
        level, place = 0, self._size - len(hashes)
        while hashes:
            if level == len(self._edges):
                self._edges.append([])
            edge, above, start = self._edges[level], [], 0
            while start < len(hashes):
                part = hashes[start : start + TILE_WIDTH - len(edge)]
                runs.append(Run(level, place + start, b"".join(part)))
                edge.extend(part)
                start += len(part)
                if len(edge) == TILE_WIDTH:
                    above.append(_root_of_power(edge))
                    edge.clear()
            place = (place + len(hashes)) // TILE_WIDTH - len(above)
            hashes, level = above, level + 1
        return runs

    def root(self) -> bytes:
        """The hash of the whole."""
        root: bytes | None = None
        for edge in self._edges:
            for peak in reversed(_peaks(edge)):
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root


def joined(runs: Iterable[Run]) -> list[Run]:
    """The same hashes, in as few runs as their tiles allow."""
    kept: list[Run] = []
    for run in sorted(runs, key=lambda run: (run.level, run.first)):
        last = kept[-1] if kept else None
        if last and run.level == last.level and run.first % TILE_WIDTH and run.first == last.end:
            kept[-1] = Run(run.level, last.first, last.hashes + run.hashes)
        else:
            kept.append(run)
    return kept


def edge_tiles(size: int) -> list[TileKey]:
    """The unfinished tiles of a tree, one a level: all that its growth needs."""
    return [key for key, width in _edges(size) if width]


def split(hashes: bytes) -> list[bytes]:
    """Hashes that stand together, one by one."""
    return [hashes[place : place + HASH_BYTES] for place in range(0, len(hashes), HASH_BYTES)]


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees beside the way from a leaf to the root, from below (RFC 9162, 2.1.3.1)."""
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The subtrees that show that a tree grew out of an older one (RFC 9162, 2.1.4.1)."""
    if old in (0, new):
        return []
    spans: list[Span] = []
    begin, end, whole = 0, new, True
    while old < end:
        middle = begin + _half(end - begin)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin, whole = middle, False
    if not whole:
        spans.append(Span(begin, end))
    return spans[::-1]


def tiles_of(spans: Iterable[Span]) -> set[TileKey]:
    """The tiles that hold the hashes of subtrees."""
    return {_place_of(*node)[0] for span in spans for node in _nodes(span)}


def subtree_hash(span: Span, tiles: Tiles) -> bytes:
    """The hash of a subtree of the tree, from its tiles."""
    root: bytes | None = None
    for node in reversed(_nodes(span)):
        key, first, width = _place_of(*node)
        held = tiles[key][first * HASH_BYTES : (first + width) * HASH_BYTES]
        peak = _root_of_power(split(held))
        root = peak if root is None else node_hash(peak, root)
    assert root is not None
    return root


def _half(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1


def _edges(size: int) -> list[tuple[TileKey, int]]:
    edges = []
    level = 0
    while size:
        size, width = divmod(size, TILE_WIDTH)
        edges.append((TileKey(level, size), width))
        level += 1
    return edges


def _root_of_power(hashes: Sequence[bytes]) -> bytes:
    """The root over hashes whose number is a power of two."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
    return hashes[0]


def _peaks(edge: Sequence[bytes]) -> list[bytes]:
    peaks, start = [], 0
    for bit in reversed(range(len(edge).bit_length())):
        width = 1 << bit
        if len(edge) & width:
            peaks.append(_root_of_power(edge[start : start + width]))
            start += width
    return peaks


def _nodes(span: Span) -> list[tuple[int, int]]:
    """The full subtrees of a subtree, from the left: height and place among those of a height."""
    nodes, begin = [], span.begin
    while begin < span.end:
        height = (span.end - begin).bit_length() - 1
        nodes.append((height, begin >> height))
        begin += 1 << height
    return nodes


def _place_of(height: int, index: int) -> tuple[TileKey, int, int]:
    """Where a node's hashes are: the tile, the first one's place in it, and how many they are."""
    level, above = divmod(height, TILE_HEIGHT)
    first = index << above
    return TileKey(level, first // TILE_WIDTH), first % TILE_WIDTH, 1 << above
