"""More incidents than a map can show one by one: those near each other share a mark that says how many they are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.measure.ellipsoid import lengths_km
from geo.presentation.labels import unit_label, written
from geo.presentation.language import N_, current, gettext, ngettext, number
from geo.schema import number_or_none, text_or_none

MARKER_LIMIT = 500  # incidents that are drawn one by one; a page of them takes 300 KB
MARKS = 120  # what a map shows of more, so that the ground under them is still seen
_FINEST = 1 / 64  # of the ground that they lie on: the first mesh that is tried
_NAMED = 3  # values of a fact that are named
_TOLD = (N_("Event"), N_("Verification"), N_("Source"))
# what is said of an incident in a list, by the name of the fact
_LISTED = {
    N_("Date"): N_("date"), N_("Precision"): N_("precision"), N_("Killed"): N_("killed"), N_("Injured"): N_("injured"),
    N_("Captured"): N_("captured"), N_("Abducted"): N_("abducted"), N_("Verification"): N_("verification"),
    N_("Source"): N_("source"),
}  # fmt: skip


def marks_of(markers: Sequence[Marker]) -> tuple[list[Marker], list[Marker]]:
    """Incidents as marks, and where these are shared every incident by itself, without its notes."""
    if len(markers) <= MARKER_LIMIT:
        return list(markers), []
    notes = gettext("Notes")
    crowd = [replace(m, facts=[fact for fact in m.facts if fact[0] != notes]) for m in markers]
    return cluster_markers(markers), crowd


def cluster_markers(markers: Sequence[Marker], *, limit: int = MARKER_LIMIT, marks: int = MARKS) -> list[Marker]:
    """Incidents as marks: one each where they are few, else one for those near each other."""
    if len(markers) <= limit:
        return list(markers)
    at = np.array([(s.lon, s.lat) for s in markers])
    reach = max(float(np.ptp(at[:, 0])), float(np.ptp(at[:, 1])), 1e-6)
    mesh = reach * _FINEST
    groups = _grouped(markers, at, mesh)
    while sum(markers[members[0]].kind != "region" for members in groups) > marks and mesh < 4 * reach:
        mesh *= 1.5
        groups = _grouped(markers, at, mesh)
    made = [_mark([markers[i] for i in members], at[members]) for members in groups]
    return sorted(made, key=lambda mark: -mark.count)


def marker_radius(count: int) -> float:
    """By how much the radius of a mark grows for the incidents that share it, in pixels; 0 for one alone."""
    return round(min(14.0, 2 * math.log2(count)), 1)


def shared_words(markers: Sequence[Marker]) -> str:
    """What is to be said where incidents share marks, "" where each has its own."""
    if all(marker.count == 1 for marker in markers):
        return ""
    return gettext(
        "{n} incidents, more than can be told apart here: those near each other, or known to the same region,"
        " share a mark, the larger the more they are ({marks} marks). geo incidents lists them one by one,"
        " and so do a site's downloads",
        n=number(sum(marker.count for marker in markers)), marks=number(len(markers)),
    )  # fmt: skip


def fact_words(marker: Marker, *, with_precision: bool = False) -> list[str]:
    """What is known of an incident, as a list of incidents has it."""
    facts, unknown = dict(marker.facts), gettext("not known")
    names = [name for name in _LISTED if with_precision or name != "Precision"]
    return [f"{gettext(_LISTED[n])}: {said}" for n in names if (said := facts.get(gettext(n), unknown)) != unknown]


def _grouped(markers: Sequence[Marker], at: NDArray[np.float64], mesh: float) -> list[list[int]]:
    cells = np.floor(at / mesh).astype(np.int64).tolist()
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, (marker, cell) in enumerate(zip(markers, cells, strict=True)):
        groups[(marker.area_name,) if marker.kind == "region" else (marker.kind, *cell)].append(i)
    return list(groups.values())


def _mark(members: Sequence[Marker], at: NDArray[np.float64]) -> Marker:
    if len(members) == 1:
        return members[0]
    days = sorted({day for marker in members for day in marker.days})
    days = [days[0], days[-1]] if days else []
    lon, lat = at.mean(axis=0).tolist()
    km = lengths_km(shapely.linestrings(np.stack([at, np.broadcast_to((lon, lat), at.shape)], axis=1)))
    first = members[0]
    within = gettext("within {km} km", km=number(max(1, round(float(km.max())))))
    where = gettext("somewhere in {region}", region=first.area_name) if first.kind == "region" else within
    radius = max(1000 * d + s.radius_m for d, s in zip(km.tolist(), members, strict=True)) if first.radius_m else 0.0
    told = [(name, _values([dict(marker.facts).get(name, "") for marker in members])) for name in map(gettext, _TOLD)]
    facts = [(gettext("Incidents"), number(len(members))), (gettext("Date"), _span(days)), (gettext("Where"), where)]
    facts += told
    title = ngettext("{n} incident {where}", "{n} incidents {where}", len(members), where=where)
    return replace(first, lat=lat, lon=lon, radius_m=radius, title=title, facts=[(k, v) for k, v in facts if v],
                   count=len(members), days=days)  # fmt: skip


def _span(days: Sequence[str]) -> str:
    return gettext(" to ").join(written(day) for day in dict.fromkeys(days))


def _values(said: Sequence[str]) -> str:
    """The most frequent values of a fact, each with how often it stands."""
    counts = Counter(text for text in said if text)
    named = counts.most_common(_NAMED)
    parts = [f"{text} ({number(count)})" for text, count in named]
    rest = sum(counts.values()) - sum(count for _, count in named)
    return "; ".join([*parts, gettext("others ({n})", n=number(rest))] if rest else parts)


# The radius in km within which an incident lies, by its precision alone (UCDP where_prec, ACLED geo_precision)
_RADIUS_KM = {"where_prec": {2: 25.0, 3: 40.0, 4: 100.0, 5: 100.0, 6: 300.0}, "geo_precision": {2: 25.0, 3: 100.0}}
_WORDS = {
    1: N_("exact place"), 2: N_("near a place (within about 25 km)"), 3: N_("district"), 4: N_("region"),
    5: N_("along a line or sea"), 6: N_("country"), 7: N_("at sea or in the air"),
}  # fmt: skip
PIN_KM = 5.0
_REGIONAL = 4.0  # where_prec from here on is a region, a line or sea, a country, the air
# which columns may name the region of an incident that is known no better: ADM1, country
_ADM1 = ("adm_1", "where_coordinates")
_REGIONS = {"where_prec": {4: _ADM1, 6: ("country", "where_coordinates")}, "geo_precision": {3: _ADM1}}


@dataclass(frozen=True)
class Marker:
    """An incident, or several that share a mark: where, how precisely, and what is known of it."""

    lat: float
    lon: float
    radius_m: float
    title: str
    facts: Sequence[tuple[str, str]]
    area: shapely.Geometry | None = None
    area_name: str = ""
    count: int = 1  # incidents that share this mark
    days: Sequence[str] = ()  # the first and the last, in ISO 8601

    @property
    def kind(self) -> Literal["place", "circle", "region"]:
        """How it is drawn."""
        return "region" if self.area is not None else "circle" if self.radius_m else "place"


def marker_of(row: Mapping[Any, Any], region: Callable[[str], Mapping[Any, Any] | None]) -> Marker:
    """An incident as maps show it; `region` gives the unit of a name."""

    def called(name: str) -> str:
        unit = None if current().code == "en" else region(name)
        return name if unit is None else unit_label(unit)

    point = row["geometry"]
    place = text_or_none(row["where_coordinates"]) or text_or_none(row["adm_1"]) or gettext("Place not named")
    place = called(place) if is_regional(row) else place
    precision = number_or_none(row["where_prec"])
    days = [t for t in (text_or_none(row["date_start"]), text_or_none(row["date_end"])) if t]
    known = [
        (N_("Date"), _span(days)),
        (N_("Where"), ", ".join(called(t) for t in (text_or_none(row["adm_1"]), text_or_none(row["country"])) if t)),
        (N_("Precision"), gettext(_WORDS[int(precision)]) if precision in _WORDS else ""),
        (N_("Event"), event_of(row)),
        (N_("Killed"), _range(row["low"], row["best"], row["high"])),
        (N_("Injured"), _range(row["injured_low"], row["injured_best"], row["injured_high"])),
        (N_("Captured"), _range(None, row["captured"], None)),
        (N_("Abducted"), _range(None, row["abducted"], None)),
        (N_("Said by"), text_or_none(row["claimed_by"]) or ""),
        (N_("Verification"), gettext(text_or_none(row["verification"]) or "not stated")),
        (N_("Source"), text_or_none(row["source"]) or ""),
        (N_("Notes"), text_or_none(row["notes"]) or ""),
    ]  # fmt: skip
    title = f"{place}: {event_of(row) or gettext('incident')}"
    facts = [(gettext(k), v) for k, v in known if v]
    for name in _regions_named(row):
        unit = region(name)
        if unit is not None:
            return Marker(point.y, point.x, _radius_m(row), title, facts, unit["geometry"], called(name), days=days)
    return Marker(point.y, point.x, _radius_m(row), title, facts, days=days)


def _regions_named(row: Mapping[Any, Any]) -> list[str]:
    """What may name the region or country in which an incident lies, where nothing finer is known."""
    for precision, columns in _REGIONS.items():
        value = number_or_none(row[precision])
        if value is not None:
            names = [text_or_none(row[c]) for c in columns.get(int(value), ())]
            return [n for n in names if n]
    return []


def event_of(row: Mapping[Any, Any]) -> str:
    """What happened, in the field's finer term where it says more than "other"."""
    fine, coarse = text_or_none(row["sub_event_type"]), text_or_none(row["event_type"])
    said = coarse if fine is None or fine.casefold() == "other" else fine
    return gettext(said) if said else ""


