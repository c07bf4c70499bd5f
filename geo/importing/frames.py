"""A frame's way into the archive: written as a file of its own, it passes all that a file passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError, UsageError
from geo.formats.geojson import feature_collection
from geo.formats.tables import csv_lines
from geo.schema import CRS, Kind, Source

Given: TypeAlias = "str | Path | pd.DataFrame"
FRAME = "frame"  # what a receipt calls it


@contextmanager
def as_files(given: Given | Iterable[Given], kind: Kind) -> Iterator[Sequence[tuple[Path, bool]]]:
    """The paths given, each with whether it is of a frame, which is written for as long as this stands."""
    listed = [given] if isinstance(given, str | Path | pd.DataFrame) else list(given)
    with TemporaryDirectory(prefix="geo-") as folder:
        found = []
        for number, one in enumerate(listed):
            if isinstance(one, pd.DataFrame):
                found.append((_written(one, Path(folder, str(number)), kind), True))
            else:
                found.append((Path(one), False))
        yield found


def _written(frame: pd.DataFrame, folder: Path, kind: Kind) -> Path:
    folder.mkdir()
    names = list(map(str, frame.columns))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"the frame has several columns called {', '.join(twice)}: rename all but one")
    shapes = _shapes(frame, kind)
    if kind != "incidents" and shapes is not None:
        (path := folder / f"{FRAME}.geojson").write_bytes(feature_collection(_rows(frame), shapes))
        return path
    rows = _rows(frame)
    if shapes is not None and not {"latitude", "longitude"} & {name.casefold() for name in names}:
        points = shapely.get_coordinates(shapely.point_on_surface(shapes)) if len(shapes) else np.empty((0, 2))
        if len(points) != len(rows):
            raise GateError("a row of the frame has no point: leave it out, or fill latitude and longitude in")
        places = zip(rows, points.tolist(), strict=True)
        rows = [{**row, "longitude": x, "latitude": y} for row, (x, y) in places]
    header = list(rows[0]) if rows else names
    cells = [["" if value is None else str(value) for value in row.values()] for row in rows]
    (path := folder / f"{FRAME}.csv").write_text("".join(csv_lines([header, *cells])), encoding="utf-8", newline="")
    return path


def _shapes(frame: pd.DataFrame, kind: Kind) -> np.ndarray[Any, np.dtype[np.object_]] | None:
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name not in frame:
        if kind == "incidents":
            return None
        raise UsageError("a GeoDataFrame with geometry is wanted, not a plain table")
    if frame.crs is None:
        raise UsageError("the frame has no CRS: frame.set_crs(4326) says that it is in degrees")
    return np.asarray(frame.geometry.to_crs(CRS).array, dtype=object)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    kinds = frame.dtypes.astype(str)
    plain = frame[[c for c in frame.columns if kinds[c] != "geometry"]].astype(object)
    plain = plain.where(plain.notna(), None)
    return [{str(k): _value(v) for k, v in row.items()} for row in plain.to_dict("records")]


def _value(value: Any) -> Any:
    """A cell as a file has it: numbers and texts as they are, an instant at midnight as its day."""
    if isinstance(value, datetime):
        is_day = value.tzinfo is None and value.time() == datetime.min.time()
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if plain is None or isinstance(plain, str | int | float | bool) else str(plain)


def credit_of_name(source: str | Source, known: pd.DataFrame) -> Source:
    """A source as given; of a name alone, with the credit that the archive has of it."""
    if isinstance(source, Source):
        return source
    mine = known[known["name"] == source] if len(known) else known
    if mine.empty:
        return Source(source, source)
    row = mine.iloc[0]
    credits = {key: str(row[key]) for key in ("url", "licence", "attribution") if pd.notna(row[key])}
    return replace(Source(source, str(row["title"])), **credits)
