"""Archives of other versions: an older one is read as it is and brought up when written to, a newer one is refused."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from geo.archive import open_archive
from geo.errors import ArchiveError
from geo.importing.importer import import_files
from geo.maintenance.check import check_archive
from geo.storage import layout
from geo.storage.gpkg import add_functions

FIXTURES = Path(__file__).with_name("fixtures")
OLD = sorted(FIXTURES.glob("layout_*.gpkg"))
SHORT = "id,event_date,place,latitude,longitude\ne1,2025-01-12,Sudzha,51.19,35.27\n"


def told(path: Path) -> dict[str, Any]:
    """What an archive answers to the questions that the fixture's record has answers to."""
    archive = open_archive(path)
    series = archive.series()
    table = archive.reader.snapshots()
    first = table[table["depicts"].str.startswith("2025-01-11")].sort_values("recorded_at").iloc[0]["recorded_at"]
    return {
        "snapshots": len(table),
        "incidents": len(archive.incidents()),
        "claims": len(archive.claims()),
        "series": [[f"{r.date:%Y-%m-%d}", r.controller, r.status, r.area_km2] for r in series.itertuples()],
        "corrected": archive.area("2025-01-11")["area_km2"].tolist(),
        "before": archive.area("2025-01-11", as_known_on=first)["area_km2"].tolist(),
        "first_recorded": first,
    }


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for key, value in wanted.items():
        if key == "series":
            assert [row[:3] for row in found[key]] == [[d, c, s] for d, c, s, _ in value]
            assert [row[3] for row in found[key]] == pytest.approx([row[3] for row in value], rel=1e-12)
        elif isinstance(value, list):
            assert found[key] == pytest.approx(value, rel=1e-12)
        else:
            assert found[key] == value, key


@pytest.mark.parametrize("fixture", OLD, ids=lambda p: p.stem)
def test_an_old_archive_is_read_as_it_is(fixture: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(fixture, tmp_path / "a.gpkg"))
    before = sha256(path.read_bytes()).hexdigest()
    same(told(path), json.loads(fixture.with_suffix(".json").read_text()))
    assert sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("fixture", OLD, ids=lambda p: p.stem)
def test_an_old_archive_is_brought_up_when_it_is_written_to(fixture: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(fixture, tmp_path / "a.gpkg"))
    (tmp_path / "i.csv").write_text(SHORT)
    assert import_files(path, "incidents", tmp_path / "i.csv")[0].outcome == "stored"
    wanted = json.loads(fixture.with_suffix(".json").read_text())
    same(told(path), wanted | {"incidents": wanted["incidents"] + 1})
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT max(version) FROM layout").fetchone() == (layout.LAYOUT,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    new = tmp_path / "new.gpkg"
    with open_archive(new).store.writing():
        pass
    for kind in ("table", "index", "trigger"):
        query = f"SELECT name FROM sqlite_master WHERE type = '{kind}' AND name NOT LIKE 'sqlite_%'"
        assert set(connection.execute(query)) == set(sqlite3.connect(new).execute(query))
    for table in layout.TABLES:
        columns = [
            {row[1] for row in c.execute(f"PRAGMA table_info({table})")} for c in (connection, sqlite3.connect(new))
        ]
        assert columns[0] == columns[1], table


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout to come: one more column, one more table of each kind, one more index."""
    geometry, title, columns = layout.TABLES["incidents"]
    monkeypatch.setitem(layout.TABLES, "incidents", (geometry, title, f"{columns}, mood TEXT"))
    monkeypatch.setitem(layout.TABLES, "notes", (None, "Notes", "words TEXT NOT NULL, size TEXT(10)"))
    monkeypatch.setitem(layout.TABLES, "lines", ("MULTILINESTRING", "Lines", "words TEXT"))
    monkeypatch.setattr(layout, "INDEXES", (*layout.INDEXES, "CREATE INDEX notes_by_words ON notes (words)"))
    monkeypatch.setattr(layout, "LAYOUT", layout.LAYOUT + 1)


def test_what_an_older_layout_lacks_is_empty_to_readers(tmp_path: Path, tomorrow: None) -> None:
    path = Path(shutil.copy(OLD[0], tmp_path / "a.gpkg"))
    store = open_archive(path).store
    with store.reading() as connection:
        assert connection.execute("SELECT DISTINCT mood FROM incidents").fetchall() == [(None,)]
        assert connection.execute("SELECT words, size FROM notes").fetchall() == []
        assert connection.execute("SELECT fid, geom, words FROM lines").fetchall() == []
    assert path.read_bytes() == OLD[0].read_bytes()
    assert len(open_archive(path).incidents()) == 4


def test_a_layout_to_come_reaches_old_archives_in_one_transaction(tmp_path: Path, tomorrow: None) -> None:
    path = Path(shutil.copy(OLD[0], tmp_path / "a.gpkg"))
    store = open_archive(path).store
    with pytest.raises(RuntimeError), store.writing() as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        raise RuntimeError
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT max(version) FROM layout").fetchone() == (1,)
        assert not connection.execute("PRAGMA table_info(notes)").fetchall()
    with store.writing() as connection:
        connection.execute("INSERT INTO notes (words) VALUES ('x')")
    store.close()
    assert sqlite3.connect(path).execute("SELECT max(version) FROM layout").fetchone() == (layout.LAYOUT,)
    assert sqlite3.connect(path).execute("SELECT mood FROM incidents").fetchone() == (None,)


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE sources RENAME COLUMN title TO x",
        "ALTER TABLE control_superseded RENAME COLUMN recorded_at TO x",
        "DROP TRIGGER rtree_control_geom_insert",
        "CREATE TRIGGER t AFTER UPDATE ON control BEGIN UPDATE control SET status = 7; END",
        "UPDATE snapshots SET part = '[]'",
        "UPDATE sources SET name = x'00' WHERE id = 1",
        "UPDATE snapshots SET depicts = x'00' WHERE id = 1",
    ],
)
def test_an_older_archive_that_is_damaged_is_not_brought_up_to_date(tmp_path: Path, damage: str) -> None:
    path = Path(shutil.copy(OLD[0], tmp_path / "damaged.gpkg"))
    assert check_archive(path).is_whole
    with closing(sqlite3.connect(path)) as connection, connection:
        add_functions(connection)
        connection.execute(damage)
    before = path.read_bytes()
    assert not check_archive(path).is_whole
    (tmp_path / "i.csv").write_text(SHORT)
    with pytest.raises(ArchiveError, match="is damaged|older layout that is damaged .* geo repair"):
        import_files(path, "incidents", tmp_path / "i.csv")
    assert path.read_bytes() == before


def test_a_newer_archive_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD[0], tmp_path / "a.gpkg"))
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO layout (version, made_by) VALUES (?, 'later')", (layout.LAYOUT + 1,))
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match="newer geo-control"):
        open_archive(path).reader.snapshots()
    (tmp_path / "i.csv").write_text(SHORT)
    with pytest.raises(ArchiveError, match="newer geo-control"):
        import_files(path, "incidents", tmp_path / "i.csv")
    assert path.read_bytes() == before
