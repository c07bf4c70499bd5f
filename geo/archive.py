"""The archive as its users know it: what stood on a date, how much that is, and what changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import measures
from geo.answers import (
    FAR,
    By,
    When,
    age_days,
    breaks_between,
    columns_of,
    joined_intervals,
    keep,
    moment,
    said_by,
    spokesman,
    table_of,
)
from geo.area import areas_km2
from geo.errors import ArchiveError, NoSnapshotError, SourceError, UnitError, UsageError
from geo.front import Front, front_of, movement
from geo.pages.notebook import archive_card, sentence
from geo.schema import CRS, STATUSES, is_day, last_instant, parse_instant, text_or_none, to_instant, write_instant
from geo.series.cluster import series_changes
from geo.series.ledger import changed_ground
from geo.series.panel import panel
from geo.settlements import changed_hands
from geo.storage import history
from geo.storage.store import Store
from geo.units import Countries, countries_of, find_unit, finest_level

AREA_COLUMNS = (
    "source", "controller", "status", "unit", "area_km2", "lower_km2", "upper_km2", "snapshot", "snapshot_age_days",
    "boundary",
)  # fmt: skip
CHANGE_COLUMNS = (
    "source", "controller", "status", "unit", "gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent",
    "from_snapshot", "to_snapshot", "base", "boundary",
)  # fmt: skip
WHO_COLUMNS = ("source", "controller", "status", "native", "valid_from", "valid_to")
SERIES_COLUMNS = ("date", "source", "controller", "status", "unit", "area_km2", "gained_km2", "lost_km2")


def open_archive(path: str | Path) -> Archive:
    """Open an archive; one that is not there yet is made by the first import.

    Parameters
    ----------
    path : str or pathlib.Path
        A GeoPackage (``.gpkg``).

    Returns
    -------
    Archive

    Raises
    ------
    UsageError
        The path is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; an archive is one file, such as {path / 'control.gpkg'}")
    return Archive(path)


