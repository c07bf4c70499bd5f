"""The gate into an archive: every polygon is let in as it is, repaired and said so, or refused and said why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo.errors import GateError
from geo.formats.dates import FIRST
from geo.formats.limits import CLASSES, CROSSINGS, PAIRS, capped, refuse_too_many
from geo.importing.geometry_repair import Objects, area_of, is_plain, look, mend, past_180, why_not_degrees
from geo.measure.ellipsoid import areas_km2, km2_of
from geo.measure.location_checks import FAR, WAY_OUT, Doubt, Expected, Outline, against_country, doubts, outlines
from geo.measure.source_comparison import segments_of
from geo.presentation.statuses import STATUSES
from geo.schema import CRS, ControlColumns, Options, Refusal, Rows, Snapshot, number_of, parse_instant, text_or_none
from geo.units import Countries

SLIVER_KM2 = 0.01
# A country's own outline is drawn with some error: a side may seem to hold a little more than all of it.
TOLERANCE = 1.02
# Armenia held 1.4 times its own area, and claims to both shores of islands hold much sea; a wrong file goes further.
COUNTRIES_AT_MOST = 2.0
SEA_KM2 = 500_000.0
_POLYGON = 3
_AT_ONCE = 50  # polygons or lines whose neighbours are looked for
_TURNS = 50.0  # how often a border goes from one end of its box to the other; a coast does some ten times
T = TypeVar("T")
_NOTES = 20  # on points in odd places, that are told one by one


@dataclass(frozen=True)
class Admitted:
    """What came through: the frame, who was turned back and why, and what was mended."""

    rows: ControlColumns | gpd.GeoDataFrame
    refusals: tuple[Refusal, ...] = ()
    repairs: tuple[str, ...] = ()
    duplicates: int = 0
    notes: tuple[str, ...] = ()

    @property
    def frame(self) -> gpd.GeoDataFrame:
        return self.rows.frame if isinstance(self.rows, ControlColumns) else self.rows


@dataclass
class FindingCache:
    """Findings about polygons seen before in this batch: most of a day's polygons are the day before's."""

    sound: set[bytes] = field(default_factory=set)  # features; the others but `overlaps` are of single polygons too
    country: dict[bytes, str] = field(default_factory=dict)
    km2: dict[bytes, float] = field(default_factory=dict)
    outlines: dict[bytes, Outline] = field(default_factory=dict)
    overlaps: dict[tuple[bytes, bytes], float] = field(default_factory=dict)
    sides: dict[str, set[str]] = field(default_factory=dict)  # by source
    boxes: dict[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)  # of a source's and part's last map
    drawn: dict[int, _Drawn] = field(default_factory=dict)  # by identity, of the files that are looked at together


class _Drawn(NamedTuple):
    """A feature with its bytes, by which findings are kept, and its single polygons with theirs."""

    shape: shapely.Geometry | None  # which keeps its identity as long as this is kept
    key: bytes
    parts: Sequence[shapely.Geometry]
    keys: Sequence[bytes]


class _Parts(NamedTuple):
    """The single polygons of features: of which feature each is, and its bytes."""

    geometry: Objects
    owner: NDArray[np.intp]
    keys: Objects

    @classmethod
    def of(cls, geometry: Objects, memory: FindingCache) -> _Parts:
        drawn = _drawn(geometry, memory)
        owner = np.repeat(np.arange(len(drawn)), [len(one.parts) for one in drawn])
        return cls(
            _objects(p for one in drawn for p in one.parts), owner, _objects(k for one in drawn for k in one.keys)
        )

    def km2(self, memory: FindingCache) -> NDArray[np.float64]:
        return np.array(_recalled(memory.km2, self, lambda fresh: _spread(fresh).tolist()), dtype=np.float64)


def check_together(snapshots: Iterable[Snapshot], memory: FindingCache, countries: Countries | None) -> None:
    """Find out about the new polygons of many maps at once what can be told of each by itself, where it is sound."""
    geometry = np.concatenate([np.asarray(s.rows.geometry, dtype=object) for s in snapshots] or [np.empty(0, object)])
    memory.drawn.clear()
    geometry = _objects({id(shape): shape for shape in geometry.tolist()}.values())
    geometry = geometry[is_plain(geometry)]
    keys = _keys(geometry, memory)
    fresh = [i for key, i in dict(zip(keys.tolist(), range(len(keys)), strict=True)).items() if key not in memory.sound]
    geometry, keys = geometry[fresh], keys[fresh]
    sound = shapely.is_valid(geometry)
    geometry, keys = geometry[sound], keys[sound]
    memory.sound.update(keys.tolist())
    if countries is None or not len(geometry):
        return
    _places(geometry, keys, countries, memory)
    parts = _Parts.of(geometry, memory)
    parts.km2(memory)
    _places(parts.geometry, parts.keys, countries, memory)
    _recalled(memory.outlines, parts, lambda fresh: outlines(fresh, countries))


class _Gate(NamedTuple):
    """A snapshot on its way through the gate; what is turned back is added to `turned`."""

    snapshot: Snapshot
    options: Options
    countries: Countries
    memory: FindingCache
    turned: list[Refusal]


def admit_control(
    snapshot: Snapshot,
    *,
    options: Options,
    countries: Countries | None = None,
    memory: FindingCache | None = None,
    expected: Expected | None = None,
    first: date = FIRST,
) -> Admitted:
    """Let a snapshot's polygons in."""
    memory = memory or FindingCache()
    check_not_future(snapshot.depicts, options)
    if snapshot.depicts.date() < first:
        raise GateError(f"the date {snapshot.depicts.date()} is {_before(first)}")
    ground = ControlColumns.of(snapshot.rows)
    _check_statuses(ground)
    refuse_too_many("the map", len(set(ground.classes())), CLASSES, "sides and statuses")
    turned = list(snapshot.refusals)
    repairs = list(snapshot.repairs)
    ground = _sound(ground, snapshot, memory, turned, repairs)
    if not len(ground):
        _explain_nothing(snapshot, turned, options)
    ground, duplicates, twice = _drop_duplicates(ground)
    if twice:
        repairs.append(f"{duplicates + twice} equal features: {twice} kept, {duplicates + twice} counted")
    placed: list[str] = []
    parts = _Parts.of(ground.geometry, memory)
    if countries is not None and len(ground):
        gate = _Gate(snapshot, options, countries, memory, turned)
        kept, placed = _refuse_too_large(ground, parts, gate)
        parts = parts if kept is ground else _Parts.of(kept.geometry, memory)
        ground = kept
        if len(ground):
            expected = replace(expected or Expected(), name=snapshot.file_name)
            kept, odd = _check_place(ground, parts, gate, expected)
            parts = parts if kept is ground else _Parts.of(kept.geometry, memory)
            ground, placed = kept, placed + odd
        if not len(ground):
            _explain_nothing(snapshot, turned, options)
    _refuse_crossed(parts.geometry)
    notes = [*snapshot.notes, *placed, *_slivers(parts, memory), *_overlaps(ground, memory)]
    memory.sound.update(ground["key"].tolist())
    return Admitted(ground, tuple(turned), tuple(repairs), duplicates, tuple(notes))


