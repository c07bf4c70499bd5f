"""Control maps drawn in KML or KMZ, where a style, a folder or a name says who holds an area."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError
from geo.formats.dates import find_date
from geo.formats.kml import Placemark, read_kml
from geo.schema import CRS, Options, Refusal, Snapshot, Source, parse_instant
from geo.sources.base import Reader, meanings

# Words as they stand in styles, folders and names; those that end in * may go on (cases of Slavic nouns).
_RU = (
    "ru", "rus", "russia", "russian", "rf", "рф", "росси*", "росі*", "русск*", "occupied", "оккупир*", "окупов*",
)  # fmt: skip
_UA = ("ua", "ukr", "ukraine", "ukrainian", "всу", "зсу", "украин*", "україн*")
_CONTESTED = (
    "contested", "disputed", "grey", "gray", "greyzone", "grayzone", "серая", "серой", "серую", "серые", "сіра",
    "сірої", "сіру", "сірі", "спорн*", "спірн*", "нейтральн*",
)  # fmt: skip
_ADVANCE = ("advance", "advances", "progress", "продвижен*", "просуван*")
_LIBERATED = ("liberated", "deoccup*", "освобожд*", "звільнен*", "деокуп*", "деоккуп*")
_COLOURS = {"#ff0000": ("RU", "held"), "#0000ff": ("UA", "held")}
KNOWN_WORDS = tuple(sorted((*_RU, *_UA, *_CONTESTED, *_ADVANCE, *_LIBERATED, *_COLOURS)))
# Ukraine and a degree around it: west, south, east, north.
_AROUND = np.array([21.1, 43.3, 41.3, 53.4])

Meaning = tuple[str | None, str]


def read(path: Path, options: Options) -> list[Snapshot]:
    """Read a control map of one day."""
    marks = read_kml(path)
    mapping = meanings(options.statuses)
    depicts, notes = _date(path, marks, options)
    left: Counter[str] = Counter()
    refusals: list[Refusal] = []
    kept: list[tuple[Placemark, Meaning, str]] = []
    for mark in marks:
        if mark.error:
            refusals.append(_refusal(mark, mark.error, "draw it again, or leave it out"))
        elif not _is_area(mark.geometry):
            left[_why_no_area(mark.geometry)] += 1
        elif (found := _meaning(mark, mapping)) is None:
            known = ", ".join(KNOWN_WORDS)
            why = f"neither style, folder, name nor colour says who holds it ({_said(mark)}); known words: {known}"
            refusals.append(_refusal(mark, why, "--status-map WORD=RU:held says what a word of the file means"))
        else:
            kept.append((mark, *found))
    return [
        Snapshot(
            frame=_frame(kept),
            depicts=depicts,
            rows_in=len(marks),
            left_out=dict(left),
            refusals=tuple(refusals),
            repairs=tuple(f"row {mark.row}: ring closed" for mark, *_ in kept if mark.closed),
            notes=(*notes, *_wide(kept)),
        )
    ]


def _frame(kept: Sequence[tuple[Placemark, Meaning, str]]) -> gpd.GeoDataFrame:
    columns = {
        "row": [mark.row for mark, *_ in kept],
        "controller": pd.Series([meaning[0] for _, meaning, _ in kept], dtype=object),
        "status": pd.Series([meaning[1] for _, meaning, _ in kept], dtype=object),
        "native": pd.Series([word for *_, word in kept], dtype=object),
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([mark.geometry for mark, *_ in kept], crs=CRS))


def _is_area(geometry: shapely.Geometry | None) -> bool:
    if geometry is None:
        return False
    if geometry.geom_type == "GeometryCollection":
        return any(_is_area(part) for part in geometry.geoms)
    return geometry.geom_type in ("Polygon", "MultiPolygon")


def _why_no_area(geometry: shapely.Geometry | None) -> str:
    if geometry is None:
        return "no geometry"
    return "a line" if "Line" in geometry.geom_type else "a point" if "Point" in geometry.geom_type else "no area"


def _refusal(mark: Placemark, why: str, way_out: str) -> Refusal:
    carried = {"name": mark.name, "style": mark.style, "folder": "/".join(mark.folders), **mark.data}
    return Refusal(mark.row, why, way_out, {key: value for key, value in carried.items() if value})


def _carriers(mark: Placemark) -> Iterator[str]:
    """Where a status may stand, the most deliberate first."""
    yield mark.style
    yield from reversed(mark.folders)
    yield mark.name
    yield from mark.data.values()


def _said(mark: Placemark) -> str:
    fill = mark.fill.rgb if mark.fill else ""
    parts = {"style": mark.style, "folder": "/".join(mark.folders), "name": mark.name, "fill": fill}
    return ", ".join(f"{key} {value!r}" for key, value in parts.items() if value) or "it has none of them"


def _meaning(mark: Placemark, mapping: Mapping[str, Meaning]) -> tuple[Meaning, str] | None:
    """The first carrier that says it, by the user's mapping, else by the known words, else by the known colours."""
    fill = mark.fill.rgb if mark.fill else ""
    carriers = [text for text in _carriers(mark) if text.strip()]
    sides = {side for text in carriers if (side := _side(_tokens(text)))}
    side = sides.pop() if len(sides) == 1 else None
    for text in (*carriers, fill):
        for word in (text.strip().casefold(), *_tokens(text)):
            if word in mapping:
                controller, status = mapping[word]
                return ((None if status == "contested" else controller or side), status), text
    for text in carriers:
        found = _by_words(_tokens(text))
        if found is not None:
            return found, text
    return (_COLOURS[fill], fill) if fill in _COLOURS else None


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", re.sub(r"\bde-(?=occup)", "de", text.casefold())))


