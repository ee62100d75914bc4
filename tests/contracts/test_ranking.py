"""What every ranking promises of places, periods, reads and those who are not shown."""

import pytest

from scoreboard.core.score import Score
from scoreboard.core.standing import Page
from scoreboard.errors import NotFound, OutOfPlace
from scoreboard.ports import Exit, Group, Mark, Move, Ranking, Return

from .ranking_model import EPOCH, ONE, SPANS, begin


async def test_a_new_ranking_has_to_be_rebuilt_first(ranking: Ranking) -> None:
    assert await ranking.place() is None
    assert await ranking.periods() == []
    assert await ranking.snapshot(ONE, "all") is None
    with pytest.raises(OutOfPlace):
        await ranking.apply(Group(EPOCH, 0, 1, ()))


@pytest.mark.parametrize(
    ("epoch", "after"), [(EPOCH, 4), (EPOCH, 6), (EPOCH, 0), (EPOCH - 1, 5), (EPOCH + 1, 5)]
)
async def test_a_group_that_does_not_begin_right_after_the_place_changes_nothing(
    ranking: Ranking, epoch: int, after: int
) -> None:
    await begin(ranking, 5)
    before = await ranking.snapshot(ONE, "all")
    stray = Group(epoch, after, after + 1, (Move("one", "all", "u1", 5, after + 1, 0),))
    with pytest.raises(OutOfPlace) as refused:
        await ranking.apply(stray)
    assert refused.value.place == 5
    assert await ranking.place() == (EPOCH, 5)
    assert await ranking.snapshot(ONE, "all") == before
    with pytest.raises(NotFound):
        await ranking.standing(ONE, "all", "u1")


async def test_the_same_group_twice_is_refused_the_second_time(ranking: Ranking) -> None:
    await begin(ranking)
    once = Group(EPOCH, 0, 1, (Move("one", "all", "u1", 5, 1, 0),))
    await ranking.apply(once)
    with pytest.raises(OutOfPlace):
        await ranking.apply(once)
    standing = await ranking.standing(ONE, "all", "u1")
    assert standing is not None
    assert standing.score == 5


async def test_a_move_that_is_in_the_loaded_score_counts_once(ranking: Ranking) -> None:
    await ranking.rebuild((EPOCH, 1))
    await ranking.load(Mark("one", "all", 0, 0), [Score("u1", 8, 3, 30)])
    moves = tuple(
        Move("one", "all", "u1", points, seq, 10 * seq) for seq, points in [(2, 3), (3, 5), (4, 1)]
    )
    await ranking.apply(Group(EPOCH, 1, 4, moves))
    await ranking.switch()
    standing = await ranking.standing(ONE, "all", "u1")
    assert standing is not None
    assert (standing.score, standing.at) == (9, 40)


async def test_a_rebuild_is_read_only_once_it_is_switched_to(ranking: Ranking) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, (Move("one", "all", "old", 5, 1, 10),)))
    before = await ranking.snapshot(ONE, "all")
    await ranking.rebuild((EPOCH + 1, 0))
    await ranking.load(Mark("one", "all", 0, 0), [])
    assert await ranking.place() == (EPOCH + 1, 0)
    await ranking.apply(Group(EPOCH + 1, 0, 1, (Move("one", "all", "new", 3, 1, 10),)))
    assert await ranking.snapshot(ONE, "all") == before
    await ranking.switch()
    after = await ranking.snapshot(ONE, "all")
    assert after is not None
    assert (after.epoch, [row.user_id for row in after.rows]) == (EPOCH + 1, ["new"])
    assert set(await ranking.periods()) == {("one", "all")}


async def test_a_rebuild_begun_anew_forgets_the_one_before(ranking: Ranking) -> None:
    await ranking.rebuild((EPOCH, 0))
    await ranking.load(Mark("one", "all", 0, 0), [Score("ghost", 9, 1, 1)])
    await begin(ranking, 2)
    assert await ranking.total(ONE, "all") == 0
    assert await ranking.place() == (EPOCH, 2)


# --- periods


