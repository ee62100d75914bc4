-- Who leads, and how far the followers of the postings have come.

CREATE TABLE leases (
    name   TEXT    NOT NULL PRIMARY KEY,
    term   INTEGER NOT NULL CONSTRAINT leases_term CHECK (term > 0),
    holder TEXT    NOT NULL,
    until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bookmarks (
    follower TEXT    NOT NULL PRIMARY KEY,
    seq      INTEGER NOT NULL CONSTRAINT bookmarks_seq CHECK (seq >= 0)
) STRICT, WITHOUT ROWID;
