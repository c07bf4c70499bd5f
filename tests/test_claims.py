"""Claims against an archive of boxes, worked out by hand: verdicts, when last true, bases, pairs, the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from shapely.geometry import Point, box
from test_archive import km2, put, state

from geo.archive import Archive, open_archive
from geo.claims.checking import check_claim, compare_claims
from geo.claims.class_series import class_series_of, place_of
from geo.claims.model import Claim, claims_about
from geo.claims.reading import read_claim
from geo.claims.wording import paragraph, table_of_findings, verdict_line
from geo.cli import demo, main
from geo.errors import MapError, SourceError, UnitError, UsageError
from geo.measure.ellipsoid import areas_km2
from geo.output.images.chart import draw_claim
from geo.text.control_words import names_of

DAY0 = datetime(2024, 8, 1, tzinfo=UTC)
FULL, THREE, HALF = box(12, 2, 16, 4), box(12, 2, 15, 4), box(12, 2, 14, 4)
GREY = box(14, 2, 15, 4)
HELD = Claim(
    "Aland holds ground in Bland", quantity="held", controller="AA", unit="BB", comparator="more than", value_unit="km2",
    value=0.0, date_from="2024-08-21", date_to="2024-08-21",
)  # fmt: skip
SHARE = Claim(
    "Bland has retaken half", quantity="share retaken", controller="BB", unit="BB", comparator="about", value=50.0,
    value_unit="percent", date_to="2024-08-21",
)  # fmt: skip


def lay(path: Path) -> Archive:
    """Countries AA and BB. Source `one` shows AA's ground in BB at 4, 3, 2 units with grey beside; `two` other figures."""
    archive = open_archive(path)
    shapes = [box(0, 0, 10, 10), box(10, 0, 20, 10)]
    units = gpd.GeoDataFrame(
        {
            "unit": ["AA", "BB"], "name": ["Aland", "Bland"], "name_local": [None, None], "level": [0, 0],
            "parent": [None, None], "boundary": "test set",
        },
        geometry=shapes, crs="EPSG:4326",
    )  # fmt: skip
    with archive.store.writing() as connection:
        archive.store.put_units(connection, units, areas_km2(np.array(shapes)).tolist(), "2024-01-01T00:00:00.000Z")
    far = (None, "contested", "grey", box(4, 1, 5, 2))  # in AA: never AA's to claim in BB
    for day, shape in ((0, FULL), (10, THREE), (20, HALF)):
        rows = [("AA", "held", "blue", shape), far]
        rows += [(None, "contested", "grey", box(13.5, 2, 15, 4))] if day == 20 else []
        put(archive, DAY0 + timedelta(days=day), state(*rows), source="one")
    for day, shape in ((0, HALF), (20, HALF), (23, box(12, 2, 12.1, 4))):
        put(archive, DAY0 + timedelta(days=day), state(("AA", "held", "x", shape), ("BB", "held", "y", box(2, 2, 3, 3))),
            source="two")  # fmt: skip
    put(archive, DAY0 + timedelta(days=18), state(("AA", "claimed", "p", FULL)), source="two", part="limit")
    put(archive, DAY0, state(("BB", "held", "y", box(2, 2, 3, 3))), source="three")
    archive.close()
    return archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return lay(tmp_path_factory.mktemp("claims") / "a.gpkg")


def verdicts(archive: Archive, claim: Claim, **given: Any) -> dict[tuple[str, str], tuple[str, float | None]]:
    found = check_claim(archive, claim, **given)
    return {(v.source, "+".join(v.statuses)): (v.verdict, v.value) for v in found.verdicts}


def test_every_source_and_every_set_of_classes_has_a_verdict(archive: Archive) -> None:
    claim = replace(HELD, value=1.01 * km2(HALF))
    found = verdicts(archive, claim)
    both = km2(box(12, 2, 15, 4))  # held and contested overlap by half a unit, which counts once
    assert found == {
        ("one", "held"): ("contradicts", pytest.approx(km2(HALF), rel=1e-9)),
        ("one", "held+contested"): ("supports_with_contested", pytest.approx(both, rel=1e-9)),
        ("three", "held"): ("no_data", None),
        ("two", "held"): ("contradicts", pytest.approx(km2(HALF), rel=1e-9)),
        ("two", "claimed"): ("supports", pytest.approx(km2(FULL), rel=1e-9)),
    }


