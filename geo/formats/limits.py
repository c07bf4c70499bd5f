"""What a file from outside may cost: plain files alone, and counts that are looked at before anything is made."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from geo.errors import FileError

POSITIONS = 500_000  # of a topology's shapes, and as many again as twice its arcs have: an arc has two sides
CROSSINGS = 5_000  # of the lines of a map's polygons, each with those of its own
TANGLED = 30_000  # the same, each counted as often as the less crossed of its two lines is crossed
TOUCHED = 10_000  # corners of rings to mend that lie on other lines of theirs
AGAIN = 5_000  # parts, holes or corners of a polygon that are drawn once more
MENDED = 250  # polygons of a map whose lines run across each other, and one more for each 200 positions
CLASSES = 600  # sides and statuses of one map
NAMED = 500  # characters in the name of a side, or in a date
MEETINGS = 500_000  # lines of one polygon whose boxes meet, and five more for each of its lines
PAIRS = 20_000  # polygons of two classes whose boxes meet, in one snapshot
# snapshots in one file, and how often its polygons stand in a second one; accepted, as many as in four years of days
INSTANTS, REPEATED = 120, 12_000
MORE_INSTANTS, MORE_REPEATED = 1_500, 1_000_000
COLUMNS = 2_000  # of a table
BLANKS, BLANKS_EACH = 1_000_000, 50  # cells of rows that name their own columns, and more for each that is filled
TABLES = 2_000  # of a GeoPackage, with their indexes
FILES_BELOW = 20_000  # in the folders of a plan's pattern
NOTES = 20  # of one kind in a receipt


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


def capped(notes: list[str]) -> list[str]:
    """The first notes of a kind, and how many more there are."""
    return notes if len(notes) <= NOTES else [*notes[:NOTES], f"and {len(notes) - NOTES:,} notes more of this kind"]


def refuse_too_many_instants(where: object, instants: int, repeated: int, accept: Collection[str]) -> None:
    """Raise where the snapshots of one file would take long, unless who imports it said that they may."""
    is_accepted = "instants" in accept
    limits = (MORE_INSTANTS, MORE_REPEATED) if is_accepted else (INSTANTS, REPEATED)
    try:
        refuse_too_many(where, instants, limits[0], "instants")
        refuse_too_many(where, repeated, limits[1], "polygons that stand at several instants")
    except FileError as error:
        more = f"--accept instants takes up to {MORE_INSTANTS:,} instants, 10 to 20 ms each"
        raise FileError(f"{error}: part the file by date{'' if is_accepted else f', or {more}'}") from None


def refuse_too_many(where: object, count: int, limit: int, what: str) -> None:
    """Raise where a file has more of something than is read."""
    if count > limit:
        raise FileError(f"{where}: too much of {what}: {count:,}; the limit is {limit:,}")


def columns_of(where: object, rows: Collection[Mapping[str, Any]]) -> list[str]:
    """The columns of rows that name their own, in order; raise where their table would be large and nearly empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    refuse_too_many(where, len(names), COLUMNS, "columns")
    most = BLANKS + BLANKS_EACH * sum(map(len, rows))
    refuse_too_many(where, len(names) * len(rows), most, "cells, most of them blank")
    return names
