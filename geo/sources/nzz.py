"""NZZ Visuals / Liveuamap: ground held by Russia, gained and lost in a window of days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError
from geo.formats.dates import find_date
from geo.formats.geojson import build, features, read_json
from geo.measure.ellipsoid import areas_km2
from geo.presentation.language import N_
from geo.schema import BREAK, CRS, Options, Refusal, Snapshot, parse_instant
from geo.sources.base import shipped_reader

# What a lost part is follows from the country that it lies in.
_LOST = {"UA": ("UA", "liberated"), "RU": ("UA", "held")}
# shapely's type number; those above it are sets of several
_POLYGON = 3
# No week of this war moved as much: such a file has its classes mixed up.
BROKEN_KM2 = 50_000.0
SERIES_BREAKS = (
    (
        datetime(2024, 3, 13, tzinfo=UTC),
        N_(
            "up to the file of 2024-03-13 the ground held before 2022 in the Donbas (16,619 km²) is in the map, from"
            " the next one on it is not: totals across that day are not comparable"
        ),
    ),
)


def read(path: Path, options: Options) -> list[Snapshot]:
    """Read one file: it depicts its features' ``date``, and was published on the day of its name."""
    document = read_json(path)
    listed = features(document["value"] if isinstance(document, dict) and "value" in document else document, path=path)
    depicts = _date(path, listed, options)
    types = [str((f.get("properties") or {}).get("type")) for f in listed]
    unknown = sorted(set(types) - {"nochange", "gains", "losses"})
    if unknown:
        raise GateError(f"{path}: type {', '.join(unknown)} is unknown; the known ones: nochange, gains, losses")
    built = build([f["geometry"] for f in listed])
    refusals = [Refusal(i + 1, why) for i, why in built.errors.items()]
    rows: list[tuple[Any, ...]] = []
    for i, (kind, geometry) in enumerate(zip(types, built.geometry, strict=True)):
        if i in built.errors:
            continue
        if kind == "losses":
            rows += _lost(i + 1, geometry, options, path, refusals)
        else:
            rows.append((i + 1, "RU", "held", kind, geometry))
    _refuse_broken(path, types, built.geometry, options)
    frame = pd.DataFrame([r[:-1] for r in rows], columns=["row", "controller", "status", "native"], dtype=object)
    shapes = np.array([r[-1] for r in rows], dtype=object)
    named = find_date(path.stem)
    closed = tuple(f"row {i + 1}: ring closed" for i in built.closed)
    breaks = tuple(f"{BREAK}{day:%Y-%m-%d}: {words}" for day, words in SERIES_BREAKS if depicts < day)
    return [
        Snapshot(
            gpd.GeoDataFrame(frame, geometry=shapes, crs=CRS), depicts, len(listed),
            published=named[0] if named else None, refusals=tuple(refusals), repairs=closed, notes=breaks,
        )
    ]  # fmt: skip


def _date(path: Path, listed: list[dict[str, Any]], options: Options) -> datetime:
    if options.date:
        return parse_instant(options.date)
    dates = sorted({str((f.get("properties") or {}).get("date") or "none") for f in listed})
    if len(dates) != 1:
        raise GateError(f"{path}: features of {len(dates)} dates ({', '.join(dates)}); one file depicts one day")
    if dates == ["none"]:
        raise GateError(f"{path}: no feature has a date; say --date")
    return parse_instant(dates[0])


def _lost(
    row: int, geometry: shapely.Geometry | None, options: Options, path: Path, refusals: list[Refusal]
) -> list[tuple[Any, ...]]:
    """The parts of lost ground by the country that each lies in."""
    if options.locate is None:
        raise GateError(f"{path}: the archive has no countries to tell lost ground in Ukraine from ground in Russia")
    whole = _simple_parts(geometry)
    parts = whole[shapely.get_type_id(whole) == _POLYGON]
    if len(parts) < len(whole) or not len(whole):
        why = "lines or points among the losses" if len(whole) else "no geometry, or an empty one"
        refusals.append(Refusal(row, f"{why}: only areas are control", "draw the area, or leave it out"))
    points = shapely.point_on_surface(parts)
    countries = options.locate(shapely.get_x(points), shapely.get_y(points))
    found: list[tuple[Any, ...]] = []
    for country in sorted(set(countries.tolist())):
        here = parts[countries == country]
        if country in _LOST:
            found.append((row, *_LOST[country], "losses", shapely.multipolygons(here)))
        else:
            where = country or "the sea or no known country"
            km2 = areas_km2(here).sum()
            why = f"{km2:,.{0 if km2 >= 10 else 4}f} km² of losses lie in {where}, outside the map of this source"
            way_out = "a sliver at a border or coast may go; a large area is a broken day: take another day's file"
            refusals.append(Refusal(row, why, way_out, {"type": "losses"}, float(km2), lies_elsewhere=True))
    return found


def _simple_parts(geometry: shapely.Geometry | None) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The points, lines and polygons that a geometry consists of, however they are nested; empty ones are none."""
    parts = np.array([] if geometry is None else [geometry], dtype=object)
    while (shapely.get_type_id(parts) > _POLYGON).any():
        parts = shapely.get_parts(parts)
    return np.asarray(parts[~shapely.is_empty(parts)], dtype=object)


def _refuse_broken(
    path: Path, types: list[str], geometry: np.ndarray[tuple[int], np.dtype[np.object_]], options: Options
) -> None:
    km2 = dict.fromkeys(("nochange", "gains", "losses"), 0.0)
    for kind, area in zip(types, areas_km2(geometry), strict=True):
        km2[kind] += 0.0 if np.isnan(area) else float(area)
    if "large" in options.accept or km2["losses"] <= BROKEN_KM2:
        return
    raise GateError(
        f"{path}: {km2['losses']:,.0f} km² of losses in one window (nochange {km2['nochange']:,.0f}, gains"
        f" {km2['gains']:,.0f} km²): a broken day, whose classes are mixed up; --accept large stores it as it is"
    )


READER = shipped_reader("nzz", read)
