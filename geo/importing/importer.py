"""A file's way into the archive: read, gate, store, receipt. Nothing vanishes in silence."""

from __future__ import annotations

import gc
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import sources as known_sources
from geo.archive import Archive, open_archive
from geo.errors import ArchiveError, FileError, GateError, GeoError, UsageError
from geo.formats.geojson import read_bytes
from geo.formats.limits import capped, refuse_too_many_instants
from geo.formats.tables import csv_lines, defused, number, read_table
from geo.formats.zips import GZIP, gunzipped
from geo.importing.frames import FRAME, Given, as_files, credit_of_name
from geo.importing.validation import (
    Admitted,
    FindingCache,
    admit_control,
    admit_points,
    admit_settlements,
    admit_units,
    check_together,
)
from geo.measure.ellipsoid import areas_km2
from geo.measure.location_checks import Expected
from geo.presentation.sides import knowing
from geo.schema import CLAIM_COLUMNS, ControlColumns, Options, Refusal, Rows, Snapshot, Source, parse_instant
from geo.sources.base import Reader
from geo.storage import layout, qgis_styles, transactions
from geo.storage import snapshots as history
from geo.storage.atomic_write import aside, draft
from geo.storage.settlement_table import put_settlements
from geo.storage.snapshots import Recording
from geo.storage.store import Store
from geo.units import Countries, located_notes
from geo.workers import share_out

Progress = Callable[[int, int, str], None]
_BATCH = 32  # files that are stored in one transaction
_STATED = ("published", "retrieved")  # instants that only who imports a file can state


@dataclass(frozen=True)
class Receipt:
    """What became of one file.

    Parameters
    ----------
    file, source : str
        Which file, read as whose.
    outcome : str
        ``stored``, ``superseded`` (took the place of another recording), ``unchanged`` or ``refused``.
    snapshots : tuple of str
        The names under which it can be asked for or retracted.
    rows_in, rows_stored, rows_refused, rows_left_out, duplicates : int
        rows_in = rows_stored + rows_refused + rows_left_out + duplicates.
    repairs, notes : tuple of str
        What was mended, with km² before and after, and what a reader of the figures should know.
    refusals : tuple of geo.schema.Refusal
        The rows turned back, and why.
    left_out : mapping
        Why -> how many features are no control by the source's own terms.
    sidecar : str
        The file that holds the refused rows, "" where there are none.
    error : str
        Why the whole file was refused, "" where it was not.
    supersedes : tuple of str
        The recordings whose place it took.

    Examples
    --------
    >>> geo.import_files("new.gpkg", "incidents", "seeds/incidents.csv")[0].outcome
    'stored'
    """

    file: str
    source: str
    outcome: str
    snapshots: tuple[str, ...] = ()
    rows_in: int = 0
    rows_stored: int = 0
    rows_refused: int = 0
    rows_left_out: int = 0
    duplicates: int = 0
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    sidecar: str = ""
    error: str = ""
    supersedes: tuple[str, ...] = ()


