"""The identifiers of the contract, as patterns and as types."""

import re
from typing import Annotated

from msgspec import Meta

USER_ID = r"^[A-Za-z0-9][A-Za-z0-9_.:@|+-]{0,127}$"
ACTION_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
AWARD_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
KEY_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
IDEMPOTENCY_KEY = r"^[A-Za-z0-9_-]{16,128}$"

# In Python `$` also matches before a final line feed. JSON Schema's dialect has no `\Z`, and in it
# this look-ahead changes nothing.
_END = r"(?!\n)"

_USER = re.compile(USER_ID[1:-1])
_ACTION = re.compile(ACTION_ID[1:-1])
_AWARD = re.compile(AWARD_ID[1:-1])
_KEY = re.compile(IDEMPOTENCY_KEY[1:-1])
_KEY_NAME = re.compile(KEY_NAME[1:-1])

AwardId = Annotated[str, Meta(pattern=AWARD_ID + _END, max_length=36)]
UserId = Annotated[str, Meta(pattern=USER_ID + _END, max_length=128)]
ActionId = Annotated[str, Meta(pattern=ACTION_ID + _END, max_length=64)]
KeyName = Annotated[str, Meta(pattern=KEY_NAME + _END, max_length=129)]
BoardId = Annotated[str, Meta(pattern=ACTION_ID + _END, max_length=64)]


def is_user_id(text: str) -> bool:
    return _USER.fullmatch(text) is not None


def is_action_id(text: str) -> bool:
    return _ACTION.fullmatch(text) is not None


def is_board(text: str) -> bool:
    return _ACTION.fullmatch(text) is not None


def is_award_id(text: str) -> bool:
    return _AWARD.fullmatch(text) is not None


def is_idempotency_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def is_key_name(text: str) -> bool:
    return _KEY_NAME.fullmatch(text) is not None
