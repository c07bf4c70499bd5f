"""The classes of a source's series as the timeline draws them: boundaries, figures and looks, class by class."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from geo.archive import figures as archive_figures
from geo.archive.queries import Query
from geo.archive.results import When, moment, statuses_meant
from geo.measure.areas import areal_only, clip, ground_by_class
from geo.measure.series.panel import class_ledgers
from geo.measure.series.parallel import ClassFilter, source_ledgers
from geo.output.html import timeline_codec
from geo.presentation.labels import class_label, km2_cell, written
from geo.presentation.language import N_, day_words_short, gettext, short_month
from geo.presentation.legend import LegendEntry, StyledLayer, legend_of
from geo.presentation.sides import side_of
from geo.presentation.statuses import Pattern, class_order, status_of
from geo.presentation.symbols import Symbol, change_symbols, class_symbols
from geo.schema import CRS, parse_instant, text_or_none

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.measure.series.edge_history import Ledger
    from geo.measure.series.edges import Floats
    from geo.presentation.symbols import Symbol


WIDTH, HEIGHT = 10_000, 100


@dataclass(frozen=True)
class ClassSeries:
    """One class of one source through time: its words, its look, km² on every date (NaN before its source begins)."""

    label: str
    source: str
    symbol: Symbol
    changes: tuple[tuple[str, Symbol], ...]
    area: Floats
    gained: Floats
    lost: Floats
    kinds: Sequence[int]  # of every date: 0 where no map of the class stands; changes count between dates of one kind
    order: tuple[Any, ...]  # by which classes are sorted: place of the source, status, side


def series_values(
    strands: Sequence[ClassSeries],
    instants: Sequence[datetime],
    *,
    charted: int,
    notes: Sequence[str],
    has_units: bool,
    settlements: Sequence[StyledLayer] = (),
) -> dict[str, Any]:
    """What the template of a timeline shows: the dates in UTC, the classes, and every figure in words."""
    # the classes in the one order, each with its place among those that are drawn
    numbered = sorted(enumerate(strands), key=lambda pair: pair[1].order)
    columns = [v for _, s in numbered for v in (s.area, *((s.gained, s.lost) if s.changes else ()))]
    cells = zip(*([_km2(v) for v in values] for values in columns), strict=True)
    return {
        "strands": [_strand_values(strand) for strand in strands],
        "numbered": [(k, _strand_values(strand)) for k, strand in numbered], "legend": _legend(numbered, settlements),
        "charted": charted, "notes": notes,
        "has_units": has_units, "width": WIDTH, "height": HEIGHT, "ticks": _ticks(instants),
        "first": said(instants[0]), "last": said(instants[-1]),
        "previous": said(instants[-2]) if len(instants) > 1 else "",
        "first_day": instants[0].date().isoformat(), "last_day": instants[-1].date().isoformat(),
        "rows": [(said(instant, short=True), row) for instant, row in zip(instants, cells, strict=True)],
    }  # fmt: skip


def _strand_values(strand: ClassSeries) -> dict[str, Any]:
    low, high = _range(strand.area)
    return {
        "label": strand.label, "low": _km2(low), "high": _km2(high), "changes": bool(strand.changes),
        "now": [_km2(strand.area[-1]), _km2(strand.gained[-1]), _km2(strand.lost[-1]), _net(strand)],
    }  # fmt: skip


def _legend(
    numbered: Sequence[tuple[int, ClassSeries]], settlements: Sequence[StyledLayer]
) -> list[tuple[LegendEntry, str, Any]]:
    """The legend, whose marks are the layers' switches: each with what it switches."""
    looks = [(word, *change) for _, s in numbered for word, change in zip(("gained", "lost"), s.changes, strict=False)]
    entries = legend_of(
        [StyledLayer(s.label, s.symbol, ()) for _, s in numbered],
        [StyledLayer(label, look, ()) for _, label, look in looks],
        settlements=settlements,
    )
    tracks = {s.label: k for k, s in numbered}
    return [
        (entry, "data-track", tracks[entry.label])
        if entry.mark == "class"
        else (entry, "data-dots", entry.layer)
        if entry.mark == "settlement"
        else (entry, "data-change", looks[entry.layer][0])
        for entry in entries
    ]


