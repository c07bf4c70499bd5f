"""A file is written under another name beside its place until it is whole; one run at a time holds a lock."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import takewhile
from pathlib import Path

from geo.errors import ArchiveError, BusyError, MapError

# of a database under another name, too: its log, its journal, its writer's tag
_BESIDE = ("", "-wal", "-shm", "-journal")


def new_name(path: Path, *, ending: str = ".new") -> Path:
    """A name beside `path` that says whose it is; what dead processes of this machine left in the folder goes away."""
    _sweep(path.absolute().parent)
    return path.with_name(f".{path.name}.{_machine()}.{os.getpid()}.{time.monotonic_ns()}{ending}")


@contextmanager
def aside(path: Path, *, ending: str = ".new") -> Iterator[Path]:
    """Write a file under another name; it takes its place when the block has ended well, and is gone otherwise."""
    with draft(path, ending=ending) as temporary:
        yield temporary
        os.replace(temporary, path)


@contextmanager
def draft(path: Path, *, ending: str = ".new") -> Iterator[Path]:
    """A file under another name, which the block puts in place by itself; what is left of it in the end is gone."""
    temporary = new_name(path, ending=ending)
    with new_folder(path.parent):
        try:
            yield temporary
        finally:
            forget(temporary)


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make a folder, which goes again where the block left nothing in it."""
    made = list(takewhile(lambda p: not p.exists(), (folder, *folder.parents)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # something is in it
            for one in made:
                one.rmdir()


def forget(temporary: Path) -> None:
    """Take away a file under another name, and what SQLite laid beside it."""
    for more in _BESIDE:
        with suppress(OSError):
            temporary.with_name(temporary.name + more).unlink(missing_ok=True)


@cache
def _machine() -> str:
    import socket
    from hashlib import sha256

    return sha256(socket.gethostname().encode("utf-8", "surrogatepass")).hexdigest()[:8]


@cache  # once a folder: a command that writes a thousand files does not look a thousand times
def _sweep(folder: Path) -> None:
    if sys.platform == "win32":  # where asking whether a process lives would end it
        return
    ours = re.compile(rf"\.{{1,2}}.+\.{_machine()}\.(\d+)\.\d+\.\w+({'|'.join(_BESIDE)}|\.writer)")
    with suppress(OSError):
        for entry in os.scandir(folder):
            found = ours.fullmatch(entry.name)
            if found and not _lives(int(found[1])):
                with suppress(OSError):
                    os.unlink(entry)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def write_page(content: str | bytes, path: Path) -> Path:
    """Write a page, or any file, in one step: readers see the old one or the new one, never half of it."""
    try:
        with aside(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: OSError) -> MapError:
    return MapError(f"{path}: it cannot be written ({error.strerror or error})")


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock while the block runs; `what` is the work that the error names."""
    from filelock import FileLock, Timeout  # the command line loads this module, and mostly writes nothing

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
