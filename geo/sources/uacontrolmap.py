"""Control maps drawn in KML or KMZ, where a style, a folder or a name says who holds an area."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import GateError
from geo.formats.dates import date_in_name, read_instant
from geo.formats.kml import Placemark, read_kml
from geo.measure.ellipsoid import km2_of
from geo.schema import CRS, Options, Refusal, Snapshot, parse_instant
from geo.sources.base import by_dates, meanings, refuse_several_dates, shipped_reader
from geo.text.control_words import Label, known_words, read_label

_COLOURS = {"#ff0000": ("RU", "held"), "#0000ff": ("UA", "held")}
# Ukraine and a degree around it: west, south, east, north.
_BACKUP = re.compile(r"(\d{6})_\d{4}")  # year, month, day, hour and minute
_AROUND = np.array([21.1, 43.3, 41.3, 53.4])

Meaning = tuple[str | None, str]


def read(path: Path, options: Options) -> list[Snapshot]:
    file = read_kml(path, layer=options.layer)
    marks = file.marks
    mapping = meanings(options.statuses)
    begins, ends, notes = _dates(path, marks, options)
    left: Counter[str] = Counter()
    refusals: list[Refusal] = []
    kept: list[tuple[Placemark, Meaning, str]] = []
    for mark in marks:
        if mark.error:
            refusals.append(_refusal(mark, mark.error, "draw it again, or leave it out"))
        elif not _is_area(mark.geometry):
            left[_why_no_area(mark.geometry)] += 1
        else:
            try:
                kept.append((mark, *_meaning(mark, mapping)))
            except _NotUnderstoodError as why:
                refusals.append(_refusal(mark, str(why), "--status-map 'WORDS=RU:held' says what words of it mean"))
    dated = {mark.row: begin for mark, begin in zip(marks, begins, strict=True)}
    for mark, *_ in kept:
        if dated[mark.row] is None:
            refusals.append(_refusal(mark, "no date, as other placemarks have one", "fill it in, or say --date"))
    kept = [one for one in kept if dated[one[0].row] is not None]
    whole = Snapshot(
        rows=_frame(kept), depicts=next((begin for begin in begins if begin is not None), datetime.now(UTC)),
        rows_in=len(marks), left_out=dict(left), refusals=tuple(refusals),
        repairs=tuple(f"row {mark.row}: ring closed" for mark, *_ in kept if mark.closed),
        notes=(*file.notes, *notes, *_wide(kept)),
    )  # fmt: skip
    return by_dates(whole, begins, ends, accept=options.accept) if len({*begins, *ends}) > 1 else [whole]


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
    carried = {key: value for key, value in carried.items() if value}
    return Refusal(mark.row, why, way_out, carried, km2_of(mark.geometry))


def _said(mark: Placemark) -> str:
    fill = mark.fill.rgb if mark.fill else ""
    parts = {"style": mark.style, "folder": "/".join(mark.folders), "name": mark.name, "fill": fill}
    return ", ".join(f"{key} {value!r}" for key, value in parts.items() if value) or "it has none of them"


class _NotUnderstoodError(Exception):
    """Nobody can tell from a placemark who holds it; carries the reason."""


def _meaning(mark: Placemark, mapping: Mapping[str, Meaning]) -> tuple[Meaning, str]:
    """What the user's mapping says of an area, else its words, else its colour; and the words that say it."""
    fill = mark.fill.rgb if mark.fill else ""
    # what is said of the one area before what is said of many
    carriers = [text for text in (mark.style, mark.name, *mark.data.values(), *reversed(mark.folders)) if text.strip()]
    labels = [(text, label) for text in carriers if (label := read_label(text)) is not None]
    for text in (*carriers, fill):
        for word in (text.strip().casefold(), *re.findall(r"[^\W_]+", text.casefold())):
            if word in mapping:
                controller, status = mapping[word]
                sides = {label.side for _, label in labels if label.side}
                side = sides.pop() if len(sides) == 1 else None
                return ((None if status == "contested" else controller or side), status), text
    if labels:
        return _together(mark, labels)
    if fill in _COLOURS:
        return _COLOURS[fill], fill
    known = ", ".join(known_words())
    raise _NotUnderstoodError(
        f"neither style, folder, name nor colour says who holds it ({_said(mark)}); known words: {known}"
    )


