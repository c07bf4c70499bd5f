"""What a file from outside may cost: plain files alone, and counts that are looked at before anything is made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from geo.errors import FileError

POSITIONS = 4_000_000  # of the geometries of one file, after arcs are put together
RINGS = 2_000  # of one polygon; the holes of real maps are a few hundred
INSTANTS = 400  # snapshots in one file
SIDES = 200  # in one snapshot: every two of them are looked at together
COLUMNS = 2_000  # of a table
FIELD_CHARACTERS = 20_000  # of a text in which labels are looked for


@contextmanager
def plain_file(path: Path) -> Iterator[BinaryIO]:
    """A file open for reading; a pipe or a device, which could give bytes for ever or none, is refused at once."""
    # looked at on what was opened: the name may be another file's by then
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise FileError(f"{path}: not a plain file: a pipe, a socket or a device is not read")
        yield stream


def refuse_too_many(where: object, count: int, limit: int, what: str) -> None:
    """Raise where a file has more of something than is read."""
    if count > limit:
        raise FileError(f"{where}: too much of {what}: {count:,}; the limit is {limit:,}")
