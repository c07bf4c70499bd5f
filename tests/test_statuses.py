"""A status and a side that are added at run time: every verb and every output knows them, in one order, told apart."""

from __future__ import annotations

import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping
from test_maps import data_of

import geo
from geo.archive import open_archive
from geo.cli import main
from geo.errors import UsageError
from geo.presentation import sides, statuses
from geo.presentation.chart_lines import class_line
from geo.presentation.labels import class_label
from geo.presentation.statuses import STATUSES, Bar, Pattern, Status, class_order, status_of
from geo.presentation.symbols import class_symbols

PATROLLED = Status(
    "patrolled", "Patrolled by {side}", Pattern(9, 0.12, [Bar(1.2, 0.7), Bar(1.2, 0.7, across=True)]), 1.4, "6 2 1 2",
    qgis_fill="cross", qgis_opacity=0.7, kml_opacity=0.3, chart_dash=(6, 1.5),
)  # fmt: skip
QUORUM = sides.Side("QQ", {"en": "Quorum"}, "#118833", order=-1)
ORDER = ["held", "claimed", "advance", "patrolled", "contested", "liberated"]
LABELS = [
    "Held by Quorum", "Held by X", "Claimed by X, not confirmed", "Advance of X, assessed", "Patrolled by Quorum",
    "Contested or unknown", "Liberated, X",
]  # fmt: skip
DAYS = ("2025-01-10", "2025-01-12")


def features(east: float) -> list[dict]:
    rows = [
        ("X", "held", box(34, 50, 34.5, 50.4)), ("QQ", "held", box(34, 50.5, east, 50.9)),
        ("X", "claimed", box(34.6, 50, 34.9, 50.4)), ("X", "advance", box(35, 50, 35.3, 50.4)),
        ("QQ", "patrolled", box(35.4, 50, east + 1.2, 50.4)), (None, "contested", box(34.6, 50.5, 34.9, 50.9)),
        ("X", "liberated", box(35, 50.5, 35.3, 50.9)),
    ]  # fmt: skip
    return [
        {"type": "Feature", "properties": {"controller": c, "status": s}, "geometry": mapping(shape)}
        for c, s, shape in rows
    ]


def run(*words: object) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def known() -> Iterator[None]:
    with statuses.registered(PATROLLED, after="advance"), sides.registered_side(QUORUM):
        yield


