"""Every command that writes something for its user, each with what stands before it: what `kills` strikes."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
from shapely.geometry import box, mapping

from geo.archive import open_archive
from geo.extraction.briefing import read_briefing, write_review
from geo.importing.importer import import_files
from geo.output.site.build import build_site
from geo.schema import Source
from geo.storage import gpkg

# what the second run may end with instead of doing it again
ONCE = {"geo repair": "already", "geo daily": "nothing new"}
CLAIM = "The army controls more than 5000 square kilometres"
ROOT = Path(__file__).resolve().parents[1]
OLD = ROOT / "tests" / "fixtures" / "layout_1.gpkg"
DAYS, POLYGONS, SITE_DAYS = 16, 250, 3
FEW_DAYS, FEW = 6, 40  # where it is not the archive that is written
BRIEFING = ROOT / "seeds" / "briefing-2025-01-11.txt"
PLAN = """archive = "a.gpkg"
output = "out"
[[import]]
source = "vector"
folder = "in"
[figures]
controller = "X"
since = "1 days"
[map]
[picture]
[brief]
[timeline]
"""
ADDRESS = """[fetch]
way = "days"
url = "http://127.0.0.1:{port}/{{day}}.geojson"
name = "{{day}}.geojson"
loopback = true
[fetch.limits]
pause_seconds = 0
[source]
name = "vector"
"""
CLAIMS = (
    "claim_id,text,said_by,said_on,quantity,controller,comparator,value,value_unit,date_to\n"
    "one,X holds more than 5000 km²,A,2024-08-05,held,X,more than,5000,km2,2024-08-05\n"
    "two,Y holds about 9000 km²,B,2024-08-05,held,Y,about,9000,km2,2024-08-05\n"
)


@dataclass(frozen=True)
class Work:
    """What is killed: `start` is the folder before it, `command` ends in `state` where nobody disturbs it."""

    name: str
    start: Path
    command: Sequence[str]
    state: Callable[[Path], object]
    outputs: Sequence[str] = ()  # files and folders that it writes, each file whole or not at all
    once: str = ""  # what the second run may say instead of doing it again
    also: Mapping[str, str] = field(default_factory=dict)  # of the environment


# -- a made-up conflict ---------------------------------------------------------------------------------------------


def day_file(folder: Path, day: int, *, edition: int = 0, polygons: int | None = None) -> Path:
    """A day's map: two sides whose border moves, and much that stays; another edition draws some of it otherwise."""
    path = folder / f"2024-08-{day:02d}.geojson"
    east = 30 + day / 100 + edition / 1000
    moving = [("X", box(east, 50, 31, 51)), ("Y", box(28, 50, east, 51))]
    staying = [
        ("X", box(35 + (i % 20) / 10, 45 + i // 20 / 10, 35.05 + edition * (i % 7 == 0) / 100 + (i % 20) / 10,
                  45.05 + i // 20 / 10))
        for i in range(POLYGONS if polygons is None else polygons)
    ]  # fmt: skip
    features = [
        {"type": "Feature", "properties": {"controller": c, "status": "held"}, "geometry": mapping(shape)}
        for c, shape in [*moving, *staying]
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def incidents_file(path: Path, rows: int) -> Path:
    """A table of incidents, of which every hundredth lies nowhere and is refused."""
    head = "event_id,date_start,where_coordinates,latitude,longitude,event_type,notes\n"
    lines = [
        f"M{i},2024-08-{1 + i % DAYS:02d},Place {i % 50},{45 + i % 60 / 10 if i % 100 else 95},{35 + i % 20 / 10},"
        f"Battles,made up {i}\n"
        for i in range(1, rows)
    ]
    path.write_text(head + "".join(lines), encoding="utf-8")
    return path


def units_file(path: Path) -> Path:
    features = [
        {"type": "Feature", "properties": {"unit": f"Z-{i}", "name": f"Unit {i}", "level": 2, "boundary": "made up"},
         "geometry": mapping(box(28 + i / 10, 50, 28.1 + i / 10, 51))}
        for i in range(30)
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def panel_file(path: Path) -> Path:
    """Whose each of some settlements is, day by day."""
    rows = [
        f"Town {i},{45 + i % 60 / 10},{35 + i % 20 / 10},2024-08-{day:02d},{'XY'[(i + day) % 5 == 0]}\n"
        for i in range(300)
        for day in range(1, DAYS + 1)
    ]
    path.write_text("settlement,lat,lon,date,side\n" + "".join(rows), encoding="utf-8")
    return path


# -- states: what must be the same in the end -----------------------------------------------------------------------


def said(path: Path) -> list[object]:
    """What an archive says of control and incidents, and has said, without the moments at which it was told."""
    return _asked(
        path,
        *(f"SELECT geom, source, part, controller, status, native, valid_from, valid_to FROM {table}"
          for table in ("control", "control_superseded")),
        "SELECT snapshot, sha256, superseded_at IS NULL, retracted_at IS NULL, retracted_why FROM snapshots",
        "SELECT event_id, date_start, orig FROM incidents",
    )  # fmt: skip


def all_said(path: Path) -> list[object]:
    """Everything in an archive but moments and numbers of rows."""
    return said(path) + _asked(
        path,
        "SELECT unit, name, level, boundary, geom FROM units",
        "SELECT claim_id, text, value FROM claims",
        "SELECT kind, value, source, event_type FROM rules",
        "SELECT kind, dataset, file_name, sha256, rows_stored FROM imports",
        "SELECT version FROM layout",
        "SELECT name, licence, accuracy_km FROM sources",
        "SELECT source, name, controller, status, valid_from, valid_to FROM settlements",
        "SELECT folder, parts, retracted_at IS NULL FROM attached",
        "SELECT side, names, aliases, colour FROM sides",
    )


def _asked(path: Path, *queries: str) -> list[object]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [sorted(connection.execute(query).fetchall(), key=repr) for query in queries]


def archive_state(folder: Path) -> object:
    path = folder / "a.gpkg"
    return all_said(path) if path.exists() else None


def contents(folder: Path, outputs: Sequence[str]) -> dict[str, bytes]:
    """Every file that a work writes, without what a build keeps for itself; of an archive what it says."""
    found = [p for name in outputs for p in [folder / name, *(folder / name).rglob("*")] if p.is_file()]
    named = {str(p.relative_to(folder)): p for p in found}
    shown = {name: p for name, p in named.items() if not any(q.startswith(".") for q in Path(name).parts)}
    # a log beside an archive is the archive's, and ended by whoever opens it next
    return {name: _content(p) for name, p in shown.items() if not name.endswith(("-wal", "-shm", "-journal"))}


def _content(path: Path) -> bytes:
    try:
        return repr(all_said(path)).encode() if path.suffix == ".gpkg" else path.read_bytes()
    except sqlite3.Error:
        return path.read_bytes()


def all_of(outputs: Sequence[str], folder: Path) -> object:
    return archive_state(folder), contents(folder, outputs)


# -- the works ------------------------------------------------------------------------------------------------------


def works(folder: Path, *, port: int | None = None) -> list[Work]:
    """Everything that writes, each with what stands before it; a server at `port` gives the files to fetch.

    Without one, what writes to an archive, and a site.
    """
    days, again = _days(folder / "days"), _days(folder / "again", edition=1)
    starts = {name: folder / "starts" / name for name in ("empty", "full", "built", "drawn")}
    starts["empty"].mkdir(parents=True)
    starts["full"].mkdir()
    import_files(starts["full"] / "a.gpkg", "vector", days)
    table = incidents_file(folder / "incidents.csv", 3_000)
    found = [*_taking(folder, starts, days, again, table), *_site(starts, again)]
    return found if port is None else [*found, *_drawing(folder, starts["drawn"], port)]


def _days(folder: Path, *, edition: int = 0, days: int = DAYS, polygons: int | None = None) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return [day_file(folder, day, edition=edition, polygons=polygons) for day in range(1, days + 1)]


def _taking(
    folder: Path, starts: Mapping[str, Path], days: Sequence[Path], again: Sequence[Path], table: Path
) -> list[Work]:
    """Commands that write to the archive."""
    claims, units = folder / "claims.csv", units_file(folder / "units.geojson")
    towns, rows_kept = panel_file(folder / "towns.csv"), folder / "rows.parquet"
    pd.read_csv(table).query("latitude < 90").to_parquet(rows_kept)
    claims.write_text(CLAIMS, encoding="utf-8")
    older = folder / "starts" / "older"
    older.mkdir()
    shutil.copy(OLD, older / "a.gpkg")
    empty, full = starts["empty"], starts["full"]
    work = partial(Work, state=archive_state)
    rows = partial(Work, state=partial(all_of, ["a.refused"]), outputs=["a.refused"])
    return [
        work("import of days", empty, ["import", "a.gpkg", "vector", *map(str, days)]),
        rows("import of incidents", full, ["import", "a.gpkg", "incidents", str(table)]),
        rows("import of incidents, new archive", empty, ["import", "a.gpkg", "incidents", str(table)]),
        work("import of units", full, ["import", "a.gpkg", "units", str(units)]),
        work("import of claims, new archive", empty, ["import", "a.gpkg", "claims", str(claims)]),
        work("import into an older layout", older, ["import", "a.gpkg", "vector", str(days[0])]),
        work("correction", full, ["import", "a.gpkg", "vector", *map(str, again)]),
        work("retraction", full, ["retract", "a.gpkg", "vector@2024-08-03", "--why", "a test"], once="taken back"),
        work("rules", full, ["rules", "a.gpkg", "--embargo-hours", "24", "--withhold", "notes"]),
        work("accuracy of a source", full, ["sources", "a.gpkg", "--source", "vector", "--accuracy-km", "0.5"]),
        work("import of settlements", full, ["import", "a.gpkg", "settlements", str(towns)]),
        Work(
            "geo attach",
            full,
            ["attach", "a.gpkg", "many", str(rows_kept), "--dataset", "many"],
            partial(all_of, ["many"]),
            ["many"],
            once="is attached already",
        ),
        work("names of sides", full, ["sides", "a.gpkg", "X", "--name", "en=Exland", "--alias", "Ex"]),
    ]


def _site(starts: Mapping[str, Path], again: Sequence[Path]) -> list[Work]:
    first, last = "2024-08-01", f"2024-08-{SITE_DAYS:02d}"
    site = ["site", "a.gpkg", "--from", first, "--to", last, "-o", "site"]
    shutil.copytree(starts["full"], starts["built"])
    build_site(open_archive(starts["built"] / "a.gpkg"), starts["built"] / "site", from_=first, to=last)
    import_files(starts["built"] / "a.gpkg", "vector", again[:SITE_DAYS])
    return [Work("geo site", starts["built"], site, partial(contents, outputs=["site"]), ["site"])]


def _drawing(folder: Path, start: Path, port: int) -> list[Work]:
    """Commands that write files from an archive; the old ones stand there."""
    _lay_drawn(folder, start, port)
    also = {"XDG_CACHE_HOME": str(folder / "cache")}
    works = []
    for name, command, outputs in _listed():
        fresh = name.startswith(("geo accept", "geo fetch", "geo repair", "geo demo", "geo daily"))
        for output in [] if fresh else outputs:
            (start / output).parent.mkdir(exist_ok=True)
            (start / output).write_bytes(b"what stood there before\n" * 50)
            if output.endswith(".gpkg"):
                shutil.copy(start / "two.gpkg", start / output)
        state = partial(all_of if fresh else _drawn_state, list(outputs))
        works.append(Work(name, start, command, state, outputs, once=ONCE.get(name, ""), also=also))
    index = ["places", "Sudzha", "--country", "RU"]
    works.append(
        Work("index of places", start, index, partial(contents, outputs=["cache"]), ["cache"],
             also={"XDG_CACHE_HOME": "cache"})
    )  # fmt: skip
    return works


def _drawn_state(outputs: Sequence[str], folder: Path) -> object:
    return contents(folder, outputs)


def _lay_drawn(folder: Path, start: Path, port: int) -> None:
    start.mkdir()
    few = _days(folder / "few", days=FEW_DAYS, polygons=FEW)
    import_files(start / "a.gpkg", "vector", few)
    import_files(start / "a.gpkg", "incidents", incidents_file(folder / "some.csv", 300))
    shutil.rmtree(start / "a.refused")
    shutil.copy(start / "a.gpkg", start / "two.gpkg")
    other = _days(folder / "other", edition=1, days=FEW_DAYS, polygons=FEW)
    import_files(start / "two.gpkg", "vector", other, credit=Source("other", "Another source"))
    shutil.copy(start / "a.gpkg", start / "damaged.gpkg")
    with closing(sqlite3.connect(start / "damaged.gpkg")) as connection, connection:
        gpkg.add_functions(connection)
        connection.execute("UPDATE incidents SET date_start = 'never' WHERE event_id IN ('M1', 'M2')")
    shutil.copy(BRIEFING, start / "briefing.txt")
    _review(start)
    shutil.copytree(folder / "few", start / "in")
    day_file(start / "in", FEW_DAYS + 1, polygons=FEW)
    (start / "desk.toml").write_text(PLAN, encoding="utf-8")
    (start / "ours.toml").write_text(ADDRESS.format(port=port), encoding="utf-8")


def _review(start: Path) -> None:
    """A review file of which a person has confirmed what has a place."""
    path = write_review(read_briefing(BRIEFING), start / "confirmed.csv")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = csv.reader(stream)
    at = header.index("latitude")
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, *(["y" if row[at] else "", *row[1:]] for row in rows)])


def _listed() -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, command and what it writes."""
    on, span = ["--date", "2024-08-05"], ["--from", "2024-08-01", "--to", "2024-08-05"]
    two = ["--source", "vector", "--source", "other"]
    single: list[tuple[str, list[str]]] = [
        ("map", ["map", "a.gpkg", *on, "--since", "2024-08-02", "-o", "map.html"]),
        ("timeline", ["timeline", "a.gpkg", "-o", "timeline.html"]),
        ("compare-dates", ["compare-dates", "a.gpkg", *span, "-o", "dates.html"]),
        ("compare, page", ["compare", "two.gpkg", *two, *on, "-o", "compare.html"]),
        ("compare, chart", ["compare", "two.gpkg", *two, *span, "--lag-days", "1", "-o", "compare.png"]),
        *((f"picture {kind}", ["picture", "a.gpkg", *on, "-o", f"map.{kind}"]) for kind in ("png", "svg", "pdf")),
        ("chart", ["chart", "a.gpkg", "-o", "chart.png"]),
        ("movie", ["movie", "a.gpkg", "--to", "2024-08-03", "-o", "movie.gif"]),
        *((f"brief {kind}", ["brief", "a.gpkg", *on, "-o", f"brief.{kind}"]) for kind in ("html", "docx", "pptx")),
        ("series csv", ["series", "a.gpkg", "-o", "series.csv"]),
        ("series parquet", ["series", "a.gpkg", "-o", "series.parquet"]),
        *((f"incidents {form}", ["incidents", "a.gpkg", "--format", form, "-o", f"incidents-{form}.out"])
          for form in ("csv", "geojson", "acled", "ucdp-ged")),
        ("claims, chart", ["claims", "a.gpkg", "--text", CLAIM, *on, "--set", "controller=X", "--chart", "claim.png"]),
        ("backup", ["backup", "a.gpkg", "--replace", "-o", "backup.gpkg"]),
    ]  # fmt: skip
    for name, command in single:
        yield f"geo {name}", command, [command[-1]]
    released = [f"released/{name}" for name in ("SHA256SUMS", "CITATION.cff", "control.parquet", "incidents.parquet",
                                                "snapshots.csv", "licences.csv", "datapackage.json")]  # fmt: skip
    yield "geo release", ["release", "a.gpkg", "-o", "released"], released
    yield "geo export", ["export", "a.gpkg", "-o", "control.geojson", *on], ["control.geojson"]
    yield "geo brief md and pictures", ["brief", "a.gpkg", *on, "-o", "b.md"], ["b.md", "b-map.png", "b-chart.png"]
    yield "geo maps", ["maps", "a.gpkg", "-o", "."], [f"2024-08-{d:02d}.html" for d in range(1, FEW_DAYS + 1)]
    read = ["read", "briefing.txt", "-o", "review.csv", "--page", "review.html"]
    yield "geo read, review and page", read, ["review.csv", "review.html"]
    yield "geo accept", ["accept", "a.gpkg", "confirmed.csv"], ["a.refused"]
    yield "geo repair", ["repair", "damaged.gpkg", "-o", "mended.gpkg"], ["mended.gpkg", "mended.left-out.csv"]
    fetch = ["fetch", "new.gpkg", "vector", "--config", "ours.toml", "--contact", "a@example.org",
             "--since", "2024-08-01", "--until", "2024-08-03"]  # fmt: skip
    yield "geo fetch", fetch, ["new.gpkg", "new.files"]
    yield "geo daily", ["daily", "desk.toml"], ["out"]
    yield "geo demo", ["demo"], ["data", "maps"]


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The port of a server that gives the files of a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
