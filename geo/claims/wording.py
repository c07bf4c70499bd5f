"""Verdicts in words: a table, a paragraph with its workings, and one line for a briefing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.claims.model import UNIT_WORDS, Claim
from geo.presentation.labels import dataset_members
from geo.presentation.language import N_, gettext, isolated, number
from geo.presentation.sides import side_of

if TYPE_CHECKING:
    from geo.claims.verdict import Finding, Verdict

WORDS: Mapping[str, str] = {
    "supports": N_("supports"), "contradicts": N_("contradicts"),
    "supports_gross": N_("agrees gross, not net"),
    "supports_within_gaps": N_("agrees only within what missing maps leave open"),
    "supports_with_contested": N_("supports only if the contested ground counts"),
    "no_data": N_("no data for this date"),
}  # fmt: skip
COLUMNS = ("claim", "source", "classes", "verdict", "value", "unit", "snapshot", "workings")


def verdict_words(verdict: Verdict) -> str:
    """A verdict in words; of a figure beside what the words of the claim say, how near it is."""
    near = str(verdict.workings.get("agreement") or "")
    if verdict.verdict == "supports" and near.startswith("within"):
        return gettext("agrees {near}", near=near)
    return gettext(WORDS[verdict.verdict])


def claim_words(claim: Claim) -> str:
    """What a claim says, from its record: "held by Ukraine in RU-KRS: more than 500 km², 2025-01-11"."""
    if claim.value is None or claim.quantity is None:
        return gettext("not read")
    side = f" by {isolated(side_of(claim.controller).label)}" if claim.controller else ""
    side += f" from {isolated(side_of(claim.against).label)}" if claim.against else ""
    where = f" in {claim.unit}" if claim.unit else ""
    days = " to ".join(dict.fromkeys(d for d in (claim.date_from, claim.date_to) if d))
    base = f", of {claim.base}" if claim.base else ""
    return f"{claim.quantity}{side}{where}: {figure_words(claim)}{base}{f', {days}' if days else ''}"


def figure_words(claim: Claim) -> str:
    """The figure of a claim with its comparator and its own unit."""
    lead = "" if claim.comparator in (None, "exactly", "between") else f"{gettext(claim.comparator)} "
    value = "" if claim.value is None else _as_written(f"{claim.value:,.6g}")
    if claim.high is not None:
        value = gettext("{low} to {high}", low=value, high=_as_written(f"{claim.high:,.10g}"))
    unit = claim.value_unit or ""
    return f"{lead}{value} {gettext(UNIT_WORDS.get(unit, unit)) if unit else ''}".strip()


def _as_written(figure: str) -> str:
    """A figure of a claim with the decimals that it has, as the language writes it."""
    return figure if "e" in figure else number(float(figure.replace(",", "")), len(figure.partition(".")[2]))


def table_of_findings(findings: Sequence[Finding]) -> pd.DataFrame:
    """A row for every claim, source and set of classes."""
    rows: list[dict[str, Any]] = []
    for place, finding in enumerate(findings, start=1):
        name = finding.claim.claim_id or str(place)
        if not finding.verdicts:
            rows.append({"claim": name, "verdict": gettext("not checked"), "workings": "; ".join(finding.notes)})
        for v in finding.verdicts:
            rows.append(
                {
                    "claim": name, "source": v.source, "classes": classes(v), "verdict": verdict_words(v),
                    "value": v.value, "unit": UNIT_WORDS.get(v.unit, v.unit), "snapshot": v.snapshot,
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
    return " + ".join(map(gettext, statuses)) + (f" ({part})" if part else "")


def paragraph(finding: Finding) -> str:
    """A finding as one paragraph: the claim, what agrees with it, every verdict with its workings, and the history."""
    claim = finding.claim
    who = ", ".join(t for t in (claim.said_by, claim.said_on, claim.published_in) if t)
    quoted = f"“{claim.text.strip()}”{f' ({who})' if who else ''}. "
    sentences = [quoted + gettext("Read as {claim}.", claim=claim_words(claim))]
    if not finding.verdicts:
        return " ".join([*sentences, *(f"{_upper(n)}." for n in finding.notes)])
    sentences += [f"{_upper(n)}." for n in finding.notes]
    for verdict in finding.verdicts:
        named = f" ({verdict.snapshot})" if verdict.snapshot else ""
        sentences.append(
            gettext(
                "By {source}, {classes}{snapshot}, {verdict}: {workings}.",
                source=verdict.source,
                classes=classes(verdict),
                snapshot=named,
                verdict=verdict_words(verdict),
                workings=verdict.workings["text"],
            )
        )
    sentences += [s for entry in finding.last_true if (s := history_words(finding, entry))]
    sentences += [base_words(entry) for entry in finding.bases]
    if finding.place is not None and finding.place.boundary:
        sentences.append(f"Outline of {finding.place.name}: {finding.place.boundary}.")
    return " ".join(sentences)


def history_words(finding: Finding, entry: Mapping[str, Any]) -> str:
    """When a set of classes last agreed; empty where it agrees on the day itself."""
    by = f"By {entry['source']}, {classes(entry)},"
    figure = figure_words(finding.claim)
    if entry["holds_on_date"]:
        return ""
    if entry["from"] is None:
        if entry.get("nearest_value") is None:
            return ""
        return f"{by} never up to {finding.date}: nearest {_value(entry, 'nearest_value')} on {entry['nearest_date']}."
    first, last = entry["from"][:10], entry["to"][:10]
    span = first if first == last else f"{first} to {last}"
    retaken = " retaken" if finding.claim.quantity == "share retaken" else ""
    return f"{by} {figure}{retaken} last agreed with the snapshots of {span}."


def base_words(entry: Mapping[str, Any]) -> str:
    """What a share is of, by one set of classes: of the peak, and the base dates that make the claim true."""
    high = entry["base_high_km2"]
    needed = f"{entry['base_low_km2']:,.0f} {'km² or more' if high is None else f'to {high:,.0f} km²'}"
    dates = " and ".join(
        t["from"][:10] if t["from"] == t["to"] else f"{t['from'][:10]} to {t['to'][:10]}" for t in entry["true_for"]
    )
    now = f"{entry['now_km2']:,.1f} km² on {entry['now_date'][:10]}"
    peak = f"the peak of {entry['peak_date'][:10]}, {entry['peak_km2']:,.0f} km²"
    less = f"{entry['share_of_peak_percent']:.0f} percent less than {peak}"
    return (
        f"By {entry['source']}, {classes(entry)}, {now} is {less};"
        f" the share agrees for a base of {needed}, {f'as on {dates}' if dates else 'as on no snapshot'}."
    )


def verdict_line(finding: Finding) -> tuple[str, str]:
    """A finding in one line for a briefing, and what it rests on."""
    if not finding.verdicts:
        return "; ".join(map(gettext, finding.notes)) or gettext("not checked"), ""
    lines = []
    for source in dict.fromkeys(v.source for v in finding.verdicts):
        mine = [v for v in finding.verdicts if v.source == source]
        said = (
            gettext("{verdict} by {classes}{value}", verdict=verdict_words(v), classes=classes(v), value=_shown(v))
            for v in mine
        )
        lines.append(gettext("By {source}: {verdicts}", source=source, verdicts="; ".join(said)))
    notes = [n for n in finding.notes if "percent of the value" in n or "last digit" in n or "base" in n]
    rests = [f"{v.source} {classes(v)}: {v.workings['text']}" for v in finding.verdicts]
    snapshots = list(dict.fromkeys(v.snapshot for v in finding.verdicts if v.snapshot))
    basis = ". ".join(
        [
            *rests,
            *(_upper(n) for n in notes),
            gettext("Snapshots {snapshots}", snapshots=", ".join(snapshots)) if snapshots else "",
        ]
    )
    return ". ".join(lines), basis.strip(". ") + "."


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
    decimals = 0 if verdict.unit in ("km2", "km", "settlements") else 1
    return f" ({number(verdict.value, decimals)} {gettext(UNIT_WORDS.get(verdict.unit, verdict.unit))})"


def _value(entry: Mapping[str, Any], key: str) -> str:
    return f"{number(entry[key], 1)} {gettext(UNIT_WORDS.get(entry['unit'], entry['unit']))}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
