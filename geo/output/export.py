"""What the archive says, as one file for other programs: control on a date or over a span, its changes, incidents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import pandas as pd

from geo.archive.results import When
from geo.archive.shared_docs import described, from_one_state
from geo.errors import UsageError
from geo.output.site.downloads import ENDINGS, INCIDENT_FIELDS, DownloadData, control_on, credit_lines, written_as
from geo.presentation.sides import side_colours
from geo.schema import CRS, last_instant, to_instant, write_instant
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.archive import Archive

What = Literal["control", "incidents", "changes"]


@described
@from_one_state
def export(
    archive: Archive, path: str | Path, *, what: What = "control", date: When | None = None, from_: When | None = None,
    to: When | None = None, source: str | None = None, within: str | None = None, as_known_on: When | None = None,
) -> Path:  # fmt: skip
    """Write control, incidents or changes to a file that other programs read, and that this one takes in again.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.geojson``, ``.gpkg``, ``.parquet`` (GeoParquet 1.1, with the box of each row), ``.csv`` (shapes as WKT) or
        ``.kml``; coordinates in EPSG:4326.
    what : {"control", "incidents", "changes"}
        The map of `date`, or every polygon of a span with when it stood; the incidents of the day or span; the ground
        that changed hands between `from_` and `to`.
    date : str, date, datetime or None
        A day, answered by its last snapshot, or an instant; None is the last one, or the span.
    from_, to : str, date, datetime or None
        The span, both included.
    source : str or None
        Whose maps; of incidents, which dataset. May be left out where there is one.
    within : str or None
        Keep to a unit, by code or name; control is cut at its border.

    Returns
    -------
    pathlib.Path
        The file. Every row names its source and date; the archive's rules are kept.

    Raises
    ------
    ArchiveError, GateError, NoSnapshotError, SourceError, UnitError
    MapError
        The file cannot be written.
    UsageError
        The path has another ending, or date and span do not go together.

    Examples
    --------
    >>> geo.export(archive, "control.geojson", date="2025-01-11").name
    'control.geojson'
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ENDINGS:
        raise UsageError(f"{path}: write to a path that ends in one of .{', .'.join(ENDINGS)}")
    if date is not None and (from_ is not None or to is not None):
        raise UsageError("either a date or a span (from, to) is exported, not both")
    if what == "changes" and (from_ is None or to is None):
        raise UsageError("changes lie between two dates: say both, from and to")
    frame = _FRAMES[what](archive, date, from_, to, source, within, as_known_on)
    day = str(date or to or from_ or "")
    lines = credit_lines(archive, frame)
    nothing = gpd.GeoDataFrame({"controller": [], "status": []}, geometry=[], crs=CRS)
    both = (nothing, frame) if what == "incidents" else (frame, nothing)
    loaded = DownloadData(day, *both, pd.DataFrame(), lines, side_colours(archive.controllers()))
    try:
        content = written_as(kind, what, loaded)
    except ImportError:
        raise UsageError("Parquet needs pyarrow, which is not installed: pip install 'geo-control[parquet]'") from None
    return write_page(content, path)


def _control(
    archive: Archive, date: When | None, from_: When | None, to: When | None, source: str | None, within: str | None,
    known: When | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    name = archive.source_name(source)
    if from_ is None and to is None:
        return control_on(archive, date, source=name, within=within, as_known_on=known)
    frame = archive.polygons(name, as_known_on=known, over_gaps=True)
    kept = pd.Series(True, index=frame.index)
    if from_ is not None:
        kept &= frame["valid_to"].isna() | (frame["valid_to"] > to_instant(from_))
    if to is not None:
        kept &= frame["valid_from"] <= last_instant(to)
    frame = frame[kept].assign(snapshot=None).reset_index(drop=True)
    written = control_on(archive, None, source=name, within=within, as_known_on=known, frame=frame)
    ends = [None if pd.isna(end) else write_instant(to_instant(end)) for end in written["valid_to"]]
    return written.assign(valid_to=ends).drop(columns=["date", "snapshot"])


def _incidents(
    archive: Archive, date: When | None, from_: When | None, to: When | None, source: str | None, within: str | None,
    known: When | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    span = (date, date) if date is not None else (from_, to)
    frame = archive.incidents(*span, within=within, dataset=source, as_known_on=known)
    return frame[[*INCIDENT_FIELDS, "geometry"]]


def _changes(
    archive: Archive, _: When | None, from_: When, to: When, source: str | None, within: str | None, known: When | None
) -> gpd.GeoDataFrame:
    if within is not None:
        raise UsageError("changes are exported whole: leave the unit out")
    name = archive.source_name(source)
    frame = archive.changed(from_, to, source=name, as_known_on=known)
    dated = frame.assign(source=name, date_from=str(from_), date_to=str(to))
    return dated[["date_from", "date_to", "source", "controller", "status", "change", "area_km2", "geometry"]]


_FRAMES: dict[str, Any] = {"control": _control, "incidents": _incidents, "changes": _changes}
