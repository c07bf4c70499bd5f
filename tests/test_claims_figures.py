"""Claims on real files: the founding briefing's two figures, and the published figures that others must agree with."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geo.archive import Archive, open_archive
from geo.claims.checking import check_claim, compare_claims
from geo.claims.reading import read_claim
from geo.claims.verdict import Finding
from geo.importing.importer import import_files

DAY = "2025-01-11"
HELD = "Ukrainian troops still control more than 500 square kilometers in Kursk"
RETAKEN = "Russia has retaken some 40 percent of what Ukraine took in Kursk region"


def days(folder: Path, wanted: set[str]) -> list[Path]:
    return sorted(p for p in folder.glob("*.json") if p.stem in wanted)


@pytest.fixture(scope="module")
def archive(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """DeepState from the peak on, NZZ where its figure changed, ISW's limit of advance."""
    path = tmp_path_factory.mktemp("claims") / "a.gpkg"
    raw = sorted((shared / "deepstate-raw").glob("17*.geojson"))
    chosen = [p for p in raw if 1725600000 <= int(p.stem) <= 1736700000]
    keep = {"1725740856", "1732395180", "1736623460"}
    import_files(path, "deepstate", [p for i, p in enumerate(chosen) if i % 3 == 0 or p.stem in keep])
    nzz = sorted((shared / "nzz").glob("202*.json"))
    import_files(path, "nzz", [p for p in nzz if "2024-09-01" <= p.stem <= "2025-01-11"][::3] + days(
        shared / "nzz", {"2024-09-04", "2024-10-23", "2024-11-13", "2024-11-26", "2025-01-11"}))  # fmt: skip
    import_files(path, "isw", sorted((shared / "isw-topojson").rglob("kursk*.topojson")))
    return open_archive(path)


