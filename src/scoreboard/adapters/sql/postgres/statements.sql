-- Every statement of the PostgreSQL ledger, each under its name. What has to be true at one moment
-- is read by one statement.

-- name: head
-- The last posting's place, the catalogue's version and the secret's fingerprint.
SELECT h.epoch, l.seq, l.at, h.catalogue, h.fingerprint
FROM ledger_head AS h
CROSS JOIN LATERAL (SELECT seq, at FROM ledger ORDER BY seq DESC LIMIT 1) AS l;

-- name: lock_head
-- $1: a clock in place of the database's, or NULL.
SELECT epoch, seq, at, catalogue FROM lock_head($1);

-- name: append_group
SELECT verdict, epoch, seq, at, refs, after, ids
FROM append_group(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22
);

-- name: know_group
SELECT
    epoch, seq, at, catalogue, ids, refs, statuses, scores, seqs, ats, earlier, moments
FROM know_group($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: write_group
SELECT write_group(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
);

-- name: known
-- Postings by award id. $1: the ids.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.award_id = ANY ($1::TEXT[]);

-- name: known_ids
SELECT award_id FROM ledger WHERE award_id = ANY ($1::TEXT[]);

-- name: add_posting
-- Record a posting without points: seq, epoch, award id, kind, board, at, caller, detail.
INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, caller, detail)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8);

-- name: mark
-- Note a change of tops that leaves no row in them: boards, periods, seq, at.
SELECT mark_tops($1, $2, $3, $4);

-- name: notify
SELECT pg_notify('scoreboard', $1);

-- name: begin_history
-- The one row of the head. $1: the epoch.
INSERT INTO ledger_head (one, epoch, catalogue) VALUES (1, $1, 1);

-- name: catalogue_changed
-- Every node looks again.
UPDATE ledger_head SET catalogue = catalogue + 1;

-- name: set_fingerprint
-- The secret that belongs to this ledger.
UPDATE ledger_head SET fingerprint = $1 WHERE fingerprint IS NULL;

-- name: actions
SELECT
    action_id, points, board, cooldown_s, cap_minute, cap_hour, cap_day, requires_signature,
    active_from, active_until, shadow
FROM actions
ORDER BY action_id;

-- name: boards
SELECT
    board, title, tie, windows, time_zone, points_per_hour, shadow, frozen_seq, frozen_at,
    frozen_users
FROM boards
ORDER BY board;

-- name: keys
SELECT
    key, algorithm, material, actions, not_before, not_after, revoked_at, cap_minute, cap_hour,
    cap_day, shadow
FROM signing_keys
ORDER BY key;