def test_values_are_those_of_the_archive_on_every_snapshot(archive: Archive) -> None:
    for strand in class_series_of(archive, "one", "AA", place_of(archive, "BB")):
        for time, value in zip(strand.times, strand.values, strict=True):
            row = archive.area(time, source="one", controller="AA", status="held", within="BB").iloc[0]
            wanted = row.area_km2 if strand.statuses == ("held",) else row.upper_km2
            assert value == pytest.approx(wanted, rel=1e-9)


def test_without_a_unit_contested_ground_of_other_countries_does_not_count(archive: Archive) -> None:
    found = verdicts(archive, replace(HELD, unit=None, value=1.0), sources=["one"])
    assert found[("one", "held+contested")][1] == pytest.approx(km2(box(12, 2, 15, 4)), rel=1e-9)


def test_a_source_that_draws_no_such_ground_says_nothing(archive: Archive) -> None:
    (found,) = check_claim(archive, replace(HELD, value=1), sources=["three"]).verdicts
    assert found.verdict == "no_data"
    assert "draws no ground of AA in Bland " in found.workings["text"]


@pytest.mark.parametrize(
    ("day", "verdict", "word"),
    [
        ("2024-08-11", "supports", ""), ("2024-08-17", "supports", ""), ("2024-09-10", "no_data", "nearest 21 August 2024"),
        ("2024-07-30", "no_data", "nearest 1 August 2024 (2 days after)"),
    ],
)  # fmt: skip
def test_an_old_snapshot_says_nothing_of_the_day(archive: Archive, day: str, verdict: str, word: str) -> None:
    claim = replace(HELD, value=1.01 * km2(HALF), date_from=day, date_to=day)
    found = check_claim(archive, claim, sources=["one"]).verdicts[0]
    assert (found.verdict, word in found.workings["text"]) == (verdict, True)
    if verdict == "no_data":
        assert found.value is None
        assert found.workings["nearest"]["value"] > 0
    later = check_claim(archive, claim, sources=["one"], max_age_days=40).verdicts[0]
    assert later.verdict == ("contradicts" if day == "2024-09-10" else verdict)


def test_the_next_snapshot_is_named_where_it_says_otherwise(archive: Archive) -> None:
    claim = replace(HELD, value=km2(HALF) - 1, date_from="2024-08-23", date_to="2024-08-23")
    found = check_claim(archive, claim, sources=["two"]).verdicts[0]
    assert found.verdict == "supports"
    assert "the next snapshot, 24 August 2024" in found.workings["text"]
    assert "contradicts" in found.workings["text"]


def test_when_it_was_last_so(archive: Archive) -> None:
    found = check_claim(archive, replace(HELD, value=km2(THREE) - 1), sources=["one"])
    held, both = found.last_true
    assert (held["from"], held["to"], held["holds_on_date"]) == ("2024-08-01", "2024-08-11", False)
    assert both["holds_on_date"]
    assert held["value_to"] == pytest.approx(km2(THREE), rel=1e-9)
    never = check_claim(archive, replace(HELD, value=10 * km2(FULL)), sources=["one"]).last_true[0]
    assert (never["from"], never["nearest_date"]) == (None, "2024-08-01")


def test_a_share_has_its_bases(archive: Archive) -> None:
    found = check_claim(archive, SHARE, sources=["one"])
    held = found.verdicts[0]
    assert (held.verdict, held.value) == ("supports", pytest.approx(50, abs=1e-9))
    assert "the base is not said" in " ".join(found.notes)
    base = found.bases[0]
    assert base["peak_date"] == "2024-08-01"
    assert base["share_of_peak_percent"] == pytest.approx(50, abs=1e-9)
    assert base["true_for"][0] == {
        "from": "2024-08-01", "to": "2024-08-01", "low_km2": pytest.approx(km2(FULL)), "high_km2": pytest.approx(km2(FULL)),
    }  # fmt: skip
    low, high = km2(HALF) / (1 - 0.475), km2(HALF) / (1 - 0.525)
    assert (base["base_low_km2"], base["base_high_km2"]) == (pytest.approx(low), pytest.approx(high))
    third = replace(SHARE, value=33.0)
    assert check_claim(archive, third, sources=["one"]).bases[0]["true_for"][0]["from"] == "2024-08-11"
    assert check_claim(archive, third, sources=["one"]).last_true[0]["from"] is None


