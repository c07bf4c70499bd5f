"""Rows of text set in columns that fit a width: without breaking a word, a date or a figure in two."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, zip_longest

# where a line may break: at a space, after / @ _ and a hyphen before a letter, before a file's ending, after a date
_BREAK = re.compile(r"(?<=[\s/@_])(?=\S)|(?<=-)(?=[^\W\d])|(?=\.[^\W\d])|(?<=\d{4}-\d\d-\d\d[T-])")
# below this a column of text is no longer read in one look
_LEAST = 10
# a longer word than this, such as an address, is cut
_LONGEST = 32


@dataclass(frozen=True)
class Column:
    """A heading and its cells."""

    name: str
    cells: tuple[str, ...]
    number: bool = False
    movable: bool = False

    @property
    def constant(self) -> bool:
        """Whether every row says the same."""
        return len(set(self.cells)) == 1

    @cached_property
    def full(self) -> int:
        """How wide it is where nothing is broken."""
        return max(_width(line) for text in (self.name, *self.cells) for line in text.split("\n"))

    @cached_property
    def least(self) -> int:
        """How narrow it can be."""
        heading = max(map(_width, _pieces(self.name)))
        if self.number:
            return max(heading, *map(_width, self.cells))
        words = max(_width(piece.rstrip()) for cell in self.cells for piece in _pieces(cell))
        return min(self.full, max(heading, min(words, _LONGEST), _LEAST))


@dataclass(frozen=True)
class Sheet:
    """What is printed: what every row says alike, and the rows' lines."""

    alike: tuple[str, ...]
    lines: tuple[str, ...]


def set_in_columns(columns: Sequence[Column], *, width: int) -> Sheet:
    """The rows as lines no longer than a width."""
    kept, alike = _say_once(columns, width)
    full = [c.full for c in kept]
    if _total(full, 2) <= width:
        return Sheet(alike, tuple(_rows(kept, full, 2)))
    for gap in (2, 1):
        if _total([c.least for c in kept], gap) <= width:
            return Sheet(alike, tuple(_rows(kept, _shares(kept, width, gap), gap)))
    return Sheet(alike, tuple(_lists(kept, width)))


def _say_once(columns: Sequence[Column], width: int) -> tuple[list[Column], tuple[str, ...]]:
    kept, moved = list(columns), []
    for column in sorted((c for c in columns if c.movable and c.constant), key=lambda c: -c.full):
        if _total([c.full for c in kept], 2) <= width or len(kept) == 1:
            break
        kept.remove(column)
        moved.append(column)
    return kept, tuple(
        broken("; ".join(f"{c.name}: {c.cells[0]}" for c in columns if c in moved), width) if moved else ()
    )


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _shares(columns: Sequence[Column], width: int, gap: int) -> list[int]:
    """A width for each column: its least, and of the rest the more the further it is from its full width."""
    widths = [c.least for c in columns]
    full = [c.full for c in columns]
    for _ in range(max(width - _total(widths, gap), 0)):
        short = [f - w for f, w in zip(full, widths, strict=True)]
        if max(short) <= 0:
            break
        widths[short.index(max(short))] += 1
    return widths


def _rows(columns: Sequence[Column], widths: Sequence[int], gap: int) -> list[str]:
    def joined(cells: Sequence[str]) -> list[str]:
        parts_of = [broken(cell, w) for cell, w in zip(cells, widths, strict=True)]
        lines = []
        for parts in zip_longest(*parts_of, fillvalue=""):
            placed = (_placed(p, w, c.number) for p, w, c in zip(parts, widths, columns, strict=True))
            lines.append((" " * gap).join(placed).rstrip())
        return lines

    out = joined([c.name for c in columns])
    for cells in zip(*(c.cells for c in columns), strict=True):
        out += joined(cells)
    return out


def _lists(columns: Sequence[Column], width: int) -> list[str]:
    """Each row as a list of its names and values, one after the other, for want of room side by side."""
    margin = max(_width(c.name) for c in columns)
    out: list[str] = []
    for at in range(len(columns[0].cells)):
        for column in columns:
            said = broken(column.cells[at], max(width - margin - 2, _LEAST)) if column.cells[at] else []
            heads = [column.name, *[""] * len(said)]
            out += [f"{_placed(h, margin, False)}  {s}".rstrip() for h, s in zip(heads, said, strict=False)]
        out.append("")
    return out[:-1]


def _pieces(text: str) -> list[str]:
    return _BREAK.split(text) or [""]


def broken(text: str, width: int) -> list[str]:
    """A text as lines of a width, broken where it may be; a word that is longer is cut."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph):
            if line and _width(line + piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece
            while _width(line.rstrip()) > width:
                at = _fitting(line, width)
                lines.append(line[:at])
                line = line[at:]
        lines.append(line.rstrip())
    return lines


def _fitting(text: str, width: int) -> int:
    """How many letters of a text a width has room for, at least one."""
    widths = accumulate(_width(letter) for letter in text)
    return max(sum(w <= width for w in widths), 1)


def _placed(text: str, width: int, right: bool) -> str:
    room = " " * max(width - _width(text), 0)
    return room + text if right else text + room


def _width(text: str) -> int:
    """How many places a terminal gives to a text: two to a Chinese character, none to a mark above a letter."""
    if text.isascii():
        return len(text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)
