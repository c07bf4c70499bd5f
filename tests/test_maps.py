"""Dated maps: a folium.Map that anybody can add to, the same bytes twice, and nothing from outside run."""

from __future__ import annotations

import base64
import html
import json
import re
import warnings
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from branca.element import Element
from hostile_texts import HOSTILE, MARKER
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box
from test_archive import put, state

import geo
from geo.archive import Archive, open_archive
from geo.errors import MapError, SourceError, UsageError
from geo.importing.importer import ensure_units
from geo.output import map_content
from geo.output.html.map_drawing import SCALE, packed
from geo.output.html.map_page import ControlMap, draw_map, draw_maps, save_map
from geo.output.map_content import gather
from geo.schema import INCIDENT_COLUMNS, Source
from geo.storage.snapshots import next_instant

DAY = datetime(2025, 1, 10, tzinfo=UTC)


def incident(archive: Archive, **values: object) -> None:
    incidents(archive, [values])


def incidents(archive: Archive, told: list[dict[str, object]]) -> None:
    """Incidents on 11 January 2025 near Sudzha, where their fields say nothing else."""
    whole = [{"lon": 35.3, "lat": 51.2} | values for values in told]
    points = [Point(values.pop("lon"), values.pop("lat")) for values in whole]
    day = {"date_start": "2025-01-11", "date_end": "2025-01-11"}
    rows = [dict.fromkeys(INCIDENT_COLUMNS) | {"event_id": str(values)} | day | values for values in whole]
    frame = gpd.GeoDataFrame(rows, geometry=points, crs="EPSG:4326")
    with archive.store.writing() as connection:
        now = next_instant(connection)
        archive.store.put_incidents(connection, frame, "test", now)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    opened = open_archive(tmp_path / "a.gpkg")
    ensure_units(opened)
    put(opened, DAY, state(("X", "held", "n", box(35, 51, 35.6, 51.4)), ("Y", "held", "n", box(34, 50, 35, 51))))
    put(opened, DAY + timedelta(days=1), state(
        ("X", "held", "n", box(35, 51, 35.4, 51.4)), ("Y", "held", "n", box(34, 50, 35, 51)),
        (None, "contested", "n", box(35.4, 51, 35.6, 51.4)), ("X", "claimed", "n", box(35, 51.4, 35.2, 51.5)),
    ))  # fmt: skip
    incident(opened, where_coordinates="Sudzha", event_type="Battles", where_prec=1, low=0, best=1, high=3)
    incident(opened, where_coordinates="Kursk Oblast", event_type="Strategic developments", where_prec=4, lat=51.6)
    opened.close()
    return opened


def data_of(page: str) -> dict:
    block = re.search(r'<script type="application/json" id="geo-data">(.*?)</script>', page, flags=re.S)
    assert block is not None
    found: dict = json.loads(block[1])
    if "ground" in found:
        found |= unpacked(found["ground"])
    if "shapes" in found:
        shapes = unpacked(found["shapes"])
        found["regions"] = shapes.pop("regions")
        found["front"] = found["front"] and found["front"] | {"lines": shapes.pop("front")}
        for name in ("classes", "changes", *(name for name, _ in found.get("more", ()))):
            for item, polygons in zip(found[name], shapes[name], strict=True):
                item["polygons"] = polygons
        found["places"] = shapes["places"]
    if "names" in (found.get("places") or ()):
        columns = found["places"]
        at = ([v / 10_000 for v in columns[axis]] for axis in ("lat", "lon"))
        found["places"] = list(zip(*at, columns["names"], columns["weights"], columns["capitals"], strict=True))
    return found


