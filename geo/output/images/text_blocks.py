"""The words beside a picture's map: title, figures, legend, incidents and credits, as blocks that stack."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import shapely

from geo import __version__
from geo.incidents.markers import Marker, fact_words
from geo.output.images.drawing import Canvas
from geo.output.images.fonts import plain, text_width, wrapped
from geo.output.images.themes import Format
from geo.output.map_content import MapContent
from geo.presentation import basemap
from geo.presentation.chart_lines import HOLE_DAYS, ChartLine
from geo.presentation.labels import figure, km2_cell, row_label, sentence, written
from geo.presentation.language import N_, current, gettext, isolated, number
from geo.presentation.legend import LegendEntry
from geo.presentation.symbols import Symbol

_MOST_TYPES = 8  # of events, in the table of a picture of incidents alone
MOST_LISTED = 40  # of incidents
_LEADING = 1.28
_CHANGES = (N_("gained"), N_("lost"), N_("net"))


@dataclass(frozen=True)
class TextBlock:
    """Something of a height in points that is drawn with its upper left corner at a place."""

    height: float
    draw: Callable[[Canvas, float, float], None]


def stack(canvas: Canvas, blocks: Sequence[TextBlock], x: float, y: float) -> float:
    """Draw blocks one under the other, and say where the last one ends."""
    for block in blocks:
        block.draw(canvas, x, y)
        y += block.height
    return y


def grouped(name: str, label: str, blocks: Sequence[TextBlock]) -> list[TextBlock]:
    """Blocks that are one group of an SVG."""

    def drawn(block: TextBlock, canvas: Canvas, x: float, y: float) -> None:
        with canvas.group(name, label):
            block.draw(canvas, x, y)

    return [TextBlock(block.height, partial(drawn, block)) for block in blocks]


def height(blocks: Sequence[TextBlock]) -> float:
    """The height of a stack in points."""
    return sum(block.height for block in blocks)


def space(points: float) -> TextBlock:
    return TextBlock(points, lambda *_: None)


def words(
    text: str, width: float, size: float, *, soft: bool = False, bold: bool = False, most: int = 0, after: float = 0.0
) -> TextBlock:
    """Text in lines of a width."""
    lines = wrapped(plain(text), width, size, bold=bold, most=most)
    is_right_to_left = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    if current().direction == "rtl" and is_right_to_left:  # also a line that begins with a name in Latin letters
        lines = [f"\u2067{line}\u2069" for line in lines]

    def draw(canvas: Canvas, x: float, y: float) -> None:
        for i, line in enumerate(lines):
            colour = canvas.theme.soft if soft else canvas.theme.ink
            canvas.text(x, y + (i + 0.8) * _LEADING * size, line, size, bold=bold, colour=colour)

    return TextBlock(len(lines) * _LEADING * size + after, draw)


def title_blocks(title: str, subtitle: str, form: Format, width: float) -> list[TextBlock]:
    """A title and the line under it; a long title is set smaller before it is cut."""
    title, subtitle = plain(title), plain(subtitle)
    tries = [(1, s) for s in (1, 0.92, 0.84, 0.76)] + [(2, s) for s in (0.92, 0.84, 0.76, 0.68)] + [(3, 0.6)]
    fits = [s for n, s in tries if len(wrapped(title, width, s * form.title, bold=True)) <= n]
    size = form.title * (fits[0] if fits else tries[-1][1])
    subtitles = [s for s in (1, 0.94, 0.88) if len(wrapped(subtitle, width, s * form.subtitle)) == 1]
    # a narrow head is higher: its end, which has date and source, is not cut
    most = 4 if len(wrapped(subtitle, width, form.subtitle)) <= 4 else 7
    smaller = 0.85 if most > 4 else 1
    return grouped(
        "title",
        gettext("Title"),
        [
            words(title, width, size, bold=True, most=3, after=0.1 * size),
            words(
                subtitle,
                width,
                form.subtitle * (subtitles[0] if subtitles else smaller),
                soft=True,
                most=most,
                after=0.7 * form.subtitle,
            ),
        ],
    )


def figures(content: MapContent, form: Format, width: float) -> list[TextBlock]:
    """The table of figures, each class with its pattern."""
    since = content.since is not None
    symbols = {item.label: item.symbol for item in content.classes}
    names = (gettext("km²"), *(map(gettext, _CHANGES) if since else ()))
    rows = [(row_label(row), _cells(row, since=since)) for row in content.headlines]
    gap = 0.8 * form.body
    columns = [
        max([text_width(name, form.small), *(text_width(cells[i], form.body) for _, cells in rows)]) + gap
        for i, name in enumerate(names)
    ]
    if content.told:
        rows_told = content.told.rows
        blocks = [words(content.told.caption, width, form.body, bold=True)]
        columns = [max(text_width(count, form.body) for _, count in rows_told) + gap]
        blocks += [_row(name, [count], columns, width, form.body) for name, count in rows_told[:_MOST_TYPES]]
        return [*blocks, space(0.4 * form.small)]
    caption = gettext("Area in km²{place} on {date}", place=content.place, date=written(content.date))
    caption += gettext("; gained, lost and net since {date}", date=content.base) if since else ""
    blocks = [words(gettext("Key figures"), width, form.body, bold=True), words(caption, width, form.small, soft=True)]
    blocks.append(_row("", names, columns, width, form.small, soft=True))
    blocks += [_row(label, cells, columns, width, form.body, symbol=symbols.get(label)) for label, cells in rows]
    return grouped("figures", gettext("Key figures"), [*blocks, space(0.4 * form.small)])


def _cells(row: Mapping[str, Any], *, since: bool) -> list[str]:
    names = ("area", *_CHANGES) if since else ("area",)
    return [km2_cell(row.get(f"{name}_km2"), plus=name == "net") for name in names]


def _row(
    label: str, cells: Sequence[str], columns: Sequence[float], width: float, size: float, *,
    symbol: Symbol | None = None, soft: bool = False,
) -> TextBlock:  # fmt: skip
    left = 2.4 * size if symbol else 0.0
    lines = wrapped(plain(label), max(width - left - sum(columns), 6 * size), size) if label else [""]
    tall = len(lines) * 1.2 * size + (0.1 if soft else 0.55) * size

    def draw(canvas: Canvas, x: float, y: float) -> None:
        if not soft:
            rule = [shapely.LineString([(x, y), (x + width, y)])]
            canvas.lines(rule, colour=canvas.theme.rule, weight=0.6 * canvas.marks)
        if symbol:
            _swatch(canvas, symbol, x, y + 0.3 * size, size)
        for i, line in enumerate(lines):
            canvas.text(x + left, y + (1.12 + 1.2 * i) * size, line, size)
        right = x + width
        colour = canvas.theme.soft if soft else ""
        for cell, wide in zip(reversed(cells), reversed(columns), strict=True):
            if canvas.is_mirrored:  # figures stand one under the other by their ends, which are not mirrored
                canvas.text(right - wide, y + 1.12 * size, cell, size, align="left", colour=colour)
            else:
                canvas.text(right, y + 1.12 * size, cell, size, align="right", colour=colour)
            right -= wide

    return TextBlock(tall, draw)


def _swatch(canvas: Canvas, symbol: Symbol, x: float, y: float, size: float) -> None:
    rect = (x + 0.5, y, x + 1.9 * size, y + 1.05 * size)
    canvas.symbol([shapely.box(*rect)], symbol, clip=rect)


def curve(line: ChartLine, now: int, form: Format, width: float) -> list[TextBlock]:
    """A class's km² up to one of its instants, on the time of all of them; the scale begins at 0 or is said."""
    size, times = form.small, np.array([t.timestamp() for t in line.times])
    km2 = np.array(line.km2, dtype=float)
    low, high = float(np.nanmin(km2)), float(np.nanmax(km2))
    base = low if high - low < 0.25 * high else 0.0
    x = (times - times[0]) / max(times[-1] - times[0], 1.0)
    y = (km2 - base) / max(high - base, 1e-9)
    tall, sides = 8.5 * size, 0.5 * size

    def draw(canvas: Canvas, left: float, top: float) -> None:
        left = canvas.across((left, top, left + width, top + tall))[0]
        with canvas.not_mirrored():  # time runs to the right, as in charts
            draw_curve(canvas, left, top)

    def draw_curve(canvas: Canvas, left: float, top: float) -> None:
        foot, wide = top + tall - 1.4 * size, width - 2 * sides
        at = np.column_stack([left + sides + wide * x, foot - (tall - 3.4 * size) * y])[: now + 1]
        rule = [shapely.LineString([(left, foot), (left + width, foot)])]
        canvas.lines(rule, colour=canvas.theme.rule, weight=0.6 * canvas.marks)
        known = ~np.isnan(at[:, 1])
        breaks = np.flatnonzero(~known[1:] | ~known[:-1] | (np.diff(times[: now + 1]) > HOLE_DAYS * 86_400)) + 1
        runs = [shapely.LineString(run) for run in np.split(at, breaks) if len(run) > 1]
        canvas.lines(runs, colour=line.colour, weight=1.6 * canvas.marks)
        ends: tuple[tuple[int, Literal["left", "right"]], ...] = ((0, "left"), (-1, "right"))
        for i, end in ends:
            text = written(line.times[i].date())
            canvas.text(left if not i else left + width, foot + 1.2 * size, text, 0.9 * size, align=end,
                        colour=canvas.theme.soft)  # fmt: skip
        if known[-1]:
            canvas.disc(
                at[-1, 0], at[-1, 1], 2.6 * canvas.marks, fill=line.colour, edge=canvas.theme.paper, weight=canvas.marks
            )
            side: Literal["left", "right"] = "left" if x[now] < 0.5 else "right"
            canvas.text(at[-1, 0], at[-1, 1] - 0.7 * size, figure(float(km2[now])), size, bold=True, align=side)

    title = words(gettext(", ").join((line.label, gettext("km²"))), width, size, bold=True)
    said = [gettext("The scale begins at {km2} km², not at 0", km2=figure(base))] if base else []
    notes = [words(text, width, 0.9 * size, soft=True) for text in said]
    return grouped("curve", line.label, [title, TextBlock(tall, draw), *notes, space(0.4 * size)])


