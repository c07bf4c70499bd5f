"""The shipped basemap: land, water and borders of a box, cut from 10° tiles. No network."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import numpy as np
import shapely

from geo.assets import ASSETS
from geo.schema import KM_PER_DEGREE

SCALE = 10_000  # steps per degree in the tiles: 11 m at most
TILE = 10
_RIVER_OFF = 0.03  # degrees by which lines of rivers lie off their beds, at most
_BESIDE = 0.01  # degrees by which a river of an extract may lie beside the shipped line of it
STILL_WIDTH = 1000.0  # of the picture on a page, in pixels
AREAS, LINES = ("land", "lakes"), ("rivers", "admin1", "borders", "disputed")
# of the shipped tiles, too, in views that are narrow enough: from which rank of an extract on
_SMALL_WATER = {"streams": 1, "ponds": 1}
_BANKS = 2  # from which rank on large rivers are drawn by their banks
_POND_SHARE = 160  # of a view's width, as the side of a square, that a pond has at least
# of an extract of the owner's own (geo basemap), in the order in which they are drawn, over land and under borders
OWN_AREAS, OWN_LINES = ("woods", "built", "ponds"), ("streams", "railways", "roads")
# the width of a view in km up to which each rank of an extract is drawn
_RANKS = ((60.0, 4), (130.0, 3), (320.0, 2), (900.0, 1))
Box = tuple[float, float, float, float]


def cut(box: Box, *, view: Box | None = None) -> dict[str, Any]:
    """What the basemap has in a box, as fine as a view of it needs."""
    seen = view or box
    finest = finest_rank(seen)
    thin, step = _thinning(box), _step(box)
    found: dict[str, Any] = {"scale": SCALE / step}
    tiles = list(_tiles(box))
    small = [name for name, rank in _SMALL_WATER.items() if rank <= finest]
    for name in (*AREAS, *LINES, *small):
        near = padded(seen, 0.3) if name in small else box  # small water is drawn where the map opens
        edge = tuple(v * SCALE for v in (*np.maximum(near[:2], box[:2]), *np.minimum(near[2:], box[2:])))
        # large rivers have ponds for banks in narrow views, and a line in wide ones
        parts = ("rivers", "channels") if name == "rivers" and finest < _BANKS else (name,)
        shapes = [shape for tile in tiles for part in parts for shape in tile.get(part, ())]
        kept = shapely.clip_by_rect(np.array(shapes, dtype=object), *edge) if shapes else []
        if name == "ponds":
            kept = [pond for pond in kept if pond.area > (SCALE * (seen[2] - seen[0]) / _POND_SHARE) ** 2]
        code = _polygons if name in (*AREAS, *OWN_AREAS) else _lines
        found[name] = list(code(kept, 2 * thin if name in ("rivers", "admin1") and view else thin, step))
    return found


_valid = lru_cache(maxsize=4096)(shapely.make_valid)  # the same few shapes for box after box


def water(box: Box) -> shapely.Geometry:
    """Lakes, sea and large rivers of a box, in degrees; rivers are as wide as their lines may lie off."""
    whole = shapely.box(*(v * SCALE for v in box))
    layers = ("land", "lakes", "rivers", "channels")
    tiles = list(_tiles(box))
    drawn = {name: np.array([s for tile in tiles for s in tile.get(name, ())], dtype=object) for name in layers}
    met = {name: shapes[shapely.intersects(shapes, whole)] for name, shapes in drawn.items()}
    united = {name: shapely.union_all([_valid(shape) for shape in met[name]]) for name in layers}
    land, lakes, rivers = united["land"], united["lakes"], shapely.union(united["rivers"], united["channels"])
    inland = shapely.union(lakes, shapely.buffer(rivers, _RIVER_OFF * SCALE, quad_segs=2))
    found = shapely.union(shapely.difference(whole, land), shapely.intersection(inland, whole))
    return shapely.transform(found, lambda xy: xy / SCALE)


def padded(box: Box, share: float = 0.15) -> Box:
    """A box with a margin of a share of its width and height, within the range of the map's projection."""
    dx, dy = (max(share * (box[i + 2] - box[i]), 0.05) for i in (0, 1))
    west, south, east, north = box[0] - dx, box[1] - dy, box[2] + dx, box[3] + dy
    return (max(west, -180.0), max(south, -85.0), min(east, 180.0), min(north, 85.0))


