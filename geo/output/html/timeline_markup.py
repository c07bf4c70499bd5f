"""The words and controls around a timeline: player, chart, figures, legend, the table of all dates. HTML, escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.output.html.map_markup import legend_mark
from geo.presentation.html_text import escape
from geo.presentation.labels import figure, written
from geo.presentation.legend import LegendEntry, StyledLayer, legend_of
from geo.presentation.symbols import Symbol

Floats = NDArray[np.float64]
_STEPS = (("bar", 0, "First date"), ("step", -1, "Date before"), ("step", 1, "Next date"), ("bar", 2, "Last date"))
_SINCE = (
    ("", "nothing"), ("step", "the snapshot before"), ("7", "7 days before"), ("30", "30 days before"),
    ("365", "365 days before"), ("first", "the first date"), ("date", "a date …"),
)  # fmt: skip
_SPEEDS = ((4, "4 dates a second"), (12, "12 dates a second"), (30, "30 dates a second"), (60, "60 dates a second"))
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


@dataclass(frozen=True)
class Reading:
    """What the words are about: the classes, the dates in UTC, and whether every date is a whole day."""

    title: str
    subtitle: str
    strands: Sequence[ClassSeries]
    instants: Sequence[datetime]
    charted: int
    notes: Sequence[str]
    has_units: bool

    @property
    def in_order(self) -> list[ClassSeries]:
        """The classes of the first source in the one order, then those of the next."""
        return sorted(self.strands, key=lambda s: s.order)

    @property
    def numbered(self) -> list[tuple[int, ClassSeries]]:
        """The same, each with its place among those that are drawn."""
        return sorted(enumerate(self.strands), key=lambda pair: pair[1].order)


def said(moment: datetime) -> str:
    """An instant in words, without the hour where that is midnight."""
    return written(moment.date() if moment == _midnight(moment) else moment)


def stamp(moment: datetime) -> str:
    """An instant as the page's links write it: 2025-01-11, with its time where that is not midnight UTC."""
    if moment == _midnight(moment):
        return moment.date().isoformat()
    return moment.strftime("%Y-%m-%dT%H:%MZ" if not moment.second else "%Y-%m-%dT%H:%M:%SZ")


def top(reading: Reading) -> str:
    """Title, the line under it, and the patterns and curves that the page's pictures share."""
    symbols = [s for strand in reading.strands for s in (strand.symbol, *(look for _, look in strand.changes))]
    patterns = "".join({symbol.pattern: symbol.svg for symbol in symbols}.values())
    curves = "".join(
        f'<path id="curve-{k}" vector-effect="non-scaling-stroke" d="{_curve(strand, reading.instants)}"/>'
        for k, strand in enumerate(reading.strands)
    )
    return (
        f'<svg class="defs" aria-hidden="true" focusable="false"><defs>{patterns}{curves}</defs></svg>'
        f'<header><h1>{escape(reading.title)}</h1><p class="dek">{escape(reading.subtitle)}</p></header>'
    )


