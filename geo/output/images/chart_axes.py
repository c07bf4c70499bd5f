"""Panels of lines in steps or of bars of change, in km² over time, with the words around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo.errors import MapError
from geo.output.images.drawing import Canvas, save
from geo.output.images.fonts import clean_settings, font, plain, say_missing, text_width, wrapped
from geo.output.images.projection import Rect
from geo.output.images.text_blocks import TextBlock, height, stack, title_blocks, words
from geo.output.images.themes import Format, Shape, Theme, ThemeName, chosen, kind_of
from geo.presentation.chart_lines import (
    HOLE_WORDS,
    ChangeBars,
    ChartLine,
    apart,
    bars_in_words,
    change_key,
    lines_in_words,
    stretches,
    totals_of,
    value_scale,
)
from geo.presentation.labels import area, figure
from geo.presentation.language import N_, day_words_short, gettext, month_words, number, plain_number
from geo.schema import period_of, period_start

_GAP_FILL = 0.18
_LABELLED_BARS = 16  # more would have no room for their figures
PANELS = {"slide": (4, 3), "square": (3, 3), "column": (2, 5)}  # across and down


@dataclass(frozen=True)
class Panel:
    """Lines on one scale, or bars; `band` is a range of km² that is shaded, `mark` an instant with an upright line."""

    name: str
    lines: Sequence[ChartLine] = ()
    band: tuple[float, float] | None = None
    mark: datetime | None = None
    bars: ChangeBars | None = None

    def highest(self) -> float:
        """The greatest km² of any line, or of any bar."""
        return self.bars.highest if self.bars else max(max(line.km2) for line in self.lines)

    def changed(self) -> float:
        """The km² by which its lines moved, or that its bars show."""
        if self.bars:
            return self.bars.gained + self.bars.lost
        return sum(max(line.km2) - min(line.km2) for line in self.lines)

    def scale(self) -> tuple[float, float]:
        """The lowest and highest km² that are shown."""
        if self.bars:
            low, high = (
                max(v or 0.0 for v in side) for side in zip(*((b.lost, b.gained) for b in self.bars.bars), strict=True)
            )
            low, high = max(low, 0.15 * high), max(high, 0.15 * low)
            room = 0.08 * (low + high)  # for the figures at the ends of bars
            return -low - room, high + room
        ends = [v for v in self.band or () if math.isfinite(v)]
        low, high = value_scale([v for line in self.lines for v in line.km2])
        return (0.0 if ends else low), max([high, *(1.15 * v for v in ends)])

    def times(self) -> list[datetime]:
        """The instants of its maps; of bars the ends of their months or weeks."""
        found = [t for line in self.lines for t in line.times] + ([self.mark] if self.mark else [])
        return sorted({*found, *(t for bar in (self.bars.bars if self.bars else ()) for t in (bar.start, bar.end))})


@dataclass(frozen=True)
class ChartText:
    title: str
    subtitle: str
    notes: Sequence[str]
    credit: str


def save_panels(
    panels: Sequence[Panel], text: ChartText, path: Path, *, shape: Shape = "slide", theme: ThemeName = "light"
) -> Path:
    """Draw panels of lines, in km², with the words around them, as PNG, SVG or PDF."""
    form, colouring = chosen(shape, theme)
    kind_of(path)
    if any(len(stretches(line.times)) > 1 for panel in panels for line in panel.lines):
        text = replace(text, notes=[*text.notes, gettext(HOLE_WORDS)])
    text = replace(text, notes=[*_scale_notes(panels), *text.notes])
    with clean_settings():
        canvas = _lay_out(panels, text, form, colouring, PANELS[shape][0])
    alt = alt_text(panels, text)
    say_missing(alt)
    return save(canvas.figure, path, title=plain(text.title), text=alt, credit=plain(text.credit))


def _scale_notes(panels: Sequence[Panel]) -> list[str]:
    """What must be said of the scales, so that nobody takes a cut one for one from zero."""
    lowest = max(panel.scale()[0] for panel in panels)
    if len(panels) > 1:
        cut = N_("Each panel has a scale of its own; not all begin at 0")
        return [gettext(cut if lowest > 0 else N_("Each panel has a scale of its own, from zero"))]
    return [gettext("The scale begins at {km2} km², not at 0", km2=figure(lowest))] if lowest > 0 else []


def _lay_out(panels: Sequence[Panel], text: ChartText, form: Format, theme: Theme, across: int) -> Canvas:
    gap, wide = form.margin, form.width - 2 * form.margin
    head = _head(panels, text, form, wide)
    foot = [words(f"{n.rstrip('.')}.", wide, form.small, soft=True, most=4, after=2) for n in text.notes]
    foot.append(words(text.credit, wide, form.credit, soft=True, most=5))
    across = min(across, len(panels)) if len(panels) != 4 else 2
    down = -(-len(panels) // across)
    top, under = 0.7 * gap + height(head), height(foot) + 0.5 * gap
    high = form.height or top + down * (0.42 if len(panels) > 1 else 0.75) * form.width + under + gap
    canvas = Canvas(form.width, high, theme, dpi=form.dpi, marks=form.marks)
    stack(canvas, head, gap, 0.7 * gap)
    stack(canvas, foot, gap, high - under)
    room = (gap, top, gap + wide, high - under - 0.4 * gap)
    if (room[3] - room[1]) / down < 6 * form.body:
        raise MapError(
            f"{sum(len(p.lines) for p in panels)} lines do not fit this shape: name fewer classes (--controller,"
            " --status), or take another --shape"
        )
    for i, panel in enumerate(panels):
        cell_w, cell_h = (room[2] - room[0]) / across, (room[3] - room[1]) / down
        x, y = room[0] + (i % across) * cell_w, room[1] + (i // across) * cell_h
        with canvas.not_mirrored():
            _draw_panel(canvas, panel, form, (x, y, x + cell_w, y + cell_h), alone=len(panels) == 1)
    return canvas


def _head(panels: Sequence[Panel], text: ChartText, form: Format, wide: float) -> list[TextBlock]:
    blocks = title_blocks(text.title, text.subtitle, form, wide)
    bars = [panel.bars for panel in panels if panel.bars]
    if bars:
        colour = bars[0].colour if len({one.colour for one in bars}) == 1 else ""
        return [*blocks, _bar_key(change_key(bars), colour, form, wide)]
    if len(panels) == 1 and _says_labels(panels[0], form):
        return blocks
    entries = list({line.label: line for panel in panels for line in panel.lines}.values())
    return [*blocks, _key(entries, form, wide)]


def _says_labels(panel: Panel, form: Format) -> bool:
    """Whether the ends of a panel's lines are labelled with whose they are: where there is room beside them."""
    widest = max(text_width(line.label, form.body, bold=True) for line in panel.lines)
    return len(panel.lines) <= 4 and widest < 0.25 * form.width


