"""What the messages are made of: types of members, and the encoder."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from scoreboard.core.moment import rfc3339

ENCODER = msgspec.json.Encoder()

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Material = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,172}$", max_length=172)]
Moment = Annotated[datetime, Meta(tz=True)]
Rank = Annotated[int, Meta(ge=1)]


def time_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
