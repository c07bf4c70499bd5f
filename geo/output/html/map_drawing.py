"""The map of a page, drawn twice: as data for its script, and as one SVG for print and readers without scripts."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from markupsafe import Markup

from geo.incidents.markers import marker_radius
from geo.measure.ellipsoid import areas_km2
from geo.output.settlement_layers import MOST_NAMED, DotLayer
from geo.presentation.basemap import STILL_WIDTH as WIDTH
from geo.presentation.basemap import Box, Ground, decode_line, encode_line
from geo.presentation.labels import area
from geo.presentation.language import date_words, gettext
from geo.presentation.legend import StyledLayer
from geo.presentation.map_names import place_area, place_names
from geo.presentation.symbols import Symbol
from geo.presentation.templates import escape, without_unseen
from geo.schema import KM_PER_DEGREE

if TYPE_CHECKING:
    from geo.output.map_content import MapContent

SCALE = 1_000_000  # steps per degree of control on the page: a vertex moves by 0.08 m at most
_REGION_DEGREES = 0.002  # how far the outline of an incident's region may be off: it is no ground that is measured
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class _Frame:
    """An equirectangular projection, true to scale at the middle latitude."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.squeeze = math.cos(math.radians((box[1] + box[3]) / 2))
        wide, high = (box[2] - box[0]) * self.squeeze, box[3] - box[1]
        self.scale = min(WIDTH / wide, 1.2 * WIDTH / high)
        self.height = min(max(high * self.scale, 0.5 * WIDTH), 1.2 * WIDTH)
        # a box of another shape stands in the middle of the picture
        self.west = (WIDTH - wide * self.scale) / 2
        self.north = (self.height - high * self.scale) / 2

    def xy(self, positions: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        x = self.west + (positions[:, 0] - self.box[0]) * self.squeeze * self.scale
        y = self.north + (self.box[3] - positions[:, 1]) * self.scale
        return np.column_stack([x, y])


@dataclass(frozen=True)
class BasemapSvg:
    """What a picture shows under and over the ground that is held: the same for every date of the same box."""

    under: str
    over: str


def basemap_svg(box: Box, outlines: Sequence[shapely.Geometry], base: dict[str, Any] | None) -> BasemapSvg:
    """Land, water and borders under the ground that is held; units over it."""
    frame = _Frame(box)
    over = _draw_lines(outlines, frame, "var(--soft)", 1, "2 3")
    return BasemapSvg("".join(_draw_base(base, frame) if base else []), over)


def draw_static_svg(content: MapContent, *, around: BasemapSvg) -> Markup:
    frame = _Frame(content.bounds)
    parts = [f'<rect width="{WIDTH:g}" height="{frame.height:.0f}" fill="var(--sea)"/>', around.under]
    parts += [_draw_region(area, frame) for area in {s.area_name: s.area for s in content.markers if s.area}.values()]
    for item in (*content.drawn_classes, *content.changes):
        parts.append(_draw_class(item, frame))
    if content.front is not None:
        parts += _draw_front(content.front.lines, frame)
    parts += [_draw_dots(item, frame) for item in content.settlements]
    marks = [*_draw_markers(content, frame), _scale_bar(frame)]
    parts += [around.over, *_draw_places(content.places, content.area_names, frame), *marks]
    size = f'viewBox="0 0 {WIDTH:g} {frame.height:.0f}" width="{WIDTH:g}" height="{frame.height:.0f}"'
    head = f'<svg {size} role="img" aria-label="{escape(content.title)}" font-family="sans-serif">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704  (numbers, and names that are escaped)


def _draw_base(base: dict[str, Any], frame: _Frame) -> list[str]:
    scale = base["scale"]
    areas = [
        f'<path fill="var(--{tone})" fill-rule="evenodd" '
        f'd="{_path((decode_line(r, scale) for p in base[name] for r in p), frame, close=True)}"/>'
        for name, tone in (("land", "land"), ("woods", "wood"), ("built", "built"), ("lakes", "sea"), ("ponds", "sea"))
        if base.get(name)
    ]
    lines = [
        f'<path fill="none" stroke="var(--{tone})" stroke-width="{width}"{dash} '
        f'd="{_path((decode_line(line, scale) for line in base[name]), frame)}"/>'
        for name, tone, width, dash in (
            ("rivers", "river", 1, ""),
            ("streams", "river", 1, ""),
            ("railways", "rail", 1, ' stroke-dasharray="5 2"'),
            ("roads", "road", 1.2, ""),
            ("admin1", "unit", 0.8, ' stroke-dasharray="1 3"'),
            ("borders", "line", 1.6, ""),
            ("disputed", "line", 1.6, ' stroke-dasharray="5 4"'),
        )
        if base.get(name)
    ]
    return areas + lines


def _draw_class(item: StyledLayer, frame: _Frame) -> str:
    tolerance = 0.9 / frame.scale  # under a pixel of the picture
    shapes = shapely.simplify(np.array(item.shapes, dtype=object), tolerance)
    rings = (shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shapes)))
    dash = f' stroke-dasharray="{item.symbol.dash}"' if item.symbol.dash else ""
    return (
        f'<path {_fill(item.symbol)} data-look="{item.symbol.pattern}" fill-rule="evenodd" stroke="{item.symbol.edge}" '
        f'stroke-width="{item.symbol.weight}"{dash} d="{_path(rings, frame, close=True)}"/>'
    )


