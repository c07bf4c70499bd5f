"""Can this ground be there? What lies at sea, far from the rest, or where a slip of signs or axes would have put it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.presentation.statuses import named
from geo.schema import KM_PER_DEGREE
from geo.units import Countries, around, bare_name

FAR = 5.0  # degrees from the rest of a file
SHORE = 0.5  # degrees: coasts are drawn coarsely, and small islands not at all
COMPACT = 30.0  # degrees: of a file that spreads further, a slip cannot be told from ground elsewhere
WAY_OUT = "mend it in the file; --accept elsewhere stores it as it is"
_SHOWN = 20  # groups apart that are told one by one

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Fits = Callable[[Floats], NDArray[np.bool_]]
_SLIPS: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("latitude and longitude look swapped", lambda xy: xy[:, ::-1]),
    ("the longitude looks to have lost its sign", lambda xy: xy * (-1, 1)),
    ("the latitude looks to have lost its sign", lambda xy: xy * (1, -1)),
    ("both signs look lost", lambda xy: -xy),
    ("latitude and longitude look swapped, and a sign lost", lambda xy: xy[:, ::-1] * (-1, 1)),
    ("latitude and longitude look swapped, and a sign lost", lambda xy: xy[:, ::-1] * (1, -1)),
)


class Doubt(NamedTuple):
    """Items that cannot be where they are, or that are odd there."""

    items: tuple[int, ...]
    why: str
    impossible: bool
    away: float = 0.0  # degrees from the row's own country


@dataclass(frozen=True)
class Expected:
    """Where ground should be: by its source, its file's name, its sides, and the boxes of the source's last map."""

    theatre: Collection[str] = ()
    name: str = ""
    sides: Collection[str] = ()
    before: Floats | None = None


def far_off(shapes: Objects, read_countries: Callable[[], Countries]) -> tuple[Objects, tuple[Doubt, ...]]:
    """The polygons that lie together, for a map to frame, and what is to be said of the others: kept, and odd."""
    parts = shapely.get_parts(shapes)
    owner, cells = cells_of(parts)
    if not len(cells) or len(np.unique(_groups(owner, cells, len(parts)))) < 2:
        return parts, ()
    where = (countries := read_countries()).locate(*_inner_points(parts).T)
    found = [d for d in doubts(parts, where, countries, Expected()) if "from the rest of the file" in d.why]
    apart = np.zeros(len(parts), dtype=bool)
    for doubt in found:
        apart[list(doubt.items)] = True
    return (parts, ()) if apart.all() else (parts[~apart], tuple(d for d in found if d.items))


def counted_ground(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The polygons that figures of everywhere count: without ground of no side that lies far from the rest."""
    shapes = np.array(frame.geometry.array, dtype=object)
    is_bare = frame["status"].isin(named(has_side=False)).to_numpy(dtype=bool)
    if not is_bare.any():
        return frame
    parts, owner = shapely.get_parts(shapes, return_index=True)
    gone = _far_from_most(parts) & is_bare[owner]
    if not gone.any():
        return frame
    for i in set(owner[gone].tolist()):
        shapes[i] = shapely.multipolygons(parts[(owner == i) & ~gone])
    found = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    return found[~found.geometry.is_empty].reset_index(drop=True)


def _far_from_most(parts: Objects) -> NDArray[np.bool_]:
    """Which polygons lie over `FAR` degrees from the group that has the most of them."""
    far = np.zeros(len(parts), dtype=bool)
    owner, cells = cells_of(parts)
    if len(cells):
        label = _groups(owner, cells, len(parts))
        names, counts = np.unique(label, return_counts=True)
        most = shapely.STRtree(parts[label == names[counts.argmax()]])
        for name in names[counts < counts.max()]:
            far[label == name] = not most.query(parts[label == name], predicate="dwithin", distance=FAR).size
    return far


class Outline(NamedTuple):
    """What the corners of a polygon or point say of it, whatever lies beside it."""

    cells: Floats  # the south-west corners of the squares of one degree in which they lie
    is_over_zero: bool
    longest: float  # degrees from one to the next, at most


