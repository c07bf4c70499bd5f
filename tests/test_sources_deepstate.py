"""DeepState's files and their mirror: classes by colour, and by name in the files of 2022."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import box, mapping

from geo.errors import FileError, GateError
from geo.formats.geojson import build, read_json
from geo.importing.validation import FindingCache, admit_control
from geo.measure.areas import ground_by_class
from geo.measure.ellipsoid import areas_km2
from geo.schema import Options
from geo.sources import deepstate, units
from geo.units import Countries, countries_of

UNITS = Path(__file__).parent.parent / "geo" / "assets" / "units"
SECOND = 1736623460  # 2025-01-11


@cache
def shipped_countries() -> Countries:
    return countries_of(units.read(UNITS / "countries.geojson", Options()).frame.assign(area_km2=1e8))


def write(path: Path, *features: tuple[str | None, str | None, Any]) -> Path:
    listed = [{"type": "Feature", "properties": {"name": n, "fill": f}, "geometry": g} for n, f, g in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}, ensure_ascii=False), encoding="utf-8")
    return path


def square(x: float) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(mapping(box(x, 50, x + 0.1, 50.1))))
    return found


def test_the_fill_is_the_class(tmp_path: Path) -> None:
    path = write(
        tmp_path / f"{SECOND}.geojson",
        ("Окуповано /// Occupied\xa0/// geoJSON.status.occupied\n", "#A52714", square(35)),
        ("Звільнено /// Liberated /// geoJSON.status.dismissed", "#01579b", square(36)),
        ("Звільнено /// Liberated /// geoJSON.status.dismissed", "#0f9d58", square(37)),
        ("Звільнено 23.03 /// Liberated 23.03 /// geoJSON.status.dismissed_at {{at:23.03}}", "#0f9d58", square(38)),
        ("Невідомо /// Unknown /// geoJSON.status.unknown", "#bdbdbd", square(39)),
        ("Курили /// Kurils /// geoJSON.territories.kuril", "#ff5252", square(40)),
        ("Нове /// New /// geoJSON.status.new", "#123456", square(41)),
        ("unit", "", {"type": "Point", "coordinates": [35, 50, 0]}),
    )
    (snapshot,) = deepstate.read(path, Options())
    assert snapshot.depicts == snapshot.published == datetime.fromtimestamp(SECOND, UTC)
    rows = snapshot.frame[["row", "controller", "status", "native"]].values.tolist()
    assert rows == [
        [1, "RU", "held", "geoJSON.status.occupied #a52714"],
        [2, "UA", "held", "geoJSON.status.dismissed #01579b"],
        [3, "UA", "liberated", "geoJSON.status.dismissed #0f9d58"],
        [4, "UA", "liberated", "geoJSON.status.dismissed_at #0f9d58"],
        [5, None, "contested", "geoJSON.status.unknown #bdbdbd"],
    ]
    assert sum(snapshot.left_out.values()) == 2
    assert [(r.row, "'#123456'" in r.why) for r in snapshot.refusals] == [(7, True)]
    assert snapshot.rows_in == 8


def test_the_live_reply_is_read_too(tmp_path: Path) -> None:
    feature = {"type": "Feature", "properties": {"name": "x", "fill": "#a52714"}, "geometry": square(35)}
    reply = {"id": SECOND, "map": {"type": "FeatureCollection", "features": [feature]}, "datetime": "x"}
    path = tmp_path / "last.json"
    path.write_text(json.dumps(reply))
    assert deepstate.read(path, Options())[0].depicts.timestamp() == SECOND
    path.write_text(json.dumps(reply["map"]))
    with pytest.raises(GateError, match="say --date"):
        deepstate.read(path, Options())
    (dated,) = deepstate.read(path, Options(date="2025-01-11"))
    assert dated.depicts == datetime(2025, 1, 11, tzinfo=UTC)
    assert dated.published is None


@pytest.mark.parametrize("name", ["20250111", "2025", f"{SECOND}000", "deepstatemap_data_20250111"])
def test_a_day_in_the_name_is_no_unix_second(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"{name}.geojson", ("x", "#a52714", square(35)))
    with pytest.raises(GateError, match="no Unix second"):
        deepstate.read(path, Options())


def test_a_date_given_leaves_the_publication_and_the_meaning_of_colours_alone(tmp_path: Path) -> None:
    path = write(tmp_path / f"{SECOND}.geojson", (None, "#880E4F ", square(35)), ("x", None, square(36)))
    (snapshot,) = deepstate.read(path, Options(date="2022-05-01"))
    assert snapshot.depicts == datetime(2022, 5, 1, tzinfo=UTC)
    assert snapshot.published == datetime.fromtimestamp(SECOND, UTC)
    assert snapshot.frame[["status", "native"]].values.tolist() == [["held", "#880e4f"]]
    assert snapshot.refusals[0].why == "fill '' is no class known on 2025-01-11"


def test_before_29_may_2022_name_and_fill_decide_together(tmp_path: Path) -> None:
    path = write(
        tmp_path / "1649524729.geojson",
        ("Крим", "#000000", square(34)),
        ("Придністров'я", "#880e4f", square(29)),
        ("Окуповано", "#a52714", square(35)),
        ("Під питанням", "#a52714", square(36)),
        ("Фактично контролюється ворогом", "#bdbdbd", square(37)),
        ("Ситуація невідома", "#bdbdbd", square(38)),
        ("Щось інше", "#000000", square(39)),
    )
    (snapshot,) = deepstate.read(path, Options())
    found = dict(
        zip(
            snapshot.frame["row"], zip(snapshot.frame["controller"], snapshot.frame["status"], strict=True), strict=True
        )
    )
    assert found == {
        1: ("RU", "held"), 3: ("RU", "held"), 4: (None, "contested"), 5: ("RU", "held"), 6: (None, "contested"),
    }  # fmt: skip
    assert sum(snapshot.left_out.values()) == 1
    assert [r.row for r in snapshot.refusals] == [7]


@pytest.mark.parametrize("second", [1653845722, 1656247500, 1668200658, 1672528400])
def test_from_29_may_2022_on_the_fill_is_the_class(second: int, tmp_path: Path) -> None:
    path = write(
        tmp_path / f"{second}.geojson",
        ("Окупований Крим /// Occupied Crimea", "#880e4f", square(34)),
        ("ОРДЛО /// CADR and CALR", "#880e4f", square(38)),
        ("Придністров'я /// Transnistria", "#ff5252", square(29)),
        ("Острів Тузла /// Occupied Tuzla Island", "#000000", square(36)),
        ("Під питанням /// Contested", "#bdbdbd", square(37)),
        ("Звільнено /// Liberated", "#0f9d58", square(35)),
    )
    (snapshot,) = deepstate.read(path, Options())
    assert snapshot.frame[["row", "controller", "status"]].values.tolist() == [
        [1, "RU", "held"], [2, "RU", "held"], [4, "RU", "held"], [5, None, "contested"], [6, "UA", "liberated"],
    ]  # fmt: skip
    assert snapshot.frame["native"].tolist()[:2] == ["Occupied Crimea #880e4f", "CADR and CALR #880e4f"]
    assert sum(snapshot.left_out.values()) == 1
    (before,) = deepstate.read(write(tmp_path / "1653845699.geojson", ("Крим", "#880e4f", square(34))), Options())
    assert before.refusals


@pytest.mark.parametrize(
    ("day", "fill", "expected"),
    [
        ("2022-07-01", "#757575", (None, "contested")), ("2022-09-27", "#0097a7", ("UA", "liberated")),
        ("2023-06-24", "#ce93d8", ("Wagner", "held")), ("2024-07-01", "#757575", None),
        ("2024-09-27", "#0097a7", None), ("2024-06-24", "#ce93d8", None), ("2023-02-07", "#fbc02d", None),
    ],
)  # fmt: skip
def test_a_fill_of_some_weeks_means_something_in_those_weeks(
    day: str, fill: str, expected: tuple[str | None, str] | None, tmp_path: Path
) -> None:
    second = int(datetime.fromisoformat(f"{day}T12:00+00:00").timestamp())
    (snapshot,) = deepstate.read(write(tmp_path / f"{second}.geojson", ("x", fill, square(35))), Options())
    assert [tuple(row) for row in snapshot.frame[["controller", "status"]].values] == ([expected] if expected else [])
    assert [r.why for r in snapshot.refusals] == ([] if expected else [f"fill {fill!r} is no class known on {day}"])


@pytest.mark.parametrize(
    ("second", "fill", "stored"),
    [
        (1653845640, "#880e4f", False), (1653845760, "#880e4f", True), (1672531200, " #A52714 ", True),
        (1672531200, "a52714", False), (1672531200, "rgb(165,39,20)", False), (1672531200, "", False),
        (1735689600, "#123456", False), (1735689600, "#bdbdbd", True),
    ],
)  # fmt: skip
def test_a_fill_counts_as_it_stands_in_the_table_or_is_refused(
    second: int, fill: str, stored: bool, tmp_path: Path
) -> None:
    path = write(tmp_path / f"{second}.geojson", ("x", fill, square(35)), ("y", "#a52714", square(36)))
    (snapshot,) = deepstate.read(path, Options())
    assert snapshot.frame["row"].tolist() == ([1, 2] if stored else [2])
    assert [(r.row, r.km2 is not None) for r in snapshot.refusals] == ([] if stored else [(1, True)])


# what happened, where a class moves by more than 2,500 km² from one state to the next of those kept here
CAUSES = (
    ("2022-04-01", "2022-04-27", "the first maps are redrawn: doubtful ground in the south and east becomes held"),
    ("2022-09-08", "2022-09-12", "Ukraine retakes most of Kharkiv oblast"),
    ("2022-10-20", "2022-11-25", "Ukraine retakes Kherson oblast west of the Dnipro"),
)


@pytest.mark.long
def test_no_class_jumps_between_neighbouring_states(shared: Path) -> None:
    before: dict[tuple[str | None, str], float] = {}
    last = datetime(2022, 4, 1, tzinfo=UTC)
    files = sorted((shared / "deepstate-raw").glob("*.geojson"))
    assert len(files) > 200
    memory = FindingCache()
    refused = {}
    for path in files:
        (snapshot,) = deepstate.read(path, Options())
        admitted = admit_control(snapshot, options=Options(), countries=shipped_countries(), memory=memory)
        measured = zip(
            admitted.frame["controller"], admitted.frame["status"],
            areas_km2(np.asarray(admitted.frame.geometry.array, dtype=object)), strict=True,
        )  # fmt: skip
        now: dict[tuple[str | None, str], float] = {}
        for controller, status, km2 in measured:
            now[controller, status] = now.get((controller, status), 0.0) + km2
        day = f"{snapshot.depicts:%Y-%m-%d}"
        stated = any(f"{last:%Y-%m-%d}" < end and day > first for first, end, _ in CAUSES)
        for kind in {*now, *before} if before else ():
            moved = abs(now.get(kind, 0.0) - before.get(kind, 0.0))
            assert moved < 2500 or stated, (path.name, kind, moved)
        assert all(r.why for r in admitted.refusals)
        refused |= {day: [r.why for r in admitted.refusals]} if admitted.refusals else {}
        before, last = now, snapshot.depicts
    # nothing is refused but the stray ground in the Arabian Sea
    assert min(refused) == "2023-02-02"
    assert max(refused) <= "2023-11-13"
    assert all("sea" in why for whys in refused.values() for why in whys)


@pytest.mark.parametrize(
    ("last_of", "controller", "expected", "within"),
    [
        ("2022-12-31", "RU", 108_753, 3), ("2023-01-01", "RU", 108_760, 3),
        ("2023-02-02", None, 421.5, 5), ("2023-06-03", None, 400.1, 1),
    ],
)  # fmt: skip
def test_figures_of_days_that_colours_and_stray_ground_spoilt(
    last_of: str, controller: str | None, expected: float, within: float, shared: Path
) -> None:
    end = datetime.fromisoformat(f"{last_of}T23:59:59+00:00").timestamp()
    seconds = [int(p.stem) for p in (shared / "deepstate-raw").glob("*.geojson")]
    path = shared / "deepstate-raw" / f"{max(s for s in seconds if s <= end)}.geojson"
    (snapshot,) = deepstate.read(path, Options())
    frame = admit_control(snapshot, options=Options(), countries=shipped_countries()).frame
    ground = ground_by_class(frame)[controller, "contested" if controller is None else "held", None, ""]
    assert areas_km2(np.array([ground], dtype=object))[0] == pytest.approx(expected, abs=within)


def test_every_real_polygon_before_29_may_2022_is_explained_by_its_own_words(shared: Path) -> None:
    change = deepstate.MEANING_CHANGED.timestamp()
    files = [p for p in sorted((shared / "deepstate-raw").glob("*.geojson")) if int(p.stem) < change]
    assert len(files) > 15
    for path in files:
        listed = json.loads(path.read_text(encoding="utf-8"))["features"]
        (snapshot,) = deepstate.read(path, Options())
        assert snapshot.rows_in == len(listed)
        assert len(snapshot.frame) + sum(snapshot.left_out.values()) + len(snapshot.refusals) == len(listed)
        for row, controller, status in snapshot.frame[["row", "controller", "status"]].itertuples(index=False):
            said = listed[row - 1]["properties"]
            fill, name = said["fill"].lower(), said["name"].lower()
            if "контролюється ворогом" in name or any(word in name for word in ("крим", "ордло", "тузла")):
                assert (controller, status) == ("RU", "held"), name
            elif fill in ("#0f9d58", "#0288d1"):
                assert (controller, status) == ("UA", "liberated"), name
            elif "питанням" in name or "невідом" in name or fill == "#bcaaa4":
                assert (controller, status) == (None, "contested"), name
            else:
                assert fill == "#a52714", (fill, name)
                assert (controller, status) == ("RU", "held"), name
        held = snapshot.frame[snapshot.frame["controller"] == "RU"]
        assert not any("придністров" in listed[row - 1]["properties"]["name"].lower() for row in held["row"])


@pytest.mark.long
def test_every_class_agrees_with_the_reference(shared: Path) -> None:
    with (shared / "reference" / "deepstate_raw_area.csv").open() as stream:
        reference = list(csv.DictReader(stream))
    columns = {
        "#a52714": "occupied", "#880e4f": "occupied_before_2022", "#bcaaa4": "unknown_in_ukraine",
        "#bdbdbd": "unknown_in_russia", "#0f9d58": "liberated", "#0288d1": "liberated_recently",
        "#01579b": "held_by_ukraine_in_russia",
    }  # fmt: skip
    assert len(reference) > 120
    for row in reference:
        (snapshot,) = deepstate.read(shared / "deepstate-raw" / f"{row['unix']}.geojson", Options())
        frame = admit_control(snapshot, options=Options(), countries=shipped_countries()).frame
        frame["native"] = frame["native"].str[-7:]
        ground = ground_by_class(frame, by_native=True)
        found = {key[2]: areas_km2(np.array([shape], dtype=object))[0] for key, shape in ground.items()}
        for fill, column in columns.items():
            assert found.get(fill, 0.0) == pytest.approx(float(row[column] or 0), rel=1e-6, abs=1e-6), (
                row["unix"],
                column,
            )


def test_the_mirror_is_dated_by_its_download(shared: Path) -> None:
    with (shared / "reference" / "deepstate_mirror_area.csv").open() as stream:
        reference = {r["file_date"]: float(r["area_km2"]) for r in csv.DictReader(stream)}
    for day in list(reference)[::40]:
        path = shared / "deepstate-mirror" / f"deepstatemap_data_{day.replace('-', '')}.geojson"
        (snapshot,) = deepstate.read_mirror(path, Options())
        assert snapshot.published is not None
        assert snapshot.published.date().isoformat() == day
        assert (snapshot.published - snapshot.depicts).days == 1
        km2 = areas_km2(np.asarray(snapshot.frame.geometry.array, dtype=object)).sum()
        assert km2 == pytest.approx(reference[day], rel=1e-8)


def test_a_mirror_file_without_a_date_says_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "map.geojson", ("", "", square(35)))
    with pytest.raises(GateError, match="--date"):
        deepstate.read_mirror(path, Options())
    assert deepstate.read_mirror(path, Options(date="2025-01-11"))[0].depicts == datetime(2025, 1, 11, tzinfo=UTC)


def documents(folder: Path) -> list[Path]:
    """Maps that repeat each other's features, laid out in the ways of several programs, and some that only seem to."""
    one, two, three = (
        json.dumps({"type": "Feature", "geometry": square(x), "properties": {"name": f"{x}"}}, separators=(",", ":"))
        for x in (35, 36, 37)
    )
    trap = json.dumps({"type": "Feature", "geometry": None, "properties": {"name": '},{"type":"Feature"'}})
    head = '{"type":"FeatureCollection","features":['
    both = f"{head}{one},{two}"
    texts = [
        f"{both}]}}", f"{head}{two},{one},{one}]}}", f"{head}{one},\n{three}\n]}}", f"{head}]}}", f"{head}{trap},{one}]}}",
        f'{{"name":"a","crs":{{"b":[1]}},"features": [\n{three},\n{two}\n]\n}}\n', f'{{"features":[{one}],"id":3}}',
        f'{{"features":[],"map":{{"features":[{one},{two}]}}}}', f'{{"features":[{one}],"features":[{two}]}}',
        f'{{"features":[{two}],"features":[]}}', f"{head}{one},]}}", f"{both}x]}}", both, f"{both}]", f"{both}]}}}}",
        f"{both},3]}}",
    ]  # fmt: skip
    paths = [folder / f"{number}.geojson" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


def told(path: Path, *, repeats: bool) -> Any:
    try:
        return read_json(path, repeats=repeats)
    except (FileError, GateError) as error:
        return str(error)


def test_features_that_stood_in_the_file_before_are_read_alike(tmp_path: Path) -> None:
    paths = documents(tmp_path)
    plain = [told(path, repeats=False) for path in paths]
    assert len({type(found) for found in plain}) == 2  # some are no JSON
    for before in paths:
        for path, wanted in zip(paths, plain, strict=True):
            told(before, repeats=True)
            assert told(path, repeats=True) == wanted


def test_shapes_that_stood_in_the_file_before_are_built_alike(tmp_path: Path) -> None:
    ring = [[35, 50], [36, 50], [36, 51], [35, 51]]
    drawn = [square(37), {"type": "Polygon", "coordinates": [ring]}, {"type": "Polygon", "coordinates": [ring[:2]]}]
    for path, shapes in ((tmp_path / "a.json", drawn), (tmp_path / "b.json", [*drawn[::-1], square(38), drawn[1]])):
        listed = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": listed}, separators=(",", ":")))
        read = read_json(path, repeats=True)["features"]
        for _ in range(2):
            found, wanted = build([feature["geometry"] for feature in read]), build(shapes)
            assert [str(shape) for shape in found.geometry] == [str(shape) for shape in wanted.geometry]
            assert (found.closed, found.errors) == (wanted.closed, wanted.errors)
