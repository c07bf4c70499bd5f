"""What an archive holds: sources, snapshots, polygons, units, incidents, claims, and the map of a date."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive.base import Opened, held
from geo.archive.results import FAR, When, moment
from geo.schema import CRS, parse_instant
from geo.units import Countries, find_unit


class Holdings(Opened):
    """Questions after what stands in the archive."""

    @held
    def sources(self) -> pd.DataFrame:
        """Sources and whom to credit: name, title, url, licence, attribution.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._reader.sources()

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

    @held
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

    @held
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

    def countries(self) -> Countries:
        """The look-up from points to countries, by the archive's units.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self._reader.countries()

    @held
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