def shared_drawing(strands: Sequence[ClassSeries], instants: Sequence[datetime]) -> Markup:
    """The patterns and curves that the page's pictures share."""
    symbols = [s for strand in strands for s in (strand.symbol, *(look for _, look in strand.changes))]
    patterns = "".join({symbol.pattern: symbol.svg for symbol in symbols}.values())
    curves = "".join(
        f'<path id="curve-{k}" vector-effect="non-scaling-stroke" d="{_curve(strand, instants)}"/>'
        for k, strand in enumerate(strands)
    )
    return Markup(patterns + curves)  # noqa: S704  (our own palette, and numbers)


def said(instant: datetime, *, short: bool = False) -> str:
    """An instant in words, without the hour where that is midnight."""
    if short:
        return day_words_short(instant) + ("" if instant == _midnight(instant) else f", {instant:%H:%M}")
    return written(instant.date() if instant == _midnight(instant) else instant)


def stamp(instant: datetime) -> str:
    """An instant as the page's links write it: 2025-01-11, with its time where that is not midnight UTC."""
    if instant == _midnight(instant):
        return instant.date().isoformat()
    return instant.strftime("%Y-%m-%dT%H:%MZ" if not instant.second else "%Y-%m-%dT%H:%M:%SZ")


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _km2(value: float) -> str:
    return "0" if abs(value) < 5e-7 else km2_cell(float(value))


def _net(strand: ClassSeries) -> str:
    net = strand.gained[-1] - strand.lost[-1]
    return "0" if abs(net) < 5e-7 else km2_cell(float(net), plus=True)


