"""``scoreboard sign``: what a backend would sign, for trying out and for scripts."""

from typing import Annotated

from cyclopts import Parameter

from scoreboard.cli import key_file
from scoreboard.cli.options import Data, load
from scoreboard.cli.terminal import Failure, print_line
from scoreboard.cli.token import ensure_user
from scoreboard.core.identifier import is_action_id


def sign(
    user: Annotated[str, Parameter(help="Who finished it.")],
    action: Annotated[str, Parameter(help="What was finished, as the catalogue names it.")],
    /,
    *,
    key: Annotated[
        str | None, Parameter(help="Key to sign with; may be left out when there is one.")
    ] = None,
    data: Data = None,
) -> None:
    """Print the value of an Action-Signature, with a private half in DATA/keys.

    It names one award: sent again, it is the same award.
    """
    ensure_user(user)
    if not is_action_id(action):
        raise Failure("An action is 1 to 64 letters, digits and . _ -, a letter or digit first.")
    print_line(key_file.signer(load(data=data), key).sign(user, action))
