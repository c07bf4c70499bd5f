"""What every test may use: the real files, where they are. In CI, a skip that nobody allowed fails the run."""

from __future__ import annotations

import gc
import marshal
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import settings

from geo.storage.layout import LAYOUT

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.queries import Reader
    from geo.units import Countries

# the tests start Python hundreds of times: the package is compiled once, not each time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[2] / "shared"
ALLOWED = Path(__file__).with_name("allowed_skips.txt")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files of real sources; absent on most machines."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real source files of ../shared/data, which are not part of the project")
    return SHARED / "data"


# the modules of the quick tier: no browser, no subprocess for every test, no archive of months
QUICK = frozenset(
    [
        "archive",
        "area",
        "aside",
        "catalogues",
        "claims_reading",
        "columns",
        "compatibility",
        "corrections",
        "dates",
        "gate",
        "house",
        "kml",
        "layers",
        "network",
        "page",
        "palette",
        "settlements",
        "sources_deepstate",
        "sources_desk",
        "sources_isw",
        "sources_uacontrolmap",
        "sources_units",
        "store",
        "support",
        "tables",
        "topojson",
        "units",
        "vector",
        "workings",
        "zips",
    ]
)


def pytest_collection_finish() -> None:
    """Of what libraries and tests hold, nothing is given back: it is not looked through again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tier by module; what is long is no part of it."""
    for item in items:
        if item.path.stem.removeprefix("test_") in QUICK and item.get_closest_marker("long") is None:
            item.add_marker("quick")


# archives that are spoiled on purpose: module -> which of its paths, and why
SPOILED = {
    "test_statuses": (r"/sixth", "one of its statuses is known while its tests run, and not after"),
    "test_care": (r".", "rows, hashes and geometries are damaged, for geo check to find"),
    "test_adversary": (r"/test_damaged_pages", "bytes are overwritten: every answer must end in words"),
    "test_inputs": (
        r"/test_damaged_cells|/test_nothing_is_written",
        "cells and pages are spoiled, for questions to tell",
    ),
    "test_compatibility": (r"/damaged", "an older archive is damaged, to see that nothing is written into it"),
    "test_clock": (r".", "recorded by a clock that was wrong, for geo check to find"),
    "test_trust": (r"/harmed/", "a row is taken out, to see that the runs would see it"),
}
# modules whose archives are filled by the intake alone, which is where sources are entered
ENTERED = ("test_sources", "test_fetch", "test_daily", "test_cut_off", "test_trust")
# modules that stop the making of an archive at any step, or set the clock: there every step is done
STEP_BY_STEP = ("test_cut_off", "test_disk", "test_clock", "test_non_interference")
_seen: set[str] = set()
# digest of a table of units that was whole -> where its countries lie
_units_seen: dict[str, Countries] = {}


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def made_once(of_all_workers: Path) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder of a name that a function fills, once in a run."""

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder = of_all_workers / name
        with FileLock(f"{folder}.lock"):
            if not (folder / "made").exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                (folder / "made").touch()
        return folder

    return made


@pytest.fixture(scope="session", autouse=True)
def places_cache(of_all_workers: Path) -> Path:
    """Where indexes of places are kept: each is built once in a run, for all workers, and in CI once for its tiers."""
    folder = Path(os.environ.get("GEO_TESTS_CACHE") or of_all_workers / "places-cache")
    os.environ["GEO_TESTS_CACHE"] = str(folder)  # for tests/briefing_scores.py, which others than tests use
    return folder


@pytest.fixture(scope="session")
def with_units(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive that has the boundary sets of the package, and nothing else."""
    from geo.archive import open_archive
    from geo.importing.importer import ensure_units

    archive = open_archive(tmp_path_factory.mktemp("units") / "units.gpkg")
    ensure_units(archive)
    archive.countries()
    archive.close()
    return archive