def test_a_share_of_a_base_that_is_said(archive: Archive) -> None:
    said = replace(SHARE, value=90.0, base=f"{10 * km2(HALF):.3f} km2 at most")
    assert check_claim(archive, said, sources=["one"]).verdicts[0].value == pytest.approx(90, abs=1e-3)


def test_how_near_is_about(archive: Archive) -> None:
    claim = replace(HELD, comparator="about", value=1.04 * km2(HALF))
    assert check_claim(archive, claim, sources=["one"]).verdicts[0].verdict == "supports"
    found = check_claim(archive, claim, sources=["one"], within_percent=1)
    assert found.verdicts[0].verdict == "contradicts"
    assert "about means within 1 percent of the value" in found.notes


def test_gained_lost_and_net(archive: Archive) -> None:
    lost = replace(HELD, quantity="lost", comparator="about", value=km2(FULL) - km2(HALF), date_from="2024-08-01")
    assert verdicts(archive, lost, sources=["one"])[("one", "held")] == ("supports", pytest.approx(lost.value))
    net = replace(lost, quantity="net", value=-(lost.value or 0))
    assert verdicts(archive, net, sources=["one"])[("one", "held")][0] == "supports"
    gained = replace(lost, quantity="gained", comparator="up to", value=0.001)
    assert verdicts(archive, gained, sources=["one"])[("one", "held")] == ("supports", pytest.approx(0, abs=1e-6))
    assert "since when is not known" in check_claim(archive, replace(lost, date_from=None)).notes[-1]


def test_a_change_within_one_snapshot_is_not_known(archive: Archive) -> None:
    lost = replace(HELD, quantity="lost", comparator="about", value=10, date_from="2024-08-12", date_to="2024-08-13")
    found = check_claim(archive, lost, sources=["one"]).verdicts[0]
    assert (found.verdict, found.value) == ("no_data", None)
    assert "both 12 August 2024 and 13 August 2024 rest on the snapshot of 11 August 2024" in found.workings["text"]
    early = check_claim(archive, replace(lost, date_from="2024-07-20"), sources=["one"]).verdicts[0]
    assert "no data for 20 July 2024" in early.workings["text"]


def test_a_countrys_own_ground_is_what_the_others_leave(archive: Archive) -> None:
    whole = km2(box(10, 0, 20, 10))
    held = replace(HELD, controller="BB", comparator="about", value=whole - km2(box(12, 2, 15, 4)))
    found = verdicts(archive, held, sources=["one"], within_percent=0.01)
    assert found[("one", "held")] == ("supports", pytest.approx(held.value, rel=1e-9))
    assert found[("one", "held+contested")][1] == pytest.approx(whole - km2(HALF), rel=1e-9)
    gained = replace(held, quantity="gained", value=km2(FULL) - km2(HALF), date_from="2024-08-01")
    assert verdicts(archive, gained, sources=["one"])[("one", "held+contested")][0] in (
        "supports",
        "supports_with_contested",
    )
    percent = replace(HELD, value=100 * km2(HALF) / whole, value_unit="percent", comparator="about")
    assert verdicts(archive, percent, sources=["one"])[("one", "held")] == ("supports", pytest.approx(percent.value))


def test_a_state_claimed_for_a_span_holds_on_any_of_its_days(archive: Archive) -> None:
    claim = replace(HELD, value=km2(FULL) - 1, date_from="2024-08-01")
    found = check_claim(archive, claim, sources=["one"]).verdicts[0]
    assert (found.verdict, found.snapshot) == ("supports", "one@2024-08-01")


