"""The shipped basemap: land, water, borders and places of a box, cut from 10° tiles. No network."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import shapely

from geo.page import ASSETS

SCALE = 10_000  # steps per degree in the tiles: 11 m at most
TILE = 10
AREAS, LINES = ("land", "lakes"), ("rivers", "admin1", "borders", "disputed")
Box = tuple[float, float, float, float]


def cut(box: Box) -> dict[str, Any]:
    """What the basemap has in a box.

    Parameters
    ----------
    box : (west, south, east, north)
        Degrees.

    Returns
    -------
    dict
        ``scale`` (steps per degree), and polygons (``land``, ``lakes``) and lines (``rivers``, ``admin1``,
        ``borders``, ``disputed``), delta-coded.

    Raises
    ------
    MapError
        The shipped basemap is missing.
    """
    # a tenth of a thousandth of the view is less than a pixel: wide views need no finer steps
    thin = max(1, round(SCALE * (box[2] - box[0]) / 12_000))
    edge = shapely.box(box[0], box[1], box[2], box[3])
    found: dict[str, Any] = {"scale": SCALE}
    for name in (*AREAS, *LINES):
        shapes = [shape for tile in _tiles(box) for shape in tile.get(name, ())]
        kept = shapely.clip_by_rect(np.array(shapes, dtype=object), *(v * SCALE for v in edge.bounds)) if shapes else []
        code = _polygons if name in AREAS else _lines
        found[name] = list(code(kept, thin))
    return found


def places(box: Box, lang: str) -> list[list[Any]]:
    """Named places in a box, the largest first.

    Parameters
    ----------
    box : (west, south, east, north)
        Degrees.
    lang : {"en", "uk", "ru"}
        Of the names; English where a place has no other.

    Returns
    -------
    list of [latitude, longitude, name, population, is_capital]

    Raises
    ------
    MapError
        The shipped places are missing.
    """
    column = {"en": 3, "uk": 4, "ru": 5}[lang]
    inside = (p for p in _places() if box[1] <= p[0] <= box[3] and box[0] <= p[1] <= box[2])
    return [[p[0], p[1], p[column] or p[3], p[2], int(bool(p[7]))] for p in inside]


def credits() -> dict[str, dict[str, str]]:
    """Whom to credit for ``units``, ``basemap`` and ``places``: text, licence, url.

    Raises
    ------
    MapError
        The shipped credits are missing.
    """
    found: dict[str, dict[str, str]] = json.loads((ASSETS / "credits.json").read_text(encoding="utf-8"))
    return found


def encode_line(points: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    """Whole-number positions as first position and steps, flat.

    Parameters
    ----------
    points : numpy.ndarray of int64, shape (n, 2)
        Positions in whole steps.

    Raises
    ------
    MapError
        Never.
    """
    return np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=points.dtype)).ravel().tolist()


@lru_cache(maxsize=1)
def _places() -> list[list[Any]]:
    listed: list[list[Any]] = json.loads((ASSETS / "basemap" / "places.json").read_text(encoding="utf-8"))
    return sorted(listed, key=lambda p: (-int(bool(p[7])), -(p[2] or 0), p[3]))


def _tiles(box: Box) -> Iterator[dict[str, list[Any]]]:
    west, south = (math.floor(v / TILE) * TILE for v in box[:2])
    for x in range(west, math.ceil(box[2]), TILE):
        for y in range(south, math.ceil(box[3]), TILE):
            yield _tile(f"{'W' if x < 0 else 'E'}{abs(x):03d}{'S' if y < 0 else 'N'}{abs(y):02d}.json")


@lru_cache(maxsize=32)
def _tile(name: str) -> dict[str, list[Any]]:
    """A tile's shapes in whole steps."""
    with zipfile.ZipFile(ASSETS / "basemap" / "basemap.zip") as archive:
        try:
            raw = json.loads(archive.read(name))
        except KeyError:
            return {}
    shapes: dict[str, list[Any]] = {}
    for layer in AREAS:
        shapes[layer] = [shapely.Polygon(_decode(p[0]), [_decode(h) for h in p[1:]]) for p in raw.get(layer, ())]
    for layer in LINES:
        shapes[layer] = [shapely.LineString(_decode(line)) for line in raw.get(layer, ())]
    return shapes


def _decode(steps: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.cumsum(np.array(steps, dtype=np.int64).reshape(-1, 2), axis=0)


def _polygons(shapes: Any, thin: int) -> Iterator[list[list[int]]]:
    for polygon in shapely.get_parts(shapes) if len(shapes) else ():
        if polygon.geom_type == "Polygon" and polygon.area > thin * thin:
            rings = [_steps(ring, thin) for ring in (polygon.exterior, *polygon.interiors)]
            yield [ring for ring in rings if len(ring) >= 8]


def _lines(shapes: Any, thin: int) -> Iterator[list[int]]:
    for part in shapely.get_parts(shapes) if len(shapes) else ():
        if part.geom_type == "LineString" and part.length > 4 * thin:
            yield _steps(part, thin)


def _steps(line: Any, thin: int) -> list[int]:
    """Positions as steps, without those that a reader could not tell apart at this width of view."""
    return encode_line(np.rint(shapely.get_coordinates(shapely.simplify(line, 0.6 * thin))).astype(np.int64))
