"""Two dates on one page: its figures are the archive's, nothing from outside is run, the same bytes twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from hostile_texts import HOSTILE
from shapely.geometry import Point, box
from test_archive import put, state
from test_maps import data_of, decode, hostile_archive

import geo
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import NoSnapshotError, SourceError, UsageError
from geo.importing.importer import ensure_units
from geo.output.html.map_page import PageMap, save_map
from geo.output.html.two_dates_page import draw_dates
from geo.presentation.labels import class_label, figure, unit_name
from geo.schema import Source

DAY = datetime(2025, 1, 1, tzinfo=UTC)
FIRST, LAST = "2025-01-01", "2025-01-11"
BEFORE = {("X", "held"): box(34.8, 50.9, 35.4, 51.3), ("Y", "held"): box(33.5, 50, 34.2, 50.6)}
AFTER = {
    ("X", "held"): box(35.0, 50.9, 35.8, 51.3), ("Y", "held"): box(33.5, 50, 34.2, 50.8),
    (None, "contested"): box(34.8, 50.9, 35.0, 51.3),
}  # fmt: skip


def of(shapes: dict[tuple[str | None, str], shapely.Geometry]) -> gpd.GeoDataFrame:
    return state(*((c, s, "n", shape) for (c, s), shape in shapes.items()))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    opened = open_archive(tmp_path_factory.mktemp("dates") / "a.gpkg")
    ensure_units(opened)
    put(opened, DAY, of(BEFORE))
    put(opened, DAY + timedelta(days=8), of(AFTER))
    with opened.store.writing() as connection:
        opened.store.add_source(connection, Source("desk", "The Desk", "https://desk.example", "CC BY 4.0", "Mappers"))
    for side, colour in (("X", "#b2182b"), ("Y", "#2166ac")):
        opened.name_side(side, colour=colour)
    opened.close()
    return opened


class Cells(HTMLParser):
    """Every row of every table, as its cells' texts, by the heading above it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self._heading, self._open = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in ("th", "td", "h2"):
            self._open, self._text = tag, ""
        elif tag == "tr":
            self.tables.setdefault(self._heading, []).append([])

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            if tag == "h2":
                self._heading = self._text
            else:
                self.tables[self._heading][-1].append(self._text)
            self._open = ""


def shown(page: PageMap) -> dict[str, list[list[str]]]:
    return Cells(page.page.render()).tables


def plus(km2: float) -> str:
    text = figure(km2).replace("-", "−")
    return "0.0" if text in ("0.0", "−0.0") else ("+" if km2 > 0 else "") + text


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def test_the_figures_are_those_of_the_archive(archive: Archive) -> None:
    page = geo.draw_dates(archive, FIRST, LAST)
    rows = {row[0]: row[1:] for row in shown(page)["Key figures"][1:]}
    moved = archive.change(FIRST, LAST)
    now = {(r["controller"], r["status"]): r for r in archive.area(LAST).to_dict("records")}
    assert len(rows) == len(moved) == 3
    for row in moved.to_dict("records"):
        key = (row["controller"], row["status"])
        wanted = [figure(row["base_km2"]), figure(now[key]["area_km2"])]
        wanted += [figure(row["gained_km2"]), figure(row["lost_km2"]), plus(row["net_km2"])]
        assert rows[class_label(*key)] == wanted


def test_units_are_those_that_changed_the_most_changed_first(archive: Archive) -> None:
    table = shown(draw_dates(archive, FIRST, LAST))["What changed, by unit"]
    moved = archive.change(FIRST, LAST, by="unit")
    moved = moved[moved[["gained_km2", "lost_km2"]].max(axis=1) >= 0.05]
    names = archive.units().set_index("unit")["name"]
    wanted = {
        (unit_name(r["unit"], names[r["unit"]]), class_label(r["controller"], r["status"])): [
            figure(r["gained_km2"]), figure(r["lost_km2"]), plus(r["net_km2"])
        ]
        for r in moved.to_dict("records")
    }  # fmt: skip
    assert {(row[0], row[1]): row[3:] for row in table[1:]} == wanted
    assert len(wanted) == len(table) - 1 > 3
    sums = [number(row[3]) + number(row[4]) for row in table[1:]]
    assert sums == sorted(sums, reverse=True)


