"""Areas and lengths on the WGS 84 ellipsoid.

An edge is straight in longitude and latitude, as RFC 7946 (section 3.1.1) says and as planar overlays take it.
Then the strip between an edge and the equator has the area (a²/2) · Δλ · mean(q), with q the authalic function of
the latitude (Snyder, Map Projections: A Working Manual, 1987, equation 3-12). The sum over the edges of a ring is
its area, so areas are additive: the parts of an overlay sum to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.enums import TransformDirection

from geo.errors import GateError, UsageError

Edges = Literal["rfc7946", "geodesic"]
Floats = NDArray[np.float64]

_A_KM = 6378.137
_F = 1 / 298.257223563
_E2 = _F * (2 - _F)
_SCALE = _A_KM**2 / 2 * np.pi / 180
_SHORT_DEGREES = 0.1
_CHUNK = 1 << 13
# a band of latitudes, in which and half a band beyond it a polynomial of this degree is q to the last bit
_BAND_DEGREES, _DEGREE = 15.0, 12
_STEP_DEGREES = 0.02
# below it no ground is told from the rounding of sums: a square of three centimetres, and of what was summed this share
RESIDUE_KM2, _RESIDUE_SHARE = 1e-9, 1e-13
_SQUARE_METRE_KM2 = 1e-6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def area_km2(geometries: gpd.GeoSeries, *, edges: Edges = "rfc7946") -> pd.Series:
    """Area of every geometry on the WGS 84 ellipsoid.

    Parameters
    ----------
    geometries : geopandas.GeoSeries
        Longitude and latitude in degrees (EPSG:4326); a series in another CRS is transformed first, one without a
        CRS is taken as EPSG:4326. Any geometry type; only the areal parts count. Rings may turn either way.
    edges : {"rfc7946", "geodesic"}
        ``rfc7946``: edges straight in longitude and latitude (the default; additive under planar overlays).
        ``geodesic``: shortest lines, to match GeographicLib or PostGIS ``geography``.

    Returns
    -------
    pandas.Series
        km², float64, on the index of `geometries`, named ``area_km2``. Empty geometries and those without area are
        0.0, missing ones NaN.

    Raises
    ------
    GateError
        A ring runs around a pole, or a latitude is beyond ±90°, or a coordinate is not finite.
    UsageError
        `edges` is neither of the two.

    Notes
    -----
    Longitudes are taken the short way round (Δλ in (-180°, 180°]), so a ring across the antimeridian needs no cut.

    Examples
    --------
    >>> import geopandas, shapely
    >>> geo.area_km2(geopandas.GeoSeries([shapely.box(35, 51, 36, 52)], crs="EPSG:4326")).round(1).tolist()
    [7725.7]
    """
    if edges not in ("rfc7946", "geodesic"):
        raise UsageError(f"edges={edges!r} is unknown: 'rfc7946' or 'geodesic'")
    if geometries.crs is not None and geometries.crs != "EPSG:4326":
        geometries = geometries.to_crs("EPSG:4326")
    values = areas_km2(np.asarray(geometries.array, dtype=object), edges=edges)
    return pd.Series(values, index=geometries.index, name="area_km2")


def areas_km2(geometries: NDArray[np.object_], *, edges: Edges = "rfc7946") -> Floats:
    """Areas in km² of an array of shapely geometries in EPSG:4326 degrees."""
    geometries = np.asarray(geometries, dtype=object)
    total = np.zeros(len(geometries))
    total[shapely.is_missing(geometries)] = np.nan
    owner, polygons = _polygons(geometries)
    if not len(polygons):
        return total
    # get_rings gives each polygon's shell first: the first ring of a polygon adds, the others take away.
    rings, polygon_of_ring = shapely.get_rings(polygons, return_index=True)
    filled = ~shapely.is_empty(rings)  # a hole may be empty
    rings, polygon_of_ring = rings[filled], polygon_of_ring[filled]
    ring_areas = _geodesic_ring_areas(rings) if edges == "geodesic" else _ring_areas(rings)
    is_shell = np.ones(len(rings), dtype=bool)
    is_shell[1:] = polygon_of_ring[1:] != polygon_of_ring[:-1]
    signed = np.where(is_shell, ring_areas, -ring_areas)
    np.add.at(total, owner[polygon_of_ring], signed)
    gross = np.zeros(len(total))
    np.add.at(gross, owner[polygon_of_ring], ring_areas)
    total[total <= _RESIDUE_SHARE * gross] = 0.0  # holes that leave nothing
    return total


def km2_of(geometry: shapely.Geometry | None) -> float | None:
    """The area of one geometry in km²; None where it has none that can be measured."""
    # of every ring: the bounds of a polygon leave out its holes
    xy = np.zeros((0, 2)) if geometry is None else shapely.get_coordinates(geometry)
    if geometry is None or not (np.abs(xy) <= (360.0, 90.0)).all():  # not a number is not within either
        return None
    return max(0.0, float(areas_km2(np.array([geometry], dtype=object))[0]))


def without_residue(km2: Floats | float, *, of: Floats | float = 0.0, signed: bool = False) -> Floats:
    """km² in which what the rounding of sums of amounts up to `of` left is 0; an area, unlike a net, is never below."""
    values = np.asarray(km2, dtype=np.float64)
    limit = np.clip(_RESIDUE_SHARE * np.abs(of), RESIDUE_KM2, _SQUARE_METRE_KM2 / 2)
    return np.where((np.abs(values) if signed else values) <= limit, 0.0, values)


def running_areas_km2(growth: Floats) -> Floats:
    """The area after each step of growth in km², along the first axis."""
    total = np.cumsum(growth, axis=0)
    return without_residue(total, of=total.max(axis=0, initial=0.0))


def edge_areas_km2(x0: Floats, y0: Floats, x1: Floats, y1: Floats, *, reference: Floats | float = 0.0) -> Floats:
    """Signed area in km² between each edge and a parallel, positive where the edge runs west to its north."""
    width = shortest_longitude(x1 - x0)
    parallel = np.broadcast_to(np.asarray(reference, dtype=np.float64), width.shape)
    mean_q = np.empty(len(width))
    for start in range(0, len(width), _CHUNK):  # chunks stay in the processor's cache
        part = slice(start, start + _CHUNK)
        mean_q[part] = _mean_q(y0[part], y1[part], parallel[part])
    return -_SCALE * width * mean_q


def shortest_longitude(delta: Floats) -> Floats:
    """Bring differences of longitude, in degrees, into (-180, 180]."""
    if not delta.size or (delta.max() < 180 and delta.min() > -180):
        return delta
    wide = np.abs(delta) >= 180
    wrapped = delta.copy()
    wrapped[wide] = 180 - np.mod(180 - delta[wide], 360)
    return wrapped


def _polygons(geometries: NDArray[np.object_]) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Every polygon inside the geometries, collections opened at any depth, with the index of its owner."""
    owner = np.arange(len(geometries))
    while (nested := np.isin(shapely.get_type_id(geometries), (4, 5, 6, 7))).any():
        parts, index = shapely.get_parts(geometries[nested], return_index=True)
        owner = np.concatenate([owner[~nested], owner[nested][index]])
        geometries = np.concatenate([geometries[~nested], parts])
    keep = (shapely.get_type_id(geometries) == 3) & ~shapely.is_empty(geometries)
    return owner[keep], geometries[keep]


