"""Pictures without a browser: true to the archive's figures and to scale, the same twice, outside text as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hostile_texts import HOSTILE
from PIL import Image
from pypdf import PdfReader
from pyproj import Geod
from shapely.geometry import box
from test_archive import put, state
from test_maps import DAY, incident

from geo.archive import Archive, open_archive
from geo.cli.demo import build
from geo.errors import MapError, UsageError
from geo.importing.importer import ensure_units, import_files
from geo.incidents.markers import Marker
from geo.measure.ellipsoid import area_km2
from geo.output.html.map_page import draw_maps
from geo.output.images import text_blocks
from geo.output.images.drawing import Canvas, save
from geo.output.images.fonts import clean_settings, plain, text_width, wrapped
from geo.output.images.map_panel import draw_map_panel, scale_km, whereabouts
from geo.output.images.picture import draw_figure, draw_picture, map_frame
from geo.output.images.projection import lay, proportion
from geo.output.images.text_blocks import incident_line
from geo.output.images.themes import SHAPES, THEMES
from geo.output.map_content import gather
from geo.presentation.labels import figure
from geo.presentation.sides import side_colours
from geo.presentation.statuses import HELD_FILL, status_of

WGS84 = Geod(ellps="WGS84")
RECT = (0.0, 0.0, 600.0, 400.0)
BOXES = [(30.0, 44.0, 41.0, 52.5), (34.8, 50.9, 35.7, 51.6), (-1.0, -1.5, 3.0, 1.0), (14.0, 66.0, 26.0, 71.0)]
NASTY = "$\\frac{x}$ <script>{{7*7}}</script> & \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 ]]> \\n%s"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    opened = open_archive(tmp_path_factory.mktemp("made") / "a.gpkg")
    ensure_units(opened)
    still = ("Y", "held", "n", box(34, 50, 35, 51))
    put(opened, DAY, state(("X", "held", "n", box(35, 51, 35.6, 51.4)), still))
    put(opened, DAY + timedelta(days=1), state(
        ("X", "held", "n", box(35, 51, 35.4, 51.4)), still, (None, "contested", "n", box(35.4, 51, 35.6, 51.4)),
        ("X", "claimed", "n", box(35, 51.4, 35.2, 51.5)),
    ))  # fmt: skip
    incident(opened, where_coordinates="Sudzha", event_type="Battles", where_prec=1, low=0, best=1, high=3)
    incident(opened, where_coordinates="Kursk Oblast", event_type="Strategic developments", where_prec=4, lat=51.6)
    opened.close()
    return opened.path


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Archive:
    return open_archive(shutil.copy(made, tmp_path / "a.gpkg"))


def svg_texts(path: Path) -> list[str]:
    """Every line of text that a drawing shows."""
    tree = ET.parse(path).getroot()
    return ["".join(e.itertext()) for e in tree.iter("{http://www.w3.org/2000/svg}text")]


def shown(path: Path) -> str:
    return " ".join(svg_texts(path))


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


# -- the plane --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", BOXES)
def test_places_come_back_from_the_plane(view: tuple[float, float, float, float]) -> None:
    plane = lay(view, RECT)
    there = np.random.default_rng(1).uniform(view[:2], view[2:], size=(200, 2))
    np.testing.assert_allclose(plane.lonlat(plane.xy(there)), there, atol=1e-9)
    corners = plane.xy(np.array([(view[i], view[j]) for i in (0, 2) for j in (1, 3)]))
    assert (corners >= np.array(RECT[:2]) - 1e-6).all()
    assert (corners <= np.array(RECT[2:]) + 1e-6).all()


@pytest.mark.parametrize("view", BOXES)
def test_areas_compare_true_all_over_the_map(view: tuple[float, float, float, float]) -> None:
    plane = lay(view, RECT)
    step = (view[3] - view[1]) / 12
    rng = np.random.default_rng(2)
    for west, south in rng.uniform(view[:2], (view[2] - step, view[3] - step), size=(12, 2)):
        cell = shapely.segmentize(box(west, south, west + step, south + step), step / 20)
        drawn = shapely.transform(cell, plane.xy).area / plane.points_per_km**2
        assert drawn == pytest.approx(
            area_km2(gpd.GeoSeries([cell])).iloc[0], rel=0.012
        )  # a sphere for an ellipsoid, at every latitude


@pytest.mark.parametrize("view", BOXES)
def test_the_scale_bar_is_as_long_as_it_says_wherever_it_is_laid(view: tuple[float, float, float, float]) -> None:
    plane = lay(view, RECT)
    km = scale_km(plane)
    long = km * plane.points_per_km
    assert 25 < long <= 120
    for x, y in ((20, 20), (300, 200), (450, 380), (20, 380)):
        (a, b), (c, d) = plane.lonlat(np.array([(x, y), (x + long, y)], dtype=float))
        assert WGS84.inv(a, b, c, d)[2] / 1000 == pytest.approx(km, rel=0.012)


def test_a_map_has_the_proportions_of_its_ground() -> None:
    # at 60° a degree of longitude is half a degree of latitude
    assert proportion((10, 59.5, 12, 60.5)) == pytest.approx(1.0, rel=0.03)
    assert proportion((10, -0.5, 11, 0.5)) == pytest.approx(1.0, rel=0.01)


# -- what is drawn ----------------------------------------------------------------------------------------------------


def bare_map(archive: Archive, tmp_path: Path, **options: Any) -> tuple[np.ndarray, Any]:
    """A map alone on its canvas, without ground: 4 pixels a point."""
    content = gather(archive, "2025-01-11", **options)
    form = SHAPES["slide"]
    with clean_settings():
        canvas = Canvas(600, 400, THEMES["light"], dpi=288)
        plane = lay((33.8, 49.8, 35.9, 51.7), (0, 0, 600, 400))
        numbers = [0] * len(content.markers)
        bare = {"outlines": [], "markers": [], "lang": "en", "front": None}
        draw_map_panel(canvas, plane, replace(content, **bare), numbers[:0], size=form.small, most=0, draw_basemap=False,
                   inset=False)  # fmt: skip
    path = save(canvas.figure, tmp_path / "bare.png", title="", text="", credit="")
    return pixels_of(path), plane


def test_the_ground_drawn_in_a_sides_colour_is_its_area(archive: Archive, tmp_path: Path) -> None:
    rgb, plane = bare_map(archive, tmp_path)
    km2 = (1 / (plane.points_per_km * 4)) ** 2
    blue = (rgb[..., 2] - rgb[..., 0] > 25).sum() * km2
    held = archive.area("2025-01-11", controller="Y", status="held")["area_km2"].iloc[0]
    assert blue == pytest.approx(held, rel=0.03)  # outlines and names of places lie on its edge


@pytest.mark.parametrize("patterns", [False, True])
def test_held_ground_has_its_sides_colour_and_bars_where_asked_for(
    archive: Archive, tmp_path: Path, patterns: bool
) -> None:
    rgb, plane = bare_map(archive, tmp_path, patterns=patterns)
    sides, strength = side_colours(["X", "Y"]), HELD_FILL if patterns else status_of("held").tint
    for side, (lon, lat) in {"X": (35.33, 51.1), "Y": (34.2, 50.2)}.items():
        x, y = (plane.xy(np.array([(lon, lat)]))[0] * 4).astype(int)
        patch = rgb[y - 30 : y + 30, x - 30 : x + 30].reshape(-1, 3)
        colours, counts = np.unique(patch, axis=0, return_counts=True)
        flat = colours[counts.argmax()]
        wanted = [int(sides[side][i : i + 2], 16) for i in (1, 3, 5)]
        ground = [int(THEMES["light"].land[i : i + 2], 16) for i in (1, 3, 5)]
        np.testing.assert_allclose(flat, np.array(wanted) * strength + np.array(ground) * (1 - strength), atol=3)
        darker = (patch.sum(axis=1) < flat.sum() - 40).mean()
        assert 0.05 < darker < 0.4 if patterns else darker == 0


def test_what_changed_is_drawn_over_what_is_held(archive: Archive, tmp_path: Path) -> None:
    before, _ = bare_map(archive, tmp_path)
    after, plane = bare_map(archive, tmp_path, since="2025-01-10")
    x, y = (plane.xy(np.array([(35.5, 51.2)]))[0] * 4).astype(int)  # held on the 10th, contested on the 11th
    assert np.abs(before - after)[y - 20 : y + 20, x - 20 : x + 20].max() > 60
    x, y = (plane.xy(np.array([(34.5, 50.5)]))[0] * 4).astype(int)  # the same on both days
    assert np.abs(before - after)[y - 20 : y + 20, x - 20 : x + 20].max() == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_the_figures_printed_are_the_archives(archive: Archive, tmp_path: Path, shape: Any) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", since="2025-01-10", shape=shape)
    lines = svg_texts(path)
    area = archive.area("2025-01-11")
    for row in area.to_dict("records"):
        assert figure(row["area_km2"]) in lines
        assert row["snapshot"] in shown(path)
    moved = archive.change("2025-01-10", "2025-01-11", controller="X", status="held").iloc[0]
    assert figure(moved["lost_km2"]) in lines
    assert "−" + figure(-moved["net_km2"]) in lines
    for words in ("11 January 2025", "Lost by X since 10 January 2025", "Natural Earth", "GeoNames", "N", "Legend"):
        assert words in shown(path), words


def test_a_picture_of_a_unit_says_the_units_figures(archive: Archive, tmp_path: Path) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", within="UA-59")
    held = archive.area("2025-01-11", within="UA-59", controller="Y", status="held")["area_km2"].iloc[0]
    assert figure(held) in svg_texts(path)
    assert "Sumy region" in shown(path)


# -- incidents --------------------------------------------------------------------------------------------------------


def spies(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    seen: dict[str, list[Any]] = {"disc": [], "text": []}
    disc, text = Canvas.disc, Canvas.text

    def note_disc(self: Canvas, x: float, y: float, radius: float, **options: Any) -> None:
        seen["disc"].append((x, y, radius, options))
        disc(self, x, y, radius, **options)

    def note_text(self: Canvas, x: float, y: float, words: str, size: float, **options: Any) -> None:
        seen["text"].append((x, y, words, size, options))
        text(self, x, y, words, size, **options)

    monkeypatch.setattr(Canvas, "disc", note_disc)
    monkeypatch.setattr(Canvas, "text", note_text)
    return seen


def test_a_wide_place_is_a_circle_and_a_place_a_disc(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    incident(archive, where_coordinates="A district", event_type="Protests", where_prec=3, lon=34.5, lat=50.5)
    archive.close()
    seen = spies(monkeypatch)
    draw_picture(archive, "2025-01-11", view="all", shape="column")
    dashed = [d for d in seen["disc"] if d[3].get("dash") == "5 4"]
    scale = [t for t in seen["text"] if t[2].endswith(" km")]
    assert len(dashed) == 1
    assert len(scale) == 1
    *_, radius, options = dashed[0]
    assert options["fill"] == "none"
    # the circle reaches 40 km from the incident, by the same plane
    full = [d for d in seen["disc"] if d[3].get("clip") and d[3]["fill"] != "none"]
    assert len(full) == 1
    assert full[0][2] < 8 < radius
    words = [t[2] for t in seen["text"]]
    assert {"1", "2", "3", "Sudzha: Battles", "Kursk Oblast: Strategic developments", "A district: Protests"} <= set(
        words
    )
    assert "Incident known to lie somewhere in this circle" in " ".join(words)
    assert "Incident known to lie somewhere in this region" in " ".join(words)


def test_a_regions_number_stands_on_its_outline(archive: Archive) -> None:
    content = gather(archive, "2025-01-11")
    (spot,) = [s for s in content.markers if s.kind == "region"]
    with clean_settings():
        canvas = Canvas(600, 400, THEMES["light"], dpi=72)
        plane = lay((33.8, 49.8, 35.9, 51.7), (0, 0, 600, 400))
        tags: list[tuple[float, float]] = []
        canvas.text = lambda x, y, *_, **__: tags.append((x, y))  # type: ignore[method-assign]
        bare = replace(content, outlines=[], markers=[spot], front=None)
        draw_map_panel(canvas, plane, bare, [1], size=6, most=0, draw_basemap=False, inset=False)
    outline = shapely.boundary(shapely.transform(spot.area, plane.xy))
    assert min(outline.distance(shapely.Point(tag)) for tag in tags) < 15


def test_what_the_map_does_not_show_is_said_beside_it(archive: Archive, tmp_path: Path) -> None:
    view = (34.3, 50.3, 34.5, 50.45)
    alone = shown(draw_picture(archive, "2025-01-11", tmp_path / "a.svg", view=view))
    assert "2 incidents lie outside this view" in alone
    assert "somewhere in this circle" not in alone
    path = draw_picture(archive, "2025-01-11", tmp_path / "b.svg", view=view, within="RU-KRS")
    assert "beyond this map" in shown(path)  # in the unit that is asked for
    assert "Kursk Oblast: Strategic developments" in svg_texts(path)


def test_where_an_incident_lies_of_a_map() -> None:
    plane = lay((34, 50, 36, 51), RECT)
    place, region = Marker(50.5, 35, 0, "", ()), Marker(50.5, 35, 400_000, "", ())
    assert whereabouts(plane, place) == ""
    assert whereabouts(plane, Marker(55, 35, 0, "", ())) == "beyond this map"
    assert whereabouts(plane, region) == "within 400 km, wider than this map"
    assert whereabouts(plane, Marker(50.5, 35, 25_000, "", ())) == ""
    assert whereabouts(plane, Marker(56, 35, 25_000, "", ())) == "beyond this map"


def test_many_incidents_are_counted_and_no_list_runs_off_the_picture(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(60):
        incident(archive, lon=34.1 + 0.02 * i, lat=50.1 + 0.02 * (i % 40), where_coordinates=f"Place {i}", where_prec=1)
    for shape in SHAPES:
        seen = spies(monkeypatch)
        draw_picture(archive, "2025-01-11", tmp_path / "a.svg", shape=shape)
        words = [t[2] for t in seen["text"]]
        assert "Incidents: 62" in words
        assert any(w.startswith("and ") and "more" in w for w in words)
        form = SHAPES[shape]
        high = float(ET.parse(tmp_path / "a.svg").getroot().attrib["viewBox"].split()[3])
        for x, y, line, size, options in seen["text"]:
            wide = text_width(line, size, bold=options.get("bold", False))
            left = {"left": x, "right": x - wide, "center": x - wide / 2}[options.get("align", "left")]
            assert left >= 0, line
            assert left + wide <= form.width + 0.5, line
            assert 0 <= y <= high, line
        monkeypatch.undo()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_name_on_the_map_runs_into_another(archive: Archive, monkeypatch: pytest.MonkeyPatch, shape: Any) -> None:
    seen = spies(monkeypatch)
    draw_picture(archive, "2025-01-11", shape=shape)
    names = [t for t in seen["text"] if t[4].get("halo")]
    assert len(names) > 6
    boxes = []
    for x, y, line, size, options in names:
        wide = text_width(line, size, bold=options.get("bold", False))
        left = x - wide / 2 if options.get("align") == "center" else x
        boxes.append((line, box(left, y - 0.72 * size, left + wide, y)))
    for i, (line, one) in enumerate(boxes):
        for other, two in boxes[i + 1 :]:
            assert not one.intersects(two), f"{line} on {other}"


# -- text from outside ------------------------------------------------------------------------------------------------


def test_every_hostile_string_is_drawn_as_it_stands(tmp_path: Path) -> None:
    strings = [*HOSTILE, NASTY, "\u202egnp.exe", "line\nbreak\ttab", "$$", "a_b^c", r"\textbf{x}", "\ud800", "\ufffe"]
    with clean_settings():
        canvas = Canvas(4000, 20 * len(strings), THEMES["light"], dpi=72)
        for i, text in enumerate(strings):
            canvas.text(5, 20 * i + 15, plain(text), 10, halo=1.0 if i % 2 else 0.0)
    for name in ("a.svg", "a.png", "a.pdf"):
        save(canvas.figure, tmp_path / name, title=plain(NASTY), text=plain(" ".join(strings)), credit=plain(NASTY))
    assert svg_texts(tmp_path / "a.svg") == [plain(s) for s in strings]
    for element in ET.parse(tmp_path / "a.svg").iter():
        assert element.tag.split("}")[1] not in ("script", "foreignObject", "image", "iframe", "a")
        assert not any(name.startswith("on") for name in element.attrib)
    assert all(plain(s) == s for s in HOSTILE if s.isprintable())  # nothing that can be shown is changed


def test_hostile_titles_and_incidents_reach_the_files_whole(archive: Archive, tmp_path: Path) -> None:
    incident(archive, where_coordinates=NASTY, event_type="{% raw %}", where_prec=1)
    kept = plain(NASTY)
    for kind in ("svg", "png", "pdf"):
        draw_picture(archive, "2025-01-11", tmp_path / f"a.{kind}", title=NASTY, draw_basemap=False)
    root = ET.parse(tmp_path / "a.svg").getroot()
    told = {e.tag.split("}")[1]: "".join(e.itertext()) for e in root if e.tag.endswith(("}title", "}desc"))}
    assert told["title"] == kept
    assert f"{kept}: {{% raw %}}" in told["desc"]
    assert root.attrib["role"] == "img"
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["Title"] == kept
        assert kept in picture.info["Description"]
        assert "Natural Earth" in picture.info["Copyright"] or "GeoNames" in picture.info["Copyright"]
    assert b"/JavaScript" not in (tmp_path / "a.pdf").read_bytes()


def test_a_title_without_end_is_cut_on_the_picture_and_whole_in_the_file(archive: Archive, tmp_path: Path) -> None:
    title = "word " * 300 + "unbroken" * 200
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", title=title, draw_basemap=False)
    root = ET.parse(path).getroot()
    assert root.findtext("{http://www.w3.org/2000/svg}title") == plain(title)
    assert any(line.endswith("…") for line in svg_texts(path))


def test_lines_break_where_they_are_full_and_lose_nothing() -> None:
    text = plain("the quick brown fox " * 5 + "x" * 300 + " end")
    lines = wrapped(text, 90, 10)
    assert all(text_width(line, 10) <= 90 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    cut = wrapped(text, 90, 10, most=2)
    assert len(cut) == 2
    assert cut[1].endswith("…")
    assert text_width(cut[1], 10) <= 90


def test_letters_that_the_font_lacks_are_said_once(archive: Archive, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="PNG and PDF show boxes") as said:
        draw_picture(archive, "2025-01-11", tmp_path / "a.png", title="地图 2025", draw_basemap=False)
    assert len(said) == 1
    assert "地" in str(said[0].message)


# -- files ------------------------------------------------------------------------------------------------------------

SAME = """
import sys
from geo.archive import open_archive
from geo.output.images.picture import draw_figure, draw_picture, map_frame
assert "matplotlib" not in sys.modules
import matplotlib
if sys.argv[3] == "odd":
    matplotlib.rcParams.update({"savefig.bbox": "tight", "font.family": "serif", "svg.fonttype": "path",
                                "text.parse_math": True, "path.simplify": False, "savefig.dpi": 50, "figure.dpi": 33})
