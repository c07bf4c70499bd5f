"""A local equal-area plane for pictures: degrees to points of a canvas, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.presentation.basemap import Box

EARTH_KM = 6371.0072  # the sphere of the ellipsoid's area
_FINE = 0.25  # degrees: longer edges are drawn bent, as straight ones in longitude and latitude lie
Points = NDArray[np.float64]
Rect = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plane:
    """An equal-area plane laid on a rectangle of the canvas; y goes down."""

    lon: float
    lat: float
    rect: Rect
    points_per_km: float
    shift: tuple[float, float]

    def xy(self, positions: Points) -> Points:
        """Longitudes and latitudes, shape (n, 2) in degrees, as points of the canvas."""
        x, y = _plane_km(positions, self.lon, self.lat)
        k = self.points_per_km
        return np.column_stack([self.shift[0] + k * x, self.shift[1] - k * y])

    def lonlat(self, points: Points) -> Points:
        """Points of the canvas, shape (n, 2), as longitudes and latitudes in degrees."""
        x = (points[:, 0] - self.shift[0]) / self.points_per_km / EARTH_KM
        y = (self.shift[1] - points[:, 1]) / self.points_per_km / EARTH_KM
        rho = np.hypot(x, y)
        c = 2 * np.arcsin(np.clip(rho / 2, 0, 1))
        middle = math.radians(self.lat)
        safe = np.where(rho == 0, 1, rho)
        sine = np.cos(c) * math.sin(middle) + y * np.sin(c) * math.cos(middle) / safe
        lon = np.arctan2(x * np.sin(c), rho * math.cos(middle) * np.cos(c) - y * math.sin(middle) * np.sin(c))
        return np.column_stack([self.lon + np.degrees(lon), np.degrees(np.arcsin(np.clip(sine, -1, 1)))])

    def shapes(self, shapes: Any, *, pixel: float = 0.15) -> Any:
        """Geometries of EPSG:4326 on the canvas, without what a reader could not see."""
        listed = np.asarray(shapes, dtype=object)
        if not len(listed):
            return listed
        laid = shapely.transform(shapely.segmentize(listed, _FINE), self.xy)
        seen = shapely.intersects(shapely.envelope(laid), shapely.box(*self.rect).buffer(2))
        return shapely.simplify(laid[seen], pixel, preserve_topology=False)

    def border(self) -> Points:
        """The rectangle's border as longitudes and latitudes, closed, shape (n, 2)."""
        ring = shapely.segmentize(shapely.box(*self.rect).exterior, (self.rect[2] - self.rect[0]) / 24)
        return self.lonlat(shapely.get_coordinates(ring))

    def view(self) -> Box:
        """The box of degrees that the rectangle shows."""
        border = self.border()
        (west, south), (east, north) = border.min(axis=0), border.max(axis=0)
        return max(west, -180.0), max(south, -85.0), min(east, 180.0), min(north, 85.0)

    def holds(self, x: float, y: float, *, inside: float = 0.0) -> bool:
        """Whether a point of the canvas lies on the map, so many points inside its border."""
        x0, y0, x1, y1 = self.rect
        return bool(x0 + inside <= x <= x1 - inside and y0 + inside <= y <= y1 - inside)


def lay(box: Box, rect: Rect) -> Plane:
    """The plane that shows a box of degrees as large as a rectangle of the canvas allows, in its middle."""
    lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    step = max(box[2] - box[0], box[3] - box[1]) / 40
    ring = shapely.get_coordinates(shapely.segmentize(shapely.box(*box).exterior, step))
    x, y = _plane_km(ring, lon, lat)
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    k = min((rect[2] - rect[0]) / wide, (rect[3] - rect[1]) / high)
    shift = (
        (rect[0] + rect[2]) / 2 - k * float(x.max() + x.min()) / 2,
        (rect[1] + rect[3]) / 2 + k * float(y.max() + y.min()) / 2,
    )
    return Plane(lon, lat, rect, k, shift)


def proportion(box: Box) -> float:
    """Height by width of a box of degrees on its plane."""
    unit = lay(box, (0, 0, 1, 1e9))
    ring = shapely.get_coordinates(shapely.segmentize(shapely.box(*box).exterior, 0.5))
    y = unit.xy(ring)[:, 1]
    return float(np.ptp(y))


def _plane_km(positions: Points, lon: float, lat: float) -> tuple[Points, Points]:
    along, across = np.radians(positions[:, 0] - lon), np.radians(positions[:, 1])
    middle = math.radians(lat)
    cosine = math.sin(middle) * np.sin(across) + math.cos(middle) * np.cos(across) * np.cos(along)
    k = EARTH_KM * np.sqrt(2 / np.maximum(1 + cosine, 1e-6))
    x = k * np.cos(across) * np.sin(along)
    y = k * (math.cos(middle) * np.sin(across) - math.sin(middle) * np.cos(across) * np.cos(along))
    return x, y