def _draw_dots(item: DotLayer, frame: _Frame) -> str:
    """Settlements as one line of points, each place of the picture once."""
    xy = np.unique(np.rint(frame.xy(shapely.get_coordinates(np.array(item.shapes, dtype=object)))), axis=0)
    inside = ((xy >= 0) & (xy <= (WIDTH, frame.height))).all(axis=1)
    path = "".join(f"M{x:g} {y:g}h0" for x, y in xy[inside].tolist())
    return (
        f'<path fill="none" stroke="{item.symbol.colour}" stroke-width="{_DOT}" stroke-linecap="round" d="{path}"/>'
        if path else ""
    )  # fmt: skip


_DOT = 3.6  # how wide a settlement's dot is, in pixels of the picture


def _fill(symbol: Symbol) -> str:
    """A class's fill: tiles of an even one would show their seams."""
    if not symbol.even:
        return f'fill="url(#{symbol.pattern})"'
    look = f'class="even-{symbol.even}" color="{symbol.colour}"'
    return f'{look} fill="{symbol.fill}" fill-opacity="{symbol.tile.opacity}"'


def _draw_lines(lines: Sequence[Any], frame: _Frame, colour: str, width: float, dash: str) -> str:
    paths = _path((shapely.get_coordinates(shapely.simplify(line, 1.4 / frame.scale)) for line in lines), frame)
    return f'<path fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}" d="{paths}"/>'


def _path(lines: Iterable[Any], frame: _Frame, *, close: bool = False) -> str:
    out = []
    for line in lines:
        xy = frame.xy(line)
        if len(xy) < 2 or (xy.max(axis=0) < 0).any() or (xy.min(axis=0) > (WIDTH, frame.height)).any():
            continue
        xy = _without_detail_outside(xy, frame)
        # half pixels, each step from the one before, so that errors do not add up
        halves = np.rint(np.clip(xy, -2000, 4000) * 2).astype(np.int64)
        steps = np.diff(halves, axis=0)
        moves = "".join(map(_half, steps[(steps != 0).any(axis=1)].ravel().tolist()))
        if moves:
            out.append(f"M{halves[0, 0] / 2:g} {halves[0, 1] / 2:g}l{moves}" + ("Z" if close else ""))
    return "".join(out)


