"""A desk's own files: columns, words, dates and credits."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner

from geo import open_archive
from geo.cli import main
from geo.errors import FileError, GateError, UsageError
from geo.schema import Options, Snapshot
from geo.sources.vector import read, read_toml

BOX = shapely.box(35, 51, 35.5, 51.3)


def write(folder: Path, *rows: dict[str, Any] | None, name: str = "map.geojson") -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {k: v for k, v in (row or {}).items() if k != "geometry"},
            "geometry": (row or {}).get("geometry", shapely.geometry.mapping(BOX)),
        }
        for row in rows
    ]
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def load(path: Path, **options: Any) -> list[Snapshot]:
    snapshots = read(path, Options(**options))
    for snapshot in snapshots:
        assert len(snapshot.frame) + len(snapshot.refusals) == snapshot.rows_in
    return snapshots


HELD = {"controller": "UA", "status": "held"}


def test_a_file_of_several_days_becomes_several_snapshots(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {**HELD, "date": "2025-01-12"},
        {**HELD, "date": "2025-01-11T18:00Z"},
        {**HELD, "date": "2025-01-12", "geometry": {"type": "Point", "coordinates": [35, 51]}},
        {**HELD, "date": None},
        {**HELD, "date": "2024-01-01", "geometry": None},
    )
    first, second = load(path)
    assert (first.depicts.isoformat(), second.depicts.isoformat()) == (
        "2025-01-11T18:00:00+00:00",
        "2025-01-12T00:00:00+00:00",
    )
    assert (first.frame["row"].tolist(), second.frame["row"].tolist()) == ([2], [1])
    assert [(refusal.row, refusal.why) for refusal in first.refusals] == [(4, "no date"), (5, "no geometry")]
    assert [refusal.why for refusal in second.refusals] == ["a Point: only areas are control"]
    (whole,) = load(path, date="2025-02-01")
    assert whole.rows_in == 5


def test_columns_constants_and_words_are_mapped(tmp_path: Path) -> None:
    path = write(tmp_path, {"Seite": "UA", "Art": "Gehalten"}, {"Seite": "RU", "Art": "Umkämpft"})
    (snapshot,) = load(
        path,
        columns={"controller": "seite", "status": "Art"},
        constants={"date": "2025-01-11"},
        statuses={"gehalten": "held", "umkämpft": "contested"},
    )
    found = list(zip(*(snapshot.frame[c] for c in ("controller", "status", "native")), strict=True))
    assert found == [("UA", "held", "Gehalten"), (None, "contested", "Umkämpft")]
    assert any("1 contested rows named a controller (RU)" in note for note in snapshot.notes)
    (other,) = load(
        path, columns={"status": "Art"}, date="2025-01-11", statuses={"Gehalten": "UA:held", "Umkämpft": "contested"}
    )
    assert other.frame["controller"].tolist() == ["UA", None]


@pytest.mark.parametrize(
    ("row", "options", "words"),
    [
        (HELD, {}, "no date .*--date YYYY-MM-DD"),
        ({**HELD, "date": "31/02/2025"}, {}, "row 1: date '31/02/2025' cannot be read"),
        ({**HELD, "status": "kept"}, {"date": "2025-01-11"}, "row 1: status 'kept' is unknown.*STATUS is one of held"),
        ({**HELD, "status": None}, {"date": "2025-01-11"}, "row 1: no status"),
        ({"controller": "UA", "x": 1}, {"date": "2025-01-11"}, "no column for status .*columns: controller, x"),
        ({"status": "held"}, {"date": "2025-01-11"}, "no column for controller"),
        (HELD, {"date": "2025-01-11", "columns": {"native": "word"}}, "no column 'word' for native"),
        (HELD, {"date": "2025-01-11", "statuses": {"held": "mine"}}, "status 'mine' is unknown"),
    ],
)  # fmt: skip
def test_what_stops_a_file(tmp_path: Path, row: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(GateError, match=words):
        load(write(tmp_path, row), **options)


def test_an_error_names_all_that_is_missing_and_the_command_that_says_it_works(tmp_path: Path) -> None:
    path = write(tmp_path, {"who": "UA", "state": "gehalten", "day": "11.01.2025", "id": 7})
    archive = tmp_path / "x.gpkg"
    refused = CliRunner().invoke(main, ["import", str(archive), "vector", str(path)])
    for missing in ("no column for controller", "no column for status", "'gehalten' is unknown", "no date"):
        assert missing in refused.stderr
    command = refused.stderr.partition("Say: geo ")[2].partition(";")[0]
    done = CliRunner().invoke(main, shlex.split(command.replace("STATUS", "held")))
    assert (done.exit_code, done.stderr) == (0, "")
    control = open_archive(archive).control("2025-01-11")
    assert control[["controller", "status"]].to_numpy().tolist() == [["UA", "held"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "deepstaet-mirror", "x.gpkg"], "SOURCE one of"),
        (["import", "deepstate", "x.gpkg", "f.geojson"], "geo import x.gpkg deepstate"),
        (["import", "x.gpkg", "deepstaet", "f.geojson"], "did you mean deepstate"),
        (["fetch", "x.gpkg", "deepstaet"], "did you mean deepstate"),
        (["area", "2025-01-11", "x.gpkg"], "the archive comes first: geo area x.gpkg"),
    ],
)
def test_arguments_in_another_order_and_slips_of_the_pen_are_told(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_row_without_controller_is_refused_alone(tmp_path: Path) -> None:
    (snapshot,) = load(write(tmp_path, HELD, {"status": "held", "controller": " "}), date="2025-01-11")
    assert [refusal.why for refusal in snapshot.refusals] == ["no controller"]


def test_an_empty_file_must_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"no features.*--accept empty"):
        load(write(tmp_path), date="2025-01-11")
    (snapshot,) = load(write(tmp_path), date="2025-01-11", accept=frozenset({"empty"}))
    assert (len(snapshot.frame), snapshot.rows_in) == (0, 0)


def test_the_date_in_the_name_is_told(tmp_path: Path) -> None:
    (snapshot,) = load(write(tmp_path, HELD, name="kursk_2025-01-11.geojson"))
    assert str(snapshot.depicts.date()) == "2025-01-11"
    assert any("'2025-01-11'" in note for note in snapshot.notes)


def test_a_geopackage_with_a_date_field(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"side": ["UA"], "Status": ["held"], "valid_from": ["2025-01-11"]}, geometry=[BOX], crs="EPSG:4326"
    )
    frame["valid_from"] = frame["valid_from"].astype("datetime64[ms]")
    frame.to_crs(32637).to_file(tmp_path / "x.gpkg")
    (snapshot,) = load(tmp_path / "x.gpkg")
    assert str(snapshot.depicts.date()) == "2025-01-11"
    assert snapshot.frame["controller"].tolist() == ["UA"]
    assert shapely.equals_exact(snapshot.frame.geometry[0].normalize(), BOX.normalize(), 1e-8)


def test_toml_says_how_and_whom(tmp_path: Path) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(
        'date = 2025-01-11\ncrs = "EPSG:3857"\naccept = ["future"]\n[source]\nname = "our-desk"\ntitle = "Our Desk"\n'
        '[columns]\nstatus = "Art"\n[statuses]\ngehalten = "held"\n'
    )
    source, options = read_toml(path)
    assert source is not None
    assert (source.name, source.title, source.licence) == ("our-desk", "Our Desk", "")
    assert (options.date, options.crs, options.accept) == ("2025-01-11", "EPSG:3857", {"future"})
    assert (options.columns, options.statuses) == ({"status": "Art"}, {"gehalten": "held"})


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("a = ", FileError, "not TOML"),
        ('colums = "x"', UsageError, "'colums' means nothing here; the known keys"),
        ('[source]\nname = "Our Desk"', UsageError, "a short word"),
        ('[source]\nname = "x"\nlicense = "CC"', UsageError, "'license' means nothing here"),
        ("[columns]\nstatus = 5", UsageError, "columns.status is 5"),
        ('accept = "future"', UsageError, "a list of words"),
    ],
)
def test_toml_that_is_refused(tmp_path: Path, text: str, error: type[Exception], words: str) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(text)
    with pytest.raises(error, match=words):
        read_toml(path)


@pytest.mark.parametrize(
    ("name", "rows", "refused"),
    [
        ("null_geometry", 1, "no geometry"),
        ("line_and_point_mixed", 1, "only areas are control"),
        ("string_coordinates", 0, "coordinates are text"),
        ("three_points", 0, "a ring needs four positions"),
        ("script_in_text", 1, None),
        ("ukrainian_nbsp", 1, None),
    ],
)
def test_hostile_rows(shared: Path, name: str, rows: int, refused: str | None) -> None:
    (snapshot,) = load(shared / "hostile" / f"{name}.geojson", date="2025-01-11")
    assert len(snapshot.frame) == rows
    assert all(refused and refused in refusal.why for refusal in snapshot.refusals)


def test_hostile_files(shared: Path) -> None:
    hostile = shared / "hostile"
    (closed,) = load(hostile / "unclosed_ring.geojson", date="2025-01-11")
    assert closed.repairs == ("row 1: ring closed",)
    for name, words in (
        ("date_unreadable", "31/02/2025"),
        ("unknown_status", "held, claimed, advance, contested, liberated"),
        ("empty_collection", "--accept empty"),
    ):
        with pytest.raises(GateError, match=words):
            load(hostile / f"{name}.geojson", date=None if "date" in name else "2025-01-11")
