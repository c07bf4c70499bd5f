"""The archive as its users know it: what stood on a date, how much that is, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo.archive import comparisons, contents, days_covered, explanations, figures, locations
from geo.archive import corrections as correction_questions
from geo.archive.queries import ArchiveBase
from geo.archive.results import FAR, When
from geo.archive.shared_docs import with_dates
from geo.errors import ArchiveError, UsageError
from geo.presentation.templates import render
from geo.schema import Options, Source, text_or_none

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.importing.importer import Receipt


_RECORDED = ("depicts", "published", "retrieved", "recorded_at", "superseded_at", "retracted_at")  # instants on record


def open_archive(path: str | Path, *, raw: bool = False, max_age_days: float | None = None) -> Archive:
    """Open an archive; one that is not there yet is made by the first import.

    Parameters
    ----------
    path : str or pathlib.Path
        A GeoPackage (``.gpkg``).
    raw : bool
        True passes over the archive's rules against harm (docs/rules.md): for the owner's own eyes, not for output.
    max_age_days : float or None
        How old a snapshot may be on a date, for every answer that names no other limit. Without one, a part of a map
        that is more than 30 days older than the date is left out beside newer parts, and the notes say so.

    Returns
    -------
    Archive

    Raises
    ------
    UsageError
        The path is a folder.

    Examples
    --------
    >>> geo.open_archive("data/kursk.gpkg").controllers()
    ['UA']
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; an archive is one file, such as {path / 'control.gpkg'}")
    return Archive(path, raw=raw, max_age_days=max_age_days)


