"""Incidents counted, and against control: who held the place at the time, how far the front was, on which side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.results import FAR
from geo.errors import UsageError
from geo.incidents.markers import is_regional, radius_km
from geo.measure.coverage import NOT_COVERED
from geo.measure.ellipsoid import local_plane
from geo.measure.settlements import ground_at
from geo.presentation.statuses import named
from geo.schema import KM_PER_DEGREE, dated, last_instant, parse_instant, text_or_none, write_instant
from geo.storage.store import DEATHS
from geo.units import around

if TYPE_CHECKING:
    from geo.archive import Archive

Points = NDArray[np.object_]
BY = ("unit", "day", "week", "month", "type")
# where_prec from which a point is not known to lie in a unit: of level 1, of finer ones
_TOO_COARSE = {0: 7.0, 1: 6.0}
_TOO_COARSE_BELOW = 4.0


# what incidents must have in common to be counted as one
_ALIKE = {"type": ("event_type",), "unit": ("geom", "where_prec", "geo_precision")}


def counted(archive: Archive, *, by: str, level: int | None = None, **asked: Any) -> pd.DataFrame:
    """Incidents counted by unit, period or type, each dataset by itself: they are never added up across datasets."""
    if by not in BY:
        raise UsageError(f"by={by!r} is unknown: {', '.join(BY)}")
    alike = archive.reader.tally(_ALIKE.get(by, ("date_start",)), **asked)
    key = _units_of(archive, alike, 1 if level is None else level) if by == "unit" else _keys(alike, by)
    grouped = alike.assign(**{by: key}).groupby([by, "dataset"], sort=True)
    table = grouped[["incidents", "with_number"]].sum()
    for name in DEATHS:
        table[f"killed_{name}"] = grouped[name].sum(min_count=1)
    killed = [f"killed_{name}" for name in DEATHS]
    return table.reset_index()[[by, "dataset", "incidents", *killed, "with_number"]]


def _keys(plain: pd.DataFrame, by: str) -> Any:
    if by == "type":
        return plain["event_type"].fillna("not stated")
    days = pd.to_datetime(plain["date_start"])
    if by == "week":
        days = days - pd.to_timedelta(days.dt.day_of_week, unit="D")
    return days.dt.strftime("%Y-%m" if by == "month" else "%Y-%m-%d").fillna("not stated")


def _units_of(archive: Archive, incidents: pd.DataFrame, level: int) -> Points:
    """The unit of each incident's point, as far as it is known that well."""
    units = archive.units(level)
    points = incidents["geom"].to_numpy()
    xy = shapely.get_x(points) + 1j * shapely.get_y(points)
    _, first, place = np.unique(xy, return_index=True, return_inverse=True)  # a place is looked for once
    which, unit = around(shapely.STRtree(np.asarray(units.geometry.array, dtype=object)), points[first])
    names = units["unit"].fillna(units["name"]).astype(str).to_numpy(dtype=object)
    there = np.full(len(first), "outside all units", dtype=object)
    there[which[::-1]] = names[unit[::-1]]  # of several the first
    found = there[place]
    fine = incidents["where_prec"].to_numpy(dtype=float)
    coarse = fine >= _TOO_COARSE.get(level, _TOO_COARSE_BELOW)
    if level > 1:
        coarse |= np.isnan(fine) & (incidents["geo_precision"].to_numpy(dtype=float) == 3)
    found[coarse] = "not determined"
    return found


COLUMNS = (
    "event_id", "dataset", "date_start", "where_coordinates", "event_type", "uncertainty_km", "source", "ground",
    "front_km", "side", "why", "snapshot", "snapshot_age_days",
)  # fmt: skip
NOT_DETERMINED = "not determined"
NOT_MARKED = "not marked"
INSET_KM = 5.0
# how finely the circle of an uncertain place is looked at: points on it, and on the one of half its radius
_AROUND = 24


