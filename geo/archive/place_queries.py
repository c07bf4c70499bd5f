"""Answers about lines and points: the front, its movement, whose ground places stood on."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pandas as pd

from geo.archive.queries import Asked, Reader, statuses_meant
from geo.archive.results import When, columns_of, joined_intervals, moment, table_of
from geo.errors import UsageError
from geo.measure import areas
from geo.measure.front_line import Front, front_of, movement
from geo.measure.settlements import changed_hands

WHO_COLUMNS = ("source", "controller", "status", "native", "valid_from", "valid_to")


def front(
    reader: Reader,
    date: When | None,
    asked: Asked,
    *,
    against: str | None = None,
    tolerance_km: float,
    inset_km: float,
    gap_km: float = 0.1,
) -> Front:
    """The front on a date, its length in km with what it rests on: what `Archive.front` gives."""
    used = reader.used(asked.source, date, as_known_on=asked.as_known_on, max_age_days=asked.max_age_days)
    countries = reader.border(asked.boundary)
    found = front_of(
        reader.state(asked.source, date, used, asked.as_known_on),
        countries,
        controller=asked.controller,
        against=against,
        statuses=statuses_meant(asked.status),
        tolerance_km=tolerance_km,
        inset_km=inset_km,
        gap_km=gap_km,
        within=reader.zone(asked.within).shape,
    )
    row = used.sort_values("age_days").iloc[0]
    return replace(
        found,
        source=asked.source,
        snapshot=str(row["snapshot"]),
        snapshot_age_days=float(row["age_days"]),
        boundary=str(countries["boundary"].iloc[0]),
    )


def front_movement(
    reader: Reader, from_: When, to: When | None, asked: Asked, *, tolerance_km: float, inset_km: float
) -> pd.DataFrame:
    """How far a side's front moved between two dates, in km: what `Archive.front_movement` gives."""
    before, after = (reader.side(asked.source, when, asked.as_known_on)[0] for when in (from_, to))
    old = front(reader, from_, asked, tolerance_km=tolerance_km, inset_km=inset_km)
    zones = reader.zones(replace(asked, by="unit", boundary=None), ground=after)
    sectors = [(str(z.unit), z.shape) for z in zones if z.shape is not None and z.unit != areas.OUTSIDE]
    return movement(
        before,
        after,
        old,
        controller=asked.controller,
        statuses=statuses_meant(asked.status),
        sectors=sectors,
        within=reader.zone(asked.within).shape,
    )


def hands_changed(reader: Reader, places: gpd.GeoDataFrame, from_: When, to: When | None, asked: Asked) -> pd.DataFrame:
    """The settlements that changed hands: what `Archive.changed_hands` gives."""
    (before, first), (after, last) = (reader.side(asked.source, when, asked.as_known_on) for when in (from_, to))
    ends = [max(side.values(), key=lambda s: -s[1])[0] for side in (first, last)]
    table = changed_hands(places, before, after)
    return table.assign(source=asked.source, from_snapshot=ends[0], to_snapshot=ends[1])


def who(reader: Reader, lat: float, lon: float, *, source: str | None, as_known_on: When | None = None) -> pd.DataFrame:
    """Who held a place, and when: what `Archive.who` gives."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise UsageError(f"{lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
    found = reader.store.control_at(source, lon, lat, as_known_on=moment(as_known_on))
    names = sorted(set(found["source"]))
    kept = [reader.released(gpd.GeoDataFrame(found[found["source"] == name]), name) for name in names]
    frame = pd.concat(kept, ignore_index=True) if kept else found
    rows = joined_intervals([{str(k): v for k, v in r.items()} for r in frame.to_dict("records")])
    return table_of(rows, columns_of(rows, WHO_COLUMNS, None))
