"""The briefing as one page: figures, the live map, what changed, the chart, incidents, claims; it needs no network."""

from __future__ import annotations

from dataclasses import replace

from geo.output.brief_tables import Section, Table
from geo.output.documents.content import Brief, no_headline
from geo.output.documents.svg_chart import chart_markup, chart_styles
from geo.output.html import map_markup
from geo.output.html.map_page import ControlMap
from geo.output.html.page import asset
from geo.output.html.table_markup import table_rows
from geo.presentation import basemap
from geo.presentation.chart_lines import HOLE_WORDS
from geo.presentation.html_text import escape


def brief_page(brief: Brief) -> ControlMap:
    """A briefing as a folium map with its words around it; `geo.save_map` writes it."""
    content = brief.content
    made = ControlMap(content)
    shell = made.page.shell
    patterns = map_markup.top(content).partition("<header>")[0]
    title = f'<header><h1>{escape(brief.title)}</h1><p class="dek">{escape(brief.subtitle)}</p></header>'
    made.page.shell = replace(
        shell,
        title=brief.title,
        top=patterns + title + _headlines(brief),
        side=f"<aside>{map_markup.legend(content)}{map_markup.toggles(content)}{map_markup.incidents(content)}</aside>",
        bottom=_below(brief) + map_markup.bottom(content, basemap.credits()),
    )
    made.page.head = f"<style>{asset('brief.css')}{chart_styles(brief.lines)}</style>"
    return made


def _headlines(brief: Brief) -> str:
    cards = "".join(
        f'<li><h3>{escape(h.label)}</h3><p class="big">{escape(h.km2)} <small>km²</small></p>'
        + "".join(f"<p>{escape(text)}</p>" for text in (h.moved, h.span) if text)
        + f'<p class="rests">{escape(h.rests)}</p></li>'
        for h in brief.headlines
    )
    none = f'<p class="workings">{escape(no_headline(brief))}</p>'
    shown = f'<ul class="cards">{cards}</ul>' if cards else none
    return f'<section aria-label="Key figures"><h2 class="unseen">Key figures</h2>{shown}</section>'


def _below(brief: Brief) -> str:
    parts = [_section(s) for s in brief.moved]
    chart = chart_markup(brief)
    if chart:
        times = [t for s in brief.lines for t in s.times]
        many = len(set(times))
        said = (
            f"Area in km² by {brief.shown}; {many} snapshot{'s' if many > 1 else ''}, ticks below. A figure stands"
            " until the next snapshot; nothing is interpolated."
        )
        if HOLE_WORDS in chart:
            said += f" {HOLE_WORDS}."
        parts.append(
            '<section class="chart" aria-label="Since the first snapshot"><h2>Since the first snapshot</h2>'
            f'<p class="workings">{escape(said)}</p>{chart}'
            f"{_series(brief)}</section>"
        )
    parts += [_section(s) for s in brief.told]
    return f'<div class="brief">{"".join(parts)}</div>'


def _section(section: Section) -> str:
    table = _table(section.table, section.heading) if section.table else ""
    notes = "".join(f'<p class="workings">{escape(n)}</p>' for n in section.notes)
    short = ' class="short"' if section.table is None or len(section.table.rows) <= 12 else ""
    name = escape(section.heading)
    return f'<section id="{section.name}" aria-label="{name}"{short}><h2>{name}</h2>{table}{notes}</section>'


def _table(table: Table, name: str) -> str:
    """A table that scrolls by itself where the page is narrower than its columns."""
    return (
        f'<p class="rests">{escape(table.caption)}</p>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {escape(name)}"><table>'
        f'<caption class="unseen">{escape(name)}</caption>{table_rows(table)}</table></div>'
    )


def _series(brief: Brief) -> str:
    """Every figure of the chart, for those who would rather read it, or copy it."""
    table = series_table(brief)
    return (
        f"<details><summary>Every figure of this chart</summary>{_table(table, 'Every figure of this chart')}</details>"
    )


def series_table(brief: Brief) -> Table:
    """The chart as a table: a row for every date, km² of each class."""
    times = sorted({t for s in brief.lines for t in s.times})
    days = len({t.date() for t in times}) == len(times)
    by_time = [dict(zip(s.times, s.km2, strict=True)) for s in brief.lines]
    rows = [
        [
            f"{t:%Y-%m-%d}" if days else f"{t:%Y-%m-%d %H:%M}",
            *(f"{known[t]:,.1f}" if t in known else "–" for known in by_time),
        ]
        for t in reversed(times)
    ]
    return Table(f"km² by {brief.shown}", ["Date", *(s.label for s in brief.lines)], rows, 1)
