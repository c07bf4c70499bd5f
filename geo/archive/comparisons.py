"""Sources side by side: on a date, over a span, at places. No answer merges them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Day
from datetime import timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.archive.queries import ArchiveBase, Query, Reader, words_of
from geo.archive.results import FAR, By, When, refused_notes, statuses_meant
from geo.archive.shared_docs import consistent_read
from geo.errors import NoSnapshotError, UsageError
from geo.measure import areas, source_comparison
from geo.measure.coverage import NOT_COVERED
from geo.measure.ellipsoid import areas_km2
from geo.measure.settlements import ground_at
from geo.measure.source_comparison import Ground
from geo.presentation.labels import class_words
from geo.presentation.language import gettext, ngettext, number
from geo.presentation.sides import side_order
from geo.presentation.statuses import meant_by
from geo.schema import KM_PER_DEGREE, last_instant, parse_instant, text_or_none, to_instant

LAG_DAYS = 14
COLUMNS = (
    "date", "controller", "status", "unit", "kind", "said_by", "others_say", "area_km2", "snapshots", "difference",
    "boundary",
)  # fmt: skip
Grounds = Mapping[areas.ClassKey, shapely.Geometry]
Key = tuple[str | None, str]


@dataclass(frozen=True)
class Comparison:
    """Sources side by side on a date: km² (`table`), polygons (`pieces`), places, and how their classes differ."""

    date: str
    sources: Sequence[str]
    table: pd.DataFrame
    pieces: gpd.GeoDataFrame
    places: pd.DataFrame | None
    notes: Sequence[str]
    snapshots: Mapping[str, Sequence[str]]


@consistent_read
def compare(
    self: ArchiveBase, date: When | None = None, *, sources: Sequence[str], controller: str | None = None,
    status: str | Sequence[str] | None = None, take: Mapping[str, str] | None = None,
    within: str | shapely.Geometry | None = None, by: By | None = None, level: int | None = None,
    boundary: str | None = None, places: gpd.GeoDataFrame | None = None, as_known_on: When | None = None,
    max_age_days: float | None = None,
) -> Comparison:  # fmt: skip
    """Sources side by side on a date: what each says, what they agree on, what is in dispute. Nothing is merged.

    Parameters
    ----------
    date : str, date, datetime or None
        None is the last day on which every source has a snapshot.
    status : str, sequence of str or None
        The classes compared, like with like; None is ``held``.
    by : {"unit"} or None
        A row for every administrative unit.
    places : geopandas.GeoDataFrame or None
        Settlements, as `geo.measure.settlements.read_places` reads them: those of which the sources differ are listed.

    Returns
    -------
    geo.archive.comparisons.Comparison
        Its `table` has km² on the WGS 84 ellipsoid, its `pieces` polygons in EPSG:4326. Agreed and disputed ground sum
        to what each source says.

    Raises
    ------
    NoSnapshotError
        A source has no snapshot then, or none of them has such ground.
    UsageError
        Fewer than two sources are named, or a class stands in several publications of a source and none is taken.

    Examples
    --------
    ``pair`` is an archive that has control by two sources.

    >>> found = pair.compare("2025-01-11", sources=["other", "seeds"])
    >>> found.table[["kind", "said_by", "area_km2"]].round(1).values.tolist()[:3]
    [['area', 'other', 550.7], ['area', 'seeds', 423.1], ['agreed', 'other; seeds', 423.1]]
    """
    reader = self.reader
    query = Query("", controller, status, within, by, level, boundary, as_known_on, max_age_days)
    names = _named(reader, sources, take)
    if date is None:  # the last day on which every source has a snapshot
        date = min(reader.day_of_map(name, as_known_on=as_known_on) for name in names).isoformat()
    when = date
    states = {name: reader.side(replace(query, source=name), when) for name in names}
    frames = {name: frame for name, (frame, _) in states.items()}
    snapshots = {name: sorted({snapshot for snapshot, _ in used.values()}) for name, (_, used) in states.items()}
    grounds, scope = _covered(reader, frames)
    keys = _keys(grounds, query, take)
    zones = reader.zones(query, ground=gpd.GeoDataFrame(pd.concat(frames.values(), ignore_index=True)))
    old = [w for n in names for w in reader.too_old(replace(query, source=n), when).values()]
    refused = refused_notes(reader.snapshots(), [name for used in snapshots.values() for name in used])
    found, tables, notes = [], [], [*_dates(reader, snapshots), *scope, *old, *refused, *reader.notes(*names)]
    for key in keys:
        said_of, difference = _grounds(grounds, key, take)
        pieces = source_comparison.side_by_side(said_of, key, zones=zones).assign(difference=difference)
        table = source_comparison.totals(pieces, names) if len(pieces) else _nothing(names, key, zones)
        found.append(pieces)
        tables.append(table.assign(difference=difference))
        notes.append(f"{class_words(*key)}: {difference}")
    rests = {n: "; ".join(snapshots[n]) for n in names}
    return Comparison(
        date=str(when),
        sources=names,
        table=_finished(pd.concat(tables, ignore_index=True), when, rests)[list(COLUMNS)],
        pieces=gpd.GeoDataFrame(_finished(pd.concat(found, ignore_index=True), when, rests), crs="EPSG:4326"),
        places=None if places is None else _places(reader, places, frames),
        notes=notes,
        snapshots=snapshots,
    )


@consistent_read
def compare_places(
    self: ArchiveBase, date: When | None = None, *, sources: Sequence[str], within: str | None = None,
    places: gpd.GeoDataFrame | None = None, as_known_on: When | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Place by place whose each source says that it is: polygons are asked at the places of the others.

    Parameters
    ----------
    date : str, date, datetime or None
        None is the last day on which every source has spoken.
    sources : sequence of str
        Two or more, of areas or of settlements; where none speaks of settlements, `places` are asked.
    within : str or None
        Keep to the places in a unit, by code or name.
    places : geopandas.GeoDataFrame or None
        Settlements, as `geo.measure.settlements.read_places` reads them; None is those of the first source that has
        its own.

    Returns
    -------
    pandas.DataFrame
        name, lat, lon (degrees on WGS 84), a column for each source (``UA held``; None where it draws nobody's, or does
        not know the place), and `differ`: whether two that say something say another thing. ``attrs["notes"]`` has the
        counts and the days.

    Raises
    ------
    ArchiveError, GateError, SourceError, UnitError
    NoSnapshotError
        A source says nothing then.
    UsageError
        Fewer than two sources, or no places.

    Examples
    --------
    >>> from geopandas import GeoDataFrame, points_from_xy
    >>> towns = GeoDataFrame({"name": ["Sudzha"]}, geometry=points_from_xy([35.27], [51.19]), crs="EPSG:4326")
    >>> table = pair.compare_places("2025-01-11", sources=["other", "seeds"], places=towns)
    >>> table[["name", "other", "seeds", "differ"]].values.tolist()
    [['Sudzha', 'UA held', 'UA held', False]]
    """
    panels = self.reader.settlement_sources()
    names = list(dict.fromkeys(s if s in panels else self.source_name(s) for s in sources))
    if len(names) < 2:
        raise UsageError("two sources or more are compared")
    if date is None:
        days = [max(_days_spoken(self, name, as_known_on)) for name in names]
        date = parse_instant(min(days)).date().isoformat()
    told = {name: self.reader.settlements_on(name, date, as_known_on) for name in names if name in panels}
    if places is None and not told:
        raise UsageError("none of these sources has places of its own: say which (places)")
    asked = next(iter(told.values()))[0] if places is None else places
    if within is not None:
        asked = asked[asked.intersects(self.reader.zone(within).shape)]
    points = np.asarray(asked.geometry.array, dtype=object)
    said: dict[str, list[str | None]] = {}
    for name in names:
        if name in told:
            said[name] = _said_of_places(told[name][0], asked)
            continue
        frame, _ = self.reader.side(Query(name, as_known_on=as_known_on), date)
        ground = ground_at(points, frame, self.reader.uncovered(name, frame))
        said[name] = [None if words == NOT_COVERED else words for words in ground]
    table = pd.DataFrame({"name": asked["name"].astype(str).to_numpy()})
    table = table.assign(lat=shapely.get_y(points), lon=shapely.get_x(points))
    for name, column in said.items():
        table[name] = pd.Series(column, index=table.index, dtype=object)
    words = [{w for w in row if w is not None} for row in zip(*said.values(), strict=True)]
    table["differ"] = [len(found) > 1 for found in words]
    both = sum(all(w is not None for w in row) for row in zip(*said.values(), strict=True))
    counts = gettext(
        "{n} places: on {both} of them all sources speak, {differ} are in dispute", n=number(len(table)),
        both=number(both), differ=number(int(table["differ"].sum())),
    )  # fmt: skip
    days_told = [f"{name}: {day[:10]}" for name, (_, day) in told.items()]
    table.attrs["notes"] = (counts, *days_told, *self.reader.notes(*names))
    return table