def _sound(
    ground: ControlColumns, snapshot: Snapshot, memory: FindingCache, turned: list[Refusal], repairs: list[str]
) -> ControlColumns:
    """What can come in, mended, each row with its ``key``: the bytes of its outline."""
    keys, geometry = _keys(ground.geometry, memory), ground.geometry
    fresh = np.array([k not in memory.sound for k in keys.tolist()], dtype=bool)
    if not fresh.any():
        return ground.having(key=keys)
    reasons = look(geometry, fresh)
    mend(geometry, ground["row"], fresh, reasons, repairs)
    keys[fresh] = _keys(geometry[fresh], memory)
    ground = ground.having(key=keys)
    if not reasons:
        return ground
    turned += [_refusal(snapshot.frame, i, *reasons[i], geometry[i]) for i in sorted(reasons)]
    return ground.take(np.array([i not in reasons for i in range(len(ground))], dtype=bool))


def admit_settlements(rows: Rows, *, options: Options, first: date = FIRST) -> Admitted:
    """Let in what is said of settlements: of days that were, by statuses that there are."""
    days = rows.frame.attrs["days"]
    if not days:
        raise GateError("no rows")
    check_not_future(parse_instant(days[-1]), options)
    if days[0] < first.isoformat():
        raise GateError(f"the date {days[0][:10]} is {_before(first)}")
    unknown = sorted(set(rows.frame["status"].dropna()) - set(STATUSES))
    if unknown:
        raise GateError(f"status {unknown[0]!r} is unknown; the known ones: {', '.join(STATUSES)}")
    return Admitted(rows.frame, tuple(rows.refusals), notes=tuple(rows.notes))


