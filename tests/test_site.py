"""The static site: what it holds, what a new date rewrites, what its files say, and that nothing from outside runs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from http.client import HTTPConnection
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from lxml.etree import _Element as Element
from shapely.geometry import Polygon, box
from site_links import reached
from test_archive import put, state
from test_maps import DAY, HOSTILE, hostile_archive, incident

import geo
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import MapError, UsageError
from geo.formats.xml import parse_xml
from geo.importing.importer import ensure_units
from geo.output.site.build import build_site
from geo.output.site.plan import checked_address, slugs
from geo.output.site.publish import OWN
from geo.output.site.server import serve

ATOM = "{http://www.w3.org/2005/Atom}"
KML = "{http://www.opengis.net/kml/2.2}"
SUMY, KURSK = box(34, 50.9, 34.4, 51.1), box(35.6, 51.4, 36.2, 51.8)


def fill(archive: Archive, days: int = 3) -> None:
    """X gains in Kursk day by day; Y stands still in Sumy."""
    for i in range(days):
        add_day(archive, i)
    incident(archive, where_coordinates="Sudzha", event_type="Battles", where_prec=1, low=0, best=1, high=3)


def add_day(archive: Archive, i: int) -> str:
    held = box(35.6, 51.4, 35.8 + i / 20, 51.8)
    rows = state(
        ("X", "held", "n", held), ("Y", "held", "n", SUMY), (None, "contested", "n", shapely.difference(KURSK, held))
    )
    return put(archive, DAY + timedelta(days=i), rows)


MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="module")
def made(made_once: MadeOnce) -> Path:
    """A folder with an archive and its site."""

    def make(folder: Path) -> None:
        opened = open_archive(folder / "a.gpkg")
        ensure_units(opened)
        fill(opened)
        opened.close()
        geo.build_site(open_archive(opened.path), folder / "site")

    return made_once("site-of-days", make)


@pytest.fixture(scope="module")
def filled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copyfile(made / "a.gpkg", tmp_path_factory.mktemp("filled") / "a.gpkg"))


@pytest.fixture
def archive(filled: Path, tmp_path: Path) -> Archive:
    copy = tmp_path / "a.gpkg"
    copy.write_bytes(filled.read_bytes())
    return open_archive(copy)


@pytest.fixture(scope="module")
def built(made: Path) -> Path:
    return made / "site"


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Path:
    """The site of `archive`, to build on."""
    return Path(shutil.copytree(built, tmp_path / "site"))


def content_of(folder: Path) -> dict[str, bytes]:
    """All files of a site; the lock of the build is none of it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


# -- what is there ------------------------------------------------------------------------------------------------


def test_every_page_is_there_and_every_link_leads_somewhere(built: Path) -> None:
    found = reached(built)
    assert found == {p for p in content_of(built) if not p.startswith((OWN, "cards"))} | {
        f"cards/2025-01-{d}.png" for d in (10, 11, 12)
    }
    assert {p for p in found if "/" not in p} == {"index.html", "feed.xml", "sources.html", "datapackage.json"}
    assert {p for p in found if p.startswith("shared/")} == {f"shared/{p.name}" for p in (built / "shared").iterdir()}
    assert {p for p in found if p.startswith("units/")} == {"units/ru-krs.html", "units/ua-59.html"}
    assert {p for p in found if p.startswith("dates/")} == {f"dates/2025-01-{d}.html" for d in (10, 11, 12)}


def test_pages_forbid_requests_and_scripts_of_others(built: Path) -> None:
    for path in built.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert not re.search(r"<(img|iframe)[^>]* src=|url\((?!data:|#)", text)
        loaded = re.findall(r'<(?:script|link rel="stylesheet")[^>]* (?:src|href)="([^"]*)"', text)
        up = "../" * (len(path.relative_to(built).parts) - 1)
        assert all(re.fullmatch(rf"{re.escape(up)}shared/[a-z]+-[0-9a-f]{{16}}\.(js|css)", link) for link in loaded)
        assert '<html lang="en">' in text
        assert "<title>" in text


