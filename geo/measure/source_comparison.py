"""Sources side by side: the faces of their maps laid over each other, who says what of each, and who trails whom.

All borders are noded together once, so that each face lies wholly inside or outside every source's ground: agreed and
disputed ground are sums over faces, and close. Nothing here merges sources: a face keeps what each of them says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.errors import UsageError
from geo.measure.areas import OUTSIDE, Zone, clip, union
from geo.measure.ellipsoid import areas_km2, without_residue
from geo.presentation.statuses import STATUSES, status_of
from geo.schema import CRS, text_or_none

NOTHING = "not marked"
PIECE_COLUMNS = ("controller", "status", "unit", "boundary", "kind", "said_by", "others_say", "area_km2")
SPAN_COLUMNS = ("date", "controller", "status", "kind", "said_by", "area_km2")
Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Ground(NamedTuple):
    """What one source says: the ground of the class in question, and of each of its other classes by their words."""

    source: str
    mine: shapely.Geometry
    others: Mapping[str, shapely.Geometry]


@dataclass(frozen=True)
class Faces:
    """The faces of maps laid over each other: polygons in EPSG:4326, a point inside each, and their km²."""

    shapes: Objects
    points: Objects
    km2: Floats

    def inside(self, ground: shapely.Geometry) -> Bools:
        """Which faces lie in a ground whose border was among those laid over each other."""
        if ground.is_empty or not len(self.points):
            return np.zeros(len(self.points), dtype=bool)
        shapely.prepare(ground)
        found: Bools = shapely.contains_xy(ground, shapely.get_x(self.points), shapely.get_y(self.points))
        return found


def faces_of(grounds: Sequence[shapely.Geometry]) -> Faces:
    """Lay areal geometries over each other."""
    shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all(segments_of(grounds)))))
    return Faces(shapes, shapely.point_on_surface(shapes), areas_km2(shapes) if len(shapes) else np.zeros(0))


def segments_of(grounds: Sequence[shapely.Geometry]) -> Objects:
    """The distinct border segments of many geometries: a border that hundreds of dates share is noded once."""
    pairs = []
    for ring in shapely.get_rings(shapely.get_parts(np.array(grounds, dtype=object))):
        points = shapely.get_coordinates(ring)
        pairs.append(np.hstack([points[:-1], points[1:]]))
    if not pairs:
        return np.empty(0, dtype=object)
    ends = np.vstack(pairs)
    turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[turned] = ends[turned][:, [2, 3, 0, 1]]
    lines: Objects = shapely.linestrings(np.unique(ends, axis=0).reshape(-1, 2, 2))
    return lines


def side_by_side(said: Sequence[Ground], key: tuple[str | None, str], *, zones: Sequence[Zone]) -> gpd.GeoDataFrame:
    """The ground that sources agree on, and every disputed piece with what each of them says of it."""
    whole = union([g.mine for g in said])
    around = zones[0] if len(zones) == 1 else zones[-1].within
    within = None if around is None else around.shape
    near = shapely.box(*whole.bounds) if not whole.is_empty else whole
    shapes = [within, *(z.shape for z in zones if z.unit != OUTSIDE)]
    borders = [clip(shape, near) for shape in shapes if shape is not None]
    others = [shape for g in said for shape in g.others.values() if shapely.intersects(shape, whole)]
    faces = faces_of([*(g.mine for g in said), *others, *borders])
    member = np.array([faces.inside(g.mine) for g in said])
    wanted = member.any(axis=0) & (True if within is None else faces.inside(within))
    words = [_words(faces, g) for g in said]
    units = _units(faces, zones)
    groups: dict[tuple[int, tuple[bool, ...], tuple[str, ...]], list[int]] = {}
    for i in np.flatnonzero(wanted).tolist():
        mine = tuple(member[:, i].tolist())
        group = (units[i], mine, tuple("" if m else w[i] for m, w in zip(mine, words, strict=True)))
        groups.setdefault(group, []).append(i)
    rows = [r for group, listed in groups.items() if (r := _piece(faces, said, key, zones, group, listed))[7]]
    rows.sort(key=lambda r: (r[2] or "", r[4], r[5], -r[7]))
    frame = pd.DataFrame([r[:-1] for r in rows], columns=list(PIECE_COLUMNS), dtype=object)
    frame["area_km2"] = frame["area_km2"].astype(float)
    return gpd.GeoDataFrame(frame, geometry=np.array([r[-1] for r in rows], dtype=object), crs=CRS)


def _piece(
    faces: Faces, said: Sequence[Ground], key: tuple[str | None, str], zones: Sequence[Zone],
    group: tuple[int, tuple[bool, ...], tuple[str, ...]], listed: list[int],
) -> tuple[Any, ...]:  # fmt: skip
    at, mine, words = group
    zone = zones[at]
    by = "; ".join(g.source for g, m in zip(said, mine, strict=True) if m)
    others = "; ".join(f"{g.source}: {w}" for g, m, w in zip(said, mine, words, strict=True) if not m)
    shape = shapely.union_all(faces.shapes[listed])
    areal = shape if shape.geom_type == "MultiPolygon" else shapely.multipolygons([shape])
    kind = "agreed" if all(mine) else "disputed"
    km2 = float(without_residue(faces.km2[listed].sum()))
    return (*key, zone.unit, zone.boundary, kind, by, others or None, km2, areal)


def _words(faces: Faces, ground: Ground) -> Objects:
    """What a source says of each face that is not its own."""

    def rank(word: str) -> int:  # where a source's own classes overlap, the lowest counts
        said = word.split(" (")[0].split()
        return next((status_of(name).overlap_rank for name in STATUSES if name in said), 99)

    words = np.full(len(faces.points), NOTHING, dtype=object)
    order = sorted(ground.others, key=lambda w: (rank(w), w), reverse=True)
    for word in order:
        words[faces.inside(ground.others[word])] = word
    return words


def _units(faces: Faces, zones: Sequence[Zone]) -> list[int]:
    """The zone of each face; what no zone has is outside the units, which stand last."""
    at = np.full(len(faces.points), len(zones) - 1)
    for i, zone in enumerate(zones):
        if zone.shape is not None and zone.unit != OUTSIDE:
            at[faces.inside(zone.shape)] = i
    return [int(i) for i in at]


def totals(pieces: gpd.GeoDataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """The km² that each source gives, that all agree on, and that are in dispute, by class and unit."""
    rows: list[tuple[Any, ...]] = []
    head = ["controller", "status", "unit", "boundary"]
    for keys, group in pieces.groupby(head, dropna=False, sort=False):
        km2, kind = group["area_km2"], group["kind"]
        place = tuple(text_or_none(k) for k in keys)
        for source in sources:
            names = group["said_by"].map(lambda by, source=source: source in by.split("; "))
            rows.append((*place, "area", source, None, float(km2[names].sum())))
        rows.append((*place, "agreed", "; ".join(sources), None, float(km2[kind == "agreed"].sum())))
        rows.append((*place, "disputed", None, None, float(km2[kind == "disputed"].sum())))
        apart = group[kind == "disputed"].sort_values("area_km2", ascending=False)
        rows += [
            (*place, "piece", by, say, float(a))
            for by, say, a in zip(apart["said_by"], apart["others_say"], apart["area_km2"], strict=True)
        ]
    return pd.DataFrame(rows, columns=[*head, "kind", "said_by", "others_say", "area_km2"])


# -- over a span --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DailyFaces:
    """Several sources on every day of a span, as which faces lie in each one's ground: days × faces a source."""

    days: Sequence[str]
    km2: Floats
    member: Mapping[str, Bools]


