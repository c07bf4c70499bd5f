"""A series as a picture: how much each side held at every snapshot, in one panel or one for each unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from geo.archive.shared_docs import described
from geo.errors import MapError, UsageError
from geo.output.images.chart_panels import PANELS, ChartText, Panel, save_panels
from geo.output.images.fonts import plain
from geo.output.images.themes import Shape, Theme, ThemeName, chosen, kind_of, legible
from geo.presentation.chart_lines import ChartLine, class_lines
from geo.presentation.labels import figure, title_words, written
from geo.presentation.sides import side_colours
from geo.schema import text_or_none
from geo.version import __version__

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When


@described
def draw_chart(
    archive: Archive,
    path: str | Path,
    *,
    source: str | None = None,
    by: Literal["unit"] | None = None,
    controller: str | None = None,
    status: str | Sequence[str] | None = None,
    within: str | None = None,
    level: int | None = None,
    boundary: str | None = None,
    from_: When | None = None,
    to: When | None = None,
    as_known_on: When | None = None,
    title: str | None = None,
    colours: Mapping[str, str] | None = None,
    shape: Shape = "slide",
    theme: ThemeName = "light",
) -> Path:
    """Draw the series of areas as PNG, SVG or PDF.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that ends in ``.png``, ``.svg`` or ``.pdf``.
    within : str or None
        Keep to this unit, by code or name.
    from_, to : str, date, datetime or None
        The span, both included; None is open.
    by : {"unit"} or None
        A panel for each unit, each with a scale of its own from zero; None is one panel.
    title : str or None
        Of the chart.

    Returns
    -------
    pathlib.Path
        The file. Areas are in km² on WGS 84, as `Archive.series` has them; the same input gives the same bytes.

    Raises
    ------
    ArchiveError
    GateError
    MapError
        There is nothing to draw, matplotlib is missing, or the file cannot be written.
    NoSnapshotError
        Nothing depicts a date or an earlier one.
    SourceError
        A source must be named, or is not there.
    UnitError
        A unit is unknown or ambiguous.
    UsageError
        The file's name, the shape, the theme, `by` or a status is unknown.

    Examples
    --------
    >>> geo.draw_chart(archive, "chart.svg", status="held").name
    'chart.svg'
    """
    colouring = chosen(shape, theme)[1]
    target = Path(path)
    kind_of(target)
    if by not in (None, "unit"):
        raise UsageError(f"by={by!r} is unknown: 'unit' or None")
    name = archive.source_name(source)
    frame = archive.series(
        source=name, controller=controller, status=status, within=within, by=by, level=level, boundary=boundary,
        from_=from_, to=to, as_known_on=as_known_on,
    )  # fmt: skip
    if frame.empty or not (frame["area_km2"] > 0).any():
        raise MapError(f"nothing to draw: {name} has no such ground in that span (geo series shows what there is)")
    sides = side_colours(archive.controllers(as_known_on=as_known_on), colours=colours)
    panels, left = _panels(archive, frame, sides, colouring, PANELS[shape])
    text = _chart_text(archive, name, frame, panels, left, within=within, boundary=boundary, title=title)
    return save_panels(panels, text, target, shape=shape, theme=theme)


def _panels(
    archive: Archive, frame: pd.DataFrame, sides: Mapping[str, str], theme: Theme, grid: tuple[int, int]
) -> tuple[list[Panel], list[Panel]]:
    """A panel for each unit, the largest first, and those for which there is no room."""
    units = archive.units()
    names = dict(zip(units["unit"], units["name"], strict=True))
    found = []
    units_of = np.array([text_or_none(u) or "" for u in frame["unit"]], dtype=object)
    for unit in dict.fromkeys(units_of):
        rows = frame[units_of == unit]
        panel = Panel(plain(names.get(unit, unit)), _lines(rows, sides, theme))
        if panel.lines:
            found.append(panel)
    found.sort(key=lambda panel: -panel.highest())
    most = grid[0] * grid[1]
    return found[:most], found[most:]


def _lines(rows: pd.DataFrame, sides: Mapping[str, str], theme: Theme) -> list[ChartLine]:
    found = class_lines(rows, sides)
    return [replace(line, label=plain(line.label), colour=legible(line.colour, theme)) for line in found]


def _chart_text(
    archive: Archive, name: str, frame: pd.DataFrame, panels: Sequence[Panel], left: Sequence[Panel], *,
    within: str | None, boundary: str | None, title: str | None,
) -> ChartText:  # fmt: skip
    table = archive.sources()
    known = {r["name"]: r for r in table.to_dict("records")}.get(name, {})
    shown = text_or_none(known.get("title")) or name
    dates = sorted(set(frame["date"]))
    first, last = (written(d[:10]) for d in (dates[0], dates[-1]))
    place = ""
    if within is not None:
        unit = archive.unit(within, boundary=boundary).iloc[0]
        place = f" in {unit['name']} ({unit['unit']})"
    many = f"{len(dates)} snapshots" if len(dates) > 1 else "one snapshot"
    notes = [text.strip() for text in frame.attrs.get("notes", ())]
    if len(panels) > 1:
        notes.append("Each panel has a scale of its own, from zero")
    if left:
        listed = ", ".join(f"{p.name} (at most {figure(p.highest())} km²)" for p in left)
        notes.append(f"Not drawn: {listed}")
    whom = (text_or_none(known.get(k)) for k in ("attribution", "licence", "url"))
    credit = ", ".join(t for t in whom if t) or shown
    units = archive.units()
    sets = units[units["unit"].isin({u for u in map(text_or_none, frame["unit"]) if u})]["boundary"]
    if len(sets):
        credit += f". Units: {boundary or sets.iloc[-1]}"
    return ChartText(
        title=title or title_words(place, shown, f"{first} to {last}"),
        subtitle=f"Area in km². Source: {shown}; {many}, ticks below. A figure stands until the next snapshot.",
        notes=notes,
        credit=f"Control: {credit}. Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946)."
        f" Made with geo-control {__version__}.",
    )
