"""What a timeline shows beside its map, as values: the curve of each class, ticks, figures and every date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from geo.presentation.labels import figure, written
from geo.presentation.legend import LegendEntry, StyledLayer, legend_of

if TYPE_CHECKING:
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
    order: tuple[Any, ...]  # by which classes are sorted: place of the source, status, side


def series_values(
    strands: Sequence[ClassSeries], instants: Sequence[datetime], *, charted: int, notes: Sequence[str], has_units: bool
) -> dict[str, Any]:
    """What the template of a timeline shows: the dates in UTC, the classes, and every figure in words."""
    # the classes in the one order, each with its place among those that are drawn
    numbered = sorted(enumerate(strands), key=lambda pair: pair[1].order)
    columns = [v for _, s in numbered for v in (s.area, *((s.gained, s.lost) if s.changes else ()))]
    cells = zip(*([_km2(v) for v in values] for values in columns), strict=True)
    return {
        "strands": [_strand_values(strand) for strand in strands],
        "numbered": [(k, _strand_values(strand)) for k, strand in numbered], "legend": _legend(numbered),
        "charted": charted, "notes": notes,
        "has_units": has_units, "width": WIDTH, "height": HEIGHT, "ticks": _ticks(instants),
        "first": said(instants[0]), "last": said(instants[-1]),
        "previous": said(instants[-2]) if len(instants) > 1 else "",
        "first_day": instants[0].date().isoformat(), "last_day": instants[-1].date().isoformat(),
        "rows": [(stamp(moment), row) for moment, row in zip(instants, cells, strict=True)],
    }  # fmt: skip


def _strand_values(strand: ClassSeries) -> dict[str, Any]:
    low, high = _range(strand.area)
    return {
        "label": strand.label, "low": _km2(low), "high": _km2(high), "changes": bool(strand.changes),
        "now": [_km2(strand.area[-1]), _km2(strand.gained[-1]), _km2(strand.lost[-1]), _net(strand)],
    }  # fmt: skip


def _legend(numbered: Sequence[tuple[int, ClassSeries]]) -> list[tuple[LegendEntry, str, Any]]:
    """The legend, whose marks are the layers' switches: each with what it switches."""
    looks = [(word, *change) for _, s in numbered for word, change in zip(("gained", "lost"), s.changes, strict=False)]
    entries = legend_of(
        [StyledLayer(s.label, s.symbol, ()) for _, s in numbered],
        [StyledLayer(label, look, ()) for _, label, look in looks],
    )
    tracks = {s.label: k for k, s in numbered}
    return [
        (entry, "data-track", tracks[entry.label])
        if entry.mark == "class"
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


def said(moment: datetime) -> str:
    """An instant in words, without the hour where that is midnight."""
    return written(moment.date() if moment == _midnight(moment) else moment)


def stamp(moment: datetime) -> str:
    """An instant as the page's links write it: 2025-01-11, with its time where that is not midnight UTC."""
    if moment == _midnight(moment):
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%dT%H:%MZ" if not moment.second else "%Y-%m-%dT%H:%M:%SZ")


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _km2(value: float) -> str:
    return "–" if value != value else "0" if abs(value) < 5e-7 else figure(float(value)).replace("-", "−")


def _net(strand: ClassSeries) -> str:
    net = strand.gained[-1] - strand.lost[-1]
    return ("+" if net > 0 else "") + _km2(net)


def _range(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def _share(moment: datetime, instants: Sequence[datetime]) -> float:
    whole = (instants[-1] - instants[0]) / timedelta(seconds=1)
    return (moment - instants[0]) / timedelta(seconds=1) / whole if whole else 1.0


def _curve(strand: ClassSeries, instants: Sequence[datetime]) -> str:
    """A curve in steps: every figure stands until the next snapshot; nothing lies between two."""
    low, high = _range(strand.area)
    out = ""
    at: int | None = None
    for moment, km2 in zip(instants, strand.area, strict=True):
        if km2 != km2:
            continue
        y = round(HEIGHT * (0.92 - 0.84 * ((km2 - low) / (high - low) if high > low else 0.5)))
        x = round(WIDTH * _share(moment, instants))
        if at is None:
            out = f"M{x} {y}"
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
        marks = [(first, stamp(first)), *([(last, stamp(last))] if last > first else [])]
    found = []
    for moment, words in marks:
        share = _share(moment, instants)
        anchor = "start" if share < 0.03 else "end" if share > 0.96 else "middle"
        found.append((f"{100 * share:.2f}", anchor, words))
    return found


def _months(first: datetime, last: datetime, step: int) -> Iterator[tuple[datetime, str]]:
    """Beginnings of every so many months within the span; a January is written as its year."""
    number = -(-(12 * first.year + first.month - 1) // step) * step
    while True:
        moment = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if moment > last:
            return
        if moment >= first:
            yield moment, str(moment.year) if moment.month == 1 else f"{moment:%b}"
        number += step
