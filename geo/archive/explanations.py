"""A number's workings in full: snapshots with their hashes, classes, unit, method, and its range with every cause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import __version__
from geo.archive import corrections, figures
from geo.archive.comparisons import meaning_of
from geo.archive.queries import ArchiveBase, EffectiveSnapshots, Query, Reader
from geo.archive.results import By, When, refused_notes, snapshot_of
from geo.archive.shared_docs import consistent_read
from geo.errors import UnitError
from geo.measure import areas
from geo.measure.areas import border_band
from geo.measure.ellipsoid import areas_km2, local_plane, without_residue
from geo.presentation.statuses import NO_DOUBT, named, of_row
from geo.schema import number_of, text_or_none

METHOD = (
    "the polygons of a class are united, then measured on the WGS 84 ellipsoid; edges straight in longitude and"
    " latitude (RFC 7946); overlays in the same plane, so that parts sum to the whole"
)
_DATES = ("depicts", "published", "retrieved", "recorded_at")
_FILE = (
    "file_name", "file_bytes", "sha256", "rows_in", "rows_stored", "rows_repaired", "rows_refused", "rows_left_out",
)  # fmt: skip


@dataclass(frozen=True)
class Workings:
    """What figures rest on. ``str(workings)`` is the text; `facts` is plain data, as JSON takes it."""

    facts: Mapping[str, Any]

    def __str__(self) -> str:
        return "\n".join(_lines(self.facts))

    def to_json(self) -> str:
        return json.dumps(self.facts, ensure_ascii=False, indent=1)


@consistent_read
def explain(
    self: ArchiveBase, date: When | None = None, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = None,
    level: int | None = None, boundary: str | None = None, accuracy_km: float | None = None,
    as_known_on: When | None = None, max_age_days: float | None = None,
) -> Workings:  # fmt: skip
    """The workings of `area` in full: snapshots with hashes and dates, classes, unit, method, range and causes.

    Returns
    -------
    geo.archive.explanations.Workings
        ``print`` it, or take its `facts` (plain data) or `to_json`; areas in km².

    Raises
    ------
    UsageError
        A side or a status is unknown, or the accuracy is not above 0.

    Examples
    --------
    >>> print(str(archive.explain("2025-01-11", status="held")).splitlines()[1].strip())
    UA held: 423.3 km², range 423.3 to 618.4; 1 polygon
    """
    reader = self.reader
    query = Query(self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days)
    frame, effective = reader.side(query, date)
    table = figures.area_table(reader, date, query)
    accuracy = accuracy_km if accuracy_km is not None else reader.accuracy_km(query.source)
    zones = reader.zones(query, ground=frame)
    ground = areas.ground_by_class(frame, by_native=by == "native")
    rows = []
    for row in _plain(table):
        key = (row["controller"], row["status"], row.get("native"), row.get("part") or "")
        zone = _zone_of(row, areas.class_zones(zones, key, frame.total_bounds))
        shapes = frame[frame["status"].isin(named(widens_upper_bound=True))].geometry
        contested = areas.union(shapes) if of_row(row).is_held and len(shapes) else areas.NOWHERE
        causes = _area_causes(reader, row, ground[key], zone, accuracy, contested)
        if row["upper_km2"] is None and of_row(row).is_held:
            causes += _others_cause(row, figures.held_by_others(reader, date, query))
        mine = _of_class(frame, row)
        natives = sorted({str(n) for n in mine["native"] if text_or_none(n)})
        rows.append({
            **{k: row.get(k) for k in ("controller", "status", "native", "part", "unit", "boundary")},
            "value_km2": row["area_km2"], "polygons": len(mine), "means": _means(query.source, row),
            "native_classes": natives, "range_km2": _range(row["area_km2"], causes), "causes": causes,
        })  # fmt: skip
    question = {"figure": "area", "date": None if date is None else str(date)}
    return Workings(_facts(reader, query, question, rows, [effective]))


@consistent_read
def explain_change(
    self: ArchiveBase, from_: When, to: When, *, source: str | None = None, controller: str | None = None,
    status: str | Sequence[str] | None = None, within: str | shapely.Geometry | None = None, by: By | None = None,
    level: int | None = None, boundary: str | None = None, base: When | None = None, accuracy_km: float | None = None,
    as_known_on: When | None = None, max_age_days: float | None = None,
) -> Workings:  # fmt: skip
    """The workings of `change` in full; the range is that of the net.

    Returns
    -------
    geo.archive.explanations.Workings
        As `explain` gives it.

    Raises
    ------
    UsageError
        A side or a status is unknown, or the accuracy is not above 0.

    Examples
    --------
    >>> workings = archive.explain_change("2024-11-23", "2025-01-11", status="held")
    >>> [cause["cause"] for cause in workings.facts["figures"][0]["causes"]]
    ['contested ground', 'drawing accuracy', 'age of the snapshot', 'age of the snapshot']
    """
    reader = self.reader
    query = Query(self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days)
    sides = reader.both_sides(query, (from_, to))
    table = figures.change_table(reader, from_, to, query, base=base)
    uppers = [figures.area_table(reader, when, query) for when in (from_, to)]
    accuracy = accuracy_km if accuracy_km is not None else reader.accuracy_km(query.source)
    changes = {c.key: c for c in areas.overlaid(sides[0][0], sides[1][0], by_native=by == "native")}
    zones = reader.zones(query, ground=sides[1][0])
    rows = []
    for row in _plain(table):
        key = (row["controller"], row["status"], row.get("native"), row.get("part") or "")
        change = changes[key]
        bounds = shapely.total_bounds(np.array([change.before, change.after], dtype=object))
        zone = _zone_of(row, areas.class_zones(zones, key, bounds))
        told = row["net_km2"] is not None  # missing where the two maps are not comparable
        causes = _change_causes(row, uppers, change, zone, accuracy) if told else []
        causes += [_age(name, used, row) for name, used in (("first", sides[0][1]), ("last", sides[1][1]))]
        rows.append({
            **{k: row.get(k) for k in ("controller", "status", "native", "part", "unit", "boundary")},
            **{k: row[k] for k in ("gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent")},
            "means": _means(query.source, row), "causes": causes,
            "range_km2": _range(row["net_km2"], causes, signed=True) if told else None,
        })  # fmt: skip
    question = {"figure": "change", "from": str(from_), "to": str(to), "base": str(from_ if base is None else base)}
    facts = _facts(reader, query, question, rows, [effective for _, effective in sides])
    return Workings({**facts, "notes": list(dict.fromkeys([*table.attrs["notes"], *facts["notes"]]))})


def _zone_of(row: Mapping[str, Any], zones: Sequence[areas.Zone]) -> shapely.Geometry | None:
    return next(z.shape for z in zones if (z.unit, z.boundary) == (row["unit"], row["boundary"]))


# -- causes -------------------------------------------------------------------------------------------------------


def _area_causes(
    reader: Reader,
    row: Mapping[str, Any],
    ground: shapely.Geometry,
    zone: shapely.Geometry | None,
    accuracy: float | None,
    contested: shapely.Geometry,
) -> list[dict[str, Any]]:
    causes: list[dict[str, Any]] = []
    if of_row(row).is_held:
        causes.append(_contested_cause(row))
    if accuracy is None:
        causes.append(_NOT_KNOWN)
    else:
        causes.append(_band_cause(reader, ground, zone, accuracy, contested))
    return [*causes, _age_words("snapshot", row["snapshot"], row["snapshot_age_days"])]


def _contested_cause(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["upper_km2"] is None:
        return _NO_DOUBT
    more = float(without_residue(row["upper_km2"] - row["area_km2"], of=row["upper_km2"]))
    words = "contested ground that touches this, which the source gives to nobody"
    return {"cause": "contested ground", "less_km2": 0.0, "more_km2": more, "words": words}


def _others_cause(row: Mapping[str, Any], others: Sequence[tuple[str, str, float]]) -> list[dict[str, Any]]:
    said = [(km2, source) for source, side, km2 in others if side == row["controller"]]
    if not said:
        return []
    low, high = (pick(km2 for km2, _ in said) for pick in (min, max))
    words = "other sources with a snapshot of the same day: " + ", ".join(f"{v:,.1f} km² by {s}" for v, s in said)
    less, more = max(row["area_km2"] - low, 0.0), max(high - row["area_km2"], 0.0)
    return [{"cause": "other sources", "less_km2": less, "more_km2": more, "words": words}]


_NO_DOUBT = {"cause": "contested ground", "less_km2": None, "more_km2": None, "words": NO_DOUBT}
_NOT_KNOWN = {
    "cause": "drawing accuracy", "less_km2": None, "more_km2": None,
    "words": "how far the source's lines may be off is not known (--accuracy-km says it), so no band is given",
}  # fmt: skip


def _band_cause(
    reader: Reader,
    ground: shapely.Geometry,
    zone: shapely.Geometry | None,
    accuracy: float,
    contested: shapely.Geometry,
) -> dict[str, Any]:
    """Perkal's band; of its outside what is contested counts already."""
    try:
        border = reader.border(None)
    except UnitError:
        border = None
    band = border_band(ground, accuracy_km=accuracy, countries=border, within=zone)
    beyond = _km2(shapely.difference(band.outside, contested))
    words = (
        f"ground within {accuracy:g} km of the drawn line (Perkal's band: {band.inside_km2:,.1f} km² inside it,"
        f" {band.outside_km2:,.1f} outside, {beyond:,.1f} of that not contested)"
        + ("" if border is None else "; state border and coast left out")
    )
    return {
        "cause": "drawing accuracy", "accuracy_km": accuracy, "less_km2": band.inside_km2, "more_km2": beyond,
        "band_km2": band.inside_km2 + band.outside_km2, "words": words,
    }  # fmt: skip


