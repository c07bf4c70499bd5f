"""Dated maps as pictures: PNG, SVG and PDF for slides, posts and columns, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from geo.errors import UsageError
from geo.output.images import text_blocks
from geo.output.images.drawing import Sheet
from geo.output.images.export import save
from geo.output.images.fonts import clean_settings, plain, say_missing
from geo.output.images.map_panel import draw_plate, whereabouts
from geo.output.images.projection import Plane, Rect, lay, proportion, shapes_box
from geo.output.images.text_blocks import Piece, stack, title_pieces, words
from geo.output.images.themes import Format, Shape, Theme, ThemeName, chosen, kind_of
from geo.output.map_content import Dossier, gather
from geo.presentation.basemap import Box

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.incidents.markers import Spot
    from geo.output.images.drawing import Figure

View = Box | Literal["all", "changes"]
_WIDEST = 120
_SHARE = 0.46  # of a picture's height, that its map has at least


@dataclass(frozen=True)
class _Drawing:
    """A dossier and how it is to be shown."""

    dossier: Dossier
    box: Box
    form: Format
    theme: Theme
    credits: str
    draw_basemap: bool
    inset: bool
    frame: Rect | None = None


def draw_picture(
    archive: Archive,
    date: When | None = None,
    path: str | Path | None = None,
    *,
    source: str | None = None,
    since: When | None = None,
    as_known_on: When | None = None,
    within: str | None = None,
    incident_days: int = 1,
    title: str | None = None,
    lang: str = "en",
    colours: Mapping[str, str] | None = None,
    view: View | None = None,
    shape: Shape = "slide",
    theme: ThemeName = "light",
    draw_basemap: bool = True,
    inset: bool = True,
    with_front: bool = True,
) -> Figure | Path:
    """Draw who held what on a date as a picture.

    Parameters
    ----------
    archive : Archive
        What to draw from.
    date, source, since, as_known_on, within, incident_days, title, lang, colours, draw_basemap, with_front
        As in `geo.draw_map`.
    path : str, pathlib.Path or None
        A file that ends in ``.png``, ``.svg`` or ``.pdf``; None gives the figure.
    view : (west, south, east, north), "all", "changes" or None
        Degrees in EPSG:4326; everything there is, incidents far off too; the ground that changed since `since`; what
        the dated page shows first.
    shape : {"slide", "square", "column"}
        1920 × 1080 pixels, 1080 × 1080, or 1125 pixels (95 mm) wide and as high as it needs to be.
    theme : {"light", "dark"}
        Colours of the paper and the ground; the sides keep theirs.
    inset : bool
        Show in a corner where the map lies.

    Returns
    -------
    pathlib.Path or matplotlib.figure.Figure
        The file, or the figure where none is named. The same input gives the same bytes.

    Raises
    ------
    MapError
        Nothing can be drawn, matplotlib is missing, or the file cannot be written.
    NoSnapshotError
        Nothing depicts that date or an earlier one.
    SourceError
        A source must be named, or is not there.
    UnitError
        A unit is unknown or ambiguous.
    UsageError
        The file's name, the shape, the theme or the view is unknown.
    """
    form, colouring = chosen(shape, theme)
    target = None if path is None else Path(path)
    if target is not None:
        kind_of(target)
    dossier = gather(
        archive, date, source=source, since=since, as_known_on=as_known_on, within=within,
        incident_days=incident_days, title=title, lang=lang, colours=colours,
        with_front=with_front,
    )  # fmt: skip
    box = view_box(dossier, view)
    figure = draw_figure(dossier, box, form, colouring, draw_basemap=draw_basemap, inset=inset)
    if target is None:
        return figure
    credit = plain(" ".join(text_blocks.credit_lines(dossier, draw_basemap=draw_basemap)))
    return save(figure, target, title=plain(dossier.title), text=text_blocks.spoken(dossier, credit), credit=credit)


def view_box(dossier: Dossier, view: View | None) -> Box:
    """What a picture shows, in degrees: west, south, east, north."""
    if view is None or view == "all":
        return _one_plane(dossier.bounds if view is None else dossier.limits)
    if view == "changes":
        if not dossier.changes:
            raise UsageError('view="changes" shows what changed since a date: give since, and one after which it did')
        return _one_plane(shapes_box([shape for item in dossier.changes for shape in item.shapes]))
    if isinstance(view, str) or len(view) != 4:
        raise UsageError(f'view={view!r} is unknown: (west, south, east, north) in degrees, "all" or "changes"')
    west, south, east, north = (float(v) for v in view)
    if not (-180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise UsageError(f"view={view!r} is no box: west before east within ±180°, south before north within ±85°")
    return _one_plane((west, south, east, north))


def _one_plane(box: Box) -> Box:
    if box[2] - box[0] > _WIDEST:
        raise UsageError(
            f"the map would span {box[2] - box[0]:.0f}° of longitude; one plane shows up to {_WIDEST}°: give a view"
            " (west, south, east, north)"
        )
    return box


def draw_figure(
    dossier: Dossier, box: Box, form: Format, theme: Theme, *, draw_basemap: bool = True, inset: bool = True,
    frame: Rect | None = None,
) -> Figure:  # fmt: skip
    """A dossier as a figure of one of the shapes."""
    credit = " ".join(text_blocks.credit_lines(dossier, draw_basemap=draw_basemap))
    drawing = _Drawing(dossier, box, form, theme, credit, draw_basemap, inset, frame)
    with clean_settings():
        sheet, plane, listed = _lay_out(drawing)
        _draw(sheet, drawing, plane, listed)
    say_missing(text_blocks.spoken(dossier, credit))
    return sheet.figure


def map_frame(dossier: Dossier, box: Box, form: Format, theme: Theme) -> Rect:
    """Where a dossier's figure would have its map: x0, y0, x1, y1 in points."""
    credit = " ".join(text_blocks.credit_lines(dossier, draw_basemap=True))
    with clean_settings():
        _, plane, _ = _lay_out(_Drawing(dossier, box, form, theme, credit, draw_basemap=True, inset=True))
    return plane.rect


