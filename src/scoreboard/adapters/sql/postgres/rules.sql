-- What rules look back at, and who broke them.

-- name: know_group_and_rules
-- The past comes after the lock: the second function asks with what the first one answers.
SELECT
    g.epoch, g.seq, g.at, g.catalogue, g.ids, g.refs, g.statuses, g.scores, g.seqs, g.ats,
    r.counts, r.lasts, r.points, r.key_counts
FROM know_group($1, $2, $3, $4, $5, $6, '{}', '{}', '{}') AS g
CROSS JOIN LATERAL know_rules(
    g.at, g.refs, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
) AS r;

-- name: keep_incidents
SELECT keep_incidents($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: incidents
-- The newest first, with a number less than $1, at most $2.
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.incident < $1
ORDER BY i.incident DESC
LIMIT $2;

-- name: incidents_of_rule
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.rule = $3 AND i.incident < $1
ORDER BY i.incident DESC
LIMIT $2;

-- name: incidents_of_user
-- The rule may be NULL.
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM users AS u
JOIN incidents AS i USING (user_ref)
WHERE u.user_id = $4 AND i.incident < $1 AND ($3::TEXT IS NULL OR i.rule = $3)
ORDER BY i.incident DESC
LIMIT $2;

-- name: open_incidents
-- Those of these that nobody has dealt with: by dismissing them, or later ones of the same
-- user or key; by a later decision about the user; by revoking the key.
SELECT i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.incident = ANY($1::BIGINT[])
    AND (i.who = 0 OR u.user_id IS NOT NULL)
    AND NOT EXISTS (
        SELECT FROM audit AS a
        WHERE a.subject = CASE WHEN i.who = 0 THEN i.key ELSE 'user:' || i.user_ref END
            AND a.operation = 'incident.dismiss'
            AND a.at >= i.last_at
            AND (a.after::JSONB ->> 'incident')::BIGINT >= i.incident
    )
    AND NOT EXISTS (
        SELECT FROM ledger AS l
        WHERE l.user_ref = i.who
            AND l.kind IN ('hide', 'ban', 'release', 'erase')
            AND l.at >= i.last_at
    )
    AND NOT EXISTS (
        SELECT FROM signing_keys AS k
        WHERE i.who = 0 AND k.key = i.key AND k.revoked_at IS NOT NULL
    );