def test_pages_share_the_map_library_their_scripts_and_the_ground(built: Path) -> None:
    shared = {p.name: p for p in (built / "shared").iterdir()}
    kinds = [name.partition("-")[0] for name in shared]
    assert sorted(set(kinds)) == ["ground", "leaflet", "map", "timeline"]
    assert kinds.count("leaflet") == 2
    for name, file in shared.items():
        assert hashlib.sha256(file.read_bytes()).hexdigest()[:16] in name
    days = [(built / "dates" / f"2025-01-{day}.html").read_text(encoding="utf-8") for day in (10, 11, 12)]
    assert len({tuple(re.findall(r"shared/[^\"]*", text)) for text in days}) == 1
    assert all("L.Map" not in text and '"ground":' not in text for text in days)


def test_cards_are_what_their_pages_say(built: Path) -> None:
    text = (built / "dates" / "2025-01-11.html").read_text(encoding="utf-8")
    said = dict(re.findall(r'<meta (?:name|property)="([a-z:_]+)" content="([^"]*)"', text))
    assert said["og:image"] == "../cards/2025-01-11.png"
    assert said["twitter:card"] == "summary_large_image"
    assert (said["og:image:width"], said["og:image:height"]) == ("1200", "630")
    assert re.fullmatch(
        r"11 January 2025: Held by X [\d,.]+ km²; Held by Y [\d,.]+ km²; .* Source: desk\.", said["og:description"]
    )
    head = (built / "cards" / "2025-01-11.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")) == (1200, 630)


def test_a_unit_shows_the_figures_of_the_archive(built: Path, filled: Path) -> None:
    series = open_archive(filled).series(by="unit", controller="X")
    series = series[series["unit"] == "RU-KRS"]
    text = (built / "units" / "ru-krs.html").read_text(encoding="utf-8")
    rows = re.findall(r'dates/([\d-]+)\.html">[^<]+</a></th><td>([\d,.]+)</td><td>([^<]*)</td>', text)
    assert [r[0] for r in rows] == sorted(series["date"].dt.strftime("%Y-%m-%d"), reverse=True)
    for (_, km2, _), area in zip(rows, reversed(series["area_km2"].tolist()), strict=True):
        assert float(km2.replace(",", "")) == pytest.approx(area, abs=0.006)
    assert text.count("<svg class=") == 2  # for a desk and for a phone
    # nothing changed in the other one: a single row, which stands
    still = (built / "units" / "ua-59.html").read_text(encoding="utf-8")
    assert len(re.findall(r"<th scope=\"row\"><a", still)) == 1


# -- what a build does ----------------------------------------------------------------------------------------------


def test_a_second_build_with_nothing_new_writes_nothing(archive: Archive, site: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in [site, *site.rglob("*")] if p.name != ".lock"}
    again = build_site(archive, site)
    assert (again.added, again.changed, again.removed) == ((), (), ())
    assert {p: p.stat().st_mtime_ns for p in [site, *site.rglob("*")] if p.name != ".lock"} == before


def test_a_new_date_rewrites_what_it_touches_and_nothing_else(archive: Archive, site: Path, tmp_path: Path) -> None:
    add_day(archive, 3)
    done = build_site(archive, site)
    assert set(done.changed) == {
        "index.html", "feed.xml", "sources.html", "units/ru-krs.html", "dates/2025-01-12.html", "datapackage.json",
        "data/control.geojson.zip", "data/incidents.geojson.zip", "data/map.gpkg.zip", "data/map.kmz",
    }  # fmt: skip
    added = {p for p in done.added if not p.startswith(("data/", "shared/"))}
    assert added == {"dates/2025-01-13.html", "cards/2025-01-13.png"}
    assert all(p.startswith("data/2025-01-13/") for p in done.added if p.startswith("data/"))
    assert done.removed == ()
    # what was built bit by bit is what is built at once
    build_site(archive, tmp_path / "fresh")
    assert content_of(site) == content_of(tmp_path / "fresh")


