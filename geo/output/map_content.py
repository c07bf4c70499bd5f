"""What a dated page shows, gathered from the archive as plain data: no HTML, no map library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.results import FAR, NOT_COMPARABLE, When, is_not_comparable, map_day, refuse_backwards, row_at, rows_of
from geo.errors import MapError, UnitError, UsageError
from geo.incidents.markers import Marker, event_of, fact_words, marker_of, marks_of, shared_words
from geo.measure.coverage import NOT_COVERED
from geo.measure.ellipsoid import areas_km2
from geo.output.headline import LEAST_KM2, Figures, Headline, headline, no_ground, rounded, side_figures, weight
from geo.output.map_options import MapKeywords, MapOptions
from geo.output.settlement_layers import (
    NONE,
    DotLayer,
    Settlements,
    counts_of,
    settlement_history,
    settlement_source,
    settlements_of,
)
from geo.presentation.basemap import Box, Ground, around, finest_rank, ground_of, outward, padded, reach_of
from geo.presentation.labels import class_key, credit_line, meaning_words, place_words, sliver_words, written
from geo.presentation.language import date_words, gettext, ngettext, number
from geo.presentation.legend import LegendEntry, StyledLayer, front_words, in_order, legend_of
from geo.presentation.map_names import area_names, own_places, places
from geo.presentation.popups import changes_with_popups, classes_with_popups
from geo.presentation.sides import side_colours
from geo.presentation.statuses import class_order, countries_of_class, named, of_row
from geo.presentation.symbols import UNCOVERED, change_symbols
from geo.presentation.titles import given_title, since_words, subtitle_words, title_words
from geo.schema import (
    KM_PER_DEGREE,
    dated,
    is_day,
    last_instant,
    number_or_none,
    parse_instant,
    text_or_none,
    to_instant,
)
from geo.units import find_unit

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.measure.front_line import Front

Rows = Sequence[Mapping[str, Any]]
Notes = Sequence[str]
Extract = tuple[Sequence[tuple[str, shapely.Geometry, Any]], str]  # with whom to credit for it

_SHOWN_KM2 = 0.05  # of a change that is drawn: what tables round to nothing is no swatch
# a class is a sliver where less than both of this, and no more, is held, gained and lost in a unit
SLIVER_KM2 = 5.0
SLIVER_SHARE = 0.001
MOST_POINTS = 20_000  # of a side's ground that is cut by a country; of more, each piece counts where its middle is
_MUCH = 1.5  # how many times as wide or high as the first view the whole is, from which a button shows it
_BESIDE = 0.05  # of a unit's extent: how far ground that nearly all lies in it may reach beyond
NEARLY = 0.95  # the share of what a side holds and of its change in a unit from which a headline speaks of that unit
ALL_BUT = 0.998  # the share of a side's ground in a country from which it is named as there
_NAME_COLUMNS, _MOST_SPOTS = 16, 16  # of places for names of countries and waters: beside each other, and for each
FRONT_INSET_KM = 5.0  # nearer to border and coast a drawn front is mostly two maps' different borders


class Counts(NamedTuple):
    """A table of counts in place of one of areas: its caption, what a row is, what is counted, and the rows."""

    caption: str
    what: str
    unit: str
    rows: Sequence[tuple[str, str]]


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
    markers: Sequence[Marker]  # one for each incident, or shared ones where there are very many
    outlines: Sequence[shapely.Geometry]
    boundary: str
    bounds: Box
    limits: Box
    reach: Box
    place: str = ""
    credits: Sequence[str] = field(default_factory=tuple)
    front: Front | None = None
    day: str = ""  # the date in words; that of the map where it is much older
    base: str = ""  # the date of `since` in words: that of the map which answers for it
    notes: Sequence[str] = ()  # what a reader must know of the classes, the series and the ages of its maps
    slivers: Sequence[Mapping[str, Any]] = ()  # figures too slight, against the unit, for a headline
    left_out: str = ""  # what is to be said of them
    front_label: str = ""
    crowd: Sequence[Marker] = ()  # where marks are shared, one for each incident: a page takes them apart by zoom
    incidents: Sequence[Mapping[str, Any]] = ()  # the rows of those that are shown
    extract: Sequence[tuple[str, shapely.Geometry, Any]] = ()  # roads and the like of the owner's own extract, by kind
    told: Counts | None = None  # of a map without areas: what is counted in their place
    settlements: Sequence[DotLayer] = ()
    spans: Sequence[DotLayer] = ()  # of a timeline: settlements with how long each is so
    news: Sequence[shapely.Geometry] = ()  # what changed, and the front: places near them are named first
    maps: Mapping[str, datetime] = field(default_factory=dict)  # the snapshots that are shown, and what each depicts
    draw_basemap: bool = True

    @cached_property
    def places(self) -> list[list[Any]]:
        """The places to name, those that matter most first (`map_names.places`)."""
        near = padded(self.bounds, 0.25)
        return places(self.reach, self.lang, near=near, news=self.news, own=own_places(self.extract))

    @cached_property
    def area_names(self) -> list[list[Any]]:
        """Countries, regions and waters to name: kind, name, then latitudes and longitudes where it may stand."""
        near = padded(self.bounds, 0.5)
        news = shapely.union_all(list(self.news))
        shapely.prepare(news)
        listed = []
        for name in area_names(near, columns=_NAME_COLUMNS):
            by_news = shapely.dwithin(news, shapely.points(name.spots), (near[2] - near[0]) / 30)
            spots = name.spots[~by_news] if not by_news.all() else name.spots
            listed.append([name.kind, name.text, *np.round(spots[:_MOST_SPOTS, ::-1], 2).ravel().tolist()])
        return listed

    @property
    def ground(self) -> Ground:
        """What lies under the classes: the same for every date of the same view."""
        return ground_of(self.reach, self.bounds, self.outlines, self.extract, draw_basemap=self.draw_basemap)

    @property
    def drawn_classes(self) -> list[StyledLayer]:
        """The classes as maps draw them: the first of the one order last, on top."""
        return in_order(self.classes)[::-1]

    @property
    def legend(self) -> list[LegendEntry]:
        """What every line, colour and pattern of the map means."""
        return legend_of(
            self.classes, self.changes, front=self.front_label, settlements=self.spans or self.settlements,
            incidents=[m.kind for m in self.markers], shares_marks=any(m.count > 1 for m in self.markers),
        )  # fmt: skip

    @property
    def shared(self) -> str:
        """What is to be said where incidents share marks."""
        return shared_words(self.markers)

    @property
    def front_facts(self) -> list[list[str]]:
        """What a click on the front line says."""
        if self.front is None:
            return []
        named = [
            (gettext("Date"), written(self.date)),
            (gettext("Source"), self.front.source),
            (gettext("Borders"), self.front.boundary),
        ]
        return [[name, str(text)] for name, text in named if text]

    @property
    def incident_list(self) -> dict[str, Any]:
        """What is said of all incidents together, and what narrows them down."""
        facts = [dict(marker.facts) for marker in self.crowd or self.markers]
        found = [
            (n, sorted({f.get(n, gettext("not stated")) for f in facts}))
            for n in map(gettext, ("Event", "Verification"))
        ]
        return {
            "crowd": number(len(self.crowd)) if self.crowd else "",
            "days": sorted({day for marker in self.crowd or self.markers for day in marker.days}),
            "choices": [(name, values) for name, values in found if len(values) > 1],
            "lines": ["; ".join(fact_words(marker)) for marker in self.markers],
        }

    @property
    def is_part(self) -> bool:
        """Whether the first view leaves much of what there is outside."""
        (west, south, east, north), seen = self.limits, self.bounds
        return east - west > _MUCH * (seen[2] - seen[0]) or north - south > _MUCH * (seen[3] - seen[1])

    @property
    def headlines(self) -> list[Mapping[str, Any]]:
        """The figures without slivers."""
        return [row for row in self.figures if row not in self.slivers]


def gather(
    archive: Archive, date: When | None = None, options: MapOptions | None = None, **given: Unpack[MapKeywords]
) -> MapContent:
    """Collect what the page of a date shows: ask the archive, then say it in words."""
    options = options or MapOptions(**given)
    with archive.holding():
        if has_points_alone(archive, options.source):
            options = on_points(archive, options)
            return _say_points(archive, _read_points(archive, date, options), options)
        found = _read(archive, date, options)
        colours = side_colours(found.controllers, colours=options.colours)
        dots = settlements_of(archive, found.asked, options, colours, found.extent["reach"])
        owed = settlement_credit(archive, dots)
    content = _say(found, options)
    return replace(
        content, settlements=dots.layers, notes=[*content.notes, *dots.notes], credits=[*content.credits, *owed]
    )


def settlement_credit(archive: Archive, dots: Settlements) -> list[str]:
    """Whom to credit for the settlements of a page, where it has any."""
    if not dots.layers:
        return []
    return [gettext("Settlements: {credit}", credit=credit_line(credit_of(archive, dots.source)) or dots.source)]


class Extent(TypedDict):
    """Which ground a map shows, and what lies on it whatever the date: fields of `MapContent`."""

    bounds: Box
    limits: Box
    reach: Box
    outlines: Sequence[shapely.Geometry]
    boundary: str


def extent_of(archive: Archive | None, bounds: Box, limits: Box, reach: Box | None = None) -> Extent:
    """The extent of a map that opens on `bounds` and can be moved within `limits`."""
    reach = reach or outward(reach_of(limits))
    lines, boundary = ([], "") if archive is None else outlines(archive, reach)
    return {"bounds": bounds, "limits": limits, "reach": reach, "outlines": lines, "boundary": boundary}


def extract_of(archive: Archive, bounds: Box, options: MapOptions) -> Extract:
    """What a view needs of the owner's own extract, and whom to credit for it."""
    finest = finest_rank(bounds) if options.draw_basemap else 0
    return archive.store.basemap(padded(bounds, 0.3), finest) if finest else ((), "")


