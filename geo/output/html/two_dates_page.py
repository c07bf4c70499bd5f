"""Two dates on one map, with a divider between them: what changed, side by side, in one page that needs no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import geopandas as gpd
import shapely

from geo.archive import Archive
from geo.archive.results import When, age_days, is_not_comparable, refuse_backwards, span_notes
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.edges import Objects
from geo.measure.settlements import geonames_places, unmarked_words
from geo.output.brief_tables import LEAST_KM2, Section, by_unit
from geo.output.html import map_drawing
from geo.output.html.map_page import PageMap, map_values
from geo.output.html.page import PageParts
from geo.output.map_content import MapContent, extent_of, gather
from geo.output.map_options import MapKeywords, map_options, shares_options
from geo.presentation import basemap, map_names
from geo.presentation.labels import class_key, figure, km2_cell, row_label, written
from geo.presentation.language import day_words_short, gettext, ngettext
from geo.presentation.sides import side_colours
from geo.presentation.statuses import NO_DOUBT, named
from geo.presentation.symbols import class_symbols
from geo.presentation.templates import templates_folder
from geo.presentation.titles import given_title, known_words, title_words
from geo.schema import CRS, is_day, last_instant, text_or_none, to_instant

_VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_TALL = 0.7  # height over width from which two pictures stand side by side on paper


@dataclass(frozen=True)
class Side:
    """One of the two dates, with what its figures rest on in words."""

    when: When
    short: str
    snapshots: Sequence[str]
    age_days: float
    age: str
    rests: str
    figures: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Settlement:
    """A place whose ground is another side's, or another class, than before; None where the source marks nothing."""

    name: str
    lat: float
    lon: float
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Pair:
    """All that is said of two dates, the earlier first."""

    title: str
    shown: str
    sides: Sequence[Side]
    place: str
    known: str
    breaks: Sequence[str]
    comparable: bool
    units: Sequence[Section]
    settlements: Sequence[Settlement]
    own_places: bool
    has_units: bool

    @property
    def snapshots(self) -> list[str]:
        return [", ".join(side.snapshots) for side in self.sides]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The figures of each class: on both dates, gained, lost and net."""
        before = {class_key(row): row for row in self.sides[0].figures}
        return [(row_label(row), _cells(before.get(class_key(row)), row)) for row in self.sides[1].figures]


def _cells(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    changes = [(now.get(k), k == "net_km2") for k in ("gained_km2", "lost_km2", "net_km2")]
    return [
        figure(0.0 if before is None else before["area_km2"]), figure(now["area_km2"]),
        *(km2_cell(v, plus=plus) for v, plus in changes),
    ]  # fmt: skip


@shares_options("settlements", "since", "incident_days", "with_front", "view", "event_type", "verification", "dataset")
def draw_dates(
    archive: Archive, from_: When, to: When, *, places: gpd.GeoDataFrame | None = None, **given: Unpack[MapKeywords]
) -> PageMap:
    """Draw two dates of a source on one map, the earlier left of a divider, the later right of it.

    Parameters
    ----------
    from_, to : str, date, datetime
        The earlier and the later date: days (their last snapshots) or instants.
    places : geopandas.GeoDataFrame or None
        Settlements as in `Archive.settlements`, of which those that changed hands are listed; None is GeoNames'
        places of 500 people or more.

    Returns
    -------
    folium.Map
        EPSG:4326 data on Leaflet's EPSG:3857 map; `geo.save_map` writes it. Areas in km² on WGS 84. The same input
        gives the same page, byte for byte.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError
    UsageError
        The first date does not lie before the second, or a value is unknown.

    Examples
    --------
    >>> page = geo.draw_dates(archive, "2024-11-23", "2025-01-11", draw_basemap=False)
    >>> geo.save_map(page, "dates.html").name
    'dates.html'
    """
    refuse_backwards(from_, to, apart=True)
    options = map_options(draw_dates, given)
    as_known_on, within, title = options.as_known_on, options.within, options.title
    with archive.holding():
        name = archive.source_name(options.source)
        chosen = side_colours(archive.controllers(as_known_on=as_known_on), colours=options.colours)
        options = replace(options, liberated=bool(options.liberated))  # both dates show what changed
        options = options.of_one_date(
            source=name, colours=chosen, title=None, incident_days=0, with_front=False, view="all"
        )
        span = (from_, to)
        found = [gather(archive, from_, options), gather(archive, to, replace(options, since=from_))]
        whole = basemap.around([d.bounds for d in found])
        changed = archive.changed(from_, to, source=name, as_known_on=as_known_on)
        zone = None if within is None else archive.unit(within).geometry.iloc[0]
        parts = _moved(changed, zone)
        contents = _alike(archive, found, span, chosen, _opening(parts, whole), patterns=options.patterns)
        later = contents[1]
        shown = archive.reader.title(name)
        both = gettext("{first} and {last}", first=written(from_), last=written(to))
        sides = [_side(*each) for each in zip(contents, span, strict=True)]
        breaks = span_notes(archive.reader.snapshots(), *(set(side.snapshots) for side in sides))
        pair = Pair(
            title=later.title if title is None else given_title(title, title_words(later.place, shown, both)),
            shown=shown,
            sides=sides, place=later.place,
            known="" if as_known_on is None else known_words(as_known_on),
            breaks=[*breaks, *(n for n in later.notes if n.startswith(gettext(NO_DOUBT)))],
            comparable=not any(map(is_not_comparable, breaks)),
            units=by_unit(archive, name, to, from_, within, as_known_on, shown),
            settlements=_settlements(archive, name, later, places, span, zone, as_known_on),
            own_places=places is not None, has_units=bool(later.outlines),
        )  # fmt: skip
        ground = map_drawing.base_layer(later.ground)
    made = PageMap(later.bounds)
    made.page.parts = _parts(contents, pair, ground, whole, _middle(parts), templates_folder(options.templates))
    return made


def _alike(
    archive: Archive, contents: Sequence[MapContent], when: Sequence[When], colours: Mapping[str, str],
    opening: basemap.Box, *, patterns: bool,
) -> list[MapContent]:  # fmt: skip
    """Both dates in one view, and a class with one look on both."""
    shown = {item.key[:2] for d in contents for item in d.classes if item.key}
    looks = class_symbols(shown, colours=colours, patterns=patterns)
    limits = basemap.around([opening, *(d.limits for d in contents)])
    reach = basemap.outward(basemap.wide(basemap.around([limits, *(d.reach for d in contents)]), limits))
    extent = extent_of(archive, opening, limits, reach)
    return [
        replace(d, **extent, classes=[
            replace(
                item, symbol=looks[item.key[:2]] if item.key else item.symbol,
                facts=[(gettext("On"), written(at)), *item.facts],
            )
            for item in d.classes
        ])
        for d, at in zip(contents, when, strict=True)
    ]  # fmt: skip


def _moved(changed: gpd.GeoDataFrame, zone: shapely.Geometry | None) -> Objects:
    """The pieces of ground that changed and that a reader could find."""
    shapes = changed.geometry.to_numpy()[changed["status"].isin(named(is_current=True)).to_numpy()]
    parts: Objects = shapely.get_parts(shapes if zone is None else shapely.intersection(shapes, zone))
    return parts[areas_km2(parts) >= LEAST_KM2]


def _opening(parts: Objects, whole: basemap.Box) -> basemap.Box:
    """Where the map opens: the ground that changed, with enough around it to know the place."""
    if not len(parts):
        return whole
    west, south, east, north = shapely.total_bounds(parts).tolist()
    dx, dy = (max(0.0, (whole[i + 2] - whole[i]) / 3 - side) / 2 for i, side in ((0, east - west), (1, north - south)))
    return basemap.padded((west - dx, south - dy, east + dx, north + dy), 0.06)


def _middle(parts: Objects) -> float | None:
    """The longitude that has half of the changed ground on either side, about: where the divider first stands."""
    return round(float(shapely.union_all(parts).centroid.x), 5) if len(parts) else None


def _side(content: MapContent, when: When) -> Side:
    names = sorted(content.maps)
    depicts = [content.maps[name] for name in names]
    age = max(age_days(last_instant(when), d, whole_days=is_day(when)) for d in depicts)
    moments = sorted({written(d.date() if d == to_instant(d.date()) else d) for d in depicts})
    old = gettext(", ") + gettext("{age} before", age=_age(age)) if age else ""
    rests = gettext("snapshot depicting {dates}", dates=gettext(", ").join(moments)) + old
    return Side(when, _short(when), names, age, _age(age), rests, content.figures)


def _age(age_days: float) -> str:
    """How old a snapshot is: whole hours below two days, then whole days."""
    hours = max(round(24 * age_days), 1)
    if hours < 48 and hours % 24:
        return ngettext("{n} hour", "{n} hours", hours)
    return ngettext("{n} day", "{n} days", round(hours / 24))


def _short(when: When) -> str:
    moment = to_instant(when)
    day = day_words_short(moment)
    return day if is_day(when) else f"{day} {moment:%H:%M}"


def _settlements(
    archive: Archive, source: str, content: MapContent, places: gpd.GeoDataFrame | None, span: tuple[When, When],
    zone: shapely.Geometry | None, as_known_on: When | None,
) -> list[Settlement]:  # fmt: skip
    """The places that changed hands, by name."""
    if places is None:
        places = _named_in(geonames_places(content.limits), content)
    if zone is not None:
        places = places[shapely.intersects(zone, places.geometry.to_numpy())]
    found = archive.changed_hands(places, *span, source=source, as_known_on=as_known_on)
    return [
        Settlement(
            str(r["name"]),
            r["lat"],
            r["lon"],
            *(text_or_none(r[side]) or unmarked_words(r["government"]) for side in _SIDES),
        )
        for r in found.to_dict("records")
    ]


_SIDES = ("before", "after")


def _named_in(places: gpd.GeoDataFrame, content: MapContent) -> gpd.GeoDataFrame:
    """Places by what the basemap calls the town at the same spot, in the map's language."""
    towns = map_names.places(content.limits, content.lang, least=500) if content.lang != "en" else []
    if not towns or places.empty:
        return places
    tree = shapely.STRtree(shapely.points([t[1] for t in towns], [t[0] for t in towns]))
    at, town = tree.query_nearest(places.geometry.to_numpy(), max_distance=_SAME_TOWN, all_matches=False)
    names = places["name"].tolist()
    for i, k in zip(at.tolist(), town.tolist(), strict=True):
        names[i] = towns[k][2]
    return gpd.GeoDataFrame(places.assign(name=names), crs=CRS)