def _range(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def _share(instant: datetime, instants: Sequence[datetime]) -> float:
    whole = (instants[-1] - instants[0]) / timedelta(seconds=1)
    return (instant - instants[0]) / timedelta(seconds=1) / whole if whole else 1.0


def _curve(strand: ClassSeries, instants: Sequence[datetime]) -> str:
    """A curve in steps: every figure stands until the next snapshot; nothing lies between two."""
    low, high = _range(strand.area)
    out = ""
    at: int | None = None
    for instant, km2 in zip(instants, strand.area, strict=True):
        if km2 != km2:
            out, at = out + (f"H{round(WIDTH * _share(instant, instants))}" if at is not None else ""), None
            continue
        y = round(HEIGHT * (0.92 - 0.84 * ((km2 - low) / (high - low) if high > low else 0.5)))
        x = round(WIDTH * _share(instant, instants))
        if at is None:
            out += f"M{x} {y}"
        elif y != at:
            out += f"H{x}V{y}"
        at = y
    return out + (f"H{WIDTH}" if at is not None else "")


def _ticks(instants: Sequence[datetime]) -> list[tuple[str, str, str]]:
    """Where the ticks stand, in percent, how their words are set, and these."""
    first, last = instants[0], instants[-1]
    marks: list[tuple[datetime, str]] = []
    for months in (1, 3, 6, 12, 24, 60):
        marks = list(_months(first, last, months))
        if len(marks) <= 9:
            break
    if len(marks) < 2:
        marks = [(i, said(i, short=True)) for i in dict.fromkeys((first, last))]
    found = []
    for instant, words in marks:
        share = _share(instant, instants)
        anchor = "start" if share < 0.03 else "end" if share > 0.96 else "middle"
        found.append((f"{100 * share:.2f}", anchor, words))
    return found


def _months(first: datetime, last: datetime, step: int) -> Iterator[tuple[datetime, str]]:
    """Beginnings of every so many months within the span; a January is written as its year."""
    number = -(-(12 * first.year + first.month - 1) // step) * step
    while True:
        instant = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if instant > last:
            return
        if instant >= first:
            yield instant, str(instant.year) if instant.month == 1 else short_month(instant)
        number += step


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
    archive: Archive, source: str, instants: Sequence[datetime], own: Sequence[datetime], place: int, sources: int,
    colours: Mapping[str, str], as_known_on: When | None, status: str | Sequence[str] | None, zone: Any, *,
    patterns: bool = False,
) -> tuple[list[Part], Sequence[str]]:  # fmt: skip
    """The classes of a source, in the order in which they are drawn, and what is to be said of the series."""
    if not own:
        return [], []
    figures = archive_figures.series(
        archive, source=source, from_=own[0], to=own[-1], as_known_on=as_known_on, status=status,
        within=None if zone is None else zone.geometry,
    )  # fmt: skip
    ledgers = _ledgers(archive, source, instants, own, as_known_on, status, zone)
    last = _last_ground(archive, source, own[-1], as_known_on, zone)
    keys = ledgers.keys()
    title = archive.reader.title(source)
    before = f"{title}: " if sources > 1 else ""
    symbols = class_symbols({key[:2] for key in keys}, colours=colours, patterns=patterns)
    moved = change_symbols(sorted({key[0] for key in keys if key[0]}), colours=colours, patterns=patterns)
    by_class = _by_class(figures, instants, own)
    kinds = archive.reader.part_steps(Query(source, as_known_on=as_known_on), own).kinds
    parts = []
    for key in sorted(by_class.keys() & keys, key=class_order, reverse=True):
        if not len(ledgers[key].born):
            continue
        area, gained, lost = by_class[key]
        track = timeline_codec.ClassTrack(ledgers[key], area, gained, lost)
        look = symbols[key[:2]]
        symbol = replace(look, pattern=f"{look.pattern}s{place}")  # a page may have a look twice, once a source
        changes: tuple[tuple[str, Symbol], ...] = ()
        if place:
            # without a fill: what another source says is told from the ground under it
            symbol = replace(
                symbol,
                tile=Pattern(4, 0.0),
                edge=symbol.colour,
                even="",
                weight=2.2,
                dash=_DASHES[(place - 1) % len(_DASHES)],
            )
        elif status_of(key[1]).is_held and key[0] is not None:
            part = f" ({key[2].replace('-', ' ')})" if key[2] else ""
            of = (gettext(w, side=side_of(key[0]).label) + part for w in (N_("Gained by {side}"), N_("Lost by {side}")))
            gain, loss = moved[key[0], "gained"], replace(moved[key[0], "lost"], dash="")
            changes = tuple(zip(of, (gain, loss), strict=True))
        label, order = before + class_label(*key), (place, *class_order(key))
        stands = _on_every_date(kinds[key[2]], own, instants)
        series = ClassSeries(label, source, symbol, changes, area, gained, lost, stands, order)
        parts.append(Part(key, source, track, last.get(key), series))
    return parts, [before + note for note in figures.attrs["notes"]]


def _ledgers(
    archive: Archive, source: str, instants: Sequence[datetime], own: Sequence[datetime], as_known_on: When | None,
    status: str | Sequence[str] | None, zone: Any,
) -> dict[_Key, Ledger]:  # fmt: skip
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


def _on_every_date(kinds: Sequence[int], own: Sequence[datetime], instants: Sequence[datetime]) -> list[int]:
    """What holds on the dates of a source, on every date of the page: until the source's next; 0 before its first."""
    return [[0, *kinds][bisect_right(own, instant)] for instant in instants]


def _by_class(
    figures: pd.DataFrame, instants: Sequence[datetime], own: Sequence[datetime]
) -> dict[_Key, tuple[Floats, Floats, Floats]]:
    """km² of every class on every date of the page: its source's latest figure, NaN where there is none."""
    place = {instant: i for i, instant in enumerate(instants)}
    found: dict[_Key, tuple[Floats, Floats, Floats]] = {}
    parts = figures["part"] if "part" in figures else [""] * len(figures)
    named = zip(figures["controller"], figures["status"], parts, strict=True)
    keys = [(text_or_none(side), str(status), text_or_none(part) or "") for side, status, part in named]
    for key in set(keys):
        rows = figures[[k == key for k in keys]]
        at = [place[parse_instant(d)] for d in rows["date"]]
        area, gained, lost = np.full(len(instants), np.nan), np.zeros(len(instants)), np.zeros(len(instants))
        area[[place[instant] for instant in own]] = np.inf  # where there is no row, nothing stands
        area[at] = rows["area_km2"]
        gained[at], lost[at] = rows["gained_km2"], rows["lost_km2"]
        area = pd.Series(area).ffill().replace(np.inf, np.nan).to_numpy()
        gained[: min(at)] = lost[: min(at)] = np.nan
        found[key] = (area, gained, lost)
    return found
