"""NZZ / Liveuamap: what is gained, lost and unchanged, and on which side of the border."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box, mapping

from geo.archive import open_archive
from geo.cli import main
from geo.errors import GateError
from geo.importing.importer import import_files
from geo.schema import Options
from geo.sources import nzz

WEST, EAST, FAR = box(30, 50, 30.5, 50.5), box(40, 50, 40.5, 50.5), box(65, 33, 65.5, 33.5)


def locate(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return np.where(lon < 35, "UA", np.where(lon < 50, "RU", "AF")).astype(object)


def write(path: Path, *features: tuple[str, Any], date: str | None = "2025-01-10") -> Path:
    listed = [
        {"type": "Feature", "properties": {"type": t, "date": date}, "geometry": None if g is None else mapping(g)}
        for t, g in features
    ]
    path.write_text(json.dumps({"value": {"type": "FeatureCollection", "features": listed}}))
    return path


def test_losses_are_split_at_the_border_and_never_occupied(tmp_path: Path) -> None:
    path = write(
        tmp_path / "2025-01-11.json", ("nochange", box(32, 47, 33, 48)), ("gains", box(33, 47, 33.2, 48)),
        ("losses", MultiPolygon([WEST, EAST, FAR])),
    )  # fmt: skip
    (snapshot,) = nzz.read(path, Options(locate=locate))
    assert snapshot.frame[["row", "controller", "status", "native"]].values.tolist() == [
        [1, "RU", "held", "nochange"], [2, "RU", "held", "gains"],
        [3, "UA", "held", "losses"], [3, "UA", "liberated", "losses"],
    ]  # fmt: skip
    assert snapshot.frame.geometry[2].equals(EAST)
    assert snapshot.frame.geometry[3].equals(WEST)
    assert "AF" in snapshot.refusals[0].why
    assert "0.0000 km²" not in snapshot.refusals[0].why
    assert snapshot.published is not None
    assert (snapshot.depicts.date().isoformat(), snapshot.published.date().isoformat()) == ("2025-01-10", "2025-01-11")
    with pytest.raises(GateError, match="no countries"):
        nzz.read(path, Options())


@pytest.mark.parametrize("lost", [LineString([(30, 50), (31, 51)]), Point(30, 50), Polygon(), None])
def test_losses_without_an_area_are_refused_by_row(lost: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "2025-01-11.json", ("losses", lost), ("nochange", box(32, 47, 33, 48)))
    (snapshot,) = nzz.read(path, Options(locate=locate))
    assert snapshot.frame["row"].tolist() == [2]
    assert [r.row for r in snapshot.refusals] == [1]
    assert "only areas are control" in snapshot.refusals[0].why
    (receipt,) = import_files(tmp_path / "a.gpkg", "nzz", path)
    assert (receipt.rows_in, receipt.rows_stored, receipt.rows_refused) == (2, 1, 1)


def test_the_areas_of_a_collection_of_losses_are_kept_and_the_rest_is_said(tmp_path: Path) -> None:
    mixed = GeometryCollection([WEST, MultiPolygon([EAST]), LineString([(30, 50), (31, 51)])])
    (snapshot,) = nzz.read(write(tmp_path / "2025-01-11.json", ("losses", mixed)), Options(locate=locate))
    assert snapshot.frame["status"].tolist() == ["held", "liberated"]
    assert [shape.area for shape in snapshot.frame.geometry] == pytest.approx([EAST.area, WEST.area])
    assert "lines or points" in snapshot.refusals[0].why


def test_a_sliver_in_the_sea_is_refused_with_its_size(tmp_path: Path) -> None:
    sliver = box(65, 33, 65.0001, 33.0001)
    (snapshot,) = nzz.read(write(tmp_path / "2025-01-11.json", ("losses", sliver)), Options(locate=locate))
    assert snapshot.refusals[0].why.startswith("0.0001 km²")


def test_a_file_of_two_dates_and_an_unknown_type_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "2025-01-11.json", ("nochange", WEST), ("other", EAST))
    with pytest.raises(GateError, match="other is unknown"):
        nzz.read(path, Options(locate=locate))
    document = json.loads(path.read_text())
    document["value"]["features"][0]["properties"]["date"] = "2025-01-09"
    path.write_text(json.dumps(document))
    with pytest.raises(GateError, match="features of 2 dates"):
        nzz.read(path, Options(locate=locate))
    path = write(tmp_path / "undated.json", ("nochange", WEST), date=None)
    with pytest.raises(GateError, match=r"undated\.json: no feature has a date; say --date"):
        nzz.read(path, Options(locate=locate))


def test_the_break_of_the_series_is_noted(tmp_path: Path) -> None:
    before = write(tmp_path / "a.json", ("nochange", WEST), date="2024-03-12")
    after = write(tmp_path / "b.json", ("nochange", WEST), date="2024-03-13")
    assert "not comparable" in nzz.read(before, Options(locate=locate))[0].notes[0]
    assert nzz.read(after, Options(locate=locate))[0].notes == ()


@pytest.mark.parametrize("day", ["2023-10-24", "2023-12-09"])
def test_broken_days_are_refused_by_name(shared: Path, tmp_path: Path, day: str) -> None:
    (receipt,) = import_files(tmp_path / "a.gpkg", "nzz", shared / "nzz" / f"{day}.json")
    assert receipt.outcome == "refused"
    assert "a broken day" in receipt.error
    assert day in receipt.error


@pytest.mark.long
def test_every_other_real_file_comes_in(shared: Path, tmp_path: Path) -> None:
    receipts = import_files(tmp_path / "a.gpkg", "nzz", sorted((shared / "nzz").glob("*.json")))
    assert sum(r.outcome == "refused" for r in receipts) == 2
    for r in receipts:
        if r.outcome != "refused":
            assert r.rows_in == r.rows_stored + r.rows_refused + r.rows_left_out + r.duplicates


def test_figures_across_the_break_say_so(shared: Path, tmp_path: Path) -> None:
    files = [shared / "nzz" / f"2024-03-{day}.json" for day in ("13", "14")]
    import_files(tmp_path / "a.gpkg", "nzz", files)
    archive = open_archive(tmp_path / "a.gpkg")
    found = archive.change("2024-03-12", "2024-03-13")
    assert "not comparable" in found.attrs["notes"][0]
    assert found[found["controller"] == "RU"]["net_km2"].iloc[0] == pytest.approx(-16_619, abs=40)
    assert "not comparable" in archive.series().attrs["notes"][0]
    assert not any("comparable" in note for note in archive.change("2024-03-13", "2024-03-13").attrs["notes"])
    done = CliRunner().invoke(main, ["change", str(archive.path), "--from", "2024-03-12", "--to", "2024-03-13"])
    assert "note: the series breaks on 2024-03-13" in done.stderr