def daily_faces(days: Sequence[str], grounds: Mapping[str, Sequence[shapely.Geometry]]) -> DailyFaces:
    """Lay every day of several sources over each other."""
    distinct = list({id(g): g for listed in grounds.values() for g in listed}.values())
    faces = faces_of(distinct)
    inside = {id(g): faces.inside(g) for g in distinct}
    member = {source: np.array([inside[id(g)] for g in listed]) for source, listed in grounds.items()}
    return DailyFaces(days, faces.km2, member)


def span_rows(daily: DailyFaces, key: tuple[str | None, str]) -> pd.DataFrame:
    """The km² of each source, agreed and in dispute, on every day."""
    stack = np.array(list(daily.member.values()))
    every, some = stack.all(axis=0), stack.any(axis=0)
    curves: list[tuple[str, str | None, Floats]] = [
        ("area", source, mine @ daily.km2) for source, mine in daily.member.items()
    ]
    curves.append(("agreed", "; ".join(daily.member), every @ daily.km2))
    curves.append(("disputed", None, (some & ~every) @ daily.km2))
    settled = [(kind, by, without_residue(km2).tolist()) for kind, by, km2 in curves]
    rows = [(day, *key, kind, by, km2[i]) for i, day in enumerate(daily.days) for kind, by, km2 in settled]
    return pd.DataFrame(rows, columns=list(SPAN_COLUMNS))


def lag_rows(daily: DailyFaces, *, most_days: int) -> pd.DataFrame:
    """How far two sources disagree when one of them is read so many days later, for every pair and lag."""
    count = len(daily.days)
    middle = np.arange(most_days, count - most_days)
    if most_days < 0 or len(middle) < 1:
        raise UsageError(
            f"a search of {most_days} days either way needs a span of {2 * most_days + 1} days or more; there are"
            f" {count}: take a longer span or fewer days (--lag-days)"
        )
    rows: list[tuple[Any, ...]] = []
    for one, other in combinations(daily.member, 2):
        a, b = daily.member[one][middle], daily.member[other]
        lags = range(-most_days, most_days + 1)
        means = without_residue(np.array([((a ^ b[middle + lag]) @ daily.km2).mean() for lag in lags]))
        found = list(zip(lags, means.tolist(), strict=True))
        least = min(found, key=lambda f: (f[1], abs(f[0])))[0]
        rows += [(one, other, lag, km2, len(middle), lag == least) for lag, km2 in found]
    return pd.DataFrame(rows, columns=["source", "trails", "lag_days", "disagreement_km2", "days", "is_least"])
