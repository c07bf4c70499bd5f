"""The series of a briefing as an SVG inside the page: steps from zero, in colours that follow the reader's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from geo.output.images.themes import THEMES, legible
from geo.presentation.chart_lines import HOLE_WORDS, ChartLine, apart, stretches
from geo.presentation.labels import area
from geo.presentation.language import day_words_short, gettext, month_words, plain_number

_SIZES = (("wide", 960, 300), ("narrow", 400, 300))
_LEFT, _TOP, _BOTTOM = 62.0, 14.0, 26.0
_LETTER = 9.0  # of the figures at the ends of lines, in the widest font that a reader may have
_STEP = 15.0  # between two labels at the ends of lines


def chart_values(lines: Sequence[ChartLine], words: str) -> dict[str, Any]:
    """A chart as its template takes it: wide and for a phone, with the lines' colours, light and dark."""
    return {
        "words": words,
        "styles": _styles(lines) if lines else "",
        "lines": [{"label": s.label, "dash": " ".join(f"{2.4 * v:g}" for v in s.dash)} for s in lines],
        "drawings": [_drawing(lines, *size) for size in _SIZES] if lines else [],
        "note": gettext(HOLE_WORDS) if any(len(stretches(s.times)) > 1 for s in lines) else "",
    }


def _styles(lines: Sequence[ChartLine]) -> str:
    """The lines' colours from our own palette or colours that were checked."""
    sheets = []
    for name in ("light", "dark"):
        rules = "".join(
            f".s{i}{{stroke:{legible(s.colour, THEMES[name])}}}.t{i}{{fill:{legible(s.colour, THEMES[name])}}}"
            for i, s in enumerate(lines)
        )
        sheets.append(rules)
    return f"{sheets[0]}@media screen and (prefers-color-scheme: dark){{{sheets[1]}}}"


def _drawing(lines: Sequence[ChartLine], name: str, width: int, height: int) -> dict[str, Any]:
    times = sorted({t for s in lines for t in s.times})
    first, seconds = times[0], max((times[-1] - times[0]).total_seconds(), 1.0)
    top = 1.08 * max(max(s.km2) for s in lines)
    ends = [area(s.km2[-1]) for s in lines]
    right, low = width - _LETTER * max(map(len, ends)) - 8, height - _BOTTOM

    def x(moment: datetime) -> float:
        return _LEFT + (right - _LEFT) * (moment - first).total_seconds() / seconds

    def y(km2: float) -> float:
        return low - (low - _TOP) * km2 / top

    def text(at: float, high: float, words: str, anchor: Any = "") -> dict[str, Any]:
        return {"x": f"{round(at, 1):g}", "y": f"{round(high, 1):g}", "text": words, "anchor": anchor}

    points = [[(x(t), y(v)) for t, v in zip(s.times, s.km2, strict=True)] for s in lines]
    parts = [[line[part] for part in stretches(s.times)] for s, line in zip(lines, points, strict=True)]
    wanted = sorted((y(s.km2[-1]), i) for i, s in enumerate(lines))
    highs = apart([v for v, _ in wanted], _STEP, low)
    return {
        "name": name, "width": width, "height": height,
        "rules": [text(_LEFT - 6, y(v) + 4, plain_number(v)) | {"path": f"M{_LEFT:g} {y(v):.1f}H{right:g}"}
                  for v in _rounds(top)],
        "ticks": "".join(f"M{x(t):.1f} {low:g}v-4" for t in times),
        "dates": [text(x(t), height - 8, said, anchor) for t, said, anchor in _dates(times, wide=name == "wide")],
        # a map by itself: no line says it
        "dots": [[(f"{p[0][0]:.1f}", f"{p[0][1]:.1f}") for p in line if len(p) == 1 < sum(map(len, line))]
                 for line in parts],
        "paths": ["".join(map(_path, line)) for line in parts],
        "ends": [text(right + 6, high + 4, ends[i], i) for (_, i), high in zip(wanted, highs, strict=True)],
    }  # fmt: skip


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A line in steps: a figure stands until the next snapshot."""
    (left, start), *rest = points
    return f"M{left:.1f} {start:.1f}" + "".join(f"H{a:.1f}V{b:.1f}" for a, b in rest)


def _rounds(top: float) -> list[float]:
    """Round figures from zero to the top, five or so."""
    step = 10.0 ** math.floor(math.log10(top / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if top / (step * m) <= 5)
    return [i * step for i in range(int(top / step) + 1)]


def _dates(times: Sequence[datetime], *, wide: bool) -> list[tuple[datetime, str, str]]:
    """The first date and the last; on a wide chart the years or months between them that have room."""
    ends = [(times[0], day_words_short(times[0]), "start"), (times[-1], day_words_short(times[-1]), "end")]
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
            inner.append((moment, month_words(moment, short=True) if every < 12 else f"{moment.year}", "middle"))
        year, month = year + (month - 1 + every) // 12, (month - 1 + every) % 12 + 1
    return [ends[0], *inner, ends[1]]
