"""Incidents in Parquet, written sorted into a folder beside the archive, looked through, and put on record."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from geo.errors import FileError, GateError, UsageError
from geo.formats.geojson import MIB
from geo.formats.limits import plain_file, refuse_too_many
from geo.schema import CRS, INCIDENT_COLUMNS, INCIDENT_NUMBERS, INCIDENT_PEOPLE, Source
from geo.storage import snapshots
from geo.storage.attached import Part, asking, below, quoted, sha256_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from geo.archive import Archive

_KINDS = {c: "DOUBLE" if c in INCIDENT_NUMBERS else "VARCHAR" for c in (*INCIDENT_COLUMNS, "dataset")}
_DAY = "regexp_matches({0}, '^(19|[2-9][0-9])[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}$') AND TRY_CAST({0} AS DATE) IS NOT NULL"
_WHOLE = " AND ".join(f"coalesce({c} >= 0 AND {c} < 1e9 AND {c} = floor({c}), true)" for c in INCIDENT_PEOPLE)
_CHARACTERS = " + ".join(f"coalesce(strlen({c}), 0)" for c, kind in _KINDS.items() if kind == "VARCHAR")
_NO_VALUE = re.compile(
    r"(STRUCT|MAP|UNION|BLOB|BIT|BOOLEAN|INTERVAL).*|.*\]"
)  # kinds of columns without a text or number
# what an incident must be -> why it is refused where it is not
_CHECKS = {
    "coalesce(trim(event_id), '') <> ''": "event_id is empty",
    "coalesce(trim(dataset), '') <> ''": "dataset is empty: name it (--dataset)",
    "coalesce(latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180, false)": "no latitude and longitude",
    f"coalesce({_DAY.format('date_start')}, false)": "date_start is no day written YYYY-MM-DD",
    f"coalesce(({_DAY.format('date_end')}) AND date_end >= date_start, true)": "date_end is no day from date_start on",
    _WHOLE: "a number of people is below 0, not whole or beyond a thousand million",
    "coalesce(low <= best, true) AND coalesce(best <= high, true)": "low, best and high are not in order",
}
_DAYS = ("date_start", "date_end", "report_date", "source_date")
_NOT_RECORDED = ".not-recorded"  # in a folder that was made and is not on record yet: one that was cut off is made anew
_UNPACKED_MIB, _TIMES = 64, 100  # of text: as much, or so many times the files' size
_SOME = 64_000  # rows of a group in a file


def attach(
    archive: Archive, folder: str | Path, files: Sequence[str | Path] = (), *, dataset: str | Source | None = None
) -> pd.DataFrame:
    """Put a folder of incidents on record; where files are given it is made of them first. Rows a dataset."""
    place, name = _place(archive, folder)
    _refuse_attached(archive, place, name)
    credit = Source(dataset, dataset) if isinstance(dataset, str) else dataset
    with ExitStack() as stack:
        made = place
        if files:
            made = stack.enter_context(_written(archive, place, files, None if credit is None else credit.name))
        parts = _look_through(made)
        _refuse_twice(archive, {part.dataset for part in parts})
        with archive.store.writing() as connection:
            now = snapshots.next_instant(connection)
            for source in sorted({part.dataset for part in parts}):
                mine = credit if credit is not None and credit.name == source else Source(source, source)
                archive.store.add_source(connection, mine)
            archive.store.attach(connection, name, parts, now)
            if files:
                made.rename(place)
    (place / _NOT_RECORDED).unlink(missing_ok=True)
    table = pd.DataFrame(parts).groupby("dataset").agg(
        rows=("rows", "sum"), first=("first", "min"), last=("last", "max"), files=("name", "count")
    )  # fmt: skip
    return table.reset_index()


def detach(archive: Archive, folder: str | Path) -> None:
    """Take a folder off the record; its files stay where they are."""
    _, name = _place(archive, folder)
    with archive.store.writing() as connection:
        if not archive.store.detach(connection, name, snapshots.next_instant(connection)):
            there = ", ".join(sorted(a.folder.name for a in archive.store.attached())) or "none"
            raise UsageError(f"{name} is not attached to {archive.path}; there are: {there}")


def _place(archive: Archive, folder: str | Path) -> tuple[Path, str]:
    """Where a folder is, and what it is called from the archive's own folder."""
    place = below(archive.path, Path(folder).resolve())
    return place, place.relative_to(archive.path.resolve().parent).as_posix()