def outlines(geometry: Objects, countries: Countries) -> list[Outline]:
    owner, cells = cells_of(geometry)
    squares = np.split(cells, np.searchsorted(owner, np.arange(1, len(geometry)))) if len(geometry) else []
    over, longest = _over_zero(geometry, countries).tolist(), _longest_sides(geometry).tolist()
    return list(map(Outline, squares, over, longest))


def doubts(
    geometry: Objects, where: Objects, countries: Countries, expected: Expected,
    drawn: Sequence[Outline] | None = None,
) -> Iterator[Doubt]:  # fmt: skip
    """Polygons or points, and the country of each ("" for none), looked at as the file has them together."""
    drawn = outlines(geometry, countries) if drawn is None else drawn
    for i in (i for i, outline in enumerate(drawn) if outline.is_over_zero):
        yield Doubt((i,), "it lies over 0° E 0° N, which is no place of any war: a blank read as 0?", True)
    owner = np.repeat(np.arange(len(drawn)), [len(outline.cells) for outline in drawn])
    if not len(owner):
        return
    cells = np.concatenate([outline.cells for outline in drawn])
    label = _groups(owner, cells, len(geometry))
    order = _by_size(label, geometry, countries)
    main = np.flatnonzero(label == order[0])
    places = np.unique(cells[label[owner] == order[0]], axis=0)
    ours = np.hstack([places, places + 1])
    bulk = shapely.STRtree(geometry[main] if len(order) > 1 else [])
    apart = 0
    for name in order[1:]:
        some = np.flatnonzero(label == name)
        if bulk.query(geometry[some], predicate="dwithin", distance=FAR).size:
            continue  # only the corners were far
        apart += 1
        if apart <= _SHOWN:
            found = _apart(geometry, some, where, countries, main, ours)
            yield from (found,) if found is not None else ()
    if apart > _SHOWN:
        yield Doubt((), f"{apart - _SHOWN} more groups lie over {FAR:.0f}° from the rest of the file", False)
    yield from _together(geometry, main, where, countries, expected, ours)
    yield from _at_sea(geometry, main, where, countries)
    yield from _long_sides(np.array([outline.longest for outline in drawn]))


def cells_of(geometry: Objects) -> tuple[Ints, Floats]:
    """The squares of one degree in which the corners of each item lie: item, and the south-west corner."""
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    cells = np.column_stack([owner, np.floor(xy)])
    # from one corner to the next the square is mostly the same
    found = np.unique(cells[np.append(True, (cells[1:] != cells[:-1]).any(axis=1))[: len(cells)]], axis=0)
    return found[:, 0].astype(np.intp), found[:, 1:]


def _over_zero(geometry: Objects, countries: Countries) -> NDArray[np.bool_]:
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    hit = np.zeros(len(geometry), dtype=bool)
    if not len(xy) or (xy.min(axis=0) > 0).any() or (xy.max(axis=0) < 0).any():
        return hit
    hit[owner[~xy.any(axis=1)]] = True
    over = np.flatnonzero(shapely.intersects(geometry, shapely.Point(0, 0)) & ~hit)
    hit[over] = [not _on_land(geometry[[i]], countries).any() for i in over]
    return hit


def _groups(owner: Ints, cells: Floats, count: int) -> Ints:
    """Which items belong together: no gap of over `FAR` degrees between one and the next."""
    places, at = np.unique(cells, axis=0, return_inverse=True)
    if len(np.unique(owner)) == count and _are_together(places.tobytes()):
        return np.zeros(count, dtype=np.intp)
    return _joined_labels(owner, places, at.reshape(-1), count)


def _joined_labels(owner: Ints, places: Floats, at: Ints, count: int) -> Ints:
    """For each item the first of the squares that it and its neighbours reach."""
    west = np.flatnonzero(places[:, 0] < -180 + FAR + 1)
    known = np.concatenate([np.arange(len(places)), west])
    points = shapely.points(np.concatenate([places, places[west] + (360, 0)]))
    one, other = shapely.STRtree(points).query(points, predicate="dwithin", distance=FAR + 0.5)
    one, other = known[one], known[other]
    label = np.arange(len(places))
    while True:
        before = label.copy()
        np.minimum.at(label, one, label[other])
        items = np.full(count, len(places))
        np.minimum.at(items, owner, label[at])
        np.minimum.at(label, at, items[owner])
        if (label == before).all():
            return items.astype(np.intp)


