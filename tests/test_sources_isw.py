"""ISW: classes, dates and areas; the oracle is another project's daily table and the files' own figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo.errors import GateError
from geo.formats.layers import read_layer
from geo.measure.ellipsoid import areas_km2
from geo.schema import Options, Snapshot
from geo.sources.isw import PARTS, READER, read

# file -> (part, controller, status, day)
REAL = {
    "isw-shapefile/ukraine_control_map.zip": ("control", "RU", "held", "2026-04-27"),
    "isw-shapefile/russian_advances.zip": ("advance", "RU", "advance", "2026-04-27"),
    "isw-shapefile/claimed_russian_territory.zip": ("claimed", "RU", "claimed", "2026-04-27"),
    "isw-shapefile/ukrainian_counteroffensives.zip": ("counteroffensive", "UA", "claimed", "2026-04-27"),
    "isw-shapefile/russian_infiltration.zip": ("infiltration", None, "contested", "2026-04-27"),
    "isw-geojson/20220415_RussianAssessedCoTinUkraine.geojson": ("control", "RU", "held", "2022-04-15"),
    "isw-geojson/20220415_UkrainianClaimedCounterOffensives.geojson": (
        "counteroffensive", "UA", "claimed", "2022-04-15",
    ),
    "isw-geojson/sdspieg_kursk_russian_advances_2025-01-10.geojson": (
        "kursk-russian-advance", "RU", "advance", "2025-01-10",
    ),
    "isw-topojson/2024-08-11/kursk_ukrainian_advance.topojson": ("kursk-advance", "UA", "claimed", "2024-08-11"),
    "isw-topojson/2025-01-12/kursk_ukrainian_advance.topojson": ("kursk-advance", "UA", "claimed", "2025-01-12"),
    "isw-topojson/2025-04-20/kursk_ukrainian_advance.topojson": ("kursk-advance", "UA", "claimed", "2025-04-20"),
    "isw-topojson/2025-04-20/control_map.topojson": ("control", "RU", "held", "2025-04-20"),
    "isw-topojson/2025-04-20/russian_advances.topojson": ("advance", "RU", "advance", "2025-04-20"),
}  # fmt: skip


def one(path: Path, **options: Any) -> Snapshot:
    (snapshot,) = read(path, Options(**options))
    counted = len(snapshot.frame) + len(snapshot.refusals) + sum(snapshot.left_out.values())
    assert counted == snapshot.rows_in
    return snapshot


def km2(snapshot: Snapshot) -> float:
    return float(areas_km2(np.asarray(snapshot.frame.geometry.array)).sum())


@pytest.mark.parametrize("name", REAL)
def test_class_and_day_of_the_real_files(shared: Path, name: str) -> None:
    part, controller, status, day = REAL[name]
    snapshot = one(shared / name)
    assert (snapshot.part, str(snapshot.depicts.date())) == (part, day)
    assert set(snapshot.frame["controller"]) == {controller}
    assert set(snapshot.frame["status"]) == {status}
    (native,) = set(snapshot.frame["native"])
    assert not any(sign.isdigit() for sign in native)
    assert set(snapshot.frame.columns) == {"row", "controller", "status", "native", "geometry"}
    assert snapshot.frame.crs == "EPSG:4326"


@pytest.mark.parametrize("day", ["2024-08-11", "2025-01-05", "2025-01-12", "2025-04-20"])
def test_areas_agree_with_another_project(shared: Path, day: str) -> None:
    """The files are quantised to about 30 m and lack the smallest polygons: 0.1 % of the whole, 3 % of the advances."""
    listed = json.loads((shared / "reference" / "isw_daily_areas_sdspieg.json").read_text())
    table = {(row["date"], row["layerType"]): row["areaKm2"] for row in listed}
    folder = shared / "isw-topojson" / day
    control = km2(one(folder / "control_map.topojson"))
    assert control == pytest.approx(table[day, "ukraine_control_map"], rel=1e-3)
    advances = km2(one(folder / "russian_advances.topojson"))
    assert advances == pytest.approx(table[day, "russian_advances"], rel=0.03)


def test_areas_agree_with_the_files_own(shared: Path) -> None:
    """`Area_KM` is ISW's figure on the ellipsoid (a few are older than the polygon), `Shape__Are` the one in metres."""
    for name, fitting in (("ukraine_control_map", 1.0), ("russian_advances", 0.95)):
        path = shared / "isw-shapefile" / f"{name}.zip"
        own = read_layer(path).table["Area_KM"].astype(float).to_numpy()
        ours = areas_km2(np.asarray(one(path).frame.geometry.array))
        assert (np.abs(ours / own - 1) < 1e-3).mean() >= fitting
    path = shared / "isw-shapefile" / "claimed_russian_territory.zip"
    mercator = one(path).frame.geometry.to_crs("EPSG:3857").area.to_numpy()
    assert mercator == pytest.approx(read_layer(path).table["Shape__Are"].astype(float).to_numpy(), rel=1e-3)
    assert km2(one(shared / "isw-shapefile" / "ukraine_control_map.zip")) == pytest.approx(112_999, abs=1)


def write(path: Path, properties: dict[str, Any] | None = None, geometry: Any = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ring = [[[35, 51], [36, 51], [36, 52], [35, 51]]]
    shape = geometry or {"type": "Polygon", "coordinates": ring}
    feature = {"type": "Feature", "properties": properties or {}, "geometry": shape}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_the_date_comes_from_the_most_deliberate_place(tmp_path: Path) -> None:
    millis = {"datetime": 1649980800000}
    assert str(one(write(tmp_path / "control_map.geojson", millis)).depicts.date()) == "2022-04-15"
    in_folder = write(tmp_path / "2025-01-12" / "control_map.geojson", millis)
    assert str(one(in_folder).depicts.date()) == "2025-01-12"
    in_name = write(tmp_path / "2025-01-12" / "control_map_11JAN2025.geojson", millis)
    snapshot = one(in_name)
    assert str(snapshot.depicts.date()) == "2025-01-11"
    assert any("2025-01-12" in note for note in snapshot.notes)
    assert str(one(in_name, date="2025-01-10").depicts.date()) == "2025-01-10"
    with pytest.raises(GateError, match="--date"):
        one(write(tmp_path / "map" / "control_map.geojson"))


def test_an_unknown_class_lists_the_known_and_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "partisan_warfare_2025-01-12.geojson")
    with pytest.raises(GateError, match="--part") as caught:
        one(path)
    assert all(part in str(caught.value) for part in PARTS)
    assert one(path, part="infiltration").part == "infiltration"
    with pytest.raises(GateError, match="no class 'x'"):
        one(path, part="x")


def test_editors_are_not_carried_into_refusals(tmp_path: Path) -> None:
    bad = {"type": "Polygon", "coordinates": [[["35", "51"]]]}
    path = write(tmp_path / "control_map_2025-01-12.geojson", {"Editor": "somebody", "CREATOR": "x", "area": 5}, bad)
    (refusal,) = one(path).refusals
    assert dict(refusal.properties) == {"area": "5"}
    assert "written consent" in READER.source.licence
