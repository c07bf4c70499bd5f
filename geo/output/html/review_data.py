"""What a review page shows, as data: drafts with their words, and the text in marked pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from geo.extraction.briefing import Draft, Reading
from geo.extraction.event_merging import Span
from geo.incidents.markers import Marker

# the fields that a card shows: words for it, the columns it is made of, whose words of the briefing stand behind it
_CARD = (
    ("What", ("event_type", "sub_event_type"), "what"),
    ("Where", ("where_coordinates", "adm_1", "country"), "where"),
    ("When", ("date_start", "date_end"), "when"),
    ("Killed", ("low", "best", "high"), "killed"),
    ("Injured", ("injured_low", "injured_best", "injured_high"), "injured"),
    ("Captured", ("captured",), "captured"),
    ("Said by", ("claimed_by",), "claimed_by"),
    ("Verification", ("verification",), "verification"),
    ("Who acts", ("actor1",), "actor1"),
    ("Upon whom", ("actor2",), "actor2"),
    ("Notes", ("notes",), ""),
)
# how the words of a field are marked
_MARKS = {
    "what": "what", "where": "where", "when": "when", "killed": "toll", "injured": "toll", "captured": "toll",
    "claimed_by": "who", "verification": "check", "actor1": "who", "actor2": "who",
}  # fmt: skip
_PRECISION = {1: "day", 2: "within a few days", 3: "week", 4: "month", 5: "year"}
_WHERE = {1: "exact place", 2: "near the place", 3: "district", 4: "region only", 5: "line or sea", 6: "country only"}


def draft_data(draft: Draft, marker: Marker | None, rings: Any) -> dict[str, Any]:
    """A draft as the page's script takes it."""
    row = draft.fields
    at = (
        None
        if marker is None
        else {"lat": marker.lat, "lon": marker.lon, "radius": marker.radius_m, "kind": marker.kind}
    )
    return {
        "title": f"{row['where_coordinates'] or 'Place not known'}: {_event(row) or 'kind not known'}",
        "type": row["event_type"] or "not known",
        "verification": row["verification"] or "not stated",
        "at": at,
        "rings": rings,
        "facts": [[words, _value(row, columns), _quote(draft, name)] for words, columns, name in _CARD],
        "table": [
            row["date_start"] or "", row["where_coordinates"] or "", _event(row), count_words(row, ""),
            count_words(row, "injured_"), _number(row["captured"]), row["claimed_by"] or "",
            row["verification"] or "not stated",
        ],
    }  # fmt: skip


def _event(row: Any) -> str:
    fine = row["sub_event_type"]
    return (row["event_type"] if fine in (None, "Other") else fine) or ""


def _quote(draft: Draft, name: str) -> list[str]:
    return list(dict.fromkeys(span.text.strip() for span in draft.spans.get(name, ())))


def _value(row: Any, columns: Sequence[str]) -> str:
    if columns[0] == "low":
        return count_words(row, "")
    if columns[0] == "injured_low":
        return count_words(row, "injured_")
    if columns[0] == "date_start":
        days = " to ".join(dict.fromkeys(str(row[c]) for c in columns if row[c]))
        return f"{days} ({_PRECISION.get(row['date_prec'], 'not known')})" if days else "not known"
    told = ", ".join(dict.fromkeys(_number(row[c]) for c in columns if row[c] is not None))
    if columns[0] == "where_coordinates":
        return f"{told} ({_WHERE.get(row['where_prec'], 'precision not known')})" if told else "not known"
    return told or ("" if columns == ("notes",) else "not known")


def _number(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def count_words(row: Any, lead: str) -> str:
    """A count in words: ``4``, ``at least 3``, ``3 to 5``; "not known" is never 0."""
    low, best, high = (row[f"{lead}{name}"] for name in ("low", "best", "high"))
    if low is None and best is None and high is None:
        return "not known"
    if low is not None and low == high:
        return f"{low:g}"
    if low is None:
        return f"about {best:g}" if high is None else f"up to {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def pieces(reading: Reading) -> list[list[list[Any]]]:
    """The text as paragraphs of pieces: ``[words, [[draft, mark], …]]``; a claim is draft ``-1 - its number``."""
    marked = list(_marked(reading))
    starts: dict[int, list[tuple[int, str]]] = {}
    ends: dict[int, list[tuple[int, str]]] = {}
    for span, key in marked:
        starts.setdefault(span.start, []).append(key)
        ends.setdefault(span.end, []).append(key)
    text = reading.source.text
    breaks = {i for i, sign in enumerate(text) if sign == "\n"}
    edges = sorted({0, len(text), *starts, *ends, *breaks, *(b + 1 for b in breaks)})
    active: list[tuple[int, str]] = []
    found: list[list[list[Any]]] = [[]]
    for start, end in pairwise(edges):
        for key in ends.get(start, ()):
            active.remove(key)
        active += starts.get(start, ())
        if start in breaks:
            found.append([])
        else:
            found[-1].append([text[start:end], [list(key) for key in dict.fromkeys(active)]])
    return [paragraph for paragraph in found if paragraph]


def _marked(reading: Reading) -> Iterator[tuple[Span, tuple[int, str]]]:
    for number, draft in enumerate(reading.incidents):
        for name, spans in draft.spans.items():
            yield from ((span, (number, _MARKS[name])) for span in spans if span.end > span.start)
        yield from ((span, (number, "told")) for span in draft.told if span.end > span.start)
    for number, claim in enumerate(reading.claims):
        if claim.start is not None and claim.end is not None and claim.end > claim.start:
            yield Span(claim.start, claim.end, claim.text), (-1 - number, "claim")


def claim_words(claim: Any) -> str:
    """A claim in the words of its record."""
    figure = "" if claim.value is None else f"{claim.comparator or ''} {claim.value:g} {claim.value_unit or ''}".strip()
    told = [claim.quantity or "not read as a claim", claim.controller, claim.unit, figure]
    return ", ".join(str(t) for t in told if t)
