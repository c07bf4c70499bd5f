"""How time and memory grow with dates and with vertices: a real series replayed, and cluster_markers or thickened."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely

from benchmarks.common import DATA, as_series
from geo.measure.series.edge_history import Ledger, LedgerBuilder

DATES = (100, 350, 1000, 3500)
DETAIL = (-1e-3, -2e-4, 0.0, 8e-3, 3e-3)  # degrees


def replay(shapes: np.ndarray, dates: int) -> Iterator[shapely.Geometry]:
    """The series forwards and backwards, again and again: edges that are known are born and die anew."""
    there_and_back = [*range(len(shapes)), *range(len(shapes) - 2, 0, -1)]
    for i in range(dates):
        yield shapes[there_and_back[i % len(there_and_back)]]


def held(shapes: np.ndarray, dates: int) -> Iterator[shapely.Geometry]:
    """The series slowed down: every state stands for as many days as fill the dates, and nothing new is born."""
    for i in range(dates):
        yield shapes[i * len(shapes) // dates]


def build(shapes: Iterator[shapely.Geometry]) -> Ledger:
    clerk = LedgerBuilder()
    for shape in shapes:
        clerk.snapshot([shape])
    return clerk.ledger()


def measure(shapes: Iterator[shapely.Geometry]) -> tuple[float, int, int]:
    """Seconds of building a ledger, its lives of edges, and its distinct edges."""
    start = time.perf_counter()
    made = build(shapes)
    taken = time.perf_counter() - start
    distinct = len(set(zip(made.edges.tails.tolist(), made.edges.heads.tolist(), strict=True)))
    return taken, len(made.born), distinct


def peak_mb(shapes: Iterator[shapely.Geometry]) -> float:
    tracemalloc.start()
    build(shapes)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return peak


def detailed(shapes: np.ndarray, step: float) -> np.ndarray:
    """The shapes with vertices left out (a negative step is the tolerance) or put in (so far apart at most)."""
    if step < 0:
        return np.asarray(shapely.make_valid(shapely.simplify(shapes, -step)))
    return np.asarray(shapely.segmentize(shapes, step) if step else shapes)


def run(path: Path) -> int:
    """Print the figures and draw them as SVG."""
    from matplotlib.figure import Figure

    shapes = as_series(sorted((DATA / "deepstate-mirror").glob("*.geojson")))[0]
    print("| dates | seconds | peak MB | lives of edges | distinct edges |\n|---|---|---|---|---|")
    rows = []
    for dates in DATES:
        taken, lives, distinct = measure(replay(shapes, dates))
        rows.append((dates, taken, peak_mb(replay(shapes, dates)), lives, distinct))
        print("| {} | {:.2f} | {:.1f} | {:,} | {:,} |".format(*rows[-1]), flush=True)
    longest = max(DATES)
    slow, (taken, lives, distinct) = peak_mb(held(shapes, longest)), measure(held(shapes, longest))
    print(f"| {longest}, each state held | {taken:.2f} | {slow:.1f} | {lives:,} | {distinct:,} |", flush=True)
    by_detail = []
    for step in DETAIL:
        some = detailed(shapes, step)
        vertices = float(shapely.get_num_coordinates(some).mean())
        by_detail.append((vertices, measure(iter(some))[0]))
    figure = Figure(figsize=(8, 3), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    left.plot([r[0] for r in rows], [r[1] for r in rows], "o-")
    left.set(xlabel="dates (replayed)", ylabel="seconds to build the ledger")
    middle.plot([r[0] for r in rows], [r[2] for r in rows], "o-", label="there and back")
    middle.plot([longest], [slow], "s", label="each state held")
    middle.legend(frameon=False)
    middle.set(xlabel="dates (replayed)", ylabel="peak memory, MB")
    right.plot([v for v, _ in by_detail], [t for _, t in by_detail], "o-")
    right.set(xlabel=f"vertices a date ({len(shapes)} dates)", ylabel="seconds to build the ledger")
    for axes in (left, middle, right):
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
    print(path)
    return 0
