"""Gaps between a source's maps: no interval runs over them, in words, tables and the QGIS layer."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from test_archive import km2, put, state

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.importing.importer import import_files
from geo.maintenance.check import check_archive
from geo.measure.coverage import breaks_in_areas, breaks_in_counts
from geo.output.html.map_drawing import patches_of
from geo.output.map_content import gather
from geo.presentation.labels import figure
from geo.schema import Options, Source, parse_instant
from geo.storage import snapshots

DAYS = ("2025-01-10", "2025-01-30", "2026-08-19", "2026-08-20")


def desk(folder: Path, days: tuple[str, ...] = DAYS, *, last: str = "B") -> Path:
    """An archive of one map a day: A holds a square, and on the last day `last` does."""
    path = folder / "desk.gpkg"
    for day in days:
        side = last if day == days[-1] else "A"
        file = folder / f"{day}.geojson"
        square = gpd.GeoDataFrame(
            {"side": [side], "status": ["held"]}, geometry=[shapely.box(30, 50, 31, 51)], crs=4326
        )
        square.to_file(file)
        columns = {"controller": "side", "status": "status"}
        import_files(path, "vector", [file], options=Options(date=day, columns=columns), credit=Source("desk", "Desk"))
    return path


def test_no_interval_runs_over_a_gap(tmp_path: Path) -> None:
    archive = open_archive(desk(tmp_path))
    table = archive.who(50.5, 30.5)
    told = (
        table[["controller", "valid_from", "valid_to", "next_map"]]
        .astype(str)
        .apply(lambda cells: cells.str[:10])
        .fillna("NaT")
    )
    assert told.values.tolist() == [
        ["A", "2025-01-10", "2025-01-31", "2026-08-19"], ["A", "2026-08-19", "2026-08-20", "NaT"],
        ["B", "2026-08-20", "NaT", "NaT"],
    ]  # fmt: skip
    assert table.attrs["notes"] == ("desk: A held last seen so on 30 January 2025; next map 19 August 2026",)
    for frame in (archive.polygons("desk"), archive.control("2025-03-01")):
        assert frame["valid_to"].min().date().isoformat() == "2025-01-31"
    assert len(archive.polygons("desk")) == len(archive.polygons("desk", over_gaps=True)) + 1
    assert archive.control("2026-08-19")["valid_from"].min().date().isoformat() == "2026-08-19"


def test_who_tells_the_gap_in_words(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["who", str(desk(tmp_path)), "--at", "50.5,30.5"], catch_exceptions=False)
    assert "last seen so on 30 January 2025; next map 19 August 2026" in result.output
    assert "still at the last snapshot" in " ".join(result.stdout.split())


def test_maps_a_usual_step_apart_are_no_gap(tmp_path: Path) -> None:
    archive = open_archive(desk(tmp_path, ("2025-01-01", "2025-02-15", "2025-04-01"), last="A"))
    assert archive.who(50.5, 30.5)["valid_to"].isna().tolist() == [True]


def test_a_source_may_state_its_own_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = desk(tmp_path, ("2025-01-01", "2025-02-15", "2025-04-01"), last="A")
    monkeypatch.setitem(snapshots._SOURCES, "desk", {"usual_step_days": 20})
    assert len(open_archive(path).who(50.5, 30.5)) == 3


def layer(path: Path) -> list[tuple[str, str, str | None]]:
    """Side, begin and end of every row of the layer that QGIS opens."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT controller, valid_from, valid_to FROM control ORDER BY valid_from").fetchall()