def encounters(
    archive: Archive,
    incidents: gpd.GeoDataFrame,
    *,
    sources: Sequence[str] | None = None,
    max_age_days: float | None = None,
) -> pd.DataFrame:
    """Who held the place of each incident on its day, by each source, and how far the front was."""
    names = archive.store.control_sources() if sources is None else [archive.source_name(s) for s in sources]
    rows = incidents[["uncertainty_km", "where_prec", "geo_precision"]].to_dict("records")
    facts = incidents[["event_id", "dataset", "date_start", "date_end", "where_coordinates", "event_type"]]
    regional = np.array([is_regional(r) for r in rows], dtype=bool)
    facts = dated(pd.DataFrame(facts)).assign(at=range(len(rows)), regional=regional)
    facts["uncertainty_km"] = np.array([radius_km(r) for r in rows], dtype=float)
    points = np.asarray(incidents.geometry.array, dtype=object)
    with archive.holding():
        tables = [_by_source(_Found.blank(archive, n, facts, points), max_age_days) for n in names]
    if not tables:
        return pd.DataFrame(columns=list(COLUMNS), dtype=object)
    whole = pd.concat(tables, ignore_index=True)
    return whole.sort_values(["at", "source"], kind="stable").reset_index(drop=True)[list(COLUMNS)]


class _Found(NamedTuple):
    """Incidents held against one source, and what is found out of them, by their position."""

    archive: Archive
    source: str
    facts: pd.DataFrame
    points: Points
    ground: Points
    front_km: NDArray[np.float64]
    side: Points
    why: Points

    @classmethod
    def blank(cls, archive: Archive, source: str, facts: pd.DataFrame, points: Points) -> _Found:
        empty, count = np.full(len(points), None, dtype=object), len(points)
        unknown = np.full(count, NOT_DETERMINED, dtype=object)
        return cls(archive, source, facts, points, unknown, np.full(count, np.nan), empty, empty.copy())


def _by_source(found: _Found, max_age_days: float | None) -> pd.DataFrame:
    """The whole table of one source: incidents of one state of control are looked at together."""
    facts = found.facts
    table = found.archive.reader.snapshots(found.source, as_known_on=FAR).sort_values(
        ["depicts", "recorded_at"], kind="stable"
    )
    depicts = table["depicts"].tolist()
    start = _states(depicts, facts["date_start"])
    of = [parse_instant(d).date() for d in depicts]
    pairs = zip(start.tolist(), facts["date_start"], strict=True)
    ages = np.array([(date.fromisoformat(day) - of[k - 1]).days if k else np.nan for k, day in pairs], dtype=float)
    old = ages > (np.inf if max_age_days is None else max_age_days)
    found.why[start == 0] = "no snapshot depicts the day or one before it"
    found.why[facts["date_start"].isna()] = "its day is not told"
    found.why[old] = f"the snapshot is older than {max_age_days} days"
    live = np.flatnonzero((start > 0) & ~old)
    end = _states(depicts, facts["date_end"].fillna(facts["date_start"]))
    for state in np.unique([*start[live], *end[live]]).tolist():
        _judge_state(found, live[start[live] == state], live[(end[live] == state) & (start[live] < state)])
    names = [None, *table["snapshot"].tolist()]
    snapshots = [names[k] for k in start.tolist()]
    texts = {"ground": found.ground, "side": found.side, "why": found.why, "snapshot": snapshots}
    out = facts.assign(source=found.source, front_km=found.front_km, snapshot_age_days=ages)
    # Python's own None where there is nothing, in every version of pandas
    return out.assign(**{name: pd.Series(values, dtype=object, index=out.index) for name, values in texts.items()})


def _states(depicts: list[str], days: pd.Series) -> NDArray[np.int64]:
    """How many snapshots depict a day or one before it: the same number is the same state of control."""
    told = [text_or_none(day) for day in days]  # a rule may withhold the day
    count = {day: bisect_right(depicts, write_instant(last_instant(day))) if day else 0 for day in set(told)}
    return np.array([count[day] for day in told], dtype=np.int64)


def _judge_state(found: _Found, mine: NDArray[np.intp], ended: NDArray[np.intp]) -> None:
    """Judge the incidents that begin in one state of control, and those from before that lasted into it."""
    ended = ended[found.ground[ended] != NOT_DETERMINED]
    if not len(mine) and not len(ended):
        return
    day = found.facts["date_start"].iloc[mine].min() if len(mine) else found.facts["date_end"].iloc[ended].max()
    frame = found.archive.control(day, source=found.source)
    out = found.archive.reader.uncovered(found.source, frame)
    if len(mine):
        _judge(found, mine, day, frame, out)
    then = np.array([g or NOT_MARKED for g in ground_at(found.points[ended], frame, out)], dtype=object)
    moved = ended[then != found.ground[ended]]
    found.ground[moved], found.side[moved] = NOT_DETERMINED, None
    found.why[moved] = "the place changed hands while it lasted"


