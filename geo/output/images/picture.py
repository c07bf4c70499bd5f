"""Dated maps as pictures: PNG, SVG and PDF for slides, posts and columns, without a browser."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np
import shapely

from geo.archive import Archive
from geo.archive.results import When
from geo.errors import UsageError
from geo.incidents.markers import Marker
from geo.output.images import text_blocks
from geo.output.images.drawing import Canvas, save
from geo.output.images.fonts import clean_settings, plain, say_missing
from geo.output.images.map_panel import draw_map_panel, whereabouts
from geo.output.images.projection import Plane, Rect, lay, proportion
from geo.output.images.text_blocks import TextBlock, stack, title_blocks, words
from geo.output.images.themes import WIDE, Format, Theme, ThemeName, chosen, kind_of, picture_form
from geo.output.map_content import MapContent, gather
from geo.output.map_options import MapKeywords, map_options, shares_options
from geo.presentation.basemap import Box
from geo.presentation.language import gettext

if TYPE_CHECKING:
    from geo.output.images.drawing import Figure
    from geo.presentation.chart_lines import ChartLine

_WIDEST = 120
_SPECK = 4.0  # square points: a legend has no line for what is no larger
_SHARE = 0.46  # of a picture's height, that its map has at least


@dataclass(frozen=True)
class _Drawing:
    """What a picture shows and how it is to be shown."""

    content: MapContent
    box: Box
    form: Format
    theme: Theme
    credits: str
    draw_basemap: bool
    inset: bool
    frame: Rect | None = None
    note: str = ""
    labels: Sequence[Label] = ()
    curve: tuple[ChartLine, int] | None = None  # of a moving picture: a class over all frames, and which this one is
    is_bare: bool = False  # the map alone, with its legend and credits: for documents, which have words of their own


Label = tuple[str, float, float]  # a text, latitude and longitude in degrees


@shares_options("templates")
def draw_picture(
    archive: Archive,
    date: When | None = None,
    path: str | Path | None = None,
    *,
    shape: str = "slide",
    theme: ThemeName = "light",
    inset: bool = True,
    note: str = "",
    labels: Sequence[Label] = (),
    **shown: Unpack[MapKeywords],
) -> Figure | Path:
    """Draw who held what on a date as a picture.

    Parameters
    ----------
    path : str, pathlib.Path or None
        A file that ends in ``.png``, ``.svg`` or ``.pdf``; None gives the figure.
    shape : str
        ``slide`` (1920 × 1080 pixels), ``square`` (1080 × 1080), ``column`` (95 mm wide), ``card`` (1200 × 630: title,
        legend and map), ``a4``, or pixels as ``1600x900``.
    inset : bool
        Show in a corner where the map lies.
    note : str
        A line of your own above the credits.
    labels : sequence of (str, float, float)
        Texts of your own on the map, each with latitude and longitude in degrees.

    Returns
    -------
    pathlib.Path or matplotlib.figure.Figure
        The file, or the figure where none is named. The same input gives the same bytes.

    Raises
    ------
    ArchiveError, GateError, MapError, NoSnapshotError, SourceError, UnitError, UsageError

    Examples
    --------
    >>> geo.draw_picture(archive, "2025-01-11", "kursk.png", draw_basemap=False, with_front=False).name
    'kursk.png'
    """
    form, (_, colouring) = picture_form(shape), chosen("slide", theme)
    target = None if path is None else Path(path)
    if target is not None:
        kind_of(target)
    options = map_options(draw_picture, shown)
    content = gather(archive, date, options)
    figure = draw_figure(
        content, view_box(content), form, colouring, draw_basemap=options.draw_basemap, inset=inset, note=note,
        labels=labels,
    )  # fmt: skip
    if target is None:
        return figure
    credit = plain(" ".join(text_blocks.credit_lines(content, draw_basemap=options.draw_basemap)))
    return save(figure, target, title=plain(content.title), text=text_blocks.alt_text(content, credit), credit=credit)


def view_box(content: MapContent) -> Box:
    """What a picture shows, in degrees: west, south, east, north."""
    box = content.bounds
    if box[2] - box[0] > _WIDEST:
        raise UsageError(
            f"the map would span {box[2] - box[0]:.0f}° of longitude; one plane shows up to {_WIDEST}°: give a view"
            " (west, south, east, north)"
        )
    return box


def draw_figure(
    content: MapContent, box: Box, form: Format, theme: Theme, *, draw_basemap: bool = True, inset: bool = True,
    frame: Rect | None = None, note: str = "", labels: Sequence[Label] = (), is_bare: bool = False,
    curve: tuple[ChartLine, int] | None = None,
) -> Figure:  # fmt: skip
    """A date as a figure of one of the shapes."""
    credit = " ".join(text_blocks.credit_lines(content, draw_basemap=draw_basemap))
    drawing = _Drawing(content, box, form, theme, credit, draw_basemap, inset, frame, note, labels, curve, is_bare)
    with clean_settings():
        canvas, plane, listed = _lay_out(drawing)
        _draw(canvas, drawing, plane, listed)
    say_missing(text_blocks.alt_text(content, credit))
    return canvas.figure


def map_frame(
    content: MapContent, box: Box, form: Format, theme: Theme, *, curve: tuple[ChartLine, int] | None = None
) -> Rect:
    """where a picture would have its map: x0, y0, x1, y1 in points."""
    credit = " ".join(text_blocks.credit_lines(content, draw_basemap=True))
    with clean_settings():
        _, plane, _ = _lay_out(_Drawing(content, box, form, theme, credit, draw_basemap=True, inset=True, curve=curve))
    return plane.rect


def _lay_out(drawing: _Drawing) -> tuple[Canvas, Plane, int]:
    """The words on their canvas, the plane that is left for the map, and how many incidents are listed."""
    form = drawing.form
    if drawing.is_bare or (form.height and form.width < 640 and form.width > WIDE * form.height):
        return _card(drawing)
    lay_out = _column if not form.height else _slide if form.width >= WIDE * form.height else _square
    return lay_out(drawing)


def _canvas(drawing: _Drawing, high: float) -> Canvas:
    form = drawing.form
    return Canvas(form.width, high, drawing.theme, dpi=form.dpi, marks=form.marks)


def _smaller(form: Format, share: float) -> Format:
    return replace(form, body=form.body * share, small=form.small * share)


def _foot(drawing: _Drawing, width: float) -> TextBlock:
    """The credits, under a note where there is one."""
    form = drawing.form
    high = form.height or 2.0 * form.width
    for size in (form.credit, 0.9 * form.credit, 0.8 * form.credit):
        block = words(drawing.credits, width, size, soft=True)
        if block.height <= 0.16 * high:
            break
    else:
        block = words(drawing.credits, width, size, soft=True, most=int(0.16 * high / size / 1.28))
    blocks = text_blocks.grouped("credits", gettext("Credits"), [block])
    if drawing.note:
        note = words(drawing.note, width, form.small, most=3, after=0.5 * form.small)
        blocks = [*text_blocks.grouped("note", gettext("Notes"), [note]), *blocks]

    def draw(canvas: Canvas, x: float, y: float) -> None:
        stack(canvas, blocks, x, y)

    return TextBlock(text_blocks.height(blocks), draw)


def _card(drawing: _Drawing) -> tuple[Canvas, Plane, int]:
    """Title, legend and map under one another, or beside it where the ground is tall; of a bare one no title."""
    form, content = drawing.form, drawing.content
    canvas = _canvas(drawing, form.height)
    gap, is_tall = form.margin, not drawing.is_bare and proportion(drawing.box) > _TALL_GROUND
    wide = 0.4 * form.width if is_tall else form.width - 2 * gap
    head = [] if drawing.is_bare else title_blocks(content.title, content.subtitle, form, wide)
    top, foot = stack(canvas, head, gap, 0.7 * gap), _foot(drawing, wide)
    end = form.height - 0.5 * gap - foot.height
    foot.draw(canvas, gap, end)
    rect = (gap, top, gap + wide, end - 0.4 * gap)
    if is_tall:
        rect = (2 * gap + wide, gap, form.width - gap, form.height - gap)
    row = text_blocks.legend_row(_in_view(drawing, lay(drawing.box, rect)), form.body, wide)
    row.draw(canvas, gap, top + (0.5 * gap if is_tall else 0))
    return canvas, _map(canvas, drawing, rect if is_tall else (gap, top + row.height, gap + wide, rect[3])), 0


_TALL_GROUND = 0.5  # height by width


def _slide(drawing: _Drawing) -> tuple[Canvas, Plane, int]:
    """Map on the left, words on the right."""
    form, content = drawing.form, drawing.content
    gap, wide, high = form.margin, form.width, form.height
    canvas = _canvas(drawing, high)
    head, foot = title_blocks(content.title, content.subtitle, form, wide - 2 * gap), _foot(drawing, wide - 2 * gap)
    top = stack(canvas, head, gap, 0.7 * gap)
    end = high - 0.5 * gap - foot.height
    foot.draw(canvas, gap, end)
    bottom = end - 0.35 * gap
    # tall ground has a narrow map, so that it fills it
    room = wide - 2.8 * gap
    panel = room - min(max((bottom - top) / proportion(drawing.box), 0.36 * wide), room - 0.315 * wide)
    x = wide - gap - panel
    plane = _map(canvas, drawing, (gap, top, x - 0.8 * gap, bottom))

    def blocks(small: Format) -> list[TextBlock]:
        said = [*text_blocks.figures(content, small, panel), *_curve(drawing, small, panel)]
        said += _legend(drawing, plane, small, panel)
        return [*said, _gap(small), *text_blocks.workings(content, small, panel)]

    def height(small: Format, *, whole: bool) -> float:
        listed = _listed_height(drawing, plane, small, panel) if whole else 3.5 * small.body * bool(content.markers)
        return text_blocks.height(blocks(small)) + listed

    small, _ = _fitting(form, (1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.58), height, bottom - top)
    y = stack(canvas, blocks(small), x, top) + 0.6 * small.body
    return canvas, plane, _list(canvas, drawing, plane, small, [(x, y, x + panel, bottom)])


def _fitting(form: Format, shares: Sequence[float], height: Callable[..., float], room: float) -> tuple[Format, bool]:
    """The largest type for which there is room, with the whole list of incidents if it can be; whether it can."""
    for whole, tried in ((True, shares[:4]), (False, shares)):
        for share in tried:
            small = _smaller(form, share)
            if height(small, whole=whole) <= room:
                return small, whole
    return _smaller(form, shares[-1]), False


def _listed_height(drawing: _Drawing, plane: Plane, form: Format, width: float) -> float:
    """How high the whole list of incidents is."""
    ordered = _ordered(drawing.content, plane)
    if len(ordered) > text_blocks.MOST_LISTED:
        return math.inf
    (column,), _ = text_blocks.incidents(ordered, form, [(width, math.inf)])
    return text_blocks.height(column) + (0.6 * form.body if column else 0.0)


def _square(drawing: _Drawing) -> tuple[Canvas, Plane, int]:
    """Map above, words below it in two columns."""
    form, content = drawing.form, drawing.content
    gap, wide, high = form.margin, form.width, form.height
    canvas = _canvas(drawing, high)
    head, foot = title_blocks(content.title, content.subtitle, form, wide - 2 * gap), _foot(drawing, wide - 2 * gap)
    top = stack(canvas, head, gap, 0.7 * gap)
    end = high - 0.5 * gap - foot.height
    foot.draw(canvas, gap, end)
    left = 0.56 * (wide - 3 * gap)
    right = wide - 3 * gap - left

    def columns(small: Format, plane: Plane | None = None) -> tuple[list[TextBlock], list[TextBlock]]:
        """Figures and notes, and the legend: of what the map shows, once there is one."""
        table = [*text_blocks.figures(content, small, left), *_curve(drawing, small, left)]
        marks = text_blocks.legend(content, small, right)
        notes = [text_blocks.workings(content, small, wide) for wide in (left, right)]
        high, low, *noted = map(text_blocks.height, (table, marks, *notes))
        beside = max(high, low + noted[1] + 0.7 * small.body) < max(high + noted[0], low)  # where the words are lower
        marks = marks if plane is None else _legend(drawing, plane, small, right)
        if beside and not content.markers:
            return table, [*marks, _gap(small), *notes[1]]
        return [*table, *notes[0]], marks

    def height(small: Format, *, whole: bool) -> float:
        under_figures, under_legend = map(text_blocks.height, columns(small))
        if not content.markers:
            return max(under_figures, under_legend)
        if not whole:
            return max(under_figures, under_legend + (9 if len(content.markers) > 1 else 6) * small.body)
        listed = _listed_height(drawing, lay(drawing.box, (gap, top, wide - gap, end)), small, right)
        return max(under_figures, under_legend, (under_figures + under_legend + listed) / 2 + 2.5 * small.body)

    small, whole = _fitting(form, (1.0, 0.92, 0.84, 0.76, 0.68, 0.6), height, end - 0.8 * gap - top - _SHARE * high)
    plane = _map(canvas, drawing, (gap, top, wide - gap, end - 0.9 * gap - height(small, whole=whole)))
    y, foot_y = plane.rect[3] + 0.5 * gap, end - 0.2 * gap
    rooms = [(gap, gap + left), (2 * gap + left, wide - gap)]
    below = [
        stack(canvas, column, x, y) + 0.4 * small.body
        for column, (x, _) in zip(columns(small, plane), rooms, strict=True)
    ]
    listed = _list(
        canvas, drawing, plane, small, [(x, b, end_x, foot_y) for (x, end_x), b in zip(rooms, below, strict=True)]
    )
    return canvas, plane, listed


def _column(drawing: _Drawing) -> tuple[Canvas, Plane, int]:
    """Everything under one another, as high as it comes to be."""
    form, content = drawing.form, drawing.content
    gap, wide = form.margin, form.width - 2 * form.margin
    head, foot = title_blocks(content.title, content.subtitle, form, wide), _foot(drawing, wide)
    tall = wide * min(max(proportion(drawing.box), 0.7), 1.2)
    top = gap + text_blocks.height(head)
    plane = lay(drawing.box, (gap, top, gap + wide, top + tall))
    blocks = [*text_blocks.figures(content, form, wide), *_legend(drawing, plane, form, wide), _gap(form)]
    blocks += [*text_blocks.workings(content, form, wide), _gap(form)]
    (listed,), count = text_blocks.incidents(_ordered(content, plane), form, [(wide, 1.1 * form.width)])
    blocks += [*listed, _gap(form)] if listed else []
    under = top + tall + gap
    canvas = _canvas(drawing, under + text_blocks.height(blocks) + foot.height + 0.7 * gap)
    stack(canvas, head, gap, 0.8 * gap)
    foot.draw(canvas, gap, stack(canvas, blocks, gap, under))
    return canvas, plane, count


def _curve(drawing: _Drawing, form: Format, width: float) -> list[TextBlock]:
    return text_blocks.curve(*drawing.curve, form, width) if drawing.curve else []


def _legend(drawing: _Drawing, plane: Plane, form: Format, width: float) -> list[TextBlock]:
    """The legend of what the map shows."""
    return text_blocks.legend(_in_view(drawing, plane), form, width)


def _in_view(drawing: _Drawing, plane: Plane) -> MapContent:
    """Without the classes and changes of which the map shows no more than a speck, and the incidents beyond it."""
    content, view = drawing.content, plane.view()
    speck = _SPECK / (111.2 * plane.points_per_km) ** 2 / math.cos(math.radians(plane.lat))
    classes, changes = (
        [item for item in items if _seen_area(item.shapes, view) > speck]
        for items in (content.classes, content.changes)
    )
    return replace(content, classes=classes, changes=changes, markers=_shown(content, plane))


def _seen_area(shapes: Sequence[shapely.Geometry], view: Box) -> float:
    """The area inside a view, in square degrees."""
    return float(shapely.area(shapely.clip_by_rect(np.array(shapes, dtype=object), *view)).sum())


def _gap(form: Format) -> TextBlock:
    return text_blocks.space(0.7 * form.body)


def _map(canvas: Canvas, drawing: _Drawing, rect: Rect) -> Plane:
    x0, y0, x1, y1 = drawing.frame or canvas.across(rect)
    return lay(drawing.box, (x0, y0, x1, max(y1, y0 + 0.2 * canvas.height)))


def _ordered(content: MapContent, plane: Plane) -> list[tuple[Marker, str]]:
    """The incidents, those that the map shows first; with the others, why it does not."""
    return sorted(((marker, whereabouts(plane, marker)) for marker in content.markers), key=lambda pair: bool(pair[1]))


def _shown(content: MapContent, plane: Plane) -> list[Marker]:
    return [marker for marker, why in _ordered(content, plane) if not why]


def _list(canvas: Canvas, drawing: _Drawing, plane: Plane, form: Format, rooms: Sequence[Rect]) -> int:
    """The list of incidents as long as there is room; how many are in it."""
    sizes = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in rooms]
    columns, count = text_blocks.incidents(_ordered(drawing.content, plane), form, sizes)
    for column, (x, y, *_) in zip(columns, rooms, strict=True):
        stack(canvas, column, x, y)
    return count


def _draw(canvas: Canvas, drawing: _Drawing, plane: Plane, listed: int) -> None:
    ordered = _ordered(drawing.content, plane)
    content = replace(drawing.content, markers=[marker for marker, _ in ordered])
    numbers = [i if i <= listed else 0 for i in range(1, len(ordered) + 1)]
    wide = plane.rect[2] - plane.rect[0]
    with canvas.not_mirrored():
        draw_map_panel(
            canvas, plane, content, numbers, size=drawing.form.small, most=round(min(70, 8 + wide / 8)),
            draw_basemap=drawing.draw_basemap, inset=drawing.inset, labels=drawing.labels,
        )  # fmt: skip
