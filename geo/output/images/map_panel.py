"""The map inside a picture: the ground, the classes, places, incidents, scale and north, on an equal-area plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from geo.errors import UsageError
from geo.incidents.markers import Marker, marker_radius
from geo.output.images.drawing import Canvas
from geo.output.images.fonts import can_be_slanted, plain, text_width
from geo.output.images.projection import Plane, Rect, lay
from geo.output.map_content import MapContent
from geo.output.settlement_layers import DotLayer
from geo.presentation import basemap, map_names
from geo.presentation.basemap import decode_line, touch
from geo.presentation.language import gettext, number, plain_number
from geo.presentation.map_names import area_names, place_area, place_names
from geo.schema import KM_PER_DEGREE

KM_PER_MILE = 1.609344
_COVERED = 0.15
_SMALLEST = 0.85  # of its size, in which a name is set that has no room otherwise
_OWN_LABEL = 10**9  # weighs more than any place
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def whereabouts(plane: Plane, marker: Marker) -> str:
    """Why the map does not show an incident, "" where it does: its place, or some of the circle in which it lies."""
    x, y = plane.xy(np.array([[marker.lon, marker.lat]]))[0]
    if marker.area is not None:
        return "" if len(plane.shapes([marker.area])) else gettext("beyond this map")
    radius = marker.radius_m / 1000 * plane.points_per_km
    if plane.holds(x, y) if not radius else _ring_place(plane, x, y, radius) is not None:
        return ""
    x0, y0, x1, y1 = plane.rect
    around = math.hypot((x0 + x1) / 2 - x, (y0 + y1) / 2 - y) < radius
    if not around:
        return gettext("beyond this map")
    return gettext("within {km} km, wider than this map", km=plain_number(marker.radius_m / 1000))


def draw_map_panel(
    canvas: Canvas, plane: Plane, content: MapContent, numbers: Sequence[int], *, size: float, most: int,
    draw_basemap: bool = True, inset: bool = True, labels: Sequence[tuple[str, float, float]] = (),
) -> None:  # fmt: skip
    theme, clip, m = canvas.theme, plane.rect, canvas.marks
    with canvas.group("water", gettext("Water")):
        canvas.box(clip, fill=theme.sea if draw_basemap else theme.land)
    if draw_basemap:
        _ground(canvas, plane, content.extract, with_units=not content.outlines)
    with canvas.group("regions"):
        for area in {s.area_name: s.area for s in content.markers if s.area is not None}.values():
            shapes = plane.shapes([area])
            canvas.areas(shapes, fill=theme.mark, opacity=0.035, clip=clip)
            canvas.areas(shapes, edge=theme.mark, weight=1.4 * m, dash="6 4", clip=clip)
    ground = _classes(canvas, plane, content)
    with canvas.group("front", gettext("Front line")):
        if content.front is not None:
            canvas.front(plane.shapes(list(shapely.get_parts(content.front.lines))), clip=clip)
    with canvas.group("borders", gettext("Borders")):
        canvas.lines(plane.shapes(content.outlines), colour=theme.line, weight=0.7 * m, dash="2 2.5", opacity=0.8,
                    clip=clip)  # fmt: skip
    # the more there are, the smaller, and under the names: a map of a country stays a map
    is_crowded = sum(len(item.shapes) for item in content.settlements) > _MANY
    if is_crowded:
        _dots(canvas, plane, content.settlements, 1.0)
    taken: list[Rect] = []
    kept = _Corners(plane, ground, content.markers)
    with canvas.group("locator"):
        if inset and draw_basemap:
            _inset(canvas, plane, kept, taken, size, content.lang)
    with canvas.group("scale"):
        _scale_and_north(canvas, plane, kept, taken, size)
    with canvas.group("incidents", gettext("Incidents")):
        marks = _markers(canvas, plane, content.markers, numbers, taken, size)
    with canvas.group("labels", gettext("Places")):
        view = plane.view()
        moved = _union(ground[len(content.classes) :])
        for text, lat, lon in labels:
            if not plane.holds(*plane.xy(np.array([[lon, lat]]))[0]):
                raise UsageError(f"label {text!r}: {lat}, {lon} lies beyond this map")
        own = [[lat, lon, text, _OWN_LABEL, 1] for text, lat, lon in labels]
        taken += _places(canvas, plane, own, [], size, len(own))
        avoid = None if moved.is_empty else moved
        named = map_names.places(view, content.lang, news=content.news, own=map_names.own_places(content.extract))
        taken += _places(canvas, plane, named, taken, size, most, avoid=avoid, marks=marks)
    with canvas.group("area-names", gettext("Countries, regions and waters")):
        if draw_basemap:
            _area_names(canvas, plane, taken, moved, size)
    if not is_crowded:
        _dots(canvas, plane, content.settlements, 1.9)
    with canvas.group("frame"):
        canvas.box(clip, edge=theme.rule, weight=0.8)


def _classes(canvas: Canvas, plane: Plane, content: MapContent) -> list[Any]:
    """The ground of every class and change, each a group of its own; its shapes on the canvas."""
    ground = []
    for item in (*content.drawn_classes, *content.changes):
        laid = plane.shapes(item.shapes)
        if len(laid) and item.symbol.even:  # one shape a class, without a source's own seams
            laid = np.array([_union([laid])], dtype=object)
        ground.append(laid)
        if len(laid):
            with canvas.group(item.name, item.label):
                # changes are slivers at a country's scale: their outline may not hide their colour
                canvas.symbol(laid, item.symbol, clip=plane.rect, edge=0.55 if item in content.changes else 1.0)
    return ground


def _dots(canvas: Canvas, plane: Plane, layers: Sequence[DotLayer], radius: float) -> None:
    """The settlements of each class, as one path: small, with a rim in the ground's colour."""
    x0, y0, x1, y1 = plane.rect
    for item in layers:
        xy = plane.xy(shapely.get_coordinates(np.array(item.shapes, dtype=object)))
        xy = xy[((xy >= (x0, y0)) & (xy <= (x1, y1))).all(axis=1)]
        dots = shapely.buffer(shapely.points(np.unique(np.round(xy, 1), axis=0)), radius * canvas.marks, quad_segs=4)
        with canvas.group(item.name, item.label):
            canvas.areas(
                dots, fill=item.symbol.colour, edge=canvas.theme.halo, weight=0.3 * canvas.marks, clip=plane.rect
            )