def admit_points(rows: Rows, *, options: Options, countries: Countries | None = None, first: date = FIRST) -> Admitted:
    """Let incidents in: those whose point is where such a point can be."""
    frame = rows.frame.reset_index(drop=True)
    turned = list(rows.refusals)
    reasons: dict[int, tuple[str, str]] = {}
    starts = frame["date_start"].fillna("~").astype(str)
    for i in np.flatnonzero(starts < first.isoformat()).tolist():
        reasons[i] = (f"the event date {starts[i]} is {_before(first)}", "mend the year in the file")
    frame, repairs = _bring_back(frame, countries)
    notes = _look_at_points(frame, options, countries, reasons) if len(frame) else []
    turned += [_refusal(frame, i, *reasons[i], frame.geometry.iloc[i]) for i in sorted(reasons)]
    frame = frame.drop(index=sorted(reasons)).reset_index(drop=True)
    if frame.empty and not rows.left_out and "empty" not in options.accept:
        why = f"all {len(turned)} rows were refused: {_sum_up(turned)}" if turned else "no rows"
        raise GateError(why, turned)
    return Admitted(frame, tuple(turned), (*rows.repairs, *repairs), 0, (*rows.notes, *notes))


def admit_units(rows: Rows) -> Admitted:
    """Let administrative units in: areal, valid, within the ranges of longitude and latitude."""
    frame = rows.frame.reset_index(drop=True)
    geometry = np.asarray(frame.geometry.array, dtype=object).copy()
    repairs = list(rows.repairs)
    every = np.ones(len(frame), dtype=bool)
    reasons = look(geometry, every)
    mend(geometry, frame["row"].to_numpy(), every, reasons, repairs)
    frame = frame.set_geometry(gpd.GeoSeries(geometry, crs=CRS))
    turned = [*rows.refusals, *(_refusal(frame, i, *reasons[i], geometry[i]) for i in sorted(reasons))]
    frame = frame.drop(index=sorted(reasons)).reset_index(drop=True)
    if frame.empty:
        raise GateError(f"no unit can be let in: {_sum_up(turned) or 'no features'}", turned)
    return Admitted(frame, tuple(turned), tuple(repairs), 0, rows.notes)


def check_not_future(moment: datetime, options: Options) -> None:
    """Refuse a date later than now, unless it is let in on purpose."""
    if moment > datetime.now(UTC) and "future" not in options.accept:
        raise GateError(f"the date {moment:%Y-%m-%d} is later than now: a slip of the pen? --accept future lets it in")


def _before(first: date) -> str:
    return f"before {first}, when the first of this source's can be: a slip of the pen?"


def _check_statuses(ground: ControlColumns) -> None:
    statuses = set(ground["status"].tolist())
    if statuses - set(STATUSES):
        unknown = sorted(str(status) for status in statuses - set(STATUSES) if text_or_none(status) is not None)
        shown = ", ".join(map(repr, unknown)) or "a missing one"
        raise GateError(
            f"status {shown} is unknown; the known ones: {', '.join(STATUSES)}. --status-map maps a file's words"
        )


