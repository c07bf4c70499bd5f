"""Panels of lines in steps, in km² over time, with the words around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
from geo.presentation.chart_lines import HOLE_WORDS, ChartLine, apart, stretches
from geo.presentation.labels import area, figure
from geo.presentation.language import current, day_words_short, gettext, month_words, number, plain_number

PANELS = {"slide": (4, 3), "square": (3, 3), "column": (2, 5)}  # across and down


@dataclass(frozen=True)
class Panel:
    """Lines on one scale; `band` is a range of km² that is shaded, `mark` an instant with an upright line."""

    name: str
    lines: Sequence[ChartLine]
    band: tuple[float, float] | None = None
    mark: datetime | None = None

    def highest(self) -> float:
        """The greatest km² of any line."""
        most = max(max(line.km2) for line in self.lines)
        ends = [v for v in self.band or () if math.isfinite(v)]
        return max([most, *(1.05 * v for v in ends)])


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
    with clean_settings():
        canvas = _lay_out(panels, text, form, colouring, PANELS[shape][0])
    alt = alt_text(panels, text)
    say_missing(alt)
    return save(canvas.figure, path, title=plain(text.title), text=alt, credit=plain(text.credit))


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
        _draw_panel(canvas, panel, form, (x, y, x + cell_w, y + cell_h), alone=len(panels) == 1)
    return canvas


def _head(panels: Sequence[Panel], text: ChartText, form: Format, wide: float) -> list[TextBlock]:
    blocks = title_blocks(text.title, text.subtitle, form, wide)
    entries = list({line.label: line for panel in panels for line in panel.lines}.values())
    return [*blocks, _key(entries, form, wide)]


def _key(entries: Sequence[ChartLine], form: Format, wide: float) -> TextBlock:
    """The lines' labels in a row, as many rows as they need."""
    size, places, x, y = form.body, [], 0.0, 0.0
    for line in entries:
        need = 3.6 * size + text_width(line.label, size)
        if x and x + need > wide:
            x, y = 0.0, y + 1.4 * size
        places.append((x, y, line))
        x += need

    def draw(canvas: Canvas, left: float, top: float) -> None:
        for dx, dy, line in places:
            a, b = left + dx, top + dy + 0.75 * size
            stroke = shapely.LineString([(a, b), (a + 2 * size, b)])
            weight = 2.0 * canvas.marks
            dash = " ".join(f"{v * weight / canvas.marks:g}" for v in line.dash)
            canvas.lines([stroke], colour=line.colour, weight=weight, dash=dash)
            canvas.text(a + 2.4 * size, top + dy + 1.1 * size, line.label, size)

    return TextBlock(y + 2.0 * size, draw)


def _draw_panel(canvas: Canvas, panel: Panel, form: Format, cell: Rect, *, alone: bool) -> None:
    size = form.body if alone else form.small
    axes = _axes(canvas, panel, size, cell, form, alone=alone)
    if panel.band is not None:
        low, high = (min(max(v, 0.0), axes.get_ylim()[1]) for v in panel.band)
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
    _end_labels(canvas, axes, panel, size, alone=alone)


def axes_dates(times: Sequence[datetime]) -> Any:
    """Instants as matplotlib counts days, UTC."""
    dates: Any = import_module("matplotlib.dates")
    return np.asarray(dates.date2num(list(times)), dtype=float)


def _axes(canvas: Canvas, panel: Panel, size: float, cell: Rect, form: Format, *, alone: bool) -> Any:
    """Axes of a panel: light rules, round figures, dates below, a tick for every snapshot."""
    theme, w, h = canvas.theme, canvas.width, canvas.height
    top = cell[1] + (0.6 if alone else 2.2) * size
    left = cell[0] + text_width(number(panel.highest()), 0.9 * size) + 0.8 * size
    rect = (left, top, cell[2] - _label_room(panel, size), cell[3] - 2.4 * size)
    if not alone:
        name = wrapped(panel.name, cell[2] - cell[0] - size, size, bold=True, most=1)[0]
        canvas.text(cell[0], cell[1] + 1.2 * size, name, size, bold=True)
    axes = canvas.figure.add_axes((rect[0] / w, 1 - rect[3] / h, (rect[2] - rect[0]) / w, (rect[3] - rect[1]) / h))
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(theme.soft)
    times = axes_dates(sorted({t for line in panel.lines for t in line.times}))
    last = times[-1] if panel.mark is None else max(times[-1], float(axes_dates([panel.mark])[0]))
    span = max(last - times[0], 1.0)
    axes.set_xlim(times[0] - 0.005 * span, last + 0.01 * span)
    _rules(axes, panel, theme, form, bins=5 if rect[3] - rect[1] > 14 * size else 3)
    _dates(canvas, axes, panel, size, rect, alone=alone)
    for label in (*axes.get_yticklabels(), *axes.get_xticklabels()):
        label.set_fontproperties(font(size=0.9 * size))
    axes.vlines(times, 0, 0.02, transform=axes.get_xaxis_transform(), color=theme.soft, linewidth=0.5 * form.marks)
    return axes