def _lay_out(drawing: _Drawing) -> tuple[Sheet, Plane, int]:
    """The words on their sheet, the plane that is left for the map, and how many incidents are listed."""
    form = drawing.form
    lay_out = _column if not form.height else _square if form.height == form.width else _slide
    return lay_out(drawing)


def _sheet(drawing: _Drawing, high: float) -> Sheet:
    form = drawing.form
    return Sheet(form.width, high, drawing.theme, dpi=form.dpi, marks=form.marks)


def _smaller(form: Format, share: float) -> Format:
    return replace(form, body=form.body * share, small=form.small * share)


def _foot(drawing: _Drawing, width: float) -> Piece:
    """The credits."""
    form = drawing.form
    high = form.height or 2.0 * form.width
    for size in (form.credit, 0.9 * form.credit, 0.8 * form.credit):
        piece = words(drawing.credits, width, size, soft=True)
        if piece.height <= 0.16 * high:
            return piece
    return words(drawing.credits, width, size, soft=True, most=int(0.16 * high / size / 1.28))


def _slide(drawing: _Drawing) -> tuple[Sheet, Plane, int]:
    """Map on the left, words on the right."""
    form, dossier = drawing.form, drawing.dossier
    gap, wide, high = form.margin, form.width, form.height
    sheet = _sheet(drawing, high)
    head, foot = title_pieces(dossier.title, dossier.dek, form, wide - 2 * gap), _foot(drawing, wide - 2 * gap)
    top = stack(sheet, head, gap, 0.7 * gap)
    end = high - 0.5 * gap - foot.height
    foot.draw(sheet, gap, end)
    bottom, panel = end - 0.35 * gap, 0.315 * wide
    x = wide - gap - panel
    plane = _map(sheet, drawing, (gap, top, x - 0.8 * gap, bottom))
    spots = _shown(dossier, plane)
    for share in (1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.58):
        small = _smaller(form, share)
        pieces = [*_table(dossier, small, panel), _gap(small), *text_blocks.legend(dossier, small, panel, spots)]
        least = 3.5 * small.body if dossier.spots else 0.0
        if text_blocks.height(pieces) + least <= bottom - top:
            break
    y = stack(sheet, pieces, x, top) + 0.6 * small.body
    return sheet, plane, _list(sheet, drawing, plane, small, (x, y, x + panel, bottom))


