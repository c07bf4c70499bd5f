"""Administrative units from any geodata file: OCHA, geoBoundaries, GADM, OpenStreetMap, or columns of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.assets import read_toml
from geo.errors import GateError
from geo.formats.layers import Layer, cell, read_layer
from geo.schema import CRS, UNIT_COLUMNS, Options, Refusal, Rows
from geo.sources.base import shipped_reader

_USUAL = read_toml("units_columns.toml")
_LEVELLED = re.compile(r"(?:adm|gid_|name_|iso_)(\d)(?:_pcode|_en|_name)?")
# OpenStreetMap counts countries as 2, their first parts as 4, the parts of those as 6.
_OSM_LEVELS = {2: 0, 3: 1, 4: 1, 5: 2, 6: 2, 7: 3, 8: 3}
# Codes that mean "none" in one set or another; NA does too, but of one country it is the code: Namibia's
_NO_CODE = frozenset(("None", "-99", "?"))


def read(path: Path, options: Options) -> Rows:
    layer = read_layer(path, options=options)
    count = len(layer.geometry)
    if not count:
        raise GateError(f"{path}: no features: is the download whole?")
    level = _level_of_columns(layer)
    columns = {name: _column(path, layer, options, name, level) for name in UNIT_COLUMNS}
    if columns["name"] is None and columns["unit"] is None:
        listed = ", ".join(map(str, layer.table.columns)) or "none"
        raise GateError(
            f"{path}: no column of names or codes (the file has: {listed}): --column name=… and --column unit=…"
            " name them"
        )
    if _is_osm(layer) and not {"name", "name_local"} & (set(options.columns) | set(options.constants)):
        _prefer_english(layer, columns)
    levels = _levels(path, layer, columns["level"], level)
    rows: list[dict[str, object]] = []
    kept: list[int] = []
    refusals: list[Refusal] = []
    several_na = (columns["unit"] or []).count("NA") > 1
    for at in range(count):
        found = {name: cells[at] if cells is not None else None for name, cells in columns.items()}
        why = layer.errors.get(at) or ("no geometry" if layer.geometry[at] is None else "")
        if found["unit"] in _NO_CODE or (found["unit"] == "NA" and (levels[at] > 0 or several_na)):
            found["unit"] = None
        found["name"] = found["name"] or found["name_local"] or found["unit"]
        if why or found["name"] is None:
            way_out = "fill it in, or leave it out"
            refusals.append(Refusal(at + 1, why or "neither name nor code", way_out, _carried(layer, at)))
            continue
        kept.append(at)
        rows.append({**found, "row": at + 1, "level": levels[at], "boundary": found["boundary"] or path.stem})
    frame = pd.DataFrame(rows, columns=["row", *UNIT_COLUMNS], dtype=object)
    frame = frame.astype({"row": np.int64, "level": np.int64})
    geometry = gpd.GeoSeries(layer.geometry[kept], crs=CRS)
    return Rows(
        gpd.GeoDataFrame(frame, geometry=geometry), count, {}, tuple(refusals), layer.repairs,
        (*layer.notes, *_told(columns, path)),
    )  # fmt: skip


def _level_of_columns(layer: Layer) -> int | None:
    """The deepest level that the columns name: of ADM0_PCODE … ADM2_PCODE it is 2."""
    found = [match for column in layer.table.columns if (match := _LEVELLED.fullmatch(str(column).casefold()))]
    return max((int(match.group(1)) for match in found), default=None)


def _names(name: str, level: int | None) -> Iterator[str]:
    for usual in _USUAL[name]:
        if "{" not in usual:
            yield usual
        elif level is not None and not ("{p}" in usual and level == 0):
            yield usual.format(n=level, p=level - 1)


def _column(path: Path, layer: Layer, options: Options, name: str, level: int | None) -> list[str | None] | None:
    """The cells of one of our columns: a constant, the column that was named, or the first usual one with content."""
    if name in options.constants:
        return [options.constants[name]] * len(layer.geometry)
    found = {str(column).casefold(): column for column in layer.table.columns}
    named = options.columns.get(name)
    if named is not None:
        if named.casefold() not in found:
            listed = ", ".join(map(str, layer.table.columns)) or "none"
            raise GateError(f"{path}: no column {named!r} for {name}; the file has: {listed}")
        return [cell(value) for value in layer.table[found[named.casefold()]]]
    for usual in _names(name, level):
        if usual in found:
            cells = [cell(value) for value in layer.table[found[usual]]]
            if (cells.count("NA") == 1 and not level) or any(text not in (None, "NA", *_NO_CODE) for text in cells):
                return cells
    return None


def _levels(path: Path, layer: Layer, cells: list[str | None] | None, level: int | None) -> list[int]:
    """Level of every unit, from a column (``1``, ``ADM1``, OpenStreetMap's ``4``) or from the columns' names."""
    if cells is None:
        if level is None:
            raise GateError(f"{path}: the level of the units cannot be told: --set level=1 says it (0 is a country)")
        return [level] * len(layer.geometry)
    osm = _is_osm(layer)
    levels = []
    for row, text in enumerate(cells, 1):
        match = re.fullmatch(r"(?:adm)?(\d{1,2})", (text or "").casefold())
        if not match:
            raise GateError(f"{path}: row {row}: level {text!r} is none: 0 is a country, 1 its first parts")
        number = int(match.group(1))
        levels.append(_OSM_LEVELS.get(number, number) if osm else number)
    return levels


def _is_osm(layer: Layer) -> bool:
    return "admin_level" in layer.table.columns and "level" not in layer.table.columns


def _prefer_english(layer: Layer, columns: dict[str, list[str | None] | None]) -> None:
    """OpenStreetMap's name is the local one; the English one has a column of its own."""
    for column in ("name:en", "name_en"):
        if column in layer.table.columns:
            columns["name_local"] = columns["name"]
            columns["name"] = [cell(value) for value in layer.table[column]]
            return


def _carried(layer: Layer, at: int) -> dict[str, str | None]:
    return {str(name): cell(value) for name, value in layer.table.iloc[at].to_dict().items()}


def _told(columns: Mapping[str, list[str | None] | None], path: Path) -> list[str]:
    notes = []
    if columns["boundary"] is None:
        notes.append(f"the boundary set is called {path.stem!r}, after the file")
    if columns["unit"] is None:
        notes.append("the units have no codes: they can be asked for by name only")
    return notes


READER = shipped_reader("units", read)
