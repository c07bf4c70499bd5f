"""Damaged archives: each question ends in an answer or a GeoError, and writing into one does not make it worse."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry import Point

from geo.archive import Archive, open_archive
from geo.automation.daily import fingerprint
from geo.claims.checking import check_claims
from geo.claims.model import claim_of
from geo.errors import GeoError
from geo.importing.importer import import_claims, import_files
from geo.incidents.control_join import counted
from geo.incidents.export import shaped
from geo.maintenance.check import check_archive
from geo.maintenance.repair import back_up, repair_archive
from geo.output.documents.content import gather_brief
from geo.output.html.map_page import draw_map
from geo.output.html.timeline_page import draw_timeline
from tests.fuzzing.corpus import ROOT, Seed, polygons, table
from tests.fuzzing.databases import spoil_database
from tests.fuzzing.target import Broken, Target, Use

_SIDES = (
    {"controller": "UA", "status": "held"},
    {"controller": "RU", "status": "held"},
    {"controller": None, "status": "contested"},
)
_EVENT = {"event_id": "e1", "date_start": "2025-01-11", "date_end": "2025-01-12", "latitude": "51.1", "longitude": "35.05",
          "event_type": "Battles", "best": "2", "notes": "near 51.10, 35.05", "where_coordinates": "Sudzha"}  # fmt: skip
_FIGURE = {"claim_id": "c1", "text": "UA holds 100 km2", "quantity": "area", "controller": "UA", "comparator": "more than",
           "value": "100", "value_unit": "km2", "date_to": "2025-01-11"}  # fmt: skip
_AREA = {"unit": "XX", "name": "All", "level": 0, "parent": None, "boundary": "made up"}


def _files(folder: Path) -> dict[str, Path]:
    """A few small files, to fill an archive with."""
    made = {
        "2025-01-10.geojson": polygons(*_SIDES[:2]), "2025-01-11.geojson": polygons(*_SIDES),
        "2025-01-12.geojson": polygons(_SIDES[1], _SIDES[0]), "other.geojson": polygons(_SIDES[1], _SIDES[1], _SIDES[0]),
        "incidents.csv": table(_EVENT, {**_EVENT, "event_id": "e2", "date_end": ""}), "claims.csv": table(_FIGURE),
        "more.csv": table({**_EVENT, "best": "9"}, {**_EVENT, "event_id": "e3"}),
        "units.geojson": polygons(_AREA, {**_AREA, "unit": "XX-1", "name": "One", "level": 1, "parent": "XX"}),
    }  # fmt: skip
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in made}


def _filled(folder: Path) -> Archive:
    """Three days, one corrected, one recording taken back; incidents, a claim, rules; two small units alone."""
    files = _files(folder)
    archive = open_archive(folder / "seed.gpkg")
    import_files(archive, "units", files["units.geojson"])
    import_files(archive, "vector", [files[f"2025-01-{day}.geojson"] for day in (10, 11, 12)])
    import_files(archive, "vector", files["other.geojson"], date="2025-01-11")
    import_files(archive, "vector", files["other.geojson"], date="2025-01-13")
    import_files(archive, "incidents", files["incidents.csv"])
    import_files(archive, "incidents", files["more.csv"])
    import_claims(archive, files["claims.csv"])
    archive.retract("vector@2025-01-13", why="a mistake")
    archive.set_rule("coarsen", "grid:5km")
    archive.set_accuracy("vector", 1.0)
    archive.close()
    with closing(sqlite3.connect(archive.path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM units WHERE boundary != 'made up'")
        connection.execute("VACUUM")
    return archive


def _archives(folder: Path) -> list[Seed]:
    home = folder / "made"
    home.mkdir()
    old = (ROOT / "tests" / "fixtures" / "layout_1.gpkg").read_bytes()
    return [Seed("a.gpkg", _filled(home).path.read_bytes()), Seed("old.gpkg", old)]


_SUDZHA = gpd.GeoDataFrame({"name": ["Sudzha"]}, geometry=[Point(35.05, 51.1)], crs="EPSG:4326")


def _claims(archive: Archive) -> Any:
    claims = [claim_of(row) for row in archive.store.claims().to_dict("records")]
    return check_claims(archive, claims, date=None)


_D = "2025-01-11"
# the old archive's days are others: its questions are those that name none
_QUESTIONS: dict[str, Callable[[Archive], Any]] = {
    "sources": lambda a: a.sources(), "controllers": lambda a: (a.controllers(), a.controllers(as_known_on="2099-01-01")),
    "snapshots": lambda a: (a.reader.snapshots(), a.reader.snapshots(as_known_on="2099-01-01")), "units": lambda a: a.units(),
    "polygons": lambda a: a.polygons(a.source_name()), "countries": lambda a: a.countries().locate([35.05], [51.1]),
    "incidents": lambda a: (a.incidents(), a.incidents(as_known_on="2099-01-01")), "claims": _claims,
    "control": lambda a: (a.control(), a.control(_D), a.control(_D, as_known_on="2099-01-01")),
    "area": lambda a: (a.area(), a.area(_D, by="native")), "area by unit": lambda a: a.area(by="unit"),
    "change": lambda a: a.change("2025-01-10", _D), "series": lambda a: a.series(), "front": lambda a: a.front(controller="UA"),
    "who": lambda a: (a.who(51.1, 35.05), a.who(51.1, 35.05, as_known_on="2099-01-01")),
    "explain": lambda a: a.explain(_D, controller="UA"), "rules": lambda a: a.rules(),
    "corrections": lambda a: a.corrections(), "changed": lambda a: a.changed("2025-01-10", _D),
    "map": lambda a: draw_map(a, _D), "in": lambda a: a.area(_D, within="XX-1"),
    "check": lambda a: check_archive(a.path),
    "explain change": lambda a: a.explain_change("2025-01-10", _D, controller="UA"),
    "exported": lambda a: [list(shaped(a.incidents(), shape)) for shape in ("acled", "ucdp-ged", "csv")],
    "changes of places": lambda a: a.changed_hands(_SUDZHA, "2025-01-10", _D),
    "timeline": draw_timeline,
    "fingerprint": fingerprint,
    "brief": lambda a: gather_brief(a, _D),
    "front moved": lambda a: a.front_movement("2025-01-10", _D, controller="UA"),
    "counted": lambda a: [counted(a, by=by) for by in ("day", "type")],
}  # fmt: skip


def _asked(folder: Path) -> Use:
    def use(path: Path, rng: random.Random, at: int) -> None:
        before = path.read_bytes()
        failed: GeoError | None = None
        for name in rng.sample(sorted(_QUESTIONS), 4):
            try:
                _QUESTIONS[name](open_archive(path))
            except GeoError as error:
                failed = error
                if not str(error).strip():
                    raise Broken("a GeoError without words") from error
            except BaseException as error:
                error.add_note(f"asked: {name}")
                raise
        if path.read_bytes() != before:
            raise Broken("a question changed the archive")
        if failed is not None:
            raise failed

    return use


def _cared(folder: Path) -> Use:
    """Check, backup and repair; a mended copy is whole, and the original untouched."""

    def use(path: Path, rng: random.Random, at: int) -> None:
        home = folder / "care"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        digest = sha256(path.read_bytes()).digest()
        report = check_archive(path)
        faults = [one for one in report.findings if one.kind == "fault"]
        failed: GeoError | None = None
        for way in (partial(back_up, path, home / "copy.gpkg"), partial(repair_archive, path, home / "mended.gpkg")):
            try:
                way()
            except GeoError as error:
                failed = error
        if sha256(path.read_bytes()).digest() != digest:
            raise Broken("the original was changed")
        if (home / "mended.gpkg").exists():
            left = [one for one in check_archive(home / "mended.gpkg").findings if one.kind == "fault"]
            if left:
                raise Broken(f"the mended copy is not whole: {left[:2]}; before: {faults[:2]}")
        if failed is not None:
            raise failed

    return use


def _writes(files: dict[str, Path]) -> dict[str, Callable[[Archive], Any]]:
    def taken(archive: Archive, source: str, name: str, **settings: Any) -> None:
        receipt = import_files(archive, source, files[name], **settings)[0]
        if receipt.outcome == "refused":
            raise GeoError(receipt.error)

    return {
        "a new day": lambda a: taken(a, "vector", "other.geojson", date="2025-01-20"),
        "a correction": lambda a: taken(a, "vector", "other.geojson", date="2025-01-10"),
        "the same": lambda a: taken(a, "vector", "2025-01-12.geojson"),
        "a day between": lambda a: taken(a, "vector", "other.geojson", date="2025-01-11T12:00Z"),
        "incidents": lambda a: taken(a, "incidents", "more.csv"),
        "claims": lambda a: import_claims(a, files["claims.csv"]),
        "units": lambda a: taken(a, "units", "units.geojson"),
        "taking back": lambda a: a.retract("vector@2025-01-12", why="x"),
        "a rule": lambda a: (a.set_rule("embargo", "48"), a.lift_rules("coarsen")),
        "accuracy": lambda a: a.set_accuracy("vector", 2.0),
        "coverage": lambda a: a.set_coverage("vector", []),
    }


def _dump(path: Path) -> str:
    """All that is in a file, as a digest; what cannot be read is compared by its bytes."""
    digest = sha256()
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            connection.text_factory = bytes
            names = connection.execute(
                "SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_master ORDER BY 1"
            ).fetchall()
            digest.update(repr(names).encode())
            for name, _ in names:
                try:
                    for row in connection.execute(f'SELECT * FROM "{name.decode()}"'):
                        digest.update(repr(row).encode())
                except (sqlite3.Error, UnicodeDecodeError):
                    digest.update(b"?")
    except (sqlite3.Error, UnicodeDecodeError):
        return "unreadable"
    return digest.hexdigest()


def _faults(path: Path) -> set[str]:
    """The tables that have faults; in those that had some before, a new row may rest on a bad one."""
    faults = [one for one in check_archive(path).findings if one.kind == "fault"]
    # SQLite looks for pages that nothing uses only where a table that is not virtual stands first in its memory
    told = [one for one in faults if not one.what.endswith("findings more") and "is never used" not in one.what]
    return {re.split(r"\W", one.where)[0] for one in told}


def _written(folder: Path) -> Use:
    home = folder / "files"
    home.mkdir()
    ways = _writes(_files(home))

    def use(path: Path, rng: random.Random, at: int) -> None:
        name = rng.choice(sorted(ways))
        before, faults = _dump(path), _faults(path)
        archive = open_archive(path)
        try:
            ways[name](archive)
        except GeoError:
            archive.close()
            if name not in ("a rule", "units") and _dump(path) != before:
                raise Broken(f"{name}: refused, and the archive is another one") from None
            raise
        except BaseException as error:
            error.add_note(f"writing: {name}")
            raise
        finally:
            archive.close()
        new = _faults(path) - faults
        if new:
            raise Broken(f"{name}: it has new faults: {sorted(new)[:4]}; before: {sorted(faults)[:4]}")
        left = [p.name for p in path.parent.iterdir() if p.name.startswith((f"{path.name}-", f".{path.name}"))]
        if left:
            raise Broken(f"left behind: {left}")

    return use


TARGETS: dict[str, Target] = {
    "archive": Target(_archives, _asked, spoil_database, share=60),
    "archive-care": Target(_archives, _cared, spoil_database, share=50),
    "archive-writing": Target(_archives, _written, spoil_database, share=80),
}
