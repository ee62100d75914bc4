"""Faults of the world around the service: a locked database, a disk that is full."""

import contextlib
import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from tests.service_process import Service, eventually

BLOCK = b"\0" * 4096


@contextlib.contextmanager
def lock(service: Service) -> Iterator[None]:
    """Nobody else can write to the database meanwhile."""
    db = sqlite3.connect(service.data / "scoreboard.db", isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")
    finally:
        db.close()


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A file system of its own; only root may mount one."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a small file system is mounted")
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"needs root: a small file system is mounted ({mounted.stderr.strip()})")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Not one more byte fits on the disk meanwhile."""
    ballast = disk / "ballast"
    no_space = pytest.raises(OSError, match=os.strerror(errno.ENOSPC))
    with ballast.open("wb", buffering=0) as file, no_space:
        file.writelines(repeat(BLOCK))
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def failing_flush(pid: int) -> Iterator[None]:
    """No flush of this process reaches its disk meanwhile: each one says EIO."""
    syscalls = "fsync,fdatasync"
    command = [
        "strace",
        "-f",
        "-qq",
        "-e",
        f"trace={syscalls}",
        "-e",
        f"inject={syscalls}:error=EIO",
    ]
    with subprocess.Popen(
        [*command, "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as tracer:
        try:
            _until_traced(pid, tracer)
            yield
        finally:
            tracer.terminate()


def _until_traced(pid: int, tracer: "subprocess.Popen[bytes]") -> None:
    """Every thread has to be held: the one that writes is not the first."""

    def traced() -> bool:
        if tracer.poll() is not None:
            pytest.skip("needs strace: this process may not be traced")
        states = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
        return all(f"TracerPid:\t{tracer.pid}\n" in state for state in states)

    eventually(traced)
