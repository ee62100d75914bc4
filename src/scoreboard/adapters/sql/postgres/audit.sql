-- What audits read and write: activity by hour, sums, findings.

-- name: sightings
-- Awards in order, their columns in the order of core/activity.py: after a seq, at most so many.
SELECT seq, at, user_ref, points, action_id, key
FROM ledger
WHERE seq > $1 AND kind = 'award'
ORDER BY seq
LIMIT $2;

-- name: seq_before
SELECT seq_before($1);

-- name: newest_user
-- The greatest reference of a user who had a posting up to a seq; references grow with the ledger.
SELECT coalesce(
    (
        SELECT u.user_ref
        FROM users AS u
        WHERE EXISTS (SELECT FROM ledger AS l WHERE l.user_ref = u.user_ref AND l.seq <= $1)
        ORDER BY u.user_ref DESC
        LIMIT 1
    ),
    0
);

-- name: put_activities
-- A list a column.
INSERT INTO activity (user_ref, hour, awards, points, minutes, gaps, steady, capped)
SELECT *
FROM unnest(
    $1::BIGINT[], $2::INTEGER[], $3::INTEGER[], $4::BIGINT[], $5::BIGINT[], $6::INTEGER[],
    $7::INTEGER[], $8::INTEGER[]
)
ON CONFLICT (user_ref, hour) DO UPDATE
SET awards = excluded.awards,
    points = excluded.points,
    minutes = excluded.minutes,
    gaps = excluded.gaps,
    steady = excluded.steady,
    capped = excluded.capped;

-- name: put_key_activities
-- A list a column.
INSERT INTO key_activity (key, hour, awards, newcomers)
SELECT *
FROM unnest($1::TEXT[], $2::INTEGER[], $3::INTEGER[], $4::INTEGER[])
ON CONFLICT (key, hour) DO UPDATE
SET awards = excluded.awards,
    newcomers = excluded.newcomers;

-- name: activities
-- By user and hour: after such a pair, since an hour, at most so many.
SELECT user_ref, hour, awards, points, minutes, gaps, steady, capped
FROM activity
WHERE (user_ref, hour) > ($1, $2) AND hour >= $3
ORDER BY user_ref, hour
LIMIT $4;

-- name: key_activities
SELECT key, hour, awards, newcomers
FROM key_activity
WHERE hour >= $1
ORDER BY key, hour;

-- name: forget_activities
-- Before an hour, at most so many at once; answers how many.
WITH gone AS (
    DELETE FROM activity
    WHERE (user_ref, hour) IN (SELECT user_ref, hour FROM activity WHERE hour < $1 LIMIT $2)
    RETURNING 1
)
SELECT count(*) FROM gone;

-- name: forget_key_activities
DELETE FROM key_activity WHERE hour < $1;

-- name: unequal
-- Scores that are not the sums of their postings: board, period, after which seq, up to which, at
-- most so many. A reversal comes later and counts where what it reverses does.
WITH sums AS MATERIALIZED (
    SELECT m.user_ref, sum(m.points) AS total
    FROM (
        SELECT user_ref, points
        FROM ledger
        WHERE seq > $3 AND seq <= $4 AND board = $1 AND kind = 'award'
        UNION ALL
        SELECT user_ref, points
        FROM ledger
        WHERE reverses > $3 AND reverses <= $4 AND board = $1
    ) AS m
    GROUP BY m.user_ref
),
named AS (
    SELECT u.user_id, m.total
    FROM sums AS m
    JOIN users AS u USING (user_ref)
    WHERE u.user_id IS NOT NULL
)
SELECT coalesce(n.user_id, s.user_id) AS user_id, s.score, n.total
FROM named AS n
FULL JOIN (SELECT user_id, score FROM scores WHERE board = $1 AND period = $2) AS s
    ON s.user_id = n.user_id
WHERE s.score IS DISTINCT FROM n.total
ORDER BY 1
LIMIT $5;

-- name: scores_there
SELECT count(*) FROM scores WHERE board = $1 AND period = $2;

-- name: note_finding
-- identity, seq, at, irregularity, day, user, key, says, numbers
INSERT INTO findings (identity, seq, at, irregularity, day, user_ref, key, says, numbers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (identity) DO NOTHING
RETURNING entry;

-- name: findings
-- Open ones first: a place is the entry, and for an open one $1 more. Before a place, at most so
-- many; $2 is the moment from which on a key's finding stays open. One with an entry, or all.
WITH known AS (
    SELECT
        k.*,
        NOT k.dealt_with
        AND (k.key IS NULL OR k.at >= $2)
        AND NOT EXISTS (
            SELECT FROM audit AS a
            WHERE a.subject = coalesce('user:' || k.user_ref, k.key)
                AND a.operation = 'finding.dismiss'
                AND a.after::JSONB ->> 'finding' = f.identity
        ) AS is_open
    FROM known_findings AS k
    JOIN findings AS f USING (entry)
    WHERE $5::BIGINT IS NULL OR k.entry = $5
)
SELECT
    entry + CASE WHEN is_open THEN $1::BIGINT ELSE 0 END AS place, entry, at, irregularity, day,
    user_ref, key, says, numbers, user_id, status, is_open
FROM known
WHERE entry + CASE WHEN is_open THEN $1::BIGINT ELSE 0 END < $3
ORDER BY place DESC
LIMIT $4;

-- name: open_findings
-- How many of each are open.
SELECT k.irregularity, count(*)
FROM known_findings AS k
JOIN findings AS f USING (entry)
WHERE NOT k.dealt_with
    AND (k.key IS NULL OR k.at >= $1)
    AND NOT EXISTS (
        SELECT FROM audit AS a
        WHERE a.subject = coalesce('user:' || k.user_ref, k.key)
            AND a.operation = 'finding.dismiss'
            AND a.after::JSONB ->> 'finding' = f.identity
    )
GROUP BY k.irregularity;

-- name: held
SELECT count(*) FROM users WHERE status = 'held';
