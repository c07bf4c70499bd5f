"""The pictures of a briefing for formats that hold no live map: the map and the chart as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geo.output.documents.content import Brief, map_words
from geo.output.images import text_blocks
from geo.output.images.chart import draw_chart
from geo.output.images.export import save
from geo.output.images.fonts import plain
from geo.output.images.picture import draw_figure, view_box
from geo.output.images.themes import chosen
from geo.presentation.statuses import named

if TYPE_CHECKING:
    from geo.archive import Archive


def draw_pictures(archive: Archive, brief: Brief, map_path: Path, chart_path: Path) -> list[tuple[str, Path, str]]:
    """Draw a briefing's map and, where anything was ever held, its chart."""
    form, theme = chosen("slide", "light")
    content = brief.content
    figure = draw_figure(content, view_box(content, None), form, theme)
    credit = plain(" ".join(brief.credits))
    save(figure, map_path, title=plain(content.title), text=text_blocks.alt_text(content, credit), credit=credit)
    made = [("Map", map_path, map_words(brief))]
    if brief.lines:
        draw_chart(
            archive, chart_path, source=brief.source, status=named(is_current=True), within=brief.within, to=brief.date,
            as_known_on=brief.as_known_on, colours=brief.colours,
        )  # fmt: skip
        made.append(("Since the first snapshot", chart_path, brief.chart_words))
    return made
