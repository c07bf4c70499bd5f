"""What one source says of a claim: a verdict for every set of its classes, with its workings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from geo.archive.queries import Query
from geo.archive.results import FAR, When, breaks_between, refused_km2, refused_notes
from geo.claims.class_series import ClassSeries, Place, km2_of, series_of, stamp
from geo.claims.model import (
    NEAR_PERCENT,
    NEAR_POINTS,
    UNITS,
    WITHIN_PERCENT,
    Claim,
    Span,
    find_amounts,
    kind_of_unit,
    span_of,
)  # fmt: skip
from geo.claims.wording import amount, classes_words, day_words
from geo.presentation.labels import place_words, written
from geo.presentation.language import N_, listed, ngettext, number, plain_number, signed
from geo.presentation.language import gettext as _
from geo.presentation.sides import side_of
from geo.presentation.statuses import named
from geo.schema import is_day, last_instant, parse_instant, text_or_none, to_instant

if TYPE_CHECKING:
    from geo.archive import Archive

MAX_AGE_DAYS = 7.0  # a snapshot older than this on the day says nothing of it, unless told otherwise
METHOD = N_(
    "classes of one part of a source united; km² on WGS 84, edges straight in longitude and latitude (RFC 7946)"
)
STATES = ("held", "share retaken", "settlements held")
CHANGES = ("gained", "lost", "net")


def base_of(claim: Claim) -> float | None:
    """The base of a share in km², where the claim gives one in figures."""
    if claim.quantity != "share retaken" or not claim.base:
        return None
    spans = [span_of(Claim("", value=a.value, value_unit=a.unit, comparator="exactly"))
             for a in find_amounts(claim.base) if a.value is not None and kind_of_unit(a.unit) == "km2"]  # fmt: skip
    return spans[0].low if spans else None


@dataclass(frozen=True)
class Verdict:
    """What one set of classes of one source says of a claim."""

    source: str
    part: str
    statuses: tuple[str, ...]
    verdict: str
    value: float | None
    unit: str
    snapshot: str | None
    workings: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The verdict as JSON takes it."""
        return vars(self) | {"statuses": list(self.statuses), "workings": dict(self.workings)}