def _keys(geometry: Objects, memory: FindingCache) -> Objects:
    """The bytes of each outline, by which findings about it are kept."""
    return _objects(one.key for one in _drawn(geometry, memory))


def _drawn(geometry: Objects, memory: FindingCache) -> list[_Drawn]:
    """Features taken apart, each once: the maps of a series share most of theirs."""
    shapes = geometry.tolist()
    if fresh := [shape for key, shape in {id(s): s for s in shapes}.items() if key not in memory.drawn]:
        new = _objects(fresh)
        parts, owner = shapely.get_parts(new, return_index=True)
        keys, starts = _bytes_of(new), np.searchsorted(owner, np.arange(len(new) + 1)).tolist()
        is_set = shapely.get_type_id(new) != _POLYGON
        each = keys[owner]
        each[is_set[owner]] = _bytes_of(parts[is_set[owner]])
        listed, said = parts.tolist(), each.tolist()
        for shape, key, alone, a, b in zip(fresh, keys.tolist(), ~is_set, starts, starts[1:], strict=False):
            memory.drawn[id(shape)] = _Drawn(shape, key, [shape] if alone else listed[a:b], said[a:b])
    return [memory.drawn[id(shape)] for shape in shapes]


def _bytes_of(geometry: Objects) -> Objects:
    keys: Objects = np.asarray(shapely.to_wkb(geometry), dtype=object)
    keys[shapely.is_missing(geometry)] = b""
    return keys


def _objects(values: Iterable[Any]) -> Objects:
    listed = list(values)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


# -- the snapshot as a whole ----------------------------------------------------------------------------------------


def _explain_nothing(snapshot: Snapshot, turned: list[Refusal], options: Options) -> None:
    if turned:
        raise GateError(f"nothing can be let in: {_sum_up(turned)}", turned)
    if "empty" in options.accept or snapshot.may_be_empty:
        return
    left = "; ".join(f"{n} × {why}" for why, n in snapshot.left_out.items())
    what = f"no control polygon ({left})" if left else "no features"
    raise GateError(f"{what}: is the download whole? --accept empty stores a snapshot in which nobody holds anything")


def _sum_up(turned: list[Refusal]) -> str:
    counts = Counter(r.why for r in turned)
    shown = [why if n == 1 else f"{why} ({n} rows)" for why, n in counts.most_common(4)]
    way_out = next((r.way_out for r in turned if r.way_out), "")
    return "; ".join(shown) + (f". {way_out[0].upper()}{way_out[1:]}" if way_out else "")


def _refusal(frame: gpd.GeoDataFrame, i: int, why: str, way_out: str, geometry: shapely.Geometry | None) -> Refusal:
    row = frame.iloc[i]
    if text_or_none(row.get("orig")):
        # an incident goes back as its file had it
        return Refusal(int(row["row"]), why, way_out, json.loads(row["orig"]))
    aside = ("row", "orig", frame.active_geometry_name)
    properties: dict[str, Any] = {str(k): v for k, v in row.items() if k not in aside and v is not None and v == v}
    if geometry is not None:
        properties["geometry"] = geometry.wkt
    return Refusal(int(row["row"]), why, way_out, properties, km2_of(geometry))


def _drop_duplicates(ground: ControlColumns) -> tuple[ControlColumns, int, int]:
    """Without equal features; how many went, and how many of those kept had a double."""
    native = [word or "" for word in ground["native"].tolist()]
    listed = list(zip(ground.classes(), native, ground["key"].tolist(), strict=True))
    counts = Counter(listed)
    if len(counts) == len(listed):
        return ground, 0, 0
    first = {key: i for i, key in reversed(list(enumerate(listed)))}
    kept = ground.take(np.array(sorted(first.values()), dtype=np.intp))
    return kept, len(ground) - len(kept), sum(n > 1 for n in counts.values())


