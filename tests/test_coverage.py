"""Ground that a source leaves out of its maps: no one's in figures, no edge of it is a front, and maps show it."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from shapely.geometry import box

import geo
from geo.archive import open_archive
from geo.cli import main
from geo.importing.importer import import_files
from geo.measure.coverage import NOT_COVERED, Coverage, coverage_of, uncovered_ground
from geo.measure.ellipsoid import areas_km2
from geo.output.html.compare_page import draw_comparison
from geo.output.map_content import gather
from geo.schema import Options, Source

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


@pytest.mark.long
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


def desk(folder: Path, *, covers: tuple[str, ...] = ()) -> Path:
    """Two sources of one day: `east` draws the Donetsk region alone, `whole` draws Kherson's too."""
    path = folder / "desk.gpkg"
    donetsk, kherson = box(37.4, 47.9, 38.2, 48.4), box(33.0, 46.4, 33.8, 46.8)
    for name, shapes in (("east", [donetsk]), ("whole", [donetsk, kherson])):
        for day in ("2025-01-01", "2025-01-05"):
            file = folder / f"{name}-{day}.geojson"
            frame = gpd.GeoDataFrame({"side": ["RU"] * len(shapes), "status": ["held"] * len(shapes)}, geometry=shapes)
            frame.set_crs(4326).to_file(file)
            credit = Source(name, name, covers=covers if name == "east" else ())
            options = Options(date=day, columns={"controller": "side", "status": "status"})
            import_files(path, "vector", [file], options=options, credit=credit)
    return path


def test_a_desk_states_what_a_source_covers_and_the_rest_is_no_ones(tmp_path: Path) -> None:
    archive = open_archive(desk(tmp_path))
    places = gpd.GeoDataFrame({"name": ["Kherson side"]}, geometry=[shapely.Point(33.4, 46.6)], crs=4326)
    said = archive.compare("2025-01-05", sources=["east", "whole"], places=places)
    assert said.table.set_index("kind").loc["disputed", "area_km2"].max() > 2_000
    assert len(said.places) == 1
    done = CliRunner().invoke(main, ["sources", str(archive.path), "--source", "east", "--covers", "Donetsk"])
    assert done.exit_code == 0, done.output
    said = archive.compare("2025-01-05", sources=["east", "whole"], places=places)
    assert said.table.set_index("kind").loc["disputed", "area_km2"].max() < 0.01
    assert said.places is not None
    assert said.places.empty
    page = draw_comparison(archive, "2025-01-05", sources=["east", "whole"], draw_basemap=False)
    (out,) = (item for item in page.content.classes if item.label == f"{NOT_COVERED}: east")
    assert shapely.union_all(out.shapes).contains(places.geometry.iloc[0])
    span, _ = archive.compare_span("2025-01-01", "2025-01-05", sources=["east", "whole"], lag_days=0)
    assert span.loc[span["kind"] == "disputed", "area_km2"].max() < 0.01
    words = "east covers Donetsk"
    for notes in (
        said.notes,
        span.attrs["notes"],
        archive.area(source="east").attrs["notes"],
        archive.change("2025-01-01", "2025-01-05", source="east").attrs["notes"],
        archive.series(source="east").attrs["notes"],
        archive.who(46.6, 33.4, source="east").attrs["notes"],
        gather(archive, "2025-01-05", source="east").notes,
    ):
        assert any(note.startswith(words) for note in notes), notes
    assert not any(words in note for note in archive.who(48.0, 37.9, source="east").attrs["notes"])
    assert NOT_COVERED in [entry.label for entry in gather(archive, "2025-01-05", source="east").legend]
    both = geo.draw_dates(archive, "2025-01-01", "2025-01-05", source="east", draw_basemap=False)
    assert NOT_COVERED in both.page.render()
    for claim in ("Russia held 2,100 km² of Kherson on 5 January 2025", "Russia held 9,000 km² on 5 January 2025"):
        (found,) = geo.find_claims(claim)
        verdicts = {v.source: v.verdict for v in geo.check_claim(archive, found).verdicts}
        assert verdicts["east"] == "no_data"
    assert archive.front(source="east", inset_km=0).length_km > 50
    done = CliRunner().invoke(main, ["sources", str(archive.path), "--source", "east", "--covers-all"])
    assert done.exit_code == 0
    assert archive.reader.coverage("east") is None


def test_coverage_is_stated_with_the_files_too(tmp_path: Path) -> None:
    archive = open_archive(desk(tmp_path, covers=("UA-14",)))
    assert "Donetsk" in archive.reader.coverage("east").says
    file = tmp_path / "east-2025-01-05.geojson"
    settings = tmp_path / "desk.toml"
    settings.write_text(
        '[source]\nname = "toml"\ncovers = ["Donetsk", "Luhansk"]\n[columns]\ncontroller = "side"\n', encoding="utf-8"
    )
    asked = ["import", str(archive.path), "vector", str(file), "--date", "2025-01-05"]
    runs = {"toml": ["--config", str(settings)], "option": ["--name", "option", "--column", "controller=side",
            "--covers", "UA-14", "--covers", "UA-09"]}  # fmt: skip
    for name, more in runs.items():
        done = CliRunner().invoke(main, [*asked, *more])
        assert done.exit_code == 0, done.output
        assert archive.reader.coverage(name).units == ["UA-14", "UA-09"]
    for wrong in ("Nowhere", "UA-99"):
        done = CliRunner().invoke(main, [*asked, "--name", "bad", "--covers", wrong])
        assert done.exit_code != 0
        assert wrong in done.output
        assert "bad" not in set(archive.sources()["name"])


def test_ground_that_comes_to_be_uncovered_did_not_change_hands(tmp_path: Path) -> None:
    files = [SHARED / "nzz" / f"{day}.json" for day in ("2024-03-13", "2024-03-14")]
    if not all(file.exists() for file in files):
        pytest.skip("the real files are not here")
    path = tmp_path / "n.gpkg"
    import_files(path, "nzz", files)
    with open_archive(path) as archive:
        days = archive.reader.snapshots("nzz")["depicts"].str[:10].tolist()
        donetsk = archive.who(48.0, 37.8)
        assert any("not covered by nzz@" in note for note in donetsk.attrs["notes"])
        moved = archive.changed_hands(None, days[0], days[-1])
        assert "Donetsk" not in moved["name"].tolist()