async def test_a_period_that_is_not_held_is_not_answered_for(ranking: Ranking) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, (Move("one", "1999-12", "u1", 5, 1, 0),)))
    for period in ("1999-12", "2026-11-24"):
        assert await ranking.snapshot(ONE, period) is None
        assert await ranking.page(ONE, period, None, 5) is None
        assert await ranking.standing(ONE, period, "u1") is None
        assert await ranking.around(ONE, period, "u1", 2) is None
        assert await ranking.total(ONE, period) is None
    assert set(await ranking.periods()) == set(SPANS)


async def test_a_mark_opens_a_period_empty_and_points_in_the_same_group_count(
    ranking: Ranking,
) -> None:
    await begin(ranking, 4)
    span = ("one", "2026-11-24")
    assert list(await ranking.apply(Group(EPOCH, 4, 5, (), (Mark(*span, 5, 50),)))) == [span]
    snapshot = await ranking.snapshot(ONE, span[1])
    assert snapshot is not None
    assert (snapshot.rows, snapshot.seq, snapshot.at) == ((), 5, 50)
    later = Group(
        EPOCH,
        5,
        6,
        (Move("one", "2026-11-25", "u1", 5, 6, 60),),
        (Mark("one", "2026-11-25", 6, 60),),
    )
    assert list(await ranking.apply(later)) == [("one", "2026-11-25")]
    opened = await ranking.snapshot(ONE, "2026-11-25")
    assert opened is not None
    assert [row.score for row in opened.rows] == [5]


async def test_a_forgotten_period_is_gone_and_the_others_stay(ranking: Ranking) -> None:
    await begin(ranking)
    moves = tuple(Move(*span, "u1", 5, 1, 10) for span in SPANS)
    await ranking.apply(Group(EPOCH, 0, 1, moves))
    await ranking.forget("one", "2026-11-23")
    await ranking.forget("one", "never-held")
    assert await ranking.snapshot(ONE, "2026-11-23") is None
    assert set(await ranking.periods()) == {("one", "all"), ("two", "all")}
    stray = (Move("one", "2026-11-23", "u1", 5, 2, 20), Move("one", "all", "u1", 5, 2, 20))
    assert list(await ranking.apply(Group(EPOCH, 1, 2, stray))) == [("one", "all")]
    assert await ranking.total(ONE, "2026-11-23") is None


# --- details of reads


async def test_a_page_tells_the_last_posting_of_its_period(ranking: Ranking) -> None:
    await begin(ranking)
    moves = [Move("one", "all", f"u{seq}", 100 - seq, seq, 10 * seq) for seq in range(1, 13)]
    await ranking.apply(Group(EPOCH, 0, 12, tuple(moves)))
    await ranking.apply(Group(EPOCH, 12, 13, (Move("two", "all", "u1", 1, 13, 130),)))
    page = await ranking.page(ONE, "all", None, 3)
    snapshot = await ranking.snapshot(ONE, "all")
    assert isinstance(page, Page)
    assert snapshot is not None
    assert (page.epoch, page.seq, page.at) == (EPOCH, 12, 120)
    assert (snapshot.seq, snapshot.at) == (10, 100)


async def test_a_full_top_tells_where_to_go_on_also_for_those_who_come_later(
    ranking: Ranking,
) -> None:
    await begin(ranking)
    moves = tuple(Move("one", "all", f"u{seq}", 1, seq, 10 * seq) for seq in range(1, 13))
    await ranking.apply(Group(EPOCH, 0, 9, moves[:9]))
    nine = await ranking.snapshot(ONE, "all")
    assert nine is not None
    assert nine.end is None
    await ranking.apply(Group(EPOCH, 9, 10, moves[9:10]))
    full = await ranking.snapshot(ONE, "all")
    assert full is not None
    nobody = await ranking.page(ONE, "all", full.end, 10)
    assert nobody is not None
    assert nobody.rows == ()
    assert list(await ranking.apply(Group(EPOCH, 10, 12, moves[10:]))) == []
    page = await ranking.page(ONE, "all", full.end, 10)
    assert page is not None
    assert [row.user_id for row in page.rows] == ["u11", "u12"]
    assert await ranking.snapshot(ONE, "all") == full