def test_what_is_taken_back_or_corrected_goes_or_changes(archive: Archive, site: Path, tmp_path: Path) -> None:
    archive.retract("desk@2025-01-11", why="wrong file")
    done = build_site(archive, site)
    assert "dates/2025-01-11.html" in done.removed
    assert not list(site.rglob("*2025-01-11*"))
    assert {"dates/2025-01-10.html", "dates/2025-01-12.html"} <= set(done.changed)
    reached(site)
    put(archive, DAY, state(("X", "held", "n", box(35.6, 51.4, 35.9, 51.8)), ("Y", "held", "n", SUMY)))
    done = build_site(archive, site)
    assert {"data/control.geojson.zip", "dates/2025-01-12.html", "cards/2025-01-10.png"} <= set(done.changed)
    build_site(archive, tmp_path / "fresh")
    assert content_of(site) == content_of(tmp_path / "fresh")


def test_an_incident_rewrites_its_own_date(archive: Archive, site: Path) -> None:
    incident(archive, where_coordinates="Sudzha", event_type="Shelling", date_start="2025-01-12", date_end="2025-01-12")
    done = build_site(archive, site)
    assert "data/2025-01-12/2025-01-12-incidents.csv" in done.added
    assert {p for p in done.changed if p.startswith("dates/")} == {"dates/2025-01-12.html"}
    assert not any("2025-01-10" in p or "2025-01-11" in p for p in done.changed)


def test_a_date_shows_the_incidents_of_so_many_days_up_to_it(archive: Archive, tmp_path: Path) -> None:
    def listed(day: int) -> int:
        text = (tmp_path / "site" / "dates" / f"2025-01-{day}.html").read_text(encoding="utf-8")
        return len(json.loads(re.search(r'id="geo-data">(.*?)</script>', text, re.S)[1])["incidents"])

    asked = {"incident_days": 2, "with_downloads": False}
    build_site(archive, tmp_path / "site", **asked)
    assert [listed(day) for day in (10, 11, 12)] == [0, 1, 1]
    incident(archive, where_coordinates="Sudzha", event_type="Shelling", date_start="2025-01-10", date_end="2025-01-10")
    done = build_site(archive, tmp_path / "site", **asked)
    assert [listed(day) for day in (10, 11, 12)] == [1, 2, 1]
    assert "dates/2025-01-12.html" not in done.changed


