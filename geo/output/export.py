"""What the archive says, as files for other programs: one of a date, span, changes or incidents; a release of all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import pandas as pd

from geo.archive import contents
from geo.archive.results import FAR, When, moment
from geo.archive.shared_docs import described, from_one_state
from geo.errors import UsageError
from geo.formats.tables import csv_lines, defused
from geo.output.map_content import credits_of
from geo.output.site.downloads import (
    ENDINGS,
    INCIDENT_FIELDS,
    DownloadData,
    control_of_span,
    control_on,
    credit_lines,
    data_package,
    field_table,
    written_as,
)
from geo.presentation.sides import side_colours
from geo.schema import CRS, text_or_none, write_instant
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.archive import Archive

What = Literal["control", "incidents", "changes", "settlements"]


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
    what : {"control", "incidents", "changes", "settlements"}
        The map of `date`, or every polygon of a span with when it stood; the incidents of the day or span; the ground
        that changed hands between `from_` and `to`; whose each settlement is on `date`.
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
    both = (_NOTHING, frame) if what == "incidents" else (frame, _NOTHING)
    loaded = DownloadData(day, *both, pd.DataFrame(), credit_lines(archive, frame), side_colours(archive.controllers()))
    return write_page(_written(kind, what, loaded), path)


_NOTHING = gpd.GeoDataFrame({"controller": [], "status": []}, geometry=[], crs=CRS)


def _written(kind: str, what: str, loaded: DownloadData) -> bytes:
    try:
        return written_as(kind, what, loaded)
    except ImportError:
        raise UsageError("Parquet needs pyarrow, which is not installed: pip install 'geo-control[parquet]'") from None


def _control(
    archive: Archive, date: When | None, from_: When | None, to: When | None, source: str | None, within: str | None,
    known: When | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    name = archive.source_name(source)
    if from_ is None and to is None:
        return control_on(archive, date, source=name, within=within, as_known_on=known)
    return control_of_span(archive, from_, to, source=name, within=within, as_known_on=known)


def _incidents(
    archive: Archive, date: When | None, from_: When | None, to: When | None, source: str | None, within: str | None,
    known: When | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    span = (date, date) if date is not None else (from_, to)
    frame = contents.incidents(archive, *span, within=within, dataset=source, as_known_on=known)
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


def _settlements(
    archive: Archive, date: When | None, from_: When | None, to: When | None, source: str | None, within: str | None,
    known: When | None,
) -> gpd.GeoDataFrame:  # fmt: skip
    if from_ is not None or to is not None:
        raise UsageError("settlements are exported of one date")
    frame = archive.settlements(date, source=source, as_known_on=known)
    if within is not None:
        frame = frame[frame.intersects(archive.unit(within).geometry.iloc[0])].reset_index(drop=True)
    since = [write_instant(moment) for moment in frame["valid_from"]]
    frame = frame.assign(date=str(date or frame.attrs["notes"][0].rpartition(" ")[2]), valid_from=since)
    return frame[["date", "source", "place", "name", "controller", "status", "native", "valid_from", "geometry"]]


_FRAMES: dict[str, Any] = {
    "settlements": _settlements,
    "control": _control,
    "incidents": _incidents,
    "changes": _changes,
}


@described
@from_one_state
def release(
    archive: Archive, folder: str | Path, *, title: str | None = None, publisher: str | None = None,
    as_known_on: When | None = None,
) -> Path:  # fmt: skip
    """Write all that the archive may show as a data set to publish and to cite.

    Parameters
    ----------
    folder : str or pathlib.Path
        Made where it is not there; one that holds other files is refused.
    title : str or None
        What it is called; None names the sources.
    publisher : str or None
        Who puts it out: the author that is to be cited; None leaves it to the sources.

    Returns
    -------
    pathlib.Path
        The folder: ``data.gpkg`` (control and incidents), ``control.parquet``, ``incidents.parquet`` and
        ``settlements.parquet``, of which there are some (shapes in EPSG:4326, areas in km²),
        ``snapshots.csv``, ``licences.csv``, ``CITATION.cff``, ``datapackage.json`` and ``SHA256SUMS``. The archive's
        rules are kept. The same archive gives the same bytes; with `as_known_on`, also after it has grown.

    Raises
    ------
    ArchiveError, GateError
    MapError
        A file cannot be written.
    UsageError
        The folder holds files of others, there is nothing to release, or pyarrow is not installed.

    Examples
    --------
    >>> folder = geo.release(archive, "release", publisher="The desk")
    >>> sorted(path.name for path in folder.iterdir())[:3]
    ['CITATION.cff', 'SHA256SUMS', 'control.parquet']
    """
    folder = Path(folder)
    foreign = sorted({path.name for path in folder.iterdir()} - set(_RELEASED)) if folder.is_dir() else []
    if foreign:
        raise UsageError(f"{folder} holds {foreign[0]}, which is of no release: name another folder")
    control, incidents, snapshots = _everything(archive, as_known_on)
    towns = _all_settlements(archive, as_known_on)
    if control.empty and incidents.empty and towns.empty:
        raise UsageError(f"{archive.path}: there is nothing in it to release")
    sources, datasets = (sorted(set(frame[of])) for frame, of in ((control, "source"), (incidents, "dataset")))
    credits = credits_of(archive, *dict.fromkeys([*sources, *datasets, *sorted(set(towns["source"]))]))
    named = ", ".join(c["title"] or c["name"] for c in credits[: len(sources) or None])
    title = title or f"{'Territorial control' if sources else 'Incidents'} according to {named}"
    frames = {"control": control, "incidents": incidents, "settlements": towns}
    loaded = DownloadData("", control, incidents, pd.DataFrame(), credit_lines(archive, control, incidents), {})
    files = {"data.gpkg": _written("gpkg", "", loaded)}
    for name, frame in frames.items():
        if len(frame):
            files[f"{name}.parquet"] = _written("parquet", "", replace(loaded, control=frame))
    files |= {"snapshots.csv": _table_csv(snapshots), "licences.csv": _table_csv(pd.DataFrame(credits))}
    told = {name: (len(content), sha256(content).hexdigest()) for name, content in files.items()}
    layers = {**{f"{name}.parquet": (f, name) for name, f in frames.items()}, "snapshots.csv": (snapshots, "snapshots"),
              "licences.csv": (pd.DataFrame(credits), "sources")}  # fmt: skip
    fields = {path: field_table(*layers[path]) for path in files if path in layers}
    files["datapackage.json"] = data_package(title, told, credits, fields=fields)
    stamps = [*snapshots["recorded_at"], *incidents.attrs["recorded"], *towns.attrs["recorded"]]
    files["CITATION.cff"] = _citation(title, publisher, credits, max(stamps)[:10])
    sums = (f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    files["SHA256SUMS"] = "".join(sums).encode()
    for gone in (folder / name for name in _RELEASED if name not in files):
        gone.unlink(missing_ok=True)
    for name, content in files.items():
        write_page(content, folder / name)
    return folder


_RELEASED = (
    "data.gpkg", "control.parquet", "incidents.parquet", "settlements.parquet", "snapshots.csv", "licences.csv",
    "datapackage.json", "CITATION.cff", "SHA256SUMS",
)  # fmt: skip
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_OF_SNAPSHOTS = ("snapshot", "source", "part", "depicts", "published", "recorded_at", "file_name", "sha256")


def _everything(archive: Archive, known: When | None) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """Control of all sources over all time, all incidents, and the recordings that they rest on."""
    snapshots = archive.reader.snapshots(as_known_on=FAR if known is None else known)
    sources = sorted(set(snapshots["source"]))
    parts = [_control(archive, None, "0001-01-01", None, name, None, known) for name in sources]
    control = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)) if parts else _NOTHING.assign(source=[])
    found = contents.incidents(archive, as_known_on=known)
    incidents = found[[*INCIDENT_FIELDS, "geometry"]]
    incidents.attrs = {"recorded": found["recorded_at"].tolist()}
    return control, incidents, snapshots[list(_OF_SNAPSHOTS)]


def _all_settlements(archive: Archive, known: When | None) -> gpd.GeoDataFrame:
    """Whose each settlement was, over all time, by every source that says so place by place."""
    store, at = archive.store, moment(known)
    columns = ["source", "place", "name", "controller", "status", "native", "valid_from", "valid_to", "geometry"]
    parts = [store.settlements(name, as_known_on=at) for name in store.settlement_sources()]
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)) if parts else _NOTHING.reindex(columns=columns)
    stamps = {c: [None if pd.isna(t) else write_instant(t) for t in found[c]] for c in ("valid_from", "valid_to")}
    frame = found.assign(**stamps)[columns]
    frame.attrs = {"recorded": [write_instant(t) for t in found["recorded_at"].dropna()] if parts else []}
    return frame


def _table_csv(table: pd.DataFrame) -> bytes:
    rows = ([defused(text_or_none(v)) for v in row] for row in table.itertuples(index=False))
    return "".join(csv_lines([[*table.columns], *rows])).encode("utf-8", "replace")


def _citation(title: str, publisher: str | None, credits: Sequence[Mapping[str, str]], day: str) -> bytes:
    """How to cite a release, as Citation File Format 1.2: text in quotes is the same in JSON and YAML."""
    references = []
    for credit in credits:
        name = credit["title"] or credit["name"]
        terms = f"Terms: {credit['licence']}" if credit["licence"] else ""
        url = credit["url"] if credit["url"].startswith(("https://", "http://")) else ""
        told = {k: v for k, v in (("url", url), ("notes", credit["attribution"]), ("abstract", terms)) if v}
        references.append({"type": "data", "title": name, "authors": [{"name": name}], **told})
    authors = [{"name": publisher}] if publisher else [author for one in references for author in one["authors"]]
    cited = {"cff-version": "1.2.0", "message": "Cite this data set, and the sources that it is of.", "type": "dataset",
             "title": title, "authors": authors, "date-released": day, "references": references}  # fmt: skip
    lines = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in cited.items())
    lines = (_NOT_YAML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line) + "\n" for line in lines)
    return "".join(lines).encode("utf-8", "replace")