def _in_rows(labels: Sequence[str], size: float, wide: float) -> list[tuple[float, float]]:
    """Where the entries of a key stand, in as many rows as they need."""
    places, x, y = [], 0.0, 0.0
    for label in labels:
        need = 3.6 * size + text_width(label, size)
        if x and x + need > wide:
            x, y = 0.0, y + 1.4 * size
        places.append((x, y))
        x += need
    return places


def _bar_key(entries: Sequence[tuple[str, str]], colour: str, form: Format, wide: float) -> TextBlock:
    """What bars, and what stands in their place, mean."""
    size = form.body
    places = _in_rows([words for _, words in entries], size, wide)

    def draw(canvas: Canvas, left: float, top: float) -> None:
        for (kind, label), (dx, dy) in zip(entries, places, strict=True):
            a, b = left + dx, top + dy
            rect = (a, b + 0.3 * size, a + 1.8 * size, b + 1.2 * size)
            if kind == "gap":
                canvas.box(rect, fill=canvas.theme.soft, opacity=_GAP_FILL)
            else:
                look = _bar_look(kind, colour or canvas.theme.ink, form)
                canvas.box(rect, fill=look["facecolor"][0], opacity=look["facecolor"][1], edge=look["edgecolor"],
                           weight=look["linewidth"])  # fmt: skip
            canvas.text(a + 2.4 * size, b + 1.1 * size, label, size)

    return TextBlock(places[-1][1] + 2.0 * size, draw)


