"""A desk's own control polygons, in any geodata file: columns, words and credits as the desk writes them."""

from __future__ import annotations

import re
import shlex
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.assets import read_toml as shipped_toml
from geo.errors import FileError, GateError, UsageError
from geo.formats.dates import date_in_name, is_of_editing, read_instant
from geo.formats.geojson import MIB, read_bytes
from geo.formats.layers import Layer, cell, read_layer
from geo.formats.limits import NAMED, capped, refuse_too_many
from geo.formats.tables import said_of_garbled
from geo.measure.ellipsoid import km2_of
from geo.presentation.sides import shipped_code, shipped_sides
from geo.presentation.statuses import STATUSES, status_of
from geo.schema import CRS, Options, Refusal, Snapshot, Source, parse_instant
from geo.sources.base import by_dates, day_number, meanings, refuse_several_dates, shipped_reader
from geo.text.control_words import without_invisible

_ALSO: Mapping[str, Sequence[str]] = shipped_toml("vector_columns.toml")
# small Cyrillic and Greek letters that look like Latin ones
_ALIKE = str.maketrans("асеіјкмнорѕтухгԛԝвαβεικνορτυχ", "aceijkmhopstyxrqwbabeiknoptux")
# how programs write a cell in which nothing stands; NA is Namibia
_MISSING = ("none", "null", "nan", "n/a", "<null>", "(null)", "nil", "#n/a", "<na>", "-", "--", "\u2013", "\u2014", "?")
# an end that has not come
_OPEN = (
    "present", "now", "ongoing", "current", "open", "today", "to date", "нині", "зараз", "донині", "сейчас", "н.в",
    "по н.в", "по настоящее время", *_MISSING,
)  # fmt: skip
_TEXTS = ("date", "date_format", "published", "retrieved", "layer", "part", "encoding", "delimiter", "decimal", "crs")
_TABLES = ("columns", "constants", "statuses")
_CREDITS = ("name", "title", "url", "licence", "attribution")
_NO_AREA = "points and lines go into the incidents or stay out"


TOML_LIMIT = 1 * MIB
_DOTS = 40
# what columns are often called, beside the names that are read without being named
_LIKELY = {
    "controller": ("who", "holder", "owner", "actor", "party", "faction", "group", "occupier", "country"),
    "status": ("state", "class", "kind", "type", "category", "level", "zone", "legend", "label", "name"),
}
# different words that a column of sides or statuses has at most
_MOST_WORDS = 40
_LONG_KEY = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{_DOTS + 1}}}""")
_LONG_NUMBER = re.compile(r"(?<!\w)0[xob][\da-fA-F_]{80}")  # of which Python makes a number that it does not print


def load_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says."""
    try:
        text = read_bytes(path, limit=TOML_LIMIT).decode("utf-8-sig")
        if _LONG_KEY.search(text):  # Python's own reader takes the square of their number
            raise FileError(f"{path}: too much of dots in one key: the limit is {_DOTS}")
        if _LONG_NUMBER.search(text):
            raise FileError(f"{path}: too much of digits in one number: the limit is 64 bits")
        return tomllib.loads(text)
    except RecursionError:
        raise FileError(f"{path}: brackets nested too deeply: no settings need that") from None
    except ValueError as error:  # also a number of thousands of digits
        raise FileError(f"{path}: not TOML in UTF-8: {error}") from None