kept = {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != "backend"}
for kind in ("png", "svg", "pdf"):
    draw_picture(open_archive(sys.argv[1]), "2025-01-11", f"{sys.argv[2]}.{kind}", since="2025-01-10")
assert "matplotlib.pyplot" not in sys.modules
assert {k: matplotlib.rcParams[k] for k in kept} == kept
"""


@pytest.mark.long
def test_two_processes_write_the_same_bytes_whatever_matplotlib_is_set_to(archive: Archive, tmp_path: Path) -> None:
    for name, seed, settings in (("a", "1", "plain"), ("b", "2", "odd")):
        environment = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo" if seed == "2" else "UTC"}
        command = [sys.executable, "-c", SAME, str(archive.path), str(tmp_path / name), settings]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    for kind in ("png", "svg", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes(), kind


@pytest.mark.parametrize(("shape", "wide"), [("slide", 1920), ("square", 1080), ("column", 1125)])
@pytest.mark.parametrize("theme", THEMES)
def test_pictures_have_the_size_and_the_paper_of_their_name(
    archive: Archive, tmp_path: Path, shape: Any, wide: int, theme: Any
) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "new folder" / "a.png", shape=shape, theme=theme)
    rgb = pixels_of(path)
    assert rgb.shape[1] == wide
    assert shape == "column" or rgb.shape[0] == 1080
    paper = THEMES[theme].paper
    assert tuple(rgb[2, 2]) == tuple(int(paper[i : i + 2], 16) for i in (1, 3, 5))


def test_a_pdf_holds_its_text_and_no_date(archive: Archive, tmp_path: Path) -> None:
    made = draw_picture(archive, "2025-01-11", tmp_path / "a.pdf").read_bytes()
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in made
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(tmp_path / "a.pdf"), "-"], capture_output=True, text=True, check=True)
        assert figure(archive.area("2025-01-11", controller="X", status="held")["area_km2"].iloc[0]) in text.stdout


def test_a_pdf_has_the_groups_of_the_svg_as_layers(archive: Archive, tmp_path: Path) -> None:
    layer = "{http://www.inkscape.org/namespaces/inkscape}label"
    drawn = ET.fromstring(draw_picture(archive, "2025-01-11", tmp_path / "a.svg").read_bytes())
    reader = PdfReader(draw_picture(archive, "2025-01-11", tmp_path / "a.pdf"))
    listed = [ref.get_object()["/Name"] for ref in reader.trailer["/Root"]["/OCProperties"]["/OCGs"]]
    assert listed == list(dict.fromkeys(e.get(layer) for e in drawn.iter() if e.get(layer)))
    page = reader.pages[0]
    content = page.get_contents().get_data()
    used = set(re.findall(rb"/OC /(\w+) BDC", content))
    assert used == {name[1:].encode() for name in page["/Resources"]["/Properties"]}
    depth = 0  # every layer ends before the next begins
    for word in re.findall(rb"\b(BDC|EMC)\b", content):
        depth += 1 if word == b"BDC" else -1
        assert depth in (0, 1)
    assert depth == 0


def test_without_a_file_there_is_a_figure(archive: Archive) -> None:
    from matplotlib.figure import Figure

    assert isinstance(draw_picture(archive, "2025-01-11", draw_basemap=False), Figure)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "a.jpg"}, ".png, .svg, .pdf"), ({"shape": "poster"}, "slide, square, column, card, a4"),
        ({"theme": "sepia"}, "light, dark"), ({"view": "changes"}, "give since"), ({"view": "north"}, "west, south"),
        ({"view": (1, 2, 3)}, "west, south"), ({"view": (36, 50, 35, 51)}, "west before east"),
        ({"view": (35, 50, 36, 99)}, "west before east"), ({"view": (-170, 0, 170, 60)}, "340° of longitude"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_with_the_way_out(archive: Archive, options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        draw_picture(archive, "2025-01-11", **options)


def test_a_folder_that_takes_no_file_is_named(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MapError, match="cannot be written"):
        draw_picture(archive, "2025-01-11", tmp_path / "file" / "a.png", draw_basemap=False)


def test_without_matplotlib_the_extra_is_named(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MapError, match=r"geo-control\[pictures\]"):
        draw_picture(archive, "2025-01-11", tmp_path / "a.png")


def test_an_incident_is_told_on_one_line() -> None:
    spot = Marker(0, 0, 0, "t", [("Date", "2025-01-11"), ("Killed", "not known"), ("Captured", "2")])
    assert incident_line(spot) == "date: 2025-01-11; captured: 2"
    assert incident_line(spot, "beyond this map").startswith("beyond this map; ")


# -- real maps --------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_real_map_is_drawn_in_every_shape(shared: Path, tmp_path: Path) -> None:
    real = open_archive(tmp_path / "real.gpkg")
    ensure_units(real)
    folder = shared / "deepstate-raw"
    import_files(real, "deepstate", [folder / "1722977162.geojson", folder / "1736623460.geojson"])
    real.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in SHAPES:
            path = draw_picture(real, "2025-01-11", tmp_path / "a.svg", since="2024-08-06", shape=shape)
            lines = svg_texts(path)
            for row in real.area("2025-01-11").to_dict("records"):
                assert figure(row["area_km2"]) in lines
            assert {"Donetsk", "Luhansk"} <= set(lines)
            gained = real.change("2024-08-06", "2025-01-11", controller="RU", status="held")["gained_km2"].iloc[0]
            assert figure(gained) in lines


# -- groups for desks -------------------------------------------------------------------------------------------------

LAYER = "{http://www.inkscape.org/namespaces/inkscape}groupmode"


def test_an_svg_has_every_part_in_the_group_of_its_name(archive: Archive, tmp_path: Path) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", since="2025-01-10", view="all")
    layers = {e.get("id"): e for e in ET.parse(path).getroot().iter() if e.get(LAYER) == "layer"}
    wanted = {"basemap", "water", "borders", "held-X", "held-Y", "contested", "claimed-X", "lost-X", "labels", "legend",
              "credits", "title"}  # fmt: skip
    assert wanted <= layers.keys()
    texts = {name: [t for t in e.itertext() if t.strip()] for name, e in layers.items()}
    assert any("Kursk" in t for t in texts["labels"])
    assert any("Natural Earth" in t for t in texts["credits"])
    assert any("Lost by X" in t for t in texts["legend"])
    assert not any("Natural Earth" in t for name in layers.keys() - {"credits"} for t in texts[name])
    sides = dict(archive.sides()[["side", "colour"]].itertuples(index=False))
    for side in "XY":  # one shape, in the side's colour, that a desk can recolour
        (shape,) = layers[f"held-{side}"].iter("{http://www.w3.org/2000/svg}path")
        assert f"fill: {sides[side]}" in shape.get("style", "")
    loose = [e for e in next(e for e in ET.parse(path).getroot().iter() if (e.get("id") or "").startswith("figure_"))
             if e.tag.endswith("}g") and e.get(LAYER) != "layer"]  # fmt: skip
    assert len(loose) <= 1  # the paper


def test_inkscape_exports_a_group_alone(archive: Archive, tmp_path: Path) -> None:
    program = shutil.which("inkscape")
    if program is None:
        pytest.skip("needs inkscape")
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg")
    alone = tmp_path / "held.svg"
    subprocess.run([program, "--export-id=held-Y", "--export-id-only", "--export-plain-svg",
                    f"--export-filename={alone}", str(path)], check=True, capture_output=True)  # fmt: skip
    assert 0 < alone.stat().st_size < path.stat().st_size
    assert 'id="held-Y"' in alone.read_text(encoding="utf-8")


def test_inkscape_recolours_a_group_alone(archive: Archive, tmp_path: Path) -> None:
    program = shutil.which("inkscape")
    if program is None:
        pytest.skip("needs inkscape")
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", inset=False, with_front=False)

    def exported(name: str, actions: str = "") -> np.ndarray[Any, Any]:
        subprocess.run(
            [program, str(path), f"--actions={actions}export-filename:{tmp_path / name};export-width:480;export-do"],
            check=True, capture_output=True,
        )  # fmt: skip
        with Image.open(tmp_path / name) as picture:
            return np.asarray(picture.convert("RGB")).astype(int)

    before = exported("before.png")
    after = exported("after.png", "select-by-selector:#held-Y path;object-set-property:fill,#00aa55;")
    moved = np.abs(before - after).max(axis=2) > 8
    assert 0.005 < moved.mean() < 0.5
    red, green, blue = after[moved].T
    assert (green - np.maximum(red, blue) > 0).mean() > 0.9  # the group has the desk's colour, and nothing else moved


# -- sizes, labels and notes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "pixels"),
    [("card", (1200, 630)), ("a4", (1653, 2338)), ("1600x900", (1600, 900)), ("800x1000", (800, 1000))],
)
def test_a_picture_has_the_size_that_is_asked_for(
    archive: Archive, tmp_path: Path, size: str, pixels: tuple[int, int]
) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.png", shape=size, draw_basemap=False, with_front=False)
    with Image.open(path) as image:
        assert image.size == pytest.approx(pixels, abs=1)


def test_a_card_has_a_title_a_legend_and_its_credits_but_no_table(archive: Archive, tmp_path: Path) -> None:
    path = draw_picture(archive, "2025-01-11", tmp_path / "a.svg", since="2025-01-10", shape="card", title="Our title")
    lines = svg_texts(path)
    assert {"Our title", "Contested or unknown", "Lost by X since 10 January 2025", "Front line"} <= set(lines)
    assert "Key figures" not in lines
    assert "Natural Earth" in shown(path)


def test_a_card_keeps_its_source_and_its_legend_within_its_words(tmp_path: Path) -> None:
    build(tmp_path / "kursk.gpkg")
    with open_archive(tmp_path / "kursk.gpkg") as kept:
        path = draw_picture(kept, "2025-01-11", tmp_path / "a.svg", since="2024-12-28", shape="card")
    assert "snapshot depicting 11 January 2025." in shown(path)
    assert "(the last map before 28 December 2024)" in shown(path)
    assert not any(line.startswith("Gained") and line.endswith("2024)") for line in svg_texts(path))  # in two lines


def test_a_desks_own_label_and_note_are_on_the_picture(archive: Archive, tmp_path: Path) -> None:
    labels = [("Our <b>place</b>", 51.2, 35.2)]
    path = draw_picture(
        archive, "2025-01-11", tmp_path / "a.svg", labels=labels, note="Seen by our reporter.", view="all"
    )
    assert "Our <b>place</b>" in svg_texts(path)
    assert "Seen by our reporter." in svg_texts(path)
    with pytest.raises(UsageError, match="beyond this map"):
        draw_picture(archive, "2025-01-11", labels=[("far", 10.0, 10.0)])


@pytest.mark.parametrize("form", [replace(SHAPES["slide"], width=600), SHAPES["slide"]])
def test_a_map_alone_has_its_legend_and_credits_and_no_title(archive: Archive, tmp_path: Path, form: Any) -> None:
    content = gather(archive, "2025-01-11")
    figure = draw_figure(content, content.bounds, form, THEMES["light"], is_bare=True)
    lines = svg_texts(save(figure, tmp_path / "a.svg", title="", text="", credit=""))
    assert content.title not in lines
    assert {"Held by X", "Held by Y"} & set(lines)
    assert any("GeoNames" in line for line in lines)


def test_a_map_is_as_narrow_as_tall_ground_needs(archive: Archive, tmp_path: Path) -> None:
    """What changed is 14 km wide and 44 high: most of the map's height, and as much of its width as the words leave."""
    content = gather(archive, "2025-01-11", since="2025-01-10")
    rect = map_frame(content, content.bounds, SHAPES["slide"], THEMES["light"])
    plane = lay(content.bounds, rect)
    south, north = plane.xy(np.array([(35.4, 51.0), (35.6, 51.4)]))[:, 1]
    assert south - north >= 0.7 * (rect[3] - rect[1])
    assert rect[2] - rect[0] <= 0.4 * SHAPES["slide"].width
    wide = gather(archive, "2025-01-11", view=(34.0, 50.0, 37.0, 51.0))
    rect = map_frame(wide, wide.bounds, SHAPES["slide"], THEMES["light"])
    assert rect[2] - rect[0] >= 0.55 * SHAPES["slide"].width


