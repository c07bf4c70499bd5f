"""A claim held against every source of an archive and every set of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from geo.archive.results import FAR, When
from geo.claims.class_series import Place, Strand, holders, place_of, strands_of
from geo.claims.history import Times, bases_of, last_true_of, series_of
from geo.claims.model import UNREAD_DATE, WITHIN_PERCENT, Claim, kind_of_unit, span_of
from geo.claims.verdict import (
    CHANGES,
    MAX_AGE_DAYS,
    STATES,
    Case,
    Finding,
    Verdict,
    base_of,
    front_verdicts,
    verdicts_of,
)
from geo.errors import UnitError, UsageError

if TYPE_CHECKING:
    from geo.archive import Archive


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
    boundary : str or None
        Which boundary set.
    sources : sequence of str or None
        None is every source of the archive, each by itself.
    within_percent : float
        What "about", "some" and "nearly" leave open, in percent of the value.
    max_age_days : float
        A snapshot older than this on the day gives ``no_data``.
    places : geopandas.GeoDataFrame or None
        Settlements (`geo.measure.settlements.read_places`), for claims that count them.
    as_known_on : str, date, datetime or None
        What the archive said at that moment.

    Returns
    -------
    Finding
        Areas in km² on WGS 84. A claim that cannot be checked has no verdict, and its notes say why.

    Raises
    ------
    SourceError
        A source is not in the archive.
    UnitError
        The unit is unknown or ambiguous.
    UsageError
        There is no date, or a percentage or an age makes no sense.

    Examples
    --------
    >>> claim = geo.read_claim("Ukraine holds 500 km² of Kursk region", date="2025-01-11")
    >>> [verdict.verdict for verdict in geo.check_claim(archive, claim).verdicts]
    ['contradicts', 'contradicts']
    """
    empty = Finding(claim, within_percent=within_percent, date=None if date is None else str(date))
    unit = kind_of_unit(claim.value_unit)
    missing = unknown_fields(claim)
    if missing or unit is None or claim.quantity not in (*STATES, *CHANGES, "front length"):
        wanted = f"not known: {', '.join(missing)}" if missing else f"{claim.quantity or 'it'} is not measured on maps"
        return replace(empty, notes=(f"cannot be checked: {wanted}",))
    if unread := unread_date(claim):
        return replace(empty, notes=(f"cannot be checked: {unread}; say it with --set date_to=YYYY-MM-DD",))
    span = span_of(claim, within_percent=within_percent)
    day: When | None = claim.date_to or date
    if day is None:
        raise UsageError(f"{claim.text!r}: say which day it speaks of (--date)")
    place = place_of(archive, claim.unit if within is None else within, boundary=boundary)
    names = [archive.source_name(s) for s in sources] if sources else _sources(archive, as_known_on)
    side, why = _side(archive, claim, place, names, as_known_on)
    if side is None and claim.quantity != "front length":
        return replace(empty, place=place, notes=(f"cannot be checked: {why}",))
    case = Case(archive, claim, span, unit, side or "", place, day, within_percent, max_age_days, as_known_on, places)
    with archive.holding():
        return _found(case, names, empty)


def unread_date(claim: Claim) -> str | None:
    """Why the day that a claim speaks of is not known, though its text names one; None where it is known."""
    if claim.date_to is not None:
        return None
    notes = [part for note in claim.notes for part in note.split("; ") if part.startswith(UNREAD_DATE)]
    return notes[0] if notes else None


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
            except (UnitError, UsageError) as error:
                found.append(Finding(claim, notes=(f"cannot be checked: {error}",)))
    return found


def _found(case: Case, names: Sequence[str], empty: Finding) -> Finding:
    claim, notes = case.claim, []
    if claim.quantity == "share retaken" and not (claim.controller or claim.against):
        notes.append(f"no side is named: measured is ground of {case.side}, the only other side that held some there")
    if claim.comparator in ("about", "nearly"):
        notes.append(f"{claim.comparator} means within {case.within_percent:g} percent of the value")
    if claim.comparator == "exactly" and case.unit != "settlements" and case.span.low < case.span.high:
        ends = f"{case.span.low:,.10g} to {case.span.high:,.10g} {case.unit.replace('km2', 'km²')}"
        notes.append(f"a bare figure is read as exact to half of its last digit: {ends}")
    if why := _unfit(case):
        return replace(empty, notes=(*notes, f"cannot be checked: {why}"), span=case.span, place=case.place)
    verdicts: list[Verdict] = []
    strands: list[Strand] = []
    for name in names:
        if claim.quantity == "front length":
            verdicts += front_verdicts(case, name)
            continue
        mine = strands_of(case.archive, name, case.side, case.place, to=case.day, as_known_on=case.known)
        mine = [s for s in mine if s.rest or max(s.values, default=0.0) > 0]
        strands += mine
        verdicts += verdicts_of(case, name, mine)
    notes += [n for name in names for n in archive_notes(case.archive, name, case.known)]
    base = base_of(claim)
    told = claim.quantity in STATES
    times = [Times(s, series_of(claim, s, base=base, places=case.places)) for s in strands] if told else []
    last_true = [last_true_of(t, case.span, case.instant(), case.unit) for t in times]
    shares = claim.quantity == "share retaken"
    bases = [b for s in strands if (b := bases_of(s, case.span, case.instant()))] if shares else []
    if shares and base is None:
        notes.append("the base is not said: verdicts take the most that the source showed up to that day")
    return replace(
        empty, verdicts=tuple(verdicts), last_true=tuple(last_true), bases=tuple(b.as_dict() for b in bases),
        notes=tuple(notes), span=case.span, date=str(case.day), place=case.place, strands=tuple(strands),
    )  # fmt: skip


def archive_notes(archive: Archive, source: str, known: When | None) -> tuple[str, ...]:
    """The rules that a source's figures have passed, in words."""
    return tuple(archive.polygons(source, as_known_on=known).attrs["notes"])


def _unfit(case: Case) -> str | None:
    """Why a quantity and its unit cannot be measured; None where they can."""
    quantity, unit = case.claim.quantity, case.unit
    wanted = {"share retaken": ("percent",), "front length": ("km",), "settlements held": ("settlements",),
              "held": ("km2", "percent")}.get(str(quantity), ("km2", "settlements"))  # fmt: skip
    if unit not in wanted:
        return f"{quantity} in {unit} is no measure"
    if quantity == "held" and unit == "percent" and case.place.area_km2 is None:
        return "a percentage of ground needs a unit (--in)"
    if unit == "settlements" and case.places is None:
        return "settlements are counted in a layer of places (--places)"
    if quantity in CHANGES and case.claim.date_from is None:
        return "since when is not known (--set date_from=D)"
    return None


def _sources(archive: Archive, known: When | None) -> list[str]:
    table = archive.snapshots(as_known_on=FAR if known is None else known)
    return sorted(set(table["source"]))


def _side(
    archive: Archive, claim: Claim, place: Place, names: Sequence[str], known: When | None
) -> tuple[str | None, str | None]:
    """The side whose ground is measured; of a share retaken, the side that lost it."""
    if claim.quantity != "share retaken" or claim.against:
        return claim.against if claim.quantity == "share retaken" else claim.controller, "no side is named"
    others = {s for n in names for s in holders(archive, n, place, as_known_on=known)} - {
        claim.controller,
        place.country,
    }
    if len(others) == 1:
        return others.pop(), None
    listed = ", ".join(sorted(others)) or "nobody"
    return None, f"whose ground was retaken is not said, and {listed} held some there (--set against=SIDE)"
