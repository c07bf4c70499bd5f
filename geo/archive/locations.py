"""Lines and points: the front, how far it moved, whose ground places stood on, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.contents import polygons
from geo.archive.queries import ArchiveBase, Query, Reader, words_of
from geo.archive.results import (
    FAR,
    When,
    age_notes,
    columns_of,
    joined_intervals,
    moment,
    refused_notes,
    span_notes,
    statuses_meant,
    table_of,
    unlike_parts,
)
from geo.archive.shared_docs import consistent_read
from geo.errors import UsageError
from geo.measure import areas, settlements
from geo.measure.coverage import is_in
from geo.measure.front_line import Front, front_of, movement
from geo.presentation.labels import class_words
from geo.presentation.language import date_words, gettext, number
from geo.schema import CRS, KM_PER_DEGREE, parse_instant, text_or_none, write_instant
from geo.sources import KNOWN
from geo.storage.snapshots import cut_at_gaps, gaps_in

WHO_COLUMNS = ("source", "controller", "status", "native", "valid_from", "valid_to")
Floats = NDArray[np.float64]
NEAR_KM = 5.0  # a settlement is told of a place no farther off
_BOUNDS = ("valid_from", "valid_to")


@consistent_read
def front(
    self: ArchiveBase, date: When | None = None, *, source: str | None = None, controller: str | None = None,
    against: str | None = None, status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None,
    tolerance_km: float = 0.0, inset_km: float = 0.0, gap_km: float = 0.1, boundary: str | None = None,
    as_known_on: When | None = None, max_age_days: float | None = None,
) -> Front:  # fmt: skip
    """The front on a date: where a side's ground ends inside border and coast.

    Parameters
    ----------
    controller, against : str or None
        Whose front, and facing whom; None is every side's, and anybody.
    status : str, sequence of str or None
        What counts as a side's ground; None is ``held``.
    gap_km : float
        How wide a gap between the two sides may be for their edges still to face each other, in km.
    boundary : str or None
        The boundary set that gives border and coast; None is the last taken in.

    Returns
    -------
    geo.measure.front_line.Front
        Its `lines` in EPSG:4326, its `length_km` with tolerance and inset, and what they rest on.

    Raises
    ------
    UnitError
        A unit is unknown or ambiguous, or the archive has no countries, which give border and coast.
    UsageError
        A distance is negative, a status is unknown, or a side has no ground on that date.

    Examples
    --------
    >>> front = archive.front("2025-01-11", controller="UA", inset_km=5)
    >>> f"{front.length_km:.0f} km, {front.inset_km:g} km inside the border, by {front.snapshot}"
    '55 km, 5 km inside the border, by seeds@2025-01-11'
    """
    query = Query(self.source_name(source), controller, status, within, None, None, boundary, as_known_on, max_age_days)
    return _front(self.reader, date, query, against, tolerance_km, inset_km, gap_km)


@consistent_read
def front_movement(
    self: ArchiveBase, from_: When, to: When | None = None, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, level: int | None = None,
    tolerance_km: float = 0.0, inset_km: float = 0.0, boundary: str | None = None, as_known_on: When | None = None,
    max_age_days: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """How far a side's front moved between two dates, as a whole and by administrative unit.

    Parameters
    ----------
    to : str, date, datetime or None
        The later date, in the same way; None is the last snapshot there is.
    status : str, sequence of str or None
        What counts as a side's ground; None is ``held``.
    level : int or None
        Level of the units: 0 countries, 1 their first division; None is the finest where the ground is.
    boundary : str or None
        The boundary set that gives border and coast; None is the last taken in.

    Returns
    -------
    pandas.DataFrame
        sector (None for the whole, which is the first row), sector_name, front_km (of the later date, as `front` gives
        it), gained_km2, lost_km2, mean_advance_km, greatest_advance_km, mean_retreat_km, greatest_retreat_km.
        ``attrs["notes"]`` names the sectors whose front is too short for a mean.

    Raises
    ------
    UnitError
        A unit is unknown or ambiguous, or the archive has no countries, which give border and coast.
    UsageError
        A distance is negative, a status is unknown, or several sides have ground and none is named.

    Examples
    --------
    >>> table = archive.front_movement("2024-11-23", "2025-01-11", controller="UA")
    >>> table[["sector", "lost_km2"]].round(1).values.tolist()[:2]
    [[None, 127.6], ['RU-KRS', 126.1]]
    """
    reader = self.reader
    query = Query(
        self.source_name(source), controller, status, within, None, level, boundary, as_known_on, max_age_days
    )
    (before, first), (after, last) = reader.both_sides(query, (from_, to))
    front = _front(reader, to, query, None, tolerance_km, inset_km)
    zones = reader.zones(replace(query, by="unit", boundary=None), ground=after)
    table = movement(
        before,
        after,
        front,
        controller=controller,
        statuses=statuses_meant(status),
        sectors=[(str(z.unit), z.shape) for z in zones if z.shape is not None and z.unit != areas.OUTSIDE],
        within=reader.zone(within).shape,
    )
    asked = statuses_meant(status)
    there = {part for frame in (before, after) for part in frame.loc[frame["status"].isin(asked), "part"]}
    if there & set(unlike_parts(reader.snapshots(), first, last)):
        table[list(table.columns.drop(["sector", "front_km"]))] = None
    called = reader.unit_names()
    table.insert(1, "sector_name", np.array([called.get(sector) for sector in table["sector"]], dtype=object))
    names = [[name for name, _ in effective.values()] for effective in (first, last)]
    table.attrs["notes"] = (*table.attrs.get("notes", ()), *span_notes(reader.snapshots(), *names))
    return table


def _front(
    reader: Reader,
    date: When | None,
    query: Query,
    against: str | None,
    tolerance_km: float,
    inset_km: float,
    gap_km: float = 0.1,
) -> Front:
    """The front on a date, its length in km with what it rests on."""
    used = reader.used(query, date)
    countries = reader.border(query.boundary)
    frame = reader.state(query, date, used)
    found = front_of(
        frame,
        countries,
        controller=query.controller,
        against=against,
        statuses=statuses_meant(query.status),
        tolerance_km=tolerance_km,
        inset_km=inset_km,
        gap_km=gap_km,
        within=reader.zone(query.within).shape,
        uncovered=reader.uncovered(query.source, frame),
    )
    newest = used.sort_values("age_days").iloc[0]
    return replace(
        found,
        source=query.source,
        snapshot=str(newest["snapshot"]),
        snapshot_age_days=float(newest["age_days"]),
        boundary=str(countries["boundary"].iloc[0]),
    )


@consistent_read
def changed_hands(
    self: ArchiveBase, places: gpd.GeoDataFrame | None, from_: When, to: When | None = None, *,
    source: str | None = None, as_known_on: When | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The settlements that changed hands between two dates, by one source.

    Parameters
    ----------
    places : geopandas.GeoDataFrame or None
        Settlements: a column ``name``, and points in EPSG:4326, as `geo.measure.settlements.read_places` reads them;
        None is GeoNames' places of 500 people or more.
    to : str, date, datetime or None
        The later date, in the same way; None is the last snapshot there is.

    Returns
    -------
    pandas.DataFrame
        name, lat, lon (degrees on WGS 84), before, after (whose ground: ``A held``; None where nobody's is drawn), when
        (the map that first shows what is after, as a datetime in UTC), government, source, from_snapshot, to_snapshot.
        Where a source maps only what is taken, ground that it does not mark is held by the country's government:
        `government` is the country's code, missing for other sources.

    Examples
    --------
    >>> from geopandas import GeoDataFrame, points_from_xy
    >>> places = GeoDataFrame({"name": ["Sudzha"]}, geometry=points_from_xy([35.27], [51.19]), crs="EPSG:4326")
    >>> archive.changed_hands(places, "2024-08-08", "2025-01-11")[["name", "before", "after"]].values.tolist()
    [['Sudzha', None, 'UA held']]
    """
    if (panel := self.reader.panel_meant(source)) is not None:
        return _panel_changes(self, panel, places, (from_, to), as_known_on)
    query = Query(self.source_name(source), as_known_on=as_known_on)
    (before, first), (after, last) = self.reader.both_sides(query, (from_, to))
    ends = [max(effective.values(), key=lambda s: -s[1])[0] for effective in (first, last)]
    given = places is not None
    if places is None:
        boxes = [f.total_bounds.tolist() for f in (before, after) if len(f)] or [[0.0, 0.0, 0.0, 0.0]]
        west, south, east, north = shapely.union_all([shapely.box(*box) for box in boxes]).bounds
        places = settlements.geonames_places((west, south, east, north))
    unlike = unlike_parts(self.reader.snapshots(), first, last)
    before, after = (frame[~frame["part"].isin(unlike)] for frame in (before, after))
    out = [self.reader.uncovered(query.source, frame) for frame in (before, after)]
    table = settlements.changed_hands(places, before, after, uncovered=out)
    taken_alone = bool(KNOWN.get(query.source, {}).get("maps_only_taken"))
    located = self.reader.countries().locate(table["lon"].to_numpy(float), table["lat"].to_numpy(float)).tolist()
    table.insert(5, "when", _first_shown(self, table, query, last))
    table.insert(
        6, "government", np.array([c or None for c in located] if taken_alone else [None] * len(table), object)
    )
    table = table.assign(source=query.source, from_snapshot=ends[0], to_snapshot=ends[1])
    names = [[name for name, _ in effective.values()] for effective in (first, last)]
    old = [words for when in (from_, to) for words in self.reader.too_old(query, when).values()]
    old += [*age_notes(first, from_), *age_notes(last, to)]
    table.attrs["notes"] = (*span_notes(self.reader.snapshots(), *names), *dict.fromkeys(old))
    if not given:
        table.attrs["notes"] += (
            gettext(
                "{n} places looked at: {which}; smaller ones are not among them",
                n=number(len(places)),
                which=gettext(settlements.GEONAMES),
            ),
        )
    if taken_alone and table[["before", "after"]].isna().any(axis=None):
        table.attrs["notes"] += (gettext(settlements.UNMARKED, source=query.source),)
    return table


