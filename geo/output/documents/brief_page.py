"""The briefing as one page: figures, the live map, what changed, the chart, incidents, claims; it needs no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from geo.output.brief_tables import Table
from geo.output.documents.svg_chart import chart_values
from geo.output.html.map_page import ControlMap

if TYPE_CHECKING:
    from geo.output.documents.content import Brief


def brief_page(brief: Brief, *, templates: Path | None = None) -> ControlMap:
    """A briefing as a folium map with its words around it; `geo.save_map` writes it."""
    made = ControlMap(brief.content, templates=templates)
    values = {
        "brief": brief, "subtitle": brief.subtitle, "no_headline": brief.no_headline,
        "chart": chart_values(brief.lines, brief.chart_words if brief.lines else ""),
        "snapshots": len({t for s in brief.lines for t in s.times}), "series": series_table(brief),
    }  # fmt: skip
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
            f"{t:%Y-%m-%d}" if days else f"{t:%Y-%m-%d %H:%M}",
            *(f"{known[t]:,.1f}" if t in known else "–" for known in by_time),
        ]
        for t in reversed(times)
    ]
    return Table(f"km² by {brief.shown}", ["Date", *(s.label for s in brief.lines)], rows, 1)
