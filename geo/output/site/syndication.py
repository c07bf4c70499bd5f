"""What others read of a site: the feed (Atom, RFC 4287), the site map, and a date's picture, 1200 × 630 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import pandas as pd

from geo.formats.xml import Element, add, xml_bytes
from geo.output.images.drawing import Canvas, png_bytes
from geo.output.images.fonts import clean_settings, plain, text_width
from geo.output.images.map_panel import draw_map_panel
from geo.output.images.projection import lay
from geo.output.images.text_blocks import TextBlock, credit_lines, space, stack, swatched, words
from geo.output.images.themes import THEMES, Format
from geo.output.map_content import MapContent
from geo.output.site.plan import Day, Plan
from geo.presentation.labels import area, row_label, written
from geo.presentation.language import current, gettext
from geo.presentation.statuses import STATUSES, of_row
from geo.presentation.symbols import Symbol
from geo.schema import parse_instant
from geo.version import __version__

ENTRIES = 100
_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
# ids stay the same wherever the site is moved to
_NAMES = UUID("6f0b6c9e-3a53-5d0e-9d57-0f3a7f0f9b11")


def feed_xml(plan: Plan, summaries: Mapping[str, str], updated: datetime, credits: Sequence[str]) -> bytes:
    """The newest dates as an Atom feed: what was recorded last comes first."""
    options = plan.options
    root = Element("feed", {"xmlns": _ATOM, "xml:lang": current().code})
    add(root, "id", _id(plan, "feed"))
    add(root, "title", plan.title)
    add(root, "updated", _stamp(updated))
    add(add(root, "author"), "name", plan.shown or plan.options.source)
    add(root, "generator", "geo-control", version=__version__)
    add(root, "rights", "; ".join(credits))
    add(root, "link", rel="self", type="application/atom+xml", href=options.address("feed.xml"))
    add(root, "link", rel="alternate", type="text/html", href=options.address("index.html"))
    for day in sorted(plan.days, key=lambda d: (learnt(d), d.day), reverse=True)[:ENTRIES]:
        entry = add(root, "entry")
        add(entry, "id", _id(plan, day.day))
        add(entry, "title", f"{plan.title}, {written(day.day)}")
        add(entry, "published", _stamp(published(day)))
        add(entry, "updated", _stamp(learnt(day)))
        add(entry, "link", rel="alternate", type="text/html", href=options.address(f"dates/{day.day}.html"))
        add(entry, "summary", summaries.get(day.day, ""))
    return xml_bytes(root)


def learnt(day: Day) -> datetime:
    """When the archive took in what it now says of a date."""
    return max(parse_instant(str(row["recorded_at"])) for row in day.snapshots)


def published(day: Day) -> datetime:
    """When the source put a date's map out; where that is not known, when the archive first took one in."""
    stated = [parse_instant(str(row["published"])) for row in day.snapshots if pd.notna(row["published"])]
    return min(stated or [parse_instant(str(row["recorded_at"])) for row in day.snapshots])


def sitemap_xml(plan: Plan, pages: Sequence[str]) -> bytes:
    """The addresses of a site's pages, for search engines; it needs a base address."""
    changed = {f"dates/{day.day}.html": learnt(day) for day in plan.days}
    root = Element("urlset", xmlns=_SITEMAP)
    for path in pages:
        url = add(root, "url")
        add(url, "loc", plan.options.address(path))
        if path in changed:
            add(url, "lastmod", _stamp(changed[path]))
    return xml_bytes(root)


def _id(plan: Plan, what: str) -> str:
    return uuid5(_NAMES, "\n".join([plan.options.source, plan.options.within or "", what])).urn


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


WIDTH, HEIGHT = 1200, 630
_CARD = Format(600, 315, 144, 18, 25, 12.5, 12, 10, 6.2, 0.9)
_PANEL = 226.0  # points, of the words on the left
_ROWS = 3


def card_png(content: MapContent, title: str, source: str) -> bytes:
    form, theme = _CARD, THEMES["light"]
    left, wide = form.margin, _PANEL - 1.6 * form.margin
    credit = plain(" ".join(credit_lines(content, draw_basemap=True)))
    said = card_words(content.figures, content.date, source, place=content.place)
    foot = words(" ".join(content.credits), wide, form.credit, soft=True, most=4)
    with clean_settings():
        canvas = Canvas(form.width, form.height, theme, dpi=form.dpi, marks=form.marks)
        plane = lay(content.bounds, (_PANEL, 0.0, form.width, form.height))
        draw_map_panel(canvas, plane, content, [0] * len(content.markers), size=9.5, most=13, inset=False)
        stack(canvas, _words(content, title, source, form, wide), left, 0.9 * form.margin)
        foot.draw(canvas, left, form.height - 0.7 * form.margin - foot.height)
        return png_bytes(canvas.figure, title=plain(title), text=said, credit=credit)


def card_words(figures: Sequence[Mapping[str, Any]], day: str, source: str, *, place: str = "") -> str:
    """A date in one line: its figures in km² with date and source."""
    said = "; ".join(f"{row_label(row)}{place} {area(row['area_km2'])}" for row in _rows(figures))
    said = said or gettext("no ground of this source lies there{place}", place=place)
    return plain(f"{written(day)}: {said}. {gettext('Source: {source}.', source=source)}")


def _words(content: MapContent, title: str, source: str, form: Format, wide: float) -> list[TextBlock]:
    symbols = {item.label: item.symbol for item in content.classes}
    day = written(content.date)
    fitting = form.title * min(1.0, wide / max(text_width(day, form.title, bold=True), 1.0))
    blocks = [
        words(title, wide, form.subtitle, soft=True, most=3, after=0.25 * form.subtitle),
        words(day, wide, fitting, bold=True, after=10),
    ]
    for row in _rows(content.figures):
        blocks += [_label_block(row_label(row), symbols.get(row_label(row)), form, wide)]
        blocks += [words(area(row["area_km2"]), wide, 1.65 * form.body, bold=True, after=5)]
    return [*blocks, space(2), words(gettext("Source: {source}", source=source), wide, form.small, soft=True, most=2)]


def _label_block(label: str, symbol: Symbol | None, form: Format, wide: float) -> TextBlock:
    indent = 2.4 * form.small if symbol else 0.0
    text = words(label, wide - indent, form.small, most=2)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        if symbol:
            swatched(symbol, form.small)(canvas, x, y - 0.05 * form.small)
        text.draw(canvas, x + indent, y)

    return TextBlock(text.height, draw)


def _rows(figures: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The figures that a card has room for: held ground first, the largest first; never what has none."""
    rows = [r for r in figures if r["area_km2"] > 0 and of_row(r).is_current]
    return sorted(rows, key=lambda r: (STATUSES.index(r["status"]), -r["area_km2"]))[:_ROWS]
