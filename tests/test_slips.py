"""A newcomer's slips: what the command line says to them, and that it is never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shapely.geometry import box, mapping

from geo.cli import main
from geo.errors import STOPPED, GateError
from geo.schema import last_instant, parse_instant


def run(*words: object) -> Result:
    """A call; what is raised without purpose fails the test that makes it."""
    return CliRunner().invoke(main, [str(w) for w in words], catch_exceptions=False)


def write(path: Path, *sides: str) -> Path:
    """A desk's file: each side holds a square of its own."""
    features = [
        {
            "type": "Feature",
            "properties": {"controller": side, "status": "held"},
            "geometry": mapping(box(35 + n, 51, 35.5 + n, 51.3)),
        }
        for n, side in enumerate(sides)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slips")
    path = folder / "a.gpkg"
    for day in ("2025-01-10", "2025-01-11"):
        done = run("import", path, "vector", write(folder / f"{day}.geojson", "UA", "RU"))
        assert done.exit_code == 0, done.output
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("map", "--incident-days", "99999999999999", "-o", "o.html"),
        ("movie", "--incident-days", "99999999999999", "-o", "o.gif"),
        ("movie", "--every-days", "0", "-o", "o.gif"),
        ("area", "--max-age-days", "-1"),
        ("area", "--max-age-days", "nan"),
        ("change", "--from", "2025-01-10", "--to", "2025-01-11", "--max-age-days", "-1"),
        ("claims", "--text", "Ukraine holds 500 km²", "--max-age-days", "1e300"),
        ("compare", "--lag-days", "99999999999999", "--from", "2025-01-10", "--to", "2025-01-11"),
    ],
)
def test_days_out_of_range_are_a_slip_of_usage(words: tuple[str, ...], archive: Path) -> None:
    done = run(words[0], archive, *words[1:])
    assert done.exit_code == 2, done.output
    assert "Invalid value" in done.stderr


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    assert last_instant("9999-12-31").isoformat() == "9999-12-31T23:59:59.999000+00:00"
    with pytest.raises(GateError, match="does not reach so far"):
        parse_instant("0001-01-01T00:00+05:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-02-30", "there is no such day as 2026-02-30"),
        ("2026-13-01T00:00Z", "there is no such day as 2026-13-01"),
        ("2026-02-03T25:00Z", "no such time of day"),
        ("30.2.2026", "write it as YYYY-MM-DD"),
    ],
)
def test_a_day_that_is_none_is_told_from_one_written_otherwise(text: str, said: str) -> None:
    with pytest.raises(GateError, match=said):
        parse_instant(text)


@pytest.mark.parametrize("module", ["geo.cli.common", "geo.cli.outputs", "click"])
def test_stopped_while_the_libraries_load_it_ends_as_ever(module: str) -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from geo.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, f"geo: {STOPPED}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("area", "--by", "unit"),
        ("area", "--in", "Kursk"),
        ("change", "--from", "2025-01-10", "--to", "2025-01-11", "--by", "unit"),
        ("series", "--by", "unit"),
        ("area",),
        ("claims", "--text", "UA holds 500 km²", "--date", "2025-01-11"),
    ],
)
def test_a_boundary_set_that_is_not_there_is_an_error(words: tuple[str, ...], archive: Path) -> None:
    done = run(words[0], archive, *words[1:], "--boundary", "desk 2025")
    assert done.exit_code == 2, done.output
    assert "no boundary set 'desk 2025' in the archive; there are: " in done.stderr


def incidents_file(path: Path, *best: str) -> Path:
    rows = [f"e{n},2025-01-11,Sudzha,51.19,35.27,{number}" for n, number in enumerate(best)]
    path.write_text("\n".join(["id,event_date,place,latitude,longitude,best", *rows, ""]), encoding="utf-8")
    return path


def test_numbers_that_count_nobody_are_refused_with_row_and_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    done = run("import", path, "incidents", incidents_file(tmp_path / "n.csv", "3", "-4", "1e23", "2.5", "2147483647"))
    assert done.exit_code == 0, done.output
    assert "5 rows in = 2 stored + 3 refused" in done.stdout
    for line in ("row 2 refused: best -4 is below 0", "row 3 refused: best 1e+23 is beyond 2,147,483,647",
                 "row 4 refused: best 2.5 is no whole number"):  # fmt: skip
        assert line in done.stderr
    assert run("check", path).exit_code == 0


