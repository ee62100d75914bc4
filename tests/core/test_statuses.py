"""It is promised that whoever stands against the postings is noticed, and who got what too late."""

import pytest

from scoreboard.core.history import Line, Person
from scoreboard.core.posting import Kind
from scoreboard.core.statuses import Statuses

EVE = 7


def person(status: str = "active", name: str | None = "eve") -> Person:
    return Person(EVE, name, None, status)


def line(seq: int, kind: Kind, user: int | None = EVE) -> Line:
    return Line(seq, 1, f"id-{seq}", kind, "default", 100, user_ref=user)


def taken(who: Person, *kinds: Kind) -> tuple[list[int], list[Kind]]:
    """Who differs in the end, and what should not have been posted."""
    statuses = Statuses()
    statuses.expect(who)
    wrong = [kind for seq, kind in enumerate(kinds, 1) if not statuses.add(line(seq, kind))]
    return statuses.differing(), wrong


@pytest.mark.parametrize(
    ("who", "kinds"),
    [
        (person(), [Kind.AWARD]),
        (person("held"), [Kind.AWARD, Kind.HOLD, Kind.AWARD, Kind.REVERSE]),
        (person("hidden"), [Kind.HOLD, Kind.HIDE, Kind.AWARD]),
        (person("banned"), [Kind.AWARD, Kind.BAN, Kind.REVERSE]),
        (person(), [Kind.BAN, Kind.RELEASE, Kind.AWARD]),
        (person("banned", None), [Kind.AWARD, Kind.BAN, Kind.ERASE]),
        (person("active", None), [Kind.AWARD, Kind.ERASE]),
    ],
)
def test_what_the_postings_say_is_in_order(who: Person, kinds: list[Kind]) -> None:
    assert taken(who, *kinds) == ([], [])


@pytest.mark.parametrize(
    ("who", "kinds"),
    [
        (person(), [Kind.AWARD, Kind.BAN]),
        (person("banned"), [Kind.AWARD]),
        (person("hidden"), [Kind.BAN]),
        (person("held"), [Kind.HOLD, Kind.RELEASE]),
        (person("active", None), [Kind.AWARD]),
        (person(), [Kind.AWARD, Kind.ERASE]),
    ],
)
def test_who_stands_otherwise_is_named(who: Person, kinds: list[Kind]) -> None:
    assert taken(who, *kinds) == ([EVE], [])


@pytest.mark.parametrize(
    ("who", "kinds"),
    [
        (person("banned"), [Kind.BAN, Kind.AWARD]),
        (person("active", None), [Kind.ERASE, Kind.AWARD]),
        (person("active", None), [Kind.ERASE, Kind.BAN]),
        (person("active", None), [Kind.ERASE, Kind.REVERSE]),
    ],
)
def test_what_comes_too_late_is_noticed(who: Person, kinds: list[Kind]) -> None:
    assert taken(who, *kinds) == ([], kinds[-1:])


def test_a_posting_about_nobody_is_none_of_its_business() -> None:
    assert Statuses().add(line(1, Kind.BOARD, None))