def test_settlements_are_counted_in_a_layer(archive: Archive) -> None:
    claim = replace(
        HELD, quantity="settlements held", value=2, value_unit="settlements", comparator="exactly", step=1.0
    )
    assert "--places" in check_claim(archive, claim).option
    places = gpd.GeoDataFrame(
        {"name": list("abcd")}, geometry=[Point(13, 3), Point(13.2, 3), Point(15.5, 3), Point(5, 5)], crs="EPSG:4326"
    )
    found = check_claim(archive, claim, sources=["one"], places=places)
    assert (found.verdicts[0].verdict, found.verdicts[0].value) == ("supports", 2)
    three = check_claim(archive, replace(claim, value=3), sources=["one"], places=places)
    assert (three.verdicts[0].verdict, three.last_true[0]["from"]) == ("contradicts", "2024-08-01")
    lost = replace(claim, quantity="lost", value=1, date_from="2024-08-01")
    assert check_claim(archive, lost, sources=["one"], places=places).verdicts[0].value == 1


def test_a_front_has_a_length_for_each_tolerance(archive: Archive) -> None:
    claim = replace(HELD, quantity="front length", comparator="more than", value=100, value_unit="km", unit=None)
    found = check_claim(archive, claim, sources=["one"])
    assert [v.workings["tolerance_km"] for v in found.verdicts] == [0, 1, 10]
    row = archive.front("2024-08-21", source="one", controller="AA", inset_km=5)
    assert found.verdicts[0].value == pytest.approx(row.length_km)


def test_a_share_of_the_unit_is_lost_as_its_ground_is(archive: Archive) -> None:
    area = archive.units().set_index("unit")["area_km2"]["BB"]
    ground = replace(HELD, quantity="lost", comparator="exactly", value=1.0, date_from="2024-08-01", step=1.0)
    lost = check_claim(archive, ground, sources=["one"]).verdicts[0].value
    assert lost
    for value, verdict in ((100 * lost / area, "supports"), (50 * lost / area, "contradicts")):
        share = replace(ground, value=value, value_unit="percent", step=0.01)
        found = check_claim(archive, share, sources=["one"])
        assert (found.verdicts[0].verdict, found.verdicts[0].value) == (verdict, lost)
        assert " percent = " in found.notes[0]


def test_what_cannot_be_checked_says_why(archive: Archive) -> None:
    for claim, word in (
        (replace(HELD, controller=None, value=1), "not known: controller"),
        (replace(HELD, quantity=None, value=1), "not known: quantity"),
        (replace(HELD, quantity="troops", value=11000, value_unit="persons"), "not measured on maps"),
        (replace(HELD, value=5, unit=None, value_unit="percent"), "needs a unit"),
        (replace(HELD, quantity="front length", value=5), "is no measure"),
        (replace(HELD, value=5, notes=("'near Town' is no unit that is known here",)), "near Town"),
    ):
        found = check_claim(archive, claim)
        assert not found.verdicts
        assert word in " ".join(found.notes)
        assert verdict_line(found)[0]
        assert check_claim(archive, claim, within="BB").verdicts or word != "near Town"
    with pytest.raises(UsageError, match="--date"):
        check_claim(archive, replace(HELD, value=1, date_from=None, date_to=None))
    with pytest.raises(UnitError):
        check_claim(archive, replace(HELD, value=1, unit="Nowhere"))
    with pytest.raises(SourceError):
        check_claim(archive, replace(HELD, value=1), sources=["nobody"])


def test_as_it_was_known_then(tmp_path: Path) -> None:
    archive = lay(tmp_path / "a.gpkg")
    claim = replace(HELD, value=1.01 * km2(HALF))
    before = archive.reader.snapshots()["recorded_at"].max()
    put(archive, DAY0 + timedelta(days=20), state(("AA", "held", "blue", FULL)), source="one")
    assert verdicts(archive, claim, sources=["one"])[("one", "held")][0] == "supports"
    then = verdicts(archive, claim, sources=["one"], as_known_on=before)
    assert then[("one", "held")] == ("contradicts", pytest.approx(km2(HALF), rel=1e-9))


def test_workings_name_snapshots_hashes_classes_and_outline(archive: Archive) -> None:
    found = check_claim(archive, replace(HELD, value=1), sources=["one"]).verdicts[1]
    assert found.workings["statuses"] == ["held", "contested"]
    assert (found.workings["unit"], found.workings["boundary"]) == ("BB", "test set")
    assert found.workings["snapshots"][0]["snapshot"] == "one@2024-08-21"
    assert found.workings["snapshots"][0]["sha256"]
    assert "WGS 84" in found.workings["method"]


