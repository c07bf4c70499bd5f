"""Our own tables of incidents: the columns of the schema, the short form that a desk types, and review files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from geo.errors import GateError, UsageError
from geo.formats.geojson import read_bytes
from geo.formats.tables import defused, read_table
from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, Options, Refusal, Rows
from geo.sources.base import shipped_reader
from geo.sources.incident_rows import Raw, Row, count, day, gather, read_rows, text

_DATES = ("date_start", "date_end", "report_date")
# the short form -> the schema
SHORT = {"id": "event_id", "event_date": "date_start", "date": "date_start", "place": "where_coordinates"}


def read(path: Path, options: Options) -> Rows:
    unknown = sorted({*options.columns, *options.constants} - {*INCIDENT_TEXT, *INCIDENT_NUMBERS})
    if unknown:
        ours = ", ".join((*INCIDENT_TEXT, *INCIDENT_NUMBERS))
        raise UsageError(f"{', '.join(unknown)}: no column of incidents; there are: {ours}")
    shorts = {"event_id": "|id", "date_start": "|event_date|date", "latitude": "", "longitude": ""}
    given = options.columns
    needs = tuple(given.get(name, name) + short for name, short in shorts.items() if name not in options.constants)
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


READER = shipped_reader("incidents", read)


# -- review files: drafts of incidents, of which those rows are read that a person confirmed -----------------------

CONFIRM = "confirm"
_YES = {"y", "yes", "x", "1", "true", "ok", "✓", "✔", "t", "т", "так", "да", "д"}
_NO = {"", "n", "no", "0", "false", "-", "н", "ні", "нет"}
_REVIEWED = (CONFIRM, "event_id", "date_start", "latitude", "longitude")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


def escaped(value: Any) -> str:
    """A cell that no spreadsheet computes, and that `plain` turns back into just what it was."""
    text = "" if value is None else str(value)
    return f"'{text}" if _ESCAPED.match(text) else defused(text)


def plain(cell: str) -> str:
    """What a cell of a review file says, without the apostrophe that kept a spreadsheet from computing it."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def read_review(path: Path, options: Options) -> Rows:
    if options.delimiter is None:
        options = replace(options, delimiter=_delimiter(path))
    table = read_table(path, options=options)
    missing = [n for n in _REVIEWED if n not in table.header]
    if missing:
        found = ", ".join(table.header[:12])
        raise GateError(f"{path}: no review file of geo read: no column {', '.join(missing)}; found: {found}")
    raws: list[Raw] = []
    refusals = list(table.refusals)
    idle = 0
    for line, cells in table.rows:
        answer = cells[CONFIRM].strip().casefold()
        if answer in _NO:
            idle += 1
        elif answer in _YES:
            raws.append(Raw(line, {name: plain(cell) for name, cell in cells.items()}))
        else:
            why = f"{CONFIRM} {cells[CONFIRM]!r} is neither yes nor no"
            refusals.append(Refusal(line, why, "write y to confirm the row, or leave the cell empty", cells))
    if not raws and not refusals:
        raise GateError(f"{path}: none of its {idle} rows is confirmed: write y in the column {CONFIRM!r} of a row")
    left = {"not confirmed": idle} if idle else {}
    return gather(raws, options, record=_record, refusals=refusals, left_out=left)


def _delimiter(path: Path) -> str | None:
    """What stands after the first column's name: spreadsheets of many countries write a semicolon or a tab."""
    head = read_bytes(path)[:64].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").lstrip('"')
    after = head.removeprefix(CONFIRM).lstrip('"')[:1]
    return after if head.startswith(CONFIRM) and after in (";", "\t") else None


REVIEW = shipped_reader("review", read_review)
