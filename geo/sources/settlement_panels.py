"""Whose each settlement is on each day: VIINA's control files, Wikipedia's modules, a desk's own table."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.assets import read_toml
from geo.errors import GateError
from geo.formats.dates import date_in_name, read_instant
from geo.formats.geojson import features, read_bytes, read_json
from geo.formats.limits import CLASSES, COLUMNS, refuse_too_many
from geo.formats.tables import number, read_table
from geo.formats.zips import unpack
from geo.measure.settlements import named_places, shipped_settlements
from geo.presentation.statuses import STATUSES
from geo.schema import CRS, SETTLEMENT_COLUMNS, Options, Refusal, Rows, to_instant, write_instant
from geo.sources.base import meanings, shipped_reader

_MOST = 40_000_000  # rows of a file: three years of VIINA's 33,141 places
_UNPACKED = 2 << 30  # bytes; a year is 12 million lines
_HELD = {"ua": ("UA", "held"), "ru": ("RU", "held"), "contested": (None, "contested")}
_TESSELLATION = "gn_UA_tess.geojson"
_NOWHERE = ("no place of this name or number is known", "give its latitude and longitude")


def _panel(table: pd.DataFrame, rows_in: int, left_out: Mapping[str, int], refusals: Sequence[Refusal] = ()) -> Rows:
    """Statements in order, those alone that say something new of their place; on which days the file speaks."""
    days, count = sorted(set(table["valid_from"])), len(table)
    table = table.sort_values(["place", "valid_from"], kind="stable").drop_duplicates(
        ["place", "valid_from"], keep="last"
    )
    said = table[["place", "controller", "status", "native"]].fillna("")
    table = table[(said != said.shift()).any(axis=1).to_numpy()]
    points = gpd.points_from_xy(table["lon"].astype(float), table["lat"].astype(float))
    frame = gpd.GeoDataFrame(table[["row", *SETTLEMENT_COLUMNS]].reset_index(drop=True), geometry=points, crs=CRS)
    frame.attrs["days"] = days
    if count > len(table):
        left_out = {**left_out, "that say again what was said of their place": count - len(table)}
    return Rows(frame, rows_in, left_out=left_out, refusals=tuple(refusals))


# -- VIINA ----------------------------------------------------------------------------------------------------------


def read_viina(path: Path, _: Options) -> Rows:
    """A control file: places by GeoNames' number, days, what each source says and what most of them say."""
    raw = read_bytes(path)
    if raw[:2] == b"PK":
        files = unpack(path, raw=raw, limit=_UNPACKED)
        named = {name: text for name, text in files.items() if name.lower().endswith(".csv")}
        if len(named) != 1:
            raise GateError(f"{path}: {len(named)} CSV files in it; one is wanted")
        raw = next(iter(named.values()))
    header = raw[: raw.find(b"\n")].decode("utf-8-sig", "replace").replace('"', "").strip().split(",")
    refuse_too_many(path, len(header), COLUMNS, "columns")
    votes = [name for name in header if name.startswith("status")]
    if not {"geonameid", "date", "status"} <= set(header):
        raise GateError(f"{path}: columns geonameid, date and status are wanted; there are: {', '.join(header)[:200]}")
    try:
        table = pd.read_csv(
            io.BytesIO(raw), usecols=["geonameid", "date", *votes], nrows=_MOST + 1, encoding="utf-8-sig",
            dtype={"geonameid": "int64", "date": "int64", **dict.fromkeys(votes, "category")},
        )  # fmt: skip
    except (ValueError, OverflowError, pd.errors.ParserError) as error:
        raise GateError(f"{path}: cannot be read as VIINA's table: {error}") from None
    if len(table) > _MOST:
        raise GateError(f"{path}: over the limit of {_MOST:,} rows: part the file by years")
    unknown = set(table["status"].dropna().astype(str).str.casefold()) - _HELD.keys()
    if unknown:
        raise GateError(f"{path}: status {', '.join(sorted(unknown))} is unknown; the known ones: UA, RU, CONTESTED")
    return _viina_panel(path, table, votes)


