-- Statuses, erasures and reversals: what moderators do, and what rankings ask about it.

-- name: user
SELECT user_ref, user_id, status
FROM users
WHERE user_id = :user_id;

-- name: salt_of
SELECT salt FROM users WHERE user_ref = :user_ref;

-- name: set_status
UPDATE users SET status = :status WHERE user_ref = :user_ref;

-- name: erase_user
UPDATE users
SET user_id = NULL, salt = NULL, commitment = :commitment
WHERE user_ref = :user_ref;

-- name: add_erasure
INSERT INTO erasures (seq, user_id) VALUES (:seq, :user_id);

-- name: erasures
-- Names that are still to be removed, by posting.
SELECT seq, user_id
FROM erasures
WHERE seq > :after AND seq <= :upto;

-- name: forget_erased
DELETE FROM erasures WHERE seq <= :upto;

-- name: add_status_posting
-- A posting about a user, without points.
INSERT INTO ledger (seq, epoch, award_id, kind, board, user_ref, points, at, caller)
VALUES (:seq, :epoch, :award_id, :kind, :board, :user_ref, 0, :at, :caller);

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
CROSS JOIN scores AS s
WHERE s.board = p.board AND s.period = p.period AND s.user_id = :user_id
ORDER BY p.board, p.period;

-- name: delete_scores
-- :spans is a JSON array of [board, period].
DELETE FROM scores
WHERE (board, period, user_id) IN (
    SELECT p.value ->> 0, p.value ->> 1, :user_id
    FROM json_each(:spans) AS p
);

-- name: statuses
-- Who is not active.
SELECT user_ref, user_id, status
FROM users
WHERE status <> 'active' AND user_id > :after
ORDER BY user_id
LIMIT :limit;

-- name: reversible_of
-- A user's awards that were not reversed, the newest first, :after < seq < :before.
SELECT l.*, u.user_id
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.user_ref = :user_ref
    AND l.seq > :after AND l.seq < :before
    AND l.kind = 'award'
    AND NOT EXISTS (SELECT 1 FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT :limit;

-- name: reversible_by
-- Awards that a key signed and that were not reversed, the newest first, :after < seq < :before.
-- Whoever was erased has no scores that could change.
SELECT l.*, u.user_id
FROM ledger AS l
CROSS JOIN users AS u
WHERE l.key = :key
    AND l.seq > :after AND l.seq < :before
    AND l.kind = 'award'
    AND u.user_ref = l.user_ref AND u.user_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT :limit;

-- name: reversible_for
-- Awards for an action that were not reversed, the newest first, :after < seq < :before.
-- Walks all postings of the span.
SELECT l.*, u.user_id
FROM ledger AS l
CROSS JOIN users AS u
WHERE l.action_id = :action_id
    AND l.seq > :after AND l.seq < :before
    AND l.kind = 'award'
    AND u.user_ref = l.user_ref AND u.user_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM ledger AS r WHERE r.reverses = l.seq)
ORDER BY l.seq DESC
LIMIT :limit;

-- name: reversible_one
-- An award by its id; `reversed` says whether it was reversed already.
SELECT l.*, u.user_id, EXISTS (SELECT 1 FROM ledger AS r WHERE r.reverses = l.seq) AS reversed
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.award_id = :award_id AND l.kind = 'award' AND u.user_id IS NOT NULL;

-- name: add_reversals
-- :postings is a JSON array of [seq, award id, board, user ref, action, points, score after,
-- reverses].
INSERT INTO ledger (
    seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, reverses, at,
    caller
)
SELECT
    p.value ->> 0, :epoch, p.value ->> 1, 'reverse', p.value ->> 2, p.value ->> 3, p.value ->> 4,
    p.value ->> 5, p.value ->> 6, p.value ->> 7, :at, :caller
FROM json_each(:postings) AS p;

-- name: mark_each
-- Note changes of tops that leave no row in them. :marks is a JSON array of [board, period, seq].
INSERT INTO periods (board, period, marked, marked_at)
SELECT m.value ->> 0, m.value ->> 1, m.value ->> 2, :at
FROM json_each(:marks) AS m
WHERE true
ON CONFLICT (board, period) DO UPDATE
SET marked = excluded.marked, marked_at = excluded.marked_at;

-- name: in_order
-- Scores of active users after a sort key. Two ranges, so that each is one seek in the index.
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score = :score AND s.seq > :seq
        AND NOT EXISTS (
            SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'
        )
    ORDER BY s.seq
    LIMIT :limit
)
UNION ALL
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score < :score
        AND NOT EXISTS (
            SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'
        )
    ORDER BY s.score DESC, s.seq
    LIMIT :limit
)
LIMIT :limit;

-- name: record_of
-- What moderators did to a user, newest first; :subject as it is recorded.
SELECT entry, at, caller, operation, :user_id, reason, before, after
FROM audit
WHERE subject = :subject AND entry < :before
ORDER BY entry DESC
LIMIT :limit;
