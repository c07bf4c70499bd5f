"""What a dated page shows, gathered from the archive as plain data: no HTML, no map library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.archive.results import FAR, When, rows_of, stated_meaning
from geo.errors import MapError, UnitError, UsageError
from geo.incidents.markers import Marker, cluster_markers, marker_of, number_or_none
from geo.measure.ellipsoid import areas_km2
from geo.output.map_options import MapKeywords, MapOptions
from geo.presentation.basemap import Box, outward, padded, reach_of
from geo.presentation.labels import (
    class_key,
    class_label,
    credit_line,
    figure,
    front_words,
    known_words,
    title_words,
    written,
)
from geo.presentation.legend import LegendEntry, StyledLayer, in_order, legend_of
from geo.presentation.statuses import class_order, named, side_colours, side_of
from geo.presentation.symbols import change_symbols, class_symbols
from geo.schema import last_instant, parse_instant, text_or_none, to_instant

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.measure.front_line import Front

# a class is a sliver where less than both of this, and no more, is held, gained and lost in a unit
SLIVER_KM2 = 5.0
SLIVER_SHARE = 0.001
FRONT_INSET_KM = 5.0  # nearer to border and coast a drawn front is mostly two maps' different borders


@dataclass(frozen=True)
class MapContent:
    """Everything on a dated page."""

    title: str
    subtitle: str
    date: str
    lang: str
    classes: Sequence[StyledLayer]
    changes: Sequence[StyledLayer]
    figures: Sequence[Mapping[str, Any]]
    since: str | None
    markers: Sequence[Marker]
    outlines: Sequence[shapely.Geometry]
    boundary: str
    bounds: Box
    limits: Box
    reach: Box
    place: str = ""
    credits: Sequence[str] = field(default_factory=tuple)
    front: Front | None = None
    base: str = ""  # the date of `since` in words: that of the map which answers for it
    notes: Sequence[str] = ()  # what a reader must know of the classes, the series and the ages of its maps
    slivers: Sequence[Mapping[str, Any]] = ()  # figures too slight, against the unit, for a headline

    @property
    def drawn_classes(self) -> list[StyledLayer]:
        """The classes as maps draw them: the first of the one order last, on top."""
        return in_order(self.classes)[::-1]

    @property
    def legend(self) -> list[LegendEntry]:
        """What every line, colour and pattern of the map means."""
        return legend_of(
            self.classes, self.changes, front="" if self.front is None else front_words(self.front),
            incidents=[m.kind for m in self.markers], shares_marks=any(m.count > 1 for m in self.markers),
        )  # fmt: skip

    @property
    def headlines(self) -> list[Mapping[str, Any]]:
        """The figures without slivers."""
        return [row for row in self.figures if row not in self.slivers]


def gather(
    archive: Archive, date: When | None = None, options: MapOptions | None = None, **given: Unpack[MapKeywords]
) -> MapContent:
    """Collect what the page of a date shows."""
    chosen = options or MapOptions(**given)
    with archive.holding():
        return _gather(archive, date, replace(chosen, source=archive.source_name(chosen.source)))


def _gather(archive: Archive, date: When | None, options: MapOptions) -> MapContent:
    name, within, as_known_on = str(options.source), options.within, options.as_known_on
    colours = side_colours(archive.controllers(as_known_on=as_known_on), colours=options.colours)
    frame = archive.control(date, source=name, as_known_on=as_known_on)
    area = archive.area(date, source=name, within=within, as_known_on=as_known_on)
    if date is None:
        date = _last(archive, name, as_known_on)
    incidents = _incidents(archive, date, options)
    base = "" if options.since is None else base_words(archive, name, options.since, as_known_on=as_known_on)
    figures, changes, notes = _changes(archive, date, options, area, colours, base)
    limits, bounds = _boxes(archive, frame, [shape for item in changes for shape in item.shapes], incidents, within)
    reach = outward(reach_of(limits))
    lines, boundary = outlines(archive, reach)
    place = "" if within is None else _place(archive, within)
    slivers = [] if within is None else _slivers(archive, within, figures)
    credit = credit_of(archive, name)
    shown = credit["title"] or name
    return MapContent(
        title=options.title or title_words(place, shown, written(date)),
        subtitle=_subtitle(archive, shown, sorted(set(frame["snapshot"])), date, area, as_known_on),
        date=str(date),
        lang=options.lang,
        classes=_classes(frame if options.liberated else _current(frame), area, shown, colours, place),
        changes=changes,
        figures=figures,
        since=None if options.since is None else str(options.since),
        markers=_markers(archive, incidents),
        front=_front(archive, date, options) if options.with_front else None,
        outlines=lines,
        boundary=boundary,
        bounds=bounds,
        limits=limits,
        reach=reach,
        place=place,
        credits=_credits(archive, credit, incidents),
        base=base,
        notes=[*_meanings(name, [row for row in figures if row not in slivers]), *notes],
        slivers=slivers,
    )


def _last(archive: Archive, source: str, as_known_on: When | None) -> str:
    table = archive.snapshots(source, as_known_on=as_known_on or datetime(9999, 1, 1, tzinfo=UTC))
    return parse_instant(max(table["depicts"])).date().isoformat()


def _incidents(archive: Archive, date: When, options: MapOptions) -> gpd.GeoDataFrame:
    last, days = to_instant(date), options.incident_days
    try:
        first = last - timedelta(days=days - 1)
    except OverflowError:
        raise UsageError(f"incident_days={days}: so many days before {date} are in no calendar") from None
    return archive.incidents(first, last, as_known_on=options.as_known_on)


def _boxes(
    archive: Archive,
    frame: gpd.GeoDataFrame,
    changes: Sequence[shapely.Geometry],
    markers: gpd.GeoDataFrame,
    within: str | None,
) -> tuple[Box, Box]:
    """How far the map reaches, and what it shows first: the ground, and the incidents where they are not far off."""
    current = _current(frame)
    shown = frame if current.empty else current
    ground = [*shown.geometry, *changes]
    boxes = [shapely.total_bounds(np.array(ground, dtype=object)).tolist()] if ground else []
    if within is not None:
        boxes = [archive.unit(within).total_bounds.tolist()]
    elif len(markers):
        boxes.append(markers.total_bounds.tolist())
    if not boxes:
        raise MapError("nothing stands on that date that could be drawn")
    whole = shapely.union_all([shapely.box(*b).buffer(0.02) for b in boxes]).bounds
    first = shapely.box(*boxes[0]).buffer(0.02).bounds
    far = (whole[2] - whole[0]) > 3 * (first[2] - first[0]) or (whole[3] - whole[1]) > 3 * (first[3] - first[1])
    return padded(whole), outward(padded(first if far else whole, 0.06))


def _current(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[frame["status"].isin(named(is_current=True))]


def _classes(
    frame: gpd.GeoDataFrame, area: pd.DataFrame, source: str, colours: Mapping[str, str] | None, place: str
) -> list[StyledLayer]:
    keys = [class_key(row) for row in rows_of(frame[["controller", "status", "part"]])]
    km2 = {class_key(row): row for row in rows_of(area)}
    shapes = np.asarray(frame.geometry.array, dtype=object)
    symbols = class_symbols({key[:2] for key in keys}, colours=colours)
    drawn = []
    for key in sorted(set(keys), key=class_order):
        row = km2.get(key)
        facts = [("Source", source)]
        if row is not None:
            facts = [("Area" + place, f"{figure(row['area_km2'])} km²"), *facts, ("Snapshot", row["snapshot"])]
        mine = [shape for shape, k in zip(shapes, keys, strict=True) if k == key]
        drawn.append(StyledLayer(class_label(*key), symbols[key[:2]], mine, facts, key))
    return drawn


def _changes(
    archive: Archive, date: When, options: MapOptions, area: pd.DataFrame, colours: Mapping[str, str] | None, base: str
) -> tuple[list[dict[str, Any]], list[StyledLayer], list[str]]:
    """The figures, with what changed since a date where one is given, the ground that did, and what to know of it."""
    figures, source, since = rows_of(area), str(options.source), options.since
    if since is None:
        return figures, [], []
    known = options.as_known_on
    moved = archive.change(since, date, source=source, within=options.within, as_known_on=known)
    by_class = {class_key(row): row for row in rows_of(moved)}
    figures = [{**by_class.pop(class_key(row), {}), **row} for row in figures]
    nothing = {"area_km2": 0.0, "lower_km2": 0.0, "upper_km2": 0.0}
    figures += [{**row, **nothing, "snapshot": row["to_snapshot"]} for row in by_class.values()]
    figures.sort(key=lambda row: class_order(class_key(row)))
    changed = archive.changed(since, date, source=source, as_known_on=known)
    changed = changed[changed["status"].isin(named(is_held=True))]
    sides = [c for c in {text_or_none(r["controller"]) for r in figures} if c]
    symbols = change_symbols(sides, colours=colours)
    rows = zip(changed["controller"], changed["change"], changed["area_km2"], changed.geometry, strict=True)
    drawn = [
        StyledLayer(
            f"{word.capitalize()} by {side_of(side).label} since {base}", symbols[side, word], [shape],
            [("Area", f"{figure(km2)} km²"), ("From", str(since)), ("To", str(date)), ("Source", source)],
        )
        for side, word, km2, shape in rows
    ]  # fmt: skip
    # a rule that a source's figures have passed stands with its credit
    return figures, drawn, [n for n in moved.attrs["notes"] if not n.startswith(f"{source}: ")]


def _meanings(source: str, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the source means by each class that has ground."""
    told = []
    for row in figures:
        side, status, part = class_key(row)
        meaning = stated_meaning(source, part, side, status)
        if meaning and row["area_km2"]:
            told.append(f"{class_label(side, status, part)}: {meaning}")
    return told