@lru_cache(maxsize=1024)  # the maps of a series lie in the same squares
def _are_together(places: bytes) -> bool:
    """Whether squares are one group by themselves, without an item that joins them."""
    cells = np.frombuffer(places).reshape(-1, 2)
    return not _joined_labels(np.arange(len(cells)), cells, np.arange(len(cells)), len(cells)).any()


def _by_size(label: Ints, geometry: Objects, countries: Countries) -> list[int]:
    """The groups, the largest first; of equal ones the one in units that the archive knows in detail."""
    names, counts = np.unique(label, return_counts=True)
    first = names[counts == counts.max()]
    best = first[0]
    if len(first) > 1:
        known = [not countries.in_detail(*_inner_points(geometry[label == k]).T).any() for k in first[:_SHOWN]]
        best = first[int(np.argmin(known))]
    return [int(best), *(int(k) for k in names[np.argsort(-counts, kind="stable")] if k != best)]


def _apart(
    geometry: Objects, some: Ints, where: Objects, countries: Countries, main: Ints, ours: Floats
) -> Doubt | None:
    """What lies far from the rest: a slip, the open sea, or another part of the world."""
    xy = _inner_points(geometry[some])
    far = float(shapely.distance(shapely.multipoints(ours[:, :2] + 0.5), shapely.points(xy)).min())
    place = f"{_at(xy[0])}, {far * KM_PER_DEGREE:,.0f} km from the rest of the file"
    items = tuple(some.tolist())
    slip = _slip(xy, lambda turned: _near(turned, ours)) if np.ptp(ours, axis=0).max() <= COMPACT else None
    is_known = len(some) < len(main) or countries.in_detail(*_inner_points(geometry[main]).T).any()
    if slip is not None and is_known:
        return Doubt(items, f"{slip}: it lies at {place}, and the other way round among them", True)
    if slip is not None:
        return Doubt(items, f"{slip}, or the other half of the file: it lies at {place}", False)
    if not _on_land(geometry[some], countries).any() and _shore(geometry[some], countries).min() > SHORE:
        return Doubt(items, f"it lies in the open sea at {place}", True)
    if len(some) == len(main):
        return None  # of two equal halves neither is the rest
    named = sorted({_name(code, countries) for code in where[some].tolist() if code})
    return Doubt(items, f"it lies at {place}{', in ' + ', '.join(named) if named else ''}", False)


def _together(
    geometry: Objects, main: Ints, where: Objects, countries: Countries, expected: Expected, ours: Floats
) -> Iterator[Doubt]:
    """What is odd about the bulk of a file as a whole."""
    items, xy = tuple(main.tolist()), _inner_points(geometry[main])
    place = _at(xy[0])
    land = bool((where[main] != "").any()) or bool(_on_land(geometry[main], countries).any())
    if not land and (away := float(_shore(geometry[main], countries).min())) > SHORE:
        slip = _slip(xy, lambda turned: countries.locate(turned[:, 0], turned[:, 1]) != "")
        if away > FAR or slip == _SLIPS[0][0]:
            text = f"it lies in the open sea at {place}, {away * KM_PER_DEGREE:,.0f} km off land"
            yield Doubt(items, f"{text}{'; ' + slip if slip else ''}", True)
            return
    here, theatre = set(where[main].tolist()), set(expected.theatre) & countries.names.keys()
    if theatre and not here & theatre and not _touches(geometry[main], theatre, countries):
        slip = _slip(xy, lambda turned: _shore(shapely.points(turned), countries, theatre) < 1)
        listed = ", ".join(sorted(_name(code, countries) for code in theatre))
        yield Doubt(items, f"{slip or 'another part of the world'}: at {place}, outside {listed}", True)
        return
    named = countries.named_in(expected.name)
    if named and not here & named and not _touches(geometry[main], named, countries):
        away = float(_shore(geometry[main], countries, named).min())
        if away > SHORE and (
            slip := _slip(xy, lambda turned: _shore(shapely.points(turned), countries, named) < SHORE)
        ):
            said = ", ".join(sorted(_name(code, countries) for code in named))
            yield Doubt(
                items, f"{slip}: at {place}, and the other way round in {said}, as the file's name says", away > FAR
            )
            return
    sides = set(expected.sides) & countries.names.keys()
    if not here & sides and (swap := _turned(xy, sides, geometry[main], countries)) is not None:
        yield Doubt(items, f"{swap[0]}: at {place}, and the other way round in {swap[1]}", swap[2])
        if swap[2]:
            return
    before = expected.before
    middles = ours[:, :2] + 0.5
    if (
        before is not None
        and len(before)
        and not any(_near(some, before, FAR).any() for some in (middles[:1], middles))
    ):
        slip = _slip(xy, lambda turned: _near(turned, before))
        text = f"{slip or 'a jump'}: at {place}, over {FAR:.0f}° from all of the map before"
        yield Doubt(items, text, slip is not None)