def _check_place(
    ground: ControlColumns, single: _Parts, gate: _Gate, expected: Expected
) -> tuple[ControlColumns, list[str]]:
    """Refuse the polygons that cannot be where they are, also single ones of a set; say which are odd there."""
    options, countries = gate.options, gate.countries
    parts, owner = single.geometry, single.owner
    sides = {countries.code_of(side) or "" for side in ground.sides()}
    where = _places(parts, single.keys, countries, gate.memory)
    drawn = _recalled(gate.memory.outlines, single, lambda fresh: outlines(fresh, countries))
    found = list(doubts(parts, where, countries, replace(expected, sides=sides), drawn))
    if "country" in ground.columns:
        words = [[text_or_none(word) or ""] for word in ground["country"][owner]]
        xy = shapely.get_coordinates(shapely.point_on_surface(parts))
        # of ground near its country the column may say who holds it, and not where it lies
        found += [
            d._replace(impossible=d.impossible and d.away > FAR) for d in against_country(xy, where, words, countries)
        ]
    rows = ground["row"]
    gone = np.zeros(len(parts), dtype=bool)
    gone[[i for d in found if _refused(d, options) for i in d.items]] = True
    notes = [_odd(d, rows[owner[list(d.items)]]) for d in found if not _refused(d, options) and _is_left(d, gone)]
    gone[:] = False
    for doubt in (d for d in found if _refused(d, options)):
        items = np.array(doubt.items, dtype=int)[~gone[list(doubt.items)]]
        gone[items] = True
        for i in sorted(set(owner[items].tolist())):
            mine = parts[items[owner[items] == i]]
            shape = shapely.multipolygons(mine) if len(mine) > 1 else mine[0]
            why = f"{areas_km2(mine).sum():,.3f} km²: {doubt.why}"
            refusal = _refusal(gate.snapshot.frame, int(ground["at"][i]), why, WAY_OUT, shape)
            gate.turned.append(replace(refusal, lies_elsewhere="swapped" not in doubt.why))
    if not gone.any():
        return ground, notes
    whole = ground.geometry.copy()
    touched = sorted(set(owner[gone].tolist()))
    for i in touched:
        left = parts[(owner == i) & ~gone]
        whole[i] = shapely.multipolygons(left) if len(left) else None
    return ground.having(whole, key=_keys(whole, gate.memory)).take(~shapely.is_missing(whole)), notes


def _refused(doubt: Doubt, options: Options) -> bool:
    swapped = "swapped" in options.accept and "swapped" in doubt.why
    return doubt.impossible and not swapped and "elsewhere" not in options.accept


def _is_left(doubt: Doubt, gone: NDArray[np.bool_]) -> bool:
    """Whether something that is odd stays; what is refused is told as that."""
    return not doubt.items or not gone[list(doubt.items)].all()


def _odd(doubt: Doubt, rows: NDArray[Any]) -> str:
    listed = sorted(set(rows.tolist()))
    named = f"row{'s' if len(listed) > 1 else ''} {', '.join(map(str, listed[:5]))}" if listed else ""
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return f"{named}{more}: {doubt.why}; kept" if named else doubt.why


def _places(parts: Objects, keys: Objects, countries: Countries, memory: FindingCache) -> Objects:
    """The country of each polygon, "" for none."""
    unknown = [i for i, k in enumerate(keys.tolist()) if k not in memory.country]
    if unknown:
        points = shapely.get_coordinates(shapely.point_on_surface(parts[unknown]))
        located = countries.locate(points[:, 0], points[:, 1]).tolist()
        memory.country |= dict(zip(keys[unknown].tolist(), located, strict=True))
    return np.array([memory.country[k] for k in keys.tolist()], dtype=object)


