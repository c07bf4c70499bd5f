"""An archive's care: every damage is found, a mended copy is whole and says what it lost, a backup is of one state."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from address_server import contents
from click.testing import CliRunner

from geo import back_up, check_archive, import_files, open_archive, repair_archive
from geo.cli import main
from geo.errors import ArchiveError, FileError, UsageError
from geo.importing.importer import import_claims
from geo.maintenance import repair
from geo.sources.vector import read_toml
from geo.storage import gpkg
from geo.storage.check_tables import Report
from tests.test_cut_off import cut_off

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
DAYS = ("2024-08-12", "2024-08-18", "2024-08-21", "2024-09-10")
SHORT = "id,event_date,place,latitude,longitude\n{rows}"


def take(path: Path, folder: Path, names: dict[str, str]) -> None:
    """Import seeds under the names of days."""
    credit, options = read_toml(SEEDS / "control.toml")
    folder.mkdir(exist_ok=True)
    for day, content in names.items():
        shutil.copy(SEEDS / "control" / f"{content}.geojson", folder / f"{day}.geojson")
        receipt = import_files(path, "vector", folder / f"{day}.geojson", options=options, credit=credit)[0]
        assert receipt.outcome in ("stored", "superseded")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days, one corrected, one corrected and taken back, incidents of which one was changed, units, claims."""
    folder = tmp_path_factory.mktemp("care")
    path = folder / "war.gpkg"
    take(path, folder / "in", {day: day for day in DAYS})
    take(path, folder / "in", {DAYS[1]: "2024-10-01", DAYS[2]: "2024-11-11"})
    with open_archive(path) as archive:
        table = archive.reader.snapshots()
        last = table[table["depicts"].str.startswith(DAYS[2])].sort_values("recorded_at").iloc[-1]["snapshot"]
        archive.retract(last, why="the wrong file")
    for rows in ("a,2024-08-12,Sudzha,51.2,35.3\nb,2024-08-13,Sudzha,51.3,35.3\n", "a,2024-08-12,Sudzha,51.25,35.3\n"):
        (folder / "in" / "i.csv").write_text(SHORT.format(rows=rows))
        import_files(path, "incidents", folder / "in" / "i.csv")
    sql("DELETE FROM units WHERE unit NOT IN ('UA', 'RU', 'RU-KRS')", "UPDATE units SET fid = 1 WHERE unit = 'UA'")(
        path
    )
    sql("VACUUM")(path)
    return path


@pytest.fixture
def archive(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "war.gpkg"))


def told(report: Report) -> str:
    return "\n".join(f"{f.kind}: {f.where}: {f.what}" for f in report.findings)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("units", "name", "X'4142'"), ("units", "parent", "X'41'"), ("incidents", "notes", "X'41'"), ("claims", "value", "'few'"),
     ("control_superseded", "native", "X'41'"), ("imports", "file_name", "X'41'"), ("units", "level", "'one'")],
)  # fmt: skip
def test_a_cell_of_another_kind_is_named_and_stays_behind(
    archive: Path, tmp_path: Path, table: str, column: str, value: str
) -> None:
    with open_archive(archive) as opened:
        import_claims(opened, SEEDS / "claims.csv")
    sql(f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM {table})")(archive)
    assert re.search(rf"fault: {table} row \d+: {column}: another kind of value", told(check_archive(archive)))
    report = repair_archive(archive, tmp_path / "mended.gpkg")
    assert check_archive(tmp_path / "mended.gpkg").is_whole
    assert column in Path(report.left_out).read_text(encoding="utf-8")


