"""Briefings into files: the one door of Python and the command line to every format."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack
from urllib.parse import quote

import geopandas as gpd

from geo.archive import Archive
from geo.archive.results import When
from geo.claims.model import Claim
from geo.errors import UsageError
from geo.output.brief_tables import Section, Table
from geo.output.documents.content import Brief, gather_brief, map_words
from geo.output.documents.office import brief_docx, brief_pptx, office
from geo.output.documents.svg_chart import bar_values, chart_values
from geo.output.images import text_blocks
from geo.output.images.chart import draw_chart
from geo.output.images.drawing import save
from geo.output.images.fonts import plain
from geo.output.images.picture import draw_figure, view_box
from geo.output.images.projection import proportion
from geo.output.images.themes import chosen
from geo.output.map_options import MapKeywords, map_options, shares_options
from geo.presentation.labels import written
from geo.presentation.language import gettext, number
from geo.presentation.statuses import named
from geo.presentation.templates import templates_folder
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.output.html.map_page import ControlMap

_ENDINGS = (".html", ".md", ".docx", ".pptx")


@shares_options("draw_basemap")
def draw_brief(
    archive: Archive,
    date: When | None = None,
    path: str | Path = "briefing.html",
    *,
    claims: Sequence[Claim] | None = None,
    places: gpd.GeoDataFrame | None = None,
    exactly: bool = False,
    **shown: Unpack[MapKeywords],
) -> list[Path]:
    """Write a briefing: who holds what, and what changed since the last one.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that ends in ``.html`` (one page that needs no network), ``.md`` (with ``-map.png``, ``-chart.png`` and
        ``-change.png`` beside it), ``.docx`` or ``.pptx``.
    since : str, date, datetime or None
        The last briefing's date; None is the snapshot before.
    incident_days : int or None
        Incidents of so many days up to the date; None is those after the last briefing's date.
    claims : sequence of geo.claims.model.Claim or None
        Published figures to hold against every source; None is those on record said in these days or about the date.
    places : geopandas.GeoDataFrame or None
        Settlements (`geo.measure.settlements.read_places`); those that changed hands are listed.
    exactly : bool
        With `as_known_on`: the very briefing that was made then, byte for byte, without a word on when it was known.

    Returns
    -------
    list of pathlib.Path
        What was written, the briefing first. Areas are in km² on WGS 84, as `Archive.area` and `Archive.change` have
        them; the same input gives the same bytes.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> [path.name for path in geo.draw_brief(archive, "2025-01-11", "briefing.md")]
    ['briefing.md', 'briefing-map.png', 'briefing-chart.png', 'briefing-change.png']
    """
    options = map_options(draw_brief, shown)
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in _ENDINGS:
        raise UsageError(f"{target}: write to a path that ends in {', '.join(_ENDINGS)}")
    if options.templates is not None and kind != ".html":
        raise UsageError(f"{target}: templates are those of a page; write to a path that ends in .html")
    chosen = templates_folder(options.templates)
    if kind in (".docx", ".pptx"):
        office(kind[1:])  # before anything is measured
    brief = gather_brief(archive, date, options, claims=claims, places=places, exactly=exactly)
    if kind == ".html":
        from geo.output.html.map_page import save_map  # folium takes a third of the time of a document without it

        return [save_map(brief_page(brief, templates=chosen), target)]
    if kind == ".md":
        pictures = draw_pictures(archive, brief, target)
        return [write_page(brief_markdown(brief, pictures), target), *(p for _, p, _ in pictures)]
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_pictures(archive, brief, Path(folder, target.name))
        held = [(heading, drawn_at.read_bytes(), words) for heading, drawn_at, words in drawn]
    write = brief_docx if kind == ".docx" else brief_pptx
    return [write_page(write(brief, held), target)]


def draw_pictures(archive: Archive, brief: Brief, target: Path) -> list[tuple[str, Path, str]]:
    """Draw a briefing's map beside it and, where anything was ever held, its chart and its bars of change."""
    map_path, chart_path, change_path = (
        target.with_name(f"{target.stem}-{name}.png") for name in ("map", "chart", "change")
    )
    form, theme = chosen("slide", "light")
    content = brief.content
    box = view_box(content)
    # as wide as the ground needs
    form = replace(form, width=min(max(form.height / proportion(box), 0.6 * form.width), form.width))
    figure = draw_figure(content, box, form, theme, is_bare=True)
    credit = plain(" ".join(brief.credits))
    save(figure, map_path, title=plain(content.title), text=text_blocks.alt_text(content, credit), credit=credit)
    made = [(gettext("Map"), map_path, map_words(brief))]
    chart = partial(
        draw_chart, archive, source=brief.source, within=brief.within, to=brief.date, as_known_on=brief.as_known_on,
        colours=brief.colours,
    )  # fmt: skip
    if brief.lines:
        chart(chart_path, status=named(is_current=True))
        made.append((gettext("Since the first snapshot"), chart_path, brief.chart_words))
    if brief.bars:
        chart(change_path, change=True, by=brief.bars[0].every)
        words = bar_values(brief.bars, brief.shown)
        made.append((words["bars_heading"], change_path, words["bars_words"]))
    return made


