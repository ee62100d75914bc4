"""Users and their tokens, minted once with a shared HS256 secret."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

LIFE_S = 12 * 3600
USERS = 10_000


@dataclass(frozen=True)
class Secret:
    """An HS256 secret of 48 ASCII bytes; a service reads it from a file."""

    text: str

    @classmethod
    def new(cls) -> "Secret":
        return cls(secrets.token_hex(24))

    def token(self, user_id: str) -> str:
        now = int(time.time())
        head = _part({"alg": "HS256", "typ": "JWT"})
        body = _part({"sub": user_id, "iat": now, "exp": now + LIFE_S})
        signed = f"{head}.{body}"
        mac = hmac.new(self.text.encode(), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64url(mac)}"


def user_id(number: int) -> str:
    return f"user-{number:07d}"


def write(path: Path, secret: Secret, users: int = USERS) -> Path:
    """One line a user: its id, a space, its token."""
    names = (user_id(number) for number in range(users))
    path.write_text("".join(f"{name} {secret.token(name)}\n" for name in names))
    return path


def _part(value: dict[str, object]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
