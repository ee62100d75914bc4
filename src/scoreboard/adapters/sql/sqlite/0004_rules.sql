-- Rules with a time span, of a board and of a key; rules in the shadow; and who broke one. Nodes of
-- the version before go on working: they know nothing of the new columns, and judge by the old ones.

ALTER TABLE actions ADD COLUMN active_from INTEGER;
ALTER TABLE actions ADD COLUMN active_until INTEGER;
ALTER TABLE actions ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0
    CONSTRAINT actions_shadow CHECK (shadow IN (0, 1));

ALTER TABLE boards ADD COLUMN points_per_hour INTEGER NOT NULL DEFAULT 0
    CONSTRAINT boards_points_per_hour CHECK (points_per_hour BETWEEN 0 AND 9007199254740991);
ALTER TABLE boards ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0
    CONSTRAINT boards_shadow CHECK (shadow IN (0, 1));

ALTER TABLE signing_keys ADD COLUMN cap_minute INTEGER NOT NULL DEFAULT 0
    CONSTRAINT signing_keys_cap_minute CHECK (cap_minute >= 0);
ALTER TABLE signing_keys ADD COLUMN cap_hour INTEGER NOT NULL DEFAULT 0
    CONSTRAINT signing_keys_cap_hour CHECK (cap_hour >= 0);
ALTER TABLE signing_keys ADD COLUMN cap_day INTEGER NOT NULL DEFAULT 0
    CONSTRAINT signing_keys_cap_day CHECK (cap_day >= 0);
ALTER TABLE signing_keys ADD COLUMN shadow INTEGER NOT NULL DEFAULT 0
    CONSTRAINT signing_keys_shadow CHECK (shadow IN (0, 1));

DROP TRIGGER signing_keys_are_only_revoked;

CREATE TRIGGER signing_keys_are_only_revoked BEFORE UPDATE ON signing_keys
WHEN OLD.revoked_at IS NOT NULL
    OR (OLD.key, OLD.algorithm, OLD.material, OLD.actions, OLD.not_before, OLD.not_after,
        OLD.cap_minute, OLD.cap_hour, OLD.cap_day, OLD.shadow)
    IS NOT (NEW.key, NEW.algorithm, NEW.material, NEW.actions, NEW.not_before, NEW.not_after,
        NEW.cap_minute, NEW.cap_hour, NEW.cap_day, NEW.shadow)
BEGIN SELECT RAISE(ABORT, 'a key never changes; it is revoked once'); END;

-- One row a minute for each rule, its subject and `who` (a user_ref; 0 for everybody), with the
-- number of hits; the last of them tells the user, the caller and the numbers. No foreign key: an
-- incident never stands in the way of a user.
CREATE TABLE incidents (
    incident  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    minute    INTEGER NOT NULL,
    rule      TEXT    NOT NULL,
    shadow    INTEGER NOT NULL CONSTRAINT incidents_shadow CHECK (shadow IN (0, 1)),
    subject   TEXT    NOT NULL,
    who       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    last_at   INTEGER NOT NULL,
    count     INTEGER NOT NULL CONSTRAINT incidents_count CHECK (count > 0),
    user_ref  INTEGER NOT NULL,
    action_id TEXT    NOT NULL,
    board     TEXT    NOT NULL,
    caller    TEXT,
    key       TEXT,
    "limit"   INTEGER NOT NULL,
    seen      INTEGER NOT NULL,
    span_s    INTEGER NOT NULL,
    CONSTRAINT incidents_kind UNIQUE (minute, rule, shadow, subject, who)
) STRICT;

CREATE INDEX incidents_by_user ON incidents (user_ref, incident);

CREATE INDEX incidents_by_rule ON incidents (rule, incident);
