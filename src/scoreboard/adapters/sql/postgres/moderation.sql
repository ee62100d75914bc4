-- Statuses, erasures and reversals: what moderators do, and what rankings ask about it.

-- name: user
SELECT user_ref, user_id, status
FROM users
WHERE user_id = $1;

-- name: salt_of
SELECT salt FROM users WHERE user_ref = $1;

-- name: set_status
-- User, status.
UPDATE users SET status = $2 WHERE user_ref = $1;

-- name: erase_user
-- User, commitment.
UPDATE users
SET user_id = NULL, salt = NULL, commitment = $2
WHERE user_ref = $1;

-- name: add_erasure
-- Seq, user id.
INSERT INTO erasures (seq, user_id) VALUES ($1, $2);

-- name: erasures
-- Names that are still to be removed, by posting: after which seq, up to which.
SELECT seq, user_id
FROM erasures
WHERE seq > $1 AND seq <= $2;

-- name: forget_erased
DELETE FROM erasures WHERE seq <= $1;

-- name: add_status_posting
-- A posting about a user, without points: seq, epoch, award id, kind, board, user, at, caller.
INSERT INTO ledger (seq, epoch, award_id, kind, board, user_ref, points, at, caller)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8);

-- name: spans_of
-- Where a user has a score. From one period of a board to its next: one seek in the index each.
WITH RECURSIVE spans (board, period) AS (
    SELECT b.board, (SELECT min(s.period) FROM scores AS s WHERE s.board = b.board)
    FROM boards AS b
    UNION ALL
    SELECT
        p.board,
        (SELECT min(s.period) FROM scores AS s WHERE s.board = p.board AND s.period > p.period)
    FROM spans AS p
    WHERE p.period IS NOT NULL
)
SELECT p.board, p.period
FROM spans AS p
CROSS JOIN LATERAL (
    SELECT
    FROM scores AS s
    WHERE s.board = p.board AND s.period = p.period AND s.user_id = $1
    OFFSET 0
) AS s
ORDER BY p.board, p.period;

-- name: delete_scores
-- User id, boards, periods.
DELETE FROM scores AS s
USING unnest($2::TEXT[], $3::TEXT[]) AS p (board, period)
WHERE s.board = p.board AND s.period = p.period AND s.user_id = $1;

-- name: statuses
-- Who is not active: after a user id, at most so many; beside the head.
SELECT h.epoch, l.seq, u.user_ref, u.user_id, u.status
FROM ledger_head AS h
CROSS JOIN LATERAL (SELECT seq FROM ledger ORDER BY seq DESC LIMIT 1) AS l
LEFT JOIN LATERAL (
    SELECT user_ref, user_id, status
    FROM users
    WHERE status <> 'active' AND user_id > $1
    ORDER BY user_id
    LIMIT $2
) AS u ON true
ORDER BY u.user_id;

-- name: reversible_of
-- A user's awards that were not reversed, the newest first: user, since, before which seq, limit.
SELECT l.*, u.user_id
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.user_ref = $1
    AND l.seq > (SELECT seq_before($2)) AND l.seq < $3
    AND l.kind = 'award'
    AND NOT EXISTS (SELECT FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT $4;

-- name: reversible_by
-- Awards that a key signed and that were not reversed, the newest first: key, since, before which
-- seq, limit. Whoever was erased has no scores that could change.
SELECT l.*, u.user_id
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.key = $1
    AND l.seq > (SELECT seq_before($2)) AND l.seq < $3
    AND l.kind = 'award'
    AND u.user_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT $4;

-- name: reversible_for
-- Awards for an action that were not reversed, the newest first, action, since, before which seq, limit.
-- Walks all postings of the span.
SELECT l.*, u.user_id
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.action_id = $1
    AND l.seq > (SELECT seq_before($2)) AND l.seq < $3
    AND l.kind = 'award'
    AND u.user_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT $4;

-- name: reversible_one
-- An award by its id; `reversed` says whether it was reversed already.
SELECT l.*, u.user_id, EXISTS (SELECT FROM ledger AS r WHERE r.reverses = l.seq) AS reversed
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.award_id = $1 AND l.kind = 'award' AND u.user_id IS NOT NULL;

-- name: bases
-- Scores that change: boards, periods, users.
SELECT s.board, s.period, s.user_id, s.score, s.seq, s.updated_at
FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[]) AS k (board, period, user_id)
CROSS JOIN LATERAL (
    SELECT board, period, user_id, score, seq, updated_at
    FROM scores
    WHERE board = k.board AND period = k.period AND user_id = k.user_id
    ORDER BY seq DESC
    LIMIT 1
) AS s;

-- name: move_scores
-- Boards, periods, users, the seqs that their scores have; scores and seqs to come, at.
UPDATE scores AS s
SET score = t.score, seq = t.seq, updated_at = $7
FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[])
    AS t (board, period, user_id, before, score, seq)
WHERE s.board = t.board AND s.period = t.period AND s.user_id = t.user_id AND s.seq = t.before;

-- name: add_reversals
-- Epoch, at, caller; seqs, award ids, boards, users, actions, points, scores after, what they
-- reverse.
INSERT INTO ledger (
    seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller,
    reverses
)
SELECT
    p.seq, $1, p.award_id, 'reverse', p.board, p.user_ref, p.action_id, p.points, p.score_after,
    $2, $3, p.reverses
FROM unnest(
    $4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::BIGINT[], $8::TEXT[], $9::BIGINT[], $10::BIGINT[],
    $11::BIGINT[]
) AS p (seq, award_id, board, user_ref, action_id, points, score_after, reverses);

-- name: mark_each
-- Note changes of tops that leave no row in them: boards, periods, seqs, at.
INSERT INTO periods (board, period, marked, marked_at)
SELECT m.board, m.period, m.seq, $4
FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[]) AS m (board, period, seq)
ON CONFLICT (board, period) DO UPDATE
SET marked = excluded.marked, marked_at = excluded.marked_at;

-- name: in_order
-- Scores of active users after a sort key: board, period, score, seq, limit. Two ranges, so that
-- each is one seek in the index.
SELECT *
FROM (
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score = $3 AND s.seq > $4
            AND NOT EXISTS (
                SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'
            )
        ORDER BY s.seq
        LIMIT $5
    )
    UNION ALL
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score < $3
            AND NOT EXISTS (
                SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'
            )
        ORDER BY s.score DESC, s.seq
        LIMIT $5
    )
) AS shown
ORDER BY score DESC, seq
LIMIT $5;

-- name: record_of
-- What moderators did to a user, newest first: user id, subject as it is recorded, before which
-- entry, limit.
SELECT entry, at, caller, operation, $1::TEXT AS subject, reason, before, after
FROM audit
WHERE subject = $2 AND entry < $3
ORDER BY entry DESC
LIMIT $4;