def _recalled(known: dict[bytes, T], parts: _Parts, find: Callable[[Objects], Iterable[T]]) -> list[T]:
    """What is known of each polygon; those not seen before are looked at together."""
    keys = parts.keys.tolist()
    fresh = {key: i for i, key in enumerate(keys) if key not in known}
    if fresh:
        known |= zip(fresh, find(parts.geometry[list(fresh.values())]), strict=True)
    return [known[key] for key in keys]


def _refuse_too_large(ground: ControlColumns, parts: _Parts, gate: _Gate) -> tuple[ControlColumns, list[str]]:
    """Refuse the rows of a class that together are far larger than the country they lie in; say which are larger."""
    countries, memory = gate.countries, gate.memory
    if "large" in gate.options.accept or not countries.areas_km2:
        return ground, []
    keys = ground["key"]
    place = _places(ground.geometry, keys, countries, memory)
    areas = np.bincount(parts.owner, parts.km2(memory), minlength=len(ground))
    bad, notes = np.zeros(len(ground), dtype=bool), []
    for (country, _), rows in _by_key(zip(place.tolist(), ground.classes(), strict=True)).items():
        limit = TOLERANCE * countries.areas_km2.get(country, SEA_KM2)
        if areas[rows].sum() <= limit:
            continue
        large = rows[areas[rows] > limit / len(rows)]
        land, own = _on_countries(ground.geometry[large], countries)
        size = countries.areas_km2.get(own, limit / TOLERANCE)
        where = f"all of {own} ({size:,.0f} km²)" if own else f"any country ({size:,.0f} km²)"
        if land <= COUNTRIES_AT_MOST * size and areas[large].sum() - land <= SEA_KM2:
            if land > TOLERANCE * size:
                doubt = Doubt((0,), f"{land:,.0f} km² of land, more than {where}", False)
                notes.append(_odd(doubt, ground["row"][large]))
            continue
        bad[large] = True
        way = "is the file whole, are its classes right? --accept large stores it"
        why = f"{areas[rows].sum():,.0f} km², more than {where}"
        shapes = zip(ground["at"][large].tolist(), ground.geometry[large], strict=True)
        gate.turned.extend(_refusal(gate.snapshot.frame, at, why, way, shape) for at, shape in shapes)
    return (ground.take(~bad) if bad.any() else ground), notes


