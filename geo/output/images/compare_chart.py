"""Sources side by side over a span as a chart: what each says, what they agree on, what is in dispute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.errors import MapError
from geo.output.images.chart_panels import ChartText, Panel, save_panels
from geo.output.map_content import credit_of
from geo.presentation.chart_lines import ChartLine
from geo.presentation.labels import class_label, credit_line, written
from geo.presentation.symbols import AGREED, SOURCE_COLOURS
from geo.schema import parse_instant, text_or_none
from geo.version import __version__

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.output.images.themes import Shape, ThemeName

_DISPUTED = "#c51b7d"


def draw_comparison_chart(
    archive: Archive,
    path: str | Path,
    *,
    from_: When,
    to: When,
    sources: Sequence[str],
    title: str | None = None,
    shape: Shape = "slide",
    theme: ThemeName = "light",
    **asked: Any,
) -> Path:
    """Draw sources side by side on every day of a span as PNG, SVG or PDF."""
    span, _ = archive.compare_span(from_, to, sources=sources, **asked)
    panels = [p for p in _panels(archive, span) if p.lines]
    if not panels:
        raise MapError(f"none of {', '.join(sources)} has such ground in that span: nothing can be drawn")
    days = sorted(set(span["date"]))
    shown = [credit_of(archive, s)["title"] or s for s in sources]
    credits = "; ".join(credit_line(credit_of(archive, s)) for s in sources)
    text = ChartText(
        title=title or f"{' and '.join(shown)}, {written(days[0])} to {written(days[-1])}",
        subtitle="Area in km² by each source, agreed on and in dispute. The sources are not merged.",
        notes=[n.strip() for n in span.attrs["notes"]],
        credit=f"Control: {credits}. Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude"
        f" (RFC 7946). Made with geo-control {__version__}.",
    )
    return save_panels(panels, text, Path(path), shape=shape, theme=theme)


def _panels(archive: Archive, span: pd.DataFrame) -> list[Panel]:
    keys = [(text_or_none(c), str(s)) for c, s in zip(span["controller"], span["status"], strict=True)]
    several = len(set(keys)) > 1
    found = []
    for key in dict.fromkeys(keys):
        rows = span[[k == key for k in keys]]
        found.append(Panel(class_label(*key) if several else "", _lines(archive, rows)))
    return found


def _lines(archive: Archive, rows: pd.DataFrame) -> list[ChartLine]:
    lines, source_colours = [], iter(SOURCE_COLOURS)
    for (kind, by), group in rows.groupby(["kind", "said_by"], sort=False, dropna=False):
        km2 = [float(v) for v in group["area_km2"]]
        times = [parse_instant(d).replace(tzinfo=None) for d in group["date"]]
        if kind == "area":
            line = ChartLine(credit_of(archive, str(by))["title"] or str(by), next(source_colours), (), times, km2)
        elif kind == "agreed":
            line = ChartLine("Agreed", AGREED, (4, 2), times, km2)
        else:
            line = ChartLine("In dispute", _DISPUTED, (1, 1.2), times, km2)
        lines.append(line)
    return lines if any(max(line.km2) > 0 for line in lines) else []