@pytest.fixture(autouse=True, scope="module")
def _boundary_sets_are_copied(request: pytest.FixtureRequest, with_units: Archive) -> Iterator[None]:
    """A new archive gets its boundary sets from one that has them; reading them takes ten times as long as all else."""
    from geo.archive.queries import Reader
    from geo.importing import importer

    add, copied, read = importer._add_units, set(), Reader._cached_units
    known = _rows_of_units(with_units.reader)

    def add_units(archive: Archive, path: Path) -> None:
        if not archive.path.exists():
            shutil.copyfile(with_units.path, archive.path)
            copied.add(archive.path)
        elif archive.path not in copied:
            add(archive, path)

    def units(reader: Reader) -> object:
        stamp = reader.store.recall(("units",), reader.store.units_stamp)
        if (reader._units is None or reader._units[0] != stamp) and _rows_of_units(reader) == known:
            reader._units, reader._unit_sets = (stamp, *read(with_units.reader)), {}
        return read(reader)

    name = request.module.__name__.rpartition(".")[2]
    with pytest.MonkeyPatch.context() as patch:
        if not name.startswith(STEP_BY_STEP):
            patch.setattr(importer, "_add_units", add_units)
        if not name.startswith((*STEP_BY_STEP, *SPOILED)):
            patch.setattr(Reader, "_cached_units", units)
        yield


def _rows_of_units(reader: Reader) -> list[tuple[object, ...]]:
    """An archive's units, but for their shapes."""
    query = (
        "SELECT fid, unit, name, name_local, level, parent, boundary, recorded_at, area_km2, length(geom) FROM units"
    )
    with reader.store.reading() as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(autouse=True, scope="module")
def _archives_are_whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every archive that a module's tests and fixtures have made is looked at when they are done, each state once."""
    base = tmp_path_factory.getbasetemp()
    before = set(base.iterdir())
    yield
    name = request.module.__name__.rpartition(".")[2]
    spoiled = SPOILED[name][0] if name in SPOILED else r"(?!)"
    made = (p for folder in sorted(set(base.iterdir()) - before) if folder.is_dir() for p in folder.rglob("*.gpkg"))
    looked_at = (path for path in made if not re.search(spoiled, path.as_posix()))
    told = {str(path): faults for path in looked_at if (faults := faults_of(path, entered=name.startswith(ENTERED)))}
    assert not told, f"not whole, and not spoiled on purpose: {told}"


def faults_of(path: Path, *, entered: bool) -> list[str]:
    """What geo check has against an archive; nothing where the file is none, or these bytes were looked at before."""
    from geo.maintenance import check
    from geo.storage import check_tables

    digest = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    if not digest or digest in _seen or not is_archive(path):
        return []
    _seen.add(digest)
    units = _units_of(path)
    with pytest.MonkeyPatch.context() as patch:
        if units in _units_seen:  # the same units were looked at in another archive
            patch.setattr(check_tables, "LAYERS", tuple(name for name in check_tables.LAYERS if name != "units"))
            patch.setitem(check._CHECKS, "units", lambda _: iter(()))
            patch.setattr(check, "_countries", lambda _: _units_seen[units])
        else:
            whole = check._countries
            patch.setattr(check, "_countries", lambda connection: _units_seen.setdefault(units, whole(connection)))
        found = [f for f in check.check_archive(path).findings if f.kind == "fault"]
    if any(f.where.startswith("units") for f in found):
        _units_seen.pop(units, None)
    return [f"{f.where}: {f.what}" for f in found if entered or not f.where.startswith("source ")][:3]


def _units_of(path: Path) -> str:
    """A digest of an archive's units and of their index of positions."""
    digest = sha256()
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        for table in ("units", "rtree_units_geom"):
            try:
                digest.update(marshal.dumps(connection.execute(f"SELECT * FROM {table}").fetchall(), 2))
            except sqlite3.Error as error:
                digest.update(str(error).encode())
    return digest.hexdigest()


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of today's layout or an older one, and not what a test makes of one on purpose."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
            version = connection.execute("SELECT max(version) FROM layout").fetchone()[0]
            return bool(version) and version <= LAYOUT
    except sqlite3.Error:
        return False


def _skips(session: pytest.Session) -> list[str]:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    return [report.nodeid for report in reporter.stats.get("skipped", [])] if reporter else []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the real files are and this is CI, only the skips listed with their reasons are accepted."""
    if os.environ.get("GEO_CI") != "1" or not SHARED.is_dir() or hasattr(session.config, "workerinput"):
        return
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    allowed = {line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()}
    unexpected = sorted({nodeid for nodeid in _skips(session) if nodeid not in allowed})
    if unexpected:
        print("\nskipped, and not on the list of tests/allowed_skips.txt:", *unexpected, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
