"""Every kind of page in a real browser, each put through the same: no network, the right picture, keys, links, paper,
frames, no scripts, both themes, a phone, axe-core, and all that a text from outside may try.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from browsing import Seen, axe, browser, colours_at, map_name, mean_colour, served
from hostile_texts import HOSTILE, MARKER, RUN, shown, unturned
from shapely.geometry import Point, box
from test_archive import put, state
from test_maps import hostile_archive, incident

from geo.archive import Archive, open_archive
from geo.claims.model import Claim
from geo.importing.importer import ensure_units
from geo.output.documents.write import draw_brief
from geo.output.html.embed import embed_snippet
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.timeline_page import draw_timeline
from geo.output.html.two_dates_page import draw_dates
from geo.schema import Source

__all__ = ["browser"]

pytest.importorskip("PIL", reason="Pillow is not installed")
DAY = datetime(2025, 1, 1, tzinfo=UTC)
SINCE, LAST = "2025-01-01", "2025-01-11"
KINDS = ("map", "timeline", "dates", "brief")
# what says that a page's script has done its work, and what a link may open it with
READY = {"map": "ready", "timeline": "film", "dates": "dates", "brief": "ready"}
LINKS = {"timeline": "#2025-01-01", "dates": "#0"}
# X's ground: on both dates, and on the last alone; Y's; nobody's
BOTH, LATER, OTHER, NOBODY = (51.1, 35.2), (51.1, 35.65), (50.3, 33.9), (50.3, 35.2)

Draw = Callable[..., Path]


def draw(kind: str, archive: Archive, path: Path, *, title: str | None = None, more: bool = False) -> Path:
    """A page of a kind; `more` brings in what only some calls have: claims and places."""
    claims = [Claim(t, said_by=t, published_in=t) for t in HOSTILE] if more else ()
    places = gpd.GeoDataFrame(
        {"name": list(HOSTILE)}, geometry=[Point(34.055 + i / 4000, 51.2) for i in range(len(HOSTILE))], crs=4326
    )
    known = {"places": places} if more else {}
    if kind == "map":
        return save_map(draw_map(archive, LAST, since=SINCE, incident_days=11, title=title), path)
    if kind == "timeline":
        return save_map(draw_timeline(archive, title=title), path)
    if kind == "dates":
        return save_map(draw_dates(archive, SINCE, LAST, title=title, **known), path)
    return draw_brief(archive, LAST, path, since=SINCE, title=title, claims=claims, **known)[0]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    opened = open_archive(folder / "a.gpkg")
    ensure_units(opened)
    y, open_ground = box(33.6, 50, 34.2, 50.6), box(35.5, 50.6, 36, 50.8)
    put(opened, DAY, state(("X", "held", "n", box(34.9, 50.9, 35.4, 51.3)), ("Y", "held", "n", y)))
    put(opened, DAY + timedelta(days=10), state(
        ("X", "held", "n", box(34.9, 50.9, 35.9, 51.3)), ("Y", "held", "n", y), (None, "contested", "n", open_ground),
        ("X", "claimed", "n", box(34.5, 50.9, 34.9, 51.1)), ("Y", "advance", "n", box(34.2, 50, 34.4, 50.3)),
    ))  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.add_source(connection, Source("desk", "The Desk", "https://desk.example", "CC BY 4.0", "Mappers"))
    incident(opened, where_coordinates="Sudzha", event_type="Battles", where_prec=1, low=0, best=1, high=3)
    incident(opened, where_coordinates="Kursk Oblast", event_type="Strategic developments", where_prec=4, lat=51.6)
    incident(opened, where_coordinates="Near", event_type="Battles", where_prec=2, lon=34.4, lat=50.8)
    for side, colour in (("X", "#b2182b"), ("Y", "#2166ac")):
        opened.name_side(side, colour=colour)
    opened.close()
    made = {kind: draw(kind, opened, folder / f"{kind}.html") for kind in KINDS}
    for kind, path in made.items():
        shows = embed_snippet(path, picture="none.png", date=SINCE if kind == "timeline" else None)
        (folder / f"host-{kind}.html").write_text(
            f'<!doctype html><html lang="en"><title>Host</title><body><main><h1>Host</h1>{shows}</main></body></html>'
        )
    return made


def ready(kind: str, page: Any) -> None:
    page.wait_for_selector(f"html[data-{READY[kind]}=yes]", state="attached", timeout=15_000)


def is_red(colour: tuple[int, int, int]) -> bool:
    return colour[0] > max(colour[1:]) + 40


def is_blue(colour: tuple[int, int, int]) -> bool:
    return colour[2] > colour[0] + 40


def is_bare(colour: tuple[int, int, int]) -> bool:
    return max(colour) - min(colour) < 25


def look(page: Any) -> None:
    """Bring all of X's and Y's ground into view."""
    page.locator(".folium-map").scroll_into_view_if_needed()
    page.evaluate(f"window['{map_name(page)}'].fitBounds([[50, 33.5], [51.4, 36]], {{animate: false}})")
    page.wait_for_timeout(150)


@pytest.mark.parametrize("kind", KINDS)
def test_it_needs_no_network_and_shows_the_ground(browser: Any, pages: dict[str, Path], kind: str) -> None:
    with served(pages[kind].parent) as address:
        for where in (pages[kind].as_uri(), f"{address}/{kind}.html"):
            seen = Seen(browser, "about:blank", offline=where.startswith("file"))
            # over HTTP only this server may be asked
            seen.page.route(
                "**/*", lambda r: r.continue_() if r.request.url.startswith(("file:", address)) else r.abort()
            )
            seen.page.goto(where)
            ready(kind, seen.page)
            look(seen.page)
            both, other, nobody = colours_at(seen.page, BOTH, OTHER, NOBODY)
            assert is_red(both)
            assert is_blue(other)
            assert is_bare(nobody)
            assert {r for r in seen.requests if "favicon" not in r} == {where}
            assert [e for e in seen.errors if "favicon" not in e] == []
            seen.close()


@pytest.mark.parametrize("kind", sorted(LINKS))
def test_another_date_shows_other_ground(browser: Any, pages: dict[str, Path], kind: str) -> None:
    seen = Seen(browser, pages[kind].as_uri(), offline=True)
    ready(kind, seen.page)
    look(seen.page)
    if kind == "dates":  # what changed lies solid over both halves
        seen.page.get_by_label("Gained by X since 1 January 2025").uncheck()
    later = {"timeline": "#2025-01-11", "dates": "#0"}[kind]
    earlier = {"timeline": "#2025-01-01", "dates": "#100"}[kind]
    for link, red in ((later, True), (earlier, False), (later, True)):
        seen.page.evaluate(f"location.hash = '{link}'")
        seen.page.wait_for_timeout(400)
        look(seen.page)
        both, later = colours_at(seen.page, BOTH, LATER)
        assert is_red(both)
        assert is_red(later) == red
    assert seen.errors == []
    seen.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_snippet_shows_it_in_a_sandboxed_frame(browser: Any, pages: dict[str, Path], kind: str) -> None:
    host = pages[kind].parent / f"host-{kind}.html"
    with served(host.parent) as address:
        for where in (host.as_uri(), f"{address}/{host.name}"):
            seen = Seen(browser, where)
            frame = next(f for f in seen.page.frames[1:])
            ready(kind, frame)
            assert seen.page.get_attribute("iframe", "sandbox") == "allow-scripts"
            assert frame.evaluate("window.origin") == "null"
            assert frame.locator("h1").inner_text()
            if kind == "timeline":
                assert frame.locator("#now-date").inner_text() == "1 January 2025"
            names = {r.rpartition("/")[2].partition("#")[0] for r in seen.requests}
            assert names <= {host.name, pages[kind].name, "none.png", "favicon.ico"}
            assert [e for e in seen.errors if "none.png" not in e and "ERR_FILE" not in e and "404" not in e] == []
            seen.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_tab_key_reaches_every_control(browser: Any, pages: dict[str, Path], kind: str) -> None:
    seen = Seen(browser, pages[kind].as_uri(), offline=True)
    ready(kind, seen.page)
    wanted = seen.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a[href], summary, [tabindex="0"]')]
        .filter(e => e.checkVisibility() && !e.closest('.leaflet-marker-pane')).map((e, i) => { e.dataset.stop = i; return i; })"""
    )
    assert len(wanted) > 5
    met, unmarked = set(), []
    seen.page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    for _ in range(2 * len(wanted) + 10):
        seen.page.keyboard.press("Tab")
        stop, outline = seen.page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.dataset.stop, s.outlineStyle !== 'none' || s.boxShadow !== 'none' || e.id === 'slider']; }"""
        )
        if stop is not None and not outline:
            unmarked.append(seen.page.evaluate("document.activeElement.outerHTML"))
        met.add(stop)
    assert {str(i) for i in wanted} <= met
    assert unmarked == []
    assert seen.errors == []
    seen.close()


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def held_still(page: Any) -> tuple[int, int, int]:
    """The colour of X's held ground on the still picture, where nothing else lies on it."""
    x, y = page.evaluate(
        """() => { const still = document.querySelector('.still svg'); still.scrollIntoView();
        const box = still.getBoundingClientRect(), held = '.still .even-held[color="#b2182b"]';
        const shows = (x, y) => document.elementFromPoint(x, y)?.matches(held);
        for (let y = box.top + 10; y < box.bottom; y += 5) for (let x = box.left + 10; x < box.right; x += 5)
            if ([-8, 0, 8].every(i => [-8, 0, 8].every(j => shows(x + i, y + j)))) return [x, y];
        return [0, 0]; }"""
    )
    return mean_colour(page, x, y, half=6)


