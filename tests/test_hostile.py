"""Malformed and malicious files on their whole way in: the promised error, repair or acceptance, and nothing else."""

from __future__ import annotations

import csv
import resource
import time
from pathlib import Path

import pytest

from geo.archive import open_archive
from geo.importing.importer import Receipt, import_files

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "hostile"
# a word that the message, the repair or the note must have
WORDS = {
    "antimeridian.geojson": "180", "bowtie.geojson": "km² before", "date_in_future.geojson": "later than now",
    "date_unreadable.geojson": "31/02/2025", "date_year_2202.geojson": "later than now",
    "decimal_commas.csv": "--decimal", "deep_nesting.geojson": "deep", "duplicate_features.geojson": "counted",
    "duplicate_ids.csv": "twice", "empty_collection.geojson": "no features", "empty_file.geojson": "empty",
    "empty_polygon.geojson": "empty geometry", "entity_expansion.kml": "entit", "external_entity.kml": "entit",
    "hole_outside_shell.geojson": "made valid", "infinite_coordinates.geojson": "infinite",
    "kmz_without_kml.kmz": "no KML", "latin1.csv": "UTF-8", "line_and_point_mixed.geojson": "only areas are control",
    "mercator_metres_without_crs.geojson": "metres", "missing_columns.csv": "a, b",
    "nan_coordinates.geojson": "NaN", "not_geojson.geojson": "HTML", "null_geometry.geojson": "no geometry",
    "out_of_range.geojson": "longitude", "overlapping_sides.geojson": "overlap", "path_traversal.kmz": "leave",
    "ragged_rows.csv": "", "random_bytes.gpkg": "not a GeoPackage",
    "sqlite_but_no_geopackage.gpkg": "SQLite, but no GeoPackage", "sqlite_header_only.gpkg": "damaged",
    "string_coordinates.geojson": "text", "swapped_lat_lon.geojson": "swapped", "swapped_points.csv": "swapped",
    "three_points.geojson": "four", "truncated.geojson": "complete", "unclosed_ring.geojson": "closed",
    "unknown_status.geojson": "held, claimed", "utf16.geojson": "UTF-8", "whole_world.geojson": "km²",
    "zero_zero.csv": "0,0", "zip_bomb.kmz": "limit",
}  # fmt: skip


def expected() -> list[dict[str, str]]:
    if not SHARED.is_dir():
        return []
    with (SHARED / "EXPECTED.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def take_in(folder: Path, path: Path, **options: object) -> Receipt:
    source = "incidents" if path.suffix == ".csv" else "vector"
    # files that bring no date depict this one; those about dates have their own
    dated = {} if source == "incidents" or path.name.startswith("date_") else {"date": "2025-01-11"}
    return import_files(folder / "a.gpkg", source, path, **{**dated, **options})[0]


def said(receipt: Receipt) -> str:
    refusals = [f"{r.why} {r.way_out}" for r in receipt.refusals]
    return " ".join([receipt.error, *receipt.repairs, *receipt.notes, *refusals])


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the hostile files of ../shared/data")
@pytest.mark.parametrize("row", expected(), ids=lambda r: r["file"])
def test_every_hostile_file_gets_what_it_is_to_get(row: dict[str, str], tmp_path: Path) -> None:
    start, most = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of all tests before
    receipt = take_in(tmp_path, SHARED / row["file"])
    assert time.monotonic() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < most + 500_000  # kB: no bomb went off
    outcome = row["outcome"]
    text = said(receipt)
    if (
        row["file"] in ("latin1.csv", "missing_columns.csv", "decimal_commas.csv", "utf16.geojson")
        or outcome == "refuse"
    ):
        assert receipt.outcome == "refused", text
        assert row["file"] in receipt.error
    elif outcome == "refuse row":
        # where no row is left, the file is refused for the reason of its rows
        assert receipt.refusals or receipt.outcome == "refused", text
    else:
        assert receipt.outcome == "stored", text
        assert bool(receipt.repairs) == (outcome == "repair") or row["file"] == "antimeridian.geojson"
    assert WORDS.get(row["file"], "") in text
    assert "root:" not in text  # no content of another file
    counted = receipt.rows_stored + receipt.rows_refused + receipt.rows_left_out + receipt.duplicates
    assert receipt.outcome == "refused" or receipt.rows_in == counted
    assert not list(tmp_path.parent.rglob("evil*"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the hostile files of ../shared/data")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("date_in_future.geojson", {"accept": frozenset({"future"})}),
        ("swapped_lat_lon.geojson", {"accept": frozenset({"swapped"})}),
        ("empty_collection.geojson", {"accept": frozenset({"empty"})}),
        ("whole_world.geojson", {"accept": frozenset({"large"})}),
        ("mercator_metres_without_crs.geojson", {"crs": "EPSG:3857"}),
        ("unknown_status.geojson", {"statuses": {"sort of held": "contested"}}),
        ("latin1.csv", {"encoding": "latin-1"}),
        ("decimal_commas.csv", {"delimiter": ";", "decimal": ","}),
    ],
)
def test_the_way_out_that_the_message_names_works(name: str, options: dict[str, object], tmp_path: Path) -> None:
    assert take_in(tmp_path, SHARED / name, **options).outcome == "stored"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the hostile files of ../shared/data")
def test_a_batch_goes_on_past_bad_files_and_the_archive_stays_whole(tmp_path: Path) -> None:
    files = sorted(p for p in SHARED.iterdir() if p.suffix in (".geojson", ".gpkg", ".kml", ".kmz"))
    receipts = import_files(tmp_path / "a.gpkg", "vector", files, date="2025-01-11")
    assert len(receipts) == len(files)
    stored = [r for r in receipts if r.outcome != "refused"]
    assert len(stored) >= 8
    table = open_archive(tmp_path / "a.gpkg").reader.snapshots()
    assert table["superseded_at"].isna().sum() == 1  # one source, one instant: the last file speaks
    frame = open_archive(tmp_path / "a.gpkg").control("2025-01-11")
    assert len(frame) == len(open_archive(tmp_path / "a.gpkg").store.members(frame["snapshot"][0]))
