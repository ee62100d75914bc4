-- How scores came about, and how they stood at an earlier seq.

-- name: account
-- A user's score, shown or not, and beside it what the newest postings on the board come to by
-- action, of those that count in the period: board, period, user, most postings, start, end.
SELECT
    h.epoch, head.seq AS head_seq, s.score, s.seq, s.updated_at, a.action_id, a.awards, a.reversed,
    a.points, a.first_at, a.last_at
FROM users AS u
CROSS JOIN LATERAL (
    SELECT score, seq, updated_at
    FROM scores
    WHERE board = $1 AND period = $2 AND user_id = u.user_id
    ORDER BY seq DESC
    LIMIT 1
) AS s
CROSS JOIN ledger_head AS h
CROSS JOIN LATERAL (SELECT seq FROM ledger ORDER BY seq DESC LIMIT 1) AS head
LEFT JOIN LATERAL (
    SELECT
        m.action_id, count(*) FILTER (WHERE m.kind = 'award') AS awards,
        count(*) FILTER (WHERE m.kind = 'reverse') AS reversed,
        sum(m.points)::BIGINT AS points, min(m.at) AS first_at, max(m.at) AS last_at
    FROM (
        SELECT l.action_id, l.kind, l.points, l.at, coalesce(reversed.at, l.at) AS counts_at
        FROM ledger AS l
        LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
        WHERE l.user_ref = u.user_ref AND l.board = $1 AND l.kind IN ('award', 'reverse')
        ORDER BY l.seq DESC
        LIMIT $4
    ) AS m
    WHERE m.counts_at >= $5 AND m.counts_at < $6
    GROUP BY m.action_id
) AS a ON true
WHERE u.user_id = $3
ORDER BY a.points DESC, a.action_id;

-- name: past
-- Scores as they stood at a seq, of those who were shown then: board, after which seq, up to which, start, end.
WITH past AS MATERIALIZED (
    SELECT u.user_id, p.score, p.seq, p.at
    FROM (
        SELECT
            l.user_ref, sum(l.points)::BIGINT AS score,
            coalesce(max(l.seq) FILTER (WHERE l.points <> 0), min(l.seq)) AS seq,
            coalesce(max(l.at) FILTER (WHERE l.points <> 0), min(l.at)) AS at
        FROM ledger AS l
        LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
        WHERE l.seq > $2 AND l.seq <= $3
            AND l.board = $1
            AND l.kind IN ('award', 'reverse')
            AND coalesce(reversed.at, l.at) >= $4
            AND coalesce(reversed.at, l.at) < $5
        GROUP BY l.user_ref
    ) AS p
    JOIN users AS u USING (user_ref)
    WHERE u.user_id IS NOT NULL
        AND coalesce(
            (
                SELECT t.kind
                FROM ledger AS t
                WHERE t.user_ref = p.user_ref AND t.seq <= $3
                    AND t.kind IN ('hold', 'hide', 'ban', 'release')
                ORDER BY t.seq DESC
                LIMIT 1
            ),
            'release'
        ) = 'release'
)

-- name: top_at
-- The first of them: as above, and how many.
-- include: past
SELECT user_id, score, seq, at
FROM past
ORDER BY score DESC, seq
LIMIT $6;

-- name: standing_at
-- One among them, by counting: as above, and who.
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
WHERE own.user_id = $6;
