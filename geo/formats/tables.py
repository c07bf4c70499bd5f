"""Tables (CSV, and those of Shapefiles) to text: strict where damaged, never a guess at a decimal point or a letter."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import FileError, GateError, UsageError
from geo.formats.geojson import FILE_LIMIT, MIB, read_bytes, read_json, refuse_other_text
from geo.formats.limits import COLUMNS, columns_of, refuse_too_many
from geo.formats.zips import MAGIC, UNPACKED_LIMIT, most_unpacked, too_large
from geo.schema import Options, Refusal

CELL_LIMIT = 4 * MIB
_COMMA_NUMBER = re.compile(r"\s*[-+]?\d+,\d+\s*")
_OTHER_SEPARATORS = {";": "';'", "\t": "'\\t' (tab)", "|": "'|'"}
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n])"?\s*', re.IGNORECASE)
_ODD_CELL = re.compile(rb"[^,;\t|\"\r\n]*[\x80-\xff][^,;\t|\"\r\n]*")
_SEEN_ROWS = 20
_PIECE = 1 << 20
PARQUET = b"PAR1"
CELLS = 50_000_000  # of a Parquet file, which may repeat one value at no cost
# what servers call the list of rows in their answers
_ANSWERS = ("data", "Result", "results", "rows", "events")
# what a spreadsheet takes for the beginning of something to compute
_COMPUTED = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Table:
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
    raw = read_bytes(path, limit=FILE_LIMIT) if raw is None else raw
    if (listed := _listed(path, raw, options)) is not None:
        return listed
    text = _opened(path, options.encoding, raw)
    said = _SEPARATOR_LINE.fullmatch(text.readline())
    if said is None:
        text.seek(0)
    elif options.delimiter is None:
        delimiter = said[1]
    notes = () if said is None else (f"the first line is a spreadsheet's own, sep={said[1]}: not read as a row",)
    records = _records(path, text, delimiter)
    head = list(islice(records, 1))
    if not head:
        raise FileError(f"{path}: no row at all, not even a header")
    is_guessed = options.delimiter is None and said is None
    try:
        head += islice(records, _SEEN_ROWS)
    except FileError:  # a quoted cell before another separator
        if is_guessed:
            _refuse_other_separator(path, head)
        raise
    if is_guessed:
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


def _listed(path: Path, raw: bytes, options: Options) -> Stream | None:
    """The rows of a Parquet file or of a JSON answer (a list of objects, or one under a server's word for it)."""
    if raw.startswith(PARQUET):
        table = parquet_frame(path, raw)
        return _stream(path, list(map(str, table.columns)), table.itertuples(index=False, name=None), ())
    if not _JSON.match(raw):
        return None
    document = read_json(path, raw=raw)
    members = document if isinstance(document, dict) else {_ANSWERS[0]: document}
    found = next((members[name] for name in _ANSWERS if isinstance(members.get(name), list)), None)
    if found is None or not all(isinstance(row, dict) for row in found):
        _refuse_answer(path, members)
        return None
    names = columns_of(path, found)
    notes = _parts_of(path, members, len(found), options)
    return _stream(path, names, ([row.get(name) for name in names] for row in found), notes)


def _stream(path: Path, names: Sequence[str], rows: Iterable[Iterable[Any]], notes: Sequence[str]) -> Stream:
    header = _header(path, list(names))
    return Stream(header, _rows(header, ([cell_text(value) for value in row] for row in rows)), tuple(notes))


def _refuse_answer(path: Path, answer: Mapping[str, Any]) -> None:
    """Raise where a server says in its answer why it gives nothing."""
    said = next((answer[name] for name in ("error", "message", "detail") if answer.get(name)), None)
    if said is not None and not {"features", "type"} & answer.keys():
        words = said.get("message", said) if isinstance(said, dict) else said
        raise FileError(f"{path}: the server's answer is an error, not data: {str(words)[:200]}")


def _parts_of(path: Path, answer: Mapping[str, Any], count: int, options: Options) -> list[str]:
    """What a server holds back or says of further pages; a part is refused where none is accepted."""
    notes = [f"held back by the server: {answer[name]}" for name in ("data_query_restrictions",) if answer.get(name)]
    if next_page := answer.get("NextPageUrl"):
        if "partial" not in options.accept:
            raise GateError(
                f"{path}: a part: the server has more than these {count:,} rows (NextPageUrl): fetch the rest too, or"
                " say --accept partial"
            )
        notes.append(f"a part, accepted: the server has more than these {count:,} rows ({str(next_page)[:60]})")
    return notes


def parquet_frame(path: Path, raw: bytes) -> pd.DataFrame:
    """A Parquet file as a frame, with geometry where it is GeoParquet; looked at before it is unpacked."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise FileError(
            f"{path}: Parquet needs pyarrow, which is not installed: pip install 'geo-control[parquet]'"
        ) from None
    try:
        shape = parquet.ParquetFile(io.BytesIO(raw)).metadata
        size = sum(shape.row_group(i).total_byte_size for i in range(shape.num_row_groups))
        refuse_too_many(path, shape.num_columns, COLUMNS, "columns")
        refuse_too_many(path, shape.num_rows * shape.num_columns, CELLS, "cells")
        refuse_too_many(path, size // MIB, UNPACKED_LIMIT // MIB, "MiB when unpacked")
        _refuse_repeated_texts(path, raw)
        is_spatial = b"geo" in (shape.metadata or {})
        return gpd.read_parquet(io.BytesIO(raw)) if is_spatial else pd.read_parquet(io.BytesIO(raw))
    except (ArrowException, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise FileError(f"{path}: damaged Parquet file ({str(error)[:200]}): fetch it again") from None


def _refuse_repeated_texts(path: Path, raw: bytes) -> None:
    """Raise where texts that the file holds once, or in part, would stand in memory for each of its rows."""
    from pyarrow import compute, parquet

    shape, limit = parquet.ParquetFile(io.BytesIO(raw)).metadata, most_unpacked(raw, UNPACKED_LIMIT)
    columns = [shape.row_group(i).column(j) for i in range(shape.num_row_groups) for j in range(shape.num_columns)]
    texts = [c for c in columns if c.physical_type == "BYTE_ARRAY"]
    if sum(c.num_values * c.total_uncompressed_size for c in texts) <= limit:
        return
    if any("DELTA_BYTE_ARRAY" in c.encodings and c.num_values * c.total_uncompressed_size > limit for c in texts):
        raise FileError(f"{path}: written as DELTA_BYTE_ARRAY, whose texts have no known size: use another encoding")
    names = sorted({c.path_in_schema for c in texts})
    total = 0
    for batch in parquet.ParquetFile(io.BytesIO(raw), read_dictionary=names).iter_batches(columns=names):
        for column in batch.columns:
            while hasattr(column, "value_lengths") and hasattr(column, "flatten"):  # a list of texts
                column = column.flatten()
            if hasattr(column, "dictionary"):
                found = compute.sum(compute.take(compute.binary_length(column.dictionary), column.indices)).as_py()
                total += found or 0
    if total > limit:
        raise too_large(path, limit)


def cell_text(value: Any) -> str:
    """A value of a typed table as a cell: whole numbers without a point, an instant at midnight as its day."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime):
        is_day = value.time() == datetime.min.time()
        return value.date().isoformat() if is_day else value.isoformat()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _opened(path: Path, encoding: str, raw: bytes) -> io.TextIOWrapper:
    """The file's text, decoded as it is read; that it can be decoded is known before."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"--encoding {encoding!r} is unknown: utf-8, cp1251, latin-1 are among the known") from None
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
    elif reads_as_utf8(cells := list(islice(_odd_text(raw), _SEEN_ROWS)), name):
        shown = _sample(cells[:_SHOWN], "utf-8")
        raise FileError(f"{path}: --encoding says {encoding}, but the text is UTF-8: leave it out ({shown})")
    name = "utf-8-sig" if name == "utf-8" else name
    try:
        _try_decoding(raw, name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = "UTF-8" if name.startswith("utf-8") else encoding
        cells = list(islice(_odd_text(raw), _SEEN_ROWS))
        raise FileError(
            f"{path}: not {what} (byte {raw[error.start]:#04x} in line {line}); --encoding names the encoding,"
            f" such as cp1251 or latin-1 ({readings(cells)})"
        ) from None
    return io.TextIOWrapper(io.BytesIO(raw), encoding=name, newline="")


def _odd_text(raw: bytes) -> Iterator[bytes]:
    """The cells of a CSV file that are not ASCII, wherever its quotation marks stand."""
    return (match[0].strip() for match in _ODD_CELL.finditer(raw))


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
    refuse_too_many(path, len(names), COLUMNS, "columns")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
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


# -- in which encoding text is written: named by the file or the user, or plain to see; never guessed in silence ------

# the language byte of a table -> its encoding; 0 and 0x57 only say "that of the machine which wrote it"
_LANGUAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x26: "cp866", 0x65: "cp866", 0x64: "cp852", 0xC8: "cp1250",
    0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0x7D: "cp1255", 0x7E: "cp1256", 0xCC: "cp1257",
}  # fmt: skip
_TRIED = ("cp1251", "cp1252", "cp1250", "cp1256", "cp866", "koi8-u")
_SHOWN = 3
_LETTERS = re.compile(r"[^\W\d_]+")
_LOOK_ALIKE = frozenset("aceiopxyABCEHIKMOPTX")  # Latin letters that stand for Cyrillic ones
_WITHIN_WORDS = frozenset("’‘ʼ´·•–—…\xad\u200c\u200d")


@dataclass(frozen=True)
class TableText:
    """How the text of a table is decoded, and what is to be said of that."""

    encoding: str
    notes: tuple[str, ...] = ()

    @property
    def utf8(self) -> bool:
        """Whether GDAL reads it as it is; any other encoding is read byte by byte and decoded here."""
        return self.encoding == "utf-8"

    def decoded(self, values: Any) -> Any:
        """Names or cells that came byte by byte, as the text they are."""
        if self.utf8 or not any(isinstance(v, str) and not v.isascii() for v in values):
            return values
        made = [v.encode("latin-1").decode(self.encoding, "replace") if isinstance(v, str) else v for v in values]
        return made if isinstance(values, list) else np.array(made, dtype=object)


def text_of(path: Path, plain: Path, named: str | None) -> TableText:
    """The encoding of the table beside a Shapefile (`plain`), which messages call `path`."""
    raw = next((p.read_bytes() for p in _beside(plain, ".dbf")), b"")
    odd = list(dict.fromkeys(_odd_cells(raw)))
    shown = odd[:_SHOWN]
    if named is not None:
        if (known := codec_of(named)) is None:
            raise UsageError(f"--encoding {named!r} is unknown: utf-8, cp1251, latin-1 are among the known")
        return _checked(path, known, "--encoding", odd)
    if not odd:
        return TableText("utf-8")
    said = next((p.read_text("ascii", "replace").strip() for p in _beside(plain, ".cpg")), "")
    if said and (known := codec_of(said)) is not None:
        return _checked(path, known, "its .cpg", odd)
    if all(_decoded(cell, "utf-8") is not None for cell in odd):
        who = f"its .cpg says {said[:40]!r}, which is no encoding" if said else "which no .cpg says"
        return TableText("utf-8", (f"text read as UTF-8, {who}: {_sample(shown, 'utf-8')}",))
    if not said and raw[29] in _LANGUAGES:
        return _checked(path, _LANGUAGES[raw[29]], "the table's language byte", odd)
    why = f"its .cpg says {said[:40]!r}, which is no encoding" if said else "no .cpg names the encoding"
    raise FileError(f"{path}: text outside ASCII, and {why}: say --encoding cp1251 or another ({readings(shown)})")


def readings(cells: Sequence[bytes]) -> str:
    """How cells read in the encodings that they are likely to be in, for people to choose: words before garbage."""
    shown = list(dict.fromkeys(cells))[:_SHOWN]
    texts = {name: text for name in _TRIED if (text := _sample(shown, name))}
    sound = {name: text for name, text in texts.items() if not any(is_garbled(_decoded(c, name) or "") for c in shown)}
    return "; ".join(f"as {name}: {text}" for name, text in (sound or texts).items())


def is_garbled(text: str) -> bool:
    """Whether text looks decoded wrongly: signs or two scripts within a word, small letters before capital ones."""
    for before, sign, after in zip(text, text[1:], text[2:], strict=False):
        is_sign = not sign.isascii() and unicodedata.category(sign)[0] in "SPNC" and sign not in _WITHIN_WORDS
        if is_sign and before.isalpha() and after.isalpha():
            return True
    for word in (found for found in _LETTERS.findall(text) if not found.isascii()):
        scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word if letter not in _LOOK_ALIKE}
        if len(scripts & {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW"}) > 1:
            return True
        if any(a.islower() and b.isupper() and not (a + b).isascii() for a, b in pairwise(word)):
            return True
        if scripts == {"LATIN"} and len(word) > 2 and not any(map(str.isascii, word)):
            return True
    odd = [sign for sign in text if not sign.isascii()]
    if len(odd) > 2 and 2 * sum(map(str.isalpha, odd)) < len(odd) and not all(map(str.isspace, odd)):
        return True
    return any(sign < "\xa0" or "\u2500" <= sign < "\u25a0" for sign in odd)  # controls; lines of boxes


def said_of_garbled(text: str) -> str:
    """What is to be said of text that somebody decoded wrongly before it came here, "" where it looks right."""
    if "\ufffd" not in text and not is_garbled(text):
        return ""
    meant = ""
    for wrong, right in ((w, r) for r in ("utf-8", "cp1251") for w in ("cp1251", "cp1252", "latin-1")):
        try:
            found = text.encode(wrong).decode(right)
        except UnicodeError:
            continue
        if found != text and not is_garbled(found):
            meant = f" (perhaps {found!r})"
            break
    return f"{text!r} looks garbled by a wrong encoding before it came here{meant}: kept, write it anew"


def reads_as_utf8(cells: Sequence[bytes], encoding: str) -> bool:
    """Whether cells outside ASCII are text in UTF-8, and not in the encoding that is said of them."""
    return encoding != "utf-8" and _are_garbled(cells, encoding) and all(_decoded(cell, "utf-8") for cell in cells)


def _are_garbled(cells: Sequence[bytes], encoding: str) -> bool:
    """Whether at least half of the cells look decoded wrongly."""
    texts = [_decoded(cell, encoding) for cell in cells]
    return bool(texts) and 2 * sum(text is None or is_garbled(text) for text in texts) >= len(texts)


def codec_of(said: str) -> str | None:
    """Python's name of an encoding, however a .cpg writes it: 1251, CP1251, ANSI 1251, ISO 88595, UTF-8."""
    text = re.sub(r"^(?:ansi|oem)\s*", "", said.strip(), flags=re.IGNORECASE)
    iso = re.fullmatch(r"(?:iso[ _-]*)?8859[ _-]*(\d{1,2})", text, re.IGNORECASE)
    try:
        found = codecs.lookup(f"iso8859-{iso[1]}" if iso else f"cp{text}" if text.isdigit() else text)
        is_text = "a0 ".encode(found.name) == b"a0 "  # some codecs are not of text, or of no table's
    except (LookupError, ValueError):
        return None
    return found.name if is_text else None


def _checked(path: Path, encoding: str, by: str, odd: list[bytes]) -> TableText:
    if reads_as_utf8(odd, encoding):
        shown = _sample(odd[:_SHOWN], "utf-8")
        if by == "--encoding":
            raise FileError(f"{path}: {by} says {encoding}, but the text is UTF-8: leave it out ({shown})")
        return TableText("utf-8", (f"text read as UTF-8, which it is, though {by} says {encoding}: {shown}",))
    wrong = [cell for cell in odd if _decoded(cell, encoding) is None]
    if not wrong and by != "--encoding" and _are_garbled(odd, encoding):
        wrong = odd
    if wrong:
        raise FileError(
            f"{path}: {by} says {encoding}, but other text is there: say --encoding cp1251 or another"
            f" ({readings(wrong)})"
        )
    if encoding == "utf-8" or not odd:
        return TableText(encoding)
    return TableText(encoding, (f"text read as {encoding} ({by}): {_sample(odd[:_SHOWN], encoding)}",))


def _beside(plain: Path, suffix: str) -> Iterator[Path]:
    return (p for p in plain.parent.iterdir() if p.stem == plain.stem and p.suffix.lower() == suffix and p.is_file())


def _odd_cells(raw: bytes) -> Iterable[bytes]:
    """The names and cells of a table that are not ASCII."""
    if raw.isascii() or len(raw) < 32:
        return
    start, size = (int.from_bytes(raw[at : at + 2], "little") for at in (8, 10))
    fields: list[tuple[int, int]] = []
    at = 1
    for field in range(32, min(start, len(raw)) - 31, 32):
        name, width = raw[field : field + 11].split(b"\0")[0], raw[field + 16]
        if not name.isascii():
            yield name
        fields.append((at, width))
        at += width
    if size < 1 or raw[start:].isascii():
        return
    for record in range(start, len(raw) - size + 1, size):
        row = raw[record : record + size]
        if not row.isascii():
            cells = (row[at : at + width].strip(b" \0") for at, width in fields)
            yield from (cell for cell in cells if not cell.isascii())


def _decoded(cell: bytes, encoding: str) -> str | None:
    """The text of a cell; one of UTF-8 may be cut off within its last letter, as fields have a width."""
    for cut in range(4 if encoding == "utf-8" else 1):
        try:
            return cell[: len(cell) - cut].decode(encoding) or None
        except UnicodeDecodeError:
            continue
    return None


def _sample(cells: Sequence[bytes], encoding: str) -> str:
    """Cells as they read in an encoding, "" where they do not."""
    texts = [_decoded(cell, encoding) for cell in cells]
    return "" if None in texts else ", ".join(map(repr, texts))