def workings(content: MapContent, form: Format, width: float) -> list[TextBlock]:
    """What the figures rest on: the range that contested ground leaves, and the snapshots."""
    ranges = [
        gettext(
            "{label}: {low} km² by the source's own class, {high} km² with the contested ground that touches it.",
            label=row_label(r),
            low=figure(r["lower_km2"]),
            high=figure(r["upper_km2"]),
        )
        for r in content.headlines
        if r["upper_km2"] > r["lower_km2"]
    ]
    snapshots = sorted({name for r in content.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    said = "" if content.told else gettext("No ground of this source lies there.")
    if snapshots:
        said = gettext("Snapshots: {snapshots}.", snapshots=", ".join(map(isolated, snapshots)))
    lines = (*ranges, said, *_notes(content))
    blocks = [words(line, width, form.small, soft=True, after=0.25 * form.small) for line in lines if line]
    return grouped("notes", gettext("Notes"), blocks)


def _notes(content: MapContent) -> list[str]:
    return [sentence(n) for n in (content.left_out, *content.notes) if n]


def legend(content: MapContent, form: Format, width: float) -> list[TextBlock]:
    """What the table of figures has not said: changes, and how incidents are drawn."""
    said = {row_label(row) for row in content.headlines}
    entries = [e for e in content.legend if e.mark != "several" and not (e.mark == "class" and e.label in said)]
    if not entries:
        return []
    title = words(gettext("Legend"), width, form.body, bold=True, after=0.2 * form.body)
    blocks = [title, *(_entry(entry, form.body, width) for entry in entries)]
    return grouped("legend", gettext("Legend"), blocks)


def legend_row(content: MapContent, size: float, width: float) -> TextBlock:
    """All that the map shows, side by side in as many lines as it takes."""
    entries = [e for e in content.legend if e.mark != "several"]
    labels = [plain(gettext("Front line") if e.mark == "front" else e.label) for e in entries]
    places, x, y, deep = [], 0.0, 0.0, 0.0
    for label in labels:
        lines = wrapped(label, width - 2.4 * size, size)
        wide = 2.4 * size + max(text_width(line, size) for line in lines)
        if x and x + wide > width:
            x, y, deep = 0.0, y + deep, 0.0
        places.append((x, y, lines))
        x, deep = x + wide + 1.5 * size, max(deep, (0.4 + 1.2 * len(lines)) * size)

    def draw(canvas: Canvas, left: float, top: float) -> None:
        for entry, (dx, dy, lines) in zip(entries, places, strict=True):
            _mark(canvas, entry, left + dx, top + dy, size)
            for i, line in enumerate(lines):
                canvas.text(left + dx + 2.4 * size, top + dy + (1.05 + 1.2 * i) * size, line, size)

    block = TextBlock(y + deep + 0.5 * size if entries else 0.0, draw)
    return grouped("legend", gettext("Legend"), [block])[0]


def swatched(symbol: Symbol, size: float) -> Callable[[Canvas, float, float], None]:
    """A class's colour and pattern beside its name, in type of a size in points."""
    return lambda canvas, x, y: _swatch(canvas, symbol, x, y + 0.2 * size, size)


def _mark(canvas: Canvas, entry: LegendEntry, x: float, y: float, size: float) -> None:
    """What a legend's entry stands for, in a box of 1.9 by 1.5 sizes."""
    theme, m = canvas.theme, canvas.marks
    middle = (x + 0.95 * size, y + 0.75 * size)
    if entry.mark == "settlement" and entry.symbol is not None:
        canvas.disc(*middle, 0.28 * size, fill=entry.symbol.colour, edge=theme.halo, weight=0.4 * m)
    elif entry.symbol is not None:
        swatched(entry.symbol, size)(canvas, x, y)
    elif entry.mark == "front":
        canvas.front_mark(x, y, size)
    elif entry.mark == "region":
        box = shapely.box(x, y + 0.2 * size, x + 1.9 * size, y + 1.3 * size)
        canvas.areas([box], edge=theme.mark, weight=1.2 * m, dash="3 2")
    elif entry.mark == "circle":
        canvas.disc(*middle, 0.62 * size, fill="none", edge=theme.mark, weight=1.2 * m, dash="3 2")
    else:
        canvas.disc(*middle, 4.2 * m, fill=theme.mark, edge=theme.mark_edge, weight=1.2 * m)


def _entry(entry: LegendEntry, size: float, width: float) -> TextBlock:
    text = words(entry.label, width - 2.5 * size, 0.94 * size)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        _mark(canvas, entry, x, y, size)
        text.draw(canvas, x + 2.5 * size, y)

    return TextBlock(max(text.height, 1.35 * size) + 0.15 * size, draw)


def incidents(
    markers: Sequence[tuple[Marker, str]], form: Format, rooms: Sequence[tuple[float, float]]
) -> tuple[list[list[TextBlock]], int]:
    """A numbered list that goes on from one room, of a width and height, to the next; how many are in it."""
    columns: list[list[TextBlock]] = []
    listed = 0
    for at, (width, room) in enumerate(rooms, start=1):
        column, taken = _listed(markers, listed, form, width, room, is_last=at == len(rooms))
        columns.append(grouped("list", gettext("Incidents"), column))
        listed += taken
    return columns, listed


def _listed(
    markers: Sequence[tuple[Marker, str]], first: int, form: Format, width: float, room: float, *, is_last: bool
) -> tuple[list[TextBlock], int]:
    """What of a list has room, from one of its entries on, and how many of them; at its end how many are left."""
    if first == len(markers):
        return [], 0
    count = sum(marker.count for marker, _ in markers)
    title = words(gettext("Incidents: {n}", n=number(count)), width, form.body, bold=True, after=0.15 * form.body)
    entries = [_incident(n + 1, *markers[n], form, width) for n in range(first, min(len(markers), MOST_LISTED))]

    def column(taken: int) -> list[TextBlock]:
        left = markers[first + taken :] if is_last else ()
        rest = [words(_rest(left, is_all=not first + taken), width, form.small, soft=True)] if left else []
        return [*(() if first else (title,)), *entries[:taken], *rest]

    taken = len(entries)
    while taken and height(column(taken)) > room:
        taken -= 1
    return (column(taken) if taken or is_last else []), taken


def _rest(markers: Sequence[tuple[Marker, str]], *, is_all: bool) -> str:
    """What is to be said of incidents that a list has no room for."""
    beyond = sum(marker.count for marker, why in markers if why)
    left = sum(marker.count for marker, _ in markers)
    if beyond == left:
        said = N_("{n} not on this map") if is_all else N_("and {n} more not on this map")
    elif beyond:
        said = (
            N_("{n}, {some} of them not on this map") if is_all else N_("and {n} more, {some} of them not on this map")
        )
    else:
        said = N_("{n} on this map") if is_all else N_("and {n} more on this map")
    return gettext(said, n=left, some=beyond)


def _incident(number: int, marker: Marker, why: str, form: Format, width: float) -> TextBlock:
    left = 1.9 * form.small
    head = words(marker.title, width - left, form.small, most=3)
    tail = words(incident_line(marker, why), width - left, 0.92 * form.small, soft=True, most=4)

    def draw(canvas: Canvas, x: float, y: float) -> None:
        canvas.text(x, y + 0.8 * _LEADING * form.small, f"{number}", form.small, bold=True)
        stack(canvas, [head, tail], x + left, y)

    return TextBlock(head.height + tail.height + 0.35 * form.small, draw)


def incident_line(marker: Marker, why: str = "") -> str:
    """What is known of an incident, on one line."""
    return gettext("; ").join([*([why] if why else []), *fact_words(marker, with_precision=True)])


def credit_lines(content: MapContent, *, draw_basemap: bool) -> list[str]:
    """Whom the picture is owed to, under which licences, and how it was made."""
    shipped = basemap.credits()
    lines = list(content.credits)
    for name in ("basemap", "places") if draw_basemap else ("places",):
        lines.append(f"{gettext(shipped[name]['text'].rstrip('.'))}. {shipped[name]['url']}")
    if content.boundary:
        lines.append(gettext("Units: {boundary}. Disputed lines are dashed", boundary=content.boundary))
    lines.append(
        gettext("Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946).")
        + " "
        + gettext("Map in Lambert's equal-area projection.")
        + " "
        + gettext("Made with geo-control {version}.", version=__version__)
    )
    return [line.rstrip("., ") + "." for line in lines]


def alt_text(content: MapContent, credit: str) -> str:
    """The picture in words, for those who do not see it: everything on it, nothing cut."""
    since = content.since is not None
    head = gettext("Figures in km²{place} on {date}", place=content.place, date=written(content.date))
    head += gettext(", ") + gettext("changes since {date}", date=content.base) if since else ""
    rows = []
    for row in content.headlines:
        area, *changes = _cells(row, since=since)
        moved = [f"{gettext(name)} {value}" for name, value in zip(_CHANGES, changes, strict=False)]
        rows.append(f"{row_label(row)} {area}" + (f" ({', '.join(moved)})" if moved else ""))
    snapshots = sorted({name for r in content.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    counted = gettext("; ").join(f"{name} {count}" for name, count in content.told.rows) if content.told else ""
    figured = f"{head}: {'; '.join(rows) or gettext('none')}." if not counted else f"{counted}."
    parts = [f"{content.title}.", content.subtitle, figured]
    parts += [gettext("Snapshots: {snapshots}.", snapshots=", ".join(map(isolated, snapshots)))] if snapshots else []
    parts += _notes(content)
    parts += [gettext("Incident: {title}; {facts}.", title=s.title, facts=incident_line(s)) for s in content.markers]
    return plain(" ".join([*parts, credit]))
