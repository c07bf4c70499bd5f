"""An archive's file on the disk: reading that never blocks, and transactions that are whole or never were."""

from __future__ import annotations

import getpass
import json
import logging
import os
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from geo.errors import ArchiveError
from geo.storage.gpkg import add_functions
from geo.storage.layout import LAYOUT

WAIT_SECONDS = 30.0
CACHE_KIB = 65_536
_POLL_SECONDS = 0.05
_NAMED = 3  # readers in a message
_FOLD_MS = 300  # how long the end of writing waits for short readers
LOOKED_THROUGH = 64 << 20  # bytes
_SHARED_BYTES = 32_768  # the least that SQLite's shared-memory file takes
_ROOM = 1 << 18  # bytes; with less, SQLite cannot lay its log and says "I/O error"


@contextmanager
def reading(path: Path, *, is_ours: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection for reading that never blocks and is never blocked, also on read-only media."""
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive; geo import makes one")
    with closing(_open_for_reading(path, mode="rw" if is_ours else "ro")) as connection, _told(path):
        yield connection


def _restore_log(path: Path, connection: sqlite3.Connection) -> None:
    """QGIS leaves a file that it has looked at without the log's mode, and then a long reader would block writers."""
    # SQLite quotes what it cannot read, and Python cannot decode the quotation
    with suppress(sqlite3.Error, UnicodeDecodeError):
        if connection.execute("PRAGMA journal_mode").fetchone() != ("delete",):
            return
        # an older archive, and what is none, stays as it is until somebody writes into it
        may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        if may_write and connection.execute("SELECT max(version) FROM layout").fetchone() == (LAYOUT,):
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _open_for_reading(path: Path, *, mode: str) -> sqlite3.Connection:
    # with the right to write, the last who closes an archive folds its log and takes it away; nothing else is written
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    # On read-only media and full disks SQLite cannot lay its shared-memory file: nobody can begin to write there, so
    # "immutable" is true.
    for extra in ("", "&immutable=1"):
        connection = sqlite3.connect(address + extra, uri=True, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            if mode == "rw" and not extra:
                _restore_log(path, connection)
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * WAIT_SECONDS)}")
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            is_closed = "unable to open" in str(error) or "readonly" in str(error) or _take_back_log(path)
            if extra or not is_closed:
                raise _explain(path, error) from error
            _refuse_half(path)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            connection.close()
            raise _explain(path, error) from error
    raise AssertionError("unreachable")


def _take_back_log(path: Path) -> bool:
    """Take away a log that a full disk had no room to lay, which SQLite leaves; whether that was the trouble."""
    log, shared = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    with suppress(OSError):
        is_begun = log.exists() and log.stat().st_size > 0
        if _is_full(path) and not is_begun and (not shared.exists() or shared.stat().st_size < _SHARED_BYTES):
            for one in (log, shared):
                one.unlink(missing_ok=True)
            return True
    return False


def _refuse_half(path: Path) -> None:
    """What a log beside a file holds cannot be read where nothing can be written, and is not left out in silence."""
    for beside in (path.with_name(path.name + end) for end in ("-wal", "-journal")):
        if beside.exists() and beside.stat().st_size:
            raise ArchiveError(
                f"{path}: a part of it lies in {beside.name}, which cannot be read on read-only media:"
                " copy both files to a folder in which you may write"
            )


class Writer:
    """The one writing connection of a process to an archive; close it to leave the file in one piece."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tag = path.with_name(f".{path.name}.writer")
        with _told(path):
            self.connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            try:
                self._refuse_damaged()
                add_functions(self.connection)
                self._begin_log()
            except BaseException:
                self.connection.close()
                _take_back_log(path)
                raise

    def _refuse_damaged(self) -> None:
        """What is written into a damaged file spreads the damage: a small one is looked through first, 5 ms a MiB."""
        if self.path.stat().st_size > LOOKED_THROUGH:
            return
        (said,) = self.connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise ArchiveError(
                f"{self.path}: damaged SQLite file ({' '.join(str(said).split())[:160]}): nothing is written into it."
                " Take the last backup, or geo repair writes a mended copy"
            )

    def _begin_log(self) -> None:
        """With a write-ahead log readers go on while we write; where none can be had, SQLite's journal does.

        The log's mode is in the file for good. A file without it (an older archive, a copy by another program) cannot
        change while anybody reads it: to write all the same would turn every new reader away.
        """
        ends = time.monotonic() + WAIT_SECONDS
        self.connection.execute("PRAGMA busy_timeout = 0")
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL").fetchone()
                break
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    break
                if time.monotonic() > ends:
                    raise ArchiveError(
                        f"{self.path}: it is being read by {_readers(self.path)}, and is of an older kind that cannot"
                        f" be written while it is read; waited {WAIT_SECONDS:.0f} s. Try again when that has ended"
                    ) from error
                time.sleep(_POLL_SECONDS)
        self.connection.execute(f"PRAGMA busy_timeout = {int(1000 * WAIT_SECONDS)}")
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
        """Fold the log back into the file, so that one file is the whole archive; under a reader it stays beside it."""
        held = False
        with suppress(sqlite3.Error):
            self.connection.execute(f"PRAGMA busy_timeout = {_FOLD_MS}")
            held = bool(self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        self.connection.close()
        _take_back_log(self.path)
        if held and self.path.with_name(f"{self.path.name}-wal").exists():
            logging.getLogger(__name__).warning(
                "%s: an earlier state is being read by %s, so what was written stays in %s-wal until that ends: to copy"
                " the archive before, use geo backup",
                self.path, _readers(self.path), self.path.name,
            )  # fmt: skip


def _readers(path: Path) -> str:
    """Which other processes have a file open, as far as the machine tells (Linux does)."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if int(link.parts[2]) != os.getpid() and os.readlink(link) == str(path.resolve()):
                name = Path("/proc", link.parts[2], "comm").read_text(encoding="utf-8", errors="replace").strip()
                found.add(f"process {link.parts[2]} ({name})")
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return ", ".join([*sorted(found)[:_NAMED], *more]) or "another program (QGIS, a notebook?)"


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
