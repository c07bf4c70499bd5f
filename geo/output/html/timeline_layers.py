"""The classes of a source's series as the timeline draws them: boundaries, figures and looks, class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo.archive.results import When, moment, statuses_meant
from geo.measure.areas import areal_only, clip, ground_by_class
from geo.measure.series.panel import class_ledgers
from geo.measure.series.parallel import ClassFilter, source_ledgers
from geo.output.html import timeline_codec
from geo.output.html.timeline_values import ClassSeries
from geo.output.map_content import credit_of
from geo.presentation.labels import class_label
from geo.presentation.sides import side_of
from geo.presentation.statuses import Pattern, class_order, status_of
from geo.presentation.symbols import Symbol, change_symbols, class_symbols
from geo.schema import CRS, parse_instant, text_or_none

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.measure.series.edge_history import Ledger
    from geo.measure.series.edges import Floats

_Key = tuple[str | None, str, str]
_DASHES = ("9 4", "3 3", "12 3 3 3")  # outlines of the second source and those after it


@dataclass(frozen=True)
class Part:
    """One class of one source: what is drawn and what is said of it."""

    key: _Key
    source: str
    track: timeline_codec.ClassTrack
    last: shapely.Geometry | None
    strand: ClassSeries


def parts_of(
    archive: Archive,
    source: str,
    instants: Sequence[datetime],
    own: Sequence[datetime],
    place: int,
    sources: int,
    colours: Mapping[str, str],
    as_known_on: When | None,
    status: str | Sequence[str] | None,
    zone: Any,
) -> tuple[list[Part], Sequence[str]]:
    """The classes of a source, in the order in which they are drawn, and what is to be said of the series."""
    if not own:
        return [], []
    figures = archive.series(
        source=source, from_=own[0], to=own[-1], as_known_on=as_known_on, status=status,
        within=None if zone is None else zone.geometry,
    )  # fmt: skip
    ledgers = _ledgers(archive, source, instants, own, as_known_on, status, zone)
    last = _last_ground(archive, source, own[-1], as_known_on, zone)
    keys = ledgers.keys()
    title = credit_of(archive, source)["title"] or source
    before = f"{title}: " if sources > 1 else ""
    symbols = class_symbols({key[:2] for key in keys}, colours=colours)
    moved = change_symbols(sorted({key[0] for key in keys if key[0]}), colours=colours)
    by_class = _by_class(figures, instants)
    parts = []
    for key in sorted(by_class.keys() & keys, key=class_order, reverse=True):
        if not len(ledgers[key].born):
            continue
        area, gained, lost = by_class[key]
        track = timeline_codec.ClassTrack(ledgers[key], area, gained, lost)
        symbol = _named(symbols[key[:2]], f"{symbols[key[:2]].pattern}s{place}")
        changes: tuple[tuple[str, Symbol], ...] = ()
        if place:
            symbol = _outline(symbol, place)
        elif status_of(key[1]).is_held and key[0] is not None:
            of = f" by {side_of(key[0]).label}" + (f" ({key[2].replace('-', ' ')})" if key[2] else "")
            gain, loss = moved[key[0], "gained"], replace(moved[key[0], "lost"], dash="")
            changes = ((f"Gained{of}", gain), (f"Lost{of}", loss))
        label, order = before + class_label(*key), (place, *class_order(key))
        series = ClassSeries(label, source, symbol, changes, area, gained, lost, order)
        parts.append(Part(key, source, track, last.get(key), series))
    return parts, [before + note for note in figures.attrs["notes"]]


def _ledgers(
    archive: Archive,
    source: str,
    instants: Sequence[datetime],
    own: Sequence[datetime],
    as_known_on: When | None,
    status: str | Sequence[str] | None,
    zone: Any,
) -> dict[_Key, Ledger]:
    """The ledger of every class in the unit, over the dates of the page; without a unit that of the figures."""
    only = ClassFilter(None, None if status is None else tuple(statuses_meant(status)))
    if zone is None:
        found = source_ledgers(archive.store, source, own, only=only, known=moment(as_known_on))
    else:
        rows = archive.store.rows_between(source, own, moment(as_known_on))
        rows = rows.set_geometry([areal_only(clip(shape, zone.geometry)) for shape in rows.geometry], crs=CRS)
        found = class_ledgers(rows[~rows.geometry.is_empty].reset_index(drop=True), own)
    place = np.searchsorted(np.array(instants), np.array(own)).tolist()
    return {(key[0], key[1], key[3]): ledger.spread(place, len(instants)) for key, ledger in found.items()}


def _last_ground(
    archive: Archive, source: str, date: datetime, as_known_on: When | None, zone: Any
) -> dict[_Key, shapely.Geometry]:
    """What the still picture shows of a source, by class."""
    ground = ground_by_class(archive.control(date, source=source, as_known_on=as_known_on))
    shape = None if zone is None else zone.geometry
    return {(key[0], key[1], key[3]): areal_only(clip(whole, shape)) for key, whole in ground.items()}


def _key(row: Sequence[Any]) -> _Key:
    return text_or_none(row[0]), str(row[1]), text_or_none(row[2]) or ""


def _named(symbol: Symbol, name: str) -> Symbol:
    """The same look under another id: a page may have it twice, once a source."""
    return replace(symbol, pattern=name)


def _outline(symbol: Symbol, place: int) -> Symbol:
    """A look without a fill: what another source says is told from the ground under it."""
    return replace(symbol, tile=Pattern(4, 0.0), weight=2.2, dash=_DASHES[(place - 1) % len(_DASHES)])


def _by_class(figures: pd.DataFrame, instants: Sequence[datetime]) -> dict[_Key, tuple[Floats, Floats, Floats]]:
    """km² of every class on every date of the page: its source's latest figure, NaN before the first."""
    place = {instant: i for i, instant in enumerate(instants)}
    found: dict[_Key, tuple[Floats, Floats, Floats]] = {}
    parts = figures["part"] if "part" in figures else [""] * len(figures)
    keys = [_key(row) for row in zip(figures["controller"], figures["status"], parts, strict=True)]
    for key in set(keys):
        rows = figures[[k == key for k in keys]]
        at = [place[parse_instant(d)] for d in rows["date"]]
        area, gained, lost = np.full(len(instants), np.nan), np.zeros(len(instants)), np.zeros(len(instants))
        area[at] = rows["area_km2"]
        gained[at], lost[at] = rows["gained_km2"], rows["lost_km2"]
        area = pd.Series(area).ffill().to_numpy()
        gained[: min(at)] = lost[: min(at)] = np.nan
        found[key] = (area, gained, lost)
    return found