def around(boxes: Sequence[Box]) -> Box:
    """The box around boxes."""
    west, south, east, north = shapely.union_all([shapely.box(*b) for b in boxes]).bounds
    return west, south, east, north


def _seen(reach: Box, bounds: Box) -> Box:
    """The view that small water is cut to: the middle of the reach, which near dates share, where that holds it."""
    middle, half = ((reach[0] + reach[2]) / 2, (reach[1] + reach[3]) / 2), 1 / 6.4
    dx, dy = half * (reach[2] - reach[0]), half * (reach[3] - reach[1])
    central = (middle[0] - dx, middle[1] - dy, middle[0] + dx, middle[1] + dy)
    held = shapely.box(*padded(central, 0.3)).contains(shapely.box(*bounds))
    return central if held and bounds[2] - bounds[0] > dx else bounds


def outward(box: Box) -> Box:
    """A box widened to round numbers, by a thirtieth of its width at most, so that maps of near dates share theirs."""
    step = 2.0 ** math.floor(math.log2((box[2] - box[0]) / 60))
    west, south = (math.floor(v / step) * step for v in box[:2])
    east, north = (math.ceil(v / step) * step for v in box[2:])
    return max(west, -180.0), max(south, -85.0), min(east, 180.0), min(north, 85.0)


def reach_of(limits: Box) -> Box:
    """How far the ground is drawn: beyond the limits, and far enough for an upright screen as for a wide one."""
    west, south, east, north = padded(limits, 0.5)
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, high = (east - west) * squeeze, north - south
    dx = max(0.0, 0.8 * high - wide) / squeeze / 2
    dy = max(0.0, 0.8 * wide - high) / 2
    return max(west - dx, -180.0), max(south - dy, -85.0), min(east + dx, 180.0), min(north + dy, 85.0)


def wide(reach: Box, bounds: Box) -> Box:
    """The reach, and as far to both sides as a map shows that is low and wide, with all controls under it."""
    half = 1.35 * (bounds[3] - bounds[1]) / math.cos(math.radians((bounds[1] + bounds[3]) / 2))
    middle = (bounds[0] + bounds[2]) / 2
    return max(min(reach[0], middle - half), -180.0), reach[1], min(max(reach[2], middle + half), 180.0), reach[3]


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies under a map's classes: the same for every date of the same view."""

    bounds: Box
    base: dict[str, Any] | None
    coarse: dict[str, Any] | None  # `base` for a picture of the bounds
    outlines: Sequence[shapely.Geometry]
    units: Sequence[Sequence[int]]  # `outlines` in steps of 1 / `line_scale` degree
    line_scale: float


def finest_rank(box: Box) -> int:
    """Which roads and the like of an extract a view of a box shows: up to this rank, 0 for none."""
    wide = (box[2] - box[0]) * KM_PER_DEGREE * math.cos(math.radians((box[1] + box[3]) / 2))
    return next((rank for km, rank in _RANKS if wide <= km), 0)


def with_extract(base: dict[str, Any], extract: Sequence[tuple[str, shapely.Geometry, Any]]) -> dict[str, Any]:
    """The basemap of a box with what an extract has there, in the same steps."""
    step = round(SCALE / base["scale"])
    for name in (*OWN_AREAS, *OWN_LINES):
        shapes = [shapely.transform(shape, lambda xy: xy * SCALE) for kind, shape, _ in extract if kind == name]
        own = list((_polygons if name in OWN_AREAS else _lines)(shapes, step, step)) if shapes else []
        if own and name == "streams":
            near = shapely.buffer(shapely.union_all(np.array(shapes, dtype=object)), _BESIDE * SCALE, quad_segs=2)
            for shipped in ("rivers", "streams"):
                base[shipped] = list(_beyond(base.get(shipped, []), near, step))
        base[name] = [*base.get(name, []), *own]
    return base


