"""Ground of a map that was refused goes with every figure that rests on it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping

import geo
from geo.archive import Archive
from geo.cli import main
from geo.importing.importer import import_files
from geo.measure.ellipsoid import km2_of

WEST, EAST, BEYOND = box(37, 48, 38, 49), box(38, 48, 39, 49), box(60, 10, 61, 11)
HALF = "1 of 2 polygons of 1740787200.geojson"
REFUSED_KM2 = f"{km2_of(EAST):,.0f} km²"
FEBRUARY, MARCH, APRIL = 1738368000, 1740787200, 1743465600  # the first of each, 2025
OCCUPIED, UNKNOWN = "#a52714", "#123456"


def snapshot(folder: Path, second: int, *rows: tuple[Any, str]) -> Path:
    """A file of DeepState: outlines with their fill."""
    listed = [
        {"type": "Feature", "properties": {"name": "", "fill": fill}, "geometry": mapping(shape)}
        for shape, fill in rows
    ]
    path = folder / f"{second}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path


def run(*words: Any) -> Any:
    return CliRunner().invoke(main, [str(w) for w in words])


@pytest.fixture
def holed(tmp_path: Path) -> Archive:
    """February is whole; of March one of two polygons was refused."""
    files = [
        snapshot(tmp_path, FEBRUARY, (WEST, OCCUPIED), (EAST, OCCUPIED)),
        snapshot(tmp_path, MARCH, (WEST, OCCUPIED), (EAST, UNKNOWN)),
    ]
    import_files(tmp_path / "a.gpkg", "deepstate", files)
    return geo.open_archive(tmp_path / "a.gpkg")


def test_an_import_with_a_refused_polygon_ends_with_1(tmp_path: Path) -> None:
    whole = snapshot(tmp_path, FEBRUARY, (WEST, OCCUPIED))
    assert run("import", tmp_path / "a.gpkg", "deepstate", whole).exit_code == 0
    holed = snapshot(tmp_path, MARCH, (WEST, OCCUPIED), (EAST, UNKNOWN))
    done = run("import", tmp_path / "a.gpkg", "deepstate", holed)
    assert done.exit_code == 1
    assert "1 stored + 1 refused" in done.output


def test_figures_say_what_was_refused(holed: Archive) -> None:
    for table in (holed.area("2025-03-01"), holed.change("2025-02-01", "2025-03-01"), holed.series()):
        assert any(HALF in note and REFUSED_KM2 in note and UNKNOWN in note for note in table.attrs["notes"])
    assert not any("refused" in note for note in holed.area("2025-02-01").attrs["notes"])
    assert any(HALF in note for note in holed.who(48.5, 38.5).attrs["notes"])
    assert any(HALF in note for note in holed.explain("2025-03-01").facts["notes"])


def test_a_change_on_one_side_of_which_ground_was_refused_is_not_comparable(holed: Archive) -> None:
    for table in (holed.change("2025-02-01", "2025-03-01"), holed.series()):
        assert any(note.startswith("not comparable") for note in table.attrs["notes"])
    alike = snapshot(holed.path.parent, APRIL, (WEST, OCCUPIED), (EAST, UNKNOWN))
    import_files(holed, "deepstate", alike)
    notes = holed.change("2025-03-01", "2025-04-01").attrs["notes"]
    assert not any(note.startswith("not comparable") for note in notes)
    assert sum("was refused" in note for note in notes) == 2


def test_ground_that_cannot_be_measured_is_counted_in_polygons(tmp_path: Path) -> None:
    file = snapshot(tmp_path, MARCH, (WEST, OCCUPIED))
    document = json.loads(file.read_text())
    ring = [[200, 95], [201, 95], [201, 96], [200, 95]]
    document["features"] += [
        {"type": "Feature", "properties": {"name": "", "fill": OCCUPIED}, "geometry": geometry}
        for geometry in ({"type": "Polygon", "coordinates": [ring]}, {"type": "Point", "coordinates": [37, 48]})
    ]
    file.write_text(json.dumps(document))
    import_files(tmp_path / "a.gpkg", "deepstate", file)
    (note,) = (n for n in geo.open_archive(tmp_path / "a.gpkg").area().attrs["notes"] if "refused" in n)
    assert "1 of 2 polygons" in note
    assert "area not known" in note


def test_refused_ground_in_another_part_of_the_world_leaves_a_change_comparable(tmp_path: Path) -> None:
    files = [
        snapshot(tmp_path, FEBRUARY, (WEST, OCCUPIED), (EAST, OCCUPIED)),
        snapshot(tmp_path, MARCH, (WEST, OCCUPIED), (EAST, OCCUPIED), (box(60, 10, 61, 11), OCCUPIED)),
    ]
    receipts = import_files(tmp_path / "a.gpkg", "deepstate", files)
    assert receipts[1].rows_refused == 1
    notes = geo.open_archive(tmp_path / "a.gpkg").change("2025-02-01", "2025-03-01").attrs["notes"]
    assert any("1 of 3 polygons" in note for note in notes)
    assert not any("not comparable" in note for note in notes)


def test_outputs_say_what_was_refused(holed: Archive, tmp_path: Path) -> None:
    path = holed.path
    says = {
        "map": ("--date", "2025-03-01", "--since", "2025-02-01", "-o", tmp_path / "map.html"),
        "compare-dates": ("--from", "2025-02-01", "--to", "2025-03-01", "-o", tmp_path / "dates.html"),
        "timeline": ("-o", tmp_path / "timeline.html"),
        "brief": ("--date", "2025-03-01", "-o", tmp_path / "brief.md"),
        "picture": ("--date", "2025-03-01", "--since", "2025-02-01", "-o", tmp_path / "map.svg"),
        "chart": ("-o", tmp_path / "chart.svg"),
    }
    for verb, options in says.items():
        done = run(verb, path, *options)
        assert done.exit_code == 0, (verb, done.output)
        text = Path(options[-1]).read_text()
        plain = " ".join(text.split())
        assert "1 of 2 polygons" in plain, verb
        assert "ot comparable" in plain, verb
    brief = (tmp_path / "brief.md").read_text()
    assert "net since 1 February 2025 (not comparable)" in brief


def test_a_map_with_refused_ground_contradicts_no_claim(holed: Archive) -> None:
    for text in ("Russia held 16,400 km² on 1 March 2025", "Russia lost 500 km² in February 2025"):
        (finding,) = geo.check_claims(holed, geo.find_claims(text)) if hasattr(geo, "check_claims") else (
            geo.check_claim(holed, geo.find_claims(text)[0]),
        )  # fmt: skip
        (verdict,) = finding.verdicts
        assert verdict.verdict != "contradicts"
        assert HALF in verdict.workings["text"]


def test_what_is_not_comparable_has_no_figures_of_change(holed: Archive) -> None:
    moved = holed.change("2025-02-01", "2025-03-01")
    assert moved[["gained_km2", "lost_km2", "net_km2", "net_percent"]].isna().all(axis=None)
    assert moved["base_km2"].round().tolist() == [round(km2_of(WEST.union(EAST)) or 0)]
    assert holed.changed("2025-02-01", "2025-03-01").empty
    assert holed.series()["lost_km2"].isna().tolist() == [True, True]
    assert holed.front_movement("2025-02-01", "2025-03-01")["lost_km2"].isna().all()
    assert "not comparable" in str(holed.explain_change("2025-02-01", "2025-03-01"))
    import_files(holed, "deepstate", snapshot(holed.path.parent, APRIL, (WEST, OCCUPIED), (EAST, UNKNOWN)))
    assert holed.change("2025-03-01", "2025-04-01")["net_km2"].tolist() == [0.0]
    assert holed.series()["lost_km2"].isna().tolist() == [True, True, False]


def test_no_place_changed_hands_between_maps_that_are_not_comparable(holed: Archive, tmp_path: Path) -> None:
    (tmp_path / "towns.csv").write_text("name,lat,lon\nEastern,48.5,38.5\n")
    found = holed.changed_hands(geo.measure.settlements.read_places(tmp_path / "towns.csv"), "2025-02-01", "2025-03-01")
    assert found.empty
    assert found.attrs["notes"][0].startswith("not comparable")
    asked = (
        "--from",
        "2025-02-01",
        "--to",
        "2025-03-01",
        "--places",
        tmp_path / "towns.csv",
        "-o",
        tmp_path / "d.html",
    )
    assert run("compare-dates", holed.path, *asked).exit_code == 0
    assert "None of the places" not in (tmp_path / "d.html").read_text()


def test_swapped_coordinates_are_ground_that_the_map_lacks(tmp_path: Path) -> None:
    swapped = box(48, 38, 49, 39)
    files = [
        snapshot(tmp_path, FEBRUARY, (WEST, OCCUPIED), (EAST, OCCUPIED)),
        snapshot(tmp_path, MARCH, (WEST, OCCUPIED), (swapped, OCCUPIED)),
    ]
    assert import_files(tmp_path / "a.gpkg", "deepstate", files)[1].rows_refused == 1
    moved = geo.open_archive(tmp_path / "a.gpkg").change("2025-02-01", "2025-03-01")
    assert moved["net_km2"].isna().all()


def test_a_site_says_what_was_refused_on_its_pages_and_in_its_files(holed: Archive, tmp_path: Path) -> None:
    done = run("site", holed.path, "-o", tmp_path / "site")
    assert done.exit_code == 0, done.output
    files = ["index.html", "feed.xml", "dates/2025-03-01.html", *(f"units/{u}.html" for u in ("ua-14", "ua-09"))]
    with zipfile.ZipFile(tmp_path / "site" / "data" / "control.geojson.zip") as packed:
        files.append(packed.extract("control.geojson", tmp_path / "site"))
    files.append("data/2025-03-01/2025-03-01-figures.csv")
    for name in files:
        assert HALF in " ".join((tmp_path / "site" / name).read_text(encoding="utf-8").split()), name
