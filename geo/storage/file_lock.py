"""One run at a time: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from geo.errors import ArchiveError, BusyError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs; `what` is the work that the error names."""
    made = [folder for folder in path.parents if not folder.exists()]
    lock = FileLock(path, timeout=0, mode=0o644)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        holder = _holder(path)
        raise BusyError(f"{what}: another run has this in hand ({holder}): try again when it has ended") from None
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be made ({error}): may you write in that folder?") from error
    try:
        with suppress(OSError):  # Windows lets nobody write to a locked file
            path.write_text(f"process {os.getpid()}", encoding="utf-8")
        yield
    finally:
        _remove_made(path, made)
        lock.release()


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")[:200] or str(path)
    return str(path)


def _remove_made(path: Path, made: list[Path]) -> None:
    """A run that made the folder and has put nothing in takes it away again."""
    with suppress(OSError):
        if made and [entry.name for entry in path.parent.iterdir()] == [path.name]:
            path.unlink()
            for folder in made:
                folder.rmdir()
