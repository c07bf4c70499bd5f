"""Answers in km²: areas on a date, what changed between two, a whole series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.archive.queries import Asked, Reader, statuses_meant
from geo.archive.results import (
    FAR,
    When,
    age_notes,
    breaks_between,
    columns_of,
    keep,
    moment,
    said_by,
    spokesman,
    table_of,
)
from geo.errors import UsageError
from geo.measure import areas
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.classes import changed_ground
from geo.measure.series.panel import panel
from geo.measure.series.parallel import Only, series_changes
from geo.schema import last_instant, parse_instant, to_instant, write_instant

AREA_COLUMNS = (
    "source", "controller", "status", "unit", "area_km2", "lower_km2", "upper_km2", "snapshot", "snapshot_age_days",
    "boundary",
)  # fmt: skip
CHANGE_COLUMNS = (
    "source", "controller", "status", "unit", "gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent",
    "from_snapshot", "to_snapshot", "base", "boundary",
)  # fmt: skip
SERIES_COLUMNS = ("date", "source", "controller", "status", "unit", "area_km2", "gained_km2", "lost_km2")


def area_table(reader: Reader, date: When | None, asked: Asked) -> pd.DataFrame:
    """The km² of every class on a date: what `Archive.area` gives."""
    used = reader.used(asked.source, date, as_known_on=asked.as_known_on, max_age_days=asked.max_age_days)
    frame = reader.state(asked.source, date, used, asked.as_known_on)
    zones = reader.zones(asked, ground=frame)
    rows = areas.area_rows(frame, zones=zones, by_native=asked.by == "native", countries=reader.countries())
    spoken = {p: spokesman(used, p) for p in used["part"]}
    for row in rows:
        row["source"] = asked.source
        row["snapshot"], row["snapshot_age_days"] = said_by(spoken, row)
    table = _asked_for(table_of(rows, columns_of(rows, AREA_COLUMNS, asked.by)), reader, asked)
    table.attrs["notes"] = (*reader.notes(asked.source), *age_notes(spoken, date))
    return table


def changes(reader: Reader, from_: When, to: When, asked: Asked, *, base: When | None) -> pd.DataFrame:
    """Gross and net change in km² of every class between two dates: what `Archive.change` gives."""
    sides = [reader.side(asked.source, when, asked.as_known_on, asked.max_age_days) for when in (from_, to)]
    (before, first), (after, last) = sides
    zones = reader.zones(asked, ground=after)
    moved = _moved(reader, asked, (from_, to), (before, after), by_native=asked.by == "native")
    rows = areas.change_rows(moved, zones=zones)
    bases = {} if base is None else _base(reader, base, zones, asked)
    for row in rows:
        key = (row["controller"], row["status"], row["native"], row["part"], row["unit"])
        row["source"] = asked.source
        row["base_km2"] = row["before_km2"] if base is None else bases.get(key, 0.0)
        row["net_percent"] = 100 * row["net_km2"] / row["base_km2"] if row["base_km2"] else None
        row["base"] = str(from_ if base is None else base)
        row["from_snapshot"], row["to_snapshot"] = (said_by(s, row)[0] for s in (first, last))
    table = _asked_for(table_of(rows, columns_of(rows, CHANGE_COLUMNS, asked.by)), reader, asked)
    breaks = breaks_between(reader.snapshots(), *({n for n, _ in s.values()} for s in (first, last)))
    ages = dict.fromkeys((*age_notes(first, from_), *age_notes(last, to)))
    table.attrs["notes"] = (*breaks, *reader.notes(asked.source), *ages)
    return table


def changed(reader: Reader, from_: When, to: When, asked: Asked) -> gpd.GeoDataFrame:
    """The polygons that changed hands between two dates, with their km²."""
    sides = [reader.side(asked.source, when, asked.as_known_on)[0] for when in (from_, to)]
    return areas.changed_frame(_moved(reader, asked, (from_, to), sides))


def _moved(
    reader: Reader,
    asked: Asked,
    dates: tuple[When, When],
    sides: Sequence[gpd.GeoDataFrame],
    *,
    by_native: bool = False,
) -> list[areas.Moved]:
    key = ("moved", asked.source, *(str(d) for d in dates), moment(asked.as_known_on), by_native)
    return reader.store.recall(key, lambda: changed_ground(*sides, by_native=by_native))


def _base(reader: Reader, base: When, zones: Sequence[areas.Zone], asked: Asked) -> dict[tuple[Any, ...], float]:
    frame, _ = reader.side(asked.source, base, asked.as_known_on)
    rows = areas.area_rows(frame, zones=zones, by_native=asked.by == "native")
    return {(r["controller"], r["status"], r["native"], r["part"], r["unit"]): r["area_km2"] for r in rows}


def series(
    reader: Reader,
    asked: Asked,
    *,
    from_: When | None,
    to: When | None,
    progress: Any,
    workers: int | None,
    scheduler: str | None,
) -> pd.DataFrame:
    """The km² of every class at every snapshot: what `Archive.series` gives."""
    used = reader.used(asked.source, to, as_known_on=asked.as_known_on)
    zones = reader.zones(asked, ground=reader.state(asked.source, to, used, asked.as_known_on))
    table = reader.snapshots(asked.source, as_known_on=asked.as_known_on or FAR)
    instants = sorted({parse_instant(d) for d in table["depicts"]})
    low = to_instant(from_) if from_ is not None else None
    high = last_instant(to) if to is not None else None
    chosen = [i for i in instants if (low is None or i >= low) and (high is None or i <= high)]
    changes_by_class = series_changes(
        reader.store,
        asked.source,
        chosen,
        zones,
        by_native=asked.by == "native",
        only=Only(asked.controller, None if asked.status is None else tuple(statuses_meant(asked.status))),
        known=moment(asked.as_known_on),
        progress=progress,
        workers=workers,
        scheduler=scheduler,
    )
    whole = panel(changes_by_class, zones, instants=chosen)
    moves = ["gained_km2", "lost_km2"]
    whole[moves] = whole[moves].where(whole["instant"] > min(chosen, default=FAR))
    whole = whole.sort_values("instant", kind="stable").assign(source=asked.source)
    days = all(i == to_instant(i.date()) for i in chosen)
    whole["date"] = [i.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ") for i in whole["instant"]]
    if asked.by == "unit":
        size = {z.unit: float(areas_km2(np.array([z.shape], dtype=object))[0]) for z in zones if z.boundary}
        whole["share_percent"] = 100 * whole["area_km2"] / whole["unit"].map(size)
    frame = _asked_for(_series_table(whole, asked), reader, asked)
    spoken = [set(table.loc[table["depicts"] == write_instant(i), "snapshot"]) for i in (*chosen[:1], *chosen[-1:])]
    frame.attrs["notes"] = (*(breaks_between(table, *spoken) if spoken else ()), *reader.notes(asked.source))
    return frame


def _asked_for(table: pd.DataFrame, reader: Reader, asked: Asked) -> pd.DataFrame:
    """The rows of the side and statuses asked for; a side that the archive never heard of is a slip."""
    kept = keep(table, asked.controller, asked.status)
    if kept.empty and asked.controller is not None:
        known = reader.store.controllers(as_known_on=moment(asked.as_known_on))
        if asked.controller not in known:
            raise UsageError(f"no side {asked.controller!r} in {reader.path}; there are: {', '.join(known) or 'none'}")
    return kept


def _series_table(whole: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    plain = whole.astype(object).where(whole.notna(), None)
    rows = [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]
    return table_of(
        rows, columns_of(rows, SERIES_COLUMNS, asked.by) + (["share_percent"] if asked.by == "unit" else [])
    )