def _change_causes(
    row: Mapping[str, Any], uppers: Sequence[pd.DataFrame], change: areas.ClassChange, zone: shapely.Geometry | None,
    accuracy: float | None,
) -> list[dict[str, Any]]:  # fmt: skip
    causes: list[dict[str, Any]] = []
    if of_row(row).is_held:
        causes.append(_contested_change(row, [_upper(table, row) for table in uppers]))
    if accuracy is None:
        return [*causes, _NOT_KNOWN]
    gained, lost = (_near(getattr(change, word), change, zone, accuracy) for word in ("gained", "lost"))
    words = (
        f"of the ground gained {gained:,.1f} km² and of that lost {lost:,.1f} km² lie within {accuracy:g} km of the"
        " line on both dates, and may be drawing alone"
    )
    causes.append(
        {"cause": "drawing accuracy", "accuracy_km": accuracy, "less_km2": gained, "more_km2": lost, "words": words}
    )
    return causes


def _contested_change(row: Mapping[str, Any], uppers: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    (first, doubt), (last, doubt_later) = uppers
    if not (doubt or doubt_later):
        return _NO_DOUBT
    other = last - first
    words = f"net with the contested ground counted on both dates: {other:,.1f} km²"
    apart = float(without_residue(other - row["net_km2"], of=first + last, signed=True))
    return {"cause": "contested ground", "less_km2": max(-apart, 0.0), "more_km2": max(apart, 0.0), "words": words}


def _near(piece: shapely.Geometry, change: areas.ClassChange, zone: shapely.Geometry | None, accuracy: float) -> float:
    """The km² of changed ground that lies within an accuracy of the border on both dates."""
    shape = areas.areal_only(areas.clip(piece, zone))
    if shape.is_empty:
        return 0.0
    plane = local_plane(shapely.total_bounds(np.array([shape], dtype=object)))
    # lines farther off than the accuracy cannot matter
    near = shapely.box(*shapely.buffer(shapely.box(*shape.bounds), 0.05 + accuracy / 40).bounds)
    laid = plane.laid(shape)
    for ground in (change.before, change.after):
        line = shapely.intersection(shapely.boundary(ground), near)
        laid = shapely.intersection(laid, shapely.buffer(plane.laid(line), accuracy))
    return _km2(plane.lifted(laid))


def _upper(table: pd.DataFrame, row: Mapping[str, Any]) -> tuple[float, bool]:
    """The upper bound of a figure, and whether the source shows contested ground on that date."""
    names = ("controller", "status", "unit", *(n for n in ("native", "part") if n in table))
    for other in _plain(table):
        if all((other.get(n) or None) == (row.get(n) or None) for n in names):
            doubt = other["upper_km2"] is not None
            return float(other["upper_km2"] if doubt else other["area_km2"]), doubt
    return 0.0, False


def _age(name: str, effective: EffectiveSnapshots, row: Mapping[str, Any]) -> dict[str, Any]:
    snapshot, days = snapshot_of(effective, {"part": row.get("part") or ""})
    return _age_words(f"{name} snapshot", snapshot, days)


def _age_words(what: str, snapshot: str, days: float) -> dict[str, Any]:
    words = (
        f"{what} {snapshot} depicts a moment {number_of(days, 'day')} before the date; what happened since is not in it"
    )
    if not days:
        words = f"{what} {snapshot} depicts the date itself"
    return {"cause": "age of the snapshot", "age_days": days, "less_km2": None, "more_km2": None, "words": words}


def _range(value: float, causes: Sequence[Mapping[str, Any]], *, signed: bool = False) -> list[float] | None:
    """Lowest and highest, as if all causes that are given in km² were at their worst at once; an area is 0 or more."""
    if all(cause["less_km2"] is None for cause in causes):
        return None
    less, more = (sum(c[key] or 0.0 for c in causes) for key in ("less_km2", "more_km2"))
    return [float(without_residue(v, of=abs(value) + less + more, signed=signed)) for v in (value - less, value + more)]


# -- what they rest on --------------------------------------------------------------------------------------------


def _facts(
    reader: Reader,
    query: Query,
    question: Mapping[str, Any],
    rows: Sequence[Any],
    effective: Sequence[EffectiveSnapshots],
) -> dict[str, Any]:
    table = reader.snapshots()
    ages = dict(pair for one in effective for pair in one.values())
    used = [r for r in _plain(table) if r["snapshot"] in ages]
    unit = None if query.within is None else reader.zone(query.within, query.boundary)
    credit = next((r for r in _plain(reader.sources()) if r["name"] == query.source), {})
    corrected, _ = corrections.corrections_found(
        reader, source=query.source, as_known_on=query.as_known_on, snapshots=list(ages)
    )
    return {
        **question,
        "source": query.source,
        "credit": {k: credit.get(k) for k in ("title", "url", "licence", "attribution")},
        "as_known_on": None if query.as_known_on is None else str(query.as_known_on),
        "snapshots": [
            {k: r[k] for k in ("snapshot", "part", *_DATES, *_FILE)} | {"age_days": ages[r["snapshot"]]} for r in used
        ],
        "unit": None if unit is None else {"unit": unit.unit, "boundary": unit.boundary, "area_km2": _km2(unit.shape)},
        "by": query.by,
        "method": METHOD,
        "figures": list(rows),
        "corrections": corrections.correction_words(corrected),
        "notes": [*refused_notes(table, list(ages)), *reader.notes(query.source)],
        "made_with": f"geo-control {__version__}",
    }


def _km2(shape: shapely.Geometry) -> float:
    return float(without_residue(areas_km2(np.array([shape], dtype=object))[0]))


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v for k, v in r.items()} for r in plain.to_dict("records")]


