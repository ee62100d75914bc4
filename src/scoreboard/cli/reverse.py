"""``scoreboard reverse``: awards taken back, once each, by postings."""

from typing import Annotated

from cyclopts import Parameter
from msgspec import Struct
from rich.progress import Progress

from scoreboard import assembly, wire
from scoreboard.cli.catalogue import caller
from scoreboard.cli.key_file import key_name
from scoreboard.cli.moderation import (
    Preview,
    Why,
    now_ms,
    past_moment,
    print_moves,
    sound_reason,
    sound_user,
)
from scoreboard.cli.options import Data, Json, load_kept
from scoreboard.cli.terminal import ERR, Failure, print_json, say
from scoreboard.core.identifier import is_action_id, is_award_id
from scoreboard.core.reversal import Awards, AwardsBy, AwardsFor, AwardsOf, OneAward
from scoreboard.errors import NotFound, ScoreLimit
from scoreboard.ports import Ledger, Reversal
from scoreboard.service.moderator import Moderator, Undone
from scoreboard.service.preview import Foresight


async def reverse(  # noqa: PLR0913 - each is an option
    award: Annotated[str | None, Parameter(help="Award id.")] = None,
    /,
    *,
    reason: Why,
    user: Annotated[str | None, Parameter(help="Instead: all awards of this user.")] = None,
    key: Annotated[str | None, Parameter(help="Instead: all awards that this key signed.")] = None,
    action: Annotated[
        str | None, Parameter(help="Instead: all awards for this action, such as an import's.")
    ] = None,
    since: Annotated[
        str | None,
        Parameter(
            help="Of a user, key or action: since 90m, 12h or 7d ago, or 2026-11-24T09:30:00Z."
        ),
    ] = None,
    preview: Preview = False,
    json: Json = False,
    data: Data = None,
) -> None:
    """Take back one award, a user's, a key's or an action's. Each once, however often it is asked.

    A key goes on signing until `scoreboard key revoke`: revoke it first.
    """
    wanted = Reversal(
        named_awards(award, Many(user, key, action, since)), caller(), sound_reason(reason)
    )
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        try:
            if preview:
                await _preview(ledger, wanted.awards, json=json)
                return
            undone = await _reversed(ledger, wanted)
        except NotFound:
            what = f"an award {award}" if award else str(user)
            raise Failure(f"The ledger does not know {what}, or the user was erased.") from None
        except ScoreLimit:
            raise Failure(
                "A score would leave the range of whole numbers that it can be. What was taken "
                "back before stays so."
            ) from None
    if json:
        print_json(wire.Undone(undone.awards, undone.points, complete=True))
    elif undone.awards:
        say(f"{_counted(undone)} taken back: {undone.points:+,} points.")
    else:
        say("Nothing is left to take back: nothing was changed.")


async def _reversed(ledger: Ledger, wanted: Reversal) -> Undone:
    with Progress(console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("Taking back", total=None)
        return await Moderator(ledger).reverse(
            wanted, seen=lambda count: progress.advance(task, count)
        )


async def _preview(ledger: Ledger, awards: Awards, *, json: bool) -> None:
    undone, moves = await Foresight(ledger, now_ms).of_reversal(awards)
    if json:
        told = wire.Undone(undone.awards, undone.points, complete=False, moves=tuple(moves))
        print_json(told)
        return
    say(f"{_counted(undone)} would be taken back: {undone.points:+,} points.")
    print_moves(moves)


class Many(Struct, frozen=True):
    """Whose awards since when, as it was given."""

    user: str | None = None
    key: str | None = None
    action: str | None = None
    since: str | None = None


def named_awards(award: str | None, many: Many) -> Awards:
    """What the arguments name.

    Raises:
        Failure: not exactly one thing, or not as it is written.
    """
    given = [each for each in (award, many.user, many.key, many.action) if each is not None]
    if len(given) != 1:
        raise Failure("Name one of: an award, or with --since one of --user, --key, --action.")
    if award is not None:
        if many.since is not None:
            raise Failure("--since belongs to --user, --key or --action, not to one award.")
        if not is_award_id(award):
            raise Failure("An award id is a UUID, such as the Award-Id of an answer.")
        return OneAward(award)
    if many.since is None:
        raise Failure("Say --since when: 90m, 12h, 7d, or a moment such as 2026-11-24T09:30:00Z.")
    since_ms = past_moment(many.since)
    if many.user is not None:
        return AwardsOf(sound_user(many.user), since_ms)
    if many.key is not None:
        return AwardsBy(key_name(many.key), since_ms)
    return AwardsFor(_sound_action(str(many.action)), since_ms)


def _sound_action(action_id: str) -> str:
    if not is_action_id(action_id):
        raise Failure("An action is 1 to 64 letters, digits and . _ -, a letter or digit first.")
    return action_id


def _counted(undone: Undone) -> str:
    return "1 award" if undone.awards == 1 else f"{undone.awards:,} awards"
