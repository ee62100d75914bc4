"""Where the keys come from that tokens and signed actions are verified with."""

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
