"""Panels of a series: km² of every class in every zone at every snapshot, and what it gained and lost there.

The units meet the changed faces alone: each unit's series is a cumulative sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import shapely

from geo.area import areas_km2
from geo.edges import NO_POLYGONS, Floats, Objects
from geo.ledger import Step
from geo.measures import OUTSIDE, ClassKey, Zone


def panel(
    steps: Mapping[ClassKey, Sequence[Step]], zones: Sequence[Zone], *, instants: Sequence[datetime]
) -> pd.DataFrame:
    """Area, gross gain and gross loss of every class in every zone at every instant, in km².

    Parameters
    ----------
    steps : mapping
        As `geo.ledger.class_steps` gives them.
    zones : sequence of geo.measures.Zone
        A zone whose shape is None is everywhere; units do not overlap each other.
    instants : sequence of datetime.datetime
        Those of the steps.

    Returns
    -------
    pandas.DataFrame
        instant, controller, status, native, part, unit, area_km2, gained_km2, lost_km2; only zones that a class has
        ever had ground in, or the one zone there is.

    Raises
    ------
    GateError
        A geometry cannot be measured (`geo.area.areas_km2`).
    """
    frames = []
    for key, listed in steps.items():
        gained, lost = (_by_zone([getattr(step, side) for step in listed], zones) for side in ("gained", "lost"))
        growth = gained - lost
        if len(zones) == 1 and zones[0].shape is None:  # by the edges, which lose no digit in a face
            growth = np.array([[step.growth_km2] for step in listed])
        area = np.cumsum(growth, axis=0)
        held = np.flatnonzero((gained > 0).any(axis=0)).tolist() if len(zones) > 1 else range(len(zones))
        for z in held:
            table = {"instant": instants, "area_km2": area[:, z], "gained_km2": gained[:, z], "lost_km2": lost[:, z]}
            names = dict(zip(("controller", "status", "native", "part"), key, strict=True))
            frames.append(pd.DataFrame(table).assign(unit=zones[z].unit, **names))
    columns = ["instant", "controller", "status", "native", "part", "unit", "area_km2", "gained_km2", "lost_km2"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


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
