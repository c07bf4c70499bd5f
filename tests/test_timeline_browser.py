"""The timeline in a real browser with the network refused: dates, figures, change, keys, links, print, no scripts."""

from __future__ import annotations

import base64
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from browsing import Seen, browser, colour_at, colours_at, map_name, until
from shapely.geometry import Point, Polygon, box
from test_archive import put, state
from test_maps import data_of
from timeline_decoder import drawn_km2, unpack

from geo.archive import Archive, open_archive
from geo.errors import MapError, UnitError
from geo.importing.importer import ensure_units
from geo.output.html.map_page import PageMap, save_map
from geo.output.html.timeline_page import draw_timeline
from geo.schema import Source

__all__ = ["browser"]

DAY = datetime(2025, 1, 1, tzinfo=UTC)
# 12 dates, one missing (5 January); X's ground moves by pieces that cross and leave holes
DAYS = [d for d in range(13) if d != 4]


def ground(day: int) -> shapely.Geometry:
    """A blob whose edge crosses that of every other date, with a hole, and another part that comes and goes."""
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    radius = 0.5 + 0.08 * np.sin(3 * angle + day) + 0.01 * day
    whole = Polygon(np.column_stack([35 + 1.4 * radius * np.cos(angle), 51 + radius * np.sin(angle)]))
    whole = whole.difference(Point(35 + 0.02 * day, 51).buffer(0.1))
    return whole.union(box(36.1, 51.2, 36.3, 51.35)) if day % 3 else whole


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    opened = open_archive(tmp_path_factory.mktemp("series") / "a.gpkg")
    ensure_units(opened)
    for day in DAYS:
        put(opened, DAY + timedelta(days=day), state(
            ("X", "held", "n", ground(day)), ("Y", "held", "n", box(33.5, 50, 34.2, 50.6)),
            (None, "contested", "n", box(34.2, 50, 34.5 + day / 50, 50.3)),
        ))  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.add_source(connection, Source("desk", "The Desk", "https://desk.example", "CC BY 4.0", "Mappers"))
    for side, colour in (("X", "#b2182b"), ("Y", "#2166ac")):
        opened.name_side(side, colour=colour)
    opened.close()
    return opened


@pytest.fixture(scope="module")
def page_made(made: Archive) -> Path:
    return save_map(draw_timeline(made), made.path.with_name("t.html"))


@pytest.fixture
def series(made: Archive, tmp_path: Path) -> Archive:
    return open_archive(shutil.copy(made.path, tmp_path / "a.gpkg"))


@pytest.fixture
def page_file(page_made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(page_made, tmp_path))


class Timeline(Seen):
    """A timeline page, and what it says."""

    def ready(self) -> Any:
        self.page.wait_for_selector("html[data-film=yes]", timeout=15_000)
        return self.page

    def date(self) -> str:
        return str(self.page.inner_text("#now-date"))

    def figures(self, label: str) -> list[str]:
        row = self.page.locator("aside tbody tr", has=self.page.locator("th", has_text=re.compile(f"^{label}$")))
        return list(row.locator("td").all_inner_texts())

    def settled(self, text: str) -> None:
        self.page.locator("#link[href*='" + text + "']").wait_for(timeout=5000)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").replace("+", ""))


def near(km2: float) -> Any:
    """A figure as it is printed: whole from 1,000 km² on, tenths below; and what rounding may do to a boundary."""
    return pytest.approx(km2, abs=0.51 if abs(km2) > 999 else 0.06)