@pytest.mark.long
def test_two_processes_and_several_workers_give_the_same_bytes(filled: Path, built: Path, tmp_path: Path) -> None:
    code = "import sys, geo\nif __name__ == '__main__':\n geo.build_site(geo.open_archive(sys.argv[1]), sys.argv[2], workers=2)"
    script = tmp_path / "build.py"
    script.write_text(code)
    time.sleep(1.1)  # a file that carried the hour of writing would differ
    subprocess.run(
        [sys.executable, script, filled, tmp_path / "site"], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    mine, others = content_of(built), content_of(tmp_path / "site")
    assert mine.keys() == others.keys()
    assert [p for p in mine if mine[p] != others[p]] == []


@pytest.mark.long
def test_a_killed_build_leaves_a_site_that_works(archive: Archive, site: Path, tmp_path: Path) -> None:
    """SIGKILL at moments spread over a whole build: what is served is whole, and the next build ends it."""
    old = content_of(site)
    add_day(archive, 3)
    code = "import sys, geo; geo.build_site(geo.open_archive(sys.argv[1]), sys.argv[2])"
    for moment in range(3):
        running = subprocess.Popen([sys.executable, "-c", code, archive.path, site])
        # from its first file on: before that there is nothing to disturb
        while running.poll() is None and not (site / OWN / "new").exists():
            time.sleep(0.002)
        time.sleep(0.2 * moment)
        running.send_signal(signal.SIGKILL)
        running.wait()
        reached(site)
        if running.returncode == 0:
            break
        if not (site / OWN / "journal.json").exists() and not (site / "dates" / "2025-01-13.html").exists():
            found = content_of(site)
            assert {p: c for p, c in found.items() if not p.startswith(f"{OWN}/new")} == old
    build_site(archive, site)
    build_site(archive, tmp_path / "fresh")
    assert content_of(site) == content_of(tmp_path / "fresh")


def test_options_keep_to_a_span_a_unit_and_no_data(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    build_site(archive, folder, from_="2025-01-11", within="RU-KRS", with_downloads=False, title="The map", lang="uk")
    found = reached(folder)
    assert {p for p in found if p.startswith("dates/")} == {"dates/2025-01-11.html", "dates/2025-01-12.html"}
    assert {p for p in found if p.startswith("units/")} == {"units/ru-krs.html"}
    assert not (folder / "data").exists()
    text = (folder / "dates" / "2025-01-11.html").read_text(encoding="utf-8")
    assert "<title>The map, 11 січня 2025</title>" in text
    assert "Held by Y" not in re.search(r'og:description" content="([^"]*)"', text)[1]
    with pytest.raises(MapError, match="there are 2025-01-10 to 2025-01-12"):
        build_site(archive, tmp_path / "none", from_="2026-01-01")


def test_a_site_as_known_on_shows_what_was_said_then(archive: Archive, tmp_path: Path) -> None:
    table = archive.reader.snapshots()
    then = table["recorded_at"].iloc[1]
    build_site(archive, tmp_path / "site", as_known_on=then)
    assert not (tmp_path / "site" / "dates" / "2025-01-12.html").exists()
    assert (tmp_path / "site" / "dates" / "2025-01-11.html").exists()
    assert "As known on" in (tmp_path / "site" / "sources.html").read_text(encoding="utf-8")


# -- feed and downloads -----------------------------------------------------------------------------------------------


def feed_of(folder: Path) -> Element:
    return parse_xml(Path("x"), (folder / "feed.xml").read_bytes())


def test_the_feed_is_atom_with_ids_that_stay(archive: Archive, built: Path, tmp_path: Path) -> None:
    base = "https://example.org/map"
    build_site(archive, tmp_path / "site", base_url=base)
    reached(tmp_path / "site", base=f"{base}/")
    here, there = feed_of(built), feed_of(tmp_path / "site")
    recorded = archive.reader.snapshots().set_index("depicts")["recorded_at"]
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    for root in (here, there):
        assert root.tag == f"{ATOM}feed"
        for element in (root, *root.iter(f"{ATOM}entry")):
            for name in ("id", "title", "updated"):
                assert len(element.findall(f"{ATOM}{name}")) == 1
            assert re.fullmatch(stamp, element.findtext(f"{ATOM}updated"))
            assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", element.findtext(f"{ATOM}id"))
        assert root.find(f"{ATOM}author/{ATOM}name").text
        ids = [e.findtext(f"{ATOM}id") for e in root.iter(f"{ATOM}entry")]
        assert len(set(ids)) == 3
    assert [e.text for e in here.iter(f"{ATOM}id")] == [e.text for e in there.iter(f"{ATOM}id")]
    first = there.find(f"{ATOM}entry")
    assert first.find(f"{ATOM}link").get("href") == f"{base}/dates/2025-01-12.html"
    assert first.findtext(f"{ATOM}updated") == recorded["2025-01-12T00:00:00.000Z"][:19] + "Z"
    assert "Held by X" in first.findtext(f"{ATOM}summary")
    pages = parse_xml(Path("x"), (tmp_path / "site" / "sitemap.xml").read_bytes())
    places = [e.text for e in pages.iter() if e.tag.endswith("}loc")]
    assert places[0] == f"{base}/index.html"
    assert {p.removeprefix(f"{base}/") for p in places} == {
        p for p in content_of(tmp_path / "site") if p.endswith(".html")
    }
    text = (tmp_path / "site" / "dates" / "2025-01-11.html").read_text(encoding="utf-8")
    assert f'property="og:image" content="{base}/cards/2025-01-11.png"' in text
    assert f'rel="canonical" href="{base}/dates/2025-01-11.html"' in text


@pytest.mark.parametrize(
    "wrong", ["example.org", "javascript:alert(1)", "https://", 'https://x/"><script>', "file:///x"]
)
def test_an_address_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="--base-url"):
        checked_address(wrong)


def kml_shapes(root: Element) -> list[Polygon]:
    found = []
    for polygon in root.iter(f"{KML}Polygon"):
        rings = [
            [[float(v) for v in pair.split(",")] for pair in ring.text.split()]
            for ring in polygon.iter(f"{KML}coordinates")
        ]
        found.append(Polygon(rings[0], rings[1:]))
    return found


def unpacked(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as packed:
        (name,) = packed.namelist()
        return Path(packed.extract(name, folder))


def test_downloads_hold_the_ground_of_all_dates_whole(built: Path, filled: Path, tmp_path: Path) -> None:
    opened = open_archive(filled)
    for name in ("control.geojson.zip", "map.gpkg.zip", "map.kmz"):
        found = open_archive(tmp_path / f"{name}.gpkg")
        options = {"layer": "control"} if "gpkg" in name else {}
        credit = geo.Source("desk", "Desk")
        (receipt,) = geo.import_files(found, "vector", [built / "data" / name], credit=credit, **options)
        assert (receipt.error, len(receipt.snapshots)) == ("", 3)
        for day in ("2025-01-10", "2025-01-11", "2025-01-12"):
            here, there = (a.control(day, source="desk").sort_values("native") for a in (opened, found))
            assert shapely.equals(here.geometry.union_all(), there.geometry.union_all())
            pairs = [sorted(zip(f["controller"].fillna(""), f["status"], strict=True)) for f in (here, there)]
            assert pairs[0] == pairs[1]
    control = opened.control("2025-01-11")
    frame = gpd.read_file(unpacked(built / "data" / "map.gpkg.zip", tmp_path), layer="control")
    stood = frame[
        (frame["valid_from"] <= "2025-01-11T00:00:00.000Z") & ~(frame["valid_to"] <= "2025-01-11T00:00:00.000Z")
    ]
    assert stood["area_km2"].sum() == pytest.approx(geo.area_km2(control.geometry).sum(), rel=1e-12)
    root = parse_xml(Path("x"), unpacked(built / "data" / "map.kmz", tmp_path).read_bytes())
    parts = shapely.get_parts(control.geometry.to_numpy())
    drawn = {p.wkb for p in shapely.normalize(np.array(kml_shapes(root)))}
    assert {p.wkb for p in shapely.normalize(parts)} <= drawn
    begins = {e.text for e in root.iter(f"{KML}begin")}
    assert begins == set(frame["valid_from"])


def test_downloads_of_a_date_are_its_figures_and_incidents(built: Path, filled: Path, tmp_path: Path) -> None:
    opened = open_archive(filled)
    folder, told = built / "data" / "2025-01-11", opened.incidents("2025-01-11", "2025-01-11")
    frame = gpd.read_file(unpacked(built / "data" / "incidents.geojson.zip", tmp_path))
    assert frame["where_coordinates"].tolist() == told["where_coordinates"].tolist()
    assert [p.wkb for p in frame.geometry] == [p.wkb for p in told.geometry]
    rows = list(csv.DictReader(io.StringIO((folder / "2025-01-11-figures.csv").read_text(encoding="utf-8"))))
    assert [float(r["area_km2"]) for r in rows] == opened.area("2025-01-11")["area_km2"].tolist()
    assert all(r["credits"] and r["date"] == "2025-01-11" and r["snapshot"] for r in rows)
    assert not (built / "data" / "2025-01-10" / "2025-01-10-incidents.csv").exists()


def test_exterior_rings_run_against_the_clock(built: Path, tmp_path: Path) -> None:
    text = json.loads(unpacked(built / "data" / "control.geojson.zip", tmp_path).read_text(encoding="utf-8"))
    for feature in text["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            assert shapely.LinearRing(polygon[0]).is_ccw


# -- text from outside --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(made_once: MadeOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site in which every text from outside is hostile, the codes and names of units too."""
    return made_once("hostile-site", lambda folder: build_hostile(tmp_path_factory.mktemp("hostile"), folder)) / "site"


def build_hostile(home: Path, folder: Path) -> None:
    opened = hostile_archive(home / "a.gpkg")
    texts = [*HOSTILE, "../../etc/passwd", "CON", "index", "a/b", "A-B", "a b"]
    shapes = [box(34 + i / 20, 51, 34.04 + i / 20, 51.2) for i in range(len(texts))]
    units = gpd.GeoDataFrame(
        {"unit": texts, "name": texts, "name_local": None, "level": 5, "parent": None, "boundary": " ".join(HOSTILE)},
        geometry=shapes, crs="EPSG:4326",
    )  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.put_units(connection, units, geo.area_km2(units.geometry).tolist(), "2024-01-01T00:00:00.000Z")
    put(opened, DAY + timedelta(days=1), opened.control("2025-01-10")[["controller", "status", "native", "geometry"]])
    build_site(opened, folder / "site", title=" ".join(HOSTILE))


def test_file_names_are_of_our_own_letters(hostile: Path) -> None:
    marker = Path("/tmp/geo_pwned")
    assert not marker.exists()
    for path in content_of(hostile):
        assert re.fullmatch(r"(\.geo-site/)?[a-z0-9]+([/.-][a-z0-9]+)*", path), path
    assert len(list((hostile / "units").iterdir())) > 20
    reached(hostile)


def test_slugs_are_distinct_and_plain() -> None:
    texts = [*HOSTILE, "../../etc/passwd", "CON", "con", "index", "a/b", "A-B", "a b", "", "UA-14", "\udcff", "x" * 300]
    made = slugs(texts)
    assert len({v.lower() for v in made.values()}) == len(set(texts))
    assert all(re.fullmatch(r"[a-z0-9-]{1,50}", v) for v in made.values())
    assert made["UA-14"] == "ua-14"
    assert not re.fullmatch(r"con|index", made["CON"])


def test_hostile_text_is_text_in_every_download(hostile: Path, tmp_path: Path) -> None:
    folder = hostile / "data" / "2025-01-11"
    text = json.loads(unpacked(hostile / "data" / "incidents.geojson.zip", tmp_path).read_text(encoding="utf-8"))
    assert {f["properties"]["where_coordinates"] for f in text["features"]} == set(HOSTILE)
    for path in folder.glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))):
            assert not [c for c in row if c[:1] in tuple("=+-@\t\r") and not re.fullmatch(r"-?[\d.e+-]+", c)]
    root = parse_xml(folder, unpacked(hostile / "data" / "map.kmz", tmp_path).read_bytes())
    for element in root.iter(f"{KML}description"):
        # viewers read it as HTML: the only tag in it is ours
        assert set(re.findall(r"<[^>]*>?", element.text)) <= {"<br>"}
    names = {e.text for e in root.iter(f"{KML}name")}
    assert all(f"{clean}: {clean}" in names for clean in HOSTILE if clean.isprintable())
    assert len(gpd.read_file(unpacked(hostile / "data" / "map.gpkg.zip", tmp_path), layer="incidents")) == len(HOSTILE)
    feed_of(hostile)