def read(path: Path, options: Options) -> list[Snapshot]:
    layer = read_layer(path, options=options)
    count = len(layer.geometry)
    if not count and "empty" not in options.accept:
        raise GateError(
            f"{path}: no features: is the download whole? --accept empty stores a snapshot in which nobody holds"
            " anything"
        )
    columns = {name: _column(path, layer, options, name) for name in _ALSO}
    if columns["end"] is not None and "date" not in {*options.columns, *options.constants}:
        columns["date"] = columns["date"] or columns["begin"]
    columns["controller"], spelt = _one_spelling(columns["controller"])
    columns["status"] = [_plain_text(word) for word in columns["status"] or ()] or None
    without_area = _no_areas(layer)
    _refuse_unknown(path, layer, options, columns, without_area)
    moments, notes = _dates(path, layer, options, columns["date"], has_ends=any(columns["end"] or ()))
    ends = [_end(path, text, row, options) for row, text in enumerate(columns["end"] or (), 1)]
    refusals = without_area
    for row, moment in enumerate(moments, 1):
        if moment is None and row not in refusals:
            refusals[row] = _refusal(layer, row, "no date", "fill it in, or say --date for the whole file")
    rows = [row for row in range(1, count + 1) if row not in refusals]
    frame, more, said = _frame(layer, options, columns, rows)
    refusals |= more
    told = (*layer.notes, *notes, *spelt, *said)
    turned = tuple(refusals[row] for row in sorted(refusals))
    depicts = next((moment for moment in moments if moment is not None), datetime.now(UTC))
    if columns["country"] is not None:
        frame["country"] = [columns["country"][row - 1] for row in frame["row"]]
    whole = Snapshot(
        frame, depicts, count, refusals=turned, repairs=layer.repairs, notes=told, file_name=f"{path.stem} {layer.name}"
    )
    return (
        by_dates(whole, moments, ends if options.date is None else (), accept=options.accept)
        if any(moments)
        else [whole]
    )


def read_toml(path: str | Path) -> tuple[Source | None, Options]:
    """Read how a desk's files are written, and whom to credit, from a TOML file."""
    path = Path(path)
    return read_settings(path, load_toml(path))


def read_settings(path: Path, document: Mapping[str, Any]) -> tuple[Source | None, Options]:
    """How files are written and whom to credit, from a TOML document that has been read."""
    _known(path, document, ("source", *_TABLES, *_TEXTS, "accept"), "")
    given: dict[str, Any] = {key: _texts(path, document[key], key) for key in _TABLES if key in document}
    given |= {key: _plain(path, document[key], key) for key in _TEXTS if key in document}
    if "accept" in document:
        accepted = document["accept"]
        if not isinstance(accepted, list):
            raise UsageError(f'{path}: accept is a list of words, such as ["future"]')
        given["accept"] = frozenset(_plain(path, word, "accept") for word in accepted)
    return _source(path, document), Options(**given)


def _source(path: Path, document: Mapping[str, Any]) -> Source | None:
    if "source" not in document:
        return None
    table = dict(document["source"]) if isinstance(document["source"], dict) else document["source"]
    covers = table.pop("covers", []) if isinstance(table, dict) else []
    if not isinstance(covers, list):
        raise UsageError(f'{path}: [source] covers is a list of units, such as ["UA-14", "Kursk"]')
    credits = _texts(path, table, "source")
    _known(path, credits, (*_CREDITS, "covers"), "[source] ")
    name = credits.pop("name", "")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", name):
        raise UsageError(f"{path}: [source] name {name!r}: a short word in small letters is wanted, such as our-desk")
    named = [_plain(path, unit, "source.covers") for unit in covers]
    return Source(name, credits.pop("title", name), **credits, covers=named)


