"""Dated maps in a real browser with the network refused: the right picture, no request, no error, nothing run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import folium
import pytest
from browsing import Seen, browser, colours_at, map_name, served
from hostile_texts import HOSTILE, unturned
from test_maps import archive, hostile_archive, incident

from geo.archive import Archive
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.timeline_page import draw_timeline

__all__ = ["archive", "browser"]


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """The page of the archive as every test finds it, once it is drawn."""
    return {}


@pytest.fixture
def page_file(archive: Archive, drawn: dict[str, str], tmp_path: Path) -> Path:
    if not drawn:
        page = draw_map(archive, "2025-01-11", since="2025-01-10", view="all")
        drawn["text"] = save_map(page, tmp_path / "2025-01-11.html").read_text(encoding="utf-8")
    path = tmp_path / "2025-01-11.html"
    path.write_text(drawn["text"], encoding="utf-8")
    return path


def test_a_page_from_a_file_needs_nothing_and_shows_the_ground(browser: Any, archive: Archive, page_file: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    seen = Seen(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    assert seen.requests == [page_file.as_uri()]
    assert seen.errors == []
    first, second, grey = colours_at(page, (51.15, 35.1), (50.5, 34.5), (50.5, 35.5))
    x, y = (tuple(bytes.fromhex(side.removeprefix("#"))) for side in archive.sides()["colour"])
    assert math.dist(first, x) < math.dist(first, y)
    assert math.dist(second, y) < math.dist(second, x)
    assert max(grey) - min(grey) < 25  # nobody's ground
    seen.close()


def test_layers_can_be_switched_and_incidents_opened_by_keyboard(browser: Any, page_file: Path) -> None:
    seen = Seen(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    before = page.locator(".leaflet-pane path.leaflet-interactive").count()
    page.get_by_label("Changes").focus()
    page.keyboard.press("Space")
    assert page.locator(".leaflet-pane path.leaflet-interactive").count() < before
    page.get_by_role("button", name="Sudzha: Battles").focus()
    page.keyboard.press("Enter")
    assert "1 (0 to 3)" in page.locator(".leaflet-popup-content").inner_text()
    assert seen.errors == []
    seen.close()


def test_what_is_far_can_be_found_and_the_focus_comes_back(browser: Any, archive: Archive, tmp_path: Path) -> None:
    incident(archive, lon=34.68, lat=51.57, where_coordinates="Rylsk", event_type="Explosions/Remote violence")
    archive.close()
    view = (35.2, 51.1, 35.4, 51.2)
    path = save_map(draw_map(archive, "2025-01-11", within="RU-KRS", view=view), tmp_path / "far.html")
    seen = Seen(browser, path.as_uri(), offline=True)
    page = seen.ready()
    name = map_name(page)
    sees = f"() => window['{name}'].getBounds().contains([51.57, 34.68])"
    assert not page.evaluate(sees)
    page.get_by_role("button", name="Show all").click()
    assert page.evaluate(sees)
    page.get_by_role("button", name="First view").click()
    assert not page.evaluate(sees)
    button = page.get_by_role("button", name="Rylsk: Explosions/Remote violence")
    button.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(sees)
    assert page.evaluate("document.activeElement.classList.contains('leaflet-popup')")
    page.keyboard.press("Escape")
    page.locator(".leaflet-popup-content").wait_for(state="detached")
    assert button.evaluate("e => e === document.activeElement")
    assert page.evaluate(f"() => {{ const m = window['{name}']; m.setZoom(0); return m.getZoom(); }}") > 3
    assert seen.errors == []
    seen.close()


def test_a_pin_of_the_users_is_drawn_without_any_file(browser: Any, archive: Archive, tmp_path: Path) -> None:
    page_map = draw_map(archive, "2025-01-11")
    folium.Marker([51.2, 35.3]).add_to(page_map)
    group = folium.FeatureGroup("mine").add_to(page_map)
    folium.CircleMarker([51.2, 35.3], tooltip="mine").add_to(group)
    folium.LayerControl().add_to(page_map)
    path = save_map(page_map, tmp_path / "pin.html")
    seen = Seen(browser, path.as_uri(), offline=True)
    page = seen.ready()
    assert page.evaluate("document.querySelector('.leaflet-marker-icon').naturalWidth") > 10
    assert seen.requests == [path.as_uri()]
    assert seen.errors == []
    seen.close()


def test_both_themes_and_a_phone(browser: Any, page_file: Path) -> None:
    for scheme in ("light", "dark"):
        seen = Seen(browser, page_file.as_uri(), offline=True, color_scheme=scheme)
        page = seen.ready()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        seen.close()


def test_a_phone_at_twice_the_text_cuts_off_no_figure(browser: Any, archive: Archive, page_file: Path) -> None:
    for path in (page_file, save_map(draw_timeline(archive), page_file.with_name("timeline.html"))):
        seen = Seen(browser, path.as_uri(), offline=True, viewport={"width": 390, "height": 844})
        page = seen.ready()
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if path == page_file:
            ends = page.evaluate(
                "Array.from(document.querySelectorAll('td'), cell => cell.getBoundingClientRect().right)"
            )
            assert len(ends) >= 8
            assert max(ends) <= 390
            # a class stands on a line or two, not one letter under the other
            tall = page.evaluate("Math.max(...Array.from(document.querySelectorAll('tbody th'), h => h.offsetHeight))")
            assert tall < 130
        seen.close()


def test_without_scripts_the_picture_and_the_table_are_there(browser: Any, page_file: Path) -> None:
    seen = Seen(browser, page_file.as_uri(), java_script_enabled=False)
    assert seen.page.locator(".still svg").is_visible()
    assert not seen.page.locator(".live").is_visible()
    assert seen.page.locator("table tbody tr").count() >= 3
    seen.close()


def test_print_shows_the_still_on_one_sheet(browser: Any, page_file: Path) -> None:
    seen = Seen(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    page.emulate_media(media="print")
    assert page.locator(".still svg").is_visible()
    assert not page.locator(".live").is_visible()
    for size in ("A4", "Letter"):
        assert page.pdf(format=size).count(b"/Type /Page\n") == 1
    seen.close()


def test_over_http_in_a_sandboxed_frame(browser: Any, page_file: Path) -> None:
    (page_file.parent / "host.html").write_text(
        '<iframe src="2025-01-11.html" sandbox="allow-scripts" title="map" width="900" height="700"></iframe>'
    )
    with served(page_file.parent) as address:
        seen = Seen(browser, f"{address}/host.html")
        frame = seen.page.frame_locator("iframe")
        frame.locator("html[data-ready=yes]").wait_for(timeout=15_000)
        assert " holds " in frame.locator("h1").inner_text()
        assert {r for r in seen.requests if "favicon" not in r} == {
            f"{address}/host.html",
            f"{address}/2025-01-11.html",
        }
        seen.close()


def test_hostile_text_is_shown_and_never_run(browser: Any, tmp_path: Path) -> None:
    made = hostile_archive(tmp_path / "a.gpkg")
    path = save_map(draw_map(made, "2025-01-11", title=" ".join(HOSTILE)), tmp_path / "a.html")
    seen = Seen(browser, path.as_uri(), offline=True)
    page = seen.ready()
    assert seen.requests == [path.as_uri()]
    assert seen.errors == []
    popups = page.evaluate("""() => [...document.querySelectorAll(".incidents button")].map(button => {
        button.click();
        const open = [...document.querySelectorAll(".leaflet-popup-content")].pop();
        return [...open.querySelectorAll("h3, dd")].map(part => part.textContent);
    })""")
    assert len(popups) == len(HOSTILE)
    for text, told in zip(HOSTILE, popups, strict=True):
        # text that arrives whole, wherever it stands; only white space may be drawn otherwise
        assert f"{text}: {text}" in told
        assert told.count(text) >= 4
    legend = unturned(page.locator(".legend").evaluate("e => e.textContent"))
    for text in HOSTILE:
        assert f"Held by {unturned(text)}" in legend
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert seen.errors == []
    seen.close()
