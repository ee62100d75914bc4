"""Header fields and path parameters: what each means, and what it looks like."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from scoreboard.core.identifier import (
    AWARD_ID,
    IDEMPOTENCY_KEY,
    ActionId,
    BoardId,
    KeyName,
    UserId,
)
from scoreboard.web.documents import examples
from scoreboard.web.queries import Place


class Field(Struct, frozen=True):
    """A header field, or a parameter in a path."""

    type: object
    meaning: str
    example: str


_NAME = Field(ActionId, "Its id.", "quiz.correct")
_TAG = r'^"[0-9]+-[0-9]+-[a-z0-9]+"$'

PATH: Mapping[str, Field] = {
    "board": Field(BoardId, "The board's id; `default` always exists.", "default"),
    "user_id": Field(UserId, "The user.", "u_42"),
    "award_id": Field(
        Annotated[str, Meta(pattern=AWARD_ID)], "The `Award-Id` of an award.", examples.AWARD_ID
    ),
    "id": _NAME,
    "key": Field(KeyName, "The key's name.", "game-eu.k1"),
    "entry": Field(
        Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,14}$")], "The finding's number.", "12"
    ),
    "incident": Field(
        Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,14}$")], "The incident's number.", "312"
    ),
}

ASKED: Mapping[str, Field] = {
    "Idempotency-Key": Field(
        Annotated[str, Meta(pattern=IDEMPOTENCY_KEY)],
        "Names this award, for ever and for this token's `iss` and `sub`: a retry with the same "
        "key gets the first answer again and counts once.",
        "order-7391-quiz-3",
    ),
    "Action-Signature": Field(
        str,
        "`key=<issuer>.<id>,ts=<unix seconds>,nonce=<16 to 64 characters>,v1=<base64url>`: a "
        "trusted backend says that this user finished this action. Names the award by issuer and "
        "nonce; not together with an `Idempotency-Key`.",
        examples.SIGNATURE,
    ),
    "If-None-Match": Field(str, "The `ETag` you have; 304 when it is still the newest.", "*"),
    "Last-Event-ID": Field(Place, "The id of the last event you have.", "1764000000000-8041"),
}

TOLD: Mapping[str, Field] = {
    "Location": Field(str, "Where the posting can be read.", f"/v1/awards/{examples.AWARD_ID}"),
    "Award-Id": Field(Annotated[str, Meta(pattern=AWARD_ID)], "The award's id.", examples.AWARD_ID),
    "RateLimit": Field(
        str, "`r` awards are left; in `t` seconds there will be more.", '"awards";r=9;t=60'
    ),
    "RateLimit-Policy": Field(str, "`q` awards in any `w` seconds.", '"awards";q=10;w=60'),
    "Idempotency-Replayed": Field(
        Annotated[str, Meta(pattern="^true$")], "The award was recorded before.", "true"
    ),
    "ETag": Field(
        Annotated[str, Meta(pattern=_TAG)],
        "`epoch-seq-...`: changes when the answer does.",
        '"1764000000000-8041-top"',
    ),
    "Retry-After": Field(Annotated[int, Meta(ge=1)], "Seconds to wait before asking again.", "1"),
    "WWW-Authenticate": Field(
        Annotated[str, Meta(pattern="^Bearer$")], "A bearer token is wanted.", "Bearer"
    ),
}

OPTIONAL = frozenset({"Idempotency-Replayed", "RateLimit", "RateLimit-Policy"})
"""Fields that a 200 may be without: a rate that is off has none."""

BY_STATUS: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
