"""Where the names of places stand on a map: beside their dots, none on another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import shapely

from geo.presentation.basemap import Box, touch


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
