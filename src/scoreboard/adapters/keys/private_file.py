"""A file that nobody but the service may read: made once, whoever starts at the same time."""

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from scoreboard.errors import Misconfigured

CONTENT_MAX_BYTES = 4096


class PrivateFile(Struct, frozen=True):
    """A file that ``setting`` names.

    It must be the service's own and unreadable to others; one that belongs to root, as mounted
    secrets do, may be readable to the service's group.
    """

    setting: str
    path: Path

    def create(self, content: bytes) -> None:
        """Write it, flushed, unless it is there: of two processes, the second takes the first's.

        Raises:
            OSError: it cannot be written.
        """
        path = self.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # a link never replaces what is there
        finally:
            draft.unlink()
        flush_folder(path.parent)

    def content(self) -> bytes:
        """All of it, at most a byte more than ``CONTENT_MAX_BYTES``.

        Raises:
            Misconfigured: others can reach it.
            OSError: it cannot be read.
        """
        # Without O_NONBLOCK a pipe in its place would stop the start for ever.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            self._check_access(os.fstat(descriptor))
            return file.read(CONTENT_MAX_BYTES + 1)

    def refuse(self, reason: str) -> NoReturn:
        """Raises: Misconfigured."""
        raise Misconfigured(f"{self.setting}: {self.path}: {reason}.")

    def _check_access(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            self.refuse("it is not a regular file")
        mine = status.st_uid == os.geteuid()
        if not mine and status.st_uid != 0:
            self.refuse("it belongs to somebody else; run: chown to the service's own user")
        if status.st_mode & (0o077 if mine else 0o037):
            self.refuse("others can read it; run: chmod 600 on it")


def flush_folder(folder: Path) -> None:
    """Make sure that a new name in a folder survives a loss of power."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