def _any_of(tokens: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(t.startswith(w[:-1]) if w.endswith("*") else t == w for t in tokens for w in words)


def _side(tokens: tuple[str, ...]) -> str | None:
    """Whose words they are; None where both sides are named, or neither."""
    russian, ukrainian = _any_of(tokens, _RU), _any_of(tokens, _UA)
    return None if russian == ukrainian else "RU" if russian else "UA"


def _by_words(tokens: tuple[str, ...]) -> Meaning | None:
    if _any_of(tokens, _CONTESTED):
        return None, "contested"
    side = _side(tokens)
    if _any_of(tokens, _LIBERATED) and side != "RU":
        return "UA", "liberated"
    if side is None:
        return None
    return side, "advance" if _any_of(tokens, _ADVANCE) else "held"


def _date(path: Path, marks: Sequence[Placemark], options: Options) -> tuple[datetime, list[str]]:
    """By the user's word, else the file's name, the document's, the time spans."""
    if options.date is not None:
        return parse_instant(options.date), []
    document = next((mark.document for mark in marks if mark.document), "")
    year = re.search(r"(?<!\d)20\d\d(?!\d)", f"{path.stem} {document} {path.parent.name}")
    for name in (path.stem, document):
        found = find_date(name, short=True, year=int(year.group()) if year else None)
        if found is not None:
            return found[0], [f"the date is read from {found[1]!r} in the name"]
    spans = {mark.begin for mark in marks if mark.begin}
    if len(spans) == 1:
        return parse_instant(spans.pop(), what="TimeSpan"), []
    raise GateError(
        f"{path}: no date in the file's name, nor one and the same in its time spans: say which day it depicts,"
        " --date YYYY-MM-DD"
    )


def _wide(kept: Sequence[tuple[Placemark, Meaning, str]]) -> list[str]:
    if not kept:
        return []
    bounds = shapely.bounds(np.array([mark.geometry for mark, *_ in kept], dtype=object))
    beyond = (bounds[:, :2] < _AROUND[:2]).any(axis=1) | (bounds[:, 2:] > _AROUND[2:]).any(axis=1)
    return [
        f"row {mark.row} reaches far beyond Ukraine: it takes in ground that is not contested, so measure it by unit"
        for (mark, *_), far in zip(kept, beyond, strict=True)
        if far
    ]


READER = Reader(
    Source(
        name="uacontrolmap",
        title="Control map in KML",
        url="https://github.com/foosint/uacontrolmap-timeline",
        licence="no open licence stated",
        attribution="UA Control Map and the cartographers named in the file",
    ),
    "control",
    read,
)