def test_no_row_of_the_layer_runs_over_a_gap(tmp_path: Path) -> None:
    path = desk(tmp_path)
    wanted = [
        ("A", "2025-01-10T00:00:00.000Z", "2025-01-31T00:00:00.000Z"),
        ("A", "2026-08-19T00:00:00.000Z", "2026-08-20T00:00:00.000Z"),
        ("B", "2026-08-20T00:00:00.000Z", None),
    ]
    assert layer(path) == wanted
    archive = open_archive(path)
    # in the gap the last map before it answers, and a series is one
    assert archive.area("2025-06-01", max_age_days=400)["area_km2"].iloc[0] > 7_000
    assert archive.series()["lost_km2"].fillna(0).tolist()[:3] == [0, 0, 0]
    assert check_archive(path).is_whole
    with archive.store.writing() as connection:  # as an earlier version left it
        connection.execute("UPDATE control SET valid_to = '2026-08-20T00:00:00.000Z' WHERE valid_from < '2026-01-01'")
        connection.execute("DELETE FROM control WHERE valid_from LIKE '2026-08-19%'")
        connection.execute("UPDATE layout SET version = 5")
    archive.close()
    assert check_archive(path).is_whole
    assert open_archive(path).who(50.5, 30.5)["valid_to"].tolist()[0] == pd.Timestamp(wanted[0][2])
    with open_archive(path).store.writing():
        pass
    assert layer(path) == wanted


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ABC"), st.booleans()), min_size=1, max_size=9))
@settings(max_examples=15, deadline=None)
def test_the_layer_is_cut_at_gaps_in_whatever_order_maps_come_and_go(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, bool]]
) -> None:
    """Maps 20 days apart, of which many are not there, come in any order, are corrected and taken back."""
    archive = open_archive(tmp_path_factory.mktemp("gaps") / "a.gpkg")
    shapes = {side: shapely.box(30 + i, 50, 31 + i, 51) for i, side in enumerate("ABC")}
    for number, side, is_taken_back in steps:
        day = str(date(2025, 1, 1) + timedelta(days=20 * number))
        both = state(("D", "held", "d", shapely.box(35, 50, 36, 51)), (side, "held", side, shapes[side]))
        put(archive, parse_instant(day), both)
        if is_taken_back:
            last = archive.reader.snapshots().query("retracted_at.isna() and superseded_at.isna()")
            mine = last[last["depicts"].str.startswith(day)]["snapshot"].iloc[-1]
            archive.retract(mine, why="a test")
    archive.close()
    assert check_archive(archive.path).is_whole
    for _, begin, end in layer(archive.path):
        maps = archive.reader.snapshots().query("retracted_at.isna() and superseded_at.isna()")["depicts"].tolist()
        inside = sorted(d for d in maps if d >= begin and (end is None or d < end))
        assert all((parse_instant(b) - parse_instant(a)).days <= 45 for a, b in pairwise(inside))
        if end is not None and end not in maps:
            assert (parse_instant(end) - parse_instant(inside[-1])).days <= 1
    if (archive.reader.snapshots()["retracted_at"].isna()).any():
        now, then = (
            archive.polygons("desk", over_gaps=True),
            archive.polygons("desk", over_gaps=True, as_known_on="2999-01-01"),
        )
        columns = ["controller", "valid_from", "valid_to"]
        told = [f[columns].sort_values(columns).astype(str).values.tolist() for f in (now, then)]
        assert told[0] == told[1]


def test_the_style_of_the_layer_has_a_symbol_for_every_class(tmp_path: Path) -> None:
    with closing(sqlite3.connect(desk(tmp_path))) as connection:
        row = connection.execute("SELECT description FROM layer_styles WHERE f_table_name = 'control'").fetchone()
    assert json.loads(row[0]) == [["A", "held"], ["B", "held"]]