class Archive(ArchiveBase):
    """Dated control, incidents and units in one GeoPackage. Open it with `open_archive`.

    Every question stands in a module of its subject, with its docstring; here they are one class.

    Parameters
    ----------
    path : str or pathlib.Path
        A GeoPackage (``.gpkg``).
    raw : bool
        True passes over the archive's rules against harm.
    max_age_days : float or None
        How old a snapshot may be on a date, where a question names no other limit.

    Examples
    --------
    >>> archive = geo.open_archive("data/kursk.gpkg")  # the example, as geo demo makes it
    >>> archive.area("2025-01-11", status="held")["area_km2"].round(1).tolist()
    [423.3]
    """

    close = ArchiveBase.close
    holding = ArchiveBase.holding

    def add_control(
        self, gdf: gpd.GeoDataFrame, *, source: str | Source, date: When | None = None, controller: str | None = None,
        status: str | None = None,
    ) -> Receipt:  # fmt: skip
        """Take control polygons from a frame into the archive, which is made where there is none.

        Parameters
        ----------
        gdf : geopandas.GeoDataFrame
            Areas in any CRS that it names; columns ``date``, ``controller`` and ``status`` where these are not given.
        source : str or geo.Source
            Under which name the rows are kept.
        date : str, date, datetime or None
            The day or instant that the frame depicts; None makes a snapshot of each date of its column ``date``.
        controller, status : str or None
            One value for all rows.

        Returns
        -------
        geo.Receipt
            What was stored, mended and refused, as of a file.

        Raises
        ------
        ArchiveError
            The archive cannot be made or written.
        GateError
            Nothing of the frame can be taken in.
        UsageError
            The frame has no CRS or no geometry.

        Examples
        --------
        >>> import geopandas, shapely
        >>> ground = geopandas.GeoDataFrame(geometry=[shapely.box(35.0, 51.1, 35.2, 51.3)], crs=4326)
        >>> desk = geo.open_archive("desk.gpkg")
        >>> desk.add_control(ground, source="desk", date="2025-01-11", controller="UA", status="held").outcome
        'stored'
        """
        given = {"controller": controller, "status": status}
        constants = {name: value for name, value in given.items() if value is not None}
        options = Options(date=None if date is None else str(date), constants=constants)
        return _add_frame(self, gdf, reader="vector", source=source, options=options)

    def add_incidents(self, gdf: pd.DataFrame, *, dataset: str | Source) -> Receipt:
        """Take incidents from a frame into the archive, which is made where there is none.

        Parameters
        ----------
        gdf : geopandas.GeoDataFrame or pandas.DataFrame
            Points in any CRS that it names, or columns ``latitude`` and ``longitude`` in degrees; ``event_id``,
            ``date_start`` and the other columns of docs/formats.md.
        dataset : str or geo.Source
            Under which name the rows are kept.

        Returns
        -------
        geo.Receipt
            What was stored, mended and refused, as of a file.

        Raises
        ------
        ArchiveError
            The archive cannot be made or written.
        GateError
            Nothing of the frame can be taken in.
        UsageError
            The frame has geometry without a CRS.

        Examples
        --------
        >>> import pandas
        >>> row = {"event_id": "a", "date_start": "2025-01-11", "latitude": 51.2, "longitude": 35.3}
        >>> geo.open_archive("desk.gpkg").add_incidents(pandas.DataFrame([row]), dataset="desk").rows_stored
        1
        """
        return _add_frame(self, gdf, reader="incidents", source=dataset, options=Options())

    def add_units(self, gdf: gpd.GeoDataFrame, *, boundary: str, level: int | None = None) -> Receipt:
        """Take administrative units from a frame into the archive, which is made where there is none.

        Parameters
        ----------
        gdf : geopandas.GeoDataFrame
            Areas in any CRS that it names; columns ``name``, ``unit`` (its code), ``parent`` and ``level``.
        boundary : str
            What the boundary set is called.
        level : int or None
            Of all units: 0 countries, 1 their first division; None is the column's.

        Returns
        -------
        geo.Receipt
            What was stored, mended and refused, as of a file.

        Raises
        ------
        ArchiveError
            The archive cannot be made or written.
        GateError
            Nothing of the frame can be taken in.
        UsageError
            The frame has no CRS or no geometry.

        Examples
        --------
        >>> import geopandas, shapely
        >>> parish = {"name": ["Parish"], "unit": ["P-1"], "parent": ["RU-KRS"]}
        >>> units = geopandas.GeoDataFrame(parish, geometry=[shapely.box(35.0, 51.1, 35.2, 51.3)], crs=4326)
        >>> geo.open_archive("desk.gpkg").add_units(units, boundary="parishes", level=2).rows_stored
        1
        """
        constants = {"boundary": boundary} | ({} if level is None else {"level": str(level)})
        options = Options(constants=constants)
        return _add_frame(self, gdf, reader="units", source="units", options=options)

    def attach(
        self, folder: str | Path, files: Sequence[str | Path] = (), *, dataset: str | Source | None = None
    ) -> pd.DataFrame:
        """Put a folder of Parquet on record: more incidents than a desk's archive should hold.

        Every answer about incidents then counts them too; DuckDB asks the files where they lie.

        Parameters
        ----------
        folder : str or pathlib.Path
            A folder below that of the archive, as `files` makes it: a file for each dataset and year.
        files : sequence of str or pathlib.Path
            Parquet files of incidents (columns of docs/formats.md; ``event_id``, ``date_start``, ``latitude`` and
            ``longitude`` in degrees of EPSG:4326 at least), from which a new folder is written. None attaches the
            folder as it is.
        dataset : str, geo.Source or None
            Under which name the rows of `files` are kept; None takes their column ``dataset``.

        Returns
        -------
        pandas.DataFrame
            ``dataset``, ``rows``, ``first`` and ``last`` day, ``files``.

        Raises
        ------
        ArchiveError
            The archive cannot be written, or the files cannot be read.
        FileError
            A file is not there, or lacks a column.
        GateError
            A row is no incident: nothing is attached.
        UsageError
            DuckDB is not installed (extra ``scale``), the folder lies elsewhere, or its dataset is there already.

        Examples
        --------
        >>> import pandas
        >>> row = {"event_id": "a", "date_start": "2025-01-11", "latitude": 51.2, "longitude": 35.3}
        >>> pandas.DataFrame([row]).to_parquet("rows.parquet")
        >>> archive.attach("data/many", ["rows.parquet"], dataset="made up")["rows"].tolist()
        [1]
        """
        table: pd.DataFrame = import_module("geo.importing.attaching").attach(self, folder, files, dataset=dataset)
        return table

    def detach(self, folder: str | Path) -> None:
        """Take an attached folder off; its files stay, and what was known before stays on record.

        Parameters
        ----------
        folder : str or pathlib.Path
            The folder, as it was attached.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        UsageError
            It is not attached.

        Examples
        --------
        >>> archive.detach("data/many")
        Traceback (most recent call last):
        geo.errors.UsageError: many is not attached to ...
        """
        import_module("geo.importing.attaching").detach(self, folder)

    # what is in it
    source_name = ArchiveBase.source_name
    sources = contents.sources
    controllers = contents.controllers
    snapshots = with_dates(*_RECORDED)(contents.snapshots)
    polygons = contents.polygons
    control = contents.control
    units = with_dates("recorded_at")(contents.units)
    unit = contents.unit
    countries = contents.countries
    incidents = with_dates("date_start", "date_end", "report_date", *_RECORDED)(contents.incidents)
    claims = with_dates("said_on", "date_from", "date_to", *_RECORDED)(contents.claims)
    coverage = with_dates("first", "last")(days_covered.coverage)
    set_accuracy = contents.set_accuracy
    set_coverage = contents.set_coverage
    sides = contents.sides
    name_side = contents.name_side

    # figures in km², and what they rest on
    area = figures.area
    change = with_dates("base")(figures.change)
    changed = figures.changed
    series = with_dates("date")(figures.series)
    panel = figures.panel
    explain = explanations.explain
    explain_change = explanations.explain_change

    # lines and points
    front = locations.front
    front_movement = locations.front_movement
    changed_hands = locations.changed_hands
    who = with_dates("valid_from", "valid_to", "last_map", "next_map")(locations.who)
    settlements = contents.settlements

    # several sources
    compare = comparisons.compare
    compare_places = comparisons.compare_places
    compare_span = with_dates("date")(comparisons.compare_span)

    # what was corrected or taken back
    retract = correction_questions.retract
    corrections = with_dates(*_RECORDED, "corrected_at")(correction_questions.corrections)
    corrected_ground = with_dates(*_RECORDED, "corrected_at")(correction_questions.corrected_ground)
    correction_notes = correction_questions.correction_notes

    # rules against harm
    rules = with_dates("set_at")(contents.rules)
    set_rule = contents.set_rule
    lift_rules = contents.lift_rules

    def _repr_html_(self) -> str:
        try:
            return _card(self.path, self.sources(), self.reader.snapshots(as_known_on=FAR), self.store.layers())
        except ArchiveError as error:
            return str(render("archive_card.html", text=str(error)))


