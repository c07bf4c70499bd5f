"""Incidents that may be one event told twice: found by place, date, type and words, linked, and never deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.incidents.markers import radius_km
from geo.measure.ellipsoid import lengths_km
from geo.schema import dated, text_or_none

COLUMNS = (
    "first", "first_dataset", "second", "second_dataset", "date_start", "where_coordinates", "distance_km", "score",
    "why", "first_notes", "second_notes",
)  # fmt: skip
NEAR_KM = 5.0
FAR_KM = 30.0
LIMIT = 0.65
# what each likeness weighs; an address in common adds to them, as two reports of one post are nearly always one event
_WEIGHTS = {"place": 0.3, "date": 0.15, "type": 0.15, "words": 0.4}
_SAME_LINK = 0.4
_UNKNOWN = 0.5
_KM_A_DEGREE = 110.0
# rough kinds of events, for datasets that name them differently; a type that fits none says nothing
_KINDS = {
    "strike": r"strike|shell|artiller|rocket|mortar|missile|drone|bomb|explosi|remote violence",
    "battle": r"battle|clash|engagement|fight|anti-tank|ground activity",
    "protest": r"protest|riot|demonstration",
    "movement": r"presence|movement|convoy|build-?up",
}
_LINK = re.compile(r"https?://\S+[^\s;,.\"')\]]")
_WORD = re.compile(r"\w+")


_READ = ("notes", "source_headline", "where_coordinates", "event_type", "sub_event_type", "source_article")
_Pair = tuple[int, int, float, float, str]  # two positions, km, score, why


class _Told(NamedTuple):
    """What one incident says, made ready to be compared."""

    words: frozenset[str]
    cyrillic: bool
    kind: str
    links: frozenset[str]


def doubles(incidents: gpd.GeoDataFrame, *, limit: float = LIMIT, within_dataset: bool = False) -> pd.DataFrame:
    """Pairs of incidents that may be one event."""
    # without a day, which a rule may withhold, no two are told to be one
    incidents = dated(incidents)
    frame = incidents[incidents["date_start"].notna()].reset_index(drop=True)
    ordinal = np.array([date.fromisoformat(day).toordinal() for day in frame["date_start"]], dtype=np.int64)
    columns = {name: frame[name].tolist() for name in _READ}
    points = np.asarray(frame.geometry.array, dtype=object)
    told: dict[int, _Told] = {}
    listed: list[_Pair] = []
    for day, pairs in _near(frame, ordinal, within_dataset=within_dataset):
        for i in np.unique(pairs).tolist():
            if i not in told:
                told[i] = _tell({name: cells[i] for name, cells in columns.items()})
        listed += _alike(pairs, points, ordinal, told, limit)
        told = {i: one for i, one in told.items() if ordinal[i] > day}  # what is past is compared no more
    listed.sort(key=lambda r: (-r[3], r[0], r[1]))
    return _table(frame, listed) if listed else pd.DataFrame(columns=list(COLUMNS), dtype=object)


def _alike(
    pairs: NDArray[np.intp], points: NDArray[np.object_], ordinal: NDArray[np.int64], told: Mapping[int, _Told],
    limit: float,
) -> Iterator[_Pair]:  # fmt: skip
    """The pairs that score as much as the limit."""
    if not len(pairs):
        return
    ends = np.stack([shapely.get_coordinates(points[pairs[:, k]]) for k in (0, 1)], axis=1)
    km = lengths_km(shapely.linestrings(ends)).tolist()
    days = np.abs(ordinal[pairs[:, 0]] - ordinal[pairs[:, 1]]).tolist()
    for (i, j), apart, between in zip(pairs.tolist(), km, days, strict=True):
        score = _score(told[i], told[j], apart, between)
        if score >= limit:
            yield i, j, apart, score, _why(told[i], told[j], apart, between)


def _near(
    frame: gpd.GeoDataFrame, ordinal: NDArray[np.int64], *, within_dataset: bool
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Day by day the positions of pairs that lie near each other; the first of a pair comes first in the frame."""
    order = np.argsort(ordinal, kind="stable")
    points = np.asarray(frame.geometry.array, dtype=object)
    boxes = _boxes(frame, points)
    names = frame["dataset"].astype("category").cat.codes.to_numpy()
    sorted_days = ordinal[order]
    for day in np.unique(ordinal).tolist():
        begin, here, end = np.searchsorted(sorted_days, [day, day + 1, day + 2])
        today, near = order[begin:here], order[begin:end]
        a, b = shapely.STRtree(points[near]).query(boxes[today], predicate="intersects")
        pairs = np.column_stack([today[a], near[b]])
        # of two of one day the tree gives both orders
        twice = (ordinal[pairs[:, 1]] == day) & (pairs[:, 0] >= pairs[:, 1])
        apart = (names[pairs[:, 0]] != names[pairs[:, 1]]) | within_dataset
        yield day, np.sort(pairs[~twice & apart], axis=1)


