"""Readers never block: stopped ones, long ones, notebooks that hold a state, the end of writing, copies, other tools."""

from __future__ import annotations

import logging
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from geo.archive import Archive, open_archive
from geo.errors import ArchiveError
from geo.importing.importer import import_files
from geo.maintenance.repair import back_up
from geo.storage import transactions
from tests.test_faults import write_day

READER_SECONDS, WRITER_SECONDS = 0.1, 1.0
_READ = (
    "import sys\nfrom geo.storage.store import Store\na = Store(__import__('pathlib').Path(sys.argv[1]))\n"
    "with a.holding():\n print(len(a.snapshots()), flush=True)\n sys.stdin.readline()\n print(len(a.snapshots()))\n"
)
OLD = Path(__file__).with_name("fixtures") / "layout_1.gpkg"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "a.gpkg"
    path.parent.mkdir()
    import_files(path, "vector", write_day(tmp_path, 1))
    return path


@contextmanager
def reader(path: Path, *, is_stopped: bool) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a state of the archive until it is told to end."""
    command = [sys.executable, "-c", _READ, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        process.first = process.stdout.readline().strip()  # type: ignore[attr-defined]
        if is_stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.stdin.write("\n")
            process.stdin.close()
            assert process.stdout.read().strip() == process.first  # type: ignore[attr-defined] # one state throughout


def seconds_to_read(path: Path) -> float:
    start = time.perf_counter()
    with open_archive(path).store.reading() as connection:
        connection.execute("SELECT count(*) FROM snapshots").fetchone()
    return time.perf_counter() - start


def seconds_to_write(path: Path) -> float:
    start = time.perf_counter()
    archive = open_archive(path)
    with archive.store.writing() as connection:
        connection.execute("UPDATE sources SET url = 'x'")
    archive.close()
    return time.perf_counter() - start


def count(path: Path) -> int:
    return len(open_archive(path).reader.snapshots())


def test_stopped_and_long_readers_hold_nobody_up(path: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        for number in range(6):  # more than the five places that SQLite keeps for readers
            stack.enter_context(reader(path, is_stopped=number % 2 == 0))
            assert seconds_to_write(path) < WRITER_SECONDS
            assert seconds_to_read(path) < READER_SECONDS
        import_files(path, "vector", write_day(tmp_path, 2))
        assert count(path) == 2
    assert [p.name for p in path.parent.iterdir()] == ["a.gpkg"]


def test_a_notebook_that_holds_a_state_holds_nobody_up(path: Path, tmp_path: Path) -> None:
    archive = open_archive(path)
    with archive.holding():
        assert len(archive.reader.snapshots()) == 1
        import_files(path, "vector", write_day(tmp_path, 2))
        assert (count(path), len(archive.reader.snapshots())) == (2, 1)
        assert seconds_to_write(path) < WRITER_SECONDS
        assert seconds_to_read(path) < READER_SECONDS
    assert len(archive.reader.snapshots()) == 2


def test_a_copy_of_the_one_file_is_the_whole_archive(path: Path, tmp_path: Path) -> None:
    with reader(path, is_stopped=False):
        pass
    import_files(path, "vector", write_day(tmp_path, 2))
    assert [p.name for p in path.parent.iterdir()] == ["a.gpkg"]
    assert count(Path(shutil.copy(path, tmp_path / "copy.gpkg"))) == 2


def test_a_reader_that_keeps_the_log_open_is_named_and_folds_it_at_its_end(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), reader(path, is_stopped=True) as one:
        import_files(path, "vector", write_day(tmp_path, 2))
        assert re.search(rf"being read by process {one.pid} \(\S+\), so what.*geo backup", caplog.text)
        assert count(back_up(path, tmp_path / "copy.gpkg")) == 2
    assert [p.name for p in path.parent.iterdir()] == ["a.gpkg"]
    assert count(Path(shutil.copy(path, tmp_path / "later.gpkg"))) == 2


def test_a_copy_made_by_backup_can_be_written_under_its_readers(path: Path, tmp_path: Path) -> None:
    copy = back_up(path, tmp_path / "copy.gpkg")
    with reader(copy, is_stopped=True):
        assert seconds_to_write(copy) < WRITER_SECONDS
        assert seconds_to_read(copy) < READER_SECONDS


def test_an_older_file_under_a_reader_is_not_written_and_the_reader_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Path(shutil.copy(OLD, tmp_path / "a.gpkg"))
    monkeypatch.setattr(transactions, "WAIT_SECONDS", 0.3)
    with reader(old, is_stopped=True) as one:
        with pytest.raises(ArchiveError, match=rf"being read by process {one.pid} \(\S+\)"):
            seconds_to_write(old)
        assert seconds_to_read(old) < READER_SECONDS
    monkeypatch.setattr(transactions, "WAIT_SECONDS", 30.0)
    assert seconds_to_write(old) < 30
    with reader(old, is_stopped=True):
        assert seconds_to_write(old) < WRITER_SECONDS


def test_a_file_that_qgis_has_looked_at_can_be_written_under_its_next_readers(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:  # as QGIS does when it closes a layer
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    with reader(path, is_stopped=True):
        assert seconds_to_write(path) < WRITER_SECONDS


def test_read_only_media_with_a_log_beside_the_file_are_not_read_in_part(path: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    with reader(path, is_stopped=True):
        import_files(path, "vector", write_day(tmp_path, 2))
        stick.mkdir()
        for name in ("a.gpkg", "a.gpkg-wal"):
            shutil.copy(path.with_name(name), stick / name)
    with pytest.raises(ArchiveError, match="lies in a.gpkg-wal"):
        transactions._refuse_half(stick / "a.gpkg")
    (stick / "a.gpkg-wal").unlink()
    transactions._refuse_half(stick / "a.gpkg")


def test_gdal_reads_it_while_it_is_written_and_at_rest(path: Path) -> None:
    python = Path("/usr/bin/python3")
    code = "from osgeo import ogr; import sys; d = ogr.Open(sys.argv[1]); print(d.GetLayerByName('control').GetFeatureCount())"
    command = [str(python), "-c", code, str(path)]
    if not python.exists() or subprocess.run([python, "-c", "from osgeo import ogr"], check=False).returncode:
        pytest.skip("no GDAL for the system's Python")
    with closing(sqlite3.connect(path)) as connection:
        wanted = str(connection.execute("SELECT count(*) FROM control").fetchone()[0])
    for _ in ("at rest", "again"):
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == wanted
    archive: Archive = open_archive(path)
    with archive.store.writing():
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == wanted
    archive.close()


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_read_opens_the_file_once(path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    opened = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **given: opened.append(a) or connect(*a, **given))
    with transactions.reading(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
    assert len(opened) == 1