async def test_ties_go_to_whoever_got_there_first_whatever_their_names(ranking: Ranking) -> None:
    await begin(ranking)
    names = ["zoe", "adam", "Ärger".encode("ascii", "ignore").decode(), "m", "b"]
    moves = tuple(
        Move("one", "all", name, 5, seq, 10 * seq) for seq, name in enumerate(names, start=1)
    )
    await ranking.apply(Group(EPOCH, 0, len(names), moves))
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [row.user_id for row in snapshot.rows] == names


async def test_seqs_and_scores_at_their_limits_stay_in_order(ranking: Ranking) -> None:
    await begin(ranking)
    most = 2**53 - 1
    moves = (
        Move("one", "all", "least", -most, 1, 10),
        Move("one", "all", "second", most - 1, 2, 20),
        Move("one", "all", "first", most, 3, 30),
        Move("one", "all", "level", most - 1, 255, 40),
        Move("one", "all", "late", most - 1, 256, 50),
        Move("one", "all", "later", most - 1, 65_536, 60),
        Move("one", "all", "latest", most - 1, 2**40, 70),
    )
    await ranking.apply(Group(EPOCH, 0, 2**40, moves))
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [(row.user_id, row.score) for row in snapshot.rows] == [
        ("first", most), ("second", most - 1), ("level", most - 1), ("late", most - 1),
        ("later", most - 1), ("latest", most - 1), ("least", -most),
    ]  # fmt: skip


async def test_a_fall_that_pages_had_already_seen_is_in_the_label_of_the_rebuilt_top(
    ranking: Ranking,
) -> None:
    """Pages are read at moments of their own: what they show may be later than the place."""
    others = [Score(f"u{index:02}", 50 - index, index, index) for index in range(1, 11)]
    await ranking.rebuild((EPOCH, 20))
    await ranking.load(Mark("one", "all", 0, 0), [Score("u00", 5, 22, 22), *others])
    rise = Move("one", "all", "u10", 1, 21, 21)
    fall = Move("one", "all", "u00", -95, 22, 22)
    await ranking.apply(Group(EPOCH, 20, 21, (rise,)))
    await ranking.apply(Group(EPOCH, 21, 22, (fall,)))
    await ranking.switch()
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert "u00" not in {row.user_id for row in snapshot.rows}
    assert snapshot.seq == 22


# --- those who are not shown


async def test_whoever_was_erased_before_the_pages_were_read_is_in_the_label_of_the_rebuilt_top(
    ranking: Ranking,
) -> None:
    await ranking.rebuild((EPOCH, 20))
    await ranking.load(Mark("one", "all", 3, 3), [Score("u02", 5, 2, 2)])
    await ranking.apply(Group(EPOCH, 20, 21, turns=(Exit("u01", 21, 21, forever=True),)))
    await ranking.switch()
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert (snapshot.seq, [row.user_id for row in snapshot.rows]) == (21, ["u02"])


async def test_the_first_points_of_somebody_who_is_not_shown_wait_for_the_return(
    ranking: Ranking,
) -> None:
    await begin(ranking)
    await ranking.apply(Group(EPOCH, 0, 1, turns=(Exit("u1", 1, 10),)))
    moves = (Move("one", "all", "u1", 5, 2, 20), Move("one", "all", "u2", 5, 3, 30))
    assert list(await ranking.apply(Group(EPOCH, 1, 3, moves))) == [("one", "all")]
    assert await ranking.total(ONE, "all") == 1
    back = Group(EPOCH, 3, 4, turns=(Return("u1", 4, 40),))
    assert list(await ranking.apply(back)) == [("one", "all")]
    snapshot = await ranking.snapshot(ONE, "all")
    assert snapshot is not None
    assert [(row.user_id, row.at) for row in snapshot.rows] == [("u1", 20), ("u2", 30)]
    assert (snapshot.seq, snapshot.at) == (4, 40)


async def test_a_group_of_turns_that_does_not_fit_changes_nothing(ranking: Ranking) -> None:
    await begin(ranking, 5)
    with pytest.raises(OutOfPlace) as refused:
        await ranking.apply(Group(EPOCH, 6, 7, turns=(Exit("u1", 7, 70),)))
    assert refused.value.place == 5
    assert await ranking.unseen() == ((EPOCH, 5), frozenset())


async def test_a_ranking_that_has_to_be_rebuilt_does_not_say_who_is_not_shown(
    ranking: Ranking,
) -> None:
    assert await ranking.unseen() is None