def extract_credit(extract: Extract) -> list[str]:
    shapes, credit = extract
    return [gettext("Basemap: {credit}", credit=credit)] if shapes else []


_ByUnit = tuple[Mapping[str, Mapping[str, Any]], Rows, Rows, Rows]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What the archive says for a page, before any words."""

    source: str
    asked: str
    day: date
    day_of_map: date | None  # where it is much older than the day
    controllers: Sequence[str]
    ground: Rows
    area: Rows
    area_before: Rows  # of what is held, on the earlier date
    ages: Sequence[float]
    maps: Mapping[str, datetime]  # the snapshots that are shown, and what each depicts
    figures: Rows
    slivers: Rows
    changed: Rows
    last_map: date | None
    comparable: bool
    refused_km2: float
    countries: Mapping[str, Mapping[str, Any]]  # of each side the unit that has all ground which it holds
    by_unit: Sequence[_ByUnit]  # figures of regions, then of countries, of a map of everywhere
    notes: Sequence[str]
    unit: Mapping[str, Any] | None
    front: Front | None
    uncovered: shapely.Geometry
    markers: Sequence[Marker]
    incidents: Rows
    extent: Extent
    extract: Extract
    credits: Sequence[Mapping[str, str]]  # of the source, then of each dataset of incidents


def _read(archive: Archive, when: When | None, options: MapOptions) -> _Found:
    source, within, since = archive.source_name(options.source), options.within, options.since
    refuse_backwards(since, when)
    asked: dict[str, Any] = {"source": source, "as_known_on": options.as_known_on}
    control = archive.control(when, **asked)
    areas = archive.area(when, within=within, **asked)
    day = map_day(areas) if when is None else _day(when)
    at = str(day) if when is None else when
    units = archive.units()
    unit = None if within is None else archive.unit(within)
    zone = None if unit is None else unit.geometry.iloc[0]
    incidents = dated(archive.incidents(*incident_span(day, options), **options.incidents))
    front, undrawn = _front(archive, at, source, options) if options.with_front else (None, ())
    moved = before = changed = None
    if since is not None:
        before = archive.area(since, status=named(is_held=True), within=within, **asked)
        moved = archive.change(since, at, within=within, **asked)
        changed = archive.changed(since, at, **asked)
        changed = changed[changed["status"].isin(named(is_held=True))]
    whole, first = _boxes(control, changed, unit, incidents, areas.attrs["together"])
    bounds = _view(options, control, changed, front, zone, first, whole)
    markers, incidents, left_out = _in_view(units, incidents, bounds, zone)
    whole, _ = _boxes(control, changed, unit, incidents, areas.attrs["together"])
    last_map = None if before is None else map_day(before)
    extent, extract = extent_of(archive, bounds, around([padded(whole), bounds])), extract_of(archive, bounds, options)
    current = control if options.draws_liberated else _current(control)
    depicts: dict[str, str] = areas.attrs["depicts"]
    figures = _figures(areas, moved)
    countries = {} if unit is not None else _countries(archive, units, control)
    return _Found(
        source=source, asked=str(at), day=day, day_of_map=map_day(areas) if areas.attrs["is_old"] else None,
        maps={name: parse_instant(depicts[name]) for name in control["snapshot"]},
        last_map=last_map if last_map and since and last_map < to_instant(since).date() else None, front=front,
        credits=credits_of(archive, source, *(sorted(set(incidents["dataset"])) if len(incidents) else ())),
        uncovered=archive.reader.uncovered(source, control),
        controllers=archive.controllers(as_known_on=options.as_known_on),
        ground=rows_of(current[["controller", "status", "part", "valid_from", "geometry"]]), area=rows_of(areas),
        area_before=[] if before is None else rows_of(before), ages=areas["snapshot_age_days"].tolist(),
        figures=figures, slivers=_slivers(figures, zone), changed=[] if changed is None else rows_of(changed),
        comparable=moved is None or moved.attrs["is_comparable"], refused_km2=areas.attrs["refused_km2"],
        countries=countries,
        by_unit=() if unit is not None or countries else _by_unit(archive, units, control, when, since, at, asked),
        notes=_notes(source, areas, moved, undrawn, left_out),
        unit=None if unit is None else rows_of(unit[["unit", "name"]])[0],
        markers=markers, incidents=rows_of(incidents), extent=extent, extract=extract,
    )  # fmt: skip


def _notes(source: str, areas: pd.DataFrame, moved: pd.DataFrame | None, undrawn: Notes, left_out: Notes) -> Notes:
    """What is to be said of a map; a rule that a source's figures have passed stands with its credit."""
    told = [] if moved is None else [n for n in moved.attrs["notes"] if not n.startswith(f"{source}: ")]
    kinds = areas.attrs["notes_by_kind"]
    of_map = [note for kind in ("refused", "too_old", "coverage") for note in kinds[kind]]
    return list(dict.fromkeys([*told, *of_map, *undrawn, *kinds["ranges"], *kinds["far"], *left_out]))


