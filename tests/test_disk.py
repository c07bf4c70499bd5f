"""Disks that fill up, folders that take nothing, drives that go away: nothing half-written, and words that help."""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import geo
from geo.archive import open_archive
from geo.errors import ArchiveError, FileError, GeoError, MapError
from geo.formats import geojson
from geo.importing.importer import import_files
from geo.storage import transactions as disk
from tests.test_faults import rows_of, write_day

OLD = Path(__file__).with_name("fixtures") / "layout_1.gpkg"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take all the room of a disk but so many bytes."""
    path = folder / "filler"
    with path.open("wb") as stream:
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        stream.write(b"\0" * max(0, free - leave))
    return path


def test_an_import_on_a_full_disk_changes_nothing_and_goes_through_when_there_is_room(
    tiny: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(OLD, tiny / "a.gpkg"))
    days = [write_day(tmp_path, day) for day in (1, 2)]
    before = rows_of(path)
    filler = fill(tiny, leave=20_000)
    with pytest.raises(ArchiveError, match="disk is full"):
        import_files(path, "vector", days)
    assert sorted(p.name for p in tiny.iterdir()) == ["a.gpkg", "filler"]
    filler.unlink()
    assert rows_of(path) == before
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [r.outcome for r in import_files(path, "vector", days)] == ["stored", "stored"]
    assert sorted(p.name for p in tiny.iterdir()) == ["a.gpkg"]


@pytest.mark.parametrize("leave", [0, 4_096, 40_000, 70_000, 150_000])
def test_a_full_disk_leaves_no_log_beside_the_archive(tiny: Path, tmp_path: Path, leave: int) -> None:
    path = Path(shutil.copy(OLD, tiny / "a.gpkg"))
    archive = open_archive(path)
    archive.set_accuracy("seeds", 1.0)
    archive.close()
    fill(tiny, leave=leave)
    with suppress(GeoError):
        import_files(path, "vector", write_day(tmp_path, 2))
    assert sorted(p.name for p in tiny.iterdir()) == ["a.gpkg", "filler"]
    with suppress(GeoError):
        open_archive(path).reader.snapshots()
    assert sorted(p.name for p in tiny.iterdir()) == ["a.gpkg", "filler"]


def test_a_new_archive_on_a_full_disk_is_not_begun(tiny: Path, tmp_path: Path) -> None:
    day = write_day(tmp_path, 1)
    fill(tiny, leave=8_000)
    with pytest.raises(ArchiveError):
        import_files(tiny / "new.gpkg", "vector", day)
    left = [p.name for p in tiny.iterdir() if p.name != "filler"]
    assert left in ([], ["new.gpkg"])
    if left:
        assert sqlite3.connect(tiny / left[0]).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def outputs(archive: geo.Archive, folder: Path) -> dict[str, Callable[[], object]]:
    return {
        "map.html": lambda: geo.save_map(geo.draw_map(archive, "2025-01-11", with_front=False), folder / "map.html"),
        "map.png": lambda: geo.draw_picture(archive, "2025-01-11", path=folder / "map.png", with_front=False),
        "chart.svg": lambda: geo.draw_chart(archive, folder / "chart.svg"),
        "brief.md": lambda: geo.draw_brief(archive, path=folder / "brief.md"),
        "brief.docx": lambda: geo.draw_brief(archive, path=folder / "brief.docx"),
    }


@pytest.mark.parametrize("name", outputs(open_archive(OLD), Path()))
def test_what_is_drawn_on_a_full_disk_leaves_the_old_file_whole(name: str, tiny: Path, tmp_path: Path) -> None:
    archive = open_archive(Path(shutil.copy(OLD, tmp_path / "a.gpkg")))
    draw = outputs(archive, tiny)[name]
    (tiny / name).write_bytes(b"the old one")
    fill(tiny)
    with pytest.raises(GeoError, match="space|full|written"):
        draw()
    assert (tiny / name).read_bytes() == b"the old one"
    assert sorted(p.name for p in tiny.iterdir() if not p.name.endswith("_files")) == sorted(["filler", name])


def test_a_folder_that_takes_nothing(tiny: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD, tiny / "a.gpkg"))
    before = path.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    assert len(open_archive(path).reader.snapshots()) == 12
    with pytest.raises(ArchiveError, match="written"):
        import_files(path, "vector", write_day(tmp_path, 1))
    with pytest.raises(MapError, match="written"):
        geo.save_map(geo.draw_map(open_archive(path), "2025-01-11", with_front=False), tiny / "m.html")
    assert path.read_bytes() == before


class Flaky(sqlite3.Connection):
    """A connection to a drive that goes away at the n-th statement, and stays away."""

    left = 1 << 30

    def _spend(self) -> None:
        Flaky.left -= 1
        if Flaky.left <= 0:
            raise sqlite3.OperationalError("disk I/O error")

    def execute(self, *given: Any) -> sqlite3.Cursor:
        self._spend()
        return super().execute(*given)

    def executemany(self, *given: Any) -> sqlite3.Cursor:
        self._spend()
        return super().executemany(*given)


@pytest.mark.long
def test_a_drive_that_goes_away_at_any_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = write_day(tmp_path, 3, size=5)
    connect = sqlite3.connect

    def flaky(*given: Any, **settings: Any) -> sqlite3.Connection:
        return connect(*given, **settings, factory=Flaky)

    reference = Path(shutil.copy(OLD, tmp_path / "reference.gpkg"))
    before = rows_of(reference)
    import_files(reference, "vector", day)
    after = [row[:5] for row in rows_of(reference)]
    monkeypatch.setattr(disk.sqlite3, "connect", flaky)
    monkeypatch.setattr(disk, "WAIT_SECONDS", 0.5)
    at, done = 0, False
    while not done:
        at += 1 if at < 12 else 7  # the first are about opening, later ones repeat row by row
        folder = tmp_path / str(at)
        folder.mkdir()
        path = Path(shutil.copy(OLD, folder / "a.gpkg"))
        Flaky.left = at
        try:
            import_files(path, "vector", day)
            done = True
        except ArchiveError as error:
            words = str(error)
            assert "a.gpkg" in words
        Flaky.left = 1 << 30
        gc.collect()  # what a lost process would leave: no open connection
        found = rows_of(path)
        assert found == before or [row[:5] for row in found] == after, f"statement {at}"
        assert at < 1000
    assert at > 20


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_day(tmp_path, 4, size=3)
    plain = geojson.orjson.loads

    def grows(raw: bytes) -> Any:
        if raw == path.read_bytes():
            path.write_bytes(raw.replace(b"X", b"Z"))
        return plain(raw)

    monkeypatch.setattr(geojson.orjson, "loads", grows)
    (receipt,) = import_files(tmp_path / "a.gpkg", "vector", path)
    assert receipt.outcome == "refused"
    assert "changed while it was read" in receipt.error
    monkeypatch.undo()
    assert import_files(tmp_path / "a.gpkg", "vector", path)[0].outcome == "stored"


def test_a_network_drive_that_fails_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_day(tmp_path, 5, size=3)

    class Gone:
        def __enter__(self) -> Gone:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def fileno(self) -> int:
            return plain.fileno()

        def read(self, _: int) -> bytes:
            raise OSError(5, "Input/output error")

    plain = path.open("rb")
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: Gone())
    with plain, pytest.raises(FileError, match="Input/output error"):
        geojson.read_bytes(path)