def _ring_areas(rings: NDArray[np.object_]) -> Floats:
    """Unsigned km² of linear rings, edges straight in longitude and latitude."""
    xy = shapely.get_coordinates(rings)
    _check_range(xy[:, 0], xy[:, 1])
    if np.ptp(xy[:, 0]) >= 360:
        rings = _with_edges_round_the_globe_cut(rings)
        xy = shapely.get_coordinates(rings)
    counts = shapely.get_num_coordinates(rings)
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    # The edge from a ring's last vertex to the next ring's first is no edge: its amount is set to zero.
    last = np.cumsum(counts) - 1
    amounts = np.zeros(len(x))
    first = last - counts + 1
    low, high = np.minimum.reduceat(y, first), np.maximum.reduceat(y, first)
    narrow = high - low < _BAND_DEGREES
    bands = np.floor((low + high) / 2 / _BAND_DEGREES)
    for band in np.unique(bands[narrow]).tolist():
        mine = narrow & (bands == band)
        edges = slice(None) if mine.all() else np.repeat(mine, counts)[:-1]
        x0, y0, x1, y1 = (v[edges] for v in (x[:-1], y[:-1], x[1:], y[1:]))
        amounts[:-1][edges] = _band_amounts(x0, y0, x1, y1, int(band))
    if not narrow.all():
        edges = np.repeat(~narrow, counts)[:-1]
        parallel = np.repeat(y[first], counts)[:-1][edges]
        x0, y0, x1, y1 = (v[edges] for v in (x[:-1], y[:-1], x[1:], y[1:]))
        amounts[:-1][edges] = edge_areas_km2(x0, y0, x1, y1, reference=parallel)
    amounts[last] = 0.0
    _refuse_poles(x, first, last)
    return np.abs(np.add.reduceat(amounts, first))