def _known(path: Path, found: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in found:
        if key not in keys:
            raise UsageError(f"{path}: {where}{key!r} means nothing here; the known keys: {', '.join(keys)}")


def _texts(path: Path, table: Any, name: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is a table: write [{name}]")
    return {key: _plain(path, value, f"{name}.{key}") for key, value in table.items()}


def _plain(path: Path, value: Any, name: str) -> str:
    """TOML has dates of its own; they are taken as the text they stand for."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if not isinstance(value, str):
        raise UsageError(f"{path}: {name} is {value!r}: a text in quotation marks is wanted")
    return value


def _column(path: Path, layer: Layer, options: Options, name: str) -> list[str | None] | None:
    """The cells of one of our columns: a constant, the column that was named, or one of the usual names."""
    count = len(layer.geometry)
    if name in options.constants:
        return [options.constants[name]] * count
    found = {_squeezed(column): column for column in reversed(layer.table.columns)}
    found |= {str(column).casefold(): column for column in layer.table.columns}
    named = options.columns.get(name)
    listed = ", ".join(map(str, layer.table.columns)) or "none"
    if named is not None and named.casefold() not in found:
        raise GateError(f"{path}: no column {named!r} for {name}; the file has: {listed}")
    usual = next((key for also in _ALSO[name] for key in (also, _squeezed(also)) if key in found), None)
    chosen = named.casefold() if named is not None else usual
    if chosen is not None:
        values = layer.table[found[chosen]]
        if name == "controller" and (at := next((i for i, v in enumerate(values, 1) if isinstance(v, list | dict)), 0)):
            raise GateError(f"{path}: row {at}: {name} is a list or an object, not a name: write one side as text")
        cells = [cell(value) for value in values]
        is_asked = named is not None or name not in ("end", "begin")
        return cells if is_asked or any(map(_date_of, cells)) else None
    return None


def _refuse_unknown(
    path: Path,
    layer: Layer,
    options: Options,
    columns: Mapping[str, list[str | None] | None],
    passed: Mapping[int, Any],
) -> None:
    """Refuse a file whose sides, statuses or date are not known: all that is missing, and the command that says it."""
    faults: list[str] = []
    wanted: list[str] = []
    mapping = meanings(options.statuses)
    has_rows = len(layer.geometry) > 0
    guessed = _guesses(layer, options)
    if has_rows and columns["controller"] is None and not any(side for side, _ in mapping.values()):
        faults.append(f"no column for controller (wanted: {' or '.join(_ALSO['controller'])})")
        wanted.append(f"--column controller={guessed.get('controller', 'COLUMN')}")
    words = columns["status"]
    if has_rows and words is None:
        faults.append(f"no column for status (wanted: {' or '.join(_ALSO['status'])})")
        wanted.append(f"--column status={guessed.get('status', 'COLUMN')}")
        words = _cells(layer, guessed["status"]) if "status" in guessed else []
    rows = {word: row for row, word in reversed(list(enumerate(words or (), 1))) if row not in passed}
    for word, row in reversed(rows.items()):
        key = (word or "").casefold()
        if word is None:
            faults.append(f"row {row}: no status; --set status=STATUS gives one value for all rows")
        elif mapping.get(key, (None, key))[1] not in STATUSES:
            faults.append(f"row {row}: status {word!r} is unknown")
            wanted.append(shlex.quote(f"--status-map={word}=STATUS"))
    if options.date is None and not any(columns["date"] or ()) and _date_in_names(path, layer) is None:
        faults.append("no date (in a column that is named so, or in the file's name)")
        wanted.append(f"--column date={guessed['date']}" if "date" in guessed else "--date YYYY-MM-DD")
    if not faults:
        return
    known = f"; STATUS is one of {', '.join(STATUSES)}" if any("status" in fault for fault in faults) else ""
    is_short = any("no column" in fault for fault in faults)
    values = "; --set NAME=VALUE in place of --column gives one value for all rows" if is_short else ""
    listed = ", ".join(map(str, layer.table.columns)) or "none"
    command = " ".join((shlex.quote(str(path)), *_options_given(options), *wanted))
    raise GateError(
        f"{path}: {'; '.join(capped(faults))}. The file's columns: {listed}. Say: geo import ARCHIVE vector {command}"
        f"{known}{values}"
    )


def _options_given(options: Options) -> list[str]:
    """The options of the command that were given, as they are written."""
    tables = (("column", options.columns), ("set", options.constants), ("status-map", options.statuses))
    texts = [f"--{name}={key}={value}" for name, table in tables for key, value in table.items()]
    for name in ("date", "layer", "crs", "delimiter", "decimal"):
        if value := getattr(options, name):
            texts.append(f"--{name}={value}")
    return [shlex.quote(text) for text in texts]


def _guesses(layer: Layer, options: Options) -> dict[str, str]:
    """Which columns of a file look like dates, sides and statuses: offered in an error, never taken."""
    free = [str(name) for name in layer.table.columns if str(name) not in options.columns.values()]
    found: dict[str, str] = {}
    for name in free:
        cells = {plain for _, text in _filled(layer, name) if (plain := _plain_text(text))}
        if not cells or len(cells) > _MOST_WORDS:
            continue
        if "date" not in found and all(map(_date_of, cells)) and not is_of_editing(name):
            found["date"] = name
        elif "controller" not in found and all(shipped_code(text) in shipped_sides() for text in cells):
            found["controller"] = name
        elif not any(text.replace(".", "").isdecimal() for text in cells):
            found |= {ours: name for ours, names in _LIKELY.items() if ours not in found and _squeezed(name) in names}
    return found


def _cells(layer: Layer, column: str) -> list[str | None]:
    return [_plain_text(cell(value)) for value in layer.table[column]]


def _filled(layer: Layer, column: str) -> list[tuple[int, str]]:
    """The cells of a column that are not blank, each with the place of its row."""
    values = layer.table[column].to_numpy(dtype=object)
    return [(int(at), text) for at in np.flatnonzero(pd.notna(values)) if (text := cell(values[at]))]


def _squeezed(name: Any) -> str:
    """The name of a column as all ways of writing it have it: Valid To, valid-to, ValidTo."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", str(name)).casefold())


