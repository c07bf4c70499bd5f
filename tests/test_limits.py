"""What a file from outside may cost: plain files alone, and counts that are looked at before anything is made."""

from __future__ import annotations

import gzip
import http.client
import json
import math
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject
from shapely.geometry import box

from geo.archive import open_archive
from geo.automation.config import read_plan
from geo.automation.daily import run_daily
from geo.errors import FileError, UsageError
from geo.extraction.briefing_files import read_text
from geo.formats.gdal import guard
from geo.formats.geojson import read_bytes
from geo.formats.limits import INSTANTS, capped
from geo.importing.importer import ensure_units, import_files
from geo.output.site.server import serve
from geo.schema import Snapshot
from geo.sources.base import by_dates
from geo.sources.vector import load_toml
from tests.fuzzing.structures import SHAPES, feature

ENDINGS = (".geojson", ".kml", ".kmz", ".csv", ".gpkg", ".fgb", ".shp", ".zip", ".json")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_only_plain_files_are_read(tmp_path: Path, ending: str, kind: str) -> None:
    path = tmp_path / f"2025-01-11{ending}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    start = time.perf_counter()
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents" if ending == ".csv" else "vector", path)
    assert receipt.outcome == "refused"
    assert "not a plain file" in receipt.error or "No such device" in receipt.error
    assert time.perf_counter() - start < 20