def _boxes(frame: gpd.GeoDataFrame, points: NDArray[np.object_]) -> NDArray[np.object_]:
    """The ground around each point in which another may be the same event: the wider, the less its place is known."""
    rows = frame[["uncertainty_km", "where_prec", "geo_precision"]].to_dict("records")
    km = np.array([min(FAR_KM, NEAR_KM + (radius_km(r) or 0.0)) for r in rows], dtype=float)
    xy = shapely.get_coordinates(points)
    north = km / _KM_A_DEGREE
    east = km / (_KM_A_DEGREE * np.maximum(np.cos(np.radians(xy[:, 1])), 0.01))
    boxes = shapely.box(xy[:, 0] - east, xy[:, 1] - north, xy[:, 0] + east, xy[:, 1] + north)
    return np.atleast_1d(np.asarray(boxes, dtype=object))


def _tell(row: dict[str, Any]) -> _Told:
    texts = [text_or_none(row[n]) for n in ("source_headline", "notes", "where_coordinates")]
    said = " ".join(t for t in texts if t).casefold()
    letters = [c for c in said if c.isalpha()]
    types = " ".join(t for n in ("event_type", "sub_event_type") if (t := text_or_none(row[n])))
    links = frozenset(_LINK.findall(text_or_none(row["source_article"]) or ""))
    stems = frozenset(word[:5] for word in _WORD.findall(_LINK.sub(" ", said)) if len(word) > 3)
    return _Told(stems, 2 * sum("а" <= c <= "џ" for c in letters) > len(letters), _kind(types), links)


@lru_cache(maxsize=1000)
def _kind(types: str) -> str:
    return next((kind for kind, words in _KINDS.items() if re.search(words, types, re.IGNORECASE)), "")


def _words_shared(a: _Told, b: _Told) -> float | None:
    """The share of the words of the shorter text that both have; None where they cannot be compared."""
    shorter = min(len(a.words), len(b.words))
    return len(a.words & b.words) / shorter if a.cyrillic == b.cyrillic and shorter > 2 else None


def _score(a: _Told, b: _Told, km: float, days: int) -> float:
    """How alike two incidents are, from 0 to 1."""
    like = {
        "place": max(0.0, 1 - km / FAR_KM) if km > NEAR_KM else 1 - 0.5 * km / NEAR_KM,
        "date": 1.0 if days == 0 else 0.5,
        "type": _UNKNOWN if not (a.kind and b.kind) else float(a.kind == b.kind),
        "words": _words_shared(a, b) or 0.0,
    }
    shared = not a.links.isdisjoint(b.links)
    return round(min(1.0, sum(_WEIGHTS[name] * value for name, value in like.items()) + _SAME_LINK * shared), 3)


def _why(a: _Told, b: _Told, km: float, days: int) -> str:
    """What a score is made of."""
    words = _words_shared(a, b)
    parts = [f"{km:.1f} km apart", "same day" if days == 0 else f"{days} day apart"]
    parts += [f"both {a.kind}" if a.kind == b.kind else f"{a.kind} and {b.kind}"] if a.kind and b.kind else []
    parts += ["words cannot be compared" if words is None else f"{words:.0%} of the words"]
    parts += [] if a.links.isdisjoint(b.links) else ["an address in common"]
    return ", ".join(parts)


def _table(frame: gpd.GeoDataFrame, listed: Sequence[_Pair]) -> pd.DataFrame:
    one, other = ([r[k] for r in listed] for k in (0, 1))
    column = {n: frame[n].tolist() for n in ("event_id", "dataset", "date_start", "where_coordinates", "notes")}
    rows = {
        "first": [column["event_id"][i] for i in one], "first_dataset": [column["dataset"][i] for i in one],
        "second": [column["event_id"][j] for j in other], "second_dataset": [column["dataset"][j] for j in other],
        "date_start": [column["date_start"][i] for i in one],
        "where_coordinates": [
            column["where_coordinates"][i] or column["where_coordinates"][j] for i, j in zip(one, other, strict=True)
        ],
        "distance_km": np.round([r[2] for r in listed], 3), "score": [r[3] for r in listed],
        "why": [r[4] for r in listed], "first_notes": [column["notes"][i] for i in one],
        "second_notes": [column["notes"][j] for j in other],
    }  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
