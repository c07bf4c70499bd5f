"""What notebooks show: cards without a script, pages in a sandboxed frame, tables with source, date and unit."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browsing import Seen, browser
from hostile_texts import HOSTILE
from test_dates_page import FIRST, LAST, archive
from test_maps import hostile_archive

import geo
from geo.archive import Archive, open_archive
from geo.errors import UsageError
from geo.output.html.timeline_page import draw_timeline
from geo.presentation.labels import figure

__all__ = ["archive", "browser"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return hostile_archive(tmp_path_factory.mktemp("hostile") / "<b>a.gpkg")


def shown_in(browser: Any, tmp_path: Path, markup: str, *, policy: str = "") -> Seen:
    """A host page into which the markup is put as notebooks do it."""
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
    block = json.dumps(markup).replace("<", "\\u003c")
    host = tmp_path / "host.html"
    script = "document.getElementById('out').innerHTML = JSON.parse(document.getElementById('markup').textContent);"
    body = f'<div id="out"></div><script type="application/json" id="markup">{block}</script>'
    if policy:
        body = markup  # no script of the host's either
        script = ""
    host.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'>{meta}<title>host</title><body>{body}"
        f"<script>{script}</script></body></html>",
        encoding="utf-8",
    )
    return Seen(browser, host.as_uri(), offline=True)


# -- archives -----------------------------------------------------------------------------------------------------


def test_an_archive_says_its_sources_dates_counts_and_layers(archive: Archive) -> None:
    card = archive._repr_html_()
    assert html.escape(str(archive.path)) in card
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", card)[1:]]
    polygons = len(archive.control(FIRST)) + len(archive.control(LAST))
    assert ["control", "The Desk (desk)", f"2 snapshots, {polygons} polygons", FIRST, "2025-01-09", "CC BY 4.0"] in rows
    counts = archive.units()["boundary"].value_counts().to_dict()
    assert {r[1]: r[2] for r in rows if r[0] == "units"} == {html.escape(k): str(v) for k, v in counts.items()}
    assert "<script" not in card


def test_an_archive_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "no such archive" in open_archive(tmp_path / "none.gpkg")._repr_html_()
    (tmp_path / "text.gpkg").write_text("<b>no archive</b>")
    assert "text.gpkg" in open_archive(tmp_path / "text.gpkg")._repr_html_()


# -- pages --------------------------------------------------------------------------------------------------------


def test_pages_run_in_a_frame_that_sees_nothing_of_the_notebook(browser: Any, archive: Archive, tmp_path: Path) -> None:
    pages = [
        (geo.draw_map(archive, LAST), "html[data-ready=yes]"),
        (draw_timeline(archive), "html[data-film=yes]"),
        (geo.draw_dates(archive, FIRST, LAST), "html[data-dates=yes]"),
    ]
    for page, done in pages:
        seen = shown_in(browser, tmp_path, page._repr_html_())
        frame = seen.page.frame_locator("iframe")
        frame.locator(done).wait_for(timeout=15_000)
        element = seen.page.locator("iframe")
        assert element.get_attribute("sandbox") == "allow-scripts"
        assert element.get_attribute("title") == page.page.parts.title
        policy = frame.locator("meta[http-equiv]").get_attribute("content")
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert frame.locator("html").evaluate("() => window.origin") == "null"
        reached = frame.locator("html").evaluate(
            "() => { try { return parent.document.title; } catch (e) { return e.name; } }"
        )
        assert reached == "SecurityError"
        for width in (1100, 390):
            seen.page.set_viewport_size({"width": width, "height": 900})
            assert element.bounding_box()["width"] > width - 40
            assert frame.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        assert frame.locator(".folium-map").bounding_box()["height"] > 200
        assert [r for r in seen.requests if not r.startswith("about:srcdoc")] == [(tmp_path / "host.html").as_uri()]
        assert seen.errors == []
        seen.close()


def test_under_a_strict_policy_of_the_host_the_map_stays_blank_as_the_docs_say(
    browser: Any, archive: Archive, tmp_path: Path
) -> None:
    markup = geo.draw_map(archive, LAST)._repr_html_()
    seen = shown_in(browser, tmp_path, markup, policy="default-src 'none'; frame-src 'self'")
    frame = seen.page.frame_locator("iframe")
    frame.locator("h1").wait_for(state="attached", timeout=5000)
    seen.page.wait_for_timeout(300)
    assert frame.locator("html").get_attribute("data-ready") is None
    assert any("Content Security Policy" in error for error in seen.errors)
    seen.close()


# -- tables -------------------------------------------------------------------------------------------------------


def test_a_table_says_its_source_its_snapshots_and_its_units(archive: Archive) -> None:
    moved = archive.change(FIRST, LAST)
    before = moved.copy()
    shown = geo.show(moved)
    for text in (repr(shown), html.unescape(shown._repr_html_())):
        assert "Source: desk. From snapshot: desk@2025-01-01. To snapshot: desk@2025-01-09." in text
        assert "gained, km²" in text
        assert "Areas in km² on the WGS 84 ellipsoid." in text
        for row in moved.to_dict("records"):
            assert figure(row["gained_km2"]) in text
    pd.testing.assert_frame_equal(moved, before)
    assert type(moved) is pd.DataFrame
    aged = repr(geo.show(archive.area(LAST)))
    assert "Snapshot: desk@2025-01-09. Age in days: 2." in aged
    by_unit = repr(geo.show(archive.area(LAST, by="unit")))
    assert "Boundaries: border and coast of Ukraine from OpenStreetMap" in by_unit.partition("\ncontroller")[0]


def test_what_differs_between_rows_is_a_column_and_geometry_is_left_out(archive: Archive) -> None:
    both = pd.concat([archive.area(FIRST), archive.area(LAST)])
    shown = geo.show(both)
    assert "snapshot" in shown.heads
    assert [row[shown.heads.index("snapshot")] for row in shown.rows] == both["snapshot"].tolist()
    assert "geometry" not in geo.show(archive.control(LAST)).heads
    long = pd.concat([both] * 40)
    assert len(geo.show(long).rows) == 60
    assert f"{len(long) - 60:,} of {len(long):,} rows, in the middle, are left out." in repr(geo.show(long))
    assert "There are no rows." in repr(geo.show(both.head(0)))


def test_a_table_that_no_longer_says_what_it_rests_on_is_asked_for_it(archive: Archive) -> None:
    bare = archive.area(LAST)[["controller", "area_km2"]]
    with pytest.raises(UsageError, match="rests="):
        geo.show(bare)
    assert repr(geo.show(bare, rests="The Desk, 9 January")).startswith("The Desk, 9 January\n")
    with pytest.raises(UsageError, match="this is str"):
        geo.show("text")  # type: ignore[arg-type]


# -- hostile text -------------------------------------------------------------------------------------------------


def test_hostile_text_is_shown_and_never_run(browser: Any, hostile: Archive, tmp_path: Path) -> None:
    table = hostile.area("2025-01-10")
    table.attrs["notes"] = list(HOSTILE)
    halves = [
        table[table["controller"].isin(some)] for some in (HOSTILE[:50], HOSTILE[50:])
    ]  # what a table has room for
    parts = [hostile._repr_html_(), *(geo.show(half)._repr_html_() for half in halves), table._repr_html_()]
    seen = shown_in(browser, tmp_path, "".join(parts))
    seen.page.wait_for_timeout(200)
    cells = seen.page.locator("#out tbody td").evaluate_all("l => l.map(e => e.textContent)")
    assert all(text in cells for text in HOSTILE)
    assert seen.page.evaluate("typeof window.pwned") == "undefined"
    assert seen.page.locator("#out script, #out img, #out iframe, #out svg, #out base").count() == 0
    assert seen.errors == []
    seen.close()
    page = geo.draw_map(hostile, "2025-01-10", title=" ".join(HOSTILE))
    seen = shown_in(browser, tmp_path, page._repr_html_())
    frame = seen.page.frame_locator("iframe")
    frame.locator("html[data-ready=yes]").wait_for(timeout=15_000)
    assert seen.page.locator("#out > *").count() == 1
    assert seen.page.evaluate("typeof window.pwned") == "undefined"
    assert frame.locator("html").evaluate("() => typeof window.pwned") == "undefined"
    assert seen.errors == []
    seen.close()


def test_a_terminal_obeys_nothing_from_outside(hostile: Archive) -> None:
    assert "\x1b" in "".join(hostile.area("2025-01-10")["controller"])
    assert "\x1b" not in repr(geo.show(hostile.area("2025-01-10")))