def _beyond(lines: Sequence[Sequence[int]], near: shapely.Geometry, step: int) -> Iterator[list[int]]:
    """Lines without what lies by a finer one of the owner's own."""
    for line in lines:
        whole = shapely.linestrings(np.cumsum(np.array(line).reshape(-1, 2), axis=0) * step)
        yield from _lines([shapely.difference(whole, near)], step, step)


def ground_of(
    reach: Box, bounds: Box, outlines: Sequence[shapely.Geometry],
    extract: Sequence[tuple[str, shapely.Geometry, Any]], *, draw_basemap: bool,
) -> Ground:  # fmt: skip
    """The ground under a map; maps of one view share it."""
    own = tuple((kind, shape, None) for kind, shape, _ in extract)
    return _ground(reach, bounds, tuple(outlines), draw_basemap, own)


@lru_cache(maxsize=4)
def _ground(
    reach: Box, bounds: Box, outlines: tuple[shapely.Geometry, ...], draw_basemap: bool,
    extract: tuple[tuple[str, shapely.Geometry, Any], ...],
) -> Ground:  # fmt: skip
    seen = _seen(reach, bounds)
    base = with_extract(cut(reach, view=seen), extract) if draw_basemap else None
    if base and outlines:
        base["admin1"] = []  # the archive's own units are drawn instead
    near = padded(seen, 0.5)
    return Ground(
        bounds=bounds, base=base, coarse=base and coarser(base, bounds),
        outlines=outlines, units=encode_lines(outlines, reach, near=near), line_scale=scale_of(reach),
    )  # fmt: skip


def coarser(base: Mapping[str, Any], box: Box) -> dict[str, Any]:
    """The basemap as a still picture needs it: what lies in its box, to a pixel."""
    scale = base["scale"]
    pixel = 1.3 * scale * max((box[2] - box[0]) / STILL_WIDTH, (box[3] - box[1]) / STILL_WIDTH / 1.2)
    edges = [v * scale for v in padded(box, 0.02)]
    found: dict[str, Any] = {"scale": scale}
    areas = (*AREAS, *OWN_AREAS)
    for name in (*areas, *LINES, *OWN_LINES):
        listed = base.get(name, [])
        rings: Sequence[Any] = [r for p in listed for r in p] if name in areas else listed
        whole = [np.cumsum(np.array(r).reshape(-1, 2), axis=0) for r in rings]
        close = [r for r in whole if (r.max(axis=0) >= edges[:2]).all() and (r.min(axis=0) <= edges[2:]).all()]
        close = [r for r in close if name != "ponds" or np.ptp(r, axis=0).min() > 6 * pixel]
        kept = [np.rint(shapely.get_coordinates(shapely.simplify(shapely.linestrings(r), pixel))) for r in close]
        coded = [encode_line(r.astype(np.int64)) for r in kept]
        found[name] = [coded] if name in areas else coded
    return found


def credits() -> dict[str, dict[str, str]]:
    """Whom to credit for ``units``, ``basemap`` and ``places``: text, licence, url."""
    found: dict[str, dict[str, str]] = json.loads((ASSETS / "credits.json").read_text(encoding="utf-8"))
    return found


def encode_line(points: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    """Whole-number positions as first position and steps, flat."""
    return np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=points.dtype)).ravel().tolist()