def _turned(xy: Floats, sides: set[str], shapes: Objects, countries: Countries) -> tuple[str, str, bool] | None:
    """What speaks for swapped axes: the countries of the sides, if far from them for sure, or units known in detail."""
    swapped = xy[:, ::-1]
    if (np.abs(swapped) > (180, 90)).any():
        return None
    from_sides = _shore(shapely.points(swapped), countries, sides, reach=FAR / 2)
    if sides and (from_sides < FAR / 2).all():  # what follows takes long with outlines of many corners
        away = float(_shore(shapes, countries, sides).min())
        if from_sides.max() < away:
            return _SLIPS[0][0], "a country of its sides", bool((from_sides < SHORE).all()) and away > FAR
    if countries.in_detail(*swapped.T).all() and not countries.in_detail(*xy.T).any():
        return _SLIPS[0][0], "units that the archive knows in detail", False
    return None


def _at_sea(geometry: Objects, main: Ints, where: Objects, countries: Countries) -> Iterator[Doubt]:
    """Single items off every coast, near to others: islands that the boundary set lacks, or ground at sea."""
    off = main[where[main] == ""]
    if not len(off) or len(off) == len(geometry) > 1:
        return
    off = off[~_on_land(geometry[off], countries)]
    off = off[~_by_shore(geometry[off], countries)] if len(off) else off
    if len(off):
        xy = _inner_points(geometry[off[:1]])
        text = f"it lies at sea, at {_at(xy[0])}, over {SHORE * KM_PER_DEGREE:.0f} km from any country of the archive"
        yield Doubt(tuple(off.tolist()), text, False)


def _longest_sides(geometry: Objects) -> Floats:
    """Degrees from one corner of each item to its next, at most; not over the antimeridian."""
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    steps = np.hypot(*np.diff(xy, axis=0).T)
    inner = owner[1:] == owner[:-1]
    longest = np.zeros(len(geometry))
    np.maximum.at(longest, owner[1:][inner], np.where(steps > 180, 0.0, steps)[inner])
    return longest


def _long_sides(longest: Floats) -> Iterator[Doubt]:
    """Polygons with a side that is far longer than those of the file's others: a corner may be out of place."""
    if len(longest) > 2 and np.median(longest) < 1.0:
        for i in np.flatnonzero(longest > FAR).tolist():
            yield Doubt(
                (i,),
                f"a side of it is {longest[i] * KM_PER_DEGREE:,.0f} km long: is one of its corners out of place?",
                False,
            )


def against_country(xy: Floats, where: Objects, rows: Sequence[Sequence[str]], countries: Countries) -> list[Doubt]:
    """Points against the words of their own rows: the country first, then units and the place."""
    odd = np.zeros(len(xy), dtype=bool)
    turned = np.flatnonzero(np.abs(xy[:, 0]) <= 90)
    odd[turned] = countries.in_detail(*xy[turned, ::-1].T) & ~countries.in_detail(*xy[turned].T)
    found = []
    codes = {country: countries.code_of(country) for country in {row[0] for row in rows}}
    for i, (country, *places) in enumerate(rows):
        code = codes[country]
        if code is None and odd[i] and _is_named(xy[i, ::-1], places, countries):
            found.append(Doubt((i,), _SLIPS[0][0], True))
        elif code is not None and where[i] != code:
            found += _elsewhere(xy[[i]], i, where[i], country, code, countries)
    return found


