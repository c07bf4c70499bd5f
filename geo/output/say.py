"""The sentence that says what stands or what changed, with its source and date, fit to paste."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day
from typing import TYPE_CHECKING, Any

from geo.archive.periods import in_days
from geo.archive.results import When, map_day, refuse_backwards, rows_of
from geo.errors import NoSnapshotError, UnitError
from geo.output.headline import LEAST_KM2, Figures, Headline, ended, headline, no_ground, side_figures, weight
from geo.output.map_content import snapshot_days
from geo.presentation.language import date_words, in_language, listed
from geo.presentation.language import gettext as _
from geo.presentation.statuses import named
from geo.schema import last_instant

if TYPE_CHECKING:
    from geo.archive import Archive

Found = dict[tuple[str, str | None], list[Figures]]


@in_language
@in_days
def say(
    archive: Archive, *, within: str | None = None, side: str | None = None, date: When | None = None,
    since: When | None = None, lang: str = "en", source: str | None = None,  # noqa: ARG001
) -> str:  # fmt: skip
    """Say in a sentence what a side holds, or what changed, with source and date.

    Parameters
    ----------
    archive : Archive
        What the sources say.
    within : str or None
        A unit's code or name; None is the country in which most is held, or changed most.
    side : str or None
        Whose ground, by code or name; None is the side that holds most, or whose ground changed most.
    date : str, date, datetime or None
        The day that it speaks of; None is the last map. Words do as well (docs/conventions.md).
    since : str, date, datetime or None
        Say what changed since this date; None says what stands.
    lang : {"en", "uk", "ru", "de", "fr", "es", "pl", "ar"}
        The language.
    source : str or None
        One source's account; None is every source that has a map then, with the range between them.

    Returns
    -------
    str
        One line. km² on the WGS 84 ellipsoid, to three significant digits. Contested or refused ground, an old map
        and a change that cannot be compared are said where they matter.

    Raises
    ------
    GateError
        A date cannot be read.
    NoSnapshotError
        No map depicts the date or an earlier one.
    SourceError
        The source is not in the archive, or it has none.
    UnitError
        The unit is unknown.
    UsageError
        The side or the language is unknown.

    Examples
    --------
    >>> geo.say(archive, within="Kursk", date="2025-01-11")
    'Ukraine holds 417 km² of Kursk region. With contested ground it is up to 612 km². Source: ...'
    """
    with archive.holding():
        found = _figures(archive, source, date=date, since=since, within=within)
        code = None if side is None else archive.reader.side_code(side)
        kept = {key: rows for key, rows in found.items() if code in (None, key[0])}
        sources = sorted({f.source for rows in (kept or found).values() for f in rows}) or _sources(archive, source)
        if not kept:
            unit = None if within is None else _unit_of(archive, within)
            return _with_source(
                archive, no_ground(unit, code), sources, archive.reader.day_of_map(sources[0], date), None
            )
        rows = max(kept.values(), key=lambda rows: max(map(weight, rows)))
        return _told(archive, rows)


@in_language
@in_days
def say_changes(
    archive: Archive, *, within: str | None = None, side: str | None = None, date: When | None = None,
    since: When | None = None, lang: str = "en", source: str | None = None,  # noqa: ARG001
) -> list[str]:  # fmt: skip
    """A line as `say` gives for each side and unit that changed; since the map before, where no date is given."""
    with archive.holding():
        if since is None:
            days = [d for s in _sources(archive, source) for d in snapshot_days(archive, s, None)]
            last = last_instant(date).date() if date is not None else max(days)
            since = max((d for d in days if d < last), default=last)
        code = None if side is None else archive.reader.side_code(side)
        found = _figures(archive, source, date=date, since=since, within=within, by_unit=True)
        moved = [rows for key, rows in found.items() if code in (None, key[0]) and max(map(weight, rows)) > LEAST_KM2]
        return [_told(archive, rows) for rows in sorted(moved, key=lambda rows: -max(map(weight, rows)))]


def _told(archive: Archive, rows: list[Figures]) -> str:
    first = rows[0]
    since = first.since if first.since != first.day else None
    return _with_source(archive, headline(rows), [f.source for f in rows], first.day, since)


def sourced(archive: Archive, words: str, source: str, date: When) -> str:
    """Words on a date with whose map they are from, and of which day."""
    return _with_source(archive, words, [source], archive.reader.day_of_map(source, date), None)


def _with_source(archive: Archive, words: Headline | str, sources: list[str], day: Day, since: Day | None) -> str:
    titles = listed([archive.reader.title(name) for name in sources])
    days = date_words(day)
    if since is not None:
        days = _("maps of {first} and {last}", first=date_words(since), last=days)
    return f"{words} " + ended(_("Source: {source}, {dates}.", source=titles, dates=days))


def _sources(archive: Archive, source: str | None) -> list[str]:
    there = [str(name) for name in archive.store.control_sources()]
    if source is not None or not there:
        return [archive.source_name(source)]
    return there


def _figures(
    archive: Archive, source: str | None, *, date: When | None, since: When | None, within: str | None,
    by_unit: bool = False,
) -> Found:  # fmt: skip
    """By side and unit what each source says that has a map of the time."""
    refuse_backwards(since, date)
    found: Found = {}
    errors: list[NoSnapshotError] = []
    for name in _sources(archive, source):
        try:
            one = source_figures(archive, name, date=date, since=since, within=within, by_unit=by_unit)
        except NoSnapshotError as error:
            errors.append(error)
            continue
        for figures in one:
            unit = None if figures.unit is None else str(figures.unit["unit"])
            found.setdefault((figures.side, unit), []).append(figures)
    if not found and errors:
        raise errors[0]
    return {key: _of_the_time(rows) for key, rows in found.items()}


def _of_the_time(rows: list[Figures]) -> list[Figures]:
    """Without sources whose map is much older than another's."""
    fresh = [f for f in rows if not f.is_old]
    return fresh or [max(rows, key=lambda f: f.day)]