def _panel_changes(
    self: ArchiveBase, source: str, places: gpd.GeoDataFrame | None, span: tuple[When | None, When | None],
    known: When | None,
) -> pd.DataFrame:  # fmt: skip
    """As `changed_hands`, of the places of which a source itself speaks."""
    if places is not None:
        raise UsageError(f"{source} speaks of its own places: leave the places out")
    (before, first), (after, last) = (self.reader.settlements_on(source, when, known) for when in span)
    old, new = ({row["place"]: row for row in frame.to_dict("records")} for frame in (before, after))
    history = self.store.settlements(source, as_known_on=moment(known))
    history = history[history["valid_from"] <= parse_instant(last)]
    rows_of = history.groupby("place").indices
    rows = []
    for place in sorted(old.keys() | new.keys()):
        row = new.get(place) or old[place]
        was, now = (words_of(told[place]) if place in told else None for told in (old, new))
        if was != now:
            when = _said_since(history.iloc[rows_of[place]].to_dict("records"), now)
            rows.append((row["name"], row["geometry"].y, row["geometry"].x, was, now, when, None, source))
    columns = [*settlements.COLUMNS, "when", "government", "source"]
    table = pd.DataFrame(rows, columns=columns, dtype=object).sort_values("name", kind="stable", ignore_index=True)
    table["when"] = pd.to_datetime(table["when"], utc=True)
    table = table.assign(from_snapshot=f"{source}@{first[:10]}", to_snapshot=f"{source}@{last[:10]}")
    counted = gettext("{n} places of {source}", n=number(len(old.keys() | new.keys())), source=source)
    table.attrs["notes"] = (counted, *self.reader.notes(source))
    return table


