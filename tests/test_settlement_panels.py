"""Whose each settlement is, day by day: stored by what changed, remembered as polygons are, never made an area."""

from __future__ import annotations

import random
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo.cli import main
from geo.measure.settlements import shipped_settlements
from geo.output.map_content import MapContent, gather
from geo.output.map_options import MapOptions
from geo.output.settlement_layers import settlement_spans

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "wikipedia-lua"
DAYS = [f"2025-01-{day:02}" for day in range(1, 29)]
PLACES = {"A": (50.0, 36.0), "B": (50.5, 36.5), "C": (51.19, 35.27)}
HEAD = "settlement,lat,lon,date,side\n"


def table(rows: list[tuple[str, str, str]]) -> str:
    return HEAD + "".join(f"{p},{PLACES[p][0]},{PLACES[p][1]},{day},{side}\n" for p, day, side in rows)


def take(path: Path, text: str, folder: Path, source: str = "settlements", **options: object) -> geo.Receipt:
    folder.mkdir(exist_ok=True)
    (file := folder / "panel.csv").write_text(text, encoding="utf-8")
    return geo.import_files(path, source, file, **options)[0]


def sides(archive: geo.Archive, day: str, **known: object) -> dict[str, str]:
    try:
        frame = archive.settlements(day, **known)
    except geo.NoSnapshotError:
        return {}
    return dict(zip(frame["name"], frame["controller"], strict=True))


def rows_in(path: Path, layer: str = "settlements") -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {layer}").fetchone()[0])


def test_a_row_stands_until_another_one_of_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    rows = [("A", "2025-01-01", "UA"), ("B", "2025-01-01", "RU"), ("A", "2025-01-10", "RU"), ("B", "2025-01-20", "")]
    receipt = take(path, table(rows), tmp_path)
    assert (receipt.rows_in, receipt.rows_stored + receipt.rows_left_out) == (4, 4)
    archive = geo.open_archive(path)
    assert sides(archive, "2025-01-09") == {"A": "UA", "B": "RU"}
    assert sides(archive, "2025-01-10") == {"A": "RU", "B": "RU"}
    assert sides(archive, "2025-02-01") == {"A": "RU"}
    assert sides(archive, "2024-12-31") == {}