def source_figures(
    archive: Archive, source: str, *, date: When | None, since: When | None, within: str | None, by_unit: bool = False,
) -> list[Figures]:  # fmt: skip
    """What one source says of every side's held ground in a unit, or in every country."""
    held = list(named(is_held=True))
    asked: dict[str, Any] = {"source": source, "status": held, "within": within}
    if within is None or by_unit:
        level = None if by_unit else 0
        try:
            return _read(archive, source, date, since, asked | {"by": "unit", "level": level}, None)
        except UnitError:  # without countries
            pass
    unit = None if within is None else _unit_of(archive, within)
    return _read(archive, source, date, since, asked, unit)


def _read(
    archive: Archive, source: str, date: When | None, since: When | None, asked: dict[str, Any],
    unit: Mapping[str, Any] | None,
) -> list[Figures]:  # fmt: skip
    areas = archive.area(date, **asked)
    day = map_day(areas)
    before = None if since is None else archive.area(since, **asked)
    moved = None if since is None else archive.change(since, day.isoformat() if date is None else date, **asked)
    units = {} if asked.get("by") is None else {str(u["unit"]): u for u in rows_of(archive.units()[["unit", "name"]])}
    whole = Figures(
        source=source, side="", unit=unit, area_km2=0.0, upper_km2=0.0, day=day,
        asked=day if date is None else last_instant(date).date(), since=None if before is None else map_day(before),
        asked_since=None if since is None else last_instant(since).date(),
        refused_km2=areas.attrs["refused_km2"], is_comparable=moved is None or moved.attrs["is_comparable"],
        is_old=areas.attrs["is_old"],
    )  # fmt: skip
    rows = [[] if table is None else rows_of(table) for table in (areas, moved, before)]
    return side_figures(whole, rows[0], rows[1], units, before=rows[2])


def _unit_of(archive: Archive, within: str) -> Mapping[str, Any]:
    return rows_of(archive.unit(within)[["unit", "name"]])[0]