def _square(drawing: _Drawing) -> tuple[Sheet, Plane, int]:
    """Map above, words below it in two columns."""
    form, dossier = drawing.form, drawing.dossier
    gap, wide, high = form.margin, form.width, form.height
    sheet = _sheet(drawing, high)
    head, foot = title_pieces(dossier.title, dossier.dek, form, wide - 2 * gap), _foot(drawing, wide - 2 * gap)
    top = stack(sheet, head, gap, 0.7 * gap)
    end = high - 0.5 * gap - foot.height
    foot.draw(sheet, gap, end)
    left = 0.56 * (wide - 3 * gap)
    right = wide - 3 * gap - left
    for share in (1.0, 0.92, 0.84, 0.76, 0.68, 0.6):
        small = _smaller(form, share)
        table, marks = (
            text_blocks.figures(dossier, small, left),
            text_blocks.legend(dossier, small, right, dossier.spots),
        )
        rests = text_blocks.workings(dossier, small, right)
        if not dossier.spots and text_blocks.height([*marks, *rests]) <= text_blocks.height(table) + 3 * small.body:
            marks += [_gap(small), *rests]
        else:
            table += text_blocks.workings(dossier, small, left)
        least = (9 if len(dossier.spots) > 1 else 6) * small.body if dossier.spots else 0.0
        block = max(text_blocks.height(table), text_blocks.height(marks) + least)
        if end - 0.8 * gap - block - top >= _SHARE * high:
            break
    plane = _map(sheet, drawing, (gap, top, wide - gap, end - 0.9 * gap - block))
    y = plane.rect[3] + 0.5 * gap
    if dossier.spots:  # the legend of what the map shows, now that there is one
        marks = text_blocks.legend(dossier, small, right, _shown(dossier, plane))
    stack(sheet, table, gap, y)
    below = stack(sheet, marks, 2 * gap + left, y) + (0.4 * small.body if marks else 0)
    return sheet, plane, _list(sheet, drawing, plane, small, (2 * gap + left, below, wide - gap, end - 0.2 * gap))


def _column(drawing: _Drawing) -> tuple[Sheet, Plane, int]:
    """Everything under one another, as high as it comes to be."""
    form, dossier = drawing.form, drawing.dossier
    gap, wide = form.margin, form.width - 2 * form.margin
    head, foot = title_pieces(dossier.title, dossier.dek, form, wide), _foot(drawing, wide)
    tall = wide * min(max(proportion(drawing.box), 0.7), 1.2)
    top = gap + text_blocks.height(head)
    plane = lay(drawing.box, (gap, top, gap + wide, top + tall))
    marks = text_blocks.legend(dossier, form, wide, _shown(dossier, plane))
    pieces = [*_table(dossier, form, wide), _gap(form), *marks, _gap(form)]
    listed, count = text_blocks.incidents(_ordered(dossier, plane), form, wide, 1.1 * form.width)
    pieces += [*listed, _gap(form)] if listed else []
    under = top + tall + gap
    sheet = _sheet(drawing, under + text_blocks.height(pieces) + foot.height + 0.7 * gap)
    stack(sheet, head, gap, 0.8 * gap)
    foot.draw(sheet, gap, stack(sheet, pieces, gap, under))
    return sheet, plane, count


def _table(dossier: Dossier, form: Format, width: float) -> list[Piece]:
    return [*text_blocks.figures(dossier, form, width), *text_blocks.workings(dossier, form, width)]


def _gap(form: Format) -> Piece:
    return text_blocks.space(0.7 * form.body)


def _map(sheet: Sheet, drawing: _Drawing, rect: Rect) -> Plane:
    x0, y0, x1, y1 = drawing.frame or rect
    return lay(drawing.box, (x0, y0, x1, max(y1, y0 + 0.2 * sheet.height)))


def _ordered(dossier: Dossier, plane: Plane) -> list[tuple[Spot, str]]:
    """The incidents, those that the map shows first; with the others, why it does not."""
    return sorted(((spot, whereabouts(plane, spot)) for spot in dossier.spots), key=lambda pair: bool(pair[1]))


def _shown(dossier: Dossier, plane: Plane) -> list[Spot]:
    return [spot for spot, why in _ordered(dossier, plane) if not why]


def _list(sheet: Sheet, drawing: _Drawing, plane: Plane, form: Format, room: Rect) -> int:
    """The list of incidents as long as there is room; how many are in it."""
    x0, y0, x1, y1 = room
    listed, count = text_blocks.incidents(_ordered(drawing.dossier, plane), form, x1 - x0, y1 - y0)
    stack(sheet, listed, x0, y0)
    return count


def _draw(sheet: Sheet, drawing: _Drawing, plane: Plane, listed: int) -> None:
    ordered = _ordered(drawing.dossier, plane)
    dossier = replace(drawing.dossier, spots=[spot for spot, _ in ordered])
    numbers = [i if i <= listed else 0 for i in range(1, len(ordered) + 1)]
    wide = plane.rect[2] - plane.rect[0]
    draw_plate(
        sheet, plane, dossier, numbers, size=drawing.form.small, most=round(min(26, 8 + wide / 40)),
        draw_basemap=drawing.draw_basemap, inset=drawing.inset,
    )  # fmt: skip