@dataclass(frozen=True)
class Finding:
    """A claim with its verdicts, when each set of classes last agreed with it, and for a share the bases.

    Of the `notes`, `assumed` say how the words of the claim are taken. With the `option` of the command line a claim
    that cannot be checked would be.
    """

    claim: Claim
    verdicts: tuple[Verdict, ...] = ()
    last_true: tuple[Mapping[str, Any], ...] = ()
    bases: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    span: Span | None = None
    within_percent: float = WITHIN_PERCENT
    date: str | None = None
    place: Place | None = None
    assumed: tuple[str, ...] = ()
    option: str = ""
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)
    series: tuple[ClassSeries, ...] = field(default=(), repr=False)

    def title(self, source: str) -> str:
        """What readers know a source by."""
        return _(self.titles.get(source) or source)

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON takes it."""
        ends = None if self.span is None else [None if math.isinf(v) else v for v in self.span[:2]]
        return {
            "claim": self.claim.as_dict(), "verdicts": [v.as_dict() for v in self.verdicts],
            "last_true": [dict(t) for t in self.last_true], "bases": [dict(b) for b in self.bases],
            "agrees": ends, "within_percent": self.within_percent, "date": self.date, "notes": list(self.notes),
            "option": self.option,
        }  # fmt: skip


@dataclass(frozen=True)
class VerdictInput:
    """All that a verdict is made from."""

    archive: Archive
    claim: Claim
    span: Span
    unit: str
    side: str
    place: Place
    day: When
    within_percent: float
    max_age_days: float
    known: When | None
    places: gpd.GeoDataFrame | None

    def where(self) -> dict[str, str]:
        """Whose ground, and where: what stands in the sentences."""
        return {"side": side_of(self.side).label, "place": _inside(self.place)}

    def instant(self) -> datetime:
        """The last instant of the day that is asked about."""
        return last_instant(self.day)


def verdicts_of(given: VerdictInput, source: str, all_series: Sequence[ClassSeries]) -> list[Verdict]:
    """A verdict for every set of classes of one source."""
    if not all_series:
        text = _("{source} draws no ground of {side}{place} at any date", source=source, **given.where())
        return [Verdict(source, "", named(is_held=True), "no_data", None, given.unit, None, {"text": text})]
    found: list[Verdict] = []
    for series in all_series:
        held = next((v for v in found if v.part == series.part and v.statuses == named(is_held=True)), None)
        measure = _change if given.claim.quantity in CHANGES else _state
        verdict = measure(given, series)
        if verdict.verdict == "supports" and held is not None and held.verdict == "contradicts":
            with_contested = series.statuses == (*named(is_held=True), *named(widens_upper_bound=True))
            verdict = replace(verdict, verdict="supports_with_contested" if with_contested else "supports")
        found.append(verdict)
    return found


def _state(given: VerdictInput, series: ClassSeries) -> Verdict:
    """The verdict on what stands on a day, or on any day of a span."""
    base = base_of(given.claim)
    values = series_of(given.claim, series, base=base, places=given.places)
    first, instant = _first_day(given), given.instant()
    at = series.at(instant)
    inside = [i for i, t in enumerate(series.times) if first is not None and first <= t <= instant]
    age = None if at is None else _age(given.day, series.times[at])
    if not inside and (at is None or age is None or age > given.max_age_days):
        return _no_data(given, series, values, given.day)
    assert at is not None
    chosen = at
    if inside:
        known = [i for i in sorted({*inside, at}) if values[i] is not None]
        agreeing = [i for i in known if given.span.agrees(values[i] or 0.0)]
        chosen = agreeing[-1] if agreeing else min(known, key=lambda i: given.span.away(values[i] or 0.0), default=at)
    value = values[chosen]
    if value is None:
        words = given.where() | {"source": series.source, "date": day_words(series.times[chosen])}
        text = _("{source} shows no ground of {side}{place} up to {date}", **words)
        return _verdict(given, series, "no_data", None, chosen, {"text": text})
    extra = _state_workings(given, series, chosen, value, base, spanned=bool(inside))
    return _verdict(given, series, _said(given, [value], _between(given, series, values, chosen)), value, chosen, extra)


def _said(given: VerdictInput, values: Sequence[float], open_range: tuple[float, float] | None) -> str:
    """Whether any of the values agrees with the claim, or what the missing maps leave open does."""
    if any(given.span.agrees(value) for value in values):
        return "supports"
    if open_range is not None and open_range[0] <= given.span.high and open_range[1] >= given.span.low:
        return "supports_within_gaps"
    return "contradicts"


def _between(
    given: VerdictInput, series: ClassSeries, values: Sequence[float | None], at: int
) -> tuple[float, float] | None:
    """The values of the maps before and after the day, where there is none of the day itself."""
    both = [v for v in values[at : at + 2] if v is not None]
    return (min(both), max(both)) if _has_next(given, series, at) and len(both) > 1 else None


def _has_next(given: VerdictInput, series: ClassSeries, at: int) -> bool:
    """Whether a state's snapshot is older than the day, and the next one follows soon after the day."""
    if given.claim.quantity not in STATES or _age(given.day, series.times[at]) < 1 or at + 1 >= len(series.times):
        return False
    return (series.times[at + 1] - given.instant()) / timedelta(days=1) <= given.max_age_days


def _first_day(given: VerdictInput) -> datetime | None:
    """The beginning of the span that a state is claimed for; None where it is one day or the claim is a share."""
    start = given.claim.date_from
    if start is None or given.claim.quantity == "share retaken" or start == given.claim.date_to:
        return None
    return to_instant(start)


