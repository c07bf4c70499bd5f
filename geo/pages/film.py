"""A series of maps packed for a browser: boundary edges in arcs, with the dates on which they are born and die.

A series is the set of its distinct boundary edges (`geo.series.ledger` says why). Positions are rounded to 1e-6 degrees
and stand once in a table; edges born on the same date are chained into arcs, an arc is runs of that table, and what
dies on a date is runs of edges. All numbers are variable-length (LEB128, signed ones as zigzag) and stand in columns,
which deflate best; the whole is deflated. No polygon is sent twice, nothing is simplified: `unpack` gives back every
edge on every date. Rings as indexes into the same table were measured, too: on three real series they deflate to 2 to
16 % more, unpack to 3 to 14 times as much, and they do not say what differs between two dates.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import MapError

SCALE = 1_000_000  # steps per degree
FIGURE = 1_000  # steps per km²
_METRES = 111_320.0
_POSITIONS = 1_000_000  # of polygons whose edges are in memory at once
_NEW, _ON, _BACK = 0, 1, 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Track:
    """One class: its polygons, each with the first date that has it and the first after it that has not.

    `shapes` (n,) are areal, valid, in EPSG:4326, interiors apart on every date (`apart` makes them so); `first` and
    `last` (n,) count dates. `area`, `gained`, `lost` are km² on every date, from the source's own geometry.
    """

    shapes: Objects
    first: Ints
    last: Ints
    area: Floats
    gained: Floats
    lost: Floats


@dataclass(frozen=True)
class Film:
    """A packed series: the deflated bytes, and by how many metres rounding moved a position at most."""

    data: bytes
    moved_m: float


@dataclass(frozen=True)
class Edges:
    """One class unpacked: directed edges as numbers of positions, alive on the dates [birth, death); km² by date."""

    tails: Ints
    heads: Ints
    births: Ints
    deaths: Ints
    area: Floats
    gained: Floats
    lost: Floats


@dataclass(frozen=True)
class Reel:
    """A series unpacked: instants (seconds since 1970 UTC), positions (n, 2) in steps of 1e-6°, and the classes."""

    instants: Ints
    points: Ints
    tracks: Sequence[Edges]


def pack(tracks: Sequence[Track], instants: Sequence[int]) -> Film:
    """Pack a series.

    Parameters
    ----------
    tracks : sequence of Track
        The classes; boundaries that two of them share are stored once.
    instants : sequence of int
        The dates, in order, in seconds since 1970 UTC.

    Returns
    -------
    Film

    Raises
    ------
    MapError
        There is no date.
    """
    if not len(instants):
        raise MapError("there is no date to draw")
    boundaries = [_boundary(track) for track in tracks]
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(b.tails for b in boundaries)]))
    order: dict[int, int] = {}
    streams = []
    for track, boundary in zip(tracks, boundaries, strict=True):
        tails, heads = (np.searchsorted(codes, v) for v in (boundary.tails, boundary.heads))
        streams.append(_track_stream(track, tails, heads, boundary.first, boundary.last, order, len(instants)))
    placed = codes[np.fromiter(order, dtype=np.int64, count=len(order))]
    points = np.column_stack([placed >> 32, (placed & 0xFFFFFFFF) - 90 * SCALE])
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    # where most positions have five digits, most steps are tens: those are sent as such, marked by their last bit
    tens = steps % 10 == 0
    unit = 10 if len(steps) and tens.mean() > 0.5 else 1
    folded = _zigzag(steps) if unit == 1 else np.where(tens, 2 * _zigzag(steps // 10), 2 * _zigzag(steps) + 1)
    parts = [
        _varints(np.array([len(instants), len(points), len(tracks), unit])),
        _varints(_steps(instants)),
        *(part for axis in (0, 1) for part in _planes(folded[:, axis])),
        *streams,
    ]
    return Film(deflate(b"".join(parts)), max((b.moved_m for b in boundaries), default=0.0))


def deflate(raw: bytes) -> bytes:
    """Bytes as a browser's ``DecompressionStream("deflate-raw")`` takes them.

    Raises
    ------
    MapError
        Never.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return packer.compress(raw) + packer.flush()


