"""``scoreboard key``: the keys that signed actions are believed by."""

import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from scoreboard import assembly, wire
from scoreboard.cli import key_file
from scoreboard.cli.catalogue import caller, explained
from scoreboard.cli.moderation import sound_reason
from scoreboard.cli.options import REASON, Data, Json, Reason, load, load_kept
from scoreboard.cli.terminal import Failure, print_json, print_line, print_table, say
from scoreboard.client.signing import new_private, public_of
from scoreboard.core.identifier import is_action_id
from scoreboard.core.moment import milliseconds, rfc3339
from scoreboard.core.rule import Caps
from scoreboard.core.signature import from_base64url
from scoreboard.core.signing_key import SigningAlgorithm, SigningKey
from scoreboard.errors import InvalidPayload
from scoreboard.ports import Change, Ledger
from scoreboard.settings import Settings

app = App(name="key", help="Keys that sign actions: make, list, revoke.")

_CAP = "The most awards that it may sign in any {}; 0: no cap."

_SPANS_S = {"m": 60, "h": 3_600, "d": 86_400}
_WORDS = {
    "/key": "there is another key of this name, and a key never changes: choose another id",
    "/public": "this public key is not one that only its owner can sign for",
    "/actions": "its actions have one twice, or are more than 1,000",
    "/not_after": "it would end before it begins",
}


@app.command
async def new(  # noqa: PLR0913 - each is an option
    name: Annotated[str, Parameter(help="Its name, ISSUER.ID; `game` is `game.main`.")],
    /,
    *,
    algorithm: Annotated[
        str, Parameter(help="ed25519: only the signer can sign. hmac-sha256: so can the service.")
    ] = SigningAlgorithm.ED25519.value,
    actions: Annotated[
        str | None, Parameter(help="What it may sign, with commas between; by default everything.")
    ] = None,
    cap_minute: Annotated[int, Parameter(help=_CAP.format("minute"))] = 0,
    cap_hour: Annotated[int, Parameter(help=_CAP.format("hour"))] = 0,
    cap_day: Annotated[int, Parameter(help=_CAP.format("24 hours"))] = 0,
    shadow: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Only count what its caps would refuse."),
    ] = False,
    expires: Annotated[
        str | None, Parameter(help="When it ends: 90d, 12h, or 2027-01-01T00:00:00Z.")
    ] = None,
    public: Annotated[
        str | None,
        Parameter(help="Public key made elsewhere, base64url: no private half is made here."),
    ] = None,
    print_: Annotated[
        bool,
        Parameter(
            name="--print",
            negative="",
            show_default=False,
            help="Print the private half, once; keep no file.",
        ),
    ] = False,
    reason: Reason = REASON,
    data: Data = None,
) -> None:
    """Make a key. Its private half goes to DATA/keys/NAME (0600) and belongs to your backend."""
    sound_reason(reason)
    settings = load(data=data)
    wanted = _wanted(key_file.key_name(name), algorithm, actions, expires)
    caps = _caps(minute=cap_minute, hour=cap_hour, day=cap_day)
    wanted = msgspec.structs.replace(wanted, caps=caps, shadow=shadow)
    private = None if public else new_private(wanted.algorithm)
    material = public_of(private) if private else _public(public or "", wanted.algorithm)
    file = None
    async with assembly.open_ledger(settings) as ledger:
        _ensure_free(wanted.key, (await ledger.catalogue()).keys)
        if private and not print_:
            file = key_file.write(settings, name, private)
        try:
            await _put(ledger, settings, msgspec.structs.replace(wanted, material=material), reason)
        except BaseException:
            if file:
                file.unlink(missing_ok=True)
            raise
    if private and print_:
        print_line(private.rstrip("\n"))
        return
    what = f"its private half is in {file}: move it to your backend" if file else "ready"
    say(f"Key {wanted.key} ({wanted.algorithm.value}): {what}.")


