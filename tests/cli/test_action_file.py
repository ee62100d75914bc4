"""Actions in a file: three forms, and a clear word about each bad line."""

from pathlib import Path

import pytest

from scoreboard.cli.action_file import read_actions
from scoreboard.cli.terminal import Failure
from scoreboard.core.action import Action
from scoreboard.core.rule import Caps

QUIZ = Action(action_id="quiz", points=50, cooldown_s=5, caps=Caps(day=3), requires_signature=True)
LAP = Action(action_id="lap", points=-1, board="races")


@pytest.mark.parametrize(
    "text",
    [
        """action_id,points,board,cooldown_s,cap_day,requires_signature
quiz,50,,5,3,yes

 lap ,-1,races,,,
""",
        """\ufeffpoints,action_id,board,cooldown_s,cap_day,requires_signature\r
50,"quiz",default,5,3,TRUE\r
-1,lap,races,,,\r
""",
        """[{"action_id":"quiz","points":50,"cooldown_s":5,"cap_day":3,"requires_signature":true},
{"action_id":"lap","points":-1,"board":"races"}]""",
        """{"action_id":"quiz","points":50,"cooldown_s":5,"caps":{"day":3},"requires_signature":true}

{"action_id":"lap","points":-1,"board":"races"}
""",
    ],
    ids=["csv", "csv-of-a-spreadsheet", "json-array", "json-lines"],
)
def test_every_form_is_read(tmp_path: Path, text: str) -> None:
    lines = read_actions(_file(tmp_path, text))
    assert [line.action for line in lines] == [QUIZ, LAP]


def test_each_bad_line_is_named_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    text = "action_id,points\nquiz,50\nqu/iz,1\nlap,x\nwin\nquiz,60\nlast,9007199254740992\n"
    lines = read_actions(_file(tmp_path, text))
    assert [line.number for line in lines if line.action] == [2]
    problems = {line.number: line.problem for line in lines if not line.action}
    assert problems[3].startswith("action_id is not valid")
    assert problems[4] == "points is not valid: expected a whole number."
    assert problems[5] == "1 values, but the header names 2 columns."
    assert problems[6] == "quiz was set before, in line 2."
    assert problems[7].startswith("points is not valid")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"action_id":"a"}', "points"),
        ('{"action_id":"a","points":1.5}', "points"),
        ('{"action_id":"a","points":true}', "points"),
        ('{"action_id":"a","points":1,"colour":2}', "colour"),
        ('{"action_id":"a","points":1', "not valid JSON"),
        ("[]", "not a JSON object"),
    ],
)
def test_a_bad_json_line_says_what_is_wrong(tmp_path: Path, line: str, says: str) -> None:
    good = '{"action_id":"good","points":1}\n'
    first, second = read_actions(_file(tmp_path, good + line))
    assert first.action is not None
    assert second.number == 2
    assert says in second.problem


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no actions"),
        ("id,points\na,1\n", "name its columns"),
        ("action_id,points,points\na,1,1\n", "name its columns"),
        ("[1,", "not a JSON array"),
        ('action_id,points\n"a,1\n', "not valid CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Failure, match=says):
        read_actions(_file(tmp_path, text))


def test_a_missing_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        read_actions(tmp_path / "none.csv")


def _file(folder: Path, text: str) -> Path:
    file = folder / "actions"
    file.write_text(text, "utf-8", newline="")
    return file
