"""Names on maps, in its language: of places, countries, regions, seas and rivers, and where each finds room."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from geo.assets import ASSETS
from geo.presentation.basemap import Box, decode_line, packed_tiles, tile_names, touch
from geo.presentation.labels import unit_label
from geo.presentation.language import current
from geo.schema import KM_PER_DEGREE
from geo.units import read_table

Kind = Literal["country", "region", "sea", "river"]
_COLUMNS, _LEAST = 18, 0.02  # of the grid of places over a view; the share of it that an area has to be named
_REGIONS_KM, _RIVERS_KM = 1_000.0, 2_500.0  # the width of a view up to which there are such names
_FAR = 9.0  # degrees from a point of a sea within which unnamed water is that sea
_MOST_SPOTS = 24
PLACE_NAME_COLUMNS = {"en": 3, "uk": 4, "ru": 5, "ar": 8}  # of the shipped places, by language


class AreaName(NamedTuple):
    """A name, and where it may stand: longitudes and latitudes in degrees, the best first."""

    kind: Kind
    text: str
    spots: NDArray[np.float64]
    shape: shapely.Geometry | None = None


def area_names(view: Box, *, columns: int = _COLUMNS) -> list[AreaName]:
    """What lies in a view, the larger first: countries, regions, seas, then rivers."""
    squeeze = math.cos(math.radians((view[1] + view[3]) / 2))
    km = (view[2] - view[0]) * squeeze * KM_PER_DEGREE
    step = (view[2] - view[0]) / columns
    rows = max(3, round((view[3] - view[1]) / (step * squeeze)))
    lon = view[0] + step * (np.arange(columns) + 0.5)
    lat = view[1] + (view[3] - view[1]) / rows * (np.arange(rows) + 0.5)
    grid = np.stack(np.meshgrid(lon, lat), axis=-1)
    countries = _owners(grid, "countries", view)
    found = _named(grid, countries, "countries", "country") if len(np.unique(countries)) > 1 else []
    if km <= _REGIONS_KM:
        found += _named(grid, _owners(grid, "admin1_ua_ru", view), "admin1_ua_ru", "region")
    found += _seas(grid, countries < 0)
    return [*found, *_rivers(view, step)] if km <= _RIVERS_KM else found


@cache
def _units(file: str) -> tuple[list[dict[str, Any]], NDArray[np.object_]]:
    raw = (ASSETS / "units" / f"{file}.geojson").read_bytes()
    rows = [feature["properties"] for feature in orjson.loads(raw)["features"]]
    return rows, np.asarray(shapely.get_parts(shapely.from_geojson(raw)), dtype=object)


def _owners(grid: NDArray[np.float64], file: str, view: Box) -> NDArray[np.int64]:
    """Which unit each place of a grid lies in, -1 for none."""
    _, shapes = _units(file)
    owners = np.full(grid.shape[:2], -1)
    for k in np.flatnonzero([touch(tuple(bounds), view) for bounds in shapely.bounds(shapes)]):
        owners[shapely.contains_xy(shapes[k], grid[..., 0], grid[..., 1])] = k
    return owners


def _named(grid: NDArray[np.float64], owners: NDArray[np.int64], file: str, kind: Kind) -> list[AreaName]:
    rows, shapes = _units(file)
    return [
        AreaName(kind, unit_label(rows[k]), spots, shapes[k]) for k, spots in _by_size(grid, owners)
    ]  # fmt: skip


def _by_size(grid: NDArray[np.float64], owners: NDArray[np.int64]) -> Iterable[tuple[int, NDArray[np.float64]]]:
    """Each area of a grid, the largest first, with its places, those deepest inside it first."""
    numbers, counts = np.unique(owners[owners >= 0], return_counts=True)
    for k in np.argsort(-counts, kind="stable"):
        if counts[k] >= max(2, _LEAST * owners.size):
            yield int(numbers[k]), _inner_first(grid, owners == numbers[k])


def _inner_first(grid: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    depth = inside.astype(int)
    left = inside
    while left.any():
        padded = np.pad(left, 1)
        left = left & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        depth += left
    points = grid[inside]
    away = np.hypot(*(points - points.mean(axis=0)).T)
    return np.asarray(points[np.lexsort((away, -depth[inside]))][:_MOST_SPOTS])


def _seas(grid: NDArray[np.float64], is_water: NDArray[np.bool_]) -> list[AreaName]:
    rows = read_table(ASSETS / "names" / "seas.csv")
    anchors = [tuple(map(float, point.split())) for row in rows for point in row["points"].split(";")]
    owner = np.array([i for i, row in enumerate(rows) for _ in row["points"].split(";")])
    nearest, away = shapely.STRtree(shapely.points(anchors)).query_nearest(
        shapely.points(grid[is_water]), return_distance=True, all_matches=False
    )
    seas = np.full(is_water.shape, -1)
    seas[is_water] = np.where(away <= _FAR, owner[nearest[1]], -1)
    return [AreaName("sea", _own(rows[k]), spots) for k, spots in _by_size(grid, seas)]


def _rivers(view: Box, step: float) -> list[AreaName]:
    """Rivers with a name, each with places along its course, those in the middle of the view first."""
    box, middle = shapely.box(*view), np.array([(view[0] + view[2]) / 2, (view[1] + view[3]) / 2])
    found = []
    for row, course in _courses():
        seen = shapely.intersection(course, box)
        if seen.length < step:
            continue
        points = shapely.get_coordinates(shapely.segmentize(seen, step / 2))
        away = np.hypot(*(points - middle).T)
        found.append(AreaName("river", _own(row), points[np.argsort(away, kind="stable")][: 3 * _MOST_SPOTS]))
    return found


@cache
def _courses() -> Sequence[tuple[Mapping[str, str], shapely.Geometry]]:
    rows = orjson.loads((ASSETS / "basemap" / "rivers.json").read_bytes())
    runs = ([shapely.linestrings(decode_line(run, 1000)) for run in row["course"]] for row in rows)
    return [(row, shapely.multilinestrings(lines)) for row, lines in zip(rows, runs, strict=True)]


def _own(row: Mapping[str, str]) -> str:
    """A name of a table of waters in the language that is spoken."""
    return row.get(current().code) or row["en"]


def places(
    box: Box, lang: str, *, near: Box | None = None, news: Sequence[shapely.Geometry] = (), least: int | None = None,
    own: Sequence[Sequence[Any]] = (),
) -> list[list[Any]]:  # fmt: skip
    """Named places in a box, those that matter most first: latitude, longitude, name, weight, whether a capital.

    The weight is a place's people, and up to `_NEWS` times as many near `news`: ground that changed, a front. A place
    of less than `least` is left out; without it the box `near` has the more of them the smaller it is. A place that has
    no name in the language's script is left out, too. `own` are rows of the owner's own extract.
    """
    near = near or box
    column = PLACE_NAME_COLUMNS.get(lang, PLACE_NAME_COLUMNS["en"])
    floor = min(_PEOPLE, round(_PEOPLE * ((near[2] - near[0]) / _WIDE_VIEW) ** 2)) if least is None else least
    rows = list(_named_places(box, floor if not len(news) else min(floor, _SMALLEST), column))
    rows += [list(row) for row in own if row[column] and _lies_in(row, box) and not _is_listed(row, rows, column)]
    weights = _weights(rows, news)
    found = [
        [row[0], row[1], row[column], weight, int(_is_capital(row))]
        for row, weight in zip(rows, weights, strict=True)
        if weight >= (floor if _lies_in(row, near) else max(floor, 20_000)) or _is_capital(row)
    ]
    found.sort(key=lambda place: (-place[3], place[2]))
    return found[:_MOST_PLACES] if least is None else found


def own_places(extract: Sequence[tuple[str, shapely.Geometry, Mapping[str, Any]]]) -> list[list[Any]]:
    """The places of an extract, in the columns of the shipped ones."""
    rows = []
    for kind, point, names in extract:
        if kind == "places":
            texts = [names.get(lang, "") for lang in ("en", "uk", "ru")]
            rows.append([point.y, point.x, int(names.get("people", 0)), *texts, "", "", names.get("ar", "")])
    return rows


def _is_listed(row: Sequence[Any], rows: Sequence[Sequence[Any]], column: int) -> bool:
    """Whether a place is one of those: on its spot, or near by under the same name."""
    squeeze = math.cos(math.radians(row[0]))
    far = ((math.hypot(row[0] - r[0], (row[1] - r[1]) * squeeze) * KM_PER_DEGREE, r[column]) for r in rows)
    return any(km < 0.7 or (km < 6 and name == row[column]) for km, name in far)


_PEOPLE, _WIDE_VIEW = 15_000, 8.0  # of places in a view of so many degrees and more; in a narrower one of fewer
_SMALLEST = 300
_NEWS, _NEWS_KM = 40.0, 16.0
_TOWN = 5_000  # people; a village near the news is named after the towns there
_MOST_PLACES = 2_000


def _weights(rows: Sequence[Sequence[Any]], news: Sequence[shapely.Geometry]) -> list[int]:
    """How much each place matters: its people, more of them the nearer it lies to the news."""
    people = np.array([row[2] for row in rows], dtype=float)
    parts = shapely.get_parts(np.array(news, dtype=object)) if len(news) else []
    if not len(parts) or not len(rows):
        return [int(v) for v in people]
    squeeze = math.cos(math.radians(float(shapely.total_bounds(parts)[[1, 3]].mean())))
    scaled = shapely.transform(parts, lambda xy: xy * (squeeze, 1.0))
    points = shapely.points([(row[1] * squeeze, row[0]) for row in rows])
    reach = 3 * _NEWS_KM / KM_PER_DEGREE
    (which, _), away = shapely.STRtree(scaled).query_nearest(
        points, max_distance=reach, return_distance=True, all_matches=False
    )
    more = np.zeros(len(rows))
    more[which] = _NEWS * np.exp(-((away * KM_PER_DEGREE / _NEWS_KM) ** 2))
    more[people < _TOWN] *= 0.3
    return [int(v) for v in np.rint(people * (1 + more))]


def _is_capital(row: Sequence[Any]) -> bool:
    return len(row) > 7 and row[7] == "1"


def _lies_in(place: Sequence[Any], box: Box) -> bool:
    return bool(box[1] <= place[0] <= box[3] and box[0] <= place[1] <= box[2])


@lru_cache(maxsize=4)
def _named_places(box: Box, least: int, column: int) -> list[list[Any]]:
    """The places of a box that have a name in a column."""
    return [r for r in _shipped_places(box, least) if len(r) > column and r[column] and _lies_in(r, box)]


def _shipped_places(box: Box, least: int) -> Iterator[list[Any]]:
    """Capitals and places of so many people in the tiles of a box, the most populous of each tile first."""
    for name in tile_names(box):
        lines = _tile_lines(name)
        for at, line in enumerate(lines):
            if isinstance(line, str):  # day after day a series shows the same places: each line is read once
                cells = line.split("\t")
                lines[at] = line = [float(cells[0]), float(cells[1]), int(cells[2]), *cells[3:]]
            if line[2] < least and not _is_capital(line):
                break
            yield line


@lru_cache(maxsize=64)
def _tile_lines(name: str) -> list[str | list[Any]]:
    try:
        return [*packed_tiles("places.zip").read(f"{name}.tsv").decode().split("\n")]
    except KeyError:
        return []


def place_names(
    dots: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], frame: Box, taken: Sequence[Box], *,
    gap: float, most: int, avoid: shapely.Geometry | None = None, smallest: float = 1.0, marks: Sequence[Box] = (),
) -> dict[int, Box]:  # fmt: skip
    """The rectangles of those names that find room, by their place in the list; the first in it come first.

    `dots` and `sizes` (width and height) are in the units of the drawing, y down; `taken` is what no name may touch,
    `avoid` what it should leave free where it can. A name that only one other keeps out has its room where that other
    one can stand elsewhere. A name without room may be set smaller, down to `smallest` of its size. A place under one
    of the `marks`, which are among what is taken, has its name beside them.
    """
    placing = _Placing(dots, [*sizes], frame, list(taken), gap, avoid, frozenset(marks))
    for i in range(len(dots)):
        if len(placing.found) >= most:
            break
        if not placing.add(i) and smallest < 1:
            wide, high = sizes[i]
            placing.sizes[i] = (wide * smallest, high * smallest)
            placing.add(i)
    return placing.found


def place_area(
    spots: Iterable[Sequence[float]], wide: float, high: float, frame: Box, taken: Sequence[Box], *,
    is_good: Callable[[Box], bool] = lambda _: True,
) -> Box | None:  # fmt: skip
    """The rectangle of a name around the first of its places where it touches nothing, None where there is none."""
    for x, y in spots:
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        if _within(box, frame) and not any(touch(box, other) for other in taken) and is_good(box):
            return box
    return None


class _Placing:
    def __init__(
        self, dots: Sequence[tuple[float, float]], sizes: list[tuple[float, float]], frame: Box, taken: list[Box],
        gap: float, avoid: shapely.Geometry | None, marks: frozenset[Box],
    ) -> None:  # fmt: skip
        self.avoid, self.marks = avoid, marks
        self.dots, self.sizes, self.frame, self.taken, self.gap = dots, sizes, frame, taken, gap
        self.found: dict[int, Box] = {}

    def add(self, i: int) -> bool:
        """Give a name room, if need be by moving another; whether it has any."""
        dot = self._dot(i)
        if not _within(dot, self.frame) or any(touch(dot, o) for o in self.taken if o not in self.marks):
            return False
        tries = [box for box in self._rooms(i) if _within(box, self.frame) and self._is_open(i, box)]
        for box in tries:
            if not self._keeping_out(i, box):
                self.found[i] = box
                return True
        for box in tries:
            out = self._keeping_out(i, box)
            if len(out) == 1 and self._move(out[0], i, box):
                self.found[i] = box
                return True
        return False

    def _move(self, j: int, i: int, box: Box) -> bool:
        """Whether another name can stand elsewhere, once this one has its room; then it does."""
        dot = self._dot(i)
        for room in self._rooms(j):
            is_free = not touch(room, box) and not touch(room, dot) and _within(room, self.frame)
            if is_free and self._is_open(j, room) and not self._keeping_out(j, room):
                self.found[j] = room
                return True
        return False

    def _is_open(self, i: int, box: Box) -> bool:
        """Whether nothing lies there that cannot be moved: the dots of others, and what is taken."""
        dots = (self._dot(j) for j in self.found if j != i)
        return not any(touch(box, other) for other in (*self.taken, *dots))

    def _keeping_out(self, i: int, box: Box) -> list[int]:
        dot = self._dot(i)
        return [j for j, other in self.found.items() if j != i and (touch(box, other) or touch(dot, other))]

    def _dot(self, i: int) -> Box:
        (x, y), r = self.dots[i], 0.6 * self.gap
        return x - r, y - r, x + r, y + r

    def _rooms(self, i: int) -> list[Box]:
        """Right, left, above and below the dot, then between; those first that leave free what is to be avoided."""
        gaps = (1.0, 3.0, 5.0) if any(touch(self._dot(i), mark) for mark in self.marks) else (1.0,)
        rooms = [room for times in gaps for room in self._around(i, times * self.gap)]
        if self.avoid is None:
            return rooms
        wide, high = self.sizes[i]
        covered = shapely.area(shapely.intersection(shapely.box(*np.array(rooms).T), self.avoid)) / (wide * high)
        return [rooms[k] for k in np.argsort(np.round(covered, 1), kind="stable")]

    def _around(self, i: int, gap: float) -> list[Box]:
        (x, y), (wide, high) = self.dots[i], self.sizes[i]
        right, left, middle = x + gap, x - gap - wide, x - wide / 2
        above, below, level = y - gap - high, y + gap, y - high / 2
        corners = [
            (right, level), (left, level), (middle, above), (middle, below), (right - gap / 2, above + gap / 2),
            (right - gap / 2, below - gap / 2), (left + gap / 2, above + gap / 2), (left + gap / 2, below - gap / 2),
            *((a, level + b) for a in (right, left) for b in (-0.4 * high, 0.4 * high)),
            *((x - part * wide, b) for part in (0.25, 0.75) for b in (above, below)),
            *((x - part * wide, b) for part in (0.1, 0.9) for b in (above, below)),
        ]  # fmt: skip
        return [(a, b, a + wide, b + high) for a, b in corners]


def _within(a: Box, b: Box) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