def _slivers(archive: Archive, within: str, figures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The classes of which a unit has next to nothing: mostly strips between two maps' different borders."""
    shape = np.array([archive.unit(within).geometry.iloc[0]], dtype=object)
    least = min(SLIVER_KM2, SLIVER_SHARE * float(areas_km2(shape)[0]))
    names = ("area_km2", "gained_km2", "lost_km2")
    return [row for row in figures if all((number_or_none(row.get(n)) or 0.0) < least for n in names)]


def _place(archive: Archive, within: str) -> str:
    unit = archive.unit(within).iloc[0]
    return f" in {unit['name']} ({unit['unit']})"


def _located(markers: gpd.GeoDataFrame) -> Any:
    return ~(markers.geometry.isna() | markers.geometry.is_empty).to_numpy(dtype=bool)


def _markers(archive: Archive, frame: gpd.GeoDataFrame) -> list[Marker]:
    region = cache(partial(_region, archive))
    return cluster_markers([marker_of(row, region) for row in rows_of(frame[_located(frame)])])


def _region(archive: Archive, name: str) -> shapely.Geometry | None:
    try:
        return archive.unit(name).geometry.iloc[0]
    except UnitError:
        return None


def _front(archive: Archive, date: When, options: MapOptions) -> Front | None:
    """The front, away from border and coast; None where the archive has no countries or it is nowhere."""
    try:
        found = archive.front(
            date, source=options.source, within=options.within, inset_km=FRONT_INSET_KM,
            as_known_on=options.as_known_on,
        )  # fmt: skip
    except UnitError:
        return None
    return found if found.length_km else None


def base_words(archive: Archive, source: str, since: When, *, as_known_on: When | None = None) -> str:
    """The date since which something changed, in words: that of the map which answers for it, where that is older."""
    table = archive.snapshots(source, as_known_on=as_known_on or FAR)
    past = [d for d in map(parse_instant, table["depicts"]) if d <= last_instant(since)]
    asked = to_instant(since)
    if not past or max(past).date() >= asked.date():
        return written(since)
    return f"{written(max(past).date())} (the last map before {written(since)})"


def credit_of(archive: Archive, source: str) -> dict[str, str]:
    """Name, title, URL, licence and attribution of a source, blank where not known."""
    found = archive.store.recall(("credits",), lambda: {row["name"]: row for row in rows_of(archive.sources())})
    found = found.get(source, {})
    return {k: text_or_none(found.get(k)) or "" for k in ("name", "title", "url", "licence", "attribution")}


def outlines(archive: Archive, limits: Box) -> tuple[list[shapely.Geometry], str]:
    """The borders of the finest units in view, and whose they are."""
    return archive.store.recall(("outlines", limits), lambda: _outlines(archive, limits))


def _outlines(archive: Archive, limits: Box) -> tuple[list[shapely.Geometry], str]:
    units = archive.units()
    fine = units[units["level"] > 0]
    box = shapely.box(*limits)
    fine = fine[shapely.intersects(np.asarray(fine.geometry.array, dtype=object), box)]
    if fine.empty:
        return [], ""
    borders = shapely.clip_by_rect(shapely.boundary(np.asarray(fine.geometry.array, dtype=object)), *limits)
    # borders that two units share are drawn once
    merged = shapely.line_merge(shapely.union_all(borders))
    return [p for p in shapely.get_parts(merged) if p.geom_type == "LineString"], "; ".join(
        sorted(set(fine["boundary"]))
    )


def _subtitle(
    archive: Archive, shown: str, snapshots: Sequence[str], date: When, area: pd.DataFrame, as_known_on: When | None
) -> str:
    table = archive.store.recall(("depicts",), lambda: _depicts(archive))
    depicts = [parse_instant(d) for snapshot in snapshots for d in table[snapshot]]
    stated = ", ".join(sorted({written(d if d != to_instant(d.date()) else d.date()) for d in depicts}))
    ages = sorted({f"{age:g}" for age in area["snapshot_age_days"] if age})
    days = "day" if ages == ["1"] else "days"
    old = f", {' and '.join(ages)} {days} before this date" if ages else ""
    known = "" if as_known_on is None else known_words(as_known_on)
    return f"{written(date)}. Source: {shown}; snapshot depicting {stated}{old}.{known}"


def _depicts(archive: Archive) -> dict[str, list[str]]:
    """What each snapshot depicts, in every recording of it."""
    found: dict[str, list[str]] = {}
    table = archive.snapshots()
    for snapshot, depicts in zip(table["snapshot"], table["depicts"], strict=True):
        found.setdefault(snapshot, []).append(depicts)
    return found


def _credits(archive: Archive, credit: Mapping[str, str], markers: gpd.GeoDataFrame) -> list[str]:
    lines = ["Control: " + credit_line(credit)]
    for dataset in sorted(set(markers["dataset"])) if len(markers) else ():
        lines.append("Incidents: " + (credit_line(credit_of(archive, dataset)) or str(dataset)))
    return lines