_AROUND = 0.25  # the share of a view that screens of other shapes show on each side of it


def _in_view(
    units: gpd.GeoDataFrame, incidents: gpd.GeoDataFrame, bounds: Box, zone: shapely.Geometry | None = None
) -> tuple[list[Marker], gpd.GeoDataFrame, Notes]:
    """The incidents of a view and of the unit that is asked for, as marks and rows, and what is said of all others."""
    region = cache(partial(_region, units))
    located = located_only(incidents)
    markers = [marker_of(row, region) for row in rows_of(located)]
    view = shapely.box(*padded(bounds, _AROUND))
    view = view if zone is None else shapely.union(view, zone)
    shapely.prepare(view)
    inside = [view.intersects(marker.area or shapely.Point(marker.lon, marker.lat)) for marker in markers]
    left = len(inside) - sum(inside)
    words = ngettext(
        "{n} incident lies outside this view and is left out",
        "{n} incidents lie outside this view and are left out",
        left,
    )
    shown = [marker for marker, is_inside in zip(markers, inside, strict=True) if is_inside]
    return shown, located[np.array(inside, dtype=bool)], [words] if left else []


def _say(found: _Found, options: MapOptions) -> MapContent:
    """What was found of a date, in words and with its look."""
    marks, crowd = marks_of(found.markers)
    colours = side_colours(found.controllers, colours=options.colours)
    shown = found.credits[0]["title"] or found.source
    place = "" if found.unit is None else place_words(found.unit)
    base = "" if options.since is None else since_words(options.since, found.last_map)
    if any(map(is_not_comparable, found.notes)):
        base += f" ({gettext(NOT_COMPARABLE)})"
    span = [
        (gettext("From"), "" if options.since is None else written(str(options.since))),
        (gettext("To"), written(found.asked)),
        (gettext("Source"), shown),
    ]
    current = [row for row in found.figures if row not in found.slivers]
    classes = classes_with_popups(found.ground, found.area, shown, colours, place, patterns=options.patterns)
    if not found.uncovered.is_empty:
        facts = [(gettext("Source"), shown)]
        classes.append(StyledLayer(gettext(NOT_COVERED), UNCOVERED, [found.uncovered], facts, name="not-covered"))
    sides = {text_or_none(row["controller"]) for row in found.figures}
    looks = change_symbols(filter(None, sides), colours=colours, patterns=options.patterns)
    changes = changes_with_popups([r for r in found.changed if r["area_km2"] >= _SHOWN_KM2], base, span, looks)
    credits = [gettext("Control: {credit}", credit=credit_line(found.credits[0]))]
    credits += [*map(_incident_credit, found.credits[1:]), *extract_credit(found.extract)]
    day = date_words(found.day)
    if found.day_of_map is not None:
        day = gettext("{map} (the last map before {date})", map=date_words(found.day_of_map), date=day)
    told = _headline(found, options)
    return MapContent(
        title=told.sentence if options.title is None else given_title(options.title, title_words(place, shown, day)),
        subtitle=" ".join([
            *([] if options.title else told.doubts),
            subtitle_words(
                found.day, shown, [*found.maps.values()], found.ages, options.as_known_on, day_of_map=found.day_of_map
            ),
        ]),
        date=found.asked, day=day, lang=options.lang, classes=classes, changes=changes, figures=found.figures,
        since=None if options.since is None else str(options.since), maps=found.maps, markers=marks,
        front=found.front and replace(found.front, source=shown),
        front_label="" if found.front is None else front_words(found.front), place=place, credits=credits, base=base,
        notes=[*meaning_words(found.source, current), *found.notes],
        news=[*(row["geometry"] for row in found.changed), *([] if found.front is None else [found.front.lines])],
        slivers=found.slivers, left_out=sliver_words(found.slivers, place), incidents=found.incidents,
        crowd=crowd, extract=found.extract[0], draw_basemap=options.draw_basemap, **found.extent,
    )  # fmt: skip


