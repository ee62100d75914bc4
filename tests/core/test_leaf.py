"""It is promised that the bytes of a posting never change, and say everything that matters."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.core.history import Line
from scoreboard.core.leaf import leaf, leaf_of, line_in, seq_of
from scoreboard.core.merkle import Tree, leaf_hash
from scoreboard.core.posting import Kind
from scoreboard.core.user import commitment as commitment_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/ledger_leaf.json").read_text("utf-8"))
U64 = st.integers(0, 2**63 - 1)
POINTS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(max_size=20)
LINES = st.builds(
    Line,
    seq=U64,
    epoch=U64,
    award_id=TEXT,
    kind=st.sampled_from(Kind),
    board=TEXT,
    at=U64,
    points=POINTS,
    action_id=st.none() | TEXT,
    score_after=st.none() | POINTS,
    key=st.none() | TEXT,
    caller=st.none() | TEXT,
    reverses=st.none() | U64,
    detail=st.none() | TEXT,
)
COMMITMENTS = st.none() | st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(
    "vector", VECTORS["leaves"], ids=lambda vector: str(vector["posting"]["seq"])
)
def test_the_known_answers_are_these_bytes(vector: dict[str, Any]) -> None:
    line = msgspec.convert(vector["posting"], Line)
    commitment = None
    if vector["salt"] is not None:
        commitment = commitment_of(bytes.fromhex(vector["salt"]), vector["user_id"])
        assert commitment.hex() == vector["commitment"]
    data = leaf(line, commitment)
    assert data.hex() == vector["leaf"]
    assert leaf_hash(data).hex() == vector["leaf_hash"]


def test_the_known_answers_make_these_roots() -> None:
    tree = Tree()
    for vector in VECTORS["leaves"]:
        tree.grow([bytes.fromhex(vector["leaf_hash"])])
        assert tree.root().hex() == vector["root_so_far"]


@given(LINES, COMMITMENTS)
def test_a_posting_can_be_read_out_of_its_bytes(line: Line, commitment: bytes | None) -> None:
    data = leaf(line, commitment)
    assert line_in(data) == (line, commitment)
    assert seq_of(data) == line.seq


@given(LINES, COMMITMENTS, LINES, COMMITMENTS)
def test_two_postings_never_have_the_same_bytes(
    line: Line, commitment: bytes | None, other: Line, another: bytes | None
) -> None:
    same = (line, commitment) == (other, another)
    assert (leaf(line, commitment) == leaf(other, another)) is same


@given(LINES, COMMITMENTS)
def test_columns_and_lines_have_the_same_bytes(line: Line, commitment: bytes | None) -> None:
    columns = list(msgspec.structs.astuple(line))
    columns[3] = line.kind.value
    assert leaf_of(columns, commitment) == leaf(line, commitment)


@given(LINES, COMMITMENTS, st.data())
def test_bytes_that_are_not_a_posting_are_refused(
    line: Line, commitment: bytes | None, data: st.DataObject
) -> None:
    whole = leaf(line, commitment)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for broken in (whole[:cut], whole + b"\0", b"\2" + whole[1:], bytes([1, 8]) + whole[2:]):
        with pytest.raises(ValueError, match=r".+"):
            line_in(broken)


def test_the_salt_keeps_a_name_from_being_guessed() -> None:
    assert commitment_of(b"a" * 16, "alice") != commitment_of(b"b" * 16, "alice")
