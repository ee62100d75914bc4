"""Where the keys come from that tokens and signed actions are verified with."""

from typing import TYPE_CHECKING

from scoreboard import loaded_late

if TYPE_CHECKING:
    from scoreboard.adapters.keys.checkpoint import CheckpointKey, is_signature
    from scoreboard.adapters.keys.file import KeyFile
    from scoreboard.adapters.keys.jwks import JwksUrl
    from scoreboard.adapters.keys.secret import LocalKeys, derive, local_secret, mint
    from scoreboard.adapters.keys.signing import SigningKeys
    from scoreboard.adapters.keys.source import KeyChain, KeyEvent

__all__ = [
    "CheckpointKey",
    "JwksUrl",
    "KeyChain",
    "KeyEvent",
    "KeyFile",
    "LocalKeys",
    "SigningKeys",
    "derive",
    "is_signature",
    "local_secret",
    "mint",
]

_ROOMS = {
    "CheckpointKey": "checkpoint",
    "JwksUrl": "jwks",
    "KeyChain": "source",
    "KeyEvent": "source",
    "KeyFile": "file",
    "LocalKeys": "secret",
    "SigningKeys": "signing",
    "derive": "secret",
    "is_signature": "checkpoint",
    "local_secret": "secret",
    "mint": "secret",
}

# Who opens a ledger needs no JOSE, and who signs needs no HTTP.
__getattr__ = loaded_late(__name__, _ROOMS)