def _state_workings(
    given: VerdictInput, series: ClassSeries, at: int, value: float, base: float | None, *, spanned: bool
) -> dict[str, Any]:
    km2 = series.values[at]
    words = given.where() | {"classes": classes_words(series.statuses), "km2": number(km2, 1)}
    if given.claim.quantity == "share retaken":
        return _share_workings(series, at, value, base, words)
    if given.claim.quantity == "settlements held":
        many = 0 if given.places is None else len(given.places)
        words |= {"n": number(value), "all": number(many)}
        text = _("{n} of the {all} places of the layer are {classes} by {side}{place}", **words)
        return {"text": text, "places": many}
    clauses = [_("{km2} km² {classes} by {side}{place}", **words)]
    if given.unit == "percent":
        words |= {"percent": number(value, 2), "whole": number(given.place.area_km2 or 0.0)}
        clauses = [_("{km2} km² {classes} by {side}{place}, {percent} percent of {whole} km²", **words)]
    clauses += [_("the day of the span that comes nearest")] if spanned else []
    extra: dict[str, Any] = {"km2": km2}
    if series.rest:
        clauses.append(_("what the source's other classes leave of the unit"))
    elif not series.is_cut:
        clauses.append(_("all of it lies in the country by the source's own word"))
    elif given.place.shape is not None:
        whole = km2_of([series.ground(series.times[at], clipped=False)])[0]
        if km2 < whole <= 1.15 * km2:  # most of the class lies in the unit: the outline cuts its rim
            extra["without_outline_km2"] = whole
            clauses.append(_("{km2} km² without the outline", km2=number(whole, 1)))
    return {"text": "; ".join(clauses), **extra}


def _share_workings(
    series: ClassSeries, at: int, value: float, base: float | None, words: Mapping[str, str]
) -> dict[str, Any]:
    peak = int(np.argmax(series.values[: at + 1]))
    start, then = series.values[peak] if base is None else base, series.times[peak]
    said = {**words, "base": number(start, 1), "share": number(value, 1), "date": day_words(then)}
    if base is None:
        text = _("{base} km² (the most up to then, {date}) → {km2} km² {classes} by {side}{place}:"
                 " {share} percent retaken", **said)  # fmt: skip
    else:
        del said["date"]
        text = _("{base} km² (the base said) → {km2} km² {classes} by {side}{place}: {share} percent retaken", **said)
    return {"text": text, "base_km2": start, "base_date": stamp(then) if base is None else None,
            "now_km2": series.values[at], "peak": peak}  # fmt: skip


def _change(given: VerdictInput, series: ClassSeries) -> Verdict:
    """The verdict on what was gained or lost between two dates."""
    start = given.claim.date_from
    assert start is not None
    ends = [last_instant(start), given.instant()]
    at = [series.at(t) for t in ends]
    values = [v if given.unit == "km2" else None for v in series.values]
    ages = [None if i is None else _age(when, series.times[i]) for i, when in zip(at, (start, given.day), strict=True)]
    for when, age in zip((start, given.day), ages, strict=True):
        if age is None or age > given.max_age_days:
            return _no_data(given, series, values, when)
    if at[0] == at[1]:
        assert at[1] is not None
        text = _("both {first} and {last} rest on the snapshot of {date}: what changed between is not known",
                 first=written(start), last=written(given.day), date=day_words(series.times[at[1]]))  # fmt: skip
        return _verdict(given, series, "no_data", None, at[1], {"text": text})
    before, after = (series.ground(t) for t in (reversed(ends) if series.rest else ends))
    if given.unit == "settlements":
        gained, lost = (_count(given, shapely.difference(a, b)) for a, b in ((after, before), (before, after)))
    else:
        gained, lost = km2_of([shapely.difference(after, before), shapely.difference(before, after)])
    net = gained - lost
    measured = {"gained": {"net": net, "gross": gained}, "lost": {"net": -net, "gross": lost}, "net": {"net": net}}
    kinds = measured[str(given.claim.quantity)]
    if len(kinds) > 1 and kinds["net"] < 0:  # a side that lost more than it gained has no net gain
        del kinds["net"]
    kind = min(kinds, key=lambda k: (not given.span.agrees(kinds[k]), given.span.away(kinds[k])))
    first, last = (i for i in at if i is not None)
    missing = _missing(given, series, (first, last), ages, kinds.get("net", net))
    said = _said(given, list(kinds.values()), missing and missing[:2])
    if said == "supports" and kind == "gross" and "net" in kinds:
        said = "supports_gross"
    clauses = [_change_words(given, series, (first, last), (gained, lost))]
    agreeing = tuple(k for k in kinds if given.span.agrees(kinds[k]))
    if len(kinds) > 1 and agreeing:
        clauses.append(_(_AGREEING[agreeing]))
    if said == "supports_within_gaps" and missing is not None:
        clauses.append(missing[2])
    text = _("; ").join(clauses)
    extra = {"text": text, "gained": gained, "lost": lost, "net": net, "peak": first, "measured": kind}
    return _verdict(given, series, said, kinds[kind], last, extra)