def _bar_look(kind: str, colour: str, form: Format) -> dict[str, Any]:
    """Solid what was gained, an outline on a tint what was lost; paler where a bar goes over several months."""
    strength = {"gained": 1.0, "lost": 0.25, "wide": 0.55}[kind]
    return {"facecolor": (colour, strength), "edgecolor": colour, "linewidth": 0.8 * form.marks}


def _key(entries: Sequence[ChartLine], form: Format, wide: float) -> TextBlock:
    """The lines' labels in a row, as many rows as they need."""
    size = form.body
    places = _in_rows([line.label for line in entries], size, wide)

    def draw(canvas: Canvas, left: float, top: float) -> None:
        for line, (dx, dy) in zip(entries, places, strict=True):
            a, b = left + dx, top + dy + 0.75 * size
            stroke = shapely.LineString([(a, b), (a + 2 * size, b)])
            weight = 2.0 * canvas.marks
            dash = " ".join(f"{v * weight / canvas.marks:g}" for v in line.dash)
            canvas.lines([stroke], colour=line.colour, weight=weight, dash=dash)
            canvas.text(a + 2.4 * size, top + dy + 1.1 * size, line.label, size)

    return TextBlock(places[-1][1] + 2.0 * size, draw)


def _draw_panel(canvas: Canvas, panel: Panel, form: Format, cell: Rect, *, alone: bool) -> None:
    size = form.body if alone else form.small
    axes = _axes(canvas, panel, size, cell, form, alone=alone)
    if panel.bars is not None:
        _draw_bars(canvas, axes, panel.bars, size, form, alone=alone)
        return
    if panel.band is not None:
        low, high = (min(max(v, axes.get_ylim()[0]), axes.get_ylim()[1]) for v in panel.band)
        axes.axhspan(low, high, color=canvas.theme.soft, alpha=0.2, linewidth=0)
        for edge in panel.band:
            if math.isfinite(edge):
                axes.axhline(edge, color=canvas.theme.ink, linewidth=0.9 * form.marks, linestyle=(0, (5, 3)))
    if panel.mark is not None:
        axes.axvline(axes_dates([panel.mark])[0], color=canvas.theme.ink, linewidth=0.9 * form.marks)
    for line in panel.lines:
        times, km2 = axes_dates(line.times), line.km2
        style: Any = (0, tuple(line.dash)) if line.dash else "-"
        weight = (2.4 if alone else 1.8) * form.marks
        for part in stretches(line.times):
            if part.stop - part.start == 1:  # a map by itself: no line says it
                axes.plot(times[part], km2[part], "o", color=line.colour, markersize=2 * weight)
            axes.plot(
                times[part], km2[part], drawstyle="steps-post", color=line.colour, linewidth=weight, linestyle=style
            )
        axes.plot(times[-1:], km2[-1:], "o", color=line.colour, markersize=2.6 * weight, clip_on=False)
    _end_labels(canvas, axes, panel, size, named=alone and _says_labels(panel, form), alone=alone)


def _bar_figures(axes: Any, bars: ChangeBars, size: float) -> None:
    """What was gained and lost in figures at the end of each bar, where there is as much as could be read off it."""
    for bar in bars.bars:
        middle = float(axes_dates([bar.start, bar.end]).mean())
        for km2, up in ((bar.gained or 0.0, True), (bar.lost or 0.0, False)):
            if km2 >= 0.02 * bars.highest:
                axes.annotate(
                    figure(km2), (middle, km2 if up else -km2), xytext=(0, 0.25 * size if up else -0.25 * size),
                    textcoords="offset points", ha="center", va="bottom" if up else "top", color=bars.colour,
                    fontproperties=font(size=size), parse_math=False, annotation_clip=False,
                )  # fmt: skip


