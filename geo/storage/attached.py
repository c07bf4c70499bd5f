"""Incidents past a desk's size: folders of Parquet files beside the archive, which DuckDB asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo.errors import ArchiveError, UsageError
from geo.schema import INCIDENT_COLUMNS
from geo.storage import gpkg

if TYPE_CHECKING:
    import duckdb

MOST_AT_ONCE = 2_000_000  # incidents in memory
_BATCH = 100_000
_MEMORY = "600MB"
_EXTRA = "needs DuckDB and pyarrow, which are not installed: pip install 'geo-control[scale]'"


@dataclass(frozen=True)
class Part:
    """One Parquet file of a folder: its name there, and what it holds."""

    name: str
    size: int
    sha256: str
    dataset: str
    rows: int
    first: str | None
    last: str | None


PART_COLUMNS = [field.name for field in fields(Part)]


@dataclass(frozen=True)
class Attached:
    """A folder as the archive has it on record."""

    folder: Path
    recorded_at: str
    parts: tuple[Part, ...]

    @property
    def datasets(self) -> list[str]:
        return sorted({part.dataset for part in self.parts})


def read_row(archive: Path, folder: str, recorded_at: str, parts: str) -> Attached:
    """A row of the table; the folder lies below the archive's own."""
    try:
        told = tuple(Part(**part) for part in json.loads(parts))
    except (TypeError, ValueError, RecursionError):
        raise ArchiveError(f"{archive}: the table attached is damaged: geo check says more") from None
    return Attached(below(archive, folder), recorded_at, told)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def written_parts(parts: Sequence[Part]) -> str:
    return json.dumps([asdict(part) for part in parts], ensure_ascii=False)


def below(archive: Path, folder: str | Path) -> Path:
    """The folder, which must lie below that of the archive: an archive from elsewhere names no other place."""
    home = archive.resolve().parent
    found = (home / folder).resolve()
    if found == home or not found.is_relative_to(home):
        raise UsageError(
            f"{folder}: an attached folder lies below that of the archive, {home}, so that both move together"
        )
    return found


