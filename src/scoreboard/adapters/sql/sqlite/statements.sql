-- Every statement of the SQLite ledger, each under its name. A group makes a constant number of
-- calls: lists travel as one JSON parameter.

-- name: head
-- The last posting's place, the catalogue's version and the secret's fingerprint.
SELECT epoch, seq, at, catalogue, fingerprint
FROM ledger_head;

-- name: known
-- Postings by award id. :ids is a JSON array.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.award_id IN (SELECT value FROM json_each(:ids));

-- name: users
-- Who is known already. :users is a JSON array of user ids.
SELECT user_id, user_ref, status
FROM users
WHERE user_id IN (SELECT value FROM json_each(:users));

-- name: new_users
-- Enter users, each with a salt of its own. :users is a JSON array of user ids.
INSERT INTO users (user_id, salt)
SELECT value, randomblob(16)
FROM json_each(:users)
WHERE true
RETURNING user_id, user_ref, status;

-- name: bases
-- Scores that a group may change. :keys is a JSON array of [board, period, user id].
SELECT s.board, s.period, s.user_id, s.score, s.seq, s.updated_at
FROM json_each(:keys) AS k
CROSS JOIN scores AS s
WHERE s.board = k.value ->> 0 AND s.period = k.value ->> 1 AND s.user_id = k.value ->> 2;

-- name: add_postings
-- Record awards. :postings is a JSON array of [seq, award id, board, user ref, action, points,
-- score after, caller, key].
INSERT INTO ledger (
    seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller, key
)
SELECT
    p.value ->> 0, :epoch, p.value ->> 1, 'award', p.value ->> 2, p.value ->> 3, p.value ->> 4,
    p.value ->> 5, p.value ->> 6, :at, p.value ->> 7, p.value ->> 8
FROM json_each(:postings) AS p;

-- name: add_posting
-- Record a posting without points.
INSERT INTO ledger (seq, epoch, award_id, kind, board, points, at, caller, detail)
VALUES (:seq, :epoch, :award_id, :kind, :board, 0, :at, :caller, :detail);

-- name: put_scores
-- Write scores. :scores is a JSON array of [board, period, user id, score, seq, updated at].
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT
    s.value ->> 0, s.value ->> 1, s.value ->> 2, s.value ->> 3, s.value ->> 4, s.value ->> 5
FROM json_each(:scores) AS s
WHERE true
ON CONFLICT (board, period, user_id) DO UPDATE
SET score = excluded.score, seq = excluded.seq, updated_at = excluded.updated_at;

-- name: mark
-- Note a change of tops that leaves no row in them. :marks is a JSON array of [board, period].
INSERT INTO periods (board, period, marked, marked_at)
SELECT m.value ->> 0, m.value ->> 1, :seq, :at
FROM json_each(:marks) AS m
WHERE true
ON CONFLICT (board, period) DO UPDATE
SET marked = excluded.marked, marked_at = excluded.marked_at;

-- name: move_head
-- The ledger has grown.
UPDATE ledger_head SET seq = :seq, at = :at;

-- name: catalogue_changed
-- Every node looks again.
UPDATE ledger_head SET catalogue = catalogue + 1;

-- name: set_fingerprint
-- The secret that belongs to this ledger.
UPDATE ledger_head SET fingerprint = :fingerprint WHERE fingerprint IS NULL;

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
VALUES (
    :key, :algorithm, :material, :actions, :not_before, :not_after, :revoked_at, :cap_minute,
    :cap_hour, :cap_day, :shadow
)
ON CONFLICT (key) DO UPDATE
SET revoked_at = excluded.revoked_at;

-- name: put_action
INSERT INTO actions (
    action_id, points, board, cooldown_s, cap_minute, cap_hour, cap_day, requires_signature,
    active_from, active_until, shadow
)
VALUES (
    :action_id, :points, :board, :cooldown_s, :cap_minute, :cap_hour, :cap_day,
    :requires_signature, :active_from, :active_until, :shadow
)
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
VALUES (
    :board, :title, :tie, :windows, :time_zone, :points_per_hour, :shadow, :frozen_seq, :frozen_at,
    :frozen_users
)
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
-- Scores of a period that a board got only now, from its postings since :start.
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT
    :board, :period, u.user_id, sum(l.points),
    coalesce(max(iif(l.points <> 0, l.seq, NULL)), min(l.seq)),
    coalesce(max(iif(l.points <> 0, l.at, NULL)), min(l.at))
FROM ledger AS l
JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.board = :board
    AND l.kind IN ('award', 'reverse')
    AND coalesce(reversed.at, l.at) >= :start
    AND u.user_id IS NOT NULL
