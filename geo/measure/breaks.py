"""Breaks: days from which on a source says many times more or less than before, by the medians of two windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from geo.presentation.language import date_words, ngettext, plain_number

COUNT_DAYS, COUNT_TIMES = 28, 3.0
AREA_MAPS, AREA_TIMES = 7, 1.5
Breaks = list[tuple[str, float]]


def breaks_in_counts(days: Mapping[str, int]) -> Breaks:
    """The breaks in how many reports there are a day, and how many times as many there are after: 28 days, 3-fold."""
    if not days:
        return []
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    every = [str(first + timedelta(days=i)) for i in range((last - first).days + 1)]
    at = {day: i for i, day in enumerate(every)}
    counts = np.bincount([at[day] for day in days], list(days.values()), minlength=len(every)).astype(float)
    return _breaks(every, counts, window=COUNT_DAYS, times=COUNT_TIMES, least=5.0)


def breaks_in_areas(days: Sequence[str], km2: Sequence[float]) -> Breaks:
    """The breaks in how much ground is drawn, and how many times as much there is after: 7 maps, 1.5-fold."""
    return _breaks(days, np.asarray(km2, dtype=float), window=AREA_MAPS, times=AREA_TIMES, least=1.0)


def _breaks(days: Sequence[str], values: NDArray[np.float64], *, window: int, times: float, least: float) -> Breaks:
    count = len(values) - 2 * window + 1
    if count < 1:
        return []
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    before, after = views[:count], views[window : window + count]
    low, high = (np.median(side, axis=1) for side in (before, after))
    ratio = np.maximum(high, 1.0) / np.maximum(low, 1.0)
    far = (np.maximum(ratio, 1 / ratio) >= times) & (np.maximum(low, high) >= least)
    # where a step lies is seen best in the means of the logarithms
    step = np.abs(np.log1p(after).mean(axis=1) - np.log1p(before).mean(axis=1))
    found: Breaks = []
    at = np.flatnonzero(far)
    for run in np.split(at, np.flatnonzero(np.diff(at) > window) + 1) if len(at) else ():
        best = int(run[np.argmax(step[run])])
        found.append((days[best + window][:10], float(ratio[best])))
    return found


def break_words(breaks: Breaks) -> list[str]:
    """Each break in words."""
    rounded = [(date_words(date.fromisoformat(day)), float(f"{times:.2g}")) for day, times in breaks]
    return [
        ngettext(
            "{day}: {times} time as much as before", "{day}: {times} times as much as before", n,
            day=day, times=plain_number(n),
        )
        for day, n in rounded
    ]  # fmt: skip
