"""CSV files to rows of text: strict where a file is damaged, and never a guess that could move a decimal point."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from geo.errors import FileError, GateError, UsageError
from geo.formats.encodings import readings
from geo.formats.geojson import FILE_LIMIT, MIB, read_bytes, refuse_other_text
from geo.formats.zips import MAGIC
from geo.schema import Options, Refusal

CELL_LIMIT = 4 * MIB
_COMMA_NUMBER = re.compile(r"\s*[-+]?\d+,\d+\s*")
_OTHER_SEPARATORS = {";": "';'", "\t": "'\\t' (tab)", "|": "'|'"}
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
_ODD_CELL = re.compile(rb"[^,;\t|\"\r\n]*[\x80-\xff][^,;\t|\"\r\n]*")
_SEEN_ROWS = 20
_PIECE = 1 << 20
# what a spreadsheet takes for the beginning of something to compute
_COMPUTED = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file."""

    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stream:
    """A CSV file whose rows are read as they are asked for: a million of them need no memory."""

    header: tuple[str, ...]
    rows: Iterator[tuple[int, dict[str, str]] | Refusal]
    notes: tuple[str, ...] = ()


def read_table(path: Path, *, options: Options | None = None, raw: bytes | None = None) -> Table:
    """Read a CSV file with a header, all of it."""
    stream = open_table(path, options=options, raw=raw)
    found = list(stream.rows)
    refusals = tuple(row for row in found if isinstance(row, Refusal))
    return Table(stream.header, tuple(row for row in found if not isinstance(row, Refusal)), refusals, stream.notes)


def open_table(path: Path, *, options: Options | None = None, raw: bytes | None = None) -> Stream:
    """Begin to read a CSV file with a header."""
    options = options or Options()
    delimiter = {None: ",", "\\t": "\t", "tab": "\t"}.get(options.delimiter, options.delimiter) or ","
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {options.delimiter!r}: one character is wanted, such as ';' or '\\t'")
    text = _opened(path, options.encoding, raw)
    said = _SEPARATOR_LINE.fullmatch(text.readline())
    if said is None:
        text.seek(0)
    elif options.delimiter is None:
        delimiter = said[1]
    notes = () if said is None else (f"the first line is a spreadsheet's own, sep={said[1]}: not read as a row",)
    records = _records(path, text, delimiter)
    head = list(islice(records, 1 + _SEEN_ROWS))
    if not head:
        raise FileError(f"{path}: no row at all, not even a header")
    if options.delimiter is None and said is None:
        _refuse_other_separator(path, head)
    header = _header(path, head[0])
    if options.decimal is None and delimiter != ",":
        _refuse_comma_numbers(path, header, [row for row in _rows(header, head[1:]) if not isinstance(row, Refusal)])
    return Stream(header, _rows(header, chain(head[1:], records)), notes)


def number(text: str | None, *, options: Options | None = None) -> float | None:
    """The number in a cell, with the decimal sign of the options; None for an empty cell."""
    if text is None or not text.strip():
        return None
    written = text.strip()
    if options is not None and options.decimal not in (None, "."):
        written = written.replace(options.decimal or ".", ".")
    try:
        return float(written)
    except ValueError:
        hint = ": say --decimal ','" if _COMMA_NUMBER.fullmatch(text) else ""
        raise GateError(f"{text!r} is no number{hint}") from None


