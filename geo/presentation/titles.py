"""Titles and subtitles of maps, pictures and documents: whose account, of where, of when, as known when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from geo.presentation.labels import written
from geo.presentation.language import date_words, gettext, ngettext

if TYPE_CHECKING:
    from geo.archive.results import When


def since_words(since: When, last_map: date | None) -> str:
    """The date since which something changed; where the map that answers for it is older, that one's."""
    if last_map is None:
        return written(since)
    return gettext("{map} (the last map before {date})", map=date_words(last_map), date=written(since))


def known_words(as_known_on: When) -> str:
    """The sentence that says as known when."""
    return " " + gettext("As known on {date}.", date=written(as_known_on))


def given_title(title: str | None, plain: str) -> str:
    """A title of the desk's own; ``plain`` and none are `plain`."""
    return plain if title in (None, "plain") else str(title)


def title_words(place: str, shown: str, span: str = "") -> str:
    """The title of a map or chart: whose account it is, of where, and of when."""
    said = gettext("Territorial control{place} according to {source}", place=place, source=shown)
    return gettext(", ").join((said, span)) if span else said


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
    stated = gettext(", ").join(sorted({date_words(d if d.time() != time() else d.date()) for d in depicts}))
    days = sorted({float(f"{age:g}") for age in ages if age}, key=str)
    that = gettext("this date") if day_of_map is None else date_words(day)
    counted = gettext(" and ").join(
        [*(f"{d:g}" for d in days[:-1]), *(ngettext("{n} day", "{n} days", d, n=f"{d:g}") for d in days[-1:])]
    )
    old = gettext(", ") + gettext("{days} before {date}", days=counted, date=that) if days else ""
    as_known = "" if known is None else known_words(known)
    said = gettext("Source: {source}; snapshot depicting {dates}", source=shown, dates=stated)
    return f"{date_words(day_of_map or day)}. {said}{old}.{as_known}"
