"""Figures of an archive: areas, changes, series, and the workings of a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive import explanations, figure_queries
from geo.archive.base import Opened, held
from geo.archive.explanations import Workings
from geo.archive.queries import Asked
from geo.archive.results import By, When


class Figures(Opened):
    """Questions after km², by one source."""

    @held
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
        return figure_queries.area_table(self._reader, date, asked)

    @held
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
            between the dates, so that totals across it are not comparable, and which snapshot is more than 30 days
            older than the date that it answers for.

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
        return figure_queries.changes(self._reader, from_, to, asked, base=base)

    @held
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
        return figure_queries.changed(self._reader, from_, to, asked)

    @held
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
        return figure_queries.series(
            self._reader, asked, from_=from_, to=to, progress=progress, workers=workers, scheduler=scheduler
        )

    @held
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
        geo.archive.explanations.Workings
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
        return explanations.explain_area(self._reader, date, asked, accuracy_km=accuracy_km)

    @held
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
        geo.archive.explanations.Workings
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
        return explanations.explain_change(self._reader, from_, to, asked, base=base, accuracy_km=accuracy_km)
