"""The Uppsala Conflict Data Program's Georeferenced Event Dataset (UCDP GED)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo.schema import Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.points import Row, count, day, read_rows, text

_SAME = (
    "where_coordinates", "where_description", "adm_1", "adm_2", "country", "source_article", "source_date",
    "source_headline",
)  # fmt: skip
_NUMBERS = (
    "latitude", "longitude", "where_prec", "date_prec", "type_of_violence", "deaths_a", "deaths_b",
    "deaths_civilians", "deaths_unknown", "low", "best", "high",
)  # fmt: skip
# UCDP where_prec -> ACLED geo_precision: the place itself; near it, or its second division; coarser
_GEO_PRECISION = {1.0: 1.0, 2.0: 2.0, 3.0: 2.0, 4.0: 3.0, 5.0: 3.0, 6.0: 3.0, 7.0: 3.0}


def read(path: Path, options: Options) -> Rows:
    """Read an export of UCDP GED.

    Parameters
    ----------
    path : pathlib.Path
        CSV as UCDP gives it; whole numbers may be written as floats.
    options : Options
        Encoding, delimiter.

    Returns
    -------
    Rows
        Dates are spans; ``geo_precision`` is derived from the finer ``where_prec``.

    Raises
    ------
    FileError
        The file cannot be read.
    GateError
        Columns are missing; the message names those wanted and found.
    """
    needs = ("id", "date_start", "date_end", "latitude", "longitude", "where_prec")
    return read_rows(path, options, record=_record, needs=needs)


def _record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {name: text(row, name) for name in _SAME}
    found |= {name: count(row, name, options) for name in _NUMBERS}
    found |= {name: day(row, name) for name in ("date_start", "date_end")}
    found["event_id"] = (text(row, "id") or "").removesuffix(".0") or None
    found["actor1"], found["actor2"] = text(row, "side_a"), text(row, "side_b")
    found["source"] = text(row, "source_office") or text(row, "source_original")
    found["event_clarity"] = (text(row, "event_clarity") or "").removesuffix(".0") or None
    found["geo_precision"] = _GEO_PRECISION.get(found["where_prec"])
    sources = count(row, "number_of_sources", options)
    found["number_of_sources"] = None if sources is None or sources < 0 else sources
    return found


READER = Reader(
    Source(
        "ucdp-ged",
        "UCDP Georeferenced Event Dataset",
        "https://ucdp.uu.se/",
        "CC BY 4.0",
        "Uppsala Conflict Data Program (Sundberg and Melander 2013; Davies and others)",
    ),
    "incidents",
    read,
)
