"""The words beside a picture's map: title, figures, legend, incidents and credits, as pieces that stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from geo.incidents.markers import Spot
from geo.output.images.drawing import Sheet
from geo.output.images.fonts import plain, text_width, wrapped
from geo.output.images.themes import Format
from geo.output.map_content import Dossier
from geo.presentation import basemap
from geo.presentation.labels import class_label, figure, front_words, sentence, sliver_words
from geo.presentation.symbols import Symbol
from geo.schema import text_or_none
from geo.version import __version__

_LEADING = 1.28
_CHANGES = ("gained", "lost", "net")


@dataclass(frozen=True)
class Piece:
    """Something of a height in points that is drawn with its upper left corner at a place."""

    height: float
    draw: Callable[[Sheet, float, float], None]


def stack(sheet: Sheet, pieces: Sequence[Piece], x: float, y: float) -> float:
    """Draw pieces one under the other, and say where the last one ends."""
    for piece in pieces:
        piece.draw(sheet, x, y)
        y += piece.height
    return y


def height(pieces: Sequence[Piece]) -> float:
    """The height of a stack in points."""
    return sum(piece.height for piece in pieces)


def space(points: float) -> Piece:
    """Nothing, of a height in points."""
    return Piece(points, lambda *_: None)


def words(
    text: str, width: float, size: float, *, soft: bool = False, bold: bool = False, most: int = 0, after: float = 0.0
) -> Piece:
    """Text in lines of a width."""
    lines = wrapped(plain(text), width, size, bold=bold, most=most)

    def draw(sheet: Sheet, x: float, y: float) -> None:
        for i, line in enumerate(lines):
            colour = sheet.theme.soft if soft else sheet.theme.ink
            sheet.text(x, y + (i + 0.8) * _LEADING * size, line, size, bold=bold, colour=colour)

    return Piece(len(lines) * _LEADING * size + after, draw)


def title_pieces(title: str, dek: str, form: Format, width: float) -> list[Piece]:
    """A title and the line under it; a long title is set smaller before it is cut."""
    title, dek = plain(title), plain(dek)
    tries = [(1, s) for s in (1, 0.92, 0.84, 0.76)] + [(2, s) for s in (0.92, 0.84, 0.76, 0.68)] + [(3, 0.6)]
    fits = [s for n, s in tries if len(wrapped(title, width, s * form.title, bold=True)) <= n]
    size = form.title * (fits[0] if fits else tries[-1][1])
    deks = [s for s in (1, 0.94, 0.88) if len(wrapped(dek, width, s * form.dek)) == 1]
    return [
        words(title, width, size, bold=True, most=3, after=0.1 * size),
        words(dek, width, form.dek * (deks[0] if deks else 1), soft=True, most=4, after=0.7 * form.dek),
    ]


def figures(dossier: Dossier, form: Format, width: float) -> list[Piece]:
    """The table of figures, each class with its pattern."""
    since = dossier.since is not None
    symbols = {item.label: item.symbol for item in dossier.classes}
    names = ("km²", *_CHANGES) if since else ("km²",)
    rows = [(_label(row), _cells(row, since=since)) for row in dossier.headlines]
    gap = 0.8 * form.body
    columns = [
        max([text_width(name, form.small), *(text_width(cells[i], form.body) for _, cells in rows)]) + gap
        for i, name in enumerate(names)
    ]
    caption = f"Area in km²{dossier.place} on {dossier.date}"
    caption += f"; gained, lost and net since {dossier.base}" if since else ""
    pieces = [words("Key figures", width, form.body, bold=True), words(caption, width, form.small, soft=True)]
    pieces.append(_row("", names, columns, width, form.small, soft=True))
    pieces += [_row(label, cells, columns, width, form.body, symbol=symbols.get(label)) for label, cells in rows]
    return [*pieces, space(0.4 * form.small)]


def _label(row: Mapping[str, Any]) -> str:
    return class_label(text_or_none(row["controller"]), row["status"], row.get("part") or "")


def _cells(row: Mapping[str, Any], *, since: bool) -> list[str]:
    values = [row["area_km2"], *((row.get(f"{n}_km2") for n in _CHANGES) if since else ())]
    cells = ["–" if v is None or v != v else figure(float(v)).replace("-", "−") for v in values]
    net = values[-1]
    if since and net is not None and net == net and net > 0:
        cells[-1] = f"+{cells[-1]}"
    return cells


def _row(
    label: str, cells: Sequence[str], columns: Sequence[float], width: float, size: float, *,
    symbol: Symbol | None = None, soft: bool = False,
) -> Piece:  # fmt: skip
    left = 2.4 * size if symbol else 0.0
    lines = wrapped(plain(label), max(width - left - sum(columns), 6 * size), size) if label else [""]
    tall = len(lines) * 1.2 * size + (0.1 if soft else 0.55) * size

    def draw(sheet: Sheet, x: float, y: float) -> None:
        if not soft:
            rule = [shapely.LineString([(x, y), (x + width, y)])]
            sheet.lines(rule, colour=sheet.theme.rule, weight=0.6 * sheet.marks)
        if symbol:
            _swatch(sheet, symbol, x, y + 0.3 * size, size)
        for i, line in enumerate(lines):
            sheet.text(x + left, y + (1.12 + 1.2 * i) * size, line, size)
        right = x + width
        for cell, wide in zip(reversed(cells), reversed(columns), strict=True):
            sheet.text(right, y + 1.12 * size, cell, size, align="right", colour=sheet.theme.soft if soft else "")
            right -= wide

    return Piece(tall, draw)


def _swatch(sheet: Sheet, symbol: Symbol, x: float, y: float, size: float) -> None:
    rect = (x + 0.5, y, x + 1.9 * size, y + 1.05 * size)
    sheet.symbol([shapely.box(*rect)], symbol, clip=rect)


def workings(dossier: Dossier, form: Format, width: float) -> list[Piece]:
    """What the figures rest on: the range that contested ground leaves, and the snapshots."""
    ranges = [
        f"{_label(r)}: {figure(r['lower_km2'])} km² by the source's own class, {figure(r['upper_km2'])} km² with the"
        " contested ground of the same country."
        for r in dossier.headlines
        if r["upper_km2"] > r["lower_km2"]
    ]
    snapshots = sorted({name for r in dossier.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    said = f"Snapshots: {', '.join(snapshots)}." if snapshots else "No ground of this source lies there."
    return [
        words(line, width, form.small, soft=True, after=0.25 * form.small) for line in (*ranges, said, *_notes(dossier))
    ]


def _notes(dossier: Dossier) -> list[str]:
    return [sentence(n) for n in (sliver_words(dossier.slivers, dossier.place), *dossier.notes) if n]


def legend(dossier: Dossier, form: Format, width: float, spots: Sequence[Spot]) -> list[Piece]:
    """What the table of figures has not said: changes, and how incidents are drawn."""
    told = {_label(row) for row in dossier.headlines}
    entries: dict[str, Callable[[Sheet, float, float], None]] = {}
    for item in (*dossier.changes, *reversed(dossier.classes)):
        if item.label not in told:
            entries.setdefault(item.label, swatched(item.symbol, form.body))
    kinds = {s.kind for s in spots}
    if dossier.front is not None:
        entries[front_words(dossier.front)] = lambda sheet, x, y: sheet.front_mark(x, y, form.body)
    if "region" in kinds:
        entries["Incident known to lie somewhere in this region"] = lambda sheet, x, y: sheet.areas(
            [shapely.box(x, y + 0.2 * form.body, x + 1.9 * form.body, y + 1.3 * form.body)], edge=sheet.theme.mark,
            weight=1.2 * sheet.marks, dash="3 2",
        )  # fmt: skip
    if "place" in kinds:
        entries["Incident"] = lambda sheet, x, y: sheet.disc(
            x + 0.95 * form.body, y + 0.75 * form.body, 4.2 * sheet.marks, fill=sheet.theme.mark,
            edge=sheet.theme.mark_edge, weight=1.2 * sheet.marks,
        )  # fmt: skip
    if "circle" in kinds:
        entries["Incident known to lie somewhere in this circle"] = lambda sheet, x, y: sheet.disc(
            x + 0.95 * form.body, y + 0.75 * form.body, 0.62 * form.body, fill="none", edge=sheet.theme.mark,
            weight=1.2 * sheet.marks, dash="3 2",
        )  # fmt: skip
    if not entries:
        return []
    title = words("Legend", width, form.body, bold=True, after=0.2 * form.body)
    return [title, *(_entry(label, mark, form.body, width) for label, mark in entries.items())]


def swatched(symbol: Symbol, size: float) -> Callable[[Sheet, float, float], None]:
    """A class's colour and pattern beside its name, in type of a size in points."""
    return lambda sheet, x, y: _swatch(sheet, symbol, x, y + 0.2 * size, size)


