"""The review page in a real browser with the network refused: filters, keys, marks, themes, paper, and hostile text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from browsing import Seen, axe, browser
from hostile_texts import HOSTILE, MARKER, shown, unturned
from test_reading import founding, gazetteer

from geo.archive import open_archive
from geo.claims.model import Claim
from geo.cli import demo
from geo.extraction.briefing import Draft, Reading, text_of
from geo.extraction.event_merging import Span
from geo.geocoding.geocoder import MENTION_COLUMNS
from geo.output.html.map_page import save_map
from geo.output.html.review_page import count_words, draw_review, pieces

__all__ = ["browser", "founding", "gazetteer"]


@pytest.fixture(scope="module")
def page_file(founding: Reading, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled briefing, with one more draft that has no place."""
    lost = Draft(
        {**founding.incidents[3].fields, "latitude": None, "longitude": None, "where_coordinates": None,
         "event_type": "Battles", "sub_event_type": "Armed clash", "verification": None},
        {"what": (Span(0, 15, founding.source.text[:15]),)},
    )  # fmt: skip
    reading = replace(founding, incidents=[*founding.incidents, lost])
    return save_map(draw_review(reading), tmp_path_factory.mktemp("review") / "review.html")


def opened(browser: Any, path: Path, **context: Any) -> Seen:
    seen = Seen(browser, path.as_uri(), offline=True, **context)
    if context.get("java_script_enabled", True):
        seen.page.wait_for_selector("html[data-review=yes]", state="attached", timeout=15_000)
    return seen


def chosen(page: Any) -> str:
    return str(page.locator("#card h2").inner_text()) if page.locator("#card").is_visible() else ""


def centre(page: Any) -> tuple[float, float]:
    lat, lon = page.evaluate(
        "(() => { const m = window[JSON.parse(document.getElementById('geo-data').textContent).map];"
        " const c = m.getCenter(); return [c.lat, c.lng]; })()"
    )
    return lat, lon


def test_it_asks_for_nothing_and_shows_the_whole_text(browser: Any, page_file: Path, founding: Reading) -> None:
    seen = opened(browser, page_file)
    page = seen.page
    assert seen.requests == [page_file.as_uri()]
    assert seen.errors == []
    told = page.locator("#text p").evaluate_all("l => l.map(p => p.textContent)")
    assert "\n".join(told) == founding.source.text
    assert page.locator("#drafts li").count() == 5
    assert page.locator("#table tbody tr").count() == 5
    assert page.locator("#claims li").count() == 2
    # a region is its area and a large city a circle, neither is a pin; one draft has no place
    assert page.locator(".pin").count() == 2
    assert page.locator("path.spot").count() == 2
    assert page.locator("path.region").count() == 1
    policy = page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content")
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    seen.close()


def test_keys_walk_the_drafts_and_the_map_follows(browser: Any, page_file: Path) -> None:
    seen = opened(browser, page_file)
    page = seen.page
    page.keyboard.press("j")
    assert chosen(page).startswith("1. Kursk")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    assert chosen(page).startswith("3. Prymorske")
    lat, lon = centre(page)
    assert (lat, lon) == (pytest.approx(47.65, abs=0.2), pytest.approx(35.29, abs=0.2))
    card = page.locator("#card").inner_text()
    assert "killed a 47-year-old woman" in card
    assert "Ivan Fedorov" in card
    marked = page.locator("#text mark.chosen").evaluate_all("l => l.map(e => e.textContent).join('|')")
    assert "Prymorske" in marked
    assert "Kotovsk" not in marked
    assert page.locator("#text mark.chosen").first.is_visible()
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    assert chosen(page).startswith("1. Kursk")
    page.keyboard.press("k")
    assert chosen(page).startswith("5. Place not known")  # round to the last
    page.keyboard.press("Escape")
    assert chosen(page) == ""
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.id") == "by-type"
    page.keyboard.press("j")  # inside a field keys are the field's own
    assert chosen(page) == ""
    assert seen.errors == []
    seen.close()


