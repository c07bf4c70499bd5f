"""In which encoding text is written: named by the file or the user, or plain to see; never guessed in silence."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geo.errors import FileError, UsageError

# the language byte of a table -> its encoding; 0 and 0x57 only say "that of the machine which wrote it"
_LANGUAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x26: "cp866", 0x65: "cp866", 0x64: "cp852", 0xC8: "cp1250",
    0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253", 0x7D: "cp1255", 0x7E: "cp1256", 0xCC: "cp1257",
}  # fmt: skip
_TRIED = ("cp1251", "cp1252", "cp1256")
_SHOWN = 3


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
    if not said and all(_decoded(cell, "utf-8") is not None for cell in odd):
        return TableText("utf-8", (f"text read as UTF-8, which no .cpg says: {_sample(shown, 'utf-8')}",))
    if not said and raw[29] in _LANGUAGES:
        return _checked(path, _LANGUAGES[raw[29]], "the table's language byte", odd)
    why = f"its .cpg says {said[:40]!r}, which is no encoding" if said else "no .cpg names the encoding"
    raise FileError(f"{path}: text outside ASCII, and {why}: say --encoding cp1251 or another ({readings(shown)})")


def readings(cells: Sequence[bytes]) -> str:
    """How cells read in the encodings that they are likely to be in, for people to choose."""
    shown = list(dict.fromkeys(cells))[:_SHOWN]
    return "; ".join(f"as {name}: {text}" for name in _TRIED if (text := _sample(shown, name)))


def codec_of(said: str) -> str | None:
    """Python's name of an encoding, however a .cpg writes it: 1251, CP1251, ANSI 1251, ISO 88595, UTF-8."""
    text = re.sub(r"^(?:ansi|oem)\s*", "", said.strip(), flags=re.IGNORECASE)
    iso = re.fullmatch(r"(?:iso[ _-]*)?8859[ _-]*(\d{1,2})", text, re.IGNORECASE)
    try:
        found = codecs.lookup(f"iso8859-{iso[1]}" if iso else f"cp{text}" if text.isdigit() else text)
        "".encode(found.name)  # some codecs are not of text
    except (LookupError, ValueError):
        return None
    return found.name


def _checked(path: Path, encoding: str, by: str, odd: list[bytes]) -> TableText:
    if wrong := [cell for cell in odd if _decoded(cell, encoding) is None]:
        raise FileError(f"{path}: {by} says {encoding}, but other text is there: say --encoding ({readings(wrong)})")
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