@pytest.mark.parametrize("words", ["the desk's own style", "", "[1]", "7", "[[1, 2]]", "[[[], 2]]"])
def test_words_that_qgis_keeps_with_a_style_stop_no_import(tmp_path: Path, words: str) -> None:
    path = desk(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE layer_styles SET description = ? WHERE f_table_name = 'control'", (words,))
    desk(tmp_path, ("2025-07-01",), last="C")
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT description FROM layer_styles WHERE f_table_name = 'control'").fetchone()
    assert json.loads(row[0]) == [["A", "held"], ["B", "held"], ["C", "held"]]


def two_parts(folder: Path) -> Archive:
    """An archive of a source with a part of 2022 and one of two days of 2025."""
    archive = open_archive(folder / "parts.gpkg")
    for part, day, west in (("old", "2022-04-15", 32), ("new", "2025-01-10", 30), ("new", "2025-01-12", 30.1)):
        put(archive, parse_instant(day), state(("A", "held", "a", shapely.box(west, 50, west + 1, 51))), part=part)
    return archive


def test_a_part_of_years_ago_is_left_out_of_figures_and_maps_and_said(tmp_path: Path) -> None:
    archive = two_parts(tmp_path)
    assert archive.control("2025-01-12")["part"].tolist() == ["new"]
    table = archive.area("2025-01-12")
    assert table["part"].tolist() == ["new"]
    assert any("desk/old@2022-04-15 depicts 2022-04-15, 1,003 days before" in note for note in table.attrs["notes"])
    assert archive.area("2025-01-12", max_age_days=2000)["part"].tolist() == ["new", "old"]
    content = gather(archive, "2025-01-12", draw_basemap=False)
    assert [item.key[2] for item in content.classes] == ["new"]
    assert any("desk/old@2022-04-15" in note for note in content.notes)
    wide = open_archive(archive.path, max_age_days=2000)
    assert len(gather(wide, "2025-01-12", draw_basemap=False).classes) == 2


def test_ground_of_a_part_that_grew_too_old_is_not_lost(tmp_path: Path) -> None:
    archive = two_parts(tmp_path)
    changes = archive.change("2022-04-20", "2025-01-12")
    assert "old" not in changes["part"].tolist()
    assert any("desk/old@2022-04-15" in note for note in changes.attrs["notes"])
    assert set(archive.changed("2025-01-10", "2025-01-12")["change"]) == {"gained", "lost"}


def test_a_series_leaves_out_a_part_that_is_too_old_or_not_there_yet(tmp_path: Path) -> None:
    archive = two_parts(tmp_path)
    table = archive.series()
    assert table.assign(date=table["date"].astype(str).str[:10])[["part", "date"]].values.tolist() == [
        ["old", "2022-04-15"], ["new", "2025-01-10"], ["new", "2025-01-12"],
    ]  # fmt: skip
    # neither of a part's first maps was gained from anything, and what grew too old was not lost
    assert table["gained_km2"].isna().tolist() == [True, True, False]
    assert any("desk/old@2022-04-15 is more than 30 days old" in note for note in table.attrs["notes"])
    wide = archive.series(max_age_days=2000)
    assert (wide["part"] == "old").sum() == 3
    assert not any("days old" in note for note in wide.attrs["notes"])


def test_every_verb_that_rests_on_parts_takes_the_age_that_is_allowed(tmp_path: Path) -> None:
    archive = two_parts(tmp_path)
    for verb, name in (("series", "s.csv"), ("chart", "c.svg"), ("timeline", "t.html")):
        sizes = []
        for days in ((), ("--max-age-days", "2000")):
            run = CliRunner().invoke(main, [verb, str(archive.path), *days, "-o", str(tmp_path / name)])
            assert run.exit_code == 0, run.output
            text = (tmp_path / name).read_text()
            sizes.append(text.count("old"))
        assert sizes[0] != sizes[1], verb
    for verb in ("area", "change", "series", "front", "settlements", "compare", "map", "maps", "timeline", "picture",
                 "chart", "brief", "movie", "compare-dates", "site", "serve", "incidents", "claims"):  # fmt: skip
        assert "--max-age-days" in CliRunner().invoke(main, [verb, "--help"]).output, verb


def test_a_part_that_begins_between_two_dates_is_not_comparable(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "begins.gpkg")
    put(archive, parse_instant("2025-01-01"), state(("A", "held", "a", shapely.box(30, 50, 31, 51))), part="first")
    put(archive, parse_instant("2025-01-05"), state(("A", "held", "a", shapely.box(33, 50, 34, 51))), part="second")
    put(archive, parse_instant("2025-01-05"), state(("A", "held", "a", shapely.box(30, 50, 32, 51))), part="first")
    moved = archive.change("2025-01-02", "2025-01-05").set_index("part")
    assert moved.loc["first", "gained_km2"] > 7_000
    assert moved.loc["second", ["gained_km2", "lost_km2", "net_km2"]].isna().all()
    note = "not comparable: of the part second there is no map at the earlier date"
    assert note in moved.attrs["notes"]
    assert archive.changed("2025-01-02", "2025-01-05")["area_km2"].max() < 8_000
    back = archive.change("2025-01-05", "2025-01-02")
    assert any("second there is no map at the later date" in words for words in back.attrs["notes"])
    content = gather(archive, "2025-01-05", since="2025-01-02", draw_basemap=False)
    assert note in content.notes


def test_the_title_carries_the_maps_own_date(tmp_path: Path) -> None:
    path = desk(tmp_path)
    content = gather(open_archive(path), "2030-01-01", draw_basemap=False)
    assert content.subtitle.startswith("The last map before 1 January 2030 is of 20 August 2026.")
    for verb in ("map", "picture", "brief"):
        name = tmp_path / ("p.png" if verb == "picture" else "p.html")
        args = [verb, str(path), "--date", "2030-01-01", "--max-age-days", "30", "-o", str(name)]
        result = CliRunner().invoke(main, args)
        assert result.exit_code != 0
        assert "desk@2026-08-20" in result.output


def test_settlements_are_geonames_where_no_file_is_given(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.gpkg")
    first, later = shapely.box(37.4, 47.9, 38.5, 48.5), shapely.box(37.1, 47.9, 38.5, 48.5)
    for day, shape in (("2024-08-01", first), ("2025-01-11", later)):
        put(archive, parse_instant(day), state(("RU", "held", "occupied", shape)), source="deepstate-mirror")
    table = archive.changed_hands(None, "2024-08-01", "2025-01-11")
    row = table.set_index("name").loc["Kurakhove"]
    assert (row["before"], row["after"]) == (None, "RU held")
    assert any("GeoNames' places of 500 people or more" in note for note in table.attrs["notes"])
    assert any("maps only what is taken" in note for note in table.attrs["notes"])


def test_real_settlements_by_the_mirror(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.gpkg"
    files = [shared / "deepstate-mirror" / f"deepstatemap_data_{day}.geojson" for day in ("20240802", "20250112")]
    import_files(path, "deepstate-mirror", files)
    args = ["settlements", str(path), "--from", "2024-08-01", "--to", "2025-01-11"]
    result = CliRunner().invoke(main, args, catch_exceptions=False)
    words = " ".join(result.output.split())
    assert all(name in words for name in ("Kurakhove", "Vuhledar", "Selydove", "Toretsk", "Vovchansk"))
    assert "Ukraine government (not marked)" in words


def test_a_popup_gives_the_patch_then_the_whole(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a.gpkg")
    small, left, right = shapely.box(30, 50, 30.1, 50.1), shapely.box(31, 50, 31.5, 51), shapely.box(31.5, 50, 32, 51)
    for day, shapes in (("2025-01-01", [small, left]), ("2025-01-05", [small, left, right])):
        rows = [("A", "held", f"part {i}", shape) for i, shape in enumerate(shapes)]
        put(archive, parse_instant(day), state(*rows), source="desk")
    (item,) = gather(archive, "2025-01-05", draw_basemap=False).classes
    seen = {tuple(facts[0]): facts[1][1] for facts in patches_of(item.shapes, item.since)}
    assert seen == {
        ("This patch", f"{figure(km2(small))} km²"): "1 January 2025",
        ("This patch", f"{figure(km2(shapely.union(left, right)))} km²"): "5 January 2025",
    }
    assert item.facts[0][0] == "All of it"


def test_breaks_are_found_by_the_medians_of_two_windows() -> None:
    days = [str(date(2024, 11, 1) + timedelta(days=i)) for i in range(120)]
    daily = [50 + i % 7 if day < "2025-01-08" else 10 + i % 3 for i, day in enumerate(days)]
    ((day, times),) = breaks_in_counts(dict(zip(days, daily, strict=True)))
    assert abs((date.fromisoformat(day) - date(2025, 1, 8)).days) <= 2
    assert 0.15 < times < 0.25
    assert breaks_in_counts(dict.fromkeys(days, 20)) == []
    assert breaks_in_areas(days[:20], [100.0] * 10 + [200.0] * 10) == [(days[10], 2.0)]
    assert breaks_in_areas(days[:20], [100.0 + i for i in range(20)]) == []


def test_coverage_lists_days_gaps_and_breaks(tmp_path: Path) -> None:
    path = desk(tmp_path)
    (row,) = open_archive(path).coverage().to_dict("records")
    assert (row["source"], row["days"]) == ("desk", 4)
    assert (f"{row['first']:%Y-%m-%d}", f"{row['last']:%Y-%m-%d}") == ("2025-01-10", "2026-08-20")
    assert row["gaps"] == "2025-01-30 to 2026-08-19"
    result = CliRunner().invoke(main, ["coverage", str(path), "--format", "csv"], catch_exceptions=False)
    assert "2025-01-30 to 2026-08-19" in result.stdout


def test_a_series_across_a_break_says_so(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "b.gpkg")
    for i in range(20):
        shape = shapely.box(30, 50, 31 if i < 10 else 33, 51)
        put(archive, parse_instant(f"2025-01-{i + 1:02}"), state(("A", "held", "a", shape)))
    assert any(
        note.startswith("A held: the series breaks on 11 January 2025") for note in archive.series().attrs["notes"]
    )
    assert "A: 11 January 2025: 3 times as much as before" in archive.coverage()["breaks"][0]