def _refuse_attached(archive: Archive, place: Path, name: str) -> None:
    if any(place == there.folder for there in archive.store.attached()):
        (place / _NOT_RECORDED).unlink(missing_ok=True)
        raise UsageError(f"{name} is attached already: take it off first (geo attach ARCHIVE {name} --remove)")


def _refuse_twice(archive: Archive, datasets: Collection[str]) -> None:
    if twice := sorted(set(datasets) & set(archive.store.datasets())):
        raise UsageError(f"{archive.path} has incidents of {', '.join(twice)} already: give these another --dataset")


def _look_through(folder: Path) -> list[Part]:
    """What the folder's files hold, when every row of them is an incident as the archive keeps them."""
    paths = sorted(folder.rglob("*.parquet"))
    _refuse_other_than_plain(paths)
    if not paths:
        raise FileError(f"{folder}: no Parquet files there; geo attach ARCHIVE {folder.name} FILES makes the folder")
    with asking(folder) as connection:
        listed = [str(path) for path in paths]
        kinds = _kinds(connection, listed)
        if wrong := [c for c, kind in _KINDS.items() if kinds.get(c) != kind]:
            raise FileError(
                f"{folder}: its files lack or write otherwise {', '.join(wrong[:6])}; geo attach ARCHIVE NEW_FOLDER"
                f" {folder.name}/*.parquet writes them as needed"
            )
        query = f"SELECT * FROM read_parquet({_files(listed)}, hive_partitioning = false)"
        _refuse_bad(connection, query, folder, _size(paths))
        return [_part(connection, folder, path) for path in paths]


def _refuse_other_than_plain(paths: Sequence[str | Path]) -> None:
    for path in paths:
        try:
            with plain_file(Path(path)):
                pass
        except OSError as error:
            raise FileError(f"{path}: cannot be read ({error.strerror})") from None


def _size(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _part(connection: duckdb.DuckDBPyConnection, folder: Path, path: Path) -> Part:
    query = "SELECT dataset, count(*), min(date_start), max(coalesce(date_end, date_start))"
    rows = connection.execute(
        f"{query} FROM read_parquet(?, hive_partitioning = false) GROUP BY dataset", [str(path)]
    ).fetchall()
    if len(rows) != 1:
        raise FileError(f"{path}: one dataset a file is kept, and there are {len(rows)}")
    return Part(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_of(path), *rows[0])


def _kinds(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> dict[str, str]:
    query = f"DESCRIBE SELECT * FROM read_parquet({_files(paths)}, hive_partitioning = false, union_by_name = true)"
    return {str(row[0]): str(row[1]) for row in connection.execute(query).fetchall()}


def _files(paths: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, paths))}]"