def _by_key(keys: Iterable[T]) -> dict[T, NDArray[np.intp]]:
    """The positions of each value."""
    found: dict[T, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return {key: np.array(items, dtype=np.intp) for key, items in found.items()}


def _on_countries(shapes: Objects, countries: Countries) -> tuple[float, str]:
    """km² of land in areas, and the country that has most of it."""
    tree, codes = countries.grounds
    which, ground = tree.query(shapes, predicate="intersects")
    shared: Counter[str] = Counter()
    around = shapely.box(*shapely.total_bounds(shapes))
    met, at = np.unique(ground, return_inverse=True)
    near = shapely.intersection(tree.geometries[met], around)  # a country's far corners cost time for each shape
    shapely.prepare(near)
    on = shapes[which]
    out = ~shapely.covers(near[at], on)  # what lies wholly in a country need not be cut
    on[out] = shapely.intersection(on[out], near[at[out]])
    for code, km2 in zip(codes[ground], _spread(on), strict=True):
        shared[code] += km2
    return sum(shared.values()), max(shared, key=shared.__getitem__, default="")


def _spread(geometry: Objects) -> NDArray[np.float64]:
    """km², by the long way round where a ring spans the globe (a box around the whole world has no short way)."""
    bounds = shapely.bounds(geometry)
    wide = bounds[:, 2] - bounds[:, 0] > 180
    found = np.empty(len(geometry))
    found[~wide] = areas_km2(geometry[~wide])
    for i in np.flatnonzero(wide).tolist():
        west, south, east, north = bounds[i].tolist()
        half = (west + east) / 2
        sides = [shapely.box(west, south, half, north), shapely.box(half, south, east, north)]
        found[i] = sum(area_of(shapely.segmentize(shapely.intersection(geometry[i], s), 30)) for s in sides)
    return found


def _slivers(parts: _Parts, memory: FindingCache) -> list[str]:
    """Parts too small to have been drawn on purpose: counted, kept."""
    count = int((parts.km2(memory) < SLIVER_KM2).sum())
    return [f"{count} sliver{'' if count == 1 else 's'} under {SLIVER_KM2} km², kept"] if count else []


def _overlaps(ground: ControlColumns, memory: FindingCache) -> list[str]:
    """ControlColumns that two classes claim at once: counted with its km², kept."""
    classes = ground.classes()
    if len(set(classes)) < 2:
        return []
    geometry, keys = ground.geometry, ground["key"].tolist()
    met = list(_pairs_of_two_classes(geometry, classes))
    pairs = [(min(keys[i], keys[j]), max(keys[i], keys[j])) for i, j in met]
    fresh = [k for k, pair in enumerate(pairs) if pair not in memory.overlaps]
    first, second = (geometry[[met[k][side] for k in fresh]] for side in (0, 1))
    shared = shapely.relate_pattern(first, second, "T********")  # most only touch, which is sooner told than cut
    km2 = np.zeros(len(fresh))
    km2[shared] = areas_km2(shapely.intersection(first[shared], second[shared]))
    memory.overlaps |= dict(zip((pairs[k] for k in fresh), km2.tolist(), strict=True))
    sums: dict[tuple[str, str], float] = {}
    for (i, j), pair in zip(met, pairs, strict=True):
        if memory.overlaps[pair] > 0:
            names = sorted((" ".join(classes[i]).strip(), " ".join(classes[j]).strip()))
            sums[names[0], names[1]] = sums.get((names[0], names[1]), 0.0) + memory.overlaps[pair]
    listed = sorted(sums.items())
    return capped([f"{a} and {b} overlap on {km2:.3f} km², kept" for (a, b), km2 in listed if km2 >= 1e-6])


def _refuse_crossed(polygons: Objects) -> None:
    """Raise where borders of polygons cross so often that cutting or joining them would take long."""
    west, south, east, north = shapely.bounds(polygons).T
    # how often a border goes from one end of its box to the other; two cross at most about as often as their product
    turns = shapely.length(polygons) / np.maximum(east - west + north - south, 1e-12)
    often = np.flatnonzero(turns > _TURNS).tolist()
    tree, count = shapely.STRtree(polygons if often else []), 0  # of nearly every map none does
    for i in often:
        for j in tree.query(polygons[i]).tolist():
            if turns[i] * turns[j] > CROSSINGS and (i < j or turns[j] <= _TURNS):
                lines, others = segments_of([polygons[i]]), shapely.STRtree(segments_of([polygons[j]]))
                for start in range(0, len(lines), _AT_ONCE):
                    count += len(others.query(lines[start : start + _AT_ONCE], predicate="crosses")[0])
                    refuse_too_many("the map", count, CROSSINGS, "crossings of the borders of two polygons")


def _pairs_of_two_classes(geometry: Objects, classes: list[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    """The polygons whose boxes meet, a class against those after it: of one class alone there may be millions."""
    order = {name: number for number, name in enumerate(dict.fromkeys(classes))}
    numbers = np.array([order[name] for name in classes], dtype=np.intp)
    count, left = 0, np.arange(len(geometry))
    while len(left):
        mine, left = left[numbers[left] == numbers[left[0]]], left[numbers[left] != numbers[left[0]]]
        tree = shapely.STRtree(geometry[left])
        for start in range(0, len(mine) if len(left) else 0, _AT_ONCE):
            some = mine[start : start + _AT_ONCE]
            one, other = tree.query(geometry[some])
            count += len(one)
            refuse_too_many("the map", count, PAIRS, "pairs of polygons of two classes that may overlap")
            yield from zip(some[one].tolist(), left[other].tolist(), strict=True)


# -- points ---------------------------------------------------------------------------------------------------------


def _bring_back(frame: gpd.GeoDataFrame, countries: Countries | None) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Points of a file that counts longitudes from 0 to 360: those that then lie in a country, and in the row's own."""
    lon, lat = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    past = past_180(lon) & (np.abs(lat) <= 90)
    if countries is None or not past.any():
        return frame, []
    turned = np.where(past, lon - 360 * np.sign(lon), lon)
    here = countries.locate(turned, lat)
    codes = {name: countries.code_of(text_or_none(name) or "") for name in set(frame["country"])}
    own = [codes[name] for name in frame["country"]]
    past &= [place != "" and code in (None, place) for place, code in zip(here, own, strict=True)]
    # of a file with longitudes west of Greenwich, one beyond 180° is a slip, unless the row names its country
    past &= [code is not None for code in own] if ((lon < 0) & (lon >= -180)).any() else True
    if not past.any():
        return frame, []
    lon = np.where(past, turned, lon)
    moved = frame.set_geometry(gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=frame.index, crs=CRS))
    moved["longitude"] = lon
    return moved, [f"{number_of(int(past.sum()), 'point')} moved by 360°: longitudes beyond 180°"]


def _look_at_points(
    frame: gpd.GeoDataFrame, options: Options, countries: Countries | None, reasons: dict[int, tuple[str, str]]
) -> list[str]:
    """Why points are turned back, by position; and what is to be said of those that stay."""
    xy = np.column_stack([frame.geometry.x, frame.geometry.y])
    odd = ~(np.isfinite(xy).all(axis=1) & (np.abs(xy) <= (180, 90)).all(axis=1))
    reasons |= {i: why for i in np.flatnonzero(odd).tolist() if (why := why_not_degrees(xy[i : i + 1]))}
    nowhere = np.flatnonzero(~odd & ~xy.any(axis=1)).tolist()
    reasons |= dict.fromkeys(nowhere, ("0,0 is no place", "geocode it, or leave the row out"))
    today = datetime.now(UTC).date().isoformat()
    late = [] if "future" in options.accept else np.flatnonzero(frame["date_start"].fillna("") > today).tolist()
    for i in late:
        start = frame["date_start"].iloc[i]
        reasons.setdefault(i, (f"the event date {start} is later than now", "a slip of the pen? --accept future"))
    return [] if countries is None else _check_points(frame, xy, options, countries, reasons)


def _check_points(
    frame: gpd.GeoDataFrame, xy: NDArray[np.float64], options: Options, countries: Countries,
    reasons: dict[int, tuple[str, str]],
) -> list[str]:  # fmt: skip
    """Points against their rows' own words and against each other; a row that names its country right is right."""
    good = np.array([i for i in range(len(frame)) if i not in reasons], dtype=int)
    if not len(good):
        return []
    where = countries.locate(xy[good, 0], xy[good, 1])
    words = frame[["country", "adm_1", "adm_2", "where_coordinates"]].iloc[good].fillna("").astype(str)
    own = against_country(xy[good], where, words.to_numpy().tolist(), countries)
    sure = {i for i, name in enumerate(words["country"]) if name} - {i for d in own for i in d.items}
    points = np.asarray(frame.geometry.array, dtype=object)[good]
    among = [
        d._replace(items=items) if (items := tuple(set(d.items) - sure)) else d._replace(impossible=False)
        for d in doubts(points, where, countries, Expected())
    ]
    rows, notes = frame["row"].to_numpy()[good], []
    for doubt in (*own, *among):
        if _refused(doubt, options):
            reasons |= {int(good[i]): (doubt.why, WAY_OUT) for i in doubt.items if int(good[i]) not in reasons}
    gone = np.isin(good, list(reasons))
    for doubt in (*own, *among):
        if not _refused(doubt, options) and _is_left(doubt, gone):
            notes.append(_odd(doubt, rows[list(doubt.items)]))
    return notes if len(notes) <= _NOTES else [*notes[:_NOTES], f"{len(notes) - _NOTES} more such notes"]