def defused(value: Any) -> str:
    """A cell's text, with what a spreadsheet would compute made plain text by a leading apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_COMPUTED) and not _is_number(text) else text


def csv_lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as lines of CSV that end in a line feed."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")  # the writer quotes what its own line end has in it
    for row in rows:
        writer.writerow(row)
        yield line.getvalue()[:-2] + "\n"
        line.seek(0)
        line.truncate()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:\"[^\"\n]{1,200}\"\s*:|\})|\[\s*(?:[\[{\]]|\n))")


def _opened(path: Path, encoding: str, raw: bytes | None) -> io.TextIOWrapper:
    """The file's text, decoded as it is read; that it can be decoded is known before."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"--encoding {encoding!r} is unknown: utf-8, cp1251, latin-1 are among the known") from None
    raw = read_bytes(path, limit=FILE_LIMIT) if raw is None else raw
    if name in ("utf-8", "ascii", "utf-8-sig"):
        if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise FileError(f"{path}: not UTF-8 but UTF-16: say --encoding utf-16")
        refuse_other_text(path, raw)
        if raw.startswith(MAGIC):
            raise FileError(f"{path}: a spreadsheet's own file or a zip archive, not CSV: save the sheet as CSV")
        if _JSON.match(raw):
            raise FileError(
                f"{path}: this is JSON, not CSV: export the table as CSV; geo import ARCHIVE vector takes in GeoJSON of"
                " who controls what"
            )
    name = "utf-8-sig" if name == "utf-8" else name
    try:
        _try_decoding(raw, name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = "UTF-8" if name.startswith("utf-8") else encoding
        cells = [cell.strip() for cell in islice((m[0] for m in _ODD_CELL.finditer(raw)), _SEEN_ROWS)]
        raise FileError(
            f"{path}: not {what} (byte {raw[error.start]:#04x} in line {line}); --encoding names the encoding,"
            f" such as cp1251 or latin-1 ({readings(cells)})"
        ) from None
    return io.TextIOWrapper(io.BytesIO(raw), encoding=name, newline="")


def _try_decoding(raw: bytes, name: str) -> None:
    """Decode piece by piece; where that fails, the whole, for the place of the first byte that is wrong."""
    pieces = (raw[at : at + _PIECE] for at in range(0, len(raw), _PIECE))
    try:
        for _ in codecs.iterdecode(pieces, name):
            pass
    except UnicodeDecodeError:
        raw.decode(name)
        raise


def _records(path: Path, text: io.TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    before = csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                yield record
    except csv.Error as error:
        why = str(error)
        if "unexpected end of data" in why:
            why = "a quotation mark is opened and never closed"
        elif "field larger" in why:
            why = f"a cell over {CELL_LIMIT // MIB} MiB, perhaps an unfinished quotation"
        raise FileError(f"{path}: line {reader.line_num}: {why}") from None
    finally:
        csv.field_size_limit(before)


def _refuse_other_separator(path: Path, records: list[list[str]]) -> None:
    """A header of one cell with another separator in it says that the file is not comma-separated."""
    if len(records[0]) > 1:
        return
    for sign, shown in _OTHER_SEPARATORS.items():
        if sign not in records[0][0]:
            continue
        # Commas split the numbers, so the rows are put together again before they are looked at.
        cells = [cell for record in records[1 : 1 + _SEEN_ROWS] for cell in ",".join(record).split(sign)]
        option = shown.split(" ")[0]
        if any(_COMMA_NUMBER.fullmatch(cell) for cell in cells):
            raise FileError(f"{path}: separator {shown} and decimal commas: say --delimiter {option} --decimal ','")
        raise FileError(f"{path}: separator {shown}: say --delimiter {option}")


def _refuse_comma_numbers(path: Path, header: tuple[str, ...], rows: list[tuple[int, dict[str, str]]]) -> None:
    """A column with nothing but numbers with a comma in it is one of decimal commas."""
    for name in header:
        cells = [row[name] for _, row in rows if row[name].strip()]
        if any(_COMMA_NUMBER.fullmatch(cell) for cell in cells) and all(
            _COMMA_NUMBER.fullmatch(cell) or cell.strip().lstrip("+-").isdigit() for cell in cells
        ):
            raise FileError(f"{path}: decimal commas in column {name!r}: say --decimal ',' (or --decimal . for text)")


def _header(path: Path, cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() or f"column {position}" for position, cell in enumerate(cells, 1))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise GateError(f"{path}: column {twice[0]!r} is named twice in the header: rename one of them")
    return names


def _rows(header: tuple[str, ...], records: Iterable[list[str]]) -> Iterator[tuple[int, dict[str, str]] | Refusal]:
    for row, cells in enumerate(records, 1):
        while len(cells) > len(header) and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) == len(header):
            yield row, dict(zip(header, cells, strict=True))
            continue
        why = f"{len(cells)} cells, the header names {len(header)} columns"
        way_out = "write one cell a column; put quotation marks around a text with the separator in it"
        yield Refusal(row, why, way_out, dict(zip(header, cells, strict=False)))