def brief_page(brief: Brief, *, templates: Path | None = None) -> ControlMap:
    """A briefing as a folium map with its words around it; `geo.save_map` writes it."""
    from geo.output.html.map_page import ControlMap

    made = ControlMap(brief.content, templates=templates)
    values = {
        "brief": brief, "subtitle": brief.subtitle, "no_headline": brief.no_headline,
        "chart": chart_values(brief.lines, brief.chart_words if brief.lines else ""),
        "snapshots": len({t for s in brief.lines for t in s.times}), "series": series_table(brief),
    }  # fmt: skip
    values |= bar_values(brief.bars, brief.shown)
    parts = made.page.parts
    made.page.parts = replace(parts, template="brief.html", title=brief.title, values={**parts.values, **values})
    return made


def series_table(brief: Brief) -> Table:
    """The chart as a table: a row for every date, km² of each class."""
    times = sorted({t for s in brief.lines for t in s.times})
    days = len({t.date() for t in times}) == len(times)
    by_time = [dict(zip(s.times, s.km2, strict=True)) for s in brief.lines]
    rows = [
        [
            written(t.date() if days else t),
            *(number(known[t], 1) if t in known else "–" for known in by_time),
        ]
        for t in reversed(times)
    ]
    return Table(
        gettext("km² by {source}", source=brief.shown), [gettext("Date"), *(s.label for s in brief.lines)], rows, 1
    )


# what CommonMark, tables, mathematics, page generators and HTML would read as more than text
_SIGNS = re.compile(r"([\\`*_\[\]<>&|~#${}^])")
_STARTS = re.compile(r"^([-+=:])|^(\d{1,9})([.)])(?=\s|$)")


def escaped(text: str) -> str:
    """Text as Markdown shows it, on one line."""
    said = _SIGNS.sub(r"\\\1", plain(text))
    return _STARTS.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", said)


def brief_markdown(brief: Brief, pictures: Sequence[tuple[str, Path, str]]) -> str:
    lines = [f"# {escaped(brief.title)}", "", escaped(brief.subtitle), ""]
    for headline in brief.headlines:
        said = gettext("; ").join(escaped(text) for text in (headline.moved, headline.span, headline.rests) if text)
        lines.append(f"- **{escaped(headline.label)}: {escaped(gettext('{km2} km²', km2=headline.km2))}** ({said})")
    if not brief.headlines:
        lines.append(brief.no_headline)
    by_heading = {heading: _markdown_picture(heading, path, words) for heading, path, words in pictures}
    headings = list(by_heading)
    lines += ["", *by_heading[headings[0]]] if headings else []
    for section in brief.moved:
        lines += _markdown_section(section)
    for heading in headings[1:]:
        lines += by_heading[heading]
    for section in brief.told:
        lines += _markdown_section(section)
    lines += [f"## {gettext('Sources')}", "", *(f"- {escaped(line)}" for line in brief.credits)]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_picture(heading: str, path: Path, words: str) -> list[str]:
    return [f"## {heading}", "", f"![{escaped(words)}]({quote(path.name)})", ""]


def _markdown_section(section: Section) -> list[str]:
    lines = [f"## {escaped(section.heading)}", ""]
    if section.table is not None:
        lines += [escaped(section.table.caption), "", *_markdown_table(section.table), ""]
    for note in section.notes:
        lines += [escaped(note), ""]
    return lines


def _markdown_table(table: Table) -> list[str]:
    rules = ["---:" if i >= table.numbers else "---" for i in range(len(table.columns))]
    rows = [[escaped(cell) for cell in row] for row in (table.columns, *table.rows)]
    return [f"| {' | '.join(row)} |" for row in (rows[0], rules, *rows[1:])]