def _plain_text(text: str | None) -> str | None:
    """A cell without signs that nobody sees, its letters in one width."""
    return None if text is None else " ".join(unicodedata.normalize("NFKC", without_invisible(text)).split()) or None


def _one_spelling(cells: list[str | None] | None) -> tuple[list[str | None] | None, list[str]]:
    """Sides that differ by case, by invisible signs or by letters of another script that look alike, as one side."""
    if cells is None:
        return None, []
    refuse_too_many(
        "the file", max(map(len, filter(None, cells)), default=0), NAMED, "characters in the name of a side"
    )
    spellings: dict[str, Counter[str]] = {}
    for text in cells:
        if (plain := _plain_text(text)) is not None and plain.casefold() not in _MISSING:
            spellings.setdefault(plain.casefold().translate(_ALIKE), Counter())[text or ""] += 1
    chosen: dict[str, str] = {}
    notes: list[str] = []
    for found in spellings.values():
        best = _plain_text(min(found, key=lambda text: (not text.isascii(), -found[text], not text.isupper(), text)))
        chosen |= dict.fromkeys(found, best or "")
        notes += [f"controller {said}" for text in found if (said := said_of_garbled(text))]
        if odd := sorted(text for text in found if text != best):
            notes.append(f"controller written {', '.join(map(ascii, odd))}: taken as {best!r}")
    return [chosen.get(text or "") or None for text in cells], notes


def _dates(
    path: Path, layer: Layer, options: Options, cells: list[str | None] | None, *, has_ends: bool
) -> tuple[list[datetime | None], list[str]]:
    """The instant of every row: by the user's word, the column, the name of the file."""
    count = len(layer.geometry)
    if options.date is not None:
        notes = refuse_several_dates(path, layer.table, options, "--date says one")
        notes += ["ends of rows are not read: --date says the day of all"] if has_ends else []
        return [parse_instant(options.date)] * max(count, 1), notes
    if cells is not None and any(cells):
        begins = [_moment(path, text, row, options) for row, text in enumerate(cells, 1)]
        return begins, [] if has_ends else _perhaps_ends(layer, begins, options)
    if (found := _date_in_names(path, layer)) is not None:
        refuse_several_dates(path, layer.table, options, f"the name says {found[1]!r}")
        return [found[0]] * max(count, 1), [f"the date is read from {found[1]!r} in the name"]
    raise GateError(f"{path}: no date")


def _date_in_names(path: Path, layer: Layer) -> tuple[datetime, str] | None:
    return next((found for name in (path.stem, layer.name) if (found := date_in_name(path, name))), None)


def _moment(path: Path, text: str | None, row: int, options: Options) -> datetime | None:
    if text is None:
        return None
    try:
        return read_instant(text, form=options.date_format)
    except GateError as error:
        meant = day_number(text)
        hint = f" (a spreadsheet's day number for {meant}? write that date)" if meant else ""
        raise GateError(f"{path}: row {row}: {error}{hint}") from None