-- name: put_key
-- Of a key that is there, only its end can still come.
INSERT INTO signing_keys (
    key, algorithm, material, actions, not_before, not_after, revoked_at, cap_minute, cap_hour,
    cap_day, shadow
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (key) DO UPDATE
SET revoked_at = excluded.revoked_at;

-- name: put_action
INSERT INTO actions (
    action_id, points, board, cooldown_s, cap_minute, cap_hour, cap_day, requires_signature,
    active_from, active_until, shadow
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (action_id) DO UPDATE
SET points = excluded.points,
    board = excluded.board,
    cooldown_s = excluded.cooldown_s,
    cap_minute = excluded.cap_minute,
    cap_hour = excluded.cap_hour,
    cap_day = excluded.cap_day,
    requires_signature = excluded.requires_signature,
    active_from = excluded.active_from,
    active_until = excluded.active_until,
    shadow = excluded.shadow;

-- name: put_board
INSERT INTO boards (
    board, title, tie, windows, time_zone, points_per_hour, shadow, frozen_seq, frozen_at,
    frozen_users
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (board) DO UPDATE
SET title = excluded.title,
    tie = excluded.tie,
    windows = excluded.windows,
    time_zone = excluded.time_zone,
    points_per_hour = excluded.points_per_hour,
    shadow = excluded.shadow,
    frozen_seq = excluded.frozen_seq,
    frozen_at = excluded.frozen_at,
    frozen_users = excluded.frozen_users;

-- name: fill_period
-- Scores of a period that a board got only now, from its postings since its start: board, period,
-- start. A reversal comes after what it reverses, so nothing before the start's place counts.
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT
    $1, $2, u.user_id, sum(l.points),
    coalesce(max(l.seq) FILTER (WHERE l.points <> 0), min(l.seq)),
    coalesce(max(l.at) FILTER (WHERE l.points <> 0), min(l.at))
FROM ledger AS l
JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.board = $1
    AND l.seq > seq_before($3)
    AND l.kind IN ('award', 'reverse')
    AND coalesce(reversed.at, l.at) >= $3
    AND u.user_id IS NOT NULL
GROUP BY u.user_id;

-- name: add_audit
INSERT INTO audit (at, caller, operation, subject, reason, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: audit
-- A user is recorded by reference, and told by name as long as there is one.
SELECT
    a.entry, a.at, a.caller, a.operation, coalesce(u.user_id, a.subject) AS subject, a.reason,
    a.before, a.after
FROM audit AS a
LEFT JOIN users AS u
    ON u.user_ref = CASE WHEN a.subject LIKE 'user:%' THEN substr(a.subject, 6)::BIGINT END
WHERE a.entry < $1
ORDER BY a.entry DESC
LIMIT $2;

-- name: postings
-- Postings in order; what a reversal reverses tells the periods it counts in.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.seq > $1
ORDER BY l.seq
LIMIT $2;

-- name: own_awards
-- Awards since a moment that users asked for themselves: those without a caller.
SELECT u.user_id, l.at
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.seq > (SELECT seq_before($1))
    AND l.kind = 'award'
    AND l.caller IS NULL
    AND u.user_id IS NOT NULL
ORDER BY l.seq;

-- name: postings_of
-- A user's postings, newest first.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM users AS u
JOIN ledger AS l USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE u.user_id = $1 AND l.seq < $2
ORDER BY l.seq DESC
LIMIT $3;

-- name: marked
SELECT marked, marked_at
FROM periods
WHERE board = $1 AND period = $2;

-- name: scores_by_user
SELECT user_id, score, seq, updated_at
FROM scores
WHERE board = $1 AND period = $2 AND user_id > $3
ORDER BY user_id
LIMIT $4;

-- name: scores_of
SELECT s.user_id, s.score, s.seq, s.updated_at
FROM unnest($3::TEXT[]) AS w (user_id)
CROSS JOIN LATERAL (
    SELECT user_id, score, seq, updated_at
    FROM scores
    WHERE board = $1 AND period = $2 AND user_id = w.user_id
    ORDER BY seq DESC
    LIMIT 1
) AS s;

-- name: has_scores
SELECT EXISTS (SELECT FROM scores WHERE board = $1 AND period = $2);

-- name: count_scores
-- All of them by the index alone, less the few that are not shown.
SELECT
    (SELECT count(*) FROM scores WHERE board = $1 AND period = $2)
    - (
        SELECT count(*)
        FROM users AS u
        CROSS JOIN LATERAL (
            SELECT FROM scores WHERE board = $1 AND period = $2 AND user_id = u.user_id LIMIT 1
        ) AS s
        WHERE u.status <> 'active' AND u.user_id IS NOT NULL
    );

-- name: snapshot
-- The first scores, each beside the epoch and the mark; one row without a score for an empty top.
SELECT h.epoch, p.marked, p.marked_at, s.user_id, s.score, s.seq, s.updated_at
FROM ledger_head AS h
LEFT JOIN periods AS p ON p.board = $1 AND p.period = $2
LEFT JOIN LATERAL (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = $1 AND s.period = $2
        AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
    ORDER BY s.score DESC, s.seq
    LIMIT $3
) AS s ON true
ORDER BY s.score DESC, s.seq;

-- name: page
-- Scores after a sort key, each beside the epoch, the mark, the newest change, and how many stand
-- before the first of them and above its score: board, period, score, seq, limit, most to count.
-- Two ranges, so that each is one seek in the index. Counted are all scores, by the index alone,
-- less the few that are not shown; so many more are counted at most.
WITH shown AS MATERIALIZED (
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score = $3 AND s.seq > $4
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.seq
        LIMIT $5
    )
    UNION ALL
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score < $3
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.score DESC, s.seq
        LIMIT $5
    )
),
first AS MATERIALIZED (
    SELECT score, seq FROM shown ORDER BY score DESC, seq LIMIT 1
),
unseen AS MATERIALIZED (
    SELECT s.score, s.seq
    FROM users AS u
    CROSS JOIN LATERAL (
        SELECT score, seq
        FROM scores
        WHERE board = $1 AND period = $2 AND user_id = u.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s
    WHERE u.status <> 'active' AND u.user_id IS NOT NULL
),
above AS MATERIALIZED (
    SELECT
        count(*)
        - (SELECT count(*) FROM unseen WHERE score > (SELECT score FROM first)) AS above
    FROM (
        SELECT
        FROM scores
        WHERE board = $1 AND period = $2 AND score > (SELECT score FROM first)
        LIMIT $6 + (SELECT count(*) FROM unseen)
    ) AS counted
),
equals AS MATERIALIZED (
    SELECT
        count(*)
        - (
            SELECT count(*) FROM unseen
            WHERE score = (SELECT score FROM first) AND seq < (SELECT seq FROM first)
        ) AS equals
    FROM (
        SELECT
        FROM scores
        WHERE board = $1 AND period = $2
            AND score = (SELECT score FROM first) AND seq < (SELECT seq FROM first)
        LIMIT $6 + (SELECT count(*) FROM unseen)
    ) AS counted
)
SELECT
    h.epoch, p.marked, p.marked_at, n.last_seq, n.last_at, above.above,
    above.above + equals.equals AS ahead, s.user_id, s.score, s.seq, s.updated_at
FROM ledger_head AS h
CROSS JOIN above
CROSS JOIN equals
CROSS JOIN (
    SELECT max(seq) AS last_seq, max(updated_at) AS last_at
    FROM scores
    WHERE board = $1 AND period = $2
) AS n
LEFT JOIN periods AS p ON p.board = $1 AND p.period = $2
LEFT JOIN (SELECT * FROM shown ORDER BY score DESC, seq LIMIT $5) AS s ON true
ORDER BY s.score DESC, s.seq;

-- name: standing
-- A user's score, how many stand above its score and before its place, the score right above it
-- (of the greater ones, or with $4 also of the equal ones that came first) and how many stand
-- above that, and how many there are: board, period, user, ties to the first, most to count, and
-- whether it asks itself: then also when it is not shown, as one more.
WITH own AS MATERIALIZED (
    SELECT
        s.user_id, s.score, s.seq, s.updated_at,
        NOT NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active') AS is_unseen
    FROM scores AS s
    WHERE s.board = $1 AND s.period = $2 AND s.user_id = $3
        AND ($6 OR NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'))
    ORDER BY s.seq DESC
    LIMIT 1
),
rival AS MATERIALIZED (
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2
            AND $4 AND s.score = (SELECT score FROM own) AND s.seq < (SELECT seq FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.seq DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score > (SELECT score FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.score, s.seq DESC
        LIMIT 1
    )
    LIMIT 1
),
unseen AS MATERIALIZED (
    SELECT s.score, s.seq
    FROM users AS u
    CROSS JOIN LATERAL (
        SELECT score, seq
        FROM scores
        WHERE board = $1 AND period = $2 AND user_id = u.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s
    WHERE u.status <> 'active' AND u.user_id IS NOT NULL
)
SELECT
    own.user_id, own.score, own.seq, own.updated_at,
    (
        SELECT count(*) FROM (
            SELECT
            FROM scores
            WHERE board = $1 AND period = $2 AND score > own.score
            LIMIT $5 + (SELECT count(*) FROM unseen)
        ) AS counted
    ) - (SELECT count(*) FROM unseen WHERE score > own.score) AS above,
    (
        SELECT count(*) FROM (
            SELECT
            FROM scores
            WHERE board = $1 AND period = $2 AND score = own.score AND seq < own.seq
            LIMIT $5 + (SELECT count(*) FROM unseen)
        ) AS counted
    ) - (SELECT count(*) FROM unseen WHERE score = own.score AND seq < own.seq) AS equals,
    rival.user_id AS rival_user, rival.score AS rival_score, rival.seq AS rival_seq,
    rival.updated_at AS rival_at,
    (
        SELECT count(*) FROM (
            SELECT
            FROM scores
            WHERE board = $1 AND period = $2 AND score > rival.score
            LIMIT $5 + (SELECT count(*) FROM unseen)
        ) AS counted
    ) - (SELECT count(*) FROM unseen WHERE score > rival.score) AS rival_above,
    (SELECT count(*) FROM scores WHERE board = $1 AND period = $2)
    - (SELECT count(*) FROM unseen) + own.is_unseen::INTEGER AS total
FROM own
LEFT JOIN rival ON true;

-- name: own_standing
-- As above, beside the head: one row also for a user without a score.
SELECT h.epoch AS head_epoch, head.seq AS head_seq, s.*
FROM ledger_head AS h
CROSS JOIN LATERAL (SELECT seq FROM ledger ORDER BY seq DESC LIMIT 1) AS head
LEFT JOIN (
-- include: standing
) AS s ON true;

-- name: around
-- A user's score between its neighbours, and how many stand above the score of the first of them
-- and before its place: board, period, user, radius, most to count, and whether it asks itself.
WITH own AS MATERIALIZED (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = $1 AND s.period = $2 AND s.user_id = $3
        AND ($6 OR NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active'))
    ORDER BY s.seq DESC
    LIMIT 1
),
before AS MATERIALIZED (
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2
            AND s.score = (SELECT score FROM own) AND s.seq < (SELECT seq FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.seq DESC
        LIMIT $4
    )
    UNION ALL
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score > (SELECT score FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.score, s.seq DESC
        LIMIT $4
    )
    LIMIT $4
),
after AS MATERIALIZED (
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2
            AND s.score = (SELECT score FROM own) AND s.seq > (SELECT seq FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.seq
        LIMIT $4
    )
    UNION ALL
    (
        SELECT s.user_id, s.score, s.seq, s.updated_at
        FROM scores AS s
        WHERE s.board = $1 AND s.period = $2 AND s.score < (SELECT score FROM own)
            AND NOT EXISTS (SELECT FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
        ORDER BY s.score DESC, s.seq
        LIMIT $4
    )
    LIMIT $4
),
shown AS MATERIALIZED (
    SELECT * FROM before
    UNION ALL
    SELECT * FROM own
    UNION ALL
    SELECT * FROM after
),
first AS MATERIALIZED (
    SELECT score, seq FROM shown ORDER BY score DESC, seq LIMIT 1
),
unseen AS MATERIALIZED (
    SELECT s.score, s.seq
    FROM users AS u
    CROSS JOIN LATERAL (
        SELECT score, seq
        FROM scores
        WHERE board = $1 AND period = $2 AND user_id = u.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s
    WHERE u.status <> 'active' AND u.user_id IS NOT NULL
)
SELECT
    shown.user_id, shown.score, shown.seq, shown.updated_at,
    (
        SELECT count(*) FROM (
            SELECT
            FROM scores
            WHERE board = $1 AND period = $2 AND score > (SELECT score FROM first)
            LIMIT $5 + (SELECT count(*) FROM unseen)
        ) AS counted
    ) - (SELECT count(*) FROM unseen WHERE score > (SELECT score FROM first)) AS above,
    (
        SELECT count(*) FROM (
            SELECT
            FROM scores
            WHERE board = $1 AND period = $2
                AND score = (SELECT score FROM first) AND seq < (SELECT seq FROM first)
            LIMIT $5 + (SELECT count(*) FROM unseen)
        ) AS counted
    ) - (
        SELECT count(*) FROM unseen
        WHERE score = (SELECT score FROM first) AND seq < (SELECT seq FROM first)
    ) AS equals
FROM shown
ORDER BY shown.score DESC, shown.seq;

-- name: lead
-- Take the lease when it is free or run out, or renew one's own; no row when another holds it:
-- holder, length, clock. A new term begins with the moment, which is excluded.term.
INSERT INTO leases AS held (name, term, holder, until)
SELECT 'leader', n.now, $1, n.now + $2
FROM (
    SELECT greatest(coalesce($3, clock_ms()), at) AS now FROM ledger ORDER BY seq DESC LIMIT 1
) AS n
ON CONFLICT (name) DO UPDATE
SET term = CASE
        WHEN held.holder = excluded.holder AND held.until >= excluded.term THEN held.term
        ELSE greatest(held.term + 1, excluded.term)
    END,
    holder = excluded.holder,
    until = excluded.until
WHERE held.holder = excluded.holder OR held.until < excluded.term
RETURNING term;

-- name: resign
-- The lease has run out before every clock's time; its term stays used.
UPDATE leases SET until = 0 WHERE name = 'leader' AND holder = $1;

-- name: bookmark
SELECT seq FROM bookmarks WHERE follower = $1;

-- name: move_bookmark
INSERT INTO bookmarks (follower, seq)
VALUES ($1, $2)
ON CONFLICT (follower) DO UPDATE
SET seq = excluded.seq
WHERE excluded.seq > bookmarks.seq;

-- name: settings
-- What decides whether a commit is durable and whether this server can write.
SELECT
    current_setting('server_version_num')::INTEGER AS version,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('server_encoding') AS encoding,
    current_setting('transaction_read_only') AS read_only,
    pg_is_in_recovery() AS standby,
    current_setting('is_superuser') AS superuser,
    coalesce((
        SELECT pg_has_role(current_user, relowner, 'USAGE')
        FROM pg_class
        WHERE oid = to_regclass('ledger')
    ), false) AS owner;

-- name: applied
SELECT version, checksum FROM migrations;

-- name: clock
SELECT clock_ms();

-- name: counts
-- How many rows an export has of each kind.
SELECT 'boards', count(*) FROM boards
UNION ALL
SELECT 'actions', count(*) FROM actions
UNION ALL
SELECT 'keys', count(*) FROM signing_keys
UNION ALL
SELECT 'audit', count(*) FROM audit
UNION ALL
SELECT 'users', count(*) FROM users
UNION ALL
SELECT 'tiles', count(*) FROM tiles
UNION ALL
SELECT 'checkpoints', count(*) FROM checkpoints;

-- name: spans
-- Every period with scores or a mark, and every board's `all`.
SELECT board, period FROM scores
UNION
SELECT board, period FROM periods
UNION
SELECT board, 'all' FROM boards
ORDER BY board, period;

-- name: audit_after
-- After an entry, at most so many.
SELECT entry, at, caller, operation, subject, reason, before, after
FROM audit
WHERE entry > $1
ORDER BY entry
LIMIT $2;

-- name: people
-- After a user reference, at most so many.
SELECT user_ref, user_id, salt, status, commitment
FROM users
WHERE user_ref > $1
ORDER BY user_ref
LIMIT $2;

-- name: lines
-- Postings as they are kept, their columns in the order of core/history.py: after a seq, at most
-- so many.
SELECT
    seq, epoch, award_id, kind, board, at, points, user_ref, action_id, score_after, key, caller,
    reverses, detail
FROM ledger
WHERE seq > $1
ORDER BY seq
LIMIT $2;

-- name: unknown_users
SELECT EXISTS (
    SELECT
    FROM ledger AS l
    LEFT JOIN users AS u USING (user_ref)
    WHERE l.user_ref IS NOT NULL AND u.user_ref IS NULL
);

-- name: add_up
-- Scores of a period from its postings; a reversal comes later and counts where what it reverses
-- does: board, period, after which seq, up to which.
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT
    $1, $2, u.user_id, sum(m.points),
    coalesce(max(m.seq) FILTER (WHERE m.points <> 0), min(m.seq)),
    coalesce(max(m.at) FILTER (WHERE m.points <> 0), min(m.at))
FROM (
    SELECT user_ref, points, seq, at
    FROM ledger
    WHERE seq > $3 AND seq <= $4 AND board = $1 AND kind = 'award'
    UNION ALL
    SELECT user_ref, points, seq, at
    FROM ledger
    WHERE reverses > $3 AND reverses <= $4 AND board = $1
) AS m
JOIN users AS u USING (user_ref)
WHERE u.user_id IS NOT NULL
GROUP BY u.user_id;

-- name: restore_head
-- It belongs to the secret of whoever serves it first.
UPDATE ledger_head SET epoch = $1, catalogue = $2, fingerprint = NULL;

-- name: restore_sequences
-- New users and audit entries come after those restored.
SELECT
    setval(pg_get_serial_sequence('users', 'user_ref'), coalesce(u.last, 1), u.last IS NOT NULL),
    setval(pg_get_serial_sequence('audit', 'entry'), coalesce(a.last, 1), a.last IS NOT NULL)
FROM (SELECT max(user_ref) AS last FROM users) AS u
CROSS JOIN (SELECT max(entry) AS last FROM audit) AS a;

-- name: new_epoch
UPDATE ledger_head SET epoch = $1;