def unpacked(text: str) -> dict:
    """As map.js unpacks what the page carries."""
    head, _, planes = zlib.decompress(base64.b64decode(text), -15).partition(b"\0")
    folded = np.frombuffer(planes, dtype=np.uint8).reshape(4, -1).T.copy().view("<u4").ravel().astype(np.int64)
    numbers = iter(((folded >> 1) ^ -(folded & 1)).tolist())

    def whole(value: object) -> object:
        if isinstance(value, dict):
            return {name: whole(one) for name, one in value.items()}
        if isinstance(value, list) and len(value) == 1 and type(value[0]) is int:
            return [next(numbers) for _ in range(value[0])]
        return [whole(one) for one in value] if isinstance(value, list) else value

    found = whole(json.loads(head))
    assert isinstance(found, dict)
    assert next(numbers, None) is None
    return found


@given(st.recursive(
    st.none() | st.text("aя<", max_size=5) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
    | st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=4),
))  # fmt: skip
def test_what_is_packed_comes_back(document: object) -> None:
    assert unpacked(packed({"all": document})) == {"all": document}


def decode(steps: list[int]) -> np.ndarray:
    return np.cumsum(np.array(steps).reshape(-1, 2), axis=0) / SCALE


def test_it_is_a_folium_map(archive: Archive) -> None:
    page = geo.draw_map(archive, "2025-01-11")
    assert isinstance(page, folium.Map)
    folium.CircleMarker([51.2, 35.3], radius=9).add_to(page)
    folium.PolyLine([[51, 35], [52, 36]]).add_to(page)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = page.get_root().render()
    assert "L.circleMarker" in text
    assert "L.polyline" in text


def test_what_a_user_adds_is_loaded_and_said(archive: Archive) -> None:
    page = draw_map(archive, "2025-01-11")
    folium.Marker([51.2, 35.3], popup="mine", icon=folium.Icon(color="red")).add_to(page)
    with pytest.warns(UserWarning, match=r"code\.jquery\.com"):
        text = page.get_root().render()
    policy = text.split("Content-Security-Policy")[1][:3000]
    assert "https://code.jquery.com" in policy
    assert "https://cdnjs.cloudflare.com" in policy


def test_a_script_that_names_an_element_goes_on_naming_it(archive: Archive) -> None:
    page = draw_map(archive, "2025-01-11")
    circle = folium.CircleMarker([51.2, 35.3]).add_to(page)
    page.get_root().script.add_child(Element(f"setTimeout(() => {page.get_name()}.removeLayer({circle.get_name()}));"))
    text = page.get_root().render()
    names = re.search(r"setTimeout\(\(\) => (map_\w+)\.removeLayer\((circle_marker_\w+)\)", text)
    assert names is not None
    assert f"var {names[1]} = L.map(" in text
    assert f"var {names[2]} = L.circleMarker(" in text
    assert data_of(text)["map"] == names[1]


def test_pins_travel_inside_the_page(archive: Archive) -> None:
    page = draw_map(archive, "2025-01-11")
    assert "iconUrl: data" not in page.get_root().render().replace('"', "")
    folium.Marker([51.2, 35.3]).add_to(page)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = page.get_root().render()
    assert '"iconUrl": "data:image/png;base64,' in text
    assert "url(images/" not in text


def test_tiles_are_asked_for_by_name_and_credited(archive: Archive) -> None:
    xyzservices = pytest.importorskip("xyzservices")
    provider = xyzservices.TileProvider(
        name="Test", url="https://{s}.tiles.example/{z}/{x}/{y}.png", attribution="© Test tiles"
    )
    with pytest.warns(UserWarning, match=r"https://\*\.tiles\.example"):
        text = draw_map(archive, "2025-01-11", tiles=provider).get_root().render()
    assert "https://*.tiles.example" in text.split("Content-Security-Policy")[1][:2000]
    assert "Test tiles" in text
    assert data_of(text)["basemap"] is None


def test_a_page_is_rendered_alike_again(archive: Archive) -> None:
    page = draw_map(archive, "2025-01-11", since="2025-01-10")
    assert page.get_root().render() == page.get_root().render()


def test_the_ground_on_the_page_is_the_ground_of_the_archive(archive: Archive) -> None:
    found = data_of(draw_map(archive, "2025-01-11").get_root().render())
    frame = archive.control("2025-01-11")
    drawn = [shapely.Polygon(decode(r[0])) for item in found["classes"] for r in item["polygons"]]
    for shape in frame.geometry:
        assert min(shapely.hausdorff_distance(shape, d) for d in drawn) < 1 / SCALE
    assert len(drawn) == len(frame)