def _headline(found: _Found, options: MapOptions) -> Headline:
    """What the map says in a sentence: of the side whose ground changed most, or that holds most."""
    since = None if options.since is None else found.last_map or to_instant(options.since).date()
    whole = Figures(
        source=found.source, side="", unit=found.unit, area_km2=0.0, upper_km2=0.0, since=since,
        day=max(found.maps.values()).date() if found.maps else found.day, asked=to_instant(found.day).date(),
        asked_since=None if options.since is None else to_instant(options.since).date(),
        refused_km2=found.refused_km2, is_comparable=found.comparable, is_old=found.day_of_map is not None,
    )  # fmt: skip
    rows = [row for row in found.figures if of_row(row).is_held and text_or_none(row["controller"])]
    sides = side_figures(replace(whole, unit=found.unit), rows, rows if since else [], before=found.area_before)
    if not sides:
        return no_ground(found.unit, None)
    most = max(sides, key=weight)
    for units, now, moved, before in found.by_unit:
        for part in side_figures(whole, now, moved, units, before=before):
            if part.side == most.side and _is_nearly(part, most):
                return _of_part(headline([part]), part, most)
    return headline([replace(most, unit=found.unit or found.countries.get(most.side))])


def _is_nearly(part: Figures, whole: Figures) -> bool:
    """Whether what a unit's figures tell is nearly all that the whole map's tell."""
    figures = ((f.area_km2, f.before_km2, f.net_km2 or 0.0) for f in (part, whole))
    return all(abs(a - b) <= (1 - NEARLY) * abs(b) + LEAST_KM2 for a, b in zip(*figures, strict=True))


def _of_part(told: Headline, part: Figures, whole: Figures) -> Headline:
    if rounded(part.area_km2) == rounded(whole.area_km2):
        return told
    more = gettext("On the whole map it is {n} km².", n=rounded(whole.area_km2))
    return replace(told, doubts=[*told.doubts, more])