def _without_detail_outside(
    xy: np.ndarray[Any, np.dtype[np.float64]], frame: _Frame
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A line without what it does beyond one side of the picture: of each run there its two ends are left."""
    for axis, sign, edge in ((0, -1, 0.0), (0, 1, WIDTH), (1, -1, 0.0), (1, 1, frame.height)):
        beyond = sign * (xy[:, axis] - edge) > _PAST
        kept = np.ones(len(xy), dtype=bool)
        kept[1:-1] = ~(beyond[:-2] & beyond[1:-1] & beyond[2:])
        xy = xy[kept]
    return xy


_PAST = 10.0  # pixels beyond which no line is wide enough to be seen


@cache
def _half(count: int) -> str:
    """So many halves as SVG takes them in a row: without a nought before the point, the sign as what parts them."""
    text = {1: ".5", -1: "-.5"}.get(count, f"{count / 2:g}")
    return text if count < 0 else f" {text}"


def _draw_places(places: Sequence[Sequence[Any]], areas: Sequence[Sequence[Any]], frame: _Frame) -> list[str]:
    dots = [tuple(xy) for xy in frame.xy(np.array([(p[1], p[0]) for p in places])).tolist()] if places else []
    edge = (8.0, 8.0, WIDTH - 8, frame.height - 30)  # the scale bar stands below
    shown = [i for i, (x, y) in enumerate(dots) if 0 < x < WIDTH and 0 < y < frame.height][:400]
    sizes = [(0.62 * _NAME_SIZE * len(places[i][2]), 1.15 * _NAME_SIZE) for i in shown]
    found = place_names([dots[i] for i in shown], sizes, edge, [], gap=6, most=_MOST_NAMES)
    drawn = []
    for at, (left, top, _, bottom) in found.items():
        (x, y), (_, _, name, _, capital) = dots[shown[at]], places[shown[at]]
        weight = ' font-weight="700"' if capital else ""
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="var(--label)"/><text x="{left:.1f}" '
            f'y="{bottom - 0.3 * (bottom - top):.1f}" font-size="{_NAME_SIZE}"{weight} fill="var(--label)" '
            f'stroke="var(--halo)" stroke-width="3" paint-order="stroke">{escape(name)}</text>'
        )
    taken = [*found.values(), *((x - 4, y - 4, x + 4, y + 4) for x, y in (dots[shown[at]] for at in found))]
    return drawn + _draw_area_names(areas, frame, edge, taken)


def _draw_area_names(areas: Sequence[Sequence[Any]], frame: _Frame, edge: Box, taken: list[Box]) -> list[str]:
    """Countries, regions and waters where there is room beside the towns."""
    drawn = []
    for kind, name, *spots in areas:
        text = name.upper() if kind == "country" else name
        up = _NAME_SIZE if kind == "river" else 0
        at = frame.xy(np.array(spots, dtype=float).reshape(-1, 2)[:, ::-1]) - (0, up)
        box = place_area(at.tolist(), 0.66 * _NAME_SIZE * len(text), 1.15 * _NAME_SIZE, edge, taken)
        if box:
            taken.append(box)
            look = 'fill="var(--water)" font-style="italic"' if kind in ("sea", "river") else 'fill="var(--soft)"'
            drawn.append(
                f'<text x="{(box[0] + box[2]) / 2:.1f}" y="{box[3] - 0.3 * (box[3] - box[1]):.1f}" font-size="15" '
                f'text-anchor="middle" {look} stroke="var(--halo)" stroke-width="2" paint-order="stroke">'
                f"{escape(text)}</text>"
            )
    return drawn


_NAME_SIZE, _MOST_NAMES = 16, 45


def _draw_front(lines: shapely.Geometry, frame: _Frame) -> list[str]:
    shapes = shapely.get_parts(shapely.simplify(lines, 0.6 / frame.scale))
    path = _path((shapely.get_coordinates(line) for line in shapes), frame)
    return [
        f'<path fill="none" stroke="var(--{tone})" stroke-width="{width}" d="{path}"/>'
        for tone, width in (("halo", 6), ("ink", 3))
    ]


def _draw_region(area: shapely.Geometry, frame: _Frame) -> str:
    shapes = shapely.get_parts(shapely.simplify(area, 0.6 / frame.scale))
    path = _path((shapely.get_coordinates(ring) for ring in shapely.get_rings(shapes)), frame, close=True)
    return (
        '<path fill="var(--incident)" fill-opacity=".035" fill-rule="evenodd" stroke="var(--incident)" '
        f'stroke-width="2" stroke-dasharray="7 5" d="{path}"/>'
    )


def _draw_markers(content: MapContent, frame: _Frame) -> list[str]:
    drawn = []
    for marker in content.markers:
        x, y = frame.xy(np.array([[marker.lon, marker.lat]]))[0]
        if not (0 <= x <= WIDTH and 0 <= y <= frame.height):
            continue
        if marker.kind == "region":
            continue
        if marker.kind == "circle":
            radius = marker.radius_m / 1000 / KM_PER_DEGREE * frame.scale
            drawn.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="none" stroke="var(--incident)" '
                'stroke-width="2" stroke-dasharray="6 5"/>'
            )
        else:
            size = 7 + marker_radius(marker.count)
            drawn.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" fill="var(--incident)" stroke="var(--incident-edge)" '
                'stroke-width="2"/>'
            )
    return drawn


def _scale_bar(frame: _Frame) -> str:
    per_km = frame.scale / KM_PER_DEGREE
    km = max((s for s in _STEPS if s * per_km <= WIDTH / 5), default=1)
    width, y = km * per_km, frame.height - 18
    return (
        f'<path d="M18 {y - 6:.1f}V{y:.1f}H{18 + width:.1f}V{y - 6:.1f}" fill="none" stroke="var(--label)" '
        'stroke-width="2"/>'
        f'<text x="{22 + width:.1f}" y="{y + 2:.1f}" font-size="19" fill="var(--label)" stroke="var(--halo)" '
        f'stroke-width="3" paint-order="stroke">{escape(gettext("{km} km", km=km))}</text>'
    )


def corners(box: Box) -> list[list[float]]:
    """A box in degrees as Leaflet has it: south-west and north-east, latitude first."""
    return [[round(box[1], 5), round(box[0], 5)], [round(box[3], 5), round(box[2], 5)]]


def map_data(content: MapContent) -> dict[str, Any]:
    """Where the map of a page opens, how far it goes, and in which language its script speaks."""
    boxes = {"bounds": content.bounds, "limits": content.limits, "reach": content.reach}
    return {"lang": content.lang, "scale": SCALE, **{name: corners(box) for name, box in boxes.items()}}


def class_data(item: StyledLayer) -> dict[str, Any]:
    """How a class looks, and what a click on it says."""
    return {
        "label": item.label, "pattern": item.symbol.pattern, "edge": item.symbol.edge, "weight": item.symbol.weight,
        "dash": item.symbol.dash, **_evenly(item.symbol), "facts": [list(f) for f in item.facts],
        "patches": patches_of(item.shapes, item.since),
    }  # fmt: skip


def dot_look(item: DotLayer) -> dict[str, Any]:
    """How the settlements of a class look, and what a click on one says besides its name."""
    return {"label": item.label, "colour": item.symbol.colour, "facts": [list(fact) for fact in item.facts]}


def dots_of(layers: Sequence[DotLayer]) -> list[dict[str, Any]]:
    """Where settlements lie, in steps as `places_data` has them; of not too many, what each is called."""
    are_named = sum(len(item.shapes) for item in layers) <= MOST_NAMED
    return [_dots(item, are_named=are_named) for item in layers]


def _dots(item: DotLayer, *, are_named: bool) -> dict[str, Any]:
    at = np.rint(shapely.get_coordinates(np.array(item.shapes, dtype=object)) * _PLACE_SCALE).astype(np.int64)
    found: dict[str, Any] = {"at": encode_line(at)}
    if item.timed:
        found["from"] = [_day_number(day) for day in item.since]
        found["until"] = [0 if day is None else _day_number(day) for day in item.until]
    if are_named:
        texts = {text: n for n, text in enumerate(dict.fromkeys(item.said))}
        since = [date_words(day) for day in item.since]
        days = {text: n for n, text in enumerate(dict.fromkeys(since))}
        found |= {"names": list(item.names), "texts": list(texts), "said": [texts[text] for text in item.said],
                  "days": list(days), "since": [days[text] for text in since]}  # fmt: skip
    return found


def _day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _evenly(symbol: Symbol) -> dict[str, Any]:
    if not symbol.even:
        return {}
    return {"even": symbol.even, "colour": symbol.colour, "fill": symbol.fill, "opacity": symbol.tile.opacity}


def patches_of(shapes: Sequence[shapely.Geometry], since: Sequence[date] = ()) -> list[list[list[str]]]:
    """What a click says of the patch of ground that each polygon is a part of: its km², and since when it is so."""
    parts, owner = shapely.get_parts(np.array(shapes, dtype=object), return_index=True)
    if not len(parts):
        return []
    whole = shapely.get_parts(shapely.union_all(parts))
    km2 = areas_km2(whole)
    # a point of each polygon tells of which patch it is; of one that lies on a border, the nearest
    patch = shapely.STRtree(whole).nearest(shapely.point_on_surface(parts))
    last: dict[int, date] = {}
    for number, shape in zip(patch.tolist(), owner.tolist(), strict=True) if len(since) else ():
        last[number] = max(since[shape], last.get(number, since[shape]))
    return [
        [
            [gettext("This patch"), area(float(km2[n]))],
            *([[gettext("In this shape since"), date_words(last[n])]] if last else []),
        ]
        for n in patch.tolist()
    ]


def rings(shapes: Sequence[shapely.Geometry]) -> list[list[list[int]]]:
    """Every polygon as its rings."""
    polygons = shapely.get_parts(np.array(shapes, dtype=object))
    return [[_steps(r) for r in shapely.get_rings(p)] for p in polygons]


def shapes_of(content: MapContent) -> dict[str, Any]:
    """Everything that is drawn but the ground under it, in steps of 1 / `SCALE` degree."""
    regions = {s.area_name: s.area for s in content.markers if s.area is not None}
    outlined = {name: shapely.simplify(area, _REGION_DEGREES) for name, area in regions.items()}
    front = [] if content.front is None else shapely.get_parts(content.front.lines)
    return {
        "classes": [rings(item.shapes) for item in content.drawn_classes],
        "changes": [rings(item.shapes) for item in content.changes],
        "front": [_steps(line) for line in front],
        "dots": dots_of(content.spans or content.settlements),
        "places": places_data(content.places),
        "areas": content.area_names,
        "regions": {name: rings([area]) for name, area in outlined.items()},
    }


def places_data(places: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Names in columns, those that matter most first; how much, to two digits, decides from which zoom on."""
    return {
        "names": [name for _, _, name, _, _ in places],
        "lat": [round(lat * _PLACE_SCALE) for lat, *_ in places],
        "lon": [round(lon * _PLACE_SCALE) for _, lon, *_ in places],
        "weights": [int(float(f"{weight:.2g}")) for *_, weight, _ in places],
        "capitals": [int(capital) for *_, capital in places],
    }


_PLACE_SCALE = 10_000  # steps per degree of a place, as they are shipped


def _steps(line: Any) -> list[int]:
    """A line as its first position and the steps from each to the next, flat."""
    whole = np.rint(shapely.get_coordinates(line) * SCALE).astype(np.int64)
    return encode_line(whole)


@dataclass(frozen=True)
class BaseLayer:
    """The parts of a page that are the same for every date of the same reach."""

    packed: str
    around: BasemapSvg
    is_mapped: bool


@lru_cache(maxsize=4)
def base_layer(ground: Ground) -> BaseLayer:
    """The ground under a page, packed for its script and drawn for its picture."""
    beneath = {"basemap": ground.base, "units": ground.units, "line_scale": ground.line_scale}
    around = basemap_svg(ground.bounds, ground.outlines, ground.coarse)
    return BaseLayer(packed(beneath), around, ground.base is not None)


def packed(document: Any) -> str:
    """A document deflated, as a page unpacks it: JSON, a zero byte, and the numbers of all its lists of whole numbers.

    In the JSON a list of n whole numbers stands as [n]. The numbers are folded (0, -1, 1, -2, … as 0, 1, 2, 3, …), and
    first come the lowest bytes of all, then the next: that deflates to two thirds of what it does as text.
    """
    numbers: list[int] = []

    def without(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: without(one) for name, one in value.items()}
        if not isinstance(value, list | tuple):
            return value
        if value and all(type(one) is int for one in value):
            numbers.extend(value)
            return [len(value)]
        return [without(one) for one in value]

    text = without_unseen(json.dumps(without(document), ensure_ascii=False, separators=(",", ":"))).encode()
    whole = np.array(numbers, dtype=np.int64)
    folded = ((whole << 1) ^ (whole >> 63)).astype("<u4")
    planes = folded.view(np.uint8).reshape(-1, 4).T.tobytes()
    return base64.b64encode(deflate(text + b"\0" + planes)).decode()


def deflate(raw: bytes) -> bytes:
    """Bytes as a browser's ``DecompressionStream("deflate-raw")`` takes them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 8)
    return packer.compress(raw) + packer.flush()
