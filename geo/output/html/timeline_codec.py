"""A series of maps packed for a browser: boundary edges in arcs, with the dates on which they are born and die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geo.errors import MapError
from geo.measure.ellipsoid import edge_areas_km2, running_areas_km2
from geo.measure.series.edge_history import Ledger
from geo.measure.series.edges import Positions
from geo.output.html.map_drawing import deflate

SCALE = 1_000_000  # steps per degree
FIGURE = 1_000  # steps per km²
_METRES = 111_320.0
_NEW, _ON, _BACK = 0, 1, 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ClassTrack:
    """One class: its boundary edges with their births and deaths, counted in dates of the series."""

    ledger: Ledger
    area: Floats
    gained: Floats
    lost: Floats


@dataclass(frozen=True)
class PackedTimeline:
    """A packed series: the deflated bytes, by how many metres rounding moved a position at most, and km² as drawn."""

    data: bytes
    moved_m: float
    km2: Sequence[Floats]  # of each class on every date, of the boundaries as rounded


def pack(tracks: Sequence[ClassTrack], instants: Sequence[int]) -> PackedTimeline:
    """Pack a series."""
    if not len(instants):
        raise MapError("there is no date to draw")
    boundaries = [_boundary(track.ledger) for track in tracks]
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(b.tails for b in boundaries)]))
    grid = np.column_stack([codes >> 32, (codes & 0xFFFFFFFF) - 90 * SCALE])
    order: dict[int, int] = {}
    streams, drawn = [], []
    for track, boundary in zip(tracks, boundaries, strict=True):
        tails, heads = (np.searchsorted(codes, v) for v in (boundary.tails, boundary.heads))
        lives = _lives(tails, heads, boundary.born, boundary.died)
        streams.append(_track_stream(track, lives, order, len(instants)))
        drawn.append(_drawn_km2(lives, grid / SCALE, len(instants)))
    points = grid[np.fromiter(order, dtype=np.int64, count=len(order))]
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
    moved = max((b.moved_m for b in boundaries), default=0.0)
    return PackedTimeline(deflate(b"".join(parts)), moved, drawn)


@dataclass(frozen=True)
class _Boundary:
    """Directed edges as codes of rounded positions, with the dates [born, died)."""

    tails: Ints
    heads: Ints
    born: Ints
    died: Ints
    moved_m: float


def _boundary(ledger: Ledger) -> _Boundary:
    """The edges of a ledger on the page's grid; those that rounding leaves without length are left out."""
    whole = [_whole(positions) for positions in ledger.edges]
    moved = max((_moved_m(p, w) for p, w in zip(ledger.edges, whole, strict=True)), default=0.0)
    tails, heads = ((w[:, 0] << 32) + w[:, 1] + 90 * SCALE for w in whole)
    long = tails != heads
    return _Boundary(tails[long], heads[long], ledger.born[long], ledger.died[long], moved)


def _whole(positions: Positions) -> Ints:
    return np.rint(np.column_stack([positions.real, positions.imag]) * SCALE).astype(np.int64)


def _moved_m(positions: Positions, whole: Ints) -> float:
    """By how many metres rounding moved a position at most."""
    east = (positions.real - whole[:, 0] / SCALE) * np.cos(np.radians(positions.imag))
    north = positions.imag - whole[:, 1] / SCALE
    return float(_METRES * np.hypot(east, north).max(initial=0.0))


def _drawn_km2(lives: Ints, degrees: Floats, count: int) -> Floats:
    """The area on every date of what a class's edges enclose."""
    tails, heads, births, deaths = lives.T
    (x0, y0), (x1, y1) = degrees[tails].T, degrees[heads].T
    line = float(np.median(y0)) if len(y0) else 0.0
    amounts = edge_areas_km2(*(np.ascontiguousarray(v) for v in (x0, y0, x1, y1)), reference=line)
    change = np.zeros(count + 1)
    np.add.at(change, births, amounts)
    np.add.at(change, np.minimum(deaths, count), -amounts)
    return running_areas_km2(change)[:-1]


def _track_stream(track: ClassTrack, lives: Ints, order: dict[int, int], count: int) -> bytes:
    """One class as bytes; positions that it is the first to use are entered in `order`."""
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
        [len(runs)], *runs.T, _zigzag(_steps(area)), gained, lost,
    ]  # fmt: skip
    return b"".join(_varints(np.array(column, dtype=np.int64)) for column in columns)


def _lives(tails: Ints, heads: Ints, first: Ints, last: Ints) -> Ints:
    """Every edge once for as long as it is there: (tail, head, birth, death), by birth and by place in its ring."""
    if not len(tails):
        return np.empty((0, 4), dtype=np.int64)
    code = tails * (max(int(tails.max()), int(heads.max())) + 1) + heads
    order = np.lexsort((first, code))
    c, f, d = code[order], first[order], last[order]
    group = np.cumsum(np.diff(c, prepend=c[0]) != 0)
    far = int(d.max()) + 1
    reach = np.maximum.accumulate(d + group * far)  # the last date so far, within an edge
    starts = np.flatnonzero(np.concatenate([[True], f[1:] + group[1:] * far > reach[:-1]]))
    ends = np.concatenate([starts[1:], [len(c)]]) - 1
    place = np.minimum.reduceat(order, starts)
    lives = np.column_stack([tails[place], heads[place], f[starts], reach[ends] - group[ends] * far])
    found: Ints = lives[np.lexsort((place, lives[:, 2]))]
    return found


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


def _death_runs(deaths: Ints, count: int) -> Ints:
    """What dies on each date: (dates since the run before, edges since, how many), edges counted in order of birth."""
    dying = np.flatnonzero(deaths < count)
    by_date = dying[np.argsort(deaths[dying], kind="stable")]
    first = np.flatnonzero((np.diff(by_date, prepend=-2) != 1) | (np.diff(deaths[by_date], prepend=-1) != 0))
    starts, lengths = by_date[first], np.diff(first, append=len(by_date))
    since = np.diff(deaths[starts], prepend=0)
    further = starts - np.concatenate([[0], (starts + lengths)[:-1]])[: len(starts)]
    return np.column_stack([since, _zigzag(further), lengths])


def _zigzag(values: Ints) -> Ints:
    folded: Ints = np.where(values < 0, -2 * values - 1, 2 * values)
    return folded


def _zig(value: int) -> int:
    return -2 * value - 1 if value < 0 else 2 * value


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
