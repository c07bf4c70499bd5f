"""Figures in km²: areas on a date, what changed between two dates, and a whole series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.archive.queries import ArchiveBase, Query, Reader
from geo.archive.results import (
    FAR,
    OLD_DAYS,
    By,
    When,
    age_notes,
    breaks_between,
    chosen_instants,
    columns_of,
    keep,
    moment,
    refused_km2,
    refused_notes,
    series_notes,
    snapshot_of,
    span_notes,
    statuses_meant,
    table_of,
    unlike_parts,
)
from geo.archive.shared_docs import consistent_read
from geo.errors import NoSnapshotError, UsageError
from geo.measure import areas
from geo.measure.areas import BEYOND_KM
from geo.measure.coverage import break_words, breaks_in_areas
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import FAR as FAR_DEGREES
from geo.measure.series.panel import changed_ground
from geo.measure.series.panel import panel as panel_of
from geo.measure.series.parallel import ClassFilter, series_changes
from geo.presentation.labels import written
from geo.presentation.language import current, gettext, number, plain_number
from geo.presentation.sides import side_of
from geo.presentation.statuses import NO_DOUBT, named, shows_doubt
from geo.schema import Every, parse_instant, to_instant, write_instant

AREA_COLUMNS = (
    "source", "controller", "status", "unit", "area_km2", "lower_km2", "upper_km2", "snapshot", "snapshot_age_days",
    "boundary",
)  # fmt: skip
CHANGE_COLUMNS = (
    "source", "controller", "status", "unit", "gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent",
    "from_snapshot", "to_snapshot", "base", "boundary",
)  # fmt: skip
SERIES_COLUMNS = ("date", "source", "controller", "status", "unit", "area_km2", "gained_km2", "lost_km2")


@consistent_read
def area(
    self: ArchiveBase, date: When | None = None, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = None,
    level: int | None = None, boundary: str | None = None, as_known_on: When | None = None,
    max_age_days: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """How much each side holds on a date.

    Returns
    -------
    pandas.DataFrame
        A row for each class, and for each unit with ``by="unit"``: source, controller, status, unit, area_km2,
        lower_km2, upper_km2, snapshot, snapshot_age_days, boundary; with ``by="native"`` also native; `beyond_km2`,
        where there is any, is what of area_km2 lies up to 5 km beyond the unit, off border or coast of the country that
        the class is in by its source's own word; `part`, where there are several, tells a source's separate
        publications apart, which are never added. km² on the WGS 84 ellipsoid, edges straight in longitude and latitude
        (RFC 7946). The lower bound of ``held`` is the held ground alone, the upper one adds the contested ground that
        touches it; for the other classes both are the area. Both are missing where the source shows no contested
        ground. ``attrs["notes"]`` says what is to be known of the figures.

    Examples
    --------
    >>> held = archive.area("2025-01-11", status="held").iloc[0]
    >>> f"{held.controller}: {held.area_km2:.1f} km², at most {held.upper_km2:.1f}, by {held.snapshot}"
    'UA: 423.3 km², at most 618.4, by seeds@2025-01-11'
    """
    wanted = status if status is None or isinstance(status, str) else tuple(status)
    query = Query(self.source_name(source), controller, wanted, within, by, level, boundary, as_known_on, max_age_days)
    # a page of a series asks for its date, and the next page for the same as the date before
    key = ("area", repr(date), query, current().code)
    return self.reader.store.recall(key, lambda: area_table(self.reader, date, query)).copy()


@consistent_read
def change(
    self: ArchiveBase, from_: When, to: When, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = None,
    level: int | None = None, boundary: str | None = None, base: When | None = None, as_known_on: When | None = None,
    max_age_days: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """What each side gained and lost between two dates.

    Returns
    -------
    pandas.DataFrame
        source, controller, status, unit, gained_km2 (gross), lost_km2 (gross), net_km2, base_km2, net_percent (of
        base_km2; missing where that is 0), from_snapshot, to_snapshot, base, boundary; with ``by="native"`` also
        native, and part where a source has several. ``attrs["notes"]`` says where the source's series breaks between
        the dates, so that totals across it are not comparable, and which snapshot is more than 30 days older than the
        date that it answers for. Where more or less was refused of one map than of the other, gained, lost and net
        are missing, and the notes say why.

    Examples
    --------
    >>> row = archive.change("2024-08-21", "2025-01-11", status="held").iloc[0]
    >>> f"gained {row.gained_km2:.1f}, lost {row.lost_km2:.1f}, net {row.net_km2:.1f} km² ({row.net_percent:.0f} %)"
    'gained 93.2, lost 481.7, net -388.5 km² (-48 %)'
    """
    query = Query(self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days)
    return change_table(self.reader, from_, to, query, base=base)


@consistent_read
def changed(
    self: ArchiveBase, from_: When, to: When, *, source: str | None = None, as_known_on: When | None = None
) -> gpd.GeoDataFrame:
    """The polygons that changed hands between two dates.

    Returns
    -------
    geopandas.GeoDataFrame
        controller, status, change (``gained`` or ``lost``), area_km2, geometry (MultiPolygon, EPSG:4326); none where
        more or less was refused of one map than of the other.

    Examples
    --------
    >>> polygons = archive.changed("2024-11-23", "2025-01-11")
    >>> polygons[polygons["status"] == "held"][["change", "area_km2"]].round(1).values.tolist()
    [['gained', 0.2], ['lost', 127.6]]
    """
    query = Query(self.source_name(source), as_known_on=as_known_on)
    (before, first), (after, last) = self.reader.both_sides(query, (from_, to))
    unlike = unlike_parts(self.reader.snapshots(), first, last)
    changes = _class_changes(self.reader, query, (from_, to), (before, after))
    return areas.changed_frame([c for c in changes if c.key[3] not in unlike])


@consistent_read
def series(
    self: ArchiveBase, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = None,
    level: int | None = None, boundary: str | None = None, from_: When | None = None, to: When | None = None,
    every: Every | None = None, as_known_on: When | None = None, max_age_days: float | None = None,
    progress: Callable[[int, int], None] | None = None, workers: int | None = None, scheduler: str | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Area, gross gain and gross loss at every snapshot of a source.

    Parameters
    ----------
    from_, to : str, date, datetime or None
        The span, both included; None is open.
    every : {"month", "week"} or None
        The last snapshot of each month or week (from Monday) alone, after the one that answers for `from_`: gained and
        lost are then those of `change` from one to the next. None is every snapshot.
    max_age_days : float or None
        Leave a part out where its last map is older than this; None is 30 days.
    progress : callable or None
        Called with (done, of how many) as the classes' snapshots are done.

    Returns
    -------
    pandas.DataFrame
        date (datetime in UTC), source, controller, status, unit, area_km2, gained_km2, lost_km2 (both since the
        snapshot before; missing at the first, and where a part had no map before); with ``by="native"`` also native,
        with ``by="unit"`` also share_percent (of the unit's area, by the ground inside it), beyond_km2 as in `area`,
        and part where a source has several. A part has no row before its first map and where its last is too old.
        ``attrs["notes"]`` says where the source's series breaks.

    Raises
    ------
    NoSnapshotError
        Nothing is in force, or nothing depicts `to` or a day before it.
    UsageError
        A side or a status is unknown, or Dask is not installed, cannot be reached or lost its workers.

    Examples
    --------
    >>> series = archive.series(status="held", from_="2024-11-20").set_index("date")["area_km2"].round(1)
    >>> series.rename(lambda at: f"{at:%d %b}").to_dict()
    {'23 Nov': 550.7, '16 Dec': 493.7, '11 Jan': 423.3}
    """
    reader = self.reader
    query = Query(self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days)
    used = reader.used(query, to)
    last = reader.state(query, to, used)
    zones = reader.zones(query, ground=last)
    snapshots = reader.snapshots(query.source, as_known_on=as_known_on or FAR)
    instants = sorted({parse_instant(d) for d in snapshots["depicts"]})
    chosen = chosen_instants(instants, from_, to, every)
    changes = series_changes(
        reader.store,
        query.source,
        chosen,
        zones,
        by_native=by == "native",
        only=ClassFilter(controller, None if status is None else tuple(statuses_meant(status)), within is not None),
        known=moment(as_known_on),
        progress=progress,
        workers=workers,
        scheduler=scheduler,
    )
    whole = panel_of(changes, zones, instants=chosen)
    spanned = snapshots[snapshots["depicts"].isin({write_instant(i) for i in chosen})]
    spanned = spanned.sort_values("depicts", kind="stable")
    parts = reader.part_steps(query, chosen)
    keys = list(zip(whole["instant"], whole["part"], strict=True))
    whole.loc[[key in parts.without_base for key in keys], ["gained_km2", "lost_km2"]] = np.nan
    whole = whole[np.array([key not in parts.left_out for key in keys], dtype=bool)]
    whole["unit_name"] = whole["unit"].map(reader.unit_names([zone.boundary for zone in zones]))
    table = _keep_known(_series_table(whole, zones, query, chosen), reader, query)
    told = (*series_notes(spanned, parts.unlike), *parts.notes, *reader.notes(query.source))
    told = (*told, *reader.coverage_notes(query.source, last), *_far_off_in_span(reader, query, last, chosen))
    table.attrs["notes"] = (*told, *_beyond_notes(table), *(_area_breaks(table) if by is None else ()))
    return table


