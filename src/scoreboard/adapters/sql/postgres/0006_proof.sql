-- The ledger's Merkle tree: its hashes in tiles, and the checkpoints that were signed of it.

-- Hashes that stand beside each other in a tile of 256; level 0 has those of the leaves.
CREATE TABLE tiles (
    level  INTEGER NOT NULL CONSTRAINT tiles_level CHECK (level BETWEEN 0 AND 7),
    first  BIGINT  NOT NULL CONSTRAINT tiles_first CHECK (first >= 0),
    hashes BYTEA   NOT NULL
        CONSTRAINT tiles_hashes CHECK (
            length(hashes) > 0 AND length(hashes) % 32 = 0
            AND first % 256 + length(hashes) / 32 <= 256
        ),
    CONSTRAINT tiles_key PRIMARY KEY (level, first)
);

-- Hashes do not compress.
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE checkpoints (
    size BIGINT NOT NULL CONSTRAINT checkpoints_size CHECK (size > 0),
    note TEXT   NOT NULL,
    key  BYTEA  NOT NULL CONSTRAINT checkpoints_public CHECK (length(key) = 32),
    term BIGINT NOT NULL,
    CONSTRAINT checkpoints_key PRIMARY KEY (size)
);

CREATE FUNCTION refuse_torn_tiles() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.first <> coalesce(
        (
            SELECT first + length(hashes) / 32 FROM tiles
            WHERE level = NEW.level
            ORDER BY first DESC
            LIMIT 1
        ),
        0
    ) THEN
        RAISE EXCEPTION 'tiles only grow, without gaps'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_old_checkpoints() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT size, term FROM checkpoints ORDER BY size DESC LIMIT 1) AS newest
        WHERE newest.size >= NEW.size OR newest.term > NEW.term
    ) THEN
        RAISE EXCEPTION 'checkpoints only grow'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER tiles_are_never_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON tiles
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TRIGGER tiles_only_grow BEFORE INSERT ON tiles
FOR EACH ROW EXECUTE FUNCTION refuse_torn_tiles();

CREATE TRIGGER checkpoints_are_never_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TRIGGER checkpoints_only_grow BEFORE INSERT ON checkpoints
FOR EACH ROW EXECUTE FUNCTION refuse_old_checkpoints();

ALTER TABLE tiles ENABLE ALWAYS TRIGGER tiles_are_never_rewritten;
ALTER TABLE tiles ENABLE ALWAYS TRIGGER tiles_only_grow;
ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_are_never_rewritten;
ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_only_grow;