def _elsewhere(xy: Floats, i: int, here: str, country: str, code: str, countries: Countries) -> Iterator[Doubt]:
    away = float(_shore(shapely.points(xy), countries, {code}).min())
    if away <= SHORE:
        return
    slip = _slip(xy, lambda turned: _shore(shapely.points(turned), countries, {code}) < SHORE)
    text = f"its country is {country!r}, and it lies {away * KM_PER_DEGREE:,.0f} km from there at {_at(xy[0])}"
    there = _name(here, countries) if here else "no country"
    yield Doubt((i,), f"{slip + ': ' if slip else ''}{text}, in {there}", bool(slip) or (not here and away > FAR), away)


def _is_named(point: Floats, places: Sequence[str], countries: Countries) -> bool:
    """Whether a place that a row names is the unit around a point."""
    words = {bare_name(place) for place in places if place}
    units = countries.detail.query(shapely.Point(point), predicate="intersects")
    return any(bare_name(str(countries.detail_names[unit])) in words for unit in units.tolist())


def _slip(xy: Floats, fits: Fits) -> str | None:
    """The slip of axes or signs without which all points would lie where they should."""
    for words, turn in _SLIPS:
        turned = turn(xy)
        if (np.abs(turned) <= (180, 90)).all() and bool(np.all(fits(turned))):
            return words
    return None


def _near(xy: Floats, boxes: Floats, reach: float = 1.0) -> NDArray[np.bool_]:
    """Which points lie within some degrees of boxes (west, south, east, north)."""
    hit = np.zeros(len(xy), dtype=bool)
    tree = shapely.STRtree(shapely.box(*boxes.T))
    # the next box alone: of a map of thousands of polygons most lie within reach
    hit[tree.query_nearest(shapely.points(xy), max_distance=reach, all_matches=False)[0]] = True
    return hit


def _on_land(geometry: Objects, countries: Countries) -> NDArray[np.bool_]:
    hit = np.zeros(len(geometry), dtype=bool)
    hit[around(countries.grounds[0], geometry)[0]] = True
    return hit


def _by_shore(geometry: Objects, countries: Countries) -> NDArray[np.bool_]:
    """Which items lie within `SHORE` of a country: as `_shore` tells, but for thousands of points in a moment."""
    tree = countries.grounds[0]
    who, ground = tree.query(shapely.box(*np.add(shapely.bounds(geometry), (-SHORE, -SHORE, SHORE, SHORE)).T))
    shapely.prepare(tree.geometries[np.unique(ground)])
    hit = np.zeros(len(geometry), dtype=bool)
    hit[who[shapely.dwithin(tree.geometries[ground], geometry[who], SHORE)]] = True
    return hit


def _touches(geometry: Objects, codes: Collection[str], countries: Countries) -> bool:
    tree, whose = countries.grounds
    return bool(np.isin(whose[tree.query(geometry, predicate="intersects")[1]], list(codes)).any())


def _shore(
    geometry: Objects, countries: Countries, codes: Collection[str] | None = None, *, reach: float | None = None
) -> Floats:
    """Degrees from each item to the next country, or to those named; infinite beyond `reach`."""
    tree = countries.grounds_of(codes)
    found = np.full(len(geometry), np.inf)
    if len(tree.geometries) and len(geometry):
        (who, _), away = tree.query_nearest(geometry, max_distance=reach, return_distance=True, all_matches=False)
        found[who] = away
    return found


def _inner_points(geometry: Objects) -> Floats:
    found: Floats = shapely.get_coordinates(shapely.point_on_surface(geometry))
    return found


def _name(code: str, countries: Countries) -> str:
    return str(countries.names.get(code, code))


def _at(xy: Floats) -> str:
    lon, lat = xy.tolist()
    return f"{abs(lon):.2f}° {'E' if lon >= 0 else 'W'} {abs(lat):.2f}° {'N' if lat >= 0 else 'S'}"