_AGREEING = {
    ("net",): N_("net agrees"), ("gross",): N_("gross agrees"), ("net", "gross"): N_("net and gross agree"),
}  # fmt: skip


def _change_words(given: VerdictInput, series: ClassSeries, at: Sequence[int], change: tuple[float, float]) -> str:
    gained, lost = change
    digits = 1 if given.unit == "km2" else 0
    words = given.where() | {"classes": classes_words(series.statuses),
        "gained": number(gained, digits), "lost": number(lost, digits), "net": signed(gained - lost, digits),
        "first": day_words(series.times[at[0]]), "last": day_words(series.times[at[1]]),
    }  # fmt: skip
    if given.unit == "km2":
        return _(
            "{classes} by {side}{place}: gained {gained}, lost {lost}, net {net} km² from {first} to {last}", **words
        )
    return _(
        "{classes} by {side}{place}: gained {gained}, lost {lost}, net {net} places from {first} to {last}", **words
    )


def _missing(
    given: VerdictInput, series: ClassSeries, at: Sequence[int], ages: Sequence[float | None], net: float
) -> tuple[float, float, str] | None:
    """The net change that is possible where there is no map of the first or the last day, at the pace of the time."""
    if given.unit != "km2" or not any(ages):
        return None
    near, most = timedelta(days=given.max_age_days), 0.0
    pairs = zip(pairwise(series.times), pairwise(series.values), strict=True)
    for (a, b), (was, now) in pairs:
        if any(a - 4 * near <= series.times[i] <= b + 4 * near for i in at):
            most = max(most, abs(now - was) / max((b - a) / timedelta(days=1), 1.0))
    reach = most * sum(ages_days or 0.0 for ages_days in ages)
    text = _(
        "the nearest map before an end of the span is of {dates}: at the {pace} km² a day that this source shows around"
        " it at most, {low} to {high} km² net are possible",
        dates=listed([day_words(series.times[i]) for i, age in zip(at, ages, strict=True) if age]),
        pace=number(most, 1), low=number(net - reach), high=number(net + reach),
    )  # fmt: skip
    return net - reach, net + reach, text


def _count(given: VerdictInput, ground: shapely.Geometry) -> float:
    if given.places is None:
        return 0.0
    return float(shapely.intersects(ground, np.asarray(given.places.geometry.array, dtype=object)).sum())


def _no_data(given: VerdictInput, series: ClassSeries, values: Sequence[float | None], day: When) -> Verdict:
    """No snapshot near enough: the nearest one is named, with what it has."""
    instant = last_instant(day)
    nearest = min(range(len(series.times)), key=lambda i: abs(series.times[i] - instant))
    days, value = _age(day, series.times[nearest]), values[nearest]
    words = {"date": day_words(series.times[nearest]), "when": _apart(days)}
    text = ngettext(
        "no data for {day} within {n} day", "no data for {day} within {n} days", given.max_age_days, day=written(day)
    )
    if value is None:
        text += "; " + _("nearest {date} ({when})", **words)
    else:
        text += "; " + _("nearest {date} ({when}), with {amount}", **words, amount=amount(value, given.unit, 1))
    near = {"snapshot": _snapshot(given, series, nearest).get("snapshot"), "days": -days, "value": value}
    found = _verdict(given, series, "no_data", None, nearest, {"text": text, "nearest": near})
    return replace(found, snapshot=None)


