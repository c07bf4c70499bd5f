"""Tables of incidents: cells to values, rows to points or refusals; our own tables, the short form, review files."""

from __future__ import annotations

import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError, UsageError
from geo.formats.dates import read_instant
from geo.formats.geojson import read_bytes
from geo.formats.layers import cell, read_layer
from geo.formats.tables import Stream, defused, number, open_table, read_table
from geo.formats.zips import MAGIC, choose, unpack
from geo.schema import (
    CRS,
    INCIDENT_COLUMNS,
    INCIDENT_NUMBERS,
    INCIDENT_PEOPLE,
    INCIDENT_TEXT,
    INCIDENT_WHOLE,
    Options,
    Refusal,
    Rows,
    number_of,
)  # fmt: skip
from geo.sources.base import day_number, shipped_reader
from geo.text.control_words import without_invisible

PART_ROWS = 25_000
POINTS = (".geojson", ".geojsonl", ".ndjson", ".gpkg", ".shp", ".fgb", ".kml", ".kmz")  # geodata that are no tables
Row = Mapping[str, str]
STATED_FORM = " date_format"  # a cell beside those of the file: how its dates are written, where that is stated
Record = Callable[[Row, Options], dict[str, Any]]
_DAY_FORMATS = (
    "%Y-%m-%d", "%d %B %Y", "%Y%m%d", "%d.%m.%Y", "%Y.%m.%d", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d-%B-%Y",
    "%d %B, %Y", "%B %d, %Y", "%b %d, %Y",
)  # fmt: skip
# what a spreadsheet writes into a cell that has lost its formula's source
_LARGEST = 2**31 - 1  # what the column types of other programs take
_BROKEN = ("#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!")
_FORMULA = ("'=", "'+", "'-", "'@")


class Raw(NamedTuple):
    """A row as a file has it: its number, its cells as text, and (where that is more) the whole of it for ``orig``."""

    row: int
    cells: Row
    orig: Any = None


@dataclass
class _Said:
    """What is to be said of rows that were kept: ids made here, by id, and rows with a spreadsheet's apostrophes."""

    made: Counter[str] = field(default_factory=Counter)
    quoted: int = 0


def read_rows(
    path: Path, options: Options, *, record: Record, needs: tuple[str, ...], columns: Iterable[str] = (), ids: str = "",
    made_from: str = "", newer: str = "",
) -> Rows:  # fmt: skip
    """Read a table of incidents, row by row; of rows with one id the last by the column `newer` counts."""
    table = _opened(path, options)
    _refuse_counts(path, table.header)
    names = _called(table.header, [*(name for need in needs for name in need.split("|")), *columns])
    header = [names.get(name, name) for name in table.header]
    missing = [n.replace("|", " or ") for n in needs if not set(n.split("|")) & set(header)]
    if missing:
        raise GateError(
            f"{path}: no column {', '.join(missing)}; found: {', '.join(table.header)}. Import it as 'incidents', and"
            " name columns called otherwise with --column event_id=…"
        )
    older = _older(path, options, names, ids, newer) if {ids, newer} <= set(header) else set()
    kept = (row for row in table.rows if (row.row if isinstance(row, Refusal) else row[0]) not in older)
    raws = (row if isinstance(row, Refusal) else _raw(*row, names) for row in kept)
    made = made_from if made_from and ids not in header else ""
    left = {f"an older state of an event that is in the file again with a later {newer}": len(older)} if older else {}
    return gather(raws, options, record=record, made_from=made, left_out=left, notes=table.notes)


def _opened(path: Path, options: Options) -> Stream:
    """A table of incidents, or a geodata file as one: coordinates that no column gives are those of the shape."""
    is_map = path.suffix.lower() == ".json" and b'"features"' in read_bytes(path)[:100_000]
    if path.suffix.lower() not in POINTS and not is_map:
        return open_table(path, options=options, raw=_unpacked_table(path, options.layer))
    layer = read_layer(path, options=options)
    names = list(map(str, layer.table.columns))
    missing = [name for name in ("latitude", "longitude") if name not in {_folded(known) for known in names}]
    rows = []
    for at, (cells, shape) in enumerate(zip(layer.table.itertuples(index=False), layer.geometry, strict=True), 1):
        point = None if shape is None or shape.is_empty else shape.centroid
        places = {"latitude": "", "longitude": ""} if point is None else {"latitude": point.y, "longitude": point.x}
        values = [cell(value) or "" for value in cells]
        rows.append((at, dict(zip(names, values, strict=True)) | {name: str(places[name]) for name in missing}))
    return Stream((*names, *missing), iter(rows), layer.notes)


def _unpacked_table(path: Path, layer: str | None) -> bytes:
    """The one table in a zip archive; a spreadsheet's own file, which is one too, has none."""
    raw = read_bytes(path)
    if not raw.startswith(MAGIC) or path.suffix.lower() != ".zip":
        return raw
    contents = unpack(path, raw=raw)
    tables = [name for name in contents if name.lower().endswith((".csv", ".tsv", ".json"))]
    return contents[choose(path, tables, layer, what="tables", files=True)[0]] if tables else raw