def player(reading: Reading) -> str:
    """What stands under the map: the date, the chart, the slider and the buttons."""
    first, last = reading.instants[0], reading.instants[-1]
    days = f'min="{first.date()}" max="{last.date()}"'
    options = "".join(
        f'<option value="{k}"{" selected" if k == reading.charted else ""}>{escape(strand.label)}</option>'
        for k, strand in reading.numbered
    )
    scales = "".join(
        f'<span data-chart="{k}"{"" if k == reading.charted else " hidden"}>{_scale(strand)}</span>'
        for k, strand in enumerate(reading.strands)
    )
    alone = " hidden" if len(reading.strands) < 2 else ""
    charts = "".join(_chart(reading, k) for k in range(len(reading.strands)))
    buttons = [_button(f"go-{i}", words, _icon(kind, i)) for i, (kind, _, words) in enumerate(_STEPS)]
    play = _button("play", "Play", _PLAY)
    since = "".join(f'<option value="{value}">{words}</option>' for value, words in _SINCE)
    speeds = "".join(f'<option value="{n}"{" selected" if n == 12 else ""}>{words}</option>' for n, words in _SPEEDS)
    return (
        '<div class="player" id="player">'
        f'<p class="now"><strong id="now-date">{escape(said(last))}</strong> <span id="now-figure"></span></p>'
        '<p class="unseen" id="spoken" aria-live="polite"></p>'
        f'<div class="pickers charted"><label{alone}>Chart <select id="charted">{options}</select></label>'
        f'<span class="workings">{scales}</span></div>'
        f'<div class="chart" id="chart" aria-hidden="true">{charts}'
        '<svg class="cursors" width="100%" height="100%"><rect id="cursor-span" y="0" height="100%" width="0"/>'
        '<line id="cursor-since" y1="0" y2="100%"/><line id="cursor" y1="0" y2="100%"/></svg></div>'
        '<input type="range" id="slider" aria-label="Date" min="0" max="1" step="any" value="1">'
        f'<div class="ticks" aria-hidden="true"><svg width="100%" height="100%">{_ticks(reading)}</svg></div>'
        f'<div class="buttons" role="group" aria-label="Playback">{buttons[0]}{buttons[1]}{play}{buttons[2]}'
        f'{buttons[3]}<label>Speed <select id="speed">{speeds}</select></label></div>'
        f'<div class="pickers"><label>Go to <input type="date" id="go-to" {days} value="{last.date()}"></label>'
        f'<label>Change since <select id="since">{since}</select></label>'
        f'<label id="since-day-label" hidden>Date <input type="date" id="since-day" {days}></label>'
        '<a id="link" href="#">Link to this view</a></div></div>'
    )


def side(reading: Reading) -> str:
    """The figures of the date, and the legend, whose marks are the layers' switches."""
    rows = "".join(
        f'<tr data-row="{k}"><th scope="row">{escape(s.label)}</th><td>{_km2(s.area[-1])}</td>'
        f"<td>{_km2(s.gained[-1])}</td><td>{_km2(s.lost[-1])}</td><td>{_net(s)}</td></tr>"
        for k, s in reading.numbered
    )
    before = f"since {said(reading.instants[-2])}" if len(reading.instants) > 1 else ""
    heads = "".join(f'<th scope="col">{words}</th>' for words in ("Class", "km²", "gained", "lost", "net"))
    notes = "".join(f'<p class="workings">{escape(note[:1].upper() + note[1:])}.</p>' for note in reading.notes)
    return (
        '<aside><section><h2>Key figures</h2><table><caption><span id="figures-date">'
        f'{escape(said(reading.instants[-1]))}</span>; gained, lost and net <span id="figures-since">{escape(before)}'
        f"</span></caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f'<p class="workings" id="figures-age"></p>{notes}</section>{_legend(reading)}</aside>'
    )


def table(reading: Reading) -> str:
    """Every date with its figures: the timeline as text."""
    heads, units, columns = "", "", []
    for strand in reading.in_order:
        listed = [("km²", strand.area)]
        if strand.changes:
            listed += [("gained", strand.gained), ("lost", strand.lost)]
        heads += f'<th scope="colgroup" colspan="{len(listed)}">{escape(strand.label)}</th>'
        units += "".join(f'<th scope="col">{words}</th>' for words, _ in listed)
        columns += [[_km2(v) for v in values] for _, values in listed]
    # end tags that HTML lets go are left out: a long series has thousands of them
    rows = "".join(
        f"<tr><th>{stamp(moment)}<td>" + "<td>".join(cells)
        for moment, *cells in zip(reading.instants, *columns, strict=True)
    )
    count = len(reading.instants)
    return (
        f'<details class="dates"><summary>All {count} dates as a table</summary><div class="scroll" tabindex="0" '
        f'role="region" aria-label="All dates"><table><caption>km²; gained and lost since the snapshot before'
        f'</caption><thead><tr><td></td>{heads}</tr><tr><th scope="col">Date</th>{units}</tr></thead><tbody>{rows}'
        "</tbody></table></div></details>"
    )