def decode_line(steps: Sequence[int], scale: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What `encode_line` gives as positions again, in degrees."""
    return np.cumsum(np.array(steps, dtype=np.float64).reshape(-1, 2), axis=0) / scale


def touch(a: Box, b: Box) -> bool:
    """Whether two rectangles meet."""
    return not (a[2] < b[0] or a[0] > b[2] or a[3] < b[1] or a[1] > b[3])


def encode_lines(lines: Sequence[Any], box: Box, *, near: Box) -> list[list[int]]:
    """Lines in steps of 1 / `scale_of` degree, coarser away from the subject."""
    shapes = np.array(lines, dtype=object)
    close = shapely.intersects(shapes, shapely.box(*near))
    scaled = shapely.transform(shapes, lambda xy: xy * SCALE)
    thin = _thinning(box)
    step = _step(box)
    return [*_lines(scaled[close], thin, step), *_lines(scaled[~close], 4 * thin, step)]


def scale_of(box: Box) -> float:
    """Steps per degree of the lines of a map that reaches so far."""
    return SCALE / _step(box)


def _thinning(box: Box) -> int:
    # a tenth of a thousandth of the view is less than a pixel: wide views need no finer steps
    return max(1, round(SCALE * (box[2] - box[0]) / 12_000))


def _step(box: Box) -> int:
    # positions need no finer steps than a third of what is left out between them
    return max(1, _thinning(box) // 3)


@cache
def packed_tiles(name: str) -> zipfile.ZipFile:
    """A file of tiles, in memory: a wide view asks for hundreds of them, and a process of its own may, too."""
    return zipfile.ZipFile(io.BytesIO((ASSETS / "basemap" / name).read_bytes()))


def _tiles(box: Box) -> Iterator[dict[str, list[Any]]]:
    return (_tile(f"{name}.json") for name in tile_names(box))


def tile_names(box: Box) -> Iterator[str]:
    west, south = (math.floor(v / TILE) * TILE for v in box[:2])
    for x in range(west, math.ceil(box[2]), TILE):
        for y in range(south, math.ceil(box[3]), TILE):
            yield f"{'W' if x < 0 else 'E'}{abs(x):03d}{'S' if y < 0 else 'N'}{abs(y):02d}"


@lru_cache(maxsize=128)
def _tile(name: str) -> dict[str, list[Any]]:
    """A tile's shapes in whole steps."""
    try:
        raw = json.loads(packed_tiles("basemap.zip").read(name))
    except KeyError:
        return {}
    shapes: dict[str, list[Any]] = {}
    for layer in (*AREAS, "ponds"):
        polygons = raw.get(layer, ())
        rings = [ring for polygon in polygons for ring in polygon]
        owner = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
        shapes[layer] = list(shapely.polygons(_decoded(rings, shapely.linearrings), indices=owner)) if rings else []
    for layer in (*LINES, "streams", "channels"):
        shapes[layer] = list(_decoded(raw.get(layer, ()), shapely.linestrings))
    return shapes


def _decoded(lines: Sequence[Sequence[int]], make: Callable[..., Any]) -> Any:
    """Lines that are written as their first position and the steps on from it: all at once, there are thousands."""
    sizes = np.array([len(line) // 2 for line in lines], dtype=np.intp)
    steps = np.fromiter(chain.from_iterable(lines), dtype=np.int64, count=2 * int(sizes.sum())).reshape(-1, 2)
    xy = np.cumsum(np.concatenate([np.zeros((1, 2), dtype=np.int64), steps]), axis=0)
    before = np.repeat(xy[np.cumsum(sizes) - sizes], sizes, axis=0)
    return make((xy[1:] - before).astype(float), indices=np.repeat(np.arange(len(sizes)), sizes))


def _polygons(shapes: Any, thin: int, step: int) -> Iterator[list[list[int]]]:
    for polygon in shapely.get_parts(shapes) if len(shapes) else ():
        if polygon.geom_type == "Polygon" and polygon.area > thin * thin:
            rings = [_steps(ring, thin, step) for ring in (polygon.exterior, *polygon.interiors)]
            # a ring of which only one position is left at this width is none
            yield [ring for ring in rings if len(ring) >= 8 and any(ring[2:])]


def _lines(shapes: Any, thin: int, step: int) -> Iterator[list[int]]:
    for part in shapely.get_parts(shapes) if len(shapes) else ():
        if part.geom_type == "LineString" and part.length > 4 * thin:
            yield _steps(part, thin, step)


def _steps(line: Any, thin: int, step: int) -> list[int]:
    """Positions as steps, without those that a reader could not tell apart at this width of view."""
    return encode_line(np.rint(shapely.get_coordinates(shapely.simplify(line, 0.6 * thin)) / step).astype(np.int64))
