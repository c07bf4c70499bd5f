"""An archive that has incidents and no map of control has maps, pictures, timeline, briefing and site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from shapely.geometry import box
from test_archive import put, state
from test_maps import DAY

import geo
from geo.archive import open_archive
from geo.cli import main
from geo.errors import MapError, SourceError, UsageError
from geo.output.map_content import gather

TOWNS = {"El Fasher": (13.628, 25.349), "Zamzam": (13.49, 25.30), "Mellit": (14.13, 25.55), "Tawila": (13.50, 24.89)}
TYPES = ("Battles", "Explosions/Remote violence", "Violence against civilians")
HEAD = "event_id,date_start,where_coordinates,latitude,longitude,event_type,verification,country,source"


def written(folder: Path, count: int) -> Path:
    """Made-up incidents around El Fasher: one on every second day from 1 April 2025 on."""
    rows = []
    for i in range(count):
        name = list(TOWNS)[i % 4]
        lat, lon = TOWNS[name]
        day = f"2025-{4 + (i // 15) % 6:02d}-{1 + 2 * (i % 15):02d}"
        doubt = "verified" if i % 2 else ""
        rows.append(f"S{i},{day},{name},{lat + i % 7 / 500},{lon + i % 11 / 500},{TYPES[i % 3]},{doubt},Sudan,made up")
    table = folder / "incidents.csv"
    table.write_text("\n".join([HEAD, *rows]) + "\n")
    return table


@pytest.fixture(scope="module")
def sudan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sudan")
    path = folder / "sudan.gpkg"
    geo.import_files(path, "incidents", written(folder, 60))
    return path


def ran(*given: object) -> str:
    result = CliRunner().invoke(main, [str(one) for one in given])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_map_shows_the_last_thirty_days_and_counts_them_by_type(sudan: Path) -> None:
    archive = geo.open_archive(sudan)
    content = gather(archive)
    rows = archive.incidents("2025-07-01", "2025-07-29").to_dict("records")
    assert {row["event_id"] for row in content.incidents} >= {row["event_id"] for row in rows}
    assert content.date == "2025-07-29"
    assert sum(int(count) for _, count in content.told.rows) == len(content.incidents) == len(content.markers)
    assert content.title == f"{len(content.markers)} incidents, 30 June 2025 – 29 July 2025"
    west, south, east, north = content.bounds
    assert all(west < m.lon < east and south < m.lat < north for m in content.markers)


def test_a_map_takes_what_geo_incidents_takes(sudan: Path, tmp_path: Path) -> None:
    listed = ran("incidents", sudan, "--from", "2025-06-01", "--to", "2025-06-30", "--type", "Battles", "--verification",
                 "verified", "--format", "json")  # fmt: skip
    wanted = {row["event_id"] for row in json.loads(listed)["rows"]}
    archive = geo.open_archive(sudan)
    narrowed = {"event_type": ["Battles"], "verification": "verified", "incident_days": 30}
    content = gather(archive, "2025-06-30", **narrowed)  # type: ignore[arg-type]
    assert {row["event_id"] for row in content.incidents} == wanted != set()
    page = tmp_path / "map.html"
    ran("map", sudan, "--date", "2025-06-30", "--type", "Battles", "--verification", "verified", "-o", page)
    assert f"{len(wanted)} incidents" in page.read_text()
    with pytest.raises(MapError, match="no incident from"):
        gather(archive, "2020-01-01")
    with pytest.raises(SourceError):
        gather(archive, source="deepstate")


@pytest.mark.parametrize("verb", ["picture", "brief", "timeline", "site", "maps"])
def test_every_output_is_made(sudan: Path, tmp_path: Path, verb: str) -> None:
    names = {"picture": "a.svg", "brief": "a.md", "timeline": "a.html", "site": "site", "maps": "maps"}
    target = tmp_path / names[verb]
    if verb in ("site", "maps"):
        ran(verb, sudan, "-o", target, "--from", "2025-07-20")
        index = target / "index.html" if verb == "site" else target / "2025-07-29.html"
        assert "incident" in index.read_text()
        pages = {path.stem for path in target.rglob("2025-*.html")}
        assert pages == {"2025-07-21", "2025-07-23", "2025-07-25", "2025-07-27", "2025-07-29"}
        return
    ran(verb, sudan, "-o", target)
    text = target.read_text()
    assert "El Fasher" in text
    assert "km² on" not in text  # no figure of ground where there is no ground


def test_the_bars_of_a_timeline_are_all_incidents(sudan: Path, tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    ran("timeline", sudan, "-o", page)
    text = page.read_text()
    counts = [int(part.split('"')[0]) for part in text.split('data-count="')[1:]]
    assert sum(counts) == 60
    assert len(counts) == 18  # weeks from 31 March to 3 August 2025


def test_the_downloads_of_a_site_are_incidents_alone(sudan: Path, tmp_path: Path) -> None:
    ran("site", sudan, "-o", tmp_path / "site", "--from", "2025-07-29")
    files = {path.name for path in (tmp_path / "site" / "data").rglob("*.*")}
    assert {"2025-07-29-incidents.csv", "incidents.geojson.zip", "map.kmz"} <= files
    assert not any("control" in name or "figures" in name for name in files)
    sources = (tmp_path / "site" / "sources.html").read_text()
    assert 'class="snapshots"' not in sources
    listed = json.loads((tmp_path / "site" / "datapackage.json").read_text())["resources"]
    assert {Path(one["path"]).name for one in listed} == files


def test_an_embargo_of_fields_holds(sudan: Path, tmp_path: Path) -> None:
    kept = tmp_path / "copy.gpkg"
    kept.write_bytes(sudan.read_bytes())
    ran("rules", kept, "--withhold", "where_coordinates")
    ran("brief", kept, "-o", tmp_path / "a.md")
    assert "El Fasher" not in (tmp_path / "a.md").read_text()


def test_a_timeline_of_control_refuses_to_narrow_incidents(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.gpkg")
    put(archive, DAY, state(("X", "held", "n", box(35, 51, 35.6, 51.4))))
    with pytest.raises(UsageError, match="a timeline of control shows none"):
        geo.draw_timeline(archive, event_type="Battles")
