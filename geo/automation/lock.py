"""One run at a time: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from geo.errors import ArchiveError, BusyError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs."""
    made = [p for p in path.parents if not p.exists()]
    handle = _open(path)
    try:
        if not _take(handle, path):
            raise BusyError(f"{what}: another run has this in hand ({_holder(path)}): try again when it has ended")
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()}".encode())
        yield
    finally:
        _leave(handle, path, made)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be made ({error}): may you write in that folder?") from error


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")[:200] or str(path)
    return str(path)


def _leave(handle: int, path: Path, made: Sequence[Path]) -> None:
    """Let go; a run that made the folder and has put nothing in takes it away again."""
    with suppress(OSError):
        if made and [p.name for p in path.parent.iterdir()] == [path.name]:
            path.unlink()
            for folder in made:
                folder.rmdir()
    os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int, _: Path) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int, path: Path) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # one that was taken away between opening and locking locks nobody out
            return os.path.samestat(os.fstat(handle), path.stat())
        except OSError:
            return False
