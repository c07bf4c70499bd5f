"""What pages and sites weigh, on real archives: bytes of files, which no other work on the machine changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import geo
from benchmarks.pages import replayed
from geo.archive import Archive, open_archive
from geo.output.site.downloads import download_bytes, read_span
from geo.output.site.plan import SiteOptions

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
    day = str(raw.reader.snapshots()["depicts"].max())[:10]
    text = geo.draw_map(raw, day).get_root().render()
    assert 300_000 < len(text.encode()) <= 500_000


@pytest.mark.long
def test_a_site_of_35_dates_with_its_downloads(raw: Archive, shared: Path, tmp_path: Path) -> None:
    """Of three dates, the rest counted on: each has a page, a card and figures; all have the other files in common."""
    geo.build_site(raw, tmp_path / "site")
    files = {p.relative_to(tmp_path / "site"): p.stat().st_size for p in (tmp_path / "site").rglob("*") if p.is_file()}
    dated = {path: size for path, size in files.items() if re.search(r"/20\d\d-", path.as_posix())}
    count = sum(path.parts[0] == "dates" for path in dated)
    assert count >= 3
    common = {path: size for path, size in files.items() if path not in dated and path.parts[0] != "data"}
    whole = open_archive(tmp_path / "whole.gpkg")
    geo.import_files(whole, "deepstate", sorted((shared / "deepstate-raw").glob("*.geojson"))[-DAYS:])
    days = sorted(whole.reader.snapshots()["depicts"].str[:10])
    loaded = read_span(whole, days[0], days[-1], SiteOptions(source="deepstate"))
    data = [len(download_bytes(name, loaded)) for name in ("control.geojson.zip", "map.kmz", "map.gpkg.zip")]
    assert sum(data) < 3_500_000
    assert sum(dated.values()) / count * DAYS + sum(common.values()) + sum(data) <= 15_000_000


@pytest.mark.long
def test_a_timeline_of_769_dates(shared: Path, tmp_path: Path) -> None:
    archive = replayed(sorted((shared / "deepstate-mirror").resolve().glob("*.geojson")), 769, tmp_path)
    text = geo.draw_timeline(archive).get_root().render()
    assert '"go-to"' in text
    assert len(text.encode()) <= 600_000
