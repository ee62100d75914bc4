"""The file of a ledger's history: there in full, readable by its owner alone, or not at all."""

import gzip
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from scoreboard.cli.terminal import Failure

STDIO = "-"
PACKED = ".gz"
PACKED_MAGIC = b"\x1f\x8b"
LEVEL = 5
"""A tenth larger than the smallest, in half the time."""

Put = Callable[[bytes], object]


@contextmanager
def written(name: str, *, force: bool) -> Iterator[Put]:
    """Write a file beside its place and move it there, flushed, when everything is in it.

    Raises:
        Failure: it is there already, or cannot be written.
    """
    if name == STDIO:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    file = Path(name)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        _ensure_free(file, force=force)
        with open(part, "xb", opener=_for_owner) as raw:
            yield from _putting(raw, packed=name.endswith(PACKED))
            raw.flush()
            os.fsync(raw.fileno())
        _ensure_free(file, force=force)
        part.replace(file)
        _flush_folder(file.parent)
    except OSError as error:
        raise Failure(f"{name} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The lines of a file, unpacked if it is packed, whatever its name.

    Raises:
        Failure: it cannot be read.
    """
    if name == STDIO:
        yield _unpacked(sys.stdin.buffer)
        return
    try:
        raw = Path(name).open("rb")  # noqa: SIM115 - closed below; only opening it is translated
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror or error}.") from None
    with raw:
        yield _unpacked(raw)


def _unpacked(raw: BinaryIO) -> BinaryIO:
    seen = cast("io.BufferedReader", raw).peek(len(PACKED_MAGIC))
    if seen.startswith(PACKED_MAGIC):
        return cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=raw)))
    return raw


def _putting(raw: BinaryIO, *, packed: bool) -> Iterator[Put]:
    if not packed:
        yield raw.write
        return
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=LEVEL, mtime=0) as out:
        yield out.write


def _ensure_free(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise Failure(f"{file} exists already: name another file, or say --force.")


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
