"""Small files that once came in with another meaning: each gives what is right, or is refused in words."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geo.archive import Archive, open_archive
from geo.importing.importer import Receipt, ensure_units, import_files

SQUARE = 1241.06


@pytest.fixture(scope="module")
def files(shared: Path) -> Path:
    folder = shared.parent / "faults" / "files"
    if not folder.is_dir():
        pytest.skip("needs the small inputs of ../shared/faults, which are not part of the project")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with the shipped units and nothing else."""
    path = tmp_path_factory.mktemp("made") / "a.gpkg"
    ensure_units(open_archive(path))
    open_archive(path).close()
    return path


@pytest.fixture
def archive(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "a.gpkg"))


def taken(archive: Path, source: str, file: Path, **options: Any) -> tuple[Receipt, Archive]:
    (receipt,) = import_files(archive, source, file, **options)
    return receipt, open_archive(archive)


def classes(archive: Archive, day: str) -> dict[str, float]:
    table = archive.area(day)
    names = table["controller"].fillna("") + " " + table["status"]
    return dict(zip(names.str.strip(), table["area_km2"].round(2), strict=True))


@pytest.mark.parametrize(
    ("source", "name", "day", "refused", "found"),
    [
        ("deepstate", "1668200658.geojson", "2022-11-11", 0, {"RU held": 25280.86}),
        ("uacontrolmap", "04 Map 10.11.24.kml", "2024-11-10", 0, {"RU held": SQUARE}),
        ("uacontrolmap", "09_xsi_2025-01-11.kml", "2025-01-11", 0, {"RU held": SQUARE}),
        ("uacontrolmap", "09_nbsp_2025-01-11.kml", "2025-01-11", 0, {"RU held": SQUARE}),
        ("vector", "12_case_2025-01-11.geojson", "2025-01-11", 0, {"RU held": 3 * SQUARE}),
        ("vector", "13_overlapping_holes_2025-01-11.geojson", "2025-01-11", 0, {"RU held": 1055.01}),
        ("vector", "19_kyiv_midnight.geojson", "2025-01-11", 0, {"RU held": SQUARE}),
    ],
)
def test_a_map_has_its_day_and_its_ground(
    source: str, name: str, day: str, refused: int, found: dict[str, float], files: Path, archive: Path
) -> None:
    receipt, opened = taken(archive, source, files / name)
    assert (receipt.outcome, receipt.rows_refused) == ("stored", refused)
    assert [depicts[:10] for depicts in opened.reader.snapshots()["depicts"]] == [day]
    assert classes(opened, day) == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("isw", "SyriaControlMapAO12FEB2025.geojson", "no class of ISW's maps of Ukraine.*'SDF'"),
        ("vector", "05_year0025.geojson", "0025"),
        ("acled", "05_acled.csv", "0025|1527"),
        ("vector", "07_same_stem_2025-01-11.zip", "2 layers.*'control'"),
        ("vector", "07_link_only_2025-01-11.kml", "only links to"),
        ("vector", "08_limit_2025-01-11.geojson", "exceededTransferLimit.*--accept partial"),
        ("vector", "14_cp1251_2025-01-11.shp", "--encoding cp1251.*'Україна'"),
    ],
)
def test_a_file_of_another_meaning_is_refused(source: str, name: str, words: str, files: Path, archive: Path) -> None:
    receipt, opened = taken(archive, source, files / name)
    assert receipt.outcome == "refused"
    assert re.search(words, receipt.error), receipt.error
    assert not len(opened.reader.snapshots())


def test_ends_are_kept(files: Path, archive: Path) -> None:
    for name, constants in (("06_intervals.geojson", {}), ("06_spans.kml", {"controller": "RU", "status": "held"})):
        _, opened = taken(archive, "vector", files / name, constants=constants)
        found = [sum(classes(opened, f"2025-01-{day}").values()) for day in (11, 13, 16, 25)]
        assert found == pytest.approx([SQUARE, 2 * SQUARE, SQUARE, 0], abs=0.02)


