"""The series of a briefing as an SVG inside the page: steps from zero, in colours that follow the reader's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from geo.output.documents.content import Brief, chart_words
from geo.output.images.themes import THEMES, legible
from geo.presentation.chart_lines import ChartLine, apart, stretches
from geo.presentation.html_text import escape
from geo.presentation.labels import figure

_WIDE, _NARROW = (960, 300), (400, 300)
_LEFT, _TOP, _BOTTOM = 62.0, 14.0, 26.0
_LETTER = 9.0  # of the figures at the ends of lines, in the widest font that a reader may have
_STEP = 15.0  # between two labels at the ends of lines


def chart_styles(lines: Sequence[ChartLine]) -> str:
    """The lines' colours, light and dark, from our own palette or colours that were checked."""
    sheets = []
    for name in ("light", "dark"):
        rules = "".join(
            f".s{i}{{stroke:{legible(s.colour, THEMES[name])}}}.t{i}{{fill:{legible(s.colour, THEMES[name])}}}"
            for i, s in enumerate(lines)
        )
        sheets.append(rules)
    return f"{sheets[0]}@media screen and (prefers-color-scheme: dark){{{sheets[1]}}}"


def chart_markup(brief: Brief) -> str:
    """The chart, wide and for a phone, with its key; empty where nothing was ever held."""
    return lines_markup(brief.lines, chart_words(brief)) if brief.lines else ""


def lines_markup(lines: Sequence[ChartLine], alt_text: str) -> str:
    """A chart of lines, wide and for a phone, with its key; the page has `chart_styles` and ``brief.css``."""
    words = escape(alt_text)
    keys = "".join(
        f'<li><svg viewBox="0 0 38 12" aria-hidden="true"><path d="M1 6H37" class="line s{i}"{_dash(s)}/></svg>'
        f"<span>{escape(s.label)}</span></li>"
        for i, s in enumerate(lines)
    )
    drawn = "".join(
        f'<svg class="{name}" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{words}">'
        f"{_draw(lines, *size)}</svg>"
        for name, size in (("wide", _WIDE), ("narrow", _NARROW))
    )
    return f'<ul class="legend keys">{keys}</ul>{drawn}'


def _dash(line: ChartLine) -> str:
    dash = " ".join(f"{2.4 * v:g}" for v in line.dash)
    return f' stroke-dasharray="{dash}"' if dash else ""


def _draw(lines: Sequence[ChartLine], width: int, height: int) -> str:
    times = sorted({t for s in lines for t in s.times})
    first, seconds = times[0], max((times[-1] - times[0]).total_seconds(), 1.0)
    top = 1.08 * max(max(s.km2) for s in lines)
    ends = [f"{figure(s.km2[-1])} km²" for s in lines]
    right, low = width - _LETTER * max(map(len, ends)) - 8, height - _BOTTOM

    def x(moment: datetime) -> float:
        return _LEFT + (right - _LEFT) * (moment - first).total_seconds() / seconds

    def y(km2: float) -> float:
        return low - (low - _TOP) * km2 / top

    parts = [
        f'<path class="rule" d="M{_LEFT:g} {y(v):.1f}H{right:g}"/>'
        f'<text class="axis" x="{_LEFT - 6:g}" y="{y(v) + 4:.1f}" text-anchor="end">{v:,g}</text>'
        for v in _rounds(top)
    ]
    ticks = "".join(f"M{x(t):.1f} {low:g}v-4" for t in times)
    parts.append(f'<path class="ticks" d="{ticks}"/>')
    for moment, said, anchor in _dates(times, wide=width > _NARROW[0]):
        parts.append(f'<text class="axis" x="{x(moment):.1f}" y="{height - 8}" text-anchor="{anchor}">{said}</text>')
    for i, line in enumerate(lines):
        points = [(x(t), y(v)) for t, v in zip(line.times, line.km2, strict=True)]
        path = ""
        for part in stretches(line.times):
            (left, start), *rest = points[part]
            path += f"M{left:.1f} {start:.1f}" + "".join(f"H{a:.1f}V{b:.1f}" for a, b in rest)
            if not rest and len(points) > 1:  # a map by itself: no line says it
                parts.append(f'<circle class="t{i}" cx="{left:.1f}" cy="{start:.1f}" r="2.6"/>')
        parts.append(f'<path class="line s{i}"{_dash(line)} d="{path}"/>')
    wanted = sorted((y(s.km2[-1]), i) for i, s in enumerate(lines))
    for (_, i), at in zip(wanted, apart([v for v, _ in wanted], _STEP, low), strict=True):
        parts.append(f'<text class="end t{i}" x="{right + 6:g}" y="{at + 4:.1f}">{ends[i]}</text>')
    return "".join(parts)


def _rounds(top: float) -> list[float]:
    """Round figures from zero to the top, five or so."""
    step = 10.0 ** math.floor(math.log10(top / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if top / (step * m) <= 5)
    return [i * step for i in range(int(top / step) + 1)]


def _dates(times: Sequence[datetime], *, wide: bool) -> list[tuple[datetime, str, str]]:
    """The first date and the last; on a wide chart the years or months between them that have room."""
    ends = [(times[0], _day(times[0]), "start"), (times[-1], _day(times[-1]), "end")]
    span = times[-1] - times[0]
    if span <= timedelta(0):
        return ends[:1]
    if not wide:
        return ends
    months = max(1, math.ceil(span / timedelta(days=30.5) / 6))
    every = next((m for m in (1, 2, 3, 6) if m >= months), 12 * math.ceil(months / 12))
    inner = []
    year, month = times[0].year, 1
    while (moment := datetime(year, month, 1, tzinfo=UTC)) < times[-1]:
        if min(moment - times[0], times[-1] - moment) > 0.13 * span:
            inner.append((moment, f"{moment:%b %Y}" if every < 12 else f"{moment.year}", "middle"))
        year, month = year + (month - 1 + every) // 12, (month - 1 + every) % 12 + 1
    return [ends[0], *inner, ends[1]]


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
