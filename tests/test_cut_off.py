"""Cut off between two steps of one command: the next run ends where an undisturbed one does.

Fetching is cut off at every step in test_fetch, the desk's round in test_daily, a site in test_site_shelf.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping

from benchmarks import deeds
from geo.archive import open_archive
from geo.cli import main
from geo.geocoding import place_index
from geo.importing import importer as intake
from geo.importing.importer import ensure_units, import_claims, import_files
from geo.maintenance import repair
from geo.maintenance.check import check_archive
from geo.storage import layout
from geo.storage import transactions as disk
from tests.test_faults import write_day

KINDS = ("vector", "incidents", "units", "claims", "rules")
OLD = Path(__file__).with_name("fixtures") / "layout_1.gpkg"


def cut(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: int = 0, before: bool = True) -> None:
    """Ctrl-C at a call of a function: before it is done, or just behind it."""
    honest, seen = getattr(owner, name), []

    def stop(*given: Any, **settings: Any) -> Any:
        seen.append(name)
        if len(seen) > after and before:
            raise KeyboardInterrupt
        done = honest(*given, **settings)
        if len(seen) > after:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(owner, name, stop)


def cut_off(run: Callable[[], object], *where: Any, **how: Any) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        cut(patch, *where, **how)
        run()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    claims = folder / "claims.csv"
    claims.write_text(deeds.CLAIMS)
    return {
        "vector": write_day(folder, 1, size=5), "incidents": deeds.incidents_file(folder / "i.csv", 150),
        "units": deeds.units_file(folder / "u.geojson"), "claims": claims,
    }  # fmt: skip


def take(path: Path, kind: str, files: dict[str, Path]) -> None:
    if kind == "claims":
        import_claims(open_archive(path), files[kind])
    elif kind == "rules":
        with open_archive(path) as archive:
            archive.set_rule("embargo", "24")
        take(path, "vector", files)
    else:
        assert import_files(path, kind, files[kind])[0].outcome == "stored"


@pytest.fixture(scope="module")
def whole(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed archive of one kind says."""
    folder = tmp_path_factory.mktemp("whole")
    for kind in KINDS:
        path = folder / f"{kind}.gpkg"
        if kind == "rules":  # on an archive that is there
            ensure_units(open_archive(path))
        take(path, kind, files)
    return {kind: deeds.all_said(folder / f"{kind}.gpkg") for kind in KINDS}


def names_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_left_without_its_boundary_sets_is_ended_by_the_first_thing_taken_in(
    kind: str, files: dict[str, Path], tmp_path: Path, whole: dict[str, Any]
) -> None:
    path = tmp_path / "a.gpkg"
    with open_archive(path).store.writing():  # as versions before this one could leave it
        pass
    take(path, kind, files)
    assert deeds.all_said(path) == whole[kind]
    assert check_archive(path).is_whole


@pytest.mark.parametrize(
    ("kind", "name", "after", "before"),
    [
        ("vector", "_read_file", 0, True), ("incidents", "_read_file", 1, True), ("incidents", "_read_file", 2, True),
        ("incidents", "_read_file", 2, False), ("vector", "place_new", 1, True), ("vector", "place_new", 1, False),
        ("claims", "place_new", 1, True), ("claims", "place_new", 1, False),
    ],
)  # fmt: skip
def test_the_first_import_cut_off_at_any_step(
    kind: str, name: str, after: int, before: bool, files: dict[str, Path], tmp_path: Path, whole: dict[str, Any]
) -> None:
    """The first two files are boundary sets; the first to get a name is the layout, under the draft's."""
    path = tmp_path / "new" / "a.gpkg"
    owner = disk if name == "place_new" else intake
    cut_off(lambda: take(path, kind, files), owner, name, after=after, before=before)
    placed = name == "place_new" and not before
    assert [p for p in names_in(tmp_path) if p.endswith(".gpkg") or "/." in p] == (["new/a.gpkg"] if placed else [])
    if placed and kind != "claims":
        assert import_files(path, kind, files[kind])[0].outcome == "unchanged"
    else:
        take(path, kind, files)
    assert deeds.all_said(path) == whole[kind]
    assert path.with_suffix(".refused").exists() == (kind == "incidents")


