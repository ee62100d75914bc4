-- Statuses, reversals by user and key, and what is left of a user who was erased.

-- SHA-256 of salt and name, kept when both are erased: what old postings commit to.
ALTER TABLE users ADD COLUMN commitment BYTEA
    CONSTRAINT users_commitment CHECK (length(commitment) = 32);

CREATE FUNCTION refuse_other_users() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.user_ref, OLD.user_id, OLD.salt, OLD.commitment)
        IS NOT DISTINCT FROM (NEW.user_ref, NEW.user_id, NEW.salt, NEW.commitment)
        OR (
            NEW.user_ref = OLD.user_ref AND OLD.user_id IS NOT NULL
            AND NEW.user_id IS NULL AND NEW.salt IS NULL AND NEW.commitment IS NOT NULL
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a user never becomes another one, and is erased once'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER users_are_only_erased BEFORE UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION refuse_other_users();

ALTER TABLE users ENABLE ALWAYS TRIGGER users_are_only_erased;

-- Few are not active.
CREATE INDEX users_not_active ON users (user_id) WHERE status <> 'active';

CREATE INDEX ledger_by_key ON ledger (key, seq) WHERE key IS NOT NULL;

CREATE INDEX audit_by_subject ON audit (subject, entry);

-- Names that rankings still have to remove, by the posting that erased them.
CREATE TABLE erasures (
    seq     BIGINT NOT NULL,
    user_id TEXT   NOT NULL,
    CONSTRAINT erasures_key PRIMARY KEY (seq)
);
