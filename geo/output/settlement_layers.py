"""Settlements as maps show them: a dot by side and status at each place, by a source that says so place by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from geo.archive.results import FAR, OLD_DAYS, When, age_days, moment
from geo.errors import NoSnapshotError, SourceError
from geo.presentation.labels import class_key, class_label, class_words, written
from geo.presentation.language import gettext, number
from geo.presentation.legend import StyledLayer, group_name
from geo.presentation.statuses import ClassKey, class_order
from geo.presentation.symbols import class_symbols
from geo.schema import last_instant, parse_instant, text_or_none

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.archive import Archive
    from geo.output.map_options import MapOptions
    from geo.presentation.basemap import Box

NONE = "none"  # as the option that leaves settlements out
MOST_NAMED = 5000  # places that a page names; of more it says the class alone


@dataclass(frozen=True)
class DotLayer(StyledLayer):
    """Settlements of one class: `shapes` are their points; what each is called and since when it is so."""

    names: Sequence[str] = ()
    said: Sequence[str] = ()  # what the source itself says of each
    until: Sequence[date | None] = ()  # when it stopped being so
    timed: bool = False  # whether a page shows each only while it is so


@dataclass(frozen=True)
class Settlements:
    """Those of a date: their layers, by which source and of which day, and what is to be said of them."""

    source: str = ""
    day: date | None = None
    layers: Sequence[DotLayer] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def settlement_source(archive: Archive, wanted: str | None) -> str | None:
    """The source whose settlements are drawn: the one named, or the only one; None where there is none."""
    there = archive.reader.settlement_sources()
    if wanted == NONE or (not wanted and len(there) != 1):
        return None
    if wanted and wanted not in there:
        raise SourceError(f"settlements by {wanted!r}: {archive.path} has those of {', '.join(there) or 'none'}")
    return wanted or there[0]


def settlements_of(
    archive: Archive,
    when: When,
    options: MapOptions,
    colours: Mapping[str, str],
    within: Box | shapely.Geometry | None,
    *,
    alone: bool = False,
) -> Settlements:
    """The settlements of a date inside a box or a unit, by a source that is not much older than the date."""
    source = settlement_source(archive, options.settlements)
    several = archive.reader.settlement_sources()
    if source is None:
        listed = ", ".join(several)
        words = gettext("settlements by {sources} are not drawn: name one (--settlements)", sources=listed)
        return Settlements(notes=[words] if len(several) > 1 and options.settlements is None else [])
    try:
        frame, day = archive.reader.settlements_on(source, when, options.as_known_on)
    except NoSnapshotError as error:
        return Settlements(notes=[str(error)] if options.settlements else [])
    title = archive.reader.title(source)
    on = parse_instant(day)
    if options.settlements is None and age_days(last_instant(when), on, whole_days=True) > OLD_DAYS:
        words = gettext(
            "settlements by {source} of {day} are too old for this map", source=title, day=written(on.date())
        )
        return Settlements(notes=[words])
    if within is not None:
        zone = within if isinstance(within, shapely.Geometry) else shapely.box(*within)
        shapely.prepare(zone)
        frame = frame[shapely.intersects(zone, np.asarray(frame.geometry.array, dtype=object))]
    layers = _layers(frame, title, on.date(), colours, alone=alone)
    return Settlements(source, on.date(), layers, archive.reader.notes(source))


def settlement_spans(
    archive: Archive,
    options: MapOptions,
    colours: Mapping[str, str],
    days: tuple[date, date],
    box: Box,
    *,
    alone: bool = False,
) -> Settlements:
    """The settlements of a span of days inside a box, with how long each is so."""
    source = settlement_source(archive, options.settlements)
    if source is None:
        return Settlements()
    known = moment(options.as_known_on)
    frame = archive.store.settlements(source, as_known_on=known)
    spoken = archive.store.settlement_days(source, as_known_on=known)
    first, last = (pd.Timestamp(day, tz="UTC") for day in days)
    # what it says last stands no longer than a map does beside younger ones
    old = parse_instant(spoken[-1]) + timedelta(days=OLD_DAYS + 1) if spoken else FAR
    ends = frame["valid_to"].where(frame["valid_to"].notna() | (old > last), old)
    frame = frame.assign(valid_to=ends)
    stands = (frame["valid_from"] <= last + timedelta(days=1)) & (ends.isna() | (ends > first))
    inside = shapely.intersects(shapely.box(*box), np.asarray(frame.geometry.array, dtype=object))
    title = archive.reader.title(source)
    return Settlements(
        source, None, _layers(frame[stands & inside], title, None, colours, alone=alone), archive.reader.notes(source)
    )


def _layers(
    frame: gpd.GeoDataFrame, title: str, day: date | None, colours: Mapping[str, str], *, alone: bool
) -> list[DotLayer]:
    """The rows of settlements by class, in the one order of classes; beside areas labels name the source and day."""
    points = shapely.get_coordinates(np.asarray(frame.geometry.array, dtype=object))
    frame = frame.iloc[np.lexsort((points[:, 1], points[:, 0]))]  # near ones together: a page packs them better
    keys = [class_key(row) for row in frame[["controller", "status"]].to_dict("records")]
    looks = class_symbols({key[:2] for key in keys}, colours=colours)
    by_class: dict[ClassKey, list[int]] = {}
    for at, key in enumerate(keys):
        by_class.setdefault(key, []).append(at)
    rests = title if day is None else gettext(", ").join((title, written(day)))
    found = []
    for key in sorted(by_class, key=class_order):
        mine = frame.iloc[by_class[key]]
        what = class_label(*key)
        label = what if alone else gettext("Settlement: {what} ({source})", what=what, source=rests)
        found.append(DotLayer(
            label, looks[key[:2]], list(mine.geometry), [(gettext("Source"), title)], key,
            [at.date() for at in mine["valid_from"]], f"settlements-{group_name(key[1], key[0])}",
            names=[str(name) for name in mine["name"]], said=[text_or_none(text) or "" for text in mine["native"]],
            until=[None if pd.isna(at) else at.date() for at in mine["valid_to"]], timed=day is None,
        ))  # fmt: skip
    return found


def counts_of(layers: Sequence[DotLayer]) -> list[tuple[str, str]]:
    """How many settlements each class has, in words."""
    return [(class_label(*layer.key), number(len(layer.shapes))) for layer in layers if layer.key]


def settlement_history(archive: Archive, options: MapOptions) -> tuple[gpd.GeoDataFrame, list[date]]:
    """All rows of the source that is drawn, and the days of which it speaks on which something changed."""
    source = settlement_source(archive, options.settlements)
    if source is None:
        raise SourceError(f"{archive.path} has settlements by several sources: name one (--settlements)")
    known = moment(options.as_known_on)
    frame = archive.store.settlements(source, as_known_on=known)
    if options.within is not None:
        zone = archive.unit(options.within).geometry.iloc[0]
        frame = frame[shapely.intersects(zone, np.asarray(frame.geometry.array, dtype=object))]
    spoken = {parse_instant(day).date() for day in archive.store.settlement_days(source, as_known_on=known)}
    changed = {at.date() for name in ("valid_from", "valid_to") for at in frame[name].dropna()}
    days = sorted((spoken & changed) | {max(spoken)} if spoken else ())
    return frame, days


def changes_of(frame: gpd.GeoDataFrame, first: date) -> list[date]:
    """A day for each time that a settlement changed hands after the first day; a change of votes is none."""
    frame = frame.sort_values(["place", "valid_from"], kind="stable")
    words = pd.Series([class_words(*class_key(row)) for row in frame[["controller", "status"]].to_dict("records")])
    place, begins, ends = (frame[name].reset_index(drop=True) for name in ("place", "valid_from", "valid_to"))
    touches = (place.shift() == place) & (ends.shift() == begins)
    came = begins[~(touches & (words == words.shift()))]
    went = ends[ends.notna() & ~touches.shift(-1, fill_value=False)]
    return sorted(at.date() for at in (*came, *went) if at.date() > first)
