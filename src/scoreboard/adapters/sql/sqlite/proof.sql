-- The ledger's tree: its leaves, tiles and checkpoints.

-- name: leaves
-- Postings in the order of core/history.py, and what stands for their users.
SELECT
    l.seq, l.epoch, l.award_id, l.kind, l.board, l.at, l.points, l.user_ref, l.action_id,
    l.score_after, l.key, l.caller, l.reverses, l.detail, u.user_id, u.salt, u.commitment
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
WHERE l.seq > :after
ORDER BY l.seq
LIMIT :limit;

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