def test_each_line_closes_the_isolates_that_it_opens() -> None:
    """A line is set by itself: an isolate that is left open in it would turn all that follows."""
    name = "\u2068" + "حركة تحرير السودان " * 4 + "\u2069"
    for most in (0, 2):
        lines = wrapped(f"ground held by {name} or by {name} ends here", 120, 10, most=most)
        assert len(lines) > 1
        assert [line.count("\u2068") - line.count("\u2069") for line in lines] == [0] * len(lines)


def test_liberated_ground_is_left_out_beside_what_changed(tmp_path: Path) -> None:
    opened = open_archive(tmp_path / "a.gpkg")
    ensure_units(opened)
    for day, east in ((DAY, 35.4), (DAY + timedelta(days=1), 35.6)):
        put(
            opened,
            day,
            state(("X", "held", "n", box(35, 51, east, 51.4)), ("X", "liberated", "n", box(34, 51, 34.4, 51.4))),
        )
    first, last = DAY.isoformat(), (DAY + timedelta(days=1)).isoformat()

    def drawn(**options: Any) -> bool:
        shown = gather(opened, last, with_front=False, **options)
        assert {row["status"] for row in shown.figures} == {"held", "liberated"}
        return any("liberated" in item.name for item in shown.classes)

    assert [drawn(), drawn(since=first), drawn(since=first, liberated=True), drawn(liberated=False)] == [
        True, False, True, False,
    ]  # fmt: skip
    pages = [path.read_text() for path in draw_maps(opened, tmp_path / "maps", draw_basemap=False, with_front=False)]
    assert ['"label":"Liberated' in page for page in pages] == [False, False]