def _viina_panel(path: Path, table: pd.DataFrame, votes: Sequence[str]) -> Rows:
    """Of millions of rows those alone that differ from the day before, with what each source says in words."""
    all_days, count = np.unique(table["date"].to_numpy()), len(table)
    table["row"] = np.arange(1, count + 1)
    table = table.sort_values(["geonameid", "date"], kind="stable", ignore_index=True)
    codes = table[["geonameid"]].assign(**{name: table[name].cat.codes for name in votes})
    table = table[(codes != codes.shift()).any(axis=1).to_numpy()]
    places = _viina_places(path)
    known = table["geonameid"].isin(list(places)).to_numpy()
    lost, lost_rows = int(table.loc[~known, "geonameid"].nunique()), int((~known).sum())
    table = table[known]
    words = [_stamp(path, day) for day in all_days.tolist()]
    stamps = dict(zip(all_days.tolist(), words, strict=True))
    held = [_HELD.get(str(status).casefold(), (None, "")) for status in table["status"]]
    where = [places[number_of_place] for number_of_place in table["geonameid"]]
    said = [
        [f"{name.removeprefix('status_')} {value}" for name, value in zip(votes, row, strict=True)
         if name != "status" and isinstance(value, str)]
        for row in table[list(votes)].itertuples(index=False)
    ]  # fmt: skip
    made = pd.DataFrame({
        "row": table["row"].to_numpy(), "place": table["geonameid"].astype(str).to_numpy(),
        "name": [name for name, *_ in where], "lat": [lat for _, lat, _ in where], "lon": [lon for *_, lon in where],
        "controller": [side for side, _ in held], "status": [status or None for _, status in held],
        "native": ["; ".join(row) or None for row in said],
        "valid_from": [stamps[day] for day in table["date"].tolist()],
    }, dtype=object)  # fmt: skip
    why = f"of {lost:,} places whose position is not known: lay VIINA's {_TESSELLATION} beside the file"
    rows = _panel(made, len(made) + lost_rows, {why: lost_rows} if lost else {})
    rows = replace(rows, notes=(f"{count:,} rows of {len(all_days):,} days; those that say nothing new are no row",))
    rows.frame.attrs["days"] = words
    return rows


def _viina_places(path: Path) -> dict[int, tuple[str, float, float]]:
    """Name, latitude and longitude by GeoNames' number: of the file beside, or of the places that are shipped."""
    # geo fetch keeps a later version of a year in a folder of its own, below the file that says where places lie
    folders = (path.parent, path.parent.parent)
    beside = next((one for folder in folders if (one := folder / _TESSELLATION).is_file()), None)
    if beside is None:
        shipped = shipped_settlements({"UA"})
        return {int(p.number): (p.name, float(p.latitude), float(p.longitude)) for p in shipped if p.number.isdigit()}
    found: dict[int, tuple[str, float, float]] = {}
    for feature in features(read_json(beside), path=beside):
        told = {str(name).casefold(): value for name, value in (feature.get("properties") or {}).items()}
        try:
            at = float(told["latitude"]), float(told["longitude"])
            found[int(told["geonameid"])] = (str(told.get("name") or told.get("asciiname")), *at)
        except (KeyError, TypeError, ValueError):
            raise GateError(f"{beside}: a place has no geonameid, latitude and longitude") from None
    return found


def _stamp(path: Path, day: int) -> str:
    text = str(day)
    try:
        return write_instant(to_instant(f"{text[:4]}-{text[4:6]}-{text[6:]}"))
    except GateError as error:
        raise GateError(f"{path}: {error}") from None


# -- Wikipedia ------------------------------------------------------------------------------------------------------