def _days_spoken(self: ArchiveBase, name: str, known: When | None) -> list[str]:
    if name in self.reader.settlement_sources():
        return [self.reader.settlements_on(name, None, known)[1]]
    return list(self.reader.used(Query(name, as_known_on=known), None)["depicts"])


def _said_of_places(panel: gpd.GeoDataFrame, asked: gpd.GeoDataFrame) -> list[str | None]:
    """What a source says of each place: of the one with its number, or else of the nearest within a kilometre."""
    if panel.empty:
        return [None] * len(asked)
    said = {row["place"]: words_of(row) for row in panel.to_dict("records")}
    points = np.asarray(asked.geometry.array, dtype=object)
    lon = math.cos(math.radians(float(np.median(shapely.get_y(points))))) if len(points) else 1.0
    flat = [shapely.transform(g, lambda xy: xy * [lon, 1]) for g in (np.asarray(panel.geometry.array), points)]
    near, at = np.full(len(points), -1), shapely.STRtree(flat[0])
    mine, theirs = at.query_nearest(flat[1], max_distance=1 / KM_PER_DEGREE, all_matches=False)
    near[mine] = theirs
    ids = asked["place"].tolist() if "place" in asked else [None] * len(asked)
    nearest = [panel["place"].iloc[i] if i >= 0 else None for i in near.tolist()]
    return [said.get(own) or said.get(other) for own, other in zip(ids, nearest, strict=True)]