def _called(header: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """Columns written in other cases, or with blanks, by the names that they are read under."""
    listed = list(wanted)
    names = {_folded(name): name for name in reversed(listed)}
    found: dict[str, str] = {}
    for column in header:
        name = None if column in listed else names.get(_folded(column))
        if name is not None and name not in header and name not in found.values():
            found[column] = name
    return found


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "_", without_invisible(name).strip(" '").casefold())


def _raw(row: int, cells: Row, names: Mapping[str, str]) -> Raw:
    """A row under the names that are read; its own are kept with it."""
    return Raw(row, {names.get(name, name): cell for name, cell in cells.items()}, cells) if names else Raw(row, cells)


def _refuse_counts(path: Path, header: Sequence[str]) -> None:
    """A table that counts the events of a time and a unit has no events in it."""
    names = set(map(_folded, header))
    if "events" in names and names & {"week", "month", "month_year", "year"} and not names & {
        "event_id_cnty", "event_id", "event_date"
    }:  # fmt: skip
        raise GateError(
            f"{path}: counts of events, such as ACLED's weekly aggregates (a row is the EVENTS of a week in a unit):"
            " no event is in it; export the events themselves, one a row"
        )


def _older(path: Path, options: Options, names: Mapping[str, str], ids: str, newer: str) -> set[int]:
    """The rows whose event stands in the file again with a later time of change."""
    last: dict[str, tuple[float, int]] = {}
    older: set[int] = set()
    theirs = {name: column for column, name in names.items()}
    for row in _opened(path, options).rows:
        if isinstance(row, Refusal):
            continue
        number, cells = row
        key, when = (cells[theirs.get(name, name)].strip() for name in (ids, newer))
        time = _time(when)
        if not key or time is None:
            continue
        before = last.setdefault(key, (time, number))
        if time > before[0]:
            older.add(before[1])
            last[key] = (time, number)
        elif time < before[0]:
            older.add(number)
    return older


