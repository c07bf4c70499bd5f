"""Charts of a series: the archive's figures, in steps, each panel from zero; the same twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.dates import num2date
from PIL import Image
from shapely.geometry import box
from test_archive import put, state
from test_maps import DAY
from test_picture import NASTY, svg_texts

from geo.archive import Archive, open_archive
from geo.errors import MapError, UnitError, UsageError
from geo.importing.importer import ensure_units
from geo.output.documents.write import draw_brief
from geo.output.images.chart import draw_chart
from geo.output.images.chart_axes import PANELS
from geo.output.images.fonts import plain
from geo.output.images.themes import SHAPES, THEMES, legible
from geo.output.site.build import build_site
from geo.presentation.chart_lines import (
    ChartLine,
    apart,
    change_bars,
    change_key,
    scale_groups,
    totals_of,
    value_scale,
)
from geo.presentation.labels import figure
from geo.presentation.sides import PALETTE
from geo.presentation.statuses import NOBODY
from geo.schema import Every, dated


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
    (axes,) = lines_of(archive, tmp_path, monkeypatch, controller="X", status="held")
    series = archive.series(controller="X", status="held")
    line = axes.lines[0]
    np.testing.assert_allclose(line.get_ydata(), series["area_km2"])
    assert [num2date(x).date().isoformat() for x in line.get_xdata()] == list(series["date"].dt.strftime("%Y-%m-%d"))
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
    lines = [[line for line in axes.lines if len(line.get_ydata()) > 1] for axes in panels]
    changed = [sum(np.ptp(line.get_ydata()) for line in listed) for listed in lines]
    assert changed == sorted(changed, reverse=True)
    highest = [max(max(line.get_ydata()) for line in axes.lines) for axes in panels]
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
    km2 = series.groupby("unit")["area_km2"]
    least = km2.max()[(km2.max() > 0)][(km2.max() - km2.min()).idxmin()]
    assert f"at most {figure(least)} km²" in words


def test_a_unit_alone_and_a_span(archive: Archive, tmp_path: Path) -> None:
    path = draw_chart(archive, tmp_path / "a.svg", within="RU-KRS", to="2025-01-11", controller="X", status="held")
    held = archive.area("2025-01-11", within="RU-KRS", controller="X", status="held")["area_km2"].iloc[0]
    words = svg_texts(path)
    assert f"{figure(held)} km²" in words
    assert "Kursk region according to" in " ".join(words)
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


@pytest.mark.long
def test_two_processes_write_the_same_bytes(archive: Archive, tmp_path: Path) -> None:
    code = (
        "import sys; from geo.archive import open_archive; from geo.output.images.chart import draw_chart\n"
        "for kind in ('png', 'svg', 'pdf'): draw_chart(open_archive(sys.argv[1]), f'{sys.argv[2]}.{kind}', by='unit')"
    )
    for kind in ("png", "svg", "pdf"):
        draw_chart(archive, tmp_path / f"a.{kind}", by="unit")
    command = [sys.executable, "-c", code, str(archive.path), str(tmp_path / "b")]
    subprocess.run(command, env={"PYTHONHASHSEED": "2", "PATH": "/usr/bin:/bin"}, check=True)
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


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps of six months, with none in March; in May a polygon of the earlier maps is refused."""
    opened = open_archive(tmp_path_factory.mktemp("months") / "a.gpkg")
    ensure_units(opened)
    easts = {"01-05": 35.0, "01-20": 35.3, "01-31": 35.2, "02-10": 35.6, "04-20": 35.5, "05-03": 35.9, "06-30": 36.0}
    for day, east in easts.items():
        put(opened, datetime.fromisoformat(f"2024-{day}T00:00Z"), state(
            ("X", "held", "n", box(34.5, 51, east, 51.4)), ("Y", "held", "n", box(33, 50, 34.4, 51)),
        ))  # fmt: skip
    opened.close()
    return opened.path


def bars_of(archive: Archive, every: Any = "month", **asked: Any) -> list[Any]:
    return change_bars(dated(archive.series(status="held", every=every, **asked)), {}, every)


@pytest.mark.parametrize("every", ["month", "week"])
def test_each_bar_is_the_change_between_the_last_maps_of_two_months(months: Path, every: Any) -> None:
    archive = open_archive(months)
    (bars,) = bars_of(archive, every)
    assert bars.label == "Held by X"
    for bar in bars.bars:
        whole = archive.change(bar.first_map, bar.last_map, controller="X", status="held").iloc[0]
        assert (bar.gained, bar.lost) == pytest.approx((whole["gained_km2"], whole["lost_km2"]), abs=1e-6)
    first, last = bars.bars[0].first_map, bars.bars[-1].last_map
    net = archive.change(first, last, controller="X", status="held")["net_km2"].iloc[0]
    assert bars.gained - bars.lost == pytest.approx(net, abs=1e-6)
    by_unit = bars_of_units(archive, every)
    assert sum(b.gained for b in by_unit) == pytest.approx(bars.gained, rel=1e-9)
    assert sum(b.lost for b in by_unit) == pytest.approx(bars.lost, rel=1e-9)


def bars_of_units(archive: Archive, every: Any) -> list[Any]:
    frame = dated(archive.series(status="held", every=every, by="unit"))
    return [bars for _, rows in frame.groupby("unit") for bars in change_bars(rows, {}, every)]