@pytest.mark.parametrize("kind", KINDS)
def test_on_paper_it_is_a_sheet_with_the_picture(browser: Any, pages: dict[str, Path], kind: str) -> None:
    seen = Seen(browser, pages[kind].as_uri(), offline=True, color_scheme="dark")
    ready(kind, seen.page)
    for size in ("A4", "Letter"):
        assert pages_of(seen.page.pdf(format=size)) <= (2 if kind in ("brief", "dates") else 1), size
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert is_red(held_still(seen.page))
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.locator(".legend").first.is_visible()
    assert seen.page.locator("footer").is_visible()
    assert not seen.page.locator(".live").is_visible()
    assert seen.errors == []
    seen.close()


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_the_picture_and_the_figures_are_there(browser: Any, pages: dict[str, Path], kind: str) -> None:
    seen = Seen(browser, pages[kind].as_uri(), offline=True, java_script_enabled=False)
    page = seen.page
    assert page.locator(".still svg").first.is_visible()
    assert not page.locator(".live").is_visible()
    assert page.locator("table tbody tr").count() >= 3
    assert page.locator("table", has_text="Held by X").first.is_visible()
    for dead in ("#player", "#slider", ".toggles", ".views"):
        assert not page.locator(dead).first.is_visible(), dead
    seen.close()


