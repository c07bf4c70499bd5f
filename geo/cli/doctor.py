"""Is this installation whole: versions, libraries underneath, shipped assets, what is optional and missing."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from geo.errors import GeoError
from geo.output.html import page
from geo.presentation import basemap
from geo.sources import shipped_units
from geo.version import __version__

# what an extra is for, in the words of somebody who lacks it
USES = {
    "cluster": "series shared among processes", "office": "briefings as Word and slides", "parquet": "GeoParquet",
    "pictures": "pictures, charts and films without a browser", "docs": "these documents as a site",
}  # fmt: skip
_INNER = ("test", "dev")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    version: str
    state: str
    note: str = ""


def examine() -> list[Finding]:
    """Look at the installation; nothing is changed and nothing outside is asked."""
    return [
        Finding("geo-control", __version__, "ok", f"Python {platform.python_version()}, {platform.system()}"),
        *_required(),
        *_underneath(),
        *_assets(),
        *_optional(),
    ]


def faulty(findings: list[Finding]) -> bool:
    """Whether anything that is needed is missing or wrong."""
    return any(f.state in ("missing", "wrong") for f in findings)


def _needs() -> Iterator[tuple[Requirement, str]]:
    """Each requirement of the package, and the extra that asks for it ("" where all do)."""
    for text in requires("geo-control") or ():
        need = Requirement(text)
        extras = [e for e in (*USES, *_INNER) if need.marker and need.marker.evaluate({"extra": e})]
        plain = not need.marker or need.marker.evaluate({"extra": ""})
        yield need, "" if plain else (extras or [""])[0]


def _required() -> Iterator[Finding]:
    for need, extra in _needs():
        if not extra and (not need.marker or need.marker.evaluate({"extra": ""})):
            yield _package(need, absent="missing", note=f"pip install '{need.name}{need.specifier}'")


def _optional() -> Iterator[Finding]:
    seen = set()
    for need, extra in _needs():
        if extra in USES and need.name not in seen:
            seen.add(need.name)
            yield _package(need, absent="optional", note=f"for {USES[extra]}: pip install 'geo-control[{extra}]'")
    there = shutil.which("ffmpeg")
    yield Finding("ffmpeg", there or "", "ok" if there else "optional", "" if there else "for films as .mp4")


def _package(need: Requirement, *, absent: str, note: str) -> Finding:
    try:
        found = version(need.name)
    except PackageNotFoundError:
        return Finding(need.name, "", absent, note)
    if not need.specifier.contains(found, prereleases=True):
        return Finding(need.name, found, "wrong", f"{need.specifier} is wanted: {note}")
    return Finding(need.name, found, "ok")


def _underneath() -> Iterator[Finding]:
    import pyogrio
    import shapely
    from pyproj import proj_version_str

    yield Finding("GEOS", shapely.geos_version_string, "ok")
    yield Finding("GDAL", pyogrio.__gdal_version_string__, "ok")
    yield Finding("PROJ", str(proj_version_str), "ok")
    connection = sqlite3.connect(":memory:")
    options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    rtree = "ENABLE_RTREE" in options
    note = "" if rtree else "built without R*Tree: archives need it; use a Python whose SQLite has it"
    yield Finding("SQLite", sqlite3.sqlite_version, "ok" if rtree else "wrong", note)


def _assets() -> Iterator[Finding]:
    looks: dict[str, Callable[[], object]] = {
        "Leaflet": lambda: page.leaflet("leaflet.js") + page.leaflet("leaflet.css"),
        "scripts and styles": lambda: [page.asset(n) for n in ("map.js", "map.css", "timeline.js", "dates.js")],
        "basemap": lambda: basemap.cut((30.0, 48.0, 31.0, 49.0)),
        "boundaries": lambda: [p.read_bytes() for p in shipped_units()],
    }
    for name, look in looks.items():
        try:
            look()
        except (GeoError, OSError) as error:
            yield Finding(name, "", "missing", f"{error}: install geo-control again")
        else:
            yield Finding(name, "as shipped", "ok")
    yield _place("documents", _documents)


def _place(name: str, find: Callable[[], Path]) -> Finding:
    try:
        return Finding(name, str(find()), "ok")
    except GeoError as error:
        return Finding(name, "", "missing", str(error))


def _documents() -> Path:
    from geo.cli.offline_docs import folder

    return folder()