def _by_unit(
    archive: Archive, units: gpd.GeoDataFrame, control: gpd.GeoDataFrame, when: When | None, since: When | None,
    at: When, asked: Mapping[str, Any],
) -> Sequence[_ByUnit]:  # fmt: skip
    """What is held in regions, then countries, whose extent takes nearly all of it; what was, and what changed."""
    held = dict(asked, status=named(is_held=True), by="unit")
    ground, boxes = control[control["status"].isin(held["status"])].total_bounds, units.bounds.to_numpy()
    room = _BESIDE * (boxes[:, 2:] - boxes[:, :2])
    is_within = (ground[:2] >= boxes[:, :2] - room).all(axis=1) & (ground[2:] <= boxes[:, 2:] + room).all(axis=1)
    found = []
    for level in (1, 0):
        fitting = units.loc[is_within & (units["level"] == level), ["unit", "name"]]
        if len(fitting):
            moved = [] if since is None else rows_of(archive.change(since, at, level=level, **held))
            before = [] if since is None else rows_of(archive.area(since, level=level, **held))
            now = rows_of(archive.area(when, level=level, **held))
            found.append(({str(u["unit"]): u for u in rows_of(fitting)}, now, moved, before))
    return found


def _countries(archive: Archive, units: gpd.GeoDataFrame, control: gpd.GeoDataFrame) -> Mapping[str, Mapping[str, Any]]:
    """The country in which all ground lies that a side holds; not of sides that hold ground in several."""
    held = control[control["status"].isin(named(is_held=True)) & control["controller"].notna()]
    parts, owner = shapely.get_parts(np.asarray(held.geometry.array, dtype=object), return_index=True)
    if not len(parts):
        return {}
    points = shapely.point_on_surface(parts)
    codes = archive.countries().locate(shapely.get_x(points), shapely.get_y(points))
    sides, km2 = held["controller"].to_numpy()[owner], shapely.area(parts)
    by_code = {str(row["unit"]): row for row in rows_of(units[["unit", "name", "geometry"]])}
    found = {}
    for side in sorted(set(sides)):
        mine = sides == side
        shares = pd.Series(km2[mine]).groupby(codes[mine]).sum().sort_values()
        unit, inside = by_code.get(str(shares.index[-1])), float(shares.iloc[-1])
        rows = held[held["controller"] == side][["source", "part", "controller", "status"]].drop_duplicates()
        is_stated = unit and all((unit["unit"],) == countries_of_class(*row) for row in rows.itertuples(index=False))
        if unit and not is_stated and shapely.get_num_coordinates(parts[mine]).sum() < MOST_POINTS:
            inside = float(shapely.area(shapely.intersection(parts[mine], unit["geometry"])).sum())
        if unit and inside >= ALL_BUT * shares.sum():
            found[str(side)] = unit
    return found


def _day(when: When) -> date:
    """A day as a date, an instant as a datetime in UTC."""
    moment = to_instant(when)
    return moment.date() if is_day(when) else moment