def test_a_paragraph_and_a_line_say_all_of_it(archive: Archive) -> None:
    finding = check_claim(archive, replace(SHARE, value=33.0, said_by="A desk"))
    text = paragraph(finding)
    for word in ("A desk", "By one, held", "contradicts", "50.0 percent retaken", "the peak of 1 August 2024", "as on 11 August 2024",
                 "test set", "about means within 5 percent"):  # fmt: skip
        assert word.casefold() in text.casefold(), word
    assert "true" not in text
    line, basis = verdict_line(finding)
    assert line.startswith("By one: contradicts by held (50.0 percent)")
    assert "one@2024-08-21" in basis
    table = table_of_findings([finding])
    assert list(table["source"]) == ["one", "one", "three", "two", "two"]


def test_two_claims_imply_a_peak() -> None:
    held = Claim("", quantity="held", unit="RU-KRS", comparator="more than", value=500.0, value_unit="km2")
    share = Claim("", quantity="share retaken", unit="RU-KRS", comparator="about", value=40.0, value_unit="percent")
    for pair in (compare_claims(held, share), compare_claims(share, held)):
        assert "a peak of 833 km² or more" in pair.text
        assert (pair.low, pair.high) == (pytest.approx(500 / 0.62), None)
    exact = compare_claims(replace(held, comparator="exactly"), replace(share, comparator="exactly"))
    assert exact.low == exact.high == pytest.approx(833.3333, abs=1e-3)


def test_two_claims_of_one_thing_agree_or_do_not() -> None:
    first = Claim(
        "", quantity="held", controller="UA", comparator="about", value=800.0, value_unit="km2", date_to="2024-11-23"
    )
    second = replace(first, comparator="more than", value=1376.0)
    assert compare_claims(first, second).compatible is False
    assert compare_claims(first, replace(second, value=790.0)).low == 790
    apart = compare_claims(first, replace(second, comparator="exactly", date_to="2024-08-27"))
    assert apart.what == "change"
    assert "−42 percent" in apart.text
    assert (apart.low, apart.high) == (pytest.approx(760 - 1376), pytest.approx(840 - 1376))
    assert compare_claims(replace(first, unit="A"), replace(second, unit="B")).text.endswith("the units differ: A, B")
    assert "different things" in compare_claims(first, replace(second, controller="RU")).text


def test_claims_about_a_day() -> None:
    claims = [replace(HELD, claim_id="a"), replace(HELD, claim_id="b", date_to="2024-08-25", said_on="2024-08-21"),
              replace(HELD, claim_id="c", date_to=None, said_on="2024-08-19")]  # fmt: skip
    assert [c.claim_id for c in claims_about(claims, "2024-08-21")] == ["a", "b"]
    assert [c.claim_id for c in claims_about(claims, "2024-08-21", since="2024-08-18")] == ["a", "b", "c"]


def test_names_come_from_the_archive(archive: Archive) -> None:
    units = archive.units().drop(columns="geometry").assign(level=1).to_dict("records")
    names = names_of(units, ["RSF", "AA"])
    claim = read_claim("RSF fighters hold 500 km² of Bland", date="2024-08-21", names=names)
    assert (claim.controller, claim.unit) == ("RSF", "BB")


def run(*words: object) -> Any:
    return CliRunner().invoke(main, [str(w) for w in words])


def test_the_command_line_gives_the_fixed_json(archive: Archive) -> None:
    done = run("claims", archive.path, "--text", "AA holds more than 5 km²", "--date", "2024-08-21", "--in", "BB",
               "--format", "json")  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert set(found) >= {"claim", "verdicts", "last_true", "bases"}
    assert (found["claim"]["controller"], found["claim"]["value"]) == ("AA", 5)
    assert {"source", "statuses", "verdict", "value", "unit", "snapshot", "workings"} <= set(found["verdicts"][0])
    assert {v["verdict"] for v in found["verdicts"]} == {"supports", "no_data"}


