"""Files made to hurt: too deep, too many, links, triggers, names that are SQL, archives with other people's tables."""

from __future__ import annotations

import io
import json
import math
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from geo.archive import open_archive
from geo.errors import ArchiveError, GateError, GeoError
from geo.formats.geojson import features
from geo.importing.importer import Receipt, import_files

ROOT = Path(__file__).resolve().parents[1]
OLD = Path(__file__).with_name("fixtures") / "layout_1.gpkg"
HELD = {"controller": "X", "status": "held"}
SQL = 'x"); DROP TABLE control; --'


def take(folder: Path, path: Path, **settings: object) -> Receipt:
    return import_files(folder / "a.gpkg", "vector", path, **{"date": "2025-01-11", **settings})[0]


def collection(geometry: str, properties: str = json.dumps(HELD)) -> str:
    return (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": '
        f'{properties}, "geometry": {geometry}}}]}}'
    )


PROBE = """
import json, resource, signal, sys
from pathlib import Path
from tests.fuzzing import run
from geo.schema import Options
run.read_and_admit_once(sys.argv[1])
run.SECONDS, run.MIB = 60, 2048
run.bound_memory()
signal.signal(signal.SIGPROF, run._alarm)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
options = Options(date="2025-01-11")
told = [run.attempt(lambda: run.read_and_admit(sys.argv[1], Path(name), options)) for name in sys.argv[2:]]
print(json.dumps({"outcomes": told, "mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}))
"""


def outcomes_of(source: str, *paths: Path) -> list[str]:
    """What comes of files, read in a process of their own, within 512 MiB of memory more than at rest."""
    command = [sys.executable, "-W", "ignore", "-c", PROBE, source, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["mib"] < 512
    return [str(told) for told in found["outcomes"]]


@pytest.mark.long
def test_a_ring_of_a_million_vertices(tmp_path: Path) -> None:
    steps = 1_000_000
    ring = [[30 + math.cos(2 * math.pi * i / steps), 50 + math.sin(2 * math.pi * i / steps)] for i in range(steps)]
    path = tmp_path / "2025-01-11.geojson"
    path.write_text(collection(json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})))
    assert outcomes_of("vector", path) == ["read"]


@pytest.mark.parametrize("kind", [{}, [], 1, None])
def test_a_feature_whose_type_is_no_text_is_refused(kind: object) -> None:
    document = {"type": "FeatureCollection", "features": [{"type": kind, "properties": {}, "geometry": {}}]}
    with pytest.raises(GateError, match="feature 1 is not a GeoJSON Feature"):
        features(document, path=Path("a.geojson"))


