-- How scores came about, and how they stood at an earlier seq.

-- name: account
-- What a user's newest postings on a board come to by action, of those that count in a period.
SELECT
    m.action_id, sum(m.kind = 'award'), sum(m.kind = 'reverse'), sum(m.points), min(m.at),
    max(m.at)
FROM (
    SELECT l.action_id, l.kind, l.points, l.at, coalesce(reversed.at, l.at) AS counts_at
    FROM users AS u
    CROSS JOIN ledger AS l
    LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
    WHERE u.user_id = :user_id
        AND l.user_ref = u.user_ref
        AND l.board = :board
        AND l.kind IN ('award', 'reverse')
    ORDER BY l.seq DESC
    LIMIT :limit
) AS m
WHERE m.counts_at >= :start AND m.counts_at < :end
GROUP BY m.action_id
ORDER BY sum(m.points) DESC, m.action_id;

-- name: past
-- Scores as they stood at a seq, of those who were shown then: postings :after < seq <= :upto that count from :start to before :end.
WITH past AS MATERIALIZED (
    SELECT u.user_id, p.score, p.seq, p.at
    FROM (
        SELECT
            l.user_ref, sum(l.points) AS score,
            coalesce(max(iif(l.points <> 0, l.seq, NULL)), min(l.seq)) AS seq,
            coalesce(max(iif(l.points <> 0, l.at, NULL)), min(l.at)) AS at
        FROM ledger AS l
        LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
        WHERE l.seq > :after AND l.seq <= :upto
            AND l.board = :board
            AND l.kind IN ('award', 'reverse')
            AND coalesce(reversed.at, l.at) >= :start
            AND coalesce(reversed.at, l.at) < :end
        GROUP BY l.user_ref
    ) AS p
    JOIN users AS u USING (user_ref)
    WHERE u.user_id IS NOT NULL
        AND coalesce(
            (
                SELECT t.kind
                FROM ledger AS t
                WHERE t.user_ref = p.user_ref AND t.seq <= :upto
                    AND t.kind IN ('hold', 'hide', 'ban', 'release')
                ORDER BY t.seq DESC
                LIMIT 1
            ),
            'release'
        ) = 'release'
)

-- name: top_at
-- The first of them.
-- include: past
SELECT user_id, score, seq, at
FROM past
ORDER BY score DESC, seq
LIMIT :limit;

-- name: standing_at
-- One among them, by counting.
-- include: past
SELECT
    own.user_id, own.score, own.seq, own.at,
    (SELECT count(*) FROM past WHERE score > own.score) AS above,
    (SELECT count(*) FROM past WHERE score = own.score AND seq < own.seq) AS equals,
    (SELECT count(*) FROM past) AS total,
    (SELECT min(score) FROM past WHERE score > own.score) AS next_score,
    (
        SELECT count(*) FROM past
        WHERE score > (SELECT min(score) FROM past WHERE score > own.score)
    ) AS next_above
FROM past AS own
WHERE own.user_id = :user_id;
