"""The archive as its users know it: what stood on a date, how much that is, and what changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import geopandas as gpd
import pandas as pd
import shapely

from geo.answers import FAR, By, When, moment
from geo.errors import ArchiveError, UsageError
from geo.front import Front
from geo.inquiry import corrections as corrected
from geo.inquiry import figures, sides, workings
from geo.inquiry import places as inquired
from geo.inquiry.reader import Asked, Reader
from geo.inquiry.sides import Comparison
from geo.inquiry.workings import Workings
from geo.pages.notebook import archive_card, sentence
from geo.rules import rule_of
from geo.schema import CRS, parse_instant
from geo.storage import history
from geo.storage.store import Store
from geo.units import Countries, find_unit

P = ParamSpec("P")
T = TypeVar("T")


def open_archive(path: str | Path, *, raw: bool = False) -> Archive:
    """Open an archive; one that is not there yet is made by the first import.

    Parameters
    ----------
    path : str or pathlib.Path
        A GeoPackage (``.gpkg``).
    raw : bool
        True passes over the archive's rules against harm (docs/rules.md): for the owner's own eyes, not for output.

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
    return Archive(path, raw=raw)


def _held(ask: Callable[Concatenate[Archive, P], T]) -> Callable[Concatenate[Archive, P], T]:
    """A question answered from one state of the archive, in which nothing is read twice."""

    @wraps(ask)
    def answer(archive: Archive, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with archive.store.holding():
            return ask(archive, *args, **kwargs)

    return answer


class Archive:
    """Dated control, incidents and units in one GeoPackage. Open it with `open_archive`."""

    def __init__(self, path: str | Path, *, raw: bool = False) -> None:
        self.path = Path(path)
        self.store = Store(self.path)
        self._reader = Reader(self.store, raw=raw)

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

    @_held
    def sources(self) -> pd.DataFrame:
        """Sources and whom to credit: name, title, url, licence, attribution.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._reader.sources()

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
        return self._reader.source_name(source)

    def controllers(self, *, as_known_on: When | None = None) -> list[str]:
        """Every side that the archive has control by, from any source at any time, in order of their names.

        Parameters
        ----------
        as_known_on : str, date, datetime or None
            As the archive knew them then; None is now.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        GateError
            `as_known_on` cannot be read.
        """
        known = moment(as_known_on)
        return self.store.recall(("controllers", known), lambda: self.store.controllers(as_known_on=known))

    @_held
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
        return self._reader.snapshots(source, as_known_on=as_known_on)

    def polygons(self, source: str, *, as_known_on: When | None = None) -> gpd.GeoDataFrame:
        """Every polygon of a source, once for as long as it stands: what a series is made from.

        Parameters
        ----------
        source : str
            Its name.
        as_known_on : str, date, datetime or None
            What the archive said at that moment.

        Returns
        -------
        geopandas.GeoDataFrame
            As `control`, without a snapshot's name: `valid_from` and `valid_to` bound it (half-open, NaT is open). The
            archive's rules are kept; ``attrs["notes"]`` names them.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        GateError
            `as_known_on` cannot be read.
        """
        table = self.snapshots(source, as_known_on=FAR if as_known_on is None else as_known_on)
        instants = sorted({parse_instant(d) for d in table["depicts"]})
        known = moment(as_known_on)
        key = ("polygons", source, known)
        frame = self.store.recall(
            key, lambda: self._reader.released(self.store.rows_between(source, instants, known), source)
        ).copy()
        frame.attrs["notes"] = self._reader.notes(source)
        return frame

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
        frame = self._reader.units()
        return frame.copy() if level is None else frame[frame["level"] == level].reset_index(drop=True)

    def countries(self) -> Countries:
        """The look-up from points to countries, by the archive's units.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._reader.countries()

    @_held
    def incidents(
        self,
        from_: When | None = None,
        to: When | None = None,
        *,
        within: str | shapely.Geometry | None = None,
        event_type: str | Sequence[str] | None = None,
        verification: str | Sequence[str] | None = None,
        dataset: str | Sequence[str] | None = None,
        as_known_on: When | None = None,
    ) -> gpd.GeoDataFrame:
        """Incidents of a span of days, both included: the fields of docs/formats.md, points in EPSG:4326.

        Parameters
        ----------
        from_, to : str, date, datetime or None
            Event dates; None is open.
        within : str, shapely geometry or None
            A unit's code or name, or an areal geometry in EPSG:4326: incidents whose point lies in it.
        event_type, verification, dataset : str, several, or None
            Keep to these, compared without case. A type is that of the event or of the sub-event; an incident without
            a verification has ``not stated``; a dataset is the source under which a file was taken in.
        as_known_on : str, date, datetime or None
            As the archive knew them then.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        GateError
            A date cannot be read.
        UnitError
            The unit is unknown or ambiguous.
        """
        wanted = {"event_type": event_type, "verification": verification, "dataset": dataset}
        return self._reader.incidents(from_, to, as_known_on=as_known_on, within=within, wanted=wanted)

    def claims(self) -> pd.DataFrame:
        """Published figures on record.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.claims()

    # -- control ------------------------------------------------------------------------------------------------

    @_held
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
        return self._reader.side(self.source_name(source), date, as_known_on, max_age_days)[0].copy()

    # -- figures ------------------------------------------------------------------------------------------------

    @_held
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
        asked = Asked(
            self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days
        )
        return figures.areas(self._reader, date, asked)

    @_held
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
        asked = Asked(
            self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days
        )
        return figures.changes(self._reader, from_, to, asked, base=base)

    @_held
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
        asked = Asked(self.source_name(source), as_known_on=as_known_on)
        return figures.changed(self._reader, from_, to, asked)

    @_held
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
        asked = Asked(self.source_name(source), controller, status, within, by, level, boundary, as_known_on)
        return figures.series(
            self._reader, asked, from_=from_, to=to, progress=progress, workers=workers, scheduler=scheduler
        )

    @_held
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
        asked = Asked(
            self.source_name(source), controller, status, within, None, None, boundary, as_known_on, max_age_days
        )
        return inquired.front(
            self._reader, date, asked, against=against, tolerance_km=tolerance_km, inset_km=inset_km, gap_km=gap_km
        )

    @_held
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
        asked = Asked(self.source_name(source), controller, status, within, None, level, boundary, as_known_on)
        return inquired.front_movement(self._reader, from_, to, asked, tolerance_km=tolerance_km, inset_km=inset_km)

    @_held
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
        asked = Asked(self.source_name(source), as_known_on=as_known_on)
        return inquired.hands_changed(self._reader, places, from_, to, asked)

    @_held
    def who(
        self, lat: float, lon: float, *, source: str | None = None, as_known_on: When | None = None
    ) -> pd.DataFrame:
        """Who held a place, by which source, from when to when.

        Parameters
        ----------
        lat, lon : float
            Degrees on WGS 84.
        source : str or None
            None is every source, each by itself.
        as_known_on : str, date, datetime or None
            What the archive said at that moment; None is now.

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
        name = self.source_name(source) if source is not None else None
        return inquired.who(self._reader, lat, lon, source=name, as_known_on=as_known_on)

    @_held
    def compare(
        self,
        date: When | None = None,
        *,
        sources: Sequence[str],
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        take: Mapping[str, str] | None = None,
        within: str | shapely.Geometry | None = None,
        by: By | None = None,
        level: int | None = None,
        boundary: str | None = None,
        places: gpd.GeoDataFrame | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> Comparison:
        """Sources side by side on a date: what each says, what they agree on, what is in dispute. Nothing is merged.

        Parameters
        ----------
        date : str, date, datetime or None
            None is the last day on which every source has spoken.
        sources : sequence of str
            Two or more.
        status : str, several, or None
            The classes compared, like with like; None is ``held``.
        take : mapping or None
            Source -> the status (and publication: ``claimed/kursk-advance``) that stands for it in this source. The
            difference is then named in every row.
        places : geopandas.GeoDataFrame or None
            name and points (`geo.settlements.read_places`): those of which the sources differ are listed.
        controller, within, by, level, boundary, as_known_on, max_age_days
            As in `area`; `by` is ``unit`` or None.

        Returns
        -------
        geo.inquiry.sides.Comparison
            km² on WGS 84 and polygons in EPSG:4326. Agreed and disputed ground sum to what each source says.

        Raises
        ------
        NoSnapshotError
            A source has no snapshot then, or none has such ground.
        SourceError
            A source is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            Fewer than two sources, or a class that stands in several publications.
        """
        asked = Asked("", controller, status, within, by, level, boundary, as_known_on, max_age_days)
        return sides.side_by_side(self._reader, date, sources, asked, take=take, places=places)

    @_held
    def compare_span(
        self,
        from_: When,
        to: When,
        *,
        sources: Sequence[str],
        controller: str | None = None,
        status: str | Sequence[str] | None = None,
        take: Mapping[str, str] | None = None,
        within: str | shapely.Geometry | None = None,
        boundary: str | None = None,
        lag_days: int = sides.LAG_DAYS,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Sources side by side on every day of a span, and by how many days one trails another.

        Parameters
        ----------
        from_, to : str, date, datetime
            The span, both included; it begins where each source has a snapshot.
        lag_days : int
            How many days either way are searched for the lag with the least disagreement; 0 searches none.
        sources, controller, status, take, within, boundary, as_known_on, max_age_days
            As in `compare`.

        Returns
        -------
        pandas.DataFrame
            date, controller, status, kind (``area``, ``agreed``, ``disputed``), said_by, area_km2, difference.
        pandas.DataFrame
            source, trails, lag_days, disagreement_km2 (mean over the same days at every lag), days, is_least,
            controller, status. At a lag of n, `source` on a day is held against `trails` n days later.

        Raises
        ------
        NoSnapshotError
            A source has no snapshot in the span, or none has such ground.
        SourceError
            A source is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            Fewer than two sources, or the span is too short for the search.
        """
        asked = Asked("", controller, status, within, None, None, boundary, as_known_on, max_age_days)
        return sides.over_span(self._reader, from_, to, sources, asked, take=take, lag_days=lag_days)

    @_held
    def explain(
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
        accuracy_km: float | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> Workings:
        """The workings of `area` in full: snapshots with hashes and dates, classes, unit, method, range and causes.

        Parameters
        ----------
        accuracy_km : float or None
            How far the source's drawn lines may be off; None is what its record says (`set_accuracy`), if anything.
        date, source, controller, status, within, by, level, boundary, as_known_on, max_age_days
            As in `area`.

        Returns
        -------
        geo.inquiry.workings.Workings
            ``print`` it, or take its `facts` (plain data) or `to_json`; areas in km².

        Raises
        ------
        NoSnapshotError
            Nothing depicts that date or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            A status is unknown, or the accuracy is not above 0.
        """
        asked = Asked(
            self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days
        )
        return workings.explain_area(self._reader, date, asked, accuracy_km=accuracy_km)

    @_held
    def explain_change(
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
        accuracy_km: float | None = None,
        as_known_on: When | None = None,
        max_age_days: float | None = None,
    ) -> Workings:
        """The workings of `change` in full; the range is that of the net.

        Parameters
        ----------
        accuracy_km : float or None
            As in `explain`.
        from_, to, base, source, controller, status, within, by, level, boundary, as_known_on, max_age_days
            As in `change`.

        Returns
        -------
        geo.inquiry.workings.Workings
            As `explain` gives it.

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one, or only something too old.
        SourceError
            A source must be named, or is not there.
        UnitError
            A unit is unknown or ambiguous.
        UsageError
            A status is unknown, or the accuracy is not above 0.
        """
        asked = Asked(
            self.source_name(source), controller, status, within, by, level, boundary, as_known_on, max_age_days
        )
        return workings.explain_change(self._reader, from_, to, asked, base=base, accuracy_km=accuracy_km)

    def set_accuracy(self, source: str, accuracy_km: float | None) -> None:
        """Keep how far a source's drawn lines may be off, in km; None is not known.

        Raises
        ------
        SourceError
            The source is not there.
        UsageError
            The accuracy is not above 0.
        """
        if accuracy_km is not None and not 0 < accuracy_km < 1000:
            raise UsageError(f"an accuracy of {accuracy_km:g} km: give a distance above 0")
        with self.store.writing() as connection:
            self.store.put_accuracy(connection, self.source_name(source), accuracy_km)

    def rules(self) -> pd.DataFrame:
        """The rules against harm that every answer has passed: kind, value, source, event_type, places, set_at.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        rows = self.store.rules()
        columns = ["kind", "value", "source", "event_type", "places", "set_at"]
        table = pd.DataFrame(rows, columns=columns, dtype=object)
        counts = [None if p is None else len(json.loads(p)) for p in table["places"]]
        return table.assign(places=pd.Series(counts, dtype=object))

    def set_rule(
        self,
        kind: str,
        value: str,
        *,
        source: str | None = None,
        event_type: str | None = None,
        places: gpd.GeoDataFrame | None = None,
    ) -> None:
        """Set a rule against harm, in place of the one of its kind for the same source and event type.

        Parameters
        ----------
        kind : {"embargo", "coarsen", "withhold"}
            Nothing newer than so many hours; incidents placed no more exactly; fields of incidents left out.
        value : str
            Hours; ``settlement``, ``grid:5km`` or ``grid:0.1deg``; fields by commas.
        source, event_type : str or None
            Whose rows (a source of control, a dataset of incidents), and which events; None is all.
        places : geopandas.GeoDataFrame or None
            The settlements of ``settlement`` (`geo.settlements.read_places`); None is the shipped basemap's towns.

        Raises
        ------
        UsageError
            The kind or the value is none of these.
        ArchiveError
            The archive cannot be written.
        """
        rule = rule_of(kind, value, source=source, event_type=event_type, places=places)
        with self.store.writing() as connection:
            values = (rule.kind, rule.value, rule.source, rule.event_type, rule.places)
            self.store.put_rule(connection, values, history.next_instant(connection))

    def lift_rules(self, kind: str | None = None, *, source: str | None = None, event_type: str | None = None) -> int:
        """Lift the rules for a source and event type (None: those for all), of one kind or every one; how many.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        with self.store.writing() as connection:
            return self.store.drop_rules(connection, kind=kind, source=source, event_type=event_type)

    @_held
    def corrections(
        self, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
    ) -> pd.DataFrame:
        """What later recordings changed for dates that were on record already, and what was taken back.

        Parameters
        ----------
        source : str or None
            One source's alone.
        since : str, date, datetime or None
            Those recorded at or after this; None is all.
        as_known_on : str, date, datetime or None
            Those recorded by then.

        Returns
        -------
        pandas.DataFrame
            A row for each class that changed: source, part, depicts, published, retrieved, change (``corrected`` or
            ``taken back``), corrected_at, earlier_snapshot, later_snapshot, controller, status, before_km2, after_km2,
            gained_km2, lost_km2, net_km2 (what the archive said of the depicted instant just before and just after),
            why. A recording that changed no ground has one row of zeros. In the order of recording.

        Raises
        ------
        GateError
            A date cannot be read.
        SourceError
            The source is not there.
        """
        return corrected.corrections(self._reader, source=source, since=since, as_known_on=as_known_on)[0]

    @_held
    def corrected_ground(
        self, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
    ) -> gpd.GeoDataFrame:
        """The polygons of `corrections`: what a class gained and lost between the earlier and the later recording.

        Returns
        -------
        geopandas.GeoDataFrame
            source, part, depicts, published, retrieved, corrected_at, earlier_snapshot, later_snapshot, controller,
            status, change (``gained`` or ``lost``), area_km2, geometry (EPSG:4326).

        Raises
        ------
        GateError
            A date cannot be read.
        SourceError
            The source is not there.
        """
        return corrected.corrections(self._reader, source=source, since=since, as_known_on=as_known_on)[1]

    @_held
    def correction_notes(self, *snapshots: str, as_known_on: When | None = None) -> list[str]:
        """What was corrected of these snapshots or by them, in sentences with km² by class.

        Raises
        ------
        GateError
            `as_known_on` cannot be read.
        """
        table, _ = corrected.corrections(self._reader, as_known_on=as_known_on, snapshots=snapshots)
        return corrected.correction_words(table)

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
        units = self._reader.units()
        return gpd.GeoDataFrame(units.iloc[[find_unit(units, wanted, boundary=boundary)]], crs=CRS)
