"""Where the keys that tokens are verified with come from."""

from scoreboard.adapters.keys.file import KeyFile
from scoreboard.adapters.keys.jwks import JwksUrl
from scoreboard.adapters.keys.secret import LocalKeys, derive, local_secret, mint
from scoreboard.adapters.keys.source import KeyChain, KeyEvent

__all__ = [
    "JwksUrl",
    "KeyChain",
    "KeyEvent",
    "KeyFile",
    "LocalKeys",
    "derive",
    "local_secret",
    "mint",
]
