"""What the pages of a site show, as the values of their templates: dates, units, sources, links between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd

from geo.archive import Archive
from geo.archive.results import refused_notes
from geo.measure.areas import OUTSIDE
from geo.output.documents.svg_chart import bar_values, chart_values
from geo.output.html.page import PageParts, page_of
from geo.output.site.plan import MEDIA, Day, Plan, slugs
from geo.output.site.syndication import HEIGHT, WIDTH
from geo.presentation.chart_lines import bars_every, change_bars, class_line, lines_in_words
from geo.presentation.labels import (
    area,
    class_label,
    credit_line,
    dataset_members,
    figure,
    sentence,
    unit_name,
    written,
)
from geo.presentation.language import N_, gettext, month_words, number, signed
from geo.presentation.sides import side_colours
from geo.presentation.statuses import class_order, named
from geo.schema import parse_instant, text_or_none, to_instant

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
    table = archive.series(
        source=options.source, within=options.within, by="unit", from_=plan.days[0].day, to=plan.days[-1].day,
        as_known_on=options.as_known_on,
    )  # fmt: skip
    every = bars_every(plan.days[0].day, plan.days[-1].day)
    moved = archive.series(
        source=options.source, within=options.within, by="unit", from_=plan.days[0].day, to=plan.days[-1].day,
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


def downloads(day: Day, sizes: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """The files of a date: path, what it is, and its size."""
    return [(path, gettext(words), _size(sizes[path])) for path, words in day.files.items()]


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
    refused = map(sentence, refused_notes(archive.snapshots(), names))
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
    now = "; ".join(f"{label} {area(v)}" for label, v in zip(unit.labels, km2, strict=True))
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
              "has_data": any(day.files for day in plan.days)}  # fmt: skip
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