def square(west: float, south: float, size: float = 1.0) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def collection(features: list[tuple[dict[str, str], list[list[list[float]]]]]) -> str:
    made = [
        {"type": "Feature", "properties": given, "geometry": {"type": "Polygon", "coordinates": rings}}
        for given, rings in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": made})


def star(count: int) -> list[list[float]]:
    turn = 2 * math.pi * (count // 2) / count
    ring = [[35 + math.cos(turn * i) / 2, 51 + math.sin(turn * i) / 2] for i in range(count)]
    return [*ring, ring[0]]


def stars(corners: int, count: int) -> str:
    turn = 2 * math.pi * (corners // 2) / corners
    ring = [(math.cos(turn * i) / 10, math.sin(turn * i) / 10) for i in [*range(corners), 0]]
    rows = ([[30 + n % 20 * 0.5 + x, 45 + n // 20 * 0.4 + y] for x, y in ring] for n in range(count))
    return collection([(HELD, [row]) for row in rows])


HELD = {"controller": "A", "status": "held"}


def shaped(name: str) -> str:
    return json.dumps(feature(HELD, {"type": "MultiPolygon", "coordinates": SHAPES[name]()}))


def comb(teeth: int, is_upright: bool) -> list[list[float]]:
    tops = [
        (n / teeth + shift, high)
        for n in range(teeth)
        for shift, high in ((0, 0.02), (0, 1), (0.5 / teeth, 1), (0.5 / teeth, 0.02))
    ]
    ring = [*tops, (1, 0.02), (1, 0), (0, 0), tops[0]]
    return [[35 + (x if is_upright else y), 51 + (y if is_upright else x)] for x, y in ring]


def combs(*statuses: str) -> str:
    return collection([({"controller": "A", "status": s}, [comb(400, n == 0)]) for n, s in enumerate(statuses)])


EXPLODING = {
    "combs of two classes": ("vector", "2025-01-11.geojson", combs("held", "contested"), "too much of crossings"),
    "combs of a class": ("vector", "2025-01-11.geojson", combs("held", "held"), "too much of crossings"),
    "star": ("vector", "2025-01-11.geojson", collection([(HELD, [star(2501)])]), "too much of crossings"),
    "sides": (
        "vector",
        "2025-01-11.geojson",
        collection([({"controller": f"S{n}", "status": "held"}, [square(35, 51)]) for n in range(600)]),
        "too much of pairs",
    ),
    "holes": (
        "vector",
        "2025-01-11.geojson",
        collection([(HELD, [square(35, 51), *[square(35.2, 51.2, 0.2)] * 4000])]),
        "",
    ),
    "tangle": (
        "vector",
        "2025-01-11.geojson",
        stars(101, 1),
        "too much of crossings of lines with each other, tangled",
    ),
    "tangles": ("vector", "2025-01-11.geojson", stars(101, 150), "too much of polygons whose lines cross too often"),
    "bows": ("vector", "2025-01-11.geojson", stars(5, 3_000), "too much of polygons to mend"),
    "equal stars": ("vector", "2025-01-11.geojson", shaped("stars"), ""),
    "rounds": ("vector", "2025-01-11.geojson", shaped("rounds"), "too much of corners drawn again"),
    "there and back": (
        "vector",
        "2025-01-11.geojson",
        shaped("back and forth"),
        "too much of corners drawn again",
    ),
    "longer and longer": (
        "vector",
        "2025-01-11.geojson",
        shaped("longer and longer"),
        "too much of corners drawn again",
    ),
    "sparse": (
        "vector",
        "2025-01-11.geojson",
        collection([(HELD | {f"k{n % 1_900}": ""}, [square(35, 51)]) for n in range(4_000)]),
        "too much of cells, most of them blank",
    ),
    "sparse answer": (
        "acled",
        "a.csv",
        json.dumps({"data": [{"event_id_cnty": "a", f"k{n % 1_900}": ""} for n in range(4_000)]}),
        "too much of cells",
    ),
    "ligatures": (
        "vector",
        "2025-01-11.geojson",
        collection([({"controller": "\ufdfa" * 100_000, "status": "held"}, [square(35, 51)])]),
        "too much of characters in the name of a side",
    ),
    "bomb": ("acled", "a.csv.gz", gzip.compress(b"event_id_cnty\n" + b"\n" * 60_000_000), "100 times its size"),
    "names": (
        "vector",
        "2025-01-11.geojson",
        collection(
            [({"controller": f"S{n}", "status": "held"}, [square(30 + n / 400, 51, 0.002)]) for n in range(4_000)]
        ),
        "too much of sides and statuses",
    ),
    "keys": (
        "vector",
        "2025-01-11.geojson",
        collection(
            [(HELD | {f"k{n}_{i}": "" for i in range(60)}, [square(30 + n / 50, 51, 0.01)]) for n in range(800)]
        ),
        "too much of columns",
    ),
    "columns": ("incidents", "i.csv", ",".join(f"c{n}" for n in range(20_000)) + "\n", "too much of columns"),
    "arcs": (
        "isw",
        "2025-01-11.json",
        json.dumps(
            {
                "type": "Topology",
                "arcs": [[[35 + n / 1e4, 51.0] for n in range(5_000)]],
                "objects": {"a": {"type": "Polygon", "arcs": [[0] * 20_000], "properties": HELD}},
            }
        ),
        "too much of positions",
    ),
    "heap": (
        "vector",
        "2025-01-11.geojson",
        collection([(HELD, [square(35 + n * 7 % 3000 / 3e4, 51 + n * 11 % 3000 / 3e4, 0.3)]) for n in range(3_000)]),
        "",
    ),
    "braces": (
        "deepstate",
        "1736600000.geojson",
        collection([({"name": "{{" * 40_000, "fill": "#a52714"}, [square(35, 51)])]),
        "",
    ),
    "blanks": (
        "deepstate",
        "1736600000.geojson",
        collection([({"name": "a" + " 1" * 40_000 + "a", "fill": "#a52714"}, [square(35, 51)])]),
        "",
    ),
}


@pytest.mark.parametrize("name", EXPLODING)
def test_a_small_file_that_would_explode_ends_within_its_budget(tmp_path: Path, base: Path, name: str) -> None:
    source, file, content, said = EXPLODING[name]
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.process_time()
    (receipt,) = import_files(base, source, tmp_path / file)
    assert time.process_time() - start < 4  # 2 s beside the seeds of other tests on a machine that is shared
    assert said in (receipt.error or "")
    assert bool(said) == (receipt.outcome == "refused") or name in ("braces", "blanks")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    archive = open_archive(tmp_path / "base.gpkg")
    ensure_units(archive)
    archive.close()
    return archive.path


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "CREATE TABLE t (a INTEGER, b TEXT GENERATED ALWAYS AS (hex(zeroblob(1000000000))) VIRTUAL)",
    ],
)
def test_sql_of_a_file_from_elsewhere_is_not_run(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "2025-01-11.gpkg"
    frame = gpd.GeoDataFrame([HELD], geometry=[box(35, 51, 36, 52)], crs="EPSG:4326")
    frame.to_file(path, layer="control")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)
    (receipt,) = import_files(tmp_path / "a.gpkg", "vector", path)
    assert receipt.outcome == "refused"
    assert "the file's own SQL" in (receipt.error or "")


RECURSIVE = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"


def test_sql_on_a_file_from_elsewhere_is_watched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
        guard(connection)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
        assert connection.execute("PRAGMA table_xinfo(t)").fetchall()
        for sql in ("SELECT a FROM t", "DELETE FROM t", "ATTACH 'b.db' AS b", "SELECT hex(zeroblob(9))", "PRAGMA user_version",
                    "CREATE TABLE u (a)", "SELECT load_extension('x')"):  # fmt: skip
            with pytest.raises(sqlite3.DatabaseError, match="not authorized|prohibited"):
                connection.execute(sql)
        connection.set_authorizer(None)
        start = time.process_time()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(RECURSIVE)
        assert time.process_time() - start < 3
    assert not (tmp_path / "b.db").exists()


@pytest.mark.long
def test_a_geopackage_of_thousands_of_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "2025-01-11.gpkg"
    gpd.GeoDataFrame([HELD], geometry=[box(35, 51, 36, 52)], crs="EPSG:4326").to_file(path, layer="control")
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(2_001):
            connection.execute(f"CREATE TABLE t{number} (a)")
    (receipt,) = import_files(tmp_path / "a.gpkg", "vector", path)
    assert "too much of tables and indexes" in receipt.error


def test_instants_are_counted_before_a_snapshot_of_each_is_made() -> None:
    frame = gpd.GeoDataFrame({"row": range(1, 1502)}, geometry=[box(0, 0, 1, 1)] * 1501, crs="EPSG:4326")
    days = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=i) for i in range(1501)]
    start = time.process_time()
    for accept, said in (
        ((), "1,501; the limit is 120: .*--accept instants"),
        (("instants",), "1,501; the limit is 1,500"),
    ):
        with pytest.raises(FileError, match=f"too much of instants: {said}"):
            by_dates(Snapshot(frame, days[0], 1501), days, accept=accept)
    some, end = [day for day in days[:100] for _ in range(15)], [days[200]] * 1500
    with pytest.raises(FileError, match="too much of polygons that stand at several instants"):
        by_dates(Snapshot(frame[:1500], days[0], 1500), some, end)
    assert time.process_time() - start < 0.5


def test_instants_over_the_limit_are_stored_where_they_are_accepted(tmp_path: Path, base: Path) -> None:
    days = [str(date(2020, 1, 1) + timedelta(days=i)) for i in range(INSTANTS + 1)]
    (tmp_path / "days.geojson").write_text(
        collection([(HELD | {"date": day}, [square(35 + n / 1e3, 51, 0.01)]) for n, day in enumerate(days)])
    )
    (refused,) = import_files(base, "vector", tmp_path / "days.geojson")
    (stored,) = import_files(base, "vector", tmp_path / "days.geojson", accept=frozenset({"instants"}))
    assert (refused.outcome, stored.outcome, len(stored.snapshots)) == ("refused", "stored", INSTANTS + 1)


def test_a_second_map_of_thousands_of_polygons_takes_no_longer(tmp_path: Path, base: Path) -> None:
    rows = [(HELD, [square(33 + n % 60 / 20, 48 + n // 60 / 20, 0.04)]) for n in range(3_000)]
    for day in (11, 12):
        (tmp_path / f"2025-01-{day}.geojson").write_text(collection(rows[day - 11 :]))
        start = time.process_time()
        (receipt,) = import_files(base, "vector", tmp_path / f"2025-01-{day}.geojson")
        assert receipt.outcome == "stored"
        assert time.process_time() - start < 4


def test_notes_are_counted() -> None:
    assert capped(["a"] * 20) == ["a"] * 20
    assert capped(["a"] * 25)[20:] == ["and 5 notes more of this kind"]


def test_new_sides_are_told_twenty_times_at_most(tmp_path: Path, base: Path) -> None:
    for day, sides in ((10, ["A"]), (11, [f"S{n}" for n in range(60)])):
        rows = [({"controller": s, "status": "held"}, [square(30 + n / 20, 51, 0.01)]) for n, s in enumerate(sides)]
        (tmp_path / f"2025-01-{day}.geojson").write_text(collection(rows))
        (receipt,) = import_files(base, "vector", tmp_path / f"2025-01-{day}.geojson")
    assert sum(note.startswith("new side") for note in receipt.notes) == 20
    assert "and 40 notes more of this kind" in receipt.notes


def test_a_briefing_that_is_no_text_is_told_what_it_is(tmp_path: Path) -> None:
    for start, said in (
        (b"PK\x03\x04\x14", "damaged zip"),
        (b"%PDF-1.7", "a PDF|a damaged PDF"),
        (b"{\\rtf1", "Rich Text"),
    ):
        (tmp_path / "briefing.docx").write_bytes(start + b"\0" * 200)
        with pytest.raises(FileError, match=said):
            read_text(tmp_path / "briefing.docx")
    with pytest.raises(FileError, match="no such file"):
        read_bytes(tmp_path / "none.geojson")


@pytest.mark.parametrize(("pages", "lines"), [(1, 10_000), (60, 100)])
def test_a_pdf_is_read_no_further_than_its_limit(pages: int, lines: int, tmp_path: Path) -> None:
    """A million characters on one page, or as many pages of the same content, in a file of some KB."""
    writer = PdfWriter()
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = DictionaryObject({NameObject(k): NameObject(v) for k, v in font.items()})
    fonts = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/F1"): named})})
    content = DecodedStreamObject()
    content.set_data(b"BT /F1 10 Tf 12 TL\n" + b"(%s) Tj T*\n" % (b"Sudzha was shelled. " * 5) * lines + b"ET")
    packed = writer._add_object(content.flate_encode())
    for _ in range(pages):
        page = writer.add_blank_page(600, 800)
        page[NameObject("/Resources")], page[NameObject("/Contents")] = fonts, packed
    writer.write(tmp_path / "a.pdf")
    with pytest.raises(FileError, match="over the limit of 500,000") as refused:
        read_text(tmp_path / "a.pdf")
    read = int(str(refused.value).split(": ")[1].split()[0].replace(",", ""))
    assert 500_000 < read < 515_000


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "index.html").write_text("<title>x</title>")
    server = serve(tmp_path, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (["127.0.0.1"], 200),
        (["localhost:8000"], 200),
        (["[::1]:8000"], 200),
        ([], 421),
        (["127.0.0.1", "127.0.0.1"], 421),
        (["127.0.0.1", "evil.example"], 421),
        (["evil.example"], 421),
        (["127.0.0.1.evil.example"], 421),
        (["127.0.0.1:80:80"], 421),
        ([""], 421),
    ],
)
def test_the_server_answers_one_host_of_this_machine(port: int, hosts: list[str], status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == status
    if status == 200:
        assert "default-src 'self'" in str(answer.getheader("Content-Security-Policy"))
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    connection.close()


def test_a_key_of_thousands_of_dots_is_refused_at_once(tmp_path: Path) -> None:
    start = time.process_time()
    for number, key in enumerate((".".join(["a"] * 20_000), " . ".join(['"a"'] * 20_000), "a" * 500_000 + " .a" * 50)):
        (tmp_path / f"{number}.toml").write_text(f"x = {{ {key} = 1 }}\n")
        with pytest.raises(FileError, match="too much of dots in one key: the limit is 40"):
            load_toml(tmp_path / f"{number}.toml")
    assert time.process_time() - start < 2
    (tmp_path / "good.toml").write_text('a.b."c.d" = "1.2.3.4.5.6.7.8.9.10"\n')
    assert load_toml(tmp_path / "good.toml") == {"a": {"b": {"c.d": "1.2.3.4.5.6.7.8.9.10"}}}


def test_a_number_that_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f"date = 0x{'f' * 4_000}\n")
    with pytest.raises(FileError, match="too much of digits in one number"):
        load_toml(tmp_path / "a.toml")


def test_a_plan_of_thousands_of_maps_is_read_in_proportion(tmp_path: Path) -> None:
    maps = "".join(f'[[map]]\nname = "m{n}"\n' for n in range(10_000))
    (tmp_path / "PLAN.toml").write_text(f'archive = "a.gpkg"\noutput = "out"\n{maps}')
    start = time.process_time()
    assert len(read_plan(tmp_path / "PLAN.toml").outputs) == 10_000
    assert time.process_time() - start < 2


def test_a_pattern_does_not_walk_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = 'archive = "a.gpkg"\noutput = "out"\n[[import]]\nsource = "incidents"\nfolder = "in"\npattern = "%s"\n'
    (tmp_path / "in" / "2025").mkdir(parents=True)
    row = "event_id,date_start,latitude,longitude\nm1,2025-01-11,51.19,35.27\n"
    (tmp_path / "in" / "2025" / "i.csv").write_text(row)
    for bad in ("/etc/*", "../*.csv", "a/../../*", "C:*", "**.csv", "***", ""):
        (tmp_path / "PLAN.toml").write_text(plan % bad)
        with pytest.raises(UsageError, match="a pattern of names in the folder"):
            run_daily(tmp_path / "PLAN.toml")
    (tmp_path / "PLAN.toml").write_text(plan % "**/*.csv")
    assert [step.outcome for step in run_daily(tmp_path / "PLAN.toml").steps][:1] == ["new"]
    for number in range(30):
        (tmp_path / "in" / f"{number}.txt").write_text("")
    monkeypatch.setattr("geo.automation.daily.FILES_BELOW", 20)
    (step, *_) = run_daily(tmp_path / "PLAN.toml").steps
    assert (step.outcome, "too much of files and folders to look through" in step.error) == ("failed", True)


@pytest.mark.parametrize("is_list", [False, True])
def test_a_text_that_parquet_repeats_in_each_row_counts_as_often(tmp_path: Path, is_list: bool) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows, text = 2_000, "y" * 20_000
    table = {"event_id": [f"e{n}" for n in range(rows)], "date_start": ["2024-01-01"] * rows, "latitude": [51.0] * rows,
             "longitude": [35.0] * rows, "notes": [[text] if is_list else text] * rows}  # fmt: skip
    parquet.write_table(pa.table(table), file := tmp_path / "rows.parquet")
    assert file.stat().st_size < 100_000
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents", file)
    assert "unpacks to more than the limit" in receipt.error