_MANY = 1500


def _union(shapes: Sequence[Any]) -> shapely.Geometry:
    listed = [shape for some in shapes for shape in some]
    return shapely.union_all(shapely.make_valid(np.array(listed, dtype=object)))


def _ground(canvas: Canvas, plane: Plane, extract: Sequence[tuple[str, Any, Any]], *, with_units: bool) -> None:
    theme, clip, m = canvas.theme, plane.rect, canvas.marks
    base = basemap.with_extract(basemap.cut(basemap.padded(plane.view(), 0.02)), extract)
    scale = base["scale"]
    for name, group, colour in (
        ("land", "basemap", theme.land), ("woods", "basemap", theme.wood), ("built", "basemap", theme.built),
        ("lakes", "water", theme.sea), ("ponds", "water", theme.sea),
    ):  # fmt: skip
        rings = [shapely.Polygon(p[0], p[1:]) for p in ([decode_line(r, scale) for r in q] for q in base[name]) if p]
        # the edge in the same colour closes the seams between tiles
        with canvas.group(group):
            canvas.areas(plane.shapes(rings), fill=colour, edge=colour, weight=0.5 * m, clip=clip)
    for name, colour, weight, dash in (
        ("rivers", theme.river, 0.8, ""), ("streams", theme.river, 0.7, ""), ("railways", theme.rail, 0.7, "4 2"),
        ("roads", theme.road, 1.0, ""), ("admin1", theme.unit, 0.7, "1 2.5"),
        ("borders", theme.line, 1.3, ""), ("disputed", theme.line, 1.3, "4 3"),
    ):  # fmt: skip
        if name != "admin1" or with_units:
            lines = [shapely.LineString(decode_line(line, scale)) for line in base[name] if len(line) >= 4]
            with canvas.group(_LINE_GROUPS.get(name, "borders")):
                canvas.lines(plane.shapes(lines), colour=colour, weight=weight * m, dash=dash, clip=clip)


