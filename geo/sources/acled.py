"""ACLED's event table (31 columns, and shorter exports of it)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo.schema import Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.points import Row, count, day, read_rows, text

_SAME = (
    "event_type", "sub_event_type", "actor1", "actor2", "assoc_actor_1", "assoc_actor_2", "inter1", "inter2",
    "civilian_targeting", "iso", "country", "source", "source_scale", "notes", "tags",
)  # fmt: skip
_RENAMED = {"event_id": "event_id_cnty", "adm_1": "admin1", "adm_2": "admin2", "where_coordinates": "location"}
# time_precision 1 day, 2 week, 3 month -> UCDP date_prec 1 day, 3 week, 4 month
_DATE_PREC = {1.0: 1.0, 2.0: 3.0, 3.0: 4.0}


def read(path: Path, options: Options) -> Rows:
    """Read an export of ACLED.

    Parameters
    ----------
    path : pathlib.Path
        CSV as ACLED gives it; a literal ``NA`` is a blank.
    options : Options
        Encoding, delimiter.

    Returns
    -------
    Rows
        ``fatalities`` becomes ``best`` alone, ``geo_precision`` stays what it is (it is coarser than ``where_prec``,
        which is left empty), ``time_precision`` becomes ``date_prec``.

    Raises
    ------
    FileError
        The file cannot be read.
    GateError
        Columns are missing; the message names those wanted and found.
    """
    needs = ("event_id_cnty", "event_date", "latitude", "longitude")
    return read_rows(path, options, record=_record, needs=needs)


def _record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {name: text(row, name) for name in _SAME}
    found |= {ours: text(row, theirs) for ours, theirs in _RENAMED.items()}
    found |= {name: count(row, name, options) for name in ("latitude", "longitude", "geo_precision")}
    found["date_start"] = found["date_end"] = day(row, "event_date")
    found["date_prec"] = _DATE_PREC.get(count(row, "time_precision", options) or 0.0)
    found["best"] = count(row, "fatalities", options)
    return found


READER = Reader(
    Source(
        "acled",
        "ACLED, Armed Conflict Location & Event Data",
        "https://acleddata.com/",
        "ACLED's terms of use: attribution, no redistribution of the raw data",
        "ACLED",
    ),
    "incidents",
    read,
)
