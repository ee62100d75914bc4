-- What audits read and write: activity by hour, sums, findings.

-- name: sightings
-- Awards in order, their columns in the order of core/activity.py.
SELECT seq, at, user_ref, points, action_id, key
FROM ledger
WHERE seq > :after AND kind = 'award'
ORDER BY seq
LIMIT :limit;

-- name: newest_user
-- The greatest reference of a user who had a posting up to a seq; references grow with the ledger.
SELECT coalesce(
    (
        SELECT u.user_ref
        FROM users AS u
        WHERE EXISTS (SELECT 1 FROM ledger AS l WHERE l.user_ref = u.user_ref AND l.seq <= :seq)
        ORDER BY u.user_ref DESC
        LIMIT 1
    ),
    0
);

-- name: put_activity
INSERT OR REPLACE INTO activity (
    user_ref, hour, awards, points, minutes, gaps, steady, capped
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: put_key_activity
INSERT OR REPLACE INTO key_activity (key, hour, awards, newcomers) VALUES (?, ?, ?, ?);

-- name: activities
SELECT user_ref, hour, awards, points, minutes, gaps, steady, capped
FROM activity
WHERE (user_ref, hour) > (:user_ref, :after) AND hour >= :since
ORDER BY user_ref, hour
LIMIT :limit;

-- name: key_activities
SELECT key, hour, awards, newcomers
FROM key_activity
WHERE hour >= :since
ORDER BY key, hour;

-- name: forget_activities
-- At most so many at once.
DELETE FROM activity
WHERE (user_ref, hour) IN (
    SELECT user_ref, hour FROM activity WHERE hour < :before LIMIT :limit
);

-- name: forget_key_activities
DELETE FROM key_activity WHERE hour < :before;

-- name: unequal
-- Scores that are not the sums of their postings, :after < seq <= :upto; a reversal comes later and
-- counts where what it reverses does.
WITH sums AS MATERIALIZED (
    SELECT user_ref, sum(points) AS total
    FROM (
        SELECT user_ref, points
        FROM ledger
        WHERE seq > :after AND seq <= :upto AND board = :board AND kind = 'award'
        UNION ALL
        SELECT user_ref, points
        FROM ledger
        WHERE reverses > :after AND reverses <= :upto AND board = :board
    )
    GROUP BY user_ref
)
SELECT * FROM (
    SELECT u.user_id, s.score, m.total
    FROM sums AS m
    JOIN users AS u USING (user_ref)
    LEFT JOIN scores AS s
        ON s.board = :board AND s.period = :period AND s.user_id = u.user_id
    WHERE u.user_id IS NOT NULL AND s.score IS NOT m.total
    UNION ALL
    SELECT s.user_id, s.score, NULL
    FROM scores AS s
    LEFT JOIN users AS u USING (user_id)
    WHERE s.board = :board AND s.period = :period
        AND NOT EXISTS (
            SELECT 1 FROM ledger AS l
            WHERE l.user_ref = u.user_ref
                AND l.seq > :after
                AND l.seq <= :upto
                AND l.board = :board
                AND l.kind = 'award'
        )
)
ORDER BY user_id
LIMIT :limit;

-- name: scores_there
SELECT count(*) FROM scores WHERE board = :board AND period = :period;

-- name: note_finding
INSERT INTO findings (identity, seq, at, irregularity, day, user_ref, key, says, numbers)
VALUES (:identity, :seq, :at, :irregularity, :day, :user_ref, :key, :says, :numbers)
ON CONFLICT (identity) DO NOTHING
RETURNING entry;

-- name: findings
-- Open ones first: a place is the entry, and for an open one :open more. :before is a place, :since
-- the moment from which on a key's finding stays open. One with an :entry, or all.
WITH known AS (
    SELECT
        k.*,
        NOT k.dealt_with
        AND (k.key IS NULL OR k.at >= :since)
        AND NOT EXISTS (
            SELECT 1 FROM audit AS a
            WHERE a.subject = coalesce('user:' || k.user_ref, k.key)
                AND a.operation = 'finding.dismiss'
                AND a.after ->> 'finding' = f.identity
        ) AS is_open
    FROM known_findings AS k
    JOIN findings AS f USING (entry)
    WHERE :entry IS NULL OR k.entry = :entry
)
SELECT
    entry + iif(is_open, :open, 0) AS place, entry, at, irregularity, day, user_ref, key, says,
    numbers, user_id, status, is_open
FROM known
WHERE entry + iif(is_open, :open, 0) < :before
ORDER BY place DESC
LIMIT :limit;

-- name: open_findings
-- How many of each are open.
SELECT k.irregularity, count(*)
FROM known_findings AS k
JOIN findings AS f USING (entry)
WHERE NOT k.dealt_with
    AND (k.key IS NULL OR k.at >= :since)
    AND NOT EXISTS (
        SELECT 1 FROM audit AS a
        WHERE a.subject = coalesce('user:' || k.user_ref, k.key)
            AND a.operation = 'finding.dismiss'
            AND a.after ->> 'finding' = f.identity
    )
GROUP BY k.irregularity;

-- name: held
SELECT count(*) FROM users WHERE status = 'held';
