"""The field's own datasets of incidents: every row accounted for, nothing lost, and ACLED and UCDP out again."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.archive import open_archive
from geo.cli import main
from geo.importing.importer import Receipt, import_files
from geo.incidents.export import shaped
from geo.schema import INCIDENT_COLUMNS, INCIDENT_NUMBERS, Options
from geo.sources import event_datasets, isw, reader

FILES = {
    "acled": "acled/*.csv", "ucdp-ged": "ucdp_ged/*.csv", "viina": "viina_derived/*.csv",
    "eyes-on-russia": "eyes_on_russia/*.csv", "bellingcat": "bellingcat/*.json", "isw-events": "isw_events/*.zip",
    "mymaps": "google_mymaps_kml/*.kml",
}  # fmt: skip


@pytest.fixture(scope="module")
def taken(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Receipt]]:
    path = tmp_path_factory.mktemp("incidents") / "all.gpkg"
    receipts: dict[str, Receipt] = {}
    for source, pattern in FILES.items():
        files = sorted((shared / "incidents").glob(pattern))
        receipts |= {Path(r.file).name: r for r in import_files(path, source, files)}
    return path, receipts


def test_the_receipt_of_every_file_adds_up(taken: tuple[Path, dict[str, Receipt]]) -> None:
    path, receipts = taken
    assert len(receipts) == 16
    for receipt in receipts.values():
        assert receipt.outcome != "refused", receipt.error
        parts = receipt.rows_stored + receipt.rows_refused + receipt.rows_left_out + receipt.duplicates
        assert receipt.rows_in == parts, receipt.file
        if receipt.rows_refused:
            table = pd.read_csv(receipt.sidecar, dtype=str, keep_default_na=False)
            assert len(table) == receipt.rows_refused
            assert table["why"].ne("").all()
    assert len(open_archive(path).incidents()) == sum(r.rows_stored for r in receipts.values())


@pytest.mark.parametrize(
    ("file", "rows", "stored"),
    [
        ("acled_benin_2022_31cols.csv", 811, 811),
        ("acled_reduced_5cols.csv", 13584, 13584),
        ("ucdp_ged_23.1_sample1000.csv", 1000, 1000),
        ("VIINA_2022_EXACT_DEDUPE.csv", 639, 639),
        ("VIINA_2025_REBUILD.csv", 325, 325),
        ("events_maphub_2022.csv", 6650, 6634),
        ("bellingcat_incidents_2022_2026.json", 2514, 2511),
        ("export_events.json", 1159, 1158),
        ("osint_alarm_2024.kml", 73, 73),
        ("lastPoint.kml", 280, 0),
    ],
)
def test_so_many_rows_of_each_file_are_incidents(
    file: str, rows: int, stored: int, taken: tuple[Path, dict[str, Receipt]]
) -> None:
    receipt = taken[1][file]
    assert (receipt.rows_in, receipt.rows_stored) == (rows, stored)


def test_rows_of_a_source_are_refused_for_what_is_known_of_it(taken: tuple[Path, dict[str, Receipt]]) -> None:
    whys = [r.why for r in taken[1]["events_maphub_2022.csv"].refusals]
    # four rows without an id, four without a date, and of the seven ids that stand several times all but the first of each
    assert sum("no event id" in w for w in whys) == 4
    assert sum("no event date" in w for w in whys) == 4
    assert sum("used twice" in w for w in whys) == 8
    isw = [r for name, r in taken[1].items() if name.endswith(".zip")]
    assert sum(r.rows_in for r in isw) == 5158
    assert sum("no geometry" in x.why for r in isw for x in r.refusals) == 44
    assert list(taken[1]["lastPoint.kml"].left_out.values()) == [280]


def test_every_source_keeps_its_rows_word_for_word(taken: tuple[Path, dict[str, Receipt]], shared: Path) -> None:
    frame = open_archive(taken[0]).incidents(dataset=["eyes-on-russia", "bellingcat"])
    folder = shared / "incidents"
    with (folder / "eyes_on_russia" / "events_maphub_2022.csv").open(encoding="utf-8-sig", newline="") as stream:
        there = [*csv.DictReader(stream)]
    for path in sorted((folder / "bellingcat").glob("*.json")):
        there += json.loads(path.read_text(encoding="utf-8"))
    texts = {json.dumps(row, ensure_ascii=False) for row in there}
    assert set(frame["orig"]) <= texts


def rows_of(lines: Iterator[list[str]]) -> list[dict[str, str]]:
    header = next(lines)
    return [dict(zip(header, line, strict=True)) for line in lines]


def same(mine: str, theirs: str) -> bool:
    """Equal as text, or as numbers: whole numbers may be written as floats."""
    try:
        return mine == theirs or float(mine) == float(theirs)
    except ValueError:
        return False


SHAPES = {
    "acled": ("acled/acled_benin_2022_31cols.csv", "event_id_cnty", {"region", "timestamp"}),
    "ucdp-ged": (
        "ucdp_ged/ucdp_ged_23.1_sample1000.csv", "id",
        {"relid", "active_year", "code_status", "conflict_dset_id", "conflict_new_id", "conflict_name", "dyad_dset_id",
         "dyad_new_id", "dyad_name", "side_a_dset_id", "side_a_new_id", "side_b_dset_id", "side_b_new_id", "geom_wkt",
         "country_id", "region", "gwnoa", "gwnob"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("orig", [True, False], ids=["whole", "without orig"])
def test_a_file_exported_again_equals_the_original(shape: str, orig: bool, shared: Path, tmp_path: Path) -> None:
    file, key, unmapped = SHAPES[shape]
    path = shared / "incidents" / file
    import_files(tmp_path / "a.gpkg", shape, path)
    frame = open_archive(tmp_path / "a.gpkg").incidents()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        original = {r[key].removesuffix(".0"): r for r in csv.DictReader(stream)}
    out = rows_of(shaped(frame if orig else frame.assign(orig=None), shape))
    assert len(out) == len(original)
    assert list(out[0]) == event_datasets.COLUMNS[shape]["columns"] == list(next(iter(original.values())))
    for row in out:
        theirs = original[row[key].removesuffix(".0")]
        if orig:
            assert row == theirs
        else:
            assert [n for n in row if n not in unmapped and not same(row[n], theirs[n])] == []


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=9)
TEXTS = WORDS.filter(lambda t: t not in ("NA", "#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!") and t[0] not in "'\"")
COUNTS = st.none() | st.integers(0, 900).map(float)


@st.composite
def incidents(draw: st.DrawFn) -> dict[str, Any]:
    """An incident with everything that a briefing may say, and with gaps."""
    text = {n: draw(st.none() | TEXTS) for n in ("claimed_by", "verification", "source", "source_article", "notes",
            "source_headline", "actor1", "adm_1", "country", "event_type", "tags", "lang", "where_description")}  # fmt: skip
    number = {n: draw(COUNTS) for n in ("low", "best", "high", "injured_low", "injured_high", "captured")}
    prec = draw(st.none() | st.integers(1, 7).map(float))
    place = {"latitude": draw(st.floats(-89, 89)), "longitude": draw(st.floats(1, 179)), "where_prec": prec}
    date = {"date_start": "2025-01-11", "date_end": draw(st.sampled_from(["2025-01-11", "2025-01-13"])),
            "date_prec": draw(st.none() | st.integers(1, 5).map(float))}  # fmt: skip
    return {**text, **number, **place, **date, "uncertainty_km": draw(st.none() | st.floats(0, 300))}


def frame_of(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    whole = [dict.fromkeys(INCIDENT_COLUMNS) | r | {"event_id": f"E{n}"} for n, r in enumerate(rows)]
    frame = pd.DataFrame(whole, columns=list(INCIDENT_COLUMNS), dtype=object)
    frame = frame.astype(dict.fromkeys(INCIDENT_NUMBERS, float))
    points = shapely.points(frame["longitude"].to_numpy(), frame["latitude"].to_numpy())
    return gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")


@pytest.mark.parametrize("shape", ["acled", "ucdp-ged"])
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(incidents(), min_size=1, max_size=4))
def test_what_is_known_survives_the_round_trip(
    shape: str, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("trip") / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(shaped(frame_of(rows), shape))
    back = reader(shape).read(path, Options())
    assert back.refusals == ()
    for row, mine in zip(rows, back.frame.to_dict("records"), strict=True):
        for name, value in row.items():
            found = None if mine[name] != mine[name] else mine[name]
            assert found == value, (name, value, found)


def test_in_the_shape_of_acled_a_claim_and_its_range_are_tags(tmp_path: Path) -> None:
    row = {"date_start": "2025-01-11", "date_end": "2025-01-11", "latitude": 51.2, "longitude": 35.3, "low": 1.0,
           "best": 2.0, "high": 3.0, "claimed_by": "General Staff; Ukraine", "where_prec": 4.0}  # fmt: skip
    (out,) = rows_of(shaped(frame_of([row]), "acled"))
    assert (out["fatalities"], out["geo_precision"], out["event_date"]) == ("2", "3", "11 January 2025")
    assert out["tags"] == "geo:claimed_by=General Staff%3B Ukraine; geo:where_prec=4; geo:low=1; geo:high=3"


def test_exports_defuse_formulas_and_reading_takes_that_back(tmp_path: Path) -> None:
    row = {"date_start": "2025-01-11", "latitude": 51.2, "longitude": -35.3, "notes": "=1+1", "source": "@reporter"}
    (out,) = rows_of(shaped(frame_of([row]), "acled"))
    assert (out["notes"], out["source"], out["longitude"], out["admin1"]) == ("'=1+1", "@reporter", "-35.3", "NA")
    (raw,) = rows_of(shaped(frame_of([row]), "acled", raw=True))
    assert raw["notes"] == "=1+1"
    path = tmp_path / "out.csv"
    path.write_text(",".join(out) + "\n" + ",".join(f'"{v}"' for v in out.values()) + "\n")
    assert event_datasets.ACLED.read(path, Options()).frame["notes"].tolist() == ["=1+1"]


def test_an_id_made_from_what_a_row_says_stays_when_others_come_and_go(tmp_path: Path) -> None:
    row = (
        '{"date":"2025-01-0%d","location":null,"description":"%s","sources":["https://a"],"latitude":50,"longitude":30}'
    )
    ids = []
    for listed in (["a", "b"], ["c", "a", "b", "b"]):
        path = tmp_path / "list.json"
        path.write_text("[" + ",".join(row % (1, text) for text in listed) + "]")
        frame = event_datasets.BELLINGCAT.read(path, Options()).frame
        ids.append(dict(zip(frame["event_id"], frame["notes"], strict=True)))
    assert ids[0].items() <= ids[1].items()
    assert len(ids[1]) == 4  # two rows that say the same are two rows
    assert sum(key.endswith("-2") for key in ids[1]) == 1


def test_both_shapes_of_bellingcat_are_read(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(
        '[{"id":"CIV1","date":"2/4/2022","time":"","location":"Uman","latitude":"48.7","longitude":"30.2","description":"x",'
        '"sources":["src_exists_1","src_exists_2"],"associations":["asc1"],"graphic":"TRUE"},7]'
    )
    rows = event_datasets.BELLINGCAT.read(path, Options())
    wanted = ["event_id", "date_start", "latitude", "number_of_sources", "source_article", "tags"]
    assert rows.frame[wanted].values.tolist() == [["CIV1", "2022-02-04", 48.7, 2, None, "asc1"]]
    assert (rows.rows_in, rows.refusals[0].why) == (2, "a int, no object: write {…} for each event")


def test_groups_of_eyes_on_russia_lose_their_period(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    groups = [
        "Bombing or Explosion Feb - June",
        "Civilian Infrastructure Damage March 2022",
        "Civilian Casualty",
        "May Day",
    ]
    lines = [f"U{n},2022-03-01,{g},50,30" for n, g in enumerate(groups)]
    path.write_text("entry,date,event_group,lat,lon\n" + "\n".join(lines) + "\n")
    types = event_datasets.EYES_ON_RUSSIA.read(path, Options()).frame["event_type"].tolist()
    assert types == ["Bombing or Explosion", "Civilian Infrastructure Damage", "Civilian Casualty", "May Day"]


def layer_zip(path: Path, folder: Path, name: str, rows: list[dict[str, Any]], points: list[Any]) -> Path:
    frame = gpd.GeoDataFrame(rows, geometry=points, crs="EPSG:4326").to_crs("EPSG:3857")
    frame.to_file(folder / f"{name}.shp")
    with zipfile.ZipFile(path, "w") as archive:
        for each in folder.iterdir():
            archive.write(each, each.name)
    return path


def test_the_next_edition_of_a_layer_has_the_same_ids(tmp_path: Path) -> None:
    found = []
    for day, extra in (("April 27, 2026", []), ("April 28, 2026", [(2.0, "2026-04-27")])):
        folder = tmp_path / day
        folder.mkdir()
        listed = [(1.0, "2026-04-26"), *extra, (0.0, "2026-04-26")]
        rows = [{"event_id": i, "strikedate": d, "time": "1899-12-30", "actor": "UNK", "sources": "#REF!",
                 "event_type": "Confirmed Airstrike", "coord_type": "general town"} for i, d in listed]  # fmt: skip
        points = [shapely.Point(51.4, 35.7)] * len(rows)
        path = layer_zip(tmp_path / f"{day}.zip", folder, f"Strikes in X Evening of {day}", rows, points)
        found.append(isw.read_events(path, Options()))
    assert found[0].frame["event_id"].tolist() == ["strikes-in-x-1"]
    assert found[1].frame["event_id"].tolist() == ["strikes-in-x-1", "strikes-in-x-2"]
    row = found[0].frame.iloc[0]
    assert (row["actor1"], row["source_article"], row["verification"]) == (None, None, "verified")
    assert (row["where_prec"], row["uncertainty_km"], row["date_start"]) == (1, 5, "2026-04-26")
    assert (round(row["latitude"], 6), round(row["longitude"], 6)) == (35.7, 51.4)
    assert [r.why for r in found[0].refusals] == ["no event id (0)"]


KML = """<kml><Document><name>Strikes 2024</name>{}</Document></kml>"""
MARK = """<Placemark><name>{}</name><description>{}</description>{}<Point><coordinates>30.5,50.4</coordinates></Point></Placemark>"""


@pytest.mark.parametrize(
    ("name", "description", "more", "date"),
    [
        ("7 июня, depot", "x", "<TimeStamp><when>2024-08-09T10:00Z</when></TimeStamp>", "2024-08-09"),
        ("7 июня, depot", "x", "", "2024-06-07"),
        ("depot", "on 2023-05-04&lt;br&gt;fire", "", "2023-05-04"),
        ("depot", "x", '<ExtendedData><Data name="Дата"><value>2024.01.23</value></Data></ExtendedData>', "2024-01-23"),
    ],
)
def test_a_placemark_is_dated_by_the_plainest_word_there_is(
    name: str, description: str, more: str, date: str, tmp_path: Path
) -> None:
    path = tmp_path / "map.kml"
    path.write_text(KML.format(MARK.format(name, description, more)), encoding="utf-8")
    (row,) = event_datasets.MYMAPS.read(path, Options()).frame.to_dict("records")
    assert row["date_start"] == date
    assert row["where_coordinates"] == name


@pytest.mark.parametrize("shape", ["<Point></Point>", "<MultiGeometry><Point></Point><Point></Point></MultiGeometry>"])
def test_a_point_without_a_place_is_refused_by_row(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "map.kml"
    mark = MARK.format("1 May", "Fire", "")
    path.write_text(KML.format(mark + re.sub("<Point>.*</Point>", shape, mark)), encoding="utf-8")
    receipt = import_files(tmp_path / "a.gpkg", "mymaps", path)[0]
    assert (receipt.rows_in, receipt.rows_stored, receipt.rows_refused) == (2, 1, 1)


def test_where_units_stand_is_no_incident_unless_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "map.kml"
    position = '<ExtendedData><Data name="позиция"><value>A</value></Data><Data name="date"><value>2024-01-02</value></Data></ExtendedData>'
    html = "&lt;b&gt;Fire&lt;/b&gt;&lt;br&gt;see https://a.example/1"
    path.write_text(KML.format(MARK.format("1 May", html, "") + MARK.format("p", "", position)), encoding="utf-8")
    rows = event_datasets.MYMAPS.read(path, Options())
    assert (rows.rows_in, len(rows.frame), sum(rows.left_out.values())) == (2, 1, 1)
    row = rows.frame.iloc[0]
    assert (row["notes"], row["source_article"]) == ("Fire \nsee https://a.example/1", "https://a.example/1")
    assert len(event_datasets.MYMAPS.read(path, Options(accept=frozenset({"positions"}))).frame) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1251"])
def test_another_encoding_is_named_and_then_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text(
        f"id,event_date,place,latitude,longitude\n1,2025-01-11,{'Ärzte' if encoding == 'latin-1' else 'Курск'},51,36\n",
        encoding=encoding,
    )
    (refused,) = import_files(tmp_path / "a.gpkg", "incidents", path)
    assert refused.outcome == "refused"
    assert "--encoding" in refused.error
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents", path, encoding=encoding)
    assert (receipt.rows_in, receipt.rows_stored) == (1, 1)


def test_refused_rows_come_back_as_their_file_had_them(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text(
        "id,event_date,place,latitude,longitude,notes\n1,2025-01-11,A,51,36,x\n2,2025-01-11,B,0,0,=1+1\n3,,,,,\n"
    )
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents", path)
    table = pd.read_csv(receipt.sidecar, dtype=str, keep_default_na=False)
    assert list(table)[3:] == ["id", "event_date", "place", "latitude", "longitude", "notes"]
    assert set(table["notes"]) == {"'=1+1", ""}
    mended = tmp_path / "mended.csv"
    mended.write_text(Path(receipt.sidecar).read_text(encoding="utf-8-sig").replace("B,0,0", "B,51.5,36.5"))
    (again,) = import_files(tmp_path / "a.gpkg", "incidents", mended)
    assert (again.rows_in, again.rows_stored) == (2, 1)
    assert set(open_archive(tmp_path / "a.gpkg").incidents()["notes"].dropna()) == {"x", "=1+1"}


def test_points_elsewhere_in_the_world_are_not_taken_for_swapped(tmp_path: Path) -> None:
    head = "id,event_date,latitude,longitude\n"
    caucasus = "1,2025-01-11,40.48,44.29\n2,2025-01-11,10.1,2.5\n3,2025-01-11,9.4,44.1\n"
    path = tmp_path / "i.csv"
    path.write_text(head + caucasus)
    (receipt,) = import_files(tmp_path / "a.gpkg", "incidents", path)
    assert receipt.rows_stored == 3
    rows = "1,2025-01-11,40.48,44.29\n2,2025-01-11,50.4,30.5\n3,2025-01-11,51.7,36.2\n4,2025-01-11,50.1,33.2\n"
    path.write_text(head + rows + "5,2025-01-11,36.2,51.7\n")
    (receipt,) = import_files(tmp_path / "b.gpkg", "incidents", path)
    assert [r.row for r in receipt.refusals] == [5]
    assert "swapped" in receipt.refusals[0].why
    assert any("row 1: it lies at 44.29° E 40.48° N" in note for note in receipt.notes)


# -- asked for ------------------------------------------------------------------------------------------------------

DESK = """event_id,date_start,date_end,where_coordinates,latitude,longitude,event_type,sub_event_type,verification,best
1,2025-01-10,,Kursk,51.73,36.19,Battles,Armed clash,verified,2
2,2025-01-11,2025-01-13,Kyiv,50.45,30.52,Explosions/Remote violence,Air/drone strike,,
3,2025-01-14,,Sudzha,51.19,35.27,Battles,Armed clash,unverified,0
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    path = tmp_path / "desk.csv"
    path.write_text(DESK)
    import_files(tmp_path / "desk.gpkg", "incidents", path)
    return tmp_path / "desk.gpkg"


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({}, "123"), ({"event_type": "battles"}, "13"), ({"event_type": ["Armed clash", "Air/drone strike"]}, "123"),
        ({"verification": "not stated"}, "2"), ({"within": "Kursk"}, "13"), ({"dataset": "acled"}, ""),
        ({"from_": "2025-01-12", "to": "2025-01-13"}, "2"), ({"to": "2025-01-10", "within": "RU-KRS"}, "1"),
        ({"within": shapely.box(30, 50, 31, 51)}, "2"),
    ],
)  # fmt: skip
def test_incidents_are_found_by_date_place_type_and_verification(asked: dict[str, Any], ids: str, desk: Path) -> None:
    assert "".join(open_archive(desk).incidents(**asked)["event_id"]) == ids


