"""Dated pages and the timeline beside folium's own, in one run: ``python -m benchmarks pages``.

Opening, steps and heap are those of headless Chromium without a network; folium's pages ask other hosts for their
scripts and stay blank there, so its side is bytes and Python's time.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import folium
import geopandas as gpd
from folium.plugins import Timeline, TimelineSlider

from benchmarks.common import median
from geo.archive import Archive, open_archive
from geo.importing.importer import import_files
from geo.output.html.map_page import draw_map, draw_maps, save_map
from geo.output.html.timeline_page import draw_timeline

FIRST = date(2024, 7, 8)
RIVAL_DAYS = 8  # pages of the rival that are timed, and multiplied
STEPS = 200


def replayed(files: list[Path], dates: int, folder: Path) -> Archive:
    """An archive of so many days: the series there and back again."""
    turn = [*range(len(files)), *range(len(files) - 2, 0, -1)]
    listed = []
    for i in range(dates):
        link = folder / f"deepstatemap_data_{FIRST + timedelta(days=i):%Y%m%d}.geojson"
        link.unlink(missing_ok=True)
        link.symlink_to(files[turn[i % len(turn)]])
        listed.append(link)
    archive = open_archive(folder / f"{dates}.gpkg")
    import_files(archive, "deepstate-mirror", listed)
    archive.close()
    return archive


def rival_page(files: list[Path], day: int, out: Path, units: gpd.GeoDataFrame | None) -> None:
    """Control, what changed since the day before, and the borders of units, as a script with geopandas and folium."""
    now, before = (gpd.read_file(files[i])[["geometry"]] for i in (day, day - 1))
    page = folium.Map(tiles=None)
    for name, ground in (("held", now), ("gained", now.difference(before)), ("lost", before.difference(now))):
        km2 = ground.to_crs(6933).area.sum() / 1e6
        folium.GeoJson(ground, name=f"{name}, {km2:.1f} km²").add_to(page)
    if units is not None:
        folium.GeoJson(units, name="units").add_to(page)
    folium.LayerControl().add_to(page)
    page.save(out)


def rival_timeline(files: list[Path], dates: int, out: Path) -> None:
    """folium's Timeline of the same days."""
    turn = [*range(len(files)), *range(len(files) - 2, 0, -1)]
    features = []
    for i in range(dates):
        day = FIRST + timedelta(days=i)
        span = {"start": str(day), "end": str(day + timedelta(days=1))}
        read = json.loads(files[turn[i % len(turn)]].read_text())["features"]
        features += [{"type": "Feature", "geometry": f["geometry"], "properties": span} for f in read]
    page = folium.Map(tiles=None)
    line = Timeline({"type": "FeatureCollection", "features": features}).add_to(page)
    TimelineSlider(auto_play=False).add_timelines(line).add_to(page)
    page.save(out)


def in_browser(path: Path) -> dict[str, float]:
    """Opening, script time of a step, frames a second in play, and heap of a timeline page in headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        where = os.environ.get("GEO_CHROMIUM", "/usr/bin/chromium")
        browser = play.chromium.launch(executable_path=where, args=["--no-sandbox", "--disable-gpu"])
        opened = []
        for _ in range(5):
            context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
            page = context.new_page()
            start = time.perf_counter()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-film=yes]")
            opened.append(time.perf_counter() - start)
            if len(opened) < 5:
                context.close()
        session = context.new_cdp_session(page)
        session.send("Performance.enable")

        def measured(name: str) -> float:
            return next(m["value"] for m in session.send("Performance.getMetrics")["metrics"] if m["name"] == name)

        page.locator("input[type=range]").first.focus()
        scripts = []
        for _ in range(STEPS):
            before = measured("ScriptDuration")
            page.keyboard.press("ArrowLeft")
            page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            scripts.append(1000 * (measured("ScriptDuration") - before))
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        frames = page.evaluate(
            "new Promise(done => { let n = 0, start = performance.now(); (function tick() { n += 1;"
            " if (performance.now() - start > 2000) { done(n / 2); } else { requestAnimationFrame(tick); } })(); })"
        )
        page.keyboard.press("Space")
        session.send("HeapProfiler.collectGarbage")
        found = {
            "open_s": statistics.median(opened), "step_ms": statistics.median(scripts),
            "step95_ms": sorted(scripts)[int(0.95 * STEPS)], "frames": frames,
            "heap_mb": measured("JSHeapUsedSize") / 1e6,
        }  # fmt: skip
        browser.close()
    return found


def rows(data: Path, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(what, ours, the rival's, the goal) of every limit."""
    files = sorted((data / "deepstate-mirror").glob("*.geojson"))
    mirror = open_archive(folder / "mirror.gpkg")
    import_files(mirror, "deepstate-mirror", files)
    mirror.close()
    units = mirror.units(1)[["name", "geometry"]]
    path = save_map(draw_map(mirror, "2025-01-11", since="2025-01-10"), folder / "day.html")
    kb = path.stat().st_size / 1000
    seconds = median(lambda: save_map(draw_map(mirror, "2025-01-11", since="2025-01-10"), folder / "day.html"))
    rival_page(files, 187, folder / "rival.html", units)
    yield "dated page, KB", f"{kb:.0f}", f"{(folder / 'rival.html').stat().st_size / 1000:.0f}", "400"
    yield "dated page, seconds from archive to file", f"{seconds:.2f}", "", "0.5"
    few = range(100, 100 + RIVAL_DAYS)
    count = len(files)
    bare, shown = (median(lambda b=b: [rival_page(files, d, folder / "r.html", b) for d in few]) for b in (None, units))
    bare, shown = bare * count / RIVAL_DAYS, shown * count / RIVAL_DAYS
    for front in (False, True):
        ours = median(lambda f=front: list(draw_maps(mirror, folder / "maps", with_front=f)), runs=1)
        name = f"{count} dated pages, s, {'with' if front else 'without'} the front line"
        yield f"{name}; folium's control, changes, units", f"{ours:.1f}", f"{shown:.1f}", "5 times as fast"
        yield f"{name}; folium's control and changes alone", f"{ours:.1f}", f"{bare:.1f}", ""
    for dates, goal in ((len(files), ""), (769, "10 times as fast")):
        archive = mirror if dates == len(files) else replayed(files, dates, folder)
        page = folder / "timeline.html"
        mine = median(lambda a=archive, p=page: save_map(draw_timeline(a), p), runs=3)
        theirs = median(lambda n=dates: rival_timeline(files, n, folder / "rival.html"), runs=1)
        sizes = [f.stat().st_size / 1e6 for f in (page, folder / "rival.html")]
        yield f"timeline of {dates} dates, MB", f"{sizes[0]:.3f}", f"{sizes[1]:.1f}", "0.6"
        yield f"timeline of {dates} dates, seconds of Python", f"{mine:.1f}", f"{theirs:.1f}", goal
        seen = in_browser(page)
        yield f"timeline of {dates} dates, seconds to open", f"{seen['open_s']:.2f}", "", "0.6"
        steps = f"{seen['step_ms']:.1f}, {seen['step95_ms']:.1f}"
        yield f"timeline of {dates} dates, script ms a step, median and 95th percentile", steps, "", "1, 2"
        yield f"timeline of {dates} dates, frames a second in play", f"{seen['frames']:.0f}", "", "60"
        yield f"timeline of {dates} dates, MB of heap", f"{seen['heap_mb']:.1f}", "", "5"


def run(data: Path) -> int:
    """Print the table."""
    print("| what | ours | rival | goal |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(data, Path(folder)):
            print("| " + " | ".join(row) + " |", flush=True)
    return 0
