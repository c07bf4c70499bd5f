"""A day that cannot be drawn is left out and named, and stops no other day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from shapely.geometry import box

import geo
from geo.archive import open_archive
from geo.cli import main
from geo.errors import GateError, MapError
from geo.importing.importer import import_files
from geo.measure import front_line
from geo.measure.ellipsoid import local_plane
from geo.output import map_content
from geo.schema import Options

NZZ = Path(__file__).parents[1] / ".." / "shared" / "data" / "nzz"
DAYS = ("2024-08-01", "2024-08-02", "2024-08-03")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.gpkg"
    for at, day in enumerate(DAYS):
        file = tmp_path / f"{day}.geojson"
        shape = shapely.to_geojson(box(35, 48, 36 + at / 10, 49))
        file.write_text(
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"controller":"RU","status":"held"},'
            f'"geometry":{shape}}}]}}'
        )
        import_files(path, "vector", [file], options=Options(date=day))
    return path


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be measured of the second day."""
    read = map_content._read

    def broken(archive: object, when: object, options: object) -> object:
        if str(when) == DAYS[1]:
            raise shapely.errors.GEOSException("TopologyException: found non-noded intersection")
        return read(archive, when, options)  # type: ignore[arg-type]

    monkeypatch.setattr(map_content, "_read", broken)


@pytest.mark.usefixtures("failing")
def test_maps_go_on_past_a_bad_day(archive: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["maps", str(archive), "-o", str(tmp_path / "maps"), "--workers", "1"])
    assert run.exit_code == 1
    assert "1 of 3 days could not be drawn, the others are:" in run.output
    assert f"{DAYS[1]}: TopologyException" in run.output
    assert sorted(p.stem for p in (tmp_path / "maps").glob("*.html")) == [DAYS[0], DAYS[2]]


@pytest.mark.usefixtures("failing")
def test_a_site_and_a_movie_go_on_past_a_bad_day(archive: Path, tmp_path: Path) -> None:
    for verb, target in (("site", tmp_path / "site"), ("movie", tmp_path / "m.gif")):
        run = CliRunner().invoke(main, [verb, str(archive), "-o", str(target)])
        assert (run.exit_code, target.exists()) == (1, True), run.output
        assert f"{DAYS[1]}: TopologyException" in run.output
    pages = sorted(p.stem for p in (tmp_path / "site" / "dates").glob("*.html"))
    assert pages == [DAYS[0], DAYS[2]]
    for page in (tmp_path / "site").rglob("*.html"):
        assert f"{DAYS[1]}.html" not in page.read_text()


def test_a_site_that_had_the_day_loses_it(archive: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    built = geo.build_site(open_archive(archive), tmp_path / "site")
    assert f"dates/{DAYS[1]}.html" in built.added
    request.getfixturevalue("failing")
    with pytest.raises(MapError, match="1 of 3 days"):
        geo.build_site(open_archive(archive), tmp_path / "site", title="Another title")
    assert not (tmp_path / "site" / "dates" / f"{DAYS[1]}.html").exists()


def test_where_no_day_can_be_drawn_that_is_said(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise GateError("nothing can be read")

    monkeypatch.setattr(map_content, "_read", broken)
    with pytest.raises(MapError, match="3 of 3 days could not be drawn, none is drawn"):
        list(geo.draw_maps(open_archive(archive), tmp_path / "maps"))
    with pytest.raises(MapError, match="3 of 3 days"):
        geo.build_site(open_archive(archive), tmp_path / "site")
    assert not (tmp_path / "site" / "index.html").exists()


def test_a_front_that_cannot_be_drawn_is_named_on_its_page(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise shapely.errors.GEOSException("TopologyException: side location conflict")

    monkeypatch.setattr(front_line, "_without_cracks", broken)
    content = geo.output.map_content.gather(open_archive(archive), DAYS[0])  # type: ignore[attr-defined]
    assert content.front is None
    assert any("the front line cannot be drawn and is left out" in note for note in content.notes)
    run = CliRunner().invoke(main, ["front", str(archive), "--date", DAYS[0]])
    assert run.exit_code == 1
    assert "the front line cannot be drawn" in run.output


def test_rings_that_touch_are_valid_in_the_plane() -> None:
    """A ring that comes within the last digit of itself crosses itself where degrees become km."""
    rng = np.random.default_rng(4)
    tried = 0
    for _ in range(2000):
        a, step = rng.uniform(30, 40, 2), rng.uniform(-0.3, 0.3, 2)
        corners = [
            a,
            a + step,
            a + step + np.array([0.5, 0]),
            a + step * rng.uniform(0.2, 0.8),
            a + np.array([0.5, -0.5]),
        ]
        ring = shapely.Polygon(corners)
        if ring.is_valid:
            plane = local_plane(ring.bounds)
            tried += not shapely.Polygon(np.column_stack(plane.there.transform(*np.array(corners).T))).is_valid
            assert shapely.is_valid(plane.laid(ring))
    assert tried


@pytest.mark.skipif(not (NZZ / "2024-08-16.json").exists(), reason="the real files are not here")
def test_the_real_day_has_its_front(tmp_path: Path) -> None:
    import_files(tmp_path / "a.gpkg", "nzz", [NZZ / "2024-08-16.json"])
    with open_archive(tmp_path / "a.gpkg") as found:
        for side, inset in ((None, 0.0), ("RU", 5.0), ("UA", 0.0)):
            assert found.front(controller=side, inset_km=inset).length_km > 100


@pytest.mark.long
@pytest.mark.parametrize(
    ("source", "folder", "names"),
    [
        ("nzz", "nzz", ["2022-04-05.json", "2024-03-14.json", "2024-08-16.json"]),
        ("deepstate", "deepstate-raw", ["1648989208.geojson", "1653*.geojson", "1672*.geojson"]),
        ("deepstate-mirror", "mirror-2026", ["*_20260101.geojson", "*_20260820.geojson"]),
    ],
)
def test_real_days_have_their_pages(source: str, folder: str, names: list[str], shared: Path, tmp_path: Path) -> None:
    files = [sorted((shared / folder).glob(name))[0] for name in names]
    import_files(tmp_path / "a.gpkg", source, files)
    run = CliRunner().invoke(main, ["maps", str(tmp_path / "a.gpkg"), "-o", str(tmp_path / "maps")])
    assert run.exit_code == 0, run.output
    assert len(list((tmp_path / "maps").glob("*.html"))) == len(files)