def _said_since(rows: Sequence[dict[str, Any]], now: str | None) -> Any:
    """Since when a source has said of a settlement what it says at the end of its rows: its votes may have changed."""
    if now is None:
        return rows[-1]["valid_to"]
    since = rows[-1]["valid_from"]
    for row in reversed(rows[:-1]):
        if row["valid_to"] != since or words_of(row) != now:
            break
        since = row["valid_from"]
    return since


def _first_shown(
    self: ArchiveBase, table: pd.DataFrame, query: Query, last: Mapping[str, tuple[str, float]]
) -> pd.Series:
    """The instant from which each place has stood on the ground that the last maps show it on."""
    shapes = np.asarray(shapely.points(table["lon"].to_numpy(float), table["lat"].to_numpy(float)), dtype=object)
    maps = self.reader.snapshots()
    until = max(maps.loc[maps["snapshot"].isin([name for name, _ in last.values()]), "depicts"])
    latest = [""] * len(shapes)
    for at, row in _held_at(self, shapes, query.source, query.as_known_on, over_gaps=True):
        bounds = [bound for bound in (row["valid_from"], row["valid_to"]) if bound is not None and bound <= until]
        latest[at] = max(latest[at], *bounds) if bounds else latest[at]
    return pd.to_datetime(pd.Series([bound or None for bound in latest], dtype=object), utc=True, format="ISO8601")