def _draw_bars(canvas: Canvas, axes: Any, bars: ChangeBars, size: float, form: Format, *, alone: bool) -> None:
    """Gained upwards and lost downwards from one line; where it is not known, a shaded gap. The sums at the end."""
    for bar in bars.bars:
        start, end = axes_dates([bar.start, bar.end])
        if bar.gained is None or bar.lost is None:
            axes.axvspan(start, end, color=canvas.theme.soft, alpha=_GAP_FILL, linewidth=0)
            continue
        inset = 0.1 * (end - start) / max(1.0, (end - start) / 31)
        for kind, km2 in (("gained", bar.gained), ("lost", -bar.lost)):
            look = _bar_look(kind, bars.colour, form)
            if bar.is_wide and kind == "gained":
                look["facecolor"] = _bar_look("wide", bars.colour, form)["facecolor"]
            axes.bar(start + inset, km2, width=end - start - 2 * inset, align="edge", **look)
    if alone and len(bars.bars) <= _LABELLED_BARS:
        _bar_figures(axes, bars, 0.9 * size)
    axes.axhline(0, color=canvas.theme.ink, linewidth=0.9 * form.marks)
    box, (low, high) = axes.get_position(), axes.get_ylim()
    x = box.x1 * canvas.width + 0.6 * size
    zero = canvas.height * (1 - box.y0 - (box.y1 - box.y0) * -low / (high - low))
    for said, y in zip(totals_of(bars), (zero - 0.4 * size, zero + 1.15 * size), strict=True):
        canvas.text(x, y, said, size, bold=True, colour=bars.colour)


def axes_dates(times: Sequence[datetime]) -> Any:
    """Instants as matplotlib counts days, UTC."""
    dates: Any = import_module("matplotlib.dates")
    return np.asarray(dates.date2num(list(times)), dtype=float)


def _axes(canvas: Canvas, panel: Panel, size: float, cell: Rect, form: Format, *, alone: bool) -> Any:
    """Axes of a panel: light rules, round figures, dates below, a tick for every snapshot."""
    theme, w, h = canvas.theme, canvas.width, canvas.height
    top = cell[1] + (0.6 if alone else 2.2) * size
    left = cell[0] + text_width(number(panel.highest()), 0.9 * size) + (1.4 if panel.bars else 0.8) * size
    named = alone and panel.bars is None and _says_labels(panel, form)
    rect = (left, top, cell[2] - _label_room(panel, size, named=named), cell[3] - 2.4 * size)
    if not alone:
        name = wrapped(panel.name, cell[2] - cell[0] - size, size, bold=True, most=1)[0]
        canvas.text(cell[0], cell[1] + 1.2 * size, name, size, bold=True)
    axes = canvas.figure.add_axes((rect[0] / w, 1 - rect[3] / h, (rect[2] - rect[0]) / w, (rect[3] - rect[1]) / h))
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(theme.soft)
    times = axes_dates(panel.times())
    span = max(times[-1] - times[0], 1.0)
    axes.set_xlim(times[0] - 0.005 * span, times[-1] + 0.01 * span)
    _rules(axes, panel, theme, form, bins=5 if rect[3] - rect[1] > 14 * size else 3)
    _dates(canvas, axes, panel, size, rect, alone=alone)
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        label.set_fontproperties(font(size=0.9 * size))
    if panel.bars is None:
        maps = axes_dates(sorted({t for line in panel.lines for t in line.times}))
        axes.vlines(maps, 0, 0.02, transform=axes.get_xaxis_transform(), color=theme.soft, linewidth=0.5 * form.marks)
    return axes


def _rules(axes: Any, panel: Panel, theme: Theme, form: Format, *, bins: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(*panel.scale())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=bins, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _scale_figure(abs(v) if panel.bars else v)))
    axes.yaxis.grid(visible=True, color=theme.rule, linewidth=0.7 * form.marks)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, pad=3 * form.marks, colors=theme.soft)


def _scale_figure(km2: float) -> str:
    return number(km2) if km2 == int(km2) else plain_number(km2)