def _add_frame(archive: Archive, frame: pd.DataFrame, **given: Any) -> Receipt:
    """Take a frame in by the importer, which stands above the archive and is loaded when it is asked for."""
    receipt: Receipt = import_module("geo.importing.importer").add_frame(archive, frame, **given)
    return receipt


def _card(path: Path, sources: pd.DataFrame, snapshots: pd.DataFrame, layers: pd.DataFrame) -> str:
    """An archive in a notebook: where it is, from whom it has what, of which dates, and how much."""
    titles = dict(zip(sources["name"], sources["title"], strict=True))
    licences = dict(zip(sources["name"], sources["licence"], strict=True))
    counts = {(r["layer"], r["name"]): r for r in layers.to_dict("records")}
    rows: list[Sequence[Any]] = []
    for name, mine in snapshots.groupby("source"):
        dates = sorted(mine["depicts"])
        drawn = counts.pop(("control", name), {"rows": 0})["rows"]
        count = f"{len(dates):,} snapshot{'' if len(dates) == 1 else 's'}, {drawn:,} polygons"
        rows.append(("control", _named(name, titles), count, dates[0], dates[-1], licences.get(name)))
    for (layer, name), row in counts.items():
        named = _named(name, titles) if layer == "incidents" else name
        rows.append((layer, named, f"{row['rows']:,}", row["first"], row["last"], licences.get(name)))
    if not rows:
        none = "Nothing is in it yet: geo.import_files takes files in."
        return str(render("archive_card.html", path=path, text=none))
    return str(render("archive_card.html", path=path, rows=[[_cell(cell) for cell in row] for row in rows]))


def _named(name: Any, titles: Mapping[Any, Any]) -> str:
    title = text_or_none(titles.get(name))
    return f"{title} ({name})" if title and title != name else str(name)


def _cell(value: Any) -> str:
    """A cell; of an instant at midnight its day alone."""
    text = text_or_none(value) or "–"
    return text.removesuffix("T00:00:00.000Z")
