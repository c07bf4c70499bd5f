"""Verdicts in words: a table, a paragraph with its workings, and one line for a briefing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.claims.model import NEAR_PERCENT, NEAR_POINTS, UNIT_WORDS, Claim
from geo.errors import GateError
from geo.presentation.labels import dataset_members, place_words, sentence, written
from geo.presentation.language import N_, date_words, gettext, listed, ngettext, number, plain_number, reworded
from geo.presentation.sides import side_of

if TYPE_CHECKING:
    from geo.claims.class_series import Place
    from geo.claims.verdict import Finding, Verdict

WORDS: Mapping[str, str] = {
    "supports": N_("supports"), "contradicts": N_("contradicts"),
    "supports_gross": N_("agrees gross, not net"),
    "supports_within_gaps": N_("agrees only within what missing maps leave open"),
    "supports_with_contested": N_("supports only if the contested ground counts"),
    "no_data": N_("no data for this date"),
}  # fmt: skip
COLUMNS = (
    N_("claim"), N_("source"), N_("classes"), N_("verdict"), N_("value"), N_("unit"), N_("snapshot"), N_("workings"),
)  # fmt: skip
QUANTITIES: Mapping[str, str] = {
    "held": N_("held"), "gained": N_("gained"), "lost": N_("lost"), "net": N_("net change"),
    "share retaken": N_("share retaken"), "front length": N_("length of the front"),
    "settlements held": N_("settlements held"),
    "troops": N_("troops"), "killed": N_("killed"), "injured": N_("injured"),  # not measured, and called what they are
}  # fmt: skip


def verdict_words(verdict: Verdict) -> str:
    """A verdict in words; of a figure beside what the words of the claim say, how near it is."""
    near = str(verdict.workings.get("agreement") or "")
    if verdict.verdict == "supports" and near.startswith("within"):
        if near.endswith("points"):
            return gettext("agrees within {n} percentage points", n=plain_number(NEAR_POINTS))
        return gettext("agrees within {n} %", n=plain_number(NEAR_PERCENT))
    return gettext(WORDS[verdict.verdict])


def claim_words(claim: Claim, place: Place | None = None) -> str:
    """What a claim says, from its record: "held by Ukraine in Kursk region: more than 500 km², 11 January 2025"."""
    if claim.value is None or claim.quantity is None:
        return gettext("not read")
    what = gettext(QUANTITIES.get(claim.quantity, claim.quantity))
    if claim.controller:
        what = gettext("{what} by {side}", what=what, side=side_of(claim.controller).label)
    if claim.against:
        what = gettext("{what} from {side}", what=what, side=side_of(claim.against).label)
    if claim.unit:
        name = claim.unit if place is None or place.unit != claim.unit else place.name
        what += place_words({"unit": claim.unit, "name": name})
    figure = figure_words(claim)
    if claim.base:
        base = gettext("the unit") if claim.base == "the unit" else claim.base
        figure = gettext("{figure} of {base}", figure=figure, base=base)
    days = list(dict.fromkeys(written(d) for d in (claim.date_from, claim.date_to) if d))
    span = [gettext("{first} to {last}", first=days[0], last=days[1])] if len(days) > 1 else days
    return gettext("{what}: {figure}", what=what, figure=gettext(", ").join([figure, *span]))


def amount(value: float, unit: str, digits: int = 0, *, n: str | None = None) -> str:
    """A figure with its unit; `n` where it is written otherwise than with so many decimals."""
    n = number(value, digits) if n is None else n
    if unit == "km2":
        return gettext("{n} km²", n=n)
    if unit == "km":
        return gettext("{n} km", n=n)
    if unit == "percent":
        return gettext("{n} percent", n=n)
    if unit == "mi2":
        return ngettext("{n} square mile", "{n} square miles", value, n=n)
    if unit == "ha":
        return ngettext("{n} hectare", "{n} hectares", value, n=n)
    if unit == "acre":
        return ngettext("{n} acre", "{n} acres", value, n=n)
    if unit == "mi":
        return ngettext("{n} mile", "{n} miles", value, n=n)
    if unit == "settlements":
        return ngettext("{n} settlement", "{n} settlements", value, n=n)
    if unit == "persons":
        return ngettext("{n} person", "{n} persons", value, n=n)
    return f"{n} {unit}".strip()


def figure_words(claim: Claim) -> str:
    """The figure of a claim with its comparator and its own unit."""
    if claim.value is None:
        return ""
    n, value = _as_written(f"{claim.value:,.6g}"), claim.value
    if claim.high is not None:
        n, value = gettext("{low} to {high}", low=n, high=_as_written(f"{claim.high:,.10g}")), claim.high
    said = amount(value, claim.value_unit or "", n=n)
    if claim.comparator in (None, "exactly", "between"):
        return said
    return gettext("{comparator} {amount}", comparator=gettext(claim.comparator), amount=said)


def day_said(text: str) -> str:
    """A claim's day in words; what is no date stands as it was given."""
    try:
        return written(text)
    except GateError:
        return text


