"""What is exported for other programs comes in again as it was, and passes the archive's rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo.cli import main

KINDS = ("geojson", "gpkg", "parquet", "csv", "kml")
WEST, EAST = shapely.box(35.0, 51.1, 35.2, 51.3), shapely.box(35.2, 51.1, 35.3, 51.3)
HOLED = WEST.difference(shapely.box(35.05, 51.15, 35.1, 51.2))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> geo.Archive:
    """Ground of two classes on three days, and two incidents, one with a text that a spreadsheet would compute."""
    made = geo.open_archive(tmp_path_factory.mktemp("export") / "war.gpkg")
    for day, shapes in (("2024-08-08", (WEST, EAST)), ("2024-09-10", (HOLED, EAST)), ("2025-01-11", (HOLED,))):
        classes = {"controller": ["UA", None], "status": ["held", "contested"], "native": ["=cmd()", "<b>grey</b>"]}
        frame = gpd.GeoDataFrame(pd.DataFrame(classes)[: len(shapes)], geometry=list(shapes), crs=4326)
        made.add_control(frame, source=geo.Source("desk", "Desk", licence="CC BY 4.0"), date=day)
    rows = {"event_id": ["a", "b"], "date_start": ["2025-01-10", "2025-01-11"], "best": [2, None],
            "event_type": ["Battles", "=1+1"], "notes": ["\u2014 \"quoted\", and more", "<script>alert(1)</script>"]}  # fmt: skip
    points = gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy([35.1234567, 35.25], [51.2, 51.15]), crs=4326)
    made.add_incidents(points, dataset="events")
    return made


def again(path: Path, source: str, tmp_path: Path, **options: Any) -> geo.Archive:
    found = geo.open_archive(tmp_path / "again.gpkg")
    receipt = geo.import_files(found, source, path, credit=geo.Source("desk", "Desk"), **options)[0]
    assert receipt.outcome == "stored", receipt.error
    assert receipt.rows_refused == 0
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_comes_in_again_with_the_same_areas_to_the_metre(kind: str, archive: geo.Archive, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = geo.export(archive, tmp_path / f"map.{kind}", date="2024-09-10")
    found = again(path, "vector", tmp_path)
    keys = ["controller", "status", "area_km2"]
    before, after = (a.area("2024-09-10")[keys].sort_values("status", ignore_index=True) for a in (archive, found))
    pd.testing.assert_frame_equal(before, after, check_exact=False, rtol=1e-12)
    shapes = [a.control("2024-09-10").sort_values("status").geometry.normalize().to_list() for a in (archive, found)]
    assert all(one.equals_exact(other, 0) for one, other in zip(*shapes, strict=True))
    native = found.control("2024-09-10").set_index("status")["native"]
    assert native["contested"] == "<b>grey</b>"
    assert native["held"].lstrip("'") == "=cmd()"  # a spreadsheet is kept from computing it


@pytest.mark.parametrize("kind", KINDS)
def test_a_span_comes_in_again_with_the_same_series(kind: str, archive: geo.Archive, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = geo.export(archive, tmp_path / f"span.{kind}", from_="2024-08-08", to="2025-01-11")
    found = again(path, "vector", tmp_path)
    tables = [
        a.series()[["date", "controller", "status", "area_km2", "gained_km2", "lost_km2"]] for a in (archive, found)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=False, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_incidents_come_in_again_field_by_field(kind: str, archive: geo.Archive, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    path = geo.export(archive, tmp_path / f"events.{kind}", what="incidents", from_="2025-01-01", to="2025-01-31")
    found = again(path, "incidents", tmp_path)
    names = ["event_id", "date_start", "date_end", "best", "event_type", "notes", "latitude", "longitude"]
    tables = [a.incidents()[names].sort_values("event_id", ignore_index=True) for a in (archive, found)]
    pd.testing.assert_frame_equal(*map(pd.DataFrame, tables))


@pytest.mark.parametrize("kind", KINDS)
def test_changes_are_written_with_their_dates_and_source(kind: str, archive: geo.Archive, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    span = {"from_": "2024-08-08", "to": "2024-09-10"}
    path = geo.export(archive, tmp_path / f"changes.{kind}", what="changes", **span)
    layer = geo.import_files(tmp_path / "c.gpkg", "vector", path, date="2024-09-10")[0]
    assert layer.rows_stored == len(archive.changed("2024-08-08", "2024-09-10"))
    raw = path.read_bytes()
    assert all(word in raw for word in (b"2024-08-08", b"2024-09-10", b"desk"))


def test_geoparquet_is_of_version_1_1_with_the_box_of_each_row(archive: geo.Archive, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = geo.export(archive, tmp_path / "map.parquet", date="2025-01-11")
    about = json.loads(parquet.read_schema(path).metadata[b"geo"])
    assert about["version"] == "1.1.0"
    assert about["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert len(gpd.read_parquet(path, bbox=(35.0, 51.1, 35.1, 51.2))) == 1
    assert len(gpd.read_parquet(path, bbox=(0, 0, 1, 1))) == 0


def test_rules_against_harm_hold_for_exports(archive: geo.Archive, tmp_path: Path) -> None:
    with archive.store.reading() as connection:
        (own := tmp_path / "ruled.gpkg").write_bytes(archive.path.read_bytes())
        assert connection is not None
    ruled = geo.open_archive(own)
    ruled.set_rule("withhold", "notes")
    path = geo.export(ruled, tmp_path / "events.geojson", what="incidents", date="2025-01-11")
    assert "<script" not in path.read_text(encoding="utf-8")
    with pytest.raises(geo.NoSnapshotError):
        ruled.set_rule("embargo", "900000")
        geo.export(ruled, tmp_path / "map.geojson", date="2025-01-11")


def test_what_does_not_go_together_is_refused(archive: geo.Archive, tmp_path: Path) -> None:
    for path, given in (
        ("map.shp", {}),
        ("map.kml", {"date": "2025-01-11", "to": "2025-01-11"}),
        ("c.kml", {"what": "changes"}),
    ):
        with pytest.raises(geo.UsageError):
            geo.export(archive, tmp_path / path, **given)
    assert not list(tmp_path.iterdir())


def test_the_verb(archive: geo.Archive, tmp_path: Path) -> None:
    out = tmp_path / "changes.csv"
    span = ["--from", "2024-08-08", "--to", "2024-09-10"]
    result = CliRunner().invoke(main, ["export", str(archive.path), "--changes", *span, "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert pd.read_csv(out)["change"].tolist() == ["lost"]
