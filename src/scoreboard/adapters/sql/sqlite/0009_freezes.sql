-- Since when the public sees a board as it was, and how many users stood on it then. Nodes of the
-- version before go on working: they keep what is in these columns, and show every board live.

ALTER TABLE boards ADD COLUMN frozen_seq INTEGER
    CONSTRAINT boards_frozen_seq CHECK (frozen_seq > 0);
ALTER TABLE boards ADD COLUMN frozen_at INTEGER
    CONSTRAINT boards_frozen_at CHECK ((frozen_at IS NULL) = (frozen_seq IS NULL));
ALTER TABLE boards ADD COLUMN frozen_users INTEGER
    CONSTRAINT boards_frozen_users CHECK (
        (frozen_users IS NULL) = (frozen_seq IS NULL) AND frozen_users >= 0
    );
