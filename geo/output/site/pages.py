"""A site's pages as values of their templates; its feed (Atom, RFC 4287), site map, and pictures of dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID, uuid5

import pandas as pd

from geo import __version__
from geo.archive import Archive
from geo.archive import figures as archive_figures
from geo.archive.results import refused_notes
from geo.formats.xml import Element, add, xml_bytes
from geo.measure.areas import OUTSIDE
from geo.output.documents.svg_chart import bar_values, chart_values
from geo.output.html.page import PageParts, page_of
from geo.output.images.drawing import Canvas, png_bytes
from geo.output.images.fonts import clean_settings, plain, text_width
from geo.output.images.map_panel import draw_map_panel
from geo.output.images.projection import lay
from geo.output.images.text_blocks import TextBlock, credit_lines, space, stack, swatched, words
from geo.output.images.themes import THEMES, Format
from geo.output.map_content import MapContent
from geo.output.site.plan import MEDIA, Day, Plan, slugs
from geo.presentation.chart_lines import bars_every, change_bars, class_line, lines_in_words
from geo.presentation.labels import (
    area,
    class_label,
    credit_line,
    dataset_members,
    figure,
    row_label,
    sentence,
    unit_name,
    written,
)
from geo.presentation.language import N_, current, gettext, month_words, number, signed
from geo.presentation.sides import side_colours
from geo.presentation.statuses import STATUSES, class_order, named, of_row, status_of
from geo.presentation.symbols import Symbol
from geo.schema import parse_instant, text_or_none, to_instant

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
        add(entry, "title", gettext(", ").join((plan.title, written(day.day))))
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
        plane = lay(content.bounds, canvas.across((_PANEL, 0.0, form.width, form.height)))
        said_of = [c for c in content.classes if c.key is None or status_of(c.key[1]).is_current]  # as `_rows`
        shown = replace(content, classes=said_of)
        with canvas.not_mirrored():
            draw_map_panel(canvas, plane, shown, [0] * len(content.markers), size=9.5, most=13, inset=False)
        stack(canvas, _words(content, title, source, form, wide), left, 0.9 * form.margin)
        foot.draw(canvas, left, form.height - 0.7 * form.margin - foot.height)
        return png_bytes(canvas.figure, title=plain(title), text=said, credit=credit)


def card_words(figures: Sequence[Mapping[str, Any]], day: str, source: str, *, place: str = "") -> str:
    """A date in one line: its figures in km² with date and source."""
    said = gettext("; ").join(f"{row_label(row)}{place} {area(row['area_km2'])}" for row in _rows(figures))
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


Key = tuple[str | None, str, str]


@dataclass(frozen=True)
class Unit:
    """A unit with ground of some class: what it is called, its page, and its figures."""

    code: str
    name: str
    slug: str
    boundary: str
    classes: Sequence[Key]
    steps: Sequence[tuple[str, Sequence[float]]]
    unlike: frozenset[str]  # days whose maps are not comparable with those before
    moved: pd.DataFrame  # what was gained and lost by month or week

    @property
    def path(self) -> str:
        """Its page in the site."""
        return f"units/{self.slug}.html"

    @property
    def labels(self) -> list[str]:
        return [class_label(*key) for key in self.classes]


def units_of(archive: Archive, plan: Plan) -> list[Unit]:
    """Every unit in which ground of a class stood on a date of the site."""
    options = plan.options
    table = archive_figures.series(
        archive, source=options.source, within=options.within, by="unit", from_=plan.days[0].day, to=plan.days[-1].day,
        as_known_on=options.as_known_on,
    )  # fmt: skip
    every = bars_every(plan.days[0].day, plan.days[-1].day)
    moved = archive_figures.series(
        archive, source=options.source, within=options.within, by="unit", from_=plan.days[0].day, to=plan.days[-1].day,
        as_known_on=options.as_known_on, status=named(is_held=True), every=every,
    )  # fmt: skip
    parts = table["part"] if "part" in table else [""] * len(table)
    found: dict[str, dict[Key, dict[str, float]]] = {}
    columns = (table[c] for c in ("date", "controller", "status", "unit", "area_km2"))
    for stamp, controller, status, unit, km2, part in zip(*columns, parts, strict=True):
        key = (text_or_none(controller), str(status), text_or_none(part) or "")
        day = parse_instant(str(stamp)).date().isoformat()
        if unit != OUTSIDE:
            found.setdefault(str(unit), {}).setdefault(key, {})[day] = float(km2)
    names, boundaries = _names(archive)
    shown = {unit: own for unit, own in found.items() if any(v > 0 for c in own.values() for v in c.values())}
    files = slugs(shown)
    days = [d.day for d in plan.days]
    unlike = frozenset(str(d)[:10] for d in table["date"][table["gained_km2"].isna()])
    units = [
        Unit(
            code,
            unit_name(code, names.get(code, code)),
            files[code],
            boundaries.get(code, ""),
            *_steps(classes, days),
            unlike,
            moved[moved["unit"] == code],
        )
        for code, classes in shown.items()
    ]
    return sorted(units, key=lambda u: (u.name, u.code))


def _names(archive: Archive) -> tuple[dict[str, str], dict[str, str]]:
    units = archive.units()
    codes = [text_or_none(c) or str(n) for c, n in zip(units["unit"], units["name"], strict=True)]
    names, boundaries = (dict(zip(codes, map(str, units[c]), strict=True)) for c in ("name", "boundary"))
    return names, boundaries


def _steps(
    classes: Mapping[Key, Mapping[str, float]], days: Sequence[str]
) -> tuple[list[Key], list[tuple[str, list[float]]]]:
    there = [key for key, values in classes.items() if any(v > 0 for v in values.values())]
    keys = sorted(there, key=class_order)
    steps: list[tuple[str, list[float]]] = []
    for day in days:
        km2 = [classes[key].get(day, 0.0) for key in keys]
        if not steps or [round(v, 3) for v in km2] != [round(v, 3) for v in steps[-1][1]]:
            steps.append((day, km2))
    return keys, steps


def site_values(plan: Plan, *, path: str, text: str, card: str = "", day: Day | None = None) -> dict[str, Any]:
    """The way from a page to the others, and what feeds, search engines and messengers read of it."""
    options, up = plan.options, "../" if "/" in path else ""
    return {
        "up": up, "path": path, "title": plan.title, "text": text,
        "kind": "article" if path.startswith("dates/") else "website",
        "address": options.address(path) if options.base_url else "",
        "card": options.address(card, up=up) if card else "", "card_size": (WIDTH, HEIGHT),
        "before": day and day.before, "after": day and day.after,
    }  # fmt: skip


def downloads(files: Mapping[str, str], sizes: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """Files of a site: path, what it is, and its size."""
    return [(path, gettext(words), _size(sizes[path])) for path, words in files.items()]


def dataset_record(
    plan: Plan, day: Day, sizes: Mapping[str, int], credits: Sequence[Mapping[str, str]], text: str,
    box: Sequence[float],
) -> dict[str, Any]:  # fmt: skip
    """A date's downloads as schema.org's Dataset (JSON-LD), for search engines of data."""
    options, stated = plan.options, [dataset_members(credit) for credit in credits]
    west, south, east, north = (round(float(v), 4) for v in box)
    files = [
        {"@type": "DataDownload", "name": gettext(words), "contentUrl": options.address(path, up="../"),
         "encodingFormat": MEDIA[path.rpartition(".")[2]], "contentSize": f"{sizes[path]} B"}
        for path, words in day.files.items()
    ]  # fmt: skip
    record = {
        "@context": "https://schema.org", "@type": "Dataset", "name": f"{plan.title}, {written(day.day)}",
        # search engines want 50 signs or more
        "description": f"{text} {'; '.join(credit_line(credit) or credit['name'] for credit in credits)}",
        "temporalCoverage": day.day, "isAccessibleForFree": True, "distribution": files, "isBasedOn": stated,
        "creator": [{"@type": "Organization", "name": credit["name"]} for credit in stated],
        "spatialCoverage": {"@type": "Place", "geo": {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}},
    }  # fmt: skip
    licences = [one["license"] for one in stated if "license" in one]
    record |= {"license": licences} if licences else {}
    return record | ({"url": options.address(f"dates/{day.day}.html")} if options.base_url else {})


def _size(count: int) -> str:
    if count >= 1e6:
        return gettext("{n} MB", n=number(count / 1e6, 1))
    return gettext("{n} KB", n=number(max(count / 1e3, 0.1), 1))


def index_values(plan: Plan, units: Sequence[Unit]) -> dict[str, Any]:
    """What stands under the timeline: the dates by month, and the units with their last figures."""
    days = [date.fromisoformat(day.day) for day in reversed(plan.days)]
    months = groupby(days, month_words)
    keys = sorted({key for unit in units for key in unit.classes}, key=class_order)
    last = [dict(zip(unit.classes, unit.steps[-1][1], strict=True)) for unit in units]
    cells = [[figure(now[key]) if key in now else "–" for key in keys] for now in last]
    return {
        "shown": plan.shown, "days": len(plan.days), "months": [(name, list(reversed(list(d)))) for name, d in months],
        "units": list(zip(units, cells, strict=True)), "unit_classes": [class_label(*key) for key in keys],
    }  # fmt: skip


def unit_page(unit: Unit, archive: Archive, plan: Plan, credits: Sequence[str]) -> str:
    """A unit's page: a chart, and a row for every date on which a figure changed."""
    options = plan.options
    colours = side_colours(archive.controllers(as_known_on=options.as_known_on), colours=options.colours)
    times = [to_instant(day) for day, _ in unit.steps]
    lines = [class_line(key, colours, times, [km2[i] for _, km2 in unit.steps]) for i, key in enumerate(unit.classes)]
    words = lines_in_words(
        lines, gettext("Area in {unit} by {source} in km², a step for every change.", unit=unit.name, source=plan.shown)
    )
    chart = chart_values(lines, words)
    before = [None, *(km2 for _, km2 in unit.steps)]
    pairs = [
        (day, km2, None if day in unit.unlike else old) for (day, km2), old in zip(unit.steps, before, strict=False)
    ]
    steps = [
        (day, [(number(v, 2), _moved(v, None if old is None else old[i])) for i, v in enumerate(km2)])
        for day, km2, old in pairs
    ]
    names = [str(s["snapshot"]) for day in plan.days for s in day.snapshots]
    refused = map(sentence, refused_notes(archive.reader.snapshots(), names))
    values = {"unit": unit, "shown": plan.shown, "chart": chart, "steps": steps, "styles": chart["styles"]}
    bars = [
        one
        for one in change_bars(unit.moved, colours, bars_every(plan.days[0].day, plan.days[-1].day))
        if len(one.bars) > 1
    ]
    values |= bar_values(bars, plan.shown)
    values["styles"] += values["bar_styles"]
    title = unit_name(unit.code, unit.name)
    subtitle = " ".join([_unit_subtitle(unit, plan), *refused])
    return bare_page(plan, "site_unit.html", unit.path, title, subtitle, values, credits)