def _of_class(frame: gpd.GeoDataFrame, row: Mapping[str, Any]) -> gpd.GeoDataFrame:
    mine = [
        (text_or_none(c), s, p) == (row["controller"], row["status"], row.get("part") or "")
        for c, s, p in zip(frame["controller"], frame["status"], frame["part"], strict=True)
    ]
    return frame[mine]


def _means(source: str, row: Mapping[str, Any]) -> str:
    return meaning_of(source, row.get("part") or "", row["controller"], row["status"])


def _lines(facts: Mapping[str, Any]) -> list[str]:
    """The workings as text."""
    when = f"from {facts.get('from')} to {facts.get('to')}, percent of {facts.get('base')}"
    if facts["figure"] == "area":
        when = f"on {facts['date'] or 'the last date'}"
    known = f", as known on {facts['as_known_on']}" if facts["as_known_on"] else ""
    lines = [f"{facts['figure'].capitalize()} {when} by {facts['credit'].get('title') or facts['source']}{known}"]
    for row in facts["figures"]:
        lines += _figure_lines(row)
    for snapshot in facts["snapshots"]:
        lines += _snapshot_lines(snapshot)
    unit = facts["unit"]
    if unit:
        lines.append(f"  unit: {unit['unit']}, {unit['area_km2']:,.1f} km², boundary set {unit['boundary']}")
    lines.append(f"  method: {facts['method']}")
    lines += [f"  corrected: {words}" for words in facts["corrections"]]
    lines += [f"  note: {words}" for words in facts["notes"]]
    return [*lines, f"  licence: {facts['credit'].get('licence') or 'not stated'}; {facts['made_with']}"]