def _entry(label: str, mark: Callable[[Sheet, float, float], None], size: float, width: float) -> Piece:
    text = words(label, width - 2.5 * size, 0.94 * size)

    def draw(sheet: Sheet, x: float, y: float) -> None:
        mark(sheet, x, y)
        text.draw(sheet, x + 2.5 * size, y)

    return Piece(max(text.height, 1.35 * size) + 0.15 * size, draw)


def incidents(spots: Sequence[tuple[Spot, str]], form: Format, width: float, room: float) -> tuple[list[Piece], int]:
    """A numbered list as long as there is room, and how many are in it."""
    if not spots:
        return [], 0
    count = sum(spot.count for spot, _ in spots)
    title = words(f"Incidents: {count:,}", width, form.body, bold=True, after=0.15 * form.body)
    pieces = [_incident(i, spot, why, form, width) for i, (spot, why) in enumerate(spots[:40], start=1)]
    listed = len(pieces)
    while listed and title.height + height(pieces[:listed]) + _more(spots, listed, form, width) > room:
        listed -= 1
    kept = [title, *pieces[:listed]]
    if listed < len(spots):
        kept.append(words(_rest(spots, listed), width, form.small, soft=True))
    return kept, listed


def _more(spots: Sequence[tuple[Spot, str]], listed: int, form: Format, width: float) -> float:
    return words(_rest(spots, listed), width, form.small).height if listed < len(spots) else 0.0


