"""Charts of a series: the archive's figures, in steps, each panel from zero; the same twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import box
from test_archive import put, state
from test_maps import DAY
from test_picture import NASTY, svg_texts

from geo.archive import Archive, open_archive
from geo.errors import MapError, UnitError, UsageError
from geo.importing.importer import ensure_units
from geo.output.images.chart import draw_chart
from geo.output.images.chart_axes import PANELS
from geo.output.images.fonts import plain
from geo.output.images.themes import SHAPES, THEMES, legible
from geo.presentation.chart_lines import apart
from geo.presentation.labels import figure
from geo.presentation.sides import PALETTE
from geo.presentation.statuses import NOBODY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    opened = open_archive(tmp_path_factory.mktemp("made") / "a.gpkg")
    ensure_units(opened)
    for day, east in ((0, 35.6), (1, 35.4), (9, 35.9)):
        put(opened, DAY + timedelta(days=day), state(
            ("X", "held", "n", box(34.5, 51, east, 51.4)), ("Y", "held", "n", box(34, 50, 34.5, 51)),
            (None, "contested", "n", box(east, 51, 36, 51.4)),
        ))  # fmt: skip
    opened.close()
    return opened.path


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Archive:
    return open_archive(shutil.copy(made, tmp_path / "a.gpkg"))


def lines_of(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
    """The axes of a chart's panels."""
    seen = []

    def keep(drawn: Any, path: Path, **_: Any) -> Path:
        seen.append(drawn)
        return path

    monkeypatch.setattr("geo.output.images.chart_axes.save", keep)
    draw_chart(archive, tmp_path / "a.svg", **options)
    return list(seen[0].axes)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_last_figures_printed_are_the_archives(archive: Archive, tmp_path: Path, shape: Any) -> None:
    path = draw_chart(archive, tmp_path / "a.svg", shape=shape)
    lines = svg_texts(path)
    for row in archive.area().to_dict("records"):
        assert f"{figure(row['area_km2'])} km²" in lines
    words = " ".join(lines)
    for said in (
        "Held by X",
        "Held by Y",
        "Contested or unknown",
        "10 January 2025",
        "3 snapshots",
        "Made with geo",
    ):
        assert said in words, said


def test_lines_are_the_series_in_steps_from_zero(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.dates import num2date

    (axes,) = lines_of(archive, tmp_path, monkeypatch, controller="X", status="held")
    series = archive.series(controller="X", status="held")
    line = axes.lines[0]
    np.testing.assert_allclose(line.get_ydata(), series["area_km2"])
    assert [num2date(x).date().isoformat() for x in line.get_xdata()] == list(series["date"])
    assert line.get_drawstyle() == "steps-post"  # nothing is interpolated between the 11th and the 19th
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > max(series["area_km2"])


def test_a_panel_for_each_unit_with_its_own_figures(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = archive.series(by="unit", status="held")
    most = series.groupby("unit")["area_km2"].max()
    panels = lines_of(archive, tmp_path, monkeypatch, by="unit", status="held")
    assert len(panels) == (most > 0).sum() >= 3
    highest = [max(max(line.get_ydata()) for line in axes.lines) for axes in panels]
    assert highest == sorted(highest, reverse=True)
    np.testing.assert_allclose(sorted(highest), sorted(most[most > 0]))
    # the panels' ends sum to the whole
    ends = sum(line.get_ydata()[-1] for axes in panels for line in axes.lines if len(line.get_ydata()) > 1)
    assert ends == pytest.approx(archive.area(status="held")["area_km2"].sum(), rel=1e-6)
    monkeypatch.undo()
    words = " ".join(svg_texts(draw_chart(archive, tmp_path / "a.svg", by="unit", status="held")))
    assert "Kursk" in words
    assert "Each panel has a scale of its own, from zero" in words
    assert "Units: border and coast of Ukraine from OpenStreetMap" in words


def test_what_finds_no_room_is_named(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PANELS, "slide", (1, 1))
    series = archive.series(by="unit", status="held")
    words = " ".join(svg_texts(draw_chart(archive, tmp_path / "a.svg", by="unit", status="held")))
    most = sorted(series.groupby("unit")["area_km2"].max())
    assert f"at most {figure(most[-2])} km²" in words


def test_a_unit_alone_and_a_span(archive: Archive, tmp_path: Path) -> None:
    path = draw_chart(archive, tmp_path / "a.svg", within="RU-KRS", to="2025-01-11", controller="X", status="held")
    held = archive.area("2025-01-11", within="RU-KRS", controller="X", status="held")["area_km2"].iloc[0]
    words = svg_texts(path)
    assert f"{figure(held)} km²" in words
    assert "(RU-KRS) according to" in " ".join(words)
    assert any("11 January 2025" in w for w in words)


def test_a_series_of_one_snapshot_is_drawn(archive: Archive, tmp_path: Path) -> None:
    words = svg_texts(draw_chart(archive, tmp_path / "a.svg", from_="2025-01-19", shape="column"))
    assert any("one snapshot" in w for w in words)


def test_files_of_every_kind_are_told_in_words(archive: Archive, tmp_path: Path) -> None:
    for kind in ("svg", "png", "pdf"):
        draw_chart(archive, tmp_path / f"a.{kind}", title=NASTY, by="unit")
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert root.findtext("{http://www.w3.org/2000/svg}title") == plain(NASTY)
    told = root.findtext("{http://www.w3.org/2000/svg}desc") or ""
    last = archive.area(by="unit", controller="X", status="held")
    for row in last.to_dict("records"):
        assert row["area_km2"] == 0 or f"Held by X {figure(0)}" in told or figure(row["area_km2"]) in told
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1920, 1080)
        assert picture.info["Title"] == plain(NASTY)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")


def test_two_processes_write_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    code = (
        "import sys; from geo.archive import open_archive; from geo.output.images.chart import draw_chart\n"
        "for kind in ('png', 'svg', 'pdf'): draw_chart(open_archive(sys.argv[1]), f'{sys.argv[2]}.{kind}', by='unit')"
    )
    for name, seed in (("a", "1"), ("b", "2")):
        command = [sys.executable, "-c", code, str(archive.path), str(tmp_path / name)]
        subprocess.run(command, env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"}, check=True)
    for kind in ("png", "svg", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes(), kind


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"by": "native"}, UsageError, "'unit'"), ({"shape": "wall"}, UsageError, "slide"),
        ({"status": "lost"}, UsageError, "unknown"), ({"within": "Atlantis"}, UnitError, "Atlantis"),
        ({"controller": "Z"}, UsageError, "no side 'Z'"), ({"status": "liberated"}, MapError, "nothing to draw"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    archive: Archive, tmp_path: Path, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        draw_chart(archive, tmp_path / "a.png", **options)
    with pytest.raises(UsageError, match=r"\.png, \.svg, \.pdf"):
        draw_chart(archive, tmp_path / "a.gif")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour", [*PALETTE, NOBODY])
def test_lines_stand_out_from_the_paper(theme: str, colour: str) -> None:
    paper = luminance(THEMES[theme].paper)
    line = luminance(legible(colour, THEMES[theme]))
    assert (max(paper, line) + 0.05) / (min(paper, line) + 0.05) >= 3  # WCAG 2.2, 1.4.11


def test_figures_at_the_ends_are_movedapart() -> None:
    placed = apart([10.0, 11.0, 98.0, 99.0], 12.0, 100.0)
    assert all(b - a >= 12 - 1e-9 for a, b in pairwise(placed))
    assert placed[-1] <= 100
    assert placed[0] == 10