def _apart(days: float) -> str:
    if not days:
        return _("the same day")
    if days > 0:
        return ngettext("{n} day before", "{n} days before", days)
    return ngettext("{n} day after", "{n} days after", -days)


def _verdict(
    given: VerdictInput, series: ClassSeries, verdict: str, value: float | None, at: int, extra: Mapping[str, Any]
) -> Verdict:
    extra = dict(extra)
    peak = extra.pop("peak", None)
    shown = _snapshot(given, series, at)
    snapshots = [shown] if peak is None or peak == at else [_snapshot(given, series, peak), shown]
    workings = {
        **extra, "snapshots": snapshots, "controller": given.side, "statuses": list(series.statuses),
        "part": series.part,
        "unit": given.place.unit, "boundary": given.place.boundary, "method": _(METHOD),
        "as_known_on": None if given.known is None else str(given.known),
        "within_percent": given.within_percent,
    }  # fmt: skip
    table, names = given.archive.reader.snapshots(series.source), [str(s["snapshot"]) for s in snapshots if s]
    breaks = breaks_between(table, names[:1], names[1:]) if len(names) > 1 else ()
    if verdict == "contradicts" and any(refused_km2(table, names)):
        verdict, breaks = "no_data", (*breaks, _("a map of which ground was refused contradicts nothing"))
    if verdict == "contradicts" and (left_out := _left_out(given, series, at)):
        verdict, breaks = "no_data", (*breaks, left_out)
    workings["text"] = _("; ").join([workings["text"], *breaks, *refused_notes(table, names)])
    if value is not None and verdict != "no_data":
        workings |= _difference(given, workings, value)
        workings["text"] = _("; ").join((workings["text"], workings["difference_text"]))
    if verdict in ("supports", "contradicts") and (turn := _turns(given, series, verdict, at)):
        workings["text"] = _("; ").join((workings["text"], turn))
    return Verdict(
        series.source, series.part, series.statuses, verdict, value, given.unit, shown.get("snapshot"), workings
    )


def _left_out(given: VerdictInput, series: ClassSeries, at: int) -> str:
    """What is to be said where the source leaves ground out that the claim is about; "" where it covers all of it."""
    reader = given.archive.reader
    coverage = reader.coverage(series.source)
    if coverage is None:
        return ""
    out = reader.uncovered(series.source, reader.side(Query(series.source), series.times[at])[0])
    shape = out if given.place.shape is None else shapely.intersection(out, given.place.shape)
    if km2_of([shape])[0] < 1:
        return ""
    return _("{what}: a map that leaves this ground out contradicts nothing", what=_(coverage.says))


def _difference(given: VerdictInput, workings: Mapping[str, Any], value: float) -> dict[str, Any]:
    """By how much a value differs from the figure of the claim, in its unit, in km² and in percent."""
    one = UNITS[str(given.claim.value_unit)]
    figures = [v * one for v in (given.claim.value, given.claim.high) if v is not None]
    claimed = min(figures, key=lambda v: abs(v - value))
    apart = 0.0 if len(figures) > 1 and given.span.holds(value) else value - claimed
    percent = 100 * apart / abs(claimed) if claimed else None
    of_km2 = {"km2": 1.0, "percent": (workings.get("base_km2") or given.place.area_km2 or math.nan) / 100}
    km2 = apart * of_km2.get(given.unit, math.nan)
    also = [] if percent is None else [_("{n} %", n=number(*_two_digits(abs(percent))))]
    also += [_("{n} km²", n=number(abs(km2), 1))] if given.unit == "percent" and not math.isnan(km2) else []
    small = abs(claimed) * NEAR_PERCENT / 100 < given.span.slack
    reach = f"{NEAR_POINTS:g} percentage points" if small else f"{NEAR_PERCENT:g} %"
    near = not given.span.holds(value) and given.span.agrees(value)
    return {
        "difference": apart, "difference_percent": percent, "difference_km2": None if math.isnan(km2) else km2,
        "agreement": f"within {reach}" if near else "as written" if given.span.holds(value) else None,
        "difference_text": _apart_words(apart, given.unit, also),
    }  # fmt: skip


