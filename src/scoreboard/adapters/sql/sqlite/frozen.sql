-- What makes a ranking as of an earlier seq, and keeps it right about who is shown.

-- name: scores_at
-- Scores by user as they stood at :seq, after a user: what came since is taken off again. Who has a
-- score that was changed since has the place of the last posting up to then that changed it or, if
-- none did, of the first that counted there; who has neither was not there. Postings count from
-- :start to before :end.
SELECT
    s.user_id,
    iif(
        s.seq <= :seq,
        s.score,
        s.score - (
            SELECT coalesce(sum(l.points), 0)
            FROM ledger AS l
            LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
            WHERE l.user_ref = u.user_ref
                AND l.seq > :seq
                AND l.board = :board
                AND l.kind IN ('award', 'reverse')
                AND coalesce(reversed.at, l.at) >= :start
                AND coalesce(reversed.at, l.at) < :end
        )
    ),
    p.seq,
    p.at
FROM scores AS s
CROSS JOIN users AS u
CROSS JOIN ledger AS p
WHERE s.board = :board
    AND s.period = :period
    AND s.user_id > :after
    AND u.user_id = s.user_id
    AND p.seq = iif(
        s.seq <= :seq,
        s.seq,
        coalesce(
            (
                SELECT l.seq
                FROM ledger AS l
                LEFT JOIN ledger AS reversed ON reversed.seq = l.reverses
                WHERE l.user_ref = u.user_ref
                    AND l.seq <= :seq
                    AND l.board = :board
                    AND l.kind IN ('award', 'reverse')
                    AND l.points <> 0
                    AND coalesce(reversed.at, l.at) >= :start
                    AND coalesce(reversed.at, l.at) < :end
                ORDER BY l.seq DESC
                LIMIT 1
            ),
            (
                SELECT l.seq
                FROM ledger AS l
                WHERE l.user_ref = u.user_ref
                    AND l.seq <= :seq
                    AND l.board = :board
                    AND l.kind = 'award'
                    AND l.at >= :start
                    AND l.at < :end
                ORDER BY l.seq
                LIMIT 1
            )
        )
    )
ORDER BY s.user_id
LIMIT :limit;

-- name: turns
-- Postings about users, of boards' settings and of reveals, :after < seq <= :upto; those that erased a
-- user with the name that is still kept.
SELECT l.*, coalesce(u.user_id, e.user_id) AS user_id
FROM ledger AS l
LEFT JOIN users AS u USING (user_ref)
LEFT JOIN erasures AS e ON e.seq = l.seq
WHERE l.seq > :after AND l.seq <= :upto AND l.kind IN ('hold', 'hide', 'ban', 'release', 'erase', 'board', 'reveal')
ORDER BY l.seq;