@pytest.fixture(scope="module")
def path(known: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sixth")
    for name, shift in (("desk", 0.0), ("rival", 0.05)):
        for day, east in zip(DAYS, (34.3, 34.5), strict=True):
            file = folder / f"{name}-{day}.geojson"
            file.write_text(json.dumps({"type": "FeatureCollection", "features": features(east + shift)}))
            run("import", folder / "a.gpkg", "vector", file, "--date", day, "--name", name)
    return folder / "a.gpkg"


def in_order(text: str, labels: list[str] = LABELS) -> bool:
    places = [text.find(label) for label in labels]
    return -1 not in places and places == sorted(places)


def legend_of(page: str) -> str:
    found = re.search(r'<ul class="legend[^"]*">(.*?)</ul>', page, flags=re.S)
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("known")
def test_one_order_and_nothing_in_common() -> None:
    assert list(STATUSES) == ORDER
    keys = [("X" if status_of(s).has_side else None, s, "") for s in ORDER]
    shuffled = [keys[i] for i in (3, 0, 5, 2, 4, 1)]
    assert sorted(shuffled, key=class_order) == keys
    symbols = class_symbols(key[:2] for key in keys)
    assert [key[1] for key in symbols] == ORDER
    looks = {re.sub(r"#\w{6}|id=\"\w+\"", "", symbol.svg) for symbol in symbols.values()}
    assert len(looks) == len({class_label(*key) for key in keys}) == len(ORDER)
    dashes = {tuple(class_line(key, {"X": "#112233"}, [], []).dash) for key in keys}
    assert len(dashes) == len({status_of(s).qgis_fill for s in ORDER}) == len(ORDER)
    assert class_label("QQ", "patrolled") == "Patrolled by Quorum"


def test_what_cannot_be_told_apart_is_refused() -> None:
    for change in ("name", "label", "pattern", "qgis_fill", "chart_dash"):
        fresh = Status("seized", "Seized by {side}", Pattern(5, 0.2), 1.0, "1 1", "dense1", 0.5, 0.5, (9, 9))
        twin = replace(fresh, **{change: getattr(status_of("claimed"), change)})
        with pytest.raises(UsageError, match=f"its {change} is that of claimed"):
            statuses.register(twin)
    with sides.registered_side(QUORUM), pytest.raises(UsageError, match="what QQ is called"):
        sides.register_side(sides.Side("ZZ", {"en": "Quorum"}))


@pytest.mark.parametrize(
    "words",
    [
        ["area"], ["area", "--status", "patrolled", "--format", "json"], ["area", "--explain"],
        ["change", "--from", DAYS[0], "--to", DAYS[1]],
        ["change", "--from", DAYS[0], "--to", DAYS[1], "--status", "patrolled", "--explain"],
        ["series"], ["series", "--by", "unit"], ["series", "--status", "patrolled", "--format", "csv"],
        ["front", "--date", DAYS[1]], ["who", "--at", "50.2,35.45"],
    ],
)  # fmt: skip
def test_every_verb_answers(path: Path, words: list[str]) -> None:
    said = run(words[0], path, *words[1:], "--source", "desk")
    assert "patrolled" in said or words[0] == "front"


def test_tables_are_in_the_one_order(path: Path) -> None:
    rows = open_archive(path).area(source="desk")
    assert list(rows["status"]) == ["held", "held", "claimed", "advance", "patrolled", "contested", "liberated"]
    assert list(rows["controller"][:2]) == ["QQ", "X"]


def test_two_sources_and_their_check(path: Path) -> None:
    said = run("compare", path, "--source", "desk", "--source", "rival", "--date", DAYS[1], "--status", "patrolled")
    assert "patrolled" in said
    assert run("check", path)
    text = "On 12 January 2025 X held more than 10 km²."
    assert "desk" in run("claims", path, "--text", text, "--set", "controller=QQ")


def test_pages_say_and_draw_it_in_order(path: Path, tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    run("map", path, "--source", "desk", "--since", DAYS[0], "--liberated", "-o", page)
    text = page.read_text(encoding="utf-8")
    assert in_order(legend_of(text))
    assert in_order(text[text.index("Key figures") :])
    drawn = data_of(text)["classes"]
    assert [item["label"] for item in drawn] == LABELS[::-1]  # the first of the order on top
    assert len({item["pattern"] for item in drawn}) == len(LABELS)
    line = tmp_path / "timeline.html"
    run("timeline", path, "--source", "desk", "-o", line)
    assert in_order(legend_of(line.read_text(encoding="utf-8")))
    run("timeline", path, "--source", "desk", "--source", "rival", "-o", line)
    dates = tmp_path / "dates.html"
    run("compare-dates", path, "--source", "desk", "--from", DAYS[0], "--to", DAYS[1], "--liberated", "-o", dates)
    assert in_order(legend_of(dates.read_text(encoding="utf-8")))
    both = tmp_path / "compare.html"
    run("compare", path, "--source", "desk", "--source", "rival", "--date", DAYS[1], "-o", both,
        *(word for status in ORDER for word in ("--status", status)))  # fmt: skip
    said = legend_of(both.read_text(encoding="utf-8"))
    assert in_order(said, [f"{label}: by all" for label in LABELS])


def test_pictures_charts_and_films(path: Path, tmp_path: Path) -> None:
    for verb, name in (("picture", "p.svg"), ("chart", "c.svg"), ("movie", "m.gif")):
        run(verb, path, "--source", "desk", "-o", tmp_path / name)
    assert in_order((tmp_path / "p.svg").read_text(encoding="utf-8"))
    assert in_order((tmp_path / "c.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize("ending", ["html", "md", "docx", "pptx"])
def test_briefings(path: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"b.{ending}"
    run("brief", path, "--source", "desk", "-o", file)
    if ending in ("docx", "pptx"):
        with zipfile.ZipFile(file) as parts:
            text = "".join(parts.read(n).decode() for n in parts.namelist() if n.endswith(".xml"))
        text = re.sub(r"<[^>]+>", "", text)
    else:
        text = file.read_text(encoding="utf-8")
    table = text[text.index("What changed, by class") if "What changed, by class" in text else 0 :]
    assert in_order(table)


def test_a_site_and_its_downloads(path: Path, tmp_path: Path) -> None:
    run("site", path, "--source", "desk", "-o", tmp_path / "site")
    page = (tmp_path / "site" / "dates" / f"{DAYS[1]}.html").read_text(encoding="utf-8")
    assert in_order(legend_of(page))
    root = ET.fromstring(zipfile.ZipFile(tmp_path / "site" / "data" / "map.kmz").read("map.kml"))
    kml = {"k": "http://www.opengis.net/kml/2.2"}
    fills = {
        style.get("id"): style.findtext("k:PolyStyle/k:color", "", kml)
        for style in root.findall(".//k:Style", kml)
        if style.find("k:PolyStyle", kml) is not None
    }
    named = {
        mark.findtext("k:name", "", kml): fills[mark.findtext("k:styleUrl", "", kml)[1:]]
        for mark in root.findall(".//k:Placemark", kml)
    }
    opacities = {status_of(s).label.format(side="X"): status_of(s).kml_opacity for s in ORDER}
    for label, opacity in opacities.items():
        for name in (label, label.replace(" X", " Quorum")):
            if name in named:
                assert int(named[name][:2], 16) == round(255 * opacity), name
    assert set(LABELS) <= set(named)
    assert named["Patrolled by Quorum"][2:] == "338811"


def test_qgis_reads_every_class(path: Path) -> None:
    with sqlite3.connect(path) as database:
        (qml,) = database.execute("SELECT styleQML FROM layer_styles WHERE f_table_name = 'control'").fetchone()
    root = ET.fromstring(qml)
    found = {}
    for category in root.findall(".//category"):
        symbol = root.find(f".//symbols/symbol[@name='{category.get('symbol')}']")
        assert symbol is not None
        options = {o.get("name"): o.get("value") for o in symbol.findall(".//Option[@name]")}
        found[category.get("label")] = (options["style"], str(options["color"]).rpartition(",")[2])
    rows = {label: status_of(s) for label, s in zip(LABELS, ["held", *ORDER], strict=True)}
    assert list(found) == LABELS
    assert found == {label: (row.qgis_fill, str(round(255 * row.qgis_opacity))) for label, row in rows.items()}


# -- the shipped table -------------------------------------------------------------------------------------------------


def test_no_fill_is_invisible_and_held_ground_is_the_strongest_of_a_side() -> None:
    table = [status_of(name) for name in ORDER if name != "patrolled"]
    for row in table:
        assert 0.2 < row.kml_opacity < 0.9, row.name
        assert 0.2 < row.qgis_opacity <= 1.0, row.name
        assert 0.05 < row.pattern.opacity < 0.9, row.name
    held = status_of("held")
    assert all(held.kml_opacity > row.kml_opacity for row in table if row is not held)
    assert all(held.pattern.opacity > row.pattern.opacity for row in table if row.has_side and row is not held)
    assert held.qgis_fill == "solid"


def test_lines_of_a_chart_are_long_dashes_for_claims_and_dots_for_advances() -> None:
    """As docs/figures.md says; swapped, a reader would take one for the other."""
    assert status_of("held").chart_dash == ()
    claimed, advance = (status_of(name).chart_dash for name in ("claimed", "advance"))
    assert claimed[0] >= 3
    assert advance[0] <= 1
    assert status_of("claimed").dash.split()[0] > status_of("advance").dash.split()[0]


def test_what_counts_as_what() -> None:
    assert statuses.named(is_held=True) == ("held",)
    assert statuses.named(widens_upper_bound=True) == ("contested",)
    assert statuses.named(has_side=False) == ("contested",)
    assert statuses.named(is_current=False) == ("liberated",)


# -- liberated ground left out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "name"),
    [("map", "a.html"), ("timeline", "a.html"), ("picture", "a.svg"), ("brief", "a.html"), ("movie", "a.gif")],
)
def test_liberated_ground_can_be_left_out_of_what_is_drawn(path: Path, tmp_path: Path, verb: str, name: str) -> None:
    file = tmp_path / name
    run(verb, path, "--source", "desk", "--no-liberated", "-o", file)
    if verb == "movie":
        return
    text = file.read_text(encoding="utf-8")
    if verb == "picture":
        assert text.count("Liberated") == text.count("Liberated, X") > 0  # the figures keep it
        return
    assert "Liberated" not in legend_of(text)
    assert in_order(legend_of(text), LABELS[:-1])
    if verb in ("map", "brief"):
        assert LABELS[-1] not in [item["label"] for item in data_of(text)["classes"]]
        assert LABELS[-1] in text  # the figures keep it


def test_liberated_ground_can_be_left_out_of_maps_of_days_two_dates_and_sites(path: Path, tmp_path: Path) -> None:
    run("maps", path, "--source", "desk", "--no-liberated", "-o", tmp_path / "maps")
    dates = tmp_path / "dates.html"
    run("compare-dates", path, "--source", "desk", "--from", DAYS[0], "--to", DAYS[1], "--no-liberated", "-o", dates)
    run("site", path, "--source", "desk", "--no-liberated", "-o", tmp_path / "site")
    pages = [dates, *(tmp_path / "maps").glob("*.html"), *(tmp_path / "site" / "dates").glob("*.html")]
    assert len(pages) == 5
    for page in pages:
        assert "Liberated" not in legend_of(page.read_text(encoding="utf-8")), page


def test_an_option_that_an_output_has_no_use_for_is_refused(path: Path) -> None:
    with pytest.raises(TypeError, match="draw_dates.. got an unexpected keyword argument 'since'"):
        geo.draw_dates(open_archive(path), *DAYS, source="desk", since=DAYS[0])
