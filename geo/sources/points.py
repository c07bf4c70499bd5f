"""What the readers of incident tables share: cells to values, rows to points, and a refusal for what is neither."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.errors import GateError
from geo.files.tables import number, read_table
from geo.schema import CRS, INCIDENT_COLUMNS, INCIDENT_NUMBERS, Options, Refusal, Rows

Row = Mapping[str, str]
Record = Callable[[Row, Options], dict[str, Any]]
_DAY_FORMATS = ("%Y-%m-%d", "%d %B %Y", "%Y%m%d", "%d.%m.%Y")


def read_rows(path: Path, options: Options, *, record: Record, needs: tuple[str, ...]) -> Rows:
    """Read a table of incidents, row by row.

    Parameters
    ----------
    path : pathlib.Path
        CSV with a header.
    options : Options
        Encoding, delimiter and decimal mark.
    record : callable
        A row's cells -> our columns (those of `INCIDENT_COLUMNS` that it has); raises GateError to refuse the row.
    needs : tuple of str
        Columns without which the file is another kind of file; ``a|b`` means one of them.

    Returns
    -------
    Rows
        Points in EPSG:4326; ``orig`` holds the cells as they stood, as JSON.

    Raises
    ------
    FileError
        The file cannot be read.
    GateError
        It is no table of this kind: the columns wanted and found are named.
    """
    table = read_table(path, options=options)
    missing = [n.replace("|", " or ") for n in needs if not set(n.split("|")) & set(table.header)]
    if missing:
        raise GateError(
            f"{path}: no column {', '.join(missing)}; found: {', '.join(table.header)}. Import it as 'incidents', and"
            " name columns called otherwise with --column event_id=…"
        )
    refusals = list(table.refusals)
    kept: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for line, cells in table.rows:
        try:
            found = _complete(record(cells, options), cells)
        except GateError as error:
            why, _, way_out = str(error).partition(": ")
            refusals.append(Refusal(line, why, way_out, cells))
            continue
        first = seen.setdefault(found["event_id"], line)
        if first != line:
            why = f"id {found['event_id']!r} used twice"
            refusals.append(Refusal(line, why, f"row {first} has it first; give each event its own", cells))
            continue
        kept.append(found | {"row": line})
    return Rows(_frame(kept), len(table.rows) + len(table.refusals), refusals=tuple(refusals))


def _complete(found: dict[str, Any], cells: Row) -> dict[str, Any]:
    """A whole record: every column, the point checked to be one, and the row as it stood."""
    for name in ("latitude", "longitude"):
        if found.get(name) is None:
            raise GateError(f"no {name}: geocode the place, or leave the row out")
    if not found.get("event_id"):
        raise GateError("no event id: give each event its own")
    if not found.get("date_start"):
        raise GateError("no event date: an incident is an event of a day")
    end = found.get("date_end")
    if end and end < found["date_start"]:
        raise GateError(f"date_end {end} is before date_start {found['date_start']}: swap them, or mend the wrong one")
    orig = json.dumps(dict(cells), ensure_ascii=False)
    return dict.fromkeys(INCIDENT_COLUMNS) | found | {"orig": orig}


def _frame(records: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(records, columns=[*INCIDENT_COLUMNS, "row"], dtype=object)
    frame = frame.astype({"row": int, **dict.fromkeys(INCIDENT_NUMBERS, float)})
    points = shapely.points(frame["longitude"].to_numpy(), frame["latitude"].to_numpy())
    return gpd.GeoDataFrame(frame, geometry=points, crs=CRS)


def text(row: Row, name: str) -> str | None:
    """A cell's text; None where it is blank, or says that it is (``NA``).

    Raises
    ------
    GateError
        Never.
    """
    value = row.get(name, "").strip()
    return None if value in ("", "NA") else value


def count(row: Row, name: str, options: Options) -> float | None:
    """A cell's number, None where it is blank.

    Raises
    ------
    GateError
        It is no number, or not a finite one.
    """
    value = number(text(row, name), options=options)
    if value is not None and not math.isfinite(value):
        raise GateError(f"{name} {row[name]!r} is no finite number: leave it blank where it is not known")
    return value


def day(row: Row, name: str) -> str | None:
    """A cell's date as ISO 8601, None where it is blank.

    Raises
    ------
    GateError
        It is no date that the calendar has.
    """
    value = text(row, name)
    if value is None:
        return None
    for form in _DAY_FORMATS:
        # strptime would read 2025111 as 2025-11-01
        if form == "%Y%m%d" and len(value) != len("YYYYMMDD"):
            continue
        try:
            return datetime.strptime(value, form).date().isoformat()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        raise GateError(f"{name} {value!r} cannot be read: write it as YYYY-MM-DD") from None