@pytest.fixture(scope="module")
def monthly(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """DeepState's last snapshots before the firsts of six months, and around 10 September 2024."""
    path = tmp_path_factory.mktemp("claims") / "m.gpkg"
    raw = sorted(int(p.stem) for p in (shared / "deepstate-raw").glob("17*.geojson"))
    firsts = (1722470400, 1725148800, 1730419200, 1733011200, 1735689600, 1738368000, 1725926400)
    wanted = {max(r for r in raw if r <= first) for first in firsts}
    import_files(path, "deepstate", [shared / "deepstate-raw" / f"{r}.geojson" for r in sorted(wanted)])
    return open_archive(path)


def by(finding: Finding) -> dict[tuple[str, str], tuple[str, float]]:
    return {(v.source, "+".join(v.statuses)): (v.verdict, v.value or 0.0) for v in finding.verdicts}


def test_more_than_500_in_kursk(archive: Archive) -> None:
    command = [sys.executable, "-m", "geo", "claims", str(archive.path), "--text", HELD, "--date", DAY]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: Any = json.loads(done.stdout)
    rows = {(v["source"], *v["statuses"]): v for v in found["verdicts"]}
    assert rows[("nzz", "held")]["verdict"] == "supports"
    assert 526 <= rows[("nzz", "held")]["value"] <= 530
    held, both = rows[("deepstate", "held")], rows[("deepstate", "held", "contested")]
    assert held["verdict"] == "contradicts"
    assert 434 <= held["value"] <= 436.3
    assert held["workings"]["without_outline_km2"] == pytest.approx(436.3, abs=0.1)
    assert both["verdict"] == "supports_with_contested"
    assert 622 <= both["value"] <= 627.5
    assert both["workings"]["without_outline_km2"] == pytest.approx(627.5, abs=0.1)
    assert held["snapshot"] == "deepstate@2025-01-11T19:24:20Z"
    assert len(held["workings"]["snapshots"][0]["sha256"]) == 64
    assert rows[("isw", "claimed")]["workings"]["part"] == "kursk-advance"


def test_by_class_without_an_outline(archive: Archive) -> None:
    found = by(check_claim(archive, replace(read_claim(HELD, date=DAY), unit=None)))
    assert found[("deepstate", "held")] == ("contradicts", pytest.approx(436.3, abs=0.1))
    assert found[("deepstate", "held+contested")] == ("supports_with_contested", pytest.approx(436.3 + 191.2, abs=0.2))
    assert found[("nzz", "held")] == ("supports", pytest.approx(547.3, abs=0.2))


def test_isw_is_weekly_and_a_claimed_limit(archive: Archive) -> None:
    claim = read_claim(HELD, date="2025-01-12")
    found = by(check_claim(archive, replace(claim, unit=None), sources=["isw"]))
    assert found[("isw", "claimed")] == ("contradicts", pytest.approx(453, abs=1))
    strict = check_claim(archive, read_claim(HELD, date=DAY), sources=["isw"], max_age_days=3).verdicts[0]
    assert strict.verdict == "no_data"
    assert "nearest 12 January 2025 (1 day after)" in strict.workings["text"]


def test_some_40_percent_retaken(archive: Archive, shared: Path) -> None:
    finding = check_claim(archive, read_claim(RETAKEN, date=DAY))
    found = by(finding)
    assert found[("nzz", "held")] == ("contradicts", pytest.approx(58, abs=0.5))
    assert found[("deepstate", "held")] == ("contradicts", pytest.approx(52, abs=0.5))
    with (shared / "reference" / "kursk_area_by_source.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    losses = {r["date"]: float(r["kursk_km2"]) for r in rows if r["source"] == "nzz" and r["label"] == "losses"}
    peak, now = losses["2024-09-04"], losses[DAY]
    assert (round(peak), round(now)) == (1261, 526)
    base = next(b for b in finding.bases if b["source"] == "nzz")
    assert base["peak_date"] == "2024-09-03"  # depicted; published on the 4th
    assert base["peak_km2"] == pytest.approx(peak, rel=0.005)  # the reference is cut to another outline
    assert base["share_of_peak_percent"] == pytest.approx(100 * (1 - now / peak), abs=0.5)
    last = {(t["source"], *t["statuses"]): t for t in finding.last_true}
    assert "2024-10-2" in last[("nzz", "held")]["from"]
    assert "2024-11-1" in last[("nzz", "held")]["to"]
    assert last[("deepstate", "held")]["from"][:7] == "2024-11"
    assert last[("deepstate", "held")]["to"][:7] == "2024-12"
    assert [t["from"][:7] for t in next(b for b in finding.bases if b["source"] == "deepstate")["true_for"]] == [
        "2024-10"
    ]


def test_40_percent_in_late_november(archive: Archive) -> None:
    finding = check_claim(archive, read_claim(RETAKEN, date="2024-11-24"), sources=["deepstate"])
    verdict = finding.verdicts[0]
    assert verdict.verdict == "supports"
    assert verdict.value == pytest.approx(39, abs=0.5)
    whole = check_claim(archive, replace(read_claim(RETAKEN, date="2024-11-24"), unit=None), sources=["deepstate"])
    assert whole.verdicts[0].workings["base_km2"] == pytest.approx(909, abs=1)
    assert whole.verdicts[0].workings["now_km2"] == pytest.approx(558, abs=1)


def test_the_general_staffs_two_figures_are_42_percent_apart() -> None:
    early = read_claim(
        "Ukraine controlled 1,376 square kilometres of Kursk region on 27 August 2024", date="2024-11-23"
    )
    late = read_claim("Ukraine controls approximately 800 square kilometres of Kursk region", date="2024-11-23")
    assert "−42 percent" in compare_claims(early, late).text
    assert "833 km² or more" in compare_claims(read_claim(HELD, date=DAY), read_claim(RETAKEN, date=DAY)).text


@pytest.mark.parametrize(
    ("month", "published", "measured"),
    [("August 2024", 363, 363.5), ("November 2024", 730, 725.9), ("January 2025", 325, 326.1)],
)
def test_monthly_net_gains(monthly: Archive, month: str, published: int, measured: float) -> None:
    claim = read_claim(f"Russia's net gain was about {published} square kilometres in {month}", date="2025-02-02")
    found = check_claim(monthly, claim).verdicts[0]
    assert (found.statuses, found.verdict) == (("held",), "supports")
    assert found.value == pytest.approx(measured, abs=0.1)
    if month == "November 2024":
        assert found.workings["gained"] == pytest.approx(732.7, abs=0.1)
        assert found.workings["lost"] == pytest.approx(6.8, abs=0.1)


def test_kursk_in_september(monthly: Archive) -> None:
    claim = read_claim("Ukraine holds about 900 square kilometres", date="2024-09-10")
    held, both = check_claim(monthly, claim).verdicts
    assert (held.verdict, held.value) == ("supports", pytest.approx(908.9, abs=0.1))
    assert both.value == pytest.approx(908.9 + 338.1, abs=0.3)
    assert both.verdict == "contradicts"
