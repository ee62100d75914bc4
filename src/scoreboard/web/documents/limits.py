"""The limits and the close codes, as people read them."""

from collections.abc import Iterator

import msgspec

from scoreboard.web import admin, live, scores, tokens, viewer
from scoreboard.web.live_node import LiveSettings
from scoreboard.web.protocol import HttpLimits

_KIB = 1_024


def rows() -> Iterator[tuple[str, str, str]]:
    """Each limit: what, how much, and what happens beyond it."""
    http = HttpLimits()
    yield "Body of an award", _size(scores.BODY_MAX_BYTES), "413"
    yield "Body of a change", _size(admin.BODY_MAX_BYTES), "413"
    yield (
        "Request head",
        f"{_size(http.head_max_bytes)}, {http.fields_max} fields, within {http.head_within_s:g} s",
        "431, or the connection ends",
    )
    yield "Request target", _size(http.target_max_bytes), "414"
    yield "Whole request", f"within {http.request_within_s:g} s", "the connection ends"
    yield "Idle connection", f"{http.idle_s:g} s", "the connection ends"
    yield "Token", _size(tokens.TOKEN_MAX_BYTES), "401"
    yield "Awards of a user with its own token", "the setting USER_RATE", "429"
    yield "Requests of an address (IPv6: of its /64)", "the setting IP_RATE", "429"
    yield "Live connections", "the settings VIEWERS_*", "429"
    yield "Message of a viewer", _size(live.MESSAGE_MAX_BYTES), "close 1009"
    yield "Messages of a viewer", f"{_per_minute()} in a minute", "close 4129"
    yield "Score", "-(2^53-1) to 2^53-1", "409 score-limit"


def close_codes() -> tuple[tuple[str, str, str], ...]:
    """The codes a socket may be closed with."""
    return (
        ("1001", "going away", "come back"),
        ("1009", "the message was too long", "stop"),
        ("1011", "something went wrong here", "come back later"),
        ("1012", "the service restarts", "come back after retry_after_ms"),
        ("1013", "too much is going on", "come back after retry_after_ms"),
        (str(viewer.BAD_MESSAGE), "the message was not one of those above", "stop"),
        (str(viewer.BAD_TOKEN), "the token is not valid", "stop"),
        (str(viewer.FORBIDDEN), "a token of another user", "stop"),
        (str(viewer.TOKEN_EXPIRED), "the token has expired", "come back with a fresh one"),
        ("4108", "the viewer reads too slowly", "come back later"),
        (str(viewer.TOO_MANY), "too many messages", "come back later"),
    )


def _per_minute() -> int:
    fields = {field.name: field.default for field in msgspec.structs.fields(LiveSettings)}
    return int(fields["messages_per_minute"])


def _size(size_bytes: int) -> str:
    return f"{size_bytes // _KIB} KiB"