def test_within_a_unit_the_figures_keep_to_it_and_both_sides_are_drawn(archive: Archive) -> None:
    # Y has no ground in Kursk Oblast, and yet its changes elsewhere are on the map
    page = draw_dates(archive, FIRST, LAST, within="RU-KRS")
    rows = {row[0]: row[1:] for row in shown(page)["Key figures"][1:]}
    moved = archive.change(FIRST, LAST, within="RU-KRS", controller="X", status="held").iloc[0]
    assert rows["Held by X"][2] == figure(moved["gained_km2"])
    assert set(rows["Held by Y"]) == {"0.0"}
    data = data_of(page.page.render())
    assert any("by Y" in data[name][0]["label"] for name in [name for name, _ in data["more"][1:]])


def test_both_halves_carry_the_ground_of_their_date_and_a_class_has_one_look(archive: Archive) -> None:
    text = draw_dates(archive, FIRST, LAST).page.render()
    data = data_of(text)
    for name, ground in (("classes", BEFORE), ("later", AFTER)):
        drawn = {item["label"]: item for item in data[name]}
        assert set(drawn) == {class_label(*key) for key in ground}
        for key, shape in ground.items():
            rings = [decode(ring) for polygon in drawn[class_label(*key)]["polygons"] for ring in polygon]
            assert shapely.Polygon(rings[0]).symmetric_difference(shape).area < 1e-9
    looks = [{i["label"]: i["pattern"] for i in data[n]} for n in ("classes", "later")]
    assert all(looks[1][label] == look for label, look in looks[0].items())
    for look in looks[1].values():
        assert len(re.findall(f'<pattern id="{look}"', text)) == 1
    gained = next(
        data[n][0] for n in [name for name, _ in data["more"][1:]] if data[n][0]["label"].startswith("Gained by X")
    )
    ring = shapely.Polygon(decode(gained["polygons"][0][0]))
    assert ring.symmetric_difference(AFTER["X", "held"].difference(BEFORE["X", "held"])).area < 1e-9
    # it opens where ground changed, and the divider is in the midst of that
    (south, west), (north, east) = data["bounds"]
    assert box(west, south, east, north).contains(box(34.8, 50.9, 35.8, 51.3))
    assert west < data["dates"]["at"] < east


def test_ground_won_back_is_drawn_on_both_halves_or_on_none(tmp_path: Path) -> None:
    opened = open_archive(tmp_path / "a.gpkg")
    for day, shapes in ((DAY, BEFORE), (DAY + timedelta(days=8), AFTER)):
        put(opened, day, of({**shapes, ("Y", "liberated"): box(33, 50, 33.2, 50.2)}))
    label = class_label("Y", "liberated")
    for liberated, count in ((None, 0), (True, 2), (False, 0)):
        data = data_of(draw_dates(opened, FIRST, LAST, liberated=liberated, draw_basemap=False).page.render())
        assert [item["label"] for name in ("classes", "later") for item in data[name]].count(label) == count


def test_settlements_that_changed_hands(archive: Archive) -> None:
    points = [Point(34.9, 51.1), Point(35.2, 51.1), Point(35.6, 51.2), Point(40, 40)]
    places = gpd.GeoDataFrame({"name": ["Lost", "Kept", "Won", "Far"]}, geometry=points, crs=4326)
    page = draw_dates(archive, FIRST, LAST, places=places)
    assert shown(page)["Settlements that changed hands"][1:] == [
        ["Lost", "X held", "contested"], ["Won", "not marked", "X held"],
    ]  # fmt: skip
    assert data_of(page.page.render())["dates"]["places"] == [[51.1, 34.9], [51.2, 35.6]]
    assert "None of the places of the file given" in draw_dates(archive, FIRST, LAST, places=places[3:]).page.render()
    # without a file, the towns of the basemap: Sudzha is at 51.2, 35.27 in the ground that stayed
    named = [row[0] for row in shown(draw_dates(archive, FIRST, LAST))["Settlements that changed hands"][1:]]
    assert "Sudzha" not in named
    assert named == sorted(named)
    assert len(named) > 2


