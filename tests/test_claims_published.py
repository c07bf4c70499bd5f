"""Claims against what a map gives: precision, nearness, net and gross, missing maps, and figures as published."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import shapely
from shapely.geometry import box

from geo.archive import Archive, open_archive
from geo.claims.checking import check_claim
from geo.claims.model import claim_of, find_amounts, span_of
from geo.claims.reading import read_claim
from geo.claims.verdict import Verdict
from geo.claims.wording import table_of_findings
from geo.importing.importer import import_files
from geo.measure.ellipsoid import areas_km2
from geo.schema import Options

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
WEST = box(36, 48, 37, 49)


def km2(shape: shapely.Geometry) -> float:
    return float(areas_km2([shape])[0])


def put(path: Path, day: str, shape: shapely.Geometry) -> None:
    file = path.parent / f"{day}.geojson"
    file.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"controller":"RU","status":"held"},'
        f'"geometry":{shapely.to_geojson(shape)}}}]}}'
    )
    import_files(path, "vector", [file], options=Options(date=day))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Ground that moves on by 0.01 degrees a day in the east and is left in the west; days 4 and 9 to 11 are missing."""
    path = tmp_path_factory.mktemp("moving") / "a.gpkg"
    for number in range(1, 21):
        if number not in (4, 9, 10, 11):
            put(path, str(date(2025, 8, number)), box(36 + 0.002 * number, 48, 37 + 0.01 * number, 49))
    return open_archive(path)


def verdict_of(archive: Archive, text: str, day: str = "2025-08-21") -> Verdict:
    (found,) = check_claim(archive, read_claim(text, date=day)).verdicts
    return found


def test_round_numbers_are_as_exact_as_they_are_written() -> None:
    bare = {
        "44,000": 500,
        "4,336": 0.5,
        "500": 5,
        "1,000": 50,
        "116,165": 0.5,
        "63.2": 0.05,
        "100,000": 5000,
        "0.6": 0.05,
    }
    for written, half in bare.items():
        claim = read_claim(f"Russia holds {written} km² of ground", date="2025-01-01")
        span = span_of(claim)
        assert (span.high - span.low) / 2 == pytest.approx(half), written
        assert claim_of(claim.as_dict() | {"notes": None}).step == claim.step
    exactly = read_claim("Russia holds exactly 44,000 km² of ground", date="2025-01-01")
    assert span_of(exactly)[:2] == (43_999.5, 44_000.5)
    assert claim_of(exactly.as_dict() | {"notes": None}).step == 1
    assert find_amounts("100 villages")[0].step == 1  # places are counted


def test_what_is_near_is_not_contradicted_and_what_is_not_is(archive: Archive) -> None:
    held = km2(box(36.04, 48, 37.2, 49))
    for factor, verdict in (
        (1.0, "supports"),
        (1.004, "supports"),
        (0.996, "supports"),
        (1.006, "contradicts"),
        (0.97, "contradicts"),
    ):
        found = verdict_of(archive, f"Russia holds {factor * held:,.1f} km² on 2025-08-20")
        assert found.verdict == verdict, factor
        assert found.workings["difference_percent"] == pytest.approx(100 * (1 / factor - 1), abs=0.01)
        assert found.workings["difference_km2"] == pytest.approx(held * (1 - factor), abs=0.2)
        assert found.workings["agreement"] == (
            None if verdict == "contradicts" else "as written" if factor == 1 else "within 0.5 %"
        )
    near = check_claim(archive, read_claim(f"Russia holds {1.003 * held:,.1f} km² on 2025-08-20", date="2025-08-21"))
    assert table_of_findings([near])["verdict"].tolist() == ["agrees within 0.5 %"]
    above = verdict_of(archive, f"Russia holds more than {1.003 * held:,.1f} km² on 2025-08-20")
    assert (above.verdict, above.workings["agreement"]) == ("supports", "within 0.5 %")