def unpack(data: bytes) -> Reel:
    """What `pack` packed: the decoder of the page, in Python.

    Parameters
    ----------
    data : bytes
        Deflated, as `pack` gives it.

    Raises
    ------
    MapError
        These are no such bytes.
    """
    try:
        reader = _Reader(zlib.decompress(data, -15))
        count, n, m, unit = (reader.number() for _ in range(4))
        instants = np.cumsum(reader.numbers(count), dtype=np.int64)
        axes = [np.cumsum(reader.steps(n, unit), dtype=np.int64) for _ in (0, 1)]
        met = [0]
        tracks = [_read_track(reader, count, met) for _ in range(m)]
    except (zlib.error, IndexError):
        raise MapError("this is no packed series, or only a part of one") from None
    return Reel(instants, np.column_stack(axes), tracks)


def apart(shapes: Objects, first: Ints, last: Ints) -> tuple[Objects, Ints, Ints]:
    """Unite the polygons of a class that cover the same ground on the same date, so that it counts once.

    Parameters
    ----------
    shapes : numpy.ndarray of areal geometries, shape (n,)
        EPSG:4326.
    first, last : numpy.ndarray of int64, shape (n,)
        The dates [first, last) on which each stands.

    Returns
    -------
    tuple of (shapes, first, last)
        Interiors apart on every date. Polygons that only touch stay as they are.

    Raises
    ------
    MapError
        Never.
    """
    i, j = shapely.STRtree(shapes).query(shapes)
    together = (i < j) & (first[i] < last[j]) & (first[j] < last[i])
    i, j = i[together], j[together]
    meet = shapely.relate_pattern(shapes[i], shapes[j], "T********") if len(i) else np.zeros(0, dtype=bool)
    i, j = i[meet], j[meet]
    alone = np.setdiff1d(np.arange(len(shapes)), np.concatenate([i, j]))
    pieces = [(shapes[k], int(first[k]), int(last[k])) for k in alone]
    for group in _groups(i.tolist(), j.tolist()):
        # between two of these instants the same polygons stand, and so does their union
        for start, end in pairwise(sorted({*first[group].tolist(), *last[group].tolist()})):
            standing = [k for k in group if first[k] <= start and last[k] >= end]
            if standing:
                pieces.append((shapely.union_all(shapes[standing]), start, end))
    made = np.empty(len(pieces), dtype=object)
    made[:] = [p[0] for p in pieces]
    return made, np.array([p[1] for p in pieces], dtype=np.int64), np.array([p[2] for p in pieces], dtype=np.int64)


def rounded_edges(shapes: Objects) -> tuple[Ints, Ints, Ints]:
    """Directed edges of polygons, interior on the left, in whole steps of 1e-6 degrees.

    Parameters
    ----------
    shapes : numpy.ndarray of areal geometries, shape (n,)
        EPSG:4326, rings either way round.

    Returns
    -------
    tuple of (tails (k, 2), heads (k, 2), owner (k,))
        Edges that rounding leaves without length are left out; `owner` counts `shapes`.

    Raises
    ------
    MapError
        Never.
    """
    tails, heads, owner, _ = _rounded(shapes)
    return tails, heads, owner


# -- packing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Boundary:
    """Directed edges as codes of positions, with the dates [first, last) of their polygons."""

    tails: Ints
    heads: Ints
    first: Ints
    last: Ints
    moved_m: float