def _refuse_bad(connection: duckdb.DuckDBPyConnection, query: str, where: Path, size: int) -> None:
    """All rows or none: what is wrong is told with how many rows and the first id."""
    characters = connection.execute(f"SELECT sum({_CHARACTERS}) FROM ({query})").fetchone()
    most = max(_UNPACKED_MIB, _TIMES * size // MIB)
    refuse_too_many(where, int(characters[0] or 0) // MIB if characters else 0, most, "MiB of text when unpacked")
    bad = ", ".join(f"count(*) FILTER (NOT ({check})), min(event_id) FILTER (NOT ({check}))" for check in _CHECKS)
    found = connection.execute(f"SELECT count(*), {bad} FROM ({query})").fetchone()
    assert found is not None
    told = [f"{why} ({n:,} rows, first {first!r})" for why, n, first in zip(
        _CHECKS.values(), found[1::2], found[2::2], strict=True) if n]  # fmt: skip
    twice = f"SELECT dataset, event_id, count(*) FROM ({query}) GROUP BY dataset, event_id HAVING count(*) > 1 LIMIT 1"
    if not told and (again := connection.execute(twice).fetchone()):
        told.append(f"event_id {again[1]!r} of {again[0]} stands {again[2]} times")
    if not found[0]:
        told.append("there are no rows")
    if told:
        raise GateError(f"{where}: nothing was attached: {'; '.join(told)}")


@contextmanager
def _written(archive: Archive, folder: Path, files: Sequence[str | Path], dataset: str | None) -> Iterator[Path]:
    """A draft of a new folder, made of files of Parquet: by dataset and year, each sorted by day and place."""
    _refuse_other_than_plain(files)
    paths = [Path(file).resolve() for file in files]
    if (folder / _NOT_RECORDED).exists():
        shutil.rmtree(folder)
    if folder.exists():
        raise UsageError(f"{folder}: is there already: name a new folder, or leave the files out to attach it as it is")
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with asking(*{path.parent for path in paths}, draft) as connection:
            query = _as_kept(connection, paths, dataset)
            _refuse_bad(connection, query, paths[0] if len(paths) == 1 else paths[0].parent, _size(paths))
            named = connection.execute(f"SELECT DISTINCT dataset FROM ({query})").fetchall()
            _refuse_twice(archive, [name for (name,) in named])
            sorted_rows = connection.sql(f"{query} ORDER BY dataset, date_start, longitude, latitude, event_id")
            _put_apart(draft, sorted_rows.to_arrow_reader(_SOME))
        (draft / _NOT_RECORDED).touch()
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _as_kept(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], dataset: str | None) -> str:
    """The query for all columns as they are kept, whatever kind the files write them in."""
    listed = [str(path) for path in files]
    kinds = {name.casefold(): (name, kind) for name, kind in _kinds(connection, listed).items()}
    if lacking := [c for c in ("event_id", "date_start", "latitude", "longitude") if c not in kinds]:
        raise FileError(f"{files[0]}: no column {', '.join(lacking)}; its columns: {', '.join(kinds)[:300]}")
    parts = []
    for column, kind in _KINDS.items():
        name, there = kinds.get(column) or kinds.get("date_start" if column == "date_end" else "", ("", ""))
        theirs = '"' + name.replace('"', '""') + '"'
        if name and _NO_VALUE.fullmatch(there):
            raise FileError(f"{files[0]}: column {name} is written as {there[:60]}: give it one text or number a row")
        if column == "dataset" and dataset is not None:
            text = quoted(dataset)
        elif not name:
            text = f"CAST(NULL AS {kind})"
        elif column in _DAYS and there.startswith("TIMESTAMP"):
            text = f"CAST(CAST({theirs} AS DATE) AS VARCHAR)"
        else:
            text = f"CAST({theirs} AS {kind})"
        parts.append(f"{text} AS {column}")
    source = f"read_parquet({_files(listed)}, hive_partitioning = false, union_by_name = true)"
    return f"SELECT {', '.join(parts)} FROM {source}"


def _put_apart(folder: Path, batches: Iterable[Any]) -> None:
    """A file for each dataset and year, which come one after the other."""
    import pyarrow as pa
    from pyarrow import parquet

    open_for: tuple[str, str] | None = None
    with ExitStack() as stack:
        for key, table in _by_year(pa, batches):
            if key != open_for:
                stack.close()
                place = folder / f"dataset={quote(key[0], safe='')}" / f"year={key[1]}"
                place.mkdir(parents=True)
                writer = stack.enter_context(
                    parquet.ParquetWriter(place / "part.parquet", table.schema, compression="zstd")
                )
                open_for = key
            writer.write_table(table, row_group_size=_SOME)


def _by_year(pa: Any, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[tuple[str, str], pa.Table]]:
    geo = json.dumps({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {
        "encoding": "WKB", "geometry_types": ["Point"], "crs": None}}})  # fmt: skip
    geo = geo.replace("null", json.dumps(_crs()))
    for batch in batches:
        table = pa.Table.from_batches([batch])
        table = table.append_column("geometry", _points(pa, table["longitude"], table["latitude"]))
        table = table.replace_schema_metadata({"geo": geo})
        keys = list(zip(table["dataset"].to_pylist(), [d[:4] for d in table["date_start"].to_pylist()], strict=True))
        starts = [i for i, key in enumerate(keys) if not i or key != keys[i - 1]]
        for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
            yield keys[start], table.slice(start, end - start)


def _crs() -> Any:
    from pyproj import CRS as Crs

    return Crs.from_user_input(CRS).to_json_dict()


def _points(pa: Any, lon: Any, lat: Any) -> Any:
    """Points as WKB, little end first."""
    made = np.empty(len(lon), dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    made["order"], made["kind"], made["x"], made["y"] = 1, 1, lon.to_numpy(), lat.to_numpy()
    ends = np.arange(len(made) + 1, dtype=np.int32) * made.itemsize
    return pa.Array.from_buffers(pa.binary(), len(made), [None, pa.py_buffer(ends), pa.py_buffer(made.tobytes())])
