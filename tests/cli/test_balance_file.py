"""Balances in a file: what spreadsheets and databases write, a clear word about a bad line."""

import gzip
import hashlib
import io
from pathlib import Path

import pytest

from scoreboard.cli import balance_file
from scoreboard.cli.balance_file import Balances, Columns, read_balances
from scoreboard.cli.terminal import Failure
from scoreboard.core.balance import Balance

NOW = 1_795_435_200_000  # 2026-11-23T12:00:00Z
USUAL = Columns("user_id", "score", None)


def read(folder: Path, data: str | bytes, columns: Columns = USUAL) -> Balances:
    file = folder / "scores.csv"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_balances(str(file), columns, NOW)


def pairs(found: Balances) -> list[tuple[str, int]]:
    assert found.bad == 0, found.problems
    return [(balance.user_id, balance.score) for balance in found.good]


@pytest.mark.parametrize(
    "data",
    [
        "user_id,score\nada,5\nben,-7\n",
        "\ufeffuser_id;score\r\nada;5\r\nben;-7\r\n",
        "name\tscore\tuser_id\nA\t5.0\tada\n\nB, C\t-7\tben",
        '"user_id","score"\n"ada","5"\n"ben"," -7 "\n',
        gzip.compress(b"user_id,score\nada,+5\nben,-7\n"),
    ],
    ids=["plain", "of-a-spreadsheet", "tabs-and-another-column", "quoted", "packed"],
)
def test_every_form_is_read(tmp_path: Path, data: str | bytes) -> None:
    found = read(tmp_path, data)
    assert pairs(found) == [("ada", 5), ("ben", -7)]
    assert {balance.at for balance in found.good} == {NOW}
    assert not found.timed


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    data = b"user_id,score\nada,5\n"
    assert read(tmp_path, data).sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-01T00:00:00Z", 1_793_491_200_000),
        ("2026-11-01 01:00:00.25+01", 1_793_491_200_250),
        ("1793491200", 1_793_491_200_000),
        ("1793491200250", 1_793_491_200_250),
        ("0", 0),
    ],
)
def test_times_are_moments_or_numbers(tmp_path: Path, text: str, at: int) -> None:
    found = read(tmp_path, f"user_id,score,updated_at\nada,5,{text}\n")
    assert found.good == [Balance("ada", 5, at, 2)]
    assert found.timed


def test_columns_are_found_by_the_names_that_are_given(tmp_path: Path) -> None:
    text = "updated_at,id,points,when\nx,ada,5,7\n"
    found = read(tmp_path, text, Columns("id", "points", "when"))
    assert found.good == [Balance("ada", 5, 7000, 2)]
    assert list(found.unused) == ["updated_at"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ada", "1 values"),
        ("ada,5,0,9", "4 values"),
        ("a b,5,0", "the user is not valid"),
        ("ünal,5,0", "the user is not valid"),
        (f"{'a' * 129},5,0", "the user is not valid"),
        (",5,0", "the user is not valid"),
        ("ada,,0", "whole number"),
        ("ada,1.5,0", "whole number"),
        ("ada,1e3,0", "whole number"),
        ("ada,inf,0", "whole number"),
        ("ada,٣,0", "whole number"),
        ("ada,9007199254740992,0", "whole number"),
        ("ada,99999999999999999999,0", "whole number"),
        ("ada,5,", "the time is not valid"),
        ("ada,5,2026-11-01T00:00:00", "the time is not valid"),
        ("ada,5,yesterday", "the time is not valid"),
        ("ada,5,2026-11-24T00:00:00Z", "in the future"),
        ("ada,5,1969-12-31T00:00:00Z", "before 1970"),
        ("first,5,0", "in line 2 already"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_counted(
    tmp_path: Path, line: str, says: str
) -> None:
    text = f"user_id,score,updated_at\nfirst,1,0\n{line}\nlast,2,0\n"
    found = read(tmp_path, text)
    assert [balance.user_id for balance in found.good] == ["first", "last"]
    (problem,) = found.problems
    assert (problem.line, found.bad) == (3, 1)
    assert says in problem.says


def test_a_line_is_where_it_begins(tmp_path: Path) -> None:
    text = 'user_id,score,note\nada,5,"two\nlines"\nben,x,\n'
    (problem,) = read(tmp_path, text).problems
    assert problem.line == 4


def test_so_many_problems_are_told_and_all_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "user_id,score\n" + "x\n" * 99)
    assert (len(found.problems), found.bad) == (balance_file.PROBLEMS_MAX, 99)


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "names user_id not: it has nothing"),
    "no-users": (b"id,score\n", "--user says"),
    "no-scores": (b"user_id,points\n", "--score says"),
    "scores-twice": (b"user_id,score,score\n", "names score twice"),
    "latin-1": (b"user_id,score\nada,5,\xff\n", "line 2, is not UTF-8"),
    "utf-16": ("user_id,score\nada,5\n".encode("utf-16"), "is not UTF-8"),
    "an-open-quote": (b'user_id,score\nada,5\n"ben,7\ncleo,8\n', "line 3, is not valid CSV"),
    "a-quote-for-ever": (b'user_id,score\n"' + b"a\n" * 99_999, "line 2, is not valid CSV"),
    "no-line-ends": (b"user_id,score\n" + b"a" * 70_000, "line 2, is longer than 64 KiB"),
    "of-an-old-mac": (b"user_id,score\rada,5\rben,7", "line 1, is not valid CSV"),
    "junk": (b"\x1f\x8bjunk", "cannot be read"),
    "cut-short": (gzip.compress(b"user_id,score\n" * 99)[:-9], "cannot be read"),
    "damaged": (gzip.compress(b"user_id,score\n" * 99)[:10] + b"\xff" * 40, "cannot be read"),
}


@pytest.mark.parametrize(("data", "says"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(Failure) as failed:
        read(tmp_path, data)
    assert says in str(failed.value)
    assert "\n" not in str(failed.value)


def test_standard_input_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO(b"user_id,score\nada,5\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(data)))  # type: ignore[arg-type]
    found = read_balances("-", USUAL, NOW)
    assert (found.file, pairs(found)) == ("standard input", [("ada", 5)])


def test_what_is_named_and_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="--time says"):
        read(tmp_path, "user_id,score\n", Columns("user_id", "score", "when"))
    with pytest.raises(Failure, match="one is named twice"):
        read(tmp_path, "user_id,score\nada,5\n", Columns("score", "score", None))
    with pytest.raises(Failure, match="cannot be read"):
        read_balances(str(tmp_path / "none.csv"), USUAL, NOW)
    with pytest.raises(Failure, match="cannot be read"):
        read_balances(str(tmp_path), USUAL, NOW)


def test_there_is_an_end_to_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance_file, "ROWS_MAX", 2)
    assert len(pairs(read(tmp_path, "user_id,score\na,1\nb,2\n"))) == 2
    with pytest.raises(Failure, match="more than 2 users"):
        read(tmp_path, "user_id,score\na,1\nb,2\nc,3\n")
