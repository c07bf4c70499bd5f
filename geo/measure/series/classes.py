"""The ledger of every class: of a series as the archive's layer has it, and of two dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.measure.areas import NOWHERE, ClassKey, Moved, classes_of, ground_by_class, union
from geo.measure.series.changes import Step, proven
from geo.measure.series.edge_hashes import differing
from geo.measure.series.edge_history import Clerk, Ledger
from geo.measure.series.edges import Ints
from geo.schema import text_or_none


def class_ledgers(
    rows: gpd.GeoDataFrame,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[ClassKey, Ledger]:
    """The ledger of every class of a series."""
    first, last = _lifetimes(rows, instants)
    geometry = np.asarray(rows.geometry.array, dtype=object)
    natives = rows["native"] if by_native else [None] * len(rows)
    keys = [
        (text_or_none(c), str(s), text_or_none(n), str(p))
        for c, s, n, p in zip(rows["controller"], rows["status"], natives, rows["part"], strict=True)
    ]
    members: dict[ClassKey, list[int]] = {}
    for i, key in enumerate(keys):
        members.setdefault(key, []).append(i)
    ordered = sorted(members, key=lambda k: (k[0] or "~", k[1], k[2] or "", k[3]))
    found = {}
    for done, key in enumerate(ordered):
        clerk = Clerk()
        came: dict[int, list[int]] = {}
        went: dict[int, list[int]] = {}
        for row in members[key]:
            if first[row] < last[row]:
                came.setdefault(int(first[row]), []).append(row)
                went.setdefault(int(last[row]), []).append(row)
        for i in range(len(instants)):
            clerk.step({row: geometry[row] for row in came.get(i, [])}, went.get(i, []))
            if progress is not None:
                progress(done * len(instants) + i + 1, len(ordered) * len(instants))
        found[key] = clerk.ledger()
    return found


def changed_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, by_native: bool = False) -> list[Moved]:
    """What changed of every class between two dates, from the edges that differ alone."""
    old, new = (ground_by_class(frame, by_native=by_native) for frame in (before, after))
    found = []
    for key in classes_of(old, new):
        sides = old.get(key, NOWHERE), new.get(key, NOWHERE)
        if NOWHERE in sides:
            gained, lost = sides[1], sides[0]
        else:
            step = proven([differing(*sides)], [partial(tuple, sides)])[0]
            gained, lost = (union([NOWHERE, *polygons]) for polygons in step[:2])
        found.append(Moved(key, *sides, gained, lost))
    return found


def class_steps(
    rows: gpd.GeoDataFrame,
    instants: Sequence[datetime],
    *,
    by_native: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[ClassKey, list[Step]]:
    """Every step of every class of a series: the ledgers' steps, with the parameters of `class_ledgers`."""
    ledgers = class_ledgers(rows, instants, by_native=by_native, progress=progress)
    return {key: ledger.steps() for key, ledger in ledgers.items()}


def _lifetimes(rows: gpd.GeoDataFrame, instants: Sequence[datetime]) -> tuple[Ints, Ints]:
    """The first snapshot that has each row, and the first after it that has not."""
    stamps = np.array([_nanoseconds(i) for i in instants], dtype=np.int64)
    starts = np.array([_nanoseconds(v) for v in rows["valid_from"]], dtype=np.int64)
    forever = np.iinfo(np.int64).max
    ends = np.array([forever if pd.isna(v) else _nanoseconds(v) for v in rows["valid_to"]], dtype=np.int64)
    return np.searchsorted(stamps, starts), np.searchsorted(stamps, ends)


def _nanoseconds(moment: datetime) -> int:
    return pd.Timestamp(moment).value
