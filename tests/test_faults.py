"""Killed at any moment, two writers at once, read-only media, a full disk: the archive is whole or as it was."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import shapely
from shapely.geometry import box, mapping

from geo.archive import open_archive
from geo.errors import ArchiveError
from geo.importing import importer as intake
from geo.importing.importer import ensure_units, import_files
from geo.storage import transactions as disk

GDAL_PYTHON = "/usr/bin/python3"
FILES = 24


def write_day(folder: Path, day: int, *, size: int = 400) -> Path:
    """A day of a made-up conflict: two polygons that move, and many that stay."""
    path = folder / f"2024-08-{day:02d}.geojson"
    moving = [("X", box(30 + day / 100, 50, 31, 51)), ("Y", box(28, 50, 30 + day / 100, 51))]
    staying = [
        ("X", box(35 + (i % 20) / 10, 48 + i // 20 / 10, 35.05 + (i % 20) / 10, 48.05 + i // 20 / 10))
        for i in range(size)
    ]
    features = [
        {"type": "Feature", "properties": {"controller": c, "status": "held"}, "geometry": mapping(shape)}
        for c, shape in [*moving, *staying]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("days")
    return [write_day(folder, day) for day in range(1, FILES + 1)]


@pytest.fixture(scope="module")
def serial(days: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple]]:
    path = tmp_path_factory.mktemp("serial") / "a.gpkg"
    import_files(path, "vector", days)
    return path, rows_of(path)


def rows_of(path: Path) -> list[tuple]:
    connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    rows = connection.execute("SELECT geom, source, controller, status, valid_from, valid_to FROM control").fetchall()
    connection.close()
    return sorted(rows, key=str)


def validate(path: Path) -> None:
    """GDAL's own validator, where this machine has it."""
    if not Path(GDAL_PYTHON).exists():
        return
    command = [GDAL_PYTHON, "-m", "osgeo_utils.samples.validate_gpkg", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named" in done.stderr:
        return
    assert done.returncode == 0, done.stdout + done.stderr


def importer(path: Path, files: list[Path]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "geo", "import", str(path), "vector", *map(str, files)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.parametrize("after", [0, 1])
def test_a_making_that_was_cut_off_is_ended_by_the_next_import(
    after: int, tmp_path: Path, days: list[Path], serial: tuple[Path, list[tuple]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the archive's making and its boundary sets there are moments at which it holds only some of them."""
    path, taken = tmp_path / "a.gpkg", []

    def cut_off(*given: object) -> object:
        if len(taken) == after:
            raise KeyboardInterrupt
        taken.append(given)
        return honest(*given)  # type: ignore[arg-type]

    honest = intake._read_file
    with open_archive(path).store.writing():
        pass
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(intake, "_read_file", cut_off)
        ensure_units(open_archive(path))
    assert len(open_archive(path).store.imports()) == after
    import_files(path, "vector", days)
    assert rows_of(path) == serial[1]
    assert len(open_archive(path).store.imports()) == len(open_archive(serial[0]).store.imports()) > 1


@pytest.mark.long
def test_killed_at_twenty_random_moments(tmp_path: Path, days: list[Path], serial: tuple[Path, list[tuple]]) -> None:
    seed = random.randrange(1 << 30)
    rng = random.Random(seed)
    start = time.monotonic()
    assert importer(tmp_path / "timed.gpkg", days).wait() == 0
    whole = time.monotonic() - start
    caught = tries = 0
    while caught < 20:
        tries += 1
        assert tries <= 80, f"only {caught} of {tries} kills came before the end (seed {seed})"
        path = tmp_path / f"{tries}.gpkg"
        start = time.monotonic()
        process = importer(path, days)
        try:
            process.wait(rng.uniform(0.25, 1.0) * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        else:
            whole = time.monotonic() - start
            continue
        caught += 1
        if not path.exists():
            continue
        archive = open_archive(path)
        table = archive.reader.snapshots()
        for name, stored in zip(table["snapshot"], table["rows_stored"], strict=True):
            assert len(archive.store.members(name)) == stored == 402, f"seed {seed}"
        if len(table):
            assert len(archive.control(source="vector")) == 402, f"seed {seed}"
        validate(path)
        # the same command again finishes the work, and leaves no trace of the fault
        if caught % 5 == 0:
            assert importer(path, days).wait() == 0
            assert rows_of(path) == serial[1]


def test_two_importers_and_a_reader_at_once(tmp_path: Path, days: list[Path], serial: tuple[Path, list[tuple]]) -> None:
    path = tmp_path / "a.gpkg"
    ensure_units(open_archive(path))
    open_archive(path).close()
    both = [importer(path, days[::2]), importer(path, days[1::2])]
    seen = []
    while any(p.poll() is None for p in both):
        archive = open_archive(path)
        if len(archive.reader.snapshots()):
            seen.append(len(archive.control(source="vector")))
    assert [p.returncode for p in both] == [0, 0], [p.stderr.read() for p in both if p.stderr]
    assert set(seen) <= {402}
    assert rows_of(path) == serial[1]


def test_a_writer_that_waits_too_long_says_for_whom(
    tmp_path: Path, days: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.gpkg"
    import_files(path, "vector", days[:1])
    monkeypatch.setattr(disk, "WAIT_SECONDS", 0.3)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        archive = open_archive(path)
        with archive.store.writing():
            held.set()
            release.wait(20)
        archive.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    try:
        assert len(open_archive(path).reader.snapshots()) == 1  # a reader goes on
        with pytest.raises(ArchiveError, match=rf"process {os.getpid()} of .* is writing"):
            import_files(path, "vector", days[1:2])
    finally:
        release.set()
        thread.join()
    assert len(open_archive(path).reader.snapshots()) == 1


def test_readers_work_on_read_only_media(tmp_path: Path, serial: tuple[Path, list[tuple]]) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    shutil.copy(serial[0], folder / "a.gpkg")
    os.chmod(folder / "a.gpkg", 0o444)
    os.chmod(folder, 0o555)
    try:
        frame = open_archive(folder / "a.gpkg").control("2024-08-03")
        assert len(frame) == 402
        assert [p.name for p in folder.iterdir()] == ["a.gpkg"]
    finally:
        os.chmod(folder, 0o755)


def test_one_file_is_the_whole_archive_when_the_writer_has_closed(serial: tuple[Path, list[tuple]]) -> None:
    assert [p.name for p in serial[0].parent.iterdir()] == ["a.gpkg"]


def test_a_vertex_survives_import_and_reading_back(tmp_path: Path) -> None:
    ring = [[35.123456789012345, 51.1], [35.2, 51.100000000000001], [35.3, 51.3], [35.123456789012345, 51.1]]
    path = tmp_path / "2024-08-01.geojson"
    feature = {"type": "Feature", "properties": {"controller": "X", "status": "held"},
               "geometry": {"type": "Polygon", "coordinates": [ring[::-1]]}}  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    import_files(tmp_path / "a.gpkg", "vector", path)
    back = open_archive(tmp_path / "a.gpkg").control("2024-08-01").geometry[0]
    assert shapely.get_coordinates(back).tolist() == ring[::-1]