@consistent_read
def compare_span(
    self: ArchiveBase, from_: When, to: When, *, sources: Sequence[str], controller: str | None = None,
    status: str | Sequence[str] | None = None, take: Mapping[str, str] | None = None,
    within: str | shapely.Geometry | None = None, boundary: str | None = None, lag_days: int = LAG_DAYS,
    as_known_on: When | None = None, max_age_days: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Sources side by side on every day of a span, and by how many days one trails another.

    Parameters
    ----------
    from_, to : str, date or datetime
        The span, both included; it begins where each source has a snapshot.
    status : str, sequence of str or None
        The classes compared, like with like; None is ``held``.
    lag_days : int
        How many days either way are searched for the lag with the least disagreement; 0 searches none.

    Returns
    -------
    span : pandas.DataFrame
        date (datetime in UTC), controller, status, kind (``area``, ``agreed``, ``disputed``), said_by, area_km2,
        difference.
    lag : pandas.DataFrame
        source, trails, lag_days, disagreement_km2 (mean over the same days at every lag), days, is_least, controller,
        status. At a lag of n, `source` on a day is held against `trails` n days later.

    Raises
    ------
    NoSnapshotError
        A source has no snapshot in the span, or none of them has such ground.
    UsageError
        Fewer than two sources are named, or the span is too short for the search.

    Examples
    --------
    >>> span, lag = pair.compare_span("2025-01-09", "2025-01-12", sources=["other", "seeds"], lag_days=0)
    >>> agreed = span[span["kind"] == "agreed"]
    >>> dict(zip(agreed["date"].dt.strftime("%d %b"), agreed["area_km2"].round(1), strict=True))
    {'10 Jan': 493.7, '11 Jan': 423.1, '12 Jan': 423.1}
    """
    reader = self.reader
    query = Query("", controller, status, within, None, None, boundary, as_known_on, max_age_days)
    names = _named(reader, sources, take)
    days = _days(reader, names, from_, to, query)
    seen: dict[tuple[str, ...], Grounds] = {}
    states, scope = _covered_days(reader, days, names, query, seen)
    keys = _keys({n: {k: g for state in states[n] for k, g in state.items()} for n in names}, query, take)
    zone = reader.zone(within, boundary).shape
    rests = dict.fromkeys(name for key in seen for name in key[1:])
    spans, lags, notes = [], [], [*scope, *refused_notes(reader.snapshots(), rests), *reader.notes(*names)]
    for key in keys:
        daily = source_comparison.daily_faces([str(d) for d in days], _rolled(states, key, take, zone))
        difference = _grounds({n: states[n][-1] for n in names}, key, take)[1]
        spans.append(source_comparison.span_rows(daily, key).assign(difference=difference))
        notes.append(f"{class_words(*key)}: {difference}")
        if lag_days:
            lag = source_comparison.lag_rows(daily, most_days=lag_days)
            lags.append(lag.assign(controller=key[0], status=key[1]))
            notes += _lag_words(lag, key, lag_days)
    span = pd.concat(spans, ignore_index=True)
    span.attrs["notes"] = (*notes, gettext("a day without a snapshot of a source has that source's latest before it"))
    return span, pd.concat(lags, ignore_index=True) if lags else pd.DataFrame()


def _covered(reader: Reader, frames: Mapping[str, gpd.GeoDataFrame]) -> tuple[dict[str, Grounds], list[str]]:
    """The grounds where every source covers them, and how much of others' ground a source leaves out, in words."""
    found = {name: areas.ground_by_class(frame) for name, frame in frames.items()}
    notes = []
    for name, frame in frames.items():
        out = reader.uncovered(name, frame)
        coverage = reader.coverage(name)
        if out.is_empty or coverage is None:
            continue
        lost = []
        for other in found.values():
            lost += [shapely.intersection(shape, out) for shape in other.values()]
            other.update({key: areas.areal_only(shapely.difference(shape, out)) for key, shape in other.items()})
        km2 = float(areas_km2(np.array([areas.areal_only(shapely.union_all(lost))], dtype=object))[0])
        words = gettext("{km2} km² that others draw there are left out, as nobody's dispute", km2=number(km2))
        notes.append(f"{gettext(coverage.says)}: {words}")
    return dict(found), notes


def _named(reader: Reader, sources: Sequence[str], take: Mapping[str, str] | None) -> list[str]:
    names = [reader.source_name(s) for s in dict.fromkeys(sources)]
    if len(names) < 2:
        raise UsageError("name two sources or more to put side by side (--source A --source B)")
    stray = sorted(set(take or ()) - set(names))
    if stray:
        raise UsageError(f"a class is taken of {', '.join(stray)}, which is not among the sources compared")
    return names


def _keys(grounds: Mapping[str, Grounds], query: Query, take: Mapping[str, str] | None) -> list[Key]:
    """The classes in question: those of the statuses asked for that any of the sources has."""
    wanted = statuses_meant(query.status)
    found = {
        (key[0], status)
        for name, classes in grounds.items()
        for key in classes
        for status in wanted
        if key[1] == _taken(name, status, take)[0] and query.controller in (None, key[0])
    }
    if not found:
        raise NoSnapshotError(
            f"none of {', '.join(grounds)} has ground that is {' or '.join(wanted)}"
            f"{f' by {query.controller}' if query.controller else ''} then: another --status, or --take SOURCE=STATUS"
        )
    return sorted(found, key=lambda k: (wanted.index(k[1]), side_order(k[0])))


def _taken(source: str, status: str, take: Mapping[str, str] | None) -> tuple[str, str | None]:
    """The status, and the publication where one is named, that stand for a status in a source."""
    if not take or source not in take:
        return status, None
    taken, _, part = take[source].partition("/")
    return statuses_meant(taken)[0], part or None


def _own(classes: Grounds, key: Key, source: str, take: Mapping[str, str] | None) -> areas.ClassKey | None:
    """The one class of a source that is held against the others'."""
    status, part = _taken(source, key[1], take)
    mine = [k for k in classes if k[0] == key[0] and k[1] == status and part in (None, k[3])]
    if len(mine) > 1:
        listed = ", ".join(f"{source}={status}/{k[3]}" for k in mine)
        raise UsageError(
            f"{source} has several publications of {class_words(key[0], status)}, which are never added; take one of"
            f" them (--take {listed.replace(', ', ' or --take ')})"
        )
    return mine[0] if mine else None


def _grounds(grounds: Mapping[str, Grounds], key: Key, take: Mapping[str, str] | None) -> tuple[list[Ground], str]:
    """What each source says of a class, and how what they mean by it differs."""
    said, meant = [], []
    for name, classes in grounds.items():
        own = _own(classes, key, name, take)
        others = {class_words(k[0], k[1], k[3]): g for k, g in classes.items() if k != own}
        said.append(Ground(name, areas.NOWHERE if own is None else classes[own], others))
        meant.append(_meant(name, own, key))
    return said, "; ".join(meant)


def _meant(source: str, own: areas.ClassKey | None, key: Key) -> str:
    if own is None:
        return gettext("{source} has no such class", source=source)
    meaning = meaning_of(source, own[3], own[0], own[1])
    unlike = " " + gettext("UNLIKE CLASS: {own}, not {asked},", own=own[1], asked=key[1]) if own[1] != key[1] else ""
    return f"{source}:{unlike} {meaning}"


def meaning_of(source: str, part: str, controller: str | None, status: str) -> str:
    """What a source means by a class, by the table of docs/formats.md."""
    row = meant_by(source, part, controller, status)
    if row is None:
        return gettext("its own class {name}", name=class_words(controller, status, part))
    meaning = row["meaning"]
    return gettext(meaning)


def _dates(reader: Reader, snapshots: Mapping[str, Sequence[str]]) -> list[str]:
    """What each source's snapshots depict: two maps of one date are seldom of one instant."""
    table = reader.snapshots().drop_duplicates("snapshot").set_index("snapshot")
    lines = []
    for source, names in snapshots.items():
        depicts = "; ".join(
            gettext("{snapshot} depicts {instant}", snapshot=n, instant=table["depicts"][n])
            + (", " + gettext("published {instant}", instant=p) if (p := text_or_none(table["published"][n])) else "")
            for n in names
        )
        lines.append(f"{source}: {depicts}")
    return lines


def _nothing(names: Sequence[str], key: Key, zones: Sequence[areas.Zone]) -> pd.DataFrame:
    """The rows of a class of which there is nothing where it was asked for."""
    zone = zones[0]
    kinds = [*(("area", n) for n in names), ("agreed", "; ".join(names)), ("disputed", None)]
    rows = [(*key, zone.unit, zone.boundary, kind, by, None, 0.0) for kind, by in kinds]
    return pd.DataFrame(
        rows, columns=["controller", "status", "unit", "boundary", "kind", "said_by", "others_say", "area_km2"]
    )


def _finished(frame: pd.DataFrame, when: When, rests: Mapping[str, str]) -> pd.DataFrame:
    whole = "; ".join(rests.values())
    words = ["controller", "unit", "boundary", "said_by", "others_say"]
    frame[words] = frame[words].astype(object).where(frame[words].notna(), None)
    return frame.assign(date=str(when), snapshots=[rests.get(by or "", whole) for by in frame["said_by"]])


def _places(reader: Reader, places: gpd.GeoDataFrame, frames: Mapping[str, gpd.GeoDataFrame]) -> pd.DataFrame:
    """The places of which the sources that cover them do not say the same."""
    points = np.asarray(places.geometry.array, dtype=object)
    said = {name: ground_at(points, frame, reader.uncovered(name, frame)) for name, frame in frames.items()}
    apart = [i for i in range(len(points)) if len({listed[i] for listed in said.values()} - {NOT_COVERED}) > 1]
    table = pd.DataFrame(
        {
            "name": [str(places["name"].iloc[i]) for i in apart],
            "lat": [float(points[i].y) for i in apart],
            "lon": [float(points[i].x) for i in apart],
            **{name: [listed[i] or source_comparison.NOTHING for i in apart] for name, listed in said.items()},
        }
    )
    return table.sort_values(["name", "lat"], ignore_index=True)


def _days(reader: Reader, names: Sequence[str], from_: When, to: When, query: Query) -> list[Day]:
    """Every day of a span, from the first on which each of the sources has a snapshot."""
    firsts = []
    for name in names:
        depicts = reader.snapshots(name, as_known_on=query.as_known_on or FAR)["depicts"]
        firsts.append(parse_instant(min(depicts)).date() if len(depicts) else Day.max)
    first, last = max(to_instant(from_).date(), *firsts), last_instant(to).date()
    if first > last:
        raise NoSnapshotError(f"not all of {', '.join(names)} have a snapshot on or before {to}")
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _covered_days(
    reader: Reader, days: Sequence[Day], names: Sequence[str], query: Query, seen: dict[tuple[str, ...], Grounds]
) -> tuple[dict[str, list[Grounds]], list[str]]:
    """The ground of each source by class on every day, where every source covers it, and what is left out, in words.

    It is the same object as long as the same snapshots answer.
    """
    states: dict[str, list[Grounds]] = {name: [] for name in names}
    met: dict[tuple[tuple[str, ...], ...], tuple[dict[str, Grounds], list[str]]] = {}
    limits = [name for name in names if reader.coverage(name) is not None]
    for day in days:
        asked = {name: replace(query, source=name) for name in names}
        used = {name: reader.used(asked[name], day.isoformat()) for name in names}
        keys = {name: (name, *used[name]["snapshot"]) for name in names}
        for name in names:
            if keys[name] not in seen:
                seen[keys[name]] = areas.ground_by_class(reader.state(asked[name], day.isoformat(), used[name]))
        if not limits:
            found = {name: seen[keys[name]] for name in names}
        else:
            both = tuple(keys.values())
            if both not in met:
                frames = {name: reader.state(asked[name], day.isoformat(), used[name]) for name in names}
                met[both] = _covered(reader, frames)
            found = met[both][0]
        for name in names:
            states[name].append(found[name])
    return states, list(met.values())[-1][1] if met else []


def _rolled(
    states: Mapping[str, Sequence[Grounds]], key: Key, take: Mapping[str, str] | None, zone: shapely.Geometry | None
) -> dict[str, list[shapely.Geometry]]:
    """Each source's ground of a class on every day, cut to a zone; days on which it stayed share one object."""
    found = {}
    for name, days in states.items():
        cut: dict[int, shapely.Geometry] = {}
        for state in days:
            if id(state) not in cut:
                own = _own(state, key, name, take)
                shape = areas.NOWHERE if own is None else state[own]
                cut[id(state)] = areas.areal_only(areas.clip(shape, zone))
        found[name] = [cut[id(state)] for state in days]
    return found


def _lag_words(lag: pd.DataFrame, key: Key, most: int) -> list[str]:
    """Who trails whom, in words; what lies at the end of the range is said to."""
    said = []
    for row in lag[lag["is_least"]].to_dict("records"):
        days, one, other = int(row["lag_days"]), row["source"], row["trails"]
        last, first = (other, one) if days > 0 else (one, other)
        told = gettext("{one} and {other}: neither trails", one=one, other=other)
        if days:
            told = ngettext("{last} trails {first} by {n} day", "{last} trails {first} by {n} days", abs(days),
                            last=last, first=first)  # fmt: skip
        if abs(days) == most:  # no minimum inside the range is no finding
            words = "{one} and {other}: no lag found, the disagreement still falls at the end of the range ({days})"
            told = gettext(words, one=one, other=other, days=days)
        least = ngettext(
            "least disagreement {km2} km² in the mean of {n} day, searched from -{most} to {most} days",
            "least disagreement {km2} km² in the mean of {n} days, searched from -{most} to {most} days",
            row["days"], km2=number(row["disagreement_km2"], 1), most=most,
        )  # fmt: skip
        said.append(f"{class_words(*key)}: {told}; {least}")
    return said