GROUP BY u.user_id;

-- name: add_audit
INSERT INTO audit (at, caller, operation, subject, reason, before, after)
VALUES (:at, :caller, :operation, :subject, :reason, :before, :after);

-- name: audit
-- A user is recorded by reference, and told by name as long as there is one.
SELECT
    a.entry, a.at, a.caller, a.operation, coalesce(u.user_id, a.subject), a.reason, a.before,
    a.after
FROM audit AS a
LEFT JOIN users AS u
    ON u.user_ref = iif(a.subject LIKE 'user:%', CAST(substr(a.subject, 6) AS INTEGER), NULL)
WHERE a.entry < :before
ORDER BY a.entry DESC
LIMIT :limit;

-- name: postings
-- Postings in order; what a reversal reverses tells the periods it counts in.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE l.seq > :after
ORDER BY l.seq
LIMIT :limit;

-- name: seq_before
-- The last posting before a moment, 0 for none. Times never run back in seq order: the search
-- halves what lies between; all up to `low` are before the moment, all after `high` are not.
WITH RECURSIVE search (low, high) AS (
    SELECT 0, seq FROM ledger_head
    UNION ALL
    SELECT
        iif(l.at < :at, l.seq, s.low),
        iif(l.at < :at, s.high, l.seq - 1)
    FROM search AS s
    JOIN ledger AS l ON l.seq = (s.low + s.high + 1) / 2
    WHERE s.low < s.high
)
SELECT low FROM search WHERE low = high;

-- name: own_awards
-- Awards that users asked for themselves: those without a caller.
SELECT u.user_id, l.at
FROM ledger AS l
JOIN users AS u USING (user_ref)
WHERE l.seq > :after AND l.kind = 'award' AND l.caller IS NULL AND u.user_id IS NOT NULL
ORDER BY l.seq;

-- name: postings_of
-- A user's postings, newest first.
SELECT l.*, u.user_id, reversed.at AS reversed_at
FROM users AS u
JOIN ledger AS l USING (user_ref)
LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
WHERE u.user_id = :user_id AND l.seq < :before
ORDER BY l.seq DESC
LIMIT :limit;

-- name: marked
SELECT marked, marked_at
FROM periods
WHERE board = :board AND period = :period;

-- name: score
-- Of a user who is shown.
SELECT s.user_id, s.score, s.seq, s.updated_at
FROM scores AS s
WHERE s.board = :board AND s.period = :period AND s.user_id = :user_id
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active');

-- name: unseen_score
-- Of a user who is not shown.
SELECT s.user_id, s.score, s.seq, s.updated_at
FROM scores AS s
JOIN users AS u USING (user_id)
WHERE s.board = :board AND s.period = :period AND s.user_id = :user_id AND u.status <> 'active';

-- name: scores_by_user
SELECT user_id, score, seq, updated_at
FROM scores
WHERE board = :board AND period = :period AND user_id > :after
ORDER BY user_id
LIMIT :limit;

-- name: has_scores
SELECT EXISTS (SELECT 1 FROM scores WHERE board = :board AND period = :period);

-- name: first_scores
-- Here and in all that follow: of active users.
SELECT s.user_id, s.score, s.seq, s.updated_at
FROM scores AS s
WHERE s.board = :board AND s.period = :period
    AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
ORDER BY s.score DESC, s.seq
LIMIT :limit;

-- name: scores_after
-- Two ranges, so that each is one seek in the index.
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score = :score AND s.seq > :seq
        AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
    ORDER BY s.seq
    LIMIT :limit
)
UNION ALL
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score < :score
        AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
    ORDER BY s.score DESC, s.seq
    LIMIT :limit
)
LIMIT :limit;

-- name: scores_before
-- The nearest first.
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score = :score AND s.seq < :seq
        AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
    ORDER BY s.seq DESC
    LIMIT :limit
)
UNION ALL
SELECT * FROM (
    SELECT s.user_id, s.score, s.seq, s.updated_at
    FROM scores AS s
    WHERE s.board = :board AND s.period = :period AND s.score > :score
        AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.user_id = s.user_id AND u.status <> 'active')
    ORDER BY s.score, s.seq DESC
    LIMIT :limit
)
LIMIT :limit;

-- name: count_before
-- All of them by the index alone, less the few that are not shown.
SELECT
    (SELECT count(*) FROM scores WHERE board = :board AND period = :period AND score > :score)
    + (
        SELECT count(*) FROM scores
        WHERE board = :board AND period = :period AND score = :score AND seq < :seq
    )
    - (
        SELECT count(*)
        FROM users AS u
        CROSS JOIN scores AS s
        WHERE u.status <> 'active' AND u.user_id > ''
            AND s.board = :board AND s.period = :period AND s.user_id = u.user_id
            AND (s.score > :score OR (s.score = :score AND s.seq < :seq))
    );

