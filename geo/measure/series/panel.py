"""Panels of a series: km² of every class in every zone at every snapshot, and what it gained and lost there.

The units meet the changed faces alone: each unit's series is a cumulative sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from geo.measure.areas import OUTSIDE, ClassKey, Zone
from geo.measure.ellipsoid import areas_km2
from geo.measure.series.changes import Step
from geo.measure.series.edges import NO_POLYGONS, Floats, Objects


class ZoneChanges(NamedTuple):
    """What changed of a class at n snapshots in m zones, in km²: growth, gross gain and gross loss, each (n, m)."""

    growth: Floats
    gained: Floats
    lost: Floats


COLUMNS = ["instant", "controller", "status", "native", "part", "unit", "area_km2", "gained_km2", "lost_km2"]


def zone_changes(steps: Sequence[Step], zones: Sequence[Zone]) -> ZoneChanges:
    """The steps of a class met with zones; each step by itself, whatever steps it comes with."""
    gained, lost = (_by_zone([getattr(step, side) for step in steps], zones) for side in ("gained", "lost"))
    if len(zones) == 1 and zones[0].shape is None:  # by the edges, which lose no digit in a face
        return ZoneChanges(np.array([[step.growth_km2] for step in steps]).reshape(-1, 1), gained, lost)
    return ZoneChanges(gained - lost, gained, lost)


def joined(spans: Sequence[tuple[int, Mapping[ClassKey, ZoneChanges]]], zones: int) -> dict[ClassKey, ZoneChanges]:
    """Changes of consecutive spans as those of the whole; a class that a span has not did not change in it."""
    keys = sorted({k for _, found in spans for k in found}, key=lambda k: (k[0] or "~", k[1], k[2] or "", k[3]))
    whole = {}
    for key in keys:
        parts = [found.get(key) or ZoneChanges(*[np.zeros((n, zones))] * 3) for n, found in spans]
        whole[key] = ZoneChanges(*(np.concatenate(side) for side in zip(*parts, strict=True)))
    return whole


def panel(
    changes: Mapping[ClassKey, ZoneChanges], zones: Sequence[Zone], *, instants: Sequence[datetime]
) -> pd.DataFrame:
    """Area, gross gain and gross loss of every class in every zone at every instant, in km²."""
    frames = []
    for key, (growth, gained, lost) in changes.items():
        area = np.cumsum(growth, axis=0)
        held = np.flatnonzero((gained > 0).any(axis=0)).tolist() if len(zones) > 1 else range(len(zones))
        for z in held:
            table = {"instant": instants, "area_km2": area[:, z], "gained_km2": gained[:, z], "lost_km2": lost[:, z]}
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
    # the ground outside all units is what they leave: its shape has all their borders, and need never be met
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
    pieces = areas_km2(shapely.intersection(every[cut_who], shapes[cut_zone]))
    np.add.at(total, (step[cut_who], met[cut_zone]), pieces)
    if rest is not None:
        whole = np.zeros(len(polygons))
        np.add.at(whole, step, km2)
        left = whole - total.sum(axis=1)
        # what is below the rounding of the sums is nothing
        total[:, rest] = np.where(left > 1e-9 * whole, left, 0.0)
    return total