def _unit_subtitle(unit: Unit, plan: Plan) -> str:
    """What a unit's figures are, by whom, and since when they stand."""
    last, km2 = unit.steps[-1]
    now = gettext("; ").join(f"{label} {area(v)}" for label, v in zip(unit.labels, km2, strict=True))
    why = N_("Since {date}, the last date on which a figure changed: {figures}.")
    if len(unit.steps) == 1:
        why = N_("Since {date}, the first date of this site: {figures}.")
    return gettext("Source: {source}.", source=plan.shown) + " " + gettext(why, date=written(last), figures=now)


def _moved(km2: float, before: float | None) -> str:
    if before is None:
        return "–"
    return signed(km2 - before, 2)


def sources_page(
    plan: Plan, subtitle: str, credits: Sequence[Mapping[str, str]], under: Sequence[Mapping[str, str]], units: str
) -> str:
    """Whom a site is owed to, and the snapshots that it rests on."""
    columns = ("depicts", "published", "recorded_at", "file_name", "sha256")
    rows = [row for day in reversed(plan.days) for row in day.snapshots] if plan.options.source else []
    snapshots = [(row["snapshot"], [_cell(name, row) for name in columns]) for row in rows]
    values = {"sources": credits, "under": under, "units": units, "snapshots": snapshots, "styles": "",
              "has_data": bool(plan.files)}  # fmt: skip
    return bare_page(plan, "site_sources.html", "sources.html", gettext("Sources and credits"), subtitle, values)


def _cell(name: str, row: Mapping[str, Any]) -> str:
    text = text_or_none(row[name]) or "–"
    if name in ("depicts", "published", "recorded_at") and len(text) > 10:
        return text[:10] if text[11:23] == "00:00:00.000" else f"{text[:16].replace('T', ' ')} UTC"
    return text


def bare_page(
    plan: Plan, template: str, path: str, title: str, subtitle: str, values: Mapping[str, Any],
    credits: Sequence[str] = (),
) -> str:  # fmt: skip
    """A page without a map and without a script."""
    fixed = {"credits": credits, "ground_credits": [], "boundary": "", "tiles": "", "has_map": False}
    site = site_values(plan, path=path, text=subtitle)
    parts = PageParts(template, title, {**fixed, "site": site, **values}, templates=plan.options.templates)
    return page_of(parts)[0]
