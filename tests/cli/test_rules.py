"""Rules on the command line: set, tried, and what they refused."""

import json
from pathlib import Path

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from tests.cli.test_commands import ok, refused, scoreboard
from tests.contracts.material import Clock, append, award


@pytest.fixture
async def played(tmp_path: Path) -> Path:
    """A ledger with two quizzes of ada and one of ben, in three seconds, and a refusal."""
    ok(tmp_path, "action", "set", "quiz", "10", "--cap-day", "2", "--data", ".")
    clock = Clock()
    ledger = await SqliteLedger.open(tmp_path / "scoreboard.db", clock_ms=clock)
    quiz = (await ledger.catalogue()).actions["quiz"]
    for place, user in enumerate(("ada", "ada", "ben", "ada")):
        clock.now_ms += 1_000
        await append(ledger, clock, award(f"a{place}", user, quiz))
    await ledger.close()
    return tmp_path


async def test_incidents_are_listed_with_their_numbers(played: Path) -> None:
    shown = ok(played, "rules", "incidents", "--data", ".", COLUMNS="200")
    [line] = [line for line in shown.splitlines() if "ada" in line]
    assert "cap-day" in line
    assert "more than 2" in line
    found = json.loads(ok(played, "rules", "incidents", "--json", "--user", "ada", "--data", "."))
    assert [(each["user_id"], each["count"]) for each in found["incidents"]] == [("ada", 1)]
    assert "open" in line
    number = str(found["incidents"][0]["incident"])
    said = ok(played, "rules", "dismiss", number, "--reason", "a broken button", "--data", ".")
    assert said == f"Incident {number} and those before it of ada are closed.\n"
    again = ok(played, "rules", "dismiss", number, "--reason", "again", "--json", "--data", ".")
    assert json.loads(again)["open"] is False
    for other in ("999", "0", "9" * 20):
        said = refused(played, "rules", "dismiss", other, "--reason", "why", "--data", ".")
        assert f"There is no incident {other}" in said
    assert "--before is" in refused(played, "rules", "incidents", "--before", "9" * 20)
    assert "--reason" in refused(played, "rules", "dismiss", number, "--data", ".", code=2)
    none = ok(played, "rules", "incidents", "--rule", "cooldown", "--data", ".")
    assert none == "There are no such incidents.\n"
    assert "there are time-span" in refused(played, "rules", "incidents", "--rule", "no")
    assert "--limit is 1 to 1,000" in refused(played, "rules", "incidents", "--limit", "0")


async def test_a_simulation_says_whose_rank_would_change_and_changes_nothing(
    played: Path,
) -> None:
    (played / "new.csv").write_text("action_id,points,cooldown_s\nquiz,20,60\n")
    shown = ok(played, "rules", "simulate", "new.csv", "--data", ".")
    assert "Of 3 awards 1 would have been refused, and 2 would have had other points" in shown
    assert "Board default, all: of 2 users 1 would have another score, 0 another rank." in shown
    assert shown.endswith("Nothing was changed.\n")
    (played / "new.json").write_text('[{"action_id": "quiz", "points": 10, "cap_hour": 1}]')
    arguments = ("new.json", "--points-per-hour", "default=5", "--json", "--data", ".")
    found = json.loads(ok(played, "rules", "simulate", *arguments))
    assert found["refused"] == [
        {"action_id": "quiz", "rule": "points-hour", "awards": 3},
    ]
    assert found["shifts"][0]["movers"][0] == {
        "user_id": "ada",
        "rank_before": 1,
        "rank_after": None,
        "score_before": 20,
        "score_after": None,
    }
    listed = json.loads(ok(played, "action", "list", "--json", "--data", "."))
    assert [(each["points"], each["cooldown_s"]) for each in listed] == [(10, 0)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "what to try?"),
        (("none.csv",), "none.csv cannot be read"),
        (("bad.csv",), "bad.csv:2: points is not valid"),
        (("lost.csv",), "lost.csv:2: there is no board moon"),
        (("--points-per-hour", "moon=5"), "there is no board 'moon'"),
        (("--points-per-hour", "default"), "'' is no number of points"),
        (("--points-per-hour", "default=-1"), "'-1' is no number of points"),
        (("--points-per-hour", "default=1", "--top", "-1"), "--top is 0 to"),
    ],
)
def test_a_simulation_of_nonsense_says_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    ok(tmp_path, "migrate", "--data", ".")
    (tmp_path / "bad.csv").write_text("action_id,points\nquiz,ten\n")
    (tmp_path / "lost.csv").write_text("action_id,points,board\nquiz,10,moon\n")
    assert says in refused(tmp_path, "rules", "simulate", *arguments, "--data", ".")


def test_spans_and_shadows_are_set_kept_shown_and_taken_back(tmp_path: Path) -> None:
    span = ("--active-from", "2026-12-01T00:00:00Z", "--active-until", "2027-01-01T00:00:00Z")
    said = ok(tmp_path, "action", "set", "gift", "5", *span, "--shadow", "--data", ".")
    assert "from 2026-12-01T00:00:00.000Z, until 2027-01-01T00:00:00.000Z, in the shadow" in said
    said = ok(tmp_path, "action", "set", "gift", "6", "--active-from", "none", "--data", ".")
    assert "+6" in said
    assert "from" not in said
    assert "until 2027-01-01T00:00:00.000Z, in the shadow" in said
    said = ok(tmp_path, "action", "set", "gift", "6", "--no-shadow", "--data", ".")
    assert "shadow" not in said
    (listed,) = json.loads(ok(tmp_path, "action", "list", "--json", "--data", "."))
    assert listed["active_until"] == "2027-01-01T00:00:00.000Z"
    (tmp_path / "again.json").write_text(json.dumps([listed]))
    assert "1 actions imported" in ok(tmp_path, "action", "import", "again.json", "--data", ".")
    for bad in ("tomorrow", "2026-12-01", "2026-12-01T00:00:00"):
        said = refused(tmp_path, "action", "set", "gift", "6", "--active-from", bad)
        assert "--active-from is a moment such as" in said
    early = ("--active-until", "2020-01-01T00:00:00Z", "--active-from", "2021-01-01T00:00:00Z")
    assert "before active_from" in refused(tmp_path, "action", "set", "gift", "6", *early)


def test_boards_and_keys_have_rules_too(tmp_path: Path) -> None:
    said = ok(tmp_path, "board", "set", "b", "--points-per-hour", "5000", "--data", ".")
    assert "5,000 points an hour" in said
    said = ok(tmp_path, "board", "set", "b", "--shadow", "--data", ".")
    assert "5,000 points an hour in the shadow" in said
    assert "5,000 points an hour" in ok(tmp_path, "board", "list", "--data", ".")
    ok(tmp_path, "key", "new", "game", "--cap-hour", "500", "--shadow", "--data", ".")
    assert "500 a hour in the shadow" in " ".join(
        ok(tmp_path, "key", "list", "--data", ".", COLUMNS="200").split()
    )
    assert "is not valid" in refused(tmp_path, "key", "new", "other", "--cap-day", "-1")
    done = scoreboard(tmp_path, "board", "set", "b", "--points-per-hour", "-1")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
