"""An archive's file on the disk: reading that never blocks, and transactions that are whole or never were."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from geo.errors import ArchiveError
from geo.storage.gpkg import add_functions

WAIT_SECONDS = 30.0
CACHE_KIB = 65_536
LOOKED_THROUGH = 64 << 20  # bytes
_ROOM = 1 << 18  # bytes; with less, SQLite cannot lay its log and says "I/O error"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that never blocks and is never blocked, also on read-only media."""
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive; geo import makes one")
    with closing(_open_for_reading(path)) as connection, _told(path):
        yield connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    _end_what_was_cut_off(path)
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    # On read-only media SQLite cannot lay its shared-memory file; nobody can write there, so "immutable" is true.
    for extra in ("", "&immutable=1"):
        connection = sqlite3.connect(address + extra, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            if extra or ("unable to open" not in str(error) and "readonly" not in str(error)):
                raise _explain(path, error) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            connection.close()
            raise _explain(path, error) from error
    raise AssertionError("unreachable")


def _end_what_was_cut_off(path: Path) -> None:
    """A journal that a killed writer left is rolled back by whoever opens the file for writing; a reader cannot."""
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists() and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


class Writer:
    """The one writing connection of a process to an archive; close it to leave the file in one piece."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tag = path.with_name(f".{path.name}.writer")
        with _told(path):
            self.connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            self._refuse_damaged()
            add_functions(self.connection)
            self._prefer_wal()

    def _refuse_damaged(self) -> None:
        """What is written into a damaged file spreads the damage: a small one is looked through first, 5 ms a MiB."""
        if self.path.stat().st_size > LOOKED_THROUGH:
            return
        (said,) = self.connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            self.connection.close()
            raise ArchiveError(
                f"{self.path}: damaged SQLite file ({' '.join(str(said).split())[:160]}): nothing is written into it."
                " Take the last backup, or geo repair writes a mended copy"
            )

    def _prefer_wal(self) -> None:
        """With a write-ahead log readers go on while we write; where it cannot be had, SQLite's journal does."""
        with suppress(sqlite3.OperationalError):
            self.connection.execute("PRAGMA journal_mode = WAL").fetchone()
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        # indexes of a million rows are filled in no order: with SQLite's own 2 MB each page is written again and again
        self.connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. Waits for another writer, and says who it is when it waited long."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _explain(self.path, error, holder=self._holder()) from error
        self._hang_tag()
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._roll_back()
            raise _explain(self.path, error) from error
        except BaseException:
            self._roll_back()
            raise
        finally:
            with suppress(OSError):  # on a disk that takes nothing the tag was not hung either
                self._tag.unlink(missing_ok=True)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # a drive that is gone: the next who opens the file rolls back by its log
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def _hang_tag(self) -> None:
        """A name tag beside the archive, for the message to whoever waits; SQLite's lock is the lock."""
        who = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat("T", "seconds"),
        }
        with suppress(OSError, KeyError):
            who["user"] = getpass.getuser()
        with suppress(OSError):
            self._tag.write_text(json.dumps(who), encoding="utf-8")

    def _holder(self) -> str:
        try:
            who = json.loads(self._tag.read_text(encoding="utf-8"))
            return f"process {who['process']} of {who.get('user', '?')} on {who['host']}, since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):  # a tag is only a tag
            return "another program (QGIS or another tool with the file open for editing?)"

    def close(self) -> None:
        """Fold the log back into the file, so that one file is the whole archive."""
        with suppress(sqlite3.Error):
            self.connection.execute("PRAGMA busy_timeout = 0")
            self.connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        self.connection.close()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    # SQLite quotes what it cannot read, and Python cannot decode the quotation
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: sqlite3.Error | UnicodeDecodeError, *, holder: str = "") -> ArchiveError:
    """SQLite's words, made into what went wrong for this archive and what to do."""
    text = str(error)
    if "locked" in text or "busy" in text:
        whom = holder or "another program"
        return ArchiveError(f"{path}: {whom} is writing; waited {WAIT_SECONDS:.0f} s. Try again when it has ended")
    if "not a database" in text:
        return ArchiveError(f"{path}: not a GeoPackage (no SQLite file at all)")
    if "malformed" in text or "corrupt" in text or isinstance(error, UnicodeDecodeError):
        return ArchiveError(f"{path}: damaged SQLite file ({text}); take the last backup")
    if "readonly" in text or "unable to open" in text:
        return ArchiveError(f"{path}: cannot be written ({text}): is the folder there, and may you write in it?")
    if "full" in text or ("I/O" in text and _is_full(path)):
        return ArchiveError(f"{path}: the disk is full; nothing was changed. Make room and run the same command again")
    if "I/O" in text:
        return ArchiveError(
            f"{path}: {text}: the drive does not answer as it should; nothing was changed. Look after the drive, then"
            " run the same command again"
        )
    return ArchiveError(f"{path}: {text}")


def _is_full(path: Path) -> bool:
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _ROOM
    return False


def place_new(temporary: Path, path: Path) -> bool:
    """Give a finished file its name in one step, unless somebody was faster; True if it was ours."""
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: a rename is as whole, but could replace a file made this instant.
        if path.exists():
            return False
        os.replace(temporary, path)
        return True
    finally:
        temporary.unlink(missing_ok=True)
