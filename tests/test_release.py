"""A release: all that an archive may show, rebuilt byte for byte, and said in the forms that machines read."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from hashlib import sha256
from io import StringIO
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo.assets import read_toml
from geo.cli import main
from geo.storage import layout

pytest.importorskip("pyarrow")
GDAL_PYTHON = "/usr/bin/python3"
BOX = shapely.box(35.0, 51.1, 35.2, 51.3)
HOSTILE = 'Desk "one": </script>\n- =cmd() \u2028 <b>'


def fill(archive: geo.Archive, day: str, shape: shapely.Geometry = BOX) -> None:
    source = geo.Source(
        "desk", HOSTILE, url="https://example.org/a", licence="CC BY 4.0", attribution="The <i>desk</i>"
    )
    ground = gpd.GeoDataFrame({"native": ["=1+1"]}, geometry=[shape], crs=4326)
    archive.add_control(ground, source=source, date=day, controller="UA", status="held")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = geo.open_archive(tmp_path_factory.mktemp("release") / "war.gpkg")
    fill(made, "2024-08-08")
    fill(made, "2025-01-11", shapely.box(35.0, 51.1, 35.1, 51.3))
    rows = {"event_id": ["a", "b"], "date_start": ["2025-01-10", "2025-01-11"], "notes": ["text", "<script>"]}
    points = gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy([35.123456, 35.25], [51.2, 51.15]), crs=4326)
    made.add_incidents(points, dataset=geo.Source("events", "Events", licence="ask first"))
    made.close()
    return made.path


@pytest.fixture
def archive(filled: Path, tmp_path: Path) -> geo.Archive:
    return geo.open_archive(shutil.copy(filled, tmp_path / "war.gpkg"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_release_is_rebuilt_byte_for_byte_also_after_the_archive_has_grown(
    archive: geo.Archive, tmp_path: Path
) -> None:
    first = contents(geo.release(archive, tmp_path / "one"))
    assert contents(geo.release(archive, tmp_path / "two")) == first
    then = max(archive.reader.snapshots()["recorded_at"].max(), archive.store.imports()["recorded_at"].max())
    fill(archive, "2025-02-01")
    fill(archive, "2024-08-08", shapely.box(35.0, 51.1, 35.15, 51.3))
    assert contents(geo.release(archive, tmp_path / "three")) != first
    assert contents(geo.release(archive, tmp_path / "three", as_known_on=then)) == first


def test_what_is_released_is_what_the_archive_says(archive: geo.Archive, tmp_path: Path) -> None:
    folder = geo.release(archive, tmp_path / "out")
    for name in ("control.parquet", "data.gpkg"):
        again = geo.open_archive(tmp_path / f"{name}.again.gpkg")
        layer = {"layer": "control"} if name == "data.gpkg" else {}
        geo.import_files(again, "vector", folder / name, credit=geo.Source("desk", "Desk"), **layer)
        tables = [a.series()[["date", "controller", "area_km2"]] for a in (archive, again)]
        pd.testing.assert_frame_equal(*tables, rtol=1e-9)
    assert len(found := gpd.read_parquet(folder / "incidents.parquet")) == 2
    assert found.attrs == {}
    rows = list(csv.DictReader(StringIO((folder / "snapshots.csv").read_text())))
    assert [row["snapshot"] for row in rows] == ["desk@2024-08-08", "desk@2025-01-11"]
    terms = {row["name"]: row for row in csv.DictReader(StringIO((folder / "licences.csv").read_text()))}
    assert (terms["desk"]["licence"], terms["events"]["licence"]) == ("CC BY 4.0", "ask first")


def test_every_hash_holds_and_every_file_is_listed(archive: geo.Archive, tmp_path: Path) -> None:
    files = contents(geo.release(archive, tmp_path / "out"))
    sums = dict(line.split("  ")[::-1] for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(content).hexdigest() for name, content in files.items()}
    package = json.loads(files["datapackage.json"])
    listed = {one["path"]: one for one in package["resources"]}
    assert listed.keys() == files.keys() - {"datapackage.json", "CITATION.cff"}
    for path, one in listed.items():
        assert re.fullmatch(r"[-a-z0-9._]+", one["name"])
        assert one["hash"] == f"sha256:{sums[path]}"
        assert one["bytes"] == len(files[path])
    columns = [field["name"] for field in listed["snapshots.csv"]["schema"]["fields"]]
    assert columns == files["snapshots.csv"].decode().splitlines()[0].split(",")
    frame = gpd.read_parquet(tmp_path / "out" / "control.parquet")
    assert [field["name"] for field in listed["control.parquet"]["schema"]["fields"]] == list(frame.columns)
    assert all(field.get("description") for one in listed.values() for field in one.get("schema", {}).get("fields", ()))


def test_the_citation_is_of_the_format_whatever_a_title_says(archive: geo.Archive, tmp_path: Path) -> None:
    folder = geo.release(archive, tmp_path / "out", publisher=HOSTILE)
    lines = (line.partition(": ") for line in (folder / "CITATION.cff").read_text().splitlines())
    cited = {key: json.loads(value) for key, _, value in lines}  # JSON's strings and lists are YAML's
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["authors"] == [{"name": HOSTILE}]
    assert cited["type"] == "dataset"
    assert {one["title"] for one in cited["references"]} == {HOSTILE, "Events"}
    assert [one.get("url") for one in cited["references"]] == ["https://example.org/a", None]


def test_rules_against_harm_hold_for_releases(archive: geo.Archive, tmp_path: Path) -> None:
    archive.set_rule("withhold", "notes")
    archive.set_rule("coarsen", "grid:25km")
    files = contents(geo.release(archive, tmp_path / "out"))
    assert not any(b"<script>" in content or b"35.123456" in content for content in files.values())
    assert gpd.read_parquet(tmp_path / "out" / "incidents.parquet").geometry.x.min() != 35.123456
    archive.set_rule("embargo", str(24 * 365 * 100))
    with pytest.raises(geo.UsageError, match="nothing"):
        geo.release(archive, tmp_path / "out")


def test_settlements_are_released_beside_areas(archive: geo.Archive, tmp_path: Path) -> None:
    (panel := tmp_path / "towns.csv").write_text(
        "name,lat,lon,date,side\nA,50,36,2025-01-01,UA\nA,50,36,2025-01-09,RU\n"
    )
    geo.import_files(archive, "settlements", panel)
    first = contents(geo.release(archive, tmp_path / "out"))
    frame = gpd.read_parquet(tmp_path / "out" / "settlements.parquet")
    assert frame[["controller", "valid_from", "valid_to"]].fillna("").values.tolist() == [
        ["UA", "2025-01-01T00:00:00.000Z", "2025-01-09T00:00:00.000Z"], ["RU", "2025-01-09T00:00:00.000Z", ""]
    ]  # fmt: skip
    assert b"settlements" in first["licences.csv"]
    assert contents(geo.release(archive, tmp_path / "two")) == first


def test_a_folder_with_other_files_is_left_alone(archive: geo.Archive, tmp_path: Path) -> None:
    (own := tmp_path / "out" / "own.txt").parent.mkdir()
    own.write_text("mine")
    told = CliRunner().invoke(main, ["release", str(archive.path), "-o", str(own.parent)])
    assert told.exit_code == 2
    assert "own.txt" in told.output
    assert contents(own.parent) == {"own.txt": b"mine"}


# -- what GeoPackages say of themselves --------------------------------------------------------------------------------


def described(path: Path) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        columns = connection.execute("SELECT table_name, column_name, description FROM gpkg_data_columns")
        layers = connection.execute(
            "SELECT r.table_name, m.metadata FROM gpkg_metadata m JOIN gpkg_metadata_reference r ON r.md_file_id = m.id"
        )
        return {(table, column): words for table, column, words in columns}, dict(layers.fetchall())


def test_an_archive_says_what_its_columns_mean_and_whom_to_credit(archive: geo.Archive) -> None:
    columns, layers = described(archive.path)
    for name in ("control", "incidents", "units", "settlements"):
        wanted = {column for column in layout.declared(name) if column not in ("fid", "geom")}
        assert wanted <= {column for table, column in columns if table == name}, name
    assert "CC BY 4.0" in layers["control"]
    assert "ask first" not in layers["control"]
    assert "ask first" in layers["incidents"]
    before = archive.path.read_bytes()
    fill(archive, "2025-01-11", shapely.box(35.0, 51.1, 35.1, 51.3))  # nothing new
    archive.close()
    assert described(archive.path) == (columns, layers)
    assert len(archive.path.read_bytes()) == len(before)


def test_meanings_are_of_columns_that_there_are() -> None:
    known = {"control": {"geometry", "date", "snapshot", "area_km2"}, "incidents": {"geometry"}}
    known |= {key: {"geometry"} for key in ("units", "settlements")}
    for name, meanings in read_toml("column_meanings.toml").items():
        assert set(meanings) <= set(layout.declared(name)) | known.get(name, set()), name


def test_the_validator_of_gdal_is_content(archive: geo.Archive, tmp_path: Path) -> None:
    if not Path(GDAL_PYTHON).exists():
        pytest.skip("needs Debian's python3-gdal")
    archive.close()
    for path in (archive.path, geo.release(archive, tmp_path / "out") / "data.gpkg"):
        command = [GDAL_PYTHON, "-m", "osgeo_utils.samples.validate_gpkg", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "No module named" in done.stderr:
            pytest.skip("needs Debian's python3-gdal")
        assert done.returncode == 0, done.stderr[-400:]
