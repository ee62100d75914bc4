-- What moderators decided, as it is kept, posted and recorded: for audits.

-- name: decided
-- After a user, at most so many.
-- Who is not active, or was decided about: in indexes alone.
WITH known AS (
    SELECT user_ref FROM users WHERE status <> 'active' AND user_ref > $1
    UNION
    SELECT user_ref FROM ledger WHERE kind IN ('hold', 'hide', 'ban', 'release') AND user_ref > $1
    UNION
    SELECT user_ref FROM ledger WHERE kind IN ('hide', 'ban', 'release', 'erase') AND user_ref > $1
    ORDER BY user_ref
    LIMIT $2
)
SELECT
    u.user_ref, u.user_id, u.status,
    (
        SELECT l.kind
        FROM ledger AS l
        WHERE l.user_ref = u.user_ref AND l.kind IN ('hold', 'hide', 'ban', 'release')
        ORDER BY l.seq DESC
        LIMIT 1
    ) AS kind,
    (
        SELECT count(*)
        FROM ledger AS l
        WHERE l.user_ref = u.user_ref AND l.kind IN ('hold', 'hide', 'ban', 'release')
    )
    + (
        SELECT count(*)
        FROM ledger AS l
        WHERE l.user_ref = u.user_ref
            AND l.kind IN ('hide', 'ban', 'release', 'erase')
            AND l.kind = 'erase'
    ) AS decisions,
    (
        SELECT count(*)
        FROM audit AS a
        WHERE a.subject = 'user:' || u.user_ref
            AND a.operation IN (
                'user.hold', 'user.hide', 'user.ban', 'user.release', 'user.erase'
            )
    ) AS recorded
FROM known
JOIN users AS u USING (user_ref)
ORDER BY u.user_ref;

-- name: undone
-- By postings, and by the record of changes.
SELECT
    (SELECT count(*) FROM ledger WHERE reverses > 0) AS posted,
    (
        SELECT coalesce(sum((after::JSONB ->> 'awards')::BIGINT), 0)::BIGINT
        FROM audit
        WHERE operation = 'award.reverse'
    ) AS recorded;

-- name: unrecorded_keys
-- Keys that were not added, or are revoked or not, as the record of changes says.
SELECT k.key
FROM signing_keys AS k
WHERE NOT EXISTS (
    SELECT FROM audit AS a WHERE a.subject = k.key AND a.operation = 'key.put'
)
OR (k.revoked_at IS NOT NULL) <> EXISTS (
    SELECT FROM audit AS a WHERE a.subject = k.key AND a.operation = 'key.revoke'
)
ORDER BY k.key;
