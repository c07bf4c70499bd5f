"""Incident tables on their way in and back: nothing lost, nothing made up, every row accounted for."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo.archive import open_archive
from geo.errors import GateError, UsageError
from geo.importing.importer import Receipt, import_files
from geo.schema import Options, parse_instant
from geo.sources import event_datasets, incidents

FILES = {
    "acled": "acled/acled_benin_2022_31cols.csv",
    "ucdp-ged": "ucdp_ged/ucdp_ged_23.1_sample1000.csv",
    "viina": "viina_derived/VIINA_2022_EXACT_DEDUPE.csv",
}
KEYS = {"acled": "event_id_cnty", "ucdp-ged": "id", "viina": "event_id_1pd"}
SHORT = "id,event_date,place,latitude,longitude,notes\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def take_in(folder: Path, text: str, **options: Any) -> Receipt:
    path = folder / "incidents.csv"
    path.write_text(text, encoding="utf-8")
    return import_files(folder / "a.gpkg", "incidents", path, **options)[0]


@pytest.mark.parametrize("source", FILES)
def test_every_row_comes_in_and_comes_back(source: str, shared: Path, tmp_path: Path) -> None:
    path = shared / "incidents" / FILES[source]
    (receipt,) = import_files(tmp_path / "a.gpkg", source, path)
    rows = {r[KEYS[source]]: r for r in rows_of(path)}
    assert receipt.outcome == "stored"
    assert receipt.rows_in == receipt.rows_stored + receipt.rows_refused == len(rows)
    assert receipt.rows_refused == 0
    frame = open_archive(tmp_path / "a.gpkg").incidents()
    assert len(frame) == len(rows)
    for orig in map(json.loads, frame["orig"]):
        assert orig == rows[orig[KEYS[source]]]  # every cell as it stood
    assert (frame.geometry.x == frame["longitude"]).all()
    again = import_files(tmp_path / "a.gpkg", source, path)[0]
    assert again.outcome == "unchanged"


def test_acled_keeps_its_codes_and_makes_none_finer(shared: Path, tmp_path: Path) -> None:
    path = shared / "incidents" / FILES["acled"]
    import_files(tmp_path / "a.gpkg", "acled", path)
    rows = {r["event_id_cnty"]: r for r in rows_of(path)}
    frame = open_archive(tmp_path / "a.gpkg").incidents().set_index("event_id")
    for key, row in rows.items():
        mine = frame.loc[key]
        assert mine["best"] == float(row["fatalities"])
        assert mine["geo_precision"] == float(row["geo_precision"])
        assert np.isnan(mine["where_prec"])
        assert mine["date_start"].date() == pd.Timestamp(row["event_date"]).date()
        assert (mine["assoc_actor_1"] or "NA") == (row["assoc_actor_1"].strip() or "NA")
    assert frame["low"].isna().all()


def test_ucdp_keeps_spans_precision_and_the_three_estimates(shared: Path, tmp_path: Path) -> None:
    path = shared / "incidents" / FILES["ucdp-ged"]
    import_files(tmp_path / "a.gpkg", "ucdp-ged", path)
    frame = open_archive(tmp_path / "a.gpkg").incidents().set_index("event_id")
    for row in rows_of(path):
        mine = frame.loc[row["id"].removesuffix(".0")]
        for column in ("low", "best", "high", "where_prec", "date_prec", "deaths_civilians"):
            assert mine[column] == float(row[column])
        assert (str(mine["date_start"])[:10], str(mine["date_end"])[:10]) == (row["date_start"], row["date_end"])
        assert mine["geo_precision"] == {1: 1, 2: 2, 3: 2}.get(int(float(row["where_prec"])), 3)
        assert np.isnan(mine["number_of_sources"]) == (float(row["number_of_sources"]) < 0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2,31/02/2025,Kursk,51.73,36.19,", "31/02/2025"),
        ("2,2025111,Kursk,51.73,36.19,", "2025111"),
        ("2,2202-01-11,Kursk,51.73,36.19,", "later than now"),
        ("2,,Kursk,51.73,36.19,", "no event date"),
        (",2025-01-11,Kursk,51.73,36.19,", "no event id"),
        ("2,2025-01-11,Kursk,,36.19,", "no latitude"),
        ("2,2025-01-11,Kursk,north,36.19,", "'north' is no number"),
        ("2,2025-01-11,Kursk,nan,36.19,", "no finite number"),
        ("2,2025-01-11,Kursk,151.73,36.19,", "latitude out of range"),
        ("2,2025-01-11,Kursk,0,0,", "0,0 is no place"),
        ("2,2025-01-11,Kursk,36.19,51.73,", "swapped"),
        ("1,2025-01-11,Kursk,51.73,36.19,", "used twice"),
    ],
)
def test_a_bad_row_is_refused_alone_with_its_reason(line: str, why: str, tmp_path: Path) -> None:
    receipt = take_in(tmp_path, SHORT + "1,2025-01-11,Kyiv,50.45,30.52,fine\n" + line + "\n")
    assert (receipt.outcome, receipt.rows_in, receipt.rows_stored, receipt.rows_refused) == ("stored", 2, 1, 1)
    assert why in receipt.refusals[0].why
    sidecar = pd.read_csv(receipt.sidecar, dtype=str)
    assert sidecar["row"].tolist() == ["2"]


def test_formulas_are_kept_as_text_and_defused_on_the_way_out(tmp_path: Path) -> None:
    receipt = take_in(tmp_path, SHORT + '1,2025-01-11,Kyiv,50.45,30.52,"=1+1"\n2,2025-01-11,=A1,0,0,x\n')
    assert open_archive(tmp_path / "a.gpkg").incidents()["notes"][0] == "=1+1"
    assert "'=A1" in Path(receipt.sidecar).read_text(encoding="utf-8-sig")


def test_a_changed_event_supersedes_and_is_known_as_it_was(tmp_path: Path) -> None:
    take_in(tmp_path, SHORT + "1,2025-01-11,Kyiv,50.45,30.52,first\n2,2025-01-11,Kursk,51.73,36.19,same\n")
    archive = open_archive(tmp_path / "a.gpkg")
    known = parse_instant(archive.store.imports()["recorded_at"].max())
    receipt = take_in(tmp_path, SHORT + "1,2025-01-11,Kyiv,50.45,30.52,second\n2,2025-01-11,Kursk,51.73,36.19,same\n")
    assert receipt.notes == ("1 changed, 1 unchanged",)
    assert set(archive.incidents()["notes"]) == {"second", "same"}
    assert set(archive.incidents(as_known_on=known)["notes"]) == {"first", "same"}


def test_incidents_are_found_by_their_days(tmp_path: Path) -> None:
    take_in(tmp_path, SHORT + "1,2025-01-10,Kyiv,50.45,30.52,\n2,2025-01-12,Kursk,51.73,36.19,\n")
    archive = open_archive(tmp_path / "a.gpkg")
    assert archive.incidents("2025-01-10", "2025-01-11")["event_id"].tolist() == ["1"]
    assert archive.incidents(from_="2025-01-11")["event_id"].tolist() == ["2"]
    assert len(archive.incidents()) == 2


def test_an_end_before_the_start_is_refused(tmp_path: Path) -> None:
    text = "event_id,date_start,date_end,latitude,longitude\n"
    receipt = take_in(tmp_path, text + "1,2025-01-11,2025-01-12,50.45,30.52\n2,2025-01-11,2025-01-10,50.45,30.52\n")
    assert (receipt.rows_stored, receipt.rows_refused) == (1, 1)
    assert "date_end 2025-01-10 is before date_start 2025-01-11" in receipt.refusals[0].why


def test_a_full_name_counts_before_a_short_one(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text(
        "event_id,id,date_start,event_date,latitude,longitude\nE1,7,2025-01-01,,50,30\n,8,,2025-01-02,50,30\n"
    )
    frame = incidents.read(path, Options()).frame
    assert frame[["event_id", "date_start"]].values.tolist() == [["E1", "2025-01-01"], ["8", "2025-01-02"]]


def test_one_value_for_every_row_is_taken_from_the_options(tmp_path: Path) -> None:
    path = tmp_path / "undated.csv"
    path.write_text("id,latitude,longitude\n1,50,30\n")
    frame = incidents.read(path, Options(constants={"date_start": "2025-01-01", "country": "Ukraine"})).frame
    assert frame[["date_start", "country"]].values.tolist() == [["2025-01-01", "Ukraine"]]


def test_viina_reports_of_one_event_are_rows_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "event_info.csv"
    path.write_text(
        "event_id,event_id_1pd,date,longitude,latitude,GEO_PRECISION,source,url,text,lang,a_rus_init,a_rus_init_b,a_ukr_init_b\n"
        "11,5,20250111,36.19,51.73,ADM3,nv,https://a.example/1,Обстріл,ua,0.93,1,0\n"
        "12,5,20250111,36.19,51.73,ADM1,ria,https://a.example/2,Обстрел,ru,0.61,0,0\n",
        encoding="utf-8",
    )
    rows = event_datasets.VIINA.read(path, Options())
    assert rows.refusals == ()
    columns = ["event_id", "date_start", "where_prec", "source", "source_article", "notes", "lang", "actor1"]
    assert rows.frame[columns].values.tolist() == [
        ["2025-11", "2025-01-11", 1.0, "nv", "https://a.example/1", "Обстріл", "ua", "RU"],
        ["2025-12", "2025-01-11", 4.0, "ria", "https://a.example/2", "Обстрел", "ru", None],
    ]


def test_the_flags_of_viina_name_an_actor_only_where_one_side_acted(shared: Path) -> None:
    path = shared / "incidents" / "viina_derived" / "VIINA_2025_REBUILD.csv"
    rows = event_datasets.VIINA.read(path, Options())
    assert (rows.rows_in, len(rows.frame), rows.refusals) == (325, 325, ())
    mine = rows.frame.set_index("event_id")["actor1"]
    named = {("1", "0"): "RU", ("0", "1"): "UA"}
    for row in rows_of(path):
        assert mine["2025-" + row["event_id_1pd"]] == named.get((row["a_rus_init"], row["a_ukr_init"]))


def test_a_table_of_another_kind_is_refused_and_the_way_out_that_it_names_works(shared: Path, tmp_path: Path) -> None:
    short = shared / "incidents" / "viina_derived" / "VIINA_2025_REBUILD.csv"
    with pytest.raises(GateError, match=r"no column event_date, .*; found: event_id_1pd, .*Import it as 'incidents'"):
        event_datasets.ACLED.read(short, Options())
    path = tmp_path / "own.csv"
    path.write_text("nr,when,y,x,who\n1,2025-01-11,50.45,30.52,A\n")
    with pytest.raises(GateError, match="no column event_id or id, date_start or event_date or date, latitude"):
        incidents.read(path, Options())
    names = {"event_id": "nr", "date_start": "when", "latitude": "y", "longitude": "x", "actor1": "who"}
    frame = incidents.read(path, Options(columns=names)).frame
    assert frame[list(names)].values.tolist() == [["1", "2025-01-11", 50.45, 30.52, "A"]]
    assert json.loads(frame["orig"][0]) == rows_of(path)[0]
    with pytest.raises(GateError, match="no column whom"):
        incidents.read(path, Options(columns={**names, "actor2": "whom"}))
    with pytest.raises(UsageError, match="acter1: no column of incidents"):
        incidents.read(path, Options(columns={**names, "acter1": "who"}))


def test_a_header_without_rows_is_empty_for_the_reader_and_refused_by_the_gate(tmp_path: Path) -> None:
    receipt = take_in(tmp_path, SHORT)
    assert (receipt.outcome, receipt.rows_in) == ("refused", 0)
    assert "no rows" in receipt.error
    assert len(incidents.read(tmp_path / "incidents.csv", Options()).frame) == 0


def test_what_is_not_known_is_no_nought(tmp_path: Path) -> None:
    path = tmp_path / "acled.csv"
    path.write_text(
        "event_id_cnty,event_date,time_precision,latitude,longitude,geo_precision,fatalities,actor2\n"
        "A1,28 December 2022,2,50,30,3,,NA\nA2,2022-12-28,3,50,30,1,0,x\n"
    )
    frame = event_datasets.ACLED.read(path, Options()).frame
    assert frame["date_start"].tolist() == ["2022-12-28"] * 2
    assert frame["date_prec"].tolist() == [3, 4]  # a week and a month, in UCDP's codes
    assert np.isnan(frame["best"][0])
    assert frame["best"][1] == 0
    assert frame["actor2"].tolist() == [None, "x"]
    path.write_text(
        "id,date_start,date_end,latitude,longitude,where_prec,deaths_a,number_of_sources\n"
        "7.0,2022-01-01,2022-01-09,50,30,4,,-1\n7,2022-01-01,2022-01-09,50,30,4,1,2\n"
    )
    rows = event_datasets.UCDP.read(path, Options())
    assert rows.frame[["deaths_a", "number_of_sources", "low"]].isna().all(axis=None)
    assert "'7' used twice" in rows.refusals[0].why  # 7.0 and 7 are one id


@pytest.mark.parametrize("source", ["incidents", "acled"])
def test_a_long_file_is_read_in_parts_and_comes_out_as_a_whole(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = {"incidents": "event_id,date_start,latitude,longitude", "acled": "event_date,latitude,longitude"}[source]
    cells = ["2025-01-11,50.5,36.5", "2025-01-12,50.6,x", "2025-01-13,50.7,36.7,1,2", "2025-01-11,50.5,36.5", "0,0,0"]
    if source == "acled":
        head += ",event_type,sub_event_type,country,location,fatalities"
        rows = [f"{cell},Battles,Armed clash,Ukraine,Place {i // 5},0" for i, cell in enumerate(cells * 4)]
    else:
        rows = [f"M{i % 17},{cell}" for i, cell in enumerate(cells * 4)]
    path = tmp_path / "incidents.csv"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")
    (whole,) = import_files(tmp_path / "whole.gpkg", source, path)
    monkeypatch.setattr(incidents, "PART_ROWS", 3)
    (parts,) = import_files(tmp_path / "parts.gpkg", source, path)
    assert whole.rows_in == 20
    assert 0 < whole.rows_refused < 20
    assert (parts.rows_in, parts.rows_stored, parts.rows_refused) == (20, whole.rows_stored, whole.rows_refused)
    assert sorted(parts.refusals, key=repr) == sorted(whole.refusals, key=repr)
    assert sorted(parts.notes) == sorted(whole.notes)
    one, other = (open_archive(tmp_path / f"{name}.gpkg").incidents() for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(one.drop(columns="recorded_at"), other.drop(columns="recorded_at"))
    assert import_files(tmp_path / "parts.gpkg", source, path)[0].outcome == "unchanged"


def test_a_long_file_in_which_nothing_can_be_let_in_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "PART_ROWS", 2)
    receipt = take_in(tmp_path, SHORT + "".join(f"{i},2025-01-11,Nowhere,0,0,\n" for i in range(7)))
    assert (receipt.outcome, receipt.rows_stored) == ("refused", 0)
    assert "all 7 rows were refused: 0,0 is no place (7 rows)" in receipt.error
    assert not (tmp_path / "a.gpkg").exists()


def test_a_long_file_that_is_damaged_near_its_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "PART_ROWS", 2)
    rows = "".join(f"{i},2025-01-11,Place,50.1,36.1,\n" for i in range(7))
    receipt = take_in(tmp_path, SHORT + rows + '8,2025-01-11,"Place,50.1,36.1,\n')
    assert receipt.outcome == "refused"
    assert "a quotation mark is opened and never closed" in receipt.error
    assert not (tmp_path / "a.gpkg").exists()