def _figure_lines(row: Mapping[str, Any]) -> list[str]:
    name = f"{row['controller'] or ''} {row['status']}".strip() + (f", {row['native']}" if row["native"] else "")
    name += f" in {row['unit']} ({row['boundary']})" if row["unit"] else ""
    span = "no range" if row["range_km2"] is None else "range {:,.1f} to {:,.1f}".format(*row["range_km2"])
    if "value_km2" in row:
        count = f"{row['polygons']} polygon{'' if row['polygons'] == 1 else 's'}"
        said = f"{row['value_km2']:,.1f} km², {span}; {count}"
    elif row["net_km2"] is None:
        said = "gained and lost are not told: the two maps are not comparable"
    else:
        said = (
            f"gained {row['gained_km2']:,.1f}, lost {row['lost_km2']:,.1f}, net {row['net_km2']:,.1f} km², net {span}"
        )
    causes = [f"    {_cause_words(cause)}" for cause in row["causes"]]
    return [f"  {name}: {said}", f"    means: {row['means']}", *causes]


def _snapshot_lines(snapshot: Mapping[str, Any]) -> list[str]:
    dates = ", ".join(f"{k.replace('_at', '')} {snapshot[k] or 'not known'}" for k in _DATES)
    counts = ", ".join(
        f"{snapshot[k]} {word}"
        for k, word in (("rows_in", "in"), ("rows_stored", "stored"), ("rows_repaired", "mended"),
                        ("rows_refused", "refused"), ("rows_left_out", "left out"))
    )  # fmt: skip
    file = f"    file {snapshot['file_name']}, sha256 {snapshot['sha256']}; rows: {counts}"
    return [f"  snapshot {snapshot['snapshot']}: {dates}", file]


def _cause_words(cause: Mapping[str, Any]) -> str:
    if cause["less_km2"] is None:
        return f"{cause['cause']}: {cause['words']}"
    less, more = (
        f"{sign}{size}" if (size := f"{cause[key]:,.1f}") != "0.0" else size
        for sign, key in (("-", "less_km2"), ("+", "more_km2"))
    )
    return f"{cause['cause']}: {less} / {more} km² ({cause['words']})"
