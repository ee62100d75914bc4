-- The first schema: the ledger, what follows from it, and the catalogue.

CREATE TABLE boards (
    board     TEXT    NOT NULL PRIMARY KEY,
    title     TEXT    NOT NULL,
    tie       TEXT    NOT NULL CONSTRAINT boards_tie CHECK (tie IN ('first-reached', 'shared')),
    windows   TEXT    NOT NULL CONSTRAINT boards_windows CHECK (json_valid(windows)),
    time_zone TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE actions (
    action_id          TEXT    NOT NULL PRIMARY KEY,
    points             INTEGER NOT NULL
        CONSTRAINT actions_points_range CHECK (abs(points) <= 9007199254740991),
    board              TEXT    NOT NULL CONSTRAINT actions_board REFERENCES boards (board),
    cooldown_s         INTEGER NOT NULL CONSTRAINT actions_cooldown CHECK (cooldown_s >= 0),
    cap_minute         INTEGER NOT NULL CONSTRAINT actions_cap_minute CHECK (cap_minute >= 0),
    cap_hour           INTEGER NOT NULL CONSTRAINT actions_cap_hour CHECK (cap_hour >= 0),
    cap_day            INTEGER NOT NULL CONSTRAINT actions_cap_day CHECK (cap_day >= 0),
    requires_signature INTEGER NOT NULL
        CONSTRAINT actions_requires_signature CHECK (requires_signature IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The only link between a person and the ledger.
CREATE TABLE users (
    user_ref INTEGER NOT NULL PRIMARY KEY,
    user_id  TEXT    CONSTRAINT users_user_id UNIQUE,
    salt     BLOB,
    status   TEXT    NOT NULL DEFAULT 'active'
        CONSTRAINT users_status CHECK (status IN ('active', 'held', 'hidden', 'banned'))
) STRICT;

CREATE TABLE ledger (
    seq         INTEGER NOT NULL PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    award_id    TEXT    NOT NULL CONSTRAINT ledger_award_id UNIQUE,
    kind        TEXT    NOT NULL
        CONSTRAINT ledger_kind CHECK (kind IN (
            'award', 'reverse', 'hold', 'hide', 'ban', 'release', 'erase',
            'freeze', 'reveal', 'board', 'period'
        )),
    board       TEXT    NOT NULL CONSTRAINT ledger_board REFERENCES boards (board),
    user_ref    INTEGER CONSTRAINT ledger_user REFERENCES users (user_ref),
    action_id   TEXT,
    points      INTEGER NOT NULL
        CONSTRAINT ledger_points CHECK (
            abs(points) <= 9007199254740991 AND (points = 0 OR kind IN ('award', 'reverse'))
        ),
    score_after INTEGER
        CONSTRAINT ledger_score_after CHECK (abs(score_after) <= 9007199254740991),
    at          INTEGER NOT NULL,
    key         TEXT,
    caller      TEXT,
    reverses    INTEGER
        CONSTRAINT ledger_reverses UNIQUE
        CONSTRAINT ledger_reversed REFERENCES ledger (seq),
    detail      TEXT,
    CONSTRAINT ledger_reverse CHECK ((kind = 'reverse') = (reverses IS NOT NULL))
) STRICT;

CREATE INDEX ledger_by_user ON ledger (user_ref, seq) WHERE user_ref IS NOT NULL;

CREATE TRIGGER ledger_is_never_updated BEFORE UPDATE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_is_never_deleted BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- Keeps the order free of gaps, and refuses what a REPLACE would silently delete.
CREATE TRIGGER ledger_only_grows BEFORE INSERT ON ledger
WHEN NEW.seq <> coalesce((SELECT seq FROM ledger ORDER BY seq DESC LIMIT 1), 0) + 1
    OR EXISTS (SELECT 1 FROM ledger WHERE award_id = NEW.award_id)
    OR EXISTS (SELECT 1 FROM ledger WHERE reverses = NEW.reverses)
BEGIN SELECT RAISE(ABORT, 'the ledger only grows, one seq at a time'); END;

CREATE TABLE ledger_head (
    one         INTEGER NOT NULL PRIMARY KEY CONSTRAINT ledger_head_one CHECK (one = 1),
    epoch       INTEGER NOT NULL,
    seq         INTEGER NOT NULL CONSTRAINT ledger_head_seq CHECK (seq >= 0),
    at          INTEGER NOT NULL,
    catalogue   INTEGER NOT NULL,
    fingerprint TEXT
) STRICT;

CREATE TABLE scores (
    board      TEXT    NOT NULL,
    period     TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    score      INTEGER NOT NULL
        CONSTRAINT scores_range CHECK (abs(score) <= 9007199254740991),
    seq        INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (board, period, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX scores_in_order ON scores (board, period, score DESC, seq);

-- What last changed a top without leaving a row in it: an opening, a new setting, a fall.
CREATE TABLE periods (
    board     TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    marked    INTEGER NOT NULL,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (board, period)
) STRICT, WITHOUT ROWID;

-- Who changed what and why.
CREATE TABLE audit (
    entry     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at        INTEGER NOT NULL,
    caller    TEXT    NOT NULL,
    operation TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    before    TEXT,
    after     TEXT
) STRICT;

CREATE TRIGGER audit_is_never_updated BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