def _with_edges_round_the_globe_cut(rings: NDArray[np.object_]) -> NDArray[np.object_]:
    """An edge of 360° goes once round where the ring is sound on paper; else it only steps over the antimeridian."""
    made = rings.copy()
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    round_it = (np.abs(np.diff(xy[:, 0])) >= 360) & (ring[1:] == ring[:-1])
    for i in np.unique(ring[1:][round_it]):
        if shapely.is_valid(shapely.Polygon(rings[i])):
            made[i] = shapely.segmentize(rings[i], 120)
    return made


def _refuse_poles(x: Floats, first: NDArray[np.intp], last: NDArray[np.intp]) -> None:
    if x.max() - x.min() <= 180:
        return
    steps = np.append(shortest_longitude(np.diff(x)), 0.0)
    steps[last] = 0.0
    turns = np.add.reduceat(steps, first)
    if (np.abs(turns) > 1).any():
        raise GateError("a ring runs around a pole: cut it along a meridian before it is measured")


def _check_range(x: Floats, y: Floats) -> None:
    east, north = (max(-v.min(initial=0.0), v.max(initial=0.0)) for v in (x, y))  # NaN comes through
    if not np.isfinite([east, north]).all():
        raise GateError("a coordinate is not a finite number")
    if north > 90:
        raise GateError("a latitude is beyond ±90°: are these metres, or latitude and longitude swapped?")
    if east > 360:
        raise GateError("a longitude is beyond ±360°: are these metres?")


def _mean_q(y0: Floats, y1: Floats, parallel: Floats) -> Floats:
    """Mean of the authalic function along edges between two latitudes, less its value at a parallel; all in degrees."""
    middle = (y0 + y1) / 2
    span = np.radians(y1 - y0)
    mean, s = _q_above(middle, parallel)
    # q' = 2 (1-e²) cos φ / (1-e² s²)², so q'' = 2 (1-e²) s (4 e² (1-s²)/(1-e² s²) - 1) / (1-e² s²)²
    s2 = s * s
    w = 1 - _E2 * s2
    mean += span * span * ((1 - _E2) / 12) * s * (4 * _E2 * (1 - s2) / w - 1) / (w * w)
    long = np.abs(y1 - y0) > _SHORT_DEGREES
    if long.any():
        latitudes = middle[long, None] + (y1 - y0)[long, None] / 2 * _NODES
        above, _ = _q_above(latitudes, parallel[long, None])
        mean[long] = (above * _WEIGHTS).sum(axis=1) / 2
    return mean


def _band_amounts(x0: Floats, y0: Floats, x1: Floats, y1: Floats, band: int) -> Floats:
    """The amounts of edges in a band of latitudes, from the parallel in its middle."""
    middle, half = (band + 0.5) * _BAND_DEGREES, _BAND_DEGREES
    value, bend = _polynomials(band)
    width = shortest_longitude(x1 - x0)
    mean = np.empty(len(width))
    for start in range(0, len(width), _CHUNK):  # chunks stay in the processor's cache
        part = slice(start, start + _CHUNK)
        u = (y0[part] + y1[part]) * (0.5 / half) - middle / half
        height = (y1[part] - y0[part]) * (1 / half)
        mean[part] = _horner(value, u) + height * height * _horner(bend, u)
    amounts = -_SCALE * width * mean
    long = np.abs(y1 - y0) > _SHORT_DEGREES
    if long.any():
        amounts[long] = edge_areas_km2(x0[long], y0[long], x1[long], y1[long], reference=middle)
    return amounts


