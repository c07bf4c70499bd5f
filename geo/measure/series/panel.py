"""The series of every class: its ledger from an archive's rows, and its km² in every zone at every snapshot.

The units meet the changed faces alone: each unit's series is a cumulative sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.measure.areas import (
    NOWHERE,
    OUTSIDE,
    ClassChange,
    ClassKey,
    Zone,
    class_zones,
    classes_of,
    ground_by_class,
    union,
)
from geo.measure.ellipsoid import areas_km2, running_areas_km2, without_residue
from geo.measure.series.edge_history import Ledger, LedgerBuilder, Step, proven
from geo.measure.series.edges import NO_POLYGONS, Floats, Ints, Objects, differing
from geo.presentation.statuses import class_order
from geo.schema import text_or_none

COLUMNS = [
    "instant",
    "controller",
    "status",
    "native",
    "part",
    "unit",
    "area_km2",
    "gained_km2",
    "lost_km2",
    "beyond_km2",
]


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
    ordered = sorted(members, key=class_order)
    found = {}
    for done, key in enumerate(ordered):
        builder = LedgerBuilder()
        came: dict[int, list[int]] = {}
        went: dict[int, list[int]] = {}
        for row in members[key]:
            if first[row] < last[row]:
                came.setdefault(int(first[row]), []).append(row)
                went.setdefault(int(last[row]), []).append(row)
        for i in range(len(instants)):
            builder.step({row: geometry[row] for row in came.get(i, [])}, went.get(i, []))
            if progress is not None:
                progress(done * len(instants) + i + 1, len(ordered) * len(instants))
        found[key] = builder.ledger()
    return found


def changed_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, *, by_native: bool = False) -> list[ClassChange]:
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
        found.append(ClassChange(key, *sides, gained, lost))
    return found


def _lifetimes(rows: gpd.GeoDataFrame, instants: Sequence[datetime]) -> tuple[Ints, Ints]:
    """The first snapshot that has each row, and the first after it that has not."""
    stamps = np.array([_nanoseconds(i) for i in instants], dtype=np.int64)
    starts = np.array([_nanoseconds(v) for v in rows["valid_from"]], dtype=np.int64)
    forever = np.iinfo(np.int64).max
    ends = np.array([forever if pd.isna(v) else _nanoseconds(v) for v in rows["valid_to"]], dtype=np.int64)
    return np.searchsorted(stamps, starts), np.searchsorted(stamps, ends)


def _nanoseconds(moment: datetime) -> int:
    return pd.Timestamp(moment).value


class ZoneChanges(NamedTuple):
    """What changed of a class at n snapshots in m zones (n, m): km² grown, gained, lost, and grown beyond the unit."""

    growth: Floats
    gained: Floats
    lost: Floats
    beyond: Floats


def zone_changes(steps: Sequence[Step], zones: Sequence[Zone], key: ClassKey | None = None) -> ZoneChanges:
    """The steps of a class met with zones; each step by itself, whatever steps it comes with."""
    moved = np.concatenate([NO_POLYGONS, *(g for s in steps for g in (s.gained, s.lost))])
    bounds = shapely.total_bounds(moved).tolist() if len(moved) else [np.nan] * 4
    # the ground outside all units is what they leave: its shape has all their borders, and need never be made
    is_rest = zones[-1].unit == OUTSIDE and zones[-1].within is None
    zones = [*class_zones(zones[:-1], key, bounds), zones[-1]] if is_rest else class_zones(zones, key, bounds)
    past = [Zone(None, None, z.beyond) for z in zones]
    beyond = np.zeros((len(steps), len(zones)))
    if any(z.shape is not None for z in past):
        past = [z._replace(shape=z.shape or NOWHERE) for z in past]
        beyond = np.subtract(*(_by_zone([getattr(step, side) for step in steps], past) for side in ("gained", "lost")))
    gained, lost = (_by_zone([getattr(step, side) for step in steps], zones) for side in ("gained", "lost"))
    if len(zones) == 1 and zones[0].shape is None:  # by the edges, which lose no digit in a face
        return ZoneChanges(np.array([[step.growth_km2] for step in steps]).reshape(-1, 1), gained, lost, beyond)
    return ZoneChanges(gained - lost, gained, lost, beyond)


def joined(spans: Sequence[tuple[int, Mapping[ClassKey, ZoneChanges]]], zones: int) -> dict[ClassKey, ZoneChanges]:
    """Changes of consecutive spans as those of the whole; a class that a span has not did not change in it."""
    keys = sorted({k for _, found in spans for k in found}, key=class_order)
    whole = {}
    for key in keys:
        parts = [found.get(key) or ZoneChanges(*[np.zeros((n, zones))] * 4) for n, found in spans]
        whole[key] = ZoneChanges(*(np.concatenate(side) for side in zip(*parts, strict=True)))
    return whole


def panel(
    changes: Mapping[ClassKey, ZoneChanges], zones: Sequence[Zone], *, instants: Sequence[datetime]
) -> pd.DataFrame:
    """Area, gross gain, gross loss and ground beyond the unit of every class in every zone at every instant, in km²."""
    frames = []
    for key, (growth, gained, lost, beyond) in changes.items():
        area, past = running_areas_km2(growth), running_areas_km2(beyond)
        gained, lost = (without_residue(side, of=area.max(axis=0, initial=0.0)) for side in (gained, lost))
        held = np.flatnonzero((gained > 0).any(axis=0)).tolist() if len(zones) > 1 else range(len(zones))
        for z in held:
            table = {"instant": instants, "area_km2": area[:, z], "gained_km2": gained[:, z], "lost_km2": lost[:, z]}
            table["beyond_km2"] = past[:, z]
            names = dict(zip(("controller", "status", "native", "part"), key, strict=True))
            frames.append(pd.DataFrame(table).assign(unit=zones[z].unit, **names))
    return pd.concat(frames, ignore_index=True)[COLUMNS] if frames else pd.DataFrame(columns=COLUMNS)


def _by_zone(polygons: Sequence[Objects], zones: Sequence[Zone]) -> Floats:
    """km² of each step's polygons in each zone: those inside a zone as they are, the others cut."""
    step = np.repeat(np.arange(len(polygons)), [len(p) for p in polygons])
    every = np.concatenate([*polygons, NO_POLYGONS])
    km2 = areas_km2(every)
    total = np.zeros((len(polygons), len(zones)))
    if len(zones) == 1 and zones[0].shape is None:
        np.add.at(total[:, 0], step, km2)
        return total
    rest = next((i for i, z in enumerate(zones) if z.unit == OUTSIDE and z.within is None), None)
    met = np.array([i for i in range(len(zones)) if i != rest])
    shapes = np.array([zones[i].shape for i in met], dtype=object)
    shapely.prepare(shapes)
    zone, who = shapely.STRtree(every).query(shapes, predicate="intersects")
    order = np.lexsort((who, zone))  # so that sums come out the same, whatever the tree's order
    zone, who = zone[order], who[order]
    inside = shapely.contains(shapes[zone], every[who])
    np.add.at(total, (step[who[inside]], met[zone[inside]]), km2[who[inside]])
    cut_zone, cut_who = zone[~inside], who[~inside]
    # ground that comes and goes and comes again is cut once
    drawn = list(zip(shapely.to_wkb(every[cut_who]).tolist(), cut_zone.tolist(), strict=True))
    last = {cut: i for i, cut in enumerate(drawn)}
    once, number = list(last.values()), dict(zip(last, range(len(last)), strict=True))
    pieces = areas_km2(shapely.intersection(every[cut_who[once]], shapes[cut_zone[once]]))
    np.add.at(total, (step[cut_who], met[cut_zone]), pieces[[number[cut] for cut in drawn]])
    if rest is not None:
        whole = np.zeros(len(polygons))
        np.add.at(whole, step, km2)
        left = whole - total.sum(axis=1)
        # what is below the rounding of the sums is nothing
        total[:, rest] = np.where(left > 1e-9 * whole, left, 0.0)
    return total


def ground_changes(rows: gpd.GeoDataFrame, instants: Sequence[datetime], zone: Zone) -> ZoneChanges:
    """What changed of the ground that several classes make together, at every snapshot: what two cover counts once."""
    if zone.shape is not None:  # polygons that never meet the zone change nothing in it
        shapely.prepare(zone.shape)
        met = shapely.intersects(zone.shape, np.asarray(rows.geometry.array, dtype=object))
        rows = rows[met]
    rows = rows.reset_index(drop=True).assign(controller=None, status="ground", native=None, part="")
    ledgers = class_ledgers(rows, instants)
    if not ledgers:
        return ZoneChanges(*[np.zeros((len(instants), 1))] * 4)
    (ledger,) = ledgers.values()
    return zone_changes(ledger.steps(), [zone])