def test_dates_snapshots_ages_and_credits_are_said(archive: Archive) -> None:
    text = draw_dates(archive, FIRST, LAST).page.render()
    assert "Source: The Desk. 1 January 2025: snapshot depicting 1 January 2025." in text
    assert "11 January 2025: snapshot depicting 9 January 2025, 2 days before." in text
    assert "Snapshots: desk@2025-01-01; desk@2025-01-09." in text
    assert "Mappers, CC BY 4.0, https://desk.example" in text
    assert text.count('<svg viewBox="0 0 1000') == 2
    known = draw_dates(archive, FIRST, LAST, as_known_on="2099-01-01").page.render()
    assert "As known on 1 January 2099." in known
    same = draw_dates(archive, FIRST, "2025-01-03").page.render()
    assert "Both dates rest on the same snapshot, desk@2025-01-01" in same
    assert data_of(same)["dates"]["at"] is None


def test_hostile_text_is_data_and_nothing_else(tmp_path: Path) -> None:
    opened = hostile_archive(tmp_path / "a.gpkg")
    rows = [(text, "held", text, box(34 + i / 20, 51.1, 34.04 + i / 20, 51.3)) for i, text in enumerate(HOSTILE)]
    put(opened, datetime(2025, 1, 11, tzinfo=UTC), state(*rows))
    places = gpd.GeoDataFrame(
        {"name": list(HOSTILE)}, geometry=[Point(35.05 + i / 1000, 51.05) for i in range(len(HOSTILE))], crs=4326
    )
    page = draw_dates(opened, "2025-01-10", "2025-01-11", places=places, title=" ".join(HOSTILE))
    text = page.page.render()
    outside = re.sub(r"<(script|style)\b[^>]*>.*?</\1>", "", text, flags=re.S)
    assert not re.search(r"<(script|img|iframe|base)\b", outside)
    assert "<svg onload" not in text
    assert not Path("/tmp/geo_pwned").exists()


def test_what_cannot_be_compared_is_refused_with_the_way_out(archive: Archive) -> None:
    with pytest.raises(UsageError, match="does not lie before"):
        draw_dates(archive, LAST, FIRST)
    with pytest.raises(UsageError, match="does not lie before"):
        draw_dates(archive, LAST, LAST)
    with pytest.raises(NoSnapshotError, match="the first depicts 2025-01-01"):
        draw_dates(archive, "2024-12-01", LAST)
    with pytest.raises(SourceError, match="desk"):
        draw_dates(archive, FIRST, LAST, source="other")


def test_the_verb_writes_what_the_function_draws(archive: Archive, tmp_path: Path) -> None:
    gpd.GeoDataFrame({"dorf": ["Won"]}, geometry=[Point(35.6, 51.2)], crs=4326).to_file(tmp_path / "p.geojson")
    words = ["compare-dates", str(archive.path), "--from", FIRST, "--to", LAST, "--in", "RU-KRS", "--lang", "uk"]
    done = CliRunner().invoke(main, [*words, "-o", str(tmp_path / "a.html")])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "a.html")
    wanted = save_map(draw_dates(archive, FIRST, LAST, within="RU-KRS", lang="uk"), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == wanted.read_bytes()
    assert b"connect-src &#39;none&#39;" in wanted.read_bytes()
    more = ["--places", str(tmp_path / "p.geojson"), "--column", "dorf", "-o", str(tmp_path / "c.html")]
    assert CliRunner().invoke(main, [*words, *more]).exit_code == 0
    assert ">Won</button>" in (tmp_path / "c.html").read_text(encoding="utf-8")
    turned = CliRunner().invoke(main, ["compare-dates", str(archive.path), "--from", LAST, "--to", FIRST, "-o", "x"])
    assert (turned.exit_code, "does not lie before" in turned.stderr) == (2, True)


def test_the_real_series_adds_up(shared: Path, tmp_path: Path) -> None:
    files = [shared / "deepstate-mirror" / f"deepstatemap_data_{d}.geojson" for d in ("20241002", "20250112")]
    geo.import_files(tmp_path / "m.gpkg", "deepstate-mirror", files)
    opened = open_archive(tmp_path / "m.gpkg")
    rows = shown(draw_dates(opened, "2024-10-01", "2025-01-11"))
    before, after, gained, lost, net = (number(c) for c in rows["Key figures"][1][1:])
    assert after - before == pytest.approx(gained - lost, abs=2)
    assert net == pytest.approx(gained - lost, abs=1)
    listed = np.array([[number(c) for c in row[3:]] for row in rows["What changed, by unit"][1:]])
    assert listed.sum(axis=0) == pytest.approx([gained, lost, net], abs=2)
