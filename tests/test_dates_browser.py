"""Two dates in a real browser with the network refused: each half has its date, by pointer, finger, key and link."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from browsing import Seen, browser, colour_at, colours_at, map_name, until
from test_dates_page import FIRST, LAST, archive

from geo.archive import Archive
from geo.output.html.map_page import save_map
from geo.output.html.two_dates_page import draw_dates

__all__ = ["archive", "browser"]

# X's ground: held before alone, on both dates, and after alone; one view for all
LEFT, BOTH, RIGHT = (51.1, 34.9), (51.1, 35.2), (51.1, 35.6)
VIEW = "/9.5/51.1/35.3"


@pytest.fixture(scope="module")
def page_file(archive: Archive) -> Path:
    return save_map(draw_dates(archive, FIRST, LAST), archive.path.with_name("d.html"))


class Swipe(Seen):
    """A page of two dates, and where its divider stands."""

    def ready(self) -> Any:
        self.page.wait_for_selector("html[data-dates=yes]", timeout=15_000)
        return self.page

    def said(self) -> str:
        return str(self.page.get_attribute("#slider", "aria-valuetext"))

    def line(self) -> float:
        """Where the line stands, in pixels of the window."""
        box = self.page.locator("#divider").bounding_box()
        return float(box["x"] + box["width"] / 2)


def is_red(colour: tuple[int, int, int]) -> bool:
    return colour[0] > colour[2] + 40


def is_yellow(colour: tuple[int, int, int]) -> bool:
    return min(colour[0], colour[1]) > colour[2] + 40


def is_land(colour: tuple[int, int, int]) -> bool:
    return max(colour) - min(colour) < 25


@pytest.mark.parametrize("width", [1200, 390])
def test_no_button_of_the_map_lies_under_a_date(browser: Any, page_file: Path, width: int) -> None:
    seen = Swipe(browser, page_file.as_uri(), offline=True)
    seen.page.set_viewport_size({"width": width, "height": 844})
    page = seen.ready()
    dates, buttons = (
        page.locator(which).evaluate_all("l => l.map(e => e.getBoundingClientRect().toJSON())")
        for which in (".half", ".leaflet-bar, .find")
    )
    assert len(dates) == 2
    assert len(buttons) == 3  # zoom, the whole screen, the search
    for one, other in product(dates, buttons):
        across = one["left"] < other["right"] and other["left"] < one["right"]
        assert not (across and one["top"] < other["bottom"] and other["top"] < one["bottom"])
    seen.close()


def test_each_half_has_its_date_and_the_divider_moves_them(browser: Any, page_file: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    seen = Swipe(browser, page_file.as_uri() + "#0" + VIEW, offline=True)
    page = seen.ready()
    for side in ("Gained", "Lost"):  # what changed lies solid over both halves
        page.get_by_label(f"{side} by X since 1 January 2025").uncheck()
    assert seen.said() == "11 January 2025 alone"
    left, both, right = colours_at(page, LEFT, BOTH, RIGHT)
    assert [is_yellow(left), is_red(both), is_red(right)] == [True] * 3
    page.evaluate(f"location.hash = '#100{VIEW}'")
    until(page, "document.getElementById('slider').value === '100'")
    assert seen.said() == "1 January 2025 alone"
    left, both, right = colours_at(page, LEFT, BOTH, RIGHT)
    assert is_red(left)
    assert is_red(both)
    assert is_land(right)
    # half and half: the line runs between both places, and each has the colour of its side
    page.evaluate(f"location.hash = '#50{VIEW}'")
    until(page, "document.getElementById('slider').value === '50'")
    assert all(map(is_red, colours_at(page, LEFT, RIGHT)))
    assert seen.said() == "left 50 percent 1 January 2025, right 50 percent 11 January 2025"
    assert seen.requests == [page_file.as_uri()]
    assert seen.errors == []
    seen.close()


def test_by_keyboard_pointer_and_finger(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri() + "#50" + VIEW, offline=True, has_touch=True)
    page = seen.ready()
    page.locator("#slider").focus()
    start = seen.line()
    for key, value in (("ArrowRight", 52), ("ArrowLeft", 50), ("PageUp", 60), ("Home", 0), ("End", 100)):
        page.keyboard.press(key)
        assert float(page.input_value("#slider")) == value
    assert seen.said() == "1 January 2025 alone"
    page.evaluate(f"location.hash = '#50.0{VIEW}'")
    until(page, "document.getElementById('slider').value === '50'")
    map_box = page.locator(".folium-map").bounding_box()
    # the thumb, by mouse
    thumb = page.locator("#slider").bounding_box()
    middle = thumb["y"] + thumb["height"] / 2
    page.mouse.move(start, middle)
    page.mouse.down()
    page.mouse.move(start - 150, middle, steps=4)
    page.mouse.up()
    assert seen.line() == pytest.approx(start - 150, abs=4)
    # the line anywhere else
    page.mouse.move(start - 150, map_box["y"] + 80)
    page.mouse.down()
    page.mouse.move(start + 90, map_box["y"] + 90, steps=4)
    page.mouse.up()
    page.mouse.move(start, map_box["y"] + 90)
    assert seen.line() == pytest.approx(start + 90, abs=4)
    # a finger
    client = seen.context.new_cdp_session(page)
    for kind, x in (
        ("touchStart", start + 90),
        ("touchMove", start + 50),
        ("touchMove", start - 60),
        ("touchEnd", None),
    ):
        points = [] if x is None else [{"x": x, "y": middle}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    until(page, "Number(document.getElementById('slider').value) < 48")
    assert seen.line() == pytest.approx(start - 60, abs=6)
    # and the map under it can still be moved, by which the halves stay where they are on the screen
    where = seen.line()
    page.mouse.move(map_box["x"] + 60, map_box["y"] + 120)
    page.mouse.down()
    page.mouse.move(map_box["x"] + 130, map_box["y"] + 160, steps=4)
    page.mouse.up()
    assert seen.line() == where
    page.locator("#link:not([href*='/35.3'])").wait_for(timeout=3000)
    assert seen.errors == []
    seen.close()


def test_gained_and_lost_ground_are_layers_of_their_own(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri() + "#100" + VIEW, offline=True)
    page = seen.ready()
    gained = page.get_by_label("Gained by X since 1 January 2025")
    lost = page.get_by_label("Lost by X since 1 January 2025")
    assert gained.is_checked()  # what changed is what the page is about
    assert lost.is_checked()
    right, changed = colours_at(page, RIGHT, LEFT)
    assert is_red(right)
    lost.uncheck()
    assert colour_at(page, *LEFT) != changed
    gained.uncheck()
    assert is_land(colour_at(page, *RIGHT))
    assert seen.errors == []
    seen.close()


def test_links_keep_the_divider_and_the_view(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    assert re.fullmatch(r"#\d+", page.get_attribute("#link", "href"))
    page.locator("#slider").focus()
    page.keyboard.press("Home")
    page.locator("#link[href='#0']").wait_for(timeout=15000)
    assert page.url.endswith("#0")
    page.get_by_role("button", name="Zoom in").click()
    page.locator("#link[href^='#0/']").wait_for(timeout=15000)
    page.wait_for_timeout(600)  # the map glides to its new zoom, and the link follows
    link = page.get_attribute("#link", "href")
    again = Swipe(browser, page_file.as_uri() + link, offline=True)
    other = again.ready()
    # half a pixel: a map of an odd height has its middle between two
    views = [
        [float(n) for n in href.removeprefix("#").split("/")] for href in (link, other.get_attribute("#link", "href"))
    ]
    assert views[1] == pytest.approx(views[0], abs=0.001)
    assert again.said() == "11 January 2025 alone"
    again.close()
    page.get_by_role("button", name="What changed").click()
    page.locator(f"#link:not([href='{link}'])").wait_for(timeout=15000)
    for nonsense in ("#<b>", "#101", "#50/99/999/999", "#50/9", "#%E0%A4%A"):
        page.goto("about:blank")
        page.goto(page_file.as_uri() + nonsense)
        seen.ready()
        assert "percent 1 January 2025" in seen.said()
    assert seen.errors == []
    assert again.errors == []
    seen.close()


def test_a_settlement_is_shown_on_the_map(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    page.locator("#places button").first.click()
    name = map_name(page)
    at = page.evaluate("JSON.parse(document.getElementById('geo-data').textContent).dates.places[0]")
    centre = page.evaluate(f"(() => {{ const c = window['{name}'].getCenter(); return [c.lat, c.lng]; }})()")
    assert centre == pytest.approx(at, abs=0.01)
    assert page.locator(".leaflet-marked-pane path").count() == 1
    assert seen.errors == []
    seen.close()


def test_in_a_sandboxed_frame_on_a_phone_and_in_both_themes(browser: Any, page_file: Path) -> None:
    host = page_file.with_name("host.html")
    host.write_text(
        f'<iframe src="{page_file.name}#30" sandbox="allow-scripts" title="t" width="380" height="800"></iframe>'
    )
    for scheme in ("light", "dark"):
        seen = Swipe(browser, host.as_uri(), offline=True, color_scheme=scheme)
        frame = seen.page.frame_locator("iframe")
        frame.locator("html[data-dates=yes]").wait_for(timeout=15_000)
        assert frame.locator("#slider").input_value() == "30"
        frame.locator("#slider").press("ArrowRight")
        frame.locator("#link[href='#32']").wait_for(timeout=3000)
        assert frame.locator("html").evaluate("e => e.scrollWidth") <= 380
        halves = [frame.locator(f"#half-{i}").bounding_box() for i in (0, 1)]
        assert halves[0]["x"] + halves[0]["width"] < halves[1]["x"]
        dark = frame.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        assert seen.errors == []
        seen.close()


def test_a_name_is_there_where_its_half_has_room_for_it(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri() + "#50", offline=True)
    page = seen.ready()
    assert page.inner_text("#half-0") == "1 January 2025"
    assert page.inner_text("#half-1") == "11 January 2025 snapshot 2 days older"
    page.locator("#slider").focus()
    page.keyboard.press("Home")
    assert [page.locator(f"#half-{i}").is_visible() for i in (0, 1)] == [False, True]
    page.keyboard.press("End")
    assert [page.locator(f"#half-{i}").is_visible() for i in (0, 1)] == [True, False]
    seen.close()


def test_on_a_phone_both_halves_have_their_dates(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri() + "#42", offline=True, viewport={"width": 360, "height": 780})
    page = seen.ready()
    # the longest of English dates
    page.evaluate("document.querySelector('#half-0 strong').textContent = '30 September 2024'")
    page.locator("#slider").press("ArrowRight")
    assert [page.locator(f"#half-{i}").is_visible() for i in (0, 1)] == [True, True]
    assert page.locator("#half-0").bounding_box()["x"] >= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    seen.close()


def test_without_scripts_and_on_paper_there_are_two_pictures_and_the_tables(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, page_file.as_uri(), java_script_enabled=False)
    pictures = seen.page.locator(".still svg")
    assert [pictures.nth(i).is_visible() for i in range(pictures.count())] == [True, True]
    assert not seen.page.locator("#slider").is_visible()
    assert seen.page.locator(".switches input").first.is_hidden()
    captions = seen.page.locator("figcaption").all_inner_texts()
    assert [c.partition(".")[0] for c in captions] == [
        "1 January 2025", "11 January 2025, with the ground gained and lost since 1 January 2025"
    ]  # fmt: skip
    assert seen.page.locator("aside table").count() == 3
    seen.close()
    seen = Swipe(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    for size in ("A4", "Letter"):
        assert page.pdf(format=size).count(b"/Type /Page\n") == 2
    page.emulate_media(media="print")
    assert not page.locator("#slider").is_visible()
    assert page.locator(".still svg").first.is_visible()
    assert seen.errors == []
    seen.close()


def test_a_browser_that_cannot_unpack_shows_both_pictures(browser: Any, page_file: Path) -> None:
    seen = Swipe(browser, "about:blank", offline=True)
    seen.page.add_init_script("delete window.DecompressionStream")
    seen.page.goto(page_file.as_uri())
    seen.page.get_by_role("status").wait_for(timeout=5000)
    pictures = seen.page.locator(".still svg")
    assert [pictures.nth(i).is_visible() for i in range(pictures.count())] == [True, True]
    assert not seen.page.locator("#slider").is_visible()
    assert seen.page.locator(".switches input").first.is_hidden()
    assert seen.errors == []
    seen.close()
