"""Incidents counted by unit, period or type, each dataset by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import UsageError

if TYPE_CHECKING:
    from geo.archive import Archive

BY = ("unit", "day", "week", "month", "type")
# where_prec from which a point is not known to lie in a unit: of level 1, of finer ones
_TOO_COARSE = {0: 7.0, 1: 6.0}
_TOO_COARSE_BELOW = 4.0


def counted(archive: Archive, incidents: gpd.GeoDataFrame, *, by: str, level: int | None = None) -> pd.DataFrame:
    """Incidents counted by unit, period or type, each dataset by itself: they are never added up across datasets."""
    if by not in BY:
        raise UsageError(f"by={by!r} is unknown: {', '.join(BY)}")
    plain = pd.DataFrame(incidents.drop(columns=incidents.geometry.name))
    plain[by] = _units_of(archive, incidents, 1 if level is None else level) if by == "unit" else _keys(plain, by)
    deaths = plain[["low", "best", "high"]]
    plain["with_number"] = deaths.notna().any(axis=1)
    grouped = plain.groupby([by, "dataset"], sort=True)
    table = grouped.agg(incidents=("event_id", "size"), with_number=("with_number", "sum")).reset_index()
    for name in ("low", "best", "high"):
        table[f"killed_{name}"] = grouped[name].sum(min_count=1).to_numpy()
    killed = ["killed_low", "killed_best", "killed_high"]
    return table[[by, "dataset", "incidents", *killed, "with_number"]]


def _keys(plain: pd.DataFrame, by: str) -> Any:
    if by == "type":
        return plain["event_type"].fillna("not stated")
    days = pd.to_datetime(plain["date_start"])
    if by == "week":
        days = days - pd.to_timedelta(days.dt.day_of_week, unit="D")
    return days.dt.strftime("%Y-%m" if by == "month" else "%Y-%m-%d")


def _units_of(archive: Archive, incidents: gpd.GeoDataFrame, level: int) -> list[str]:
    """The unit of each incident's point, as far as it is known that well."""
    units = archive.units(level)
    points = np.asarray(incidents.geometry.array, dtype=object)
    which, unit = shapely.STRtree(np.asarray(units.geometry.array, dtype=object)).query(points, predicate="intersects")
    names = units["unit"].fillna(units["name"]).tolist()
    found = ["outside all units"] * len(points)
    for point, at in zip(which.tolist()[::-1], unit.tolist()[::-1], strict=True):
        found[point] = str(names[at])
    fine = incidents["where_prec"].to_numpy(dtype=float)
    coarse = fine >= _TOO_COARSE.get(level, _TOO_COARSE_BELOW)
    if level > 1:
        coarse |= np.isnan(fine) & (incidents["geo_precision"].to_numpy(dtype=float) == 3)
    return ["not determined" if c else f for c, f in zip(coarse.tolist(), found, strict=True)]
