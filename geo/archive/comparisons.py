"""An archive's sources side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import pandas as pd
import shapely

from geo.archive import source_queries
from geo.archive.base import Opened, held
from geo.archive.queries import Asked
from geo.archive.results import By, When
from geo.archive.source_queries import Comparison


class Sides(Opened):
    """Questions to several sources at once; nothing is merged."""

    @held
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
            name and points (`geo.measure.settlements.read_places`): those of which the sources differ are listed.
        controller, within, by, level, boundary, as_known_on, max_age_days
            As in `area`; `by` is ``unit`` or None.

        Returns
        -------
        geo.archive.source_queries.Comparison
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
        return source_queries.side_by_side(self._reader, date, sources, asked, take=take, places=places)

    @held
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
        lag_days: int = source_queries.LAG_DAYS,
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
        return source_queries.over_span(self._reader, from_, to, sources, asked, take=take, lag_days=lag_days)
