-- Statuses, reversals by user and key, and what is left of a user who was erased.

-- SHA-256 of salt and name, kept when both are erased: what old postings commit to.
ALTER TABLE users ADD COLUMN commitment BLOB
    CONSTRAINT users_commitment CHECK (commitment IS NULL OR length(commitment) = 32);

CREATE TRIGGER users_are_only_erased BEFORE UPDATE OF user_ref, user_id, salt, commitment ON users
WHEN (OLD.user_ref, OLD.user_id, OLD.salt, OLD.commitment)
    IS NOT (NEW.user_ref, NEW.user_id, NEW.salt, NEW.commitment)
    AND NOT (
        NEW.user_ref = OLD.user_ref AND OLD.user_id IS NOT NULL
        AND NEW.user_id IS NULL AND NEW.salt IS NULL AND NEW.commitment IS NOT NULL
    )
BEGIN SELECT RAISE(ABORT, 'a user never becomes another one, and is erased once'); END;

-- Few are not active.
CREATE INDEX users_not_active ON users (user_id) WHERE status <> 'active';

CREATE INDEX ledger_by_key ON ledger (key, seq) WHERE key IS NOT NULL;

CREATE INDEX audit_by_subject ON audit (subject, entry);

-- Names that rankings still have to remove, by the posting that erased them.
CREATE TABLE erasures (
    seq     INTEGER NOT NULL PRIMARY KEY,
    user_id TEXT    NOT NULL
) STRICT;
