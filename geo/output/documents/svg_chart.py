"""Charts as an SVG inside a page: lines in steps, and bars of change, in colours that follow the reader's theme."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from geo.output.images.themes import THEMES, legible
from geo.presentation.chart_lines import (
    BAR_TITLES,
    BAR_WORDS,
    HOLE_WORDS,
    ChangeBars,
    ChartLine,
    apart,
    bar_words,
    bars_in_words,
    change_key,
    stretches,
    totals_of,
    value_scale,
)
from geo.presentation.labels import area, figure
from geo.presentation.language import day_words_short, gettext, month_words, plain_number

_SIZES = (("wide", 960, 300), ("narrow", 400, 300))
_LEFT, _TOP, _BOTTOM = 62.0, 14.0, 26.0
_LETTER = 9.0  # of the figures at the ends of lines, in the widest font that a reader may have
_STEP = 15.0  # between two labels at the ends of lines


def chart_values(lines: Sequence[ChartLine], words: str) -> dict[str, Any]:
    """A chart as its template takes it: wide and for a phone, with the lines' colours, light and dark."""
    return {
        "words": words,
        "styles": _styles(lines),
        "lines": [{"label": s.label, "dash": " ".join(f"{2.4 * v:g}" for v in s.dash)} for s in lines],
        "drawings": [_drawing(lines, *size) for size in _SIZES] if lines else [],
        "note": ". ".join(_notes(lines)) if lines else "",
    }


def _notes(lines: Sequence[ChartLine]) -> list[str]:
    """What must be said of a chart: where its scale begins, and that lines break off."""
    low, _ = value_scale([v for s in lines for v in s.km2])
    cut = [gettext("The scale begins at {km2} km², not at 0", km2=figure(low))] if low > 0 else []
    return [*cut, *([gettext(HOLE_WORDS)] if any(len(stretches(s.times)) > 1 for s in lines) else [])]


def bar_values(sets: Sequence[ChangeBars], shown: str) -> dict[str, Any]:
    """The bars of a page with their heading, words and styles, as its template takes them."""
    if not sets:
        return {"bars": [], "bars_heading": "", "bars_words": "", "bar_styles": ""}
    every = sets[0].every
    span = " – ".join(dict.fromkeys(bar_words(bar, every) for bar in (sets[0].bars[0], sets[0].bars[-1])))
    words = f"{gettext(BAR_WORDS[every])} {gettext('Source: {source}', source=shown)}."
    heading = gettext(BAR_TITLES[every], place="", span=span)
    return {
        "bars": _bar_charts(sets, heading), "bars_heading": heading, "bars_words": words,
        "bar_styles": _bar_styles(sets),
    }  # fmt: skip


def _bar_charts(sets: Sequence[ChangeBars], head: str) -> list[dict[str, Any]]:
    """What each class gained and lost by month or week, as the template takes it, wide and for a phone."""
    return [
        {
            "label": one.label, "words": bars_in_words([one], head), "name": f"b{i}", "totals": totals_of(one),
            "key": change_key([one]), "drawings": [_bar_drawing(one, *size) for size in _SIZES],
        }
        for i, one in enumerate(sets)
    ]  # fmt: skip


def _bar_styles(sets: Sequence[ChangeBars]) -> str:
    """The bars' colours, light and dark, from our own palette or colours that were checked."""
    return _light_and_dark(".b{i}{{color:{colour}}}", [one.colour for one in sets])


def _light_and_dark(rules: str, colours: Sequence[str]) -> str:
    """The same rules for every colour, as it is legible on light and on dark."""
    light, dark = (
        "".join(rules.format(i=i, colour=legible(colour, THEMES[name])) for i, colour in enumerate(colours))
        for name in ("light", "dark")
    )
    return f"{light}@media screen and (prefers-color-scheme: dark){{{dark}}}" if colours else ""