def _two_digits(value: float) -> tuple[float, int]:
    """A value with two significant digits, and how many decimals these need."""
    shown = f"{value:.2g}"
    return float(shown), 0 if "e" in shown else len(shown.partition(".")[2])


def _apart_words(apart: float, unit: str, also: Sequence[str]) -> str:
    if not apart:
        return _("as the claim has it")
    digits = 0 if unit == "settlements" else 2 if unit == "percent" else 1
    words = amount(abs(apart), unit, digits)
    if unit == "percent":
        words = ngettext("{n} percentage point", "{n} percentage points", abs(apart), n=number(abs(apart), digits))
    if also:
        words = _("{amount} ({also})", amount=words, also=_(", ").join(also))
    return (
        _("{amount} more than the claim", amount=words)
        if apart > 0
        else _("{amount} less than the claim", amount=words)
    )


def _turns(given: VerdictInput, series: ClassSeries, verdict: str, at: int) -> str | None:
    """Where the snapshot is older than the day and the next one, soon after it, says otherwise."""
    if not _has_next(given, series, at):
        return None
    value = series_of(given.claim, series, base=base_of(given.claim), places=given.places)[at + 1]
    if value is None or given.span.agrees(value) == (verdict == "supports"):
        return None
    words = {"date": day_words(series.times[at + 1]), "amount": amount(value, given.unit, 1)}
    if verdict == "supports":
        return _("the next snapshot, {date}, has {amount} and contradicts", **words)
    return _("the next snapshot, {date}, has {amount} and supports", **words)


def _snapshot(given: VerdictInput, series: ClassSeries, at: int) -> dict[str, Any]:
    """The snapshot that speaks, with its dates and the hash of its file."""
    table = given.archive.reader.snapshots(series.source, as_known_on=FAR if given.known is None else given.known)
    mine = table[(table["part"] == series.part) & (table["depicts"].map(parse_instant) == series.times[at])]
    if mine.empty:
        return {}
    row = mine.iloc[-1]
    names = ("snapshot", "depicts", "published", "retrieved", "recorded_at", "file_name", "sha256")
    return {n: text_or_none(row[n]) for n in names} | {"age_days": _age(given.day, series.times[at])}


def front_verdicts(given: VerdictInput, source: str) -> list[Verdict]:
    """The front's length as drawn and at two tolerances, 5 km inside border and coast: each is another length."""
    found = []
    side = given.claim.controller
    for tolerance in (0.0, 1.0, 10.0):
        front = given.archive.front(
            given.day, source=source, controller=side, within=given.place.shape, inset_km=5.0, tolerance_km=tolerance,
            as_known_on=given.known,
        )  # fmt: skip
        late = (front.snapshot_age_days or 0.0) > given.max_age_days
        verdict = "no_data" if late else _said(given, [front.length_km], None)
        text = _("{km} km at a tolerance of {tolerance} km, 5 km inside border and coast",
                 km=number(front.length_km), tolerance=plain_number(tolerance))  # fmt: skip
        workings = {"text": text, "tolerance_km": tolerance, "inset_km": 5.0, "boundary": front.boundary,
                    "snapshots": [{"snapshot": front.snapshot, "age_days": front.snapshot_age_days}],
                    "controller": side, "statuses": ["held"], "unit": given.place.unit}  # fmt: skip
        value = None if late else front.length_km
        if value is not None:
            workings |= _difference(given, workings, value)
            workings["text"] = f"{text}; {workings['difference_text']}"
        found.append(Verdict(source, "", named(is_held=True), verdict, value, "km", front.snapshot, workings))
    return found


def _age(day: When, instant: datetime) -> float:
    """Days from a snapshot to the day asked about, negative where it is later."""
    if is_day(day):
        return float((last_instant(day).date() - instant.date()).days)
    return (last_instant(day) - instant) / timedelta(days=1)


def _inside(place: Place) -> str:
    if place.unit is None or place.shape is None:
        return ""
    name = str(place.name)
    return place_words({"unit": place.unit, "name": _(name)})
