"""How pages, pictures and documents say a date, a figure, a class, a front line, and whom to credit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from geo.presentation.statuses import of_row, side_of, status_of
from geo.schema import is_day, text_or_none, to_instant

if TYPE_CHECKING:
    from geo.archive.results import When
    from geo.measure.front_line import Front


def written(when: When) -> str:
    """A date in words: 11 January 2025; an instant with its time in UTC."""
    moment = to_instant(when)
    day = f"{moment.day} {moment:%B %Y}"
    return day if is_day(when) else f"{day}, {moment:%H:%M} UTC"


def sentence(note: str) -> str:
    """A note as a sentence."""
    return f"{note[:1].upper()}{note[1:].rstrip('. ')}."


def known_words(as_known_on: When) -> str:
    """The sentence that says as known when."""
    return f" As known on {written(as_known_on)}."


def title_words(place: str, shown: str, span: str = "") -> str:
    """The title of a map or chart: whose account it is, of where, and of when."""
    return f"Territorial control{place} according to {shown}{', ' if span else ''}{span}"


def sliver_words(rows: Sequence[Mapping[str, Any]], place: str) -> str:
    """What was left out of a map's or a briefing's headlines, in km²; "" where nothing was."""
    named = [f"{class_label(*class_key(row))}, {figure(row['area_km2'])} km²" for row in rows if of_row(row).is_current]
    if not named:
        return ""
    return (
        f"Left out of the key figures{place}: {'; '.join(named)}. Slivers this small (under 5 km² and under 1 ‰ of the"
        " unit) are mostly strips along a border that two maps draw differently"
    )


def figure(km2: float) -> str:
    """Square kilometres as people read them: one decimal below 1,000."""
    return f"{km2:,.0f}" if abs(km2) >= 1000 else f"{km2:,.1f}"


def class_key(row: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """The class of a row, as `class_label` takes it: side, status, publication of the source."""
    return text_or_none(row["controller"]), row["status"], row.get("part") or ""


def class_label(controller: str | None, status: str, part: str = "") -> str:
    """A class in words, with the publication of its source that it is from, where there are several."""
    row = status_of(status)
    label = row.label.format(side=side_of(controller).label) if controller and row.has_side else row.label
    return f"{label} ({part.replace('-', ' ')})" if part else label


def front_words(front: Front) -> str:
    """What a front line shows, with what its length rests on."""
    whose = "held ground ends"
    if len(front.sides) > 1:
        whose = f"ground held by {' or '.join(side_of(s).label for s in front.sides)} ends"
    return (
        f"Front line: where {whose}, {front.inset_km:g} km or more inside border and coast;"
        f" {front.length_km:,.0f} km as drawn (tolerance {front.tolerance_km:g} km)"
    )


def credit_line(credit: Mapping[str, str]) -> str:
    """Whom to credit, under which licence, where."""
    return ", ".join(t for t in (credit["attribution"] or credit["title"], credit["licence"], credit["url"]) if t)
