"""Ground that a source leaves out of its maps: no one's in figures, no edge of it is a front, and maps show it."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.geometry import box

from geo.archive import open_archive
from geo.importing.importer import import_files
from geo.measure.coverage import NOT_COVERED, Coverage, coverage_of, uncovered_ground
from geo.measure.ellipsoid import areas_km2
from geo.output.map_content import gather

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
UNITS = gpd.GeoDataFrame(
    {"unit": ["AA", "AA-1", "AA-2"], "level": [0, 1, 1], "parent": [None, "AA", "AA"]},
    geometry=[box(30, 47, 36, 51), box(30, 47, 34, 51), box(34, 47, 36, 51)], crs="EPSG:4326",
)  # fmt: skip
EAST = Coverage("the east is not drawn", ["AA-2"], 1000)


def km2(shape: shapely.Geometry) -> float:
    return float(areas_km2(np.array([shape], dtype=object))[0])


def test_undrawn_ground_that_is_cut_off_in_the_units_listed_is_not_covered() -> None:
    drawn = np.array([box(34, 47, 34.5, 51)], dtype=object)
    found = uncovered_ground(drawn, UNITS, EAST)
    assert km2(found) == pytest.approx(km2(box(34.5, 47, 36, 51)), rel=0.01)
    assert km2(shapely.intersection(found, drawn[0])) < 0.01
    # where it hangs together with the rest, where it is small, and where other units are listed, all is covered
    for shapes, coverage in (
        ([box(34, 47, 34.5, 50)], EAST),
        ([box(34, 47, 36, 50.9)], EAST),
        ([box(34, 47, 34.5, 51)], Coverage("", ["AA-1"], 1000)),
        ([], EAST),
    ):
        assert uncovered_ground(np.array(shapes, dtype=object), UNITS, coverage).is_empty


def test_a_source_without_a_record_of_what_it_leaves_out_covers_all() -> None:
    assert coverage_of("vector") is None
    assert coverage_of("nzz") is not None


def test_on_real_files_what_is_left_out_is_no_front_and_in_no_dispute(tmp_path: Path) -> None:
    raw = sorted((SHARED / "deepstate-raw").glob("17234*.geojson"))[:1]
    files = [SHARED / "nzz" / "2024-08-16.json", *raw]
    if len(files) < 2 or not files[0].exists():
        pytest.skip("the real files are not here")
    path = tmp_path / "a.gpkg"
    import_files(path, "nzz", files[:1])
    import_files(path, "deepstate", files[1:])
    with open_archive(path) as archive:
        fronts = [archive.front(source=s, inset_km=5).length_km for s in ("nzz", "deepstate")]
        assert fronts[0] == pytest.approx(fronts[1], rel=0.1)  # 1,824 and 1,137 km before
        found = archive.compare("2024-08-16", sources=["nzz", "deepstate"], controller="RU")
        disputed = found.table.loc[found.table["kind"] == "disputed", "area_km2"].iloc[0]
        assert disputed < 4_000  # 47,838 km² before
        assert any("NZZ does not draw Crimea" in note for note in found.notes)
        content = gather(archive, "2024-08-16", source="nzz")
        assert [entry.label for entry in content.legend].count(NOT_COVERED) == 1
        assert NOT_COVERED not in [entry.label for entry in gather(archive, "2024-08-16", source="deepstate").legend]