@app.command(name="list")
async def list_keys(*, json: Json = False, data: Data = None) -> None:
    """List all keys, the revoked ones too."""
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        keys = tuple((await ledger.catalogue()).keys.values())
    if json:
        print_json(tuple(map(wire.key, keys)))
    elif keys:
        now_ms = _now_ms()
        print_table(
            ("key", "algorithm", "actions", "caps", "state"),
            (
                (
                    k.key,
                    k.algorithm.value,
                    ", ".join(k.actions) or "all",
                    _shown(k),
                    _state(k, now_ms),
                )
                for k in keys
            ),
        )
    else:
        say("There are no keys yet: `scoreboard key new game` makes one.")


@app.command
async def revoke(
    name: Annotated[str, Parameter(help="Its name.")],
    /,
    *,
    reason: Reason = "revoked on the command line",
    data: Data = None,
) -> None:
    """Revoke a key, for ever: within seconds no node believes it."""
    wanted = key_file.key_name(name)
    async with assembly.open_ledger(load_kept(data=data)) as ledger:
        key = (await ledger.catalogue()).keys.get(wanted)
        if key is None:
            raise Failure(f"There is no key {wanted}: `scoreboard key list` shows all.")
        if key.revoked_at is None:
            ended = msgspec.structs.replace(key, revoked_at=_now_ms())
            await ledger.change(Change(ended, caller(), sound_reason(reason)))
    say(
        f"Key {wanted} is revoked. Awards that it signed stay: `scoreboard reverse --key {wanted} "
        "--since 7d` takes back a week's."
    )


async def _put(ledger: Ledger, settings: Settings, key: SigningKey, reason: str) -> None:
    if key.algorithm is SigningAlgorithm.HMAC_SHA256:
        stored = await assembly.sealed(ledger, settings, key.key, key.material)
        key = msgspec.structs.replace(key, material=stored)
    try:
        await ledger.change(Change(key, caller(), reason))
    except InvalidPayload as error:
        why = _WORDS.get(error.pointer, error.detail())
        raise Failure(f"{key.key} cannot be a key: {why}.") from None


def _wanted(name: str, algorithm: str, actions: str | None, expires: str | None) -> SigningKey:
    if algorithm not in set(SigningAlgorithm):
        raise Failure(f"There is no algorithm {algorithm!r}; there are ed25519 and hmac-sha256.")
    named = tuple(each.strip() for each in actions.split(",")) if actions else ()
    for action in named:
        if not is_action_id(action):
            raise Failure(
                "An action is 1 to 64 letters, digits and . _ -, a letter or digit first."
            )
    return SigningKey(
        key=name,
        algorithm=SigningAlgorithm(algorithm),
        material=b"",
        actions=named,
        not_after=_moment(expires) if expires else None,
    )


def _caps(**caps: int) -> Caps:
    try:
        return msgspec.convert(caps, Caps)
    except msgspec.ValidationError as error:
        raise Failure(explained("cap", error)) from None


def _shown(key: SigningKey) -> str:
    caps = ", ".join(f"{cap:,} a {span}" for span, cap in key.caps.spans())
    return f"{caps} in the shadow" if caps and key.shadow else caps


def _ensure_free(name: str, keys: Mapping[str, SigningKey]) -> None:
    if name in keys:
        raise Failure(f"{name} cannot be a key: {_WORDS['/key']}.")


def _public(text: str, algorithm: SigningAlgorithm) -> bytes:
    material = from_base64url(text)
    if material is None or algorithm is not SigningAlgorithm.ED25519:
        raise Failure("--public is the base64url, without padding, of an Ed25519 public key.")
    return material


def _moment(text: str) -> int:
    match = re.fullmatch(r"(\d{1,5})([mhd])", text.strip(), re.ASCII)
    if match:
        return _now_ms() + int(match[1]) * _SPANS_S[match[2]] * 1000
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or milliseconds(moment) <= _now_ms():
        raise Failure("--expires is 90d, 12h, or a moment to come such as 2027-01-01T00:00:00Z.")
    return milliseconds(moment)


def _state(key: SigningKey, now_ms: int) -> str:
    if key.revoked_at is not None:
        return f"revoked {rfc3339(key.revoked_at)}"
    if key.not_before is not None and key.not_before > now_ms:
        return f"begins {rfc3339(key.not_before)}"
    if key.not_after is None:
        return "good"
    return f"{'ended' if key.not_after <= now_ms else 'ends'} {rfc3339(key.not_after)}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