def _rounded(shapes: Objects) -> tuple[Ints, Ints, Ints, float]:
    polygons, shape_of = shapely.get_parts(shapes, return_index=True)
    keep = shapely.get_type_id(polygons) == 3
    polygons, shape_of = polygons[keep], shape_of[keep]
    rings, polygon_of = shapely.get_rings(polygons, return_index=True)
    is_hole = np.concatenate([[False], polygon_of[1:] == polygon_of[:-1]])[: len(rings)]
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    whole = np.rint(xy * SCALE).astype(np.int64)
    off = (xy - whole / SCALE) * _METRES
    off[:, 0] *= np.cos(np.radians(xy[:, 1]))
    edge = (ring_of[1:] == ring_of[:-1]) & (whole[1:] != whole[:-1]).any(axis=1)
    tails, heads, ring = whole[:-1][edge], whole[1:][edge], ring_of[:-1][edge]
    # a shell should run counter-clockwise, a hole clockwise: turn the others round
    turned = (shapely.is_ccw(rings) == is_hole)[ring][:, None]
    moved = float(np.hypot(off[:, 0], off[:, 1]).max(initial=0.0))
    return np.where(turned, heads, tails), np.where(turned, tails, heads), shape_of[polygon_of[ring]], moved


def _boundary(track: Track) -> _Boundary:
    """The edges of a class; of a long series some polygons at a time, as one after the other they share most edges."""
    parts = [_bounded(track, some) for some in _portions(track)]
    if len(parts) == 1:
        return parts[0]
    parts = [_shared(part) for part in parts]
    joined = [np.concatenate(side) for side in zip(*((p.tails, p.heads, p.first, p.last) for p in parts), strict=True)]
    tails, heads, first, last = joined
    return _Boundary(tails, heads, first, last, max(p.moved_m for p in parts))


def _portions(track: Track) -> list[Ints]:
    """The numbers of the polygons, as they come to stand one after the other, cut where many positions are together."""
    order = np.argsort(track.first, kind="stable")
    if shapely.get_num_coordinates(track.shapes).sum() <= _POSITIONS:
        return [np.arange(len(track.shapes))]
    reached = np.cumsum(shapely.get_num_coordinates(track.shapes[order])) // _POSITIONS
    return np.split(order, np.flatnonzero(np.diff(reached)) + 1)


def _bounded(track: Track, some: Ints) -> _Boundary:
    tails, heads, owner, moved = _rounded(track.shapes[some])
    return _Boundary(_code(tails), _code(heads), track.first[some][owner], track.last[some][owner], moved)


def _shared(part: _Boundary) -> _Boundary:
    """Every edge once for as long as it is there, in the order in which it first stands in its rings."""
    place, birth, death = _merged(part.tails, part.heads, part.first, part.last)
    order = np.argsort(place)
    place = place[order]
    return _Boundary(part.tails[place], part.heads[place], birth[order], death[order], part.moved_m)


def _code(points: Ints) -> Ints:
    code: Ints = (points[:, 0] << 32) + points[:, 1] + 90 * SCALE
    return code


def _track_stream(
    track: Track, tails: Ints, heads: Ints, first: Ints, last: Ints, order: dict[int, int], count: int
) -> bytes:
    """One class as bytes; positions that it is the first to use are entered in `order`."""
    lives = _lives(tails, heads, first, last)
    births: list[int] = []
    counts: list[int] = []
    tokens: list[tuple[int, int]] = []
    deaths: list[int] = []
    starts = np.flatnonzero(np.diff(lives[:, 2], prepend=-1))
    for group in np.split(lives, starts[1:]) if len(lives) else []:
        ends = {(t, h): d for t, h, _, d in group.tolist()}
        for arc in _arcs(group[:, :2].tolist()):
            mine = _tokens(arc, order)
            births.append(int(group[0, 2]))
            counts.append(len(mine))
            tokens += mine
            deaths += [ends[pair] for pair in pairwise(arc)]
    runs = _death_runs(np.array(deaths, dtype=np.int64), count)
    area, gained, lost = (
        np.rint(np.nan_to_num(v) * FIGURE).astype(np.int64) for v in (track.area, track.gained, track.lost)
    )
    columns = [
        [len(births)], _steps(births), counts, [len(tokens)], [t for t, _ in tokens], [w for t, w in tokens if t & 3],
        [len(runs)], *([run[i] for run in runs] for i in range(3)), _zigzag(_steps(area)), gained, lost,
    ]  # fmt: skip
    return b"".join(_varints(np.array(column, dtype=np.int64)) for column in columns)