def test_filters_narrow_list_table_map_and_text(browser: Any, page_file: Path) -> None:
    seen = opened(browser, page_file)
    page = seen.page
    page.select_option("#by-type", "Explosions/Remote violence")
    assert page.locator("#count").inner_text() == "2 of 5 drafts are shown."
    assert page.locator("#drafts li:visible").count() == 2
    assert page.locator("#table tbody tr:visible").count() == 2
    assert page.locator(".pin").count() == 2
    assert page.locator("path.spot").count() == 0
    assert page.locator("#text mark.out", has_text="Kyiv").count() == 1
    page.keyboard.press("Escape")
    for key in "jjj":
        page.keyboard.press(key)
    page.select_option("#by-check", "not stated")
    assert page.locator("#count").inner_text() == "1 of 5 drafts are shown."
    assert chosen(page) == ""  # what is filtered out is not chosen
    page.locator("#all").click()
    page.keyboard.press("u")
    assert page.locator("#by-place").is_checked()
    assert page.locator("#drafts li:visible").inner_text().startswith("Place not known")
    assert page.locator(".pin").count() == 0
    page.keyboard.press("j")
    assert chosen(page).startswith("5. ")
    page.keyboard.press("u")
    assert page.locator("#count").inner_text() == "All 5 drafts are shown."
    assert seen.errors == []
    seen.close()


def test_words_pins_and_list_lead_to_the_draft(browser: Any, page_file: Path) -> None:
    seen = opened(browser, page_file)
    page = seen.page
    page.locator("#text mark", has_text="Kotovsk").click()
    assert chosen(page).startswith("4. Kotovsk")
    page.get_by_role("button", name="Kyiv: Strategic developments").click()
    assert chosen(page).startswith("2. Kyiv")
    page.keyboard.press("Escape")
    page.locator(".pin", has_text="4").click()
    assert chosen(page).startswith("4. Kotovsk")
    # words that several drafts rest on lead from one to the next
    shared = page.locator("#text mark", has_text="None of these reports").first
    shared.click()
    first = chosen(page)
    shared.click()
    assert chosen(page) != first
    assert seen.errors == []
    seen.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_and_both_themes(browser: Any, page_file: Path, scheme: str) -> None:
    seen = opened(browser, page_file, color_scheme=scheme, viewport={"width": 390, "height": 844})
    page = seen.page
    for key in "jjj":
        page.keyboard.press(key)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # the map stays in view above the words
    box = page.locator(".folium-map").bounding_box()
    assert box["y"] <= 1
    assert box["height"] < 844 * 0.4
    mark = page.locator("#text mark.chosen").first.bounding_box()
    assert box["height"] < mark["y"] < 844
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert seen.errors == []
    seen.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, page_file: Path, scheme: str) -> None:
    seen = Seen(browser, page_file.as_uri(), color_scheme=scheme)
    seen.page.wait_for_selector("html[data-review=yes]", state="attached")
    for key in "jjj":
        seen.page.keyboard.press(key)
    seen.page.evaluate(axe())
    for width, height in ((1280, 860), (390, 844)):
        seen.page.set_viewport_size({"width": width, "height": height})
        seen.page.wait_for_timeout(150)
        found = seen.page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
        assert [(v["id"], n["html"][:160]) for v in found["violations"] for n in v["nodes"]] == []
    seen.close()


def test_on_paper_are_the_picture_the_text_and_the_table(browser: Any, page_file: Path) -> None:
    seen = opened(browser, page_file, color_scheme="dark")
    page = seen.page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".still svg").is_visible()
    assert not page.locator(".folium-map").is_visible()
    assert page.locator("#text").is_visible()
    assert page.locator("#table").is_visible()
    assert not page.locator(".filters").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    seen.close()


