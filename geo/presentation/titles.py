"""Titles and subtitles of maps, pictures and documents: whose account, of where, of when, as known when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from geo.presentation.labels import written
from geo.presentation.language import date_words

if TYPE_CHECKING:
    from geo.archive.results import When


def since_words(since: When, last_map: date | None) -> str:
    """The date since which something changed; where the map that answers for it is older, that one's."""
    return written(since) if last_map is None else f"{date_words(last_map)} (the last map before {written(since)})"


def known_words(as_known_on: When) -> str:
    """The sentence that says as known when."""
    return f" As known on {written(as_known_on)}."


def title_words(place: str, shown: str, span: str = "") -> str:
    """The title of a map or chart: whose account it is, of where, and of when."""
    return f"Territorial control{place} according to {shown}{', ' if span else ''}{span}"


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