def test_months_without_a_map_are_one_wide_bar(months: Path) -> None:
    (bars,) = bars_of(open_archive(months))
    assert [(f"{b.start:%m}", f"{b.end:%m}", b.is_wide) for b in bars.bars] == [
        ("01", "02", False), ("02", "03", False), ("03", "05", True), ("05", "06", False), ("06", "07", False),
    ]  # fmt: skip
    assert ("wide", "Over several months, for want of maps between") in change_key([bars])
    later = bars_of(open_archive(months), from_="2024-02-29")[0]
    assert later.bars[0].first_map.date().isoformat() == "2024-02-10"  # what answers for the date, as in geo change


def test_maps_that_are_not_comparable_have_a_gap_and_no_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, months: Path
) -> None:
    archive = open_archive(months)
    frame = dated(archive.series(status="held", every="month"))
    unlike = (frame["controller"] == "X") & (frame["date"] == "2024-05-03")
    frame.loc[unlike, ["gained_km2", "lost_km2"]] = np.nan
    monkeypatch.setattr("geo.archive.figures.series", lambda *_, **__: frame)
    (bars,) = change_bars(frame, {}, "month")
    assert [b.gained is None for b in bars.bars] == [False, False, False, True, False]
    assert change_key([bars])[-1][0] == "gap"
    (axes,) = lines_of(archive, tmp_path, monkeypatch, change=True)
    drawn = [patch.get_height() for container in axes.containers for patch in container]
    assert sum(km2 for km2 in drawn if km2 > 0) == pytest.approx(bars.gained)
    assert sum(-km2 for km2 in drawn if km2 < 0) == pytest.approx(bars.lost)
    (shaded,) = (patch for patch in axes.patches if not any(patch in container for container in axes.containers))
    assert f"{num2date(shaded.get_x()):%m}" == "05"


@pytest.mark.parametrize(("by", "form"), [("month", "%b %Y"), ("week", "%-d %b %Y")])
def test_the_words_under_a_bar_stand_in_the_middle_of_its_month_or_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, months: Path, by: Every, form: str
) -> None:
    (axes,) = lines_of(open_archive(months), tmp_path, monkeypatch, change=True, by=by)
    (bars,) = bars_of(open_archive(months), every=by)
    said = dict(zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert len(said) > 3
    for bar in bars.bars:
        word = f"{bar.start:{form}}"
        if not bar.is_wide and word in said:
            assert bar.start < num2date(said.pop(word)) < bar.end
    assert all(bars.bars[0].start < num2date(at) < bars.bars[-1].end for at in said.values())


def test_a_chart_of_change_says_what_its_bars_are(months: Path, tmp_path: Path) -> None:
    path = draw_chart(open_archive(months), tmp_path / "a.svg", change=True)
    words = " ".join(svg_texts(path))
    (bars,) = bars_of(open_archive(months))
    for said in ("Held by X. Gained and lost by month, 5 January 2024 to 30 June 2024", "Gained", *totals_of(bars)):
        assert said in words, said
    with pytest.raises(UsageError, match="--change"):
        draw_chart(open_archive(months), tmp_path / "b.svg", by="month")
    with pytest.raises(UsageError, match="'day' is unknown"):
        draw_chart(open_archive(months), tmp_path / "b.svg", by="day", change=True)  # type: ignore[arg-type]


def line_of(*km2: float) -> ChartLine:
    return ChartLine("Held by X", "#b2182b", (), [DAY + timedelta(days=i) for i in range(len(km2))], km2)


def test_a_scale_shows_the_change_and_begins_at_zero_where_that_shows_it() -> None:
    assert value_scale([10.0, 100.0]) == pytest.approx((0, 110))
    low, high = value_scale([112_000.0, 112_400.0])
    assert 111_500 < low < 112_000
    assert 112_400 < high < 113_000
    assert value_scale([0.0, 0.0])[0] == 0
    few, many = line_of(400.0, 500.0), line_of(112_000.0, 112_400.0)
    assert scale_groups([few, many]) == [[few], [many]]
    assert scale_groups([few, line_of(900.0, 700.0)]) == [[few, line_of(900.0, 700.0)]]


def test_a_scale_that_does_not_begin_at_zero_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_archive(tmp_path / "b.gpkg")
    for day, east in ((0, 36.0), (30, 36.02)):
        put(opened, DAY + timedelta(days=day), state(("X", "held", "n", box(30, 51, east, 51.4))))
    path = draw_chart(opened, tmp_path / "a.svg")
    assert "The scale begins at" in " ".join(svg_texts(path))
    (axes,) = lines_of(opened, tmp_path, monkeypatch)
    low, high = axes.get_ylim()
    first, last = opened.series()["area_km2"]
    assert 0 < low < first < last < high
    assert last - first > 0.4 * (high - low)


def test_a_briefing_and_the_page_of_a_unit_have_the_bars_of_change(months: Path, tmp_path: Path) -> None:
    archive = open_archive(months)
    (bars,) = bars_of(archive)
    page = draw_brief(archive, "2024-06-30", tmp_path / "a.html")[0].read_text()
    assert "Gained and lost by month, January 2024 – June 2024" in page
    assert f"Held by X: {', '.join(totals_of(bars))} km²" in page
    assert page.count('class="bar gained"') == 1 + 2 * sum(
        b.gained is not None and b.gained > 0 and not b.is_wide for b in bars.bars
    )
    build_site(archive, tmp_path / "site", with_downloads=False)
    unit = (tmp_path / "site" / "units" / "ru-krs.html").read_text()
    (of_unit,) = change_bars(dated(archive.series(status="held", every="month", within="RU-KRS")), {}, "month")
    assert f"Held by X: {', '.join(totals_of(of_unit))} km²" in unit