@consistent_read
def who(
    self: ArchiveBase, lat: float | gpd.GeoDataFrame | gpd.GeoSeries, lon: float | None = None, *,
    source: str | None = None, as_known_on: When | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Who held a place, by which source, from when to when.

    Parameters
    ----------
    lat, lon : float
        Degrees on WGS 84; or in their place points, as a frame in any CRS that it names. A source of settlements
        answers by the one that lies nearest, up to 5 km off.
    source : str or None
        None is every source, each by itself.

    Returns
    -------
    pandas.DataFrame
        source, controller, status, native, valid_from, valid_to (datetimes in UTC; half-open, NaT where it still
        stands), last_map, next_map, and part where a source has several. Times of the source's series in which no
        polygon stands over the place have no row. No interval runs over a gap in the source's maps (longer than its
        usual step, 45 days where its table of data says nothing else): it ends with the day of last_map, next_map is
        the first after the gap (columns that are there where there is one), and ``attrs["notes"]`` says so. Of points:
        first a column `point` with each one's label in the index of the frame.

    Raises
    ------
    SourceError
        The source is not in the archive.
    UsageError
        There is no such place on the globe.

    Examples
    --------
    >>> archive.who(51.19, 35.27)[["controller", "status", "valid_from"]].values.tolist()
    [['UA', 'held', Timestamp('2024-08-12 00:00:00+0000', tz='UTC')]]
    """
    if not isinstance(lat, int | float) or lon is None:
        return _who_at_points(self, lat, source, as_known_on)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise UsageError(f"{lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
    near = [row for _, row in _near_settlements(self, np.array([lat]), np.array([lon]), source, as_known_on)]
    if source in self.reader.settlement_sources():
        return table_of(near, list(WHO_COLUMNS))
    name = self.source_name(source) if source is not None else None
    found = self.store.control_at(name, lon, lat, as_known_on=moment(as_known_on))
    frame = found.sort_values("source", kind="stable", ignore_index=True)
    rows = joined_intervals([{str(k): v for k, v in r.items()} for r in frame.to_dict("records")])
    recordings = self.reader.snapshots(name, as_known_on=FAR if as_known_on is None else as_known_on)
    rows = [*cut_at_gaps(rows, gaps_in(recordings)), *near]
    gap = ("last_map", "next_map") if any(row["next_map"] for row in rows) else ()
    table = table_of(rows, columns_of(rows, (*WHO_COLUMNS, *gap), None))
    seen = dict.fromkeys(_gap_words(row) for row in rows if row["next_map"])
    out = [
        words
        for each in _control_sources(self, name)
        for words in _uncovered_words(self.reader, each, lat, lon, rows, as_known_on)
    ]
    table.attrs["notes"] = (*seen, *out, *refused_notes(recordings, recordings["snapshot"].tolist()))
    return table


def _near_settlements(
    self: ArchiveBase, lat: Floats, lon: Floats, source: str | None, known: When | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """What each source says of its settlement nearest to each place, by the place's number, where one lies near."""
    wide = NEAR_KM / KM_PER_DEGREE
    reach = wide / np.maximum(np.cos(np.radians(lat)), 0.01)
    around = shapely.box(lon - reach, lat - wide, lon + reach, lat + wide)
    for name in (one for one in self.reader.settlement_sources() if source in (None, one)):
        frame = self.store.settlements(name, as_known_on=moment(known))
        points = np.asarray(frame.geometry.array, dtype=object)
        at, there = shapely.STRtree(points).query(around)
        north = shapely.get_y(points[there]) - lat[at]
        east = (shapely.get_x(points[there]) - lon[at]) * np.cos(np.radians(lat[at]))
        km = np.hypot(north, east) * KM_PER_DEGREE
        order = np.lexsort((there, km, at))
        order = order[km[order] <= NEAR_KM]
        first = order[np.unique(at[order], return_index=True)[1]]
        rows_of = frame.groupby("place").indices
        cells = frame.drop(columns="geometry")
        for number_of_point, nearest, away in zip(*(v[first].tolist() for v in (at, there, km)), strict=True):
            for row in cells.iloc[rows_of[cells["place"].iat[nearest]]].to_dict("records"):
                where = f"{row['name']}, {number(away, 1)} km"
                ends = {end: None if pd.isna(row[end]) else write_instant(row[end]) for end in _BOUNDS}
                native = "; ".join(filter(None, [where, text_or_none(row["native"])]))
                yield (
                    number_of_point, {**row, **ends, "native": native, "last_map": None, "next_map": None, "part": ""}
                )  # fmt: skip