def test_labels_are_read_by_their_grammar(files: Path, archive: Path) -> None:
    receipt, opened = taken(archive, "uacontrolmap", files / "02_liberated_2025-01-11.kml")
    assert (receipt.rows_stored, receipt.rows_refused) == (4, 1)
    assert "RU held" not in classes(opened, "2025-01-11")
    assert {"UA liberated", "RU claimed"} <= set(classes(opened, "2025-01-11"))


def test_days_in_hand_drawn_maps(files: Path, archive: Path) -> None:
    receipt, opened = taken(archive, "mymaps", files / "04_days.kml")
    assert sorted(opened.incidents()["date_start"].dt.strftime("%Y-%m-%d")) == ["2024-11-10", "2025-01-11"]
    assert receipt.rows_refused == 2
    other = archive.with_name("b.gpkg")
    receipt, opened = taken(Path(shutil.copy(archive, other)), "mymaps", files / "11_point_and_line.kml")
    assert "2024-05-06" in opened.incidents()["date_start"].dt.strftime("%Y-%m-%d").tolist()


def test_karabakh_is_no_slip(files: Path, archive: Path) -> None:
    assert taken(archive, "vector", files / "10_karabakh_2020-11-10.geojson")[0].rows_refused == 0
    table = archive.with_name("i.csv")
    table.write_text("event_id,date_start,latitude,longitude,country\n1,2020-11-10,39.82,46.75,Azerbaijan\n")
    receipt, _ = taken(archive, "incidents", table)
    assert (receipt.outcome, receipt.rows_refused) == ("stored", 0)


def test_one_of_four_polygons_is_swapped(files: Path, archive: Path) -> None:
    receipt, _ = taken(archive, "vector", files / "10_one_of_four_2025-01-11.geojson")
    ((row, why),) = [(r.row, r.why) for r in receipt.refusals]
    assert row == 4
    assert "swapped" in why


def test_the_code_of_namibia(files: Path, archive: Path) -> None:
    _, opened = taken(archive, "units", files / "17_units.geojson")
    assert "NA" in opened.units()["unit"].tolist()


@pytest.mark.parametrize(("name", "sign"), [("18_sep.csv", ";"), ("18_apostrophe.csv", None)])
def test_tables_as_spreadsheets_leave_them(name: str, sign: str | None, files: Path, archive: Path) -> None:
    receipt, opened = taken(archive, "incidents", files / name, delimiter=sign)
    assert (receipt.outcome, receipt.rows_refused) == ("stored", 0)
    assert opened.incidents()["date_start"].notna().all()


@pytest.fixture(scope="module")
def written(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inputs that the folder's own script writes."""
    folder = tmp_path_factory.mktemp("written")
    subprocess.run([sys.executable, files.parent / "make.py", folder], check=True, capture_output=True)
    return folder


def test_several_dates_are_several_maps(written: Path, files: Path, archive: Path) -> None:
    days = ["2024-11-10", "2024-11-11", "2024-11-12"]
    for source, name, options in (
        ("isw", "timelapse-epoch-ms.geojson", {"part": "control"}),
        ("vector", "timelapse-iso.geojson", {}),
    ):
        receipt, opened = taken(archive, source, written / name, **options)
        assert receipt.rows_stored == 3
        table = opened.reader.snapshots()
        assert [d[:10] for d in table.loc[table["source"] == source, "depicts"]] == days


def test_an_area_across_180_degrees_is_cut_there(written: Path, archive: Path) -> None:
    _, opened = taken(archive, "vector", written / "beyond-180.geojson", date="2025-01-12")
    assert opened.control("2025-01-12").geometry.bounds.loc[0].tolist() == [-180, -17, 180, -16]


def test_columns_in_capitals_are_known(written: Path, archive: Path) -> None:
    receipt, opened = taken(archive, "incidents", written / "Capitals.csv")
    assert (receipt.outcome, receipt.rows_refused) == ("stored", 0)
    assert opened.incidents()["date_start"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-11"]
