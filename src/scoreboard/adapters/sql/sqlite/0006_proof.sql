-- The ledger's Merkle tree: its hashes in tiles, and the checkpoints that were signed of it.

-- Hashes that stand beside each other in a tile of 256; level 0 has those of the leaves.
CREATE TABLE tiles (
    level  INTEGER NOT NULL CONSTRAINT tiles_level CHECK (level BETWEEN 0 AND 7),
    first  INTEGER NOT NULL CONSTRAINT tiles_first CHECK (first >= 0),
    hashes BLOB    NOT NULL
        CONSTRAINT tiles_hashes CHECK (
            length(hashes) > 0 AND length(hashes) % 32 = 0
            AND first % 256 + length(hashes) / 32 <= 256
        ),
    CONSTRAINT tiles_key PRIMARY KEY (level, first)
) STRICT;

CREATE TABLE checkpoints (
    size INTEGER NOT NULL PRIMARY KEY CONSTRAINT checkpoints_size CHECK (size > 0),
    note TEXT    NOT NULL,
    key  BLOB    NOT NULL CONSTRAINT checkpoints_public CHECK (length(key) = 32),
    term INTEGER NOT NULL
) STRICT;

CREATE TRIGGER tiles_are_never_updated BEFORE UPDATE ON tiles
BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END;

CREATE TRIGGER tiles_are_never_deleted BEFORE DELETE ON tiles
BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END;

CREATE TRIGGER tiles_only_grow BEFORE INSERT ON tiles
WHEN NEW.first <> coalesce(
    (
        SELECT first + length(hashes) / 32 FROM tiles
        WHERE level = NEW.level
        ORDER BY first DESC
        LIMIT 1
    ),
    0
)
BEGIN SELECT RAISE(ABORT, 'tiles only grow, without gaps'); END;

CREATE TRIGGER checkpoints_are_never_updated BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;

CREATE TRIGGER checkpoints_are_never_deleted BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;

CREATE TRIGGER checkpoints_only_grow BEFORE INSERT ON checkpoints
WHEN EXISTS (
    SELECT 1 FROM (SELECT size, term FROM checkpoints ORDER BY size DESC LIMIT 1) AS newest
    WHERE newest.size >= NEW.size OR newest.term > NEW.term
)
BEGIN SELECT RAISE(ABORT, 'checkpoints only grow'); END;
