"""What pages and sites weigh, on real archives: bytes of files, which no other work on the machine changes."""

from __future__ import annotations

from pathlib import Path

import pytest

import geo
from benchmarks.pages import replayed
from geo.archive import Archive, open_archive

DAYS = 35


@pytest.fixture(scope="module")
def raw(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The last three days of DeepState's own files, which have ground of every class."""
    files = sorted((shared / "deepstate-raw").glob("*.geojson"))[-3:]
    opened = open_archive(tmp_path_factory.mktemp("raw") / "a.gpkg")
    geo.import_files(opened, "deepstate", files)
    opened.close()
    return opened


def test_a_page_of_the_whole_theatre(raw: Archive) -> None:
    day = str(raw.snapshots()["depicts"].max())[:10]
    text = geo.draw_map(raw, day).get_root().render()
    assert 300_000 < len(text.encode()) <= 500_000


@pytest.mark.long
def test_pages_and_cards_of_a_site_of_35_dates(raw: Archive, tmp_path: Path) -> None:
    """Of three dates, the rest counted on: every date has a page and a card, and all have the other files in common."""
    geo.build_site(raw, tmp_path / "site", with_downloads=False)
    files = {p.relative_to(tmp_path / "site"): p.stat().st_size for p in (tmp_path / "site").rglob("*") if p.is_file()}
    dated = {path: size for path, size in files.items() if path.parts[0] in ("dates", "cards")}
    count = len(dated) // 2
    assert count >= 3
    assert sum(dated.values()) / count * DAYS + sum(files.values()) - sum(dated.values()) <= 15_000_000


@pytest.mark.long
def test_a_timeline_of_769_dates(shared: Path, tmp_path: Path) -> None:
    archive = replayed(sorted((shared / "deepstate-mirror").resolve().glob("*.geojson")), 769, tmp_path)
    text = geo.draw_timeline(archive).get_root().render()
    assert '"go-to"' in text
    assert len(text.encode()) <= 600_000
