-- The keys that trusted backends sign actions with, and the key of each award. A public key, or an
-- HMAC secret as it was sealed with the service's own secret: whoever reads the database cannot sign.

CREATE TABLE signing_keys (
    key        TEXT COLLATE "C" NOT NULL,
    algorithm  TEXT             NOT NULL
        CONSTRAINT signing_keys_algorithm CHECK (algorithm IN ('ed25519', 'hmac-sha256')),
    material   BYTEA            NOT NULL,
    actions    TEXT             NOT NULL,
    not_before BIGINT,
    not_after  BIGINT,
    revoked_at BIGINT,
    CONSTRAINT signing_keys_key PRIMARY KEY (key)
);

CREATE FUNCTION refuse_other_keys() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.revoked_at IS NULL
        AND (OLD.key, OLD.algorithm, OLD.material, OLD.actions, OLD.not_before, OLD.not_after)
        IS NOT DISTINCT FROM
        (NEW.key, NEW.algorithm, NEW.material, NEW.actions, NEW.not_before, NEW.not_after)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a key never changes; it is revoked once'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER signing_keys_are_never_deleted BEFORE DELETE OR TRUNCATE ON signing_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

CREATE TRIGGER signing_keys_are_only_revoked BEFORE UPDATE ON signing_keys
FOR EACH ROW EXECUTE FUNCTION refuse_other_keys();

ALTER TABLE signing_keys ENABLE ALWAYS TRIGGER signing_keys_are_never_deleted;
ALTER TABLE signing_keys ENABLE ALWAYS TRIGGER signing_keys_are_only_revoked;