def test_a_list_of_incidents_goes_on_in_the_next_room() -> None:
    form, listed = SHAPES["square"], [(Marker(51.0, 35.0, 0.0, f"Place {n}", []), "") for n in range(7)]
    one, _ = text_blocks.incidents(listed, form, [(300.0, 1e9)])
    whole = text_blocks.height(one[0])
    columns, count = text_blocks.incidents(listed, form, [(300.0, 0.65 * whole)] * 2)
    assert count == 7
    assert all(0 < text_blocks.height(column) <= 0.65 * whole for column in columns)
    columns, count = text_blocks.incidents(listed, form, [(300.0, 1.0), (300.0, whole / 2)])
    assert (columns[0], 0 < count < 7) == ([], True)
    assert text_blocks.height(columns[1]) <= whole / 2


def test_an_arabic_picture_is_laid_out_from_right_to_left(archive: Archive) -> None:
    from matplotlib.text import Text

    found = {}
    for lang in ("en", "ar"):
        figure: Any = draw_picture(archive, "2025-01-11", since="2025-01-10", shape="slide", lang=lang)
        wide = figure.get_size_inches()[0] * 72
        texts = [t for t in figure.findobj(Text) if (t.get_gid() or "").startswith("legend")]
        places = [t.get_position()[0] for t in texts]
        found[lang] = {(t.get_ha(), round(wide - x if lang == "ar" else x)) for t, x in zip(texts, places, strict=True)}
    assert {align for align, _ in found["en"]} == {"left"}
    assert {align for align, _ in found["ar"]} == {"right"}
    assert {x for _, x in found["en"]} == {x for _, x in found["ar"]}
