"""A copy of a live archive, of one state of it, put in place in one step."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from geo.errors import ArchiveError, UsageError
from geo.storage import transactions
from geo.storage.atomic_write import draft


def back_up(archive: str | Path, copy: str | Path, *, replace: bool = False) -> Path:
    """Copy an archive as it stands this instant, while others read it and write to it.

    Parameters
    ----------
    archive : str or pathlib.Path
        The archive.
    copy : str or pathlib.Path
        The copy's path; in a folder the copy is named by archive and instant (``war-20250111T180000Z.gpkg``).
    replace : bool
        Take the place of a file that is there.

    Returns
    -------
    pathlib.Path
        The copy: one file, without a log beside it.

    Raises
    ------
    UsageError
        The copy is there already, or is the archive itself.
    ArchiveError
        The archive is not there or damaged, or the copy cannot be written. Nothing stands at its path then.

    Examples
    --------
    >>> geo.back_up("data/kursk.gpkg", "copy.gpkg").name
    'copy.gpkg'
    """
    source, target = Path(archive), Path(copy)
    if target.is_dir():
        target = target / f"{source.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{source.suffix}"
    if target.exists() and (not replace or target.samefile(source)):
        raise UsageError(f"{target}: it is there already: choose another name, or say --replace")
    try_place(target)
    try:
        with transactions.reading(source) as connection, draft(target) as temporary:
            with closing(sqlite3.connect(temporary)) as into:
                connection.backup(into)
                into.execute("PRAGMA journal_mode = WAL").fetchone()  # or readers of the copy would block its writers
                _insist_whole(source, into)
            put(temporary, target, replace=replace)
    except (OSError, sqlite3.Error) as error:
        raise ArchiveError(f"{target}: the copy cannot be written ({error}): is there room?") from error
    return target


def _insist_whole(source: Path, copy: sqlite3.Connection) -> None:
    found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ArchiveError(f"{source}: it is damaged ({found}), and so would be its copy: geo check says more")


def try_place(target: Path) -> None:
    """See that a file can be made where a copy is to stand, before anything is read for it."""
    try:
        with draft(target) as temporary:
            temporary.touch()
    except OSError as error:
        raise ArchiveError(
            f"{target}: the copy cannot be written ({error.strerror or error}): may you write in that folder?"
        ) from error


def put(temporary: Path, target: Path, *, replace: bool) -> None:
    """Give a finished file its name, with its bytes on the disk before that."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if replace:
        os.replace(temporary, target)
    elif not transactions.place_new(temporary, target):
        raise UsageError(f"{target}: it is there already: choose another name, or say --replace")