def test_ground_taken_is_measured_net_and_gross_and_the_verdict_says_which_agrees(archive: Archive) -> None:
    gross, lost = km2(box(37.05, 48, 37.15, 49)), km2(box(36.01, 48, 36.03, 49))
    span = "from 5 August 2025 to 15 August 2025"
    for value, kind, verdict in ((gross, "gross", "supports_gross"), (gross - lost, "net", "supports")):
        found = verdict_of(archive, f"Russia seized {value:,.1f} km² {span}.")
        assert (found.verdict, found.workings["measured"]) == (verdict, kind)
        assert found.value == pytest.approx(value, rel=1e-3)
        assert f"{kind} agrees" in found.workings["text"]
    assert verdict_of(archive, f"Russia seized {0.97 * (gross - lost):,.1f} km² {span}.").verdict == "contradicts"
    # a side that gained more than it lost has no net loss
    back = verdict_of(archive, f"Russia lost {lost:,.1f} km² {span}.")
    assert (back.verdict, back.workings["measured"]) == ("supports", "gross")


def test_a_missing_map_contradicts_nothing_within_the_pace_of_its_time(archive: Archive) -> None:
    step = km2(box(37.05, 48, 37.06, 49)) - km2(box(36.01, 48, 36.012, 49))
    span = "from 4 August 2025 to 15 August 2025"  # the nearest map is of the 3rd
    assert verdict_of(archive, f"Russia seized {12 * step:,.1f} km² {span}.").verdict == "supports"
    found = verdict_of(archive, f"Russia seized {11 * step:,.1f} km² {span}.")
    assert found.verdict == "supports_within_gaps"
    assert "the nearest map before an end of the span is of 3 August 2025" in found.workings["text"]
    assert verdict_of(archive, f"Russia seized {9 * step:,.1f} km² {span}.").verdict == "contradicts"


def test_between_two_maps_what_was_held_is_open(archive: Archive) -> None:
    on = [km2(box(36 + 0.002 * n, 48, 37 + 0.01 * n, 49)) for n in (8, 12)]
    middle, beyond = sum(on) / 2, on[1] + (on[1] - on[0])
    assert verdict_of(archive, f"Russia held {middle:,.1f} km² on 10 August 2025").verdict == "supports_within_gaps"
    assert verdict_of(archive, f"Russia held {beyond:,.1f} km² on 10 August 2025").verdict == "contradicts"


PUBLISHED = Path(__file__).with_name("claim_grammar") / "published.csv"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """The source's own map around the days that its published figures speak of, held: each series is read once."""
    files = [*SHARED.glob("mirror-2026/*.geojson"), *SHARED.glob("deepstate-mirror/*2025010[12].geojson")]
    files += SHARED.glob("deepstate-mirror/*202506??.geojson")
    if len(files) < 40:
        pytest.skip("the real files are not here")
    path = tmp_path_factory.mktemp("mirror") / "a.gpkg"
    import_files(path, "deepstate-mirror", sorted(files))
    archive = open_archive(path)
    with archive.store.holding():
        yield archive


ROWS = list(csv.DictReader(PUBLISHED.open(encoding="utf-8", newline="")))


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['what']} {r['value']}" for r in ROWS])
def test_the_figures_that_a_source_published_agree_with_its_map(mirror: Archive, row: dict[str, str]) -> None:
    value = float(row["value"])

    def verdicts(figure: str, most: int = 9) -> set[str]:
        texts = [text.strip().replace("{x}", figure) for text in row["texts"].split("|")[:most]]
        claims = [read_claim(text, date=row["date"]) for text in texts]
        found = {c.text: check_claim(mirror, c, date=row["date"]).verdicts for c in claims}
        assert all(found.values()), [text for text, listed in found.items() if not listed]
        return {v.verdict for listed in found.values() for v in listed}

    assert verdicts(f"{value:,.1f}" if value < 100 else f"{value:,.0f}") == {row["verdict"]}
    if value > 200:
        for factor in (0.97, 1.03):
            assert "supports" not in verdicts(f"{value * factor:,.0f}", most=1)
    elif value > 50:
        assert verdicts(f"{value * 0.97:.1f}", most=1) == {"contradicts"}
