-- The keys that trusted backends sign actions with, and the key of each award. A public key, or an
-- HMAC secret as it was sealed with the service's own secret: whoever reads the database cannot sign.
-- The functions without a key stay beside these: a node of the version before goes on awarding.

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

-- Record an ordinary group, in which no award has rules or zero points, no id comes twice and no
-- user's points have two signs: so a user's last score is the extreme one, which scores_range
-- checks. verdict is written; or, with nothing recorded: catalogue or period (prepare it again),
-- known or banned (ids says who).
--   p_from, p_until   the group's periods all contain the moments from p_from, before p_until
--   p_named           the award ids that may be known
--   p_users           the group's users
--   p_total_*         a user's points on a board, and the place in the group of the last award
--   p_period_*        the boards' periods but `all`
--   p_fallen          the place in the group of the last fall, 0 for none
--   p_award_*         the awards; user and total as subscripts, and points that follow in the total
CREATE FUNCTION append_group(
    p_node TEXT, p_clock BIGINT, p_catalogue BIGINT, p_from BIGINT, p_until BIGINT,
    p_named TEXT[], p_users TEXT[],
    p_total_boards TEXT[], p_total_users TEXT[], p_total_points BIGINT[], p_total_places INTEGER[],
    p_period_boards TEXT[], p_period_names TEXT[],
    p_fallen INTEGER, p_fallen_boards TEXT[],
    p_award_ids TEXT[], p_award_boards TEXT[], p_award_users INTEGER[], p_award_totals INTEGER[],
    p_award_actions TEXT[], p_award_points BIGINT[], p_award_following BIGINT[],
    p_award_callers TEXT[], p_award_keys TEXT[],
    OUT verdict TEXT, OUT epoch BIGINT, OUT seq BIGINT, OUT at BIGINT,
    OUT refs BIGINT[], OUT after BIGINT[], OUT ids TEXT[]
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_head RECORD;
    v_users RECORD;
    v_refs BIGINT[];
    v_after BIGINT[];
    v_period RECORD;
BEGIN
    SELECT * INTO v_head FROM lock_head(p_clock);
    epoch := v_head.epoch;
    seq := v_head.seq;
    at := v_head.at;
    IF v_head.catalogue <> p_catalogue THEN
        verdict := 'catalogue';
        RETURN;
    END IF;
    IF v_head.at < p_from OR v_head.at >= p_until THEN
        verdict := 'period';
        RETURN;
    END IF;

    IF cardinality(p_named) > 0 THEN
        SELECT array_agg(l.award_id) INTO ids FROM ledger AS l WHERE l.award_id = ANY (p_named);
        IF ids IS NOT NULL THEN
            verdict := 'known';
            RETURN;
        END IF;
    END IF;

    SELECT * INTO v_users FROM enter_users(p_users);
    refs := v_users.refs;
    v_refs := v_users.refs;
    IF 'banned' = ANY (v_users.statuses) THEN
        SELECT array_agg(w.user_id) INTO ids
        FROM unnest(p_users, v_users.statuses) AS w (user_id, status)
        WHERE w.status = 'banned';
        verdict := 'banned';
        RETURN;
    END IF;

    SELECT add_scores(
        NULL, 'all', p_total_boards, p_total_users, p_total_points, p_total_places,
        v_head.seq, v_head.at
    )
    INTO v_after;
    after := v_after;
    FOR v_period IN
        SELECT p.board, p.name FROM unnest(p_period_boards, p_period_names) AS p (board, name)
    LOOP
        PERFORM add_scores(
            v_period.board, v_period.name, p_total_boards, p_total_users, p_total_points,
            p_total_places, v_head.seq, v_head.at
        );
    END LOOP;

    INSERT INTO ledger (
        seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller,
        key
    )
    SELECT
        v_head.seq + a.n, v_head.epoch, a.award_id, 'award', a.board, v_refs[a.user_n],
        a.action_id, a.points, v_after[a.total_n] - a.following, v_head.at, a.caller,
        a.key
    FROM unnest(
        p_award_ids, p_award_boards, p_award_users, p_award_totals, p_award_actions,
        p_award_points, p_award_following, p_award_callers, p_award_keys
    ) WITH ORDINALITY
        AS a (award_id, board, user_n, total_n, action_id, points, following, caller, key, n);

    IF p_fallen > 0 THEN
        INSERT INTO periods (board, period, marked, marked_at)
        SELECT p.board, p.name, v_head.seq + p_fallen, v_head.at
        FROM (
            SELECT * FROM unnest(p_period_boards, p_period_names)
            UNION ALL
            SELECT board, 'all' FROM unnest(p_fallen_boards) AS f (board)
        ) AS p (board, name)
        WHERE p.board = ANY (p_fallen_boards)
        ON CONFLICT (board, period) DO UPDATE
        SET marked = excluded.marked, marked_at = excluded.marked_at;
    END IF;

    PERFORM pg_notify('scoreboard', p_node);
    verdict := 'written';
END $$;

-- Record what was judged under the lock: postings, and scores as they are now.
CREATE FUNCTION write_group(
    p_node TEXT, p_epoch BIGINT, p_at BIGINT,
    p_seqs BIGINT[], p_award_ids TEXT[], p_boards TEXT[], p_refs BIGINT[], p_actions TEXT[],
    p_points BIGINT[], p_afters BIGINT[], p_callers TEXT[], p_keys TEXT[],
    p_score_boards TEXT[], p_score_periods TEXT[], p_score_users TEXT[], p_scores BIGINT[],
    p_score_seqs BIGINT[], p_score_ats BIGINT[]
) RETURNS VOID
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_rows TID[];
BEGIN
    SELECT f.places INTO v_rows
    FROM find_scores(p_score_boards, p_score_periods, p_score_users) AS f;

    UPDATE scores AS s
    SET score = t.score, seq = t.seq, updated_at = t.at
    FROM unnest(v_rows, p_scores, p_score_seqs, p_score_ats) AS t (place_of, score, seq, at)
    WHERE s.ctid = t.place_of;

    INSERT INTO scores (board, period, user_id, score, seq, updated_at)
    SELECT t.board, t.period, t.user_id, t.score, t.seq, t.at
    FROM unnest(
        v_rows, p_score_boards, p_score_periods, p_score_users, p_scores, p_score_seqs, p_score_ats
    ) AS t (place_of, board, period, user_id, score, seq, at)
    WHERE t.place_of IS NULL;

    INSERT INTO ledger (
        seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller,
        key
    )
    SELECT
        a.seq, p_epoch, a.award_id, 'award', a.board, a.user_ref, a.action_id, a.points,
        a.score_after, p_at, a.caller, a.key
    FROM unnest(
        p_seqs, p_award_ids, p_boards, p_refs, p_actions, p_points, p_afters, p_callers, p_keys
    ) AS a (seq, award_id, board, user_ref, action_id, points, score_after, caller, key);

    PERFORM pg_notify('scoreboard', p_node);
END $$;