@lru_cache(maxsize=32)
def _polynomials(band: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """q above the middle of a band, and a 24th of its second derivative, interpolated at Chebyshev's nodes."""
    middle, half = (band + 0.5) * _BAND_DEGREES, _BAND_DEGREES
    nodes = np.polynomial.chebyshev.chebpts1(_DEGREE + 1)
    above, _ = _q_above(middle + half * nodes, np.full(_DEGREE + 1, middle))
    series = np.polynomial.Chebyshev(np.polynomial.chebyshev.chebfit(nodes, above, _DEGREE))
    value, bend = (np.polynomial.chebyshev.cheb2poly(p.coef) for p in (series, series.deriv(2) / 24))
    return tuple(value.tolist()), tuple(bend.tolist())


def _horner(coefficients: tuple[float, ...], u: Floats) -> Floats:
    total = np.full(len(u), coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= u
        total += c
    return total


def _q_above(latitude: Floats, parallel: Floats) -> tuple[Floats, Floats]:
    """q(latitude) - q(parallel) without the digits that a plain difference loses, and the sine of the latitude."""
    half = np.radians((latitude - parallel) / 2)
    low = np.radians(parallel)
    t = np.sin(low)
    d = 2 * np.sin(half) * np.cos(low + half)
    s = t + d
    st = _E2 * s * t
    z2 = _E2 * (d / (1 - st)) ** 2
    series = 1 + z2 * (1 / 3 + z2 * (1 / 5 + z2 * (1 / 7 + z2 * (1 / 9 + z2 / 11))))
    wide = z2 > 1e-3
    if wide.any():
        z = np.sqrt(z2[wide])
        series[wide] = np.arctanh(z) / z
    return (1 - _E2) * d * ((1 + st) / ((1 - _E2 * s * s) * (1 - _E2 * t * t)) + series / (1 - st)), s


def _geodesic_ring_areas(rings: NDArray[np.object_]) -> Floats:
    geod = Geod(ellps="WGS84")
    areas = np.empty(len(rings))
    for i, ring in enumerate(rings):
        xy = shapely.get_coordinates(ring)
        _check_range(*xy.T)
        areas[i] = abs(geod.polygon_area_perimeter(xy[:, 0], xy[:, 1])[0]) / 1e6
    return areas


def lengths_km(lines: NDArray[np.object_]) -> Floats:
    """Lengths in km of lines in EPSG:4326 degrees: geodesics between their vertices on WGS 84 (GeographicLib)."""
    xy = shapely.get_coordinates(lines)
    _check_range(*xy.T)
    parts, of_line = shapely.get_parts(lines, return_index=True)
    sizes = shapely.get_num_coordinates(parts)
    if not len(xy):
        return np.zeros(len(lines))
    joint = np.repeat(np.arange(len(parts)), sizes)
    same = joint[1:] == joint[:-1]
    tails, heads = xy[:-1][same], xy[1:][same]
    _, _, metres = Geod(ellps="WGS84").inv(*tails.T, *heads.T)
    return np.bincount(of_line[joint[:-1][same]], metres, minlength=len(lines)) / 1000


class Plane(NamedTuple):
    """An equal-area plane in km about a middle: geometries of EPSG:4326 are laid on it and lifted from it."""

    there: Transformer

    def laid(self, shapes: Any) -> Any:
        """Degrees to km."""
        # an edge is straight in degrees, and bent in the plane by under 0.2 m between these steps
        fine = shapely.segmentize(shapes, _STEP_DEGREES)
        laid = shapely.transform(fine, lambda xy: np.column_stack(self.there.transform(*xy.T)))
        # rings that nearly touch in degrees may cross by the last digit in the plane
        valid = np.all(shapely.is_valid(laid))
        return laid if valid else shapely.make_valid(laid, method="structure", keep_collapsed=False)

    def lifted(self, shapes: Any) -> Any:
        """Kilometres to degrees."""

        def back(xy: Floats) -> Floats:
            lon, lat = self.there.transform(xy[:, 0], xy[:, 1], direction=TransformDirection.INVERSE)
            return np.column_stack([lon, lat])

        return shapely.transform(shapes, back)


def local_plane(bounds: Sequence[float] | Floats) -> Plane:
    """Lambert's azimuthal equal-area plane about the middle of a box, in km, on WGS 84."""
    return _plane_about((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)


@lru_cache(maxsize=64)  # PROJ takes some milliseconds to make one
def _plane_about(lon: float, lat: float) -> Plane:
    plane = f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +datum=WGS84 +units=km"
    return Plane(Transformer.from_crs("EPSG:4326", plane, always_xy=True))