-- name: count_scores
SELECT
    (SELECT count(*) FROM scores WHERE board = :board AND period = :period)
    - (
        SELECT count(*)
        FROM users AS u
        CROSS JOIN scores AS s
        WHERE u.status <> 'active' AND u.user_id > ''
            AND s.board = :board AND s.period = :period AND s.user_id = u.user_id
    );

-- name: last_seq
-- The newest change of a board's period.
SELECT max(seq), max(updated_at) FROM scores WHERE board = :board AND period = :period;

-- name: lead
-- Take the lease when it is free or run out, or renew one's own; no row when another holds it.
INSERT INTO leases (name, term, holder, until)
VALUES ('leader', :now, :holder, :now + :lease)
ON CONFLICT (name) DO UPDATE
SET term = iif(
        leases.holder = excluded.holder AND leases.until >= :now,
        leases.term,
        max(leases.term + 1, :now)
    ),
    holder = excluded.holder,
    until = excluded.until
WHERE leases.holder = excluded.holder OR leases.until < :now
RETURNING term;

-- name: resign
-- The lease has run out before every clock's time; its term stays used.
UPDATE leases SET until = 0 WHERE name = 'leader' AND holder = :holder;

-- name: bookmark
SELECT seq FROM bookmarks WHERE follower = :follower;

-- name: move_bookmark
INSERT INTO bookmarks (follower, seq)
VALUES (:follower, :seq)
ON CONFLICT (follower) DO UPDATE
SET seq = excluded.seq
WHERE excluded.seq > bookmarks.seq;

-- name: scores_of
-- :users is a JSON array of user ids.
SELECT s.user_id, s.score, s.seq, s.updated_at
FROM json_each(:users) AS u
CROSS JOIN scores AS s
WHERE s.board = :board AND s.period = :period AND s.user_id = u.value;

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
SELECT entry, at, caller, operation, subject, reason, before, after
FROM audit
WHERE entry > :after
ORDER BY entry
LIMIT :limit;

-- name: people
SELECT user_ref, user_id, salt, status, commitment
FROM users
WHERE user_ref > :after
ORDER BY user_ref
LIMIT :limit;

-- name: lines
-- Postings as they are kept, their columns in the order of core/history.py.
SELECT
    seq, epoch, award_id, kind, board, at, points, user_ref, action_id, score_after, key, caller,
    reverses, detail
FROM ledger
WHERE seq > :after
ORDER BY seq
LIMIT :limit;

-- name: restore_audit
INSERT INTO audit (entry, at, caller, operation, subject, reason, before, after)
VALUES (:entry, :at, :caller, :operation, :subject, :reason, :before, :after);

-- name: restore_user
INSERT INTO users (user_ref, user_id, salt, status, commitment)
VALUES (:user_ref, :user_id, :salt, :status, :commitment);

-- name: restore_mark
INSERT INTO periods (board, period, marked, marked_at)
VALUES (:board, :period, :marked, :marked_at);

-- name: restore_posting
INSERT INTO ledger (
    seq, epoch, award_id, kind, board, at, points, user_ref, action_id, score_after, key, caller,
    reverses, detail
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: restore_head
-- It belongs to the secret of whoever serves it first.
UPDATE ledger_head
SET epoch = :epoch, seq = :seq, at = :at, catalogue = :catalogue, fingerprint = NULL;

-- name: add_up
-- Scores of a period from its postings, :after < seq <= :upto; a reversal comes later and counts
-- where what it reverses does.
INSERT INTO scores (board, period, user_id, score, seq, updated_at)
SELECT
    :board, :period, u.user_id, sum(m.points),
    coalesce(max(iif(m.points <> 0, m.seq, NULL)), min(m.seq)),
    coalesce(max(iif(m.points <> 0, m.at, NULL)), min(m.at))
FROM (
    SELECT user_ref, points, seq, at
    FROM ledger
    WHERE seq > :after AND seq <= :upto AND board = :board AND kind = 'award'
    UNION ALL
    SELECT user_ref, points, seq, at
    FROM ledger
    WHERE reverses > :after AND reverses <= :upto AND board = :board
) AS m
JOIN users AS u USING (user_ref)
WHERE u.user_id IS NOT NULL
GROUP BY u.user_id;

-- name: new_epoch
UPDATE ledger_head SET epoch = :epoch;