def test_dates_figures_and_keys(browser: Any, series: Archive, page_file: Path) -> None:
    seen = Timeline(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    assert seen.date() == "13 January 2025"
    table = series.series(controller="X", status="held").set_index("date")
    page.locator("#slider").focus()
    for key, day in (
        ("Home", 1),
        ("ArrowRight", 2),
        ("End", 13),
        ("ArrowLeft", 12),
        ("ArrowUp", 13),
        ("ArrowDown", 12),
    ):
        page.keyboard.press(key)
        row = table.loc[f"2025-01-{day:02d}"]
        assert seen.date() == f"{day} January 2025"
        assert f"{day} January 2025, " in page.get_attribute("#slider", "aria-valuetext")
        told = seen.figures("Held by X")
        assert number(told[0]) == near(row["area_km2"])
        if day > 1:
            assert number(told[1]) == near(row["gained_km2"])
            assert number(told[2]) == near(row["lost_km2"])
    page.get_by_label("Go to").fill("2025-01-05")  # a day without a snapshot: what stood then
    assert seen.date() == "4 January 2025"
    page.get_by_role("button", name="Date before").click()
    assert seen.date() == "3 January 2025"
    page.locator("#spoken", has_text="3 January 2025").wait_for(state="attached", timeout=3000)
    assert "Held by X: " in page.locator("#spoken").text_content()
    page.locator("h1").click()
    page.locator("#speed").select_option("60")
    page.locator("#speed").evaluate("e => e.blur()")
    page.keyboard.press("Space")
    page.locator("#now-date", has_text="13 January 2025").wait_for(timeout=5000)
    page.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert seen.requests == [page_file.as_uri()]
    assert seen.errors == []
    seen.close()


@pytest.mark.parametrize(("since", "to"), [(1, 13), (2, 7), (4, 6), (9, 10)])
def test_change_since_any_date_agrees_with_the_archive(
    browser: Any, series: Archive, page_file: Path, since: int, to: int
) -> None:
    first, last = f"2025-01-{since:02d}", f"2025-01-{to:02d}"
    seen = Timeline(browser, f"{page_file.as_uri()}#{first}..{last}", offline=True)
    page = seen.ready()
    seen.settled(f"{first}..{last}")
    moved = series.change(first, last, status="held").set_index("controller")
    for side in ("X", "Y"):
        told = seen.figures(f"Held by {side}")
        for text, column in zip(told[1:], ("gained_km2", "lost_km2", "net_km2"), strict=True):
            assert number(text) == near(moved.loc[side, column])
    contested = series.change(first, last, status="contested").iloc[0]
    assert number(seen.figures("Contested or unknown")[1]) == near(contested["gained_km2"])
    assert page.inner_text("#figures-since") == f"since {since} January 2025"
    assert seen.errors == []
    seen.close()


def test_the_ground_is_drawn_where_it_is(browser: Any, page_file: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    seen = Timeline(browser, page_file.as_uri() + "#2025-01-02/7.75/50.9/35", offline=True)
    page = seen.ready()
    red, hole, blue, apart = colours_at(page, (51.0, 34.7), (51.0, 35.02), (50.3, 33.9), (51.28, 36.2))
    assert red[0] > red[2] + 40
    assert max(hole) - min(hole) < 25
    assert blue[2] > blue[0] + 40
    assert apart[0] > apart[2] + 40
    page.keyboard.press("Home")
    gone = colour_at(page, 51.28, 36.2)
    assert max(gone) - min(gone) < 25
    page.get_by_label("Held by X", exact=True).uncheck()
    off = colour_at(page, 51.0, 34.7)
    assert max(off) - min(off) < 25
    assert seen.errors == []
    seen.close()


def test_links_to_a_date_a_change_and_a_view(browser: Any, page_file: Path) -> None:
    seen = Timeline(browser, page_file.as_uri() + "#2025-01-03", offline=True)
    page = seen.ready()
    assert seen.date() == "3 January 2025"
    page.evaluate("location.hash = '#2025-01-02..2025-01-09/9/51/35'")
    page.locator("#now-date", has_text="9 January 2025").wait_for(timeout=3000)
    assert page.locator("#since").input_value() == "date"
    assert page.locator("#since-day").input_value() == "2025-01-02"
    name = map_name(page)
    assert page.evaluate(f"window['{name}'].getZoom()") == 9
    page.keyboard.press("ArrowRight")
    seen.settled("2025-01-02..2025-01-10/9/")
    assert "#2025-01-02..2025-01-10/9/" in page.url
    for nonsense in ("#<b>", "#2025-99-99", "#..", "#%E0%A4%A"):
        page.goto("about:blank")
        page.goto(page_file.as_uri() + nonsense)
        seen.ready()
        assert seen.date() == "13 January 2025"
    assert seen.errors == []
    seen.close()


def test_in_a_sandboxed_frame_on_a_phone_and_in_both_themes(browser: Any, page_file: Path) -> None:
    host = page_file.with_name("host.html")
    host.write_text(
        f'<iframe src="{page_file.name}#2025-01-06" sandbox="allow-scripts" title="t" width="380" height="800">'
    )
    for scheme in ("light", "dark"):
        seen = Timeline(browser, host.as_uri(), offline=True, color_scheme=scheme)
        frame = seen.page.frame_locator("iframe")
        frame.locator("html[data-film=yes]").wait_for(timeout=15_000)
        assert frame.locator("#now-date").inner_text() == "6 January 2025"
        frame.get_by_role("button", name="Next date").click()
        assert frame.locator("#now-date").inner_text() == "7 January 2025"
        frame.locator("#link[href='#2025-01-07']").wait_for(timeout=3000)
        assert frame.locator("html").evaluate("e => e.scrollWidth") <= 380
        assert seen.errors == []
        seen.close()


def test_without_scripts_there_are_the_picture_and_every_date(browser: Any, series: Archive, page_file: Path) -> None:
    seen = Timeline(browser, page_file.as_uri(), java_script_enabled=False)
    assert seen.page.locator(".still svg").first.is_visible()
    assert not seen.page.locator("#player").is_visible()
    seen.page.locator("summary").click()
    rows = seen.page.locator(".dates tbody tr")
    assert rows.count() == len(DAYS)
    table = series.series(controller="X", status="held")
    cells = rows.last.locator("td").all_inner_texts()
    heads = seen.page.locator(".dates thead tr").first.locator("th").all_inner_texts()
    assert heads == ["Held by X", "Held by Y", "Contested or unknown"]
    assert [number(c) for c in cells[:3]] == pytest.approx(
        table.iloc[-1][["area_km2", "gained_km2", "lost_km2"]].tolist(), abs=0.51
    )
    seen.close()


def test_print_shows_the_chosen_date_on_one_sheet(browser: Any, page_file: Path) -> None:
    seen = Timeline(browser, page_file.as_uri() + "#2025-01-02..2025-01-03", offline=True)
    page = seen.ready()
    for size in ("A4", "Letter"):
        assert page.pdf(format=size).count(b"/Type /Page\n") == 1
    assert page.locator("#still-date").text_content() == "3 January 2025, and what changed since 2 January 2025"
    drawn = page.locator(".still path[data-look^=p]").evaluate_all("es => es.map(e => e.getAttribute('d'))")
    assert len(drawn) == 3
    assert all(d.startswith("M") and d.endswith("Z") for d in drawn)
    assert page.locator(".still .changed").count() == 4
    assert seen.errors == []
    seen.close()


def test_a_browser_that_cannot_unpack_shows_the_picture(browser: Any, page_file: Path) -> None:
    seen = Timeline(browser, "about:blank", offline=True)
    seen.page.add_init_script("delete window.DecompressionStream")
    seen.page.goto(page_file.as_uri())
    seen.page.wait_for_selector("html[data-film=no]", timeout=15_000)
    assert seen.page.locator(".still svg").first.is_visible()
    assert "Chrome 80" in seen.page.get_by_role("status").inner_text()
    seen.close()


def test_two_sources_on_one_page(browser: Any, series: Archive, tmp_path: Path) -> None:
    for day in (2, 5):
        put(
            series,
            DAY + timedelta(days=day, hours=12),
            state(("X", "held", "n", box(35, 51, 35.5, 51.4))),
            source="other",
        )
    page_map = draw_timeline(series, ["desk", "other"])
    assert isinstance(page_map, PageMap)
    path = save_map(page_map, tmp_path / "two.html")
    seen = Timeline(browser, path.as_uri() + "#2025-01-02", offline=True)
    page = seen.ready()
    assert seen.figures("other: Held by X") == ["–", "–", "–", "–"]
    page.keyboard.press("End")
    seen.settled("2025-01-13")
    expected = series.area("2025-01-13", source="other")["area_km2"].sum()
    assert number(seen.figures("other: Held by X")[0]) == near(expected)
    assert "other: 6 January 2025, 12:00 UTC, 7 days before" in page.inner_text("#figures-age")
    assert seen.errors == []
    seen.close()


def test_a_unit_and_a_status_alone(series: Archive) -> None:
    made = draw_timeline(series, within="UA-59", status="held")
    found = data_of(made.get_root().render())["film"]
    unpacked = unpack(base64.b64decode(found["bytes"]))
    drawn = drawn_km2(base64.b64decode(found["bytes"]))
    assert [t["label"] for t in found["tracks"]] == ["Held by Y", "Held by X"]  # as drawn: the legend's order, turned
    for track, km2, side in zip(unpacked.tracks, drawn, "YX", strict=True):
        told = series.series(controller=side, status="held", within="UA-59")["area_km2"].to_numpy()
        assert track.area == pytest.approx(told, abs=6e-4)
        assert km2 == pytest.approx(told, abs=0.01)
    assert "in Sumy region" in made.page.parts.title
    with pytest.raises(UnitError, match="no unit 'Atlantis'"):
        draw_timeline(series, within="Atlantis")


def test_a_page_says_its_source_and_what_cannot_be_drawn_says_so(series: Archive, page_file: Path) -> None:
    text = page_file.read_text(encoding="utf-8")
    assert "connect-src &#39;none&#39;" in text
    assert "Mappers, CC BY 4.0, https://desk.example" in text
    assert data_of(text)["film"]["sources"] == {}
    span = draw_timeline(series, from_="2025-01-02", to="2025-01-03", status="held").page.render()
    assert "2 dates with a snapshot" in span
    assert "Contested" not in span
    with pytest.raises(MapError, match="no snapshot of desk from 2026-01-01 to the end"):
        draw_timeline(series, from_="2026-01-01")


def test_nothing_changes_between_dates_that_are_not_comparable(browser: Any, tmp_path: Path) -> None:
    opened = open_archive(tmp_path / "parts.gpkg")
    ensure_units(opened)
    old, new = box(34, 50, 35, 51), box(36, 50, 37, 51)
    for part, day, shape in (("old", 0, old), ("new", 100, new), ("new", 102, new.buffer(0.2))):
        put(opened, DAY + timedelta(days=day), state(("X", "held", "n", shape)), part=part)
    file = save_map(draw_timeline(opened, draw_basemap=False), tmp_path / "t.html")
    seen = Seen(browser, file.as_uri() + "#2025-01-01..2025-04-13")
    page = seen.ready()

    def cells() -> dict[str, list[str]]:
        rows = page.locator("tr[data-row]").all()
        return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}

    found = cells()
    assert found["Held by X (old)"] == ["–"] * 4  # its last map is too old by then: it was not lost
    assert found["Held by X (new)"][1:] == ["–"] * 3  # it had no map on the earlier date: it was not gained
    page.evaluate("location.hash = '#2025-04-11..2025-04-13'")
    until(page, "document.querySelector('#figures-date').textContent.includes('13 April')")
    assert cells()["Held by X (new)"][1] not in ("–", "…")
    page.evaluate("location.hash = '#2025-01-01'")
    until(page, "document.querySelector('#figures-date').textContent.includes('1 January')")
    assert cells()["Held by X (new)"][0] == "–"
    assert cells()["Held by X (old)"][0] != "–"
    assert not seen.errors
    seen.close()


def test_a_click_says_who_held_the_point_and_when(browser: Any, series: Archive, page_file: Path) -> None:
    """Each run of dates on which the ground covers the point, by the source's own polygons."""
    seen = Timeline(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    at = [51.28, 36.2]  # the part that comes and goes
    page.evaluate("([name, at]) => window[name].setView(at, 8, { animate: false })", [map_name(page), at])
    spot = page.evaluate("([name, at]) => window[name].latLngToContainerPoint(at)", [map_name(page), at])
    box_of = page.locator(".folium-map").bounding_box()
    page.mouse.click(box_of["x"] + spot["x"], box_of["y"] + spot["y"])
    page.locator(".leaflet-popup-content dd").first.wait_for()
    there = [day for day in DAYS if ground(day).covers(Point(at[1], at[0]))]
    runs = [[day] for day in there if DAYS[DAYS.index(day) - 1] not in there]
    for run in runs:
        while DAYS.index(run[-1]) + 1 < len(DAYS) and DAYS[DAYS.index(run[-1]) + 1] in there:
            run.append(DAYS[DAYS.index(run[-1]) + 1])
    words = [f"{run[0] + 1} January 2025 to {run[-1] + 1} January 2025" for run in runs]
    assert page.locator(".leaflet-popup-content dd").all_inner_texts() == words
    assert len(words) > 2
    assert set(page.locator(".leaflet-popup-content dt").all_inner_texts()) == {"Held by X"}
    assert seen.errors == []


def test_a_place_is_found_by_its_name(browser: Any, page_file: Path) -> None:
    seen = Timeline(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    name = page.locator("#found-places option").first.get_attribute("value")
    at = next(p for p in data_of(page_file.read_text())["places"] if p[2] == name)
    page.locator(".find input").fill(name.upper())
    page.locator(".find input").dispatch_event("change")
    middle = page.evaluate("name => window[name].getCenter()", map_name(page))
    assert (middle["lat"], middle["lng"]) == pytest.approx((at[0], at[1]), abs=0.2)
    assert seen.errors == []


def test_the_bars_under_the_curve_are_the_changes_by_week(series: Archive, page_file: Path) -> None:
    """Of the class that the page opens with; the highest bar fills its half."""
    frame = series.series(controller="X", status="held", every="week")
    moved = frame[["gained_km2", "lost_km2"]].dropna()
    text = page_file.read_text()
    strip = text.split('<div class="moved">')[1].split("</div>")[0]
    heights = [float(h) for h in re.findall(r"h\d+v(-?[\d.]+)h", strip.split("</svg>")[0])]
    highest = max(moved.max())
    wanted = [-50 * v / highest for v in moved["gained_km2"]] + [50 * v / highest for v in moved["lost_km2"]]
    assert sorted(heights) == pytest.approx(sorted(v for v in wanted if abs(v) > 0), abs=0.06)
    assert f"by week, {highest:,.0f} km² at most" in strip or f"by week, {highest:,.1f} km² at most" in strip
