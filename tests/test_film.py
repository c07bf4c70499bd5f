"""A packed series against the shapes it was packed from: every edge on every date, and nothing else."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from timeline_decoder import UnpackedTimeline, drawn_km2, unpack

from geo.errors import MapError
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.edge_history import LedgerBuilder
from geo.output.html.map_drawing import deflate
from geo.output.html.timeline_codec import SCALE, ClassTrack, pack

CELLS = [box(30 + x, 50 + y, 31 + x, 51 + y) for x in range(4) for y in range(3)]
DAY = 86_400


@dataclass(frozen=True)
class StepResult:
    """A class as shapes, each with the first date that has it and the first that has not, and as the track of it."""

    lives: list[tuple[shapely.Geometry, int, int]]
    track: ClassTrack

    def on(self, date: int) -> list[shapely.Geometry]:
        return [shape for shape, first, last in self.lives if first <= date < last]


def track(lives: list[tuple[shapely.Geometry, int, int]], count: int, area: list[float] | None = None) -> StepResult:
    clerk = LedgerBuilder()
    for date in range(count):
        clerk.step(
            {i: shape for i, (shape, first, _) in enumerate(lives) if first == date},
            [i for i, (_, _, last) in enumerate(lives) if last == date],
        )
    nothing = np.zeros(count)
    return StepResult(lives, ClassTrack(clerk.ledger(), np.array(area) if area else nothing, nothing, nothing))


def edges_on(unpacked: UnpackedTimeline, k: int, date: int) -> list[tuple[int, ...]]:
    edges = unpacked.tracks[k]
    there = (edges.births <= date) & (edges.deaths > date)
    both = np.hstack([unpacked.points[edges.tails[there]], unpacked.points[edges.heads[there]]])
    return sorted(map(tuple, both.tolist()))


def edges_of(shapes: list[shapely.Geometry]) -> list[tuple[int, ...]]:
    """Directed edges of polygons on the grid, interior on the left, each once."""
    found = set()
    for polygon in shapely.get_parts(np.array(shapes, dtype=object)):
        for ring in shapely.orient_polygons(polygon).exterior, *shapely.orient_polygons(polygon).interiors:
            xy = [tuple(p) for p in np.rint(np.array(ring.coords) * SCALE).astype(int).tolist()]
            found |= {(*tail, *head) for tail, head in pairwise(xy) if tail != head}
    return sorted(found)


def check(made: list[StepResult], count: int) -> UnpackedTimeline:
    """Every date of every class has the rounded source's edges, each once; rows that overlap are one ground."""
    unpacked = unpack(pack([m.track for m in made], [DAY * (i + 1) for i in range(count)]).data)
    assert unpacked.instants.tolist() == [DAY * (i + 1) for i in range(count)]
    assert len(np.unique(unpacked.points, axis=0)) == len(unpacked.points)
    for k, one in enumerate(made):
        for date in range(count):
            assert edges_on(unpacked, k, date) == edges_of(pieces(one.on(date))), (k, date)
    return unpacked


def pieces(shapes: list[shapely.Geometry]) -> list[shapely.Geometry]:
    """Shapes that share ground united, the others as they are."""
    left: list[list[shapely.Geometry]] = []
    for shape in shapes:
        met = [g for g in left if any(shapely.relate_pattern(shape, other, "T********") for other in g)]
        left = [g for g in left if g not in met] + [[shape, *(s for g in met for s in g)]]
    in_order = [[s for s in shapes if any(s is t for t in group)] for group in left]
    return [group[0] if len(group) == 1 else shapely.union_all(group) for group in in_order]


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[shapely.Geometry, int, int]]:
    """Some cells for some time each, merged or apart, either way round, shifted by less or more than a step."""
    found = []
    for _ in range(draw(st.integers(0, 5))):
        chosen = [CELLS[i] for i in sorted(draw(st.sets(st.integers(0, 11), min_size=1, max_size=6)))]
        shape = shapely.union_all(chosen)
        if draw(st.booleans()):
            shape = shapely.segmentize(shape, 0.3)
        if draw(st.booleans()):
            shape = shapely.reverse(shape)
        shift = draw(st.sampled_from([0.0, 1e-7, 4e-6, 0.1]))
        shape = shapely.transform(shape, lambda xy, by=shift: xy + by)
        first = draw(st.integers(0, 4))
        found.append((shape, first, draw(st.integers(first + 1, 6))))
    return found


@settings(max_examples=60, deadline=None)
@given(lives(), lives())
def test_what_is_unpacked_is_what_was_packed(one: list, other: list) -> None:
    check([track(one, 6), track(other, 6)], 6)


def test_a_boundary_that_stays_is_sent_once() -> None:
    grown = shapely.union_all([CELLS[0], CELLS[1]])
    unpacked = check([track([(grown, 0, 9), (shapely.reverse(grown), 9, 10)], 10)], 10)
    edges = unpacked.tracks[0]
    assert len(edges.tails) == len(edges_of([grown]))
    assert set(edges.births.tolist()) == {0}
    assert set(edges.deaths.tolist()) == {10}