def _dates(canvas: Canvas, axes: Any, panel: Panel, size: float, rect: Rect, *, alone: bool) -> None:
    """Months below a wide panel; below a narrow one the first date and the last."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    dates: Any = import_module("matplotlib.dates")
    times = panel.times()
    if alone and rect[2] - rect[0] > 25 * size:
        most = max(3, int((rect[2] - rect[0]) / (7 * size)))
        if panel.bars:
            _bar_dates(axes, panel.bars, most)
            return
        axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=2, maxticks=most))
        words = FuncFormatter(lambda v, _: _tick(dates.num2date(v), (max(times) - min(times)).days))
        axes.xaxis.set_major_formatter(words)
        return
    axes.xaxis.set_major_locator(NullLocator())
    # the end of a month is the next one's beginning
    last_day = max(times) - timedelta(days=1) if panel.bars else max(times)
    first, last = (day_words_short(t) for t in (min(times), last_day))
    if panel.bars and panel.bars.every == "month":
        first, last = (month_words(t, short=True) for t in (min(times), last_day))
    y = rect[3] + 1.3 * size
    canvas.text(rect[0], y, first, 0.9 * size, colour=canvas.theme.soft)
    if last != first:
        canvas.text(rect[2], y, last, 0.9 * size, colour=canvas.theme.soft, align="right")


def _bar_dates(axes: Any, bars: ChangeBars, most: int) -> None:
    """Under the middle of a bar its month, or the day on which its week begins; of many bars under some."""
    periods = range(period_of(bars.bars[0].start, bars.every), period_of(bars.bars[-1].end, bars.every))
    shown = periods[:: math.ceil(len(periods) / most)]
    starts = [period_start(n, bars.every) for n in shown]
    ends = axes_dates([period_start(n + 1, bars.every) for n in shown])
    words = day_words_short if bars.every == "week" else partial(month_words, short=True)
    axes.set_xticks((axes_dates(starts) + ends) / 2, [words(t) for t in starts])


def _tick(moment: datetime, days: int) -> str:
    """The words of a tick, as short as a span of so many days lets them be."""
    if moment.hour or moment.minute:
        return f"{day_words_short(moment)} {moment:%H:%M}"
    if moment.day > 1 or days < 60:
        return day_words_short(moment)
    return f"{moment.year}" if moment.month == 1 and days > 400 else month_words(moment, short=True)


def _label_room(panel: Panel, size: float, *, named: bool) -> float:
    values = list(totals_of(panel.bars)) if panel.bars else [area(line.km2[-1]) for line in panel.lines]
    values += [line.label for line in panel.lines] if named else []
    return max(text_width(v, size, bold=True) for v in values) + 1.6 * size


def _end_labels(canvas: Canvas, axes: Any, panel: Panel, size: float, *, named: bool, alone: bool) -> None:
    """Whose a line is, where `named`, and its last figure beside its end, moved apart where two would meet."""
    box = axes.get_position()
    x = box.x1 * canvas.width + 0.6 * size
    low, high = (1 - box.y0) * canvas.height, (1 - box.y1) * canvas.height
    bottom, top = axes.get_ylim()
    step = (2.4 if named else 1.15) * size
    wanted = sorted(
        (low - (low - high) * (line.km2[-1] - bottom) / (top - bottom), i) for i, line in enumerate(panel.lines)
    )
    places = apart([y for y, _ in wanted], step, low - (1.6 if named else 0.5) * size)  # none among the dates below
    for (_, i), y in zip(wanted, places, strict=True):
        line = panel.lines[i]
        said = area(line.km2[-1]) if alone else figure(line.km2[-1])
        canvas.text(x, y + 0.35 * size, said, size, bold=True, colour=line.colour)
        if named:
            canvas.text(x, y + 1.45 * size, line.label, 0.9 * size, colour=line.colour)


def alt_text(panels: Sequence[Panel], text: ChartText) -> str:
    parts = [f"{text.title}.", text.subtitle]
    for panel in panels:
        if panel.bars is not None:
            parts.append(bars_in_words([panel.bars], f"{panel.name}:" if panel.name else ""))
        if panel.lines:
            parts.append(lines_in_words(panel.lines, f"{panel.name}:" if panel.name else ""))
    return plain(" ".join([*parts, *(f"{n.rstrip('.')}." for n in text.notes), text.credit]))