@pytest.mark.parametrize("kind", [*KINDS, "host-map"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_and_nothing_is_wider_than_its_window(
    browser: Any, pages: dict[str, Path], kind: str, scheme: str
) -> None:
    script = axe()
    path = pages[kind] if kind in pages else pages["map"].parent / f"{kind}.html"
    seen = Seen(browser, path.as_uri(), color_scheme=scheme)
    if kind in pages:
        ready(kind, seen.page)
        for more in seen.page.locator("summary").all():
            more.click()
    seen.page.evaluate(script)
    for width, height in ((1280, 860), (390, 844)):
        seen.page.set_viewport_size({"width": width, "height": height})
        seen.page.wait_for_timeout(150)
        found = seen.page.evaluate("axe.run(document, {iframes: false, resultTypes: ['violations']})")
        told = [(v["id"], n["html"][:160]) for v in found["violations"] for n in v["nodes"]]
        assert told == [], width
        assert len(found["passes"]) > 10
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 28, 32)"
    assert dark == (scheme == "dark" and kind in pages)
    seen.close()


# -- hostile text -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive in which every text from outside is hostile, the names of its units too, on two dates."""
    opened = hostile_archive(tmp_path_factory.mktemp("hostile") / "a.gpkg")
    rows = [(t, "held", t, box(34 + i / 20, 51.1, 34.04 + i / 20, 51.3)) for i, t in enumerate(HOSTILE)]
    put(opened, DAY + timedelta(days=10), state(*rows))
    put(opened, DAY, state(*rows[::2], (None, "contested", HOSTILE[0], box(34, 50, 35, 50.5))))
    with opened.store.writing() as connection:
        connection.execute("UPDATE units SET name = ?, name_local = ?", (" ".join(HOSTILE),) * 2)
    opened.close()
    return opened


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_is_shown_and_never_run(browser: Any, hostile: Archive, tmp_path: Path, kind: str) -> None:
    MARKER.unlink(missing_ok=True)
    title = " ".join(HOSTILE)
    path = draw(kind, hostile, tmp_path / "a.html", title=title, more=True)
    snippet = embed_snippet(path)
    assert not MARKER.exists()  # nothing ran while it was built
    seen = Seen(browser, path.as_uri(), offline=True)
    ready(kind, seen.page)
    page = seen.page
    assert page.locator("title").first.text_content() == shown(title)
    assert page.locator("h1").text_content() == shown(title)
    legend = unturned(page.locator(".legend").evaluate_all("l => l.map(e => e.textContent).join(' ')"))
    for text in HOSTILE:
        assert f"Held by {unturned(text)}" in legend
    # everything that can be clicked is clicked
    for name in ("button", "summary", ".switches input"):
        for i in range(min(page.locator(name).count(), 12)):
            page.locator(name).nth(i).dispatch_event("click")
    if kind == "brief":
        cells = page.locator("#claims td, #claims th").evaluate_all("l => l.map(e => e.textContent)")
        assert all(text in cells for text in HOSTILE)
    if kind == "dates":
        names = page.locator("#places button").evaluate_all("l => l.map(e => e.textContent)")
        assert set(names) == set(HOSTILE)
    assert page.locator("footer").is_visible()
    assert len(re.findall("<script", path.read_text(encoding="utf-8"))) <= 6
    page.wait_for_timeout(200)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.locator("iframe, object, embed, base, link, plaintext, img:not(.leaflet-tile)").count() == 0
    assert seen.requests == [path.as_uri()]
    assert seen.errors == []
    seen.close()
    host = path.with_name("host.html")
    host.write_text(f'<!doctype html><meta charset="utf-8"><title>h</title>{snippet}', encoding="utf-8")
    seen = Seen(browser, host.as_uri())
    assert seen.page.get_attribute("iframe", "title") == " ".join(shown(title).split())
    assert seen.page.evaluate("typeof window.pwned") == "undefined"
    assert seen.page.locator("script, img, style").count() == 0
    assert len(seen.page.frames) == 2
    seen.close()


def test_the_strings_would_run_where_they_are_not_escaped(browser: Any, tmp_path: Path) -> None:
    """The test can fail: as bare HTML they do run, ask the network and break the page."""
    assert len(set(HOSTILE)) >= 60
    path = tmp_path / "bare.html"
    loose = [text for text in HOSTILE if "plaintext" not in text and "textarea" not in text]
    path.write_text(f"<!doctype html><body>{''.join(f'<p>{t}</p>' for t in loose if RUN in t)}", encoding="utf-8")
    seen = Seen(browser, path.as_uri(), offline=True)
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.pwned") == 1
    assert html.escape(HOSTILE[0]) == HOSTILE[0]  # what templates run, HTML does not escape
    seen.close()