def _as_written(figure: str) -> str:
    """A figure of a claim with the decimals that it has, as the language writes it."""
    return figure if "e" in figure else number(float(figure.replace(",", "")), len(figure.partition(".")[2]))


def classes_words(statuses: Sequence[str]) -> str:
    return " + ".join(map(gettext, statuses))


def day_words(instant: datetime) -> str:
    """An instant in words; a day where it is 00:00 UTC."""
    return date_words(instant.date() if instant.time() == time() else instant.replace(second=0, microsecond=0))


def table_of_findings(findings: Sequence[Finding]) -> pd.DataFrame:
    """A row for every claim, source and set of classes."""
    rows: list[dict[str, Any]] = []
    for place, finding in enumerate(findings, start=1):
        name = finding.claim.claim_id or str(place)
        if not finding.verdicts:
            rows.append(
                {"claim": name, "verdict": gettext("not checked"), "workings": "; ".join(notes_words(finding.notes))}
            )
        for v in finding.verdicts:
            rows.append(
                {
                    "claim": name, "source": v.source, "classes": classes(v), "verdict": verdict_words(v),
                    "value": v.value, "unit": gettext(UNIT_WORDS.get(v.unit, v.unit)), "snapshot": v.snapshot,
                    "workings": v.workings["text"],
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return frame.assign(value=frame["value"].astype(float).round(2))


def classes(verdict: Verdict | Mapping[str, Any]) -> str:
    """The classes of a verdict, and the source's part where it has several."""
    if isinstance(verdict, Mapping):
        statuses, part = tuple(verdict["statuses"]), str(verdict["part"])
    else:
        statuses, part = verdict.statuses, verdict.part
    return classes_words(statuses) + (f" ({part})" if part else "")


def notes_words(notes: Sequence[str]) -> list[str]:
    """Notes of the reader of claims, which are on record in English, and of the check, each once."""
    return list(dict.fromkeys(reworded(note) for note in notes))


def paragraph(finding: Finding) -> str:
    """A finding as one paragraph: the claim, what agrees with it, every verdict with its workings, and the history."""
    claim = finding.claim
    said = (claim.said_by, claim.said_on and day_said(claim.said_on), claim.published_in)
    who = gettext(", ").join(t for t in said if t)
    quoted = f"“{claim.text.strip()}”{f' ({who})' if who else ''}. "
    sentences = [quoted + gettext("Read as {claim}.", claim=claim_words(claim, finding.place))]
    sentences += [sentence(n) for n in notes_words(finding.notes)]
    if not finding.verdicts:
        return " ".join(sentences)
    for verdict in finding.verdicts:
        named = f" ({verdict.snapshot})" if verdict.snapshot else ""
        sentences.append(
            gettext(
                "By {source}, {classes}{snapshot}, {verdict}: {workings}.",
                source=finding.title(verdict.source),
                classes=classes(verdict),
                snapshot=named,
                verdict=verdict_words(verdict),
                workings=verdict.workings["text"],
            )
        )
    sentences += [s for entry in finding.last_true if (s := history_words(finding, entry))]
    sentences += [base_words(finding, entry) for entry in finding.bases]
    if finding.place is not None and finding.place.boundary:
        place = place_words({"unit": finding.place.unit, "name": finding.place.name})
        sentences.append(gettext("Outline{place}: {boundary}.", place=place, boundary=gettext(finding.place.boundary)))
    return " ".join(sentences)


def history_words(finding: Finding, entry: Mapping[str, Any]) -> str:
    """When a set of classes last agreed; empty where it agrees on the day itself."""
    words = {"source": finding.title(entry["source"]), "classes": classes(entry)}
    if entry["holds_on_date"]:
        return ""
    if entry["from"] is None:
        if entry.get("nearest_value") is None:
            return ""
        words |= {"date": written(finding.date or ""), "day": _day(entry["nearest_date"])}
        near = amount(entry["nearest_value"], entry["unit"], 1)
        return gettext("By {source}, {classes}, never up to {date}: nearest {amount} on {day}.", **words, amount=near)
    words |= {"figure": figure_words(finding.claim), "dates": _span(entry)}
    if finding.claim.quantity == "share retaken":
        return gettext("By {source}, {classes}, {figure} retaken last agreed with the snapshots of {dates}.", **words)
    return gettext("By {source}, {classes}, {figure} last agreed with the snapshots of {dates}.", **words)


def base_words(finding: Finding, entry: Mapping[str, Any]) -> str:
    """What a share is of, by one set of classes: of the peak, and the base dates that make the claim true."""
    high, low = entry["base_high_km2"], number(entry["base_low_km2"])
    if high is None:
        needed = gettext("{amount} or more", amount=gettext("{n} km²", n=low))
    else:
        needed = gettext("{n} km²", n=gettext("{low} to {high}", low=low, high=number(high)))
    words = {
        "source": finding.title(entry["source"]), "classes": classes(entry), "now": number(entry["now_km2"], 1),
        "now_date": _day(entry["now_date"]), "share": number(entry["share_of_peak_percent"]),
        "peak": number(entry["peak_km2"]), "peak_date": _day(entry["peak_date"]),
    }  # fmt: skip
    less = gettext(
        "By {source}, {classes}, {now} km² on {now_date} is {share} percent less than the peak of {peak_date},"
        " {peak} km².",
        **words,
    )
    dates = listed([_span(t) for t in entry["true_for"]])
    if not dates:
        return f"{less} " + gettext("The share agrees for a base of {needed}, as on no snapshot.", needed=needed)
    return f"{less} " + gettext("The share agrees for a base of {needed}, as on {dates}.", needed=needed, dates=dates)


def _day(stamp: str) -> str:
    return written(stamp[:10])


def _span(entry: Mapping[str, Any]) -> str:
    first, last = _day(entry["from"]), _day(entry["to"])
    return first if first == last else gettext("{first} to {last}", first=first, last=last)


def verdict_line(finding: Finding) -> tuple[str, str]:
    """A finding in one line for a briefing, and what it rests on."""
    if not finding.verdicts:
        return "; ".join(notes_words(finding.notes)) or gettext("not checked"), ""
    lines = []
    for source in dict.fromkeys(v.source for v in finding.verdicts):
        mine = [v for v in finding.verdicts if v.source == source]
        said = gettext("; ").join(
            gettext("{verdict} by {classes}{value}", verdict=verdict_words(v), classes=classes(v), value=_shown(v))
            for v in mine
        )
        lines.append(gettext("By {source}: {verdicts}", source=finding.title(source), verdicts=said))
    rests = [
        gettext("{source}, {classes}: {workings}", source=finding.title(v.source), classes=classes(v),
                workings=v.workings["text"])
        for v in finding.verdicts
    ]  # fmt: skip
    snapshots = list(dict.fromkeys(v.snapshot for v in finding.verdicts if v.snapshot))
    rests += finding.assumed
    rests += [gettext("Snapshots {snapshots}", snapshots=gettext(", ").join(snapshots))] if snapshots else []
    return ". ".join(lines), " ".join(map(sentence, rests))


def claim_review(
    finding: Finding, sources: Mapping[str, Mapping[str, str | None]], *, publisher: str, url: str = ""
) -> dict[str, Any]:
    """A finding as schema.org's ClaimReview (JSON-LD); what is not known has no member."""
    claim = finding.claim
    said, basis = verdict_line(finding)
    used = dict.fromkeys(v.source for v in finding.verdicts)
    based_on = [dataset_members(dict(sources.get(name) or {}) | {"name": name}) for name in used]
    # who said it may be a person or an office: the record does not tell which
    speaker = {"@type": ["Person", "Organization"], "name": claim.said_by} if claim.said_by else None
    appeared = {"@type": "CreativeWork", "name": claim.published_in} if claim.published_in else None
    item = {"@type": "Claim", "text": claim.text, "author": speaker, "datePublished": claim.said_on}
    return _stated({
        "@context": "https://schema.org", "@type": "ClaimReview", "url": url, "identifier": claim.claim_id,
        "claimReviewed": claim.text.strip(), "author": {"@type": "Organization", "name": publisher},
        "itemReviewed": _stated(item | {"appearance": appeared}),
        "reviewRating": {"@type": "Rating", "alternateName": said, "ratingExplanation": basis or said},
        "reviewBody": paragraph(finding), "isBasedOn": based_on,
    })  # fmt: skip


def _stated(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, "", [])}


def _shown(verdict: Verdict) -> str:
    if verdict.value is None or math.isnan(verdict.value):
        return ""
    return f" ({amount(verdict.value, verdict.unit, 0 if verdict.unit in ('km2', 'km', 'settlements') else 1)})"