def _radius_m(row: Mapping[Any, Any]) -> float:
    """0 for a place; the radius within which the incident lies for a region."""
    radius = radius_km(row)
    stated = number_or_none(row["uncertainty_km"]) is not None
    return 0.0 if radius is None or (stated and radius < PIN_KM) else radius * 1000


def radius_km(row: Mapping[Any, Any]) -> float | None:
    """Within how many km of its point an incident lies: as stated, else by its precision."""
    stated = number_or_none(row["uncertainty_km"])
    if stated is not None:
        return stated
    for column, radii in _RADIUS_KM.items():
        value = number_or_none(row[column])
        if value is not None:
            return radii.get(int(value), 0.0)
    return None


def is_regional(row: Mapping[Any, Any]) -> bool:
    """Whether an incident is known to a region, a country or a line alone, and to no place in it."""
    fine, coarse = number_or_none(row["where_prec"]), number_or_none(row["geo_precision"])
    return fine >= _REGIONAL if fine is not None else coarse == 3.0


def _range(low: Any, best: Any, high: Any) -> str:
    numbers = [number_or_none(v) for v in (low, best, high)]
    known = [v for v in numbers if v is not None]
    if not known:
        return gettext("not known")
    text = f"{numbers[1]:g}" if numbers[1] is not None else ""
    if (numbers[0] is None) != (numbers[2] is None):  # a bound that no number closes: "at least 5" is not 5
        least = gettext("at least {n}", n=f"{numbers[0]:g}") if numbers[0] is not None else ""
        bound = least or gettext("at most {n}", n=f"{numbers[2]:g}")
        return bound if numbers[1] in (None, numbers[0], numbers[2]) else f"{text} ({bound})"
    if min(known) < max(known):
        span = gettext("{low} to {high}", low=f"{min(known):g}", high=f"{max(known):g}")
        return f"{text} ({span})" if text else span
    return text or f"{known[0]:g}"