def _together(mark: Placemark, labels: Sequence[tuple[str, Label]]) -> tuple[Meaning, str]:
    """What the labels of one area say together; a label that is not understood outweighs those less near to it."""
    by_style = labels[0][0] == mark.style and not labels[0][1].unclear
    beside = {mark.style, mark.name, *mark.folders}
    clear: list[tuple[str, Label]] = []
    for text, label in labels:
        settled = any(found.side or found.status == "contested" for _, found in clear)
        if (label.unclear and not (by_style or settled)) or (label.turned and text in beside):
            words = ", ".join(map(repr, label.unclear))
            raise _NotUnderstoodError(
                f"{text[:200]!r} is not understood ({words}); known words: {', '.join(known_words())}"
            )
        if not label.unclear and not (label.country and settled):
            clear.append((text, label))
    sides = {label.side for _, label in clear if label.side}
    statuses = {label.status for _, label in clear if label.status}
    said = next((text for text, label in clear if label.status), clear[0][0])
    if statuses == {"contested"} and not sides:
        return (None, "contested"), said
    if len(sides) > 1 or len(statuses) > 1 or "contested" in statuses:
        told = " and ".join(repr(text) for text, _ in clear)
        raise _NotUnderstoodError(f"{told} contradict each other")
    if not sides:
        raise _NotUnderstoodError(f"{said!r} says {', '.join(map(str, statuses))}, but nothing says by whom")
    return (sides.pop(), statuses.pop() if statuses else "held"), said


def _dates(
    path: Path, marks: Sequence[Placemark], options: Options
) -> tuple[list[datetime | None], list[datetime | None], list[str]]:
    """When each placemark begins and ends: by the user's word, several time spans, the names, or one time span."""
    begins = [read_instant(mark.begin, form=options.date_format) if mark.begin else None for mark in marks]
    ends = [read_instant(mark.end, form=options.date_format) if mark.end else None for mark in marks]
    several = len(set(begins) - {None}) > 1 or any(end not in (None, begins[i]) for i, end in enumerate(ends))
    if options.date is not None:
        notes = [f"the time spans are left aside: all is taken for {options.date}, as --date says"] if several else []
        return [parse_instant(options.date)] * len(marks), [], notes
    if several:
        return begins, ends, []
    backup = _BACKUP.fullmatch(path.stem)
    if backup is not None:
        with suppress(ValueError):
            day = datetime.strptime(backup[1], "%y%m%d").replace(tzinfo=UTC)
            return [day] * len(marks), [], [f"the date is read from {path.stem!r}, a name of the source's own backups"]
    document = next((mark.document for mark in marks if mark.document), "")
    year = re.search(r"(?<!\d)20\d\d(?!\d)", f"{path.stem} {document} {path.parent.name}")
    for name in (path.stem, document):
        found = date_in_name(path, name, short=True, year=int(year.group()) if year else None)
        if found is not None:
            table = pd.DataFrame({"name": [m.name for m in marks], "folder": ["/".join(m.folders) for m in marks]})
            refuse_several_dates(path, table, options, f"the name says {found[1]!r}")
            return [found[0]] * len(marks), [], [f"the date is read from {found[1]!r} in the name"]
    one = next((begin for begin in begins if begin is not None), None)
    if one is not None:
        return [one] * len(marks), [], []
    raise GateError(
        f"{path}: no date in the file's name, nor in its time spans: say which day it depicts, --date YYYY-MM-DD"
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


READER = shipped_reader("uacontrolmap", read)