def import_files(
    archive: Archive | str | Path,
    source: str,
    paths: Given | Iterable[Given],
    *,
    options: Options | None = None,
    credit: Source | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> list[Receipt]:
    """Take files into an archive. A bad file stops none of the others.

    Parameters
    ----------
    archive : Archive, str or pathlib.Path
        It is made where there is none.
    source : str
        How the files are to be read: ``deepstate``, ``nzz``, ``vector``, ``acled``, ``units``, …
    paths : path, frame, or iterable of them
        The files; a `geopandas.GeoDataFrame` stands for one (of incidents also a plain frame with ``latitude`` and
        ``longitude``), in any CRS that it names.
    options : geo.schema.Options or None
        How to read what the files do not say themselves.
    credit : geo.schema.Source or None
        Under which name and credits the rows are kept; None is the reader's own.
    scheduler : str or None
        Address of a running Dask scheduler whose workers read files of maps, which they see under the same paths (the
        extra ``cluster``); this process checks and stores. What is stored is the same.
    progress : callable or None
        Called with (done, of how many, file name) for every file, once it is in for good.
    **settings
        Fields of `Options`, for short: ``date="2025-01-11"``.

    Returns
    -------
    list of Receipt
        One a file, in order; those refused have ``outcome == "refused"`` and say why in ``error``.

    Raises
    ------
    UsageError
        There is no such source, or no file is given.
    ArchiveError
        The archive cannot be made or written. Files taken in before stay in, but for the last up to 32, which are
        stored together.

    Examples
    --------
    >>> outlines = "seeds/control/2025-01-11.geojson"
    >>> receipts = geo.import_files("new.gpkg", "vector", outlines, constants={"controller": "UA"})
    >>> receipts[0].outcome, receipts[0].rows_stored
    ('stored', 2)
    """
    archive = archive if isinstance(archive, Archive) else open_archive(archive)
    reader = known_sources.reader(source)
    try:
        options = replace(options or Options(), **settings)
    except TypeError as error:
        raise UsageError(f"no such option: {error}") from None
    archive.store.accepts_clock = archive.store.accepts_clock or "clock" in options.accept
    job = _Job(reader, credit or reader.source, options, archive.path)
    receipts: list[Receipt] = []
    with as_files(paths, reader.kind) as listed:
        of_frames = {path for path, is_frame in listed if is_frame}

        if not listed:
            raise UsageError("no file is given")
        files = [path for path, _ in listed]
        for path, receipt in zip(files, _taken(archive, job, files, scheduler), strict=True):
            if path in of_frames:
                receipt = replace(receipt, file=FRAME, error=receipt.error.replace(str(path), f"the {FRAME}"))
            receipts.append(receipt)
            if progress is not None:
                progress(len(receipts), len(files), path.name)
    archive.close()
    return receipts


def add_frame(archive: Archive, frame: pd.DataFrame, *, reader: str, source: str | Source, options: Options) -> Receipt:
    """Take one frame in; where nothing of it is, this is an error and no receipt."""
    known = archive.sources() if archive.path.exists() else pd.DataFrame()
    credit = credit_of_name(source, known)
    receipt = import_files(archive, reader, frame, options=options, credit=credit)[0]
    if receipt.outcome == "refused":
        raise GateError(receipt.error, receipt.refusals)
    return receipt


def _taken(archive: Archive, job: _Job, paths: Sequence[Path], scheduler: str | None) -> Iterator[Receipt]:
    """Every file's receipt; a new archive gets its name with the first file that is not refused, or is not made."""
    done = 0
    if archive.path.exists():
        ensure_units(archive)
    else:
        with _new_archive(archive.path) as made:
            for path in paths:
                (receipt,) = _import_batch(made, job, [path])
                if receipt.outcome != "refused" and not _put(made, archive.path):
                    break  # somebody was faster: the file goes into what is there now
                archive.reader.know_units_of(made.reader)
                done += 1
                yield receipt
                if receipt.outcome != "refused":
                    break
    is_shared = scheduler is not None and job.reader.kind == "control"
    elsewhere = _read_by_dask(archive, job, paths[done:], str(scheduler)) if is_shared else None
    for start in range(done, len(paths), _BATCH):
        yield from _import_batch(archive, job, paths[start : start + _BATCH], elsewhere)


@contextmanager
def _new_archive(path: Path) -> Iterator[Archive]:
    """An archive with its boundary sets under another name, gone in the end if it was not put in place."""
    try:
        with draft(path) as temporary, closing(open_archive(temporary)) as made:
            for units in known_sources.shipped_units():
                _add_units(made, units)
            yield made
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be made ({error}): may you write in that folder?") from error
    except ArchiveError as error:
        raise ArchiveError(str(error).replace(str(temporary), str(path))) from error


def _put(made: Archive, path: Path) -> bool:
    """Give a new archive its name; False where another one has it by now."""
    made.close()
    try:
        return transactions.place_new(made.path, path)
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be made ({error}): may you write in that folder?") from error


def ensure_units(archive: Archive) -> None:
    """Give a new archive the boundary sets that the package ships, also one whose making was cut off."""
    if not archive.path.exists():
        with _new_archive(archive.path) as made:
            _put(made, archive.path)
        return
    if len(archive.store.snapshots()):
        return
    shipped = {sha256(read_bytes(path)).hexdigest(): path for path in known_sources.shipped_units()}
    had = set(archive.store.imports()["sha256"])
    if had < shipped.keys():
        for key in shipped.keys() - had:
            _add_units(archive, shipped[key])


def _add_units(archive: Archive, path: Path) -> None:
    credits = json.loads(path.parent.parent.joinpath("credits.json").read_text(encoding="utf-8"))["units"]
    credit = Source("units", "Administrative units", credits["url"], credits["licence"], credits["text"])
    reader = replace(known_sources.reader("units"), read=lambda path, _: _shipped_units(path))
    (receipt,) = _import_batch(archive, _Job(reader, credit, Options(), archive.path), [path])
    if receipt.outcome == "refused":
        raise ArchiveError(f"{path}: {receipt.error}")


@lru_cache(maxsize=8)  # who makes one archive in a process makes more
def _shipped_units(path: Path) -> Rows:
    found = known_sources.reader("units").read(path, Options())
    assert isinstance(found, Rows)
    return found


@dataclass(frozen=True)
class _Job:
    """What the files of one import share; refused rows are laid beside `archive`, which may lack its name yet."""

    reader: Reader
    credit: Source
    options: Options
    archive: Path
    memory: FindingCache = field(default_factory=FindingCache)
    countries: Countries | None = None


@dataclass(frozen=True)
class _Read:
    """A file of maps as its reader has them."""

    file: _File
    snapshots: Sequence[Snapshot]


@dataclass(frozen=True)
class _Passed:
    """A file of maps that came through the gate, each with what was made of it, and waits to be stored."""

    file: _File
    admitted: Sequence[tuple[Snapshot, Admitted]]


_Found = tuple[int, str, Sequence[Snapshot] | Rows]  # bytes and hash of a file, and what its reader makes of it


def _import_batch(
    archive: Archive, job: _Job, paths: Sequence[Path], elsewhere: Iterator[_Found | GeoError] | None = None
) -> list[Receipt]:
    """Files one after the other through the gate, then into the archive in one transaction."""
    job = _located(archive, job)
    countries = job.countries
    found = [_read_file(archive, job, path, None if elsewhere is None else next(elsewhere)) for path in paths]
    read = [snapshot for one in found if not isinstance(one, Receipt) for snapshot in one.snapshots]
    check_together(read, job.memory, countries)
    gone_in = [
        one if isinstance(one, Receipt) else _pass_file(archive, job, path, one)
        for path, one in zip(paths, found, strict=True)
    ]
    stored = iter(_store(archive, job, [one for one in gone_in if isinstance(one, _Passed)]))
    return [one if isinstance(one, Receipt) else next(stored) for one in gone_in]


def _located(archive: Archive, job: _Job) -> _Job:
    """The job with the countries of the archive, by which readers may place what has no country."""
    countries = archive.countries() if archive.path.exists() else None
    locate = countries.locate if countries is not None else None
    return replace(job, options=replace(job.options, locate=locate), countries=countries)


def _read_by_dask(archive: Archive, job: _Job, paths: Sequence[Path], scheduler: str) -> Iterator[_Found | GeoError]:
    """What workers make of each file; an error of one file stops it alone."""
    job = _located(archive, job)
    read = partial(_read_or_error, job.reader, job.options)
    for path, found in zip(paths, share_out(read, [(p.absolute(),) for p in paths], scheduler=scheduler), strict=True):
        if isinstance(found, GeoError):
            found.args = (str(found).replace(str(path.absolute()), str(path)),)
        yield found


def _read_or_error(reader: Reader, options: Options, path: Path) -> _Found | GeoError:
    try:
        with _reading(reader, options, path) as found:
            return found
    except (FileError, GateError) as error:
        return error


@contextmanager
def _reading(reader: Reader, options: Options, path: Path) -> Iterator[_Found]:
    raw = read_bytes(path)
    _stated_instants(options)  # refused before anything is stored
    with _unpacked(path) as plain:
        with _collecting_nothing():
            found = reader.read(plain, options)
        if read_bytes(path) != raw:
            raise FileError(f"{path}: it changed while it was read: wait until it is written, then import it again")
        yield len(raw), sha256(raw).hexdigest(), found


def _read_file(archive: Archive, job: _Job, path: Path, elsewhere: _Found | GeoError | None) -> Receipt | _Read:
    """The maps of a file; of one that is refused or, as one of incidents is, stored at once, the receipt."""
    with _refusing(job, path) as refused:
        if isinstance(elsewhere, GeoError):
            raise elsewhere
        here = nullcontext(elsewhere) if elsewhere is not None else _reading(job.reader, job.options, path)
        with here as (size, digest, found):
            file = _File(path.name, size, digest, _sidecar_of(path, job.archive))
            return _take_rows(archive, job, found, file) if isinstance(found, Rows) else _Read(file, found)
    return refused[0]


def _pass_file(archive: Archive, job: _Job, path: Path, read: _Read) -> Receipt | _Passed:
    """What of a file came through the gate; the receipt where it is refused."""
    with _refusing(job, path) as refused:
        return _Passed(read.file, _pass_snapshots(archive, job, read.snapshots, read.file))
    return refused[0]


@contextmanager
def _refusing(job: _Job, path: Path) -> Iterator[list[Receipt]]:
    """Of a file that is refused the receipt, in the list."""
    receipts: list[Receipt] = []
    try:
        yield receipts
    except (FileError, GateError) as error:
        text = str(error) if path.name in str(error) else f"{path}: {error}"
        refused = Receipt(str(path), job.credit.name, "refused", error=text)
        refusals = error.refusals if isinstance(error, GateError) else ()
        if refusals:
            count = len({r.row for r in refusals})
            sidecar = _write_sidecar(_sidecar_of(path, job.archive), refusals)
            refused = replace(refused, rows_in=count, rows_refused=count, refusals=refusals, sidecar=sidecar)
        receipts.append(refused)


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """A file that can be read: itself, or what a gzip file holds, under its name without .gz."""
    with path.open("rb") as stream:
        is_packed = stream.read(len(GZIP)) == GZIP
    if not is_packed:
        yield path
        return
    with TemporaryDirectory(prefix="geo-") as folder:
        plain = Path(folder, path.stem if path.suffix.lower() == ".gz" else path.name)
        plain.write_bytes(gunzipped(path, read_bytes(path)))
        try:
            yield plain
        except (FileError, GateError) as error:
            told = type(error)(str(error).replace(str(plain), str(path)))
            told.__dict__ |= error.__dict__
            raise told from None


@dataclass(frozen=True)
class _File:
    name: str
    bytes: int
    sha256: str
    sidecar: Path  # for its refused rows


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """A map as JSON is a million small lists, which Python would look through for circles again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sidecar_of(path: Path, archive: Path) -> Path:
    return archive.with_suffix(".refused") / f"{path.name}.csv"


def _pass_snapshots(
    archive: Archive, job: _Job, snapshots: Sequence[Snapshot], file: _File
) -> list[tuple[Snapshot, Admitted]]:
    credit, options, memory = job.credit, job.options, job.memory
    refuse_too_many_instants(file.name, len(snapshots), 0, options.accept)
    admitted = []
    boxes = dict(memory.boxes)  # a file that is refused leaves no trace
    for snapshot in snapshots:
        series = (credit.name, snapshot.part)
        if series not in boxes:
            boxes[series] = archive.store.last_boxes(*series) if archive.path.exists() else np.empty((0, 4))
        expected = Expected(theatre=job.reader.theatre, before=boxes[series])
        let_in = admit_control(
            snapshot, options=options, countries=job.countries, memory=memory, expected=expected, first=job.reader.first
        )
        admitted.append((snapshot, let_in))
        if len(let_in.rows):
            boxes[series] = shapely.bounds(_ground(let_in).geometry)
    memory.boxes |= boxes
    return admitted


def _ground(admitted: Admitted) -> ControlColumns:
    assert isinstance(admitted.rows, ControlColumns)
    return admitted.rows


def _store(archive: Archive, job: _Job, passed: Sequence[_Passed]) -> list[Receipt]:
    """All files of a batch in one transaction: a file is in the archive as a whole or not at all."""
    if not passed:
        return []
    credit, memory = job.credit, job.memory
    covers = [archive.unit(unit)["unit"].iloc[0] for unit in credit.covers]
    with archive.store.writing() as connection:
        archive.store.add_source(connection, credit)
        if covers:
            archive.store.put_covers(connection, credit.name, covers)
        known = memory.sides.get(credit.name) or set(history.sides_of(connection, credit.name))
        stored: list[Receipt] = []
        written: history.Written = {}
        for one in passed:
            stored.append(_store_file(connection, job, one, known, written))
            known |= {side for _, a in one.admitted for side in _ground(a).sides()}
        memory.sides[credit.name] = known
        changed = {i for i, receipt in enumerate(stored) if receipt.outcome != "unchanged"}
        classes = {c for i in changed for _, a in passed[i].admitted for c in _ground(a).classes()}
        now = history.last_recorded(connection) or ""
        with knowing(layout.read_sides(connection)):
            qgis_styles.restyle_control(connection, {(side or None, status) for side, status in classes}, now=now)
        # before the files are in for good: whoever imports them again is told that nothing is new
        sidecars = {i: _write_sidecar(passed[i].file.sidecar, stored[i].refusals) for i in changed}
    return [replace(receipt, sidecar=sidecars.get(i, "")) for i, receipt in enumerate(stored)]


def _store_file(
    connection: Connection, job: _Job, passed: _Passed, known: set[str], written: history.Written
) -> Receipt:
    file, credit = passed.file, job.credit
    receipts = [_receipt_of(s, a, file, credit, "") for s, a in passed.admitted]
    done = [
        history.record(connection, _recording(s, a, r, file, job), written)
        for (s, a), r in zip(passed.admitted, receipts, strict=True)
    ]
    here = {side for _, a in passed.admitted for side in _ground(a).sides()}
    whole = _sum_receipts(receipts, file, credit)
    outcomes = [d.outcome for d in done]
    return replace(
        whole,
        notes=(*whole.notes, *capped(list(_new_sides(here, known)))),
        outcome=next((o for o in ("superseded", "stored") if o in outcomes), "unchanged"),
        snapshots=tuple(d.snapshot for d in done),
        supersedes=tuple(d.instead_of for d in done if d.instead_of),
    )


def _new_sides(here: set[str], known: set[str]) -> Iterator[str]:
    """A side that the source never had before may be one that it has, written otherwise."""
    for side in sorted(here - known) if known else ():
        yield f"new side {side!r} (known so far: {', '.join(sorted(known))})"


def _receipt_of(part: Snapshot | Rows, admitted: Admitted, file: _File, credit: Source, outcome: str) -> Receipt:
    # a feature may be split in two rows, or refused in part: it counts once, as stored where any of it is
    stored = set(admitted.rows["row"].tolist())
    refused = {r.row for r in admitted.refusals} - stored
    return Receipt(
        file.name, credit.name, outcome, (), part.rows_in, len(stored), len(refused), sum(part.left_out.values()),
        admitted.duplicates, admitted.repairs, admitted.notes, admitted.refusals, dict(part.left_out),
    )  # fmt: skip


def _recording(snapshot: Snapshot, admitted: Admitted, receipt: Receipt, file: _File, job: _Job) -> Recording:
    published, retrieved = _stated_instants(job.options)
    return Recording(
        source=job.credit.name, part=snapshot.part, depicts=snapshot.depicts, ground=_ground(admitted),
        file_name=file.name, file_bytes=file.bytes, sha256=file.sha256, published=published or snapshot.published,
        retrieved=retrieved, rows_in=receipt.rows_in, rows_stored=receipt.rows_stored,
        rows_repaired=len(receipt.repairs), rows_refused=receipt.rows_refused, rows_left_out=receipt.rows_left_out,
        receipt=_brief(receipt),
    )  # fmt: skip


def _stated_instants(options: Options) -> list[datetime | None]:
    stated = options.published, options.retrieved
    return [parse_instant(t, what=w) if t else None for t, w in zip(stated, _STATED, strict=True)]


def _brief(receipt: Receipt) -> dict[str, Any]:
    """What the archive keeps of a receipt: all but the refused rows' own contents, which are in the sidecar."""
    record = vars(receipt).copy()
    record["refusals"] = [
        {"row": r.row, "why": r.why, "km2": r.km2} | ({"lies_elsewhere": True} if r.lies_elsewhere else {})
        for r in receipt.refusals
    ]
    return {k: v for k, v in record.items() if v not in ("", (), {}, []) and k != "snapshots"}


def _sum_receipts(receipts: Sequence[Receipt], file: _File, credit: Source) -> Receipt:
    left: dict[str, int] = {}
    for receipt in receipts:
        for why, count in receipt.left_out.items():
            left[why] = left.get(why, 0) + count
    return Receipt(
        file.name,
        credit.name,
        "",
        rows_in=sum(r.rows_in for r in receipts),
        rows_stored=sum(r.rows_stored for r in receipts),
        rows_refused=sum(r.rows_refused for r in receipts),
        rows_left_out=sum(r.rows_left_out for r in receipts),
        duplicates=sum(r.duplicates for r in receipts),
        repairs=tuple(text for r in receipts for text in r.repairs),
        notes=tuple(text for r in receipts for text in r.notes),
        refusals=tuple(refusal for r in receipts for refusal in r.refusals),
        left_out=left,
    )


def _take_rows(archive: Archive, job: _Job, rows: Rows, file: _File) -> Receipt:
    reader, credit = job.reader, job.credit
    parts = _admitted(reader, rows, job.options, job.countries)
    first = next(parts)  # before anybody has to wait for our writing
    store = archive.store
    with store.writing() as connection:
        now = history.next_instant(connection)
        store.add_source(connection, credit)
        receipts = []
        counts: Counter[str] = Counter()
        for part, admitted in chain([first], parts):
            if reader.kind == "units":
                notes = (*admitted.notes, *located_notes(archive.units(), admitted.frame))
                admitted = replace(admitted, notes=notes)
            receipts.append(_receipt_of(part, admitted, file, credit, "stored"))
            counts.update(_put_rows(store, connection, reader, credit, admitted.frame, now))
        told = ", ".join(f"{n} {word}" for word, n in counts.items() if n and word)
        receipt = _sum_receipts(receipts, file, credit)
        receipt = replace(receipt, outcome="stored", notes=(*receipt.notes, *([told] if told else [])))
        _refuse_nothing(receipt, job.options)
        if not counts.total() - counts["unchanged"]:
            return replace(receipt, outcome="unchanged")
        store.note_import(
            connection, now, kind=reader.kind, dataset=credit.name, file_name=file.name, file_bytes=file.bytes,
            sha256=file.sha256, rows_in=receipt.rows_in, rows_stored=receipt.rows_stored,
            rows_refused=receipt.rows_refused,
            receipt=json.dumps(_brief(receipt) | _spoken_of(admitted.frame), ensure_ascii=False, sort_keys=True),
        )  # fmt: skip
        sidecar = _write_sidecar(file.sidecar, receipt.refusals)
    return replace(receipt, sidecar=sidecar)


def _admitted(
    reader: Reader, rows: Rows, options: Options, countries: Countries | None
) -> Iterator[tuple[Rows, Admitted]]:
    """Every part of a file with what the gate makes of it, one after the other."""
    if reader.kind == "units":
        yield rows, admit_units(rows)
        return
    if reader.kind == "settlements":
        yield rows, admit_settlements(rows, options=options, first=reader.first)
        return
    if rows.more != ():  # a part in which nothing can be let in says nothing of the file
        options = replace(options, accept=options.accept | {"empty"})
    for part in chain([rows], rows.more):
        yield part, admit_points(part, options=options, countries=countries, first=reader.first)


def _refuse_nothing(receipt: Receipt, options: Options) -> None:
    if receipt.rows_stored or receipt.rows_left_out or "empty" in options.accept:
        return
    whys = Counter(r.why for r in receipt.refusals).most_common(4)
    told = "; ".join(f"{why} ({n:,} rows)" for why, n in whys)
    raise GateError(f"all {receipt.rows_refused:,} rows were refused: {told}", receipt.refusals)


def _put_rows(
    store: Store, connection: Any, reader: Reader, credit: Source, frame: gpd.GeoDataFrame, now: str
) -> Mapping[str, int]:
    """Words for the receipt -> how many rows; "" where no words are needed."""
    if reader.kind == "units":
        areas = list(areas_km2(np.asarray(frame.geometry.array, dtype=object)))
        return {"": int(store.put_units(connection, frame, areas, now))}
    if reader.kind == "settlements":
        _refuse_both(store, credit.name)
        return put_settlements(connection, frame, credit.name, now)
    return store.put_incidents(connection, frame, credit.name, now)


def _spoken_of(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """Of which days a file on settlements speaks, though on one nothing may have changed, and of which places."""
    return {name: frame.attrs[name] for name in ("days", "named") if name in frame.attrs}


def _refuse_both(store: Store, source: str) -> None:
    if source in store.control_sources():
        raise GateError(f"{source} is a source of areas: settlements go under another name (geo import --config)")


def import_claims(archive: Archive, path: Path) -> int:
    """Take a CSV of published figures in."""
    raw = read_bytes(path)
    table = read_table(path)
    if table.refusals:
        raise GateError(f"{path}, row {table.refusals[0].row}: {table.refusals[0].why}")
    if not {"claim_id", "text"} <= set(table.header):
        raise GateError(f"{path}: columns claim_id and text are wanted; found {', '.join(table.header)}")
    if unknown := [c for c in table.header if c not in CLAIM_COLUMNS]:
        raise GateError(
            f"{path}: no such column of a claim: {', '.join(unknown)}; there are {', '.join(CLAIM_COLUMNS)}"
        )
    rows = [_claim_row(path, at, row) for at, row in table.rows]
    ensure_units(archive)
    with archive.store.writing() as connection:
        now = history.next_instant(connection)
        if archive.store.put_claims(connection, rows, now):
            archive.store.note_import(
                connection, now, kind="claims", dataset="claims", file_name=path.name, file_bytes=len(raw),
                sha256=sha256(raw).hexdigest(), rows_in=len(rows), rows_stored=len(rows), rows_refused=0, receipt="{}",
            )  # fmt: skip
    archive.close()
    return len(rows)


def _claim_row(path: Path, at: int, cells: Mapping[str, str]) -> dict[str, Any]:
    """A row of published figures: what it must have is there, its value is a number, its days are days."""
    row: dict[str, Any] = {name: cell or None for name, cell in cells.items()}
    try:
        if not all((row[name] or "").strip() for name in ("claim_id", "text")):
            raise GateError("claim_id and text are wanted: give the claim a name and its words")
        for name in ("said_on", "date_from", "date_to"):
            if row.get(name) is not None:
                parse_instant(row[name], what=name)
        row["value"] = number(row.get("value"))
        if row["value"] is not None and not math.isfinite(row["value"]):
            raise GateError(f"value {cells['value']!r} is no finite number")
    except GateError as error:
        raise GateError(f"{path}: row {at}: {error}") from None
    return row


def _write_sidecar(target: Path, refusals: Sequence[Refusal]) -> str:
    """The refused rows in a CSV beside the archive, so that somebody can mend them."""
    if not refusals:
        return ""
    names = list(dict.fromkeys(name for r in refusals for name in r.properties if not name.startswith(" ")))
    told = (r.properties for r in refusals)
    cells = ([defused(row[n]) if n in row else "" for n in names] for row in told)
    rows = ([r.row, defused(r.why), defused(r.way_out), *row] for r, row in zip(refusals, cells, strict=True))
    text = "".join(csv_lines([["row", "why", "way_out", *(defused(n) for n in names)], *rows]))
    try:
        with aside(target) as temporary:
            temporary.write_text(text, encoding="utf-8-sig")
    except OSError as error:
        raise ArchiveError(f"{target}: the refused rows cannot be written there ({error})") from error
    return str(target)
