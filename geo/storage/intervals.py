"""Half-open intervals of one polygon: what a snapshot that arrives, is corrected or is taken back does to them."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[str, str | None]


def _ends_after(end: str | None, instant: str) -> bool:
    return end is None or end > instant


def subtract(intervals: Iterable[Interval], cut: Interval) -> list[Interval]:
    """What is left of the intervals without `cut`."""
    start, end = cut
    left: list[Interval] = []
    for first, last in sorted(intervals, key=lambda interval: interval[0]):
        if not _ends_after(last, start) or (end is not None and first >= end):
            left.append((first, last))
            continue
        if first < start:
            left.append((first, start))
        if end is not None and _ends_after(last, end):
            left.append((end, last))
    return left


def add(intervals: Iterable[Interval], new: Interval) -> list[Interval]:
    """The intervals with `new` among them, those that touch joined into one."""
    joined: list[Interval] = []
    for first, last in sorted([*subtract(intervals, new), new], key=lambda interval: interval[0]):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def overlap(a: Interval, b: Interval) -> Interval | None:
    """The part that two intervals share, or None."""
    start = max(a[0], b[0])
    end = a[1] if b[1] is None else b[1] if a[1] is None else min(a[1], b[1])
    return (start, end) if end is None or start < end else None
