"""ACLED's event table (31 columns, and shorter exports of it)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Row, count, day, read_rows, text

# the 31 columns of an export, in its order
COLUMNS = (
    "event_id_cnty", "event_date", "year", "time_precision", "disorder_type", "event_type", "sub_event_type", "actor1",
    "assoc_actor_1", "inter1", "actor2", "assoc_actor_2", "inter2", "interaction", "civilian_targeting", "iso",
    "region", "country", "admin1", "admin2", "admin3", "location", "latitude", "longitude", "geo_precision", "source",
    "source_scale", "notes", "fatalities", "tags", "timestamp",
)  # fmt: skip
SAME = (
    "event_type", "sub_event_type", "actor1", "actor2", "assoc_actor_1", "assoc_actor_2", "inter1", "inter2",
    "civilian_targeting", "iso", "country", "source", "source_scale", "notes", "tags",
)  # fmt: skip
# ours -> ACLED's
RENAMED = {"event_id": "event_id_cnty", "adm_1": "admin1", "adm_2": "admin2", "where_coordinates": "location"}
# time_precision 1 day, 2 week, 3 month -> UCDP date_prec 1 day, 3 week, 4 month
DATE_PREC = {1.0: 1.0, 2.0: 3.0, 3.0: 4.0}

# how a tag begins in which our export carries what ACLED has no column for
CARRIED = "geo:"


def read(path: Path, options: Options) -> Rows:
    """Read an export of ACLED."""
    needs = ("event_date", "latitude", "longitude", "event_id_cnty|event_type|fatalities")
    return read_rows(
        path,
        options,
        record=_record,
        needs=needs,
        columns=COLUMNS,
        ids="event_id_cnty",
        made_from="acled",
        newer="timestamp",
    )


def _record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {name: text(row, name) for name in SAME}
    found |= {ours: text(row, theirs) for ours, theirs in RENAMED.items()}
    found |= {name: count(row, name, options) for name in ("latitude", "longitude", "geo_precision")}
    found["date_start"] = found["date_end"] = day(row, "event_date")
    found["date_prec"] = DATE_PREC.get(count(row, "time_precision", options) or 0.0)
    found["best"] = count(row, "fatalities", options)
    return found | _carried(found, options)


def _carried(found: dict[str, Any], options: Options) -> dict[str, Any]:
    """What our own export put into the tags, as ACLED has no columns for it."""
    tags = (found["tags"] or "").split("; ")
    carried = dict(tag.removeprefix(CARRIED).partition("=")[::2] for tag in tags if tag.startswith(CARRIED))
    if not carried:
        return {}
    cells = {name: unquote(value) for name, value in carried.items() if name in (*INCIDENT_TEXT, *INCIDENT_NUMBERS)}
    rest = "; ".join(tag for tag in tags if not tag.startswith(CARRIED))
    back: dict[str, Any] = {n: count(cells, n, options) if n in INCIDENT_NUMBERS else v for n, v in cells.items()}
    return back | {"tags": rest or None}


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
    date(1997, 1, 1),
)
