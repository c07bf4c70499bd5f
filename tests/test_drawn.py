"""What pages draw, decoded: within the stated error of the archive's ground, the same in two processes, as recorded.

``GEO_GOLDEN=write pytest tests/test_drawn.py`` records anew what the bundled example's pages decode to.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from test_maps import data_of, decode
from timeline_decoder import unpack

from geo.archive import Archive, open_archive
from geo.cli import demo
from geo.importing.importer import import_files
from geo.output.documents.write import draw_brief
from geo.output.html.map_page import draw_map
from geo.output.html.timeline_codec import SCALE
from geo.output.html.timeline_page import draw_timeline
from geo.output.html.two_dates_page import draw_dates

GOLDEN = Path(__file__).with_name("golden") / "pages.json"
STATED_M = 0.08  # docs/maps.md: how far a vertex moves at most
_METRES = 111_320.0


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return demo.build(tmp_path_factory.mktemp("example") / "a.gpkg")


def segments(lines: Sequence[np.ndarray]) -> np.ndarray:
    """Segments (n, 2, 2) of rings or lines of (lon, lat), in metres on the ground at 50° N or so."""
    cut = [np.stack([line[:-1], line[1:]], axis=1) for line in lines]
    return np.concatenate(cut) * [_METRES * np.cos(np.radians(45.0)), _METRES]


def rings_of(shapes: Sequence[Any]) -> list[np.ndarray]:
    parts = shapely.get_parts(np.asarray(list(shapes), dtype=object))
    return [shapely.get_coordinates(ring) for ring in shapely.get_rings(parts)]


def apart_m(one: np.ndarray, other: np.ndarray) -> float:
    """The Hausdorff distance of two sets of segments, taken at every vertex of both, in metres."""
    found = 0.0
    for a, b in ((one, other), (other, one)):
        tree = shapely.STRtree(shapely.linestrings(b))
        points = shapely.points(np.unique(a.reshape(-1, 2), axis=0))
        _, distance = tree.query_nearest(points, all_matches=False, return_distance=True)
        found = max(found, float(distance.max()))
    return found


def page_segments(items: Sequence[dict[str, Any]]) -> np.ndarray:
    rings = [decode(ring) for item in items for polygon in item["polygons"] for ring in polygon]
    return segments([np.vstack([ring, ring[:1]]) for ring in rings])


def check_pages(archive: Archive, days: Sequence[str], folder: Path) -> None:
    """Every kind of page of these days against the archive's own ground."""
    ground = {day: segments(rings_of(archive.control(day).geometry)) for day in days}
    for day in days:
        data = data_of(draw_map(archive, day, with_front=False, draw_basemap=False).get_root().render())
        assert apart_m(page_segments(data["classes"]), ground[day]) <= STATED_M
    for first, last in zip(days[::2], days[1::2], strict=False):
        data = data_of(draw_dates(archive, first, last, draw_basemap=False).page.render())
        for name, day in (("classes", first), ("later", last)):
            assert apart_m(page_segments(data[name]), ground[day]) <= STATED_M
    text = draw_brief(archive, days[-1], folder / "b.html")[0].read_text(encoding="utf-8")
    assert apart_m(page_segments(data_of(text)["classes"]), ground[days[-1]]) <= STATED_M
    text = draw_timeline(archive, from_=days[0], to=days[-1], draw_basemap=False).page.render()
    said = re.search(r"none moves by more than ([\d.]+) m", text)
    assert said is not None
    reel = unpack(base64.b64decode(data_of(text)["film"]["bytes"]))
    places = reel.points / SCALE * [_METRES * np.cos(np.radians(45.0)), _METRES]
    by_day = {str(np.datetime64(int(t), "s"))[:10]: i for i, t in enumerate(reel.instants)}
    for day in days:
        drawn = [
            np.stack([places[e.tails[here]], places[e.heads[here]]], axis=1)
            for e in reel.tracks
            for here in [(e.births <= by_day[day]) & (e.deaths > by_day[day])]
        ]
        # the page's words are rounded to the millimetre, and so is the plane on which this is measured
        assert apart_m(np.concatenate(drawn), ground[day]) <= 1.1 * float(said[1]) + 0.001


def days_of(archive: Archive) -> list[str]:
    return sorted({str(d)[:10] for d in archive.reader.snapshots()["depicts"]})


@pytest.mark.long
def test_all_that_the_examples_pages_draw_lies_where_the_archive_has_it(example: Archive, tmp_path: Path) -> None:
    days = days_of(example)
    assert len(days) == 11
    check_pages(example, days, tmp_path)