def _judge(
    found: _Found, mine: NDArray[np.intp], day: str, frame: gpd.GeoDataFrame, uncovered: shapely.Geometry
) -> None:
    """Write ground, distance and side of the incidents of one state, and why where they are not determined."""
    facts, points = found.facts.iloc[mine], found.points[mine]
    ground = [g or NOT_MARKED for g in ground_at(points, frame, uncovered)]
    radius, regional = facts["uncertainty_km"].to_numpy(dtype=float), facts["regional"].to_numpy(dtype=bool)
    away = np.full(len(mine), np.nan)
    if not regional.all():
        away[~regional] = _front_km(found, day, points[~regional])
    holders = sorted(set(frame.loc[frame["status"].isin(named(is_held=True)), "controller"].dropna().astype(str)))
    crossed = _reach_across(points, np.where(regional, 0, radius), ground, frame, uncovered)
    told = zip(regional.tolist(), radius.tolist(), away.tolist(), crossed.tolist(), ground, strict=True)
    why = [_why(*each) for each in told]
    found.why[mine] = why
    found.front_km[mine] = away
    found.ground[mine] = [NOT_DETERMINED if w else g for w, g in zip(why, ground, strict=True)]
    found.side[mine] = [None if w else _side(g, holders) for w, g in zip(why, ground, strict=True)]


def _why(region: bool, radius: float, away_km: float, crossed: bool, ground: str) -> str | None:
    if region:
        return "known to a region only"
    if ground == NOT_COVERED:
        return "lies on ground that the source does not cover"
    if radius == radius and away_km == away_km and radius >= away_km:
        return f"lies within {radius:g} km of its point, the front {away_km:.1f} km from it"
    return f"lies within {radius:g} km of its point, where the ground is not all one side's" if crossed else None


def _side(ground: str, holders: Sequence[str]) -> str | None:
    held = [part.removesuffix(" held") for part in ground.split("; ") if part.endswith(" held")]
    if held:
        return "; ".join(held)
    return f"outside {', '.join(holders)}" if holders else None


def _front_km(found: _Found, day: str, points: Points) -> NDArray[np.float64]:
    """The distance of each point from the front of a day, in km; NaN where there is no front."""
    front = found.archive.front(day, source=found.source, inset_km=INSET_KM).lines
    if front.is_empty:
        return np.full(len(points), np.nan)
    # true to 0.1 % within 500 km of the front's middle
    plane = local_plane(front.bounds)
    laid = plane.laid(front)
    shapely.prepare(laid)
    return np.asarray(shapely.distance(plane.laid(points), laid), dtype=np.float64)


def _reach_across(
    points: Points,
    radius_km: NDArray[np.float64],
    ground: Sequence[str],
    frame: gpd.GeoDataFrame,
    uncovered: shapely.Geometry,
) -> NDArray[np.bool_]:
    """Whether somewhere within the radius of a point the ground is another's than at the point itself."""
    out = np.zeros(len(points), dtype=bool)
    uncertain = np.flatnonzero(radius_km > 0)
    if not len(uncertain):
        return out
    turns = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    ring = np.concatenate([r * np.column_stack([np.cos(turns), np.sin(turns)]) for r in (0.5, 1.0)])
    xy = shapely.get_coordinates(points[uncertain])
    north = radius_km[uncertain, None] * ring[:, 1] / KM_PER_DEGREE
    east = radius_km[uncertain, None] * ring[:, 0] / (KM_PER_DEGREE * np.cos(np.radians(xy[:, 1:])))
    around = shapely.points(xy[:, :1] + east, np.clip(xy[:, 1:] + north, -90, 90))
    found = ground_at(np.asarray(around).ravel(), frame, uncovered)
    there = np.array([g or NOT_MARKED for g in found], dtype=object).reshape(len(uncertain), -1)
    out[uncertain] = (there != np.array(ground, dtype=object)[uncertain, None]).any(axis=1)
    return out
