-- What makes a ranking as of an earlier seq, and keeps it right about who is shown.

-- name: scores_at
-- Scores by user as they stood at a seq: board, period, seq, after which user, limit, and where the
-- period starts and ends. What came since is taken off again. Who has a score that was changed since
-- has the place of the last posting up to then that changed it or, if none did, of the first that
-- counted there; who has neither was not there.
SELECT
    s.user_id,
    s.score - CASE WHEN s.seq > $3 THEN since.points ELSE 0 END AS score,
    p.seq,
    p.at
FROM scores AS s
JOIN users AS u ON u.user_id = s.user_id
LEFT JOIN LATERAL (
    SELECT coalesce(sum(l.points), 0)::BIGINT AS points
    FROM ledger AS l
    LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
    WHERE s.seq > $3
        AND l.user_ref = u.user_ref
        AND l.seq > $3
        AND l.board = $1
        AND l.kind IN ('award', 'reverse')
        AND coalesce(reversed.at, l.at) >= $6
        AND coalesce(reversed.at, l.at) < $7
) AS since ON true
LEFT JOIN LATERAL (
    SELECT l.seq
    FROM ledger AS l
    LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
    WHERE s.seq > $3
        AND l.user_ref = u.user_ref
        AND l.seq <= $3
        AND l.board = $1
        AND l.kind IN ('award', 'reverse')
        AND l.points <> 0
        AND coalesce(reversed.at, l.at) >= $6
        AND coalesce(reversed.at, l.at) < $7
    ORDER BY l.seq DESC
    LIMIT 1
) AS changed ON true
LEFT JOIN LATERAL (
    SELECT l.seq
    FROM ledger AS l
    WHERE s.seq > $3
        AND changed.seq IS NULL
        AND l.user_ref = u.user_ref
        AND l.seq <= $3
        AND l.board = $1
        AND l.kind = 'award'
        AND l.at >= $6
        AND l.at < $7
    ORDER BY l.seq
    LIMIT 1
) AS first ON true
JOIN ledger AS p ON p.seq = CASE WHEN s.seq > $3 THEN coalesce(changed.seq, first.seq) ELSE s.seq END
WHERE s.board = $1 AND s.period = $2 AND s.user_id > $4
ORDER BY s.user_id
LIMIT $5;

-- name: turns
-- Postings about users, of boards' settings and of reveals, after one seq and up to another; those that
-- erased a user with the name that is still kept.
SELECT l.*, coalesce(u.user_id, e.user_id) AS user_id
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN erasures AS e ON e.seq = l.seq
WHERE l.seq > $1 AND l.seq <= $2 AND l.kind IN ('hold', 'hide', 'ban', 'release', 'erase', 'board', 'reveal')
ORDER BY l.seq;
