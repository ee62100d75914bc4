-- The ledger's tree: its leaves, tiles and checkpoints.

-- name: leaves
-- Postings in the order of core/history.py, and what stands for their users: after a seq, at most
-- so many.
SELECT
    l.seq, l.epoch, l.award_id, l.kind, l.board, l.at, l.points, l.user_ref, l.action_id,
    l.score_after, l.key, l.caller, l.reverses, l.detail, u.user_id, u.salt, u.commitment
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
WHERE l.seq > $1
ORDER BY l.seq
LIMIT $2;

-- name: salt
SELECT salt FROM users WHERE user_ref = $1;

-- name: tiles
-- The parts of tiles in their order: levels, and the first places.
SELECT k.level, k.first, t.hashes
FROM unnest($1::INTEGER[], $2::BIGINT[]) AS k (level, first)
CROSS JOIN LATERAL (
    SELECT first, hashes
    FROM tiles
    WHERE level = k.level AND first >= k.first AND first < k.first + 256
    ORDER BY first
    OFFSET 0
) AS t
ORDER BY k.level, t.first;

-- name: lock_sealing
-- One node seals at a time; a number that nobody else locks.
SELECT pg_advisory_xact_lock(6620281154838937212);

-- name: add_run
INSERT INTO tiles (level, first, hashes) VALUES ($1, $2, $3);

-- name: add_sealing
INSERT INTO checkpoints (size, note, key, term) VALUES ($1, $2, $3, $4);

-- name: newest_sealing
SELECT size, note, key, term FROM checkpoints ORDER BY size DESC LIMIT 1;

-- name: sealing_at
-- The first checkpoint that covers so many postings.
SELECT size, note, key, term FROM checkpoints WHERE size >= $1 ORDER BY size LIMIT 1;

-- name: tiles_end
-- How many leaves are in the tiles.
SELECT coalesce(
    (SELECT first + length(hashes) / 32 FROM tiles WHERE level = 0 ORDER BY first DESC LIMIT 1), 0
);

-- name: runs
-- What the tiles of a level have from one place on, before another one.
SELECT level, first, hashes
FROM tiles
WHERE level = $1 AND first >= $2 AND first < $3
ORDER BY first;

-- name: sealings
-- Checkpoints of more postings than some, up to some.
SELECT size, note, key, term
FROM checkpoints
WHERE size > $1 AND size <= $2
ORDER BY size;