@consistent_read
def panel(
    self: ArchiveBase, *, freq: str = "MS", source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = "unit",
    level: int | None = None, boundary: str | None = None, from_: When | None = None, to: When | None = None,
    as_known_on: When | None = None, max_age_days: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Area at regular dates, a row for each date, unit and class: a tidy panel for models and charts.

    Parameters
    ----------
    freq : str
        The step, as pandas writes it: ``"D"``, ``"W"``, ``"MS"`` (firsts of months), ``"YS"``.
    from_, to : str, date, datetime or None
        The span, both included; None is the first and the last map.
    max_age_days : float or None
        How old the map before a date may be for its row to stand; None is 30 days.

    Returns
    -------
    pandas.DataFrame
        date (datetime, the beginning of a day in UTC), source, controller, status, unit, unit_name, area_km2 (by the
        last map of that day or before it; 0 where the class has none there), map_date (datetime) and age_days of that
        map; with ``by="unit"`` also share_percent, and part where a source has several. A date whose map is too old
        has no rows. ``attrs["notes"]`` as of `series`.

    Raises
    ------
    NoSnapshotError
        Nothing is in force, or nothing depicts `to` or a day before it.
    UsageError
        A side, a status or `freq` is unknown.

    Examples
    --------
    >>> panel = archive.panel(freq="MS", level=1, status="held")
    >>> panel.loc[panel["unit"] == "RU-KRS"].set_index("date")["area_km2"].round(1).tail(2).to_dict()
    {Timestamp('2024-12-01 00:00:00+0000', tz='UTC'): 542.6, Timestamp('2025-01-01 00:00:00+0000', tz='UTC'): 487.2}
    """
    query = Query(self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days)
    table = series(
        self, source=source, controller=controller, status=status, within=within, by=by, level=level,
        boundary=boundary, to=to, as_known_on=as_known_on, max_age_days=max_age_days,
    )  # fmt: skip
    shown = table.assign(date=pd.to_datetime(table["date"], utc=True, format="ISO8601"))
    recorded = self.reader.snapshots(query.source, as_known_on=as_known_on or FAR)["depicts"]
    maps = pd.DatetimeIndex(sorted({*pd.to_datetime(recorded, utc=True, format="ISO8601")}))
    first = maps[0].floor("D") if from_ is None else pd.Timestamp(to_instant(from_))
    try:
        steps = pd.date_range(first, maps[-1] if to is None else to_instant(to), freq=freq)
    except ValueError:
        raise UsageError(f"freq={freq!r} is no step: 'D', 'W', 'MS' (firsts of months), 'YS'") from None
    limit = OLD_DAYS if (age := self.reader.age_limit(query)) is None else age
    panel = _at_steps(shown, maps, steps, limit)
    panel.attrs["notes"] = table.attrs["notes"]
    return panel


def _at_steps(table: pd.DataFrame, maps: pd.DatetimeIndex, steps: pd.DatetimeIndex, limit: float) -> pd.DataFrame:
    """The rows of a series that answer for each step: those of the last map of its day or before it."""
    keys = [
        c
        for c in table.columns
        if c not in ("date", "area_km2", "gained_km2", "lost_km2", "share_percent", "beyond_km2")
    ]
    figures = [c for c in ("area_km2", "share_percent") if c in table]
    places = maps.searchsorted(steps + pd.Timedelta(days=1), side="left") - 1
    dated = pd.DataFrame({"date": steps, "map_date": maps[places.clip(0)]})[places >= 0]
    dated["age_days"] = (dated["date"] - dated["map_date"].dt.floor("D")).dt.days
    classes = table[keys].drop_duplicates()
    wide = dated[dated["age_days"] <= limit].merge(classes, how="cross")
    known = table[["date", *keys, *figures]].rename(columns={"date": "map_date"})
    wide = wide.merge(known, how="left", on=["map_date", *keys]).fillna(dict.fromkeys(figures, 0.0))
    return wide[["date", *keys, *figures, "map_date", "age_days"]]


def _area_breaks(table: pd.DataFrame) -> Iterator[str]:
    """The days from which on a source draws far more or less held ground than before."""
    held = table[table["status"].isin(named(is_held=True))]
    for side, mine in held.groupby(["controller", *(["part"] if "part" in held else [])], dropna=False):
        for words in break_words(breaks_in_areas(mine["date"].tolist(), mine["area_km2"].tolist())):
            yield gettext(
                "{side} held: the series breaks on {words} (medians of 7 maps)",
                side=side_of(str(side[0])).label,
                words=words,
            )


# -- how they are answered ----------------------------------------------------------------------------------------


def area_table(reader: Reader, date: When | None, query: Query) -> pd.DataFrame:
    """The km² of every class on a date."""
    frame, effective = reader.side(query, date)
    zones = reader.zones(query, ground=frame)
    doubt = shows_doubt(query.source, effective, frame["status"])
    rows = areas.area_rows(frame, zones=zones, by_native=query.by == "native", has_doubt=doubt)
    names = reader.zone_names(zones)
    for row in rows:
        row["source"], row["unit_name"] = query.source, names.get(row["unit"])
        row["snapshot"], row["snapshot_age_days"] = snapshot_of(effective, row)
    table = _keep_known(table_of(rows, columns_of(rows, AREA_COLUMNS, query.by)), reader, query)
    ranges = _beyond_notes(table)
    if not doubt and len(table):
        others = held_by_others(reader, date, query)
        said = (
            gettext(
                "{side} held {km2} km² by {source}, which has a map of that day too",
                side=side_of(side).label,
                km2=number(km2, 1),
                source=reader.title(source),
            )
            for source, side, km2 in others
        )
        ranges = (gettext(NO_DOUBT) + gettext(", so its areas have no range"), *said, *ranges)
    maps = reader.used(query, date)
    is_whole = query.within is None
    together, far = reader.far_off(reader.state(query, date, maps)) if is_whole else (np.empty(0, dtype=object), ())
    notes = {
        "refused": refused_notes(reader.snapshots(), maps["snapshot"]),
        "rules": reader.notes(query.source),
        "coverage": reader.coverage_notes(query.source, frame),
        "far": far,
        "ranges": ranges,
        "ages": age_notes(effective, date),
        "too_old": tuple(reader.too_old(query, date).values()),
    }
    table.attrs["notes"] = tuple(chain.from_iterable(notes.values()))
    # what maps and sentences of the date need besides
    table.attrs["notes_by_kind"] = notes
    table.attrs["depicts"] = dict(zip(maps["snapshot"], maps["depicts"], strict=True))
    table.attrs["is_old"] = bool(maps["age_days"].min() > OLD_DAYS)
    table.attrs["refused_km2"] = refused_km2(reader.snapshots(), maps["snapshot"])[0]
    table.attrs["together"] = shapely.total_bounds(together).tolist() if far else None  # where some ground lies far off
    return table


def held_by_others(reader: Reader, date: When | None, query: Query) -> list[tuple[str, str, float]]:
    """(source, side, km²) of what other sources with a snapshot of the same day give as held."""
    days = {str(d)[:10] for d in reader.used(query, date)["depicts"]}
    found = []
    for name in () if query.by else reader.store.control_sources():
        other = replace(query, source=str(name))
        try:
            used = reader.used(other, date)
        except NoSnapshotError:
            continue
        if name == query.source or days.isdisjoint(d[:10] for d in used["depicts"]):
            continue
        frame = reader.state(other, date, used)
        held = frame[frame["status"].isin(named(is_held=True))]
        rows = areas.area_rows(held, zones=reader.zones(other, ground=held))
        found += [(other.source, row["controller"] or "nobody", row["area_km2"]) for row in rows]
    return found


def change_table(reader: Reader, from_: When, to: When, query: Query, *, base: When | None) -> pd.DataFrame:
    """Gross and net change in km² of every class between two dates."""
    (before, first), (after, last) = reader.both_sides(query, (from_, to))
    zones = reader.zones(query, ground=after)
    changes = _class_changes(reader, query, (from_, to), (before, after), by_native=query.by == "native")
    rows = areas.change_rows(changes, zones=zones)
    unlike = unlike_parts(reader.snapshots(), first, last)
    unit_names = reader.zone_names(zones)
    bases = {} if base is None else _base_areas(reader, base, zones, query)
    for row in rows:
        key = (row["controller"], row["status"], row["native"], row["part"], row["unit"])
        row["source"], row["unit_name"] = query.source, unit_names.get(row["unit"])
        row["base_km2"] = row["before_km2"] if base is None else bases.get(key, 0.0)
        row["net_percent"] = 100 * row["net_km2"] / row["base_km2"] if row["base_km2"] else None
        if row["part"] in unlike:
            row |= dict.fromkeys(("gained_km2", "lost_km2", "net_km2", "net_percent"))
        row["base"] = str(from_ if base is None else base)
        row["from_snapshot"], row["to_snapshot"] = (snapshot_of(s, row)[0] for s in (first, last))
    table = _keep_known(table_of(rows, columns_of(rows, CHANGE_COLUMNS, query.by)), reader, query)
    names = [[name for name, _ in side.values()] for side in (first, last)]
    ages = dict.fromkeys((*age_notes(first, from_), *age_notes(last, to)))
    ages |= dict.fromkeys(words for when in (from_, to) for words in reader.too_old(query, when).values())
    told = span_notes(reader.snapshots(), *names)
    told = (*told, *reader.notes(query.source), *reader.coverage_notes(query.source, after))
    told = (*told, *_far_off(reader, query, from_, to))
    table.attrs["notes"] = (*told, *_beyond_notes(table), *ages)
    maps = (reader.used(query, when)["snapshot"] for when in (from_, to))
    table.attrs["is_comparable"] = not breaks_between(reader.snapshots(), *maps)
    return table


def _far_off(reader: Reader, query: Query, *days: When | None) -> tuple[str, ...]:
    """What figures of everywhere say of ground far from the rest of a day's map."""
    if query.within is not None:
        return ()
    frames = (reader.state(query, day, reader.used(query, day)) for day in days)
    return tuple(dict.fromkeys(note for frame in frames for note in reader.far_off(frame)[1]))


def _far_off_in_span(
    reader: Reader, query: Query, last: gpd.GeoDataFrame, instants: Sequence[datetime]
) -> tuple[str, ...]:
    """The same of all maps of a series: those that have ground beyond the last one's theatre are looked at, too."""
    if query.within is not None or not instants:  # a span after the last map has none
        return ()
    together, notes = reader.far_off(last)
    if not len(together):
        return ()
    west, south, east, north = shapely.total_bounds(together).tolist()
    theatre = (west - FAR_DEGREES, south - FAR_DEGREES, east + FAR_DEGREES, north + FAR_DEGREES)
    days: dict[str, str] = dict.fromkeys(notes, "")
    for day in reader.store.first_seen_beyond(query.source, theatre, instants[0], instants[-1]):
        for note in _far_off(reader, query, day):
            days.setdefault(note, f"{written(day.date())}: ")
    return tuple(day + note for note, day in days.items())


def _beyond_notes(table: pd.DataFrame) -> tuple[str, ...]:
    """What is to be said where ground beyond a border counts in the nearest unit."""
    if "beyond_km2" not in table:
        return ()
    words = gettext(
        "ground drawn up to {km} km beyond border or coast of the country that its class is in, by the source's own"
        " word, counts in the nearest unit",
        km=plain_number(BEYOND_KM),
    )
    return (words,)


def _class_changes(
    reader: Reader,
    query: Query,
    dates: tuple[When, When],
    sides: Sequence[gpd.GeoDataFrame],
    *,
    by_native: bool = False,
) -> list[areas.ClassChange]:
    key = (
        "changes",
        query.source,
        *(str(d) for d in dates),
        query.within is None,
        moment(query.as_known_on),
        by_native,
        *(len(s) for s in sides),
    )
    return reader.store.recall(key, lambda: changed_ground(*sides, by_native=by_native))


def _base_areas(reader: Reader, base: When, zones: Sequence[areas.Zone], query: Query) -> dict[tuple[Any, ...], float]:
    frame, _ = reader.side(replace(query, max_age_days=None), base)
    rows = areas.area_rows(frame, zones=zones, by_native=query.by == "native")
    return {(r["controller"], r["status"], r["native"], r["part"], r["unit"]): r["area_km2"] for r in rows}


def _keep_known(table: pd.DataFrame, reader: Reader, query: Query) -> pd.DataFrame:
    """The rows of the side and statuses asked for; a side that the archive never heard of is refused."""
    kept = keep(table, query.controller, query.status)
    if kept.empty and query.controller is not None:
        known = reader.store.controllers(as_known_on=moment(query.as_known_on))
        if query.controller not in known:
            raise UsageError(f"no side {query.controller!r} in {reader.path}; there are: {', '.join(known) or 'none'}")
    return kept


def _series_table(
    whole: pd.DataFrame, zones: Sequence[areas.Zone], query: Query, instants: Sequence[Any]
) -> pd.DataFrame:
    """A panel as the table of a series; at the first instant there is nothing to have gained or lost from."""
    changes = ["gained_km2", "lost_km2"]
    whole[changes] = whole[changes].where(whole["instant"] > min(instants, default=FAR))
    whole = whole.sort_values("instant", kind="stable").assign(source=query.source)
    days = all(i == to_instant(i.date()) for i in instants)
    whole["date"] = [i.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ") for i in whole["instant"]]
    share = ["share_percent"] if query.by == "unit" else []
    if share:
        known = [z for z in zones if z.boundary]
        km2 = areas_km2(np.array([z.shape for z in known], dtype=object)).tolist()
        size = dict(zip((z.unit for z in known), km2, strict=True))
        whole["share_percent"] = 100 * (whole["area_km2"] - whole["beyond_km2"]) / whole["unit"].map(size)
    plain = whole.astype(object).where(whole.notna(), None)
    rows = [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]
    return table_of(rows, columns_of(rows, SERIES_COLUMNS, query.by) + share)