def _bar_drawing(one: ChangeBars, name: str, width: int, height: int) -> dict[str, Any]:
    first, last = one.bars[0].start, one.bars[-1].end
    up = max(0.12 * one.highest, *(bar.gained or 0.0 for bar in one.bars))
    down = max(0.12 * one.highest, *(bar.lost or 0.0 for bar in one.bars))
    right, low = width - 8.0, height - _BOTTOM
    scale = (low - _TOP) / (1.1 * (up + down))
    zero = _TOP + 1.1 * up * scale

    def x(moment: datetime) -> float:
        return _LEFT + (right - _LEFT) * (moment - first) / (last - first)

    rects = []
    for bar in one.bars:
        at, wide = x(bar.start), x(bar.end) - x(bar.start)
        inset = min(0.1 * wide, 3.0)
        box = {"x": f"{at + inset:.1f}", "width": f"{wide - 2 * inset:.1f}", "title": bar_words(bar, one.every)}
        if bar.gained is None or bar.lost is None:
            rects.append({**box, "kind": "gap", "y": f"{_TOP:g}", "height": f"{low - _TOP:.1f}", "km2": ""})
            continue
        for kind, km2, top in (("gained", bar.gained, zero - bar.gained * scale), ("lost", bar.lost, zero)):
            if km2 > 0:
                kind = "wide" if bar.is_wide and kind == "gained" else kind
                shape = {"kind": kind, "y": f"{top:.1f}", "height": f"{km2 * scale:.1f}", "km2": area(km2)}
                rects.append({**box, **shape})
    step = _rounds(1.1 * max(up, down))[1]
    marks = [(zero - i * step * scale, abs(i) * step) for i in range(-int(1.1 * down / step), int(1.1 * up / step) + 1)]
    ends = [(_LEFT, bar_words(one.bars[0], one.every), "start"), (right, bar_words(one.bars[-1], one.every), "end")]
    return {
        "name": name, "width": width, "height": height, "rects": rects, "zero": f"M{_LEFT:g} {zero:.1f}H{right:g}",
        "rules": [{"path": f"M{_LEFT:g} {y:.1f}H{right:g}", "x": f"{_LEFT - 6:g}", "y": f"{y + 4:.1f}",
                   "text": plain_number(v)} for y, v in marks if y <= low - 4],
        "dates": [{"x": f"{at:g}", "y": height - 8, "text": said, "anchor": anchor} for at, said, anchor in ends],
    }  # fmt: skip


def _styles(lines: Sequence[ChartLine]) -> str:
    """The lines' colours from our own palette or colours that were checked."""
    return _light_and_dark(".s{i}{{stroke:{colour}}}.t{i}{{fill:{colour}}}", [s.colour for s in lines])


def _drawing(lines: Sequence[ChartLine], name: str, width: int, height: int) -> dict[str, Any]:
    times = sorted({t for s in lines for t in s.times})
    first, seconds = times[0], max((times[-1] - times[0]).total_seconds(), 1.0)
    bottom, top = value_scale([v for s in lines for v in s.km2])
    ends = [area(s.km2[-1]) for s in lines]
    right, low = width - _LETTER * max(map(len, ends)) - 8, height - _BOTTOM

    def x(moment: datetime) -> float:
        return _LEFT + (right - _LEFT) * (moment - first).total_seconds() / seconds

    def y(km2: float) -> float:
        return low - (low - _TOP) * (km2 - bottom) / (top - bottom)

    def text(at: float, high: float, words: str, anchor: Any = "") -> dict[str, Any]:
        return {"x": f"{round(at, 1):g}", "y": f"{round(high, 1):g}", "text": words, "anchor": anchor}

    points = [[(x(t), y(v)) for t, v in zip(s.times, s.km2, strict=True)] for s in lines]
    parts = [[line[part] for part in stretches(s.times)] for s, line in zip(lines, points, strict=True)]
    wanted = sorted((y(s.km2[-1]), i) for i, s in enumerate(lines))
    highs = apart([v for v, _ in wanted], _STEP, low)
    return {
        "name": name, "width": width, "height": height,
        "rules": [text(_LEFT - 6, y(v) + 4, plain_number(v)) | {"path": f"M{_LEFT:g} {y(v):.1f}H{right:g}"}
                  for v in _rounds(top, bottom)],
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


def _rounds(top: float, bottom: float = 0.0) -> list[float]:
    """Round figures from the bottom to the top of a scale, five or so."""
    step = 10.0 ** math.floor(math.log10((top - bottom) / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if (top - bottom) / (step * m) <= 5)
    return [i * step for i in range(math.ceil(bottom / step), int(top / step) + 1)]


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