def _time(text: str) -> float | None:
    """Seconds since 1970, or an instant in ISO 8601."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def gather(
    raws: Iterable[Raw | Refusal], options: Options, *, record: Record, made_from: str = "",
    refusals: Sequence[Refusal] = (), left_out: Mapping[str, int] | None = None, notes: Sequence[str] = (),
) -> Rows:  # fmt: skip
    """Rows of whatever file, as points with the columns of the schema."""
    said = _Said()
    told = _told(raws, options, record, made_from, said)
    first = list(islice(told, PART_ROWS))
    left = dict(left_out or {})
    if len(first) < PART_ROWS:
        return _part(first, refusals, left, (*notes, *_made_words(made_from, said)))
    return replace(_part(first, refusals, left, tuple(notes)), more=_further(told, made_from, said))


def _further(told: Iterator[dict[str, Any] | Refusal], made_from: str, said: _Said) -> Iterator[Rows]:
    while some := list(islice(told, PART_ROWS)):
        yield _part(some)
    if said.made or said.quoted:
        yield _part([], notes=_made_words(made_from, said))


def _part(
    told: Sequence[dict[str, Any] | Refusal], refusals: Sequence[Refusal] = (), left: Mapping[str, int] | None = None,
    notes: tuple[str, ...] = (),
) -> Rows:  # fmt: skip
    kept = [row for row in told if not isinstance(row, Refusal)]
    turned = tuple(row for row in told if isinstance(row, Refusal))
    rows_in = len(told) + len(refusals) + sum((left or {}).values())
    return Rows(_frame(kept), rows_in, left or {}, (*refusals, *turned), notes=notes)


def _told(
    raws: Iterable[Raw | Refusal], options: Options, record: Record, made_from: str, said: _Said
) -> Iterator[dict[str, Any] | Refusal]:
    """Each row as our columns, or why it is refused; `said` counts the rows that are given an id here, by that id."""
    seen: dict[str, int] = {}  # id -> its place in the two lists
    rows, says = array("q"), array("q")
    for raw in raws:
        if isinstance(raw, Refusal):
            yield raw
            continue
        orig = json.dumps(dict(raw.cells) if raw.orig is None else raw.orig, ensure_ascii=False)
        said.quoted += "'" in orig and any(c[:1] == "'" and c[1:2].isdigit() for c in raw.cells.values())
        try:
            stated = {STATED_FORM: options.date_format} if options.date_format else {}
            found = record({**raw.cells, **stated}, options)
            if found.get("country") is None and _is_namibia(raw.cells, found, options):
                found["country"] = "NA"
            if made_from and not found.get("event_id"):
                made = f"{made_from}-{sha256(orig.encode()).hexdigest()[:12]}"
                said.made[made] += 1
                found["event_id"] = made if said.made[made] == 1 else f"{made}-{said.made[made]}"
            _check(found)
        except GateError as error:
            why, _, way_out = str(error).partition(": ")
            yield Refusal(raw.row, why, way_out, raw.cells)
            continue
        # of what a row says its hash is kept: a million rows need no memory
        at = seen.setdefault(found["event_id"], len(rows))
        if at < len(rows):
            way = f"row {rows[at]} has it first; give each event its own"
            way = "it says the same: leave it out" if hash(orig) == says[at] else way
            yield Refusal(raw.row, f"id {found['event_id']!r} used twice", way, raw.cells)
            continue
        rows.append(raw.row)
        says.append(hash(orig))
        yield found | {"row": raw.row, "orig": orig}


def _made_words(made_from: str, said: _Said) -> tuple[str, ...]:
    twins = sum(said.made.values()) - len(said.made)
    made = [f"no ids in the file: made from what each row says ({made_from}-…)"] if said.made else []
    if said.quoted:
        made.append(f"a spreadsheet's apostrophe before a number or a date left out in {number_of(said.quoted, 'row')}")
    return (*made, *([f"{twins} rows say the same as one before them: kept, numbered"] if twins else []))


def _is_namibia(cells: Row, found: Mapping[str, Any], options: Options) -> bool:
    """Whether the country ``NA`` is the code of Namibia: the point lies there. Elsewhere it says "not known"."""
    if cells.get(options.columns.get("country", "country"), "").strip() != "NA" or options.locate is None:
        return False
    x, y = found.get("longitude"), found.get("latitude")
    if x is None or y is None or not (11 < x < 26 and -30 < y < -16):
        return False
    return bool(options.locate(np.array([x]), np.array([y]))[0] == "NA")


def _check(found: dict[str, Any]) -> None:
    """Refuse what is no incident: without a point, an id or a day."""
    for name in ("latitude", "longitude"):
        if found.get(name) is None:
            raise GateError(f"no {name}: geocode the place, or leave the row out")
    if not found.get("event_id"):
        raise GateError("no event id: give each event its own")
    if not found.get("date_start"):
        raise GateError("no event date: an incident is an event of a day")
    for name in INCIDENT_WHOLE:
        if (value := found.get(name)) is not None:
            # a code below 0 is a source's way to say "not known"
            if name in INCIDENT_PEOPLE and value < 0:
                raise GateError(f"{name} {value:g} is below 0: leave it blank where it is not known")
            if value != int(value):
                raise GateError(f"{name} {value:g} is no whole number: leave it blank where it is not known")
            if abs(value) > _LARGEST:
                raise GateError(f"{name} {value:g} is beyond {_LARGEST:,}: mend it, or leave it blank")
    if (found.get("uncertainty_km") or 0.0) < 0:
        raise GateError(f"uncertainty_km {found['uncertainty_km']:g} is below 0: leave it blank where it is not known")
    end = found.get("date_end")
    if end and end < found["date_start"]:
        raise GateError(f"date_end {end} is before date_start {found['date_start']}: swap them, or mend the wrong one")


def _frame(records: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    held = {
        name: np.array([r.get(name) for r in records], dtype=float if name in INCIDENT_NUMBERS else object)
        for name in INCIDENT_COLUMNS
    }
    held["row"] = np.array([r["row"] for r in records], dtype=int)
    frame = pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in held.items()})
    return gpd.GeoDataFrame(frame, geometry=shapely.points(held["longitude"], held["latitude"]), crs=CRS)


def text(row: Row, name: str) -> str | None:
    """A cell's text; None where it is blank, or says that it is (``NA``)."""
    value = row.get(name, "").strip()
    if value[:1] == "'" and (value[:2] in _FORMULA or value[1:2].isdigit()):
        return value[1:]  # a spreadsheet's mark of text
    return None if value in ("", "NA") or value in _BROKEN else value


def joined(values: Iterable[str | None]) -> str | None:
    """Texts as one, each once, in their order; None where there are none."""
    return "; ".join(dict.fromkeys(v for v in values if v)) or None


def count(row: Row, name: str, options: Options) -> float | None:
    """A cell's number, None where it is blank."""
    value = number(text(row, name), options=options)
    if value is not None and not math.isfinite(value):
        raise GateError(f"{name} {row[name]!r} is no finite number: leave it blank where it is not known")
    return value


def day(row: Row, name: str, *, form: str | None = None) -> str | None:
    """A cell's date as ISO 8601, None where it is blank."""
    value = text(row, name)
    if value is None:
        return None
    stated = row.get(STATED_FORM)
    found = read_instant(value, form=stated).date().isoformat() if stated else _day(value, form)
    if found is None:
        if (meant := day_number(value)) is not None:
            raise GateError(f"{name} {value!r} may be a spreadsheet's day number for {meant}: write it as YYYY-MM-DD")
        raise GateError(f"{name} {value!r} cannot be read: write it as YYYY-MM-DD")
    return found


@lru_cache(maxsize=50_000)
def _day(value: str, form: str | None) -> str | None:
    for each in (form, *_DAY_FORMATS):
        # strptime would read 2025111 as 2025-11-01
        if each is None or (each == "%Y%m%d" and len(value) != len("YYYYMMDD")):
            continue
        try:
            return datetime.strptime(value, each).date().isoformat()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        pass
    try:
        return read_instant(value).date().isoformat()
    except GateError:
        return None


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
