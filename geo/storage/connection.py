"""The way into the archive's file: a state held for reading, one transaction for writing, the making of a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import get_ident
from typing import Any, TypeVar

import pandas as pd

from geo.errors import ArchiveError
from geo.schema import write_instant
from geo.storage import layout, snapshots, transactions
from geo.storage.atomic_write import draft

_REMEMBERED = 64  # answers kept while an archive is held: more than one page asks for, few enough for any memory
T = TypeVar("T")


@dataclass(frozen=True)
class _Held:
    """A read transaction that stays open, whose it is, and what was read in it."""

    thread: int
    connection: sqlite3.Connection
    memory: dict[tuple[Any, ...], Any]


class Access:
    """One archive file. Reading opens a connection of its own; writing goes through `writing`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: transactions.Writer | None = None
        self._held: _Held | None = None
        self.accepts_clock = False  # write on though the last recording lies ahead of the clock

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection to a file that is known to be an archive of a layout we read."""
        held = self._held
        if held is not None and held.thread == get_ident():
            yield held.connection
            return
        with transactions.reading(self.path) as connection:
            if _check_layout(self.path, connection) < layout.LAYOUT:
                layout.look_through(connection)
            yield connection

    @contextmanager
    def holding(self) -> Iterator[None]:
        """All that this thread reads inside is of one state of the archive, and is read once."""
        if self._held is not None:
            yield
            return
        with self.reading() as connection:
            self._held = _Held(get_ident(), connection, {})
            try:
                yield
            finally:
                self._held = None

    def recall(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        """What was read before under this key while the archive is held, or is read now; it must not be changed."""
        held = self._held
        if held is None or held.thread != get_ident():
            return read()
        found: T = held.memory.pop(key) if key in held.memory else read()
        held.memory[key] = found  # what was used last stands last
        if len(held.memory) > _REMEMBERED:
            held.memory.pop(next(iter(held.memory)))
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the archive, which is made first where there is none."""
        if self._writer is None:
            if not self.path.exists():
                self._make()
            with transactions.reading(self.path) as connection:  # what is foreign is refused before anything touches it
                self._refuse_damaged(connection)
            self._writer = transactions.Writer(self.path)
        try:
            with self._writer.transaction() as connection:
                # asked in the transaction: another writer may have brought it up meanwhile
                if (layout.version_of(connection) or 0) < layout.LAYOUT:
                    layout.bring_up(connection, now=write_instant(datetime.now(UTC)), made_by=_maker())
                    snapshots.cut_layer(connection)
                self._refuse_wrong_clock(connection)
                yield connection
                self._describe(connection)
        except BaseException:
            self.close()  # on a full disk, too, no log stays beside the archive
            raise

    def _refuse_damaged(self, connection: sqlite3.Connection) -> None:
        """An archive of an older layout is brought up to date where it is whole: what rests on damage is damage."""
        older = _check_layout(self.path, connection) < layout.LAYOUT
        if damaged := layout.without_key(connection):
            raise ArchiveError(
                f"{self.path}: its table {damaged[0]} has no primary key, so nothing is written; geo repair"
                " writes a mended copy"
            )
        if older and (fault := self._first_fault(connection)):
            raise ArchiveError(
                f"{self.path}: an archive of an older layout that is damaged ({fault}), so nothing is written; geo"
                " check says all, geo repair writes a mended copy"
            )

    def _refuse_wrong_clock(self, connection: sqlite3.Connection) -> None:
        """One recording from ahead would give its date to every later one, of every machine."""
        last = snapshots.last_recorded(connection)
        if snapshots.is_ahead_of_clock(last) and not self.accepts_clock:
            raise ArchiveError(
                f"{self.path}: its last recording is of {last}, and this machine's clock says"
                f" {write_instant(datetime.now(UTC))}: nothing is written. Set the clock right; if it is"
                " right, geo repair writes a copy with the recordings restamped; geo import --accept clock writes on"
                " all the same"
            )

    def close(self) -> None:
        """End writing and leave the archive as one file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _first_fault(self, connection: sqlite3.Connection) -> str | None:
        """What is wrong with an archive; `Store` knows what its tables should hold."""

    def _put_styles(self, connection: sqlite3.Connection, *, now: str) -> None:
        """Give the layers of a new archive their styles; `Store` knows them."""

    def _describe(self, connection: sqlite3.Connection) -> None:
        """Keep what the layers say of themselves up to date; `Store` knows whose rows they hold."""

    def _make(self) -> None:
        try:
            with draft(self.path) as temporary:
                with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
                    connection.execute("PRAGMA journal_mode = WAL").fetchone()
                    connection.execute("BEGIN")
                    layout.create_tables(connection, now=write_instant(datetime.now(UTC)), made_by=_maker())
                    self._put_styles(connection, now=write_instant(datetime.now(UTC)))
                    connection.execute("COMMIT")
                transactions.place_new(temporary, self.path)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveError(f"{self.path}: cannot be made ({error}): may you write in that folder?") from error

    def _table(self, query: str, *, table: str | None = None) -> pd.DataFrame:
        with self.reading() as connection:
            return layout.read_frame(connection, query, table=table)


def _maker() -> str:
    from geo import __version__

    return f"geo-control {__version__}"


def _check_layout(path: Path, connection: sqlite3.Connection) -> int:
    """The layout's version, one that this version of the package can read."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables and not path.stat().st_size:
        raise ArchiveError(
            f"{path}: the file is empty (0 bytes), so no archive: delete it and geo import makes one of that name, or"
            " put the last backup in its place"
        )
    if "gpkg_contents" not in tables:
        raise ArchiveError(f"{path}: SQLite, but no GeoPackage")
    if "layout" not in tables or "snapshots" not in tables:
        raise ArchiveError(
            f"{path}: a GeoPackage, but no archive of geo-control;"
            f" geo import NEW.gpkg vector {path.name} takes its polygons in"
        )
    version = layout.version_of(connection)
    if version is None:
        raise ArchiveError(f"{path}: the version of its layout is damaged: geo check says more")
    if version > layout.LAYOUT:
        raise ArchiveError(
            f"{path}: layout {version} was written by a newer geo-control;"
            f" this one reads up to {layout.LAYOUT}: upgrade it"
        )
    return version
