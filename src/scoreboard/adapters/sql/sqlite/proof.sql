-- The ledger's tree: its leaves, tiles and checkpoints.

-- name: leaves
-- Postings in the order of core/history.py.
SELECT
    seq, epoch, award_id, kind, board, at, points, user_ref, action_id, score_after, key, caller,
    reverses, detail
FROM ledger
WHERE seq > :after
ORDER BY seq
LIMIT :limit;

-- name: commitments
-- What stands for users in leaves. :refs is a JSON array of them.
SELECT user_ref, user_id, salt, commitment
FROM users
WHERE user_ref IN (SELECT value FROM json_each(:refs));

-- name: salt
SELECT salt FROM users WHERE user_ref = :user_ref;

-- name: tile
-- The parts of a tile in their order.
SELECT hashes
FROM tiles
WHERE level = :level AND first >= :first AND first < :first + 256
ORDER BY first;

-- name: add_run
INSERT INTO tiles (level, first, hashes) VALUES (:level, :first, :hashes);

-- name: add_sealing
INSERT INTO checkpoints (size, note, key, term) VALUES (:size, :note, :key, :term);

-- name: newest_sealing
SELECT size, note, key, term FROM checkpoints ORDER BY size DESC LIMIT 1;

-- name: sealing_at
-- The first checkpoint that covers so many postings.
SELECT size, note, key, term FROM checkpoints WHERE size >= :size ORDER BY size LIMIT 1;

-- name: tiles_end
-- How many leaves are in the tiles.
SELECT coalesce(
    (SELECT first + length(hashes) / 32 FROM tiles WHERE level = 0 ORDER BY first DESC LIMIT 1), 0
);

-- name: runs
-- What the tiles of a level have from one place on, before another one.
SELECT level, first, hashes
FROM tiles
WHERE level = :level AND first >= :after AND first < :before
ORDER BY first;

-- name: sealings
-- Checkpoints of more postings than some, up to some.
SELECT size, note, key, term
FROM checkpoints
WHERE size > :after AND size <= :upto
ORDER BY size;
