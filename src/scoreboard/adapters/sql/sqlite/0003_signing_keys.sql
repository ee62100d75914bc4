-- The keys that trusted backends sign actions with. A public key, or an HMAC secret as it was sealed
-- with the service's own secret: whoever reads the database cannot sign.

CREATE TABLE signing_keys (
    key        TEXT    NOT NULL PRIMARY KEY,
    algorithm  TEXT    NOT NULL
        CONSTRAINT signing_keys_algorithm CHECK (algorithm IN ('ed25519', 'hmac-sha256')),
    material   BLOB    NOT NULL,
    actions    TEXT    NOT NULL CONSTRAINT signing_keys_actions CHECK (json_valid(actions)),
    not_before INTEGER,
    not_after  INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TRIGGER signing_keys_are_never_deleted BEFORE DELETE ON signing_keys
BEGIN SELECT RAISE(ABORT, 'a key is revoked, never deleted'); END;

CREATE TRIGGER signing_keys_are_only_revoked BEFORE UPDATE ON signing_keys
WHEN OLD.revoked_at IS NOT NULL
    OR (OLD.key, OLD.algorithm, OLD.material, OLD.actions, OLD.not_before, OLD.not_after)
    IS NOT (NEW.key, NEW.algorithm, NEW.material, NEW.actions, NEW.not_before, NEW.not_after)
BEGIN SELECT RAISE(ABORT, 'a key never changes; it is revoked once'); END;
