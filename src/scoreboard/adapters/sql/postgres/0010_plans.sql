-- A user's score is looked for by the primary key, which ends in the seq, from the newest version
-- down: those that a long transaction elsewhere keeps from being cleaned up are not looked at. The
-- planner, who does not know of them, may think that reading all of a user's versions is as good:
-- after ten minutes of load that was 140 pages a user. So it has no other way.

ALTER FUNCTION find_scores
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off;

ALTER FUNCTION add_scores
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off;

ALTER FUNCTION append_group
SET enable_bitmapscan = off SET enable_seqscan = off SET enable_sort = off;
