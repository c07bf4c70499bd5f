"""Published figures and reference tables, from the real files: imports on the command line, figures from the archive."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.importing.importer import import_files


def geo(*words: object) -> Any:
    done = CliRunner().invoke(main, [*map(str, words), "--format", "json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def deepstate(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    path = tmp_path_factory.mktemp("figures") / "ds.gpkg"
    receipts = import_files(path, "deepstate", sorted((shared / "deepstate-raw").glob("*.geojson")))
    assert {r.outcome for r in receipts} == {"stored"}
    for r in receipts:
        assert r.rows_in == r.rows_stored + r.rows_refused + r.rows_left_out + r.duplicates
    return open_archive(path)


@pytest.fixture(scope="module")
def nzz(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    path = tmp_path_factory.mktemp("figures") / "nzz.gpkg"
    import_files(path, "nzz", [shared / "nzz" / f"2025-01-{day}.json" for day in ("10", "11")])
    return open_archive(path)


# DeepState's own monthly reports of Russian net gain in Ukraine: 363, 730 and 325 km² (deepstatemap.live, monthly
# summaries of August and November 2024 and January 2025); states at 00:00 UTC on the 1sts.
@pytest.mark.parametrize(
    ("start", "end", "measured", "published"),
    [("2024-08", "2024-09", 363.5, 363), ("2024-11", "2024-12", 725.9, 730), ("2025-01", "2025-02", 326.1, 325)],
)
def test_monthly_net_gain(deepstate: Archive, start: str, end: str, measured: float, published: float) -> None:
    found = geo(
        "change", deepstate.path, "--from", f"{start}-01T00:00Z", "--to", f"{end}-01T00:00Z", "--controller", "RU"
    )
    (row,) = found["rows"]
    assert row["status"] == "held"
    assert row["net_km2"] == pytest.approx(measured, abs=0.1)
    assert row["net_km2"] == pytest.approx(published, rel=0.01)
    assert row["gained_km2"] - row["lost_km2"] == pytest.approx(row["net_km2"], abs=1e-9)
    if start == "2024-11":
        assert (row["gained_km2"], row["lost_km2"]) == (pytest.approx(732.7, abs=0.1), pytest.approx(6.8, abs=0.1))


def test_held_in_russia_on_11_january(deepstate: Archive) -> None:
    rows = geo("area", deepstate.path, "--date", "2025-01-11", "--controller", "UA", "--status", "held")["rows"]
    assert [r["area_km2"] for r in rows] == [pytest.approx(436.3, abs=0.1)]
    assert rows[0]["lower_km2"] == rows[0]["area_km2"]
    assert rows[0]["upper_km2"] == pytest.approx(627.5, abs=0.3)
    assert rows[0]["snapshot"] == "deepstate@2025-01-11T19:24:20Z"
    native = geo("area", deepstate.path, "--date", "2025-01-11", "--by", "native", "--status", "contested")["rows"]
    in_russia = [r["area_km2"] for r in native if "#bdbdbd" in r["native"]]
    assert in_russia == [pytest.approx(191.2, abs=0.1)]
    clipped = geo(
        "area", deepstate.path, "--date", "2025-01-11", "--in", "Kursk", "--controller", "UA", "--status", "held"
    )
    assert clipped["rows"][0]["area_km2"] == pytest.approx(436.3, abs=0.1)  # all that is held in Russia
    assert clipped["rows"][0]["boundary"]


@pytest.mark.long
def test_russian_held_in_ukraine_agrees_with_the_reference_on_every_file(deepstate: Archive, shared: Path) -> None:
    with (shared / "reference" / "deepstate_raw_area.csv").open() as stream:
        reference = {r["published_utc"]: r for r in csv.DictReader(stream)}
    assert len(reference) > 120
    for published, row in reference.items():
        area = deepstate.area(published, controller="RU", status="held")
        assert area["snapshot_age_days"][0] == 0
        assert area["area_km2"][0] == pytest.approx(float(row["russian_held_in_ukraine"]), rel=1e-6)


def test_nzz_losses_are_never_counted_as_occupied(nzz: Archive) -> None:
    rows = geo("area", nzz.path, "--date", "2025-01-10", "--by", "native")["rows"]
    losses = [r for r in rows if r["native"] == "losses"]
    assert sum(r["area_km2"] for r in losses) == pytest.approx(547.3, abs=0.1)
    assert {(r["controller"], r["status"]) for r in losses} == {("UA", "held"), ("UA", "liberated")}
    held = [r["area_km2"] for r in rows if r["controller"] == "RU"]
    whole = geo("area", nzz.path, "--date", "2025-01-10", "--controller", "RU")["rows"]
    assert whole[0]["area_km2"] == pytest.approx(sum(held), rel=1e-6)
    kursk = geo("area", nzz.path, "--date", "2025-01-10", "--in", "RU-KRS", "--controller", "UA", "--status", "held")[
        "rows"
    ]
    assert 526 <= kursk[0]["area_km2"] <= 530


def test_published_and_depicted_are_kept_apart(nzz: Archive) -> None:
    table = nzz.reader.snapshots().set_index("file_name")
    assert table.loc["2025-01-11.json", "published"].startswith("2025-01-11")
    assert table.loc["2025-01-11.json", "depicts"].startswith("2025-01-10")


def test_a_snapshot_comes_back_vertex_for_vertex(deepstate: Archive, shared: Path) -> None:
    import shapely

    from geo.formats.geojson import build, features, read_json

    path = shared / "deepstate-raw" / "1736623460.geojson"
    listed = [f["geometry"] for f in features(read_json(path), path=path) if f["geometry"]["type"] != "Point"]
    put_in = {shapely.get_coordinates(g).tobytes() for g in build(listed).geometry}
    frame = deepstate.control("2025-01-11")
    assert len(frame) > 80
    assert all(shapely.get_coordinates(g).tobytes() in put_in for g in frame.geometry)


def test_importing_again_changes_nothing(deepstate: Archive, shared: Path) -> None:
    before = deepstate.path.read_bytes()
    files = sorted((shared / "deepstate-raw").glob("17366*.geojson"))
    assert {r.outcome for r in import_files(deepstate, "deepstate", files)} == {"unchanged"}
    after = open_archive(deepstate.path)
    assert len(after.reader.snapshots()) == len(list((shared / "deepstate-raw").glob("*.geojson")))
    assert len(before) == deepstate.path.stat().st_size