def located_only(incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The incidents that have a place."""
    return incidents[~(incidents.geometry.isna() | incidents.geometry.is_empty).to_numpy(dtype=bool)]


def incident_span(day: date, options: MapOptions, usual: int = 1) -> tuple[datetime, datetime]:
    """The first and the last day of the incidents that are shown with a date."""
    last = day if isinstance(day, datetime) else datetime.combine(day, time(), UTC)
    count = usual if options.incident_days is None else options.incident_days
    try:
        return last - timedelta(days=count - 1), last
    except OverflowError:
        raise UsageError(f"incident_days={count}: so many days before {day} are in no calendar") from None


_DAYS_ALONE = 30  # of incidents up to a date, where there is no map of control that has a date


def has_points_alone(archive: Archive, source: str | None = None) -> bool:
    """Whether what is asked for is no map of areas: a source of settlements, or an archive that has no areas."""
    if source in archive.reader.settlement_sources():
        return True
    points = archive.store.datasets() or archive.reader.settlement_sources()
    return source in (None, "") and not archive.store.control_sources() and bool(points)


def on_points(archive: Archive, options: MapOptions) -> MapOptions:
    """The options of a map without areas, whose source may be one of settlements."""
    panels = archive.reader.settlement_sources()
    named = options.source if options.source in panels else options.settlements
    return replace(options, source=None, settlements=named)


def point_days(archive: Archive, options: MapOptions) -> list[date]:
    """The days of a map without areas: on which settlements changed, or an incident of the kind that is meant was."""
    options = on_points(archive, options)
    if has_settlements(archive, options):
        return settlement_history(archive, options)[1]
    found = dated(archive.incidents(within=options.within, **options.incidents))
    return sorted(
        {date.fromisoformat(str(text)[:10]) for text in found["date_end"].fillna(found["date_start"]).dropna()}
    )


def has_settlements(archive: Archive, options: MapOptions) -> bool:
    """Whether a map without areas shows settlements."""
    return options.settlements != NONE and bool(archive.reader.settlement_sources())


@dataclass(frozen=True, kw_only=True)
class _FoundPoints:
    """What an archive says for a page without areas, before any words but those of its settlements."""

    day: date
    span: tuple[date, date]
    reported: Rows  # with those that have no place
    incidents: Rows
    markers: Sequence[Marker]
    notes: Sequence[str]
    unit: Mapping[str, Any] | None
    extent: Extent
    extract: Extract
    credits: Sequence[Mapping[str, str]]
    dots: Settlements
    moved: int | None  # how many settlements changed hands since a date, where one is given


def _read_points(archive: Archive, when: When | None, options: MapOptions) -> _FoundPoints:
    """Settlements on a date, or the incidents of the days up to it or since another."""
    is_settled = has_settlements(archive, options)
    known = point_days(archive, options) if when is None else []
    if when is None and not known:
        raise MapError(f"{archive.path} has no incidents of that kind with a date, and no map of control")
    day = known[-1] if when is None else _day(when)
    dots, moved = _settled(archive, day, options) if is_settled else (Settlements(), None)
    first, last = incident_span(day, options, 1 if is_settled else _DAYS_ALONE)
    if options.since is not None and not is_settled:
        first = to_instant(options.since)
    found = dated(archive.incidents(first, last, within=options.within, **options.incidents))
    located = located_only(found)
    if located.empty and not dots.layers:
        raise MapError(
            f"no incident from {first.date()} to {last.date()} that could be drawn (geo incidents lists them)"
        )
    unit = None if options.within is None else archive.unit(options.within)
    points = [point for layer in dots.layers for point in layer.shapes] or [*located.geometry]
    box = shapely.total_bounds(np.array(points, dtype=object)) if unit is None else unit.total_bounds
    whole = shapely.box(*box).buffer(0.2).bounds
    bounds = outward(padded(whole, 0.06))
    if options.view is not None and not isinstance(options.view, str):
        bounds = _checked(options.view)
    markers, _, left_out = _in_view(archive.units(), located, bounds)
    return _FoundPoints(
        day=day, span=(first.date(), last.date()), reported=rows_of(found), incidents=rows_of(located),
        markers=markers, notes=[*dots.notes, *found.attrs.get("notes", ()), *left_out],
        unit=None if unit is None else rows_of(unit[["unit", "name"]])[0],
        extent=extent_of(archive, bounds, padded(whole)), extract=extract_of(archive, bounds, options),
        credits=credits_of(archive, *sorted(set(located["dataset"]))), dots=dots, moved=moved,
    )  # fmt: skip


def _settled(archive: Archive, day: date, options: MapOptions) -> tuple[Settlements, int | None]:
    """The settlements of a date, of a unit where one is asked for, and how many changed hands since another date."""
    source, known = settlement_source(archive, options.settlements), options.as_known_on
    if source is None:
        settlement_history(archive, options)
    colours = side_colours(archive.controllers(as_known_on=known), colours=options.colours)
    zone = None if options.within is None else archive.unit(options.within).geometry.iloc[0]
    dots = settlements_of(archive, day, replace(options, settlements=source), colours, zone, alone=True)
    if not dots.layers:
        raise MapError("; ".join(dots.notes) or f"{source} names no settlement of a side there on {day}")
    if options.since is None:
        return dots, None
    return dots, len(archive.changed_hands(None, options.since, day, source=source, as_known_on=known))


def _say_points(archive: Archive, found: _FoundPoints, options: MapOptions) -> MapContent:
    """A map of settlements or incidents alone."""
    marks, crowd = marks_of(found.markers)
    place = "" if found.unit is None else place_words(found.unit)
    said = _say_settlements(found, place, options) if found.dots.layers else _say_incidents(found, place)
    shown = gettext(", ").join(c["title"] or c["name"] for c in found.credits)
    if found.dots.layers:
        shown = archive.reader.title(found.dots.source)
    without = len(found.reported) - len(found.incidents)
    missing = ngettext(
        "{n} incident has no place and is not drawn", "{n} incidents have no place and are not drawn", without
    )
    return MapContent(
        title=given_title(options.title, said.title),
        subtitle=f"{gettext('Source: {source}', source=shown)}. {said.dated}",
        date=str(found.day), day=said.day, lang=options.lang, classes=[], changes=[], figures=[], since=None,
        markers=marks, crowd=crowd, place=place, incidents=found.incidents, told=said.told,
        settlements=found.dots.layers, notes=[*said.notes, *found.notes, *([missing] if without else [])],
        credits=[
            *settlement_credit(archive, found.dots), *map(_incident_credit, found.credits),
            *extract_credit(found.extract),
        ],
        extract=found.extract[0], draw_basemap=options.draw_basemap, **found.extent,
    )  # fmt: skip


class _Said(NamedTuple):
    """The words of a map without areas."""

    title: str
    dated: str
    day: str
    told: Counts
    notes: Notes = ()


def _say_incidents(found: _FoundPoints, place: str) -> _Said:
    span, count = " – ".join(dict.fromkeys(map(date_words, found.span))), len(found.reported)
    title = ngettext("{n} incident{place}, {span}", "{n} incidents{place}, {span}", count, place=place, span=span)
    counts = Counter(event_of(row) or gettext("not stated") for row in found.reported)
    rows = [(event, number(n)) for event, n in counts.most_common()]
    told = Counts(gettext("Incidents by type of event"), gettext("Event"), gettext("incidents"), rows)
    return _Said(title, gettext("Dates are those of the events, as reported."), span, told)


def _say_settlements(found: _FoundPoints, place: str, options: MapOptions) -> _Said:
    last = date_words(found.dots.day or to_instant(found.day).date())
    rows = counts_of(found.dots.layers)
    named = gettext("; ").join(f"{label} {count}" for label, count in rows)
    title = gettext("Settlements{place}, {day}: {counts}", place=place, day=last, counts=named)
    told = Counts(gettext("Settlements by side and status"), gettext("Class"), gettext("settlements"), rows)
    stands = gettext("What a source says of a settlement stands until it says otherwise; no area is drawn from it.")
    if found.moved is None:
        return _Said(title, stands, last, told)
    words = ngettext("{n} settlement changed hands since {date}", "{n} settlements changed hands since {date}",
                     found.moved, date=written(str(options.since)))  # fmt: skip
    return _Said(title, stands, last, told, [words])


def _incident_credit(credit: Mapping[str, str]) -> str:
    return gettext("Incidents: {credit}", credit=credit_line(credit) or credit["name"])


def _boxes(
    control: gpd.GeoDataFrame, changed: gpd.GeoDataFrame | None, unit: gpd.GeoDataFrame | None,
    incidents: gpd.GeoDataFrame, together: Sequence[float] | None,
) -> tuple[Box, Box]:  # fmt: skip
    """How far the map reaches, and what it shows first: the ground, and the incidents where they are not far off."""
    current = _current(control)
    shown = control if current.empty else current
    ground = [*shown.geometry, *(() if changed is None else changed.geometry)]
    boxes = [shapely.total_bounds(np.array(ground, dtype=object)).tolist()] if ground else []
    if unit is not None:
        boxes = [unit.total_bounds.tolist()]
    elif len(incidents):
        boxes.append(incidents.total_bounds.tolist())
    if not boxes:
        raise MapError("nothing stands on that date that could be drawn")
    whole = shapely.union_all([shapely.box(*b).buffer(0.02) for b in boxes]).bounds
    first = shapely.box(*boxes[0]).buffer(0.02).bounds
    far = (whole[2] - whole[0]) > 3 * (first[2] - first[0]) or (whole[3] - whole[1]) > 3 * (first[3] - first[1])
    if unit is None and together is not None:
        first, far = shapely.box(*together).buffer(0.02).bounds, True
    return whole, first if far else whole


def _view(
    options: MapOptions, control: gpd.GeoDataFrame, changed: gpd.GeoDataFrame | None, front: Front | None,
    zone: shapely.Geometry | None, first: Box, whole: Box,
) -> Box:  # fmt: skip
    """What the map shows first, as `MapOptions.view` says."""
    view = options.view
    if view is not None and not isinstance(view, str):
        return _checked(view)
    if view not in (None, "changes", "ground", "unit", "all"):
        raise UsageError(f"view={view!r} is unknown: changes, ground, unit, all, or (west, south, east, north)")
    if view == "all":
        return padded(whole)
    if view == "unit":
        if zone is None:
            raise UsageError('view="unit" shows a unit: say which (within, --in)')
        return padded(zone.bounds, 0.06)
    nothing: NDArray[np.object_] = np.empty(0, dtype=object)
    moved = nothing if changed is None or view == "ground" else _pieces(changed, zone, _SLIGHT)
    has_changed = len(moved) > 0
    if view == "changes" and not has_changed:
        raise UsageError('view="changes" shows what changed since a date: give since, and one after which it did')
    if not has_changed and front is not None:
        moved = shapely.get_parts(front.lines)
    if zone is not None and not has_changed:
        moved = _with_ground(moved, _pieces(_current(control), zone, _SLIGHT))
    return outward(padded(_wide_enough(moved), 0.1) if len(moved) else padded(first, 0.06))


def _with_ground(line: NDArray[np.object_], ground: NDArray[np.object_]) -> NDArray[np.object_]:
    """The front with the ground of the unit, unless that would make the front a small part of the view."""
    if not len(line):
        return ground
    both = np.concatenate([line, ground])
    near, wide = (shapely.box(*shapely.total_bounds(shapes)) for shapes in (line, both))
    return both if wide.area <= _FAR_WIDER * near.area else line


_FAR_WIDER = 3.0
_SLIGHT = 0.005  # the share of all changed ground, in its smallest pieces, for which a view is not widened
_LEAST_KM = 20.0  # a view is this wide and high, so that a reader knows the place


def _checked(view: Box) -> Box:
    """A box of degrees that was asked for."""
    if len(view) != 4:
        raise UsageError(f"view={view!r} is unknown: (west, south, east, north) in degrees, or a name")
    west, south, east, north = (float(v) for v in view)
    if not (-180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise UsageError(f"view={view!r} is no box: west before east within ±180°, south before north within ±85°")
    return west, south, east, north


def _pieces(ground: gpd.GeoDataFrame, zone: shapely.Geometry | None, slight: float) -> NDArray[np.object_]:
    """The polygons of ground inside a unit, without the smallest, which are a share of all of it."""
    shapes = np.asarray(ground.geometry.array, dtype=object)
    parts: NDArray[np.object_] = shapely.get_parts(shapes if zone is None else shapely.intersection(shapes, zone))
    parts = parts[shapely.area(parts) > 0]
    order = np.argsort(shapely.area(parts), kind="stable")
    sums = np.cumsum(shapely.area(parts)[order])
    return parts[order[sums > slight * sums[-1]]] if len(parts) else parts


def _wide_enough(shapes: NDArray[np.object_]) -> Box:
    """The box around geometries, of `_LEAST_KM` at least."""
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    high = _LEAST_KM / KM_PER_DEGREE
    wide = high / max(np.cos(np.radians((south + north) / 2)), 0.1)
    dx, dy = max(wide - (east - west), 0.0) / 2, max(high - (north - south), 0.0) / 2
    return west - dx, south - dy, east + dx, north + dy


def _current(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return frame[frame["status"].isin(named(is_current=True))]


def _figures(areas: pd.DataFrame, moved: pd.DataFrame | None) -> Rows:
    """The area of each class, with what changed since a date where one is given."""
    figures = rows_of(areas)
    if moved is None:
        return figures
    by_class = {class_key(row): row for row in rows_of(moved)}
    figures = [{**by_class.pop(class_key(row), {}), **row} for row in figures]
    nothing = {"area_km2": 0.0, "lower_km2": 0.0, "upper_km2": 0.0}
    figures += [{**row, **nothing, "snapshot": row["to_snapshot"]} for row in by_class.values()]
    return sorted(figures, key=lambda row: class_order(class_key(row)))


def _slivers(figures: Rows, zone: shapely.Geometry | None) -> Rows:
    """The classes of which a unit has next to nothing: mostly strips between two maps' different borders."""
    if zone is None:
        return []
    least = min(SLIVER_KM2, SLIVER_SHARE * float(areas_km2(np.array([zone], dtype=object))[0]))
    names = ("area_km2", "gained_km2", "lost_km2")
    return [row for row in figures if all((number_or_none(row.get(n)) or 0.0) < least for n in names)]


def _region(units: gpd.GeoDataFrame, name: str) -> Mapping[Any, Any] | None:
    try:
        return row_at(units, find_unit(units, name))
    except UnitError:
        return None


def _front(archive: Archive, when: When, source: str, options: MapOptions) -> tuple[Front | None, Notes]:
    """The front, away from border and coast, and why there is none where it cannot be drawn."""
    try:
        found = archive.front(
            when, source=source, within=options.within, inset_km=FRONT_INSET_KM, as_known_on=options.as_known_on
        )
    except UnitError:  # no countries, which give border and coast
        return None, ()
    except MapError as error:
        return None, (str(error),)
    return (found if found.length_km else None), ()


def snapshot_days(archive: Archive, source: str, as_known_on: When | None) -> list[date]:
    """The days that a source's snapshots in force depict."""
    depicts = archive.reader.snapshots(source, as_known_on=as_known_on or FAR)["depicts"]
    return sorted({datetime.fromisoformat(d).date() for d in depicts})


def days_within(days: Sequence[date], from_: When | None, to: When | None, source: str) -> list[date]:
    """Those of a source's days that lie in a span, both ends included; an error where none does."""
    first = to_instant(from_).date() if from_ is not None else date.min
    last = last_instant(to).date() if to is not None else date.max
    chosen = [d for d in days if first <= d <= last]
    if not chosen:
        there = f"there are {days[0]} to {days[-1]}" if days else "every one was retracted or came later"
        raise MapError(f"no day from {from_ or 'the first'} to {to or 'the last'} has a snapshot of {source}; {there}")
    return chosen


def base_words(archive: Archive, source: str, since: When, *, as_known_on: When | None = None) -> str:
    """The date since which something changed, in words: that of the map which answers for it, where that is older."""
    last = last_instant(since)
    table = archive.reader.snapshots(source, as_known_on=as_known_on or FAR)
    past = [d.date() for d in map(datetime.fromisoformat, table["depicts"]) if d <= last]
    return since_words(since, max(past) if past and max(past) < to_instant(since).date() else None)


def credit_of(archive: Archive, source: str) -> dict[str, str]:
    """Name, title, URL, licence and attribution of a source, blank where not known."""
    return credits_of(archive, source)[0]


def credits_of(archive: Archive, *sources: str) -> list[dict[str, str]]:
    known = archive.store.recall(("credits",), lambda: archive.sources().set_index("name").to_dict("index"))
    names = ("title", "url", "licence", "attribution")
    told = [{"name": s} | {k: text_or_none(known.get(s, {}).get(k)) or "" for k in names} for s in sources]
    return [row | {"title": gettext(title) if (title := row["title"]) else ""} for row in told]


def outlines(archive: Archive, limits: Box) -> tuple[list[shapely.Geometry], str]:
    """The borders of the finest units in view, and whose they are."""
    lines, boundary = archive.store.recall(("outlines", limits), lambda: _outlines(archive, limits))
    return lines, gettext(boundary)


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
    lines = [p for p in shapely.get_parts(merged) if p.geom_type == "LineString"]
    return lines, "; ".join(sorted(set(fine["boundary"])))