def test_an_edge_that_comes_back_is_there_twice_and_its_points_once() -> None:
    unpacked = check([track([(CELLS[0], 0, 2), (CELLS[0], 4, 5)], 6)], 6)
    assert len(unpacked.points) == 4
    assert sorted(zip(unpacked.tracks[0].births.tolist(), unpacked.tracks[0].deaths.tolist(), strict=True)) == (
        [(0, 2)] * 4 + [(4, 5)] * 4
    )


def test_neighbours_share_their_points() -> None:
    unpacked = check([track([(CELLS[0], 0, 1)], 1), track([(CELLS[3], 0, 1)], 1)], 1)
    assert len(unpacked.points) == 6


def test_holes_and_rings_that_touch_at_a_point() -> None:
    hole = Polygon(box(0, 0, 9, 9).exterior, [box(2, 2, 4, 4).exterior, box(4, 4, 6, 6).exterior])
    touching = MultiPolygon([box(10, 0, 11, 1), box(11, 1, 12, 2)])
    check([track([(hole, 0, 2), (touching, 1, 3)], 3)], 3)


def test_places_everywhere_and_five_digits() -> None:
    far = [box(-179.99999, -85, -179, -84), box(179, 84, 180, 85), box(-0.00001, -0.00002, 0.00003, 0.00004)]
    check([track([(shape, 0, 1) for shape in far], 1)], 1)
    fives = shapely.transform(
        shapely.Point(35, 51).buffer(0.2, quad_segs=40), lambda xy: np.round(xy, 5) + (xy[:, :1] > 35.1) * 3e-6
    )
    check([track([(fives, 0, 1)], 1)], 1)


def test_figures_come_through_to_a_thousandth() -> None:
    area = [17_098_246.1234, 0.0, 0.0004, 12.3456]
    unpacked = unpack(pack([track([(CELLS[0], 0, 4)], 4, area).track], [1, 2, 3, 4]).data)
    assert unpacked.tracks[0].area == pytest.approx(area, abs=0.0005)


def test_rounding_is_measured() -> None:
    shifted = shapely.transform(CELLS[0], lambda xy: xy + np.array([4e-7, 0]))
    film = pack([track([(shifted, 0, 1)], 1).track], [0])
    metres = 4e-7 * 111_320 * np.cos(np.radians(50))
    assert film.moved_m == pytest.approx(metres, rel=1e-6)
    assert pack([track([(CELLS[0], 0, 1)], 1).track], [0]).moved_m < 1e-8


def test_drawn_areas_are_those_of_the_shapes() -> None:
    made = track([(CELLS[0], 0, 3), (CELLS[5], 1, 2), (shapely.reverse(CELLS[7]), 2, 3)], 3)
    film = pack([made.track], [0, 1, 2])
    drawn = drawn_km2(film.data)[0]
    assert film.km2[0] == pytest.approx(drawn, rel=1e-12)
    for date in range(3):
        assert drawn[date] == pytest.approx(areas_km2(np.array(made.on(date))).sum(), rel=1e-12)


def test_ground_that_two_polygons_cover_counts_once() -> None:
    lives = [(box(0, 0, 2, 2), 0, 3), (box(1, 1, 3, 3), 1, 4), (box(9, 9, 10, 10), 0, 4), (box(2, 0, 3, 1), 0, 4)]
    film = pack([check_alone(lives, 4)], [0, 1, 2, 3])
    drawn = drawn_km2(film.data)[0]
    assert film.km2[0] == pytest.approx(drawn, rel=1e-12)
    for date in range(4):
        united = shapely.union_all([s for s, a, b in lives if a <= date < b])
        assert drawn[date] == pytest.approx(areas_km2(np.array([united]))[0], rel=1e-12)


def check_alone(lives: list[tuple[shapely.Geometry, int, int]], count: int) -> ClassTrack:
    made = track(lives, count)
    check([made], count)
    return made.track


def test_nothing_and_rubbish() -> None:
    with pytest.raises(MapError, match="no date"):
        pack([], [])
    assert unpack(pack([track([], 2).track], [5, 9]).data).tracks[0].tails.tolist() == []
    whole = pack([track([(CELLS[0], 0, 1)], 1).track], [0]).data
    for rubbish in (b"", b"not deflated", deflate(zlib.decompress(whole, -15)[:-3])):
        with pytest.raises(MapError, match="packed series"):
            unpack(rubbish)


def test_a_real_month_comes_through_whole(shared: Path) -> None:
    files = sorted((shared / "deepstate-mirror").glob("*.geojson"))[20:50]
    read = [shapely.from_geojson(f.read_text(encoding="utf-8")) for f in files]
    days = [shapely.get_parts(collection)[0] for collection in read]
    made = track([(day, i, i + 1) for i, day in enumerate(days)], len(days))
    unpacked = check([made], len(days))
    assert len(unpacked.tracks[0].tails) < 1.5 * len(edges_of(days[:1]))
    drawn = drawn_km2(pack([made.track], list(range(len(days)))).data)[0]
    assert np.abs(drawn - areas_km2(np.array(days))).max() < 0.02
    assert SCALE == 1_000_000
