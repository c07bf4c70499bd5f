"""A claim held against every source of an archive and every set of its classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo.archive.results import FAR, When, rows_of
from geo.archive.shared_docs import described, from_one_state
from geo.claims.class_series import (
    ClassSeries,
    Place,
    bases_of,
    class_series_of,
    holders,
    last_true_of,
    place_of,
    series_of,
)
from geo.claims.model import NO_UNIT, UNIT_WORDS, UNREAD_DATE, WITHIN_PERCENT, Claim, Span, kind_of_unit, span_of
from geo.claims.verdict import (
    CHANGES,
    MAX_AGE_DAYS,
    STATES,
    Finding,
    Verdict,
    VerdictInput,
    base_of,
    front_verdicts,
    verdicts_of,
)
from geo.claims.wording import QUANTITIES, amount, figure_words, notes_words
from geo.errors import UnitError, UsageError
from geo.presentation.labels import written
from geo.presentation.language import N_, gettext, in_language, isolated, number, plain_number, signed
from geo.presentation.sides import find_side, side_of
from geo.presentation.statuses import NO_DOUBT, shows_doubt
from geo.schema import text_or_none

if TYPE_CHECKING:
    from geo.archive import Archive


@described
@in_language
@from_one_state
def check_claim(
    archive: Archive,
    claim: Claim,
    *,
    date: When | None = None,
    within: str | shapely.Geometry | None = None,
    boundary: str | None = None,
    sources: Sequence[str] | None = None,
    within_percent: float = WITHIN_PERCENT,
    max_age_days: float = MAX_AGE_DAYS,
    places: gpd.GeoDataFrame | None = None,
    as_known_on: When | None = None,
    lang: str = "en",  # noqa: ARG001  (for in_language)
) -> Finding:
    """Hold a claim against an archive.

    Parameters
    ----------
    archive : Archive
        What the sources say.
    claim : Claim
        As `read_claim` drafts it or the archive keeps it.
    date : str, date, datetime or None
        The day that it speaks of, where the claim does not say.
    within : str, shapely.Geometry or None
        A unit's code or name, or an areal geometry in EPSG:4326; None is the claim's own unit.
    sources : sequence of str or None
        None is every source of the archive, each by itself.
    within_percent : float
        What "about", "some" and "nearly" leave open, in percent of the value.
    max_age_days : float
        A snapshot older than this on the day gives ``no_data``.
    places : geopandas.GeoDataFrame or None
        Settlements (`geo.measure.settlements.read_places`), for claims that count them.
    lang : str
        The language of notes and workings.

    Returns
    -------
    Finding
        Areas in km² on WGS 84. A claim that cannot be checked has no verdict, and its notes say why.

    Raises
    ------
    ArchiveError, GateError, SourceError, UnitError
    UsageError
        There is no date, or a percentage or an age makes no sense.

    Examples
    --------
    >>> claim = geo.read_claim("Ukraine holds 500 km² of Kursk region", date="2025-01-11")
    >>> [verdict.verdict for verdict in geo.check_claim(archive, claim).verdicts]
    ['contradicts', 'contradicts']
    """
    there = archive.controllers()
    sides = (claim.controller, claim.against)
    controller, against = (None if side is None else find_side(side, there) for side in sides)
    claim = replace(claim, controller=controller, against=against)
    titles = {row["name"]: row["title"] for row in rows_of(archive.sources()) if text_or_none(row["title"])}
    empty = Finding(claim, within_percent=within_percent, date=None if date is None else str(date), titles=titles)
    unit = kind_of_unit(claim.value_unit)
    missing = unknown_fields(claim)
    if missing or unit is None or claim.quantity not in (*STATES, *CHANGES, "front length"):
        quantity = claim.quantity or N_("it")
        wanted = gettext("{quantity} is not measured on maps", quantity=gettext(QUANTITIES.get(quantity, quantity)))
        if missing:
            wanted = gettext("not known: {fields}", fields=", ".join(gettext(FIELDS.get(n, n)) for n in missing))
        return _unchecked(empty, wanted)
    told = [part for note in claim.notes for part in note.split("; ")]
    if claim.date_to is None and (dates := [part for part in told if part.startswith(UNREAD_DATE)]):
        return _unchecked(empty, notes_words(dates)[0], option="--set date_to=YYYY-MM-DD")
    if within is None and (places_told := [part for part in told if part.endswith(NO_UNIT)]):
        return _unchecked(empty, notes_words(places_told)[0], option="--in UNIT")
    span = span_of(claim, within_percent=within_percent)
    day: When | None = claim.date_to or date
    if day is None:
        asked = gettext("say which day it speaks of (--date)")
        raise UsageError(f"{claim.text!r}: {asked}")
    place = place_of(archive, claim.unit if within is None else within, boundary=boundary)
    said: tuple[str, ...] = ()
    if unit == "percent" and claim.quantity in CHANGES and place.area_km2 and claim.value is not None:
        one, figure = place.area_km2 / 100, figure_words(claim)
        value, high, step = (None if v is None else round(v * one, 1) for v in (claim.value, claim.high, claim.step))
        claim = replace(claim, value=value, high=high, step=step, value_unit="km2")
        unit, span, said = "km2", span_of(claim, within_percent=within_percent), (f"{figure} = {figure_words(claim)}",)
    names = [archive.source_name(s) for s in sources or ()]
    names = names or sorted(
        set(archive.reader.snapshots(as_known_on=FAR if as_known_on is None else as_known_on)["source"])
    )
    side, why = _side(archive, claim, place, names, as_known_on)
    if side is None and claim.quantity != "front length":
        return _unchecked(replace(empty, place=place), why, option="--set against=SIDE")
    given = VerdictInput(
        archive, claim, span, unit, side or "", place, day, within_percent, max_age_days, as_known_on, places
    )
    with archive.holding():
        found = _found(given, names, empty)
    return replace(found, notes=(*said, *found.notes))


def _unchecked(empty: Finding, why: object, *notes: str, option: str = "") -> Finding:
    return replace(empty, notes=(*notes, gettext("cannot be checked: {why}", why=str(why))), option=option)


# what a claim lacks, in words: the fields of `--set`
FIELDS = {
    "value": N_("value"), "value_unit": N_("value_unit"), "comparator": N_("comparator"), "quantity": N_("quantity"),
    "controller": N_("controller"), "date_from": N_("date_from"), "date_to": N_("date_to"),
}  # fmt: skip


def unknown_fields(claim: Claim) -> tuple[str, ...]:
    """The fields without which a claim cannot be checked, and that no archive tells."""
    # whose ground was retaken follows from the archive, where only one other side held some there
    found_out = {"date_to", "date_from", *(["controller"] if claim.quantity == "share retaken" else [])}
    return tuple(name for name in claim.missing() if name not in found_out)


def check_claims(archive: Archive, claims: Iterable[Claim], **asked: Any) -> list[Finding]:
    """Hold several claims against an archive; one that cannot be checked says why and stops none of the others."""
    found = []
    with archive.holding():
        for claim in claims:
            try:
                found.append(check_claim(archive, claim, **asked))
            except UnitError:
                why = gettext("{place} is no unit of this archive, or fits several", place=isolated(claim.unit))
                found.append(_unchecked(Finding(claim), why))
            except UsageError as error:
                found.append(_unchecked(Finding(claim), error))
    return found


def _assumed(given: VerdictInput) -> list[str]:
    """How the words of a claim are taken."""
    claim, found = given.claim, []
    if claim.comparator in ("about", "nearly"):
        words = {"word": gettext(claim.comparator), "n": plain_number(given.within_percent)}
        found.append(gettext("{word} means within {n} percent of the value", **words))
    if claim.comparator == "exactly" and given.unit != "settlements" and given.span.low < given.span.high:
        low, high = (plain_number(end, 10) for end in given.span[:2])
        ends = amount(given.span.high, given.unit, n=gettext("{low} to {high}", low=low, high=high))
        found.append(gettext("a bare figure is read as exact to half of its last digit: {range}", range=ends))
    if claim.quantity == "share retaken" and base_of(claim) is None:
        found.append(gettext("the base is not said: verdicts take the most that the source showed up to that day"))
    return found


def _found(given: VerdictInput, names: Sequence[str], empty: Finding) -> Finding:
    claim, assumed = given.claim, _assumed(given)
    notes = list(assumed)
    if claim.quantity == "share retaken" and not (claim.controller or claim.against):
        side = side_of(given.side).label
        notes.append(
            gettext(
                "no side is named: measured is ground of {side}, the only other side that held some there", side=side
            )
        )
    empty = replace(empty, span=given.span, place=given.place, assumed=tuple(assumed))
    if (unfit := _unfit(given)) is not None:
        why, option = unfit
        return _unchecked(empty, why, *notes, option=option)
    verdicts: list[Verdict] = []
    all_series: list[ClassSeries] = []
    for name in names:
        if claim.quantity == "front length":
            verdicts += front_verdicts(given, name)
            continue
        mine = class_series_of(given.archive, name, given.side, given.place, as_known_on=given.known)
        mine = [s for s in mine if s.rest or max(s.values, default=0.0) > 0]
        if not mine and (home := _at_home(given)) is not None:
            mine = class_series_of(given.archive, name, given.side, home, as_known_on=given.known)
        all_series += mine
        verdicts += verdicts_of(given, name, mine)
    for name in names:
        rows = given.archive.polygons(name, as_known_on=given.known)
        notes += rows.attrs["notes"]  # the rules that a source's figures have passed, in words
        if any(v.source == name and v.value is not None for v in verdicts):
            notes += [] if shows_doubt(name, rows["part"], rows["status"]) else [f"{name}: {gettext(NO_DOUBT)}"]
    base = base_of(claim)
    states = all_series if claim.quantity in STATES else []
    last_true = [
        last_true_of(s, series_of(claim, s, base=base, places=given.places), given.span, given.instant(), given.unit)
        for s in states
    ]
    shares = claim.quantity == "share retaken"
    bases = [b for s in all_series if (b := bases_of(s, given.span, given.instant()))] if shares else []
    return replace(
        empty, verdicts=tuple(verdicts), last_true=tuple(last_true), bases=tuple(bases),
        notes=tuple(notes), date=str(given.day), series=tuple(all_series),
    )  # fmt: skip


def _at_home(given: VerdictInput) -> Place | None:
    """A country that gained or lost somewhere, by a source that draws none of its ground: what others left of it."""
    if given.place.unit is not None or given.place.shape is not None or given.claim.quantity not in CHANGES:
        return None
    try:
        return place_of(given.archive, given.side)
    except UnitError:
        return None


def _unfit(given: VerdictInput) -> tuple[str, str] | None:
    """Why a quantity and its unit cannot be measured, and the option that helps; None where they can."""
    quantity, unit = given.claim.quantity, given.unit
    wanted = {"share retaken": ("percent",), "front length": ("km",), "settlements held": ("settlements",),
              "held": ("km2", "percent")}.get(str(quantity), ("km2", "settlements"))  # fmt: skip
    if unit not in wanted:
        quantity = gettext(QUANTITIES.get(str(quantity), str(quantity)))
        return gettext("{quantity} in {unit} is no measure", quantity=quantity, unit=gettext(UNIT_WORDS[unit])), ""
    if quantity == "held" and unit == "percent" and given.place.area_km2 is None:
        return gettext("a percentage of ground needs a unit"), "--in UNIT"
    if unit == "settlements" and given.places is None:
        return gettext("settlements are counted in a layer of places"), "--places FILE"
    if quantity in CHANGES and given.claim.date_from is None:
        return gettext("since when is not known"), "--set date_from=D"
    return None


def _side(
    archive: Archive, claim: Claim, place: Place, names: Sequence[str], known: When | None
) -> tuple[str | None, str | None]:
    """The side whose ground is measured; of a share retaken, the side that lost it."""
    if claim.quantity != "share retaken" or claim.against:
        return claim.against if claim.quantity == "share retaken" else claim.controller, gettext("no side is named")
    others = {s for n in names for s in holders(archive, n, place, as_known_on=known)} - {
        claim.controller,
        place.country,
    }
    if len(others) == 1:
        return others.pop(), None
    held = ", ".join(sorted(side_of(code).label for code in others)) or gettext("nobody")
    return None, gettext("whose ground was retaken is not said, and {sides} held some there", sides=held)


@dataclass(frozen=True)
class Pair:
    """What two claims imply together: `low` and `high` bound `what`, in `unit`; `compatible` None where it is open."""

    what: str
    text: str
    low: float | None
    high: float | None
    unit: str
    compatible: bool | None

    def as_dict(self) -> dict[str, Any]:
        """The pair as JSON takes it."""
        return asdict(self)


@in_language
def compare_claims(
    first: Claim, second: Claim, *, within_percent: float = WITHIN_PERCENT, lang: str = "en",  # noqa: ARG001
) -> Pair:  # fmt: skip
    """What two claims imply together.

    Parameters
    ----------
    first, second : Claim
        With value, unit and comparator.
    within_percent : float
        What "about", "some" and "nearly" leave open.
    lang : str
        The language of the text.

    Returns
    -------
    Pair
        For ground held and a share retaken: the peak in km² that both imply. For ground held on two days: the change.
        For the same quantity on the same day: whether any value agrees with both.

    Raises
    ------
    UsageError
        A claim has no value, unit or comparator.

    Examples
    --------
    >>> held = geo.read_claim("Ukraine holds 500 km² of Kursk region", date="2025-01-11")
    >>> share = geo.read_claim("Russia has retaken 40% of the area in Kursk region", date="2025-01-11")
    >>> geo.compare_claims(held, share).text
    '500 km² held and 40 percent retaken imply a peak of 833 km² (818 to 849 km² with what the words leave open)'
    """
    spans = [span_of(c, within_percent=within_percent) for c in (first, second)]
    kinds = [(c.quantity, kind_of_unit(c.value_unit)) for c in (first, second)]
    where = {c.unit for c in (first, second) if c.unit}
    if len(where) > 1:
        return _nothing(gettext("the units differ: {units}", units=", ".join(sorted(where))))
    if kinds == [("share retaken", "percent"), ("held", "km2")]:
        first, second = second, first
        spans.reverse()
        kinds.reverse()
    if kinds == [("held", "km2"), ("share retaken", "percent")]:
        return _peak(first, second, spans)
    sides = {c.controller for c in (first, second) if c.controller}
    if kinds[0] != kinds[1] or len(sides) > 1:
        return _nothing(gettext("they are about different things"))
    unit = str(kinds[0][1])
    days = {first.date_to, second.date_to}
    if first.quantity in ("held", "settlements held") and None not in days and len(days) > 1:
        return _growth(first, second, spans, unit)
    return _both(spans, unit)


def _nothing(why: str) -> Pair:
    return Pair("", gettext("nothing follows from the two together: {why}", why=why), None, None, "", None)


def _peak(held: Claim, share: Claim, spans: list[Span]) -> Pair:
    """What is left and the share that was retaken give what there was."""
    low = _whole(max(spans[0].low, 0.0), spans[1].low)
    high = _whole(spans[0].high, spans[1].high)
    plain = [span_of(replace(c, comparator="exactly", step=None)) for c in (held, share)]
    peak = _whole(plain[0].low, plain[1].low)
    words = {
        "held": figure_words(held), "share": figure_words(share), "peak": gettext("{n} km²", n=number(peak)),
        "range": _range(low, high, "km2"),
    }  # fmt: skip
    if held.comparator in ("more than", "at least"):
        words["peak"] = gettext("{amount} or more", amount=words["peak"])
    text = gettext(
        "{held} held and {share} retaken imply a peak of {peak} ({range} with what the words leave open)", **words
    )
    return Pair("peak", text, _finite(low), _finite(high), "km2", low <= high)


def _whole(left: float, retaken: float) -> float:
    return math.inf if retaken >= 100 or math.isinf(left) else left / (1 - max(retaken, 0.0) / 100)


def _growth(first: Claim, second: Claim, spans: list[Span], unit: str) -> Pair:
    early, late = sorted(zip((first, second), spans, strict=True), key=lambda p: str(p[0].date_to))
    low, high = late[1].low - early[1].high, late[1].high - early[1].low
    words = {
        "first": figure_words(early[0]), "day": written(early[0].date_to or ""), "last": figure_words(late[0]),
        "then": written(late[0].date_to or ""), "range": _range(low, high, unit),
    }  # fmt: skip
    text = gettext("{first} on {day} and {last} on {then} imply a change of {range}", **words)
    if early[0].value and late[0].value:
        percent = signed(100 * (late[0].value / early[0].value - 1))
        text = gettext("{sentence} ({n} percent by the figures as given)", sentence=text, n=percent)
    return Pair("change", text, _finite(low), _finite(high), unit, None)


def _both(spans: list[Span], unit: str) -> Pair:
    low, high = max(s.low for s in spans), min(s.high for s in spans)
    open_end = any((s.open_low and s.low == low) or (s.open_high and s.high == high) for s in spans)
    fits = low < high or (low == high and not open_end)
    text = gettext("no value agrees with both")
    if fits:
        text = gettext("both agree with {range}", range=_range(low, high, unit))
    return Pair("value", text, _finite(low) if fits else None, _finite(high) if fits else None, unit, fits)


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _range(low: float, high: float, unit: str) -> str:
    if math.isinf(high) and math.isinf(low):
        return gettext("any value")
    if math.isinf(high):
        return gettext("{amount} or more", amount=amount(low, unit))
    if math.isinf(low):
        return gettext("{amount} or less", amount=amount(high, unit))
    return amount(high, unit, n=gettext("{low} to {high}", low=number(low), high=number(high)))
