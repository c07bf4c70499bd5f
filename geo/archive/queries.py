"""What narrows a question (`Query`), and how an archive is read for answers: snapshots, ground, units, incidents."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.archive.released_view import ReleasedStore
from geo.archive.results import FAR, OLD_DAYS, By, PartSteps, When, age_days, effective_snapshot, moment, part_steps
from geo.archive.safety_rules import embargo_hours, rule_words
from geo.archive.shared_docs import documented
from geo.errors import NoSnapshotError, SourceError, UnitError, UsageError
from geo.measure import areas
from geo.measure.areas import UnitSet
from geo.measure.coverage import Coverage, coverage_of, uncovered_ground
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import counted_ground, far_off
from geo.presentation.labels import class_words
from geo.presentation.language import gettext, ngettext, number
from geo.presentation.sides import find_side, near_words, side_of
from geo.presentation.statuses import named
from geo.schema import CRS, is_day, last_instant, number_of, parse_instant, text_or_none, to_instant, write_instant
from geo.storage.attached import IncidentQuery
from geo.units import Countries, countries_of, find_unit, finest_level, units_of_set

# the snapshot in effect for each part of a source, and how many days old it is
EffectiveSnapshots = dict[str, tuple[str, float]]


@dataclass(frozen=True)
class Query:
    """What narrows a question: whose ground, which classes, where, by what, and as known when (see `shared_docs`)."""

    source: str
    controller: str | None = None
    status: str | Sequence[str] | None = None
    within: str | shapely.Geometry | None = None
    by: By | None = None
    level: int | None = None
    boundary: str | None = None
    as_known_on: When | None = None
    max_age_days: float | None = None


class ArchiveBase:
    """An open archive: its file, and how it is read for answers."""

    def __init__(self, path: str | Path, *, raw: bool = False, max_age_days: float | None = None) -> None:
        self.path = Path(path)
        self.store = ReleasedStore(self.path, raw=raw)
        self.reader = Reader(self.store, max_age_days=max_age_days)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def close(self) -> None:
        """Leave the archive as one file; reading goes on working.

        Examples
        --------
        >>> with geo.open_archive("data/kursk.gpkg") as archive:  # closes it at the end
        ...     archive.controllers()
        ['UA']
        """
        self.store.close()

    @documented
    def holding(self) -> AbstractContextManager[None]:
        """All that is asked inside ``with archive.holding():`` is answered from one state, and read once.

        Returns
        -------
        context manager

        Examples
        --------
        >>> with archive.holding():
        ...     first, last = archive.area("2024-08-21"), archive.area("2025-01-11")
        """
        return self.store.holding()

    @documented
    def source_name(self, source: str | None = None) -> str:
        """The source meant: the one named, or the only one that the archive has control from.

        Parameters
        ----------
        source : str or None
            Its name.

        Returns
        -------
        str

        Raises
        ------
        SourceError
            The archive has several and none is named, or it has not the one named; the message lists them.

        Examples
        --------
        >>> archive.source_name()
        'seeds'
        """
        return self.reader.source_name(source)


class Reader:
    """The one way in which the tables of an archive are read for answers."""

    def __init__(self, store: ReleasedStore, *, max_age_days: float | None = None) -> None:
        self.store = store
        self.max_age_days = max_age_days  # where a question names no other
        self.path = store.path
        self._units: tuple[tuple[Any, ...], gpd.GeoDataFrame, Countries] | None = None
        self._unit_sets: dict[tuple[Any, ...], UnitSet] = {}

    # -- sources and snapshots ----------------------------------------------------------------------------------

    def source_name(self, source: str | None = None) -> str:
        """The source meant: the one named, or the only one that the archive has control from."""
        there = self.store.recall(("control sources",), self.store.control_sources)
        if source is None and len(there) == 1:
            return str(there[0])
        if source in there:
            return str(source)
        if source is not None and len(fits := self._sources_called(source, there)) == 1:
            return fits[0]
        if (source is None and not there) or source in self.settlement_sources():
            self._refuse_points(source)
        if not there:
            raise SourceError(f"{self.path} holds no control yet: geo import brings some in")
        listed = ", ".join(there)
        if source is None:
            raise SourceError(f"{self.path} holds control from several sources; name one (--source): {listed}")
        near = near_words(source, self._source_words(there))
        raise SourceError(f"no control by source {source!r} in {self.path}; there are: {listed}{near}")

    def title(self, source: str) -> str:
        """What a source is called in words, its name where it has no title."""
        table = self.store.recall(("sources",), self.store.sources)
        title = text_or_none(dict(zip(table["name"], table["title"], strict=True)).get(source))
        return gettext(title) if title else source

    def settlement_sources(self) -> list[str]:
        """The sources that say whose settlements are, place by place."""
        return self.store.recall(("settlement sources",), self.store.settlement_sources)

    def panel_meant(self, source: str | None) -> str | None:
        """The source of settlements that a question goes to: the one named, or the only one, where none maps ground."""
        there = self.settlement_sources()
        is_alone = source is None and len(there) == 1 and not self.store.control_sources()
        return there[0] if is_alone else source if source in there else None

    def settlements_on(
        self, source: str, date: When | None, as_known_on: When | None = None, *, max_age_days: float | None = None
    ) -> tuple[gpd.GeoDataFrame, str]:
        """Whose each settlement is on a date, by a source that says so place by place, and the day that answers."""
        known = moment(as_known_on)
        at = write_instant(last_instant(date)) if date is not None else "~"
        day = max((day for day in self.store.settlement_days(source, as_known_on=known) if day <= at), default=None)
        if day is None:
            raise NoSnapshotError(f"{source} says nothing of {date or 'any day'} or a day before it")
        age = age_days(last_instant(date), parse_instant(day), whole_days=True) if date is not None else 0.0
        if max_age_days is not None and age > max_age_days:
            raise NoSnapshotError(
                f"{source} says nothing of the {number_of(max_age_days, 'day')} before {date}: the last it speaks of is"
                f" {day[:10]}"
            )
        frame = self.store.recall(("panel", source, known), lambda: self.store.settlements(source, as_known_on=known))
        instant = parse_instant(day)
        stands = (frame["valid_from"] <= instant) & (frame["valid_to"].isna() | (frame["valid_to"] > instant))
        return gpd.GeoDataFrame(frame[stands].reset_index(drop=True), crs=CRS), day

    def _refuse_points(self, source: str | None) -> None:
        if names := self.settlement_sources():
            raise SourceError(
                f"{source or ', '.join(names)} says whose settlements are, and an area is never computed from points:"
                " geo who, geo settlements, geo compare and geo export --settlements answer by it"
            )

    def _source_words(self, there: Sequence[str]) -> dict[str, set[str]]:
        """What each source may be called, in small letters: its name and its title."""
        return {name: {name.casefold(), self.title(name).casefold()} for name in there}

    def _sources_called(self, source: str, there: Sequence[str]) -> list[str]:
        return [name for name, words in self._source_words(there).items() if source.casefold() in words]

    def side_code(self, side: str | None) -> str | None:
        """The code of the side that a code, a name or an alias means."""
        there = self.store.recall(("controllers",), self.store.controllers)
        if side is None or (code := find_side(side, there)) in there:
            return None if side is None else code
        near = near_words(side, {code: side_of(code).words for code in there})
        raise UsageError(f"no side {side!r} in {self.path}; there are: {', '.join(there) or 'none'}{near}")

    def snapshots(self, source: str | None = None, *, as_known_on: When | None = None) -> pd.DataFrame:
        """Every recording of a snapshot, or those in force at a moment."""
        known = moment(as_known_on)
        table = self.store.recall(("snapshots", known), lambda: self.store.snapshots(as_known_on=known))
        return table if source is None else table[table["source"] == source].reset_index(drop=True)

    # -- rules against harm -------------------------------------------------------------------------------------

    def accuracy_km(self, source: str) -> float | None:
        """How far a source's drawn lines may be off, in km, by its record; None where that is not known."""
        return self.store.recall(("accuracy", source), lambda: self.store.accuracy_km(source))

    def notes(self, *sources: str) -> tuple[str, ...]:
        """What is to be said of figures of these sources: the rules that they have passed."""
        rules = self.store.applied_rules()
        return tuple(f"{name}: {words}" for name in sources for words in rule_words(rules, control=name))

    def sources(self) -> pd.DataFrame:
        """Sources and whom to credit; a rule that was applied to what a source says stands with its credit."""
        table = self.store.recall(("sources",), self.store.sources)
        rules = self.store.applied_rules()
        if not rules:
            return table
        datasets = set(self.store.recall(("datasets",), self.store.datasets))
        unnamed = [{"name": d, "title": d} for d in sorted(datasets - set(table["name"]))]
        table = pd.concat([table, pd.DataFrame(unnamed, columns=table.columns, dtype=object)], ignore_index=True)
        credits = []
        for name, title, whom in zip(table["name"], table["title"], table["attribution"], strict=True):
            words = rule_words(rules, control=name, dataset=name if name in datasets else None)
            credits.append("; ".join([text_or_none(whom) or title, *words]) if words else whom)
        return table.assign(attribution=pd.Series(credits, dtype=object))

    def age_limit(self, query: Query) -> float | None:
        """How old a snapshot may be, in days, where somebody has said so."""
        limit = self.max_age_days if query.max_age_days is None else query.max_age_days
        if limit is not None and not limit >= 0:
            raise UsageError(f"max_age_days={limit:g}: how old a snapshot may be is 0 or more")
        return limit

    def used(self, query: Query, when: When | None) -> pd.DataFrame:
        """The snapshot of each part that answers for a date: depicts, part, snapshot, age_days."""
        return self._used(query, when)[0].copy()

    def _used(self, query: Query, when: When | None) -> tuple[pd.DataFrame, list[Any]]:
        """The same, and those that are too old; found once for as long as the archive is held."""
        limit = self.age_limit(query)

        def found() -> tuple[pd.DataFrame, list[Any]]:
            used = self._find_used(query, when, limit)
            old = used.pop("is_too_old")
            return used[~old].reset_index(drop=True), used[old].to_dict("records")

        return self.store.recall(("used", query.source, str(when), moment(query.as_known_on), limit), found)

    def day_of_map(self, source: str, when: When | None = None, *, as_known_on: When | None = None) -> date:
        """The day of the map, or of the settlements, of a source that answers for a date; for None the last."""
        if source in self.settlement_sources():
            return parse_instant(self.settlements_on(source, when, as_known_on)[1]).date()
        return parse_instant(max(self.used(Query(source, as_known_on=as_known_on), when)["depicts"])).date()

    def too_old(self, query: Query, when: When | None) -> dict[str, str]:
        """The parts of a source that are too old to count on a date, and what is to be said of each."""
        return {
            row["part"]: ngettext(
                "{snapshot} depicts {day}, {n} day before {date}: too old to count or be drawn beside the others"
                " (--max-age-days N allows more)",
                "{snapshot} depicts {day}, {n} days before {date}: too old to count or be drawn beside the others"
                " (--max-age-days N allows more)",
                round(row["age_days"]),
                snapshot=row["snapshot"],
                day=row["depicts"][:10],
                date=when or gettext("the last map"),
            )
            for row in self._used(query, when)[1]
        }

    def part_steps(self, query: Query, instants: Sequence[datetime]) -> PartSteps:
        """At which instants of a series each part of a source stands."""
        limit = self.age_limit(query)
        snapshots = self.snapshots(query.source, as_known_on=query.as_known_on or FAR)
        snapshots = snapshots.sort_values("depicts", kind="stable")
        return part_steps(snapshots, instants, OLD_DAYS if limit is None else limit)

    def _find_used(self, query: Query, when: When | None, max_age_days: float | None) -> pd.DataFrame:
        source, as_known_on = query.source, query.as_known_on
        known = moment(as_known_on) or FAR
        recorded = self.store.recall(("in force", source, known), lambda: self.store.in_force(source, known))
        instant = last_instant(when) if when is not None else parse_instant(recorded[-1][0]) if recorded else None
        # recordings stand in order of what they depict
        past = recorded[: bisect_right(recorded, write_instant(instant), key=itemgetter(0))] if instant else []
        if not past or instant is None:
            first = f"; the first depicts {recorded[0][0]}" if recorded else "; all were taken back"
            if not recorded and embargo_hours(self.store.applied_rules(), source):
                first = "; what there may be lies under embargo (geo rules)"
            then = f" as known on {as_known_on}" if as_known_on is not None else ""
            wanted = f"depicts {when} or a day before it" if when is not None else "is in force"
            raise NoSnapshotError(f"no snapshot of {source} {wanted}{then}{first}")
        latest = {part: (depicts, part, snapshot) for depicts, part, snapshot in past}
        used = pd.DataFrame(sorted(latest.values()), columns=["depicts", "part", "snapshot"])
        whole_days = when is None or is_day(when)
        used["age_days"] = [age_days(instant, parse_instant(d), whole_days=whole_days) for d in used["depicts"]]
        if max_age_days is not None and used["age_days"].min() > max_age_days:
            newest = used.sort_values("age_days").iloc[0]
            raise NoSnapshotError(
                f"no snapshot of {source} within {number_of(max_age_days, 'day')} of {when or 'now'}: the latest before"
                f" is {newest['snapshot']}, {number_of(newest['age_days'], 'day')} old"
            )
        youngest = float(used["age_days"].min())
        # where all are old, none is left out for it: the ages are told
        used["is_too_old"] = used["age_days"] > (
            max_age_days if max_age_days is not None else OLD_DAYS + (youngest if youngest > OLD_DAYS else 0)
        )
        return used

    # -- ground -------------------------------------------------------------------------------------------------

    def state(self, query: Query, when: When | None, used: pd.DataFrame) -> gpd.GeoDataFrame:
        """The polygons of a source on a date, with the snapshot that each is from; not to be changed."""
        source, known = query.source, moment(query.as_known_on)
        instant = parse_instant(max(used["depicts"])) if when is None else last_instant(when)
        key = ("control", source, instant, known, *used["part"])
        return self.store.recall(key, lambda: self._read_state(source, instant, known, used))

    def _read_state(
        self, source: str, instant: datetime, known: datetime | None, used: pd.DataFrame
    ) -> gpd.GeoDataFrame:
        if known is None:
            frame = self.store.control_now(source, instant)
        else:
            frame = self.store.control_then(source, instant, as_known_on=known)
        names = dict(zip(used["part"], used["snapshot"], strict=True))
        frame = gpd.GeoDataFrame(frame[frame["part"].isin(list(names))].reset_index(drop=True), crs=CRS)
        frame.insert(frame.shape[1] - 1, "snapshot", frame["part"].map(names))
        return frame

    def coverage(self, source: str) -> Coverage | None:
        """What a source leaves out: as somebody has stated it, or else by our own record."""
        stated = self.store.recall(("covers", source), lambda: self.store.covers(source))
        if not stated:
            return coverage_of(source)
        units = self.units()
        rows = [units.iloc[find_unit(units, unit)] for unit in stated]
        listed = ", ".join(f"{row['name']} ({row['unit']})" for row in rows)
        return Coverage(f"{source} covers {listed} alone", [str(row["unit"]) for row in rows], is_all_else=True)

    def coverage_notes(self, source: str, frame: gpd.GeoDataFrame) -> tuple[str, ...]:
        """What is to be said of figures of a source that leaves ground out of this map."""
        coverage = self.coverage(source)
        if coverage is None or self.uncovered(source, frame).is_empty:
            return ()
        words = gettext("what it does not cover is no one's in its figures")
        return (f"{gettext(coverage.says)}: {words}",)

    def uncovered(self, source: str, frame: gpd.GeoDataFrame) -> shapely.Geometry:
        """The ground that a source leaves out of its map, by its record."""
        coverage = self.coverage(source)
        if coverage is None or frame.empty:
            return areas.NOWHERE
        shapes = np.asarray(frame.geometry.array, dtype=object)
        key = ("uncovered", source, tuple(sorted(set(frame["snapshot"]))))
        return self.store.recall(key, lambda: uncovered_ground(shapes, self.units(), coverage))

    def far_off(self, frame: gpd.GeoDataFrame) -> tuple[NDArray[np.object_], tuple[str, ...]]:
        """The ground that lies together, and notes on what lies far from it."""
        shapes = np.asarray(frame.geometry.array, dtype=object)
        ground, odd = far_off(shapes, self.countries)
        if not odd:
            return shapes, ()
        parts, owner = shapely.get_parts(shapes, return_index=True)
        names = (frame["controller"].fillna("") + " " + frame["status"]).str.strip().to_numpy()[owner]
        is_bare = frame["status"].isin(named(has_side=False)).to_numpy()[owner]
        km2 = areas_km2(parts)
        notes = []
        for doubt in odd:
            items = np.array(doubt.items, dtype=int)
            place = doubt.why.replace("the file", "the map")
            counted = gettext("{km2} km² ({classes}) count here, and maps do not frame them: {place}")
            left_out = gettext(
                "{km2} km² ({classes}) count only in figures of a unit there, and maps do not frame them: {place}"
            )
            for some, what in ((items[~is_bare[items]], counted), (items[is_bare[items]], left_out)):
                if len(some):
                    classes = ", ".join(sorted(set(names[some].tolist())))
                    notes.append(what.format(km2=number(km2[some].sum()), classes=classes, place=place))
        return ground, tuple(notes)

    def side(self, query: Query, when: When | None) -> tuple[gpd.GeoDataFrame, EffectiveSnapshots]:
        """The polygons of a source that figures of a date count, and the snapshot in effect for each of its parts."""
        used = self.used(query, when)
        frame = self.state(query, when, used)
        if query.within is None:
            key = ("counted", query.source, str(when), moment(query.as_known_on), *used["snapshot"])
            frame = self.store.recall(key, lambda: counted_ground(frame))
        return frame, {part: effective_snapshot(used, part) for part in used["part"]}

    def both_sides(
        self, query: Query, dates: Sequence[When | None]
    ) -> list[tuple[gpd.GeoDataFrame, EffectiveSnapshots]]:
        """As `side` of two dates, without the parts that are too old on either: their ground was not lost."""
        stale = {part for when in dates for part in self.too_old(query, when)}
        both = [self.side(query, when) for when in dates]
        return (
            both
            if not stale
            else [
                (
                    gpd.GeoDataFrame(f[~f["part"].isin(stale)].reset_index(drop=True), crs=CRS),
                    {p: s for p, s in used.items() if p not in stale} or used,
                )
                for f, used in both
            ]
        )

    def incidents(
        self,
        from_: When | None = None,
        to: When | None = None,
        *,
        as_known_on: When | None = None,
        within: str | shapely.Geometry | None = None,
        wanted: Mapping[str, str | Sequence[str] | None] | None = None,
    ) -> gpd.GeoDataFrame:
        """Incidents of a span of days, both included, in a place, and with these values."""
        shape = self.zone(within).shape
        frame = self.store.incidents(_asked_of(from_, to, as_known_on, shape, wanted))
        if shape is None:
            return frame
        shapely.prepare(shape)
        inside = shapely.intersects(shape, np.asarray(frame.geometry.array, dtype=object))
        found = gpd.GeoDataFrame(frame[inside].reset_index(drop=True), crs=CRS)
        found.attrs |= frame.attrs
        return found

    def tally(
        self,
        keys: Sequence[str],
        from_: When | None = None,
        to: When | None = None,
        *,
        as_known_on: When | None = None,
        within: str | shapely.Geometry | None = None,
        wanted: Mapping[str, str | Sequence[str] | None] | None = None,
    ) -> pd.DataFrame:
        """`incidents`, counted by the database: a row for those alike under some columns and of one dataset."""
        shape = self.zone(within).shape
        asked = _asked_of(from_, to, as_known_on, shape, wanted)
        if shape is None:
            return self.store.tally(keys, asked)
        table = self.store.tally((*keys, "geom"), asked)
        shapely.prepare(shape)
        inside = shapely.intersects(shape, table["geom"].to_numpy())
        return pd.DataFrame(table[inside].reset_index(drop=True))

    # -- units --------------------------------------------------------------------------------------------------

    def units(self) -> gpd.GeoDataFrame:
        """Every administrative unit; not to be changed."""
        return self._cached_units()[0]

    def unit_names(self, boundaries: Collection[str | None] = ()) -> dict[str, str]:
        """What each unit is called, by its code, or by its name where it has none; of some boundary sets, or of all."""
        units = self.units()
        if sets := {name for name in boundaries if text_or_none(name)}:
            units = units[units["boundary"].isin(sets)]
        codes = [text_or_none(code) or name for code, name in zip(units["unit"], units["name"], strict=True)]
        return dict(zip(codes, units["name"], strict=True))

    def zone_names(self, zones: Sequence[areas.Zone]) -> dict[str, str]:
        """`unit_names` for some zones; for none that is a unit no unit is read."""
        sets = {zone.boundary for zone in zones if zone.boundary is not None}
        return self.store.recall(("unit names", *sorted(sets)), lambda: self.unit_names(sets)) if sets else {}

    def countries(self) -> Countries:
        """The look-up from points to countries."""
        return self._cached_units()[1]

    def _cached_units(self) -> tuple[gpd.GeoDataFrame, Countries]:
        stamp = self.store.recall(("units",), self.store.units_stamp)
        if self._units is None or self._units[0] != stamp:
            frame = self.store.units()
            assert isinstance(frame, gpd.GeoDataFrame)
            self._units, self._unit_sets = (stamp, frame, countries_of(frame)), {}
        return self._units[1], self._units[2]

    def know_units_of(self, other: Reader) -> None:
        """Take over what another reader of the same file knows of its units; of another file they are read anew."""
        self._units, self._unit_sets = other._units, {}

    def border(self, boundary: str | None) -> gpd.GeoDataFrame:
        """The countries of one boundary set: they give border and coast."""
        units = self.units()
        mine = units[(units["level"] == 0) & ((units["boundary"] == boundary) | (boundary is None))]
        if mine.empty:
            raise UnitError(
                f"{self.path} has no countries{f' of {boundary}' if boundary else ''}, which give border and coast;"
                " bring them in: geo import --source units"
            )
        return gpd.GeoDataFrame(mine[mine["boundary"] == mine["boundary"].iloc[-1]], crs=CRS)

    def zones(self, query: Query, *, ground: gpd.GeoDataFrame) -> Sequence[areas.Zone]:
        """Where a question is measured: everywhere, in one unit, or in every unit where the ground is."""
        zone = self.zone(query.within, query.boundary, query.source)
        if query.level is not None:
            self.refuse_level(query.level, query.boundary)
        if query.by not in (None, "unit", "native"):
            raise UsageError(f"by={query.by!r} is unknown: 'unit' or 'native'")
        if query.by != "unit":
            return (zone,)
        units = self.units()
        if query.boundary is not None:
            units = units[units["boundary"] == query.boundary]
        units = units[units["level"] == (finest_level(units, ground) if query.level is None else query.level)]
        if query.boundary is None and len(units):
            units = units[units["boundary"] == units["boundary"].iloc[-1]]
        known = self._unit_set(query.source, units)
        return areas.zones_by_unit(units, within=None if zone.shape is None else zone, known=known)

    def refuse_level(self, level: int, boundary: str | None = None) -> None:
        """Raise where the archive, or one of its boundary sets, has no units of a level."""
        units = self.units()
        levels = sorted(set(units["level"][(units["boundary"] == boundary) | (boundary is None)].tolist()))
        if level not in levels:
            of = f" of {boundary}" if boundary else ""
            listed = ", ".join(map(str, levels)) or "none"
            raise UnitError(f"no units of level {level}{of} in {self.path}; there are: {listed}")

    def _unit_set(self, source: str, units: gpd.GeoDataFrame) -> UnitSet:
        """The units of one boundary set and level with their countries, for the classes of a source."""
        key = (source, *(units[["boundary", "level"]].iloc[-1] if len(units) else ()))
        if key not in self._unit_sets:
            shapes = np.asarray(units.geometry.array, dtype=object)
            self._unit_sets[key] = UnitSet(source, shapes, self.countries().of(units))
        return self._unit_sets[key]

    def zone(
        self, within: str | shapely.Geometry | None, boundary: str | None = None, source: str | None = None
    ) -> areas.Zone:
        """The ground of one unit or polygon, or everywhere; of a source, what lies a little beyond its country too."""
        if boundary is not None:
            units_of_set(self.units(), boundary)
        if within is None:
            return areas.EVERYWHERE[0]
        if not isinstance(within, str):
            return areas.Zone("(polygon)", None, within)
        units = self.units()
        row = units.iloc[find_unit(units, within, boundary=boundary)]
        zone = areas.Zone(text_or_none(row["unit"]) or str(row["name"]), row["boundary"], row.geometry)
        if source is None:
            return zone
        mates = units[(units["boundary"] == row["boundary"]) & (units["level"] == row["level"])]
        return zone._replace(units=self._unit_set(source, mates), place=mates.index.get_loc(row.name))


def _asked_of(
    from_: When | None, to: When | None, as_known_on: When | None, shape: shapely.Geometry | None,
    wanted: Mapping[str, str | Sequence[str] | None] | None,
) -> IncidentQuery:  # fmt: skip
    """What the tables of incidents are asked for, in their own terms."""
    first, last = (None if day is None else to_instant(day).date().isoformat() for day in (from_, to))
    among = {n: [v] if isinstance(v, str) else list(v) for n, v in (wanted or {}).items() if v is not None}
    return IncidentQuery(first, last, moment(as_known_on), None if shape is None else shape.bounds, among)


def words_of(row: Mapping[str, Any]) -> str:
    """Whose a settlement is, as tables say it: ``UA held``."""
    return class_words(text_or_none(row["controller"]), str(row["status"]))
