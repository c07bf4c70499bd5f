"""`geo check` looks at stored ground again: by place, and from one map to the next."""

from __future__ import annotations

import json
from pathlib import Path

from geo.importing.importer import import_files
from geo.maintenance.check import check_archive


def square(west: float, south: float, size: float) -> dict[str, object]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "properties": {"controller": "RU", "status": "held"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_stored_ground_is_looked_at_again(tmp_path: Path) -> None:
    archive = tmp_path / "a.gpkg"
    days = {"2025-01-10": [square(37, 48, 0.3)], "2025-01-11": [square(37, 48, 0.3), square(37, 47.2, 0.9)]}
    for day, features in days.items():
        path = tmp_path / f"{day}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
        import_files(archive, "vector", path)
    report = check_archive(archive)
    assert report.is_whole
    assert [one.what for one in report.findings if "RU held moves by +" in one.what and "2025-01-11" in one.what]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [*features, square(64.4, 14.5, 0.3)]}))
    import_files(archive, "vector", path, accept=frozenset({"elsewhere"}))
    table = tmp_path / "i.csv"
    table.write_text("id,event_date,latitude,longitude,country\n1,2025-01-11,48.3,-37.2,Ukraine\n")
    import_files(archive, "incidents", table, accept=frozenset({"elsewhere"}))
    report = check_archive(archive)
    assert report.is_whole
    assert any("the open sea" in one.what and "cannot be there" in one.what for one in report.findings)
    assert any("lost its sign" in one.what for one in report.findings)