_SAME_TOWN = 0.03  # degrees


def _parts(
    contents: Sequence[MapContent], pair: Pair, ground: map_drawing.BaseLayer, whole: basemap.Box, middle: float | None,
    templates: Path | None,
) -> PageParts:  # fmt: skip
    earlier, later = contents
    # gained and lost ground is by side: each has a layer of its own
    moved = {f"moved-{i}": [item] for i, item in enumerate(later.changes)}
    drawn = {"classes": earlier.drawn_classes, "changes": [], "later": later.drawn_classes, **moved}
    shapes: dict[str, Any] = {name: [map_drawing.rings(item.shapes) for item in items] for name, items in drawn.items()}
    shapes |= {"front": [], "regions": {}, "places": map_drawing.places_data(later.places), "areas": later.area_names}
    data = {
        **map_drawing.map_data(later), "whole": map_drawing.corners(whole), "ground": ground.packed,
        "shapes": map_drawing.packed(shapes),
        **{name: [map_drawing.class_data(item) for item in items] for name, items in drawn.items()},
        "more": [["later", 381], *([name, 400 + i] for i, name in enumerate(moved))],
        "front": None, "incidents": [],
        "dates": {
            "names": [written(side.when) for side in pair.sides], "at": middle,
            "places": [[s.lat, s.lon] for s in pair.settlements],
        },
    }  # fmt: skip
    both = replace(later, title=pair.title, classes=[*earlier.classes, *later.classes])
    told = "".join(f" {written(side.when)}: {side.rests}." for side in pair.sides)
    stills = [
        map_drawing.draw_static_svg(replace(d, title=f"{pair.title}: {written(side.when)}"), around=ground.around)
        for d, side in zip(contents, pair.sides, strict=True)
    ]
    values = map_values(both, ground) | {
        "subtitle": gettext("Source: {source}.", source=pair.shown) + told + pair.known, "pair": pair,
        "stills": [{"picture": picture, "is_tall": _is_tall(picture)} for picture in stills],
    }  # fmt: skip
    return PageParts("two_dates.html", pair.title, values, data, templates)


def _is_tall(picture: str) -> bool:
    size = _VIEW.search(picture)
    return size is not None and float(size[2]) > _TALL * float(size[1])