_LINE_GROUPS = {"rivers": "water", "streams": "water", "roads": "roads", "railways": "roads"}


class _Corners:
    """The map's corners, each given away once, the one with least on it first."""

    def __init__(self, plane: Plane, ground: Sequence[Any], markers: Sequence[Marker]) -> None:
        self.plane, self.ground = plane, [g for g in ground if len(g)]
        places = np.array([(s.lon, s.lat) for s in markers if s.kind == "place"])
        self.markers = plane.xy(places) if len(places) else np.empty((0, 2))
        self.free = {"upper left", "upper right", "lower left", "lower right"}

    def least(self, wide: float, high: float, order: Sequence[str], gap: float) -> tuple[str, Rect, float]:
        """The free corner with least on it, its place, and how much that is: a share, and a fifth for each incident."""
        x0, y0, x1, y1 = self.plane.rect
        found = {}
        for name in (n for n in order if n in self.free):
            x = x0 + gap if "left" in name else x1 - gap - wide
            y = y0 + gap if "upper" in name else y1 - gap - high
            found[name] = (x, y, x + wide, y + high)
        covered = {name: round(self._covered(rect), 2) for name, rect in found.items()}
        best = min(found, key=lambda name: covered[name])
        return best, found[best], covered[best]

    def take(self, wide: float, high: float, order: Sequence[str], gap: float) -> Rect:
        name, rect, _ = self.least(wide, high, order, gap)
        self.free.discard(name)
        return rect

    def _covered(self, rect: Rect) -> float:
        x, y = np.meshgrid(np.linspace(rect[0], rect[2], 12), np.linspace(rect[1], rect[3], 12))
        under = np.zeros(x.shape, dtype=bool)
        for shapes in self.ground:
            for shape in shapes:
                under |= shapely.contains_xy(shape, x, y)
        at = self.markers
        hits = (at[:, 0] >= rect[0]) & (at[:, 0] <= rect[2]) & (at[:, 1] >= rect[1]) & (at[:, 1] <= rect[3])
        return float(under.mean()) + 0.2 * int(hits.sum())


