"""The ledger's tree in SQLite: leaves, tiles and checkpoints."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from scoreboard.adapters.leaves import stands_for
from scoreboard.adapters.sqlite.file import SQL, transaction
from scoreboard.adapters.sqlite.reader import NEVER_SEQ
from scoreboard.adapters.sqlite.writer import Writer, to_json
from scoreboard.core.leaf import leaf_of
from scoreboard.core.merkle import LEVELS, TILE_WIDTH, Run, TileKey
from scoreboard.errors import Deposed, OutOfPlace
from scoreboard.ports import Part, Sealing

USER_REF = 7  # its place in a row of leaves


def read_leaves(db: sqlite3.Connection, after: int, limit: int) -> Sequence[bytes]:
    """Users are read once a page: many of its postings are of the same ones."""
    rows = db.execute(SQL["leaves"], {"after": after, "limit": limit}).fetchall()
    refs = {row[USER_REF] for row in rows} - {None}
    found = db.execute(SQL["commitments"], {"refs": to_json(sorted(refs))})
    users = {ref: stands_for(*user) for ref, *user in found}
    return [leaf_of(row, users.get(row[USER_REF])) for row in rows]


def salt(db: sqlite3.Connection, user_ref: int) -> bytes | None:
    row = db.execute(SQL["salt"], {"user_ref": user_ref}).fetchone()
    return row[0] if row else None


def tiles(db: sqlite3.Connection, keys: Collection[TileKey]) -> Mapping[TileKey, bytes]:
    return {key: _tile(db, key) for key in keys}


def _tile(db: sqlite3.Connection, key: TileKey) -> bytes:
    place = {"level": key.level, "first": key.number * TILE_WIDTH}
    return b"".join(hashes for (hashes,) in db.execute(SQL["tile"], place))


def newest(db: sqlite3.Connection) -> Sealing | None:
    return _sealing(db.execute(SQL["newest_sealing"]).fetchone())


def covering(db: sqlite3.Connection, size: int) -> Sealing | None:
    return _sealing(db.execute(SQL["sealing_at"], {"size": size}).fetchone())


def _sealing(row: tuple[int, str, bytes, int] | None) -> Sealing | None:
    if row is None:
        return None
    size, note, key, term = row
    return Sealing(size=size, note=note, key=key, term=term)


def seal(writer: Writer, runs: Sequence[Run], sealing: Sealing) -> None:
    """Append hashes and the checkpoint over them."""
    with transaction(writer.db, committing=writer.before_commit):
        before = newest(writer.db)
        if before and before.term > sealing.term:
            raise Deposed
        (end,) = writer.db.execute(SQL["tiles_end"]).fetchone()
        if before and before.size >= sealing.size:
            raise OutOfPlace(end)
        try:
            writer.db.executemany(SQL["add_run"], map(msgspec.structs.asdict, runs))
        except sqlite3.IntegrityError as error:
            raise OutOfPlace(end) from error
        if writer.db.execute(SQL["tiles_end"]).fetchone()[0] != sealing.size:
            raise OutOfPlace(end)
        writer.db.execute(SQL["add_sealing"], msgspec.structs.asdict(sealing))


def with_seals(db: sqlite3.Connection, lines: Iterator[Sequence[Part]]) -> Iterator[Sequence[Part]]:
    """Pages of postings, after each the tiles and checkpoints of them; at the end the rest."""
    after = 0
    for page in lines:
        yield page
        upto: int = page[-1].seq  # type: ignore[union-attr]
        yield from seals(db, after, upto)
        after = upto
    yield from seals(db, after, NEVER_SEQ)


def seals(db: sqlite3.Connection, after: int, upto: int) -> tuple[Sequence[Run], Sequence[Sealing]]:
    """The hashes in the tiles, level by level, and the checkpoints."""
    runs: list[Run] = []
    first, last = after, upto
    for level in range(LEVELS):
        span = {"level": level, "after": first, "before": last}
        runs += [Run(*row) for row in db.execute(SQL["runs"], span)]
        first, last = first // TILE_WIDTH, last // TILE_WIDTH
    rows = db.execute(SQL["sealings"], {"after": after, "upto": upto})
    return runs, [Sealing(size=row[0], note=row[1], key=row[2], term=row[3]) for row in rows]
