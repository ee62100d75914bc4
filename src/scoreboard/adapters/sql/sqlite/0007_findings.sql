-- What audits need and what they find. The summary of hours follows from the ledger; the findings
-- are kept for whoever reviews them, with users by reference alone.

CREATE TABLE activity (
    user_ref INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    awards   INTEGER NOT NULL,
    points   INTEGER NOT NULL,
    minutes  INTEGER NOT NULL,
    gaps     INTEGER NOT NULL,
    steady   INTEGER NOT NULL,
    capped   INTEGER NOT NULL,
    PRIMARY KEY (user_ref, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_activity (
    key       TEXT    NOT NULL,
    hour      INTEGER NOT NULL,
    awards    INTEGER NOT NULL,
    newcomers INTEGER NOT NULL,
    PRIMARY KEY (key, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    entry        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    identity     TEXT    NOT NULL CONSTRAINT findings_identity UNIQUE,
    seq          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    irregularity TEXT    NOT NULL,
    day          INTEGER NOT NULL,
    user_ref     INTEGER,
    key          TEXT,
    says         TEXT    NOT NULL,
    numbers      TEXT    NOT NULL CONSTRAINT findings_numbers CHECK (json_valid(numbers)),
    CONSTRAINT findings_subject CHECK ((user_ref IS NULL) <> (key IS NULL))
) STRICT;

CREATE TRIGGER findings_are_never_updated BEFORE UPDATE ON findings
BEGIN SELECT RAISE(ABORT, 'findings are append-only'); END;

CREATE TRIGGER findings_are_never_deleted BEFORE DELETE ON findings
BEGIN SELECT RAISE(ABORT, 'findings are append-only'); END;

-- What moderators did to a user, found without walking the user's awards.
CREATE INDEX ledger_decisions ON ledger (user_ref, seq)
WHERE kind IN ('hide', 'ban', 'release', 'erase');

-- Each finding with its user, and whether somebody has dealt with it: by a later posting, or by
-- revoking the key.
CREATE VIEW known_findings AS
SELECT
    f.entry, f.at, f.irregularity, f.day, f.user_ref, f.key, f.says, f.numbers, u.user_id, u.status,
    EXISTS (
        SELECT 1 FROM ledger AS l
        WHERE l.user_ref = f.user_ref
            AND l.seq > f.seq
            AND l.kind IN ('hide', 'ban', 'release', 'erase')
    )
    OR EXISTS (
        SELECT 1 FROM signing_keys AS k
        WHERE k.key = f.key AND k.revoked_at IS NOT NULL
    ) AS dealt_with
FROM findings AS f
LEFT JOIN users AS u USING (user_ref);