def test_without_scripts_the_picture_is_there_and_it_is_said(browser: Any, page_file: Path) -> None:
    seen = opened(browser, page_file, java_script_enabled=False)
    assert seen.page.locator(".still svg").is_visible()
    assert "needs scripts" in seen.page.locator("body").inner_text()
    seen.close()


def test_hostile_text_is_shown_and_never_run(browser: Any, founding: Reading, tmp_path: Path) -> None:
    MARKER.unlink(missing_ok=True)
    source = replace(text_of("x"), text="\n".join(t.replace("\n", " ") for t in HOSTILE), name=" ".join(HOSTILE))
    drafts, at = [], 0
    for text in HOSTILE:
        span = Span(at, at + len(text), text)
        names = ("where_coordinates", "adm_1", "country", "event_type", "sub_event_type", "claimed_by", "verification")
        fields = {**founding.incidents[2].fields, **dict.fromkeys((*names, "actor1", "actor2", "notes"), text)}
        drafts.append(Draft(fields, dict.fromkeys(("what", "where", "claimed_by"), (span,)), (span,)))
        at += len(text) + 1
    claims = [Claim(t, quantity=t, start=0, end=1) for t in HOSTILE]
    reading = replace(founding, source=source, incidents=drafts, claims=claims)
    path = save_map(draw_review(reading), tmp_path / "hostile.html")
    assert not MARKER.exists()
    seen = opened(browser, path)
    page = seen.page
    assert unturned(page.locator("h1").text_content()).endswith(unturned(shown(source.name)))
    told = page.locator("#text p").evaluate_all("l => l.map(p => p.textContent)")
    assert [t for t in HOSTILE if shown(t) not in told] == []
    for _ in range(12):
        page.keyboard.press("j")
        assert chosen(page)
    for i in range(12):
        page.locator(".pin").nth(i).dispatch_event("click")
        page.locator("#text mark").nth(i).dispatch_event("click")
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.locator("iframe, object, embed, base, link, plaintext, img:not(.leaflet-tile)").count() == 0
    assert seen.requests == [path.as_uri()]
    assert seen.errors == []
    seen.close()


@pytest.mark.long
def test_a_briefing_without_drafts_is_a_page_too(browser: Any, founding: Reading, tmp_path: Path) -> None:
    nothing = gpd.GeoDataFrame(columns=[*MENTION_COLUMNS, "geometry"])
    reading = replace(founding, source=text_of("Nothing happened."), mentions=nothing, incidents=[], claims=[])
    seen = opened(browser, save_map(draw_review(reading), tmp_path / "none.html"))
    seen.page.keyboard.press("j")
    assert seen.page.locator("#count").inner_text() == "All 0 drafts are shown."
    assert seen.errors == []
    seen.close()


def test_the_archives_control_lies_under_the_drafts(browser: Any, founding: Reading, tmp_path: Path) -> None:
    list(demo.run(tmp_path))
    with open_archive(tmp_path / "data" / "kursk.gpkg") as archive:
        path = save_map(draw_review(founding, archive=archive), tmp_path / "with.html")
    seen = opened(browser, path)
    assert seen.page.locator(".legend", has_text="Held by Ukraine").count() == 1
    assert seen.page.locator("path[fill^='url(#']").count() >= 1
    assert "11 January 2025" in seen.page.locator(".dek").inner_text()
    assert seen.errors == []
    seen.close()


def test_pieces_make_the_text_again(founding: Reading) -> None:
    again = "\n".join("".join(piece[0] for piece in paragraph) for paragraph in pieces(founding))
    assert again == founding.source.text


@pytest.mark.parametrize(
    ("low", "best", "high", "words"),
    [(None, None, None, "not known"), (0, 0, 0, "0"), (3, 3, None, "at least 3"), (None, None, 5, "up to 5"),
     (3, None, 5, "3 to 5"), (None, 20, None, "about 20"), (4, 4, 4, "4")],
)  # fmt: skip
def test_counts_in_words(low: int | None, best: int | None, high: int | None, words: str) -> None:
    assert count_words({"low": low, "best": best, "high": high}, "") == words
