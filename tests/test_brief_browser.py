"""The briefing in a real browser with the network refused: no request, no error, nothing run, nothing cut."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from browsing import Seen, browser
from test_maps import archive

from geo.archive import Archive
from geo.output.documents.write import draw_brief
from geo.output.html.embed import embed_snippet
from geo.presentation.labels import figure

__all__ = ["archive", "browser"]


@pytest.fixture
def page_file(archive: Archive, tmp_path: Path) -> Path:
    return draw_brief(archive, "2025-01-11", tmp_path / "b.html")[0]


def test_it_needs_nothing_and_shows_map_figures_and_chart(browser: Any, archive: Archive, page_file: Path) -> None:
    seen = Seen(browser, page_file.as_uri(), offline=True)
    page = seen.ready()
    assert seen.requests == [page_file.as_uri()]
    assert seen.errors == []
    held = archive.area("2025-01-11", controller="X", status="held")["area_km2"].iloc[0]
    assert figure(held) in page.locator(".cards li", has_text="Held by X").first.inner_text()
    assert page.locator(".folium-map path.leaflet-interactive").count() > 3
    box = page.locator(".chart svg.wide path.s0").bounding_box()
    assert box is not None
    assert box["width"] > 300
    stroke = "getComputedStyle(document.querySelector('.chart svg.wide path.s0')).stroke"
    assert page.evaluate(stroke) not in ("none", "")
    page.locator("summary").click()
    assert page.locator("details tbody tr").count() == 2
    seen.close()


def test_both_themes_a_phone_and_paper(browser: Any, page_file: Path) -> None:
    for scheme in ("light", "dark"):
        seen = Seen(browser, page_file.as_uri(), offline=True, color_scheme=scheme)
        page = seen.ready()
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".chart svg.narrow").is_visible()
        assert not page.locator(".chart svg.wide").is_visible()
        assert (page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)") == (
            scheme == "dark"
        )
        page.emulate_media(media="print", color_scheme=scheme)
        assert page.locator(".still svg").is_visible()
        assert b"/MediaBox [0 0 594.95996 841.91998]" in page.pdf(prefer_css_page_size=True)
        assert seen.errors == []
        seen.close()


def test_the_snippet_shows_the_page_and_without_frames_the_picture(
    browser: Any, archive: Archive, tmp_path: Path
) -> None:
    made = draw_brief(archive, "2025-01-11", tmp_path / "b.md")
    draw_brief(archive, "2025-01-11", tmp_path / "b.html")
    snippet = embed_snippet(tmp_path / "b.html", picture=made[1].name)
    host = tmp_path / "host.html"
    host.write_text(f"<!doctype html><html lang='en'><title>host</title><body>{snippet}</body></html>")
    seen = Seen(browser, host.as_uri())
    frame = seen.page.frame_locator("iframe")
    frame.locator("html[data-ready=yes]").wait_for(timeout=15_000)
    assert re.search(" holds | gained ", frame.locator("h1").inner_text())
    covered, over, link = (seen.page.locator(s).bounding_box() for s in ("img", "iframe", "a"))
    assert covered == over  # the frame lies over its picture, and the link's words stand below both
    assert link["y"] + link["height"] > over["y"] + over["height"] + 10
    assert seen.errors == []
    seen.page.evaluate("document.querySelector('iframe').remove()")
    width, height = seen.page.evaluate(
        "(({naturalWidth: w, naturalHeight: h}) => [w, h])(document.querySelector('img'))"
    )
    assert height == 1080
    assert 1152 <= width <= 1920  # as wide as the ground needs
    seen.close()
