"""Rules against harm: nothing newer than the embargo and no exact place comes out, in any output's bytes."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box
from test_archive import DAY0, archive, put, state  # noqa: F401
from test_maps import unpacked as page_block

import geo
from geo.archive import Archive, open_archive
from geo.archive import safety_rules as rules
from geo.archive.safety_rules import WITHHELD, Rule, released, rule_of
from geo.cli import main
from geo.errors import NoSnapshotError, UsageError
from geo.importing.importer import ensure_units
from geo.presentation.statuses import NO_DOUBT
from geo.schema import INCIDENT_COLUMNS, INCIDENT_NUMBERS
from geo.storage import layout
from geo.storage.snapshots import next_instant

LAT, LON = 51.197312, 35.272184
NOTE = (
    "Struck at 51.197312, 35.272184 (51°11'50\"N 35°16'19\"E; 51.1973 / 35.2722; MGRS 36U XC 58821 74521; 8GX5W7WC+WV;"
    " ///filled.count.soap) https://www.google.com/maps/@51.197312,35.272184,15z killing 12 of 1,200 on 11.01.2025"
)
SECRETS = (
    b"51.19731", b"35.27218", b"51.1973", b"35.2722", b"51.197", b"35.272", "51°11".encode(), b"58821", b"8GX5W7WC",
    b"filled.count", b"maps/@", b"Secretove", b"SECRET-ORIG",
)  # fmt: skip


def incidents(*rows: dict[str, object]) -> gpd.GeoDataFrame:
    plain = [dict.fromkeys(INCIDENT_COLUMNS) | row for row in rows]
    frame = pd.DataFrame(plain, columns=list(INCIDENT_COLUMNS), dtype=object)
    for column in INCIDENT_NUMBERS:
        frame[column] = frame[column].astype(float)
    points = [Point(float(r["longitude"]), float(r["latitude"])) for r in rows]  # type: ignore[arg-type]
    return gpd.GeoDataFrame(frame, geometry=points, crs="EPSG:4326")


def exact(**more: object) -> dict[str, object]:
    return {
        "event_id": "a1", "date_start": "2025-01-11", "date_end": "2025-01-11", "latitude": LAT, "longitude": LON,
        "where_prec": 1, "geo_precision": 1, "uncertainty_km": 0.2, "where_coordinates": "Secretove",
        "where_description": "yard of the school, Secretove", "adm_1": "Kursk Oblast", "country": "Russia",
        "event_type": "Explosions", "sub_event_type": "Shelling", "notes": NOTE, "best": 3,
        "source": "A reporter", "orig": json.dumps({"lat": LAT, "lon": LON, "note": "SECRET-ORIG"}),
    } | more  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Archive:
    opened = open_archive(tmp_path / "d.gpkg")
    ensure_units(opened)
    day = datetime(2025, 1, 10, tzinfo=UTC)
    put(
        opened,
        day,
        state(("X", "held", "n", box(34.8, 50.9, 35.4, 51.3)), ("Y", "held", "n", box(33.5, 50, 34.2, 50.6))),
    )
    put(opened, day + timedelta(days=1), state(("X", "held", "n", box(34.9, 50.9, 35.6, 51.3))))
    with opened.store.writing() as connection:
        rows = incidents(exact(), exact(event_id="a2", event_type="Protests", sub_event_type="March"))
        opened.store.put_incidents(connection, rows, "reports", next_instant(connection))
    return opened


def unpacked(path: Path) -> bytes:
    """Everything in a file that a reader could get at: zipped members and packed blocks too."""
    data = path.read_bytes()
    if path.suffix in (".docx", ".pptx"):
        with ZipFile(path) as parts:
            return b"\n".join(parts.read(n) for n in parts.namelist())
    for block in re.findall(rb'"([A-Za-z0-9+/]{80,}={0,2})"', data):
        try:
            data += zlib.decompress(base64.b64decode(block), -15)
            data += json.dumps(page_block(block.decode())).encode()
        except (zlib.error, ValueError, AssertionError):
            continue
    return data


def tables(desk: Archive, folder: Path) -> list[Path]:
    folder.mkdir()
    frame = desk.incidents()
    (folder / "i.csv").write_text(frame.to_csv(), encoding="utf-8")
    (folder / "i.geojson").write_text(frame.to_json(default=str), encoding="utf-8")
    frame.to_file(folder / "i.gpkg", layer="incidents")
    page = geo.draw_map(desk, "2025-01-11", since="2025-01-10", with_front=False, draw_basemap=False)
    for form in ("csv", "json", "geojson", "acled", "ucdp-ged"):
        done = CliRunner().invoke(main, ["incidents", str(desk.path), "--format", form])
        assert done.exit_code == 0, done.output
        (folder / f"verb.{form}").write_text(done.stdout, encoding="utf-8")
    verbs = sorted(folder.glob("verb.*"))
    return [*verbs, folder / "i.csv", folder / "i.geojson", folder / "i.gpkg", geo.save_map(page, folder / "map.html")]


def all_outputs(desk: Archive, folder: Path) -> list[Path]:
    day = "2025-01-11"
    with desk.holding():
        written = tables(desk, folder)
        written.append(geo.save_map(geo.draw_dates(desk, "2025-01-10", day, draw_basemap=False), folder / "dates.html"))
        for ending in ("svg", "png"):
            written.append(geo.draw_picture(desk, day, folder / f"p.{ending}", inset=False, draw_basemap=False))
        for ending in ("html", "docx", "pptx"):
            written += geo.draw_brief(desk, day, folder / f"b.{ending}")
    return written


def leaks(path: Path) -> list[bytes]:
    data = unpacked(path)
    return [s for s in (*SECRETS, np.float64(LAT).tobytes(), np.float64(LON).tobytes()) if s in data]


@pytest.mark.long
@pytest.mark.parametrize(("to", "written"), [("grid:5km", all_outputs), ("settlement", tables)])
def test_no_exact_place_leaks_in_any_output(desk: Archive, tmp_path: Path, to: str, written: Any) -> None:
    before = {secret for path in tables(desk, tmp_path / "plain") for secret in leaks(path)}
    assert len(before) == len(SECRETS) + 2, "the test must be able to fail"
    desk.set_rule("coarsen", to)
    assert desk.incidents()["notes"].isna().all()
    desk.set_rule("release", "notes")
    assert {path.name: leaks(path) for path in written(desk, tmp_path / "coarse") if leaks(path)} == {}
    assert "coarsened on purpose" in (tmp_path / "coarse" / "map.html").read_text(encoding="utf-8")
    assert "12 of 1,200 on 11.01.2025" in desk.incidents()["notes"].iloc[0]
    raw = open_archive(desk.path, raw=True).incidents()
    assert raw["latitude"].tolist() == [LAT, LAT]


def test_what_lies_inside_is_decided_by_the_moved_points(desk: Archive) -> None:
    """Else an exact place could be searched out by asking of ever smaller polygons."""
    spot = Point(LON, LAT).buffer(0.001)
    assert len(desk.incidents(within=spot)) == 2
    desk.set_rule("coarsen", "grid:5km")
    assert desk.incidents(within=spot).empty
    moved = desk.incidents().geometry.iloc[0]
    assert len(desk.incidents(within=moved.buffer(0.001))) == 2


def test_a_coarsened_place_says_honestly_how_coarse_it_is(desk: Archive) -> None:
    desk.set_rule("coarsen", "grid:5km", event_type="shelling")
    desk.set_rule("release", "notes")
    frame = desk.incidents().set_index("event_id")
    moved, other = frame.loc["a1"], frame.loc["a2"]
    assert (other["latitude"], other["orig"] is None, other["where_prec"]) == (LAT, False, 1)
    assert moved["orig"] is None
    assert (moved["where_prec"], moved["geo_precision"]) == (2, 2)
    assert moved["uncertainty_km"] == pytest.approx(0.2 + 5 / np.sqrt(2), abs=0.11)
    off = np.hypot(moved["latitude"] - LAT, (moved["longitude"] - LON) * np.cos(np.radians(LAT))) * 111.195
    assert off <= moved["uncertainty_km"]
    assert (moved.geometry.y, moved.geometry.x) == (moved["latitude"], moved["longitude"])
    assert moved["where_coordinates"] is None
    assert moved["adm_1"] == "Kursk Oblast"
    assert moved["notes"].count(WITHHELD) >= 5
    desk.set_rule("withhold", "notes,source", source="reports")
    frame = desk.incidents()
    assert frame["notes"].isna().all()
    assert frame["source"].isna().all()


@settings(max_examples=25, deadline=None)
@given(
    lat=st.floats(-89, 89), lon=st.floats(-179.9, 179.9), size=st.sampled_from(["grid:1km", "grid:20km", "grid:0.5deg"]),
    near=st.floats(-1e-4, 1e-4),
)  # fmt: skip
def test_a_grid_point_depends_on_its_cell_alone(lat: float, lon: float, size: str, near: float) -> None:
    """The point stays within the radius that is told, and two incidents of one cell cannot be told apart."""
    rule = rule_of("coarsen", size)
    rows = incidents(exact(latitude=lat, longitude=lon), exact(event_id="b", latitude=lat + near, longitude=lon))
    rows = rows.assign(dataset="d", recorded_at="2025-01-12T00:00:00.000Z")
    one, two = (row for _, row in released(rows, [rule]).iterrows())
    off = np.hypot(one["latitude"] - lat, (one["longitude"] - lon) * np.cos(np.radians(lat))) * 111.195
    assert off <= one["uncertainty_km"] * 1.02 + 0.1
    if (one["latitude"], one["longitude"]) == (two["latitude"], two["longitude"]):
        pd.testing.assert_series_equal(one.drop("event_id"), two.drop("event_id"), check_names=False)
    again = released(released(rows, [rule]).assign(uncertainty_km=0.2), [rule])
    assert again["latitude"].iloc[0] == pytest.approx(one["latitude"], abs=1e-5)


def test_settlements_of_the_desk_s_own_and_none_near(desk: Archive) -> None:
    places = gpd.GeoDataFrame({"name": ["Near", "Far"]}, geometry=[Point(35.3, 51.2), Point(36, 52)], crs="EPSG:4326")
    desk.set_rule("coarsen", "settlement", places=places)
    row = desk.incidents().iloc[0]
    assert (row["where_coordinates"], row["latitude"], row["longitude"]) == ("Near", 51.2, 35.3)
    assert row["uncertainty_km"] == 5.2  # in steps: an exact distance would be a circle to search on
    desk.set_rule("coarsen", "settlement", places=places.iloc[[1]].set_geometry([Point(10, 10)], crs="EPSG:4326"))
    row = desk.incidents().iloc[0]
    assert row["where_coordinates"] is None
    assert row["uncertainty_km"] > 50


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(rules, "clock", lambda: moment)


def test_nothing_newer_than_the_embargo(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """The archive has 1 August, and 3 August at 06:00 and 18:00."""
    archive.set_rule("embargo", "24", source="desk")
    at(monkeypatch, datetime(2024, 8, 4, 12, tzinfo=UTC))  # 3 August at 12:00 and before
    assert archive.area()["snapshot"][0] == "desk@2024-08-03T06:00Z"
    assert archive.area("2024-08-10")["snapshot"][0] == "desk@2024-08-03T06:00Z"
    assert sorted(archive.reader.snapshots()["snapshot"]) == ["desk@2024-08-01", "desk@2024-08-03T06:00Z"]
    assert set(archive.control("2024-08-10").geometry.to_wkb()) == set(
        archive.control("2024-08-03T06:00Z").geometry.to_wkb()
    )
    assert archive.control("2024-08-10")["valid_to"].isna().all()
    assert archive.series()["date"].max().isoformat() == "2024-08-03T06:00:00+00:00"
    assert archive.who(2.5, 7.5)["valid_from"].tolist() == []  # X is there from 18:00 on
    assert archive.changed("2024-08-03T06:00Z", "2024-08-10").empty
    assert archive.area(as_known_on="2100-01-01")["snapshot"][0] == "desk@2024-08-03T06:00Z"
    assert archive.area().attrs["notes"] == (
        "desk: embargo: nothing newer than 24 hours is shown",
        f"{NO_DOUBT}, so its areas have no range",
    )
    assert "embargo: nothing newer than 24 hours" in archive.sources()["attribution"][0]
    owner = open_archive(archive.path, raw=True)
    assert owner.area()["snapshot"][0] == "desk@2024-08-03T18:00Z"
    assert len(owner.reader.snapshots()) == 3


def test_a_day_counts_from_its_end(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    archive.set_rule("embargo", "24")
    at(
        monkeypatch, datetime(2024, 8, 2, 23, tzinfo=UTC)
    )  # what depicts 1 August, 00:00, may show the whole of that day
    with pytest.raises(NoSnapshotError, match="under embargo"):
        archive.area()
    at(monkeypatch, datetime(2024, 8, 3, 0, tzinfo=UTC))
    assert archive.area()["snapshot"][0] == "desk@2024-08-01"


def test_incidents_under_embargo(desk: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.set_rule("embargo", "48", source="reports", event_type="Shelling")
    at(monkeypatch, datetime(2025, 1, 13, 23, tzinfo=UTC))
    assert desk.incidents()["event_id"].tolist() == ["a2"]
    assert desk.area()["snapshot"][0] == "desk@2025-01-11"  # a rule for events leaves control alone
    at(monkeypatch, datetime(2025, 1, 14, 0, tzinfo=UTC))
    assert desk.incidents()["event_id"].tolist() == ["a1", "a2"]


def test_rules_are_set_listed_and_lifted(archive: Archive) -> None:  # noqa: F811
    archive.close()
    path = str(archive.path)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["rules", path, *words])
        return done.exit_code, done.output

    assert run("--embargo-days", "2", "--source", "desk")[0] == 0
    assert run("--coarsen", "incidents=grid:5km")[0] == 0
    code, out = run("--coarsen", "grid:10km", "--format", "json")
    told = [(r["kind"], r["value"], r["source"]) for r in json.loads(out)["rows"]]
    assert (code, told) == (0, [("embargo", "48", "desk"), ("coarsen", "grid:10km", None)])
    for wrong in (
        ["--coarsen", "a bit"],
        ["--embargo-hours", "-3"],
        ["--withhold", "nose"],
        ["--withhold", "event_id"],
    ):
        assert run(*wrong)[0] == 2
    assert run("--lift", "--source", "desk")[1].startswith("1 rule lifted")
    assert len(open_archive(path).rules()) == 1
    assert CliRunner().invoke(main, ["area", path, "--raw"]).exit_code == 0
    with pytest.raises(UsageError, match="kind 'hide' is unknown"):
        rule_of("hide", "1")


def test_an_archive_of_the_first_layout_is_read_and_brought_up_when_written(archive: Archive) -> None:  # noqa: F811
    archive.close()
    with sqlite3.connect(archive.path) as connection:
        connection.execute("DROP TABLE rules")
        connection.execute("DELETE FROM gpkg_contents WHERE table_name = 'rules'")
        connection.execute("UPDATE layout SET version = 1")
    connection.close()
    old = open_archive(archive.path)
    before = old.area("2024-08-01")
    assert old.rules().empty
    assert before["area_km2"].gt(0).any()
    put(old, DAY0 + timedelta(days=5), state(("X", "held", "red", box(4, 2, 6, 4))))
    old.set_rule("embargo", "24")
    old.close()
    with sqlite3.connect(archive.path) as connection:
        assert connection.execute("SELECT max(version) FROM layout").fetchone()[0] == layout.LAYOUT
        assert connection.execute("SELECT count(*) FROM gpkg_contents WHERE table_name = 'rules'").fetchone()[0] == 1
    connection.close()
    pd.testing.assert_frame_equal(open_archive(archive.path, raw=True).area("2024-08-01"), before)


def test_rules_match_by_source_and_type_only() -> None:
    rows = incidents(exact()).assign(dataset="reports", recorded_at="2025-01-12T00:00:00.000Z")
    for rule in (Rule("coarsen", "grid:5km", "other"), Rule("coarsen", "grid:5km", None, "March")):
        assert released(rows, [rule])["latitude"].tolist() == [LAT]
    assert released(rows, [])["latitude"].tolist() == [LAT]


def test_a_rule_that_is_set_makes_the_daily_routine_draw_anew(archive: Archive) -> None:  # noqa: F811
    from geo.automation.daily import fingerprint

    before = fingerprint(archive)
    assert fingerprint(archive) == before
    archive.set_rule("coarsen", "grid:5km")
    assert fingerprint(archive) != before
    archive.lift_rules()
    assert fingerprint(archive) == before