def test_where_all_rows_are_refused_each_is_told_and_all_are_kept_beside_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    rows = incidents_file(tmp_path / "n.csv", *["-1"] * 30)
    done = run("import", path, "incidents", rows)
    assert done.exit_code == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("  row ")]) == 20
    assert "and 10 more" in done.stderr
    beside = (tmp_path / "x.refused" / "n.csv.csv").read_text(encoding="utf-8-sig")
    assert len(beside.splitlines()) == 31
    receipt = json.loads(run("import", path, "incidents", rows, "--format", "json").stdout)["receipts"][0]
    assert receipt["rows_in"] == receipt["rows_stored"] + receipt["rows_refused"] == 30


def test_a_map_of_which_nothing_can_be_let_in_lists_its_rows_too(tmp_path: Path) -> None:
    bad = write(tmp_path / "2025-01-12.geojson", "UA", "RU")
    text = bad.read_text(encoding="utf-8").replace("51.3", "91.3")
    bad.write_text(text, encoding="utf-8")
    done = run("import", tmp_path / "x.gpkg", "vector", bad)
    assert done.exit_code == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("  row ")]) == 2
    assert (tmp_path / "x.refused" / "2025-01-12.geojson.csv").exists()


def claimed(archive: Path, *words: str) -> Result:
    return run("claims", archive, "--date", "2025-01-11", *words)


def test_it_in_a_second_claim_is_the_ground_of_the_first(archive: Path) -> None:
    held = ("--text", "Ukraine holds more than 500 km² in Kursk")
    found = json.loads(
        claimed(archive, *held, "--and", "Russia has retaken 40 percent of it", "--format", "json").stdout
    )
    second = found["and"]["claim"]
    assert (second["quantity"], second["controller"], second["against"], second["unit"], second["value"]) == (
        "share retaken", "RU", "UA", "RU-KRS", 40.0,
    )  # fmt: skip
    assert "peak of 833 km² or more" in found["together"]["text"]
    unread = claimed(archive, *held, "--and", "40 of them")
    assert unread.exit_code == 2
    assert "its figure could not be read" in unread.stderr
    assert "--set" not in unread.stderr


def test_every_figure_of_a_sentence_is_answered(archive: Path) -> None:
    said = ("--text", "500 km² held, 40 percent retaken", "--set", "controller=UA", "--format", "json")
    first, second = json.loads(claimed(archive, *said).stdout)["claims"]
    assert (first["claim"]["quantity"], first["claim"]["value"]) == ("held", 500.0)
    assert (second["claim"]["quantity"], second["claim"]["value"]) == ("share retaken", 40.0)
    both = claimed(archive, *said[:2], "--and", "Russia holds 300 km²")
    assert "left unread: 40 percent" in both.stdout


def test_what_is_not_known_is_told_with_the_option_that_says_it(archive: Path) -> None:
    bare = claimed(archive, "--text", "holds 500 km²")
    assert "cannot be checked: not known: controller" in bare.stdout
    assert "--set controller=" in bare.stderr
    assert "value_unit" in bare.stderr
    said = claimed(archive, "--text", "holds 500 km²", "--set", "controller=UA", "--in", "Kursk")
    assert "is named" not in said.output
    assert "a bare figure is read as exact to half of its last digit: 495 to 505 km²" in said.stdout
    assert "bare figure" not in claimed(archive, "--text", "UA holds about 500 km² in Kursk").stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Kusrk", "Kursk"), ("Belgrod region", "Belgorod"), ("Курсвк", "Kursk"), ("Ukrania", "Ukraine")],
)
def test_a_slip_in_a_units_name_finds_the_unit(typed: str, meant: str, archive: Path) -> None:
    done = run("area", archive, "--in", typed)
    assert done.exit_code == 2
    near = done.stderr.partition("near it: ")[2]
    assert meant in near.partition(",")[0]


def test_json_where_a_table_is_wanted_is_called_json(tmp_path: Path) -> None:
    for text, said in (
        ('{"type": "FeatureCollection", "features": []}', "this is JSON, not CSV"),
        ('[\n {"a": 1},\n {"a": 2}]', "no column event_date"),  # rows, as ACLED's interface gives them
    ):
        (tmp_path / "f.csv").write_text(text, encoding="utf-8")
        done = run("import", tmp_path / "x.gpkg", "acled", tmp_path / "f.csv")
        assert done.exit_code == 1
        assert said in done.stderr


@pytest.mark.parametrize("verb", ["repair", "backup"])
def test_a_copy_that_cannot_be_made_is_what_the_message_names(verb: str, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "copy.gpkg"
    done = run(verb, archive, "-o", target)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"geo: {target}: the copy cannot be written")