def test_an_import_of_which_all_is_refused_leaves_the_refused_rows_alone(tmp_path: Path) -> None:
    (tmp_path / "x.geojson").write_text("{")
    (tmp_path / "y.csv").write_text("event_id,date_start,latitude,longitude\n1,2025-01-11,95,36\n")
    for source, files in (("vector", ["x.geojson", "none.geojson"]), ("incidents", ["y.csv"])):
        receipts = import_files(tmp_path / "new" / "a.gpkg", source, [tmp_path / f for f in files])
        assert {r.outcome for r in receipts} == {"refused"}
    # no archive, but the refused rows where it would lie, to be mended
    assert names_in(tmp_path) == ["new", "new/a.refused", "new/a.refused/y.csv.csv", "x.geojson", "y.csv"]


def test_a_refused_file_before_a_good_one_harms_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    done = []
    receipts = import_files(
        tmp_path / "a.gpkg", "vector", [tmp_path / "none.geojson", files["vector"], tmp_path / "none.geojson"],
        progress=lambda *told: done.append(told[0]),
    )  # fmt: skip
    assert [r.outcome for r in receipts] == ["refused", "stored", "refused"]
    assert done == [1, 2, 3]
    assert names_in(tmp_path) == ["a.gpkg"]


def test_two_that_make_an_archive_at_once_lose_nothing(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, placed = tmp_path / "a.gpkg", disk.place_new

    def faster(temporary: Path, target: Path) -> bool:
        if target == path:
            monkeypatch.setattr(disk, "place_new", placed)
            import_files(path, "incidents", files["incidents"])
        return placed(temporary, target)

    monkeypatch.setattr(disk, "place_new", faster)
    assert [r.outcome for r in import_files(path, "vector", files["vector"])] == ["stored"]
    archive = open_archive(path)
    assert (len(archive.reader.snapshots()), len(archive.incidents())) == (1, 148)
    assert names_in(tmp_path) == ["a.gpkg", "a.refused", "a.refused/i.csv.csv"]


@pytest.mark.parametrize("before", [True, False])
def test_refused_rows_are_never_lost(before: bool, files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    ensure_units(open_archive(path))
    cut_off(lambda: take(path, "incidents", files), intake, "_write_sidecar", before=before)
    assert open_archive(path).incidents().empty
    take(path, "incidents", files)
    rows = (tmp_path / "a.refused" / "i.csv.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 2
    # a person mends them there: importing the file again leaves that alone
    (tmp_path / "a.refused" / "i.csv.csv").write_text("mended")
    assert import_files(path, "incidents", files["incidents"])[0].outcome == "unchanged"
    assert (tmp_path / "a.refused" / "i.csv.csv").read_text() == "mended"


def test_a_map_with_refused_rows_is_in_with_them_or_not_at_all(tmp_path: Path) -> None:
    path, day = tmp_path / "a.gpkg", tmp_path / "2025-01-11.geojson"
    features = [
        {"type": "Feature", "properties": {"controller": "X", "status": "held"}, "geometry": mapping(box(at, 50, at + 1, 51))}
        for at in (30, 200)
    ]  # fmt: skip
    day.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    ensure_units(open_archive(path))
    cut_off(lambda: import_files(path, "vector", day), intake, "_write_sidecar")
    assert open_archive(path).reader.snapshots().empty
    receipt = import_files(path, "vector", day)[0]
    assert (receipt.outcome, receipt.rows_refused) == ("stored", 1)
    assert Path(receipt.sidecar).is_file()


def test_claims_taken_in_again_change_nothing(files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    assert import_claims(open_archive(path), files["claims"]) == 2
    before = open_archive(path).claims(), len(open_archive(path).store.imports())
    assert import_claims(open_archive(path), files["claims"]) == 2
    assert open_archive(path).claims().equals(before[0])
    assert len(open_archive(path).store.imports()) == before[1]
    assert names_in(tmp_path) == ["a.gpkg"]
    files["claims"].with_name("other.csv").write_text(deeds.CLAIMS.replace("9000 km²", "9500 km²"))
    import_claims(open_archive(path), files["claims"].with_name("other.csv"))
    assert open_archive(path).claims()["text"].tolist() == [
        "X holds more than 5000 km²", "Y holds about 9500 km²",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("claim_id,text,recorded_at\n1,a,b\n", "no such column of a claim: recorded_at"),
        ("claim_id,text\n1,\n", "row 1"),
    ],
)
def test_claims_that_are_none_leave_no_archive(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(text)
    done = CliRunner().invoke(main, ["import", str(tmp_path / "a.gpkg"), "claims", str(tmp_path / "c.csv")])
    assert done.exit_code == 1
    assert words in done.stderr
    assert names_in(tmp_path) == ["c.csv"]


def test_a_backup_cut_off_leaves_nothing(tmp_path: Path) -> None:
    shutil.copy(OLD, tmp_path / "a.gpkg")
    for owner, name in ((repair, "_refuse_damaged_copy"), (repair, "put")):
        cut_off(lambda: repair.back_up(tmp_path / "a.gpkg", tmp_path / "to" / "b.gpkg"), owner, name)
        assert names_in(tmp_path) == ["a.gpkg"]
    repair.back_up(tmp_path / "a.gpkg", tmp_path / "to" / "b.gpkg")
    assert names_in(tmp_path) == ["a.gpkg", "to", "to/b.gpkg"]


def test_an_older_layout_is_brought_up_or_as_it_was(tmp_path: Path) -> None:
    path, whole = Path(shutil.copy(OLD, tmp_path / "a.gpkg")), Path(shutil.copy(OLD, tmp_path / "b.gpkg"))
    day = write_day(tmp_path, 1, size=5)
    before = deeds.said(path)
    for at in (True, False):
        cut_off(lambda: import_files(path, "vector", day), layout, "bring_up", before=at)
        assert deeds.said(path) == before
    for one in (path, whole):
        import_files(one, "vector", day)
    assert deeds.all_said(path) == deeds.all_said(whole)


def test_two_rules_of_one_command_are_both_set_by_the_next(tmp_path: Path) -> None:
    path = Path(shutil.copy(OLD, tmp_path / "a.gpkg"))
    command = ["rules", str(path), "--embargo-hours", "24", "--withhold", "notes"]
    with pytest.MonkeyPatch.context() as patch:
        cut(patch, type(open_archive(path)), "set_rule", after=1)
        assert CliRunner().invoke(main, command).exit_code == 130
    assert open_archive(path).rules()["kind"].tolist() == ["embargo"]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert sorted(open_archive(path).rules()["kind"]) == ["embargo", "withhold"]


def test_an_index_of_places_cut_off_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "places.sqlite"
    for before in (True, False):
        cut_off(lambda: place_index.write_index(path, [], {}, loose=False), place_index, "_fill", before=before)
        assert names_in(tmp_path) == []
    place_index.write_index(path, [], {}, loose=False)
    assert names_in(tmp_path) == ["cache", "cache/places.sqlite"]


@pytest.mark.parametrize("before", [True, False])
def test_a_batch_that_is_cut_off_keeps_what_was_reported_and_is_ended_by_the_next_import(
    before: bool, tmp_path: Path
) -> None:
    days = [write_day(tmp_path, day, size=3) for day in (1, 2, 3, 4)]
    import_files(tmp_path / "whole.gpkg", "vector", days)
    path, reported = tmp_path / "a.gpkg", []

    def run() -> None:
        import_files(path, "vector", days, progress=lambda *told: reported.append(told[2]))

    cut_off(run, intake, "_store_file", after=2, before=before)
    there = open_archive(path).reader.snapshots()["file_name"].tolist()
    assert there == reported == [days[0].name]
    assert [r.outcome for r in import_files(path, "vector", days)] == ["unchanged", "stored", "stored", "stored"]
    assert deeds.all_said(path) == deeds.all_said(tmp_path / "whole.gpkg")
    assert check_archive(path).is_whole
