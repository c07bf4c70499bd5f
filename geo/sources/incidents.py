"""Our own table of incidents: the columns of the schema, or the short form that a desk types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo.errors import UsageError
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Row, count, day, read_rows, text

_DATES = ("date_start", "date_end", "report_date")
# the short form -> the schema
SHORT = {"id": "event_id", "event_date": "date_start", "date": "date_start", "place": "where_coordinates"}


def read(path: Path, options: Options) -> Rows:
    """Read a table of incidents."""
    unknown = sorted({*options.columns, *options.constants} - {*INCIDENT_TEXT, *INCIDENT_NUMBERS})
    if unknown:
        ours = ", ".join((*INCIDENT_TEXT, *INCIDENT_NUMBERS))
        raise UsageError(f"{', '.join(unknown)}: no column of incidents; there are: {ours}")
    shorts = {"event_id": "|id", "date_start": "|event_date|date", "latitude": "", "longitude": ""}
    needs = tuple(
        options.columns.get(name, name) + short for name, short in shorts.items() if name not in options.constants
    )
    columns = (*options.columns.values(), *INCIDENT_TEXT, *INCIDENT_NUMBERS, *_DATES, *SHORT)
    # a column mapped by name has to be there: a slip of the pen would leave it blank without a word
    mapped = tuple(theirs for ours, theirs in options.columns.items() if ours not in shorts)
    return read_rows(path, options, record=_record, needs=needs + mapped, columns=columns)


def _record(row: Row, options: Options) -> dict[str, Any]:
    cells = dict(row)
    for short, ours in SHORT.items():
        # a column under its full name counts before the short one
        if not cells.get(ours, "").strip():
            cells[ours] = row.get(short, "")
    cells |= {ours: row.get(name, "") for ours, name in options.columns.items()}
    cells |= options.constants
    found: dict[str, Any] = {name: text(cells, name) for name in INCIDENT_TEXT if name in cells}
    found |= {name: count(cells, name, options) for name in INCIDENT_NUMBERS if name in cells}
    found |= {name: day(cells, name) for name in _DATES}
    found["date_end"] = found["date_end"] or found["date_start"]
    return found


READER = Reader(
    Source("incidents", "Incidents of the desk", attribution="sources named with each incident"), "incidents", read
)
