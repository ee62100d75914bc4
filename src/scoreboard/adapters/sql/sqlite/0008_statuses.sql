-- What a user's status was at a seq, for reads of the past; few postings are in it.

CREATE INDEX ledger_statuses ON ledger (user_ref, seq)
WHERE kind IN ('hold', 'hide', 'ban', 'release');