def test_the_command_line_in_words(archive: Archive, tmp_path: Path) -> None:
    asked = ("claims", archive.path, "--text", "It holds more than 5 km²", "--date", "2024-08-21", "--in", "BB")
    assert "not known: controller" in run(*asked).output
    done = run(
        *asked, "--set", "controller=AA", "--and", "BB has retaken 50 percent of what AA took", "--format", "text"
    )
    assert done.exit_code == 0, done.output
    assert "supports" in done.output
    assert "together: more than 5 km² held and 50 percent retaken imply a peak of 10 km² or more" in done.output
    for words, message in (
        (("--set", "colour=red"), "--set 'colour=red'"), (("--set", "value=many"), "value is a number"),
        (("--set", "controller=AA", "--in", "Nowhere"), "no unit"),
    ):  # fmt: skip
        wrong = run(*asked, *words)
        assert wrong.exit_code > 0
        assert message in wrong.output
    assert "needs a first claim" in run("claims", archive.path, "--and", "x").output
    assert "no claims on record" in run("claims", archive.path).output


def test_a_chart_shows_the_claim(archive: Archive, tmp_path: Path) -> None:
    finding = check_claim(archive, replace(HELD, value=km2(THREE)))
    path = draw_claim(archive, finding, tmp_path / "c.svg")
    text = path.read_text(encoding="utf-8")
    assert "Shaded: what agrees with more than" in text
    share = draw_claim(archive, check_claim(archive, SHARE), tmp_path / "s.png")
    with Image.open(share) as picture:
        assert picture.size[0] > 1000
    lost = replace(HELD, quantity="lost", value=1.0, date_from="2024-08-01")
    with pytest.raises(MapError, match="not drawn over time"):
        draw_claim(archive, check_claim(archive, lost), tmp_path / "l.png")
    with pytest.raises(MapError, match="nothing to draw"):
        draw_claim(archive, check_claim(archive, replace(HELD, controller=None, value=1)), tmp_path / "n.png")


def test_an_embargo_holds_for_claims(tmp_path: Path) -> None:
    archive = lay(tmp_path / "a.gpkg")
    hours = (datetime.now(UTC) - (DAY0 + timedelta(days=15))).total_seconds() / 3600
    archive.set_rule("embargo", f"{hours:.0f}", source="one")
    claim = replace(HELD, value=1.01 * km2(HALF))
    assert check_claim(archive, claim, sources=["one"]).verdicts[0].verdict == "no_data"
    found = check_claim(archive, claim, sources=["one"], max_age_days=30)
    assert (found.verdicts[0].snapshot, found.verdicts[0].value) == ("one@2024-08-11", pytest.approx(km2(THREE)))
    assert len(found.verdicts) == 1  # the contested ground came later
    assert "embargo" in " ".join(found.notes)


def test_the_claims_on_record_are_checked(tmp_path: Path) -> None:
    archive = demo.build(tmp_path / "k.gpkg")
    found = json.loads(run("claims", archive.path, "--format", "json").stdout)["claims"]
    by = {f["claim"]["claim_id"]: [v["verdict"] for v in f["verdicts"]] for f in found}
    assert len(by) == len(archive.claims())
    assert by["briefing-500"] == ["contradicts", "supports_with_contested"]
    assert by["briefing-40"] == ["contradicts", "contradicts"]
    assert by["briefing-11000"] == []
    assert by["deepstate-900"] == ["supports", "contradicts"]
    assert set(by["syrskyi-40"]) == {"no_data"}
    table = run("claims", archive.path, "--date", "2025-01-11").output
    assert "briefing-500" in table
    assert "syrskyi" not in table
    one = run("claims", archive.path, "--id", "briefing-40", "--chart", tmp_path / "c.png", "--format", "csv")
    assert one.exit_code == 0
    assert (tmp_path / "c.png").stat().st_size > 10_000
    assert "no claim nobody on record" in run("claims", archive.path, "--id", "nobody").output


def test_a_share_without_a_side_is_measured_where_only_one_other_side_held_ground(archive: Archive) -> None:
    found = check_claim(archive, read_claim("some 40 percent retaken", date="2024-08-21"), within="BB")
    named = check_claim(archive, replace(found.claim, controller="BB"), within="BB")
    assert [v.value for v in found.verdicts] == [v.value for v in named.verdicts]
    assert found.bases
    assert any("only other side" in note for note in found.notes)
