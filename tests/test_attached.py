"""Incidents in Parquet below the archive: the same answers as of rows in it, and nothing else is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import geo
from geo.archive import Archive
from geo.cli import main
from geo.errors import ArchiveError, FileError, GateError, UsageError
from geo.incidents.control_join import counted
from geo.storage import attached

TYPES = ["Battles", "Riots", "battles", None]
DAYS = ["2024-02-28", "2024-02-29", "2024-03-01", "2025-01-11"]
PLACES = [(35.3, 51.2), (36.19, 51.73), (30.52, 50.45), (35.3, 51.3)]


def rows_of(picks: list[tuple[int, int, int, int | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "event_id": f"e{n}", "date_start": DAYS[day], "event_type": TYPES[kind], "longitude": PLACES[place][0],
                "latitude": PLACES[place][1], "low": None, "best": killed, "high": killed, "where_prec": 1 + place * 2,
                "where_coordinates": f"place {place}", "verification": [None, "partly"][n % 2], "notes": f"number {n}",
            }
            for n, (day, kind, place, killed) in enumerate(picks)
        ]
    )  # fmt: skip


def both(folder: Path, frame: pd.DataFrame) -> tuple[Archive, Archive]:
    """One archive that has the rows, and one that has them attached."""
    made = []
    for name in ("own", "beside"):
        (folder / name).mkdir()
        archive = geo.open_archive(folder / name / "a.gpkg")
        archive.add_incidents(rows_of([(3, 0, 0, 2)]).assign(event_id="first"), dataset="desk")
        made.append(archive)
    own, beside = made
    own.add_incidents(frame, dataset="made up")
    frame.to_parquet(folder / "rows.parquet")
    beside.attach(folder / "beside" / "many", [folder / "rows.parquet"], dataset="made up")
    return own, beside


def shown(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.drop(columns=["geometry", "orig", "recorded_at"])
    told = plain.astype(object).where(plain.notna(), None).to_dict("records")
    return sorted(told, key=lambda row: (row["dataset"], str(row["event_id"]), str(row["date_start"])))


PICKS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 9))),
    min_size=1, max_size=12,
)  # fmt: skip
ASKED: list[dict[str, Any]] = [
    {}, {"from_": "2024-02-29", "to": "2024-03-01"}, {"within": "Kursk"}, {"event_type": "BATTLES"},
    {"dataset": "made up"}, {"verification": "not stated"}, {"from_": "2025-01-01"}, {"to": "2024-02-28"},
]  # fmt: skip


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(PICKS)
def test_every_answer_equals_that_of_rows_in_the_archive(
    tmp_path_factory: pytest.TempPathFactory, picks: list[tuple[int, int, int, int | None]]
) -> None:
    own, beside = both(tmp_path_factory.mktemp("both"), rows_of(picks))
    for asked in ASKED:
        assert shown(own.incidents(**asked)) == shown(beside.incidents(**asked)), asked
    for by in ("type", "unit", "day", "week", "month"):
        for within in (None, "Kursk"):
            pd.testing.assert_frame_equal(counted(own, by=by, within=within), counted(beside, by=by, within=within))
    pd.testing.assert_frame_equal(own.reader.store.layers(), beside.reader.store.layers())


@pytest.mark.parametrize(
    "rule",
    [
        ("coarsen", "grid:5km", {}), ("withhold", "event_type", {}), ("withhold", "date_start", {"event_type": "Battles"}),
        ("embargo", "876000", {"event_type": "Riots"}), ("coarsen", "settlement", {}),
    ],
)  # fmt: skip
def test_the_rules_are_for_attached_incidents_too(tmp_path: Path, rule: tuple[str, str, dict[str, str]]) -> None:
    picks = [(n % 4, (n // 2) % 4, n % 3, n % 5 or None) for n in range(12)]
    own, beside = both(tmp_path, rows_of(picks))
    for archive in (own, beside):
        archive.set_rule(rule[0], rule[1], **rule[2])
    for asked in ASKED:
        inside, outside = own.incidents(**asked), beside.incidents(**asked)
        assert shown(inside) == shown(outside), asked
        assert inside.attrs["notes"] == outside.attrs["notes"]
    for by in ("type", "unit", "month"):
        pd.testing.assert_frame_equal(counted(own, by=by), counted(beside, by=by))
    pd.testing.assert_frame_equal(own.reader.store.layers(), beside.reader.store.layers())


def test_what_was_known_then_is_kept_when_a_folder_is_taken_off(tmp_path: Path) -> None:
    _, beside = both(tmp_path, rows_of([(0, 0, 0, 1), (1, 1, 1, 2)]))
    then = beside.incidents(dataset="made up")["recorded_at"].max()
    beside.detach(tmp_path / "beside" / "many")
    assert len(beside.incidents()) == 1
    assert len(beside.incidents(as_known_on=then)) == 3
    with pytest.raises(UsageError, match="is not attached"):
        beside.detach(tmp_path / "beside" / "many")


def test_only_whole_folders_below_the_archive_are_taken(tmp_path: Path) -> None:
    good = rows_of([(0, 0, 0, 1), (1, 1, 1, 2)])
    _, beside = both(tmp_path, good)
    home = tmp_path / "beside"
    wrong = {
        "event_id is empty": good.assign(event_id=[None, "b"]), "no latitude": good.assign(latitude=[95.0, 51]),
        "date_start is no day": good.assign(date_start=["0025-01-11", "2024-02-30"]),
        "date_end is no day": good.assign(date_end="2023-01-01"), "below 0": good.assign(best=[-1, 2]),
        "not in order": good.assign(low=5, best=1, high=9), "stands 2 times": good.assign(event_id="same"),
    }  # fmt: skip
    for why, frame in wrong.items():
        frame.to_parquet(tmp_path / "wrong.parquet")
        with pytest.raises(GateError, match=why):
            beside.attach(home / "new", [tmp_path / "wrong.parquet"], dataset="other")
        assert not (home / "new").exists()
        assert not (home / "new.part").exists()
    with pytest.raises(UsageError, match="lies below that of the archive"):
        beside.attach(tmp_path / "outside", [tmp_path / "rows.parquet"], dataset="other")
    with pytest.raises(UsageError, match="already"):
        beside.attach(home / "again", [tmp_path / "rows.parquet"], dataset="made up")
    assert not (home / "again").exists()  # it is refused before it is written
    with pytest.raises(FileError, match="no column"):
        pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "wrong.parquet")
        beside.attach(home / "new", [tmp_path / "wrong.parquet"], dataset="other")
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(ArchiveError, match="cannot be read"):
        beside.attach(home / "new", [tmp_path / "text.parquet"], dataset="other")
    assert beside.reader.store.datasets() == ["desk", "made up"]


def test_what_is_no_row_of_texts_and_numbers_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    good = rows_of([(0, 0, 0, 1), (1, 1, 1, 2)])
    archive, file, folder = geo.open_archive(tmp_path / "a.gpkg"), tmp_path / "rows.parquet", tmp_path / "many"
    archive.add_incidents(good, dataset="desk")
    many = pd.concat([good] * 1000, ignore_index=True).assign(notes="y" * 50_000)
    wrong = {
        "column notes is written as STRUCT": good.assign(notes=[{"a": 1}] * 2),
        "column latitude is written as BOOLEAN": good.assign(latitude=True),
        "column event_id is written as BLOB": good.assign(event_id=[b"a", b"b"]),
        "a number of people is below 0, not whole": good.assign(low=None, high=None, best=float("inf")),
        "too much of MiB of text": many.assign(event_id=[f"e{n}" for n in range(len(many))]),
    }  # fmt: skip
    for why, frame in wrong.items():
        frame.to_parquet(file)
        with pytest.raises(geo.GeoError, match=why):
            archive.attach(folder, [file], dataset="x")
    folder.mkdir()
    os.mkfifo(folder / "rows.parquet")
    with pytest.raises(FileError, match="not a plain file"):
        archive.attach(folder)
    (loop := tmp_path / "loop.parquet").symlink_to(loop)
    with pytest.raises(FileError, match="cannot be read"):
        archive.attach(tmp_path / "other", [loop], dataset="x")
    good.assign(date_start=pd.to_datetime(good["date_start"])).to_parquet(file)
    assert archive.attach(tmp_path / "other", [file], dataset="x")["first"].tolist() == ["2024-02-28"]


def test_a_folder_that_was_cut_off_before_its_record_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of([(0, 0, 0, 1), (3, 1, 1, 2)]).to_parquet(tmp_path / "rows.parquet")
    archive = geo.open_archive(tmp_path / "a.gpkg")
    archive.add_incidents(rows_of([(3, 0, 0, 2)]), dataset="desk")

    def attach() -> None:
        archive.attach(tmp_path / "many", [tmp_path / "rows.parquet"], dataset="x")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(archive.store), "attach", killed)
        attach()
    assert not (tmp_path / "many").exists()
    (tmp_path / "many").mkdir()  # as a kill between the two steps leaves it
    (tmp_path / "many" / ".not-recorded").touch()
    attach()
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == ["dataset=x"]
    assert len(archive.incidents()) == 3


def test_a_file_that_is_another_or_gone_is_named(tmp_path: Path) -> None:
    _, beside = both(tmp_path, rows_of([(0, 0, 0, 1), (3, 1, 1, 2)]))
    assert geo.check_archive(beside.path).is_whole
    [first, *_] = sorted((tmp_path / "beside" / "many").rglob("*.parquet"))
    whole = first.read_bytes()
    first.write_bytes(whole + b" ")
    with pytest.raises(ArchiveError, match=r"is another than was attached.*--remove"):
        beside.incidents()
    assert not geo.check_archive(beside.path).is_whole
    first.unlink()
    with pytest.raises(ArchiveError, match="is not there"):
        counted(beside, by="type")
    first.write_bytes(whole)
    assert counted(beside, by="type")["incidents"].sum() == 3


def test_an_archive_from_elsewhere_names_no_place_outside_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies below that of the archive"):
        attached.read_row(tmp_path / "a.gpkg", "../../etc", "2025-01-11T00:00:00Z", "[]")
    with attached.asking(tmp_path) as connection, pytest.raises(Exception, match="Permission|Cannot access"):
        connection.execute("SELECT * FROM read_text('/etc/hostname')")


def test_a_long_question_draws_no_bar_among_the_figures(tmp_path: Path) -> None:
    with attached.asking(tmp_path) as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_the_folder_is_geoparquet_and_comes_in_again(tmp_path: Path) -> None:
    import geopandas

    _, beside = both(tmp_path, rows_of([(0, 0, 0, 1), (3, 1, 1, 2)]))
    paths = sorted((tmp_path / "beside" / "many").rglob("*.parquet"))
    assert [p.parent.name for p in paths] == ["year=2024", "year=2025"]
    assert geopandas.read_parquet(paths[0]).geometry.iloc[0].coords[0] == PLACES[0]
    beside.detach(tmp_path / "beside" / "many")
    assert beside.attach(tmp_path / "beside" / "many")["rows"].tolist() == [2]


def test_too_many_to_list_are_counted_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, beside = both(tmp_path, rows_of([(n % 4, 0, 0, 1) for n in range(9)]))
    monkeypatch.setattr("geo.storage.store.MOST_AT_ONCE", 5)
    with pytest.raises(UsageError, match=r"9 incidents are too many to list.*--by"):
        beside.incidents()
    assert counted(beside, by="type")["incidents"].sum() == 10


def test_the_verb(tmp_path: Path) -> None:
    rows_of([(0, 0, 0, 1), (3, 1, 1, 2)]).to_parquet(tmp_path / "rows.parquet")
    archive, folder = str(tmp_path / "a.gpkg"), str(tmp_path / "many")
    geo.open_archive(archive).add_incidents(rows_of([(3, 0, 0, 2)]), dataset="desk")
    call = ["attach", archive, folder, str(tmp_path / "rows.parquet"), "--dataset", "x", "--format", "json"]
    done = CliRunner().invoke(main, call)
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["rows"][0] == {
        "dataset": "x", "rows": 2, "first": "2024-02-28", "last": "2025-01-11", "files": 2,
    }  # fmt: skip
    listed = CliRunner().invoke(main, ["incidents", archive, "--by", "month", "--dataset", "x", "--format", "csv"])
    assert listed.output.count("\n") == 3
    assert CliRunner().invoke(main, ["attach", archive, folder, "--remove"]).exit_code == 0
    assert CliRunner().invoke(main, ["incidents", archive, "--format", "csv"]).output.count("\n") == 2