def _rules(axes: Any, panel: Panel, theme: Theme, form: Format, *, bins: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, 1.1 * panel.highest())
    axes.yaxis.set_major_locator(MaxNLocator(nbins=bins, min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v) if v == int(v) else plain_number(v)))
    axes.yaxis.grid(visible=True, color=theme.rule, linewidth=0.7 * form.marks)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, pad=3 * form.marks, colors=theme.soft)


def _dates(canvas: Canvas, axes: Any, panel: Panel, size: float, rect: Rect, *, alone: bool) -> None:
    """Months below a wide panel; below a narrow one the first date and the last."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    dates: Any = import_module("matplotlib.dates")
    times = [t for line in panel.lines for t in line.times]
    if alone and rect[2] - rect[0] > 25 * size:
        locator = dates.AutoDateLocator(minticks=2, maxticks=max(3, int((rect[2] - rect[0]) / (7 * size))))
        day, hour = "%d %b %Y", "%d %b %H:%M"
        forms = ["%Y", "%b %Y", day, hour, hour, hour]
        axes.xaxis.set_major_locator(locator)
        formatter = dates.ConciseDateFormatter(
            locator, formats=forms, zero_formats=["%Y", *forms[1:]], show_offset=False
        )
        if current().code != "en":
            formatter = FuncFormatter(lambda v, _: _tick(dates.num2date(v), (max(times) - min(times)).days))
        axes.xaxis.set_major_formatter(formatter)
        return
    axes.xaxis.set_major_locator(NullLocator())
    first, last = (day_words_short(t) for t in (min(times), max(times)))
    y = rect[3] + 1.3 * size
    canvas.text(rect[0], y, first, 0.9 * size, colour=canvas.theme.soft)
    if last != first:
        canvas.text(rect[2], y, last, 0.9 * size, colour=canvas.theme.soft, align="right")


def _tick(moment: datetime, days: int) -> str:
    """The words of a tick, as short as a span of so many days lets them be."""
    if moment.hour or moment.minute:
        return f"{day_words_short(moment)} {moment:%H:%M}"
    if moment.day > 1 or days < 60:
        return day_words_short(moment)
    return f"{moment.year}" if moment.month == 1 and days > 400 else month_words(moment, short=True)


def _label_room(panel: Panel, size: float) -> float:
    values = [area(line.km2[-1]) for line in panel.lines]
    return max(text_width(v, size, bold=True) for v in values) + 1.6 * size


def _end_labels(canvas: Canvas, axes: Any, panel: Panel, size: float, *, alone: bool) -> None:
    """The last figure of each line beside its end, moved apart where two would meet."""
    box = axes.get_position()
    x = box.x1 * canvas.width + 0.6 * size
    low, high = (1 - box.y0) * canvas.height, (1 - box.y1) * canvas.height
    top = axes.get_ylim()[1]
    step = 1.15 * size
    wanted = sorted((low - (low - high) * line.km2[-1] / top, i) for i, line in enumerate(panel.lines))
    places = apart([y for y, _ in wanted], step, low - 0.5 * size)  # none among the dates below
    for (_, i), y in zip(wanted, places, strict=True):
        line = panel.lines[i]
        said = area(line.km2[-1]) if alone else figure(line.km2[-1])
        canvas.text(x, y + 0.35 * size, said, size, bold=True, colour=line.colour)


def alt_text(panels: Sequence[Panel], text: ChartText) -> str:
    parts = [f"{text.title}.", text.subtitle]
    for panel in panels:
        for line in panel.lines:
            first, last = (t.date().isoformat() for t in (line.times[0], line.times[-1]))
            where = f"{panel.name}: " if panel.name else ""
            parts.append(
                where
                + gettext(
                    "{label} {before} on {first}, {now} on {last}; lowest {low}, highest {high}.",
                    label=line.label,
                    before=area(line.km2[0]),
                    first=first,
                    now=area(line.km2[-1]),
                    last=last,
                    low=figure(min(line.km2)),
                    high=figure(max(line.km2)),
                )
            )
    return plain(" ".join([*parts, *(f"{n.rstrip('.')}." for n in text.notes), text.credit]))