def test_json_twenty_thousand_deep_is_refused(tmp_path: Path) -> None:
    deep = [
        opening * 20_000 + inside + closing * 20_000
        for opening, inside, closing in (
            ("[", "", "]"), ('{"a":', "1", "}"), ('{"type":"GeometryCollection","geometries":[', "", "]}"),
        )
    ]  # fmt: skip
    texts = [text for one in deep for text in (collection(one), collection("null", one))]
    paths = [tmp_path / f"{n}.geojson" for n in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    assert outcomes_of("vector", *paths) == ["refused"] * len(texts)


@pytest.mark.parametrize("source", ["uacontrolmap", "vector"])
def test_kml_twenty_thousand_deep_ends_in_words(tmp_path: Path, source: str) -> None:
    path = tmp_path / "map_25_01_02.kml"
    path.write_text("<kml>" + "<Folder>" * 20_000 + "</Folder>" * 20_000 + "</kml>")
    assert outcomes_of(source, path) == ["refused"]


def test_a_link_in_a_zip_is_not_followed(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("doc.kml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    (tmp_path / "map.kmz").write_bytes(out.getvalue())
    receipt = take(tmp_path, tmp_path / "map.kmz")
    assert receipt.outcome == "refused"
    assert "symbolic link" in receipt.error
    assert "root:" not in receipt.error


def geopackage(path: Path, **columns: list[str]) -> Path:
    frame = gpd.GeoDataFrame(
        {"controller": ["X"], "status": ["held"], **columns}, geometry=[box(35, 51, 35.2, 51.2)], crs="EPSG:4326"
    )
    frame.to_file(path, layer="control")
    return path


@pytest.mark.parametrize("views", [False, True])
def test_triggers_and_views_of_a_file_do_nothing(tmp_path: Path, views: bool) -> None:
    path = geopackage(tmp_path / "2025-01-11.gpkg")
    connection = sqlite3.connect(path)
    for name, function in (("ST_IsEmpty", 1), ("ST_MinX", 1), ("ST_MaxX", 1), ("ST_MinY", 1), ("ST_MaxY", 1)):
        connection.create_function(name, function, lambda _: 0.0)
    connection.execute("CREATE TRIGGER t AFTER INSERT ON control BEGIN DELETE FROM control; END")
    if views:
        connection.executescript(
            "CREATE VIEW v AS SELECT * FROM control; CREATE VIEW w AS SELECT * FROM v, v AS b, v AS c;"
        )
    connection.commit()
    connection.close()
    before = path.read_bytes()
    receipt = take(tmp_path, path)
    if views:
        assert receipt.outcome == "refused"
        assert "view 'v' comes of the file's own SQL" in receipt.error
    else:
        assert (receipt.outcome, receipt.rows_stored) == ("stored", 1), receipt.error
    assert path.read_bytes() == before


def test_a_window_to_elsewhere_in_a_file_is_not_opened(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "2025-01-11.gpkg")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "INSERT INTO sqlite_master VALUES ('table', 'elsewhere', 'elsewhere', 0,"
        " 'CREATE VIRTUAL TABLE elsewhere USING VirtualOGR(''/etc/passwd'')')"
    )
    connection.commit()
    connection.close()
    receipt = take(tmp_path, path)
    assert receipt.outcome == "refused"
    assert "root:" not in receipt.error


def test_columns_layers_and_values_that_are_sql_are_only_names(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "2025-01-11.gpkg", **{SQL: ["v"], "select": ["w"]})
    assert take(tmp_path, path).outcome == "stored"
    features = [
        {
            "type": "Feature",
            "properties": {"side": SQL, SQL: "held"},
            "geometry": box(36, 51, 36.2, 51.2).__geo_interface__,
        }
    ]
    other = tmp_path / "2025-01-12.geojson"
    other.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    columns = {"controller": "side", "status": SQL}
    receipt = take(tmp_path, other, date="2025-01-12", columns=columns)
    assert receipt.outcome == "stored", receipt.error
    archive = open_archive(tmp_path / "a.gpkg")
    assert archive.controllers() == ["X", SQL]
    assert len(archive.area("2025-01-12", controller=SQL)) == 1
    assert archive.series(controller=SQL, status="held")["area_km2"].iloc[-1] > 0
    with pytest.raises(Exception, match="DROP TABLE"):
        archive.area("2025-01-12", within=SQL)
    assert sqlite3.connect(archive.path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_somebody_elses_geopackage_is_no_archive_and_stays_as_it_is(tmp_path: Path) -> None:
    path = geopackage(tmp_path / "theirs.gpkg")
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match="no archive of geo-control"):
        open_archive(path).reader.snapshots()
    source = geopackage(tmp_path / "2025-01-11.gpkg")
    with pytest.raises(ArchiveError, match="no archive of geo-control"):
        import_files(path, "vector", source)
    assert path.read_bytes() == before


def test_other_peoples_tables_in_an_archive_are_left_alone(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD, tmp_path / "a.gpkg"))
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE theirs (x TEXT); INSERT INTO theirs VALUES ('keep');"
            'CREATE TABLE "select; --" (x TEXT); CREATE VIEW seen AS SELECT * FROM theirs;'
        )
    assert take(tmp_path, geopackage(tmp_path / "2025-02-11.gpkg"), date="2025-02-11").outcome == "stored"
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT x FROM seen").fetchall() == [("keep",)]
    assert connection.execute('SELECT count(*) FROM "select; --"').fetchone() == (0,)


def test_a_bomb_in_a_zip_stays_within_the_stated_memory(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", b" " * (300 << 20))
    (tmp_path / "map.kmz").write_bytes(out.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    receipt = take(tmp_path, tmp_path / "map.kmz")
    assert receipt.outcome == "refused"
    assert "limit" in receipt.error
    assert time.monotonic() - start < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 << 10


def test_an_address_in_a_file_or_as_a_file_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    path = tmp_path / "map_25_01_02.kml"
    path.write_text(
        "<kml><Document><NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>"
        "<Placemark><name>ru</name><styleUrl>http://127.0.0.1:9/s.kml#ru</styleUrl></Placemark></Document></kml>"
    )
    assert import_files(tmp_path / "a.gpkg", "uacontrolmap", path)[0].outcome == "refused"
    for name in (
        "http://127.0.0.1:9/a.geojson",
        "/vsicurl/http://127.0.0.1:9/a.gpkg",
        "zip+http://127.0.0.1:9/a.zip!b.shp",
    ):
        assert import_files(tmp_path / "a.gpkg", "vector", name)[0].outcome == "refused"


def test_damaged_pages_of_an_archive_end_in_words(tmp_path: Path) -> None:
    content = bytearray(OLD.read_bytes())
    path, found = tmp_path / "a.gpkg", 0
    for start in range(4096, len(content), 40960):
        damaged = bytearray(content)
        damaged[start : start + 2048] = b"\xa5" * 2048
        path.write_bytes(damaged)
        archive, refused = open_archive(path), 0
        for ask in (archive.snapshots, archive.series, archive.incidents, archive.units):
            try:
                ask()
            except GeoError as error:
                refused += path.name in str(error)
        found += bool(refused)
    assert found