def test_dates_and_boxes_are_found_by_index(desk: Path) -> None:
    store = open_archive(desk).store
    with store.reading() as connection:
        for where in (
            "coalesce(date_end, date_start) >= '2025'",
            "date_start <= '2025'",
            "dataset = 'x' AND event_id = '1'",
        ):
            plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT fid FROM incidents WHERE {where}").fetchall()
            assert re.search("USING (COVERING )?INDEX", plan[0][-1]), (where, plan)


def run(*words: Any) -> str:
    result = CliRunner().invoke(main, ["incidents", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_verb_writes_every_format(desk: Path, tmp_path: Path) -> None:
    assert "Sudzha" in run(desk)
    assert [r["event_id"] for r in csv.DictReader(io.StringIO(run(desk, "--type", "Battles", "--format", "csv")))] == [
        "1",
        "3",
    ]
    assert json.loads(run(desk, "--format", "json"))["rows"][1]["best"] is None
    features = json.loads(run(desk, "--format", "geojson"))["features"]
    assert features[2]["geometry"] == {"type": "Point", "coordinates": [35.27, 51.19]}
    assert "best" not in features[1]["properties"]
    for shape, columns in (("acled", 31), ("ucdp-ged", 49)):
        lines = list(csv.reader(io.StringIO(run(desk, "--format", shape))))
        assert len(lines) == 4
        assert len(lines[0]) >= columns
    out = tmp_path / "out.csv"
    assert run(desk, "--format", "csv", "-o", out) == ""
    import_files(tmp_path / "again.gpkg", "incidents", out)
    again = open_archive(tmp_path / "again.gpkg").incidents()
    before = open_archive(desk).incidents()
    kept = [c for c in INCIDENT_COLUMNS if c != "orig"]
    pd.testing.assert_frame_equal(pd.DataFrame(again[kept]), pd.DataFrame(before[kept]))