def test_figures_on_the_page_are_the_archives(archive: Archive) -> None:
    text = draw_map(archive, "2025-01-11", since="2025-01-10").get_root().render()
    area = archive.area("2025-01-11", controller="X", status="held").iloc[0]
    change = archive.change("2025-01-10", "2025-01-11", controller="X", status="held").iloc[0]
    assert f"<td>{area['area_km2']:,.1f}</td>" in text or f"<td>{area['area_km2']:,.0f}</td>" in text
    assert f"<td>{change['lost_km2']:,.1f}</td>" in text
    assert f"{area['upper_km2']:,.0f} km² with the contested ground" in text or "contested ground" not in text
    assert "desk@2025-01-11" in text
    assert "desk@2025-01-10" in text
    changes = {item["label"] for item in data_of(text)["changes"]}
    assert changes == {"Lost by X since 10 January 2025"}


def test_a_region_is_an_area_and_a_place_a_point(archive: Archive) -> None:
    found = data_of(draw_map(archive, "2025-01-11").get_root().render())
    spots = {s["title"].split(":")[0]: s for s in found["incidents"]}
    assert {name: s["kind"] for name, s in spots.items()} == {"Sudzha": "place", "Kursk Oblast": "region"}
    facts = dict(spots["Sudzha"]["facts"])
    assert facts["Killed"] == "1 (0 to 3)"
    assert facts["Injured"] == "not known"
    rings = found["regions"][spots["Kursk Oblast"]["region"]]
    drawn = shapely.union_all([shapely.Polygon(decode(r[0]), [decode(h) for h in r[1:]]) for r in rings])
    unit = archive.unit("RU-KRS").geometry.iloc[0]
    assert drawn.symmetric_difference(unit).area < 0.01 * unit.area


def test_a_region_that_no_unit_has_is_a_circle(archive: Archive) -> None:
    incident(archive, where_coordinates="Nowhere", adm_1="No such region", where_prec=4)
    incident(archive, where_coordinates="Near", where_prec=2)
    archive.close()
    spots = data_of(draw_map(archive, "2025-01-11").get_root().render())["incidents"]
    assert {s["title"].split(":")[0]: (s["kind"], s["radius"]) for s in spots if s["title"][0] == "N"} == {
        "Nowhere": ("circle", 100_000), "Near": ("circle", 25_000),
    }  # fmt: skip


def test_the_front_line_is_the_archives_and_says_what_its_length_rests_on(archive: Archive) -> None:
    text = draw_map(archive, "2025-01-11").get_root().render()
    front = archive.front("2025-01-11", inset_km=5.0)
    lines = shapely.multilinestrings([shapely.LineString(decode(line)) for line in data_of(text)["front"]["lines"]])
    assert shapely.hausdorff_distance(lines, front.lines) < 1 / SCALE
    assert f"5 km or more inside border and coast; {front.length_km:,.0f} km as drawn (tolerance 0 km)" in text
    plain = draw_map(archive, "2025-01-11", with_front=False).get_root().render()
    assert "Front line" not in plain
    assert data_of(plain)["front"] is None


def test_every_page_credits_what_it_is_made_of(archive: Archive) -> None:
    with archive.store.writing() as connection:
        archive.store.add_source(
            connection, Source("desk", "The Desk", "https://desk.example", "CC BY 4.0", "The Desk's mappers")
        )
    archive.close()
    text = html.unescape(draw_map(archive, "2025-01-11").get_root().render())
    for credit in (
        "The Desk's mappers",
        "CC BY 4.0",
        "https://desk.example",
        "Leaflet 1.9.3",
        "BSD-2-Clause",
        "WGS 84",
    ):
        assert credit in text


