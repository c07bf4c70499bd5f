"""A wrong clock: what a machine ahead recorded is not written on, is named, and is restamped."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from geo.archive import open_archive
from geo.cli import main
from geo.errors import ArchiveError
from geo.importing.importer import import_files
from geo.maintenance.check import check_archive
from geo.maintenance.repair import repair_archive
from geo.schema import write_instant
from geo.storage import snapshots
from tests.test_faults import write_day


class Clock(datetime):
    ahead = timedelta(0)

    @classmethod
    def now(cls, tz=None):  # type: ignore[no-untyped-def]
        return datetime.now(tz) + cls.ahead


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One day recorded rightly, two by a machine 400 days ahead."""
    path = tmp_path / "a.gpkg"
    import_files(path, "vector", write_day(tmp_path, 1))
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "datetime", Clock)
        patch.setattr(Clock, "ahead", timedelta(days=400))
        import_files(path, "vector", [write_day(tmp_path, 2), write_day(tmp_path, 3)])
    return path


def recorded(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [r[0] for r in connection.execute("SELECT recorded_at FROM snapshots ORDER BY id")]


def test_an_archive_ahead_of_the_clock_is_not_written_on(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=r"its last recording is of .* --accept clock"):
        import_files(path, "vector", write_day(tmp_path, 4))
    with pytest.raises(ArchiveError, match="this machine's clock"):
        open_archive(path).retract("vector@2024-08-02", why="test")
    with pytest.raises(ArchiveError, match="this machine's clock"):
        open_archive(path).set_rule("embargo", "24")
    assert len(recorded(path)) == 3
    assert path.read_bytes() == before
    day = str(write_day(tmp_path, 4))
    done = CliRunner().invoke(main, ["import", str(path), "vector", day, "--accept", "clock"])
    assert done.exit_code == 0, done.output
    assert len(recorded(path)) == 4


def test_minutes_ahead_are_what_machines_differ_by(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "b.gpkg"
    monkeypatch.setattr(snapshots, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta(minutes=9))
    import_files(other, "vector", write_day(tmp_path, 1))
    monkeypatch.setattr(Clock, "ahead", timedelta(0))
    assert [r.outcome for r in import_files(other, "vector", write_day(tmp_path, 2))] == ["stored"]
    assert check_archive(other).is_whole


def test_check_names_it_and_repair_restamps_it(path: Path, tmp_path: Path) -> None:
    report = check_archive(path)
    assert not report.is_whole
    assert {f.where for f in report.findings if "clock" in f.what} == {"vector@2024-08-02", "vector@2024-08-03"}
    mended = repair_archive(path, tmp_path / "mended.gpkg")
    assert any("restamped" in line for line in mended.done)
    assert mended.report.is_whole
    old, new = recorded(path), recorded(tmp_path / "mended.gpkg")
    assert new[0] == old[0]
    assert new[0] < new[1] < new[2] <= write_instant(datetime.now(UTC))
    archive = open_archive(tmp_path / "mended.gpkg")
    assert len(archive.reader.snapshots(as_known_on=datetime.now(UTC))) == 3
    assert len(archive.control("2024-08-03", as_known_on=datetime.now(UTC))) == len(archive.control("2024-08-03"))
    assert [r.outcome for r in import_files(archive, "vector", write_day(tmp_path, 4))] == ["stored"]
