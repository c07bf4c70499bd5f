"""Briefings in every format: the archive's own figures, text from outside as text, the same bytes twice."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from click.testing import CliRunner
from hostile_texts import MARKER, NASTY, shown, unturned
from markdown_it import MarkdownIt
from PIL import Image
from shapely.geometry import Point, box
from test_archive import put, state
from test_maps import DAY, hostile_archive, incident

import geo
from geo.archive import Archive, open_archive
from geo.claims.model import Claim
from geo.cli import demo, main
from geo.errors import FileError, NoSnapshotError, UsageError
from geo.importing.importer import ensure_units
from geo.output.brief_tables import Table
from geo.output.documents.content import Brief, gather_brief, map_words
from geo.output.documents.svg_chart import _rounds, chart_values
from geo.output.documents.write import _markdown_table, draw_brief, escaped, series_table
from geo.output.html.embed import embed_snippet
from geo.output.images.fonts import plain
from geo.presentation.labels import figure, km2_cell, unit_name, written

docx = pytest.importorskip("docx", reason="python-docx is not installed")
pptx = pytest.importorskip("pptx", reason="python-pptx is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    opened = open_archive(tmp_path_factory.mktemp("brief") / "a.gpkg")
    ensure_units(opened)
    for day, east in ((0, 35.6), (1, 35.4), (9, 35.9)):
        put(opened, DAY + timedelta(days=day), state(
            ("X", "held", "n", box(34.5, 51, east, 51.4)), ("Y", "held", "n", box(34, 50, 34.5, 51)),
            (None, "contested", "n", box(east, 51, 36, 51.4)),
        ))  # fmt: skip
    incident(opened, where_coordinates="Sudzha", event_type="Battles", date_start="2025-01-15",
             date_end="2025-01-15", low=1, best=2, high=4)  # fmt: skip
    incident(opened, where_coordinates="Sudzha", event_type="Battles", date_start="2025-01-19",
             date_end="2025-01-19", best=3, verification="verified")  # fmt: skip
    incident(opened, where_coordinates="Sudzha", event_type="Protests", date_start="2025-01-19", date_end="2025-01-19")
    incident(opened, where_coordinates="Rylsk", event_type="Battles", date_start="2025-01-11", date_end="2025-01-11")
    opened.close()
    return opened.path


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Archive:
    return open_archive(shutil.copy(made, tmp_path / "a.gpkg"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return hostile_archive(tmp_path_factory.mktemp("hostile") / "a.gpkg")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one colour, where the words are what is looked at: real ones are drawn by the tests of both formats."""

    def draw(_: Archive, brief: Brief, target: Path) -> list[tuple[str, Path, str]]:
        paths = [target.with_name(f"{target.stem}-{name}.png") for name in ("map", "chart")]
        for path in paths:
            Image.new("RGB", (192, 108), "white").save(path)
        return [("Map", paths[0], map_words(brief)), ("Chart", paths[1], brief.chart_words)]

    monkeypatch.setattr("geo.output.documents.write.draw_pictures", draw)