def _lives(tails: Ints, heads: Ints, first: Ints, last: Ints) -> Ints:
    """Every edge once for as long as it is there: (tail, head, birth, death), by birth and by place in its ring."""
    place, birth, death = _merged(tails, heads, first, last)
    lives = np.column_stack([tails[place], heads[place], birth, death])
    found: Ints = lives[np.lexsort((place, birth))]
    return found


def _merged(tails: Ints, heads: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints, Ints]:
    """Edges whose dates meet as one: where each first stands among those given, its birth and its death."""
    if not len(tails):
        none = np.empty(0, dtype=np.int64)
        return none, none, none
    order = np.lexsort((first, heads, tails))
    t, h, f, d = tails[order], heads[order], first[order], last[order]
    group = np.cumsum(np.concatenate([[False], (np.diff(t) != 0) | (np.diff(h) != 0)]))
    far = int(d.max()) + 1
    reach = np.maximum.accumulate(d + group * far)  # the last date so far, within an edge
    starts = np.flatnonzero(np.concatenate([[True], f[1:] + group[1:] * far > reach[:-1]]))
    ends = np.concatenate([starts[1:], [len(order)]]) - 1
    return np.minimum.reduceat(order, starts), f[starts], reach[ends] - group[ends] * far


def _arcs(edges: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Edges chained for as long as there is one way on."""
    after: dict[int, list[int]] = {}
    for tail, head in edges:
        after.setdefault(tail, []).append(head)
    came = Counter(head for _, head in edges)
    through = {p for p, heads in after.items() if len(heads) == 1 and came[p] == 1}
    for ends in (False, True):  # arcs with ends first; what is left then is closed
        for tail, _ in edges:
            while after.get(tail) and (ends or tail not in through):
                arc = [tail, after[tail].pop(0)]
                while arc[-1] in through and after[arc[-1]]:
                    arc.append(after[arc[-1]].pop(0))
                yield arc


def _tokens(arc: Sequence[int], order: dict[int, int]) -> list[tuple[int, int]]:
    """Positions as runs of the table: (how many, in which way; where, as a step from the run before, if not new)."""
    listed = []
    fresh = []
    for p in arc:
        fresh.append(p not in order)
        listed.append(order.setdefault(p, len(order)))
    tokens: list[tuple[int, int]] = []
    before = 0
    i = 0
    while i < len(listed):
        start = i
        way = _NEW if fresh[i] else _ON
        if way == _ON and i + 1 < len(listed) and not fresh[i + 1] and listed[i + 1] == listed[i] - 1:
            way = _BACK
        step = -1 if way == _BACK else 1
        i += 1
        while i < len(listed) and fresh[i] == fresh[start] and listed[i] == listed[i - 1] + step:
            i += 1
        tokens.append(((i - start) << 2 | way, _zig(listed[start] - before)))
        before = listed[i - 1]
    return tokens


def _death_runs(deaths: Ints, count: int) -> list[tuple[int, int, int]]:
    """What dies on each date: (dates since the run before, edges since, how many), edges counted in order of birth."""
    dying = np.flatnonzero(deaths < count)
    by_date = dying[np.argsort(deaths[dying], kind="stable")]
    breaks = np.flatnonzero((np.diff(by_date) != 1) | (np.diff(deaths[by_date]) != 0)) + 1
    runs: list[tuple[int, int, int]] = []
    date = edge = 0
    for run in np.split(by_date, breaks) if len(by_date) else []:
        when, start = int(deaths[run[0]]), int(run[0])
        runs.append((when - date, _zig(start - edge), len(run)))
        date, edge = when, start + len(run)
    return runs


def _groups(i: Sequence[int], j: Sequence[int]) -> list[list[int]]:
    """Who is joined to whom, at any remove."""
    group = {k: {k} for k in (*i, *j)}
    for a, b in zip(i, j, strict=True):
        if group[a] is not group[b]:
            group[a] |= group[b]
            for k in group[b]:
                group[k] = group[a]
    return [sorted(g) for g in {id(g): g for g in group.values()}.values()]


# -- numbers ------------------------------------------------------------------------------------------------------


def _zigzag(values: Ints) -> Ints:
    folded: Ints = np.where(values < 0, -2 * values - 1, 2 * values)
    return folded


def _zig(value: int) -> int:
    return -2 * value - 1 if value < 0 else 2 * value


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2


def _varints(values: Ints) -> bytes:
    """Whole numbers from 0 as LEB128: seven bits a byte, the lowest first."""
    values = np.asarray(values, dtype=np.int64)
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    shifted = values[:, None] >> (7 * np.arange(width))
    used = np.concatenate([np.ones((len(values), 1), dtype=bool), shifted[:, 1:] > 0], axis=1)
    more = np.concatenate([shifted[:, 1:] > 0, np.zeros((len(values), 1), dtype=bool)], axis=1)
    return bytes(((shifted & 127) | (more << 7)).astype(np.uint8)[used].tobytes())


def _steps(values: Sequence[int] | Ints) -> Ints:
    """Each number less the one before; the first as it is."""
    listed = np.asarray(values, dtype=np.int64)
    steps = listed.copy()
    steps[1:] -= listed[:-1]
    return steps


def _planes(values: Ints) -> tuple[bytes, bytes]:
    """The low bytes, which are noise, apart from the rest, which is not."""
    return (values & 255).astype(np.uint8).tobytes(), _varints(values >> 8)


class _Reader:
    """Reads what `_varints` and `_planes` wrote; an IndexError where it ends too soon."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.raw[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def numbers(self, count: int) -> list[int]:
        return [self.number() for _ in range(count)]

    def steps(self, count: int, unit: int) -> list[int]:
        low = self.raw[self.at : self.at + count]
        self.at += count
        folded = [byte | high << 8 for byte, high in zip(low, self.numbers(count), strict=True)]
        if unit == 1:
            return [_signed(v) for v in folded]
        return [_signed(v >> 1) * (1 if v & 1 else unit) for v in folded]


def _read_track(reader: _Reader, count: int, met: list[int]) -> Edges:
    """One class; `met` counts the positions met so far, by this class and those before it."""
    number = reader.number()
    births_of, counts = np.cumsum(reader.numbers(number), dtype=np.int64).tolist(), reader.numbers(number)
    tokens = reader.numbers(reader.number())
    wheres = [_signed(v) for v in reader.numbers(sum(t & 3 != _NEW for t in tokens))]
    tails: list[int] = []
    heads: list[int] = []
    births: list[int] = []
    token = where = 0
    for birth, length in zip(births_of, counts, strict=True):
        arc: list[int] = []
        for t in tokens[token : token + length]:
            new, step = t & 3 == _NEW, -1 if t & 3 == _BACK else 1
            start = met[0] if new else (arc[-1] if arc else 0) + wheres[where]
            arc += range(start, start + step * (t >> 2), step)
            met[0] += t >> 2 if new else 0
            where += not new
        token += length
        tails += arc[:-1]
        heads += arc[1:]
        births += [birth] * (len(arc) - 1)
    deaths = np.full(len(tails), count, dtype=np.int64)
    number = reader.number()
    date = edge = 0
    for later, further, length in zip(*(reader.numbers(number) for _ in range(3)), strict=True):
        date, edge = date + later, edge + _signed(further)
        deaths[edge : edge + length] = date
        edge += length
    area = np.cumsum([_signed(v) for v in reader.numbers(count)]) / FIGURE
    gained, lost = (np.array(reader.numbers(count)) / FIGURE for _ in range(2))
    whole = [np.array(v, dtype=np.int64) for v in (tails, heads, births)]
    return Edges(whole[0], whole[1], whole[2], deaths, area, gained, lost)