class Archive:
    """Dated control, incidents and units in one GeoPackage. Open it with `open_archive`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.store = Store(self.path)
        self._units: tuple[tuple[Any, ...], gpd.GeoDataFrame, Countries] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def _repr_html_(self) -> str:
        try:
            tables = self.sources(), self.snapshots(as_known_on=FAR), self.store.layers()
        except ArchiveError as error:
            return sentence(str(error))
        return archive_card(self.path, *tables)

    def close(self) -> None:
        """Leave the archive as one file; reading goes on working.

        Raises
        ------
        ArchiveError
            Never.
        """
        self.store.close()

    # -- what is there ------------------------------------------------------------------------------------------

    def holding(self) -> AbstractContextManager[None]:
        """All that is asked inside ``with archive.holding():`` is answered from one state, and read once.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.holding()

    def sources(self) -> pd.DataFrame:
        """Sources and whom to credit: name, title, url, licence, attribution.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.recall(("sources",), self.store.sources)

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
        """
        there = self.store.recall(("control sources",), self.store.control_sources)
        if source is None and len(there) == 1:
            return str(there[0])
        if source in there:
            return str(source)
        listed = ", ".join(there) or "none: geo import brings one in"
        if source is None:
            raise SourceError(f"{self.path} holds control from several sources or none; name one (--source): {listed}")
        raise SourceError(f"no control by source {source!r} in {self.path}; there are: {listed}")

    def controllers(self) -> list[str]:
        """Every side that the archive has control by, from any source at any time, in order of their names.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.recall(("controllers",), self.store.controllers)

    def snapshots(self, source: str | None = None, *, as_known_on: When | None = None) -> pd.DataFrame:
        """Every recording of a snapshot, or those in force at a moment.

        Parameters
        ----------
        source : str or None
            One source's alone.
        as_known_on : str, date, datetime or None
            None lists every recording, superseded ones too.

        Returns
        -------
        pandas.DataFrame
            snapshot, source, part, depicts, published, retrieved, recorded_at, superseded_at, retracted_at, and what
            the file was and gave; instants as ISO 8601 text in UTC.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        GateError
            `as_known_on` cannot be read.
        """
        known = moment(as_known_on)
        table = self.store.recall(("snapshots", known), lambda: self.store.snapshots(as_known_on=known))
        return table if source is None else table[table["source"] == source].reset_index(drop=True)

    def units(self, level: int | None = None) -> gpd.GeoDataFrame:
        """Administrative units: unit, name, name_local, level, parent, boundary, area_km2, geometry (EPSG:4326).

        Parameters
        ----------
        level : int or None
            0 countries, 1 their first division, …; None all.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        frame = self._cached_units()[0]
        return frame.copy() if level is None else frame[frame["level"] == level].reset_index(drop=True)

    def countries(self) -> Countries:
        """The look-up from points to countries, by the archive's units.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._cached_units()[1]

    def _cached_units(self) -> tuple[gpd.GeoDataFrame, Countries]:
        stamp = self.store.recall(("units",), self.store.units_stamp)
        if self._units is None or self._units[0] != stamp:
            frame = self.store.units()
            assert isinstance(frame, gpd.GeoDataFrame)
            self._units = (stamp, frame, countries_of(frame))
        return self._units[1], self._units[2]

    def incidents(
        self, from_: When | None = None, to: When | None = None, *, as_known_on: When | None = None
    ) -> gpd.GeoDataFrame:
        """Incidents of a span of days, both included: the fields of docs/formats.md, points in EPSG:4326.

        Parameters
        ----------
        from_, to : str, date, datetime or None
            Event dates; None is open.
        as_known_on : str, date, datetime or None
            As the archive knew them then.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        GateError
            A date cannot be read.
        """
        first = to_instant(from_).date().isoformat() if from_ is not None else None
        last = to_instant(to).date().isoformat() if to is not None else None
        return self.store.incidents(first=first, last=last, as_known_on=moment(as_known_on))

    def claims(self) -> pd.DataFrame:
        """Published figures on record.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.claims()

    # -- control ------------------------------------------------------------------------------------------------

    def control(
        self,
        date: When | None = None,
        *,
        source: str | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> gpd.GeoDataFrame:
        """Who held what on a date, by one source.

        Parameters
        ----------
        date : str, date, datetime or None
            A day (its last snapshot) or an instant; None is the last snapshot there is.
        source : str or None
            May be left out where the archive has one.
        as_known_on : str, date, datetime or None
            What the archive said at that moment; None is now.
        max_age_days : float or None
            Refuse a snapshot that is older than this on the date.

        Returns
        -------
        geopandas.GeoDataFrame
            source, part, controller, status, native, valid_from, valid_to, recorded_at, superseded_at, snapshot,
            geometry (MultiPolygon, EPSG:4326).

        Raises
        ------
        NoSnapshotError
            Nothing depicts that date or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        """
        name = self.source_name(source)
        used = self._used(name, date, as_known_on=as_known_on, max_age_days=max_age_days)
        return self._state(name, date, used, as_known_on).copy()

    def _state(self, source: str, when: When | None, used: pd.DataFrame, as_known_on: When | None) -> gpd.GeoDataFrame:
        instant = parse_instant(max(used["depicts"])) if when is None else last_instant(when)
        known = moment(as_known_on)
        key = ("control", source, instant, known)
        return self.store.recall(key, lambda: self._read_state(source, instant, known, used))

    def _read_state(
        self, source: str, instant: datetime, known: datetime | None, used: pd.DataFrame
    ) -> gpd.GeoDataFrame:
        if known is None:
            frame = self.store.control_now(source, instant)
        else:
            frame = self.store.control_then(source, instant, as_known_on=known)
        names = dict(zip(used["part"], used["snapshot"], strict=True))
        frame.insert(frame.shape[1] - 1, "snapshot", frame["part"].map(names))
        return frame

    def _used(
        self, source: str, when: When | None, *, as_known_on: When | None, max_age_days: float | None = None
    ) -> pd.DataFrame:
        """The snapshot of each part that answers for a date, with its age in days."""
        key = ("used", source, str(when), moment(as_known_on), max_age_days)
        return self.store.recall(key, lambda: self._find_used(source, when, as_known_on, max_age_days))

    def _find_used(
        self, source: str, when: When | None, as_known_on: When | None, max_age_days: float | None
    ) -> pd.DataFrame:
        known = moment(as_known_on) or FAR
        recorded = self.store.recall(("in force", source, known), lambda: self.store.in_force(source, known))
        instant = last_instant(when) if when is not None else parse_instant(recorded[-1][0]) if recorded else None
        # recordings stand in order of what they depict
        past = recorded[: bisect_right(recorded, write_instant(instant), key=itemgetter(0))] if instant else []
        if not past or instant is None:
            first = f"; the first depicts {recorded[0][0]}" if recorded else "; all were taken back"
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
                f"no snapshot of {source} within {max_age_days:g} days of {when}: the latest before is"
                f" {newest['snapshot']}, {newest['age_days']:g} days old"
            )
        return used

    # -- figures ------------------------------------------------------------------------------------------------

    def area(
        self,
        date: When | None = None,
        *,
        source: str | None = None,
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        within: str | shapely.Geometry | None = None,
        by: By | None = None,
        level: int | None = None,
        boundary: str | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> pd.DataFrame:
        """How much each side holds on a date.

        Parameters
        ----------
        date : str, date, datetime or None
            A day (its last snapshot) or an instant; None is the last snapshot there is.
        source : str or None
            May be left out where the archive has one.
        controller, status : str, or several statuses, or None
            Keep to these classes.
        within : str, shapely geometry or None
            A unit's code or name, or an areal geometry in EPSG:4326.
        by : {"unit", "native"} or None
            A row for every administrative unit, or for every class of the source's own.
        level : int or None
            Of units with ``by="unit"``; None is the finest that the archive has where the ground is.
        boundary : str or None
            Which boundary set; None is the last taken in.
        as_known_on : str, date, datetime or None
            What the archive said at that moment.
        max_age_days : float or None
            Refuse a snapshot older than this.

        Returns
        -------
        pandas.DataFrame
            source, controller, status, unit, area_km2, lower_km2, upper_km2, snapshot, snapshot_age_days, boundary;
            with ``by="native"`` also native; ``part``, where there are
            several, tells a source's separate publications apart, which are never added. Edges straight in longitude
            and latitude (RFC 7946), WGS 84. The lower
            bound of ``held`` is the held ground alone, the upper one adds the contested ground of the country in
            which it lies; for the other classes both are the area.

        Raises
        ------
        NoSnapshotError
            Nothing depicts that date or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            A status is unknown.
        """
        name = self.source_name(source)
        used = self._used(name, date, as_known_on=as_known_on, max_age_days=max_age_days)
        frame = self._state(name, date, used, as_known_on)
        zones = self._zones(within, by, level, boundary, ground=frame)
        rows = measures.area_rows(frame, zones=zones, by_native=by == "native", countries=self.countries())
        spoken = {p: spokesman(used, p) for p in used["part"]}
        for row in rows:
            row["source"] = name
            row["snapshot"], row["snapshot_age_days"] = said_by(spoken, row)
        return keep(table_of(rows, columns_of(rows, AREA_COLUMNS, by)), controller, status)

    def change(
        self,
        from_: When,
        to: When,
        *,
        source: str | None = None,
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        within: str | shapely.Geometry | None = None,
        by: By | None = None,
        level: int | None = None,
        boundary: str | None = None,
        base: When | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> pd.DataFrame:
        """What each side gained and lost between two dates.

        Parameters
        ----------
        from_, to : str, date, datetime
            Days (their last snapshots) or instants.
        base : str, date, datetime or None
            The date whose area the percentage is of; None is `from_`.
        source, controller, status, within, by, level, boundary, as_known_on, max_age_days
            As in `area`.

        Returns
        -------
        pandas.DataFrame
            source, controller, status, unit, gained_km2 (gross), lost_km2 (gross), net_km2, base_km2, net_percent (of
            base_km2; missing where that is 0), from_snapshot, to_snapshot, base, boundary; with ``by="native"`` also
            native, and part where a source has several. ``attrs["notes"]`` says where the source's series breaks
            between the dates, so that totals across it are not comparable.

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            A status is unknown.
        """
        name = self.source_name(source)
        sides = [self._side(name, when, as_known_on, max_age_days) for when in (from_, to)]
        (before, first), (after, last) = sides
        zones = self._zones(within, by, level, boundary, ground=after)
        moved = self._moved(name, (from_, to), (before, after), as_known_on, by_native=by == "native")
        rows = measures.change_rows(moved, zones=zones)
        bases = {} if base is None else self._base(name, base, zones, by, as_known_on)
        for row in rows:
            key = (row["controller"], row["status"], row["native"], row["part"], row["unit"])
            row["source"] = name
            row["base_km2"] = row["before_km2"] if base is None else bases.get(key, 0.0)
            row["net_percent"] = 100 * row["net_km2"] / row["base_km2"] if row["base_km2"] else None
            row["base"] = str(from_ if base is None else base)
            row["from_snapshot"], row["to_snapshot"] = (said_by(s, row)[0] for s in (first, last))
        table = keep(table_of(rows, columns_of(rows, CHANGE_COLUMNS, by)), controller, status)
        snapshots = self.snapshots()
        table.attrs["notes"] = breaks_between(snapshots, *({n for n, _ in s.values()} for s in (first, last)))
        return table

    def changed(
        self, from_: When, to: When, *, source: str | None = None, as_known_on: When | None = None
    ) -> gpd.GeoDataFrame:
        """The polygons that changed hands between two dates.

        Returns
        -------
        geopandas.GeoDataFrame
            controller, status, change (``gained`` or ``lost``), area_km2, geometry (MultiPolygon, EPSG:4326).

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one.
        SourceError
            A source must be named, or is not there.
        """
        name = self.source_name(source)
        sides = [self._side(name, when, as_known_on, None)[0] for when in (from_, to)]
        return measures.changed_frame(self._moved(name, (from_, to), sides, as_known_on))

    def series(
        self,
        *,
        source: str | None = None,
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        within: str | shapely.Geometry | None = None,
        by: By | None = None,
        level: int | None = None,
        boundary: str | None = None,
        from_: When | None = None,
        to: When | None = None,
        as_known_on: When | None = None,
        progress: Any = None,
        workers: int | None = None,
        scheduler: str | None = None,
    ) -> pd.DataFrame:
        """Area, gross gain and gross loss at every snapshot of a source.

        Parameters
        ----------
        from_, to : str, date, datetime or None
            The span, both included; None is open.
        progress : callable or None
            Called with (done, of how many) as the classes' snapshots are done.
        workers : int or None
            Processes of a local Dask cluster (the extra ``cluster``); the figures are the same to the last bit.
        scheduler : str or None
            Address of a running Dask scheduler whose workers see the archive under the same path.
        source, controller, status, within, by, level, boundary, as_known_on
            As in `area`.

        Returns
        -------
        pandas.DataFrame
            date (ISO 8601, UTC), source, controller, status, unit, area_km2, gained_km2, lost_km2 (both since the
            snapshot before; missing at the first); with ``by="native"`` also native, with ``by="unit"`` also
            share_percent (of the unit's area), and part where a source has several.
            ``attrs["notes"]`` says where the source's series breaks.

        Raises
        ------
        SourceError
            A source must be named, or is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            A status is unknown.
        """
        name = self.source_name(source)
        ground = self.control(to, source=name, as_known_on=as_known_on)
        zones = self._zones(within, by, level, boundary, ground=ground)
        table = self.store.snapshots(as_known_on=moment(as_known_on) or FAR)
        instants = sorted({parse_instant(d) for d in table.loc[table["source"] == name, "depicts"]})
        low = to_instant(from_) if from_ is not None else None
        high = last_instant(to) if to is not None else None
        chosen = [i for i in instants if (low is None or i >= low) and (high is None or i <= high)]
        days = all(i == to_instant(i.date()) for i in chosen)
        form = "%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ"
        changes_by_class = series_changes(
            self.path,
            name,
            chosen,
            zones,
            by_native=by == "native",
            known=moment(as_known_on),
            progress=progress,
            workers=workers,
            scheduler=scheduler,
        )
        whole = panel(changes_by_class, zones, instants=chosen)
        changes = ["gained_km2", "lost_km2"]
        whole[changes] = whole[changes].where(whole["instant"] > min(chosen, default=FAR))
        whole = whole.sort_values("instant", kind="stable").assign(source=name)
        whole["date"] = [i.strftime(form) for i in whole["instant"]]
        if by == "unit":
            size = {z.unit: float(areas_km2(np.array([z.shape], dtype=object))[0]) for z in zones if z.boundary}
            whole["share_percent"] = 100 * whole["area_km2"] / whole["unit"].map(size)
        plain = whole.astype(object).where(whole.notna(), None)
        rows = [{str(k): v for k, v in row.items()} for row in plain.to_dict("records")]
        columns = columns_of(rows, SERIES_COLUMNS, by) + (["share_percent"] if by == "unit" else [])
        frame = keep(table_of(rows, columns), controller, status)
        spoken = [set(table.loc[table["depicts"] == write_instant(i), "snapshot"]) for i in (*chosen[:1], *chosen[-1:])]
        frame.attrs["notes"] = breaks_between(table, *spoken) if spoken else ()
        return frame

    def front(
        self,
        date: When | None = None,
        *,
        source: str | None = None,
        controller: str | None = None,
        against: str | None = None,
        status: str | Sequence[str] | None = None,
        within: str | shapely.Geometry | None = None,
        tolerance_km: float = 0.0,
        inset_km: float = 0.0,
        gap_km: float = 0.1,
        boundary: str | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> Front:
        """The front on a date: where a side's ground ends inside border and coast.

        Parameters
        ----------
        controller, against : str or None
            Whose front, and facing whom; None is every side's, and anybody.
        status : str, several, or None
            What counts as a side's ground; None is ``held``.
        tolerance_km, inset_km, gap_km
            As in `geo.front.front_of`.
        boundary : str or None
            The boundary set that gives border and coast; None is the last taken in.
        date, source, within, as_known_on, max_age_days
            As in `area`.

        Returns
        -------
        geo.front.Front
            Lines in EPSG:4326, the length in km with its tolerance and inset, and what they rest on.

        Raises
        ------
        NoSnapshotError
            Nothing depicts that date or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        UnitError
            The archive has no countries.
        UsageError
            A distance is negative, or a side has no ground on that date.
        """
        name = self.source_name(source)
        used = self._used(name, date, as_known_on=as_known_on, max_age_days=max_age_days)
        countries = self._countries(boundary)
        found = front_of(
            self._state(name, date, used, as_known_on),
            countries,
            controller=controller,
            against=against,
            statuses=_statuses(status),
            tolerance_km=tolerance_km,
            inset_km=inset_km,
            gap_km=gap_km,
            within=self._zone(within, None).shape,
        )
        row = used.sort_values("age_days").iloc[0]
        return replace(
            found,
            source=name,
            snapshot=str(row["snapshot"]),
            snapshot_age_days=float(row["age_days"]),
            boundary=str(countries["boundary"].iloc[0]),
        )

    def front_movement(
        self,
        from_: When,
        to: When | None = None,
        *,
        source: str | None = None,
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        within: str | shapely.Geometry | None = None,
        level: int | None = None,
        tolerance_km: float = 0.0,
        inset_km: float = 0.0,
        boundary: str | None = None,
        as_known_on: When | None = None,
    ) -> pd.DataFrame:
        """How far a side's front moved between two dates, as a whole and by administrative unit.

        Returns
        -------
        pandas.DataFrame
            As `geo.front.movement`; the first row, without a sector, is the whole.

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one.
        SourceError
            A source must be named, or is not there.
        UnitError
            The archive has no countries.
        UsageError
            A distance is negative, or several sides have ground and none is named.
        """
        name = self.source_name(source)
        before, after = (self._side(name, when, as_known_on, None)[0] for when in (from_, to))
        old = self.front(
            from_,
            source=name,
            controller=controller,
            status=status,
            within=within,
            tolerance_km=tolerance_km,
            inset_km=inset_km,
            boundary=boundary,
            as_known_on=as_known_on,
        )
        zones = self._zones(within, "unit", level, None, ground=after)
        sectors = [(str(z.unit), z.shape) for z in zones if z.shape is not None and z.unit != measures.OUTSIDE]
        return movement(
            before,
            after,
            old,
            controller=controller,
            statuses=_statuses(status),
            sectors=sectors,
            within=self._zone(within, None).shape,
        )

    def changed_hands(
        self,
        places: gpd.GeoDataFrame,
        from_: When,
        to: When | None = None,
        *,
        source: str | None = None,
        as_known_on: When | None = None,
    ) -> pd.DataFrame:
        """The settlements that changed hands between two dates, by one source.

        Parameters
        ----------
        places : geopandas.GeoDataFrame
            name and points in EPSG:4326, as `geo.settlements.read_places` gives them.
        from_, to : str, date, datetime or None
            Days (their last snapshots) or instants; `to` None is the last snapshot there is.

        Returns
        -------
        pandas.DataFrame
            name, lat, lon, before, after (as `geo.settlements.changed_hands`), source, from_snapshot, to_snapshot.

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one.
        SourceError
            A source must be named, or is not there.
        """
        name = self.source_name(source)
        (before, first), (after, last) = (self._side(name, when, as_known_on, None) for when in (from_, to))
        ends = [max(side.values(), key=lambda s: -s[1])[0] for side in (first, last)]
        table = changed_hands(places, before, after)
        return table.assign(source=name, from_snapshot=ends[0], to_snapshot=ends[1])

    def who(self, lat: float, lon: float, *, source: str | None = None) -> pd.DataFrame:
        """Who held a place, by which source, from when to when, as known now.

        Parameters
        ----------
        lat, lon : float
            Degrees on WGS 84.
        source : str or None
            None is every source, each by itself.

        Returns
        -------
        pandas.DataFrame
            source, controller, status, native, valid_from, valid_to (ISO 8601, UTC; half-open, missing where it still
            stands), and part where a source has several. Times of the source's series in which no polygon stands
            over the place have no row.

        Raises
        ------
        UsageError
            No such place on the globe.
        SourceError
            The source is not in the archive.
        """
        if not (-90 <= lat <= 90 and -180 <= lon <= 180):
            raise UsageError(f"{lat}, {lon} is no place: latitude ±90°, then longitude ±180°")
        name = self.source_name(source) if source is not None else None
        frame = self.store.control_at(name, lon, lat)
        rows = joined_intervals([{str(k): v for k, v in r.items()} for r in frame.to_dict("records")])
        return table_of(rows, columns_of(rows, WHO_COLUMNS, None))

    def retract(self, snapshot: str, *, why: str) -> None:
        """Take a wrong import back; what the archive said until now stays on record.

        Parameters
        ----------
        snapshot : str
            Its name, as `snapshots` and every figure give it.
        why : str
            Kept with it.

        Raises
        ------
        ArchiveError
            There is no such snapshot, or it was taken back before.
        UsageError
            No reason is given.
        """
        if not why.strip():
            raise UsageError("say why the snapshot is taken back: the reason stays on record")
        with self.store.writing() as connection:
            history.retract(connection, snapshot, why=why)

    # -- inside -------------------------------------------------------------------------------------------------

    def _side(
        self, source: str, when: When | None, as_known_on: When | None, max_age_days: float | None
    ) -> tuple[gpd.GeoDataFrame, dict[str, tuple[str, float]]]:
        used = self._used(source, when, as_known_on=as_known_on, max_age_days=max_age_days)
        return self._state(source, when, used, as_known_on), {p: spokesman(used, p) for p in used["part"]}

    def _moved(
        self,
        source: str,
        dates: tuple[When, When],
        sides: Sequence[gpd.GeoDataFrame],
        as_known_on: When | None,
        *,
        by_native: bool = False,
    ) -> list[measures.Moved]:
        key = ("moved", source, *(str(d) for d in dates), moment(as_known_on), by_native)
        return self.store.recall(key, lambda: changed_ground(*sides, by_native=by_native))

    def _base(
        self, source: str, base: When, zones: Sequence[measures.Zone], by: By | None, as_known_on: When | None
    ) -> dict[tuple[Any, ...], float]:
        frame, _ = self._side(source, base, as_known_on, None)
        rows = measures.area_rows(frame, zones=zones, by_native=by == "native")
        return {(r["controller"], r["status"], r["native"], r["part"], r["unit"]): r["area_km2"] for r in rows}

    def _zones(
        self,
        within: str | shapely.Geometry | None,
        by: By | None,
        level: int | None,
        boundary: str | None,
        *,
        ground: gpd.GeoDataFrame,
    ) -> Sequence[measures.Zone]:
        zone = self._zone(within, boundary)
        if by not in (None, "unit", "native"):
            raise UsageError(f"by={by!r} is unknown: 'unit' or 'native'")
        if by != "unit":
            return (zone,)
        units = self._cached_units()[0]
        if boundary is not None:
            units = units[units["boundary"] == boundary]
        units = units[units["level"] == (finest_level(units, ground) if level is None else level)]
        if boundary is None and len(units):
            units = units[units["boundary"] == units["boundary"].iloc[-1]]
        return measures.zones_by_unit(units, within=zone.shape)

    def _countries(self, boundary: str | None) -> gpd.GeoDataFrame:
        units = self._cached_units()[0]
        mine = units[(units["level"] == 0) & ((units["boundary"] == boundary) | (boundary is None))]
        if mine.empty:
            raise UnitError(
                f"{self.path} has no countries{f' of {boundary}' if boundary else ''}, which give border and coast;"
                " bring them in: geo import --source units"
            )
        return gpd.GeoDataFrame(mine[mine["boundary"] == mine["boundary"].iloc[-1]], crs=CRS)

    def _zone(self, within: str | shapely.Geometry | None, boundary: str | None) -> measures.Zone:
        if within is None:
            return measures.EVERYWHERE[0]
        if not isinstance(within, str):
            return measures.Zone("(polygon)", None, within)
        units = self._cached_units()[0]
        row = units.iloc[find_unit(units, within, boundary=boundary)]
        return measures.Zone(text_or_none(row["unit"]) or str(row["name"]), row["boundary"], row.geometry)

    def unit(self, wanted: str, *, boundary: str | None = None) -> gpd.GeoDataFrame:
        """One administrative unit by code or name.

        Returns
        -------
        geopandas.GeoDataFrame
            One row, as `units`.

        Raises
        ------
        UnitError
            It is unknown or ambiguous; the message gives the candidates.
        """
        units = self._cached_units()[0]
        return gpd.GeoDataFrame(units.iloc[[find_unit(units, wanted, boundary=boundary)]], crs=CRS)


def _statuses(status: str | Sequence[str] | None) -> list[str]:
    if status is None:
        return ["held"]
    listed = [status] if isinstance(status, str) else list(status)
    unknown = sorted(set(listed) - set(STATUSES))
    if unknown:
        raise UsageError(f"status {', '.join(unknown)} is unknown; the known ones: {', '.join(STATUSES)}")
    return listed