def test_a_day_on_which_nothing_changed_writes_no_row(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    take(path, table([(p, "2025-01-01", "UA") for p in PLACES]), tmp_path)
    before = rows_in(path)
    assert take(path, table([(p, "2025-01-02", "UA") for p in PLACES]), tmp_path).outcome == "stored"
    assert take(path, table([(p, "2025-01-02", "UA") for p in PLACES]), tmp_path).outcome == "unchanged"
    assert rows_in(path) == before
    assert take(path, table([(p, "2025-01-03", "RU" if p == "A" else "UA") for p in PLACES]), tmp_path).rows_stored
    assert rows_in(path) == before + 1
    assert geo.open_archive(path).settlements().attrs["notes"][0].endswith("2025-01-03")


Told = dict[str, dict[str, str]]  # of each place, from which day a file says whose it is


def replayed(files: list[Told]) -> tuple[set[str], dict[str, dict[str, str]]]:
    """The days of which files speak, and whose each place is on each day: each file by itself, one after the other."""
    known: set[str] = set()
    state: dict[str, dict[str, str]] = {place: {} for place in PLACES}
    for told in files:
        days = {day for said in told.values() for day in said}
        until = min((day for day in known if day > max(days)), default="~")
        for place, said in told.items():
            for day in DAYS:
                if min(said) <= day < until:
                    state[place][day] = said[max(one for one in said if one <= day)]
        known |= days
    return known, state


@pytest.mark.parametrize("seed", range(6))
def test_the_archive_says_what_a_list_of_everything_recorded_says(seed: int, tmp_path: Path) -> None:
    """Files of some days and places each, in any order, corrected and any of them taken back."""
    made, path = random.Random(seed), tmp_path / "a.gpkg"
    archive = geo.open_archive(path)
    files: list[Told] = []
    moments: list[tuple[str, list[Told]]] = []
    for number in range(9):
        if files and number % 4 in (2, 3):
            day = max(day for said in made.choice(files).values() for day in said)
            archive.retract(f"settlements@{day}", why="wrong")
            files.pop(max(i for i, told in enumerate(files) if any(day in said for said in told.values())))
        else:
            names = made.sample(list(PLACES), made.randint(1, 3))
            told = {p: {d: made.choice(["UA", "RU", ""]) for d in made.sample(DAYS, 2)} for p in names}
            rows = [(p, day, side) for p, said in told.items() for day, side in said.items()]
            if take(path, table(rows), tmp_path).outcome == "stored":
                files.append(told)
        with archive.store.reading() as connection:
            at = connection.execute("SELECT max(recorded_at) FROM imports").fetchone()[0]
        moments.append((at, list(files)))
    for at, standing in moments:
        spoken, state = replayed(standing)
        for day in DAYS[::3]:
            last = max((d for d in spoken if d <= day), default="")
            wanted = {place: said[last] for place, said in state.items() if said.get(last)}
            assert sides(archive, day, as_known_on=at) == wanted, (at, day)
    assert sides(archive, DAYS[-1]) == sides(archive, DAYS[-1], as_known_on=moments[-1][0])


def test_a_file_that_is_not_there_is_not_taken_back(tmp_path: Path) -> None:
    take(tmp_path / "a.gpkg", table([("A", "2025-01-01", "UA")]), tmp_path)
    with pytest.raises(geo.GeoError, match=r"settlements@2025-01-01 \(panel.csv\)"):
        geo.open_archive(tmp_path / "a.gpkg").retract("settlements@2024-05-05", why="wrong")


def test_an_embargo_hides_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    take(path, table([("A", "2025-01-01", "UA"), ("A", "2025-01-20", "RU")]), tmp_path)
    archive = geo.open_archive(path)
    archive.set_rule("embargo", str((datetime.now(UTC) - datetime(2025, 1, 10, tzinfo=UTC)) / timedelta(hours=1)))
    assert sides(archive, "2025-02-01") == {"A": "UA"}
    assert archive.settlements("2025-02-01")["valid_to"].isna().all()
    assert archive.settlements("2025-02-01")["recorded_at"].isna().all()  # the row was recorded anew when it ended
    assert archive.who(50.0, 36.0)["controller"].tolist() == ["UA"]
    assert sides(geo.open_archive(path, raw=True), "2025-02-01") == {"A": "RU"}


# -- what answers by it -----------------------------------------------------------------------------------------------


@pytest.fixture
def both(tmp_path: Path) -> geo.Archive:
    """Settlements beside areas: of C they say the same until 20 January, of B another thing, of A only one speaks."""
    path = tmp_path / "a.gpkg"
    rows = [("A", "2025-01-01", "UA"), ("B", "2025-01-01", "RU"), ("C", "2025-01-01", "UA"), ("C", "2025-01-20", "RU")]
    take(path, table(rows), tmp_path)
    archive = geo.open_archive(path)
    shapes = [shapely.box(35, 51, 35.5, 51.4), shapely.box(36.4, 50.4, 36.6, 50.6)]
    ground = gpd.GeoDataFrame(geometry=shapes, crs=4326)
    archive.add_control(ground, source="areas", date="2025-01-05", controller="UA", status="held")
    return archive


def test_who_names_the_settlement_that_lies_near(both: geo.Archive) -> None:
    found = both.who(51.2, 35.27)
    assert found[["source", "controller"]].values.tolist() == [
        ["areas", "UA"], ["settlements", "UA"], ["settlements", "RU"]]  # fmt: skip
    assert found["native"].iloc[1].startswith("C, ")
    assert both.who(49.0, 30.0).empty


def test_settlements_that_changed_hands_are_the_sources_own(both: geo.Archive) -> None:
    found = both.changed_hands(None, "2025-01-10", "2025-01-25", source="settlements")
    assert found[["name", "before", "after"]].values.tolist() == [["C", "UA held", "RU held"]]
    assert found["when"].tolist() == [pd.Timestamp("2025-01-20", tz="UTC")]


def test_of_many_points_each_is_told_by_areas_and_by_its_nearest_settlement(both: geo.Archive) -> None:
    near, far = (51.2, 35.27), (49.0, 30.0)
    points = gpd.GeoSeries(
        [shapely.Point(lon, lat) for lat, lon in (far, near, PLACES["B"])], index=list("xyz"), crs=4326
    )
    found = both.who(points)
    assert found[["point", "source", "controller"]].values.tolist() == [
        ["y", "areas", "UA"], ["z", "areas", "UA"],
        ["y", "settlements", "UA"], ["y", "settlements", "RU"], ["z", "settlements", "RU"]]  # fmt: skip
    alone = both.who(points, source="settlements")
    assert alone["point"].tolist() == ["y", "y", "z"]
    one = both.who(*near, source="settlements")
    assert alone["native"].iloc[:2].tolist() == one["native"].tolist()


def test_sides_of_settlements_are_sides_of_the_archive(both: geo.Archive) -> None:
    assert both.controllers() == ["RU", "UA"]
    assert geo.open_archive(both.path).sides()["side"].tolist() == ["RU", "UA"]
    with both.store.reading() as connection:
        first = connection.execute("SELECT min(recorded_at) FROM imports WHERE kind = 'settlements'").fetchone()[0]
    assert both.controllers(as_known_on=first) == ["RU", "UA"]
    both.set_rule("embargo", str((datetime.now(UTC) - datetime(2025, 1, 3, tzinfo=UTC)) / timedelta(hours=1)))
    assert both.controllers() == ["RU", "UA"]
    both.set_rule("embargo", str((datetime.now(UTC) - datetime(2024, 12, 3, tzinfo=UTC)) / timedelta(hours=1)))
    assert both.controllers() == []


def test_a_vote_that_changed_moves_no_date(tmp_path: Path) -> None:
    rows = [("2025-01-01", "UA", "a"), ("2025-01-05", "RU", "a"), ("2025-01-09", "RU", "b"), ("2025-01-12", "", "")]
    text = "settlement,lat,lon,date,side,native\n"
    text += "".join(f"A,50,36,{day},{side},{native}\n" for day, side, native in rows)
    assert take(tmp_path / "a.gpkg", text, tmp_path).outcome == "stored"
    archive = geo.open_archive(tmp_path / "a.gpkg")
    for to, after, when in (("2025-01-10", "RU held", "2025-01-05"), ("2025-01-13", None, "2025-01-12")):
        found = archive.changed_hands(None, "2025-01-02", to)
        assert found[["before", "after", "when"]].values.tolist() == [["UA held", after, pd.Timestamp(when, tz="UTC")]]


def test_places_are_compared_one_by_one_with_areas(both: geo.Archive) -> None:
    found = both.compare_places("2025-01-10", sources=["settlements", "areas"]).set_index("name")
    assert found["differ"].to_dict() == {"A": False, "B": True, "C": False}
    assert found["areas"].to_dict() == {"A": None, "B": "UA held", "C": "UA held"}
    told = CliRunner().invoke(main, ["compare", str(both.path), "--source", "areas", "--source", "settlements"])
    assert told.exit_code == 0, told.output
    assert "RU held" in told.output


@pytest.mark.parametrize("verb", ["area", "series", "front"])
def test_no_area_is_made_of_points(verb: str, both: geo.Archive) -> None:
    told = CliRunner().invoke(main, [verb, str(both.path), "--source", "settlements"])
    assert told.exit_code == 2
    assert "never computed from points" in told.output


@pytest.mark.parametrize("kind", ["csv", "geojson", "gpkg", "kml"])
def test_settlements_are_exported(kind: str, both: geo.Archive, tmp_path: Path) -> None:
    path = geo.export(both, tmp_path / f"out.{kind}", what="settlements", date="2025-01-10")
    if kind == "csv":
        again = tmp_path / "again.gpkg"
        assert geo.import_files(again, "settlements", path)[0].rows_stored == 3
        assert sides(geo.open_archive(again), "2025-01-10") == sides(both, "2025-01-10")
    elif kind != "kml":
        assert gpd.read_file(path)["controller"].tolist() == ["UA", "RU", "UA"]


# -- what draws them --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> geo.Archive:
    folder = tmp_path_factory.mktemp("alone")
    rows = [("A", "2025-01-01", "UA"), ("B", "2025-01-01", "RU"), ("C", "2025-01-01", "UA"), ("C", "2025-01-20", "RU")]
    take(folder / "a.gpkg", table(rows), folder)
    return geo.open_archive(folder / "a.gpkg")


def drawn(content: MapContent) -> dict[str, list[str]]:
    return {str(layer.key and layer.key[0]): list(layer.names) for layer in content.settlements}


def test_a_map_of_areas_has_a_dot_for_each_settlement_and_names_their_source(both: geo.Archive) -> None:
    content = gather(both, "2025-01-10", MapOptions())
    assert drawn(content) == {"RU": ["B"], "UA": ["C", "A"]}
    marks = [entry for entry in content.legend if entry.mark == "settlement"]
    assert len(marks) == 2
    assert all("10 January 2025" not in entry.label and "1 January 2025" in entry.label for entry in marks)
    assert any(credit.startswith("Settlements: ") for credit in content.credits)
    assert not drawn(gather(both, "2025-01-10", MapOptions(settlements="none")))
    with pytest.raises(geo.SourceError):
        gather(both, "2025-01-10", MapOptions(settlements="nobody"))


def test_settlements_much_older_than_the_map_are_not_drawn(both: geo.Archive) -> None:
    ground = gpd.GeoDataFrame(geometry=[shapely.box(35, 51, 35.5, 51.4)], crs=4326)
    both.add_control(ground, source="areas", date="2025-03-05", controller="UA", status="held")
    content = gather(both, "2025-03-05", MapOptions())
    assert not content.settlements
    assert any("too old" in note for note in content.notes)
    assert gather(both, "2025-03-05", MapOptions(settlements="settlements")).settlements


def test_of_several_sources_of_settlements_one_is_to_be_named(both: geo.Archive, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "panel.csv").write_text(table([("A", "2025-01-02", "RU")]))
    geo.import_files(both.path, "settlements", folder / "panel.csv", credit=geo.Source("other", "Other"))
    content = gather(both, "2025-01-10", MapOptions())
    assert not content.settlements
    assert any("other, settlements" in note for note in content.notes)
    assert drawn(gather(both, "2025-01-10", MapOptions(settlements="other"))) == {"RU": ["A"]}


def test_settlements_alone_make_a_map_of_their_own(alone: geo.Archive, both: geo.Archive) -> None:
    content = gather(alone, "2025-01-25", MapOptions(since="2025-01-10"))
    assert drawn(content) == {"RU": ["C", "B"], "UA": ["A"]}
    assert content.told is not None
    assert [count for _, count in content.told.rows] == ["2", "1"]
    assert content.date == "2025-01-25"
    assert "20 January 2025" in content.title
    assert any("changed hands" in note for note in content.notes)
    assert drawn(gather(alone, None, MapOptions())) == drawn(content)
    assert drawn(gather(alone, "2025-01-25", MapOptions(within="RU-KRS"))) == {"RU": ["C"]}
    assert drawn(gather(both, "2025-01-10", MapOptions(source="settlements"))) == {"RU": ["B"], "UA": ["C", "A"]}
    with pytest.raises(geo.GeoError, match="none lies|nothing|no "):
        gather(alone, "2025-01-25", MapOptions(within="FR"))


@pytest.mark.parametrize("output", ["map", "timeline", "brief", "site", "picture"])
def test_every_output_shows_settlements_alone(output: str, alone: geo.Archive, tmp_path: Path) -> None:
    target = tmp_path / {"site": "site", "picture": "p.svg"}.get(output, "f.html")
    told = CliRunner().invoke(main, [output, str(alone.path), "-o", str(target)])
    assert told.exit_code == 0, told.output
    text = (target / "index.html" if output == "site" else target).read_text(encoding="utf-8")
    assert "20 January 2025" in text
    assert "Held by Russia" in text
    if output == "site":
        assert sorted(path.stem for path in (target / "dates").iterdir()) == ["2025-01-01", "2025-01-20"]
        again = CliRunner().invoke(main, [output, str(alone.path), "-o", str(target)])
        assert "0 added, 0 changed" in again.output


def test_a_timeline_shows_each_settlement_for_as_long_as_it_is_so(both: geo.Archive) -> None:
    days = (date(2025, 1, 1), date(2025, 4, 1))
    layers = settlement_spans(both, MapOptions(), {}, days, (30.0, 49.0, 40.0, 52.0)).layers
    spans = {(name, str(layer.key and layer.key[0])): (first, last) for layer in layers
             for name, first, last in zip(layer.names, layer.since, layer.until, strict=True)}  # fmt: skip
    old = date(2025, 2, 20)  # 31 days after the last day of which the source speaks
    assert spans == {
        ("A", "UA"): (date(2025, 1, 1), old), ("B", "RU"): (date(2025, 1, 1), old),
        ("C", "UA"): (date(2025, 1, 1), date(2025, 1, 20)), ("C", "RU"): (date(2025, 1, 20), old),
    }  # fmt: skip
    page = geo.draw_timeline(both, draw_basemap=False).get_root().render()
    assert page.count("data-dots=") == 2


# -- the sources' own files ---------------------------------------------------------------------------------------------

VIINA = "geonameid,date,status_wiki,status_boost,status_dsm,status_isw,status\n"


def test_viinas_control_files_become_intervals_with_every_vote(tmp_path: Path) -> None:
    known = [place.number for place in shipped_settlements({"UA"})][:2]
    rows = [f"{n},202501{d:02},{'RU' if d > 3 else 'UA'},UA,UA,UA,{'CONTESTED' if d > 4 else 'UA'}"
            for n in (*known, "999999999") for d in range(1, 8)]  # fmt: skip
    with zipfile.ZipFile(path := tmp_path / "control_latest_2025.zip", "w") as packed:
        packed.writestr("control_latest_2025.csv", VIINA + "\n".join(rows) + "\n")
    receipt = geo.import_files(tmp_path / "a.gpkg", "viina-control", path)[0]
    assert receipt.outcome == "stored", receipt.error
    assert "999,999" not in str(receipt.left_out)
    assert receipt.rows_in == receipt.rows_stored + receipt.rows_left_out
    archive = geo.open_archive(tmp_path / "a.gpkg")
    assert rows_in(archive.path) == 2 * 3  # UA, UA with another vote, contested
    state = archive.settlements("2025-01-04")
    assert set(state["native"]) == {"wiki RU; boost UA; dsm UA; isw UA"}
    assert set(archive.settlements("2025-01-07")["status"]) == {"contested"}
    places = '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"geonameid":%s,'
    places += '"name":"Small","latitude":50.1,"longitude":36.2}}]}'
    (tmp_path / "gn_UA_tess.geojson").write_text(places % "999999999")
    geo.import_files(tmp_path / "b.gpkg", "viina-control", path)
    assert geo.open_archive(tmp_path / "b.gpkg").settlements()["name"].tolist() == ["Small"]


LUA = """return { marks = {
    { lat = "36.277", long = "41.281", mark = "Mountain pass 12x12 e.svg", marksize = "20" },
    { lat = "36.061", long = "41.254", mark = "Map-ctl2-red+yellow.svg", label = "[[Tal|Tal Sufouq]]" },
    { lat = "35.118", long = "41.205", mark = "Location dot red.svg", label = "[[Tar]]", link = "Tar (town)" },
    { lat = "95", long = "41.2", mark = "Location dot red.svg", label = "Off" },
    { lat = "35.0", long = "41.2", mark = "Location dot black.svg", label = "Unsaid" },
} }
"""


def test_wikipedias_dots_are_read_by_their_colours(tmp_path: Path) -> None:
    (path := tmp_path / "module.lua").write_text(LUA)
    (refused,) = geo.import_files(tmp_path / "a.gpkg", "wikipedia-map", path)
    assert "--date" in refused.error
    given = {"date": "2020-01-01", "statuses": {"red": "SY:held"}}
    (receipt,) = geo.import_files(tmp_path / "a.gpkg", "wikipedia-map", path, **given)
    assert (receipt.rows_stored, receipt.rows_refused, receipt.rows_left_out) == (2, 2, 1)
    assert any("--status-map black=" in refusal.why for refusal in receipt.refusals)
    found = geo.open_archive(tmp_path / "a.gpkg").settlements()
    assert found[["name", "controller", "status"]].values.tolist() == [
        ["Tal Sufouq", None, "contested"], ["Tar", "SY", "held"]]  # fmt: skip


def test_a_real_module_is_read(tmp_path: Path) -> None:
    path = next(iter(SHARED.glob("*.lua")), None)
    if path is None:
        pytest.skip("needs the real files of ../shared/data")
    given = {"date": "2019-10-01", "statuses": {"red": "SY:held", "black": "IS:held", "yellow": "SDF:held"}}
    (receipt,) = geo.import_files(tmp_path / "a.gpkg", "wikipedia-map", path, **given)
    assert receipt.rows_in == receipt.rows_stored + receipt.rows_refused + receipt.rows_left_out
    assert receipt.rows_stored >= 5


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a,b\n1,2\n", "no column of name"),
        ("settlement,date,side\nNowhere At All,2025-01-01,UA\n", "latitude"),
        ("settlement,date,side\nSpringfield,2025-01-01,UA\n", "places have this name"),
        ("settlement,lat,lon,date,side\nA,95,36,2025-01-01,UA\n", "no place"),
        ("settlement,lat,lon,date,side,status\nA,50,36,2025-01-01,UA,mostly\n", "--status-map"),
        ("settlement,lat,lon,date,side\nA,50,36,2999-01-01,UA\n", "future"),
        ("settlement,lat,lon,date,side\nA,50,36,some day,UA\n", "some day"),
    ],
)
def test_wrong_tables_are_refused_in_words(text: str, word: str, tmp_path: Path) -> None:
    receipt = take(tmp_path / "a.gpkg", text, tmp_path)
    assert receipt.outcome == "refused"
    assert word in receipt.error
