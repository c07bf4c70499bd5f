"""Incidents on dated maps in a real browser: gathered where they would hide each other, and narrowed down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import Seen, browser, until
from hostile_texts import HOSTILE
from test_maps import archive, incident

from geo.archive import Archive
from geo.output.html.map_page import draw_map, save_map

__all__ = ["archive", "browser"]

PINS = "path.leaflet-interactive"


@pytest.fixture
def crowd(archive: Archive, tmp_path: Path) -> Path:
    """Six strikes on one town, three on one spot; one known to a region; one protest far off; days and doubt differ."""
    spots = [(35.271, 51.191), (35.272, 51.192), (35.273, 51.193), *[(35.27, 51.195)] * 3]
    for n, (lon, lat) in enumerate(spots):
        incident(archive, lon=lon, lat=lat, where_coordinates=f"Town {n}", event_type="Explosions/Remote violence",
                 date_start=f"2025-01-{10 + n % 2}", date_end=None, verification="verified" if n < 2 else "unverified")  # fmt: skip
    incident(archive, lon=36.0, lat=51.6, where_coordinates="Kursk", adm_1="Kursk", where_prec=4, event_type="Shelling")
    incident(archive, lon=34.2, lat=50.4, where_coordinates="Far", event_type=HOSTILE[0], verification="verified")
    archive.close()
    return save_map(draw_map(archive, "2025-01-11", incident_days=3), tmp_path / "crowd.html")


def open_page(browser: Any, path: Path) -> tuple[Seen, Any]:
    seen = Seen(browser, path.as_uri(), offline=True)
    return seen, seen.ready()


def numbers(page: Any) -> list[int]:
    return sorted(int(text) for text in page.locator(".heap").all_inner_texts())


# the names that lie under a pin
_COVERED = """() => {
  const box = e => e.getBoundingClientRect();
  const hit = (a, b) => !(a.right <= b.left || a.left >= b.right || a.bottom <= b.top || a.top >= b.bottom);
  const pins = [...document.querySelectorAll(".heap, path.leaflet-interactive")].filter(e => box(e).width < 40);
  return [...document.querySelectorAll("span.place")].filter(n => pins.some(p => hit(box(n), box(p)))).map(n => n.innerText);
}"""


def test_pins_that_hide_each_other_are_one_with_their_number(browser: Any, crowd: Path) -> None:
    seen, page = open_page(browser, crowd)
    found = numbers(page)
    assert sum(found) >= 6
    assert page.evaluate(_COVERED) == []
    assert "incidents close together" in page.locator(".heap").first.get_attribute("aria-label")
    # zoom by zoom they come apart; at the last only those of one spot are left together
    for _ in range(14):
        heap = page.locator(".heap").first
        heap.focus()
        page.keyboard.press("Enter")
        if page.locator(".leaflet-popup-content").count():
            break
    assert page.locator(".heap").all_inner_texts() == ["3"]
    choice = page.locator(".leaflet-popup-content button")
    assert choice.count() == 3
    assert choice.first.evaluate("e => e === document.activeElement")
    picked = choice.first.inner_text()
    page.keyboard.press("Enter")
    assert page.locator(".leaflet-popup-content h3").last.inner_text() == picked
    page.keyboard.press("Escape")
    until(page, "[...document.querySelectorAll('.heap')].map(e => e.innerText).join() === '3'")
    assert seen.errors == []
    seen.close()


def test_the_same_view_is_gathered_the_same_and_a_region_never(browser: Any, crowd: Path) -> None:
    seen, page = open_page(browser, crowd)
    before = numbers(page)
    page.get_by_role("button", name="Town 0").click()  # its own pin, out of the number
    page.keyboard.press("Escape")
    page.locator(".leaflet-popup-content").wait_for(state="detached")
    until(page, "n => document.querySelectorAll('.heap').length === n", len(before))
    assert numbers(page) == before
    page.get_by_role("button", name="Kursk: Shelling").focus()
    page.keyboard.press("Enter")
    assert "region" in page.locator(".leaflet-popup-content").inner_text()
    assert seen.errors == []
    seen.close()


def test_filters_narrow_the_list_and_the_map(browser: Any, crowd: Path) -> None:
    seen, page = open_page(browser, crowd)
    rows = page.locator("ul.incidents > li:visible")
    whole = rows.count()
    page.get_by_label("Verification").focus()
    page.get_by_label("Verification").select_option("verified")
    verified = rows.count()
    assert 0 < verified < whole
    assert page.locator("[data-shown]").inner_text() == f"{verified} of {whole} shown"
    page.locator("[data-filter=Event]").select_option("Explosions/Remote violence")
    assert rows.count() == 2
    assert not numbers(page)  # two side by side are two pins
    page.get_by_label("From").fill("2025-01-11")
    page.get_by_label("From").dispatch_event("change")
    assert rows.count() == 1
    assert "Town 1" in rows.first.inner_text()
    page.locator("[data-filter=Event]").select_option(HOSTILE[0])
    assert rows.count() <= 1
    for name in ("Event", "Verification"):
        page.locator(f"[data-filter={name}]").select_option("")
    page.get_by_label("From").fill("")
    page.get_by_label("From").dispatch_event("change")
    assert rows.count() == whole
    assert seen.errors == []
    seen.close()


def test_on_paper_all_of_them_are_listed(browser: Any, crowd: Path) -> None:
    seen, page = open_page(browser, crowd)
    whole = page.locator("ul.incidents > li:visible").count()
    page.get_by_label("Verification").select_option("verified")
    page.emulate_media(media="print")
    assert page.locator("ul.incidents > li:visible").count() == whole
    assert not page.locator(".filters").is_visible()
    seen.close()


def test_filters_are_there_only_where_there_is_a_choice(archive: Archive) -> None:
    text = draw_map(archive, "2025-01-11").get_root().render()
    assert "data-filter" not in text.split("<script")[0]


def test_very_many_come_apart_by_zoom_and_are_listed_as_far_as_they_are_in_view(
    browser: Any, archive: Archive, tmp_path: Path
) -> None:
    for n in range(520):
        incident(archive, lon=35.0 + n % 26 / 50, lat=51.0 + n // 26 / 50, where_coordinates=f"Place {n}",
                 event_type="Battles" if n % 2 else "Protests", date_start="2025-01-11", date_end=None)  # fmt: skip
    archive.close()
    page_path = save_map(draw_map(archive, "2025-01-11", view="all"), tmp_path / "many.html")
    seen, page = open_page(browser, page_path)
    first = numbers(page)
    assert sum(first) > 250
    assert page.locator("[data-listed] li").count() == 100
    heap = page.locator(".heap").first
    heap.focus()
    page.keyboard.press("Enter")
    until(
        page,
        "all => document.querySelectorAll('[data-listed] li').length < 100 || document.querySelectorAll('.heap').length !== all",
        len(first),
    )
    assert page.locator("[data-listed] li").count() < 520
    page.locator("[data-filter='Event']").select_option("Battles")
    assert "261 of 522 shown" in page.locator("[data-shown]").inner_text()
    assert seen.errors == []
