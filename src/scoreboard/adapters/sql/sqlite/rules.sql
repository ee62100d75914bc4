-- What rules look back at, and who broke them.

-- name: count_awards
-- Awards of a user and action after a place, counted no further than :most. :asked is a JSON array
-- of [user ref, action, after]; answered in its order.
SELECT (
    SELECT count(*)
    FROM (
        SELECT 1
        FROM ledger
        WHERE user_ref = a.value ->> 0
            AND seq > a.value ->> 2
            AND kind = 'award'
            AND action_id = a.value ->> 1
        LIMIT :most
    )
)
FROM json_each(:asked) AS a
ORDER BY a.key;

-- name: last_awards
-- Moment of the last award of a user and action after a place, or NULL. :asked is a JSON array of
-- [user ref, action, after]; answered in its order.
SELECT (
    SELECT at
    FROM ledger
    WHERE user_ref = a.value ->> 0
        AND seq > a.value ->> 2
        AND kind = 'award'
        AND action_id = a.value ->> 1
    ORDER BY seq DESC
    LIMIT 1
)
FROM json_each(:asked) AS a
ORDER BY a.key;

-- name: sum_points
-- Points that a user gained on a board after a place; what is reversed counts. :asked is a JSON
-- array of [user ref, board]; answered in its order.
SELECT (
    SELECT CAST(min(total(points), 9007199254740992.0) AS INTEGER)
    FROM ledger
    WHERE user_ref = a.value ->> 0
        AND seq > :after
        AND kind = 'award'
        AND board = a.value ->> 1
        AND points > 0
)
FROM json_each(:asked) AS a
ORDER BY a.key;

-- name: count_signed
-- Awards (nothing else has a key) that a key signed after a place, counted no further than :most, in
-- an index alone. :asked is a JSON array of [key, after]; answered in its order.
SELECT (
    SELECT count(*)
    FROM (
        SELECT 1
        FROM ledger
        WHERE key = a.value ->> 0 AND seq > a.value ->> 1
        LIMIT :most
    )
)
FROM json_each(:asked) AS a
ORDER BY a.key;

-- name: put_incidents
-- :incidents is a JSON array of [minute, rule, shadow, subject, who, at, count, user ref, action,
-- board, caller, key, limit, seen, span].
INSERT INTO incidents (
    minute, rule, shadow, subject, who, at, last_at, count, user_ref, action_id, board, caller,
    key, "limit", seen, span_s
)
SELECT
    i.value ->> 0, i.value ->> 1, i.value ->> 2, i.value ->> 3, i.value ->> 4, i.value ->> 5,
    i.value ->> 5, i.value ->> 6, i.value ->> 7, i.value ->> 8, i.value ->> 9, i.value ->> 10,
    i.value ->> 11, i.value ->> 12, i.value ->> 13, i.value ->> 14
FROM json_each(:incidents) AS i
WHERE true
ON CONFLICT (minute, rule, shadow, subject, who) DO UPDATE
SET last_at = excluded.last_at,
    count = incidents.count + excluded.count,
    user_ref = excluded.user_ref,
    action_id = excluded.action_id,
    board = excluded.board,
    caller = excluded.caller,
    key = excluded.key,
    "limit" = excluded."limit",
    seen = excluded.seen,
    span_s = excluded.span_s;

-- name: prune_incidents
-- Of the oldest :some, those that are from before :since, or more than :most ago.
DELETE FROM incidents
WHERE incident IN (SELECT incident FROM incidents ORDER BY incident LIMIT :some)
    AND (at < :since OR incident <= (SELECT max(incident) FROM incidents) - :most);

-- name: incidents
-- The newest first.
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.incident < :before
ORDER BY i.incident DESC
LIMIT :limit;

-- name: incidents_of_rule
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.rule = :rule AND i.incident < :before
ORDER BY i.incident DESC
LIMIT :limit;

-- name: incidents_of_user
-- The rule may be NULL.
SELECT
    i.at, i.rule, i."limit", i.seen, i.span_s, i.shadow, i.user_ref, u.user_id, i.action_id,
    i.board, i.caller, i.key, i.last_at, i.count, i.incident
FROM users AS u
CROSS JOIN incidents AS i
WHERE u.user_id = :user_id
    AND i.user_ref = u.user_ref
    AND i.incident < :before
    AND (:rule IS NULL OR i.rule = :rule)
ORDER BY i.incident DESC
LIMIT :limit;

-- name: open_incidents
-- Those of :incidents, a JSON array, that nobody has dealt with: by dismissing them, or later ones of the same
-- user or key; by a later decision about the user; by revoking the key.
SELECT i.incident
FROM incidents AS i
LEFT JOIN users AS u USING (user_ref)
WHERE i.incident IN (SELECT value FROM json_each(:incidents))
    AND (i.who = 0 OR u.user_id IS NOT NULL)
    AND NOT EXISTS (
        SELECT 1 FROM audit AS a
        WHERE a.subject = CASE WHEN i.who = 0 THEN i.key ELSE 'user:' || i.user_ref END
            AND a.operation = 'incident.dismiss'
            AND a.at >= i.last_at
            AND a.after ->> 'incident' >= i.incident
    )
    AND NOT EXISTS (
        SELECT 1 FROM ledger AS l
        WHERE l.user_ref = i.who
            AND l.kind IN ('hide', 'ban', 'release', 'erase')
            AND l.at >= i.last_at
    )
    AND NOT EXISTS (
        SELECT 1 FROM signing_keys AS k
        WHERE i.who = 0 AND k.key = i.key AND k.revoked_at IS NOT NULL
    );
