"""What is handed in beside sources, and what the tool keeps for itself: each kind of damage that spoiling found, by hand."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from address_server import QUICK, Answer, Server

from geo.archive import open_archive
from geo.automation.addresses import find_address
from geo.automation.config import read_plan
from geo.automation.daily import run_daily
from geo.automation.fetch import read_memory
from geo.automation.network import Network
from geo.claims.reading import find_claims
from geo.errors import ArchiveError, FetchError, FileError, GateError, GeoError, UnitError, UsageError
from geo.geocoding.gazetteer import _KINDS, Lookup
from geo.geocoding.place_index import COLUMNS, LAYOUT, read_register
from geo.importing.importer import import_claims, import_files
from geo.maintenance.check import check_archive
from geo.output.html.embed import embed_snippet
from geo.output.site.publish import open_site_folder
from geo.schema import last_instant, parse_instant
from geo.sources.vector import read_toml
from geo.storage.gpkg import add_functions
from geo.storage.transactions import Writer

CLAIM = {"claim_id": "c1", "text": "x"}
ENTRY = {
    "bytes": 9, "changed": "", "etag": "", "first": "", "last_modified": "", "moment": "2025-01-11T00:00:00.000Z",
    "path": "a.geojson", "retrieved": "2025-01-12T00:00:00.000Z", "sha256": "0" * 64, "taken": "",
}  # fmt: skip
OWED = {"changed": "", "error": "", "moment": "",
        "owed": {"kind": "json", "name": "a.geojson", "options": {}, "url": "https://example.org/a"}}  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two days of one square."""
    square = '{"type":"Polygon","coordinates":[[[35,51],[35.2,51],[35.2,51.2],[35,51.2],[35,51]]]}'
    for day, side in (("2025-01-10", "UA"), ("2025-01-11", "RU")):
        text = f'{{"type":"Feature","properties":{{"controller":"{side}","status":"held"}},"geometry":{square}}}'
        (tmp_path / f"{day}.geojson").write_text(text)
        import_files(tmp_path / "a.gpkg", "vector", tmp_path / f"{day}.geojson")
    return tmp_path / "a.gpkg"


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        add_functions(connection)
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("text", ["a = " + "[" * 20_000, "a = " + "9" * 5000, "a = \ud7ff\udfff"])
def test_toml_that_breaks_its_parser_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (read_toml, read_plan, lambda p: find_address("vector", config=p)):
        with pytest.raises(FileError, match="x.toml"):
            read(path)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("claim_id,text,value", "c1,x,many", "row 1: 'many' is no number"),
        ("claim_id,text,value", "c1,x,inf", "no finite number"),
        ("claim_id,text,date_to", "c1,x,soon", "date_to 'soon' cannot be read"),
        ("claim_id,text", ",x", "row 1: claim_id and text are wanted"),
        ("claim_id,text", "c1,x,y", "3 cells"),
        ("claim_id,\"text) VALUES ('a', 'b', 'c'); --\",text", "c1,a,b", "no such column of a claim"),
    ],
)
def test_published_figures_are_checked_before_they_are_stored(tmp_path: Path, header: str, row: str, why: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text(f"{header}\n{row}\n")
    with pytest.raises(GateError, match="f.csv") as refused:
        import_claims(open_archive(tmp_path / "a.gpkg"), path)
    assert why in str(refused.value)
    assert not (tmp_path / "a.gpkg").exists()


def test_an_empty_file_of_figures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("\n\n")
    with pytest.raises(FileError, match="not even a header"):
        import_claims(open_archive(tmp_path / "a.gpkg"), tmp_path / "f.csv")


def test_a_gazetteer_of_no_numbers_and_broken_lines_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    rows = ["Sudzha,51.2,35.3," + "9" * 400, "Nowhere,nan,35.3,1", "Far,91,35.3,1", "Squared,51.2,35.4,²", "No,x,y,z"]
    path.write_text("\n".join(["name,lat,lon,population", *rows]))
    assert [(r.name, r.population) for r in read_register(path)] == [("Sudzha", 0), ("Squared", 0)]
    path.write_text("name,lat,lon\n" + "\r".join(["Sudzha,51.2,35.3"] * 2) + '\n"' + "x" * 11_000_000)
    with pytest.raises(FileError, match=r"g.csv: line"):
        read_register(path)
    dump = [
        "1",
        "Sudzha",
        "Sudzha",
        "",
        "51.2",
        "35.3",
        "P",
        "PPL",
        "UA",
        "",
        "13",
        "",
        "",
        "",
        "many",
        "",
        "1",
        "",
        "",
    ]
    (tmp_path / "UA.txt").write_text("\n".join(["\t".join(dump), "\t".join([*dump[:4], "north", *dump[5:]])]))
    assert [(r.name, r.population) for r in read_register(tmp_path / "UA.txt")] == [("Sudzha", 0)]


def test_a_damaged_index_of_places_is_told(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    spoil(path, "CREATE TABLE facts (name TEXT, value TEXT)", f"INSERT INTO facts VALUES ('layout', '{LAYOUT}')",
          "CREATE TABLE names (key TEXT, place INTEGER, how INTEGER)", "INSERT INTO names VALUES ('x', 'y', 1)")  # fmt: skip
    lookup = Lookup(path)
    for ask in (lambda: lookup.called("x", cyrillic=False), lambda: lookup.regions("UA.21"), lambda: lookup.place(1)):
        with pytest.raises(FileError, match="delete it and it is built again"):
            ask()
    lookup.close()


@pytest.mark.parametrize("latitude", [9e999, -91.0, 1e300])
def test_a_place_of_the_index_that_lies_nowhere_is_told(tmp_path: Path, latitude: float) -> None:
    path = tmp_path / "places.sqlite"
    spoil(path, "CREATE TABLE facts (name TEXT, value TEXT)", f"INSERT INTO facts VALUES ('layout', '{LAYOUT}')",
          f"CREATE TABLE places (id, {', '.join(COLUMNS)})")  # fmt: skip
    values = [1 if kind is int else 1.0 if kind is float else "x" for kind in _KINDS]
    values[1 + list(COLUMNS).index("latitude")] = latitude
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"INSERT INTO places VALUES ({', '.join('?' * len(values))})", values)
    lookup = Lookup(path)
    with pytest.raises(FileError, match="place 1 lies at .* delete it and it is built again"):
        lookup.place(1)
    lookup.close()


def test_half_letters_on_the_command_line_name_no_unit(archive: Path) -> None:
    with pytest.raises(UnitError):
        open_archive(archive).area(within="\udcd0\udcd1")


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_the_ends_of_the_calendar_have_no_utc_everywhere(text: str) -> None:
    with pytest.raises(GateError, match="cannot be read"):
        parse_instant(text)
    assert last_instant("9999-12-31").year == 9999


def test_a_run_of_figures_without_full_stops_is_no_sentence() -> None:
    assert len(find_claims("Russia took 12 km2, " * 2000)) <= 20  # read as a sentence, it would take hours
    words = "Russia took 12 km2 in Kursk region, and said nothing more of it. "
    assert len(find_claims(words * 3)) == 3
    long = f"{words[:-2]} {'and more ' * 500}."
    assert [(c.start, c.end) for c in find_claims(long)] == [(0, long.rfind(" ", 0, 1000))]


def test_a_page_that_breaks_its_parser_has_no_title(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<![ADATA[<title>x</title>")
    with pytest.raises(FileError, match="a.html"):
        embed_snippet(tmp_path / "a.html")


@pytest.mark.parametrize(
    "memory",
    [
        "[" * 20_000, "[]", '{"a": 1}', {"a": {**ENTRY, "retrieved": ""}}, {"a": {**ENTRY, "path": "../../x"}},
        {"a": {**ENTRY, "moment": []}}, {"a": {k: v for k, v in ENTRY.items() if k != "bytes"}},
        {"a": {**OWED, "owed": {**OWED["owed"], "layer": 1}}}, {"a": {**OWED, "owed": {**OWED["owed"], "name": "../x"}}},
        {"a": {**ENTRY, "owed": OWED["owed"]}}, {"a": {**OWED, "sha256": "0" * 64}},
    ],
)  # fmt: skip
def test_a_damaged_memory_of_what_was_fetched_is_told(tmp_path: Path, memory: object) -> None:
    path = tmp_path / ".fetched.json"
    path.write_text(memory if isinstance(memory, str) else json.dumps(memory))
    with pytest.raises(FetchError, match="damaged.*delete it, and the files are fetched again"):
        read_memory(tmp_path)
    path.write_text(json.dumps({"a": ENTRY, "b": OWED}))
    assert read_memory(tmp_path) == {"a": ENTRY, "b": OWED}


@pytest.mark.parametrize(
    "journal",
    ['{"made": {"2025-01-11 figures figures": [1]}}', '{"taken": {"a": 1}}', "[" * 20_000,
     '{"made": {"k": {"inputs": "", "files": {"../../x": ""}, "lines": []}}}'],
)  # fmt: skip
def test_a_damaged_journal_of_the_day_is_told(tmp_path: Path, archive: Path, journal: str) -> None:
    (tmp_path / "desk.toml").write_text('archive = "a.gpkg"\noutput = "out"\n[[figures]]\n')
    assert run_daily(tmp_path / "desk.toml").outcome == "done"
    (tmp_path / "out" / ".daily.json").write_text(journal)
    with pytest.raises(ArchiveError, match=r"daily.json.*delete it, and everything is made anew"):
        run_daily(tmp_path / "desk.toml")


@pytest.mark.parametrize("name", ["manifest.json", "journal.json"])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"[" * 20_000, b'{"moves": ["index.html"], "removed": ["a\\u0000b"], "manifest": "{}"}',
     b'{"moves": ["index.html"], "removed": [], "manifest": null}', b'{"moves": ["index.html"], "removed": []}'],
)  # fmt: skip
def test_damaged_records_of_a_site_are_told_and_move_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    with open_site_folder(tmp_path / "site") as site:
        site.put("index.html", "1", "old")
        site.switch({"made_by": "x"})
    own = tmp_path / "site" / ".geo-site"
    (own / name).write_bytes(content)
    (own / "new").mkdir()
    (own / "new" / "index.html").write_text("new")
    with pytest.raises(UsageError, match="damaged: build into an empty folder"), open_site_folder(tmp_path / "site"):
        pass
    assert (tmp_path / "site" / "index.html").read_text() == "old"


@pytest.mark.parametrize("tag", ["[]", "3", '"x"', "[" * 20_000, "{", '{"process": 1}'])
def test_a_damaged_name_tag_names_nobody(tmp_path: Path, tag: str) -> None:
    writer = Writer(tmp_path / "a.gpkg")
    (tmp_path / ".a.gpkg.writer").write_text(tag)
    assert "another program" in writer._holder()
    writer.close()


def test_a_server_that_says_nothing_changed_though_nothing_was_had(tmp_path: Path) -> None:
    with Server() as server, Network("desk@example.org", limits=QUICK, loopback=True) as network:
        url = server.give("/list.json", Answer(status=304))
        with pytest.raises(FetchError, match="nothing was had before"):
            network.read_json(url, tmp_path)
        url = server.give("/sizes.json", Answer(b"[]", headers={"X-Content": "1", "Content-Length": "9" * 4400}))
        with pytest.raises(FetchError, match="past the limit|breaks off"):
            network.read_json(url, tmp_path)


@pytest.mark.parametrize(
    ("statement", "ask"),
    [
        ("UPDATE control SET status = x'00'", "control"), ("UPDATE control SET valid_from = '2025-01-0'", "control"),
        ("UPDATE control SET geom = 'x'", "control"), ("UPDATE units SET area_km2 = 'much'", "units"),
        ("UPDATE snapshots SET members = x'789c'", "as known"), ("UPDATE snapshots SET members = 7", "as known"),
        ("UPDATE snapshots SET source = x'00'", "area"), ("UPDATE snapshots SET depicts = 'x'", "control"), ("UPDATE snapshots SET recorded_at = 5", "snapshots"),
    ],
)  # fmt: skip
def test_damaged_cells_are_told_by_questions_and_by_the_check(archive: Path, statement: str, ask: str) -> None:
    assert check_archive(archive).is_whole
    spoil(archive, statement)
    kept = open_archive(archive)
    asked = {
        "control": kept.control, "area": lambda: kept.area(source="other"), "units": kept.units, "snapshots": lambda: kept.reader.snapshots(as_known_on="2099-01-01"),
        "as known": lambda: kept.control(as_known_on="2099-01-01"), "polygons": lambda: kept.polygons("vector"),
    }  # fmt: skip
    with pytest.raises(GeoError):
        asked[ask]()
    assert not check_archive(archive).is_whole


def test_a_table_that_is_cut_off_is_told_as_damage(archive: Path) -> None:
    raw = archive.read_bytes()
    archive.write_bytes(raw[: len(raw) // 3])
    with pytest.raises(ArchiveError, match="damaged"):
        open_archive(archive).controllers()


def test_nothing_is_written_into_a_damaged_file(archive: Path) -> None:
    with closing(sqlite3.connect(archive)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'control_by_time'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    raw = bytearray(archive.read_bytes())
    raw[(page - 1) * size : page * size] = bytes(size)
    archive.write_bytes(raw)
    with pytest.raises(ArchiveError, match="damaged SQLite file"):
        import_files(archive, "vector", archive.with_name("2025-01-10.geojson"), date="2025-01-20")
    assert archive.read_bytes() == bytes(raw)
    assert not list(archive.parent.glob(".*"))
