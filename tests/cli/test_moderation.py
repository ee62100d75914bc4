"""What a moderator at a terminal reads: users looked at and moderated, awards taken back."""

import asyncio
import json
from pathlib import Path

import pytest

from scoreboard.adapters.sqlite import SqliteLedger
from scoreboard.cli.moderation import sound_reason
from scoreboard.cli.reverse import Many, named_awards
from scoreboard.cli.terminal import Failure
from scoreboard.core.award import Award, derived_id
from tests.contracts.material import QUIZ, append, put

from .test_commands import ok, refused

USERS = ("ada", "bob", "eve")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger in which each of three users has two awards, signed by a key."""
    data = tmp_path / "scoreboard-data"
    data.mkdir(mode=0o700)

    async def fill() -> None:
        ledger = await SqliteLedger.open(data / "scoreboard.db")
        await put(ledger, QUIZ)
        for user in USERS:
            for number in range(2):
                named = derived_id("test", user, str(number))
                award = Award(
                    award_id=named, user_id=user, action=QUIZ, named=True, key="game.main"
                )
                await append(ledger, lambda: 0, award)  # type: ignore[arg-type]
        await ledger.close()

    asyncio.run(fill())
    return tmp_path


def test_a_user_is_hidden_shown_and_erased(folder: Path) -> None:
    why = ("--reason", "odd")
    foreseen = ok(folder, "user", "hide", "ada", "--preview", *why)
    assert "3 ranks would move on board default, all:" in foreseen
    assert "ada is hidden" in ok(folder, "user", "hide", "ada", *why)
    assert "already: nothing was changed" in ok(folder, "user", "hide", "ada", *why)
    shown = ok(folder, "user", "show", "ada")
    assert "ada is hidden." in shown
    assert "user.hide" in shown
    told = json.loads(ok(folder, "user", "show", "ada", "--json"))
    assert told["scores"] == [{"board": "default", "period": "all", "score": 10, "rank": None}]
    assert [posting["kind"] for posting in told["postings"]] == ["hide", "award", "award"]
    erased = json.loads(ok(folder, "user", "erase", "ada", *why, "--json"))
    assert (erased["status"], erased["changed"]) == ("erased", True)
    assert "does not know ada" in refused(folder, "user", "show", "ada")


def test_awards_are_taken_back_by_id_by_user_by_key_and_by_action(folder: Path) -> None:
    why = ("--reason", "a bug")
    award_id = derived_id("test", "ada", "0")
    foreseen = ok(folder, "reverse", award_id, "--preview", *why)
    assert "1 award would be taken back: -5 points." in foreseen
    assert "3 ranks would move" in foreseen
    assert "1 award taken back: -5 points." in ok(folder, "reverse", award_id, *why)
    told = ok(folder, "reverse", "--user", "bob", "--since", "1h", "--json", *why)
    assert json.loads(told)["awards"] == 2
    told = ok(folder, "reverse", "--key", "game", "--since", "2026-01-01T00:00:00Z", *why)
    assert "3 awards taken back: -15 points." in told
    told = ok(folder, "reverse", "--action", "nothing", "--since", "1h", *why)
    assert "Nothing is left to take back" in told


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ((None, Many()), "Name one of"),
        (("abc", Many(user="ada")), "Name one of"),
        ((None, Many(key="game", action="quiz")), "Name one of"),
        (("abc", Many()), "An award id is a UUID"),
        (("abc", Many(since="1h")), "not to one award"),
        ((None, Many(user="ada")), "Say --since when"),
        ((None, Many(action="quiz")), "Say --since when"),
        ((None, Many(user="a b", since="1h")), "A user is 1 to 128"),
        ((None, Many(action="a b", since="1h")), "An action is 1 to 64"),
        ((None, Many(user="ada", since="yesterday")), "--since is 90m"),
        ((None, Many(user="ada", since="2026-11-24T09:30:00")), "--since is 90m"),
    ],
)
def test_what_cannot_be_reversed_is_said_in_a_sentence(
    named: tuple[str | None, Many], says: str
) -> None:
    with pytest.raises(Failure, match=says):
        named_awards(*named)


@pytest.mark.parametrize("reason", ["", "x" * 501, "two\nlines"])
def test_a_reason_is_a_line(reason: str) -> None:
    with pytest.raises(Failure, match="1 to 500 characters"):
        sound_reason(reason)