class Cells(HTMLParser):
    """The tables of a page, row by row, and all its visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self._cell = self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._cell = tag in ("td", "th") or (self._cell and tag in ("strong", "em", "code"))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")
        self._silent = self._silent and tag not in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1][-1] += data
        if not self._silent:
            self.text += data + "\n"


def read(path: Path) -> tuple[list[list[str]], str]:
    """The rows of all tables of a briefing, and its whole text, by libraries that did not write it."""
    if path.suffix in (".html", ".md"):
        text = path.read_text(encoding="utf-8")
        cells = Cells()
        cells.feed(text if path.suffix == ".html" else MarkdownIt("commonmark").enable("table").render(text))
        return cells.rows, cells.text
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        rows = [[c.text for c in r.cells] for t in document.tables for r in t.rows]
        words = [p.text for p in document.paragraphs]
        return rows, "\n".join([*words, *(c for row in rows for c in row)])
    shapes = [shape for slide in pptx.Presentation(str(path)).slides for shape in slide.shapes]
    rows = [[c.text for c in r.cells] for s in shapes if s.has_table for r in s.table.rows]
    words = [s.text_frame.text for s in shapes if s.has_text_frame]
    return rows, "\n".join([*words, *(c for row in rows for c in row)])


FORMATS = ("html", "md", "docx", "pptx")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.usefixtures("quick")
def test_every_format_says_the_archives_figures(archive: Archive, tmp_path: Path, kind: str) -> None:
    written = draw_brief(archive, "2025-01-19", tmp_path / f"b.{kind}", since="2025-01-10")
    rows, text = read(written[0])
    area = archive.area("2025-01-19").set_index(["controller", "status"])
    moved = archive.change("2025-01-10", "2025-01-19")
    for row in moved.to_dict("records"):
        now = area.loc[(row["controller"], row["status"])]
        label = f"Held by {row['controller']}" if row["controller"] else "Contested or unknown"
        wanted = [figure(now[k]) for k in ("area_km2", "lower_km2", "upper_km2")]
        wanted += [figure(row["gained_km2"]), figure(row["lost_km2"]), km2_cell(row["net_km2"], plus=True)]
        assert [r[1:7] for r in rows if r[0] == label and len(r) == 8] == [wanted]
    by_unit = archive.change("2025-01-10", "2025-01-19", by="unit")
    by_unit = by_unit[by_unit[["gained_km2", "lost_km2"]].max(axis=1) >= 0.05]
    for row in by_unit.to_dict("records"):
        ends = [figure(row["gained_km2"]), figure(row["lost_km2"]), km2_cell(row["net_km2"], plus=True)]
        assert any(r[0] == unit_name(row["unit"], row["unit_name"]) and r[-3:] == ends for r in rows if len(r) == 6)
    names = {unit_name(row["unit"], row["unit_name"]) for row in by_unit.to_dict("records")}
    assert sum(r[0] in names for r in rows) == len(by_unit) > 0
    for said in (
        "19 January 2025",
        "desk@2025-01-19",
        "desk@2025-01-10",
        "Natural Earth",
        "Made with geo-control",
    ):
        assert said in text, said


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.usefixtures("quick")
def test_incidents_since_the_last_briefing_by_place(archive: Archive, tmp_path: Path, kind: str) -> None:
    rows, text = read(draw_brief(archive, "2025-01-19", tmp_path / f"b.{kind}")[0])  # since the snapshot of the 11th
    (sudzha,) = [r for r in rows if r[0] == "Sudzha"]
    assert sudzha[1:6] == ["3", "Battles (2), Protests", "4 to 7 (by 2 of 3)", "not known", "not stated (2), verified"]
    assert not any(r[0] == "Rylsk" for r in rows)  # the 11th itself was in the last one
    assert "12 January 2025 to 19 January 2025" in text


def test_incidents_of_so_many_days_where_that_is_asked_for(archive: Archive) -> None:
    def shown(**asked: int) -> int:
        return len(gather_brief(archive, "2025-01-19", **asked).content.incidents)

    assert shown(incident_days=1) < shown() == shown(incident_days=8) < shown(incident_days=9)


def test_since_is_the_snapshot_before(archive: Archive) -> None:
    assert gather_brief(archive).since == "2025-01-11"
    assert gather_brief(archive, "2025-01-15").since == "2025-01-10"
    first = gather_brief(archive, "2025-01-10")
    assert first.since is None
    assert not any(h.moved for h in first.headlines)
    with pytest.raises(NoSnapshotError, match="2025-01-10"):
        gather_brief(archive, "2024-01-01")
    put(archive, DAY + timedelta(days=9, hours=6), state(("X", "held", "n", box(34.5, 51, 35, 51.4))))
    assert gather_brief(archive, "2025-01-19").since == "2025-01-19T00:00:00.000Z"


def test_a_unit_alone(archive: Archive, tmp_path: Path) -> None:
    incident(archive, where_coordinates="Kotovsk", date_start="2025-01-19", date_end="2025-01-19", lon=41.5, lat=52.6)
    brief = gather_brief(archive, "2025-01-19", within="Kursk", since="2025-01-10")
    held = archive.area("2025-01-19", within="Kursk", controller="X", status="held")["area_km2"].iloc[0]
    assert any(h.label.startswith("Held by X in Kursk") and h.km2 == figure(held) for h in brief.headlines)
    (strand,) = [s for s in brief.lines if s.label == "Held by X"]
    assert strand.km2[-1] == pytest.approx(held)
    places = [r[0] for s in brief.told if s.table for r in s.table.rows]
    assert places == ["Sudzha", "Rylsk"]  # Kotovsk lies elsewhere
    rows, _ = read(draw_brief(archive, "2025-01-19", tmp_path / "b.html", within="Kursk")[0])
    assert any(r[0].startswith("Held by X") and r[1] == figure(held) for r in rows)


def test_the_charts_figures_are_the_series(archive: Archive) -> None:
    brief = gather_brief(archive, "2025-01-19")
    series = archive.series(controller="X", status="held")
    table = series_table(brief)
    column = list(table.columns).index("Held by X")
    assert [row[0] for row in table.rows] == [
        written(day) for day in reversed(list(series["date"].dt.strftime("%Y-%m-%d")))
    ]
    assert [row[column] for row in table.rows] == [f"{v:,.1f}" for v in reversed(list(series["area_km2"]))]
    wide = chart_values(brief.lines, "")["drawings"][0]
    path = re.fullmatch(r"M([\d.]+) ([\d.]+)(.*)", wide["paths"][0])
    assert path is not None
    heights = [float(path[2]), *(float(v) for v in re.findall(r"V([\d.]+)", path[3]))]
    low = 300 - 26
    share = [(low - h) / (low - heights[0]) for h in heights]
    assert share == pytest.approx([v / series["area_km2"].iloc[0] for v in series["area_km2"]], abs=0.002)


@pytest.mark.parametrize("top", [0.003, 0.9, 7, 43.2, 999, 1080, 122_400])
def test_round_figures_reach_from_zero_to_the_top(top: float) -> None:
    rounds = _rounds(top)
    assert rounds[0] == 0
    assert 2 <= len(rounds) <= 6
    assert top / 2 < rounds[-1] <= top


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.usefixtures("quick")
def test_claims_and_places_are_there_when_there_are_any(archive: Archive, tmp_path: Path, kind: str) -> None:
    _, without = read(draw_brief(archive, "2025-01-19", tmp_path / f"a.{kind}")[0])
    assert "laims" not in without
    assert "changed hands" not in without
    places = gpd.GeoDataFrame({"name": ["Taken", "Kept"]}, geometry=[Point(35.8, 51.2), Point(34.2, 50.5)], crs=4326)
    claims = [
        Claim(
            "holds 'more than' 500 km²", said_by="A desk", said_on="2025-01-18", quantity="held", controller="X",
            comparator="more than", value=500.0, value_unit="km2", date_from="2025-01-19", date_to="2025-01-19",
        )
    ]  # fmt: skip
    path = draw_brief(archive, "2025-01-19", tmp_path / f"b.{kind}", claims=claims, places=places)[0]
    rows, _ = read(path)
    (told,) = [r for r in rows if r[0] == "holds 'more than' 500 km²"]
    assert told[1] == "A desk, 18 January 2025"
    assert told[2].startswith("By desk: supports by held (")
    assert told[3].startswith("Desk, held: ")
    assert "Snapshots desk@2025-01-19" in told[3] or kind == "pptx"  # a slide's cell holds less
    assert ["Taken", "contested", "X held"] in rows
    assert not any(r and r[0] == "Kept" for r in rows)


@pytest.fixture(scope="module")
def gathered(hostile: Archive) -> Brief:
    """What a briefing of hostile texts says, in whatever format."""
    claims = [Claim(t, said_by=t, said_on=t, published_in=t, quantity=t) for t in NASTY]
    return gather_brief(hostile, "2025-01-11", title=NASTY[0] + NASTY[4], claims=claims)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.usefixtures("quick")
def test_hostile_text_stays_text(
    hostile: Archive, gathered: Brief, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    MARKER.unlink(missing_ok=True)
    monkeypatch.setattr("geo.output.documents.write.gather_brief", lambda *_, **__: gathered)
    path = draw_brief(hostile, "2025-01-11", tmp_path / f"b.{kind}")[0]
    assert not MARKER.exists()
    rows, text = read(path)
    first = [row[0] for row in rows]
    said = [" ".join(cell.split()) for cell in first] if kind == "html" else first
    whole = NASTY if kind != "pptx" else NASTY[:10]  # a slide has room for eleven rows, and says so
    for nasty in whole:
        wanted = plain(nasty)
        if kind == "html":  # the parser itself replaces what HTML may not hold
            assert " ".join(shown(nasty).split()) in said or wanted in [plain(cell) for cell in first], nasty
        else:
            assert unturned(wanted) in [unturned(cell) for cell in said], nasty
    if kind == "pptx":
        assert "more rows in the page" in text
    if kind in ("docx", "pptx"):
        with zipfile.ZipFile(path) as parts:
            assert parts.testzip() is None


def test_markdown_makes_nothing_of_signs() -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for nasty in NASTY:
        shown = html.unescape(re.sub(r"</?p>\n?", "", parser.render(escaped(nasty)))).strip()
        assert shown == plain(nasty).strip()
        assert not re.search(r"(?<!\\)(\{\{|\{%|\{#)", escaped(nasty))


def test_office_files_are_told_and_named(archive: Archive, tmp_path: Path) -> None:
    paths = [draw_brief(archive, "2025-01-19", tmp_path / f"b.{k}", title="A title")[0] for k in ("docx", "pptx")]
    document, deck = docx.Document(str(paths[0])), pptx.Presentation(str(paths[1]))
    for opened in (document, deck):
        facts = opened.core_properties
        assert (facts.title, facts.language, facts.author) == ("A title", "en-GB", "geo-control")
        assert f"{facts.modified:%Y-%m-%d}" == "2025-01-19"
    styles = [p.style.name for p in document.paragraphs]
    assert styles[0] == "Title"
    assert styles.count("Heading 1") == 7
    alts = [s._inline.docPr.get("descr") for s in document.inline_shapes]
    assert len(alts) == 3
    pictures = [s for slide in deck.slides for s in slide.shapes if s.shape_type == 13]
    assert alts == [s._element.nvPicPr.cNvPr.get("descr") for s in pictures]
    assert figure(archive.area(controller="X", status="held")["area_km2"].iloc[0]) in alts[0]
    assert deck.slide_width * 9 == pytest.approx(deck.slide_height * 16, rel=1e-3)
    for slide in deck.slides:
        assert slide.shapes.title.text_frame.text
        for shape in slide.shapes:  # nothing hangs over an edge
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height, shape.name
    for table in document.tables:
        assert table.rows[0]._tr.xpath("./w:trPr/w:tblHeader")


@pytest.mark.long
def test_two_processes_write_the_same_bytes(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import sys
from pathlib import Path
from geo.archive import open_archive
from geo.output.documents.content import gather_brief
from geo.output.documents.office import brief_docx
from geo.output.documents.office import brief_pptx
from geo.output.documents.write import draw_brief
archive, folder = open_archive(sys.argv[1]), Path(sys.argv[2])
for kind in ("html", "md"):
    draw_brief(archive, None, folder / f"b.{kind}")
pictures = [("Map", (folder / "b-map.png").read_bytes(), "words")]
(folder / "b.docx").write_bytes(brief_docx(gather_brief(archive), pictures))
(folder / "b.pptx").write_bytes(brief_pptx(gather_brief(archive), pictures))
"""
    folders = [tmp_path / "1", tmp_path / "2"]
    monkeypatch.setattr(sys, "argv", ["", str(archive.path), str(folders[0])])
    exec(code, {})
    env = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code, str(archive.path), str(folders[1])], check=True, env=env)
    names = sorted(p.name for p in folders[0].iterdir())
    assert names == ["b-change.png", "b-chart.png", "b-map.png", "b.docx", "b.html", "b.md", "b.pptx"]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_the_verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(demo.run(tmp_path))
    run = CliRunner().invoke
    out = tmp_path / "b.html"
    done = run(main, ["brief", str(tmp_path / "data" / "kursk.gpkg"), "--since", "2024-09-10", "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(out)
    done = run(main, ["embed", str(out), "--url", "https://desk.example/b.html"])
    assert done.exit_code == 0, done.output
    assert 'src="https://desk.example/b.html"' in done.output
    assert run(main, ["brief", str(tmp_path / "data" / "kursk.gpkg"), "-o", "b.rtf"]).exit_code == 2
    monkeypatch.setitem(sys.modules, "pptx", None)
    done = run(main, ["brief", str(tmp_path / "data" / "kursk.gpkg"), "-o", str(tmp_path / "b.pptx")])
    assert done.exit_code == 2
    assert "geo-control[office]" in done.output


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, Any]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("title", NASTY)
def test_the_snippet_is_a_sandboxed_frame_whatever_the_title(tmp_path: Path, title: str) -> None:
    page = tmp_path / "a b&c.html"
    page.write_text(
        f"<html><head><title>{html.escape(shown(title))}</title></head><svg><title>no</title></svg>"
        '<input id="go-to" min="2025-01-01" max="2025-02-01"></html>'
    )
    tags = Tags()
    tags.feed(embed_snippet(page, picture="m 1.png", date="2025-01-11"))
    assert [t for t, _ in tags.found] == ["figure", "a", "img", "iframe"]
    link, picture, frame = (has for _, has in tags.found[1:])
    wanted = " ".join(shown(title).split())
    assert picture["alt"] == ""  # the link's own words name it
    assert frame["title"] == wanted or title == "null\x00 bell\x07 \ufffe"
    assert frame["sandbox"] == "allow-scripts"
    assert "srcdoc" not in frame
    assert frame["src"] == link["href"] == "a%20b%26c.html#2025-01-11"
    assert picture["src"] == "m%201.png"
    assert not any(name.startswith("on") for _, has in tags.found for name in has)


def test_the_snippet_takes_addresses_of_the_web_alone(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<p>no title</p>")
    with pytest.raises(FileError, match="--title"):
        embed_snippet(page)
    for address in (
        "javascript:alert(1)",
        "JaVa\nScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https:",
        "",
    ):
        with pytest.raises(UsageError, match="--url"):
            embed_snippet(page, title="t", url=address)
    page.write_text('<input id="go-to" min="2025-01-01" max="2025-02-01">')
    assert 'src="https://e.example/?a=1&amp;b=%22#2025-01-11T06:00:00Z"' in embed_snippet(
        page, title="t", url="https://e.example/?a=1&b=%22#old", date="2025-01-11T06:00Z"
    )


def test_a_link_to_a_date_that_a_page_does_not_have_is_refused(archive: Archive, tmp_path: Path) -> None:
    timeline = geo.save_map(geo.draw_timeline(archive, draw_basemap=False), tmp_path / "t.html")
    first = archive.reader.snapshots()["depicts"].min()[:10]
    assert f'src="t.html#{first}"' in embed_snippet(f"{timeline}#{first}") == embed_snippet(timeline, date=first)
    for path, date in ((f"{timeline}#2019-01-01", None), (timeline, "2999-01-01")):
        with pytest.raises(FileError, match=r"does not have (2019|2999)-01-01: its dates go from "):
            embed_snippet(path, date=date)
    dated = geo.save_map(geo.draw_map(archive, draw_basemap=False), tmp_path / "m.html")
    with pytest.raises(FileError, match="no dates to choose from"):
        embed_snippet(dated, date=first)
    done = CliRunner().invoke(main, ["embed", f"{timeline}#2019-01-01"])
    assert (done.exit_code, "does not have 2019-01-01" in done.stderr) == (1, True)


def test_a_table_keeps_its_cells_whatever_is_in_them() -> None:
    cells = Cells()
    cells.feed(
        MarkdownIt("commonmark")
        .enable("table")
        .render("\n".join(_markdown_table(Table("c", ["a", "b"], [["x|y", "`1`"]], 1))))
    )
    assert cells.rows == [["a", "b"], ["x|y", "`1`"]]