def _inset(canvas: Canvas, plane: Plane, corners: _Corners, taken: list[Rect], size: float, lang: str) -> None:
    """Where the map lies: the wider region with the map's outline."""
    theme, m = canvas.theme, canvas.marks
    x0, y0, x1, y1 = plane.rect
    shown_km = math.sqrt((x1 - x0) * (y1 - y0)) / plane.points_per_km
    if shown_km > 4000:
        return
    side = 0.24 * min(x1 - x0, 1.3 * (y1 - y0))
    # a plain panel whose proportions are those of the map
    order = ("upper left", "upper right", "lower right", "lower left")
    name, rect, covered = corners.least(side, 0.8 * side, order, 5 * m)
    if covered > _COVERED:  # better no inset than one on what the map is about
        return
    corners.free.discard(name)
    reach = max(2.4 * shown_km, 1500.0) / KM_PER_DEGREE / 2
    lat = plane.lat
    wide = reach / max(math.cos(math.radians(lat)), 0.2)
    box = (plane.lon - wide, max(lat - 0.8 * reach, -80.0), plane.lon + wide, min(lat + 0.8 * reach, 80.0))
    middle = lay((max(box[0], -180), box[1], min(box[2], 180), box[3]), rect)
    # the inset is filled, not fitted: no bare strip beside it
    shift = ((rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2)
    small = Plane(middle.lon, middle.lat, rect, middle.points_per_km * 1.25, shift)
    canvas.box(rect, fill=theme.sea)
    base = basemap.cut(small.view())
    scale = base["scale"]
    land = [shapely.Polygon(p[0], p[1:]) for p in ([decode_line(r, scale) for r in q] for q in base["land"]) if p]
    canvas.areas(small.shapes(land), fill=theme.land, edge=theme.land, weight=0.4 * m, clip=rect)
    for name, dash in (("borders", ""), ("disputed", "2 1.5")):
        lines = [shapely.LineString(decode_line(line, scale)) for line in base[name] if len(line) >= 4]
        canvas.lines(small.shapes(lines), colour=theme.line, weight=0.6 * m, dash=dash, clip=rect)
    outline = [shapely.Polygon(small.xy(plane.border()))]
    canvas.areas(outline, fill=theme.ink, opacity=0.18, edge=theme.ink, weight=1.1 * m, clip=rect)
    capitals = [p for p in map_names.places(small.view(), lang) if p[4]]
    _places(canvas, small, capitals, [outline[0].bounds], 0.75 * size, 5, bold=False)
    canvas.box(rect, edge=theme.soft, weight=0.8)
    taken.append(rect)


def scale_km(plane: Plane) -> float:
    """The length of the scale bar in km: a round one, up to a fifth of the map's width."""
    room = (plane.rect[2] - plane.rect[0]) / 5
    return float(max((s for s in _STEPS if s * plane.points_per_km <= room), default=1))


def _scale_and_north(canvas: Canvas, plane: Plane, corners: _Corners, taken: list[Rect], size: float) -> None:
    theme, m = canvas.theme, canvas.marks
    km = scale_km(plane)
    wide = km * plane.points_per_km
    miles = max((s for s in _STEPS if s * KM_PER_MILE <= km), default=0)
    room = wide + 0.6 * size + text_width(gettext("{km} km", km=number(km)), 0.95 * size)
    rect = corners.take(
        room + 2.6 * size, 3.6 * size, ("lower left", "lower right", "upper right", "upper left"), 7 * m
    )
    x, y = rect[0] + 2.6 * size, (rect[1] + rect[3]) / 2
    bars = [(wide, -1, gettext("{km} km", km=number(km)))]
    bars += (
        [(miles * KM_PER_MILE * plane.points_per_km, 1, gettext("{miles} mi", miles=number(miles)))] if miles else []
    )
    marks = []
    for length, side, words in bars:
        end = y + side * 0.7 * size
        marks.append(shapely.LineString([(x, end), (x, y), (x + length, y), (x + length, end)]))
        canvas.text(x + length + 0.35 * size, y + (0.95 * size if side > 0 else -0.25 * size), words, 0.95 * size,
                   halo=2.4 * m)  # fmt: skip
    canvas.lines(marks, colour=theme.halo, weight=3.4 * m)
    canvas.lines(marks, colour=theme.ink, weight=1.2 * m)
    _north(canvas, plane, rect[0] + 0.9 * size, y, size)
    taken.append(rect)


def _north(canvas: Canvas, plane: Plane, x: float, y: float, size: float) -> None:
    """An arrow to the north of the place where it stands."""
    lon, lat = plane.lonlat(np.array([[x, y]]))[0]
    ends = plane.xy(np.array([[lon, lat - 0.01], [lon, lat + 0.01]]))
    up = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    right = np.array([-up[1], up[0]])
    at = np.array([x, y])
    tip, tail = at + up * 0.35 * size, at - up * 1.2 * size
    arrow = [tip, tail + right * 0.5 * size, tail + up * 0.4 * size, tail - right * 0.5 * size]
    canvas.areas([shapely.Polygon(arrow)], fill=canvas.theme.ink, edge=canvas.theme.halo, weight=0.8 * canvas.marks)
    x, y = tip + up * 0.75 * size
    canvas.text(x, y + 0.35 * size, gettext("N"), 0.95 * size, bold=True, align="center", halo=2.4 * canvas.marks)


def _markers(
    canvas: Canvas, plane: Plane, markers: Sequence[Marker], numbers: Sequence[int], taken: list[Rect], size: float
) -> list[Rect]:
    """Incidents: a disc on a place, a dashed circle where only the region is known; the list's numbers beside them.

    Where the discs lie.
    """
    theme, m = canvas.theme, canvas.marks
    tags: dict[tuple[int, int], tuple[float, float, float, list[int]]] = {}
    marks: list[Rect] = []
    for marker, place in zip(markers, numbers, strict=True):
        x, y = plane.xy(np.array([[marker.lon, marker.lat]]))[0]
        radius = marker.radius_m / 1000 * plane.points_per_km if marker.kind == "circle" else 0.0
        at = _tag_place(plane, marker) if marker.area is not None else (x, y) if plane.holds(x, y) else None
        at = _ring_place(plane, x, y, radius) if radius else at
        if at is None:
            continue
        if radius:
            canvas.disc(x, y, radius, fill="none", edge=theme.halo, weight=2.6 * m, clip=plane.rect)
            canvas.disc(x, y, radius, fill="none", edge=theme.mark, weight=1.4 * m, dash="5 4", clip=plane.rect)
        elif marker.kind == "place":
            radius_drawn = (4.2 + 0.6 * marker_radius(marker.count)) * m
            canvas.disc(x, y, radius_drawn, fill=theme.mark, edge=theme.mark_edge, weight=1.2 * m, clip=plane.rect)
            marks.append((x - 5 * m, y - 5 * m, x + 5 * m, y + 5 * m))
            taken.append(marks[-1])
        # incidents of one place share a tag
        away = 5.5 * m if marker.kind == "place" else 0.0
        slot = tags.setdefault((round(at[0] / 3), round(at[1] / 3)), (*at, away, []))
        slot[3].extend([place] if place else [])
    for x, y, away, listed in tags.values():
        if listed:
            _tag(canvas, plane, x, y, away, _runs(listed), taken, size)
    return marks


def _tag_place(plane: Plane, marker: Marker) -> tuple[float, float] | None:
    """Where on a region's outline the list's number stands: inside it would look like a place."""
    outline = shapely.boundary(plane.shapes([marker.area]))
    seen = shapely.get_parts(shapely.line_merge(shapely.intersection(outline, shapely.box(*plane.rect).buffer(-12))))
    if not len(seen):
        return None
    point = shapely.line_interpolate_point(max(seen, key=shapely.length), 0.5, normalized=True)
    return float(point.x), float(point.y)


def _tag(
    canvas: Canvas, plane: Plane, x: float, y: float, away: float, words: str, taken: list[Rect], size: float
) -> None:
    wide, high = text_width(words, 0.9 * size, bold=True) + 0.7 * size, 1.25 * size
    spaces = [(x + away, y - high / 2), (x - away - wide, y - high / 2), (x - wide / 2, y - away - high),
              (x - wide / 2, y + away), (x + away, y - away - high), (x + away, y + away)]  # fmt: skip
    rects = [(a, b, a + wide, b + high) for a, b in spaces]
    free = [r for r in rects if not any(touch(r, t) for t in taken) and _inside(r, plane.rect, 2)]
    rect = (free or rects)[0]
    taken.append(rect)
    canvas.box(rect, fill=canvas.theme.mark, edge=canvas.theme.mark_edge, weight=0.8 * canvas.marks)
    canvas.text((rect[0] + rect[2]) / 2, rect[3] - 0.32 * size, words, 0.9 * size, bold=True, align="center",
               colour=canvas.theme.mark_edge)  # fmt: skip


def _runs(numbers: Sequence[int]) -> str:
    """1, 2, 3, 7 as "1–3, 7"."""
    parts: list[list[int]] = []
    for n in sorted(numbers):
        if parts and n == parts[-1][-1] + 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    return ", ".join(f"{p[0]}" if len(p) == 1 else f"{p[0]}–{p[-1]}" for p in parts)


def _ring_place(plane: Plane, x: float, y: float, radius: float) -> tuple[float, float] | None:
    """A point of a circle that lies on the map, its top first; None where the map shows none of it."""
    for angle in np.radians([270, 315, 225, 0, 180, 45, 135, 90, *range(0, 360, 5)]):
        at = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        if plane.holds(*at, inside=4):
            return at
    return None


def _places(
    canvas: Canvas, plane: Plane, places: Sequence[Sequence[Any]], taken: Sequence[Rect], size: float, most: int,
    *, bold: bool = True, avoid: shapely.Geometry | None = None, marks: Sequence[Rect] = (),
) -> list[Rect]:  # fmt: skip
    """Names beside their places, those that matter most first and largest, none on another; where both stand."""
    m, gap = canvas.marks, 3.2 * canvas.marks
    dots = plane.xy(np.array([(lon, lat) for lat, lon, *_ in places])) if places else np.empty((0, 2))
    shown = [i for i, (x, y) in enumerate(dots) if plane.holds(x, y, inside=3 * m)][: 8 * most]
    names = [plain(places[i][2]) for i in shown]
    heavy = [bool(places[i][4]) and bold for i in shown]
    sizes = [size * _type_size(places[i][3]) for i in shown]
    wide = [text_width(name, s, bold=b) for name, s, b in zip(names, sizes, heavy, strict=True)]
    x0, y0, x1, y1 = plane.rect
    frame = (x0 + 2, y0 + 2, x1 - 2, y1 - 2)
    boxes = [(w + 0.3 * s, 1.05 * s) for w, s in zip(wide, sizes, strict=True)]
    found = place_names([tuple(dots[i]) for i in shown], boxes, frame, taken, gap=gap, most=most, avoid=avoid,
                        smallest=_SMALLEST, marks=marks)  # fmt: skip
    for at, (left, top, _, bottom) in found.items():
        x, y = dots[shown[at]]
        set_in = (bottom - top) / 1.05
        if not any(touch((x, y, x, y), mark) for mark in marks):
            canvas.disc(x, y, 1.5 * m, fill=canvas.theme.ink, edge=canvas.theme.halo, weight=0.7 * m)
        canvas.text(left + 0.15 * set_in, top + 0.84 * set_in, names[at], set_in, bold=heavy[at], halo=2.2 * m)
    r = 2.2 * m
    return [*found.values(), *((x - r, y - r, x + r, y + r) for x, y in dots[[shown[at] for at in found]].tolist())]


def _area_names(canvas: Canvas, plane: Plane, taken: list[Rect], moved: shapely.Geometry, size: float) -> None:
    """Countries, regions and waters where there is room beside the towns, quietly; waters slanted, in their colour."""
    shapely.prepare(moved)
    x0, y0, x1, y1 = plane.rect
    frame = (x0 + 3, y0 + 3, x1 - 3, y1 - 3)
    for name in area_names(plane.view()):
        is_water, is_country = name.kind in ("sea", "river"), name.kind == "country"
        text = plain(name.text.upper() if is_country else name.text)
        type_size = size * (1.0 if is_country else 0.92 if name.kind == "sea" else 0.82)
        wide, high = text_width(text, type_size) + 0.6 * type_size, 1.1 * type_size
        up = 0.75 * high if name.kind == "river" else 0.0  # above the line, not on it

        def is_good(box: Rect, shape: Any = name.shape) -> bool:
            middle = (box[1] + box[3]) / 2
            ends = plane.lonlat(np.array([[box[0], middle], [box[2], middle]]))
            is_at_home = shape is None or bool(shapely.contains_xy(shape, ends).all())
            return is_at_home and not shapely.intersects(moved, shapely.box(*box))

        box = place_area(plane.xy(name.spots) - (0, up), wide, high, frame, taken, is_good=is_good)
        if box:
            taken.append(box)
            canvas.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2 + 0.36 * type_size, text, type_size,
                        colour=canvas.theme.water if is_water else canvas.theme.soft, align="center",
                        halo=0.0 if name.kind == "sea" else 1.6 * canvas.marks,
                        slanted=is_water and can_be_slanted(text))  # fmt: skip


def _type_size(weight: float) -> float:
    """How large a name is set, of the map's size of type, by how much its place matters."""
    return 1.0 if weight >= 1_500_000 else 0.88 if weight >= 400_000 else 0.78


def _inside(a: Rect, b: Rect, gap: float) -> bool:
    return a[0] >= b[0] + gap and a[1] >= b[1] + gap and a[2] <= b[2] - gap and a[3] <= b[3] - gap