def _who_at_points(
    self: ArchiveBase, points: gpd.GeoDataFrame | gpd.GeoSeries | float, source: str | None, known: When | None
) -> pd.DataFrame:
    """Who held each of many points: the polygons of a source are read once."""
    if not isinstance(points, gpd.GeoDataFrame | gpd.GeoSeries):
        raise UsageError("a place is wanted: latitude and longitude, or points in a frame")
    if points.crs is None:
        raise UsageError("the frame has no CRS: frame.set_crs(4326) says that it is in degrees")
    geometry = points.geometry.to_crs(CRS)
    shapes, labels = np.asarray(geometry.array, dtype=object), geometry.index.tolist()
    names = _control_sources(self, source)
    found = [told for name in names for told in _held_at(self, shapes, name, known)]
    middle = shapely.centroid(shapes)
    panels = list(_near_settlements(self, shapely.get_y(middle), shapely.get_x(middle), source, known))
    names += dict.fromkeys(row["source"] for _, row in panels)
    rows = [{"point": labels[at], **row} for at, row in (*found, *panels)]
    table = table_of(rows, ["point", *columns_of(rows, WHO_COLUMNS, None)])
    for column in _BOUNDS:
        table[column] = pd.to_datetime(table[column], utc=True, format="ISO8601")
    table.attrs["notes"] = tuple(note for name in names for note in self.reader.notes(name))
    return table


def _control_sources(self: ArchiveBase, source: str | None) -> list[str]:
    """The sources of areas that a question on a place goes to; none where it goes to one of settlements."""
    if source is None:
        return list(self.store.control_sources())
    return [] if source in self.reader.settlement_sources() else [self.source_name(source)]


def _held_at(
    self: ArchiveBase, shapes: np.ndarray[Any, np.dtype[np.object_]], source: str, known: When | None,
    *, over_gaps: bool = False,
) -> Iterator[tuple[int, dict[str, Any]]]:  # fmt: skip
    """By the number of each point, the intervals in which a class of a source stood over it."""
    frame = polygons(self, source, as_known_on=known, over_gaps=over_gaps)
    at, polygon = shapely.STRtree(np.asarray(frame.geometry.array, dtype=object)).query(shapes, predicate="intersects")
    cells = frame.drop(columns="geometry").to_dict("records")
    found: dict[int, list[dict[str, Any]]] = {}
    for number_of_point, row in zip(at.tolist(), polygon.tolist(), strict=True):
        found.setdefault(number_of_point, []).append({str(k): v for k, v in cells[row].items()})
    for each in sorted(found):
        yield from ((each, row) for row in joined_intervals(found[each]))


def _uncovered_words(
    reader: Reader, source: str, lat: float, lon: float, rows: Sequence[Mapping[str, Any]], known: When | None
) -> Iterator[str]:
    """Where a source leaves a place out of its last map, or of the first on which it stood no longer."""
    coverage, query = reader.coverage(source), Query(source, as_known_on=known)
    if coverage is None or not len(reader.snapshots(source, as_known_on=known or FAR)):
        return
    point = np.array([shapely.Point(lon, lat)], dtype=object)
    ends: list[When | None] = [row["valid_to"] for row in rows if row["source"] == source and row["valid_to"]]
    for when in [*ends, None]:
        frame, effective = reader.side(query, when)
        if is_in(point, reader.uncovered(source, frame))[0]:
            names = ", ".join(sorted({name for name, _ in effective.values()}))
            words = gettext("the place is not covered by {snapshots}, and is no one's in it", snapshots=names)
            yield f"{gettext(coverage.says)}: {words}"
            return


def _gap_words(row: Mapping[str, Any]) -> str:
    last, following = (date_words(parse_instant(row[name]).date()) for name in ("last_map", "next_map"))
    what = class_words(text_or_none(row["controller"]), row["status"])
    return f"{row['source']}: " + gettext(
        "{what} last seen so on {day}; next map {next}", what=what, day=last, next=following
    )