def test_a_map_a_day(archive: Archive, tmp_path: Path) -> None:
    pages = list(draw_maps(archive, tmp_path / "maps"))
    archive.close()
    two = list(draw_maps(archive, tmp_path / "two", workers=2))
    assert [p.read_bytes() for p in two] == [p.read_bytes() for p in pages]
    assert [p.name for p in pages] == ["2025-01-10.html", "2025-01-11.html"]
    with pytest.raises(MapError, match="there are 2025-01-10 to 2025-01-11"):
        list(draw_maps(archive, tmp_path, from_="2025-02-01", to="2025-02-03"))


def test_a_unit_can_be_shown(archive: Archive) -> None:
    west, _, east, _ = gather(archive, "2025-01-11", within="RU-KRS", view="unit").bounds
    assert west < 34.3 < 38.4 < east


def test_a_map_opens_on_what_changed_else_on_the_front_or_held_ground(archive: Archive) -> None:
    """X loses 35.4 to 35.6° E on the 11th; Y holds 34 to 35° E all the time."""
    moved = gather(archive, "2025-01-11", since="2025-01-10").bounds
    assert 35.2 < moved[0] < 35.4 < 35.6 < moved[2] < 35.8
    assert (35.6 - 35.4) / (moved[2] - moved[0]) > 0.4
    assert gather(archive, "2025-01-11", since="2025-01-10", view="changes").bounds == moved
    still = gather(archive, "2025-01-11", since="2025-01-11").bounds  # nothing changed
    assert still == gather(archive, "2025-01-11", view="ground").bounds
    assert still[0] < 35 < still[2]
    held = gather(archive, "2025-01-11", within="RU-BEL", with_front=False).bounds  # some of X's ground
    assert 34.9 < held[0] < 35.6
    assert gather(archive, "2025-01-11", view="all").bounds[0] < 34
    assert gather(archive, "2025-01-11", view=(34.1, 50.2, 34.5, 50.6)).bounds == (34.1, 50.2, 34.5, 50.6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"view": "changes"}, "give since"),
        ({"view": "unit"}, "say which"),
        ({"view": "nearby"}, "is unknown"),
        ({"view": (1.0, 2.0, 3.0)}, "west, south, east, north"),
        ({"view": (36.0, 50.0, 35.0, 51.0)}, "west before east"),
    ],
)
def test_a_view_that_there_is_not_is_refused(archive: Archive, options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        gather(archive, "2025-01-11", **options)


def test_a_view_is_not_widened_for_slight_changes_far_off() -> None:
    near, far = box(35, 50, 35.5, 50.5), box(40, 47, 40.01, 47.01)
    pieces = map_content._pieces(gpd.GeoDataFrame(geometry=[near, far], crs=4326), None, 0.005)
    assert shapely.union_all(pieces).equals(near)
    assert len(map_content._pieces(gpd.GeoDataFrame(geometry=[near, far], crs=4326), None, 0.0)) == 2


def test_the_figures_of_a_unit_are_the_units(archive: Archive) -> None:
    whole = archive.area("2025-01-11", controller="Y")["area_km2"].sum()
    inside = archive.area("2025-01-11", controller="Y", within="UA-59")["area_km2"].sum()
    assert 0 < inside < 0.99 * whole
    text = draw_map(archive, "2025-01-11", within="UA-59", since="2025-01-10").get_root().render()
    assert f"<td>{inside:,.0f}</td>" in text or f"<td>{inside:,.1f}</td>" in text
    assert f"<td>{whole:,.0f}</td>" not in text
    assert "Sumy region on 11 January 2025" in text


def test_the_ground_is_drawn_beyond_what_the_map_can_show(archive: Archive) -> None:
    found = data_of(draw_map(archive, "2025-01-11").get_root().render())
    for corner, sign in ((0, 1), (1, -1)):
        for axis in (0, 1):
            assert sign * (found["limits"][corner][axis] - found["reach"][corner][axis]) > 0
    lines = [np.cumsum(np.array(line).reshape(-1, 2), axis=0) / found["line_scale"] for line in found["units"]]
    assert max(line[:, 0].max() for line in lines) > found["limits"][1][1]


def test_what_cannot_be_drawn_says_so(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lang='xx'"):
        draw_map(archive, "2025-01-11", lang="xx")
    with pytest.raises(UsageError, match="#rrggbb"):
        draw_map(archive, "2025-01-11", colours={"X": "red' onload='x"})
    for tiles in ("https://x.example/{z}/{x}/{y}.png", folium.TileLayer("https://a;b c/{z}", attr="x")):
        with pytest.raises(MapError, match="tiles"):
            draw_map(archive, "2025-01-11", tiles=tiles)
    for snapshot in archive.reader.snapshots()["snapshot"]:
        archive.retract(snapshot, why="test")
    with pytest.raises(MapError, match="every one was retracted"):
        list(draw_maps(archive, tmp_path))


def test_several_sources_must_be_named(archive: Archive) -> None:
    put(archive, DAY, state(("X", "held", "n", box(0, 0, 1, 1))), source="other")
    with pytest.raises(SourceError, match="desk, other"):
        draw_map(archive, "2025-01-11")


def hostile_archive(path: Path) -> Archive:
    """An archive in which every text from outside is hostile."""
    opened = open_archive(path)
    ensure_units(opened)
    rows = [(text, "held", text, box(34 + i / 20, 51, 34.04 + i / 20, 51.2)) for i, text in enumerate(HOSTILE)]
    put(opened, DAY, state(*rows))
    with opened.store.writing() as connection:
        joined = " ".join(HOSTILE)
        opened.store.add_source(connection, Source("desk", joined, joined, joined, joined))
    fields = ("where_coordinates", "event_type", "notes", "source", "claimed_by", "verification", "adm_1", "country")
    incidents(
        opened, [{"lon": 34 + i / 20, "lat": 51.3, **dict.fromkeys(fields, text)} for i, text in enumerate(HOSTILE)]
    )
    opened.close()
    return opened


def test_hostile_text_neither_runs_nor_stops_the_build(tmp_path: Path) -> None:
    MARKER.unlink(missing_ok=True)
    page = draw_map(hostile_archive(tmp_path / "a.gpkg"), "2025-01-11", title=" ".join(HOSTILE))
    assert isinstance(page, ControlMap)
    text = page.get_root().render()
    save_map(page, tmp_path / "a.html")
    assert not MARKER.exists()
    found = json.dumps(data_of(text), ensure_ascii=False)
    for hostile in HOSTILE:
        assert json.dumps(hostile, ensure_ascii=False)[1:-1] in found
    assert text.count("<script") == 4  # Leaflet, the data, the map's own line, our script


def test_the_still_shows_every_class_and_change(archive: Archive) -> None:
    text = draw_map(archive, "2025-01-11", since="2025-01-10", view="all").get_root().render()
    still = text.split('<figure class="still">')[1].split("</figure>")[0]
    paths = re.findall(r'<path (?:class="even|fill="url)[^>]* d="([^"]*)"', still)
    assert len(paths) == 5  # X and Y held, contested, claimed, lost by X
    assert all(p.startswith("M") and p.endswith("Z") for p in paths)


def test_a_map_asks_each_question_once_and_is_drawn_without_its_archive(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("control", "area", "change", "changed", "incidents", "front", "unit", "units", "controllers"):
        plain = getattr(Archive, name)

        def counted(self: Archive, *args: Any, plain: Any = plain, name: str = name, **given: Any) -> Any:
            asked.append(name)
            return plain(self, *args, **given)

        monkeypatch.setattr(Archive, name, counted)
    content = gather(archive, "2025-01-11", since="2025-01-10", within="RU-KRS", draw_basemap=False)
    # the area is that of both dates; the borders of a view are kept for all maps that share it
    assert Counter(asked) == Counter(dict.fromkeys(asked, 1)) + Counter(["area", "units"])
    archive.path.unlink()
    page = ControlMap(content).page.render()
    assert content.title in page
    assert len(asked) == 11
