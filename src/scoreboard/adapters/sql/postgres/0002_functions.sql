-- Writing a group: each statement of these functions sees what was committed before the head was
-- locked; a single statement would not, its snapshot is older than the lock.
--
-- Plans are made when the tables are small and kept while they grow. OFFSET 0 leaves the planner
-- no other way than one look-up a row, and comparing (user_ref, seq) no other index.

CREATE FUNCTION clock_ms() RETURNS BIGINT
LANGUAGE sql VOLATILE
RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::BIGINT;

-- Lock the head. p_clock stands in for the database's clock; time never runs back.
CREATE FUNCTION lock_head(
    p_clock BIGINT,
    OUT epoch BIGINT, OUT seq BIGINT, OUT at BIGINT, OUT catalogue BIGINT
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT h.epoch, h.catalogue INTO epoch, catalogue
    FROM ledger_head AS h
    FOR UPDATE;
    SELECT l.seq, greatest(l.at, coalesce(p_clock, clock_ms())) INTO seq, at
    FROM ledger AS l
    ORDER BY l.seq DESC
    LIMIT 1;
END $$;

-- The last place before a moment, 0 for none. As times never run back in seq order and seq has no
-- gaps, halving finds it: about thirty look-ups in a thousand million postings.
CREATE FUNCTION seq_before(p_at BIGINT) RETURNS BIGINT
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low BIGINT := 0;
    v_high BIGINT;
    v_middle BIGINT;
    v_at BIGINT;
BEGIN
    SELECT seq INTO v_high FROM ledger ORDER BY seq DESC LIMIT 1;
    WHILE v_low < v_high LOOP
        v_middle := (v_low + v_high + 1) / 2;
        SELECT at INTO v_at FROM ledger WHERE seq = v_middle;
        IF v_at < p_at THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END $$;

-- References of users, in the order given, of which some are known; the others are entered.
CREATE FUNCTION enter_new_users(p_users TEXT[], p_refs BIGINT[]) RETURNS BIGINT[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_refs BIGINT[];
BEGIN
    INSERT INTO users (user_id, salt)
    SELECT DISTINCT ON (w.user_id) w.user_id, uuid_send(gen_random_uuid())
    FROM unnest(p_users, p_refs) AS w (user_id, user_ref)
    WHERE w.user_ref IS NULL;
    SELECT array_agg(coalesce(w.user_ref, u.user_ref)) INTO v_refs
    FROM unnest(p_users, p_refs) AS w (user_id, user_ref)
    LEFT JOIN LATERAL (
        SELECT user_ref FROM users WHERE w.user_ref IS NULL AND user_id = w.user_id OFFSET 0
    ) AS u ON true;
    RETURN v_refs;
END $$;

-- References and statuses of users, each named once, in the order given; new users are entered.
CREATE FUNCTION enter_users(
    p_users TEXT[],
    OUT refs BIGINT[], OUT statuses TEXT[]
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT array_agg(u.user_ref), array_agg(coalesce(u.status, 'active'))
    INTO refs, statuses
    FROM unnest(p_users) AS w (user_id)
    LEFT JOIN LATERAL (
        SELECT user_ref, status FROM users WHERE user_id = w.user_id OFFSET 0
    ) AS u ON true;
    IF array_position(refs, NULL) IS NOT NULL THEN
        refs := enter_new_users(p_users, refs);
    END IF;
END $$;

-- Rows of scores, in the order given, NULL for those that are not there.
CREATE FUNCTION find_scores(
    p_boards TEXT[], p_periods TEXT[], p_users TEXT[],
    OUT places TID[], OUT scores BIGINT[], OUT seqs BIGINT[], OUT ats BIGINT[]
)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    SELECT
        array_agg(s.ctid), array_agg(s.score), array_agg(s.seq), array_agg(s.updated_at)
    INTO places, scores, seqs, ats
    FROM unnest(p_boards, p_periods, p_users) AS k (board, period, user_id)
    LEFT JOIN LATERAL (
        SELECT ctid, score, seq, updated_at
        FROM scores
        WHERE board = k.board AND period = k.period AND user_id = k.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s ON true;
END $$;

-- Add points to the scores of one period of a board, whichever of the totals are of this board;
-- p_seq is the place before the group's first.
CREATE FUNCTION add_scores(
    p_board TEXT, p_period TEXT,
    p_boards TEXT[], p_users TEXT[], p_points BIGINT[], p_places INTEGER[],
    p_seq BIGINT, p_at BIGINT
) RETURNS VOID
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_rows TID[];
    v_after BIGINT[];
BEGIN
    SELECT array_agg(s.ctid), array_agg(coalesce(s.score, 0) + t.points)
    INTO v_rows, v_after
    FROM unnest(p_boards, p_users, p_points) AS t (board, user_id, points)
    LEFT JOIN LATERAL (
        SELECT ctid, score
        FROM scores
        WHERE t.board = p_board AND board = p_board AND period = p_period AND user_id = t.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s ON true;

    UPDATE scores AS s
    SET score = t.score, seq = p_seq + t.place, updated_at = p_at
    FROM unnest(v_rows, v_after, p_places) AS t (place_of, score, place)
    WHERE s.ctid = t.place_of;

    IF array_position(v_rows, NULL) IS NOT NULL THEN
        INSERT INTO scores (board, period, user_id, score, seq, updated_at)
        SELECT t.board, p_period, t.user_id, t.score, p_seq + t.place, p_at
        FROM unnest(v_rows, p_boards, p_users, v_after, p_places)
            AS t (place_of, board, user_id, score, place)
        WHERE t.place_of IS NULL AND t.board = p_board;
    END IF;
END $$;

-- Record an ordinary group, in which no award has rules or zero points, no id comes twice and no
-- user's points have two signs: so a user's last score is the extreme one, which scores_range
-- checks. verdict is written; or, with nothing recorded: catalogue or period (prepare it again),
-- known or banned (ids says who).
--   p_from, p_until   the group's periods all contain the moments from p_from, before p_until
--   p_named           the award ids that may be known
--   p_total_*         a user's points on a board, and the place in the group of the last award
--   p_period_*        the boards' periods but `all`
--   p_fallen          the place in the group of the last fall, 0 for none
--   p_award_*         the awards; the total as a subscript, and points that follow in the total
-- refs and after answer to the totals. As few statements as can be: each costs as much as several
-- awards.
CREATE FUNCTION append_group(
    p_node TEXT, p_clock BIGINT, p_catalogue BIGINT, p_from BIGINT, p_until BIGINT,
    p_named TEXT[],
    p_total_boards TEXT[], p_total_users TEXT[], p_total_points BIGINT[], p_total_places INTEGER[],
    p_period_boards TEXT[], p_period_names TEXT[],
    p_fallen INTEGER, p_fallen_boards TEXT[],
    p_award_ids TEXT[], p_award_boards TEXT[], p_award_totals INTEGER[],
    p_award_actions TEXT[], p_award_points BIGINT[], p_award_following BIGINT[],
    p_award_callers TEXT[], p_award_keys TEXT[],
    OUT verdict TEXT, OUT epoch BIGINT, OUT seq BIGINT, OUT at BIGINT,
    OUT refs BIGINT[], OUT after BIGINT[], OUT ids TEXT[]
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_epoch BIGINT;
    v_catalogue BIGINT;
    v_seq BIGINT;
    v_at BIGINT;
    v_refs BIGINT[];
    v_banned BOOLEAN;
    v_rows TID[];
    v_after BIGINT[];
    v_place INTEGER;
BEGIN
    SELECT h.epoch, h.catalogue INTO v_epoch, v_catalogue
    FROM ledger_head AS h
    FOR UPDATE;
    SELECT l.seq, greatest(l.at, coalesce(p_clock, clock_ms())) INTO v_seq, v_at
    FROM ledger AS l
    ORDER BY l.seq DESC
    LIMIT 1;
    epoch := v_epoch;
    seq := v_seq;
    at := v_at;
    IF v_catalogue <> p_catalogue THEN
        verdict := 'catalogue';
        RETURN;
    END IF;
    IF v_at < p_from OR v_at >= p_until THEN
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

    -- A nested loop, which keeps the order of the totals: nothing else can follow them in LATERAL.
    SELECT
        array_agg(u.user_ref), bool_or(u.status = 'banned'),
        array_agg(s.ctid), array_agg(coalesce(s.score, 0) + t.points)
    INTO v_refs, v_banned, v_rows, v_after
    FROM unnest(p_total_boards, p_total_users, p_total_points) AS t (board, user_id, points)
    LEFT JOIN LATERAL (
        SELECT user_ref, status FROM users WHERE user_id = t.user_id OFFSET 0
    ) AS u ON true
    LEFT JOIN LATERAL (
        SELECT ctid, score
        FROM scores
        WHERE board = t.board AND period = 'all' AND user_id = t.user_id
        ORDER BY seq DESC
        LIMIT 1
    ) AS s ON true;
    IF v_banned THEN
        SELECT array_agg(u.user_id) INTO ids
        FROM users AS u
        WHERE u.user_id = ANY (p_total_users) AND u.status = 'banned';
        verdict := 'banned';
        RETURN;
    END IF;
    IF array_position(v_refs, NULL) IS NOT NULL THEN
        v_refs := enter_new_users(p_total_users, v_refs);
    END IF;
    refs := v_refs;
    after := v_after;

    UPDATE scores AS s
    SET score = t.score, seq = v_seq + t.place, updated_at = v_at
    FROM unnest(v_rows, v_after, p_total_places) AS t (place_of, score, place)
    WHERE s.ctid = t.place_of;
    IF array_position(v_rows, NULL) IS NOT NULL THEN
        INSERT INTO scores (board, period, user_id, score, seq, updated_at)
        SELECT t.board, 'all', t.user_id, t.score, v_seq + t.place, v_at
        FROM unnest(v_rows, p_total_boards, p_total_users, v_after, p_total_places)
            AS t (place_of, board, user_id, score, place)
        WHERE t.place_of IS NULL;
    END IF;
    FOR v_place IN 1 .. cardinality(p_period_boards) LOOP
        PERFORM add_scores(
            p_period_boards[v_place], p_period_names[v_place], p_total_boards, p_total_users,
            p_total_points, p_total_places, v_seq, v_at
        );
    END LOOP;

    INSERT INTO ledger (
        seq, epoch, award_id, kind, board, user_ref, action_id, points, score_after, at, caller,
        key
    )
    SELECT
        v_seq + a.n, v_epoch, a.award_id, 'award', a.board, v_refs[a.total_n],
        a.action_id, a.points, v_after[a.total_n] - a.following, v_at, a.caller,
        a.key
    FROM unnest(
        p_award_ids, p_award_boards, p_award_totals, p_award_actions,
        p_award_points, p_award_following, p_award_callers, p_award_keys
    ) WITH ORDINALITY
        AS a (award_id, board, total_n, action_id, points, following, caller, key, n);

    IF p_fallen > 0 THEN
        INSERT INTO periods (board, period, marked, marked_at)
        SELECT p.board, p.name, v_seq + p_fallen, v_at
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

-- Lock the head and answer all that judging a group asks for; the transaction goes on.
--   p_key_*           scores, answered in this order, NULL for those that are not there
--   p_memory_*        a user (as a subscript of p_users) and an action whose awards of the last
--                     span are asked for; earlier answers with the subscript and the moment
CREATE FUNCTION know_group(
    p_clock BIGINT, p_named TEXT[], p_users TEXT[],
    p_key_boards TEXT[], p_key_periods TEXT[], p_key_users TEXT[],
    p_memory_users INTEGER[], p_memory_actions TEXT[], p_memory_spans BIGINT[],
    OUT epoch BIGINT, OUT seq BIGINT, OUT at BIGINT, OUT catalogue BIGINT,
    OUT ids TEXT[], OUT refs BIGINT[], OUT statuses TEXT[],
    OUT scores BIGINT[], OUT seqs BIGINT[], OUT ats BIGINT[],
    OUT earlier INTEGER[], OUT moments BIGINT[]
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    v_head RECORD;
    v_users RECORD;
    v_refs BIGINT[];
    v_horizon BIGINT;
BEGIN
    SELECT * INTO v_head FROM lock_head(p_clock);
    epoch := v_head.epoch;
    seq := v_head.seq;
    at := v_head.at;
    catalogue := v_head.catalogue;
    SELECT array_agg(l.award_id) INTO ids FROM ledger AS l WHERE l.award_id = ANY (p_named);
    SELECT * INTO v_users FROM enter_users(p_users);
    refs := v_users.refs;
    v_refs := v_users.refs;
    statuses := v_users.statuses;

    SELECT f.scores, f.seqs, f.ats INTO scores, seqs, ats
    FROM find_scores(p_key_boards, p_key_periods, p_key_users) AS f;

    IF cardinality(p_memory_users) > 0 THEN
        SELECT seq_before(v_head.at - max(m.span)) INTO v_horizon
        FROM unnest(p_memory_spans) AS m (span);
        SELECT array_agg(m.n ORDER BY l.seq), array_agg(l.at ORDER BY l.seq)
        INTO earlier, moments
        FROM unnest(p_memory_users, p_memory_actions, p_memory_spans) WITH ORDINALITY
            AS m (user_n, action_id, span, n)
        CROSS JOIN LATERAL (
            SELECT seq, at
            FROM ledger
            WHERE user_ref = v_refs[m.user_n]
                AND (user_ref, seq) > (v_refs[m.user_n], v_horizon)
                AND kind = 'award'
                AND action_id = m.action_id
                AND at > v_head.at - m.span
            OFFSET 0
        ) AS l;
    END IF;
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

-- Note a change of tops that leaves no row in them.
CREATE FUNCTION mark_tops(p_boards TEXT[], p_periods TEXT[], p_seq BIGINT, p_at BIGINT)
RETURNS VOID
LANGUAGE sql VOLATILE AS $$
    INSERT INTO periods (board, period, marked, marked_at)
    SELECT m.board, m.period, p_seq, p_at
    FROM unnest(p_boards, p_periods) AS m (board, period)
    ON CONFLICT (board, period) DO UPDATE
    SET marked = excluded.marked, marked_at = excluded.marked_at;
$$;