def test_an_empty_file_is_called_empty_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "e.gpkg"
    path.touch()
    done = run("area", path)
    assert "the file is empty (0 bytes)" in done.stderr
    assert "delete it" in done.stderr
    assert "empty" in run("check", path).stdout


def test_a_receipt_tells_a_side_that_the_source_never_had_and_what_is_superseded(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    first, second, third = (tmp_path / f"2026-03-1{n}.geojson" for n in (5, 6, 7))
    named = ("--name", "desk")
    done = run("import", path, "vector", *(write(f, "Northland", "Southland") for f in (first, second)), *named)
    assert "new side" not in done.output
    assert done.stdout.splitlines()[-1] == "2 files: 2 new"
    done = run("import", path, "vector", write(first, "Northland", "Sothland"), second, third, *named)
    assert "stored as desk@2026-03-15+1, supersedes desk@2026-03-15;" in done.stdout
    assert "new side 'Sothland' (known so far: Northland, Southland)" in done.stdout
    assert "3 files: 1 superseding, 1 unchanged, 1 refused" in done.stdout
    assert f"geo corrections {path}" in done.stdout
    assert "new side" not in run("import", path, "vector", write(third, "Sothland"), *named).output


def test_a_note_of_many_files_is_told_once_with_their_number(tmp_path: Path) -> None:
    rows = ["id,event_date,place,latitude,longitude", "a,2025-01-11,Sudzha,51.19,35.27", ""]
    files = [tmp_path / f"{n}.csv" for n in range(3)]
    for file in files:
        file.write_text("\n".join(rows).replace("a,", f"{file.stem},"), encoding="utf-8")
    out = run("import", tmp_path / "x.gpkg", "incidents", *files).stdout
    notes = [line for line in out.splitlines() if "1 new" in line]
    assert notes == ["in 3 files: 1 new"], out


def test_help_knows_verbs_last_parts_and_what_is_near() -> None:
    own = run("help", "area").stdout
    assert own.startswith("Usage: geo area ")
    assert own == run("area", "--help").stdout.replace("Usage: main area ", "Usage: geo area ")
    assert run("help", "own-polygons").stdout == run("help", "howto/own-polygons").stdout
    assert "geo claims --help" in run("help", "claims").stderr
    for typed, meant in (("aera", "area"), ("own-polygon", "howto/own-polygons"), ("conventoins", "conventions")):
        done = run("help", typed)
        assert done.exit_code == 2
        assert f"near it: {meant}" in done.stderr
    assert "there are: " in run("help", "xxxxxxxx").stderr


def test_tables_by_unit_end_with_the_units_name(archive: Path) -> None:
    span = ("--from", "2025-01-10", "--to", "2025-01-11")
    for words in (("area",), ("change", *span), ("series",)):
        rows = json.loads(run(words[0], archive, *words[1:], "--by", "unit", "--format", "json").stdout)["rows"]
        assert all(list(row)[-1] == "unit_name" for row in rows)
        assert {row["unit"]: row["unit_name"] for row in rows}["RU-KRS"] == "Kursk Oblast"
        plain = json.loads(run(words[0], archive, *words[1:], "--format", "json").stdout)["rows"]
        assert all("unit_name" not in row for row in plain)


def test_units_are_listed_by_country_and_level_with_their_set(archive: Path) -> None:
    rows = json.loads(run("units", archive, "--country", "ua", "--format", "json").stdout)["rows"]
    assert {row["level"] for row in rows} >= {0, 1}
    assert all(row["unit"] == "UA" or row["parent"].startswith("UA") for row in rows)
    table = run("units", archive, "--country", "UA", "--level", "0").stdout
    assert "boundary_set" in table or "boundary_set:" in table
    assert run("units", archive, "--country", "XX").exit_code == 2


def test_one_of_a_thing_is_said_in_the_singular(archive: Path) -> None:
    late = run("area", archive, "--date", "2025-01-12", "--max-age-days", "0")
    assert "1 day old" in late.stderr
    assert "1 days" not in late.stderr


def test_incidents_say_whose_deaths_and_which_days_and_datasets(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    run("import", path, "incidents", incidents_file(tmp_path / "n.csv", "3", "4"))
    assert "fatalities best" in run("incidents", path).stdout
    assert "fatalities" not in run("incidents", path, "--format", "csv").stdout
    for by in ("type", "unit"):
        title = run("incidents", path, "--by", by).stdout.splitlines()[0]
        assert title == f"incidents by {by}, 2025-01-11, of incidents; each dataset by itself"
