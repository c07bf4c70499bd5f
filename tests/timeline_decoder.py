"""The decoder of a timeline's page, in Python, with which tests read what a page holds."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.errors import MapError
from geo.measure.ellipsoid import edge_areas_km2, running_areas_km2
from geo.output.html.timeline_codec import _BACK, _NEW, FIGURE, SCALE, Floats, Ints


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
class UnpackedTimeline:
    """A series unpacked: instants (seconds since 1970 UTC), positions (n, 2) in steps of 1e-6°, and the classes."""

    instants: Ints
    points: Ints
    tracks: Sequence[Edges]


def unpack(data: bytes) -> UnpackedTimeline:
    """What `pack` packed: the decoder of the page, in Python."""
    try:
        reader = _Reader(zlib.decompress(data, -15))
        count, n, m, unit = (reader.number() for _ in range(4))
        instants = np.cumsum(reader.numbers(count), dtype=np.int64)
        axes = [np.cumsum(reader.steps(n, unit), dtype=np.int64) for _ in (0, 1)]
        met = [0]
        tracks = [_read_track(reader, count, met) for _ in range(m)]
    except (zlib.error, IndexError):
        raise MapError("this is no packed series, or only a part of one") from None
    return UnpackedTimeline(instants, np.column_stack(axes), tracks)


def drawn_km2(data: bytes) -> list[Floats]:
    """The areas of what a page draws, class by class, on every date."""
    unpacked = unpack(data)
    degrees = unpacked.points / SCALE
    found = []
    for edges in unpacked.tracks:
        (x0, y0), (x1, y1) = degrees[edges.tails].T, degrees[edges.heads].T
        line = float(np.median(y0)) if len(y0) else 0.0
        flat = [np.ascontiguousarray(v) for v in (x0, y0, x1, y1)]
        amounts = edge_areas_km2(*flat, reference=line)
        change = np.zeros(len(unpacked.instants) + 1)
        np.add.at(change, edges.births, amounts)
        np.add.at(change, edges.deaths, -amounts)
        found.append(running_areas_km2(change)[:-1])
    return found


def _signed(value: int) -> int:
    return -(value + 1) // 2 if value & 1 else value // 2


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
