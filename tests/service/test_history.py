"""It is promised that a history file is taken as it was written, or refused in one sentence."""

import asyncio
import io
import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.errors import HistoryRefused
from scoreboard.ports import Part
from scoreboard.service import history as module
from tests.contracts.material import GOAL, LEAGUE, NOTHING, QUIZ, Clock, append, award, put

Rows = list[dict[str, Any]]


async def parts_of(data: bytes) -> list[Part]:
    return [part async for page in module.read(io.BytesIO(data)) for part in page]


async def refusal(data: bytes) -> str:
    with pytest.raises(HistoryRefused) as refused:
        await parts_of(data)
    said = str(refused.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return asyncio.run(made(tmp_path_factory.mktemp("history") / "scoreboard.db"))


async def made(path: Path) -> bytes:
    clock = Clock()
    ledger = await SqliteLedger.open(path, clock_ms=clock)
    await put(ledger, LEAGUE, QUIZ, NOTHING, GOAL)
    await append(ledger, clock, award("one"), award("two", "u2", GOAL), award("3", "u1", NOTHING))
    out = io.BytesIO()
    await module.write(ledger.history(), out.write, lambda _: None)
    await ledger.close()
    return out.getvalue()


async def test_what_was_written_is_read(data: bytes) -> None:
    out = io.BytesIO()
    parts = await parts_of(data)

    async def again() -> Any:
        for part in parts:
            yield [part]

    end = await module.write(again(), out.write, lambda _: None)
    assert out.getvalue() == data
    assert end.lines == data.count(b"\n") - 1
    body = data[: data.rindex(b'{"end"')]
    assert end.sha256 == sha256(body).hexdigest()


@given(share=st.floats(0, 1, exclude_max=True))
async def test_a_file_cut_short_is_refused(data: bytes, share: float) -> None:
    await refusal(data[: int(len(data) * share)])


@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
async def test_a_file_with_one_bit_changed_is_refused(data: bytes, share: float, bit: int) -> None:
    changed = bytearray(data)
    changed[int(len(data) * share)] ^= 1 << bit
    await refusal(bytes(changed))


async def test_lines_after_the_last_one_are_refused(data: bytes) -> None:
    assert "follows" in await refusal(data + b"\n")


@pytest.mark.parametrize("junk", [b"", b"\n", b"{}\n", b"PK\x03\x04", b"\xff\xfe\n", b"[1]\n"])
async def test_other_files_are_refused(junk: bytes) -> None:
    await refusal(junk)


def sealed(rows: Rows) -> bytes:
    """As somebody who knows the format would write it."""
    lines = [json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows[:-1]]
    digest = sha256(b"".join(lines)).hexdigest()
    end = {"end": {"lines": len(lines), "sha256": digest}}
    return b"".join([*lines, json.dumps(end).encode() + b"\n"])


def first(rows: Rows, name: str) -> int:
    return next(place for place, row in enumerate(rows) if name in row)


def put_in(name: str, member: str, value: object) -> Callable[[Rows], object]:
    return lambda rows: rows[first(rows, name)][name].__setitem__(member, value)


def swap(one: int, other: int) -> Callable[[Rows], object]:
    def swapped(rows: Rows) -> None:
        rows[one], rows[other] = rows[other], rows[one]

    return swapped


def drop(name: str) -> Callable[[Rows], object]:
    return lambda rows: rows.pop(first(rows, name))


def twice(name: str) -> Callable[[Rows], object]:
    def doubled(rows: Rows) -> None:
        place = first(rows, name)
        rows.insert(place, rows[place])

    return doubled


FORGERIES: dict[str, tuple[Callable[[Rows], object], str]] = {
    "another format": (put_in("header", "format", "chess"), "format 'chess'"),
    "a newer version": (put_in("header", "version", 2), "version 2"),
    "an unknown member": (put_in("posting", "colour", "red"), "colour"),
    "an unknown kind of line": (lambda rows: rows.insert(1, {"joke": {}}), "joke"),
    "an empty line": (lambda rows: rows.insert(1, {}), "says nothing"),
    "two in one line": (lambda rows: rows[1].update(rows[first(rows, "user")]), "says nothing"),
    "postings out of order": (swap(-2, -3), "there is a gap"),
    "the header later": (swap(0, 1), "no history"),
    "two headers": (twice("header"), "one header"),
    "an action after the postings": (
        lambda rows: rows.insert(-1, rows.pop(first(rows, "action"))),
        "wrong order",
    ),
    "a posting missing": (drop("posting"), "there is a gap"),
    "the last posting missing": (lambda rows: rows.pop(-2), "its header says"),
    "a user missing": (drop("user"), "its header says"),
    "a user twice": (twice("user"), "the order is wrong"),
    "an audit entry twice": (twice("audit"), "the order is wrong"),
    "a period twice": (twice("period"), "twice"),
    "a period missing": (drop("period"), "its header says"),
    "an unknown period": (put_in("period", "period", "2026-13"), "no period '2026-13'"),
    "a period of no window": (put_in("period", "period", "2026-11"), "has no period 2026-11"),
    "a board without a window": (put_in("board", "windows", []), "damaged"),
    "an action of no board": (put_in("action", "board", "nowhere"), "no board 'nowhere'"),
    "a posting of no board": (put_in("posting", "board", "nowhere"), "no board 'nowhere'"),
    "a posting of an unknown kind": (put_in("posting", "kind", "gift"), "damaged"),
    "a posting from the past": (
        lambda rows: rows[-2]["posting"].__setitem__("at", 1),
        "earlier than the one before",
    ),
    "a reversal of what is to come": (
        lambda rows: rows[-2]["posting"].update(kind="reverse", reverses=99),
        "comes later",
    ),
    "another head": (lambda rows: rows[0]["header"]["of"].__setitem__("at", 1), "place"),
}


@pytest.mark.parametrize(("forge", "says"), FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_file_that_was_sealed_again_is_refused(
    data: bytes, forge: Callable[[Rows], object], says: str
) -> None:
    rows = [json.loads(line) for line in data.splitlines()]
    assert await parts_of(sealed(rows)) == await parts_of(data)
    forge(rows)
    assert says in await refusal(sealed(rows))


async def test_pages_are_of_one_kind_and_bounded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    pages: list[Sequence[Part]] = [page async for page in module.read(io.BytesIO(data))]
    assert {len(page) for page in pages} == {1, 2}
    assert all(len({type(part) for part in page}) == 1 for page in pages)
