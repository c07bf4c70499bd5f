"""Where the front ran in an archive's maps, and whose ground a place stood on."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive import place_queries
from geo.archive.base import Opened, held
from geo.archive.queries import Asked
from geo.archive.results import When
from geo.measure.front_line import Front


class Places(Opened):
    """Questions after the front, settlements and points."""

    @held
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
            As in `geo.measure.front_line.front_of`.
        boundary : str or None
            The boundary set that gives border and coast; None is the last taken in.
        date, source, within, as_known_on, max_age_days
            As in `area`.

        Returns
        -------
        geo.measure.front_line.Front
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
        return place_queries.front(
            self._reader, date, asked, against=against, tolerance_km=tolerance_km, inset_km=inset_km, gap_km=gap_km
        )

    @held
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
            As `geo.measure.front_line.movement`; the first row, without a sector, is the whole.

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
        return place_queries.front_movement(
            self._reader, from_, to, asked, tolerance_km=tolerance_km, inset_km=inset_km
        )

    @held
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
            name and points in EPSG:4326, as `geo.measure.settlements.read_places` gives them.
        from_, to : str, date, datetime or None
            Days (their last snapshots) or instants; `to` None is the last snapshot there is.

        Returns
        -------
        pandas.DataFrame
            name, lat, lon, before, after (as in `Archive.settlements`), source, from_snapshot, to_snapshot.

        Raises
        ------
        NoSnapshotError
            Nothing depicts one of the dates or an earlier one.
        SourceError
            A source must be named, or is not there.
        """
        asked = Asked(self.source_name(source), as_known_on=as_known_on)
        return place_queries.hands_changed(self._reader, places, from_, to, asked)

    @held
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
        return place_queries.who(self._reader, lat, lon, source=name, as_known_on=as_known_on)
