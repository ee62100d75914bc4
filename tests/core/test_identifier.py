"""The identifiers of the contract."""

from collections.abc import Callable

import msgspec
import pytest

from scoreboard.core.identifier import (
    ActionId,
    BoardId,
    UserId,
    is_action_id,
    is_award_id,
    is_board,
    is_idempotency_key,
    is_user_id,
)

HOSTILE = [
    "",
    " ",
    "a ",
    " a",
    "a\n",
    "\na",
    "a\r\nb",
    "a\x00",
    "ä",
    "a\u202eb",
    "１",
    "a/b",
    "a'--",
    "<b>",
]
CHECKS: list[tuple[Callable[[str], bool], list[str], list[str]]] = [
    (
        is_user_id,
        ["u", "u_42", "7", "alice@example.org", "a+b|c:d-e.f", "u" * 128],
        [*HOSTILE, "_a", ".a", "-a", "@a", "u" * 129, "u" * 10_000],
    ),
    (
        is_action_id,
        ["a", "level-1", "a.b_c-d", "9", "a" * 64],
        [*HOSTILE, "_a", "-a", ".a", "a@b", "a:b", "a" * 65],
    ),
    (is_board, ["default", "weekly.2", "a" * 64], [*HOSTILE, "_a", "..", "a" * 65]),
    (
        is_award_id,
        ["ff6620c9-78a2-8d50-8aa9-91d1533c0260"],
        [
            *HOSTILE,
            "FF6620C9-78A2-8D50-8AA9-91D1533C0260",
            "ff6620c978a28d508aa991d1533c0260",
            "ff6620c9-78a2-8d50-8aa9-91d1533c0260\n",
            "{ff6620c9-78a2-8d50-8aa9-91d1533c0260}",
        ],
    ),
    (
        is_idempotency_key,
        ["a" * 16, "A_b-0123456789xyz", "a" * 128],
        [*HOSTILE, "a" * 15, "a" * 129, "a" * 15 + "\n", "a" * 16 + "\n", "a" * 15 + "."],
    ),
]


@pytest.mark.parametrize(
    ("check", "good", "bad"), CHECKS, ids=lambda each: getattr(each, "__name__", "")
)
def test_identifiers_are_exactly_those_of_the_contract(
    check: Callable[[str], bool], good: list[str], bad: list[str]
) -> None:
    assert [text for text in good if not check(text)] == []
    assert [text for text in bad if check(text)] == []


@pytest.mark.parametrize(
    ("kind", "check"), [(UserId, is_user_id), (ActionId, is_action_id), (BoardId, is_board)]
)
def test_types_and_checks_agree(kind: object, check: Callable[[str], bool]) -> None:
    for _, good, bad in CHECKS:
        for text in [*good, *bad]:
            try:
                msgspec.convert(text, kind)
            except msgspec.ValidationError:
                assert not check(text), text
            else:
                assert check(text), text