def _end(path: Path, text: str | None, row: int, options: Options) -> datetime | None:
    """When a row ends; None where it goes on: by a word, or on a day that is still to come."""
    if text is None or text.casefold().strip("() .") in _OPEN:
        return None
    end = _moment(path, text, row, options)
    return end if end is None or end <= datetime.now(UTC) or "future" in options.accept else None


def _date_of(text: str | None) -> datetime | None:
    try:
        return None if text is None or len(text) > NAMED else read_instant(text)
    except GateError:
        return None


def _perhaps_ends(layer: Layer, begins: Sequence[datetime | None], options: Options) -> list[str]:
    """What is to be said of columns whose dates may be those on which the rows end."""
    known = {_squeezed(name) for names in (_ALSO["date"], _ALSO["begin"]) for name in names}
    known |= {_squeezed(name) for name in options.columns.values()}
    notes = []
    for column in layer.table.columns:
        if _squeezed(column) in known or is_of_editing(str(column)):
            continue
        pairs = [(begin, _date_of(text)) for at, text in _filled(layer, column) if (begin := begins[at])]
        are_later = all(end is not None and end >= begin for begin, end in pairs)
        if are_later and any(end != begin for begin, end in pairs):
            notes.append(f"column {column!r} is not read: if rows end on its dates, say --column end={column}")
    return notes


def _no_areas(layer: Layer) -> dict[int, Refusal]:
    """The rows whose geometry is unreadable, missing or no area."""
    refused: dict[int, Refusal] = {}
    for row, geometry in enumerate(layer.geometry, 1):
        if row - 1 in layer.errors:
            refused[row] = _refusal(layer, row, layer.errors[row - 1], "draw it again, or leave the row out")
        elif geometry is None:
            refused[row] = _refusal(layer, row, "no geometry", "draw it, or leave the row out")
        elif not geometry.is_empty and shapely.get_dimensions(geometry) < 2:
            refused[row] = _refusal(layer, row, f"a {geometry.geom_type}: only areas are control", _NO_AREA)
    return refused


def _refusal(layer: Layer, row: int, why: str, way_out: str) -> Refusal:
    carried = {str(name): cell(value) for name, value in layer.table.iloc[row - 1].to_dict().items()}
    geometry = layer.geometry[row - 1]
    if geometry is not None:
        carried["geometry"] = geometry.wkt
    return Refusal(row, why, way_out, carried, km2_of(geometry))


def _frame(
    layer: Layer, options: Options, columns: Mapping[str, list[str | None] | None], rows: Sequence[int]
) -> tuple[gpd.GeoDataFrame, dict[int, Refusal], list[str]]:
    """The rows let through; those without a controller; and what was left out of contested ones."""
    mapping = meanings(options.statuses)
    refused: dict[int, Refusal] = {}
    made: list[tuple[int, str | None, str, str | None]] = []
    bared: list[tuple[str, str]] = []
    for row in rows:
        cells = (columns[name] for name in ("status", "controller", "native"))
        word, side, native = (None if column is None else column[row - 1] for column in cells)
        controller, status = mapping.get((word or "").casefold(), (None, (word or "").casefold()))
        controller = controller or side
        if not status_of(status).has_side and controller is not None:
            bared.append((status, controller))
            controller = None
        elif status_of(status).has_side and controller is None:
            refused[row] = _refusal(layer, row, "no controller", "fill it in: who holds it (RU, UA, …)")
            continue
        made.append((row, controller, status, native or word))
    frame = pd.DataFrame(made, columns=["row", "controller", "status", "native"], dtype=object)
    geometry = layer.geometry[[row - 1 for row, *_ in made]]
    notes = [
        f"{len(bared)} {' and '.join(sorted({s for s, _ in bared}))} rows named a controller"
        f" ({', '.join(sorted({c for _, c in bared}))}): it is left out"
    ]
    spatial = gpd.GeoDataFrame(frame.astype({"row": np.int64}), geometry=gpd.GeoSeries(geometry, crs=CRS))
    return spatial, refused, notes if bared else []


READER = shipped_reader("vector", read)
