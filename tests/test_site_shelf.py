"""A site's folder: whatever the moment at which a build dies, every link leads somewhere, and the next build ends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from site_links import reached

from geo.errors import BusyError, UsageError
from geo.output.site import publish
from geo.output.site.publish import OWN, BuildReport, open_site_folder

Site = dict[str, bytes]


class Killed(BaseException):
    """Stands for a process that is gone."""


def build(folder: Path, site: Site) -> BuildReport:
    with open_site_folder(folder) as target:
        for path, content in site.items():
            if not target.has(path, content.hex()):
                target.put(path, content.hex(), content)
        return target.switch({"made_by": "test"})


def content_of(folder: Path) -> Site:
    files = [p for p in folder.rglob("*") if p.is_file() and OWN not in p.parts]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def page(path: str, links: Iterator[str] | list[str], version: int) -> bytes:
    up = "../" * path.count("/")
    return f"<p>{version}{''.join(f'<a href={up}{link}>x</a>' for link in links)}".encode()


@st.composite
def sites(draw: Any) -> Site:
    """Dates that link to their neighbours, their data and units, and an index that links to all of them."""
    days = sorted(draw(st.sets(st.integers(1, 6), min_size=1, max_size=5)))
    versions = st.integers(0, 2)
    units = draw(st.sets(st.integers(1, 3)))
    site: Site = {}
    for i, day in enumerate(days):
        near = [f"dates/{d}.html" for d in (*days[max(i - 1, 0) : i], *days[i + 1 : i + 2])]
        site[f"data/{day}/a.csv"] = f"{draw(versions)}".encode()
        path = f"dates/{day}.html"
        site[path] = page(path, [*near, f"data/{day}/a.csv", "index.html"], draw(versions))
    for unit in units:
        path = f"units/{unit}.html"
        site[path] = page(path, [f"dates/{d}.html" for d in days], draw(versions))
    site["index.html"] = page("index.html", [p for p in site if p.endswith("html")], draw(versions))
    return site


def steps_until(monkeypatch: pytest.MonkeyPatch, limit: int) -> list[int]:
    """Count every step by which the switch touches the disk; die before the one after the limit."""
    taken = [0]

    def counted(real: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            if taken[0] == limit:
                raise Killed
            taken[0] += 1
            return real(*args, **kwargs)

        return step

    monkeypatch.setattr(publish.os, "replace", counted(os.replace))
    monkeypatch.setattr(publish.os, "fsync", counted(lambda _: None))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))
    monkeypatch.setattr(Path, "write_text", counted(Path.write_text))
    monkeypatch.setattr(Path, "write_bytes", counted(Path.write_bytes))
    return taken


@pytest.mark.long
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=sites(), new=sites())
def test_a_build_that_dies_at_any_step_breaks_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: Site, new: Site
) -> None:
    folder, start = tmp_path / "site", tmp_path / "start"
    for place in (folder, start):
        shutil.rmtree(place, ignore_errors=True)
    build(start, old)
    (start / "CNAME").write_text("example.org")
    limit = 0
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder)
        with monkeypatch.context() as patch:
            taken = steps_until(patch, limit)
            try:
                build(folder, new)
                died = False
            except Killed:
                died = True
        reached(folder)
        found = content_of(folder)
        assert found.pop("CNAME") == b"example.org"
        for path, content in found.items():
            assert content in (old.get(path), new.get(path)), path
        if not (folder / OWN / "journal.json").exists() and died:
            # before the journal the old site is whole; after it is gone, the new one
            assert found in (old, new)
        build(folder, new)
        assert content_of(folder) == {**new, "CNAME": b"example.org"}
        if not died:
            assert taken[0] == limit
            break
        limit += 1
    assert build(folder, new) == BuildReport(folder, kept=len(new))


def test_the_first_build_shows_no_index_before_all_that_it_links_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site: Site = {
        "dates/1.html": b"<a href=../index.html>x</a>",
        "index.html": b"<a href=dates/1.html>x</a>",
        "data/1/a": b"1",
    }
    died = 0
    for limit in range(60):
        folder = tmp_path / str(limit)
        with monkeypatch.context() as patch:
            steps_until(patch, limit)
            try:
                build(folder, site)
            except Killed:
                died += 1
        if (folder / "index.html").exists():
            reached(folder)
        build(folder, site)
        assert content_of(folder) == site
    assert died > 8


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    site: Site = {"index.html": b"1", "data/1/a": b"2"}
    build(tmp_path, site)

    def times() -> dict[Path, int]:
        """When each file was written; the lock carries the process that held it last."""
        return {p: p.stat().st_mtime_ns for p in [tmp_path, *tmp_path.rglob("*")] if p.name != ".lock"}

    before = times()
    assert build(tmp_path, site) == BuildReport(tmp_path, kept=2)
    assert times() == before


def test_files_of_others_are_neither_taken_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not make"):
        build(tmp_path, {"index.html": b"1"})
    assert content_of(tmp_path) == {"thesis.txt": b"mine"}

    folder = tmp_path / "site"
    build(folder, {"index.html": b"1", "dates/1.html": b"1"})
    (folder / "dates" / "mine.html").write_text("mine")
    (folder / "dates" / "2.html").write_text("mine too")
    with pytest.raises(UsageError, match=r"2\.html was not made by geo site"):
        build(folder, {"index.html": b"2", "dates/2.html": b"2"})
    assert content_of(folder)["index.html"] == b"1"
    build(folder, {"index.html": b"2"})
    assert content_of(folder) == {"index.html": b"2", "dates/mine.html": b"mine", "dates/2.html": b"mine too"}


def test_what_somebody_took_away_or_cut_short_is_put_back(tmp_path: Path) -> None:
    site: Site = {"index.html": b"12345", "dates/1.html": b"1"}
    build(tmp_path, site)
    (tmp_path / "dates" / "1.html").unlink()
    (tmp_path / "index.html").write_text("123")
    assert build(tmp_path, site).changed == ("dates/1.html", "index.html")
    assert content_of(tmp_path) == site


def test_a_file_that_pages_share_stays_as_long_as_one_needs_it(tmp_path: Path) -> None:
    def build_pages(needs: dict[str, str]) -> BuildReport:
        with open_site_folder(tmp_path) as target:
            for path, name in needs.items():
                if not target.has(path, name):
                    target.put(path, name, name, {f"shared/{name}.js": name})
            return target.switch({"made_by": "test"})

    first = {"dates/1.html": "a", "dates/2.html": "a", "index.html": "b"}
    assert build_pages(first).added == ("dates/1.html", "dates/2.html", "index.html", "shared/a.js", "shared/b.js")
    assert build_pages(first) == BuildReport(tmp_path, kept=5)
    (tmp_path / "shared" / "a.js").unlink()
    assert build_pages(first).changed == ("shared/a.js",)
    later = build_pages(first | {"dates/1.html": "c"})
    assert (later.added, later.changed, later.removed) == (("shared/c.js",), ("dates/1.html",), ())
    assert build_pages(first | {"dates/1.html": "c", "dates/2.html": "c"}).removed == ("shared/a.js",)
    assert content_of(tmp_path)["shared/c.js"] == b"c"


def test_a_manifest_leads_nowhere_else(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("stays")
    folder = tmp_path / "site"
    build(folder, {"index.html": b"1"})
    manifest = folder / OWN / "manifest.json"
    for evil in ("../victim.txt", str(victim), ".geo-site/manifest.json"):
        manifest.write_text(manifest.read_text().replace("index.html", evil))
        with pytest.raises(UsageError, match="damaged"):
            build(folder, {"index.html": b"2"})
    (folder / OWN / "journal.json").write_text('{"moves": [], "removed": ["../victim.txt"], "manifest": ""}')
    with pytest.raises(UsageError, match="damaged"):
        build(folder, {"index.html": b"2"})
    assert victim.read_text() == "stays"


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with open_site_folder(tmp_path), pytest.raises(BusyError, match="geo site .* in hand"), open_site_folder(tmp_path):
        pass