class Opened(HTMLParser):
    """Every element of a page and its attributes, as browsers take them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_date_says_what_its_downloads_are_as_schema_org_wants(built: Path) -> None:
    text = (built / "dates" / "2025-01-11.html").read_text(encoding="utf-8")
    record = json.loads(re.search(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', text, re.DOTALL)[1])
    assert (record["@context"], record["@type"]) == ("https://schema.org", "Dataset")
    assert 50 <= len(record["description"]) <= 5000
    assert record["name"]
    assert record["temporalCoverage"] == "2025-01-11"
    links = re.findall(r'<a href="\.\./(data/[^"]+)" download', text)
    assert [one["contentUrl"].partition("data/")[2] for one in record["distribution"]] == [
        link.removeprefix("data/") for link in links
    ]
    sizes = {one["contentUrl"]: one["contentSize"] for one in record["distribution"]}
    for url, size in sizes.items():
        assert size == f"{(built / ('data/' + url.partition('data/')[2])).stat().st_size} B"
    assert all("/" in one["encodingFormat"] for one in record["distribution"])


def test_hostile_text_opens_no_element(hostile: Path) -> None:
    scripts = {"dates": 7, "units": 0, "site": None}
    for path in hostile.rglob("*.html"):
        page = Opened()
        page.feed(path.read_text(encoding="utf-8"))
        tags = [tag for tag, _ in page.found]
        assert not {"iframe", "img", "base", "textarea", "object", "embed", "form"} & set(tags), path
        assert not [name for _, attrs in page.found for name in attrs if name.startswith("on")], path
        assert not [a for _, a in page.found if (a.get("href") or "").lower().startswith(("javascript:", "data:"))], (
            path
        )
        wanted = scripts[path.parent.name]
        if path.name != "index.html" and path.name != "sources.html":
            assert tags.count("script") == wanted, path


# -- served -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def served(built: Path) -> Iterator[int]:
    (built.parent / "secret.html").write_text("secret")
    with serve(built, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def asked(port: int, path: str, *, method: str = "GET", host: str = "127.0.0.1") -> tuple[int, str, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Type", ""), answer.read()


def test_the_server_gives_each_file_its_type(served: int, built: Path) -> None:
    for path, kind in (
        ("/", "text/html; charset=utf-8"), ("/dates/2025-01-11.html", "text/html; charset=utf-8"),
        ("/feed.xml", "application/xml; charset=utf-8"), ("/cards/2025-01-11.png", "image/png"),
        ("/data/control.geojson.zip", "application/zip"), ("/data/map.kmz", "application/vnd.google-earth.kmz"),
        ("/data/2025-01-11/2025-01-11-figures.csv", "text/csv; charset=utf-8"),
    ):  # fmt: skip
        status, found, body = asked(served, path)
        assert (status, found) == (200, kind)
        assert body == (built / (path[1:] or "index.html")).read_bytes()
    assert asked(served, "/index.html?a=1", method="HEAD") == (200, "text/html; charset=utf-8", b"")


@pytest.mark.parametrize(
    "path",
    ["/../secret.html", "/%2e%2e/secret.html", "/dates/..%2f..%2fsecret.html", "/.geo-site/manifest.json", "/dates/",
     "/dates", "/data/2025-01-11/", "/nothing.html", "//etc/passwd", "/%00", "/dates/..%5c..%5csecret.html"],
)  # fmt: skip
def test_the_server_gives_nothing_else(served: int, path: str) -> None:
    status, _, body = asked(served, path)
    assert status == 404
    assert b"secret" not in body.replace(path.encode(), b"")


def test_the_server_answers_to_this_machine_alone(served: int) -> None:
    assert asked(served, "/", host="evil.example")[0] == 421
    assert asked(served, "/", host=f"localhost:{served}")[0] == 200
    assert asked(served, "/", method="POST")[0] == 501


def test_the_command_line_builds_and_says_what_it_did(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    done = CliRunner().invoke(main, ["site", str(archive.path), "-o", str(folder), "--base-url", "https://example.org"])
    assert done.exit_code == 0, done.output
    assert re.search(r"index\.html: \d+ added, 0 changed, 0 removed, 0 kept", done.output)
    assert (folder / "sitemap.xml").is_file()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("x")
    done = CliRunner().invoke(main, ["site", str(archive.path), "-o", str(tmp_path / "other")])
    assert done.exit_code == 2
    assert "did not make" in done.output


def test_the_command_line_serves_a_site_and_an_archive(archive: Archive, built: Path, tmp_path: Path) -> None:
    for target in (built, archive.path):
        running = subprocess.Popen(
            [sys.executable, "-u", "-m", "geo", "serve", str(target), "--port", "0"], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 a job in the background ignores it
        )  # fmt: skip
        try:
            said = running.stdout.readline()
            port = int(re.search(r"http://127\.0\.0\.1:(\d+)/ shows", said)[1])
            assert b"<title>" in asked(port, "/")[2]
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 0
    assert list((tmp_path / "cache" / "geo-control" / "sites").iterdir())
    assert CliRunner().invoke(main, ["serve", str(tmp_path / "nothing.gpkg")]).exit_code == 2


def test_the_data_package_tells_every_download_as_it_is(built: Path) -> None:
    package = json.loads((built / "datapackage.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[a-z0-9._-]+", package["name"])
    there = {p.relative_to(built).as_posix() for p in (built / "data").rglob("*") if p.is_file()}
    assert {resource["path"] for resource in package["resources"]} == there
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9._-]+", name) for name in names)
    for resource in package["resources"]:
        raw = (built / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{sha256(raw).hexdigest()}"
        assert resource["bytes"] == len(raw)
    assert package["sources"][0]["title"]
