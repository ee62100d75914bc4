"""The newest checkpoint as a file: there in full or as it was, for whoever copies it elsewhere."""

import asyncio
import os
from pathlib import Path

from scoreboard.core.checkpoint import NOTE_MAX_BYTES


class CheckpointFile:
    """A note in a file; what cannot be written is an OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> str | None:
        """The note, or None when there is no file."""
        return await asyncio.to_thread(self._read)

    async def write(self, note: str) -> None:
        """Replace it, flushed."""
        await asyncio.to_thread(self._write, note)

    def _read(self) -> str | None:
        try:
            with self._path.open("rb") as file:
                return file.read(NOTE_MAX_BYTES + 1).decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def _write(self, note: str) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
