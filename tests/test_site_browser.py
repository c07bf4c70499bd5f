"""The site in a real browser with the network refused: from a file and over HTTP, its ways walked, nothing run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_maps_browser import Seen, browser
from test_site import built, filled, hostile, made

import geo
from geo.archive import open_archive
from geo.errors import UsageError
from geo.output.html.embed import embed_snippet
from geo.output.site.server import serve

__all__ = ["browser", "built", "filled", "hostile", "made"]

PAGES = ("index.html", "dates/2025-01-11.html", "units/ru-krs.html", "sources.html")


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    with serve(built, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_for_nothing_from_a_file_and_over_http(browser: Any, built: Path, address: str, path: str) -> None:
    # over HTTP the page itself must be asked for: no other host may be
    for start, refused in ((built.as_uri(), True), (address, False)):
        seen = Seen(browser, f"{start}/{path}", offline=refused)
        if not path.startswith(("units", "sources")):
            seen.ready()
        asked = [r for r in seen.requests if not r.endswith("/favicon.ico")]
        assert asked[0] == f"{start}/{path}"
        assert all(r.startswith(f"{start}/shared/") for r in asked[1:])
        assert [e for e in seen.errors if "favicon" not in e and "404" not in e] == []
        assert fits(seen.page)
        seen.page.set_viewport_size({"width": 390, "height": 844})
        assert fits(seen.page)
        seen.close()


@pytest.mark.parametrize("where", ["file", "http"])
def test_the_ways_of_the_site_are_walked(browser: Any, built: Path, address: str, where: str) -> None:
    start = built.as_uri() if where == "file" else address
    seen = Seen(browser, f"{start}/index.html")
    page = seen.ready()
    page.click("#dates a:text-is('10')")
    assert page.url == f"{start}/dates/2025-01-10.html"
    assert page.locator("a[rel=prev]").count() == 0
    for day in (11, 12):
        page.click("a[rel=next]")
        assert page.url == f"{start}/dates/2025-01-{day}.html"
        assert f"{day} January 2025" in page.inner_text(".dek")
        page.wait_for_selector("html[data-ready=yes]")
    assert page.locator("a[rel=next]").count() == 0
    page.click("nav >> text=Units")
    assert page.url == f"{start}/index.html#units"
    page.click("#units a:text-is('Kursk region')")
    page.click("tbody a >> nth=0")
    assert page.url == f"{start}/dates/2025-01-12.html"
    page.click("nav >> text=Sources")
    assert "desk@2025-01-11" in page.inner_text("table.snapshots")
    assert [e for e in seen.errors if "404" not in e] == []
    seen.close()


def test_a_link_to_a_date_of_the_timeline_works_in_the_site(browser: Any, built: Path) -> None:
    seen = Seen(browser, f"{built.as_uri()}/index.html#2025-01-11", offline=True)
    page = seen.ready()
    assert page.inner_text("#now-date") == "11 January 2025"
    seen.close()


def test_a_download_is_a_file(browser: Any, built: Path, address: str) -> None:
    seen = Seen(browser, f"{address}/dates/2025-01-11.html", accept_downloads=True)
    with seen.page.expect_download() as waited:
        seen.page.click("text=Figures, CSV")
    assert waited.value.suggested_filename == "2025-01-11-figures.csv"
    stands = built / "data" / "2025-01-11" / "2025-01-11-figures.csv"
    assert Path(waited.value.path()).read_bytes() == stands.read_bytes()
    seen.close()


def test_without_scripts_pages_show_picture_tables_and_ways(browser: Any, built: Path) -> None:
    seen = Seen(browser, f"{built.as_uri()}/dates/2025-01-11.html", java_script_enabled=False)
    assert seen.page.locator(".still svg").is_visible()
    assert seen.page.locator("a[rel=next]").is_visible()
    seen.page.click("nav >> text=Units")
    assert seen.page.locator("#units table").is_visible()
    seen.close()


def test_a_page_without_the_files_of_its_site_shows_the_picture(browser: Any, built: Path, tmp_path: Path) -> None:
    alone = tmp_path / "page.html"
    alone.write_bytes((built / "dates" / "2025-01-11.html").read_bytes())
    seen = Seen(browser, alone.as_uri(), offline=True)
    assert seen.page.locator(".still svg").is_visible()
    assert not seen.page.locator(".live").is_visible()
    seen.close()


def test_a_page_of_a_site_works_in_a_sandboxed_frame(
    browser: Any, built: Path, filled: Path, address: str, tmp_path: Path
) -> None:
    page = built / "dates" / "2025-01-11.html"
    with pytest.raises(UsageError, match="needs other files of its site"):
        embed_snippet(page)
    geo.build_site(
        open_archive(filled), tmp_path / "site", base_url=f"{address}/", with_downloads=False, from_="2025-01-11"
    )
    snippet = embed_snippet(tmp_path / "site" / "dates" / "2025-01-11.html")
    assert f'src="{address}/dates/2025-01-11.html"' in snippet
    (tmp_path / "article.html").write_text(f"<!DOCTYPE html><title>a</title>{snippet}", encoding="utf-8")
    seen = Seen(browser, (tmp_path / "article.html").as_uri())
    seen.page.frames[1].wait_for_selector("html[data-ready=yes]")
    seen.close()


def test_hostile_text_runs_on_no_page(browser: Any, hostile: Path) -> None:
    units = sorted((hostile / "units").iterdir())
    for path in (hostile / "index.html", hostile / "sources.html", hostile / "dates" / "2025-01-11.html", *units[:12]):
        seen = Seen(browser, path.as_uri(), offline=True)
        if path.parent.name != "units" and path.name != "sources.html":
            seen.ready()
        assert seen.page.evaluate("window.pwned") is None
        assert seen.errors == [], path
        assert seen.requests[0] == path.as_uri()
        assert all(r.startswith(f"{hostile.as_uri()}/shared/") for r in seen.requests[1:])
        seen.close()
