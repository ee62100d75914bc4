"""``scoreboard award``: report a finished action to a running service."""

from typing import Annotated

from cyclopts import Parameter

from scoreboard import assembly
from scoreboard.cli.options import Data, Json, Url, chosen_url, load
from scoreboard.cli.terminal import Failure, print_json, say
from scoreboard.cli.token import ensure_user
from scoreboard.client import AsyncClient
from scoreboard.client.problem import UNREACHABLE, ClientProblem
from scoreboard.core.identifier import is_action_id, is_idempotency_key

TOKEN_TTL_S = 300


async def award(  # noqa: PLR0913 - each is an option
    user: Annotated[str, Parameter(help="Who finished it.")],
    action: Annotated[str, Parameter(help="What was finished, as the catalogue names it.")],
    /,
    *,
    key: Annotated[
        str | None,
        Parameter(help="Idempotency key: the same award, however often it is asked for."),
    ] = None,
    signature: Annotated[
        str | None, Parameter(help="What `scoreboard sign` printed for this user and action.")
    ] = None,
    url: Url = None,
    token: Annotated[
        str | None,
        Parameter(help="Bearer token. By default one for USER, signed with the local secret."),
    ] = None,
    json: Json = False,
    data: Data = None,
) -> None:
    """Report that a user finished an action, once; it is safe to repeat with the same --key."""
    ensure_user(user)
    if not is_action_id(action):
        raise Failure("An action is 1 to 64 letters, digits and . _ -, a letter or digit first.")
    if key is not None and not is_idempotency_key(key):
        raise Failure("--key is 16 to 128 letters, digits, _ and -; without it one is made.")
    if key is not None and signature is not None:
        raise Failure("A signature names the award already: leave out --key.")
    async with AsyncClient(chosen_url(url), token or _own_token(data, user)) as client:
        try:
            receipt = await client.award(user, action, key, signature=signature)
        except ClientProblem as problem:
            raise _advised(problem) from None
    if json:
        print_json(receipt)
        return
    before = " It had been recorded before." if receipt.replayed else ""
    say(f"{user} now has {receipt.new_score:,} points.{before}")


def _own_token(data: str | None, user: str) -> str:
    settings = load(data=data)
    if not settings.secret_file.exists():
        raise Failure(
            f"There is no secret at {settings.secret_file} to sign a token with: "
            "give --token, or --data with the folder of the service."
        )
    return assembly.local_token(settings, user, frozenset(), TOKEN_TTL_S)


def _advised(problem: ClientProblem) -> Failure:
    said = str(problem).rstrip(".")
    if problem.code in {UNREACHABLE, "outcome-unknown"}:
        key = problem.idempotency_key
        again = f"--key {key}" if key else "the same --signature"
        return Failure(f"{said}. Whether it was recorded, {again} settles later.")
    if problem.code == "unknown-action":
        return Failure(f"{said}. `scoreboard action list` shows those that there are.")
    return Failure(f"{said}.")