def still_words(reading: Reading) -> str:
    """The date under the still picture, and the chart again."""
    strand = reading.strands[reading.charted]
    return (
        f'<figcaption><strong id="still-date">{escape(said(reading.instants[-1]))}</strong>. Below: '
        f"{escape(strand.label)}, {escape(said(reading.instants[0]))} to {escape(said(reading.instants[-1]))}. "
        f'{_scale(strand)}</figcaption><div class="chart">{_chart(reading, reading.charted)}</div>'
        f'<div class="ticks"><svg width="100%" height="100%">{_ticks(reading)}</svg></div>'
    )


# -- parts --------------------------------------------------------------------------------------------------------


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _km2(value: float) -> str:
    return "–" if value != value else "0" if abs(value) < 5e-7 else figure(float(value)).replace("-", "−")


def _net(strand: ClassSeries) -> str:
    net = strand.gained[-1] - strand.lost[-1]
    return ("+" if net > 0 else "") + _km2(net)


def _legend(reading: Reading) -> str:
    tracks = {s.label: k for k, s in enumerate(reading.strands)}
    looks = [
        (word, *change) for s in reading.in_order for word, change in zip(("gained", "lost"), s.changes, strict=False)
    ]
    entries = legend_of(
        [StyledLayer(s.label, s.symbol, ()) for s in reading.in_order],
        [StyledLayer(label, look, ()) for _, label, look in looks],
    )
    marks = "".join(
        _mark(entry, f'data-track="{tracks[entry.label]}"')
        if entry.mark == "class"
        else _mark(entry, f'data-change="{looks[entry.layer][0]}"')
        for entry in entries
    )
    layers = [('data-ground="units"', "Unit borders")] if reading.has_units else []
    boxes = "".join(
        f'<li><label><input type="checkbox" checked {what}><span>{words}</span></label></li>'
        for what, words in (*layers, ('data-layer="places"', "Place names"))
    )
    return (
        f'<section><h2>Legend and layers</h2><ul class="legend switches">{marks}</ul></section>'
        f'<section class="controls"><ul class="toggles">{boxes}</ul></section>'
    )


def _mark(entry: LegendEntry, what: str) -> str:
    return (
        f'<li><label><input type="checkbox" checked {what}>{legend_mark(entry)}<span>{escape(entry.label)}</span>'
        "</label></li>"
    )


def _chart(reading: Reading, k: int) -> str:
    shown = "" if k == reading.charted else " hidden"
    return (
        f'<svg data-chart="{k}"{shown} class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<use href="#curve-{k}"/></svg>'
    )


def _scale(strand: ClassSeries) -> str:
    low, high = _range(strand.area)
    span = (
        f"{_km2(low)} km² at the bottom, {_km2(high)} km² at the top" if high > low else f"{_km2(high)} km² throughout"
    )
    return f"Curve: {span}."


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


def _ticks(reading: Reading) -> str:
    first, last = reading.instants[0], reading.instants[-1]
    marks: list[tuple[datetime, str]] = []
    for months in (1, 3, 6, 12, 24, 60):
        marks = list(_months(first, last, months))
        if len(marks) <= 9:
            break
    if len(marks) < 2:
        marks = [(first, stamp(first)), *([(last, stamp(last))] if last > first else [])]
    out = ""
    for moment, words in marks:
        share = _share(moment, reading.instants)
        anchor = "start" if share < 0.03 else "end" if share > 0.96 else "middle"
        out += (
            f'<line x1="{100 * share:.2f}%" x2="{100 * share:.2f}%" y1="0" y2="4"/>'
            f'<text x="{100 * share:.2f}%" y="1.3em" text-anchor="{anchor}">{words}</text>'
        )
    return out


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


_PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path class="on" d="M4 2v12l10-6z"/><path class="off" d="M3 2h4v12H3zM9 2h4v12H9z"/></svg>'  # noqa: E501


def _icon(kind: str, i: int) -> str:
    shape = "M13 2v12L5 8zM3 2h2v12H3z" if kind == "bar" else "M12 2v12L4 8z"
    turn = ' transform="matrix(-1 0 0 1 16 0)"' if i > 1 else ""
    return f'<svg viewBox="0 0 16 16" aria-hidden="true"><path{turn} d="{shape}"/></svg>'


def _button(name: str, words: str, icon: str) -> str:
    return f'<button type="button" id="{name}" aria-label="{words}" title="{words}">{icon}</button>'