def test_who_holds_a_place_is_not_told_from_a_cell_of_another_kind(archive: Path) -> None:
    sql("UPDATE control SET shape = 'x' || shape WHERE rowid = (SELECT min(rowid) FROM control)")(archive)
    with open_archive(archive) as opened:
        with sqlite3.connect(archive) as connection:
            box = "SELECT (minx + maxx) / 2, (miny + maxy) / 2 FROM rtree_control_geom ORDER BY id LIMIT 1"
            lon, lat = connection.execute(box).fetchone()
        for ask in (
            lambda: opened.who(lat, lon, as_known_on="2099-01-01"),
            lambda: opened.controllers(as_known_on="2099-01-01"),
        ):
            with pytest.raises(ArchiveError, match="control"):
                ask()


def test_a_whole_archive_has_no_fault_and_is_not_touched(archive: Path) -> None:
    before = archive.read_bytes()
    report = check_archive(archive)
    assert report.is_whole
    assert not [f for f in report.findings if not f.what.startswith("no licence")]
    assert report.looked_at["snapshots"] == 6
    assert report.looked_at["control_superseded"] > 0
    assert archive.read_bytes() == before
    done = CliRunner().invoke(main, ["check", str(archive), "--format", "json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["is_whole"] is True


def sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            gpkg.add_functions(connection)
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return damage


def flip_polygon(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        gpkg.add_functions(connection)
        fid, blob = connection.execute("SELECT fid, geom FROM control ORDER BY fid LIMIT 1").fetchone()
        changed = bytearray(blob)
        changed[-12] ^= 1
        connection.execute("UPDATE control SET geom = ? WHERE fid = ?", (bytes(changed), fid))
        connection.commit()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    path.write_bytes(b"not an archive at all" * 100)


ONE = "(SELECT min(fid) FROM control)"
# name -> damage, what is found, and whether a mended copy says all that the original said
DAMAGES: dict[str, tuple[Callable[[Path], None], str, bool | None]] = {
    "a polygon's bytes": (flip_polygon, r"control row \d+: its polygon or class is not what was recorded", False),
    "a polygon's class": (sql(f"UPDATE control SET status = 'claimed' WHERE fid = {ONE}"), "is not what was recorded", False),
    "a status of nobody": (sql(f"UPDATE control SET status = 'owned' WHERE fid = {ONE}"), "status 'owned' is none of", False),
    "no geometry": (sql(f"UPDATE control SET geom = NULL WHERE fid = {ONE}"), "its geometry cannot be read", False),
    "a row deleted": (sql(f"DELETE FROM control WHERE fid = {ONE}"), "stands in no interval; by the snapshots", False),
    "a row twice": (
        sql(f"INSERT INTO control (geom, source, part, controller, status, native, valid_from, valid_to, recorded_at, shape)"
            f" SELECT geom, source, part, controller, status, native, valid_from, valid_to, recorded_at, shape FROM control"
            f" WHERE fid = {ONE}"), "its intervals overlap", True),
    "a gap": (sql("UPDATE control SET valid_to = '2024-08-13T00:00:00.000Z' WHERE fid IN (SELECT fid FROM control WHERE valid_from < '2024-08-13' LIMIT 1)"), "by the snapshots it stands in", True),
    "an end before its beginning": (sql(f"UPDATE control SET valid_to = '2020-01-01T00:00:00.000Z' WHERE fid = {ONE}"), "before it begins", True),
    "an open end": (sql("UPDATE control SET valid_to = NULL WHERE valid_to IS NOT NULL"), "by the snapshots it stands in", True),
    "marked as superseded": (sql(f"UPDATE control SET superseded_at = '2025-01-01T00:00:00.000Z' WHERE fid = {ONE}"), "marked as superseded in the layer", True),
    "members": (sql("UPDATE snapshots SET members = x'00' WHERE id = 1"), "the list of its polygons is damaged", False),
    "members of others": (sql("UPDATE snapshots SET members = (SELECT members FROM snapshots WHERE id = 2) WHERE id = 1"), "by the snapshots it stands", None),
    "a snapshot deleted": (sql("DELETE FROM snapshots WHERE id = 4"), "by the snapshots it stands in no interval", None),
    "in force and superseded": (sql("UPDATE snapshots SET superseded_at = recorded_at WHERE id = 1"), "and is marked as superseded", True),
    "superseded and not marked": (sql("UPDATE snapshots SET superseded_at = NULL WHERE id = 2"), "this one is not marked", True),
    "a date": (sql("UPDATE snapshots SET depicts = 'yesterday' WHERE id = 1"), "depicts is 'yesterday'", False),
    "a date that is no text": (sql("UPDATE snapshots SET depicts = x'07' WHERE id = 1"), "another kind of value", False),
    "a year": (sql("UPDATE snapshots SET depicts = '0025-01-05T00:00:00.000Z' WHERE id = 1"), "depicts is '0025-01", False),
    "another date": (sql("UPDATE snapshots SET depicts = '2024-08-13T00:00:00.000Z' WHERE id = 1"), "do not agree", False),
    "a receipt": (sql("UPDATE snapshots SET receipt = '{' WHERE id = 1"), "its receipt is damaged", True),
    "a hash gone": (sql("DELETE FROM shapes WHERE id = 1"), "is in no list", False),
    "what was taken back": (sql("DELETE FROM control_superseded"), "polygons are gone from the layers", False),
    "a trigger gone": (sql('DROP TRIGGER "rtree_control_geom_delete"'), "rtree_control_geom_delete: the trigger is missing", True),
    "somebody's trigger on the list of layers": (sql('CREATE TRIGGER t AFTER UPDATE ON "gpkg_contents" BEGIN UPDATE "gpkg_contents" SET data_type = 7; END'), "a trigger that is not ours acts on our tables", True),
    "a number of a row's polygon that is none": (sql("UPDATE control SET shape = 9e999 WHERE fid = 1"), "another kind of value", False),
    "an index of positions emptied inside": (sql("DELETE FROM rtree_control_geom_rowid"), "the index of positions is damaged", True),
    "an index gone": (sql("DROP INDEX control_by_time"), "control_by_time: the index is missing", True),
    "another index": (sql("DROP INDEX control_by_time", "CREATE INDEX control_by_time ON control (source)"), "is another one", True),
    "somebody's trigger": (sql("CREATE TRIGGER t AFTER INSERT ON control BEGIN DELETE FROM snapshots; END"), "a trigger that is not ours acts on our tables", True),
    "a table gone": (sql("DROP TABLE claims"), "claims: the table is missing", True),
    "a column gone": (sql("ALTER TABLE snapshots DROP COLUMN published"), "columns are missing: published", True),
    "a column by another name": (sql("ALTER TABLE control RENAME COLUMN recorded_at TO recorded_bt"), "columns are missing: recorded_at", True),
    "positions gone": (sql('DELETE FROM "rtree_control_geom"'), "rows are not in the index of positions", True),
    "positions elsewhere": (sql('UPDATE "rtree_control_geom" SET minx = 0, maxx = 1'), "are elsewhere than their rows", True),
    "positions of nothing": (sql('INSERT INTO "rtree_control_geom" VALUES (99999, 0, 1, 0, 1)'), "have no row", True),
    "another program's file": (sql("PRAGMA application_id = 1"), "application_id is 1", True),
    "a layer not registered": (sql("DELETE FROM gpkg_geometry_columns WHERE table_name = 'incidents'", "DELETE FROM gpkg_contents WHERE table_name = 'incidents'"), "incidents: it is not registered as features", True),
    "an extent": (sql("UPDATE gpkg_contents SET max_x = 0 WHERE table_name = 'control'"), "does not take in all rows", True),
    "an incident twice": (sql("INSERT INTO incidents (geom, event_id, dataset, latitude, longitude, recorded_at) SELECT geom, event_id, dataset, latitude, longitude, recorded_at FROM incidents LIMIT 1"), "it is there 2 times", True),
    "an incident moved": (sql("UPDATE incidents SET latitude = 0"), "its fields say 0.0", False),
    "an incident's end": (sql("UPDATE incidents SET date_end = '2020-01-01'"), "before it begins", False),
    "deaths": (sql("UPDATE incidents SET best = -3"), "below 0", False),
    "a row as it stood": (sql("UPDATE incidents SET orig = '{'"), "as it stood in its file is damaged", False),
    "numbers of two kinds": (
        sql("CREATE TABLE retyped AS SELECT * FROM snapshots", "DROP TABLE snapshots", "ALTER TABLE retyped RENAME TO snapshots",
            "UPDATE snapshots SET id = 'x' WHERE id = 1"), "snapshots", None),
    "a key gone": (sql("CREATE TABLE bare AS SELECT * FROM snapshots", "DROP TABLE snapshots", "ALTER TABLE bare RENAME TO snapshots"), "snapshots: the table has no primary key", None),
    "a unit's area": (sql("UPDATE units SET area_km2 = 1 WHERE fid = 1"), "its area is noted as 1.0", True),
    "a unit's shape": (sql("UPDATE units SET geom = x'4750' WHERE fid = 1"), "units row 1: its geometry cannot be read", False),
    "a source": (sql("DELETE FROM sources WHERE name = 'seeds'"), "no entry that says whom to credit", None),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_found_and_a_mended_copy_is_whole(name: str, original: Path, archive: Path, tmp_path: Path) -> None:
    damage, words, recovers = DAMAGES[name]
    damage(archive)
    before = archive.read_bytes()
    report = check_archive(archive)
    assert not report.is_whole
    faults = "\n".join(f"{f.where}: {f.what}" for f in report.findings if f.kind == "fault")
    assert re.search(words, faults), faults
    done = CliRunner().invoke(main, ["check", str(archive)])
    assert done.exit_code == 1
    assert "fault" in done.output.splitlines()[-1]
    mended = repair_archive(archive, tmp_path / "mended.gpkg")
    assert archive.read_bytes() == before
    assert check_archive(tmp_path / "mended.gpkg").is_whole
    same = contents(tmp_path / "mended.gpkg") == contents(original)
    if recovers is not None:
        assert same == recovers, mended.done
    if recovers is False:
        assert mended.left_out or "import" in " ".join(mended.done)


def test_a_table_that_lost_its_key_is_not_written_to(archive: Path, tmp_path: Path) -> None:
    sql("CREATE TABLE bare AS SELECT * FROM claims", "DROP TABLE claims", "ALTER TABLE bare RENAME TO claims")(archive)
    before = contents(archive)
    with pytest.raises(ArchiveError, match=r"claims has no primary key.*geo repair"):
        take(archive, tmp_path / "in", {"2025-02-01": "2025-01-11"})
    assert contents(archive) == before


@pytest.mark.parametrize(
    ("name", "before"), [("_write_left_out", True), ("_write_left_out", False), ("put", True), ("put", False)]
)
def test_a_mended_copy_is_never_without_the_list_of_what_it_lacks(
    name: str, before: bool, archive: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "mended" / "copy.gpkg"
    sql("UPDATE incidents SET best = -3")(archive)
    cut_off(lambda: repair_archive(archive, copy), repair, name, before=before)
    ended = (name, before) == ("put", False)
    assert copy.exists() == ended
    assert not list(tmp_path.rglob(".*"))
    if not ended:
        assert repair_archive(archive, copy).left_out
    assert "-3" in (copy.parent / "copy.left-out.csv").read_text()


def test_a_lost_polygon_loses_its_recording_and_no_area_is_wrong_in_silence(
    original: Path, archive: Path, tmp_path: Path
) -> None:
    flip_polygon(archive)
    mended = repair_archive(archive, tmp_path / "mended.gpkg")
    lost = [line for line in mended.done if "left out" in line]
    assert lost
    assert all("again (SHA-256 " in line for line in lost)
    whole, copy = open_archive(original), open_archive(tmp_path / "mended.gpkg")
    there = set(copy.reader.snapshots()["snapshot"])
    assert len(there) < len(whole.reader.snapshots())
    for day in sorted(set(copy.reader.snapshots()["depicts"].str[:10])):
        used = set(copy.area(day)["snapshot"])
        if used == set(whole.area(day)["snapshot"]):
            assert copy.area(day)["area_km2"].tolist() == whole.area(day)["area_km2"].tolist()
    rows = Path(mended.left_out).read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("table,why,")
    assert any(row.startswith("control,") for row in rows)
    # and with its file again the copy says what the original said
    take(
        tmp_path / "mended.gpkg",
        tmp_path / "in",
        {day: day for day in DAYS if day not in {d[:10] for d in copy.reader.snapshots()["depicts"]}},
    )
    assert check_archive(tmp_path / "mended.gpkg").is_whole


def test_a_mended_copy_keeps_the_extract_and_the_attached_folders(archive: Path, tmp_path: Path) -> None:
    road = "('roads', 1, 36, 50, 37, 51, x'01', 'OpenStreetMap contributors', '2025-01-11T00:00:00.000Z')"
    sql(
        f"INSERT INTO basemap (kind, rank, west, south, east, north, shape, credit, recorded_at) VALUES {road}",
        "INSERT INTO attached (folder, parts, recorded_at) VALUES ('incidents', '[]', '2025-01-11T00:00:00.000Z')",
    )(archive)
    repair_archive(archive, tmp_path / "mended.gpkg")
    with closing(sqlite3.connect(tmp_path / "mended.gpkg")) as copy:
        assert copy.execute("SELECT kind, hex(shape) FROM basemap").fetchall() == [("roads", "01")]
        assert copy.execute("SELECT folder, parts FROM attached").fetchall() == [("incidents", "[]")]


def test_people_s_own_tables_are_noted_and_harm_nothing(archive: Path, tmp_path: Path) -> None:
    sql("CREATE TABLE diary (text TEXT)", "CREATE VIEW held AS SELECT * FROM control")(archive)
    report = check_archive(archive)
    assert report.is_whole
    assert "note: diary: a table that is not ours" in told(report)
    assert "note: held: a view that is not ours" in told(report)
    assert any("diary" in line for line in repair_archive(archive, tmp_path / "m.gpkg").done)


@pytest.mark.parametrize("damage", [truncate, overwrite, lambda p: p.write_bytes(b"")], ids=["half", "other", "empty"])
def test_a_file_that_is_none_is_said_to_be_none(damage: Callable[[Path], None], archive: Path, tmp_path: Path) -> None:
    damage(archive)
    report = check_archive(archive)
    assert not report.is_whole
    assert CliRunner().invoke(main, ["check", str(archive)]).exit_code == 1
    with pytest.raises(ArchiveError):
        repair_archive(archive, tmp_path / "mended.gpkg")
    assert [p.name for p in tmp_path.iterdir()] == ["war.gpkg"]


@pytest.mark.parametrize("seed", range(12))
def test_any_flipped_bytes_are_survived_and_whole_means_whole(
    seed: int, original: Path, archive: Path, tmp_path: Path
) -> None:
    """Where the check says that it is whole, every figure is what it was; where not, a copy is mended or refused."""
    chance = random.Random(seed)
    raw = bytearray(archive.read_bytes())
    for _ in range(chance.choice((1, 3, 40))):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    archive.write_bytes(raw)
    report = check_archive(archive)
    if report.is_whole:
        said = [open_archive(path).series()["area_km2"].tolist() for path in (archive, original)]
        assert said[0] == said[1]
    with suppress(ArchiveError):  # it is beyond mending, and says so
        repair_archive(archive, tmp_path / "mended.gpkg")
        assert check_archive(tmp_path / "mended.gpkg").is_whole
    assert archive.read_bytes() == bytes(raw)


def test_a_fetched_file_is_held_against_its_hash(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "war.files" / "seeds"
    folder.mkdir(parents=True)
    (folder / "a.geojson").write_text("{}")
    record = {
        "https://example.org/a": {"path": "a.geojson", "sha256": "0" * 64},
        "b": {"path": "b", "sha256": "1" * 64},
    }
    (folder / ".fetched.json").write_text(json.dumps(record))
    report = check_archive(archive)
    assert "the file is not what was fetched" in told(report)
    assert "note: " in told(report)
    (folder / ".fetched.json").write_text("{")
    assert "the record of what was fetched is damaged" in told(check_archive(archive))


def test_nothing_is_written_over(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "there.gpkg").write_text("mine")
    for call in (repair_archive, back_up):
        with pytest.raises(UsageError, match="there already"):
            call(archive, tmp_path / "there.gpkg")
    with pytest.raises(UsageError, match="there already"):
        back_up(archive, archive, replace=True)
    assert (tmp_path / "there.gpkg").read_text() == "mine"
    with pytest.raises(FileError):
        check_archive(tmp_path / "none.gpkg")
    with pytest.raises(ArchiveError, match="cannot be written"):
        back_up(archive, tmp_path / "there.gpkg" / "x.gpkg")


# -- backups -------------------------------------------------------------------------------------------------------


def test_a_backup_is_the_archive_in_one_file(archive: Path, tmp_path: Path) -> None:
    copy = back_up(archive, tmp_path / "copy.gpkg")
    assert contents(copy) == contents(archive)
    assert check_archive(copy).is_whole
    assert not list(tmp_path.glob("copy.gpkg-*"))
    (tmp_path / "safe").mkdir()
    done = CliRunner().invoke(main, ["backup", str(archive), "-o", str(tmp_path / "safe")])
    assert done.exit_code == 0, done.output
    named = next((tmp_path / "safe").iterdir())
    assert named.name.startswith("war-20")
    assert contents(named) == contents(archive)
    done = CliRunner().invoke(main, ["backup", str(archive), "-o", str(copy), "--replace"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["repair", str(archive), "-o", str(tmp_path / "m.gpkg"), "--format", "json"])
    assert json.loads(done.stdout)["report"]["is_whole"] is True
    done = CliRunner().invoke(main, ["repair", str(archive), "-o", str(tmp_path / "n.gpkg")])
    assert "control: made anew from the snapshots" in done.output
    assert contents(tmp_path / "n.gpkg") == contents(archive)


def test_a_damaged_archive_is_not_backed_up_over_a_good_copy(archive: Path, tmp_path: Path) -> None:
    copy = back_up(archive, tmp_path / "copy.gpkg")
    good = copy.read_bytes()
    raw = bytearray(archive.read_bytes())
    raw[5000:9000] = bytes(4000)
    archive.write_bytes(raw)
    with pytest.raises(ArchiveError, match="damaged"):
        back_up(archive, copy, replace=True)
    assert copy.read_bytes() == good


@pytest.fixture
def writer(archive: Path, tmp_path: Path) -> Iterator[threading.Event]:
    """Somebody who imports one day after the other until told to stop."""
    stop, failed = threading.Event(), []

    def work() -> None:
        days = [f"2024-10-{n:02d}" for n in range(1, 29)]
        try:
            for n, day in enumerate(days):
                if stop.is_set():
                    return
                take(archive, tmp_path / "live", {day: DAYS[n % 4]})
        except ArchiveError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield stop
    stop.set()
    thread.join()
    assert not failed


def test_a_live_archive_is_copied_in_one_state(archive: Path, writer: threading.Event, tmp_path: Path) -> None:
    seen = []
    for n in range(6):
        copy = back_up(archive, tmp_path / f"copy{n}.gpkg")
        assert check_archive(copy).is_whole
        seen.append(len(open_archive(copy).reader.snapshots()))
    writer.set()
    assert seen == sorted(seen)