_MARK = re.compile(r"^[ \t]*\{([^{}\n]*)\}", re.MULTILINE)
_PART = re.compile(r'\b(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]]*)\]\]")
_COLOURS = re.compile(r"red|green|black|yellow|blue|orange|purple|gr[ea]y|white|lime|brown|pink|teal|maroon")


def read_wikipedia(path: Path, options: Options) -> Rows:
    """A module of dots on a map: the colours of a dot say whose a place is, by --status-map."""
    text = read_bytes(path).decode("utf-8", "replace")
    dated = None if options.date else date_in_name(path, path.stem)
    if not options.date and dated is None:
        raise GateError(f"{path}: a module says no date: --date YYYY-MM-DD says which day it depicts")
    stamp = write_instant(to_instant(options.date) if options.date else dated[0])  # type: ignore[index]
    meant, found, refusals = meanings(options.statuses), [], []
    left: Counter[str] = Counter()
    marks = [told for mark in _MARK.findall(text) if "mark" in (told := dict(_PART.findall(mark)))]
    if not marks:
        raise GateError(f"{path}: no mark with lat, long and a picture: not a module of a map of dots")
    for row, mark in enumerate(marks, start=1):
        colours = "+".join(dict.fromkeys(_COLOURS.findall(mark["mark"].lower())))
        if not colours:
            left["marks without a colour: mountain passes, bases and the like"] += 1
            continue
        held = meant.get(colours) or ((None, "contested") if "+" in colours else None)
        name = _LINK.sub(r"\1", mark.get("label") or mark.get("link") or "")
        try:
            if held is None:
                raise GateError(f"nobody has said whose a {colours} dot is: --status-map {colours}=SIDE:held")
            lat, lon = _position(mark.get("lat"), mark.get("long"))
        except GateError as error:
            refusals.append(Refusal(row, str(error), "", mark))
            continue
        place = mark.get("link") or name or f"{lat}, {lon}"
        found.append((row, place, name or place, *held, mark["mark"], stamp, lat, lon))
    return _of_records(path, found, len(marks), refusals, left)


# -- a desk's own table -----------------------------------------------------------------------------------------------


def read_own(path: Path, options: Options) -> Rows:
    """Place × date × side: a row stands until another one of its place; a blank side ends it."""
    read = read_table(path, options=options)
    wanted = read_toml("settlements_columns.toml")
    known = {name.casefold(): name for name in read.header}
    columns = {ours: options.columns.get(ours) or next((known[w] for w in words if w in known), "")
               for ours, words in wanted.items()}  # fmt: skip
    for ours in ("name", "date", "controller"):
        if not columns[ours] and ours not in options.constants and not (ours == "date" and options.date):
            raise GateError(
                f"{path}: no column of {ours} ({', '.join(wanted[ours])}); there are: {', '.join(read.header)};"
                f" --column {ours}=THEIRS names one"
            )
    cells = [(row, {ours: options.constants.get(ours, values.get(theirs, "")).strip()
              for ours, theirs in columns.items()}) for row, values in read.rows]  # fmt: skip
    located = named_places(frozenset(told["name"] for _, told in cells if not told["lat"] and not told["lon"]))
    found, refusals = [], list(read.refusals)
    for row, told in cells:
        try:
            found.append(_own_row(row, told, options, located))
        except GateError as error:
            refusals.append(Refusal(row, str(error), "", told))
    return _of_records(path, found, len(cells) + len(read.refusals), refusals, {})


def _own_row(
    row: int, told: Mapping[str, str], options: Options, located: Mapping[str, list[tuple[str, float, float]]]
) -> tuple[Any, ...]:
    name, meant = told["name"], meanings(options.statuses)
    if not name:
        raise GateError("a row without a place")
    if told["lat"] or told["lon"]:
        lat, lon = _position(told["lat"], told["lon"])
    else:
        there = located.get(name.casefold(), [])
        if len(there) != 1:
            where = "; ".join(f"{lat}, {lon}" for _, lon, lat in there[:5])
            raise GateError(f"{name!r}: {f'{len(there)} places have this name ({where})' if there else _NOWHERE[0]}:"
                            f" {_NOWHERE[1]}")  # fmt: skip
        _, lon, lat = there[0]
    day = options.date or told["date"]
    stamp = write_instant(read_instant(day, form=options.date_format))
    word = told["status"] or told["controller"]
    side, status = meant.get(word.casefold(), (None, "")) if word else (None, "")
    status = status or told["status"].lower() or ("held" if told["controller"] else "")
    if status and status not in STATUSES:
        raise GateError(f"status {status!r} is unknown: --status-map {status}=held, or one of {', '.join(STATUSES)}")
    side = side or (told["controller"] or None if word.casefold() not in meant else None)
    return row, told["place"] or name, name, side, status or None, told["native"] or None, stamp, lat, lon


def _position(lat: str | None, lon: str | None) -> tuple[float, float]:
    y, x = number(lat), number(lon)
    if y is None or x is None or not (-90 <= y <= 90 and -180 <= x <= 180):
        raise GateError(f"{lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
    return y, x


def _of_records(
    path: Path, found: Sequence[tuple[Any, ...]], count: int, refusals: Sequence[Refusal], left: Mapping[str, int]
) -> Rows:
    if not found:
        whys = "; ".join(dict.fromkeys(refusal.why for refusal in refusals))[:400]
        raise GateError(f"{path}: nothing can be taken in: {whys or 'it has no rows'}", tuple(refusals))
    refuse_too_many(path, len({side for _, _, _, side, *_ in found}), CLASSES, "sides")
    names = ["row", "place", "name", "controller", "status", "native", "valid_from", "lat", "lon"]
    table = pd.DataFrame(found, columns=names, dtype=object)
    return _panel(table, count, left, refusals)


_READ: Mapping[str, Callable[[Path, Options], Rows]] = {
    "viina-control": read_viina, "wikipedia-map": read_wikipedia, "settlements": read_own,
}  # fmt: skip
VIINA, WIKIPEDIA, OWN = (shipped_reader(name, read) for name, read in _READ.items())