@pytest.mark.long
def test_all_that_pages_of_ten_real_dates_draw_lies_where_the_archive_has_it(shared: Path, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-mirror").glob("*.geojson"))[40:60:2]
    archive = open_archive(tmp_path / "a.gpkg")
    import_files(archive, "deepstate-mirror", files)
    archive.close()
    days = days_of(archive)
    assert len(days) == 10
    check_pages(archive, days, tmp_path)


def test_it_would_be_seen_if_a_vertex_were_a_metre_off(example: Archive) -> None:
    lines = rings_of(example.control("2025-01-11").geometry)
    moved = [line.copy() for line in lines]
    moved[1][3] += [0, 1 / _METRES]
    assert 0.5 < apart_m(segments(lines), segments(moved)) < 1.5


# -- the same again -----------------------------------------------------------------------------------------------

PROGRAM = """
import sys, geo
from pathlib import Path
from geo.output.documents.write import draw_brief
from geo.output.html.two_dates_page import draw_dates
archive, folder = geo.open_archive(sys.argv[1]), Path(sys.argv[2])
geo.save_map(geo.draw_map(archive, "2025-01-11", since="2024-09-10"), folder / "map.html")
geo.save_map(geo.draw_timeline(archive), folder / "timeline.html")
geo.save_map(draw_dates(archive, "2024-09-10", "2025-01-11"), folder / "dates.html")
draw_brief(archive, "2025-01-11", folder / "brief.html", since="2024-09-10")
"""


@pytest.fixture(scope="module")
def twice(example: Archive, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of the example, made by two processes that order their sets differently."""
    folders = [tmp_path_factory.mktemp(f"seed{seed}") for seed in (1, 2)]
    for seed, folder in enumerate(folders, start=1):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "TZ": ("UTC", "Asia/Tokyo")[seed - 1]}
        command = [sys.executable, "-c", PROGRAM, str(example.path), str(folder)]
        subprocess.run(command, check=True, env=environment)
    return folders


@pytest.mark.parametrize("kind", ["map", "timeline", "dates", "brief"])
def test_the_same_input_gives_the_same_bytes_in_two_processes(twice: list[Path], kind: str) -> None:
    one, other = ((folder / f"{kind}.html").read_bytes() for folder in twice)
    assert len(one) > 100_000
    assert one == other


class Words(HTMLParser):
    """The words of a page, block by block, as a reader meets them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._silent += tag in ("script", "style", "svg", "noscript", "select")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "svg", "noscript", "select")

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.found.append(re.sub(r"geo-control \d[\w.]*", "geo-control", " ".join(data.split())))


def decoded(path: Path) -> dict[str, Any]:
    """What a page holds: its ground as rings or edges, dates, figures, texts."""
    text = path.read_text(encoding="utf-8")
    data = data_of(text)
    found: dict[str, Any] = {"words": Words(text).found}
    if "film" in data:
        reel = unpack(base64.b64decode(data["film"]["bytes"]))
        found["dates"] = [str(np.datetime64(int(t), "s")) for t in reel.instants]
        found["points"] = reel.points.tolist()
        found["tracks"] = [
            {"label": t["label"], "km2": e.area.tolist(), "gained": e.gained.tolist(), "lost": e.lost.tolist(),
             "edges": np.column_stack([e.tails, e.heads, e.births, e.deaths]).tolist()}
            for t, e in zip(data["film"]["tracks"], reel.tracks, strict=True)
        ]  # fmt: skip
        return found
    for name in ("classes", "changes", *(name for name, _ in data.get("more", ()))):
        found[name] = [[item["label"], item["polygons"]] for item in data[name] if name != "changes"]
        # what an overlay gives may begin its rings elsewhere with another GEOS: its area is what counts
        found[name] += [
            [item["label"], round(shapely.union_all([shapely.Polygon(decode(p[0])) for p in item["polygons"]]).area, 7)]
            for item in data[name]
            if name == "changes"
        ]
    return found


def test_what_the_pages_decode_to_is_what_was_recorded(twice: list[Path]) -> None:
    made = {path.stem: decoded(path) for path in sorted(twice[0].glob("*.html"))}
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"').replace('","', '",\n"')
    if os.environ.get("GEO_GOLDEN") == "write":
        GOLDEN.write_text(text + "\n", encoding="utf-8")
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert set(made) == set(recorded) == {"map", "timeline", "dates", "brief"}
    for kind, parts in recorded.items():
        for name, value in parts.items():
            assert made[kind][name] == value, f"{kind}: {name}"
