"""The daily mirror of DeepState's occupied ground: one polygon a day, dated by the day of its download."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from geo.errors import GateError
from geo.formats.geojson import build, features, read_json
from geo.measure.ellipsoid import areas_km2
from geo.schema import CRS, Options, Refusal, Snapshot, parse_instant
from geo.sources.base import shipped_reader

_NAME = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_ARTEFACT_KM2 = 0.01


def read(path: Path, options: Options) -> list[Snapshot]:
    """Read one day: published on the day of the file's name, depicting the day before."""
    listed = features(read_json(path), path=path)
    published = _published(path)
    if options.date:
        depicts = parse_instant(options.date)
    elif published is not None:
        depicts = published - timedelta(days=1)
    else:
        raise GateError(f"{path}: no date in the file's name (…_YYYYMMDD.geojson); say --date")
    built = build([f["geometry"] for f in listed])
    good = np.array([i for i in range(len(listed)) if i not in built.errors], dtype=int)
    frame = gpd.GeoDataFrame(
        {"row": good + 1, "controller": "RU", "status": "held", "native": "occupied"},
        geometry=built.geometry[good], crs=CRS, index=range(len(good)),
    )  # fmt: skip
    refusals = tuple(Refusal(i + 1, why) for i, why in built.errors.items())
    closed = tuple(f"row {i + 1}: ring closed" for i in built.closed)
    return [
        Snapshot(frame, depicts, len(listed), published=published, refusals=refusals, repairs=closed,
                 notes=_artefacts(built.geometry[good]))
    ]  # fmt: skip


def _published(path: Path) -> datetime | None:
    found = _NAME.search(path.stem)
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _artefacts(geometry: np.ndarray[tuple[int], np.dtype[np.object_]]) -> tuple[str, ...]:
    """Holes too small to have been drawn: the mirror's own buffering makes them."""
    polygons = shapely.get_parts(geometry)
    rings, owner = shapely.get_rings(polygons, return_index=True)
    holes = rings[np.concatenate([[False], owner[1:] == owner[:-1]])] if len(rings) else rings
    count = int((areas_km2(shapely.polygons(holes)) < _ARTEFACT_KM2).sum()) if len(holes) else 0
    return (f"{count} holes under {_ARTEFACT_KM2} km², artefacts of the mirror, kept",) if count else ()


READER = shipped_reader("deepstate-mirror", read)
