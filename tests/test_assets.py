"""The shipped geodata: valid, without overlap, by the worldview that it names, and where places lie."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.archive import open_archive
from geo.cli.demo import seeds
from geo.importing.importer import import_claims, import_files
from geo.measure.ellipsoid import areas_km2
from geo.presentation import basemap, map_names
from geo.sources import shipped_units

ASSETS = Path(basemap.__file__).parent / "assets"


@pytest.fixture(scope="module")
def units() -> dict[str, gpd.GeoDataFrame]:
    return {path.stem: gpd.read_file(path) for path in shipped_units()}


def test_units_are_valid_named_and_coded(units: dict[str, gpd.GeoDataFrame]) -> None:
    for frame in units.values():
        assert frame.is_valid.all()
        assert frame["unit"].is_unique
        assert frame["name"].notna().all()
        assert frame["boundary"].str.contains("worldview").all()
    codes = units["admin1_ua_ru"]["unit"]
    assert codes.str.fullmatch(r"(UA|RU)-[A-Z0-9]{2,3}").mean() > 0.97
    assert {"RU-KRS", "RU-TAM", "UA-23", "UA-43", "UA-40", "UA-30"} <= set(codes)


def test_ukraine_is_its_units_and_overlaps_nobody(units: dict[str, gpd.GeoDataFrame]) -> None:
    countries, fine = units["countries"].set_index("unit"), units["admin1_ua_ru"]
    ukraine = countries.loc["UA"].geometry
    parts = shapely.union_all(np.asarray(fine[fine["parent"] == "UA"].geometry.array))
    assert areas_km2(np.array([shapely.symmetric_difference(ukraine, parts)]))[0] < 1e-6
    assert areas_km2(np.array([shapely.intersection(ukraine, countries.loc["RU"].geometry)]))[0] < 1e-6
    # the state statistics service's figure of the country's area: 603,628 km²
    assert areas_km2(np.array([ukraine]))[0] == pytest.approx(603_628, rel=0.01)
    crimea = fine.set_index("unit").loc["UA-43"]
    assert crimea["parent"] == "UA"
    kursk = fine.set_index("unit").loc["RU-KRS"].geometry
    assert areas_km2(np.array([kursk]))[0] == pytest.approx(29_997, rel=0.01)  # Rosstat


def test_basemap_has_land_borders_and_places_where_they_are() -> None:
    base = basemap.cut((34.0, 50.5, 36.5, 52.0))
    assert base["land"]
    assert base["borders"]
    names = {p[2]: p for p in map_names.places((30.0, 46.0, 40.0, 52.5), "en")}
    assert names["Kyiv"][4] == 1
    assert abs(names["Kursk"][0] - 51.73) < 0.05
    assert {"Mariupol", "Sudzha", "Odesa", "Kharkiv"} <= set(names) | {
        p[2] for p in map_names.places((25, 44, 41, 53), "en", least=5_000)
    }
    assert not {"Kiev", "Odessa", "Lvov", "Pravyi Bereh"} & set(names)
    assert "Київ" in {p[2] for p in map_names.places((30.0, 50.0, 31.0, 51.0), "uk")}


def test_no_solid_border_crosses_to_crimea() -> None:
    base = basemap.cut((32.5, 45.0, 36.7, 46.6))
    lines = [np.cumsum(np.array(line).reshape(-1, 2), axis=0) / base["scale"] for line in base["borders"]]
    isthmus = shapely.box(33.3, 45.9, 34.6, 46.4)
    assert not any(shapely.LineString(line).intersects(isthmus) for line in lines)


def test_another_part_of_the_world_has_a_basemap_too() -> None:
    base = basemap.cut((30.0, 12.0, 35.0, 18.0))  # Khartoum
    assert base["land"]
    assert "Khartoum" in {p[2] for p in map_names.places((30.0, 12.0, 35.0, 18.0), "en")}


def test_the_seeds_lie_where_they_lie(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.gpkg")
    receipt = import_files(archive, "incidents", seeds() / "incidents.csv")[0]
    assert (receipt.outcome, receipt.rows_refused) == ("stored", 0)
    fine = archive.units(1).set_index("unit")
    spots = archive.incidents("2025-01-11", "2025-01-11").set_index("where_coordinates")
    for place, unit in (("Kotovsk", "RU-TAM"), ("Prymorske", "UA-23"), ("Kyiv", "UA-30"), ("Kursk region", "RU-KRS")):
        assert fine.loc[unit].geometry.contains(spots.loc[place].geometry), place
    assert (spots.loc["Kotovsk"].geometry.y, spots.loc["Kotovsk"].geometry.x) == pytest.approx((52.59, 41.51), abs=0.02)
    struck = spots.loc["Prymorske"]
    assert (struck["best"], struck["injured_best"], struck["verification"]) == (1, 4, "unverified")
    assert np.isnan(spots.loc["Kotovsk"]["injured_best"])  # "several" is no number
    assert spots.loc["Kursk region"]["where_prec"] == 4
    assert import_claims(archive, seeds() / "claims.csv") >= 3


OUTLINES = sorted((seeds() / "control").glob("*.geojson"))


def test_there_are_outlines_of_eight_dates() -> None:
    assert len(OUTLINES) >= 8
    assert (OUTLINES[0].stem, OUTLINES[-1].stem) == ("2024-08-08", "2025-01-11")


@pytest.mark.parametrize("path", OUTLINES, ids=lambda p: p.stem)
def test_outlines_name_their_figure_and_come_near_it(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert "llustrative" in document["statement"]
    frame = gpd.read_file(path)
    assert frame.is_valid.all()
    for row in frame.itertuples():
        assert row.drawn_to_source
        assert row.accuracy_km > 0
        km2 = areas_km2(np.array([row.geometry], dtype=object))[0]
        assert km2 == pytest.approx(row.drawn_to_figure_km2, rel=0.1)
    held = frame[frame["status"] == "held"].geometry.iloc[0]
    assert held.contains(shapely.Point(35.272, 51.197))  # Sudzha


@pytest.mark.parametrize("path", OUTLINES, ids=lambda p: p.stem)
def test_outlines_overlap_the_source_that_they_were_drawn_to(path: Path, shared: Path) -> None:
    seconds = {int(p.stem): p for p in (shared / "deepstate-raw").glob("*.geojson")}
    end = int(np.datetime64(path.stem).astype("datetime64[s]").astype(int)) + 86_400
    document = json.loads(seconds[max(s for s in seconds if s < end)].read_text(encoding="utf-8"))
    theirs = shapely.union_all(
        [
            shapely.force_2d(shapely.from_geojson(json.dumps(f["geometry"])))
            for f in document["features"]
            if f["properties"].get("fill") == "#01579b"
        ]
    )
    frame = gpd.read_file(path)
    ours = frame[frame["status"] == "held"].geometry.iloc[0]
    shared_km2, both_km2 = areas_km2(np.array([ours.intersection(theirs), ours.union(theirs)], dtype=object))
    assert shared_km2 / both_km2 >= 0.6
