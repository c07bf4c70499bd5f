"""Several dates in one file are several snapshots, or refused; never one map in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from geo.archive import open_archive
from geo.importing.importer import Receipt, import_files

A = [[37, 48], [37.5, 48], [37.5, 48.3], [37, 48.3], [37, 48]]
B = [[38, 48], [38.5, 48], [38.5, 48.3], [38, 48.3], [38, 48]]
SQUARE = 1241.06
HELD = {"controller": "RU", "status": "held"}


def ms(day: int) -> int:
    return int(datetime(2024, 11, day, tzinfo=UTC).timestamp() * 1000)


def geojson(path: Path, *rows: Mapping[str, Any]) -> Path:
    listed = [
        {"type": "Feature", "properties": dict(r), "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for r, ring in zip(rows, [A, B, A, B], strict=False)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}))
    return path


def kml(path: Path, *times: str) -> Path:
    marks = "".join(
        f"<Placemark><name>Russian control</name>{time}<Polygon><outerBoundaryIs><LinearRing><coordinates>"
        f"{' '.join(f'{x},{y},0' for x, y in ring)}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for time, ring in zip(times, (A, B), strict=False)
    )
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{marks}</Document></kml>')
    return path


def stored(tmp_path: Path, source: str, path: Path, **options: Any) -> Receipt:
    (receipt,) = import_files(tmp_path / "a.gpkg", source, path, **options)
    return receipt


def km2(tmp_path: Path, day: str) -> float:
    table = open_archive(tmp_path / "a.gpkg").area(day)
    return float(table.loc[table["status"] == "held", "area_km2"].sum())


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("date", ("2024-11-10", "2024-11-11")), ("datetime", (ms(10), ms(11))), ("pub_date", ("20241110", "20241111")),
        ("depicts", ("10.11.2024", "11.11.2024")), ("timestamp", ("2024-11-10T00:00Z", "2024-11-11T00:00Z")),
        ("event_date", ("2024/11/10", "2024/11/11")), ("valid_from", ("10 November 2024", "11 November 2024")),
        ("begin", ("10.11.24", "11.11.24")), ("DATE", ("2024-11-10T00:00:00+02:00", "2024-11-11T00:00:00+02:00")),
    ],
)  # fmt: skip
def test_several_dates_are_several_snapshots(column: str, values: tuple[Any, Any], tmp_path: Path) -> None:
    path = geojson(tmp_path / "map.geojson", *({**HELD, column: value} for value in values))
    receipt = stored(tmp_path, "vector", path)
    assert receipt.error == ""
    assert len(receipt.snapshots) == 2
    assert [km2(tmp_path, f"2024-11-{day}") for day in (10, 11)] == pytest.approx([SQUARE, SQUARE], abs=0.01)


@pytest.mark.parametrize("column", ["datetime", "date", "pub_date"])
@pytest.mark.parametrize("form", ["epoch", "iso"])
def test_the_time_lapse_layers_of_isw(column: str, form: str, tmp_path: Path) -> None:
    values = [ms(day) if form == "epoch" else f"2024-11-{day}" for day in (10, 11)]
    path = geojson(tmp_path / "lapse.geojson", *({"Name": "Assessed", column: value} for value in values))
    receipt = stored(tmp_path, "isw", path, part="control")
    assert len(receipt.snapshots) == 2
    assert km2(tmp_path, "2024-11-11") == pytest.approx(SQUARE, abs=0.01)


@pytest.mark.parametrize("column", ["as_of", "day_shown", "map_date", "WhenSeen", "дата"])
@pytest.mark.parametrize("source", ["vector", "isw"])
def test_a_column_of_dates_beside_a_dated_name_is_refused(column: str, source: str, tmp_path: Path) -> None:
    rows = [{**HELD, column: value} for value in ("2024-11-10", "2024-11-11")]
    path = geojson(tmp_path / "control_map_2024-11-12.geojson", *rows)
    receipt = stored(tmp_path, source, path)
    assert receipt.outcome == "refused"
    assert f"--column date={column}" in receipt.error
    assert len(stored(tmp_path, source, path, columns={"date": column}).snapshots) == 2


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("t", ("2024-11-10", "2024-11-11")), ("period", ("10 November 2024", "11 November 2024")),
        ("snapshot", ("20241110", "20241111")), ("epoch", (1731196800, 1731283200)), ("year", (2023, 2024)),
        ("Week", ("2024-W45", "2024-W46")), ("name", ("Control 10.11.2024", "Control 11.11.2024")),
        ("x", (1731196800000, 1731283200000)), ("місяць", ("10", "11")), ("day", (10, 11)), ("period", ("2024-11", "2024-12")),
        ("Date_UTC", ("11/10/2024", "11/13/2024")), ("Day", ("10.11", "11.11")), ("timeslot", ("10/11/24", "11/11/24")),
    ],
)  # fmt: skip
def test_a_column_of_dates_is_known_by_its_cells(column: str, values: tuple[Any, Any], tmp_path: Path) -> None:
    path = geojson(tmp_path / "map_2024-11-12.geojson", *({**HELD, column: value} for value in values))
    receipt = stored(tmp_path, "vector", path)
    assert receipt.outcome == "refused"
    assert f"{column!r} holds 2 dates" in receipt.error
    assert len(stored(tmp_path, "vector", path, date="2024-11-12").snapshots) == 1


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("captured_on", ("2024-11-10", "2024-11-11")), ("since", ("2024-11-10", "2024-11-11")),
        ("id", ("1731196", "1731283")), ("name", ("Sector 1", "Sector 2")), ("note", ("10 November 2024", "quiet")),
        ("area_km2", ("20241.5", "20242.5")), ("t", ("2024-11-10", "2024-11-10")),
    ],
)  # fmt: skip
def test_other_columns_are_no_dates_of_the_map(column: str, values: tuple[Any, Any], tmp_path: Path) -> None:
    path = geojson(tmp_path / "map_2024-11-12.geojson", *({**HELD, column: value} for value in values))
    assert len(stored(tmp_path, "vector", path).snapshots) == 1


FOLDERS = {"folder": "<name>{0}</name>", "time": "<name>x</name><TimeStamp><when>{0}</when></TimeStamp>"}


@pytest.mark.parametrize("kind", FOLDERS)
def test_folders_of_several_days_are_no_one_map(kind: str, tmp_path: Path) -> None:
    ring = "<coordinates>35,51 36,51 36,52 35,52 35,51</coordinates>"
    area = f"<Polygon><outerBoundaryIs><LinearRing>{ring}</LinearRing></outerBoundaryIs></Polygon>"
    days = ("2024-11-10", "2024-11-11")
    marks = (
        f"<Folder>{FOLDERS[kind].format(d)}<Placemark><name>Russian control</name>{area}</Placemark></Folder>"
        for d in days
    )
    path = tmp_path / "map 2024-11-12.kml"
    path.write_text(f"<kml><Document>{''.join(marks)}</Document></kml>")
    receipt = stored(tmp_path, "uacontrolmap", path)
    assert len(receipt.snapshots) == (2 if kind == "time" else 0)
    assert receipt.outcome == "stored" or "'folder' holds 2 dates" in receipt.error


def test_an_end_without_a_beginning_is_refused_in_words(tmp_path: Path) -> None:
    area = "<Polygon><outerBoundaryIs><LinearRing><coordinates>35,51 36,51 36,52 35,51</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    span = "<TimeSpan><end>2025-01-12</end></TimeSpan>"
    path = tmp_path / "m.kml"
    path.write_text(f"<kml><Document><Placemark><name>Russian control</name>{span}{area}</Placemark></Document></kml>")
    assert "no date" in stored(tmp_path, "uacontrolmap", path).error


def test_dates_of_editing_and_a_date_given_keep_one_map(tmp_path: Path) -> None:
    rows = [{**HELD, "EditDate": value, "day_shown": value} for value in ("2024-11-10", "2024-11-11")]
    edited = [{key: value for key, value in row.items() if key != "day_shown"} for row in rows]
    assert len(stored(tmp_path, "vector", geojson(tmp_path / "2024-11-12.geojson", *edited)).snapshots) == 1
    receipt = stored(tmp_path, "vector", geojson(tmp_path / "map.geojson", *rows), date="2024-11-13")
    assert len(receipt.snapshots) == 1
    assert any("'day_shown' holds 2 dates" in note for note in receipt.notes)


INTERVALS = (("2025-01-10", "2025-01-20"), ("2025-01-12", "2025-01-14"))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("valid_from", "valid_to"), ("begin", "end"), ("date_from", "date_to"), ("start_date", "end_date"),
        ("date", "until"), ("Valid From", "Valid Until"), ("validFrom", "validTo"), ("VALID-FROM", "VALID-TO"),
        ("from", "to"), ("von", "bis"), ("od", "do"), ("від", "до"), ("с", "по"), ("Начало", "Конец"),
        ("Дата початку", "Дата завершення"), ("start", "expires"), ("desde", "hasta"), ("Gültig ab", "Gültig bis"),
    ],
)  # fmt: skip
def test_ends_are_honoured(first: str, last: str, tmp_path: Path) -> None:
    rows = [{**HELD, first: begin, last: end} for begin, end in INTERVALS]
    check_intervals(tmp_path, stored(tmp_path, "vector", geojson(tmp_path / "m.geojson", *rows)))


@pytest.mark.parametrize("end", ["present", "ongoing", "9999-12-31", "", "нині", "по н.в."])
def test_an_end_that_has_not_come_is_none(end: str, tmp_path: Path) -> None:
    rows = [{**HELD, "valid_from": "2025-01-10", "valid_to": last} for last in (end, "2025-01-14")]
    receipt = stored(tmp_path, "vector", geojson(tmp_path / "m.geojson", *rows))
    assert receipt.error == ""
    found = [km2(tmp_path, day) for day in ("2025-01-11", "2025-01-16", "2026-01-01")]
    assert found == pytest.approx([2 * SQUARE, SQUARE, SQUARE], abs=0.01)


def test_a_column_that_may_hold_ends_is_told_with_the_option_that_reads_it(tmp_path: Path) -> None:
    rows = [{**HELD, "date": begin, "vacated": end} for begin, end in INTERVALS]
    path = geojson(tmp_path / "m.geojson", *rows)
    receipt = stored(tmp_path, "vector", path)
    assert any("'vacated' is not read: if rows end on its dates, say --column end=vacated" in n for n in receipt.notes)
    check_intervals(tmp_path, stored(tmp_path, "vector", path, columns={"end": "vacated"}))
    rows = [{**HELD, "date": "2025-01-11", "to": "UA", "from": "RU", "updated": "2025-02-01"}]
    receipt = stored(tmp_path, "vector", geojson(tmp_path / "n.geojson", *rows))
    assert (receipt.outcome, receipt.notes) == ("stored", ())
    receipt = stored(tmp_path, "vector", path, columns={"end": "vacated"}, date="2025-01-30")
    assert "ends of rows are not read: --date says the day of all" in receipt.notes


@pytest.mark.parametrize("source", ["vector", "uacontrolmap"])
def test_time_spans_of_kml_are_intervals(source: str, tmp_path: Path) -> None:
    spans = [f"<TimeSpan><begin>{begin}</begin><end>{end}</end></TimeSpan>" for begin, end in INTERVALS]
    constants = HELD if source == "vector" else {}
    check_intervals(tmp_path, stored(tmp_path, source, kml(tmp_path / "m.kml", *spans), constants=constants))


def check_intervals(tmp_path: Path, receipt: Receipt) -> None:
    assert receipt.error == ""
    found = [km2(tmp_path, f"2025-01-{day}") for day in (11, 13, 16, 25)]
    assert found == pytest.approx([SQUARE, 2 * SQUARE, SQUARE, 0], abs=0.01)
    assert any("until its end" in note for note in receipt.notes)


@pytest.mark.parametrize("source", ["vector", "uacontrolmap"])
def test_time_stamps_of_kml_are_snapshots(source: str, tmp_path: Path) -> None:
    stamps = [f"<TimeStamp><when>2024-11-{day}</when></TimeStamp>" for day in (10, 11)]
    constants = HELD if source == "vector" else {}
    receipt = stored(tmp_path, source, kml(tmp_path / "m.kml", *stamps), constants=constants)
    assert len(receipt.snapshots) == 2
    assert km2(tmp_path, "2024-11-11") == pytest.approx(SQUARE, abs=0.01)


@pytest.mark.parametrize("day", ["0025-01-10", "1527-01-10"])
def test_a_year_of_long_ago_is_refused_for_control_and_incidents(day: str, tmp_path: Path) -> None:
    receipt = stored(tmp_path, "vector", geojson(tmp_path / "m.geojson", {**HELD, "date": day}))
    assert receipt.outcome == "refused"
    assert day[:4] in receipt.error
    path = tmp_path / "i.csv"
    path.write_text(f"id,event_date,latitude,longitude\n1,{day},48.1,37.2\n2,2025-01-10,48.1,37.2\n")
    receipt = stored(tmp_path, "incidents", path)
    assert [r.row for r in receipt.refusals] == [1]
    assert stored(tmp_path, "vector", path.parent / "m.geojson", date="1936-07-18").outcome == "stored"
    receipt = stored(tmp_path, "isw", geojson(tmp_path / "c.geojson", HELD), part="control", date="2012-01-01")
    assert "before 2022-02-23" in receipt.error


def test_midnight_in_a_local_zone_is_one_day_for_control_and_incidents(tmp_path: Path) -> None:
    local = "2025-01-11T00:00:00+02:00"
    stored(tmp_path, "vector", geojson(tmp_path / "m.geojson", {**HELD, "date": local}))
    path = tmp_path / "i.csv"
    path.write_text(f"id,event_date,latitude,longitude\n1,{local},48.1,37.2\n")
    stored(tmp_path, "incidents", path)
    archive = open_archive(tmp_path / "a.gpkg")
    assert archive.reader.snapshots()["depicts"].tolist() == ["2025-01-11T00:00:00.000Z"]
    assert archive.incidents()["date_start"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-11"]


def test_six_digits_are_a_date_by_a_stated_form_alone(tmp_path: Path) -> None:
    path = geojson(tmp_path / "m.geojson", {**HELD, "date": "241110"})
    assert "--date-format" in stored(tmp_path, "vector", path).error
    assert stored(tmp_path, "vector", path, date_format="%y%m%d").snapshots == ("vector@2024-11-10",)
    table = tmp_path / "i.csv"
    table.write_text("id,event_date,latitude,longitude\n1,241110,48.1,37.2\n")
    assert stored(tmp_path, "incidents", table).outcome == "refused"
    assert stored(tmp_path, "incidents", table, date_format="%y%m%d").rows_stored == 1