@contextmanager
def asking(*folders: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads these folders and nothing else, within a stated memory."""
    try:
        import duckdb
    except ImportError:
        raise UsageError(f"{folders[0]}: a folder of Parquet {_EXTRA}") from None
    with (
        TemporaryDirectory(prefix="geo-") as aside,
        closing(duckdb.connect(":memory:", config={"memory_limit": _MEMORY, "threads": 2})) as connection,
    ):
        connection.execute(f"SET temp_directory = {quoted(aside)}")
        # a bar of progress would stand among the figures on the standard output
        off = ("autoinstall_known_extensions", "autoload_known_extensions", "preserve_insertion_order",
               "enable_progress_bar")  # fmt: skip
        for setting in off:
            connection.execute(f"SET {setting} = false")
        connection.execute(
            f"SET allowed_directories = [{', '.join(quoted(place) for place in [Path(aside), *folders])}]"
        )
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            yield connection
        except duckdb.Error as error:
            first = str(error).partition("\n")[0]
            raise ArchiveError(f"{folders[0]}: its Parquet files cannot be read ({first})") from error


def quoted(text: str | Path) -> str:
    """A text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


# what incidents are asked for by -> where it stands
_AMONG = {
    "dataset": ("dataset",),
    "event_type": ("event_type", "sub_event_type"),
    "verification": ("coalesce(verification, 'not stated')",),
}


@dataclass(frozen=True)
class IncidentQuery:
    """Which incidents are asked for: of a span of days, as known now or then, in a box (degrees), with these values."""

    first: str | None = None
    last: str | None = None
    as_known_on: datetime | None = None
    box: Sequence[float] | None = None
    among: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def has_span(self) -> bool:
        return self.first is not None or self.last is not None

    def conditions(self) -> tuple[list[str], list[Any]]:
        """What is asked of days and fields, in SQL that SQLite and DuckDB both read, and its values."""
        conditions, values = self._in_span()
        for name, wanted in self.among.items():
            marks = ", ".join("?" * len(wanted))
            conditions.append(f"({' OR '.join(f'{c} COLLATE NOCASE IN ({marks})' for c in _AMONG[name])})")
            values += list(wanted) * len(_AMONG[name])
        return conditions, values

    def _in_span(self) -> tuple[list[str], list[Any]]:
        """An incident falls into a span of days that it begins in, or that it began before and lasted into."""
        first, last = self.first, self.last
        if first is None:
            return (["1 = 1"], []) if last is None else (["date_start <= ?"], [last])
        end = "~" if last is None else last  # after every day
        begins, lasts = "date_start >= ?", "date_end > date_start AND date_end >= ? AND date_start < ?"
        condition = f"(({begins} AND date_start <= ?) OR ({lasts} AND date_start <= ?))"
        return [condition], [first, end, first, first, end]


def _parts(attached: Attached, asked: IncidentQuery) -> list[str]:
    """The files that may have what is asked; every one must be as it was when it was attached."""
    names, sets = [], asked.among.get("dataset")
    datasets = None if sets is None else {name.casefold() for name in sets}
    for part in attached.parts:
        path = attached.folder / part.name
        if not path.is_file() or path.stat().st_size != part.size:
            gone = "is not there" if not path.exists() else "is another than was attached"
            way_out = f"put it back, or take the folder off (geo attach ARCHIVE {attached.folder.name} --remove)"
            raise ArchiveError(f"{path} {gone}: {way_out}")
        asked_for = datasets is None or part.dataset.casefold() in datasets
        after = asked.first is not None and part.last is not None and part.last < asked.first
        before = asked.last is not None and part.first is not None and part.first > asked.last
        if asked_for and not after and not before:
            names.append(str(path))
    return names


def _from_files(columns: Sequence[str], asked: IncidentQuery) -> str:
    """The query for columns of these files; the list of files is its first value."""
    box = () if asked.box is None else ("longitude BETWEEN ? AND ? AND latitude BETWEEN ? AND ?",)
    where = " AND ".join(f"({c})" for c in (*asked.conditions()[0], *box))
    names = ", ".join(f'"{c}"' for c in columns)
    return f"SELECT {names} FROM read_parquet(?, hive_partitioning = false) WHERE {where}"


def _values(names: list[str], asked: IncidentQuery) -> list[Any]:
    box = [] if asked.box is None else [float(asked.box[i]) for i in (0, 2, 1, 3)]
    return [names, *asked.conditions()[1], *box]


def count(attached: Attached, columns: Sequence[str], grouped: Mapping[str, str], asked: IncidentQuery) -> pd.DataFrame:
    """What `grouped` calls and selects of the columns, for each group of those alike under `columns`."""
    names = _parts(attached, asked)
    keys = [c for c in columns if c != "geom"] + (["longitude", "latitude"] if "geom" in columns else [])
    if not names:
        return pd.DataFrame(columns=[*columns, *grouped])
    listed = ", ".join(keys)
    told = ", ".join(f'{what} AS "{name}"' for name, what in grouped.items())
    needed = list(dict.fromkeys((*keys, "date_start", "date_end", "low", "best", "high")))
    with asking(attached.folder) as connection:
        query = f"SELECT {listed}, {told} FROM ({_from_files(needed, asked)}) GROUP BY {listed}"
        frame = connection.execute(query, _values(names, asked)).df()
    if "geom" in columns:  # column by column: there may be as many rows as places
        frame["geom"] = _points(frame["longitude"], frame["latitude"])
    return pd.DataFrame(frame[[*columns, *grouped]])


def refuse_so_many(found: int) -> None:
    raise UsageError(
        f"{found:,} incidents are too many to list (the limit is {MOST_AT_ONCE:,}): keep to days (--from, --to) or a"
        " unit (--in), or count them (--by)"
    )


def _points(lon: Any, lat: Any) -> Any:
    xy = np.array([lon, lat], dtype=float).T
    points = shapely.points(xy)
    points[np.isnan(xy).any(axis=1)] = shapely.Point()
    return points


def rows(attached: Attached, asked: IncidentQuery, *, orig: bool, most: int | None) -> Iterator[list[tuple[Any, ...]]]:
    """The incidents in batches, in order of their days: columns of the schema, dataset, instant, blob, number."""
    names = _parts(attached, asked)
    if not names:
        return
    columns = [c for c in INCIDENT_COLUMNS if orig or c != "orig"]
    with asking(attached.folder) as connection:
        if most is not None:
            inner = _from_files(["event_id"], asked)
            found = connection.execute(f"SELECT count(*) FROM ({inner})", _values(names, asked)).fetchone()
            if found and found[0] > most:
                refuse_so_many(found[0])
        query = _from_files([*columns, "dataset"], asked) + " ORDER BY date_start NULLS FIRST, event_id"
        reader = connection.execute(query, _values(names, asked))
        lon, lat = columns.index("longitude"), columns.index("latitude")
        while some := reader.fetchmany(_BATCH):
            blobs = gpkg.encode(_points([r[lon] for r in some], [r[lat] for r in some]))
            yield [(*r, attached.recorded_at, blob, 0) for r, blob in zip(some, blobs, strict=True)]
