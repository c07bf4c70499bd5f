"""What was known when: a corrected file changes the figures of its date, not those as known before, and is listed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner
from shapely.geometry import Point, box
from test_archive import DAY0, archive, km2, put, state  # noqa: F401
from test_rules import desk, exact, incidents  # noqa: F401

import geo
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.storage.snapshots import next_instant

OLD, NEW = box(4, 2, 6, 4), box(4, 2, 5, 5)


@pytest.fixture
def corrected(archive: Archive) -> tuple[Archive, str]:  # noqa: F811
    """1 August was recorded, then recorded anew: X held 4..6 × 2..4, and on second thoughts 4..5 × 2..5."""
    before = archive.reader.snapshots()["recorded_at"].max()
    put(archive, DAY0, state(("X", "held", "red", NEW), ("Y", "held", "blue", box(1, 1, 2, 2))))
    return archive, before


def test_a_correction_changes_its_date_and_not_what_was_known_before(corrected: tuple[Archive, str]) -> None:
    archive, before = corrected  # noqa: F811
    now = archive.area("2024-08-01", controller="X", status="held")
    then = archive.area("2024-08-01", controller="X", status="held", as_known_on=before)
    assert now["area_km2"][0] == pytest.approx(km2(NEW), rel=1e-12)
    assert then["area_km2"][0] == pytest.approx(km2(OLD), rel=1e-12)
    assert (now["snapshot"][0], then["snapshot"][0]) == ("desk@2024-08-01+1", "desk@2024-08-01")
    table = archive.corrections()
    row = table[table["controller"] == "X"].iloc[0]
    assert row["before_km2"] == pytest.approx(km2(OLD), rel=1e-12)
    assert row["after_km2"] == pytest.approx(km2(NEW), rel=1e-12)
    assert row["gained_km2"] == pytest.approx(km2(shapely.difference(NEW, OLD)), rel=1e-12)
    assert row["lost_km2"] == pytest.approx(km2(shapely.difference(OLD, NEW)), rel=1e-12)
    assert (row["change"], row["earlier_snapshot"], row["later_snapshot"]) == (
        "corrected", "desk@2024-08-01", "desk@2024-08-01+1",
    )  # fmt: skip
    contested = table[table["status"] == "contested"].iloc[0]
    assert contested["after_km2"] == 0
    assert set(table["controller"].map(str)) == {"X", "None"}  # Y stayed as it was
    assert archive.corrections(as_known_on=before).empty
    assert archive.corrections(since="2100-01-01").empty
    ground = archive.corrected_ground()
    gained = ground[(ground["controller"] == "X") & (ground["change"] == "gained")].geometry.iloc[0]
    assert shapely.equals(gained, shapely.difference(NEW, OLD))


def test_what_was_taken_back_is_listed_with_its_reason(corrected: tuple[Archive, str]) -> None:
    archive, _ = corrected  # noqa: F811
    archive.retract("desk@2024-08-01+1", why="wrong file")
    archive.retract("desk@2024-08-03T06:00Z", why="a draft")
    table = archive.corrections()
    assert table.drop_duplicates("corrected_at")["change"].tolist() == ["corrected", "taken back", "taken back"]
    back = table[(table["why"] == "wrong file") & (table["controller"] == "X")].iloc[0]
    assert back["after_km2"] == pytest.approx(km2(OLD), rel=1e-12)
    assert back["later_snapshot"] == "desk@2024-08-01"
    draft = table[(table["why"] == "a draft") & (table["controller"] == "X")].iloc[0]
    assert draft["later_snapshot"] is None
    # the day then rests on the snapshot before
    assert draft["after_km2"] == pytest.approx(
        archive.area("2024-08-03T06:00Z", controller="X")["area_km2"][0], rel=1e-12
    )
    assert "(wrong file); desk@2024-08-01 took its place" in archive.correction_notes("desk@2024-08-01+1")[1]


def test_a_first_recording_and_the_same_file_again_are_no_corrections(archive: Archive) -> None:  # noqa: F811
    assert archive.corrections().empty
    put(archive, DAY0 + timedelta(days=1), state(("X", "held", "red", OLD)))  # late, but the first of its day
    put(archive, DAY0 + timedelta(days=1), state(("X", "held", "red", OLD)))
    assert archive.corrections().empty


def test_every_question_is_answered_as_known_then(corrected: tuple[Archive, str]) -> None:
    """Against an archive that stopped at that moment."""
    archive, before = corrected  # noqa: F811
    fresh = open_archive(archive.path.with_name("then.gpkg"))
    with fresh.store.writing() as connection:
        units = archive.units()
        fresh.store.put_units(connection, units, units["area_km2"].tolist(), "2024-01-01T00:00:00.000Z")
    first = state(("X", "held", "red", OLD), ("Y", "held", "blue", box(1, 1, 2, 2)),
                  (None, "contested", "grey", box(6, 2, 7, 4)), (None, "contested", "grey B", box(11, 1, 12, 2)))  # fmt: skip
    put(fresh, DAY0, first)
    put(fresh, DAY0 + timedelta(days=2, hours=6), state(("X", "held", "red", box(4, 2, 7, 3))))
    put(fresh, DAY0 + timedelta(days=2, hours=18), state(("X", "held", "red", box(4, 2, 8, 3))))
    places = gpd.GeoDataFrame({"name": ["p"]}, geometry=[Point(5.5, 3.5)], crs="EPSG:4326")
    span = ("2024-08-01", "2024-08-03")
    for ask in (
        lambda a, **k: a.area("2024-08-01", **k), lambda a, **k: a.area("2024-08-01", by="unit", **k),
        lambda a, **k: a.change(*span, **k), lambda a, **k: a.series(**k), lambda a, **k: a.who(3.5, 5.5, **k),
        lambda a, **k: a.who(4.5, 4.5, **k), lambda a, **k: a.changed_hands(places, *span, **k),
        lambda a, **k: a.changed(*span, **k).drop(columns="geometry"),
        lambda a, **k: a.front_movement(*span, controller="X", **k),
    ):  # fmt: skip
        then, alone = ask(archive, as_known_on=before), ask(fresh)
        assert then.equals(alone), (then, alone)
        assert not then.empty or not ask(archive).empty
    assert archive.front("2024-08-01", as_known_on=before).length_km == fresh.front("2024-08-01").length_km
    assert archive.controllers(as_known_on=before) == fresh.controllers()


@pytest.mark.parametrize("ending", ["html", "docx"])
def test_a_briefing_is_made_again_exactly_or_with_a_note(desk: Archive, tmp_path: Path, ending: str) -> None:  # noqa: F811
    day = "2025-01-11"
    first = geo.draw_brief(desk, day, tmp_path / f"first.{ending}")[0].read_bytes()
    then = desk.reader.snapshots()["recorded_at"].max()
    with desk.store.writing() as connection:
        then = max(then, next_instant(connection))
    late = DAY0.replace(year=2025, month=1, day=11)
    put(
        desk,
        late,
        state(("A new side", "held", "n", box(33, 50.9, 34, 51.3)), ("X", "held", "n", box(34.9, 50.9, 35.5, 51.3))),
    )
    put(desk, late + timedelta(days=1), state(("X", "held", "n", box(34.9, 50.9, 35.8, 51.3))))
    with desk.store.writing() as connection:
        desk.store.put_incidents(
            connection, incidents(exact(event_id="late", best=9)), "reports", next_instant(connection)
        )
    again = geo.draw_brief(desk, day, tmp_path / f"again.{ending}", as_known_on=then, exactly=True)[0].read_bytes()
    assert again == first
    now = geo.draw_brief(desk, day, tmp_path / "now.md")[0].read_text(encoding="utf-8")
    assert "desk@2025-01-11 was corrected on" in now
    assert "X held" in now.partition("was corrected on")[2].partition("\n")[0]
    said = geo.draw_brief(desk, day, tmp_path / "said.md", as_known_on=then)[0].read_text(encoding="utf-8")
    assert "As known on" in said
    assert "was corrected" not in said


def test_the_verb(corrected: tuple[Archive, str]) -> None:
    archive, before = corrected  # noqa: F811
    archive.close()
    path = str(archive.path)
    done = CliRunner().invoke(main, ["corrections", path, "--format", "json"])
    rows = json.loads(done.stdout)["rows"]
    assert {(r["controller"], r["status"]) for r in rows} == {("X", "held"), (None, "contested")}
    shapes = json.loads(CliRunner().invoke(main, ["corrections", path, "--format", "geojson"]).stdout)
    assert {f["properties"]["change"] for f in shapes["features"]} == {"gained", "lost"}
    assert "corrected" in CliRunner().invoke(main, ["corrections", path]).stdout
    who = CliRunner().invoke(main, ["who", path, "--at", "3.5,5.5", "--as-known-on", before, "--format", "json"])
    assert json.loads(who.stdout)["rows"][0]["controller"] == "X"


def test_a_corrected_file_of_a_real_source(tmp_path: Path, shared: Path) -> None:
    """The state of 11 January 2025 sent again with the ground of an earlier one: 436.3 km² were known before."""
    raw = shared / "deepstate-raw"
    earlier, last = (
        json.loads((raw / name).read_text(encoding="utf-8"))
        for name in (sorted(raw.glob("17335*"))[0].name, "1736623460.geojson")
    )
    held = "#01579b"
    kept = [f for f in last["features"] if f["properties"].get("fill") != held]
    kept += [f for f in earlier["features"] if f["properties"].get("fill") == held]
    again = tmp_path / "1736623460.geojson"
    again.write_text(json.dumps({**last, "features": kept}), encoding="utf-8")
    opened = open_archive(tmp_path / "a.gpkg")
    geo.import_files(opened, "deepstate", [raw / again.name])
    before = opened.reader.snapshots()["recorded_at"].max()
    geo.import_files(opened, "deepstate", [again])
    asked = {"controller": "UA", "status": "held"}
    assert opened.area("2025-01-11", as_known_on=before, **asked)["area_km2"][0] == pytest.approx(436.3, abs=0.1)
    now = opened.area("2025-01-11", **asked)["area_km2"][0]
    table = opened.corrections()
    assert table[["controller", "status"]].to_numpy().tolist() == [["UA", "held"]]
    assert table["before_km2"][0] == pytest.approx(436.3, abs=0.1)
    assert table["after_km2"][0] == pytest.approx(now, abs=1e-9)
    assert now > 500
