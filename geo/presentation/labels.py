"""How pages, pictures and documents say a date, a figure, a class, a front line, and whom to credit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from geo.presentation.legend import StyledLayer
from geo.presentation.statuses import ClassKey, class_order, of_row, side_of, stated_meaning, status_of
from geo.presentation.symbols import Symbol, class_symbols
from geo.schema import is_day, text_or_none, to_instant

if TYPE_CHECKING:
    import shapely

    from geo.archive.results import When
    from geo.measure.front_line import Front


def written(when: When) -> str:
    """A date in words: 11 January 2025; an instant with its time in UTC."""
    moment = to_instant(when)
    return date_words(moment.date() if is_day(when) else moment)


def date_words(day: date) -> str:
    """As `written`, of a day or an instant in UTC."""
    text = f"{day.day} {day:%B %Y}"
    return f"{text}, {day:%H:%M} UTC" if isinstance(day, datetime) else text


def since_words(since: When, last_map: date | None) -> str:
    """The date since which something changed; where the map that answers for it is older, that one's."""
    return written(since) if last_map is None else f"{date_words(last_map)} (the last map before {written(since)})"


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


def subtitle_words(
    day: date,
    shown: str,
    depicts: Sequence[datetime],
    ages: Iterable[float],
    known: When | None,
    *,
    day_of_map: date | None = None,
) -> str:
    """The line under a map's title: its date, its source, what the snapshots depict and how old they are."""
    stated = ", ".join(sorted({date_words(d if d.time() != time() else d.date()) for d in depicts}))
    days = sorted({f"{age:g}" for age in ages if age})
    that = "this date" if day_of_map is None else date_words(day)
    old = f", {' and '.join(days)} {'day' if days == ['1'] else 'days'} before {that}" if days else ""
    as_known = "" if known is None else known_words(known)
    return f"{date_words(day_of_map or day)}. Source: {shown}; snapshot depicting {stated}{old}.{as_known}"


def class_layers(
    rows: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, Any]],
    shown: str,
    colours: Mapping[str, str] | None,
    place: str,
) -> list[StyledLayer]:
    """The ground of each class, with its look and what a click on it says."""
    shapes: dict[ClassKey, list[shapely.Geometry]] = {}
    for row in rows:
        shapes.setdefault(class_key(row), []).append(row["geometry"])
    km2 = {class_key(row): row for row in figures}
    symbols = class_symbols({key[:2] for key in shapes}, colours=colours)
    drawn = []
    for key in sorted(shapes, key=class_order):
        known = km2.get(key)
        facts = [("Source", shown)]
        if known is not None:
            facts = [("Area" + place, f"{figure(known['area_km2'])} km²"), *facts, ("Snapshot", known["snapshot"])]
        drawn.append(StyledLayer(class_label(*key), symbols[key[:2]], shapes[key], facts, key))
    return drawn


def change_layers(
    rows: Sequence[Mapping[str, Any]], base: str, facts: Sequence[tuple[str, str]], symbols: Mapping[Any, Symbol]
) -> list[StyledLayer]:
    """The ground that was gained and lost."""
    return [
        StyledLayer(
            f"{row['change'].capitalize()} by {side_of(row['controller']).label} since {base}",
            symbols[row["controller"], row["change"]], [row["geometry"]],
            [("Area", f"{figure(row['area_km2'])} km²"), *facts],
        )
        for row in rows
    ]  # fmt: skip


def meaning_words(source: str, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the source means by each class that has ground."""
    told = []
    for row in figures:
        side, status, part = class_key(row)
        meaning = stated_meaning(source, part, side, status)
        if meaning and row["area_km2"]:
            told.append(f"{class_label(side, status, part)}: {meaning}")
    return told