def _rest(spots: Sequence[tuple[Spot, str]], listed: int) -> str:
    beyond = sum(spot.count for spot, why in spots[listed:] if why)
    left = sum(spot.count for spot, _ in spots[listed:])
    where = (
        " not on this map" if beyond == left else f", {beyond} of them not on this map" if beyond else " on this map"
    )
    return f"{'and ' if listed else ''}{left}{' more' if listed else ''}{where}"


def _incident(number: int, spot: Spot, why: str, form: Format, width: float) -> Piece:
    left = 1.9 * form.small
    head = words(spot.title, width - left, form.small, most=3)
    tail = words(incident_line(spot, why), width - left, 0.92 * form.small, soft=True, most=4)

    def draw(sheet: Sheet, x: float, y: float) -> None:
        sheet.text(x, y + 0.8 * _LEADING * form.small, f"{number}", form.small, bold=True)
        stack(sheet, [head, tail], x + left, y)

    return Piece(head.height + tail.height + 0.35 * form.small, draw)


def incident_line(spot: Spot, why: str = "") -> str:
    """What is known of an incident, on one line."""
    facts = dict(spot.facts)
    names = ("Date", "Precision", "Killed", "Injured", "Captured", "Verification", "Source")
    known = [f"{n.lower()}: {facts[n]}" for n in names if facts.get(n, "not known") != "not known"]
    return "; ".join([*([why] if why else []), *known])


def credit_lines(dossier: Dossier, *, draw_basemap: bool) -> list[str]:
    """Whom the picture is owed to, under which licences, and how it was made."""
    shipped = basemap.credits()
    lines = list(dossier.credits)
    for name in ("basemap", "places") if draw_basemap else ("places",):
        lines.append(f"{shipped[name]['text'].rstrip('.')}. {shipped[name]['url']}")
    if dossier.boundary:
        lines.append(f"Units: {dossier.boundary}. Disputed lines are dashed")
    lines.append(
        "Areas on the WGS 84 ellipsoid, edges straight in longitude and latitude (RFC 7946). Map in Lambert's"
        f" equal-area projection. Made with geo-control {__version__}"
    )
    return [line.rstrip("., ") + "." for line in lines]


def spoken(dossier: Dossier, credit: str) -> str:
    """The picture in words, for those who do not see it: everything on it, nothing cut."""
    since = dossier.since is not None
    head = f"Figures in km²{dossier.place} on {dossier.date}" + (f", changes since {dossier.base}" if since else "")
    rows = []
    for row in dossier.headlines:
        area, *changes = _cells(row, since=since)
        moved = [f"{name} {value}" for name, value in zip(_CHANGES, changes, strict=False)]
        rows.append(f"{_label(row)} {area}" + (f" ({', '.join(moved)})" if moved else ""))
    snapshots = sorted({name for r in dossier.figures for name in (r["snapshot"], r.get("from_snapshot")) if name})
    parts = [f"{dossier.title}.", dossier.dek, f"{head}: {'; '.join(rows) or 'none'}."]
    parts += [f"Snapshots: {', '.join(snapshots)}."] if snapshots else []
    parts += _notes(dossier)
    parts += [f"Incident: {s.title}; {incident_line(s)}." for s in dossier.spots]
    return plain(" ".join([*parts, credit]))
